//! An Ethernet switch of the tests' own: one thread that moves frames between packet sockets by rules that a test
//! changes while it runs. It loses, copies, delays and reorders what the kernel's bridge always delivers in order.
//!
//! Each host is plugged in by a pair of virtual interfaces, whose other end lies in the switch's namespace. The thread
//! learns which hardware address is behind which port, floods what it does not know, and forgets nothing.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use socket2::Socket;

use super::frames::{self, Traffic};
use crate::rig::capture::packet_socket;
use crate::rig::host::{Host, until};
use crate::rig::world::Stage;

/// Frames read from one port before the others get their turn.
const BATCH: usize = 64;
/// Channel frames that are kept for a replay, at most.
const KEPT_MAX: usize = 200_000;
/// Frames held back at a time, at most; more are lost, as in any switch.
const HELD_MAX: usize = 50_000;
/// How soon a port that was just plugged in, and the end, are seen.
const IDLE: Duration = Duration::from_millis(50);

/// A port, in the order of plugging in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port(usize);

/// What happens to a frame that a rule picks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fate {
    /// It is gone.
    Drop,
    /// It is gone in so many per cent.
    Lose(u32),
    /// It arrives twice in so many per cent.
    Copy(u32),
    /// It is held back for up to so long in so many per cent, so that later ones overtake it.
    Shuffle(u32, Duration),
}

/// A rule: frames of `traffic` that came in by `from` and would leave by `to`; `None` is any port.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule {
    pub(crate) from: Option<Port>,
    pub(crate) to: Option<Port>,
    pub(crate) traffic: Traffic,
    pub(crate) fate: Fate,
}

impl Rule {
    /// Cuts `traffic` between any of `one` and any of `other`, both ways.
    pub(crate) fn cut(traffic: Traffic, one: &[Port], other: &[Port]) -> Vec<Rule> {
        let pairs = one.iter().flat_map(|a| other.iter().flat_map(move |b| [(*a, *b), (*b, *a)]));
        pairs.flat_map(|(from, to)| Rule::cut_one_way(traffic, from, to)).collect()
    }

    /// Cuts `traffic` from one port to another, not back.
    pub(crate) fn cut_one_way(traffic: Traffic, from: Port, to: Port) -> Vec<Rule> {
        vec![Rule { from: Some(from), to: Some(to), traffic, fate: Fate::Drop }]
    }

    /// Cuts all that a host sends and hears: to the others it is dead, and nothing refuses its ports.
    pub(crate) fn isolate(port: Port) -> Vec<Rule> {
        let ends = [(Some(port), None), (None, Some(port))];
        ends.map(|(from, to)| Rule { from, to, traffic: Traffic::Any, fate: Fate::Drop }).to_vec()
    }

    /// One fate for all of `traffic`.
    pub(crate) fn everywhere(traffic: Traffic, fate: Fate) -> Rule {
        Rule { from: None, to: None, traffic, fate }
    }

    fn picks(&self, from: Port, to: Port, frame: &[u8]) -> bool {
        self.from.is_none_or(|port| port == from) && self.to.is_none_or(|port| port == to) && self.traffic.has(frame)
    }
}

/// What the thread and the tests share.
#[derive(Default)]
struct Shared {
    sockets: Vec<Arc<Socket>>,
    rules: Vec<Rule>,
    kept: Option<Vec<(Port, Vec<u8>)>>,
}

/// A switch that runs.
pub(crate) struct Switch {
    host: Host,
    shared: Arc<Mutex<Shared>>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Switch {
    /// A switch with nothing plugged in; what its rules do by chance follows from `seed` and the order of the frames.
    pub(crate) fn new(stage: &Stage, seed: u64) -> Switch {
        let host = Host::new(stage, "switch");
        let shared = Arc::new(Mutex::new(Shared::default()));
        let is_over = Arc::new(AtomicBool::new(false));
        let (seen, end) = (Arc::clone(&shared), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || Forwarding::new(seen, seed).run(&end));
        Switch { host, shared, is_over, thread: Some(thread) }
    }

    /// The host of the switch: its interfaces p0, p1 and so on are the other ends of what was plugged in, in order.
    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    /// Plugs `host` in by a new interface eth0 with an address such as `10.1.0.4/24`.
    pub(crate) fn plug(&self, host: &Host, address: Option<&str>) -> Port {
        let port = self.lock().sockets.len();
        let name = format!("p{port}");
        self.host.run(&format!("ip link add {name} type veth peer name eth0 netns {}", host.pid()));
        self.host.run(&format!("ip link set {name} up"));
        host.run("ip link set eth0 up");
        // Before the kernel calls both ends up, frames are lost without a word.
        for (end, name) in [(&self.host, name.as_str()), (host, "eth0")] {
            let state = format!("cat /sys/class/net/{name}/operstate");
            until("a plugged interface", Duration::from_secs(5), || end.run(&state).trim() == "up");
        }
        if let Some(address) = address {
            host.run(&format!("ip addr add {address} dev eth0"));
        }
        let socket = self.host.inside(move || packet_socket(&name));
        socket.set_nonblocking(true).expect("a socket that does not wait");
        self.lock().sockets.push(Arc::new(socket));
        Port(port)
    }

    /// The rules from now on; each frame meets them in order.
    pub(crate) fn rule(&self, rules: Vec<Rule>) {
        self.lock().rules = rules;
    }

    /// Everything is delivered again.
    pub(crate) fn heal(&self) {
        self.rule(Vec::new());
    }

    /// Keeps each channel frame from now on.
    pub(crate) fn keep(&self) {
        self.lock().kept = Some(Vec::new());
    }

    /// What was kept, each with the port by which it came in.
    pub(crate) fn kept(&self) -> Vec<(Port, Vec<u8>)> {
        self.lock().kept.take().unwrap_or_default()
    }

    /// Sends a frame out by `port`, past all rules.
    pub(crate) fn inject(&self, port: Port, frame: &[u8]) {
        let socket = Arc::clone(&self.lock().sockets[port.0]);
        // A frame that finds no room is lost, as on any wire.
        let _ = (&*socket).write(frame);
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().expect("the switch")
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A frame that is held back: due time, serial number, port, octets.
type Held = Reverse<(Instant, u64, usize, Vec<u8>)>;

/// The thread's own.
struct Forwarding {
    shared: Arc<Mutex<Shared>>,
    sockets: Vec<Arc<Socket>>,
    places: HashMap<[u8; 6], usize>,
    held: BinaryHeap<Held>,
    serial: u64,
    chance: u64,
}

impl Forwarding {
    fn new(shared: Arc<Mutex<Shared>>, seed: u64) -> Forwarding {
        let (places, held) = (HashMap::new(), BinaryHeap::new());
        Forwarding { shared, sockets: Vec::new(), places, held, serial: 0, chance: seed | 1 }
    }

    fn run(mut self, is_over: &AtomicBool) {
        let mut buffer = vec![0; 65536];
        while !is_over.load(Ordering::Relaxed) {
            self.sockets.clone_from(&self.shared.lock().expect("the switch").sockets);
            let ready = self.wait();
            for port in ready {
                for _ in 0..BATCH {
                    let Ok(length) = (&*self.sockets[port]).read(&mut buffer) else { break };
                    self.forward(port, &mut buffer[..length]);
                }
            }
            self.release();
        }
    }

    /// Ports with frames to read; empty when a held frame is due, or nothing came for a while.
    fn wait(&self) -> Vec<usize> {
        let mut fds: Vec<PollFd<'_>> =
            self.sockets.iter().map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        let next = self.held.peek().map(|Reverse((due, ..))| due.saturating_duration_since(Instant::now()));
        // Rounded up: a wait of less than a millisecond would not wait at all.
        let wait = next.map_or(IDLE, |next| IDLE.min(next + Duration::from_millis(1)));
        let _ = poll(&mut fds, PollTimeout::try_from(wait).unwrap_or(PollTimeout::ZERO));
        let is_ready = |fd: &PollFd<'_>| fd.revents().is_some_and(|events| !events.is_empty());
        fds.iter().enumerate().filter(|(_, fd)| is_ready(fd)).map(|(port, _)| port).collect()
    }

    fn forward(&mut self, from: usize, frame: &mut [u8]) {
        let Some((to, source)) = ends(frame) else { return };
        frames::complete(frame);
        self.places.insert(source, from);
        let shared = Arc::clone(&self.shared);
        let mut shared = shared.lock().expect("the switch");
        if self.sockets.len() < shared.sockets.len() {
            self.sockets.clone_from(&shared.sockets);
        }
        if let Some(kept) = shared.kept.as_mut().filter(|kept| kept.len() < KEPT_MAX && Traffic::Channel.has(frame)) {
            kept.push((Port(from), frame.to_vec()));
        }
        match self.places.get(&to).copied() {
            Some(port) if port == from => {}
            Some(port) => self.meet_rules(&shared.rules, [from, port], frame),
            None => {
                for port in (0..self.sockets.len()).filter(|port| *port != from) {
                    self.meet_rules(&shared.rules, [from, port], frame);
                }
            }
        }
    }

    fn meet_rules(&mut self, rules: &[Rule], [from, to]: [usize; 2], frame: &[u8]) {
        let mut copies = 1;
        let mut wait = Duration::ZERO;
        for rule in rules.iter().filter(|rule| rule.picks(Port(from), Port(to), frame)) {
            match rule.fate {
                Fate::Drop => return,
                Fate::Lose(percent) if self.happens(percent) => return,
                Fate::Copy(percent) if self.happens(percent) => copies += 1,
                Fate::Shuffle(percent, most) if self.happens(percent) => wait = most.mul_f64(self.draw()),
                Fate::Lose(_) | Fate::Copy(_) | Fate::Shuffle(..) => {}
            }
        }
        for _ in 0..copies {
            if wait.is_zero() {
                let _ = (&*self.sockets[to]).write(frame);
            } else if self.held.len() < HELD_MAX {
                self.serial += 1;
                self.held.push(Reverse((Instant::now() + wait, self.serial, to, frame.to_vec())));
            }
        }
    }

    fn release(&mut self) {
        let now = Instant::now();
        while self.held.peek().is_some_and(|Reverse((due, ..))| *due <= now) {
            if let Some(Reverse((_, _, to, frame))) = self.held.pop() {
                let _ = (&*self.sockets[to]).write(&frame);
            }
        }
    }

    fn happens(&mut self, percent: u32) -> bool {
        self.draw() * 100.0 < f64::from(percent)
    }

    /// A number from 0 to 1 (xorshift64).
    fn draw(&mut self) -> f64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let high = u32::try_from(self.chance >> 32).expect("the upper half");
        f64::from(high) / f64::from(u32::MAX)
    }
}

/// Destination and source; a destination to many is known to no port.
fn ends(frame: &[u8]) -> Option<([u8; 6], [u8; 6])> {
    Some((frame.get(..6)?.try_into().ok()?, frame.get(6..12)?.try_into().ok()?))
}
