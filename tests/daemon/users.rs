//! Root is given up when the sockets are open.

use std::fs;
use std::os::unix::fs::MetadataExt as _;

use nix::unistd::{User, geteuid};

use super::house::{House, code, stderr};
use super::relay::Relay;

/// A user that every system has and that owns nothing.
const NOBODY: &str = "nobody";

#[test]
fn started_as_root_the_daemon_becomes_its_user_and_owns_its_files() {
    let Some(user) = User::from_name(NOBODY).ok().flatten().filter(|_| geteuid().is_root()) else {
        println!("SKIPPED: this needs root and the user {NOBODY}");
        return;
    };
    let house = House::new("user");
    house.write(&house.text(&format!("User = {NOBODY}"), "Range = 10.77.0.10 - 10.77.0.200"));
    let pid_file = house.folder.join("pid");
    let server = house.start(&["-p", pid_file.to_str().expect("text")]);
    let address = Relay::new(&house).lease(1);
    let process = fs::metadata(format!("/proc/{}/status", server.pid()));
    if process.is_ok() {
        let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("read");
        let line = status.lines().find(|line| line.starts_with("Uid:")).expect("a line");
        assert!(line.split_whitespace().skip(1).all(|id| id == user.uid.to_string()), "{line}");
    }
    for path in [house.state(), house.socket(), house.state().join("lock")] {
        assert_eq!(fs::metadata(&path).expect("there").uid(), user.uid.as_raw(), "{}", path.display());
    }
    server.reload();
    assert_eq!(server.stop().code(), Some(0));
    let server = house.start(&[]);
    assert_eq!(Relay::new(&house).lease(1), address, "its files are its own");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn an_explicit_user_that_does_not_exist_is_78_with_a_remedy() {
    if !geteuid().is_root() {
        println!("SKIPPED: only root changes its user");
        return;
    }
    let house = House::new("no-user");
    house.write(&house.text("User = no-such-user-here", "Range = 10.77.0.10 - 10.77.0.200"));
    let refused = house.run(&[]);
    assert_eq!(code(&refused), Some(78));
    assert!(stderr(&refused).contains("useradd --system no-such-user-here"), "{}", stderr(&refused));
    assert!(!house.state().exists());
}
