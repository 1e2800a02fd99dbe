//! Shapes that the common clients do not show: hosts with fixed addresses, BOOTP, broadcast flag, two clients at once.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::rig::packet::{ACK, Ask, DISCOVER, NAK, OFFER, REQUEST};
use crate::rig::raw::{RawClient, mac};
use crate::rig::world::is_portable;
use crate::rig::{Host, Pair, SERVER, Server, Stage};
use crate::udhcpc::udhcpc;

const PATIENCE: Duration = Duration::from_secs(2);
const CONFIG: &str = "
[Policy]
DefaultLease = 3600
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
Option.routers = 10.1.0.1
[Host printer]
HardwareAddress = 02:55:44:00:00:01
Address = 10.1.0.20
Option.host-name = \"printer\"
Option.domain-name-servers = 10.1.0.7
[Host scanner]
HardwareAddress = 02:55:44:00:00:02
Address = 10.1.0.60
BootFile = scan.img
NextServer = 10.1.0.9
";
const PING: &str = "
[Policy]
DefaultLease = 3600
PingBeforeAssign = True
PingDelay = 300
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
";

fn address(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

/// RFC 2131 s. 4.3.1: what stands in a [Host] wins over subnet and pool.
#[test]
fn a_host_gets_its_fixed_address_and_its_own_options() {
    let Some(stage) = Stage::set("host", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    pair.client.run("ip link set eth0 down");
    pair.client.run("ip link set eth0 address 02:55:44:00:00:01");
    pair.client.run("ip link set eth0 up");
    let server = Server::start(&stage, &pair.server, CONFIG);
    let _running = udhcpc(&pair.client, "-O 12 -O 6");
    pair.client.wait_for_address("eth0", |found| found == address("10.1.0.20"));
    let ack = server.wire().wait_for("an ACK", |heard| heard.kind() == ACK);
    assert_eq!(ack.option(12), Some(b"printer".to_vec()));
    assert_eq!(ack.option_address(6), Some(address("10.1.0.7")));
    assert_eq!(ack.option_address(3), Some(SERVER));
    server.finish();
}

/// The address of a [Host] that lies in a range is never given to anyone else.
#[test]
fn the_address_of_a_host_in_a_range_is_kept_for_it() {
    let Some(stage) = Stage::set("host-in-range", &[]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let client = RawClient::new(&pair.client);
    let asked = Ask::new(DISCOVER, mac(0x99)).with_address(50, address("10.1.0.60"));
    let offer = client.must_ask("a DISCOVER for the address of a host", &asked);
    assert_ne!(offer.yours(), address("10.1.0.60"));
    let ack = client.lease(mac(2));
    assert_eq!(ack.yours(), address("10.1.0.60"));
    server.finish();
}

/// RFC 1534 s. 2: no option 53, so a BOOTP client; its [Host] gives it address and boot file, others get nothing.
#[test]
fn a_bootp_client_with_a_host_is_served_and_one_without_is_not() {
    let Some(stage) = Stage::set("bootp", &[]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let client = RawClient::new(&pair.client);
    let reply = client.must_ask("a BOOTP request", &Ask::bootp(mac(2)));
    assert_eq!((reply.kind(), reply.yours()), (0, address("10.1.0.60")));
    assert_eq!(&reply.payload[108..116], b"scan.img");
    assert_eq!(&reply.payload[20..24], address("10.1.0.9").octets());
    assert_eq!(reply.payload.len(), 300, "a BOOTP reply has the size of BOOTP");
    assert_eq!((reply.option(51), reply.option(54)), (None, None));
    assert!(client.ask(&Ask::bootp(mac(7)), PATIENCE).is_none());
    server.finish();
}

/// RFC 2131 s. 4.1: without the flag replies go to the address given and to `chaddr`; with it to everyone.
#[test]
fn replies_go_by_unicast_or_broadcast_as_the_flag_says() {
    if is_portable("broadcast-flag") {
        return;
    }
    let Some(stage) = Stage::set("broadcast-flag", &[]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let client = RawClient::new(&pair.client);
    let ack = client.lease(mac(0x11));
    assert_eq!((ack.destination, ack.link_destination), ((ack.yours(), 68), mac(0x11)));
    let mut discover = Ask::new(DISCOVER, mac(0x12));
    discover.flags = 0xffff;
    let ack = client.lease_by(&discover);
    assert_eq!((ack.destination, ack.link_destination), ((Ipv4Addr::BROADCAST, 68), [0xff; 6]));
    server.finish();
}

/// RFC 2131 s. 4.3.2 and 4.1: INIT-REBOOT with an address of another network gets a NAK, by broadcast.
#[test]
fn a_client_from_another_network_gets_a_nak_by_broadcast() {
    let Some(stage) = Stage::set("moved", &[]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let client = RawClient::new(&pair.client);
    let ask = Ask::new(REQUEST, mac(0x21)).with_address(50, address("192.168.7.7"));
    let nak = client.must_ask("an INIT-REBOOT from elsewhere", &ask);
    assert_eq!((nak.kind(), nak.link_destination), (NAK, [0xff; 6]));
    assert_eq!(nak.destination, (Ipv4Addr::BROADCAST, 68));
    server.finish();
}

/// PingBeforeAssign: a host that answers keeps its address; the client is offered another, and waits no longer than
/// the ping.
#[test]
fn a_ping_before_assign_finds_the_live_host_and_another_address_is_offered() {
    let Some(stage) = Stage::set("ping", &["udhcpc"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let squatter = Host::new(&stage, "squatter");
    pair.link.plug_with(&squatter, "eth0", "10.1.0.50/24");
    let server = Server::start(&stage, &pair.server, PING);
    let _running = udhcpc(&pair.client, "");
    let given = pair.client.wait_for_address("eth0", |found| found.octets()[..3] == [10, 1, 0]);
    assert_ne!(given, address("10.1.0.50"));
    assert!(!server.wire().heard().iter().any(|heard| heard.kind() == OFFER && heard.yours() == address("10.1.0.50")));
    server.wait_for_state(address("10.1.0.50"), &["declined", "unavailable"]);
    server.finish();
}

/// The server goes on serving while it waits for the answers to its pings.
#[test]
fn pings_of_many_clients_run_side_by_side() {
    let Some(stage) = Stage::set("pings", &[]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, PING);
    let client = RawClient::new(&pair.client);
    for number in 0..20 {
        client.send(&Ask::new(DISCOVER, mac(0x40 + number)));
    }
    let begun = std::time::Instant::now();
    server
        .wire()
        .wait_for("the last of 20 offers", |heard| heard.kind() == OFFER && heard.hardware() == mac(0x40 + 19));
    assert!(begun.elapsed() < Duration::from_secs(3), "20 pings of 0.3 s one after the other would take 6 s");
    server.finish();
}
