//! Disks that are replaced or went back in time; no write on them ever fails here.

use std::time::{Duration, Instant};

use crate::duo::{CLIENTS, Duo, FAILOVER, How, Node, PRIMARY, SLACK, Setup, live, secs};
use crate::rig::Stage;

/// All clients of the crowd ask for their addresses as after a reboot, and get them.
fn all_get_theirs_again(duo: &Duo<'_>, crowd: &crate::duo::Crowd) {
    let asked = Instant::now();
    crowd.reboot();
    duo.observer.wait_for_acks(asked, CLIENTS as usize);
}

/// Without `--new` an empty folder is a replaced disk: the primary gets everything back, its own grants too, before it
/// answers anyone.
#[test]
fn a_primary_that_lost_its_disk_gets_every_lease_back_before_it_serves() {
    let Some(stage) = Stage::set("primary-disk", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.lose_primary(&crowd);
    duo.primary.lose_disk();
    let back = Instant::now();
    duo.primary.launch();
    duo.wait_for_rest();
    let rest = back.elapsed();
    assert!(duo.observer.missing_at(&duo.primary).is_empty(), "it serves before it has everything");
    all_get_theirs_again(&duo, &crowd);
    duo.observer.first_of(PRIMARY, back, SLACK).expect("the primary serves");
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("primary lost its disk", &[("rest_s", secs(rest))]);
}

/// A failover with an empty disk sleeps until it has the full copy; then it can take over from that alone.
#[test]
fn a_failover_that_lost_its_disk_can_take_over_once_it_has_the_copy() {
    let Some(stage) = Stage::set("failover-disk", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.failover.kill_9();
    duo.failover.lose_disk();
    let back = Instant::now();
    duo.failover.launch();
    duo.wait_for_rest();
    duo.observer.must_be_known_at(&duo.failover, SLACK);
    let copied = back.elapsed();
    duo.primary.kill_9();
    duo.wait_for_takeover();
    all_get_theirs_again(&duo, &crowd);
    duo.observer.settle_with_one_voice("failover lost its disk", &[("copied_s", secs(copied))]);
}

/// Lost disk, then the other server dies: no silence until the leases end.
#[test]
fn the_failover_serves_when_a_primary_with_a_new_disk_dies_again() {
    let Some(stage) = Stage::set("disk-then-death", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.lose_primary(&crowd);
    duo.primary.lose_disk();
    duo.primary.launch();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    let killed = duo.primary.kill_9();
    crowd.join(1);
    let (new, renewal) = (duo.takes_over(killed, How::New), duo.takes_over(killed, How::Renewal));
    all_get_theirs_again(&duo, &crowd);
    let figures = [("takeover_new_s", secs(new)), ("takeover_renewal_s", secs(renewal))];
    duo.observer.settle_with_one_voice("primary lost its disk, then dies", &figures);
}

/// `node` goes back to a copy of its disk from before many changes; everything that it has forgotten comes back.
fn goes_back_in_time(duo: &Duo<'_>, node: &Node, scenario: &str) {
    let crowd = duo.crowd();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    node.stop();
    node.save_disk();
    node.launch();
    duo.wait_for_rest();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(2 * CLIENTS as usize);
    duo.must_agree_with_clients();
    node.kill_9();
    live(Duration::from_millis(500));
    node.restore_disk();
    let back = Instant::now();
    node.launch();
    duo.wait_for_rest();
    let rest = back.elapsed();
    all_get_theirs_again(duo, &crowd);
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(3 * CLIENTS as usize);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice(scenario, &[("rest_s", secs(rest))]);
}

#[test]
fn a_primary_with_an_older_copy_of_its_disk_gives_no_address_twice() {
    let Some(stage) = Stage::set("primary-copy", &[]) else { return };
    let duo = Duo::started(&stage, Setup::default());
    goes_back_in_time(&duo, &duo.primary, "older copy of the primary's disk");
}

#[test]
fn a_failover_with_an_older_copy_of_its_disk_gives_no_address_twice() {
    let Some(stage) = Stage::set("failover-copy", &[]) else { return };
    let duo = Duo::started(&stage, Setup::default());
    goes_back_in_time(&duo, &duo.failover, "older copy of the failover's disk");
    let killed = duo.primary.kill_9();
    let crowd = duo.far_crowd();
    crowd.join(5);
    let new = duo.takes_over(killed, How::New);
    assert!(duo.observer.first_of(FAILOVER, killed, SLACK).is_some());
    duo.observer.settle("older copy, then takeover", &[("takeover_new_s", secs(new))]);
}

/// The failover has not noticed the death yet and sleeps; that it has no changes of its own does not mean that the
/// primary has everything.
#[test]
fn a_primary_that_is_back_at_once_with_a_new_disk_waits_for_the_copy() {
    let Some(stage) = Stage::set("quick-disk", &[]) else { return };
    let timers = crate::duo::config::Timers::BRISK;
    let (duo, crowd) = Duo::with_crowd(&stage, Setup { timers, ..Setup::default() });
    duo.primary.kill_9();
    duo.primary.lose_disk();
    let back = Instant::now();
    duo.primary.launch();
    duo.primary.wait_for_state("Serving");
    let serves = back.elapsed();
    assert!(duo.observer.missing_at(&duo.primary).is_empty(), "it serves before it has everything");
    duo.wait_for_rest();
    assert!(!duo.failover.said().contains("-> Active"), "the failover had no time to notice:\n{}", duo.failover.said());
    all_get_theirs_again(&duo, &crowd);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("primary back at once with a new disk", &[("serves_s", secs(serves))]);
}

/// A replaced disk and nobody to ask: new clients are served all the same, with StrictShares too, after a ping; those
/// who hold an address from before lose nothing. What comes with the failover then settles the rest.
#[test]
fn a_primary_alone_with_a_new_disk_serves_new_clients_after_a_ping() {
    let Some(stage) = Stage::set("replaced", &[]) else { return };
    let setup = Setup { of_primary: "StrictShares = True".into(), ..Setup::default() };
    let (duo, _crowd) = Duo::with_crowd(&stage, setup);
    duo.failover.kill_9();
    duo.primary.kill_9();
    duo.primary.lose_disk();
    let back = Instant::now();
    duo.primary.launch();
    duo.primary.wait_for_state("Serving");
    let far = duo.far_crowd();
    far.join(5);
    let first = duo.observer.first_answer(PRIMARY, How::New, back, SLACK * 2).expect("new clients are served");
    duo.observer.wait_for_holders(CLIENTS as usize + 5);
    duo.failover.launch();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    duo.observer.settle("replaced disk, alone", &[("first_new_s", secs(first.at - back))]);
}
