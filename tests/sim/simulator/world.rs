//! The world of one run: servers, clients, networks, one heap of events, one true time, one generator.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;

use understudy::config::Config;
use understudy::engine::Patience;
use understudy::journal::OpenMode;
use understudy::server::event::{Arrival, PartnerId};

use super::beside::Hearing;
use super::checks::Told;
use super::client::SimClient;
use super::clock::{MILLI, NodeClock, Time};
use super::faults::Undo;
use super::ledger::Ledger;
use super::mix::{Fault, Mix};
use super::node::{Inward, Node, Outward};
use super::random::Random;
use super::report::{Report, Violation};
use super::rival::Rival;
use super::service::Pairs;
use super::site::{Site, server_address};
use super::support::Reply;
use super::support::disk::SimDisk;
use super::transcript::{Keep, Transcript};
use super::wires::Wires;

/// Lines of a transcript that a violation shows, unless `TAIL=` says how many.
const TAIL: usize = 150;
/// Datagrams between two servers that are kept, to be sent again.
const KEPT_MAX: usize = 400;

/// What happens at a time of its own.
#[derive(Debug)]
pub(crate) enum Event {
    /// A datagram arrives: from, to, octets, and whether it is what the sender sent.
    Datagram(usize, usize, Vec<u8>, Kin),
    /// The news that a port is closed arrives: whose, at whom.
    Refusal(usize, usize),
    /// A message of a client arrives at a server.
    Packet(usize, Arrival, Vec<u8>),
    /// The answer to a ping arrives.
    Echo(usize, Ipv4Addr),
    /// The commit of a server's turn has ended, in that start of it.
    Leave(usize, u32),
    /// A reply arrives on a subnet.
    Reply(usize, Box<Reply>),
    /// A message of a client arrives at the second failover.
    RivalHears(Arrival, Vec<u8>),
    /// The commit of a turn of the second failover has ended, in that start of it.
    RivalLeaves(u32),
    /// A server is started.
    Start(usize),
    /// The next fault is due.
    Fault,
    /// A fault ends.
    Undo(Undo),
    /// Something happens in the life of a client.
    Life,
}

/// Where a datagram comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kin {
    /// A server sent it, now.
    Good,
    /// It is damaged, forged, or came before.
    Bad,
}

/// What a client's message was about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    /// The number of the client.
    pub(crate) who: u16,
    /// Where it was.
    pub(crate) subnet: usize,
    /// The address.
    pub(crate) about: Option<Ipv4Addr>,
    /// Whether it says that it has the address already.
    pub(crate) claims: bool,
    /// When it was sent last.
    pub(crate) at: Time,
}

/// One run.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) mix: Mix,
    pub(crate) random: Random,
    pub(crate) now: Time,
    pub(crate) site: Site,
    pub(crate) nodes: Vec<Node>,
    pub(crate) clients: Vec<SimClient>,
    pub(crate) wires: Wires,
    pub(crate) ledger: Ledger,
    pub(crate) report: Report,
    pub(crate) transcript: Transcript,
    pub(crate) violation: Option<Violation>,
    /// What messages of clients were about, by xid.
    pub(crate) asked: HashMap<u32, Asked>,
    /// Datagrams that arrived, from and to whom: to be replayed.
    pub(crate) kept: Vec<(usize, usize, Vec<u8>)>,
    /// A server with an older disk and its partners are left in peace until then.
    pub(crate) guarded_until: Time,
    /// Whether faults happen.
    pub(crate) troubled: bool,
    /// When each primary was reloaded last.
    pub(crate) reloaded: Vec<Option<Time>>,
    /// What is remembered of each primary and its channel.
    pub(crate) hearing: Vec<Hearing>,
    /// What each server said it holds.
    pub(crate) told: Vec<Vec<Told>>,
    /// What is watched of the pairs.
    pub(crate) pairs: Pairs,
    /// Turns of each server in the running second.
    pub(crate) spent: Vec<(u64, u64)>,
    events: BTreeMap<(Time, u64), Event>,
    serial: u64,
    /// The states of each server as they were seen last.
    pub(crate) states: Vec<String>,
    /// Channels with a wrong key somewhere, or with a change of keys under way.
    pub(crate) rekeyed: Vec<bool>,
    /// A second failover.
    pub(crate) rival: Option<Rival>,
}

impl World {
    /// A site with everything running, at rest.
    pub(crate) fn new(seed: u64, mix: &Mix, keep: Keep) -> World {
        let mut random = Random::new(seed);
        let site = Site::draw(seed, mix, &mut random);
        let count = site.primaries + 1;
        let skew = (site.skew * 1000 / 2).saturating_sub(200);
        let mut nodes = Vec::new();
        for index in 0..count {
            let clock = NodeClock { drift: random.around(100), offset: random.around(skew) };
            nodes.push(Node::new(index, SimDisk::new(random.next()), clock));
        }
        let pairs = Pairs::new(&site);
        let wires = Wires::new(count, site.subnets.len());
        let mut world = World {
            seed,
            mix: mix.clone(),
            random,
            now: 0,
            site,
            nodes,
            clients: Vec::new(),
            wires,
            ledger: Ledger::default(),
            report: Report { seeds: 1, ..Report::default() },
            transcript: Transcript::new(keep),
            violation: None,
            asked: HashMap::new(),
            kept: Vec::new(),
            guarded_until: 0,
            troubled: false,
            reloaded: vec![None; count],
            hearing: vec![Hearing::default(); count],
            told: vec![Vec::new(); count],
            pairs,
            spent: vec![(0, 0); count],
            events: BTreeMap::new(),
            serial: 0,
            states: vec![String::new(); count],
            rekeyed: vec![false; count],
            rival: None,
        };
        for node in 0..count {
            world.start(node, OpenMode::New);
        }
        world.count_properties();
        world
    }

    /// The failover.
    pub(crate) fn failover(&self) -> usize {
        self.site.primaries
    }

    /// Has something happen at a time.
    pub(crate) fn at(&mut self, time: Time, event: Event) {
        self.serial += 1;
        self.events.insert((time.max(self.now), self.serial), event);
    }

    /// An invariant is broken; the first one counts.
    pub(crate) fn fail(&mut self, invariant: u8, what: String) {
        if self.violation.is_none() {
            let tail = std::env::var("TAIL").ok().and_then(|lines| lines.parse().ok()).unwrap_or(TAIL);
            self.violation = Some(Violation {
                invariant,
                what,
                seed: self.seed,
                mix: self.mix.clone(),
                at: self.now,
                transcript: self.transcript.tail(tail),
            });
        }
    }

    /// In words, for the transcript.
    pub(crate) fn say(&mut self, words: impl FnOnce() -> String) {
        self.transcript.say(self.now, words);
    }

    /// Lets time pass until `until`.
    pub(crate) fn run_until(&mut self, until: Time) {
        while self.violation.is_none() && self.step(until) {}
        self.now = self.now.max(until);
    }

    /// The next thing that happens; false when nothing does by `limit`.
    fn step(&mut self, limit: Time) -> bool {
        let now = self.now;
        let turn = self.nodes.iter().map(|node| (node.next_turn(now), node.index)).min().expect("nodes");
        let timer = self.clients.iter().enumerate().map(|(index, client)| (client.due, index)).min();
        let timer = timer.unwrap_or((Time::MAX, 0));
        let event = self.events.first_key_value().map_or(Time::MAX, |(key, _)| key.0);
        let rival = self.rivals_turn();
        let next = turn.0.min(timer.0).min(event).min(rival);
        if next > limit {
            return false;
        }
        self.now = now.max(next);
        self.check_5_somebody_serves();
        if event == next {
            if let Some((_, event)) = self.events.pop_first() {
                self.happen(event);
            }
        } else if turn.0 == next {
            self.turn(turn.1);
        } else if rival == next {
            self.rival_turns();
        } else {
            self.client_timer(timer.1);
        }
        true
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Datagram(from, to, bytes, kin) => self.arrive(from, to, bytes, kin),
            Event::Refusal(from, to) => {
                if let Some(partner) = self.partner_id(to, from) {
                    let _ = self.nodes[to].put(Inward::Refused(partner));
                }
            }
            Event::Packet(node, arrival, bytes) => {
                let _ = self.nodes[node].put(Inward::Packet(arrival, bytes));
            }
            Event::Echo(node, address) => {
                let _ = self.nodes[node].put(Inward::Echo(address));
            }
            Event::Leave(node, start) => {
                if self.nodes[node].starts == start {
                    self.leave(node);
                }
            }
            Event::Reply(subnet, reply) => self.reply_arrives(subnet, &reply),
            Event::RivalHears(arrival, bytes) => self.rival_takes(Inward::Packet(arrival, bytes)),
            Event::RivalLeaves(start) => self.rival_leaves(start),
            Event::Start(node) => self.start(node, OpenMode::Normal),
            Event::Fault => self.next_fault(),
            Event::Undo(undo) => self.undo(undo),
            Event::Life => self.live(),
        }
    }

    /// By which id `node` knows `other`.
    pub(crate) fn partner_id(&self, node: usize, other: usize) -> Option<PartnerId> {
        let failover = self.failover();
        match (node == failover, other == failover) {
            (true, false) => Some(PartnerId(other)),
            (false, true) => Some(PartnerId(0)),
            (true, true) | (false, false) => None,
        }
    }

    /// The node behind an id.
    pub(crate) fn partner_node(&self, node: usize, partner: PartnerId) -> usize {
        if node == self.failover() { partner.0 } else { self.failover() }
    }

    /// The configuration of a node as it stands.
    pub(crate) fn config(&self, node: usize) -> Config {
        if node == self.failover() {
            self.site.of_failover(&self.nodes[node].stored)
        } else {
            self.site.of_primary(node)
        }
    }

    /// A commit has ended: effects are performed.
    pub(crate) fn leave(&mut self, index: usize) {
        let leaving = std::mem::take(&mut self.nodes[index].leaving);
        for outward in leaving {
            match outward {
                Outward::Reply { reply, record } => {
                    self.check_1_no_answer_beside_the_failover(index, &reply);
                    self.reply_leaves(index, reply, record);
                }
                Outward::Partner(partner, bytes) => self.datagram_leaves(index, partner, bytes),
                Outward::Ping(address) => self.ping(index, address),
                Outward::Stop => {
                    if let Some(engine) = self.end(index, "stopped as planned") {
                        let _ = engine.stop();
                    }
                    self.start_later(index);
                }
                Outward::SyncFailed(partner) => {
                    self.check_7_none_ends_while_it_serves(index, partner);
                    let _ = self.end(index, "sync failed");
                    self.start_later(index);
                }
                Outward::Store(name, text) => {
                    self.nodes[index].stored.insert(name, text);
                }
                Outward::Said(text) => {
                    let name = self.name(index);
                    self.say(|| format!("{name} says {}", text.trim().replace('\n', ": ")));
                }
            }
        }
    }

    fn datagram_leaves(&mut self, from: usize, partner: PartnerId, bytes: Vec<u8>) {
        let to = self.partner_node(from, partner);
        let now = self.now;
        self.check_3_what_was_told_is_kept((from, to), &bytes);
        let way = *self.wires.heartbeat(from, to);
        for at in way.arrivals(now, &mut self.random) {
            self.at(at, Event::Datagram(from, to, bytes.clone(), Kin::Good));
        }
        if way.bad > 0 && self.random.happens(way.bad) {
            self.send_bad(from, to, &bytes);
        }
    }

    fn arrive(&mut self, from: usize, to: usize, bytes: Vec<u8>, kin: Kin) {
        if self.wires.heartbeat(from, to).cut {
            return;
        }
        let Some(partner) = self.partner_id(to, from) else { return };
        if self.nodes[to].engine.is_none() {
            if self.nodes[to].refuses {
                let way = *self.wires.heartbeat(to, from);
                for at in way.arrivals(self.now, &mut self.random) {
                    self.at(at, Event::Refusal(to, from));
                }
            }
            return;
        }
        self.transcript.mark(self.now, &bytes);
        if kin == Kin::Bad {
            self.check_8_bad_datagrams_change_nothing(to, partner, &bytes);
            return;
        }
        self.note_heard(from, to, &bytes);
        let is_taken = self.nodes[to].put(Inward::Partner(partner, bytes.clone()));
        // What comes where keys differ, or before the session, is not acted upon: sent again later it would be nothing
        // but late.
        let is_opened = !self.rekeyed[from.min(to)] && self.is_of_a_session((from, to), &bytes);
        if is_taken && is_opened && self.mix.has(Fault::Forged) {
            if self.kept.len() >= KEPT_MAX {
                let at = self.random.below(KEPT_MAX as u64) as usize;
                self.kept.swap_remove(at);
            }
            self.kept.push((from, to, bytes));
        }
    }

    /// A ping leaves: whoever uses the address answers, if it and the server reach each other.
    fn ping(&mut self, index: usize, address: Ipv4Addr) {
        let now = self.now;
        let Some(subnet) = self.site.subnet_of(address).map(|subnet| self.site.link(subnet)) else { return };
        let user = |client: &&SimClient| client.subnet == subnet && client.uses(now) == Some(address) && !client.cut;
        let answers = self.wires.reaches(index, subnet) && self.clients.iter().any(|client| user(&client));
        self.nodes[index].pings.insert(address, (now, answers));
        let name = self.name(index);
        self.say(|| format!("{name} pings {address}: answered {answers}"));
        if answers {
            self.at(now + 2 * MILLI, Event::Echo(index, address));
        }
    }

    /// The report at the end of a run.
    pub(crate) fn finish(mut self) -> Result<Report, Violation> {
        self.report.time = self.now;
        self.report.hash = self.transcript.hash();
        match self.violation {
            Some(violation) => Err(violation),
            None => Ok(self.report),
        }
    }

    /// How a server is to be started next.
    pub(crate) fn set_patience(&mut self, index: usize, patience: Patience) {
        self.nodes[index].patience = patience;
    }

    /// The address by which a server is known to clients.
    pub(crate) fn identifier(&self, index: usize) -> Ipv4Addr {
        server_address(index)
    }
}
