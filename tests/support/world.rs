//! The world around one engine: interfaces, two clocks, and what the engine sends.

use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::clock::{Mono, Reading, Wall};
use understudy::config::Config;
use understudy::engine::{Engine, Fatal, Patience, Start};
use understudy::journal::OpenMode;
use understudy::server::event::{Arrival, ControlId, Input, Interface, InterfaceId};
use understudy::server::outbox::Effect;

use super::client::{Client, Message};
use super::disk::SimDisk;
use super::reply::Reply;
use super::{ip, kind};

/// 2026-01-01T00:00:00Z.
const START: Wall = Wall::from_secs(1_767_225_600);

/// A bound on the turns that one advance of the clock may take: one a minute for a month.
const TURNS_MAX: usize = 50_000;

/// What came out of one turn or more.
#[derive(Debug, Default)]
#[must_use]
pub(crate) struct Answer {
    pub(crate) replies: Vec<Reply>,
    pub(crate) pings: Vec<Ipv4Addr>,
    pub(crate) control: String,
    /// Whether the answer on the control socket goes on.
    pub(crate) goes_on: bool,
}

impl Answer {
    /// The one reply, an OFFER.
    pub(crate) fn offer(self) -> Reply {
        self.only(Some(kind::OFFER))
    }

    /// The one reply, an ACK.
    pub(crate) fn ack(self) -> Reply {
        self.only(Some(kind::ACK))
    }

    /// The one reply, a NAK.
    pub(crate) fn nak(self) -> Reply {
        self.only(Some(kind::NAK))
    }

    /// The one reply, a BOOTREPLY without option 53.
    pub(crate) fn bootreply(self) -> Reply {
        self.only(None)
    }

    /// Asserts that nothing came.
    pub(crate) fn silence(self) {
        let kinds: Vec<_> = self.replies.iter().map(|reply| (reply.kind(), reply.yiaddr)).collect();
        assert!(kinds.is_empty(), "a reply where none belongs: {kinds:?}");
    }

    fn only(mut self, kind: Option<u8>) -> Reply {
        let kinds: Vec<_> = self.replies.iter().map(Reply::kind).collect();
        assert_eq!(kinds, [kind], "types of the replies");
        self.replies.remove(0)
    }
}

/// One engine on a simulated disk, with eth0 (10.1.0.4/24 and 10.1.0.5/24) and eth1 (10.2.0.4/24).
pub(crate) struct World {
    engine: Engine<SimDisk>,
    now: Reading,
}

impl World {
    /// Starts an engine on an empty disk.
    pub(crate) fn new(config: Config) -> World {
        World::start(config, &SimDisk::new(1), first_reading()).unwrap_or_else(|fatal| panic!("{fatal}"))
    }

    /// Starts an engine on what `disk` holds.
    ///
    /// # Errors
    /// What ends the process.
    pub(crate) fn start(config: Config, disk: &SimDisk, now: Reading) -> Result<World, Fatal> {
        let start = Start {
            config,
            storage: disk.clone(),
            mode: OpenMode::Normal,
            reading: now,
            seed: [7; 32],
            patience: Patience::Normal,
        };
        let (engine, _) = Engine::start(start)?;
        let mut world = World { engine, now };
        let _ = world.turn([Input::Interfaces(interfaces())])?;
        Ok(world)
    }

    /// What the clocks say.
    pub(crate) fn now(&self) -> Reading {
        self.now
    }

    /// An operator puts the system's clock forward.
    pub(crate) fn put_clock_forward(&mut self, by: Duration) {
        self.now.system = Wall::from_millis(self.now.system.millis() + by.as_millis() as u64);
    }

    /// Stops as planned.
    ///
    /// # Errors
    /// What ends the process.
    pub(crate) fn stop(self) -> Result<(), Fatal> {
        self.engine.stop()
    }

    /// Sends one message in a turn of its own, and checks all replies against it.
    pub(crate) fn ask(&mut self, message: &Message) -> Answer {
        let answer = self.ask_bytes(message, &message.bytes());
        for reply in &answer.replies {
            reply.check_against(message);
        }
        answer
    }

    /// Sends `bytes` the way that `message` would arrive.
    pub(crate) fn ask_bytes(&mut self, message: &Message, bytes: &[u8]) -> Answer {
        self.sound(Input::Packet { arrival: arrival(message), bytes })
    }

    /// Sends several messages in one turn.
    ///
    /// # Errors
    /// What ends the process.
    pub(crate) fn ask_at_once(&mut self, messages: &[Message]) -> Result<Answer, Fatal> {
        let all: Vec<_> = messages.iter().map(|message| (arrival(message), message.bytes())).collect();
        self.turn(all.iter().map(|(arrival, bytes)| Input::Packet { arrival: *arrival, bytes }))
    }

    /// The whole exchange of a client without any wishes: DISCOVER, OFFER, REQUEST, ACK.
    pub(crate) fn lease(&mut self, client: &Client) -> Reply {
        self.lease_by(client, |message| message)
    }

    /// The whole exchange, with both messages altered by `alter`.
    pub(crate) fn lease_by(&mut self, client: &Client, alter: impl Fn(Message) -> Message) -> Reply {
        let offer = self.ask(&alter(client.discover())).offer();
        let ack = self.ask(&alter(client.selecting(&offer))).ack();
        assert_eq!(ack.yiaddr, offer.yiaddr, "the ACK gives what was offered");
        ack
    }

    /// An ICMP echo reply arrives.
    pub(crate) fn echo(&mut self, address: Ipv4Addr) -> Answer {
        self.sound(Input::Echo { address })
    }

    /// Asks on the control socket and gathers the whole answer.
    pub(crate) fn control(&mut self, line: &str) -> String {
        let id = ControlId(1);
        let mut answer = self.sound(Input::Control { id, line });
        let mut text = String::new();
        for _ in 0..TURNS_MAX {
            text.push_str(&answer.control);
            if !answer.goes_on {
                return text;
            }
            answer = self.sound(Input::ControlMore { id });
        }
        panic!("no end to the answer to {line}");
    }

    /// Puts another configuration in force.
    pub(crate) fn reload(&mut self, config: Config) {
        let _ = self.sound(Input::Reload(Box::new(config)));
    }

    /// Lets time pass; the engine wakes whenever it asked to.
    pub(crate) fn advance(&mut self, wait: Duration) -> Answer {
        let until = self.now.mono + wait;
        let mut answer = Answer::default();
        for _ in 0..TURNS_MAX {
            let wake = self.engine.wake_at().unwrap_or(self.now.mono).max(self.now.mono);
            if wake > until {
                self.pass(until.since(self.now.mono));
                return answer;
            }
            self.pass(wake.since(self.now.mono));
            self.engine.begin(self.now);
            self.finish(&mut answer).unwrap_or_else(|fatal| panic!("{fatal}"));
            // The least that a turn takes, so that a wake-up that is always due cannot stop the clock.
            self.pass(Duration::from_millis(1).min(until.since(self.now.mono)));
            if self.now.mono == until {
                return answer;
            }
        }
        panic!("over {TURNS_MAX} turns within {wait:?}");
    }

    /// [`World::advance`] in whole seconds.
    pub(crate) fn advance_secs(&mut self, secs: u64) -> Answer {
        self.advance(Duration::from_secs(secs))
    }

    /// A turn with one input on a disk without faults.
    fn sound(&mut self, input: Input<'_>) -> Answer {
        self.turn([input]).unwrap_or_else(|fatal| panic!("{fatal}"))
    }

    fn turn<'a>(&mut self, inputs: impl IntoIterator<Item = Input<'a>>) -> Result<Answer, Fatal> {
        self.pass(Duration::from_millis(1));
        self.engine.begin(self.now);
        for input in inputs {
            self.engine.handle(input);
        }
        let mut answer = Answer::default();
        self.finish(&mut answer)?;
        Ok(answer)
    }

    fn finish(&mut self, answer: &mut Answer) -> Result<(), Fatal> {
        let released = self.engine.end()?;
        for effect in released.effects() {
            match effect {
                Effect::Reply { to, bytes } => {
                    answer.replies.push(Reply::decode(*to, released.bytes(bytes)));
                }
                Effect::Ping { address } => answer.pings.push(*address),
                Effect::Control { bytes, more, .. } => {
                    answer.goes_on = *more;
                    answer.control.push_str(&String::from_utf8_lossy(released.bytes(bytes)));
                }
                Effect::Partner { .. } => panic!("a server without a partner has nobody to write to"),
                Effect::StoreSubnets { .. } => panic!("a standalone server is sent nothing"),
                Effect::Stop | Effect::SyncFailed { .. } => panic!("nobody asked the server to stop"),
            }
        }
        drop(released);
        self.engine.prepare()
    }

    fn pass(&mut self, wait: Duration) {
        let millis = |mono: Mono| mono.nanos() / 1_000_000;
        let before = millis(self.now.mono);
        self.now.mono = self.now.mono + wait;
        let passed = millis(self.now.mono) - before;
        self.now.system = Wall::from_millis(self.now.system.millis() + passed);
    }
}

/// The clocks at the first start: 2026-01-01T00:00:00Z.
pub(crate) fn first_reading() -> Reading {
    Reading { mono: Mono::from_nanos(1_000_000_000), system: START }
}

fn arrival(message: &Message) -> Arrival {
    Arrival { interface: InterfaceId(message.interface), source: message.source, destination: message.destination }
}

fn interfaces() -> Vec<Interface> {
    let interface = |id, name: &str, addresses: &[&str]| Interface {
        id: InterfaceId(id),
        name: name.into(),
        addresses: addresses.iter().map(|address| (ip(address), 24)).collect(),
    };
    vec![interface(1, "eth0", &["10.1.0.4", "10.1.0.5"]), interface(2, "eth1", &["10.2.0.4"])]
}
