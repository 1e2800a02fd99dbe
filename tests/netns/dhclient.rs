//! The client of ISC, with its own script and lease file.

use std::fs;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use crate::rig::packet::{ACK, DECLINE, DISCOVER, RELEASE, REQUEST};
use crate::rig::{Host, Pair, Proc, SERVER, Server, Stage};

/// Leases of an hour; the client is told to renew far sooner.
const CONFIG: &str = "
[Policy]
DefaultLease = 3600
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.99
Option.routers = 10.1.0.1
Option.domain-name-servers = 10.1.0.1, 10.1.0.2
Option.domain-name = \"lan.test\"
";
const NORMAL: &str = "timeout 20; retry 2; initial-interval 1; backoff-cutoff 2; send host-name \"paper\";\n";
const HASTY: &str = "supersede dhcp-renewal-time 4; supersede dhcp-rebinding-time 8;\n";

/// A dhclient with files of its own.
struct Dhclient<'a> {
    host: &'a Host,
    words: String,
    lease_file: PathBuf,
}

impl<'a> Dhclient<'a> {
    fn new(stage: &Stage, host: &'a Host, config: &str) -> Dhclient<'a> {
        Dhclient::with_script(stage, host, config, "/sbin/dhclient-script")
    }

    fn with_script(stage: &Stage, host: &'a Host, config: &str, script: &str) -> Dhclient<'a> {
        let (config, lease_file) = (stage.file("dhclient.conf", config), stage.file("dhclient.leases", ""));
        let pid_file = stage.folder().join("dhclient.pid");
        let words = format!(
            "dhclient -4 -v -cf {} -lf {} -pf {} -sf {script}",
            config.display(),
            lease_file.display(),
            pid_file.display()
        );
        Dhclient { host, words, lease_file }
    }

    fn start(&self) -> Proc {
        self.host.spawn(&format!("{} -d eth0", self.words))
    }

    fn release(&self) {
        self.host.run(&format!("{} -r eth0", self.words));
    }
}

fn in_range(address: Ipv4Addr) -> bool {
    let [a, b, c, last] = address.octets();
    [a, b, c] == [10, 1, 0] && (50..=99).contains(&last)
}

/// RFC 2131 s. 3.1 and 4.3.4: four messages to a lease with its options, one to give it back.
#[test]
fn dhclient_gets_a_lease_with_its_options_and_releases_it() {
    let Some(stage) = Stage::set("dhclient-lease", &["dhclient"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let dhclient = Dhclient::new(&stage, &pair.client, NORMAL);
    let running = dhclient.start();
    let address = pair.client.wait_for_address("eth0", in_range);
    // Its script and its lease file are done now.
    running.wait_for("bound to");
    server.wait_for_state(address, &["active"]);
    assert_eq!(server.lease(address).map(|lease| lease.hostname), Some("paper".into()));
    assert!(pair.client.run("ip route show default").contains("via 10.1.0.1"));
    assert!(pair.client.run("cat /etc/resolv.conf").contains("nameserver 10.1.0.2"));
    dhclient.release();
    let release = server.wire().wait_for("a RELEASE", |heard| heard.kind() == RELEASE);
    assert_eq!((release.client_address(), release.destination.0), (address, SERVER));
    server.wait_for_state(address, &["released", "free"]);
    server.finish();
}

/// RFC 2131 s. 4.4.5: at T1 by unicast to the server; at T2 by broadcast, when the server does not hear unicast.
#[test]
fn dhclient_renews_by_unicast_and_rebinds_by_broadcast() {
    let Some(stage) = Stage::set("dhclient-renew", &["dhclient"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let _running = Dhclient::new(&stage, &pair.client, &format!("{NORMAL}{HASTY}")).start();
    let address = pair.client.wait_for_address("eth0", in_range);
    let wire = server.wire();
    let renewal = wire.wait_for("a renewal", |heard| {
        heard.kind() == REQUEST && heard.client_address() == address && heard.destination.0 == SERVER
    });
    assert_eq!((renewal.option(50), renewal.option(54)), (None, None));
    let ack = wire.wait_for("its ACK", |heard| {
        heard.kind() == ACK && heard.xid() == renewal.xid() && heard.destination.0 == address
    });
    assert_eq!(ack.yours(), address);
    pair.client.lose_unicast_to(SERVER);
    let seen = wire.count();
    let rebinding = wire.wait_after(seen, "a rebinding", |heard| {
        heard.kind() == REQUEST && heard.client_address() == address && heard.destination.0 == Ipv4Addr::BROADCAST
    });
    let ack = wire.wait_after(seen, "its ACK", |heard| heard.kind() == ACK && heard.xid() == rebinding.xid());
    assert_eq!((ack.yours(), ack.destination.0), (address, address));
    server.finish();
}

/// RFC 2131 s. 3.2: a client that knows its address asks for it at once, and is answered.
#[test]
fn dhclient_gets_its_address_again_after_a_reboot_by_two_messages() {
    let Some(stage) = Stage::set("dhclient-reboot", &["dhclient"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let server = Server::start(&stage, &pair.server, CONFIG);
    let dhclient = Dhclient::new(&stage, &pair.client, NORMAL);
    let mut running = dhclient.start();
    let address = pair.client.wait_for_address("eth0", in_range);
    running.wait_for("bound to");
    running.kill_9();
    pair.client.run("ip addr flush dev eth0");
    assert!(fs::read_to_string(&dhclient.lease_file).is_ok_and(|text| text.contains(&address.to_string())));
    let seen = server.wire().count();
    let _running = dhclient.start();
    let request = server.wire().wait_after(seen, "a REQUEST", |heard| heard.kind() == REQUEST);
    assert_eq!((request.option_address(50), request.option(54)), (Some(address), None));
    assert_eq!(pair.client.wait_for_address("eth0", in_range), address);
    assert!(!server.wire().hears_after(seen, Duration::ZERO, |heard| heard.kind() == DISCOVER));
    server.finish();
}

/// RFC 2131 s. 4.3.3: its script finds the address in use, the client declines it and gets another; the server keeps
/// it aside.
#[test]
fn dhclient_declines_an_address_that_another_host_answers_for() {
    let Some(stage) = Stage::set("dhclient-decline", &["dhclient", "busybox"]) else {
        return;
    };
    let pair = Pair::new(&stage);
    let squatter = Host::new(&stage, "squatter");
    pair.link.plug_with(&squatter, "eth0", "10.1.0.50/24");
    let server = Server::start(&stage, &pair.server, CONFIG);
    let script = stage.file("script", PROBING_SCRIPT);
    squatter.run(&format!("chmod 755 {}", script.display()));
    let _running = Dhclient::with_script(&stage, &pair.client, NORMAL, &script.display().to_string()).start();
    let decline = server.wire().wait_for("a DECLINE", |heard| heard.kind() == DECLINE);
    let declined = decline.option_address(50).expect("a DECLINE names the address");
    assert_eq!(declined, Ipv4Addr::new(10, 1, 0, 50));
    let address = pair.client.wait_for_address("eth0", |address| in_range(address) && address != declined);
    server.wait_for_state(declined, &["declined", "unavailable"]);
    server.wait_for_state(address, &["active"]);
    server.finish();
}

/// The duplicate check that some distributions have in their script, then the script itself.
const PROBING_SCRIPT: &str = "#!/bin/sh
case $reason in
BOUND|REBOOT)
    ip link set \"$interface\" up
    busybox arping -D -q -c 2 -w 2 -I \"$interface\" \"$new_ip_address\" || exit 1 ;;
esac
exec /sbin/dhclient-script
";
