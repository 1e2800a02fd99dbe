//! dhcpcd: it has a lease file, probes each address by ARP, and rebinds by itself.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::rig::packet::{ACK, DECLINE, DISCOVER, RELEASE, REQUEST};
use crate::rig::world::is_unprivileged;
use crate::rig::{Host, Pair, Proc, SERVER, Server, Stage, comes_true, skipped};

/// The shortest lease that this client takes as it is told.
const CONFIG: &str = "
[Policy]
DefaultLease = 20
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
Option.routers = 10.1.0.1
Option.domain-name-servers = 10.1.0.2
";
const LONG: &str = "
[Policy]
DefaultLease = 3600
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
";
const CLIENT: &str =
    "hostname shelf\nclientid\nnoipv6\nnoipv4ll\nnodelay\nreboot 8\noption subnet_mask, routers, domain_name_servers\n";

fn set(name: &str) -> Option<(Stage, String)> {
    let stage = Stage::set(name, &["dhcpcd"])?;
    if is_unprivileged() {
        skipped(name, "dhcpcd gives up its rights to a user that a user namespace of one user has not");
        return None;
    }
    let config = stage.file("dhcpcd.conf", CLIENT);
    let words = format!("dhcpcd -4 -d -f {}", config.display());
    Some((stage, words))
}

fn dhcpcd(host: &Host, words: &str) -> Proc {
    host.spawn(&format!("{words} -B eth0"))
}

/// Gives a running dhcpcd a command; now and then, on a busy machine, it loses one (9.4.1), so up to five times.
fn tell(host: &Host, words: &str, is_done: impl Fn() -> bool) {
    let is_heard = (0..5).any(|_| {
        host.attempt(words);
        comes_true(Duration::from_secs(5), &is_done)
    });
    assert!(is_heard, "dhcpcd does not do as it is told: {words}");
}

fn in_range(address: Ipv4Addr) -> bool {
    let [a, b, c, last] = address.octets();
    [a, b, c] == [10, 1, 0] && (50..=99).contains(&last)
}

/// RFC 2131 s. 3.1, 4.4.5, 4.3.4: lease, renewal by unicast on demand, release on demand.
#[test]
fn dhcpcd_gets_renews_and_releases_a_lease() {
    let Some((stage, words)) = set("dhcpcd-lease") else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, LONG);
    let running = dhcpcd(&pair.client, &words);
    let address = pair.client.wait_for_address("eth0", in_range);
    server.wait_for_state(address, &["active"]);
    assert_eq!(server.lease(address).map(|lease| lease.hostname), Some("shelf".into()));
    running.wait_for("adding route to");
    let seen = server.wire().count();
    tell(&pair.client, &format!("{words} -N eth0"), || server.wire().count() > seen);
    let renewal = server.wire().wait_after(seen, "a renewal", |heard| heard.kind() == REQUEST);
    assert_eq!((renewal.client_address(), renewal.destination.0), (address, SERVER));
    let ack = server.wire().wait_after(seen, "its ACK", |heard| heard.kind() == ACK);
    assert_eq!((ack.yours(), ack.destination.0), (address, address));
    let seen = server.wire().count();
    tell(&pair.client, &format!("{words} -k eth0"), || server.wire().count() > seen);
    server.wire().wait_for("a RELEASE", |heard| heard.kind() == RELEASE && heard.client_address() == address);
    server.wait_for_state(address, &["released", "free"]);
    server.finish();
}

/// RFC 2131 s. 4.4.5: T1 and T2 of the lease come true: unicast that nobody answers, then broadcast that is answered.
#[test]
fn dhcpcd_renews_at_t1_and_rebinds_at_t2() {
    let Some((stage, words)) = set("dhcpcd-rebind") else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let _running = dhcpcd(&pair.client, &words);
    let address = pair.client.wait_for_address("eth0", in_range);
    pair.client.lose_unicast_to(SERVER);
    let seen = server.wire().count();
    let rebinding = server.wire().wait_after(seen, "a rebinding", |heard| heard.kind() == REQUEST);
    assert_eq!((rebinding.client_address(), rebinding.destination.0), (address, Ipv4Addr::BROADCAST));
    let ack = server.wire().wait_after(seen, "its ACK", |heard| heard.kind() == ACK);
    assert_eq!((ack.yours(), ack.destination.0), (address, address));
    server.finish();
}

/// RFC 2131 s. 3.2: with its lease file it asks for its address at once.
#[test]
fn dhcpcd_gets_its_address_again_after_a_reboot_by_two_messages() {
    let Some((stage, words)) = set("dhcpcd-reboot") else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, LONG);
    let mut running = dhcpcd(&pair.client, &words);
    let address = pair.client.wait_for_address("eth0", in_range);
    running.wait_for("adding route to");
    running.kill_9();
    pair.client.run("ip addr flush dev eth0");
    let seen = server.wire().count();
    let _running = dhcpcd(&pair.client, &words);
    let request = server.wire().wait_after(seen, "a REQUEST", |heard| heard.kind() == REQUEST);
    assert_eq!((request.option_address(50), request.option(54)), (Some(address), None));
    let ack = server.wire().wait_after(seen, "its ACK", |heard| heard.kind() == ACK);
    assert_eq!(ack.yours(), address);
    assert_eq!(pair.client.wait_for_address("eth0", in_range), address);
    assert!(!server.wire().heard().iter().skip(seen).any(|heard| heard.kind() == DISCOVER));
    server.finish();
}

/// RFC 5227 and RFC 2131 s. 4.3.3: a probe that is answered makes it decline.
#[test]
fn dhcpcd_declines_an_address_that_another_host_answers_for() {
    let Some((stage, words)) = set("dhcpcd-decline") else {
        return;
    };
    let pair = Pair::new(&stage);
    let squatter = Host::new(&stage, "squatter");
    pair.link.plug_with(&squatter, "eth0", "10.1.0.50/24");
    let server = Server::start(&stage, &pair.server, LONG);
    let _running = dhcpcd(&pair.client, &words);
    let decline = server.wire().wait_for("a DECLINE", |heard| heard.kind() == DECLINE);
    let declined = Ipv4Addr::new(10, 1, 0, 50);
    assert_eq!(decline.option_address(50), Some(declined));
    let address = pair.client.wait_for_address("eth0", |address| in_range(address) && address != declined);
    server.wait_for_state(declined, &["declined", "unavailable"]);
    server.wait_for_state(address, &["active"]);
    server.finish();
}
