//! A world of several engines that hear each other over simulated wires: one clock, turns when they are due.
//!
//! Partners find each other by the addresses of their configurations, as the socket does it. Nothing sleeps: the clock
//! jumps to the next datagram that arrives or the next turn that an engine asked for.

use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::clock::{Mono, Reading, Wall};
use understudy::config::{Config, Network, load_subnets};
use understudy::engine::{Engine, Patience, Start};
use understudy::journal::OpenMode;
use understudy::server::event::{Arrival, ControlId, Input, Interface, InterfaceId, PartnerId};
use understudy::server::outbox::Effect;
use understudy::wire::failover::{Datagram, parse};
use understudy::wire::seal::SEAL_OCTETS;

use super::client::Message;
use super::disk::{Fate, SimDisk};
use super::ip;
use super::pair_setup::PairSetup;
use super::reply::Reply;
use super::wires::{Flight, Wires};

/// The primary of a pair.
pub(crate) const P: usize = 0;
/// Its failover.
pub(crate) const F: usize = 1;

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600_000;
/// An engine that asks for a turn at once gets it after this time.
const LEAST_TURN: Duration = Duration::from_millis(1);
/// How a server ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By a test.
    Killed,
    /// As planned.
    Stopped,
    /// SyncFailCritical.
    SyncFailed,
}

/// One server.
pub(crate) struct Host {
    pub(crate) config: Config,
    pub(crate) disk: SimDisk,
    pub(crate) patience: Patience,
    /// Its wall clock minus the true one, in milliseconds.
    pub(crate) clock_offset: i64,
    pub(crate) ended: Option<(Duration, Ended)>,
    /// Turns so far, over all starts.
    pub(crate) turns: u64,
    /// Turns without input, one behind the other, that each asked for another at once; and the most of them.
    pub(crate) hot: (u64, u64),
    address: Ipv4Addr,
    pub(super) engine: Option<Engine<SimDisk>>,
    starts: u8,
    last_turn: Mono,
    /// Whether a datagram that finds it dead is refused by its host.
    refuses: bool,
    /// What a process that stands still will find when it goes on; `None`: it runs.
    kept: Option<Vec<Kept>>,
}

/// What waits in the sockets of a process that stands still.
enum Kept {
    Partner(PartnerId, Vec<u8>),
    Refused(PartnerId),
    Packet(Arrival, Vec<u8>),
}

impl Host {
    fn new(config: Config, seed: u64) -> Host {
        Host {
            address: config.server.address.expect("ServerAddress"),
            config,
            disk: SimDisk::new(seed),
            patience: Patience::Normal,
            clock_offset: 0,
            ended: None,
            turns: 0,
            hot: (0, 0),
            engine: None,
            starts: 0,
            last_turn: Mono::default(),
            refuses: true,
            kept: None,
        }
    }
}

/// A datagram that left a server, whatever became of it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Sent {
    /// What it says.
    pub(crate) fn read(&self) -> Datagram<'_> {
        parse(&self.bytes[..self.bytes.len() - SEAL_OCTETS]).expect("our own datagram")
    }
}

/// Servers, wires, clock.
pub(crate) struct Pair {
    pub(crate) hosts: Vec<Host>,
    pub(crate) wires: Wires,
    pub(crate) sent: Vec<Sent>,
    /// Replies to clients: when, by which server.
    pub(crate) replies: Vec<(Duration, usize, Reply)>,
    /// Answers on control sockets since the last question.
    said: String,
    /// Addresses that answer a ping.
    pub(crate) echoes: Vec<Ipv4Addr>,
    /// Turns after which two servers served one subnet, both in contact.
    pub(crate) double: u64,
    /// Words that a port is closed which are still said: systems limit them.
    pub(crate) refusals: u32,
    pub(super) now: Mono,
}

impl Pair {
    /// A pair that has not started, on empty disks.
    pub(crate) fn new(setup: &PairSetup) -> Pair {
        Pair {
            hosts: vec![Host::new(setup.of_primary(), 1), Host::new(setup.of_failover(), 2)],
            wires: Wires::new(7),
            sent: Vec::new(),
            replies: Vec::new(),
            echoes: Vec::new(),
            double: 0,
            refusals: u32::MAX,
            said: String::new(),
            now: Mono::from_nanos(1_000_000_000),
        }
    }

    /// A brand-new pair that has found together: the primary serves, the failover is asleep.
    pub(crate) fn settled(setup: &PairSetup) -> Pair {
        let mut pair = Pair::new(setup);
        pair.start_new(P);
        pair.start_new(F);
        pair.run(20);
        assert_eq!(pair.states(), ["Serving", "Asleep"]);
        pair
    }

    /// One more server, which has not started.
    pub(crate) fn join(&mut self, config: Config) {
        let seed = self.hosts.len() as u64 + 1;
        self.hosts.push(Host::new(config, seed));
    }

    /// The time since the beginning.
    pub(crate) fn elapsed(&self) -> Duration {
        self.now.since(Mono::from_nanos(1_000_000_000))
    }

    /// Starts a server with the operator's word that no leases exist.
    pub(crate) fn start_new(&mut self, host: usize) {
        self.start_in(host, OpenMode::New);
    }

    /// Starts a server on what its disk holds.
    pub(crate) fn start(&mut self, host: usize) {
        self.start_in(host, OpenMode::Normal);
    }

    fn start_in(&mut self, index: usize, mode: OpenMode) {
        let reading = self.reading(index);
        let host = &mut self.hosts[index];
        host.starts += 1;
        host.ended = None;
        let mut seed = [host.starts; 32];
        seed[..].iter_mut().enumerate().for_each(|(at, octet)| *octet ^= (at * 37 + index * 101) as u8);
        let (config, storage, patience) = (host.config.clone(), host.disk.clone(), host.patience);
        let start = Start { config, storage, mode, reading, seed, patience };
        let (engine, _) = Engine::start(start).unwrap_or_else(|fatal| panic!("{fatal}"));
        host.engine = Some(engine);
        self.turn(index, [Input::Interfaces(interfaces(host_number(index)))]);
    }

    /// Ends a server's process at once; its host refuses what comes from now on.
    pub(crate) fn kill(&mut self, host: usize) {
        self.end(host, Ended::Killed);
        self.hosts[host].disk.power_cut(Fate::Kept);
        self.hosts[host].refuses = true;
    }

    /// Switches a server off: nothing tells that it is gone.
    pub(crate) fn power_off(&mut self, host: usize) {
        self.end(host, Ended::Killed);
        self.hosts[host].disk.power_cut(Fate::Lost);
        self.hosts[host].refuses = false;
    }

    /// Asks a server to stop as planned.
    pub(crate) fn stop(&mut self, host: usize) {
        self.turn(host, [Input::Stop]);
    }

    /// Asks a server on its control socket, something that it answers at once.
    pub(crate) fn control(&mut self, host: usize, line: &str) -> String {
        self.said.clear();
        self.turn(host, [Input::Control { id: ControlId(1), line }]);
        std::mem::take(&mut self.said)
    }

    /// Puts another configuration in force.
    pub(crate) fn reload(&mut self, host: usize, config: Config) {
        self.hosts[host].config = config.clone();
        self.turn(host, [Input::Reload(Box::new(config))]);
    }

    /// Stops a process where it stands; what comes for it waits in its sockets.
    pub(crate) fn freeze(&mut self, host: usize) {
        self.hosts[host].kept = Some(Vec::new());
    }

    /// Lets it go on: its first turn finds what waited, partners first.
    pub(crate) fn thaw(&mut self, host: usize) {
        let mut kept = self.hosts[host].kept.take().expect("a process that stands still");
        kept.sort_by_key(|kept| matches!(kept, Kept::Packet(..)));
        let inputs = kept.iter().map(|kept| match kept {
            Kept::Partner(partner, bytes) => Input::Partner { partner: *partner, bytes },
            Kept::Refused(partner) => Input::Refused { partner: *partner },
            Kept::Packet(arrival, bytes) => Input::Packet { arrival: *arrival, bytes },
        });
        self.turn(host, inputs);
    }

    fn end(&mut self, host: usize, how: Ended) {
        let at = self.elapsed();
        let host = &mut self.hosts[host];
        host.kept = None;
        if let Some(engine) = host.engine.take() {
            host.ended = Some((at, how));
            if how == Ended::Stopped {
                engine.stop().unwrap_or_else(|fatal| panic!("{fatal}"));
            }
        }
    }

    /// Lets seconds pass.
    pub(crate) fn run(&mut self, secs: u64) {
        self.run_for(Duration::from_secs(secs));
    }

    /// Lets time pass.
    pub(crate) fn run_for(&mut self, time: Duration) {
        let until = self.now + time;
        while self.step(until) {}
        self.now = until;
    }

    /// Runs until `done`, `secs` at most; the time that it took.
    ///
    /// # Panics
    /// When it does not come.
    pub(crate) fn until(&mut self, secs: u64, done: impl Fn(&Pair) -> bool) -> Duration {
        let began = self.now;
        let limit = self.now + Duration::from_secs(secs);
        while !done(self) {
            assert!(self.step(limit), "not within {secs} s; states {:?}", self.states());
        }
        self.now.since(began)
    }

    /// Goes to the next event and lets it happen; false when none is due before `limit`.
    pub(crate) fn step(&mut self, limit: Mono) -> bool {
        let due = |host: &Host| {
            let engine = host.engine.as_ref().filter(|_| host.kept.is_none())?;
            Some(engine.wake_at().unwrap_or_default().max(host.last_turn + LEAST_TURN))
        };
        let turn = (0..self.hosts.len()).filter_map(|index| Some((due(&self.hosts[index])?, index))).min();
        let arrival = self.wires.next_at();
        let next = turn.map(|turn| turn.0).into_iter().chain(arrival).min();
        let Some(next) = next.filter(|next| *next <= limit) else { return false };
        self.now = self.now.max(next);
        match (self.wires.arrived(self.now), turn) {
            (Some(flight), _) => self.deliver(&flight),
            (None, Some((at, index))) if at <= self.now => self.turn(index, []),
            (None, _) => {}
        }
        true
    }

    /// Sends a recorded datagram again.
    pub(crate) fn again(&mut self, sent: &Sent) {
        let flight = Flight { from: sent.from, to: sent.to, bytes: Some(sent.bytes.clone()) };
        self.wires.inject(flight, self.now);
    }

    /// Lets happen what is due now.
    pub(crate) fn step_now(&mut self) {
        let now = self.now;
        while self.step(now) {}
    }

    /// A limit for single steps.
    pub(crate) fn within(&self, secs: u64) -> Mono {
        self.now + Duration::from_secs(secs)
    }

    fn deliver(&mut self, flight: &Flight) {
        let Some(partner) = self.partner_at(flight.to, flight.from) else { return };
        if self.hosts[flight.to].engine.is_none() {
            if self.hosts[flight.to].refuses && flight.bytes.is_some() && self.refusals > 0 {
                self.refusals -= 1;
                let news = Flight { from: flight.to, to: flight.from, bytes: None };
                self.wires.send(news, self.now);
            }
            return;
        }
        if let Some(kept) = &mut self.hosts[flight.to].kept {
            kept.push(match &flight.bytes {
                Some(bytes) => Kept::Partner(partner, bytes.clone()),
                None => Kept::Refused(partner),
            });
            return;
        }
        match &flight.bytes {
            Some(bytes) => self.turn(flight.to, [Input::Partner { partner, bytes }]),
            None => self.turn(flight.to, [Input::Refused { partner }]),
        }
    }

    /// A client's message arrives at a server.
    pub(super) fn take_packet(&mut self, host: usize, message: &Message) {
        let (arrival, bytes) = (arrival(message), message.bytes());
        if let Some(kept) = &mut self.hosts[host].kept {
            kept.push(Kept::Packet(arrival, bytes));
            return;
        }
        self.turn(host, [Input::Packet { arrival, bytes: &bytes }]);
    }

    /// By which id `host` knows `other`.
    pub(super) fn partner_at(&self, host: usize, other: usize) -> Option<PartnerId> {
        let config = &self.hosts[host].config;
        let address = self.hosts[other].address;
        let mut partners = config.failover.iter().map(|failover| *failover.common.partner.ip());
        if partners.any(|partner| partner == address) {
            return Some(PartnerId(0));
        }
        let at = config.primaries.iter().position(|primary| *primary.common.partner.ip() == address);
        at.map(PartnerId)
    }

    /// The server behind an id; none for one that this world does not have.
    fn host_of(&self, host: usize, partner: PartnerId) -> Option<usize> {
        let mut others = (0..self.hosts.len()).filter(|&other| other != host);
        others.find(|&other| self.partner_at(host, other) == Some(partner))
    }

    pub(super) fn reading(&self, host: usize) -> Reading {
        let system = START + self.elapsed().as_millis() as u64;
        Reading {
            mono: self.now,
            system: Wall::from_millis(system.saturating_add_signed(self.hosts[host].clock_offset)),
        }
    }

    /// A turn of a server with these inputs.
    fn turn<'a>(&mut self, index: usize, inputs: impl IntoIterator<Item = Input<'a>>) {
        let reading = self.reading(index);
        let Some(mut engine) = self.hosts[index].engine.take() else { return };
        self.hosts[index].last_turn = self.now;
        self.hosts[index].turns += 1;
        engine.begin(reading);
        let mut is_idle = true;
        for input in inputs {
            is_idle = false;
            engine.handle(input);
        }
        let (mut datagrams, mut pings, mut stored, mut ended) = (Vec::new(), Vec::new(), Vec::new(), None);
        let at = self.elapsed();
        {
            let released = engine.end().unwrap_or_else(|fatal| panic!("{fatal}"));
            for effect in released.effects() {
                match effect {
                    Effect::Reply { to, bytes } => {
                        self.replies.push((at, index, Reply::decode(*to, released.bytes(bytes))));
                    }
                    Effect::Partner { partner, bytes } => datagrams.push((*partner, released.bytes(bytes).to_vec())),
                    Effect::Ping { address } => pings.push(*address),
                    Effect::Control { bytes, .. } => self.said += &String::from_utf8_lossy(released.bytes(bytes)),
                    Effect::StoreSubnets { name, bytes } => {
                        stored.push((name.clone(), String::from_utf8_lossy(released.bytes(bytes)).into_owned()));
                    }
                    Effect::Stop => ended = Some(Ended::Stopped),
                    Effect::SyncFailed { .. } => ended = Some(Ended::SyncFailed),
                }
            }
        }
        engine.prepare().unwrap_or_else(|fatal| panic!("{fatal}"));
        let wants_more = engine.wake_at().is_none_or(|wake| wake <= self.now);
        let hot = &mut self.hosts[index].hot;
        hot.0 = if is_idle && wants_more { hot.0 + 1 } else { 0 };
        hot.1 = hot.1.max(hot.0);
        self.hosts[index].engine = Some(engine);
        stored.into_iter().for_each(|(name, text)| self.store(index, &name, &text));
        for (partner, bytes) in datagrams {
            let Some(to) = self.host_of(index, partner) else { continue };
            self.sent.push(Sent { at, from: index, to, bytes: bytes.clone() });
            self.wires.send(Flight { from: index, to, bytes: Some(bytes) }, self.now);
        }
        if let Some(how) = ended {
            self.end(index, how);
            self.hosts[index].refuses = true;
        }
        self.watch();
        for address in pings.into_iter().filter(|address| self.echoes.contains(address)).collect::<Vec<_>>() {
            self.turn(index, [Input::Echo { address }]);
        }
    }

    /// Subnets that a primary sent are there at the next start.
    fn store(&mut self, index: usize, name: &str, text: &str) {
        let part = load_subnets(name, text).unwrap_or_else(|errors| panic!("{errors:?}"));
        let primaries = &mut self.hosts[index].config.primaries;
        let primary = primaries.iter_mut().find(|primary| primary.name == name).expect("a primary of that name");
        primary.part = Some(Box::new(part));
    }

    /// Counts when two servers in contact both serve a subnet (invariant 1).
    fn watch(&mut self) {
        let networks: Vec<Network> = self.hosts[P].config.subnets.iter().map(|subnet| subnet.network).collect();
        let twice = networks.iter().any(|&network| self.serves(P, network) && self.serves(F, network));
        let contact = |host: usize| {
            let engine = self.hosts[host].engine.as_ref();
            engine.is_some_and(|engine| engine.server().failover().is_in_contact(Some(PartnerId(0)), self.now))
        };
        if twice && contact(P) && contact(F) {
            self.double += 1;
        }
    }

    /// The engine of a server that runs.
    pub(crate) fn engine(&self, host: usize) -> &Engine<SimDisk> {
        self.hosts[host].engine.as_ref().expect("a server that runs")
    }
}

fn arrival(message: &Message) -> Arrival {
    Arrival { interface: InterfaceId(message.interface), source: message.source, destination: message.destination }
}

fn host_number(index: usize) -> u8 {
    index as u8 + 4
}

fn interfaces(last: u8) -> Vec<Interface> {
    let interface = |id, name: &str, net: &str| Interface {
        id: InterfaceId(id),
        name: name.into(),
        addresses: vec![(ip(&format!("{net}.{last}")), 24)],
    };
    vec![interface(1, "eth0", "10.1.0"), interface(2, "eth1", "10.2.0")]
}
