//! Signals: reload, report, stop.

use std::net::Ipv4Addr;

use nix::sys::signal::Signal;

use super::house::{House, wait_until};
use super::relay::Relay;

#[test]
fn a_good_reload_serves_the_new_range_and_a_bad_one_changes_nothing() {
    let house = House::new("reload");
    let server = house.start(&[]);
    let mut relay = Relay::new(&house);
    assert_eq!(relay.lease(1), Ipv4Addr::new(10, 77, 0, 10));
    house.write(&house.text("User = root", "Range = 10.77.0.100 - 10.77.0.120"));
    server.reload();
    wait_until("the new configuration", || house.log().contains("configuration reloaded"));
    assert_eq!(relay.lease(2), Ipv4Addr::new(10, 77, 0, 100));
    house.write(&house.text("Usr = root\nDhcpPort = 99999999", "Range = 10.99.0.1 - 10.99.0.2"));
    server.reload();
    wait_until("the complaint", || house.log().contains("not reloaded"));
    let log = house.log();
    for complaint in ["Usr", "DhcpPort", "10.99.0.1"] {
        let named = log
            .lines()
            .any(|line| line.contains(" error ") && line.contains("understudyd.ini:") && line.contains(complaint));
        assert!(named, "{complaint} in:\n{log}");
    }
    assert_eq!(relay.lease(3), Ipv4Addr::new(10, 77, 0, 101), "the old one stays");
    assert_eq!(server.stop().code(), Some(0));
}

#[test]
fn a_reload_of_what_needs_a_restart_is_refused_by_name() {
    let house = House::new("refused");
    let server = house.start(&[]);
    let old = house.text("User = root", "Range = 10.77.0.10 - 10.77.0.200");
    let moved =
        old.replace("control.sock", "other.sock").replace(&format!("DhcpPort = {}", house.port), "DhcpPort = 9967");
    house.write(&moved);
    server.reload();
    wait_until("the complaint", || house.log().contains("not reloaded"));
    assert!(house.log().contains("DhcpPort") && house.log().contains("ControlSocket"), "{}", house.log());
    assert!(house.ask("status").starts_with("ok\n"));
}

#[test]
fn a_reload_changes_the_log_level() {
    let house = House::new("level");
    let server = house.start(&[]);
    Relay::new(&house).lease(1);
    wait_until("the line", || house.log().contains("DHCPACK on 10.77.0.10"));
    house.write(&house.text("User = root\nLogLevel = error", "Range = 10.77.0.10 - 10.77.0.200"));
    server.reload();
    Relay::new(&house).lease(2);
    assert_eq!(server.stop().code(), Some(0));
    assert!(!house.log().contains("DHCPACK on 10.77.0.11"), "{}", house.log());
}

#[test]
fn term_and_int_stop_with_0_and_take_pid_file_and_socket_along() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let house = House::new(signal.as_str());
        let pid_file = house.folder.join("pid");
        let mut server = house.start(&["-f", "-p", pid_file.to_str().expect("text")]);
        let written = std::fs::read_to_string(&pid_file).expect("written");
        assert_eq!(written, format!("{}\n", server.pid()));
        server.signal(signal);
        assert_eq!(server.said(), "STOPPING=1");
        assert_eq!(server.end().code(), Some(0), "{}", house.log());
        assert!(!pid_file.exists() && !house.socket().exists());
        assert!(house.log().ends_with("stopped\n"), "{}", house.log());
    }
}

#[test]
fn usr1_writes_the_counters_to_the_log_and_service_goes_on() {
    let house = House::new("usr1");
    let server = house.start(&[]);
    let mut relay = Relay::new(&house);
    relay.lease(1);
    server.signal(Signal::SIGUSR1);
    wait_until("the report", || house.log().contains("sockets: 2 packets taken"));
    relay.lease(2);
    assert_eq!(server.stop().code(), Some(0));
}
