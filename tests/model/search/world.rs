//! The tiny world: two engines on simulated disks, the datagrams between them, two clients, one clock. It forks.
//!
//! Time stands still while datagrams and clients' messages are delivered, and passes only from one timer to the next.

use std::net::Ipv4Addr;
use std::rc::Rc;
use std::time::Duration;

use understudy::clock::{Mono, Now, Reading, Wall};
use understudy::config::Config;
use understudy::engine::{Engine, Patience, Start};
use understudy::journal::OpenMode;
use understudy::server::event::{Arrival, Input, Interface, InterfaceId, PartnerId};
use understudy::server::failover::Service;
use understudy::server::outbox::Effect;
use understudy::wire::failover::Kind;

use super::checks::Breach;
use super::clients::Person;
use super::plug::Plug;
use crate::support::client::Message;
use crate::support::disk::{Fate, SimDisk};
use crate::support::reply::Reply;

/// The primary.
pub(crate) const P: usize = 0;
/// The failover.
pub(crate) const F: usize = 1;

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000;
/// When the monotonic clock begins.
const MONO_START: u64 = 1_000_000_000;
/// Turns that a server may ask for at one instant; more is a loop that spins.
const TURNS_AT_ONCE: u32 = 64;
/// Datagrams on their way in one direction; the oldest is lost when one more comes.
const FLYING_MAX: usize = 4;
/// All of them reach their ends within so many deliveries, or the servers talk for ever.
const DELIVERIES_MAX: u32 = 400;

/// A datagram on its way, or the news that a port is closed.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    /// Who sent it.
    pub(crate) from: usize,
    /// What it is; none: the port of `from` is closed.
    pub(crate) bytes: Option<Rc<[u8]>>,
}

/// One server.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) config: Rc<Config>,
    pub(crate) plug: Plug,
    pub(crate) disk: SimDisk,
    pub(crate) engine: Option<Engine<Plug>>,
    starts: u8,
    /// When its last turn began.
    pub(crate) last_turn: Option<Mono>,
    /// Whether a datagram that finds it dead is refused.
    pub(crate) refuses: bool,
    /// The highest `have` in the headers of what left, for the check that it is durable.
    pub(crate) told_have: u64,
    /// What its journal holds was checked at this count of the disk's steps.
    pub(crate) checked_steps: u64,
}

/// What happens to what leaves for clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answers {
    /// It reaches them.
    Arrive,
    /// It is lost.
    Lost,
}

/// Whether a client that holds an address answers a ping for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Echo {
    /// It does.
    Answered,
    /// A filter or a sleeping client: it does not.
    Silent,
}

/// All of it.
pub(crate) struct World {
    pub(crate) hosts: [Host; 2],
    /// What is on its way to each server, oldest first.
    pub(crate) flying: [Vec<Flight>; 2],
    /// What is sent to this server is lost.
    pub(crate) cut: [bool; 2],
    pub(crate) people: [Person; 2],
    pub(crate) answers: Answers,
    pub(crate) echo: Echo,
    pub(crate) now: Mono,
    /// How far the wall clock of each server is ahead of the time, in milliseconds.
    pub(crate) ahead: [i64; 2],
    /// What a client gave back for sure, and nobody has asked for since.
    pub(crate) given_back: Option<Ipv4Addr>,
    /// A client that a server, if it serves, has to acknowledge whatever it asks for.
    pub(crate) owed: Option<(usize, usize)>,
    /// Whether what both servers send meets on the way; else one is done before the other has its turn.
    pub(crate) crosses: bool,
    /// The newest datagram of each server that has arrived: session and sequence.
    arrived: [(u64, u64); 2],
    /// The first thing that must not happen and did.
    pub(crate) breach: Option<Breach>,
    /// Turns so far that had something to show.
    pub(crate) doings: u64,
    /// What happens, in words, for whoever wants to read it.
    pub(crate) story: Option<Vec<String>>,
}

impl Clone for World {
    fn clone(&self) -> World {
        let mut hosts = self.hosts.clone();
        for host in &mut hosts {
            host.disk = host.disk.fork();
        }
        World {
            hosts,
            flying: self.flying.clone(),
            people: self.people.clone(),
            story: self.story.clone(),
            breach: self.breach.clone(),
            ..*self
        }
    }
}

impl World {
    /// Two servers that have never run.
    pub(crate) fn new(configs: [Config; 2], echo: Echo) -> World {
        let mut seed = 0;
        let hosts = configs.map(|config| {
            seed += 1;
            Host {
                config: Rc::new(config),
                plug: Plug::default(),
                disk: SimDisk::new(seed),
                engine: None,
                starts: 0,
                last_turn: None,
                refuses: true,
                told_have: 0,
                checked_steps: 0,
            }
        });
        World {
            hosts,
            flying: [Vec::new(), Vec::new()],
            cut: [false; 2],
            people: [Person::new(1), Person::new(2)],
            answers: Answers::Arrive,
            echo,
            now: Mono::from_nanos(MONO_START),
            ahead: [0; 2],
            given_back: None,
            owed: None,
            crosses: false,
            arrived: [(0, 0); 2],
            breach: None,
            doings: 0,
            story: None,
        }
    }

    /// The time on both lease clocks.
    pub(crate) fn wall(&self) -> Wall {
        Wall::from_millis(START + (self.now.nanos() - MONO_START) / 1_000_000)
    }

    /// The two clocks of a server.
    fn reading(&self, index: usize) -> Reading {
        let system = Wall::from_millis(self.wall().millis().saturating_add_signed(self.ahead[index]));
        Reading { mono: self.now, system }
    }

    /// Tells what happens, if anybody listens.
    pub(crate) fn tell(&mut self, what: impl FnOnce(&World) -> String) {
        if self.story.is_some() {
            let time = Duration::from_nanos(self.now.nanos() - MONO_START);
            let line = format!("{:9.3} {}", time.as_secs_f64(), what(self));
            self.story.iter_mut().for_each(|story| story.push(line.clone()));
        }
    }

    /// Notes what must not happen; the first counts.
    pub(crate) fn breaks(&mut self, breach: Breach) {
        self.tell(|_| format!("BREACH: {breach}"));
        self.breach.get_or_insert(breach);
    }

    /// Starts a server on what its disk holds.
    pub(crate) fn start(&mut self, index: usize, mode: OpenMode) {
        self.tell(|_| format!("{} starts", name(index)));
        let reading = self.reading(index);
        let host = &mut self.hosts[index];
        host.starts += 1;
        // The first eight octets key hashes of clients: the same at each start, so that starts differ in ids alone.
        let mut seed = [7; 32];
        for (at, octet) in seed.iter_mut().enumerate().skip(8) {
            *octet = host.starts ^ ((at * 37 + index * 101) as u8);
        }
        host.plug.put(&host.disk);
        let config = (*host.config).clone();
        let start = Start { config, storage: host.plug.clone(), mode, reading, seed, patience: Patience::Normal };
        match Engine::start(start) {
            Ok((engine, _)) => host.engine = Some(engine),
            Err(fatal) => return self.breaks(Breach::Fatal(fatal.to_string())),
        }
        self.turn(index, &mut |engine| engine.handle(Input::Interfaces(interfaces(index))));
    }

    /// Ends a server at once: its process alone ([`Fate::Kept`]), or the power goes ([`Fate::Lost`]).
    pub(crate) fn crash(&mut self, index: usize, fate: Fate) {
        self.tell(|_| format!("{} ends, unsynced octets {fate:?}", name(index)));
        let host = &mut self.hosts[index];
        (host.engine, host.last_turn) = (None, None);
        host.disk.power_cut(fate);
        host.refuses = fate == Fate::Kept;
    }

    /// Whether a server runs.
    pub(crate) fn runs(&self, index: usize) -> bool {
        self.hosts[index].engine.is_some()
    }

    /// Delivers the datagram at a place of the queue to a server.
    pub(crate) fn deliver(&mut self, to: usize, at: usize) {
        let flight = self.flying[to].remove(at);
        let (was, overtaken) = (self.state(to), self.is_overtaken(&flight));
        self.hand_over(to, &flight);
        if overtaken && was == "Active" && self.state(to) != was {
            self.breaks(Breach::Overtaken(self.state(to)));
        }
    }

    /// Whether a later datagram of the same session has arrived; only for answers to polls, which ask for
    /// nothing and bring nothing but the state of their sender.
    fn is_overtaken(&mut self, flight: &Flight) -> bool {
        let Some(bytes) = flight.bytes.as_deref() else { return false };
        let header = super::text::datagram(bytes).header;
        let newest = &mut self.arrived[flight.from];
        let of_this = (header.session, header.sequence);
        let is_overtaken = newest.0 == of_this.0 && newest.1 > of_this.1;
        if !is_overtaken && bytes[1] > Kind::HelloEnd.code() {
            *newest = of_this;
        }
        is_overtaken && bytes[1] == Kind::PollRpl.code()
    }

    /// Hands a datagram to a server.
    pub(crate) fn hand_over(&mut self, to: usize, flight: &Flight) {
        self.tell(|_| format!("{} gets {}", name(to), describe(flight)));
        let partner = PartnerId(0);
        if !self.runs(to) {
            if self.hosts[to].refuses && flight.bytes.is_some() {
                self.send(Flight { from: to, bytes: None });
            }
            return;
        }
        match &flight.bytes {
            Some(bytes) => self.turn(to, &mut |engine| engine.handle(Input::Partner { partner, bytes })),
            None => self.turn(to, &mut |engine| engine.handle(Input::Refused { partner })),
        }
    }

    fn send(&mut self, flight: Flight) {
        let to = 1 - flight.from;
        if self.cut[to] {
            return;
        }
        if self.flying[to].len() == FLYING_MAX {
            self.flying[to].remove(0);
        }
        self.flying[to].push(flight);
    }

    /// Delivers everything that is on its way, and what follows from it, in the order in which it was sent.
    pub(crate) fn settle(&mut self) {
        for _ in 0..DELIVERIES_MAX {
            let Some(to) = (0..2).find(|&to| !self.flying[to].is_empty()) else { return };
            if self.crosses {
                self.deliver_crosswise();
            } else {
                self.deliver(to, 0);
            }
        }
        self.breaks(Breach::Endless);
    }

    /// Delivers what is on its way now, and nothing of what follows from it.
    fn deliver_crosswise(&mut self) {
        let batch = std::mem::take(&mut self.flying);
        for (to, flights) in batch.iter().enumerate() {
            flights.iter().for_each(|flight| self.hand_over(to, flight));
        }
    }

    /// Gives a client's message to a server.
    pub(crate) fn give(&mut self, index: usize, message: &Message) {
        let arrival = Arrival {
            interface: InterfaceId(message.interface),
            source: message.source,
            destination: message.destination,
        };
        let bytes = message.bytes();
        self.turn(index, &mut |engine| engine.handle(Input::Packet { arrival, bytes: &bytes }));
    }

    /// A turn, and those that the server asks for at the same instant.
    pub(crate) fn turn(&mut self, index: usize, first: &mut dyn FnMut(&mut Engine<Plug>)) {
        self.one_turn(index, first);
        for _ in 0..TURNS_AT_ONCE {
            let due = self.hosts[index].engine.as_ref().map(|engine| engine.wake_at().unwrap_or_default());
            if due.is_none_or(|due| due > self.now) {
                return;
            }
            self.one_turn(index, &mut |_| {});
        }
        self.breaks(Breach::Spins(name(index)));
    }

    fn one_turn(&mut self, index: usize, first: &mut dyn FnMut(&mut Engine<Plug>)) {
        let reading = self.reading(index);
        let before = self.state(index);
        let host = &mut self.hosts[index];
        let Some(mut engine) = host.engine.take() else { return };
        host.plug.put(&host.disk);
        host.last_turn = Some(reading.mono);
        let steps = host.disk.syncs();
        engine.begin(reading);
        first(&mut engine);
        let (mut datagrams, mut replies, mut pings, mut ends) = (Vec::new(), Vec::new(), Vec::new(), false);
        match engine.end() {
            Ok(released) => {
                for effect in released.effects() {
                    match effect {
                        Effect::Reply { to, bytes } => replies.push(Reply::decode(*to, released.bytes(bytes))),
                        Effect::Partner { bytes, .. } => datagrams.push(Rc::from(released.bytes(bytes))),
                        Effect::Ping { address } => pings.push(*address),
                        Effect::Control { .. } | Effect::StoreSubnets { .. } => {}
                        Effect::Stop | Effect::SyncFailed { .. } => ends = true,
                    }
                }
            }
            Err(fatal) => self.breaks(Breach::Fatal(fatal.to_string())),
        }
        let host = &mut self.hosts[index];
        let has_doings = ends || host.disk.syncs() > steps || datagrams.len() + replies.len() + pings.len() > 0;
        host.engine = Some(engine);
        let after = self.state(index);
        self.doings += u64::from(has_doings || before != after);
        if before != after {
            self.tell(|_| format!("{} {before} -> {after}", name(index)));
        }
        for bytes in datagrams {
            self.hosts[index].told_have = self.hosts[index].told_have.max(have_in(&bytes));
            let flight = Flight { from: index, bytes: Some(bytes) };
            self.tell(|_| format!("{} sends {}", name(index), describe(&flight)));
            self.send(flight);
        }
        self.check_contact();
        for reply in replies {
            self.answer(index, &reply);
        }
        if ends {
            let host = &mut self.hosts[index];
            if let Some(engine) = host.engine.take()
                && let Err(fatal) = engine.stop()
            {
                self.breaks(Breach::Fatal(fatal.to_string()));
            }
            self.hosts[index].refuses = true;
            self.tell(|_| format!("{} has stopped", name(index)));
        }
        self.ping(index, pings);
    }

    fn ping(&mut self, index: usize, pings: Vec<Ipv4Addr>) {
        for address in pings {
            let wall = self.wall();
            let is_held = self.people.iter().any(|person| person.holds(address, wall));
            self.tell(|_| format!("{} pings {address}, held {is_held}", name(index)));
            if is_held && self.echo == Echo::Answered {
                self.turn(index, &mut |engine| engine.handle(Input::Echo { address }));
            }
        }
    }

    /// Lets time pass to the next timer at which anything is done, without a delivery; false: nothing within two
    /// minutes.
    pub(crate) fn tick(&mut self) -> bool {
        let limit = self.now + Duration::from_secs(120);
        let before = self.doings;
        while self.doings == before {
            if !self.next_timer(limit) {
                return false;
            }
        }
        true
    }

    /// Goes to the next timer of a server that runs and takes the turns that are due; false: none before `limit`.
    pub(crate) fn next_timer(&mut self, limit: Mono) -> bool {
        let due = |index: &usize| self.hosts[*index].engine.as_ref().map(|engine| engine.wake_at().unwrap_or_default());
        let Some(next) = (0..2).filter_map(|index| due(&index)).min().filter(|next| *next <= limit) else {
            return false;
        };
        self.now = self.now.max(next);
        self.people_wake();
        for index in 0..2 {
            let is_due = self.hosts[index].engine.as_ref().is_some_and(|engine| {
                let wake = engine.wake_at().unwrap_or_default();
                wake <= self.now
            });
            if is_due {
                self.turn(index, &mut |_| {});
            }
        }
        true
    }

    /// Lets time pass while everything is delivered at once that is not cut.
    pub(crate) fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        self.settle();
        while self.breach.is_none() && self.next_timer(until) {
            self.settle();
        }
        self.now = self.now.max(until);
        self.people_wake();
    }

    /// The subnet that all is about is served by this server.
    pub(crate) fn serves(&self, index: usize) -> bool {
        let host = &self.hosts[index];
        let Some(engine) = &host.engine else { return false };
        let network = self.hosts[P].config.subnets[0].network;
        engine.server().failover().service(Some(PartnerId(0)), network) == Service::Serves
    }

    /// The state of a server's channel; `-` for one that does not run.
    pub(crate) fn state(&self, index: usize) -> &'static str {
        let now = Now { mono: self.now, wall: self.wall() };
        let engine = self.hosts[index].engine.as_ref();
        engine.and_then(|engine| engine.server().partners(now).next()).map_or("-", |view| view.state)
    }
}

/// What a server is called in stories.
pub(crate) fn name(index: usize) -> &'static str {
    if index == P { "P" } else { "F" }
}

fn interfaces(index: usize) -> Vec<Interface> {
    let address = Ipv4Addr::new(10, 1, 0, 4 + index as u8);
    vec![Interface { id: InterfaceId(1), name: "eth0".into(), addresses: vec![(address, 24)] }]
}

fn have_in(bytes: &[u8]) -> u64 {
    super::text::datagram(bytes).header.have
}

fn describe(flight: &Flight) -> String {
    let Some(bytes) = &flight.bytes else { return "the news that the port is closed".into() };
    let datagram = super::text::datagram(bytes);
    let kind = format!("{:?}", datagram.body);
    let kind: String = kind.chars().take_while(|letter| letter.is_alphanumeric()).collect();
    format!("{kind} #{} (seen {}, {:?})", datagram.header.sequence, datagram.header.seen, datagram.header.state)
}
