//! An operator's words: drills from either server, their refusals, and partner-down.

use std::time::{Duration, Instant};

use crate::duo::config::Timers;
use crate::duo::{CLIENTS, Duo, FAILOVER, How, PRIMARY, Rule, SLACK, Setup, live, secs};
use crate::rig::Stage;
use crate::rig::host::until;

/// The white paper's poll: a takeover that does not wait for it was asked for.
const SLOW: Timers = Timers { poll_delay: 60.0, wait_poll_rpl: 5.0, poll_retry_max: 3 };

/// The primary is asked this time; it is silent until control is back, and the figures are told at the end.
#[test]
fn a_drill_on_the_primary_moves_control_and_back_with_figures() {
    let Some(stage) = Stage::set("drill-primary", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.wait_for_readiness();
    let begun = Instant::now();
    let figures = duo.primary.must_control(&["--json", "takeover", "failover"]);
    for part in ["\"command\":\"takeover\"", "\"partner\":\"failover\"", "\"done_ms\":", "\"subnets\":2"] {
        assert!(figures.contains(part), "{part} in {figures}");
    }
    assert!(duo.primary.is_in("Given") && duo.failover.is_in("Active"), "done means that control has moved");
    let taken = begun.elapsed();
    let reason = duo.primary.of_partner("failover", "reason");
    assert_eq!(reason.as_deref(), Some("an operator's takeover"));
    duo.observer.first_of(FAILOVER, begun, SLACK).expect("the failover serves");
    live(Duration::from_secs(1));
    assert!(duo.primary.is_in("Given") && duo.failover.is_in("Active"), "a drill lasts until it is ended");
    assert!(duo.primary.control(&["takeover", "failover"]).is_none(), "control is there already");
    let back = Instant::now();
    let figures = duo.primary.must_control(&["giveback", "failover"]);
    assert!(figures.starts_with("giveback failover: asked 2") && figures.contains("done after"), "{figures}");
    let returned = back.elapsed();
    duo.wait_for_rest();
    duo.observer.first_of(PRIMARY, back, SLACK).expect("the primary serves");
    let blackout = duo.observer.blackout(crowd.relay, begun);
    assert!(duo.failover.of_partner("dhcp1", "blackout_ms").is_some_and(|ms| ms != "null"));
    duo.must_agree_with_clients();
    let figures =
        [("takeover_s", secs(taken)), ("giveback_s", secs(returned)), ("blackout_ms", secs(blackout) * 1000.0)];
    duo.observer.settle_with_one_voice("drill from the primary", &figures);
}

/// A primary whose failover dies in a drill serves again, as soon as it misses the polls.
#[test]
fn a_drill_ends_when_the_failover_dies_in_it() {
    let Some(stage) = Stage::set("drill-death", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    duo.wait_for_readiness();
    duo.primary.must_control(&["takeover", "failover"]);
    // Polls have told the primary how often they come.
    live(Duration::from_millis(500));
    let killed = duo.failover.kill_9();
    let patience = duo.setup.timers.detection() + Duration::from_secs(1) + SLACK;
    duo.observer.first_of(PRIMARY, killed, patience).expect("the primary serves again");
    duo.primary.wait_for_state("Serving");
    let refused = duo.primary.control(&["takeover", "failover"]);
    assert!(refused.is_none(), "nobody would serve: {refused:?}");
    assert!(duo.primary.is_in("Serving"));
    duo.failover.launch();
    duo.wait_for_rest();
    let blackout = duo.observer.blackout(crowd.relay, killed);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("failover dies in a drill", &[("blackout_ms", secs(blackout) * 1000.0)]);
}

/// With polls a minute apart a dead host is noticed late; the operator knows it sooner.
#[test]
fn a_takeover_of_a_primary_that_is_gone_waits_for_no_poll() {
    let Some(stage) = Stage::set("takeover-dead", &[]) else { return };
    let (duo, _crowd) = Duo::with_crowd(&stage, Setup { timers: SLOW, ..Setup::default() });
    duo.switch.rule(Rule::isolate(duo.primary.port()));
    duo.primary.kill_9();
    // The stream of changes is silent, so the failover still thinks that it is in contact: partner-down is refused.
    assert!(duo.failover.control(&["partner-down", "dhcp1"]).is_none());
    let asked = Instant::now();
    duo.failover.must_control(&["takeover", "dhcp1"]);
    duo.wait_for_takeover();
    let taken = asked.elapsed();
    duo.observer.first_answer(FAILOVER, How::Renewal, asked, SLACK).expect("the failover serves");
    duo.observer.settle("takeover by an operator", &[("takeover_s", secs(taken))]);
}

/// The word is kept over a restart, and ends by itself when the two are equal again.
#[test]
fn partner_down_stands_until_the_primary_has_been_in_contact() {
    let Some(stage) = Stage::set("partner-down", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    let is_down = || duo.failover.of_partner("dhcp1", "partner_down").as_deref() == Some("true");
    assert!(duo.failover.control(&["partner-down", "dhcp1"]).is_none(), "it is in contact");
    assert!(duo.failover.control(&["partner-up", "dhcp1"]).is_none(), "there is no word to take back");
    assert!(duo.failover.control(&["partner-down", "dhcp9"]).is_none(), "there is no such partner");
    duo.lose_primary(&crowd);
    duo.failover.must_control(&["partner-down", "dhcp1"]);
    assert!(is_down() && duo.failover.must_control(&["status"]).contains("partner dhcp1: partner-down"));
    duo.failover.must_control(&["partner-up", "dhcp1"]);
    assert!(!is_down());
    duo.failover.must_control(&["partner-down", "dhcp1"]);
    duo.failover.kill_9();
    duo.failover.launch();
    assert!(is_down(), "the word is in the journal");
    duo.wait_for_takeover();
    crowd.join(5);
    duo.observer.wait_for_holders(2 * CLIENTS as usize + 5);
    duo.primary.launch();
    duo.wait_for_rest();
    until("the word ends", SLACK, || !is_down());
    duo.must_agree_with_clients();
    duo.observer.settle("partner-down", &[]);
}

/// What an operator reads of a takeover: when, why, how many subnets, how long since the primary was heard.
#[test]
fn status_and_log_tell_of_contact_and_of_the_takeover() {
    let Some(stage) = Stage::set("told", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    let of = |member: &str| duo.failover.of_partner("dhcp1", member).unwrap_or_default();
    duo.wait_for_readiness();
    assert!(of("unacked").parse::<u64>().is_ok() && !of("last_takeover").is_empty());
    assert!(of("contact_since").starts_with('2') && of("clock_offset_ms").parse::<i64>().is_ok());
    let status = duo.failover.status();
    for part in
        ["\"database\":\"complete\"", "\"conflicts\":0", "\"unsettled_grants\":0", "\"duty\":\"silent: asleep\""]
    {
        assert!(status.contains(part), "{part} in {status}");
    }
    duo.cut_channel();
    duo.wait_for_takeover();
    until("contact is lost", SLACK, || of("contact") == "false");
    crowd.join(1);
    let said = duo.failover.said();
    let line = said.lines().find(|line| line.contains("-> Active")).expect("a line of the takeover");
    for part in ["polls unanswered", "last heard ", " ms ago", "subnets "] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(of("reason").contains("polls unanswered"), "{}", of("reason"));
    duo.failover.wait_for_word("heartbeat and client path differ");
    duo.primary.wait_for_word("out of contact, last heard");
    duo.switch.heal();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    duo.observer.settle("what is told", &[]);
}
