//! Leases over restarts; what a second server, a damaged journal and the operator's words lead to.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::process::Command;

use super::house::{House, code, listing, stderr, stdout};
use super::relay::{ACK, Answer, DISCOVER, OFFER, REQUEST, Relay};

#[test]
fn a_lease_survives_a_kill_and_a_planned_stop() {
    let house = House::new("survives");
    let mut relay = Relay::new(&house);
    let server = house.start(&[]);
    let first = relay.lease(1);
    let second = relay.lease(2);
    assert_ne!(first, second);
    server.crash();
    assert!(fs::metadata(house.socket()).expect("left behind").file_type().is_socket());
    let server = house.start(&[]);
    assert_eq!(relay.lease(1), first, "log:\n{}", house.log());
    assert!(house.log().contains("was not stopped as planned"));
    assert_eq!(server.stop().code(), Some(0));
    assert!(!house.socket().exists());
    let server = house.start(&[]);
    assert!(house.log().contains("stopped as planned") && !house.log().contains("was not stopped"));
    assert_eq!(relay.exchange(2, REQUEST, Some(second)), Answer { kind: ACK, address: second });
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_second_server_on_one_state_folder_is_refused_with_the_holders_id() {
    let house = House::new("second");
    let server = house.start(&[]);
    let refused = house.run(&[]);
    assert_eq!(code(&refused), Some(73));
    assert!(stderr(&refused).contains(&format!("in use by process {};", server.pid())), "{}", stderr(&refused));
    assert_ne!(Relay::new(&house).lease(1).to_bits(), 0, "the first serves on");
}

#[test]
fn a_port_or_a_control_socket_in_use_is_refused() {
    let house = House::new("port");
    let _server = house.start(&[]);
    let other = House::new("port-other");
    let same_port = other
        .text("User = root", "")
        .replace(&format!("DhcpPort = {}", other.port), &format!("DhcpPort = {}", house.port));
    other.write(&same_port);
    let refused = other.run(&[]);
    assert_eq!(code(&refused), Some(71), "{}", stderr(&refused));
    assert!(stderr(&refused).contains("set DhcpPort"));
    let same_socket =
        other.text("User = root", "").replace(&*other.socket().to_string_lossy(), &house.socket().to_string_lossy());
    other.write(&same_socket);
    let refused = other.run(&[]);
    assert_eq!(code(&refused), Some(73), "{}", stderr(&refused));
    assert!(house.ask("status").starts_with("ok\n"), "the first has its socket still");
}

#[test]
fn new_creates_and_ends_and_is_refused_where_leases_are() {
    let house = House::new("new");
    let created = house.run(&["--new"]);
    assert_eq!(code(&created), Some(0), "{}", stderr(&created));
    assert!(house.state().is_dir());
    let server = house.start(&[]);
    assert!(!house.log().contains("none was there"), "{}", house.log());
    Relay::new(&house).lease(1);
    assert_eq!(server.stop().code(), Some(0));
    let before = listing(&house.state());
    for options in [&["--new"][..], &["--new", "-f"]] {
        let refused = house.run(options);
        assert_eq!(code(&refused), Some(73), "{}", stderr(&refused));
        assert!(stderr(&refused).contains("without --new"), "{}", stderr(&refused));
    }
    assert_eq!(listing(&house.state()), before, "nothing was touched");
}

#[test]
fn new_with_f_creates_and_serves_and_a_missing_database_is_made_with_a_warning() {
    let house = House::new("new-f");
    let server = house.start(&["--new", "-f"]);
    assert!(house.log().contains("lease database: new"), "{}", house.log());
    Relay::new(&house).lease(1);
    server.crash();
    fs::remove_dir_all(house.state()).expect("removed");
    let _server = house.start(&[]);
    assert!(house.log().contains("none was there"), "{}", house.log());
}

#[test]
fn a_check_reads_configuration_and_journal_and_leaves_a_running_server_alone() {
    let house = House::new("check");
    let nothing = house.run(&["-t"]);
    assert_eq!(code(&nothing), Some(0), "{}", stderr(&nothing));
    assert!(!house.state().exists(), "a check makes nothing");
    let server = house.start(&[]);
    let mut relay = Relay::new(&house);
    let address = relay.lease(1);
    let good = house.run(&["-t"]);
    assert_eq!(code(&good), Some(0), "{}", stderr(&good));
    assert!(stdout(&good).contains("good"));
    assert_eq!(relay.lease(1), address);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_damaged_journal_is_refused_named_and_got_over_only_when_asked() {
    let house = House::new("damage");
    let server = house.start(&[]);
    let mut relay = Relay::new(&house);
    for client in 0..20 {
        relay.lease(client);
    }
    server.crash();
    let (name, _) =
        listing(&house.state()).into_iter().find(|(name, octets)| name != "lock" && *octets > 0).expect("a journal");
    let path = house.state().join(&name);
    let mut octets = fs::read(&path).expect("read");
    let written = octets.iter().rposition(|octet| *octet != 0).expect("records");
    octets[written / 2] ^= 0x55;
    fs::write(&path, octets).expect("written");
    for (options, expected) in [(&["-t"][..], 78), (&[], 74)] {
        let refused = house.run(options);
        assert_eq!(code(&refused), Some(expected), "{}", stderr(&refused));
        let text = stderr(&refused);
        assert!(text.contains(&name) && text.contains("--keep-before-damage"), "{text}");
    }
    let server = house.start(&["--keep-before-damage"]);
    assert!(house.log().contains("WENT BACK IN TIME"), "{}", house.log());
    assert_eq!(server.stop().code(), Some(0));
}

/// A write that the system refuses, made by a limit on file sizes that is set under the running daemon.
#[test]
fn a_failed_write_ends_the_process_with_74_and_nothing_is_answered() {
    if Command::new("prlimit").arg("--version").output().is_err() {
        println!("SKIPPED: there is no prlimit here");
        return;
    }
    let house = House::new("fatal");
    let mut command = Command::new("/bin/sh");
    let (binary, config, log) = (env!("CARGO_BIN_EXE_understudyd"), house.config(), house.folder.join("log"));
    let line = format!("trap '' XFSZ; exec {binary} -c {} 2>{}", config.display(), log.display());
    command.args(["-c", &line]).env_remove("RUST_LOG");
    let mut server = house.start_command(command);
    let mut relay = Relay::new(&house);
    relay.lease(1);
    let offer = relay.exchange(2, DISCOVER, None);
    let limit = Command::new("prlimit").args(["--pid", &server.pid().to_string(), "--fsize=0"]).status();
    assert!(limit.expect("run").success());
    relay.send(2, REQUEST, Some(offer.address));
    assert_eq!(server.end().code(), Some(74), "{}", house.log());
    assert!(!relay.has_answer(), "an ACK that is not durable");
    // The log went to a file, which the limit holds for too; what was written before it is there.
    assert!(house.log().contains("ready"));
    let server = house.start(&[]);
    assert_eq!(relay.exchange(1, DISCOVER, None).kind, OFFER);
    assert_eq!(server.stop().code(), Some(0));
}
