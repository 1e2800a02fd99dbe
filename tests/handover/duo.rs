//! A primary and a failover on simulated disks, a clock that both share, and a wire that takes a millisecond.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use understudy::clock::{Mono, Now, Reading, Wall};
use understudy::config;
use understudy::engine::{Engine, Patience, Start};
use understudy::journal::OpenMode;
use understudy::server::event::{Arrival, Input, Interface, InterfaceId, PartnerId};
use understudy::server::failover::View;
use understudy::server::outbox::Effect;

use crate::support::client::Message;
use crate::support::disk::SimDisk;
use crate::support::setup::Texts;
use crate::support::world::first_reading;
use crate::support::{Client, Reply, ip, kind};

pub(super) const PRIMARY: usize = 0;
pub(super) const FAILOVER: usize = 1;
const TICK: Duration = Duration::from_millis(1);
const PART: &str = "[Policy]\nDefaultLease = 600\n[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.99\n";
/// What both sides write of the timers of the channel.
const CHANNEL: &str = "FailoverKeyFile = none\nPollDelay = 0.2\nWaitSyncBindAckSecs = 0.5\n\
    WaitSyncBindUpdateSecs = 1\nMaxClockSkewSecs = 1\n";
/// Half the time that three polls of 0.2 s may stay unanswered.
pub(super) const STALL: Duration = Duration::from_millis(300);

pub(super) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// What waits for a server's next turn, partners first, as in the loop.
#[derive(Debug)]
enum Waiting {
    Stop,
    Datagram(Vec<u8>),
    Refused,
    Packet(Box<Message>),
}

/// One server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) engine: Engine<SimDisk>,
    pub(super) disk: SimDisk,
    waiting: Vec<Waiting>,
    /// A process that stands still takes no turn.
    pub(super) frozen: bool,
    /// How long the next commit takes.
    pub(super) slow: Duration,
    /// Packets of clients that one turn takes.
    pub(super) budget: usize,
    busy_until: Mono,
    pub(super) stopped: bool,
}

/// A reply, by whom and when.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) server: usize,
    pub(super) at: Mono,
    pub(super) reply: Reply,
}

/// Both of them.
pub(super) struct Duo {
    pub(super) servers: [Option<Server>; 2],
    pub(super) now: Reading,
    flying: Vec<(Mono, usize, Vec<u8>)>,
    /// Datagrams to this server are lost.
    pub(super) deaf: [bool; 2],
    pub(super) heard: Vec<Heard>,
    /// Every state of each server, in order.
    pub(super) states: [Vec<&'static str>; 2],
    /// Messages of clients so far.
    pub(super) asked: u32,
}

impl Duo {
    /// Both started anew, in their places: the primary serves, the failover sleeps.
    pub(super) fn at_rest() -> Duo {
        let mut duo = Duo {
            servers: [None, None],
            now: first_reading(),
            flying: Vec::new(),
            deaf: [false; 2],
            heard: Vec::new(),
            states: [Vec::new(), Vec::new()],
            asked: 0,
        };
        for server in [PRIMARY, FAILOVER] {
            duo.start(server, SimDisk::new(server as u64 + 1), OpenMode::New);
        }
        duo.run(millis(500));
        assert_eq!([duo.state(PRIMARY), duo.state(FAILOVER)], ["Serving", "Asleep"]);
        duo
    }

    /// Starts a server on what `disk` holds.
    pub(super) fn start(&mut self, server: usize, disk: SimDisk, mode: OpenMode) {
        let mut seed = [server as u8 + 1; 32];
        seed[16..24].copy_from_slice(&self.now.mono.nanos().to_le_bytes());
        seed[8..16].copy_from_slice(&self.now.mono.nanos().to_be_bytes());
        let start = Start {
            config: configuration(server),
            storage: disk.clone(),
            mode,
            reading: self.now,
            seed,
            patience: Patience::Normal,
        };
        let (mut engine, _) = Engine::start(start).unwrap_or_else(|fatal| panic!("{fatal}"));
        engine.begin(self.now);
        let addresses = vec![(ip(["10.1.0.4", "10.1.0.5"][server]), 24)];
        engine.handle(Input::Interfaces(vec![Interface { id: InterfaceId(1), name: "eth0".into(), addresses }]));
        let waiting = Vec::new();
        let busy_until = Mono::default();
        let (slow, budget) = (Duration::ZERO, usize::MAX);
        let (frozen, stopped) = (false, false);
        self.servers[server] = Some(Server { engine, disk, waiting, frozen, slow, budget, busy_until, stopped });
        self.finish(server);
    }

    /// A server is gone, with no more than what is durable on its disk.
    pub(super) fn kill(&mut self, server: usize) -> SimDisk {
        self.servers[server].take().map(|server| server.disk.fork()).expect("it runs")
    }

    /// SIGTERM.
    pub(super) fn stop(&mut self, server: usize) {
        self.server(server).waiting.push(Waiting::Stop);
    }

    pub(super) fn server(&mut self, server: usize) -> &mut Server {
        self.servers[server].as_mut().expect("it runs")
    }

    fn now(&self) -> Now {
        Now { mono: self.now.mono, wall: self.now.system }
    }

    fn view(&self, server: usize) -> View<'_> {
        let engine = &self.servers[server].as_ref().expect("it runs").engine;
        engine.server().partners(self.now()).next().expect("a partner")
    }

    pub(super) fn state(&self, server: usize) -> &'static str {
        self.view(server).state
    }

    pub(super) fn is_in_contact(&self, server: usize) -> bool {
        let engine = &self.servers[server].as_ref().expect("it runs").engine;
        engine.server().failover().is_in_contact(Some(PartnerId(0)), self.now.mono)
    }

    /// A client's message reaches both servers. Its number, which the replies to it carry.
    pub(super) fn ask(&mut self, mut message: Message) -> u32 {
        self.asked += 1;
        message.xid = self.asked;
        for server in self.servers.iter_mut().flatten() {
            server.waiting.push(Waiting::Packet(Box::new(message.clone())));
        }
        self.asked
    }

    /// A client gets an address from whoever serves.
    pub(super) fn lease(&mut self, client: &Client) -> Reply {
        let asked = self.ask(client.discover());
        self.run(millis(10));
        let offer = self.answer_to(asked).expect("an offer").clone();
        let asked = self.ask(client.selecting(&offer));
        self.run(millis(10));
        self.answer_to(asked).filter(|reply| reply.kind() == Some(kind::ACK)).expect("an ACK").clone()
    }

    /// The one answer to a message.
    pub(super) fn answer_to(&self, asked: u32) -> Option<&Reply> {
        let mut answers = self.heard.iter().filter(|heard| heard.reply.xid == asked);
        let first = answers.next();
        let by = |heard: &Heard| (heard.server, heard.at, heard.reply.kind());
        let all: Vec<_> = self.heard.iter().filter(|heard| heard.reply.xid == asked).map(by).collect();
        assert!(answers.next().is_none(), "message {asked} was answered twice: {all:?}, {:?}", self.states);
        first.map(|heard| &heard.reply)
    }

    /// Who answered a message.
    pub(super) fn voice(&self, asked: u32) -> Option<usize> {
        self.answer_to(asked)?;
        self.heard.iter().find(|heard| heard.reply.xid == asked).map(|heard| heard.server)
    }

    /// Replies of `server` since `from`.
    pub(super) fn replies_of(&self, server: usize, from: Mono) -> usize {
        self.heard.iter().filter(|heard| heard.server == server && heard.at > from).count()
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, wait: Duration) {
        let until = self.now.mono + wait;
        while self.now.mono < until {
            self.now.mono = self.now.mono + TICK;
            self.now.system = Wall::from_millis(self.now.system.millis() + 1);
            self.deliver();
            for server in [PRIMARY, FAILOVER] {
                if self.is_due(server) {
                    self.turn(server);
                }
            }
        }
    }

    fn deliver(&mut self) {
        let now = self.now.mono;
        let (due, later): (Vec<_>, Vec<_>) = std::mem::take(&mut self.flying).into_iter().partition(|it| it.0 <= now);
        self.flying = later;
        for (_, to, bytes) in due {
            match &mut self.servers[to] {
                Some(server) if !self.deaf[to] => server.waiting.push(Waiting::Datagram(bytes)),
                Some(_) => {}
                // The system says that nobody listens there.
                None => {
                    if let Some(server) = self.servers[1 - to].as_mut().filter(|_| !self.deaf[1 - to]) {
                        server.waiting.push(Waiting::Refused);
                    }
                }
            }
        }
    }

    fn is_due(&self, server: usize) -> bool {
        let Some(server) = &self.servers[server] else { return false };
        let wakes = server.engine.wake_at().is_none_or(|wake| wake <= self.now.mono);
        !server.frozen && server.busy_until <= self.now.mono && (wakes || !server.waiting.is_empty())
    }

    fn turn(&mut self, index: usize) {
        let now = self.now;
        let server = self.server(index);
        server.engine.begin(now);
        server.waiting.sort_by_key(|waiting| matches!(waiting, Waiting::Packet(_)));
        let mut budget = server.budget;
        for waiting in std::mem::take(&mut server.waiting) {
            match waiting {
                Waiting::Packet(message) if budget == 0 => server.waiting.push(Waiting::Packet(message)),
                Waiting::Stop => server.engine.handle(Input::Stop),
                Waiting::Refused => server.engine.handle(Input::Refused { partner: PartnerId(0) }),
                Waiting::Datagram(bytes) => {
                    server.engine.handle(Input::Partner { partner: PartnerId(0), bytes: &bytes });
                }
                Waiting::Packet(message) => {
                    let arrival =
                        Arrival { interface: InterfaceId(1), source: message.source, destination: message.destination };
                    server.engine.handle(Input::Packet { arrival, bytes: &message.bytes() });
                    budget -= 1;
                }
            }
        }
        if !server.waiting.is_empty() {
            server.engine.note_backlog();
        }
        self.finish(index);
    }

    /// The end of a turn: the commit takes its time, then everything leaves.
    fn finish(&mut self, index: usize) {
        let began = self.now.mono;
        let Some(server) = &mut self.servers[index] else { return };
        let at = began + std::mem::take(&mut server.slow);
        server.busy_until = at;
        let mut released = server.engine.end().unwrap_or_else(|fatal| panic!("{fatal}"));
        let _ = released.keep_timely(at);
        for effect in released.effects() {
            match effect {
                Effect::Reply { to, bytes } => {
                    let reply = Reply::decode(*to, released.bytes(bytes));
                    self.heard.push(Heard { server: index, at, reply });
                }
                Effect::Partner { bytes, .. } => {
                    self.flying.push((at + TICK, 1 - index, released.bytes(bytes).to_vec()));
                }
                Effect::Stop => server.stopped = true,
                Effect::Ping { .. } | Effect::Control { .. } | Effect::StoreSubnets { .. } => {}
                Effect::SyncFailed { .. } => panic!("no sync is critical here"),
            }
        }
        drop(released);
        if server.stopped {
            self.servers[index] = None;
            self.states[index].push("stopped");
            return;
        }
        let state = self.state(index);
        if self.states[index].last() != Some(&state) && state != "Probing" {
            self.states[index].push(state);
        }
    }
}

fn configuration(server: usize) -> config::Config {
    let main = PathBuf::from("/etc/understudy/understudyd.ini");
    let text = if server == PRIMARY {
        format!(
            "[Server]\nHostName = dhcp1\nServerAddress = 10.1.0.4\nFailoverServerType = Standalone/Primary\n\
             [Failover]\nUseFailoverServer = True\nSecondaryIpAddr = 10.1.0.5\n\
             CtlReqRetryMax = 2\nWaitCtlRetSecs = 0.3\n{CHANNEL}{PART}"
        )
    } else {
        format!(
            "[Server]\nHostName = dhcp2\nServerAddress = 10.1.0.5\nFailoverServerType = Failover/Secondary\n\
             [Primary dhcp1]\nPrimaryIpAddr = 10.1.0.4\nSubnetsFile = /etc/understudy/part.ini\n\
             WaitPollRplSecs = 0.2\nPollRetryMax = 2\nSyncReqRetryMax = 2\nWaitSyncStartSecs = 0.5\n{CHANNEL}"
        )
    };
    let texts = HashMap::from([(main.clone(), text), (PathBuf::from("/etc/understudy/part.ini"), PART.to_owned())]);
    config::load(Path::new(&main), &Texts(texts)).unwrap_or_else(|errors| panic!("{errors:?}"))
}
