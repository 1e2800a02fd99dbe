//! One server of a pair in a host of its own: its configuration, its process, its disk, and what it says of itself.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::switch::{Port, Switch};
use crate::rig::host::{Host, Proc, comes_true};
use crate::rig::json::parse_rows;
use crate::rig::server::program;
use crate::rig::world::Stage;

const START_PATIENCE: Duration = Duration::from_secs(20);
/// For a state that timers, not the machine, bring about; fast timers add up to far less.
const STATE_PATIENCE: Duration = Duration::from_secs(15);

/// One server.
pub(crate) struct Node {
    name: String,
    host: Host,
    port: Port,
    address: Ipv4Addr,
    folder: PathBuf,
    environment: Vec<(&'static str, OsString)>,
    proc: RefCell<Option<Proc>>,
}

impl Node {
    /// A host with `address` on the switch; nothing runs in it.
    pub(crate) fn new(stage: &Stage, switch: &Switch, name: &str, address: Ipv4Addr) -> Node {
        let host = Host::new(stage, name);
        let port = switch.plug(&host, Some(&format!("{address}/24")));
        let folder = stage.folder().join(name);
        fs::create_dir_all(folder.join("state")).expect("a state folder");
        let (name, environment) = (name.to_owned(), Vec::new());
        Node { name, host, port, address, folder, environment, proc: RefCell::new(None) }
    }

    /// Has each start from now on find these variables in its environment.
    pub(crate) fn with_environment(self, environment: Vec<(&'static str, OsString)>) -> Node {
        Node { environment, ..self }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> Port {
        self.port
    }

    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    fn state_folder(&self) -> PathBuf {
        self.folder.join("state")
    }

    fn config_path(&self) -> PathBuf {
        self.folder.join("understudyd.ini")
    }

    /// Writes the configuration for the next start or reload; lines before its first section belong to [Server].
    pub(crate) fn configure(&self, config: &str) {
        let (state, socket) = (self.state_folder(), self.folder.join("ctl"));
        let head = format!(
            "[Server]\nServerAddress = {}\nHostName = {}\nStateDir = {}\nControlSocket = {}\nUser = root\n",
            self.address,
            self.name,
            state.display(),
            socket.display()
        );
        let level = if config.contains("LogLevel") { "" } else { "LogLevel = info\n" };
        fs::write(self.config_path(), head + level + config).expect("a configuration");
    }

    /// Makes the lease database: the operator's word that no leases exist.
    pub(crate) fn create(&self) {
        let new = self.host.command(program("understudyd")).args(["--new", "-c"]).arg(self.config_path()).output();
        let new = new.expect("understudyd starts");
        assert!(new.status.success(), "{} --new: {}", self.name, String::from_utf8_lossy(&new.stderr));
    }

    /// Starts the program and waits until it answers on its control socket.
    pub(crate) fn launch(&self) {
        self.begin();
        self.wait_for_control();
    }

    /// Starts the program and waits for nothing.
    pub(crate) fn begin(&self) {
        let mut command = self.host.command(program("understudyd"));
        command.args(["-f", "-c"]).arg(self.config_path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        *self.proc.borrow_mut() = Some(self.host.spawn_command(command, "understudyd".into()));
    }

    /// Waits until the program answers on its control socket.
    pub(crate) fn wait_for_control(&self) {
        let mut proc = self.proc.borrow_mut();
        let proc = proc.as_mut().expect("a server that was started");
        let is_up = comes_true(START_PATIENCE, || !proc.is_running() || self.control(&["status"]).is_some());
        assert!(is_up && proc.is_running(), "{} does not come up ({:?}):\n{}", self.name, proc.wait(), proc.said());
    }

    /// Ends the program with SIGKILL; gives the time just before.
    pub(crate) fn kill_9(&self) -> Instant {
        let mut proc = self.proc.borrow_mut().take().expect("a running server");
        assert!(proc.is_running(), "{} had ended by itself:\n{}", self.name, proc.said());
        let at = Instant::now();
        proc.kill_9();
        at
    }

    /// Ends the program with SIGTERM, as an administrator does; gives the time just before.
    pub(crate) fn stop(&self) -> Instant {
        let mut proc = self.proc.borrow_mut().take().expect("a running server");
        let at = Instant::now();
        proc.signal(Signal::SIGTERM);
        let code = proc.wait();
        assert_eq!(code, Some(0), "{} stopped with {code:?}:\n{}", self.name, proc.said());
        at
    }

    /// The exit code of a program that ends by itself within `patience`; `None` when it goes on.
    pub(crate) fn exit_code(&self, patience: Duration) -> Option<i32> {
        let mut proc = self.proc.borrow_mut();
        let proc = proc.as_mut().expect("a server that was started");
        comes_true(patience, || !proc.is_running()).then(|| proc.wait()).flatten()
    }

    /// Whether the program that was started last still runs.
    pub(crate) fn is_running(&self) -> bool {
        self.proc.borrow_mut().as_mut().is_some_and(Proc::is_running)
    }

    /// Has the configuration read again, and waits for nothing.
    pub(crate) fn hang_up(&self) {
        self.signal(Signal::SIGHUP);
    }

    /// Stops the process where it stands: it neither hears nor says anything.
    pub(crate) fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets a frozen process go on.
    pub(crate) fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Has the configuration read again, and waits until the log says so.
    pub(crate) fn reload(&self) {
        let before = self.said().matches("reload").count();
        self.signal(Signal::SIGHUP);
        let is_said = comes_true(Duration::from_secs(5), || self.said().matches("reload").count() > before);
        assert!(is_said, "{} says nothing of a reload:\n{}", self.name, self.said());
    }

    fn signal(&self, signal: Signal) {
        self.proc.borrow().as_ref().expect("a running server").signal(signal);
    }

    /// The log of the present process.
    pub(crate) fn said(&self) -> String {
        self.proc.borrow().as_ref().map(Proc::said).unwrap_or_default()
    }

    /// Waits until the log of the present process has `text`, case aside.
    pub(crate) fn wait_for_word(&self, text: &str) {
        let text = text.to_lowercase();
        let is_said = comes_true(STATE_PATIENCE, || self.said().to_lowercase().contains(&text));
        assert!(is_said, "{} does not say {text:?}:\n{}", self.name, self.said());
    }

    /// The present process.
    pub(crate) fn pid(&self) -> u32 {
        self.proc.borrow().as_ref().expect("a process").id()
    }

    /// The time of day of the last line of the log that has `text`.
    pub(crate) fn said_last(&self, text: &str) -> Duration {
        let said = self.said();
        let line = said.lines().rfind(|line| line.contains(text)).unwrap_or_else(|| panic!("{text:?} in:\n{said}"));
        let clock = line.split_once('T').expect("date and time").1.split('Z').next().expect("a time");
        let parts = clock.split(':').map(|part| part.parse::<f64>().expect("a number"));
        Duration::from_secs_f64(parts.fold(0.0, |all, part| all * 60.0 + part))
    }

    /// What understudyctl says to a command; `None` when it does not end well.
    pub(crate) fn control(&self, words: &[&str]) -> Option<String> {
        let mut command = Command::new(program("understudyctl"));
        let output = command.arg("-s").arg(self.folder.join("ctl")).args(words).output().expect("understudyctl starts");
        if !output.status.success() {
            // The harness shows it where the test fails.
            eprintln!("{}: understudyctl {}: {}", self.name, words.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// As [`Node::control`]; a command that is refused fails the test.
    pub(crate) fn must_control(&self, words: &[&str]) -> String {
        self.control(words).unwrap_or_else(|| panic!("{}: understudyctl {} fails", self.name, words.join(" ")))
    }

    /// The status as JSON.
    pub(crate) fn status(&self) -> String {
        self.must_control(&["--json", "status"])
    }

    /// A member of a partner's object in the status; of the first partner where `partner` is empty.
    pub(crate) fn of_partner(&self, partner: &str, member: &str) -> Option<String> {
        let status = self.status();
        let rows = objects(&status, "partners");
        let row = rows.iter().find(|row| partner.is_empty() || value(row, "name").as_deref() == Some(partner))?;
        value(row, member)
    }

    /// The state of the channel to `partner`, or to the only one where it is empty: from JSON, else from the text.
    fn state_to(&self, partner: &str) -> Option<String> {
        self.of_partner(partner, "state").or_else(|| {
            let text = self.must_control(&["status"]);
            let line = text.lines().find_map(|line| line.strip_prefix(&format!("partner {partner}")))?;
            line.split(": ").nth(1)?.split(' ').next().map(str::to_owned)
        })
    }

    /// Waits until the channel to the only partner is in `state`.
    pub(crate) fn wait_for_state(&self, state: &str) {
        self.wait_for_state_to("", state);
    }

    /// Waits until the channel to `partner` is in `state`.
    pub(crate) fn wait_for_state_to(&self, partner: &str, state: &str) {
        let mut last = None;
        let is_so = comes_true(STATE_PATIENCE, || {
            last = self.state_to(partner);
            last.as_ref().is_some_and(|last| last.eq_ignore_ascii_case(state))
        });
        assert!(is_so, "{}: {partner} should be {state}, is {last:?}; log:\n{}", self.name, self.said());
    }

    /// Whether the channel to the only partner is in `state` now.
    pub(crate) fn is_in(&self, state: &str) -> bool {
        self.state_to("").is_some_and(|found| found.eq_ignore_ascii_case(state))
    }

    /// Whether the failover sleeps now; each poll makes it Probing for a moment.
    pub(crate) fn is_asleep(&self) -> bool {
        // Asked once: between two questions it may go from the one to the other.
        self.state_to("").is_some_and(|found| ["asleep", "probing"].contains(&found.to_lowercase().as_str()))
    }

    /// Addresses of leases in force and the hardware addresses that have them.
    pub(crate) fn active_leases(&self) -> HashMap<Ipv4Addr, String> {
        let text = self.must_control(&["--json", "leases"]);
        let rows = parse_rows(&text).unwrap_or_else(|error| panic!("leases of {}: {error}:\n{text}", self.name));
        let row = |row: &std::collections::BTreeMap<String, String>| {
            Some((row.get("address")?.parse().ok()?, row.get("hardware")?.clone()))
        };
        rows.iter().filter_map(row).collect()
    }

    /// Puts a copy of the disk aside; the server must not run.
    pub(crate) fn save_disk(&self) {
        copy(&self.state_folder(), &self.folder.join("saved"));
    }

    /// Puts the copy back in place of what is there now.
    pub(crate) fn restore_disk(&self) {
        self.lose_disk();
        copy(&self.folder.join("saved"), &self.state_folder());
    }

    /// Leaves an empty folder in place of the disk.
    pub(crate) fn lose_disk(&self) {
        fs::remove_dir_all(self.state_folder()).expect("the state folder");
        fs::create_dir_all(self.state_folder()).expect("a state folder");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder for the copy");
    for entry in fs::read_dir(from).expect("the folder to copy").flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}

/// The objects of the array `name`, each with its braces.
fn objects<'a>(json: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!("\"{name}\":[");
    let Some(start) = json.find(&opening) else { return Vec::new() };
    let rest = &json[start + opening.len()..];
    let (mut found, mut depth, mut begin) = (Vec::new(), 0_u32, 0);
    for (at, letter) in rest.char_indices() {
        match letter {
            '{' | '[' => {
                if depth == 0 {
                    begin = at;
                }
                depth += 1;
            }
            ']' if depth == 0 => break,
            '}' | ']' => {
                depth -= 1;
                if depth == 0 {
                    found.push(&rest[begin..=at]);
                }
            }
            _ => {}
        }
    }
    found
}

/// The first member `name` of an object, as text without quotes.
fn value(object: &str, name: &str) -> Option<String> {
    let opening = format!("\"{name}\":");
    let rest = &object[object.find(&opening)? + opening.len()..];
    let rest = rest.trim_start();
    let end = match rest.strip_prefix('"') {
        Some(text) => return text.split('"').next().map(str::to_owned),
        None => rest.find([',', '}', ']']).unwrap_or(rest.len()),
    };
    Some(rest[..end].trim().to_owned())
}
