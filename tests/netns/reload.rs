//! SIGHUP while clients are there.

use std::net::Ipv4Addr;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::rig::packet::{ACK, NAK, REQUEST};
use crate::rig::{Pair, SERVER, Server, Stage, until};
use crate::udhcpc::udhcpc;

fn config(range: &str, name: &str) -> String {
    format!("[Policy]\nDefaultLease = 3600\n[Subnet 10.1.0.0/24]\nRange = {range}\nOption.domain-name = \"{name}\"\n")
}

/// A reload keeps leases; one whose range went away is refused at its renewal, and its client gets an address of the
/// new range.
#[test]
fn a_lease_whose_range_went_away_gets_a_nak_and_a_new_address() {
    let Some(stage) = Stage::set("reload", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, &config("10.1.0.50 - 10.1.0.99", "old.test"));
    let running = udhcpc(&pair.client, "");
    let old = pair.client.wait_for_address("eth0", |found| found.octets()[3] < 100 && found != Ipv4Addr::UNSPECIFIED);
    running.wait_for("obtained");
    server.reload(&config("10.1.0.150 - 10.1.0.199", "new.test"));
    server.wait_for_state(old, &["active"]);
    let seen = server.wire().count();
    running.signal(Signal::SIGUSR1);
    let renewal = server.wire().wait_after(seen, "a renewal", |heard| heard.kind() == REQUEST);
    assert_eq!((renewal.client_address(), renewal.destination.0), (old, SERVER));
    server.wire().wait_after(seen, "its NAK", |heard| heard.kind() == NAK && heard.xid() == renewal.xid());
    let new = pair.client.wait_for_address("eth0", |found| found.octets()[3] >= 150);
    server.wait_for_state(new, &["active"]);
    server.finish();
}

/// A reload that changes options only: the next renewal brings them, the address stays.
#[test]
fn a_renewal_after_a_reload_brings_the_new_options() {
    let Some(stage) = Stage::set("reload-options", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, &config("10.1.0.50 - 10.1.0.99", "old.test"));
    let running = udhcpc(&pair.client, "");
    let address = pair.client.wait_for_address("eth0", |found| found.octets()[..3] == [10, 1, 0]);
    running.wait_for("obtained");
    server.reload(&config("10.1.0.50 - 10.1.0.99", "new.test"));
    let seen = server.wire().count();
    running.signal(Signal::SIGUSR1);
    let ack = server.wire().wait_after(seen, "an ACK", |heard| heard.kind() == ACK);
    assert_eq!((ack.yours(), ack.option(15)), (address, Some(b"new.test".to_vec())));
    server.finish();
}

/// All or nothing: a bad file is named in the log, and the server serves on as before.
#[test]
fn a_reload_of_a_bad_file_changes_nothing() {
    let Some(stage) = Stage::set("reload-bad", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let good = config("10.1.0.50 - 10.1.0.99", "old.test");
    let server = Server::start(&stage, &pair.server, &good);
    server.configure(&good.replace("Range", "Rnage"));
    server.signal(Signal::SIGHUP);
    until("a log line that names the bad key", Duration::from_secs(10), || server.said().contains("Rnage"));
    let _running = udhcpc(&pair.client, "");
    let address = pair.client.wait_for_address("eth0", |found| found.octets()[..3] == [10, 1, 0]);
    server.wait_for_state(address, &["active"]);
    server.configure(&good);
    server.finish();
}
