//! Reload in each state: a subnet added, removed, a range changed, a host added. The operator writes it once, on the
//! primary; the failover follows without a restart.

use std::time::{Duration, Instant};

use crate::duo::config::Timers;
use crate::duo::{CLIENTS, Crowd, Duo, How, Node, SLACK, Setup, live, secs};
use crate::rig::Stage;
use crate::rig::host::until;

/// What the operator has written after the change: 10.3.0.0/16 and a host are new, 10.1.0.0/24 is gone, the range of
/// the crowd's subnet ends later.
const CHANGED: &str = "
[Subnet 10.2.0.0/16]
Range = 10.2.1.0 - 10.2.9.255
Option.routers = 10.2.0.1
[Subnet 10.3.0.0/16]
Range = 10.3.1.0 - 10.3.1.255
[Host printer]
HardwareAddress = 02:11:22:33:44:55
Address = 10.2.9.7
";

fn knows_the_change(node: &Node) -> bool {
    let subnets = node.must_control(&["--json", "subnets"]);
    subnets.contains("10.3.0.0") && !subnets.contains("10.1.0.0")
}

fn change(duo: &mut Duo<'_>) {
    duo.setup.subnets = CHANGED.to_owned();
    duo.configure();
}

/// Both run the changed configuration, clients noticed nothing, and the failover serves by it when the primary dies.
fn settle(duo: &Duo<'_>, crowd: &Crowd, scenario: &str) {
    duo.wait_for_rest();
    let since = Instant::now();
    for node in [&duo.primary, &duo.failover] {
        until("the changed configuration", SLACK * 2, || knows_the_change(node));
    }
    let spread = since.elapsed();
    duo.must_agree_with_clients();
    let killed = duo.primary.kill_9();
    crowd.join(5);
    let new = duo.takes_over(killed, How::New);
    assert!(knows_the_change(&duo.failover));
    duo.observer.wait_for_holders(CLIENTS as usize + 5);
    let figures = [("spread_s", secs(spread)), ("takeover_new_s", secs(new))];
    duo.observer.settle_with_one_voice(scenario, &figures);
}

#[test]
fn a_reload_of_the_primary_reaches_the_sleeping_failover() {
    let Some(stage) = Stage::set("reload-serving", &[]) else { return };
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    change(&mut duo);
    duo.primary.reload();
    duo.failover.reload();
    settle(&duo, &crowd, "reload, Serving and Asleep");
}

#[test]
fn a_reload_while_the_failover_is_dead_reaches_it_when_it_comes() {
    let Some(stage) = Stage::set("reload-alone", &[]) else { return };
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.failover.kill_9();
    change(&mut duo);
    duo.primary.reload();
    duo.failover.launch();
    settle(&duo, &crowd, "reload, failover dead");
}

/// What the primary was told while it was down it tells the failover when it is back; the failover's own reload
/// meanwhile keeps the last good configuration.
#[test]
fn a_change_made_while_the_failover_serves_comes_with_the_primary() {
    let Some(stage) = Stage::set("reload-active", &[]) else { return };
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.primary.kill_9();
    duo.wait_for_takeover();
    change(&mut duo);
    duo.failover.reload();
    assert!(!knows_the_change(&duo.failover), "nobody has told it yet");
    let reloaded = Instant::now();
    duo.observer.wait_for_acks(reloaded, CLIENTS as usize);
    duo.primary.launch();
    settle(&duo, &crowd, "reload, Active");
}

#[test]
fn a_reload_during_a_drill_changes_both() {
    let Some(stage) = Stage::set("reload-given", &[]) else { return };
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.wait_for_readiness();
    duo.failover.must_control(&["takeover", "dhcp1"]);
    duo.wait_for_takeover();
    change(&mut duo);
    duo.primary.reload();
    duo.failover.reload();
    duo.failover.must_control(&["giveback", "dhcp1"]);
    settle(&duo, &crowd, "reload, Given and Active");
}

/// In Claiming and Syncing nobody is in contact yet.
#[test]
fn a_reload_while_both_are_still_starting_changes_both() {
    let Some(stage) = Stage::set("reload-starting", &[]) else { return };
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.primary.kill_9();
    duo.failover.kill_9();
    duo.primary.launch();
    change(&mut duo);
    duo.primary.reload();
    duo.failover.launch();
    duo.failover.reload();
    settle(&duo, &crowd, "reload, Claiming and Syncing");
}

/// A file that is wrong changes nothing, on either server, and the pair stays where it is.
#[test]
fn a_reload_of_a_wrong_configuration_changes_nothing() {
    let Some(stage) = Stage::set("reload-wrong", &[]) else { return };
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(Duration::from_millis(200));
    duo.setup.subnets = "[Subnet 10.2.0.0/16]\nRange = 10.9.1.0 - 10.9.1.9\n".into();
    duo.configure();
    duo.primary.reload();
    duo.failover.reload();
    let reloaded = Instant::now();
    duo.observer.wait_for_acks(reloaded, 2 * CLIENTS as usize);
    crowd.trickle(Duration::ZERO);
    assert!(duo.failover.is_asleep() && duo.primary.is_in("Serving"));
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("reload of a wrong file", &[]);
}

/// Timers of the channel, on both sides, in force without a restart.
#[test]
fn other_timers_are_in_force_after_a_reload() {
    let Some(stage) = Stage::set("reload-timers", &[]) else { return };
    let slow = Timers { poll_delay: 20.0, wait_poll_rpl: 5.0, poll_retry_max: 3 };
    let (mut duo, crowd) = Duo::with_crowd(&stage, Setup { timers: slow, ..Setup::default() });
    duo.setup.timers = Timers::FAST;
    duo.configure();
    duo.primary.reload();
    duo.failover.reload();
    live(Duration::from_secs(1));
    assert!(duo.failover.is_asleep() && duo.primary.is_in("Serving"));
    let killed = duo.primary.kill_9();
    crowd.join(5);
    let new = duo.takes_over(killed, How::New);
    duo.observer.settle_with_one_voice("reload of timers", &[("takeover_new_s", secs(new))]);
}

/// The failover is switched off first; then the primary is told that it stands alone, and goes on.
#[test]
fn a_primary_that_is_told_to_serve_alone_does() {
    let Some(stage) = Stage::set("reload-alone-now", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(Duration::from_millis(100));
    duo.failover.stop();
    let [key, _] = duo.key_files([&duo.setup.keys, &duo.setup.keys]);
    let pair = duo.setup.primary_config(&key);
    duo.primary.configure(&pair.replace("UseFailoverServer = True", "UseFailoverServer = False"));
    let told = Instant::now();
    duo.primary.reload();
    duo.observer.wait_for_acks(told, 3 * CLIENTS as usize);
    assert_eq!(duo.primary.of_partner("", "state"), None, "it has no partner");
    duo.primary.configure(&pair);
    duo.primary.reload();
    duo.primary.wait_for_word("cannot become");
    crowd.trickle(Duration::ZERO);
    let wait = duo.observer.longest_wait(told);
    duo.observer.settle_with_one_voice("reload, serving alone", &[("longest_wait_ms", secs(wait) * 1000.0)]);
}
