//! A server of the world: an engine on a simulated disk, its clocks, and what waits for its next turn.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use understudy::config::Config;
use understudy::engine::{Engine, Fatal, Patience};
use understudy::journal::{Journal, OpenMode};
use understudy::lease::record::Record;
use understudy::lease::{Binding, BindingState};
use understudy::server::Server;
use understudy::server::counters::Counter;
use understudy::server::event::{Arrival, ControlId, Input, Interface, PartnerId};
use understudy::server::outbox::{Effect, Released};

use super::clock::{NodeClock, Time};
use super::support::disk::{Fate, SimDisk};
use super::support::{Reply, code, kind};

/// Datagrams that a socket holds while its process stands still.
const QUEUE_MAX: usize = 200;

/// What waits for a turn.
#[derive(Debug)]
pub(crate) enum Inward {
    /// SIGTERM.
    Stop,
    /// SIGHUP.
    Reload(Box<Config>),
    /// Interfaces at start.
    Interfaces(Vec<Interface>),
    /// A datagram of another server.
    Partner(PartnerId, Vec<u8>),
    /// A refused port.
    Refused(PartnerId),
    /// The answer to a ping.
    Echo(Ipv4Addr),
    /// A message of a client or relay.
    Packet(Arrival, Vec<u8>),
    /// A command on the control socket.
    Control(String),
}

impl Inward {
    /// The order in which the loop hands things on.
    fn rank(&self) -> u8 {
        match self {
            Inward::Stop | Inward::Reload(_) => 0,
            Inward::Interfaces(_) => 1,
            Inward::Refused(_) => 2,
            Inward::Partner(..) => 3,
            Inward::Echo(_) => 4,
            Inward::Packet(..) => 5,
            Inward::Control(_) => 6,
        }
    }

    /// Whether an operator wants something.
    pub(crate) fn is_command(&self) -> bool {
        matches!(self, Inward::Stop | Inward::Reload(_) | Inward::Control(_))
    }

    fn hand(self, engine: &mut Engine<SimDisk>) {
        match self {
            Inward::Stop => engine.handle(Input::Stop),
            Inward::Reload(config) => engine.handle(Input::Reload(config)),
            Inward::Interfaces(interfaces) => engine.handle(Input::Interfaces(interfaces)),
            Inward::Partner(partner, bytes) => engine.handle(Input::Partner { partner, bytes: &bytes }),
            Inward::Refused(partner) => engine.handle(Input::Refused { partner }),
            Inward::Echo(address) => engine.handle(Input::Echo { address }),
            Inward::Packet(arrival, bytes) => engine.handle(Input::Packet { arrival, bytes: &bytes }),
            Inward::Control(line) => engine.handle(Input::Control { id: ControlId(1), line: &line }),
        }
    }
}

/// What leaves after a turn.
#[derive(Debug)]
pub(crate) enum Outward {
    /// A reply to a client.
    Reply {
        /// What it says, and where it goes.
        reply: Box<Reply>,
        /// The record of the lease that it promises.
        record: Option<Granted>,
    },
    /// A datagram to another server.
    Partner(PartnerId, Vec<u8>),
    /// A ping.
    Ping(Ipv4Addr),
    /// The process ends as planned.
    Stop,
    /// The process ends since its first sync with this partner failed.
    SyncFailed(PartnerId),
    /// Subnets of a primary are to be kept.
    Store(String, String),
    /// An answer on the control socket.
    Said(String),
}

/// The record of a lease, as it stands in what a turn made durable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Granted {
    /// Its stamp.
    pub(crate) stamp: u64,
    /// Its end, on the lease clock of the server, in milliseconds.
    pub(crate) end: u64,
    /// When the client was last seen, on the same clock.
    pub(crate) seen: u64,
}

/// What a turn came to.
#[derive(Debug)]
pub(crate) struct Turned {
    /// What leaves when the commit has ended.
    pub(crate) leaving: Vec<Outward>,
    /// When that is.
    pub(crate) at: Time,
    /// Unsettled grants that the server counted.
    pub(crate) unsettled: u64,
    /// Octets that were made durable.
    pub(crate) synced: Vec<u8>,
    /// Whether octets wait for a sync though the turn has ended.
    pub(crate) has_unsynced: bool,
    /// Effects, replies left out as too late included.
    pub(crate) effects: usize,
    /// Inputs.
    pub(crate) inputs: usize,
}

/// How long the commit of a turn takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Without anything to write.
    pub(crate) idle: Time,
    /// With a sync.
    pub(crate) sync: Time,
}

/// One server.
#[derive(Debug)]
pub(crate) struct Node {
    /// Its place; the last one is the failover.
    pub(crate) index: usize,
    /// Its disk.
    pub(crate) disk: SimDisk,
    /// Its clocks.
    pub(crate) clock: NodeClock,
    /// The engine, while the process runs.
    pub(crate) engine: Option<Engine<SimDisk>>,
    /// How often it was started.
    pub(crate) starts: u32,
    /// How it is to be started next.
    pub(crate) patience: Patience,
    /// Subnets that primaries sent, by name.
    pub(crate) stored: HashMap<String, String>,
    /// Until when a turn, or what stops the process, takes.
    pub(crate) busy_until: Time,
    /// When the next turn is due by time.
    pub(crate) due: Time,
    /// What waits for the end of a commit.
    pub(crate) leaving: Vec<Outward>,
    /// Whether the host answers for a port that is closed.
    pub(crate) refuses: bool,
    /// Whether its disk has no room.
    pub(crate) is_full: bool,
    /// Whether it was started to wait for its partner, and has not been in contact since.
    pub(crate) is_patient: bool,
    /// Commands of operators, reloads and stops that it has read.
    pub(crate) commands: u64,
    /// When it read the last one.
    pub(crate) commanded: Time,
    /// The next commit takes so much longer.
    pub(crate) stall: Time,
    /// What the disk makes of the power cut that is coming.
    pub(crate) fate: Option<Fate>,
    /// Pings: when sent, and whether answered.
    pub(crate) pings: HashMap<Ipv4Addr, (Time, bool)>,
    /// Newest record of each address that an ACK rests on, on this disk.
    pub(crate) promised: HashMap<Ipv4Addr, u64>,
    /// When the turn that is being committed began.
    pub(crate) turn_began: Time,
    /// Unsettled grants of the turn whose replies leave.
    pub(crate) turn_unsettled: u64,
    /// Leases of turns that failed while they made unsettled grants, as far as the disk has them: no ACK of them left.
    pub(crate) half_done: HashMap<Ipv4Addr, u16>,
    /// A copy of the disk, and when it was made.
    pub(crate) copy: Option<(SimDisk, Time)>,
    /// Leases that it knew when it ended.
    pub(crate) remembered: HashMap<Ipv4Addr, (u64, u16)>,
    inbox: Vec<Inward>,
}

impl Node {
    /// A server on an empty disk, not started.
    pub(crate) fn new(index: usize, disk: SimDisk, clock: NodeClock) -> Node {
        Node {
            index,
            disk,
            clock,
            engine: None,
            starts: 0,
            patience: Patience::Normal,
            stored: HashMap::new(),
            busy_until: 0,
            due: 0,
            leaving: Vec::new(),
            refuses: true,
            is_full: false,
            is_patient: false,
            commands: 0,
            commanded: 0,
            stall: 0,
            fate: None,
            pings: HashMap::new(),
            promised: HashMap::new(),
            turn_began: 0,
            turn_unsettled: 0,
            half_done: HashMap::new(),
            copy: None,
            remembered: HashMap::new(),
            inbox: Vec::new(),
        }
    }

    /// Puts something before the process; a full socket drops it. Whether it was taken.
    pub(crate) fn put(&mut self, inward: Inward) -> bool {
        let is_taken = self.engine.is_some() && self.inbox.len() < QUEUE_MAX;
        if is_taken {
            self.inbox.push(inward);
        }
        is_taken
    }

    /// Sends the process a signal, which waits for it whatever else does.
    pub(crate) fn signal(&mut self, inward: Inward) {
        if self.engine.is_some() {
            self.inbox.push(inward);
        }
    }

    /// What waits for the next turn, as it came.
    pub(crate) fn inbox(&self) -> &[Inward] {
        &self.inbox
    }

    /// The same, in the order in which it will be handed on.
    pub(crate) fn waiting(&self) -> Vec<&Inward> {
        let mut waiting: Vec<&Inward> = self.inbox.iter().collect();
        waiting.sort_by_key(|inward| inward.rank());
        waiting
    }

    /// When its next turn begins.
    pub(crate) fn next_turn(&self, now: Time) -> Time {
        if self.engine.is_none() {
            return Time::MAX;
        }
        let due = if self.inbox.is_empty() { self.due } else { now };
        due.max(self.busy_until).max(now)
    }

    /// Whether it has the record of a lease with this stamp, or a newer one of the client; a server that does not run
    /// has what it had.
    pub(crate) fn holds(&self, address: Ipv4Addr, who: u16, stamp: u64) -> bool {
        let known = match &self.engine {
            Some(engine) => leases(engine).get(&address).copied(),
            None => self.remembered.get(&address).copied(),
        };
        known.is_some_and(|known| known.0 >= stamp && known.1 == who)
    }

    /// Ends the process: what waited for it is gone.
    pub(crate) fn end(&mut self) -> Option<Engine<SimDisk>> {
        if let Some(engine) = &self.engine {
            self.remembered = leases(engine);
        }
        self.inbox.clear();
        self.leaving.clear();
        self.stall = 0;
        self.pings.clear();
        self.engine.take()
    }

    /// The stamps and the unsettled grants up to now.
    pub(crate) fn marks(&self) -> (u64, u64) {
        let server = self.engine.as_ref().map(Engine::server);
        let unsettled = |server: &Server| server.counters().of(Counter::UnsettledGrants);
        server.map_or((0, 0), |server| (server.bindings().stamps().last().0, unsettled(server)))
    }

    /// A turn failed: what it decided and did not make durable is not remembered. `before` and `after` are the
    /// [marks](Node::marks) of the turn.
    pub(crate) fn remember_disk(&mut self, before: (u64, u64), after: (u64, u64)) {
        let mut kept = HashMap::new();
        let replay = &mut |payload: &[u8]| {
            if let Ok(Record::Binding(binding)) = Record::decode(payload) {
                kept.insert(binding.address, (binding.state == BindingState::Leased).then(|| lease(&binding)));
            }
        };
        let opened = Journal::open(self.disk.fork(), OpenMode::Normal, replay).is_ok();
        let known = kept.into_iter().filter_map(|(address, lease)| lease.map(|lease| (address, lease)));
        self.remembered = known.filter(|_| opened).collect();
        let of_the_turn = self.remembered.iter().filter(|(_, lease)| lease.0 > before.0 && after.1 > before.1);
        self.half_done.extend(of_the_turn.map(|(address, lease)| (*address, lease.1)));
    }

    /// One turn.
    ///
    /// # Errors
    /// What ends the process.
    pub(crate) fn turn(&mut self, now: Time, cost: Cost) -> Result<Turned, Fatal> {
        let engine = self.engine.as_mut().expect("it runs");
        let before = engine.server().counters().of(Counter::UnsettledGrants);
        let syncs = self.disk.syncs();
        let _ = self.disk.take_synced();
        engine.begin(self.clock.reading(now));
        let mut inbox = std::mem::take(&mut self.inbox);
        inbox.sort_by_key(Inward::rank);
        let inputs = inbox.len();
        if inbox.iter().any(Inward::is_command) {
            (self.commands, self.commanded) = (self.commands + 1, now);
        }
        inbox.into_iter().for_each(|inward| inward.hand(engine));
        let mut released = engine.end()?;
        let wrote = self.disk.syncs() != syncs;
        let at = now + if wrote { cost.sync } else { cost.idle } + std::mem::take(&mut self.stall);
        let effects = released.effects().len();
        let _ = released.keep_timely(self.clock.reading(at).mono);
        let synced = self.disk.take_synced();
        let leaving = outward(&released, &synced);
        drop(released);
        let unsettled = engine.server().counters().of(Counter::UnsettledGrants) - before;
        self.busy_until = at;
        self.due = engine.wake_at().map_or(at, |wake| self.clock.when(wake)).max(at);
        let has_unsynced = self.disk.has_unsynced();
        Ok(Turned { leaving, at, unsettled, synced, has_unsynced, effects, inputs })
    }
}

/// Stamp and client of each lease that a server knows.
fn leases(engine: &Engine<SimDisk>) -> HashMap<Ipv4Addr, (u64, u16)> {
    let table = engine.server().bindings().table();
    let leased = table.slots(0, table.len()).filter(|binding| binding.state == BindingState::Leased);
    leased.map(|binding| (binding.address, lease(&binding))).collect()
}

/// Stamp and client.
fn lease(binding: &Binding<'_>) -> (u64, u16) {
    let octets = binding.client.hardware.map_or(&[][..], |hardware| hardware.address);
    (binding.stamp.0, octets.last_chunk().map_or(u16::MAX, |last| u16::from_be_bytes(*last)))
}

fn outward(released: &Released<'_>, synced: &[u8]) -> Vec<Outward> {
    let one = |effect: &Effect| match effect {
        Effect::Reply { to, bytes } => {
            let reply = Reply::decode(*to, released.bytes(bytes));
            let promises = reply.kind() == Some(kind::ACK) && reply.has(code::LEASE);
            let record = if promises { granted(&reply, synced) } else { None };
            Outward::Reply { reply: Box::new(reply), record }
        }
        Effect::Partner { partner, bytes } => Outward::Partner(*partner, released.bytes(bytes).to_vec()),
        Effect::Ping { address } => Outward::Ping(*address),
        Effect::Stop => Outward::Stop,
        Effect::SyncFailed { partner } => Outward::SyncFailed(*partner),
        Effect::StoreSubnets { name, bytes } => {
            Outward::Store(name.clone(), String::from_utf8_lossy(released.bytes(bytes)).into_owned())
        }
        Effect::Control { bytes, .. } => Outward::Said(String::from_utf8_lossy(released.bytes(bytes)).into_owned()),
    };
    released.effects().iter().map(one).collect()
}

/// Finds the newest record of a lease among octets that were made durable: understudy-journal(5) has the layout.
fn granted(reply: &Reply, synced: &[u8]) -> Option<Granted> {
    const LEASED: u8 = 1;
    const FIXED: usize = 47;
    let [a, b, c, d] = reply.yiaddr.octets();
    let wanted = [1, a, b, c, d, LEASED];
    let number = |at: usize| u64::from_be_bytes(synced[at..at + 8].try_into().expect("8 octets"));
    let mut found = None;
    for at in 0..synced.len().saturating_sub(FIXED - 1) {
        if synced[at..at + 6] != wanted {
            continue;
        }
        let details = &synced[at + FIXED..synced.len().min(at + FIXED + 300)];
        if details.windows(6).any(|octets| octets == &reply.chaddr[..6]) {
            found = Some(Granted { stamp: number(at + 39), end: number(at + 15), seen: number(at + 23) });
        }
    }
    found
}
