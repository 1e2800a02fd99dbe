//! The promise itself: an ACK that reached a client is a lease after any crash, and a full disk costs service, not
//! leases.

use std::collections::HashMap;
use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::rig::capture::Capture;
use crate::rig::packet::{ACK, Ask, DISCOVER};
use crate::rig::raw::mac;
use crate::rig::relay::RelaySocket;
use crate::rig::{Host, Link, SERVER, Server, Stage, comes_true, until};

/// The relay's own address; its subnet is the one that is served.
const RELAY: Ipv4Addr = Ipv4Addr::new(10, 50, 0, 1);
/// perfdhcp runs beside, behind a relay address of its own.
const PERFDHCP: Ipv4Addr = Ipv4Addr::new(10, 60, 0, 1);
const CONFIG: &str = "
LogLevel = warn
[Policy]
DefaultLease = 86400
[Subnet 10.50.0.0/16]
Range = 10.50.1.0 - 10.50.255.254
[Subnet 10.60.0.0/16]
Range = 10.60.1.0 - 10.60.255.254
";
const KILLS: u32 = 20;
/// ACKs before the first kill; each round adds some, so that no two kills fall into the same place of the journal.
const ACKS_FIRST: usize = 150;

/// A server, and a host from which load comes by relay.
struct Loaded {
    _core: Link,
    server: Host,
    load: Host,
}

impl Loaded {
    fn new(stage: &Stage) -> Loaded {
        let (core, server, load) = (Link::new(stage, "core"), Host::new(stage, "srv"), Host::new(stage, "load"));
        core.plug_with(&server, "eth0", &format!("{SERVER}/24"));
        core.plug_with(&load, "eth0", "10.1.0.2/24");
        for address in [RELAY, PERFDHCP] {
            // On eth0, since perfdhcp sends by the interface that has the address.
            load.run(&format!("ip addr add {address}/32 dev eth0"));
            server.run(&format!("ip route add {address}/32 via 10.1.0.2"));
        }
        Loaded { _core: core, server, load }
    }
}

/// RFC 2131 s. 2.1: what the clients were told is compared with what the server knows after it was killed, 20 times.
///
/// The list is the clients' own: each ACK that the test's relay took, and each that a capture saw arrive at
/// perfdhcp's host.
#[test]
fn every_ack_that_reached_a_client_is_a_lease_after_kill_9_under_load() {
    let Some(stage) = Stage::set("kill-9", &["perfdhcp"]) else {
        return;
    };
    let net = Loaded::new(&stage);
    let server = Server::start(&stage, &net.server, CONFIG);
    let relay = RelaySocket::new(&net.load, RELAY, SERVER);
    let arrived = Capture::start(&stage, &net.load, "eth0");
    let mut told: HashMap<Ipv4Addr, String> = HashMap::new();
    for round in 0..KILLS {
        let base = format!("mac=00:0c:{round:02x}:00:00:00");
        let _perfdhcp = net.load.spawn(&format!("perfdhcp -4 -l {PERFDHCP} -b {base} -R 50000 -r 300 -p 30 {SERVER}"));
        let enough = ACKS_FIRST + 7 * round as usize;
        let mut is_dead = false;
        let acked = relay.load(round * 10_000 + 1, |count| {
            if count >= enough && !is_dead {
                server.kill_9();
                is_dead = true;
            }
            is_dead
        });
        server.launch();
        let rebooted = relay.reboot(&acked);
        assert!(rebooted.is_empty(), "round {round}: no ACK at INIT-REBOOT for {rebooted:?}");
        told.extend(acks(&arrived));
        check_leases(&server, &told, round);
    }
    let of_perfdhcp = told.keys().filter(|address| address.octets()[1] == PERFDHCP.octets()[1]).count();
    let of_relay = told.len() - of_perfdhcp;
    println!("{KILLS} kills, {of_relay} ACKs to the relay's clients and {of_perfdhcp} to perfdhcp's, all leases");
    assert!(of_relay >= ACKS_FIRST * KILLS as usize, "only {of_relay} ACKs to the relay's clients");
    assert!(of_perfdhcp >= KILLS as usize, "only {of_perfdhcp} ACKs to perfdhcp's clients");
    drop(arrived);
    server.finish();
}

/// The address of each ACK in a capture, and to which hardware address it was given.
fn acks(capture: &Capture) -> HashMap<Ipv4Addr, String> {
    let heard = capture.heard();
    let acks = heard.iter().filter(|heard| heard.kind() == ACK);
    acks.map(|ack| (ack.yours(), hex(&ack.hardware()))).collect()
}

fn check_leases(server: &Server<'_>, told: &HashMap<Ipv4Addr, String>, round: u32) {
    let leases: HashMap<Ipv4Addr, (String, String)> = server
        .leases()
        .into_iter()
        .map(|lease| (lease.address, (lease.state, lease.hardware.to_ascii_lowercase())))
        .collect();
    for (address, hardware) in told {
        let Some((state, owner)) = leases.get(address) else {
            panic!("round {round}: {address} was acked, and is no lease")
        };
        assert_eq!(state, "active", "round {round}: {address}");
        assert!(owner.contains(hardware), "round {round}: {address} was acked to {hardware}, belongs to {owner}");
    }
}

fn hex(hardware: &[u8; 6]) -> String {
    hardware.map(|octet| format!("{octet:02x}")).join(":")
}

/// Disk full: silence with a reason, not one false ACK; room comes back, and so does service, without a restart.
#[test]
fn a_full_disk_makes_the_server_silent_until_there_is_room_again_and_loses_nothing() {
    let Some(stage) = Stage::set("disk-full", &[]) else {
        return;
    };
    let net = Loaded::new(&stage);
    let state = stage.folder().join("state");
    fs::create_dir_all(&state).expect("a state folder");
    net.server.run(&format!("mount -t tmpfs -o size=24m tmpfs {}", state.display()));
    let server = Server::start(&stage, &net.server, CONFIG);
    let relay = RelaySocket::new(&net.load, RELAY, SERVER).with_identifiers(250);
    let mut told = relay.load(1, |count| count >= 200);
    let ballast = state.join("ballast");
    let filled = net.server.attempt(&format!("dd if=/dev/zero of={} bs=64k", ballast.display()));
    assert!(!filled.status.success(), "the disk did not fill up");
    // What room the journal had prepared is used up first; then all is silent.
    let mut last = (0, std::time::Instant::now());
    told.extend(relay.load(100_000, |count| {
        if count > last.0 {
            last = (count, std::time::Instant::now());
        }
        last.1.elapsed() > Duration::from_secs(3)
    }));
    assert!(relay.ask(&Ask::new(DISCOVER, mac(9_000_000))).is_none(), "a server without room must be silent");
    let status = server.control(&["status"]).expect("the control socket answers");
    assert!(status.contains("journal-full"), "no reason for the silence in:\n{status}");
    assert!(server.said().contains("no room for the lease journal"), "the log does not say why:\n{}", server.said());
    net.server.run(&format!("rm {}", ballast.display()));
    until("service after room came back", Duration::from_secs(20), || {
        relay.ask(&Ask::new(DISCOVER, mac(9_000_001))).is_some()
    });
    server.kill_9();
    server.launch();
    assert_eq!(relay.reboot(&told), [], "leases lost");
    assert!(comes_true(Duration::from_secs(1), || server.leases().len() >= told.len()));
    server.finish();
}
