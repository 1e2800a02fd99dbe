//! A server that stood still asks before it answers (failover.md section 9).

use super::duo::{Duo, FAILOVER, PRIMARY, STALL, millis};
use crate::support::Client;

/// A process that is stopped for seconds while its failover takes over: what waited for it gets no answer from it.
#[test]
fn a_primary_that_stood_still_asks_for_control_before_it_answers() {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    duo.server(PRIMARY).frozen = true;
    duo.run(millis(1_500));
    assert_eq!(duo.state(FAILOVER), "Active");
    let asked = duo.ask(Client::new(1).rebinding(address));
    duo.run(millis(100));
    assert_eq!(duo.voice(asked), Some(FAILOVER));
    duo.states = [Vec::new(), Vec::new()];
    duo.server(PRIMARY).frozen = false;
    let asked: Vec<u32> = (0..40)
        .map(|_| {
            let asked = duo.ask(Client::new(1).rebinding(address));
            duo.run(millis(5));
            asked
        })
        .collect();
    duo.run(millis(500));
    assert_eq!(duo.states, [vec!["Claiming", "Receiving", "Serving"], vec!["Active", "Returning", "Asleep"]]);
    let voices: Vec<_> = asked.iter().map(|asked| duo.voice(*asked)).collect();
    assert!(voices.iter().all(Option::is_some), "a message without an answer: {voices:?}");
    assert!(voices.is_sorted_by(|one, next| one >= next), "the failover, then the primary: {voices:?}");
}

/// The failover did not notice; the primary asks all the same and goes on within some milliseconds.
#[test]
fn a_primary_that_stood_still_for_half_the_polls_goes_on_after_one_answer() {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    duo.states = [Vec::new(), Vec::new()];
    duo.server(PRIMARY).frozen = true;
    duo.run(STALL + millis(20));
    let late = duo.ask(Client::new(1).rebinding(address));
    duo.server(PRIMARY).frozen = false;
    duo.run(millis(1));
    let next = duo.ask(Client::new(1).rebinding(address));
    duo.run(millis(10));
    assert_eq!(duo.voice(late), None, "what waited is too old");
    assert_eq!(duo.voice(next), Some(PRIMARY), "what came meanwhile was kept");
    assert_eq!(duo.states[PRIMARY], ["Claiming", "Serving"]);
    assert_eq!(duo.states[FAILOVER], ["Asleep"]);
}

/// More waited than one turn takes: what the later turns find is as old. Nobody answers the claim, so that the primary
/// serves again, with the rest of the queue still before it.
#[test]
fn what_waited_for_a_primary_that_stood_still_is_too_old_in_each_turn_that_finds_some_of_it() {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    drop(duo.kill(FAILOVER));
    duo.server(PRIMARY).budget = 3;
    duo.server(PRIMARY).frozen = true;
    duo.run(STALL + millis(20));
    let late: Vec<u32> = (0..10).map(|_| duo.ask(Client::new(1).rebinding(address))).collect();
    duo.run(millis(10));
    duo.server(PRIMARY).frozen = false;
    duo.run(millis(1_500));
    assert_eq!(duo.state(PRIMARY), "Serving");
    assert!(late.iter().all(|asked| duo.voice(*asked).is_none()), "what waited is too old");
    let fresh = duo.ask(Client::new(1).rebinding(address));
    duo.run(millis(10));
    assert_eq!(duo.voice(fresh), Some(PRIMARY));
}

/// A commit that takes long: the reply stays, the lease stands, and the server asks.
#[test]
fn replies_that_a_slow_commit_delays_too_long_are_left_out_and_their_records_stand() {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    duo.server(PRIMARY).slow = STALL + millis(1);
    let asked = duo.ask(Client::new(1).rebinding(address));
    duo.states = [Vec::new(), Vec::new()];
    duo.run(STALL + millis(100));
    assert_eq!(duo.voice(asked), None);
    assert_eq!(duo.states[PRIMARY], ["Serving", "Claiming", "Serving"]);
    let again = duo.ask(Client::new(1).rebinding(address));
    duo.run(millis(10));
    assert_eq!(duo.voice(again), Some(PRIMARY));
    duo.server(PRIMARY).slow = STALL;
    let in_time = duo.ask(Client::new(1).rebinding(address));
    duo.run(STALL + millis(100));
    assert_eq!(duo.voice(in_time), Some(PRIMARY), "up to the limit a reply is sent");
}

/// While the failover stands still its primary serves again: nothing of what waited is answered by it.
#[test]
fn an_active_failover_that_stood_still_polls_before_it_answers() {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    duo.deaf = [true, true];
    duo.run(millis(1_500));
    assert_eq!(duo.state(FAILOVER), "Active");
    duo.server(FAILOVER).frozen = true;
    duo.deaf = [false, false];
    duo.run(millis(7_000));
    let thawed = duo.now.mono;
    duo.server(FAILOVER).frozen = false;
    let asked: Vec<u32> = (0..20)
        .map(|_| {
            let asked = duo.ask(Client::new(1).rebinding(address));
            duo.run(millis(5));
            asked
        })
        .collect();
    duo.run(millis(500));
    assert_eq!(duo.replies_of(FAILOVER, thawed), 0, "{:?}", duo.states);
    assert!(asked.iter().all(|asked| duo.voice(*asked) == Some(PRIMARY)));
    assert_eq!(duo.state(FAILOVER), "Asleep");
}

/// Nobody answers the polls: after their waits the failover serves on, first of all what came meanwhile.
#[test]
fn an_active_failover_that_stood_still_alone_serves_on_when_its_polls_stay_unanswered() {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    duo.deaf = [true, true];
    duo.run(millis(1_500));
    duo.server(FAILOVER).frozen = true;
    drop(duo.kill(PRIMARY));
    duo.run(millis(3_000));
    let thawed = duo.now.mono;
    duo.server(FAILOVER).frozen = false;
    duo.run(millis(100));
    let asked = duo.ask(Client::new(1).rebinding(address));
    duo.run(millis(400));
    assert_eq!(duo.replies_of(FAILOVER, thawed), 0);
    duo.run(millis(200));
    assert_eq!(duo.voice(asked), Some(FAILOVER));
    assert_eq!(duo.state(FAILOVER), "Active");
}

/// A sleeping failover that stood still takes no wait for a silence of its primary.
#[test]
fn a_failover_that_stood_still_while_it_polled_begins_its_polls_anew() {
    let mut duo = Duo::at_rest();
    duo.deaf = [true, true];
    duo.run(millis(700));
    assert_eq!(duo.state(FAILOVER), "Probing");
    duo.server(FAILOVER).frozen = true;
    duo.deaf = [false, false];
    duo.run(millis(7_000));
    duo.states = [Vec::new(), Vec::new()];
    duo.server(FAILOVER).frozen = false;
    duo.run(millis(1_000));
    assert!(!duo.states[FAILOVER].contains(&"Active"), "{:?}", duo.states);
    assert_eq!([duo.state(PRIMARY), duo.state(FAILOVER)], ["Serving", "Asleep"]);
}

/// An idle pair sleeps, and no sleep is taken for a standstill.
#[test]
fn an_idle_pair_never_thinks_that_it_stood_still() {
    let mut duo = Duo::at_rest();
    duo.states = [Vec::new(), Vec::new()];
    duo.run(millis(20_000));
    assert_eq!(duo.states[PRIMARY], ["Serving"], "no claim");
    assert_eq!(duo.state(FAILOVER), "Asleep");
}
