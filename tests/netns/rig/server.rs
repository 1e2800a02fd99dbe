//! The server under test in a host of its own, with captures on all its interfaces.

use std::cell::RefCell;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::capture::Capture;
use super::host::{Host, Proc, comes_true, until};
use super::json::{Row, parse_rows};
use super::world::Stage;

/// Set to a folder: its understudyd and understudyctl are tested (a release build, an installed one), not the ones
/// just built.
const PROGRAMS: &str = "UNDERSTUDY_PROGRAMS";
const START_PATIENCE: Duration = Duration::from_secs(20);

/// A running server.
pub(crate) struct Server<'a> {
    stage: &'a Stage,
    host: &'a Host,
    folder: PathBuf,
    config: PathBuf,
    proc: RefCell<Option<Proc>>,
    captures: Vec<Capture>,
}

/// A lease as `understudyctl leases --json` tells it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LeaseRow {
    pub(crate) address: Ipv4Addr,
    pub(crate) state: String,
    pub(crate) hardware: String,
    pub(crate) hostname: String,
}

impl<'a> Server<'a> {
    /// Makes the lease database and starts the server on all interfaces of `host`; returns when it answers on its
    /// control socket.
    ///
    /// `config` is all of the configuration but [Server]; lines before its first section header belong to [Server].
    pub(crate) fn start(stage: &'a Stage, host: &'a Host, config: &str) -> Server<'a> {
        let folder = stage.folder().to_path_buf();
        let path = folder.join("understudyd.ini");
        let captures = interfaces(host).iter().map(|interface| Capture::start(stage, host, interface)).collect();
        let server = Server { stage, host, folder, config: path, proc: RefCell::new(None), captures };
        fs::create_dir_all(server.state_folder()).expect("a state folder");
        server.configure(config);
        let new = host.command(program("understudyd")).args(["--new", "-c"]).arg(&server.config).output();
        let new = new.expect("understudyd starts");
        assert!(new.status.success(), "understudyd --new: {}", String::from_utf8_lossy(&new.stderr));
        server.launch();
        server
    }

    /// Where the lease journal lies.
    pub(crate) fn state_folder(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Writes another configuration, for the next reload or start.
    pub(crate) fn configure(&self, config: &str) {
        let (state, socket) = (self.state_folder(), self.folder.join("ctl"));
        let level = if config.contains("LogLevel") { "" } else { "LogLevel = debug\n" };
        let (state, socket) = (state.display(), socket.display());
        let head = format!("[Server]\nStateDir = {state}\nControlSocket = {socket}\nUser = root\n{level}");
        fs::write(&self.config, head + config).expect("a configuration");
    }

    /// Starts the program again after an end of any kind.
    pub(crate) fn launch(&self) {
        let mut command = self.host.command(program("understudyd"));
        command.args(["-f", "-c"]).arg(&self.config);
        let mut proc = self.host.spawn_command(command, "understudyd".into());
        let is_up = comes_true(START_PATIENCE, || !proc.is_running() || self.control(&["status"]).is_some());
        assert!(is_up && proc.is_running(), "understudyd does not come up ({:?}):\n{}", proc.wait(), proc.said());
        *self.proc.borrow_mut() = Some(proc);
    }

    /// Ends the program with SIGKILL.
    pub(crate) fn kill_9(&self) {
        let mut proc = self.proc.borrow_mut().take().expect("a running server");
        assert!(proc.is_running(), "the server had ended by itself:\n{}", proc.said());
        proc.kill_9();
    }

    /// Ends the program with SIGTERM, as an administrator does.
    pub(crate) fn stop(&self) {
        let mut proc = self.proc.borrow_mut().take().expect("a running server");
        proc.signal(Signal::SIGTERM);
        let code = proc.wait();
        assert_eq!(code, Some(0), "understudyd stopped with {code:?}:\n{}", proc.said());
    }

    /// Writes a configuration and has it read by SIGHUP; returns when the log says so.
    pub(crate) fn reload(&self, config: &str) {
        self.configure(config);
        let before = self.said().matches("reload").count();
        self.signal(Signal::SIGHUP);
        until("a log line about the reload", Duration::from_secs(10), || {
            self.said().matches("reload").count() > before
        });
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.proc.borrow().as_ref().expect("a running server").signal(signal);
    }

    /// The log of the present process.
    pub(crate) fn said(&self) -> String {
        self.proc.borrow().as_ref().map(Proc::said).unwrap_or_default()
    }

    /// What understudyctl says to a command; `None` when it does not end well.
    pub(crate) fn control(&self, words: &[&str]) -> Option<String> {
        let mut command = Command::new(program("understudyctl"));
        let output = command.arg("-s").arg(self.folder.join("ctl")).args(words).output().expect("understudyctl starts");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// All leases that it knows.
    pub(crate) fn leases(&self) -> Vec<LeaseRow> {
        let text = self.control(&["--json", "leases", "--all"]).expect("understudyctl leases");
        let rows = parse_rows(&text).unwrap_or_else(|error| panic!("leases: {error}:\n{text}"));
        rows.iter().map(lease_row).collect()
    }

    /// The lease of an address.
    pub(crate) fn lease(&self, address: Ipv4Addr) -> Option<LeaseRow> {
        self.leases().into_iter().find(|lease| lease.address == address)
    }

    /// Waits until the lease of `address` is in one of `states`.
    pub(crate) fn wait_for_state(&self, address: Ipv4Addr, states: &[&str]) {
        let mut last = None;
        let is_there = comes_true(Duration::from_secs(20), || {
            last = self.lease(address);
            last.as_ref().is_some_and(|lease| states.contains(&lease.state.as_str()))
        });
        assert!(is_there, "{address} should be {states:?}, is {last:?}");
    }

    /// The capture of its first interface.
    pub(crate) fn wire(&self) -> &Capture {
        self.captures.first().expect("a server with an interface")
    }

    /// The capture of another interface, by its place in the list of interfaces at the start.
    pub(crate) fn wire_of(&self, place: usize) -> &Capture {
        self.captures.get(place).expect("a captured interface")
    }

    /// Captures an interface that came after the start.
    pub(crate) fn capture(&mut self, interface: &str) {
        self.captures.push(Capture::start(self.stage, self.host, interface));
    }

    /// Stops the server and judges all that it sent.
    pub(crate) fn finish(mut self) {
        let mut addresses: Vec<Ipv4Addr> = Vec::new();
        for interface in interfaces(self.host) {
            addresses.extend(self.host.addresses(&interface));
        }
        self.stop();
        for capture in self.captures.drain(..) {
            capture.check_replies(&addresses);
        }
    }
}

/// A program of this package.
pub(crate) fn program(name: &str) -> PathBuf {
    let built = match name {
        "understudyctl" => env!("CARGO_BIN_EXE_understudyctl"),
        _ => env!("CARGO_BIN_EXE_understudyd"),
    };
    std::env::var_os(PROGRAMS).map_or_else(|| PathBuf::from(built), |folder| Path::new(&folder).join(name))
}

fn interfaces(host: &Host) -> Vec<String> {
    let shown = host.run("ip -o link show");
    shown
        .lines()
        .filter_map(|line| line.split(": ").nth(1)?.split('@').next())
        .filter(|name| *name != "lo")
        .map(str::to_string)
        .collect()
}

fn lease_row(row: &Row) -> LeaseRow {
    let text = |key: &str| row.get(key).unwrap_or_else(|| panic!("a lease without {key:?}: {row:?}")).clone();
    LeaseRow {
        address: text("address").parse().unwrap_or_else(|_| panic!("a lease without an address: {row:?}")),
        state: text("state").to_ascii_lowercase(),
        hardware: text("hardware"),
        hostname: text("hostname"),
    }
}
