//! Wires that are cut, and processes that stand still: the servers live, and one cannot know of the other.
//!
//! In all of them leases are shorter than the cut, so that what one side does not hear of would end and be given away.

use std::time::{Duration, Instant};

use crate::duo::config::Timers;
use crate::duo::{CLIENTS, Crowd, Duo, FAILOVER, Fate, PRIMARY, Rule, SLACK, Setup, Traffic, live, secs};
use crate::rig::Stage;

/// Seconds of a lease.
const LEASE: u32 = 5;
/// Long enough that every lease at the begin of the cut has ended or was renewed out of the other's sight.
const CUT: Duration = Duration::from_secs(7);
const TRICKLE: Duration = Duration::from_millis(150);

/// A pair with a crowd on each side of a wire that can be cut in two; new clients come all the time.
///
/// A ping reaches the near crowd only: the far one is for cuts that would keep pings of the other side from it anyway.
fn two_sides(stage: &Stage) -> (Duo<'_>, [Crowd; 2]) {
    let (duo, near) = Duo::with_crowd(stage, Setup::with_lease(LEASE));
    let far = duo.far_crowd();
    far.join(CLIENTS);
    duo.observer.wait_for_holders(2 * CLIENTS as usize);
    near.trickle(TRICKLE);
    far.trickle(TRICKLE);
    (duo, [near, far])
}

/// A pair with one crowd, which both servers hear whatever is cut between them.
fn near_side(stage: &Stage) -> (Duo<'_>, [Crowd; 1]) {
    let (duo, near) = Duo::with_crowd(stage, Setup::with_lease(LEASE));
    near.trickle(TRICKLE);
    (duo, [near])
}

/// After the cut: at rest within the time of one sync, both tables as the clients have them, nothing in two hands.
fn heal_and_settle(duo: &Duo<'_>, crowds: &[Crowd], scenario: &str) {
    let healed = Instant::now();
    duo.switch.heal();
    duo.wait_for_rest();
    let rest = healed.elapsed();
    // Long enough for every client to renew under the one that serves now.
    live(Duration::from_secs(1));
    for crowd in crowds {
        crowd.trickle(Duration::ZERO);
    }
    duo.must_agree_with_clients();
    duo.observer.settle(scenario, &[("rest_s", secs(rest))]);
}

#[test]
fn a_partition_with_clients_on_both_sides_heals_without_a_duplicate() {
    let Some(stage) = Stage::set("partition", &[]) else { return };
    let (duo, crowds) = two_sides(&stage);
    let cut = Instant::now();
    duo.partition();
    live(CUT);
    duo.wait_for_takeover();
    assert!(duo.primary.is_in("Serving"));
    duo.observer.first_of(FAILOVER, cut, SLACK).expect("the far side is served by the failover");
    heal_and_settle(&duo, &crowds, "partition and heal");
}

/// The heartbeat alone: every client reaches both servers, and the white paper's pair gives out duplicates.
#[test]
fn a_cut_of_the_heartbeat_alone_puts_no_address_into_two_hands() {
    let Some(stage) = Stage::set("heartbeat", &[]) else { return };
    let (duo, crowds) = near_side(&stage);
    duo.cut_channel();
    live(CUT);
    duo.wait_for_takeover();
    heal_and_settle(&duo, &crowds, "heartbeat cut alone");
}

/// The failover hears nothing of the primary, which hears its polls.
#[test]
fn a_cut_from_the_primary_to_the_failover_only_puts_no_address_into_two_hands() {
    let Some(stage) = Stage::set("one-way-to-failover", &[]) else { return };
    let (duo, crowds) = near_side(&stage);
    duo.switch.rule(Rule::cut_one_way(Traffic::Channel, duo.primary.port(), duo.failover.port()));
    live(CUT);
    heal_and_settle(&duo, &crowds, "one-way cut, primary to failover");
}

/// The primary hears no poll, but what it says arrives: the failover yields each time, and must not flap.
#[test]
fn a_cut_from_the_failover_to_the_primary_only_puts_no_address_into_two_hands() {
    let Some(stage) = Stage::set("one-way-to-primary", &[]) else { return };
    let (duo, crowds) = near_side(&stage);
    duo.switch.rule(Rule::cut_one_way(Traffic::Channel, duo.failover.port(), duo.primary.port()));
    live(CUT);
    let takeovers = duo.failover.said().matches("-> Active").count();
    assert!(takeovers <= 4, "{takeovers} takeovers in {CUT:?}: polls before the next are not doubled");
    heal_and_settle(&duo, &crowds, "one-way cut, failover to primary");
}

/// The clients cannot reach the primary, the failover can: it stays silent, since the primary lives.
#[test]
fn a_cut_of_the_clients_path_alone_leaves_control_where_it_is() {
    let Some(stage) = Stage::set("client-path", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    let cut = Instant::now();
    duo.cut_clients_of_the_primary();
    live(Duration::from_secs(3));
    assert!(duo.failover.is_asleep() && duo.primary.is_in("Serving"), "control moved though both are in contact");
    let answered = duo.observer.first_of(FAILOVER, cut, Duration::ZERO);
    assert!(answered.is_none(), "the failover answers for a primary that serves: {answered:?}");
    let healed = Instant::now();
    duo.switch.heal();
    duo.observer.first_of(PRIMARY, healed, SLACK).expect("the primary is heard again");
    live(Duration::from_secs(1));
    let blackout = duo.observer.blackout(crowd.relay, cut);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("client path cut alone", &[("blackout_ms", secs(blackout) * 1000.0)]);
}

/// A primary that stood still must not answer what waited for it: the failover serves by then.
#[test]
fn a_primary_that_was_frozen_asks_before_it_answers() {
    let Some(stage) = Stage::set("frozen-primary", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::with_lease(LEASE));
    crowd.trickle(TRICKLE);
    let frozen = Instant::now();
    duo.primary.freeze();
    duo.wait_for_takeover();
    live(CUT);
    duo.primary.thaw();
    let thawed = Instant::now();
    duo.wait_for_rest();
    live(Duration::from_secs(1));
    crowd.trickle(Duration::ZERO);
    let first = duo.observer.first_of(FAILOVER, frozen, SLACK).expect("the failover served");
    let blackout = duo.observer.blackout(crowd.relay, thawed);
    duo.must_agree_with_clients();
    let figures = [("takeover_s", secs(first.at - frozen)), ("return_blackout_ms", secs(blackout) * 1000.0)];
    duo.observer.settle_with_one_voice("primary frozen", &figures);
}

/// A failover that stood still thinks of a silent primary first; the clients of the primary notice nothing.
#[test]
fn a_failover_that_was_frozen_polls_before_it_takes_over() {
    let Some(stage) = Stage::set("frozen-failover", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::with_lease(LEASE));
    crowd.trickle(TRICKLE);
    let frozen = Instant::now();
    duo.failover.freeze();
    live(CUT);
    duo.failover.thaw();
    duo.wait_for_rest();
    live(Duration::from_secs(1));
    crowd.trickle(Duration::ZERO);
    let answered = duo.observer.first_of(FAILOVER, frozen, Duration::ZERO);
    assert!(answered.is_none(), "the failover answered for a primary that served all the time: {answered:?}");
    let wait = duo.observer.longest_wait(frozen);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("failover frozen", &[("longest_wait_ms", secs(wait) * 1000.0)]);
}

/// 20 % of the channel's datagrams lost, 10 % twice, 30 % out of order: slower, and never wrong. Enough retries that
/// chance alone does not add up to a death.
#[test]
fn a_channel_with_loss_copies_and_reordering_loses_no_change() {
    let Some(stage) = Stage::set("bad-channel", &[]) else { return };
    let timers = Timers { poll_retry_max: 8, ..Timers::FAST };
    let patient = || "SyncBindRetryMax = 20".to_owned();
    let setup = Setup { timers, of_primary: patient(), of_failover: patient(), ..Setup::with_lease(LEASE) };
    let (duo, crowd) = Duo::with_crowd(&stage, setup);
    let late = Fate::Shuffle(30, Duration::from_millis(30));
    let rules = [Fate::Lose(20), Fate::Copy(10), late].map(|fate| Rule::everywhere(Traffic::Channel, fate));
    duo.switch.rule(rules.to_vec());
    crowd.trickle(TRICKLE);
    live(CUT);
    crowd.trickle(Duration::ZERO);
    assert!(duo.failover.is_asleep(), "loss alone brings no takeover:\n{}", duo.failover.said());
    let before = Instant::now();
    duo.must_agree_with_clients();
    let known = before.elapsed();
    duo.observer.settle_with_one_voice("20 % loss, copies, reordering", &[("known_s", secs(known))]);
}
