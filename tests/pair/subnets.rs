//! Subnets from one place: the operator writes them at the primary, and the failover has them; what differs is named.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use crate::duo::config::{Timers, key};
use crate::duo::{CLIENTS, Duo, FAILOVER, Fate, How, Node, PRIMARY, Rule, SLACK, Setup, Traffic, secs};
use crate::rig::Stage;
use crate::rig::host::{until, waited_for_a_processor};

/// A subnet that is added.
const ADDED: &str = "[Subnet 10.3.0.0/16]\nRange = 10.3.1.0 - 10.3.1.255\n";

fn knows(node: &Node, subnet: &str) -> bool {
    node.must_control(&["--json", "subnets"]).contains(subnet)
}

/// Both servers say the same of all their subnets.
fn wait_for_agreement(duo: &Duo<'_>, patience: Duration) {
    let networks = |node: &Node| {
        let text = node.must_control(&["subnets"]);
        text.lines().filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect::<Vec<_>>()
    };
    until("equal subnets", patience, || networks(&duo.primary) == networks(&duo.failover));
}

/// Only the primary's file changes and only the primary is told: the change is in force at the failover in a second,
/// and the time that the two servers had to wait for a processor.
#[test]
fn a_change_at_the_primary_is_at_the_failover_long_before_a_poll_and_on_its_disk() {
    let Some(stage) = Stage::set("push", &[]) else { return };
    // No poll comes to help within the time of the test.
    let timers = Timers { poll_delay: 60.0, ..Timers::FAST };
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup { timers, ..Setup::default() });
    duo.setup.subnets += ADDED;
    duo.configure();
    let pids = [&duo.primary, &duo.failover].map(|node| node.pid());
    let waits = || pids.iter().filter_map(|pid| waited_for_a_processor(*pid)).sum::<Duration>();
    let before = waits();
    duo.primary.reload();
    until("the added subnet", Duration::from_secs(10), || knows(&duo.failover, "10.3.0.0/16"));
    let waited = waits() - before;
    // By their own log lines: what the test takes to ask is not theirs.
    let [told, there] = [&duo.primary, &duo.failover].map(|node| node.said_last("configuration reloaded"));
    let spread = there.saturating_sub(told);
    assert!(spread <= Duration::from_secs(1) + waited, "{spread:?}, {waited:?} of it without a processor");
    duo.primary.wait_for_word("both servers run the same subnets");
    let stored = std::fs::read_to_string(stage.folder().join("dhcp2/state/subnets-dhcp1.ini")).expect("it is kept");
    assert!(stored.contains("[Subnet 10.3.0.0/16]"), "{stored}");
    crowd.join(5);
    duo.observer.wait_for_holders(CLIENTS as usize + 5);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("subnets pushed", &[("spread_s", secs(spread)), ("waited_s", secs(waited))]);
}

/// The failover starts again while its primary is dead: it serves with what it was sent before.
#[test]
fn a_failover_that_restarts_beside_a_dead_primary_serves_with_the_subnets_that_it_kept() {
    let Some(stage) = Stage::set("push-kept", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.primary.kill_9();
    duo.failover.kill_9();
    let started = Instant::now();
    duo.failover.launch();
    assert!(knows(&duo.failover, "10.2.0.0/16"), "{}", duo.failover.said());
    duo.wait_for_takeover();
    crowd.reboot();
    let first = duo.observer.first_of(FAILOVER, started, SLACK).expect("the failover serves");
    duo.observer.wait_for_acks(started, CLIENTS as usize);
    duo.observer.settle("failover restarts, primary dead", &[("first_ack_s", secs(first.at - started))]);
}

/// A failover that was never told of any subnet says so, and serves nobody.
#[test]
fn a_failover_that_knows_no_subnets_says_so() {
    let Some(stage) = Stage::set("push-none", &[]) else { return };
    let duo = Duo::new(&stage, Setup::default());
    duo.failover.create();
    duo.failover.launch();
    duo.failover.wait_for_word("no subnets of it are known yet");
    duo.wait_for_takeover();
    let crowd = duo.crowd();
    crowd.join(2);
    assert!(duo.observer.first_of(FAILOVER, Instant::now(), Duration::from_millis(500)).is_none());
    duo.observer.print("no subnets yet", &[]);
}

/// What clashes with another primary is refused as a whole and named; the last good subnets go on being served.
#[test]
fn subnets_that_clash_with_another_primary_are_refused_and_the_last_good_ones_stay() {
    let Some(stage) = Stage::set("push-clash", &[]) else { return };
    let file = stage.file("other.ini", "[Subnet 10.3.7.0/24]\nRange = 10.3.7.10 - 10.3.7.99\n");
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    let [of_primary, of_failover] = duo.key_files([&key(1), &key(1)]);
    let other = format!(
        "[Primary other]\nPrimaryIpAddr = 10.1.0.99\nFailoverKeyFile = {}\nSubnetsFile = {}\n",
        of_failover.display(),
        file.display()
    );
    let own = duo.setup.failover_config(&[("dhcp1", PRIMARY)], &of_failover);
    duo.failover.configure(&(own + &other));
    duo.failover.reload();
    until("the subnets of the other", SLACK, || knows(&duo.failover, "10.3.7.0/24"));
    duo.setup.subnets += ADDED;
    duo.primary.configure(&duo.setup.primary_config(&of_primary));
    duo.primary.reload();
    duo.failover
        .wait_for_word("[Primary other]: [Subnet 10.3.7.0/24] overlaps [Subnet 10.3.0.0/16] of [Primary dhcp1]");
    duo.failover.wait_for_word("the last good ones stay");
    duo.primary.wait_for_word("does not use the subnets that this server sent");
    duo.primary.wait_for_word("[Subnet 10.3.0.0/16]: only here");
    assert!(!knows(&duo.failover, "10.3.0.0/16") && knows(&duo.failover, "10.2.0.0/16"));
    let killed = duo.primary.kill_9();
    crowd.join(5);
    let new = duo.takes_over(killed, How::New);
    duo.primary.launch();
    duo.failover.wait_for_state_to("dhcp1", "Asleep");
    std::fs::write(&file, "[Subnet 10.4.7.0/24]\nRange = 10.4.7.10 - 10.4.7.99\n").expect("the other's subnets");
    duo.failover.reload();
    until("the subnets that fit now", SLACK, || knows(&duo.failover, "10.3.0.0/16"));
    duo.observer.settle("pushed subnets clash", &[("takeover_new_s", secs(new))]);
}

/// A text of many parts over a channel that loses every third datagram.
#[test]
fn a_large_configuration_arrives_over_a_channel_that_loses_datagrams() {
    let Some(stage) = Stage::set("push-loss", &[]) else { return };
    let mut duo = Duo::started(&stage, Setup::default());
    for number in 0..600 {
        let (high, low) = (number / 250, number % 250);
        let mac = format!("02:00:00:00:{high:02x}:{low:02x}");
        let address = format!("10.2.{}.{}", 20 + high, low + 1);
        let _ = writeln!(duo.setup.subnets, "[Host h{number}]\nHardwareAddress = {mac}\nAddress = {address}");
    }
    duo.setup.subnets += ADDED;
    duo.configure();
    duo.switch.rule(vec![Rule::everywhere(Traffic::Channel, Fate::Lose(20))]);
    let told = Instant::now();
    duo.primary.reload();
    until("the added subnet", Duration::from_secs(40), || knows(&duo.failover, "10.3.0.0/16"));
    let spread = told.elapsed();
    duo.switch.heal();
    duo.failover.wait_for_word("600 hosts");
    wait_for_agreement(&duo, SLACK);
    duo.observer.settle("pushed with loss", &[("spread_s", secs(spread))]);
}

/// Two files, one for each server: what differs is named on both sides, by subnet and key.
#[test]
fn subnets_files_that_differ_are_named_on_both_sides_until_they_agree() {
    let Some(stage) = Stage::set("push-file", &[]) else { return };
    let setup = Setup::default();
    let longer = setup.standalone_config().replace("10.2.8.255", "10.2.7.255");
    let file = stage.file("subnets.ini", &longer);
    let of_failover = format!("SubnetsFile = {}", file.display());
    let of_primary = "SyncConfig = False".to_owned();
    let duo = Duo::started(&stage, Setup { of_failover, of_primary, ..setup });
    let (long, short) = ("10.2.1.0 - 10.2.8.255", "10.2.1.0 - 10.2.7.255");
    for (node, here, there) in [(&duo.primary, long, short), (&duo.failover, short, long)] {
        node.wait_for_word(&format!("[Subnet 10.2.0.0/16] Range: {here} here, {there} there"));
    }
    std::fs::write(&file, duo.setup.standalone_config()).expect("the same subnets");
    duo.failover.reload();
    for node in [&duo.primary, &duo.failover] {
        node.wait_for_word("both servers run the same subnets");
    }
    duo.observer.settle("subnets files differ", &[]);
}
