//! The invariants of failover.md section 10, by number: 1 to 3, 8 and 9, which hold at any time.

use understudy::config::Network;
use understudy::engine::Fatal;
use understudy::journal::JournalError;
use understudy::lease::record::Complete;
use understudy::server::event::PartnerId;
use understudy::server::failover::Service;
use understudy::server::queues::Queue;
use understudy::wire::failover::{Kind, parse};
use understudy::wire::seal::SEAL_OCTETS;

use super::clock::{self, SECOND, Time};
use super::ledger::{Claim, Origin};
use super::mix::{Fault, Strict};
use super::node::{Granted, Inward, Outward, Turned};
use super::support::Reply;
use super::world::World;

/// Effects that an input may have, with what it sets free.
const EFFECTS_AN_INPUT: usize = 8;
/// Effects that a turn may have besides: windows of updates, answers to messages that were kept.
const EFFECTS_A_TURN: usize = 1_500;
/// Octets that a turn may make durable, without a slice of a snapshot.
const SYNCED_MAX: usize = 2 * 1024 * 1024;
/// How long an unanswered ping stands for an address: MaxPendingSeconds and the time of a REQUEST.
const PING_STANDS: u64 = 10 * SECOND;
/// What a lease clock may be off without a step by hours.
const SKEW: Time = 5 * SECOND;

impl World {
    /// 1: in contact, two servers never answer clients of one subnet.
    pub(crate) fn check_1_one_voice(&mut self, index: usize) {
        let failover = self.failover();
        let primaries = if index == failover { 0..failover } else { index..index + 1 };
        for primary in primaries {
            let subnets = self.site.subnets.iter().filter(|subnet| subnet.primary == primary);
            let networks: Vec<Network> =
                subnets.map(|subnet| Network { address: subnet.address(0), prefix: 24 }).collect();
            let twice = networks.iter().find(|network| {
                self.serves(primary, PartnerId(0), **network) && self.serves(failover, PartnerId(primary), **network)
            });
            if let Some(network) = twice {
                self.report.ticks_both_serving += 1;
                if self.is_in_contact(primary, failover) && self.is_in_contact(failover, primary) {
                    let what = format!("P{primary} and F are in contact and both serve {}", network.address);
                    self.fail(1, what);
                }
            }
        }
    }

    /// Whether a server answers clients of a subnet.
    pub(crate) fn serves(&self, node: usize, partner: PartnerId, network: Network) -> bool {
        let engine = self.nodes[node].engine.as_ref();
        engine.is_some_and(|engine| engine.server().failover().service(Some(partner), network) == Service::Serves)
    }

    /// Whether a server takes another for being in contact.
    pub(crate) fn is_in_contact(&self, node: usize, other: usize) -> bool {
        let Some(engine) = &self.nodes[node].engine else { return false };
        let mono = self.nodes[node].clock.reading(self.now).mono;
        engine.server().failover().is_in_contact(self.partner_id(node, other), mono)
    }

    /// Whether a server takes another for being in contact, and changes go: with unequal SyncBindingBufSize none do,
    /// and what a server may give is what it may give out of contact.
    pub(crate) fn exchanges_changes(&self, node: usize, other: usize) -> bool {
        let (Some(engine), Some(partner)) = (&self.nodes[node].engine, self.partner_id(node, other)) else {
            return false;
        };
        let reading = self.nodes[node].clock.reading(self.now);
        let now = understudy::clock::Now { mono: reading.mono, wall: reading.system };
        let differs = engine.server().partners(now).nth(partner.0).is_some_and(|view| view.sizes_differ);
        self.is_in_contact(node, other) && !differs
    }

    /// 2 and 3: an ACK leaves. Its record is durable, and nobody else is promised the address.
    pub(crate) fn judge_ack(&mut self, node: usize, reply: &Reply, record: Option<Granted>) {
        self.report.acks += 1;
        let (address, secs) = (reply.yiaddr, u64::from(reply.lease()));
        let who = u16::from_be_bytes([reply.chaddr[4], reply.chaddr[5]]);
        let kept = record.filter(|record| record.end.saturating_sub(record.seen) >= secs * 1000);
        let Some(kept) = kept else {
            let what = format!("an ACK of {address} for {secs} s left {}; durable: {record:?}", self.name(node));
            self.fail(3, what);
            return;
        };
        self.nodes[node].promised.insert(address, kept.stamp);
        // A server that stood still has the RELEASE in the turn of the REQUEST, and a copy of a REQUEST comes behind
        // the DECLINE: the ACK is for nobody.
        let asked = self.asked.get(&reply.xid).map(|asked| asked.at);
        if asked.is_some_and(|asked| self.ledger.is_given_back(address, who, asked)) {
            return;
        }
        let (before, behind) = self.lease_clock_off(kept.seen);
        let others: Vec<Claim> =
            self.ledger.running(address, self.now + before).filter(|claim| claim.who != who).cloned().collect();
        let mut origin = Origin::Sure;
        if self.ledger.of(address, who, self.now).is_none_or(|claim| claim.lost) {
            self.report.grants += 1;
            let former = self.former_origin(node, address, who);
            origin = former.unwrap_or_else(|| self.origin_of(node, reply));
            if former.is_some() && !others.is_empty() {
                self.report.duplicates_lawful += 1;
            } else if !others.is_empty() {
                self.check_2_one_holder(node, reply, (origin, &others));
            }
        }
        let made = self.nodes[node].turn_began;
        let fast = if self.mix.has(Fault::ClockStep) { secs * SECOND / 9 } else { 0 };
        let slack = fast + behind + secs * SECOND / 1_000;
        let end = made + secs * SECOND;
        let claim = Claim { who, end, slack, origin, lost: false, contested: false, made, stamp: kept.stamp };
        let World { ledger, site, .. } = self;
        ledger.promise(address, claim, |other| site.is_same_link(address, other));
    }

    /// How far a lease clock that shows `wall` stands before and behind the true time where the clocks of this run are
    /// set by hours: it follows those at one second in ten, and a start takes that back at once. A lease ends by so
    /// much sooner, or later, than its client thinks; no more than that is excused.
    fn lease_clock_off(&self, wall: u64) -> (Time, Time) {
        if !self.mix.has(Fault::ClockStep) {
            return (0, 0);
        }
        let most = self.now / 9 + SKEW;
        let (before, behind) = clock::off(wall, self.now);
        (before.min(most), behind.min(most))
    }

    /// A server goes on with a doubtful grant: one whose commit failed, so that no ACK of it left, or one that the
    /// client has given up in a message that was lost.
    fn former_origin(&mut self, node: usize, address: std::net::Ipv4Addr, who: u16) -> Option<Origin> {
        let half_done = self.nodes[node].half_done.remove(&address) == Some(who);
        let given = self.ledger.origin_of_given(address, who, self.now).filter(|origin| *origin != Origin::Sure);
        half_done.then_some(Origin::Unsettled).or(given)
    }

    /// How a promise to a client that had none comes about, by what was seen from outside and what the server counted.
    fn origin_of(&self, node: usize, reply: &Reply) -> Origin {
        let address = reply.yiaddr;
        let server = &self.nodes[node];
        if !self.may_ping(node, address) {
            return Origin::Sure;
        }
        let ping = server.pings.get(&address).copied();
        let unanswered = ping.is_some_and(|(at, answered)| !answered && self.now - at < PING_STANDS);
        if unanswered && server.turn_unsettled > 0 {
            return Origin::Unsettled;
        }
        let in_contact = self.exchanges_changes(node, self.partner_of(node, address));
        let claims = self.asked.get(&reply.xid).is_some_and(|asked| asked.claims);
        if claims && !in_contact { Origin::Word } else { Origin::Sure }
    }

    /// Whether a server may give what is not surely free, after a ping or on its client's word: without StrictShares,
    /// or by rules 9 and 10.
    fn may_ping(&self, node: usize, address: std::net::Ipv4Addr) -> bool {
        let Some(engine) = &self.nodes[node].engine else { return false };
        let failover = engine.server().failover();
        let replaced = failover.database().complete() == Complete::No;
        let word = failover.is_partner_down(self.partner_id(node, self.partner_of(node, address)));
        self.mix.strict == Strict::No || replaced || word
    }

    /// 2: an address that others are promised goes to one more client: only where this promise or all of the others are
    /// unsettled grants whose ping stayed unanswered, and StrictShares allows such.
    fn check_2_one_holder(&mut self, node: usize, reply: &Reply, (origin, others): (Origin, &[Claim])) {
        let address = reply.yiaddr;
        let who = u16::from_be_bytes([reply.chaddr[4], reply.chaddr[5]]);
        let partner = self.partner_of(node, address);
        let in_contact = self.exchanges_changes(node, partner);
        let may_ping = self.may_ping(node, address);
        let all = |wanted: Origin| others.iter().all(|claim| claim.lost || claim.origin == wanted);
        let facts = format!(
            "{} gives {address} to client {who} ({origin:?}), promised to {others:?}; in contact {in_contact}, \
             may ping {may_ping}",
            self.name(node)
        );
        self.say(|| format!("duplicate: {facts}"));
        if others.iter().all(|claim| claim.lost) {
            self.report.duplicates_lost += 1;
        } else if origin == Origin::Unsettled && !in_contact || all(Origin::Unsettled) {
            self.report.duplicates_lawful += 1;
        } else if origin == Origin::Word || all(Origin::Word) {
            self.report.duplicates_by_word += 1;
        } else {
            self.fail(2, facts);
        }
    }

    /// The server with which `node` shares an address.
    pub(crate) fn partner_of(&self, node: usize, address: std::net::Ipv4Addr) -> usize {
        if node != self.failover() {
            return self.failover();
        }
        self.site.subnet_of(address).map_or(0, |subnet| self.site.subnets[subnet].primary)
    }

    /// 2: no server refuses a client whose lease has not ended.
    pub(crate) fn judge_nak(&mut self, node: usize, reply: &Reply) {
        self.report.naks += 1;
        let Some(asked) = self.asked.get(&reply.xid).copied() else { return };
        let Some(address) = asked.about else { return };
        let Some(claim) = self.ledger.of(address, asked.who, self.now) else { return };
        let here = self.site.subnet_of(address).is_some_and(|subnet| self.site.link(subnet) == asked.subnet);
        if !here || claim.lost || self.is_reconfigured(address, asked.who) {
            return;
        }
        if claim.contested {
            self.report.refused_contested += 1;
            return;
        }
        let what = format!("{} refuses {address} to client {}, promised: {claim:?}", self.name(node), asked.who);
        self.fail(2, what);
    }

    /// Whether an operator has taken an address from a client.
    fn is_reconfigured(&self, address: std::net::Ipv4Addr, who: u16) -> bool {
        if !self.mix.has(Fault::Reload) {
            return false;
        }
        let Some(subnet) = self.site.subnet_of(address) else { return true };
        let place = &self.site.subnets[subnet];
        let lately = self.reloaded[place.primary].is_some_and(|at| self.now - at < 60 * SECOND);
        let legal = place.present && place.addresses().any(|each| each == address);
        let others = place.reserved.iter().any(|entry| place.address(entry.0) == address && entry.1 != who);
        let own = self.site.on_link(self.site.link(subnet)).any(|other| {
            let place = &self.site.subnets[other];
            place.reserved.iter().any(|entry| place.address(entry.0) != address && entry.1 == who)
        });
        lately || !legal || others || own
    }

    /// 3: nothing leaves while octets wait for a sync.
    pub(crate) fn check_3_nothing_waits_for_a_sync(&mut self, index: usize, turned: &Turned) {
        if turned.has_unsynced && !turned.leaving.is_empty() {
            let what = format!("{} lets effects out while octets wait for a sync", self.name(index));
            self.fail(3, what);
        }
    }

    /// 3: after a start, every record that an ACK of before rests on is there, or a newer one.
    pub(crate) fn check_3_what_was_promised_is_there(&mut self, index: usize) {
        let Some(engine) = &self.nodes[index].engine else { return };
        let table = engine.server().bindings().table();
        let missing = self.nodes[index]
            .promised
            .iter()
            .find(|(address, stamp)| table.find(**address).is_none_or(|binding| binding.stamp.0 < **stamp));
        if let Some((address, stamp)) = missing {
            let what = format!("{} started without what it promised: {address}, stamp {stamp}", self.name(index));
            self.fail(3, what);
        }
    }

    /// 3: what a server says it holds of its partner's changes, it still holds in later datagrams and later starts.
    pub(crate) fn check_3_what_was_told_is_kept(&mut self, (from, to): (usize, usize), bytes: &[u8]) {
        let Ok(datagram) = parse(&bytes[..bytes.len() - SEAL_OCTETS]) else {
            self.fail(9, format!("{} sends what cannot be read", self.name(from)));
            return;
        };
        let header = datagram.header;
        let name = self.name(from);
        let kind = Kind::of(bytes[1]);
        if !matches!(kind, Some(Kind::Poll | Kind::PollRpl)) {
            let kind = kind.map_or(String::new(), |kind| kind.to_string());
            self.transcript.say(self.now, || {
                format!("{name} -> {kind}, {:?}, have {}, newest {}", header.state, header.have, header.newest)
            });
        }
        let session = header.session;
        let told = Told { to, session, database: header.database, partner: header.partner_database, have: header.have };
        let Some(known) = self.told[from].iter_mut().find(|known| known.to == to) else {
            self.told[from].push(told);
            return;
        };
        let former = std::mem::replace(known, told);
        let is_same = (former.database, former.partner) == (told.database, told.partner);
        if is_same && told.have < former.have {
            let what = format!("{name} held {} of its partner's changes, now {}", former.have, told.have);
            self.fail(3, what);
        }
    }

    /// Whether a datagram that arrives is of the session that its receiver has with the sender: then it is acted upon,
    /// and what comes again of it is a replay.
    pub(crate) fn is_of_a_session(&self, (from, to): (usize, usize), bytes: &[u8]) -> bool {
        let Ok(datagram) = parse(&bytes[..bytes.len() - SEAL_OCTETS]) else { return false };
        let session = datagram.header.session;
        session != 0 && self.told[to].iter().any(|told| told.to == from && told.session == session)
    }

    /// 3: a journal that was crashed in any way is read again; only a full or failing disk may refuse.
    pub(crate) fn refused_to_start(&mut self, index: usize, fatal: &Fatal) {
        match fatal {
            Fatal::Journal(JournalError::Io { .. }) => self.start_later(index),
            Fatal::Journal(_) | Fatal::Record(_) => {
                let what = format!("{} does not start: {fatal}", self.name(index));
                self.fail(3, what);
            }
        }
    }

    /// 8: a damaged, forged or replayed datagram is counted, and at most greeted.
    pub(crate) fn check_8_bad_datagrams_change_nothing(&mut self, to: usize, partner: PartnerId, bytes: &[u8]) {
        self.report.forged += 1;
        let now = self.now;
        if self.nodes[to].busy_until > now {
            let _ = self.nodes[to].put(Inward::Partner(partner, bytes.to_vec()));
            return;
        }
        self.turn_at_once(to);
        let Some(engine) = &self.nodes[to].engine else { return };
        if engine.wake_at().is_none() {
            return;
        }
        let before = self.summary(to);
        let _ = self.nodes[to].put(Inward::Partner(partner, bytes.to_vec()));
        self.turn_with(to, |world, turned| {
            let after = world.summary(to);
            let greeting = |outward: &Outward| match outward {
                Outward::Partner(_, bytes) => bytes[1] <= Kind::HelloEnd.code(),
                Outward::Reply { .. }
                | Outward::Ping(_)
                | Outward::Stop
                | Outward::SyncFailed(_)
                | Outward::Store(..)
                | Outward::Said(_) => false,
            };
            let worse = turned.leaving.iter().find(|outward| !greeting(outward));
            if let Some(outward) = worse {
                let outward = format!("{outward:?}").chars().take(200).collect::<String>();
                world.fail(8, format!("{} answers a bad datagram {:?} with {outward}", world.name(to), &bytes[..2]));
            }
            if !turned.synced.is_empty() {
                world.fail(8, format!("{} writes something for a bad datagram {:?}", world.name(to), &bytes[..2]));
            }
            if before != after {
                world.fail(8, format!("a bad datagram changes {}: {before} -> {after}", world.name(to)));
            }
        });
    }

    /// What a bad datagram may not change.
    fn summary(&self, index: usize) -> String {
        let Some(engine) = &self.nodes[index].engine else { return String::new() };
        let reading = self.nodes[index].clock.reading(self.now);
        let now = understudy::clock::Now { mono: reading.mono, wall: reading.system };
        let views = engine.server().partners(now);
        let all: Vec<String> = views
            .map(|view| {
                let (state, contact, since) = (view.state, view.in_contact, view.contact_since);
                format!("{state} {contact} {since:?} {} {:?}", view.unacknowledged, view.subnets)
            })
            .collect();
        format!("{all:?} {:?}", engine.server().bindings().stamps().last())
    }

    /// 9: what waits has bounds, whatever came. One turn of some is looked at: what grows without bound stays.
    fn check_9_queues(&mut self, index: usize) {
        if !self.report.turns.is_multiple_of(QUEUES_EACH) {
            return;
        }
        let Some(engine) = &self.nodes[index].engine else { return };
        let over = engine.server().queues().into_iter().find(|queue| queue.length > queue.most);
        if let Some(Queue { name, length, most }) = over {
            self.fail(9, format!("{}: {name}: {length}, at most {most}", self.name(index)));
        }
    }

    /// 9: a turn has bounds.
    pub(crate) fn check_9_bounds(&mut self, index: usize, turned: &Turned) {
        if turned.effects > turned.inputs * EFFECTS_AN_INPUT + EFFECTS_A_TURN {
            let what = format!("{} effects of {} inputs of {}", turned.effects, turned.inputs, self.name(index));
            self.fail(9, what);
        }
        if turned.synced.len() > SYNCED_MAX {
            let what = format!("{} octets in one commit of {}", turned.synced.len(), self.name(index));
            self.fail(9, what);
        }
        self.check_9_queues(index);
        let second = self.now / SECOND;
        let spent = &mut self.spent[index];
        if spent.0 != second {
            *spent = (second, 0);
        }
        spent.1 += 1;
        if spent.1 > TURNS_A_SECOND {
            let what = format!("{} takes over {TURNS_A_SECOND} turns in a second", self.name(index));
            self.fail(9, what);
        }
    }
}

/// Queues are looked at in one turn of so many.
const QUEUES_EACH: u64 = 64;
/// Turns that a server may take in a second: one each 100 us would be a loop that never rests.
const TURNS_A_SECOND: u64 = 4_000;

/// What a server said it holds of a partner's changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    to: usize,
    session: u64,
    database: [u8; 16],
    partner: [u8; 16],
    have: u64,
}
