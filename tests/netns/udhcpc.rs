//! The client of busybox, with the script of the distribution.

use std::net::Ipv4Addr;

use nix::sys::signal::Signal;

use crate::rig::packet::{ACK, DECLINE, DISCOVER, RELEASE, REQUEST};
use crate::rig::{Host, Pair, Proc, SERVER, Server, Stage};

const CONFIG: &str = "
[Policy]
DefaultLease = 3600
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
Option.routers = 10.1.0.1
Option.domain-name-servers = 10.1.0.2
";

/// Starts udhcpc in the foreground; the tests' clients try often, since a test has little time.
pub(crate) fn udhcpc(host: &Host, more: &str) -> Proc {
    host.spawn(&format!("udhcpc -f -i eth0 -t 10 -T 1 -A 1 -s /etc/udhcpc/default.script {more}"))
}

fn in_range(address: Ipv4Addr) -> bool {
    let [a, b, c, last] = address.octets();
    [a, b, c] == [10, 1, 0] && (50..=99).contains(&last)
}

/// RFC 2131 s. 3.1, 4.4.5 and 4.3.4: lease, renewal by unicast on demand, release on demand.
#[test]
fn udhcpc_gets_renews_and_releases_a_lease() {
    let Some(stage) = Stage::set("udhcpc-lease", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let running = udhcpc(&pair.client, "-x hostname:lamp");
    let address = pair.client.wait_for_address("eth0", in_range);
    server.wait_for_state(address, &["active"]);
    assert_eq!(server.lease(address).map(|lease| lease.hostname), Some("lamp".into()));
    running.wait_for("obtained");
    let seen = server.wire().count();
    running.signal(Signal::SIGUSR1);
    let renewal = server.wire().wait_after(seen, "a renewal", |heard| heard.kind() == REQUEST);
    assert_eq!((renewal.client_address(), renewal.destination.0), (address, SERVER));
    let ack = server.wire().wait_after(seen, "its ACK", |heard| heard.kind() == ACK);
    assert_eq!((ack.yours(), ack.destination.0), (address, address));
    running.signal(Signal::SIGUSR2);
    server.wire().wait_for("a RELEASE", |heard| heard.kind() == RELEASE && heard.client_address() == address);
    server.wait_for_state(address, &["released", "free"]);
    server.finish();
}

/// RFC 2131 s. 4.3.2, REBINDING: a broadcast REQUEST with the client's address in it is answered to that address.
#[test]
fn udhcpc_rebinds_by_broadcast_when_unicast_is_lost() {
    let Some(stage) = Stage::set("udhcpc-rebind", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let running = udhcpc(&pair.client, "");
    let address = pair.client.wait_for_address("eth0", in_range);
    running.wait_for("obtained");
    pair.client.lose_unicast_to(SERVER);
    let seen = server.wire().count();
    running.signal(Signal::SIGUSR1);
    let rebinding = server.wire().wait_after(seen, "a rebinding", |heard| heard.kind() == REQUEST);
    assert_eq!((rebinding.client_address(), rebinding.destination.0), (address, Ipv4Addr::BROADCAST));
    let ack = server.wire().wait_after(seen, "its ACK", |heard| heard.kind() == ACK);
    assert_eq!((ack.yours(), ack.destination.0), (address, address));
    server.finish();
}

/// RFC 2131 s. 4.3.1: it knows no INIT-REBOOT, but asks for its old address in its DISCOVER (option 50), and gets it.
#[test]
fn udhcpc_gets_its_address_again_after_a_reboot() {
    let Some(stage) = Stage::set("udhcpc-reboot", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let mut running = udhcpc(&pair.client, "-r 10.1.0.77");
    let address = pair.client.wait_for_address("eth0", in_range);
    assert_eq!(address, Ipv4Addr::new(10, 1, 0, 77), "a free address that is asked for is given");
    running.wait_for("obtained");
    running.kill_9();
    pair.client.run("ip addr flush dev eth0");
    let seen = server.wire().count();
    let _running = udhcpc(&pair.client, "");
    server.wire().wait_after(seen, "a DISCOVER", |heard| heard.kind() == DISCOVER);
    assert_eq!(pair.client.wait_for_address("eth0", in_range), address, "a known client gets its address again");
    server.finish();
}

/// RFC 2131 s. 4.4.1 and 4.3.3: it asks by ARP before it uses the address.
#[test]
fn udhcpc_declines_an_address_that_another_host_answers_for() {
    let Some(stage) = Stage::set("udhcpc-decline", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let squatter = Host::new(&stage, "squatter");
    pair.link.plug_with(&squatter, "eth0", "10.1.0.50/24");
    let server = Server::start(&stage, &pair.server, CONFIG);
    let _running = udhcpc(&pair.client, "-a500");
    let decline = server.wire().wait_for("a DECLINE", |heard| heard.kind() == DECLINE);
    let declined = Ipv4Addr::new(10, 1, 0, 50);
    assert_eq!(decline.option_address(50), Some(declined));
    let address = pair.client.wait_for_address("eth0", |address| in_range(address) && address != declined);
    server.wait_for_state(declined, &["declined", "unavailable"]);
    server.wait_for_state(address, &["active"]);
    server.finish();
}

/// RFC 2131 s. 4.1: a client that cannot hear unicast before it has an address sets the flag and is answered by
/// broadcast.
#[test]
fn udhcpc_that_asks_for_broadcast_gets_broadcast() {
    let Some(stage) = Stage::set("udhcpc-broadcast", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let _running = udhcpc(&pair.client, "-B");
    let address = pair.client.wait_for_address("eth0", in_range);
    let ack = server.wire().wait_for("an ACK", |heard| heard.kind() == ACK);
    assert_eq!((ack.yours(), ack.destination.0), (address, Ipv4Addr::BROADCAST));
    assert_eq!(ack.link_destination, [0xff; 6]);
    server.finish();
}
