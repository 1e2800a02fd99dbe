//! Which subnet serves a client: by the interface that heard it, by the link that subnets share.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::rig::packet::{Ask, DISCOVER};
use crate::rig::raw::{RawClient, mac};
use crate::rig::world::is_portable;
use crate::rig::{Host, Link, Pair, SERVER, Server, Stage};
use crate::udhcpc::udhcpc;

const TWO: &str = "
[Policy]
DefaultLease = 3600
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
[Subnet 10.4.0.0/24]
Range = 10.4.0.50 - 10.4.0.99
";
const SHARED: &str = "
[Policy]
DefaultLease = 3600
[Subnet 10.1.0.0/24]
SharedNetwork = floor1
Range = 10.1.0.50 - 10.1.0.52
[Subnet 10.5.0.0/24]
SharedNetwork = floor1
Range = 10.5.0.50 - 10.5.0.51
Option.routers = 10.5.0.1
";

/// RFC 2131 s. 4.3.1: the address fits the interface that heard the client; option 54 is the server's address there.
#[test]
fn clients_of_two_interfaces_get_addresses_of_two_subnets() {
    if is_portable("two-interfaces") {
        return;
    }
    let Some(stage) = Stage::set("two-interfaces", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let (second, other) = (Link::new(&stage, "lan2"), Host::new(&stage, "cli2"));
    second.plug_with(&pair.server, "eth1", "10.4.0.1/24");
    second.plug(&other, "eth0");
    let server = Server::start(&stage, &pair.server, TWO);
    let _running = [udhcpc(&pair.client, ""), udhcpc(&other, "")];
    for (host, network, place) in [(&pair.client, 1, 0), (&other, 4, 1)] {
        let address = host.wait_for_address("eth0", |address| address.octets()[..3] == [10, network, 0]);
        let ack = server.wire_of(place).wait_for("an ACK", |heard| heard.is_reply() && heard.yours() == address);
        assert_eq!(ack.server(), Some(Ipv4Addr::new(10, network, 0, 1)));
        server.wait_for_state(address, &["active"]);
    }
    server.finish();
}

/// An interface that comes up after the start is served without a restart.
#[test]
fn an_interface_that_comes_after_the_start_is_served() {
    if is_portable("late-interface") {
        return;
    }
    let Some(stage) = Stage::set("late-interface", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let mut server = Server::start(&stage, &pair.server, TWO);
    let (second, other) = (Link::new(&stage, "lan2"), Host::new(&stage, "cli2"));
    second.plug_with(&pair.server, "eth1", "10.4.0.1/24");
    second.plug(&other, "eth0");
    server.capture("eth1");
    let _running = udhcpc(&other, "");
    let address = other.wait_for_address("eth0", |address| address.octets()[..3] == [10, 4, 0]);
    server.wait_for_state(address, &["active"]);
    server.finish();
}

/// An interface that goes and comes again is served again: a cable that was pulled, a card that was replaced.
#[test]
fn an_interface_that_was_removed_and_made_again_is_served_again() {
    let Some(stage) = Stage::set("again-interface", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, TWO);
    pair.server.run("ip link del eth0");
    pair.link.plug_with(&pair.server, "eth0", &format!("{SERVER}/24"));
    let _running = udhcpc(&pair.client, "");
    let address = pair.client.wait_for_address("eth0", |address| address.octets()[..3] == [10, 1, 0]);
    server.wait_for_state(address, &["active"]);
    server.finish();
}

/// Two subnets on one Ethernet: the second is used when the first is full, and brings its own router; then comes
/// silence.
#[test]
fn a_shared_network_goes_on_in_its_second_subnet_when_the_first_is_full() {
    let Some(stage) = Stage::set("shared-network", &[]) else {
        return;
    };
    let pair = Pair::new(&stage);
    pair.server.run("ip addr add 10.5.0.1/24 dev eth0");
    let server = Server::start(&stage, &pair.server, SHARED);
    let client = RawClient::new(&pair.client);
    let acks: Vec<_> =
        (0..5).map(|number| client.lease_by(&Ask::new(DISCOVER, mac(number)).with(55, &[1, 3]))).collect();
    let addresses: Vec<Ipv4Addr> = acks.iter().map(|ack| ack.yours()).collect();
    let wanted =
        [(1, 50), (1, 51), (1, 52), (5, 50), (5, 51)].map(|(network, host)| Ipv4Addr::new(10, network, 0, host));
    assert_eq!(addresses, wanted);
    assert_eq!(acks[0].option(3), None);
    assert_eq!(acks[4].option_address(3), Some(Ipv4Addr::new(10, 5, 0, 1)));
    let late = client.ask(&Ask::new(DISCOVER, mac(9)), Duration::from_secs(2));
    assert!(late.is_none(), "both subnets are full");
    server.finish();
}
