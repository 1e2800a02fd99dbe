//! Planned moves of control, and deaths in the middle of a return.

use std::time::{Duration, Instant};

use crate::duo::{CLIENTS, Crowd, Duo, FAILOVER, How, PRIMARY, SLACK, Setup, live, secs};
use crate::rig::Stage;
use crate::rig::host::comes_true;

/// Leases that the failover grants while it serves, so that the return takes a while.
const CHANGES: u32 = 400;

/// A pair of which the primary has just begun to take control back, and most changes are still to come.
fn in_a_return(stage: &Stage) -> (Duo<'_>, Crowd) {
    let (duo, crowd) = Duo::with_crowd(stage, Setup { renew_after: Duration::from_secs(2), ..Setup::with_lease(60) });
    duo.primary.kill_9();
    duo.wait_for_takeover();
    crowd.join(CHANGES);
    duo.observer.wait_for_holders((CLIENTS + CHANGES) as usize);
    duo.primary.begin();
    // A return of milliseconds may be over before its state is seen: then the death comes just behind it.
    comes_true(Duration::from_secs(5), || duo.failover.is_in("Returning") || duo.failover.is_asleep());
    (duo, crowd)
}

#[test]
fn the_failover_serves_on_when_the_primary_dies_in_the_middle_of_its_return() {
    let Some(stage) = Stage::set("dies-returning", &[]) else { return };
    let (duo, crowd) = in_a_return(&stage);
    let killed = duo.primary.kill_9();
    crowd.join(5);
    let (new, renewal) = (duo.takes_over(killed, How::New), duo.takes_over(killed, How::Renewal));
    duo.wait_for_takeover();
    duo.observer.must_be_known_at(&duo.failover, SLACK);
    duo.primary.launch();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    let figures = [("takeover_new_s", secs(new)), ("takeover_renewal_s", secs(renewal))];
    duo.observer.settle("primary dies in its return", &figures);
}

#[test]
fn the_primary_serves_all_when_the_failover_dies_in_the_middle_of_the_return() {
    let Some(stage) = Stage::set("giver-dies", &[]) else { return };
    let (duo, _crowd) = in_a_return(&stage);
    let killed = duo.failover.kill_9();
    let first = duo.observer.first_of(PRIMARY, killed, Duration::from_secs(5)).expect("the primary serves");
    duo.primary.wait_for_state("Serving");
    duo.failover.launch();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    duo.observer.settle("failover dies in the return", &[("silent_s", secs(first.at - killed))]);
}

/// HandOverOnStop: `systemctl restart` of a primary loses no client.
#[test]
fn a_planned_stop_and_restart_of_the_primary_is_not_felt() {
    let Some(stage) = Stage::set("planned-primary", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(Duration::from_millis(100));
    let stopped = duo.primary.stop();
    duo.observer.first_of(FAILOVER, stopped, SLACK).expect("the failover serves");
    live(Duration::from_secs(1));
    let stop_wait = duo.observer.longest_wait(stopped);
    let back = Instant::now();
    duo.primary.launch();
    duo.wait_for_rest();
    live(Duration::from_millis(500));
    let return_wait = duo.observer.longest_wait(back);
    crowd.trickle(Duration::ZERO);
    // The clients' own unicast patience is part of the wait: a renewal to the stopped server goes on by relay.
    assert!(stop_wait < Duration::from_secs(1), "a client waited {stop_wait:?} at a planned stop");
    duo.must_agree_with_clients();
    let figures = [("stop_wait_ms", secs(stop_wait) * 1000.0), ("return_wait_ms", secs(return_wait) * 1000.0)];
    duo.observer.settle_with_one_voice("planned stop and restart of the primary", &figures);
}

/// The same with clients of which every message reaches both servers: nobody is left to send again.
#[test]
fn no_relayed_client_waits_at_a_planned_stop_or_return_of_the_primary() {
    let Some(stage) = Stage::set("planned-relayed", &[]) else { return };
    let duo = Duo::started(&stage, Setup::default());
    let crowd = duo.far_crowd();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    duo.observer.must_be_known_at(&duo.failover, SLACK);
    let stopped = duo.primary.stop();
    duo.observer.first_of(FAILOVER, stopped, SLACK).expect("the failover serves");
    live(Duration::from_secs(1));
    let stop_wait = duo.observer.longest_wait(stopped);
    let back = Instant::now();
    duo.primary.launch();
    duo.wait_for_rest();
    live(Duration::from_millis(500));
    let return_wait = duo.observer.longest_wait(back);
    duo.must_agree_with_clients();
    let yields = duo.failover.said().matches("yielding").count();
    assert_eq!(yields, 0, "the return is orderly");
    let figures = [("stop_wait_ms", secs(stop_wait) * 1000.0), ("return_wait_ms", secs(return_wait) * 1000.0)];
    duo.observer.settle_with_one_voice("planned stop and return, relayed clients", &figures);
}

#[test]
fn a_planned_stop_and_restart_of_the_failover_is_not_felt() {
    let Some(stage) = Stage::set("planned-failover", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(Duration::from_millis(100));
    let stopped = duo.failover.stop();
    live(Duration::from_secs(1));
    duo.failover.launch();
    duo.wait_for_rest();
    let wait = duo.observer.longest_wait(stopped);
    crowd.trickle(Duration::ZERO);
    assert!(wait < Duration::from_secs(1), "a client waited {wait:?}");
    duo.must_agree_with_clients();
    let figures = [("longest_wait_ms", secs(wait) * 1000.0)];
    duo.observer.settle_with_one_voice("planned stop and restart of the failover", &figures);
}

/// Both started from rest again after a planned stop of both, in the order in which an operator would stop a pair.
#[test]
fn a_pair_that_was_stopped_as_planned_starts_where_it_was() {
    let Some(stage) = Stage::set("planned-both", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.rest();
    duo.failover.stop();
    duo.primary.stop();
    duo.primary.launch();
    duo.failover.launch();
    duo.wait_for_rest();
    let asked = Instant::now();
    crowd.wake();
    crowd.reboot();
    duo.observer.wait_for_acks(asked, CLIENTS as usize);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("planned stop and restart of both", &[]);
}

/// The drill: control moves to the failover and back while both are well.
#[test]
fn a_drill_moves_control_to_the_failover_and_back() {
    let Some(stage) = Stage::set("drill", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(Duration::from_millis(100));
    let begun = Instant::now();
    duo.wait_for_readiness();
    duo.failover.must_control(&["takeover", "dhcp1"]);
    duo.wait_for_takeover();
    duo.primary.wait_for_state("Given");
    duo.observer.first_of(FAILOVER, begun, SLACK).expect("the failover serves");
    live(Duration::from_secs(1));
    let takeover = duo.observer.blackout(crowd.relay, begun);
    let back = Instant::now();
    duo.failover.must_control(&["giveback", "dhcp1"]);
    duo.wait_for_rest();
    duo.observer.first_of(PRIMARY, back, SLACK).expect("the primary serves");
    live(Duration::from_millis(500));
    let giveback = duo.observer.blackout(crowd.relay, back);
    crowd.trickle(Duration::ZERO);
    duo.must_agree_with_clients();
    let figures =
        [("takeover_blackout_ms", secs(takeover) * 1000.0), ("giveback_blackout_ms", secs(giveback) * 1000.0)];
    duo.observer.settle_with_one_voice("drill", &figures);
}
