//! The log must never be in the way of the service.

use std::fs::File;
use std::io::Read as _;
use std::process::{Command, Stdio};

use super::house::House;
use super::relay::{DISCOVER, Relay};

#[test]
fn a_reader_of_the_log_that_does_not_read_stops_nothing_and_what_is_lost_is_counted() {
    let house = House::new("blocked");
    house.write(&house.text("User = root\nLogLevel = debug", "Range = 10.77.0.10 - 10.77.0.200"));
    let mut command = house.command(&[]);
    command.stdin(Stdio::null()).stderr(Stdio::piped());
    let mut server = house.start_command(command);
    let mut relay = Relay::new(&house);
    // Two lines an exchange, 60 octets each at least: far over the pipe's 64 KiB and the buffer's 1 MiB.
    for round in 0..12_000_u16 {
        relay.exchange(round % 50, DISCOVER, None);
        if round % 100 == 0 {
            relay.send_rubbish();
        }
    }
    assert_ne!(relay.lease(60_000).to_bits(), 0);
    let mut pipe = server.child.stderr.take().expect("piped");
    server.signal(nix::sys::signal::Signal::SIGTERM);
    let mut log = Vec::new();
    pipe.read_to_end(&mut log).expect("read");
    assert_eq!(server.end().code(), Some(0));
    let log = String::from_utf8_lossy(&log);
    assert!(
        log.contains("log lines lost"),
        "{} octets of log end with {}",
        log.len(),
        &log[log.len().saturating_sub(300)..]
    );
}

#[test]
fn closed_standard_descriptors_do_not_matter() {
    let house = House::new("closed");
    let mut command = Command::new("/bin/sh");
    let binary = env!("CARGO_BIN_EXE_understudyd");
    let config = house.config();
    command.args(["-c", &format!("exec {binary} -c {} <&- >&- 2>&-", config.display())]);
    let server = house.start_command(command);
    Relay::new(&house).lease(1);
    assert!(house.ask("status").starts_with("ok\n"));
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_log_into_a_full_device_stops_nothing() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        println!("SKIPPED: there is no /dev/full here");
        return;
    };
    let house = House::new("full");
    let mut command = house.command(&[]);
    command.stdin(Stdio::null()).stderr(full);
    let server = house.start_command(command);
    Relay::new(&house).lease(1);
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn the_environment_wins_over_the_level_of_the_configuration() {
    let house = House::new("environment");
    let mut command = house.command(&[]);
    let log = File::create(house.folder.join("log")).expect("created");
    command.stdin(Stdio::null()).stderr(log).env("RUST_LOG", "error");
    let server = house.start_command(command);
    Relay::new(&house).lease(1);
    assert_eq!(server.stop().code(), Some(0));
    assert_eq!(house.log(), "");
}
