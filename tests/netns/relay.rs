//! The relay of ISC between clients and server, with option 82 (RFC 3046); renewals pass it by as plain routed
//! packets.

use std::collections::HashSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::rig::capture::Capture;
use crate::rig::host::waited_for_a_processor;
use crate::rig::packet::{ACK, DISCOVER, OFFER, REQUEST};
use crate::rig::{Host, Link, Proc, SERVER, Server, Stage, until};
use crate::udhcpc::udhcpc;

const CONFIG: &str = "
[Policy]
DefaultLease = 3600
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
[Subnet 10.2.0.0/24]
Range = 10.2.0.50 - 10.2.0.99
Option.routers = 10.2.0.1
[Subnet 10.3.0.0/24]
Range = 10.3.0.50 - 10.3.0.99
Option.routers = 10.3.0.1
";

/// perfdhcp's receive buffer of the default size holds 277 datagrams, more than 200 ms of answers.
const OVERRUN: Duration = Duration::from_millis(200);
/// Offers and ACKs that come for it in a millisecond.
const RATE_A_MILLI: u64 = 1;

/// A network behind a relay that is also its router.
struct Branch {
    _link: Link,
    relay: Host,
    client: Host,
    running: Proc,
}

impl Branch {
    /// Network 10.`number`.0.0/24; the relay has .1 in it, and 10.1.0.`number` on the server's side.
    fn new(stage: &Stage, core: &Link, server: &Host, number: u8) -> Branch {
        let link = Link::new(stage, &format!("lan{number}"));
        let relay = Host::new(stage, &format!("relay{number}"));
        let client = Host::new(stage, &format!("cli{number}"));
        link.plug_with(&relay, "eth0", &format!("10.{number}.0.1/24"));
        core.plug_with(&relay, "eth1", &format!("10.1.0.{number}/24"));
        relay.run("sysctl -qw net.ipv4.ip_forward=1");
        link.plug(&client, "eth0");
        server.run(&format!("ip route add 10.{number}.0.0/24 via 10.1.0.{number}"));
        let running = relay.spawn(&format!("dhcrelay -4 -d -a -id eth0 -iu eth1 {SERVER}"));
        running.wait_for("Sending on   Socket/fallback");
        Branch { _link: link, relay, client, running }
    }
}

fn in_branch(number: u8) -> impl Fn(Ipv4Addr) -> bool {
    move |address| address.octets()[..3] == [10, number, 0] && address.octets()[3] >= 50
}

/// RFC 3046 s. 2.2: what the relay adds stands last in each reply, octet for octet; the relay takes it off again.
#[test]
fn relayed_clients_get_addresses_of_their_relays_subnet_and_option_82_comes_back() {
    let Some(stage) = Stage::set("relay", &["dhcrelay", "udhcpc"]) else {
        return;
    };
    let (core, srv) = (Link::new(&stage, "core"), Host::new(&stage, "srv"));
    core.plug_with(&srv, "eth0", &format!("{SERVER}/24"));
    let branches = [2, 3].map(|number| (number, Branch::new(&stage, &core, &srv, number)));
    let server = Server::start(&stage, &srv, CONFIG);
    for (number, branch) in &branches {
        let near = Capture::start(&stage, &branch.relay, "eth0");
        let _running = udhcpc(&branch.client, "");
        let address = branch.client.wait_for_address("eth0", in_branch(*number));
        let giaddr = Ipv4Addr::new(10, *number, 0, 1);
        let ack =
            server.wire().wait_for("an ACK to the relay", |heard| heard.kind() == ACK && heard.yours() == address);
        assert_eq!(ack.destination, (giaddr, 67), "RFC 2131 s. 4.1: to the relay, to its server port");
        let request = server.wire().wait_for("a REQUEST", |heard| heard.kind() == REQUEST && heard.xid() == ack.xid());
        let added = request.option(82).expect("dhcrelay -a adds option 82");
        assert_eq!(ack.options().last(), Some(&(82, added)));
        let passed = near.wait_for("the ACK behind the relay", |heard| heard.kind() == ACK && heard.yours() == address);
        assert_eq!(passed.option(82), None);
        server.wait_for_state(address, &["active"]);
    }
    let offers = server.wire().heard().iter().filter(|heard| heard.kind() == OFFER).count();
    assert!(offers >= 2);
    drop(branches);
    server.finish();
}

/// RFC 2131 s. 4.3.2, RENEWING: no relay has a hand in it; the reply goes to the client through the routers.
#[test]
fn a_relayed_client_renews_past_the_relay() {
    let Some(stage) = Stage::set("relay-renew", &["dhcrelay", "udhcpc"]) else {
        return;
    };
    let (core, srv) = (Link::new(&stage, "core"), Host::new(&stage, "srv"));
    core.plug_with(&srv, "eth0", &format!("{SERVER}/24"));
    let mut branch = Branch::new(&stage, &core, &srv, 2);
    let server = Server::start(&stage, &srv, CONFIG);
    let running = udhcpc(&branch.client, "");
    let address = branch.client.wait_for_address("eth0", in_branch(2));
    running.wait_for("obtained");
    branch.running.kill_9();
    let seen = server.wire().count();
    running.signal(Signal::SIGUSR1);
    let renewal = server.wire().wait_after(seen, "a renewal", |heard| heard.kind() == REQUEST);
    assert_eq!((renewal.source.0, renewal.client_address()), (address, address));
    let ack = server.wire().wait_after(seen, "its ACK", |heard| heard.kind() == ACK);
    assert_eq!((ack.destination, ack.yours()), ((address, 68), address));
    server.finish();
}

/// The neutral load generator at a rate that any server must bear: each message that came over the server's wire has
/// its answer there, and perfdhcp misses none but what came while it had no processor and its small buffer ran over.
#[test]
fn perfdhcp_at_500_exchanges_a_second_is_answered_without_a_loss() {
    let Some(stage) = Stage::alone("perfdhcp", &["perfdhcp"]) else {
        return;
    };
    let (core, srv, load) = (Link::new(&stage, "core"), Host::new(&stage, "srv"), Host::new(&stage, "load"));
    core.plug_with(&srv, "eth0", &format!("{SERVER}/24"));
    core.plug_with(&load, "eth0", "10.1.0.2/24");
    // perfdhcp sends by the interface that has the address.
    load.run("ip addr add 10.50.0.1/32 dev eth0");
    srv.run("ip route add 10.50.0.0/16 via 10.1.0.2");
    let server =
        Server::start(&stage, &srv, "LogLevel = warn\n[Subnet 10.50.0.0/16]\nRange = 10.50.1.0 - 10.50.255.254\n");
    let words = format!("perfdhcp -4 -l 10.50.0.1 -R 10000 -r 500 -p 5 -W 2000000 {SERVER}");
    let mut running = load.spawn(&words);
    let mut waited = Duration::ZERO;
    while running.is_running() {
        waited = waited_for_a_processor(running.id()).map_or(waited, |now| waited.max(now));
        std::thread::sleep(Duration::from_millis(20));
    }
    let said = running.said();
    println!("{said}\nperfdhcp had to wait {waited:?} for a processor");
    let drops = drops(&said);
    let lawful = if waited < OVERRUN { 0 } else { waited.as_millis() as u64 * RATE_A_MILLI };
    assert!(drops <= lawful, "{drops} answers missed, {lawful} for want of a processor ({waited:?})");
    let discovers = exchanges(&server, DISCOVER);
    assert!(discovers.len() > 1500, "the load was not there: {} exchanges", discovers.len());
    until("an answer to each message", Duration::from_secs(5), || {
        let is_answered = |asked, answer| exchanges(&server, asked).is_subset(&exchanges(&server, answer));
        is_answered(DISCOVER, OFFER) && is_answered(REQUEST, ACK)
    });
    let leases = server.leases().iter().filter(|lease| lease.state == "active").count();
    let acked: HashSet<_> = exchanges(&server, ACK).into_iter().map(|(_, hardware)| hardware).collect();
    assert_eq!(leases, acked.len(), "each client with an ACK has a lease");
    server.finish();
}

/// The answers that perfdhcp missed, of both exchanges.
fn drops(said: &str) -> u64 {
    let counts = said.lines().filter_map(|line| line.trim().strip_prefix("drops: "));
    let counts: Vec<u64> = counts.map(|count| count.trim().parse().expect("a number")).collect();
    assert_eq!(counts.len(), 2, "two exchanges:\n{said}");
    counts.iter().sum()
}

/// Transaction and client of each message of a kind on the server's wire.
fn exchanges(server: &Server<'_>, kind: u8) -> HashSet<(u32, [u8; 6])> {
    let heard = server.wire().heard();
    heard.iter().filter(|heard| heard.kind() == kind).map(|heard| (heard.xid(), heard.hardware())).collect()
}
