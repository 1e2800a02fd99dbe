//! The lab: everyone in a place, and the faults of a plan brought about at their times.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use super::observer::{Observer, Report};
use super::reach::{History, Ports};
use super::schedule::{CROWDS, Chance, Fault, Planned, SERVERS, Server, faults};
use crate::duo::config::Timers;
use crate::duo::{self, Crowd, Node, Plan, Port, Renewals, Setup, Switch, crowd_host, live};
use crate::rig::{Host, Stage, comes_true};

/// Where the servers are.
pub(crate) const ADDRESSES: [Ipv4Addr; SERVERS.len()] =
    [Ipv4Addr::new(10, 1, 0, 4), Ipv4Addr::new(10, 1, 0, 5), Ipv4Addr::new(10, 1, 0, 6)];
/// As the failover's configuration names its primaries; its own name is that of its host alone.
pub(crate) const NAMES: [&str; SERVERS.len()] = ["dhcp1", "dhcp2", "dhcp3"];
const CROWD_ADDRESSES: [Ipv4Addr; CROWDS] =
    [Ipv4Addr::new(10, 1, 0, 1), Ipv4Addr::new(10, 1, 0, 2), Ipv4Addr::new(10, 1, 0, 3)];
const RELAYS: [Ipv4Addr; CROWDS] = [Ipv4Addr::new(10, 2, 0, 1), Ipv4Addr::new(10, 2, 0, 2), Ipv4Addr::new(10, 3, 0, 1)];
/// Clients of each crowd: 200 in all.
const CLIENTS: [u32; CROWDS] = [80, 60, 60];
/// Seconds of a lease: most are renewed, and those of clients that went away end within the run.
const LEASE: u32 = 30;
/// From an ACK to the client's next renewal.
const RENEW_AFTER: Duration = Duration::from_secs(6);
/// From an unanswered message to its repeat.
const RESEND: Duration = Duration::from_millis(500);
/// In each crowd a client goes so often.
const CHURN: Duration = Duration::from_millis(600);
/// Ranges hold few more addresses than are in hands or not yet ended, so that addresses go from hand to hand.
const SUBNETS: [&str; 2] = [
    "[Subnet 10.2.0.0/16]\nRange = 10.2.1.0 - 10.2.1.249\nOption.routers = 10.2.0.1\n",
    "[Subnet 10.3.0.0/16]\nRange = 10.3.1.0 - 10.3.1.129\nOption.routers = 10.3.0.1\n",
];
/// Where packages put the library that shows a process another wall clock.
const CLOCK_LIBRARIES: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
];
/// For control to be where it belongs after everything was healed; a failover that yielded polls up to eight times.
const REST_PATIENCE: Duration = Duration::from_secs(60);
/// Enough for every client to renew twice under the servers that serve at the end.
const AFTER: Duration = Duration::from_secs(14);
/// A thread that sleeps this much longer than it asked for was kept from running by the machine.
const STALL: Duration = Duration::from_millis(100);

/// How the pair shares its free addresses out of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// StrictShares = False: ping first, then give.
    Default,
    /// StrictShares = True: stay silent.
    Strict,
}

/// A run: everything that it is made of follows from this.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) mode: Mode,
    pub(crate) seed: u64,
    pub(crate) length: Duration,
}

/// What a run leaves for the verdict.
pub(crate) struct Outcome {
    pub(crate) planned: Vec<Planned>,
    pub(crate) history: History,
    pub(crate) report: Report,
    /// Everything that was not as it should be, beyond what the observer saw.
    pub(crate) problems: Vec<String>,
    /// Address and client of each lease that a client holds and a server does not know as its, and who knows what.
    pub(crate) lost: Vec<([String; 2], String)>,
    /// Of the crowd's own list, a second opinion: duplicates, refused.
    pub(crate) own: [usize; 2],
    /// The longest time for which the machine kept a thread of the lab from running, in milliseconds.
    pub(crate) stall_ms: u64,
}

/// Seconds since 1970, as the observer has them.
fn clock() -> f64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

struct Lab<'a> {
    stage: &'a Stage,
    run: Run,
    nodes: [Node; SERVERS.len()],
    crowds: Vec<Crowd>,
    ports: Ports,
    own: duo::Observer,
    key: PathBuf,
    offsets: [i64; SERVERS.len()],
    active: Vec<Fault>,
    history: History,
    problems: Vec<String>,
    lost: Vec<([String; 2], String)>,
    diary: fs::File,
    _hosts: Vec<Host>,
    switch: Switch,
}

/// Plays a whole run.
pub(crate) fn play(stage: &Stage, run: Run) -> Outcome {
    let planned = faults(run.seed, run.length);
    let mut lab = Lab::new(stage, run);
    let stalls = Stalls::watch();
    lab.begin();
    let ports: Vec<String> = (0..CROWDS).map(|port| format!("p{port}")).collect();
    let observer = Observer::watch(&lab.switch, stage.folder(), &ports);
    lab.populate();
    lab.suffer(&planned);
    let report = lab.settle(observer);
    let ledger = lab.own.ledger();
    let own = [ledger.duplicates.len(), ledger.refused.len()];
    drop(ledger);
    let Lab { history, problems, lost, .. } = lab;
    Outcome { planned, history, report, problems, lost, own, stall_ms: stalls.longest_ms() }
}

impl<'a> Lab<'a> {
    fn new(stage: &'a Stage, run: Run) -> Lab<'a> {
        let switch = Switch::new(stage, run.seed);
        let (hosts, crowd_ports): (Vec<Host>, Vec<Port>) = CROWD_ADDRESSES
            .into_iter()
            .zip(RELAYS)
            .map(|(address, relay)| crowd_host(stage, &switch, [address, relay]))
            .unzip();
        // Clients of these crowds have every address of their subnet, so that unicast reaches them.
        hosts[0].run("ip route add local 10.2.0.0/16 dev lo");
        hosts[2].run("ip route add local 10.3.0.0/16 dev lo");
        let mut chance = Chance::new(run.seed ^ 0xc10c);
        let offsets = SERVERS.map(|_| chance.offset());
        let nodes = SERVERS.map(|server| node(stage, &switch, server));
        let ports = Ports {
            servers: SERVERS.map(|server| nodes[server.place()].port()),
            crowds: crowd_ports.try_into().unwrap_or_else(|_| panic!("a port for each crowd")),
        };
        let own = duo::Observer::default();
        let crowds = (0..CROWDS).map(|crowd| gather(&hosts[crowd], crowd, &own)).collect();
        let setup = Setup::default();
        let lab = Lab {
            stage,
            run,
            nodes,
            crowds,
            ports,
            own,
            key: stage.file("channel.key", &setup.keys),
            offsets,
            active: Vec::new(),
            history: History::default(),
            problems: Vec::new(),
            lost: Vec::new(),
            diary: fs::File::create(stage.folder().join("faults.log")).expect("a diary"),
            _hosts: hosts,
            switch,
        };
        SERVERS.into_iter().for_each(|server| lab.set_clock(server, lab.offsets[server.place()]));
        lab
    }

    fn node(&self, server: Server) -> &Node {
        &self.nodes[server.place()]
    }

    /// Writes the configuration of a server for its next start or reload.
    fn configure(&self, server: Server, share: u32) {
        let strict = if self.run.mode == Mode::Strict { "True" } else { "False" };
        let both = "MaxClockSkewSecs = 5\nWaitSyncBindAckSecs = 1\nWaitSyncBindUpdateSecs = 2";
        let setup = Setup {
            timers: Timers::BRISK,
            lease: LEASE,
            of_primary: format!("{both}\nStrictShares = {strict}\nFailoverShare = {share}"),
            of_failover: both.to_owned(),
            subnets: SUBNETS[usize::from(server == Server::Other)].to_owned(),
            ..Setup::default()
        };
        let [first, _, other] = ADDRESSES;
        let text = match server {
            Server::First | Server::Other => setup.primary_config(&self.key),
            Server::Failover => setup.failover_config(&[(NAMES[0], first), (NAMES[2], other)], &self.key),
        };
        self.node(server).configure(&text);
    }

    /// Starts all servers, new; returns when they are in their places.
    fn begin(&mut self) {
        for server in SERVERS {
            self.configure(server, 50);
            self.node(server).create();
            self.node(server).launch();
        }
        assert!(self.is_at_rest(REST_PATIENCE), "the servers find no rest at the begin: {:?}", self.states());
    }

    /// All clients come and get an address, and begin to come and go.
    fn populate(&mut self) {
        self.history.note(clock(), &[]);
        for (crowd, count) in self.crowds.iter().zip(CLIENTS) {
            crowd.resend_after(RESEND);
            crowd.join(count);
        }
        self.own.wait_for_holders(usize::try_from(CLIENTS.iter().sum::<u32>()).expect("some hundred"));
        self.crowds.iter().for_each(|crowd| crowd.churn(CHURN));
    }

    /// Brings all faults about, each at its time.
    fn suffer(&mut self, planned: &[Planned]) {
        let begun = Instant::now();
        let mut steps: Vec<(Duration, Step, Fault)> = Vec::new();
        for one in planned {
            steps.push((one.at, Step::Begin, one.fault));
            steps.push((one.ends(), Step::End, one.fault));
        }
        steps.sort_by_key(|(at, ..)| *at);
        for (at, step, fault) in steps {
            std::thread::sleep(at.saturating_sub(begun.elapsed()));
            self.diary(&format!("{at:.1?} {step:?} {fault}"));
            match step {
                Step::Begin => self.bring(fault),
                Step::End => self.lift(fault),
            }
            self.switch.rule(self.ports.rules(&self.active));
            self.history.note(clock(), &self.active);
            self.look_after_processes();
        }
        std::thread::sleep(self.run.length.saturating_sub(begun.elapsed()));
    }

    fn bring(&mut self, fault: Fault) {
        self.active.push(fault);
        match fault {
            Fault::Kill(server) => {
                self.node(server).kill_9();
            }
            Fault::Freeze(server) => self.node(server).freeze(),
            Fault::Stop(server) => {
                self.node(server).stop();
            }
            Fault::Reload(server, share) => {
                self.configure(server, share);
                // A process that has not yet come so far as to listen would end by the signal.
                if self.node(server).control(&["status"]).is_some() {
                    self.node(server).hang_up();
                }
            }
            Fault::Nudge(server, millis) => {
                self.offsets[server.place()] = millis;
                self.set_clock(server, millis);
            }
            Fault::Hour(server, millis) => self.set_clock(server, millis),
            Fault::Isolate(_)
            | Fault::CutChannel(_)
            | Fault::CutToFailover(_)
            | Fault::CutToPrimary(_)
            | Fault::CutClients(..)
            | Fault::Partition
            | Fault::BadChannels
            | Fault::BadWires => {}
        }
    }

    fn lift(&mut self, fault: Fault) {
        if let Some(place) = self.active.iter().position(|active| *active == fault) {
            self.active.remove(place);
        }
        match fault {
            Fault::Kill(server) | Fault::Stop(server) => self.node(server).begin(),
            Fault::Freeze(server) => self.node(server).thaw(),
            Fault::Hour(server, _) => self.set_clock(server, self.offsets[server.place()]),
            Fault::Reload(..)
            | Fault::Nudge(..)
            | Fault::Isolate(_)
            | Fault::CutChannel(_)
            | Fault::CutToFailover(_)
            | Fault::CutToPrimary(_)
            | Fault::CutClients(..)
            | Fault::Partition
            | Fault::BadChannels
            | Fault::BadWires => {}
        }
    }

    /// A process that ended though nobody ended it is a finding; it stays down.
    fn look_after_processes(&mut self) {
        for server in SERVERS {
            let is_down = |fault: &Fault| matches!(fault, Fault::Kill(who) | Fault::Stop(who) if *who == server);
            if !self.active.iter().any(is_down) && !self.node(server).is_running() {
                let said = self.node(server).said();
                let tail: Vec<&str> = said.lines().rev().take(5).collect();
                panic!("{} ended by itself:\n{}", NAMES[server.place()], tail.join("\n"));
            }
        }
    }

    /// The end: everything is well again, and what was promised must be known to all.
    fn settle(&mut self, observer: Observer) -> Report {
        self.switch.heal();
        self.crowds.iter().for_each(|crowd| crowd.churn(Duration::ZERO));
        let healed = Instant::now();
        if !self.is_at_rest(REST_PATIENCE) {
            self.problems.push(format!("no rest {REST_PATIENCE:?} after the last fault: {:?}", self.states()));
        }
        self.diary(&format!("at rest {:.1?} after the last fault", healed.elapsed()));
        live(AFTER);
        self.crowds.iter().for_each(Crowd::rest);
        live(Duration::from_secs(1));
        let report = observer.report();
        self.compare_with_tables(&report);
        for finding in report.of("wait").iter().filter(|finding| finding.text("end") == "asking") {
            self.problems.push(format!("still unanswered when all was well: {}", finding.line));
        }
        report
    }

    /// What clients hold must stand in the tables of both servers, and both tables must be equal.
    fn compare_with_tables(&mut self, report: &Report) {
        let failover = self.node(Server::Failover);
        let (mut missing, mut differing) = (Vec::new(), String::new());
        let is_equal = comes_true(Duration::from_secs(10), || {
            missing.clear();
            differing.clear();
            let theirs = failover.active_leases();
            for (node, network) in [(self.node(Server::First), 2), (self.node(Server::Other), 3)] {
                let ours = node.active_leases();
                let soon = clock() + 2.0;
                for holds in report.of("holds").into_iter().filter(|holds| holds.number("until") > soon) {
                    let address: Ipv4Addr = holds.text("address").parse().expect("an address");
                    let client = Some(holds.text("client"));
                    let known = [ours.get(&address), theirs.get(&address)].map(|found| found.map(String::as_str));
                    if address.octets()[1] == network && known != [client; 2] {
                        let lease = ["address", "client"].map(|name| holds.text(name).to_owned());
                        missing.push((lease, format!("{address} of {client:?} is known as {known:?}")));
                    }
                }
                for (address, client) in &ours {
                    if theirs.get(address) != Some(client) {
                        // Writing to a String cannot fail.
                        let _ = writeln!(differing, "{address} of {client} at {} only", node.name());
                    }
                }
            }
            missing.is_empty() && differing.is_empty()
        });
        if !is_equal && !differing.is_empty() {
            self.problems.push(format!("tables that differ:\n{differing}"));
        }
        self.lost = missing;
    }

    fn is_at_rest(&self, patience: Duration) -> bool {
        comes_true(patience, || {
            let [first, of_first, other, of_other] = self.states();
            let is_asleep = |state: &str| ["Asleep", "Probing"].contains(&state);
            [first, other].iter().all(|state| state == "Serving") && [of_first, of_other].iter().all(|s| is_asleep(s))
        })
    }

    /// States of the first primary, of the failover towards it, of the other, of the failover towards that.
    fn states(&self) -> [String; 4] {
        let state = |server: Server, partner: &str| {
            let node = self.node(server);
            let is_up = node.is_running() && node.control(&["status"]).is_some();
            let state = if is_up { node.of_partner(partner, "state") } else { None };
            state.unwrap_or_else(|| "none".to_owned())
        };
        let failover = Server::Failover;
        [state(Server::First, ""), state(failover, NAMES[0]), state(Server::Other, ""), state(failover, NAMES[2])]
    }

    /// Shows a server a wall clock that is so many milliseconds off; all at once, since the server may be reading.
    fn set_clock(&self, server: Server, millis: i64) {
        let path = clock_file(self.stage, server);
        let new = path.with_extension("new");
        let (sign, millis) = (if millis < 0 { '-' } else { '+' }, millis.unsigned_abs());
        fs::write(&new, format!("{sign}{}.{:03}\n", millis / 1000, millis % 1000)).expect("an offset");
        fs::rename(new, path).expect("an offset in place");
    }

    fn diary(&mut self, line: &str) {
        // The diary is for people who look for a cause; a run does not fail for it.
        let _ = writeln!(self.diary, "{:.3} {line}", clock());
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Begin,
    End,
}

fn clock_file(stage: &Stage, server: Server) -> PathBuf {
    stage.folder().join(format!("clock-{}", NAMES[server.place()]))
}

/// A server on the wire, which will see the wall clock that its file says; its monotonic clock is the machine's.
fn node(stage: &Stage, switch: &Switch, server: Server) -> Node {
    let node = Node::new(stage, switch, NAMES[server.place()], ADDRESSES[server.place()]);
    let [near, far, third] = CROWD_ADDRESSES;
    node.host().run(&format!("ip route add 10.2.0.0/16 via {near}"));
    node.host().run(&format!("ip route add {}/32 via {far}", RELAYS[1]));
    node.host().run(&format!("ip route add 10.3.0.0/16 via {third}"));
    // The library keeps something there, and a killed process leaves it.
    node.host().run("mount -t tmpfs tmpfs /dev/shm");
    node.with_environment(vec![
        ("LD_PRELOAD", clock_library().into_os_string()),
        ("FAKETIME_TIMESTAMP_FILE", clock_file(stage, server).into_os_string()),
        ("FAKETIME_NO_CACHE", OsString::from("1")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", OsString::from("1")),
        ("DONT_FAKE_MONOTONIC", OsString::from("1")),
    ])
}

/// The library that shows a process another wall clock.
pub(crate) fn clock_library() -> PathBuf {
    let found = CLOCK_LIBRARIES.iter().map(Path::new).find(|path| path.is_file());
    found.expect("libfaketime is not installed (see tests/setup.sh)").to_path_buf()
}

fn gather(host: &Host, crowd: usize, own: &duo::Observer) -> Crowd {
    let primary = if crowd == 2 { Server::Other } else { Server::First };
    let servers = vec![ADDRESSES[primary.place()], ADDRESSES[Server::Failover.place()]];
    // Unicast reaches those whose host has every address of the subnet.
    let renewals = if crowd == 1 { Renewals::Relayed } else { Renewals::Unicast };
    let first = u32::try_from(crowd).expect("a few crowds") * 100_000 + 1;
    let plan = Plan { relay: RELAYS[crowd], servers, first, renew_after: RENEW_AFTER, renewals };
    Crowd::new(host, plan, own)
}

/// A thread that does nothing but look how late it is.
struct Stalls {
    longest: Arc<AtomicU64>,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Stalls {
    fn watch() -> Stalls {
        let (longest, is_over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (found, end) = (Arc::clone(&longest), Arc::clone(&is_over));
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                let begun = Instant::now();
                std::thread::sleep(STALL);
                let late = (begun.elapsed() - STALL).as_millis();
                found.fetch_max(u64::try_from(late).unwrap_or(u64::MAX), Ordering::Relaxed);
            }
        });
        Stalls { longest, is_over, thread: Some(thread) }
    }

    fn longest_ms(&self) -> u64 {
        self.longest.load(Ordering::Relaxed)
    }
}

impl Drop for Stalls {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
