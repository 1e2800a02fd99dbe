//! Hosts and the wires between them.
//!
//! A [`Host`] is a network, mount and host name namespace of its own, held by a sleeping process: its /run, /sys,
//! /var/lib/dhcp and /etc are its own, so that a client that writes resolv.conf or a lease file there disturbs
//! nobody. A [`Link`] is a bridge in a namespace of its own; hosts are plugged into it by pairs of virtual
//! interfaces.

use std::cell::Cell;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, setns};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::world::{Stage, find_program};

/// A hardware address that nobody has; bridges keep frames for it to themselves.
const NOBODY: &str = "02:de:ad:de:ad:01";
/// What each host does before anything runs in it. Where the owner of /etc is a user that does not exist in our user
/// namespace, a copy takes the place of the overlay. /sys is read-only, which tells networkd that there is no udev to
/// wait for.
const SETTLE: &str = "\
mount -t tmpfs tmpfs /run && mkdir /run/lock /run/etc /run/work
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/etc,workdir=/run/work /etc 2>/dev/null
{ true >>/etc/resolv.conf; } 2>/dev/null ||
    { mkdir /run/copy; cp -rL /etc/. /run/copy; mount --bind /run/copy /etc; } 2>/dev/null
for d in /var/lib/dhcp /var/lib/dhcpcd; do if [ -d $d ]; then mount -t tmpfs tmpfs $d; fi; done
mount -t sysfs -o ro sysfs /sys 2>/dev/null
ip link set lo up
for f in all default; do echo 1 >/proc/sys/net/ipv6/conf/$f/disable_ipv6; done 2>/dev/null
echo ready
exec sleep 100000";

/// Waits until `done`, at most `patience`; the panic names `what`.
pub(crate) fn until(what: &str, patience: Duration, mut done: impl FnMut() -> bool) {
    assert!(comes_true(patience, &mut done), "waited {patience:?} in vain: {what}");
}

/// Whether `done` comes true within `patience`; asked every 20 ms, since most of what is waited for sits in other
/// processes.
pub(crate) fn comes_true(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + patience;
    loop {
        if done() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A machine of its own, as far as its network and its system folders go.
pub(crate) struct Host {
    name: String,
    folder: PathBuf,
    holder: Child,
    runs: Cell<u32>,
}

impl Host {
    /// Makes a host with nothing but a loopback interface.
    pub(crate) fn new(stage: &Stage, name: &str) -> Host {
        let mut holder = Command::new("unshare")
            .args(["--net", "--mount", "--uts", "sh", "-c", SETTLE])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare starts");
        let mut line = String::new();
        let stdout = holder.stdout.take().expect("a pipe was asked for");
        BufReader::new(stdout).read_line(&mut line).expect("the pipe of the holder");
        assert_eq!(line.trim(), "ready", "host {name} did not come up");
        Host { name: name.to_string(), folder: stage.folder().to_path_buf(), holder, runs: Cell::new(0) }
    }

    /// The process whose namespaces these are.
    pub(crate) fn pid(&self) -> u32 {
        self.holder.id()
    }

    /// A command that will run in this host.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let program = program.as_ref();
        let program = program.to_str().and_then(find_program).unwrap_or_else(|| program.to_path_buf());
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid().to_string(), "--net", "--mount", "--uts", "--"]).arg(program);
        command.stdin(Stdio::null());
        command
    }

    /// Runs words separated by spaces to their end; the test fails when they do.
    pub(crate) fn run(&self, words: &str) -> String {
        let output = self.attempt(words);
        let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{}: {words}: {}\n{stdout}{stderr}", self.name, output.status);
        stdout.into_owned()
    }

    /// Runs words separated by spaces to their end, however that is.
    pub(crate) fn attempt(&self, words: &str) -> Output {
        let mut words = words.split_whitespace();
        let program = words.next().expect("a program");
        self.command(program).args(words).output().expect("nsenter starts")
    }

    /// Starts words separated by spaces and leaves them running; all that they say goes to a log in the folder of the
    /// test.
    pub(crate) fn spawn(&self, words: &str) -> Proc {
        let mut words = words.split_whitespace();
        let program = words.next().expect("a program");
        let mut command = self.command(program);
        command.args(words);
        self.spawn_command(
            command,
            Path::new(program).file_name().map_or("program".into(), |name| name.to_string_lossy().into_owned()),
        )
    }

    /// As [`Host::spawn`], of a command made by [`Host::command`].
    pub(crate) fn spawn_command(&self, mut command: Command, name: String) -> Proc {
        self.runs.set(self.runs.get() + 1);
        let log = self.folder.join(format!("{}-{}-{name}.log", self.name, self.runs.get()));
        let file = File::create(&log).expect("a log file");
        command.stdout(file.try_clone().expect("a second handle of the log")).stderr(file);
        let child = command.spawn().expect("nsenter starts");
        Proc { child, log, name }
    }

    /// Calls `act` in a thread that stands in the network namespace of this host; sockets that it makes stay there.
    pub(crate) fn inside<T: Send + 'static>(&self, act: impl FnOnce() -> T + Send + 'static) -> T {
        let namespace = File::open(format!("/proc/{}/ns/net", self.pid())).expect("the namespace of the host");
        let thread = std::thread::spawn(move || {
            setns(&namespace, CloneFlags::CLONE_NEWNET).expect("entering the namespace of the host");
            act()
        });
        thread.join().expect("the thread in the namespace of the host")
    }

    /// The IPv4 addresses of an interface as the kernel has them.
    pub(crate) fn addresses(&self, interface: &str) -> Vec<Ipv4Addr> {
        let output = self.attempt(&format!("ip -4 -o addr show dev {interface}"));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines()
            .filter_map(|line| {
                line.split_whitespace().skip_while(|word| *word != "inet").nth(1)?.split('/').next()?.parse().ok()
            })
            .collect()
    }

    /// Waits until an interface has an address for which `right` holds, and gives it.
    pub(crate) fn wait_for_address(&self, interface: &str, right: impl Fn(Ipv4Addr) -> bool) -> Ipv4Addr {
        let mut found = None;
        let patience = Duration::from_secs(40);
        until(&format!("an address on {interface} of {}", self.name), patience, || {
            found = self.addresses(interface).into_iter().find(|address| right(*address));
            found.is_some()
        });
        found.expect("waited for")
    }

    /// Sends what this host sends to `address` to a hardware address that nobody has: unicast is lost, broadcast is
    /// not.
    pub(crate) fn lose_unicast_to(&self, address: Ipv4Addr) {
        self.run(&format!("ip neigh replace {address} lladdr {NOBODY} nud permanent dev eth0"));
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// One Ethernet: a bridge without spanning tree.
pub(crate) struct Link {
    switch: Host,
    ports: Cell<u32>,
}

impl Link {
    /// Makes an Ethernet with nothing plugged in.
    pub(crate) fn new(stage: &Stage, name: &str) -> Link {
        let switch = Host::new(stage, name);
        switch.run("ip link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0");
        switch.run("ip link set br0 up");
        switch.run(&format!("bridge fdb add {NOBODY} dev br0 self local"));
        Link { switch, ports: Cell::new(0) }
    }

    /// Plugs `host` in by a new interface that is up and has no address.
    pub(crate) fn plug(&self, host: &Host, interface: &str) {
        self.ports.set(self.ports.get() + 1);
        let port = format!("p{}", self.ports.get());
        self.switch.run(&format!("ip link add {port} type veth peer name {interface} netns {}", host.pid()));
        self.switch.run(&format!("ip link set {port} master br0 up"));
        host.run(&format!("ip link set {interface} up"));
    }

    /// As [`Link::plug`], with an address such as `10.1.0.1/24`.
    pub(crate) fn plug_with(&self, host: &Host, interface: &str, address: &str) {
        self.plug(host, interface);
        host.run(&format!("ip addr add {address} dev {interface}"));
    }
}

/// How long the threads of the process `pid` have been ready to run and had no processor, added up
/// (proc_pid_schedstat(5)); none when it is gone.
pub(crate) fn waited_for_a_processor(pid: u32) -> Option<Duration> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).ok()?.flatten();
    let texts = threads.filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    let waited = texts.filter_map(|text| text.split_whitespace().nth(1)?.parse().ok().map(Duration::from_nanos));
    Some(waited.sum())
}

/// A program that runs in a host; killed when dropped.
pub(crate) struct Proc {
    child: Child,
    log: PathBuf,
    name: String,
}

impl Proc {
    /// Its process id; a program that nsenter started has that of nsenter.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that it has said so far.
    pub(crate) fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// Waits until it has said `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        until(&format!("{} saying {text:?}", self.name), Duration::from_secs(40), || self.said().contains(text));
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("a process to signal");
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end; `None` when a signal ended it.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        let mut status = None;
        until(&format!("the end of {}", self.name), Duration::from_secs(30), || {
            status = self.child.try_wait().expect("a child to wait for");
            status.is_some()
        });
        status.and_then(|status| status.code())
    }

    /// Ends it as a power cut would.
    pub(crate) fn kill_9(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Proc {
    fn drop(&mut self) {
        self.kill_9();
    }
}
