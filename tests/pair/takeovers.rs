//! Normal operation, the deaths of either server, and the way back.

use std::time::{Duration, Instant};

use crate::duo::config::Timers;
use crate::duo::{CLIENTS, Duo, FAILOVER, How, PRIMARY, Rule, SLACK, Setup, live, secs};
use crate::rig::Stage;
use crate::rig::host::until;

/// A new client each so often, beside those that renew.
const TRICKLE: Duration = Duration::from_millis(100);

/// White paper figure 3: what the primary acks, the failover knows; a release too.
#[test]
fn in_normal_operation_the_failover_knows_every_ack_of_the_primary() {
    let Some(stage) = Stage::set("normal", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    let begun = Instant::now();
    duo.observer.wait_for_acks(begun, 4 * CLIENTS as usize);
    let wait = duo.observer.longest_wait(begun);
    duo.must_agree_with_clients();
    crowd.release();
    until("both forget what was released", SLACK * 2, || {
        duo.primary.active_leases().is_empty() && duo.failover.active_leases().is_empty()
    });
    let acks = &duo.observer.ledger().acks.clone();
    assert!(acks.iter().all(|ack| ack.server == PRIMARY), "the failover is silent while the primary serves");
    duo.observer.settle_with_one_voice("normal operation", &[("longest_wait_ms", secs(wait) * 1000.0)]);
}

/// White paper figures 4 and 5: the primary is killed, the failover serves its clients and new ones; the primary comes
/// back, gets every lease, and serves again.
#[test]
fn the_failover_takes_over_from_a_killed_primary_and_gives_back() {
    let Some(stage) = Stage::set("kill", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(TRICKLE);
    live(Duration::from_millis(500));
    let killed = duo.primary.kill_9();
    let (new, renewal) = (duo.takes_over(killed, How::New), duo.takes_over(killed, How::Renewal));
    live(Duration::from_secs(1));
    let silence = duo.observer.blackout(crowd.relay, killed);
    duo.observer.must_be_known_at(&duo.failover, SLACK);
    let back = Instant::now();
    duo.primary.launch();
    duo.wait_for_rest();
    duo.observer.first_of(PRIMARY, back, SLACK).expect("the primary serves again");
    live(Duration::from_millis(500));
    let blackout = duo.observer.blackout(crowd.relay, back);
    crowd.trickle(Duration::ZERO);
    duo.must_agree_with_clients();
    let figures = [
        ("takeover_new_s", secs(new)),
        ("takeover_renewal_s", secs(renewal)),
        ("silence_s", secs(silence)),
        ("return_blackout_ms", secs(blackout) * 1000.0),
    ];
    duo.observer.settle_with_one_voice("primary killed and back", &figures);
}

/// A host that loses its power refuses nothing: only timers tell.
#[test]
fn the_failover_takes_over_from_a_primary_whose_packets_all_vanish() {
    let Some(stage) = Stage::set("silent-death", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(TRICKLE);
    let died = Instant::now();
    duo.switch.rule(Rule::isolate(duo.primary.port()));
    let (new, renewal) = (duo.takes_over(died, How::New), duo.takes_over(died, How::Renewal));
    crowd.trickle(Duration::ZERO);
    duo.observer.must_be_known_at(&duo.failover, SLACK);
    duo.switch.heal();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    let figures = [("takeover_new_s", secs(new)), ("takeover_renewal_s", secs(renewal))];
    duo.observer.settle("silent death", &figures);
}

/// With the timers of the sample files.
#[test]
fn the_sample_timers_take_over_within_their_detection_time() {
    let Some(stage) = Stage::set("sample-timers", &[]) else { return };
    let setup = Setup { timers: Timers::BRISK, ..Setup::default() };
    let (duo, crowd) = Duo::with_crowd(&stage, setup);
    crowd.trickle(TRICKLE);
    let died = Instant::now();
    duo.switch.rule(Rule::isolate(duo.primary.port()));
    let new = duo.takes_over(died, How::New);
    duo.observer.settle("silent death, sample timers", &[("takeover_new_s", secs(new))]);
}

/// The loss of the failover costs the primary's clients nothing; what it missed it gets when it comes back.
#[test]
fn the_death_and_return_of_the_failover_is_not_felt_by_any_client() {
    let Some(stage) = Stage::set("failover-dies", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    crowd.trickle(TRICKLE);
    let killed = duo.failover.kill_9();
    live(Duration::from_secs(2));
    duo.failover.launch();
    duo.wait_for_rest();
    crowd.trickle(Duration::ZERO);
    let blackout = duo.observer.blackout(crowd.relay, killed);
    let wait = duo.observer.longest_wait(killed);
    assert!(wait < Duration::from_secs(1), "a client waited {wait:?} for a primary that had lost its failover");
    duo.must_agree_with_clients();
    let figures = [("longest_wait_ms", secs(wait) * 1000.0), ("blackout_ms", secs(blackout) * 1000.0)];
    duo.observer.settle_with_one_voice("failover fails and returns", &figures);
}

/// A failover that serves is restarted: its journal says Active, it asks once, and serves on.
#[test]
fn a_failover_that_serves_serves_on_after_a_restart() {
    let Some(stage) = Stage::set("active-restart", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.lose_primary(&crowd);
    let killed = duo.failover.kill_9();
    duo.failover.launch();
    let patience = duo.setup.timers.detection() + SLACK;
    let first = duo.observer.first_of(FAILOVER, killed, patience).expect("it serves again");
    duo.wait_for_takeover();
    duo.observer.must_be_known_at(&duo.failover, SLACK);
    duo.observer.settle("active failover restarts", &[("silent_s", secs(first.at - killed))]);
}
