//! The channel itself: parameters that must agree, keys, strangers, replays.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::duo::config::key;
use crate::duo::frames::channel_payload;
use crate::duo::{CLIENTS, Crowd, Duo, FAILOVER, How, Node, PRIMARY, Plan, RELAY, Renewals, SLACK, Setup, live, secs};
use crate::rig::{Host, Stage};

/// Boots whose datagrams are recorded before the replay.
const BOOTS: u32 = 3;

/// Found at the first message, named on both sides, repaired by a reload without a restart.
#[test]
fn unequal_buffer_sizes_are_named_on_both_sides_and_repaired_by_a_reload() {
    let Some(stage) = Stage::set("buffer-size", &[]) else { return };
    let setup = Setup { of_failover: "SyncBindingBufSize = 512".into(), ..Setup::default() };
    let mut duo = Duo::new(&stage, setup);
    duo.primary.create();
    duo.failover.create();
    duo.primary.launch();
    duo.failover.launch();
    let crowd = duo.crowd();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    for node in [&duo.primary, &duo.failover] {
        node.wait_for_word("SyncBindingBufSize");
        let said = node.said();
        let named = said
            .lines()
            .any(|line| line.contains("SyncBindingBufSize") && line.contains("512") && line.contains("1024"));
        assert!(named, "{} does not name both values:\n{said}", node.name());
    }
    duo.setup.of_failover.clear();
    duo.configure();
    let repaired = Instant::now();
    duo.failover.reload();
    duo.wait_for_rest();
    duo.observer.must_be_known_at(&duo.failover, SLACK);
    let known = repaired.elapsed();
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("buffer sizes repaired", &[("known_s", secs(known))]);
}

/// FailoverAddress, FailoverPort, PrimaryIpAddr, SecondaryIpAddr: the channel stands on an address and port of its own
/// on each host, and goes to those that the other one names; what leaves elsewhere would be a stranger's.
#[test]
fn a_channel_stands_on_addresses_and_ports_of_its_own() {
    let Some(stage) = Stage::set("channel-place", &[]) else { return };
    let duo = Duo::new(&stage, Setup::default());
    let [of_primary, of_failover] = duo.key_files([&duo.setup.keys, &duo.setup.keys]);
    let with = |text: String, key: &str, (partner, own, port): (&str, &str, u16)| {
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with(key)).collect();
        let (section, rest) = lines.split_at(2);
        let place = format!("{key} = {partner}\nFailoverAddress = {own}\nFailoverPort = {port}");
        format!("{}\n{place}\n{}\n", section.join("\n"), rest.join("\n"))
    };
    duo.primary.host().run("ip addr add 10.1.0.14/24 dev eth0");
    duo.failover.host().run("ip addr add 10.1.0.15/24 dev eth0");
    let primary = duo.setup.primary_config(&of_primary);
    duo.primary.configure(&with(primary, "SecondaryIpAddr", ("10.1.0.15:2647", "10.1.0.14", 1647)));
    let failover = duo.setup.failover_config(&[("dhcp1", PRIMARY)], &of_failover);
    duo.failover.configure(&with(failover, "PrimaryIpAddr", ("10.1.0.14:1647", "10.1.0.15", 2647)));
    for node in [&duo.primary, &duo.failover] {
        node.create();
        node.launch();
    }
    duo.wait_for_rest();
    let crowd = duo.crowd();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    duo.observer.must_be_known_at(&duo.failover, SLACK);
    let killed = duo.primary.kill_9();
    crowd.join(5);
    let new = duo.takes_over(killed, How::New);
    duo.observer.settle("channel on other addresses and ports", &[("takeover_new_s", secs(new))]);
}

/// A wrong key is a partner out of contact whose datagrams arrive: it is named, nothing of it is believed, and the
/// right key brings the pair together without a restart.
#[test]
fn a_wrong_key_is_named_and_changes_nothing_until_it_is_put_right() {
    let Some(stage) = Stage::set("wrong-key", &[]) else { return };
    let duo = Duo::new(&stage, Setup::default());
    duo.key_files([&key(1), &key(2)]);
    duo.primary.create();
    duo.failover.create();
    duo.primary.launch();
    duo.failover.launch();
    let crowd = duo.crowd();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    duo.failover.wait_for_word("seal");
    assert!(duo.failover.active_leases().is_empty(), "nothing wrongly sealed is believed");
    let acks = duo.observer.ledger().acks.clone();
    assert!(acks.iter().all(|ack| ack.server == PRIMARY), "a failover that was never in contact has nothing to serve");
    duo.key_files([&key(1), &key(1)]);
    let repaired = Instant::now();
    duo.failover.reload();
    duo.wait_for_rest();
    let rest = repaired.elapsed();
    duo.must_agree_with_clients();
    duo.observer.settle("wrong key put right", &[("rest_s", secs(rest))]);
}

/// First the new key is accepted on both sides, then used on both, then the old one is removed: no step is an outage.
#[test]
fn a_key_is_rotated_without_an_outage() {
    let Some(stage) = Stage::set("rotation", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(Duration::from_millis(100));
    let (old, new) = (key(1), key(2));
    let both = [format!("{old}{new}"), format!("{new}{old}")];
    let begun = Instant::now();
    let steps = [[&both[0], &old], [&both[0], &both[0]], [&both[1], &both[1]], [&new, &both[1]], [&new, &new]];
    for step in steps {
        duo.key_files(step.map(String::as_str));
        duo.primary.reload();
        duo.failover.reload();
        live(duo.setup.timers.detection() + Duration::from_millis(300));
        assert!(duo.failover.is_asleep(), "the failover left its sleep:\n{}", duo.failover.said());
    }
    crowd.trickle(Duration::ZERO);
    let wait = duo.observer.longest_wait(begun);
    assert!(!duo.failover.said().contains("-> Active"), "no step may look like a death");
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("key rotated", &[("longest_wait_ms", secs(wait) * 1000.0)]);
}

/// A second failover with the right key and the wrong address is a stranger to the primary.
#[test]
fn a_second_failover_that_claims_the_primary_disturbs_nobody() {
    let Some(stage) = Stage::set("two-failovers", &[]) else { return };
    let duo = Duo::started(&stage, Setup::default());
    let third = Ipv4Addr::new(10, 1, 0, 6);
    let other = Node::new(&stage, &duo.switch, "dhcp3", third);
    other.host().run("ip route add 10.2.0.0/16 via 10.1.0.1");
    let [_, key_file] = duo.key_files([&duo.setup.keys, &duo.setup.keys]);
    other.configure(&duo.setup.failover_config(&[("dhcp1", PRIMARY)], &key_file));
    other.create();
    other.launch();
    let host = Host::new(&stage, "crowd");
    duo.switch.plug(&host, Some("10.1.0.3/24"));
    host.run("ip addr add 10.2.0.3/32 dev lo");
    for node in [&duo.primary, &duo.failover, &other] {
        node.host().run("ip route add 10.2.0.3/32 via 10.1.0.3");
    }
    let plan = Plan {
        relay: Ipv4Addr::new(10, 2, 0, 3),
        servers: vec![PRIMARY, FAILOVER, third],
        first: 1,
        renew_after: Duration::from_millis(500),
        renewals: Renewals::Relayed,
    };
    let crowd = Crowd::new(&host, plan, &duo.observer);
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    live(Duration::from_secs(2));
    assert!(duo.primary.is_in("Serving") && duo.failover.is_asleep());
    let killed = duo.primary.kill_9();
    let first = duo.observer.first_of(FAILOVER, killed, duo.setup.timers.detection() + SLACK);
    let first = first.expect("the failover that the primary knows takes over");
    let acks = duo.observer.ledger().acks.clone();
    assert!(acks.iter().all(|ack| ack.server != third), "a stranger answers");
    duo.observer.settle_with_one_voice("two failovers claim one primary", &[("takeover_s", secs(first.at - killed))]);
}

/// Everything that three boots of both servers ever said, said again in the fourth.
#[test]
fn datagrams_of_former_boots_change_nothing() {
    let Some(stage) = Stage::set("replay", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.switch.keep();
    for _ in 0..BOOTS {
        crowd.join(10);
        duo.primary.kill_9();
        duo.wait_for_takeover();
        duo.primary.launch();
        duo.wait_for_rest();
        duo.failover.kill_9();
        duo.failover.launch();
        duo.wait_for_rest();
        live(Duration::from_millis(500));
    }
    duo.primary.stop();
    duo.failover.stop();
    let kept = duo.switch.kept();
    let count = kept.iter().filter(|(_, frame)| channel_payload(frame).is_some()).count();
    assert!(count > 100, "{count} datagrams of {BOOTS} boots");
    duo.primary.launch();
    duo.failover.launch();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    let replayed = Instant::now();
    for (number, (from, frame)) in kept.iter().enumerate() {
        let to = if *from == duo.primary.port() { duo.failover.port() } else { duo.primary.port() };
        duo.switch.inject(to, frame);
        if number % 100 == 99 {
            assert!(duo.failover.is_asleep() && duo.primary.is_in("Serving"), "replay {number} moved control");
        }
    }
    let wait = duo.observer.longest_wait(replayed);
    live(Duration::from_millis(500));
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    duo.observer.wait_for_acks(replayed, CLIENTS as usize);
    assert!(duo.observer.first_ack(replayed, How::Renewal, SLACK).is_some_and(|ack| ack.relay == RELAY));
    let figures =
        [("replayed", f64::from(u32::try_from(count).unwrap_or(u32::MAX))), ("longest_wait_ms", secs(wait) * 1000.0)];
    duo.observer.settle("replay of three boots", &figures);
}
