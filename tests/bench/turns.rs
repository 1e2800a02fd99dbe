//! How long the longest turn is with many leases: a start of a pair, the full copy to an empty failover, reloads.
//!
//! `turns FOLDER [FAILOVER-FOLDER]`: FOLDER holds a journal that the program `journal` wrote, from 10.80.0.0 on; the
//! other one is empty or new, and stands for a failover. Time is what this thread takes of the processor, so that a
//! busy machine changes little; commits go to the folders, best in memory.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use nix::time::{ClockId, clock_gettime};
use understudy::clock::{Mono, Reading, Wall};
use understudy::config::{self, Config, Source};
use understudy::engine::{Engine, Patience, Start};
use understudy::journal::{FileStorage, OpenMode};
use understudy::server::event::{Input, PartnerId};
use understudy::server::outbox::Effect;

/// Both servers' key.
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
/// Timers of the pair.
const CHANNEL: &str = "FailoverKeyFile = /k\nPollDelay = 1\n";
/// The subnet of the leases, whole.
const WHOLE: &str = "[Subnet 10.80.0.0/12]\nRange = 10.80.0.1 - 10.95.255.254\n";
/// The same with another end.
const OTHER: &str = "[Subnet 10.80.0.0/12]\nRange = 10.80.0.1 - 10.95.255.200\n";
/// Time that passes from one turn to the next that is due at once.
const STEP: Duration = Duration::from_millis(1);
/// Time of a measurement.
const LONG: Duration = Duration::from_secs(40);

struct Texts(HashMap<PathBuf, String>);

impl Source for Texts {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

fn load(main: &str, subnets: &str) -> Config {
    let texts = [("/m", main), ("/s", subnets), ("/k", KEY)];
    let texts = texts.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    config::load(Path::new("/m"), &Texts(texts)).unwrap_or_else(|errors| panic!("{errors:?}"))
}

fn alone(subnets: &str) -> Config {
    load(&format!("[Server]\nHostName = a\nServerAddress = 10.9.0.1\n{subnets}"), "")
}

fn primary(subnets: &str) -> Config {
    let failover = format!("[Failover]\nUseFailoverServer = True\nSecondaryIpAddr = 10.9.0.2\n{CHANNEL}");
    load(&format!("[Server]\nHostName = a\nServerAddress = 10.9.0.1\n{subnets}{failover}"), "")
}

fn failover(subnets: &str) -> Config {
    let server = "[Server]\nHostName = b\nServerAddress = 10.9.0.2\nFailoverServerType = Failover/Secondary\n";
    let channel = format!("[Primary a]\nPrimaryIpAddr = 10.9.0.1\nSubnetsFile = /s\n{CHANNEL}");
    load(&format!("{server}{channel}"), subnets)
}

/// One server, and what waits for it.
struct Host {
    engine: Engine<FileStorage>,
    waiting: Vec<Vec<u8>>,
    longest: Duration,
    turns: u64,
}

fn spent() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).expect("the clock of this thread")
}

impl Host {
    fn new(config: Config, folder: &Path, mode: OpenMode, reading: Reading) -> Host {
        let seed = [folder.as_os_str().len() as u8; 32];
        let storage = FileStorage::new(folder);
        let start = Start { config, storage, mode, reading, seed, patience: Patience::Normal };
        let (engine, _) = Engine::start(start).unwrap_or_else(|fatal| panic!("{fatal}"));
        Host { engine, waiting: Vec::new(), longest: Duration::ZERO, turns: 0 }
    }

    fn is_due(&self, now: Mono) -> bool {
        !self.waiting.is_empty() || self.engine.wake_at().is_none_or(|wake| wake <= now)
    }

    /// A turn; what it sends to the partner.
    fn turn(&mut self, reading: Reading, reload: Option<Config>) -> Vec<Vec<u8>> {
        let began = spent();
        self.engine.begin(reading);
        for bytes in std::mem::take(&mut self.waiting) {
            self.engine.handle(Input::Partner { partner: PartnerId(0), bytes: &bytes });
        }
        if let Some(config) = reload {
            self.engine.handle(Input::Reload(Box::new(config)));
        }
        let mut datagrams = Vec::new();
        {
            let released = self.engine.end().unwrap_or_else(|fatal| panic!("{fatal}"));
            for effect in released.effects() {
                if let Effect::Partner { bytes, .. } = effect {
                    datagrams.push(released.bytes(bytes).to_vec());
                }
            }
        }
        self.engine.prepare().unwrap_or_else(|fatal| panic!("{fatal}"));
        self.longest = self.longest.max(spent() - began);
        self.turns += 1;
        datagrams
    }
}

/// Servers in one process, and a clock of their own.
struct World {
    hosts: Vec<Host>,
    now: Reading,
}

impl World {
    /// Lets time pass; prints the longest turn of each server.
    fn run(&mut self, what: &str, time: Duration) {
        let until = self.now.mono + time;
        while self.now.mono < until {
            for index in 0..self.hosts.len() {
                if self.hosts[index].is_due(self.now.mono) {
                    let sent = self.hosts[index].turn(self.now, None);
                    self.deliver(index, sent);
                }
            }
            self.now.mono = self.now.mono + STEP;
            self.now.system = Wall::from_millis(self.now.system.millis() + STEP.as_millis() as u64);
        }
        for (index, host) in self.hosts.iter_mut().enumerate() {
            let leases = host.engine.server().bindings().table().len();
            let longest = host.longest.as_secs_f64() * 1000.0;
            println!("{what}: server {index}, {leases} leases, {} turns, longest {longest:.1} ms", host.turns);
            (host.longest, host.turns) = (Duration::ZERO, 0);
        }
    }

    fn deliver(&mut self, from: usize, sent: Vec<Vec<u8>>) {
        if let Some(other) = self.hosts.get_mut(1 - from) {
            other.waiting.extend(sent);
        }
    }

    fn reload(&mut self, index: usize, config: Config) {
        let sent = self.hosts[index].turn(self.now, Some(config));
        self.deliver(index, sent);
    }
}

fn main() -> ExitCode {
    let folders: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock behind 1970");
    let now = Reading { mono: Mono::from_nanos(1_000_000_000), system: Wall::from_secs(since_1970.as_secs()) };
    match &folders[..] {
        [folder] => {
            let mut world = World { hosts: vec![Host::new(alone(WHOLE), folder, OpenMode::Normal, now)], now };
            world.run("alone", LONG);
            world.reload(0, alone(WHOLE));
            world.run("reload, same range", LONG);
            world.reload(0, alone(OTHER));
            world.run("reload, other range", LONG);
        }
        [folder, other] => {
            let hosts = vec![
                Host::new(primary(WHOLE), folder, OpenMode::Normal, now),
                Host::new(failover(WHOLE), other, OpenMode::New, now),
            ];
            let mut world = World { hosts, now };
            world.run("pair, full copy", LONG);
            for (what, subnets) in [("reload of both, same range", WHOLE), ("reload of both, other range", OTHER)] {
                world.reload(0, primary(subnets));
                world.reload(1, failover(subnets));
                world.run(what, LONG);
            }
            drop(world.hosts.remove(0));
            world.run("takeover", LONG);
            world.hosts.insert(0, Host::new(primary(OTHER), folder, OpenMode::Normal, world.now));
            world.run("return", LONG);
        }
        _ => {
            eprintln!("usage: turns FOLDER [FAILOVER-FOLDER]");
            return ExitCode::from(64);
        }
    }
    ExitCode::SUCCESS
}
