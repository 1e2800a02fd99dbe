//! The command line, exit codes, and the control socket.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::house::{House, PATIENCE, code, stderr, stdout, wait_until};
use super::relay::Relay;

#[test]
fn help_and_version_go_to_standard_output_and_wrong_use_is_64() {
    let house = House::new("usage");
    for option in ["-h", "--help"] {
        let help = house.run(&[option]);
        assert_eq!(code(&help), Some(0));
        assert!(stdout(&help).starts_with("usage: understudyd"));
    }
    let version = house.run(&["-V"]);
    assert_eq!((code(&version), stdout(&version)), (Some(0), format!("understudyd {}\n", env!("CARGO_PKG_VERSION"))));
    for wrong in [&["-x"][..], &["stray"], &["-f", "-d"], &["-t", "-T"]] {
        let refused = house.run(wrong);
        assert_eq!(code(&refused), Some(64), "{wrong:?}");
        assert!(stderr(&refused).contains("usage: understudyd"));
    }
    let partner = house.run(&["--wait-for-partner"]);
    assert_eq!(code(&partner), Some(64));
    assert!(stderr(&partner).contains("no partner configured"));
}

#[test]
fn a_bad_configuration_is_refused_with_all_its_errors_and_nothing_is_touched() {
    let house = House::new("bad");
    house.write(
        &house.text("Usr = nobody\nLogLevel = loud", "Range = 10.99.0.1 - 10.99.0.9\nOption.routers = nonsense"),
    );
    for options in [&[][..], &["-t"], &["-T"], &["--new"]] {
        let refused = house.run(options);
        assert_eq!(code(&refused), Some(78), "{options:?}");
        let text = stderr(&refused);
        for complaint in ["Usr", "LogLevel", "10.99.0.1", "routers"] {
            assert!(
                text.lines().any(|line| line.contains("understudyd.ini:") && line.contains(complaint)),
                "{complaint} in:\n{text}"
            );
        }
    }
    assert!(!house.state().exists() && !house.socket().exists());
    fs::remove_file(house.config()).expect("removed");
    let missing = house.run(&[]);
    assert_eq!(code(&missing), Some(78));
    assert!(stderr(&missing).contains("understudyd.ini"), "{}", stderr(&missing));
}

#[test]
fn effective_parameters_tell_where_each_was_set() {
    let house = House::new("params");
    let shown = house.run(&["-T"]);
    assert_eq!(code(&shown), Some(0), "{}", stderr(&shown));
    let text = stdout(&shown);
    for (name, value) in [("DefaultLease", "3600"), ("DhcpPort", &*house.port.to_string())] {
        let set =
            text.lines().any(|line| line.contains(name) && line.contains(value) && line.contains("understudyd.ini:"));
        assert!(set, "{name} in:\n{text}");
    }
    assert!(text.contains("default") && text.contains("not applicable"), "{text}");
}

#[test]
fn an_unusable_state_folder_is_73_with_its_name() {
    let house = House::new("unusable");
    let below = house.state().join("deeper");
    house.write(&house.text("User = root", "").replace(&*house.state().to_string_lossy(), &below.to_string_lossy()));
    let refused = house.run(&[]);
    assert_eq!(code(&refused), Some(73), "{}", stderr(&refused));
    assert!(stderr(&refused).contains(&*below.to_string_lossy()), "{}", stderr(&refused));
    house.write(&house.text("User = root", ""));
    fs::write(house.state(), "a file").expect("written");
    let refused = house.run(&[]);
    assert_eq!(code(&refused), Some(73), "{}", stderr(&refused));
}

#[test]
fn the_control_socket_answers_requests_refuses_unknown_ones_and_is_not_for_others() {
    let house = House::new("control");
    let _server = house.start(&[]);
    let address = Relay::new(&house).lease(1);
    assert_eq!(fs::metadata(house.socket()).expect("there").permissions().mode() & 0o777, 0o660);
    assert!(house.ask("status").starts_with("ok\n"));
    let leases = house.ask("leases --csv");
    assert!(leases.starts_with("ok\n") && leases.contains(&address.to_string()), "{leases}");
    assert!(house.ask("params").contains("DefaultLease"));
    assert!(house.ask("frobnicate").starts_with("error\n"));
    assert!(house.ask("").starts_with("error\n"));
    let idle = UnixStream::connect(house.socket()).expect("connected");
    let mut halves = UnixStream::connect(house.socket()).expect("connected");
    halves.write_all(b"stat").expect("written");
    assert!(house.ask("subnets").contains("10.77.0.0/24"), "others wait for nobody");
    halves.write_all(b"us\nrest").expect("written");
    halves.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut first = [0; 3];
    halves.read_exact(&mut first).expect("answered");
    assert_eq!(&first, b"ok\n");
    drop(idle);
}

#[test]
fn detached_the_daemon_leaves_its_id_and_stops_like_any_other() {
    let house = House::new("detached");
    let pid_file = house.folder.join("pid");
    let started = house.run(&["-d", "-p", pid_file.to_str().expect("text")]);
    assert_eq!(code(&started), Some(0), "{}", stderr(&started));
    let read = || fs::read_to_string(&pid_file).ok().and_then(|text| text.trim().parse().ok());
    wait_until("the pid file", || read().is_some());
    let pid = Pid::from_raw(read().expect("an id"));
    let _stopped = Stopped(pid);
    Relay::new(&house).lease(1);
    let refused = house.run(&[]);
    assert_eq!(code(&refused), Some(73));
    assert!(stderr(&refused).contains(&format!("process {pid};")), "{}", stderr(&refused));
    kill(pid, Signal::SIGTERM).expect("signalled");
    wait_until("the end", || !pid_file.exists());
    wait_until("the lock", || code(&house.run(&["-t"])) == Some(0) && !house.socket().exists());
}

/// Kills a process that is no child, should the test fail before it ends.
struct Stopped(Pid);

impl Drop for Stopped {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = kill(self.0, Signal::SIGKILL);
        }
    }
}
