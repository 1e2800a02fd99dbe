//! systemd-networkd, started by hand: it needs no booted systemd, only its /run and a /sys that says there is no udev.

use std::net::Ipv4Addr;

use nix::sys::signal::Signal;

use crate::rig::packet::{ACK, DECLINE, DISCOVER, RELEASE, REQUEST};
use crate::rig::world::is_unprivileged;
use crate::rig::{Host, Pair, Proc, SERVER, Server, Stage, skipped};

const CONFIG: &str = "
[Policy]
DefaultLease = 20
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
Option.routers = 10.1.0.1
Option.domain-name-servers = 10.1.0.2
";
const ROUTES: &str =
    "[Route]\nDestination=255.255.255.255/32\nScope=link\n[Route]\nDestination=10.1.0.0/24\nScope=link";
const PROGRAM: &str = "systemd-networkd";

fn set(name: &str) -> Option<Stage> {
    let stage = Stage::set(name, &[PROGRAM])?;
    if is_unprivileged() {
        skipped(name, "networkd becomes the user systemd-network, which a user namespace of one user has not");
        return None;
    }
    Some(stage)
}

/// Writes the .network file, with `keys` in its [DHCPv4] section, where networkd looks first.
fn configure(stage: &Stage, host: &Host, keys: &str) {
    let text = format!(
        "[Match]\nName=eth0\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n[DHCPv4]\n{keys}\n"
    );
    let file = stage.file("eth0.network", &text);
    host.run(
        "mkdir -p /run/systemd/network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp",
    );
    host.run("chown -R systemd-network /run/systemd/netif");
    host.run(&format!("cp {} /run/systemd/network/eth0.network", file.display()));
    host.run("hostname desk");
}

fn networkd(host: &Host) -> Proc {
    let mut command = host.command(PROGRAM);
    command.env("SYSTEMD_LOG_LEVEL", "debug").env("SYSTEMD_LOG_TARGET", "console");
    host.spawn_command(command, PROGRAM.into())
}

fn in_range(address: Ipv4Addr) -> bool {
    let [a, b, c, last] = address.octets();
    [a, b, c] == [10, 1, 0] && (50..=99).contains(&last)
}

/// RFC 2131 s. 3.1, 4.4.5 and 4.3.4: lease, renewal at T1 by unicast, release at the end.
#[test]
fn networkd_gets_renews_and_releases_a_lease() {
    let Some(stage) = set("networkd-lease") else {
        return;
    };
    let pair = Pair::new(&stage);
    configure(&stage, &pair.client, "ClientIdentifier=mac");
    let server = Server::start(&stage, &pair.server, CONFIG);
    let mut running = networkd(&pair.client);
    let address = pair.client.wait_for_address("eth0", in_range);
    server.wait_for_state(address, &["active"]);
    assert_eq!(server.lease(address).map(|lease| lease.hostname), Some("desk".into()));
    let renewal =
        server.wire().wait_for("a renewal", |heard| heard.kind() == REQUEST && heard.client_address() == address);
    assert_eq!((renewal.destination.0, renewal.option(50), renewal.option(54)), (SERVER, None, None));
    server.wire().wait_for("its ACK", |heard| heard.kind() == ACK && heard.destination.0 == address);
    running.signal(Signal::SIGTERM);
    server.wire().wait_for("a RELEASE", |heard| heard.kind() == RELEASE && heard.client_address() == address);
    assert_eq!(running.wait(), Some(0));
    server.wait_for_state(address, &["released", "free"]);
    server.finish();
}

/// RFC 2131 s. 4.4.5: nobody answers at T1, so at T2 it asks by broadcast.
#[test]
fn networkd_rebinds_at_t2() {
    let Some(stage) = set("networkd-rebind") else {
        return;
    };
    let pair = Pair::new(&stage);
    configure(&stage, &pair.client, "");
    let server = Server::start(&stage, &pair.server, CONFIG);
    let _running = networkd(&pair.client);
    let address = pair.client.wait_for_address("eth0", in_range);
    pair.client.lose_unicast_to(SERVER);
    let rebinding =
        server.wire().wait_for("a rebinding", |heard| heard.kind() == REQUEST && heard.client_address() == address);
    assert_eq!(rebinding.destination.0, Ipv4Addr::BROADCAST);
    let ack = server.wire().wait_for("its ACK", |heard| heard.kind() == ACK && heard.xid() == rebinding.xid());
    assert_eq!(ack.yours(), address);
    server.finish();
}

/// RFC 2131 s. 3.2: killed and started again it asks for the address that it finds on its interface.
#[test]
fn networkd_gets_its_address_again_after_a_reboot() {
    let Some(stage) = set("networkd-reboot") else {
        return;
    };
    let pair = Pair::new(&stage);
    configure(&stage, &pair.client, "[Network]\nKeepConfiguration=dhcp");
    let server = Server::start(&stage, &pair.server, CONFIG);
    let mut running = networkd(&pair.client);
    let address = pair.client.wait_for_address("eth0", in_range);
    running.wait_for("DHCPv4 address and routes set");
    running.kill_9();
    let seen = server.wire().count();
    let _running = networkd(&pair.client);
    let first = server.wire().wait_after(seen, "a message", |heard| !heard.is_reply());
    assert_eq!((first.kind(), first.option_address(50)), (REQUEST, Some(address)));
    assert_eq!(pair.client.wait_for_address("eth0", in_range), address);
    server.finish();
}

/// RFC 5227 and RFC 2131 s. 4.3.3: with SendDecline it probes the address, and declines it when another host answers.
///
/// Its DECLINE is odd: by unicast, the address in `ciaddr` instead of option 50, no option 54; a RELEASE follows,
/// then INIT-REBOOT
/// for the same address. It also can only leave a host that has the address (here on `lo`) and routes.
#[test]
fn networkd_declines_an_address_that_another_host_answers_for() {
    let Some(stage) = set("networkd-decline") else {
        return;
    };
    let pair = Pair::new(&stage);
    configure(&stage, &pair.client, &format!("SendDecline=yes\n{ROUTES}"));
    pair.client.run("ip addr add 10.1.0.50/32 dev lo");
    let squatter = Host::new(&stage, "squatter");
    pair.link.plug_with(&squatter, "eth0", "10.1.0.50/24");
    let server = Server::start(&stage, &pair.server, CONFIG);
    let _running = networkd(&pair.client);
    let declined = Ipv4Addr::new(10, 1, 0, 50);
    server.wire().wait_for("a DECLINE", |heard| heard.kind() == DECLINE && heard.client_address() == declined);
    let address = pair.client.wait_for_address("eth0", |address| in_range(address) && address != declined);
    server.wait_for_state(declined, &["declined", "unavailable"]);
    server.wait_for_state(address, &["active"]);
    server.finish();
}

/// RFC 7844: an anonymous client sends its hardware address as identifier, no host name and a short list of options;
/// it is served.
#[test]
fn anonymous_networkd_is_served_without_a_host_name() {
    let Some(stage) = set("networkd-anonymous") else {
        return;
    };
    let pair = Pair::new(&stage);
    configure(&stage, &pair.client, "Anonymize=yes");
    let server = Server::start(&stage, &pair.server, CONFIG);
    let _running = networkd(&pair.client);
    let address = pair.client.wait_for_address("eth0", in_range);
    let discover = server.wire().wait_for("a DISCOVER", |heard| heard.kind() == DISCOVER);
    assert_eq!(discover.option(12), None);
    assert_eq!(server.lease(address).map(|lease| lease.hostname), Some(String::new()));
    server.finish();
}
