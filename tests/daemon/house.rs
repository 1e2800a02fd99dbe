//! A folder with a configuration, and the daemon that runs on it.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long anything that must happen may take, on a machine that does much else.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// The relay's address, by which the server finds the subnet.
pub(super) const RELAY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A folder of its own for one test; removed when dropped.
pub(super) struct House {
    pub(super) folder: PathBuf,
    pub(super) port: u16,
}

impl House {
    pub(super) fn new(name: &str) -> House {
        let folder = std::env::temp_dir().join(format!("understudyd-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).expect("a new folder");
        let free = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a free port");
        let house = House { folder, port: free.local_addr().expect("bound").port() };
        house.write(&house.text("User = root", "Range = 10.77.0.10 - 10.77.0.200"));
        house
    }

    /// A configuration; `server` stands in [Server], `subnet` in the subnet.
    pub(super) fn text(&self, server: &str, subnet: &str) -> String {
        format!(
            "[Server]\nFailoverServerType = Standalone/Primary\nServerAddress = 127.0.0.1\nInterfaces = lo\n\
             DhcpPort = {}\nStateDir = {}\nControlSocket = {}\n{server}\n\n[Policy]\nDefaultLease = 3600\n\n\
             [Subnet 10.77.0.0/24]\n{subnet}\nRelayAddress = {RELAY}\nOption.routers = 10.77.0.1\n",
            self.port,
            self.state().display(),
            self.socket().display(),
        )
    }

    pub(super) fn write(&self, text: &str) {
        fs::write(self.config(), text).expect("written");
    }

    pub(super) fn config(&self) -> PathBuf {
        self.folder.join("understudyd.ini")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.folder.join("control.sock")
    }

    /// The daemon with these options besides -c.
    pub(super) fn command(&self, options: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_understudyd"));
        command.arg("-c").arg(self.config()).args(options).env_remove("RUST_LOG").env_remove("NOTIFY_SOCKET");
        command
    }

    /// Runs the daemon where it is to end by itself.
    pub(super) fn run(&self, options: &[&str]) -> Output {
        self.command(options).stdin(Stdio::null()).output().expect("started")
    }

    /// Starts the daemon with its log in a file and waits until it says that it is ready.
    pub(super) fn start(&self, options: &[&str]) -> Server {
        let log = fs::File::create(self.folder.join("log")).expect("created");
        let mut command = self.command(options);
        command.stdin(Stdio::null()).stderr(log);
        self.start_command(command)
    }

    /// Starts a command that leads to the daemon and waits until it says that it is ready.
    pub(super) fn start_command(&self, mut command: Command) -> Server {
        let path = self.folder.join("notify");
        let _ = fs::remove_file(&path);
        let notify = UnixDatagram::bind(&path).expect("bound");
        // As systemd's own: whoever the daemon has become may write to it.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("set");
        notify.set_read_timeout(Some(PATIENCE)).expect("set");
        let child = command.env("NOTIFY_SOCKET", &path).spawn().expect("started");
        let server = Server { child, notify };
        assert_eq!(server.said(), "READY=1", "log:\n{}", self.log());
        server
    }

    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Asks on the control socket; the whole answer.
    pub(super) fn ask(&self, line: &str) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = UnixStream::connect(self.socket()).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.write_all(format!("{line}\n").as_bytes()).expect("written");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered and closed");
        answer
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A running daemon; killed when dropped.
pub(super) struct Server {
    pub(super) child: Child,
    notify: UnixDatagram,
}

impl Server {
    /// What the daemon tells systemd next.
    pub(super) fn said(&self) -> String {
        let mut buffer = [0; 256];
        loop {
            match self.notify.recv(&mut buffer) {
                Ok(length) => return String::from_utf8_lossy(&buffer[..length]).into_owned(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return format!("nothing: {error}"),
            }
        }
    }

    pub(super) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("signalled");
    }

    pub(super) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).expect("a process id"))
    }

    /// Reloads and waits until that is done, for good or bad.
    pub(super) fn reload(&self) {
        self.signal(Signal::SIGHUP);
        assert!(self.said().starts_with("RELOADING=1\nMONOTONIC_USEC="));
        assert_eq!(self.said(), "READY=1");
    }

    /// Stops as planned.
    pub(super) fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.end()
    }

    /// Waits for the end.
    pub(super) fn end(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("the daemon does not end");
    }

    /// As a power cut would, for the process.
    pub(super) fn crash(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `done`, and fails with `what` when it does not come.
pub(super) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub(super) fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

pub(super) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(super) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The names and lengths of the files of a folder.
pub(super) fn listing(folder: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut all: Vec<(String, u64)> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.metadata().expect("known").len()))
        .collect();
    all.sort();
    all
}
