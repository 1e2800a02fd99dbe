//! In contact means heard by the other, lately (failover.md section 1): what follows from it.

use super::duo::{Duo, FAILOVER, PRIMARY, millis};
use crate::support::Client;

/// PollDelay + 2 x WaitPollRplSecs.
const CONTACT: u64 = 600;

#[test]
fn a_partner_that_is_heard_but_does_not_hear_is_out_of_contact() {
    let mut duo = Duo::at_rest();
    duo.run(millis(CONTACT));
    assert!(duo.is_in_contact(PRIMARY) && duo.is_in_contact(FAILOVER));
    duo.deaf[PRIMARY] = true;
    // The primary says something all the time: its changes go on.
    for number in 0..20 {
        let _ = duo.lease(&Client::new(number));
        duo.run(millis(40));
    }
    assert!(!duo.is_in_contact(PRIMARY), "it hears nothing");
    assert!(!duo.is_in_contact(FAILOVER), "nothing of what it said was acknowledged lately");
    assert_eq!(duo.state(PRIMARY), "Serving");
}

/// The primary does not hear the failover: out of contact its changes go once a second, each is a reply to a poll, and
/// the first of them after a takeover makes the failover yield. From then on it waits long enough for the next.
#[test]
fn a_failover_that_is_not_heard_takes_over_once_and_not_again_while_changes_come() {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    duo.deaf[PRIMARY] = true;
    duo.states = [Vec::new(), Vec::new()];
    let mut renew = |count: usize| {
        for _ in 0..count {
            let _ = duo.ask(Client::new(1).rebinding(address));
            duo.run(millis(100));
        }
        let takeovers = duo.states[FAILOVER].iter().filter(|state| **state == "Active").count();
        (duo.now.mono, takeovers)
    };
    let (settled, takeovers) = renew(100);
    assert!(takeovers <= 1, "{takeovers} takeovers");
    let (_, again) = renew(100);
    assert_eq!(again, takeovers, "no more of them");
    assert_eq!(duo.replies_of(FAILOVER, settled), 0);
    assert_eq!(duo.states[PRIMARY], ["Serving"]);
}

/// A takeover on unanswered polls is what being out of contact means, from its first moment on.
#[test]
fn a_failover_that_took_over_on_unanswered_polls_is_out_of_contact() {
    let mut duo = Duo::at_rest();
    drop(duo.kill(PRIMARY));
    while duo.state(FAILOVER) != "Active" {
        assert_ne!(duo.state(FAILOVER), "Syncing");
        duo.run(millis(1));
    }
    assert!(!duo.is_in_contact(FAILOVER));
}

/// A failover to which control was given notices soon that the primary is gone.
#[test]
fn a_failover_to_which_control_was_given_is_out_of_contact_once_the_primarys_port_is_closed() {
    let mut duo = Duo::at_rest();
    duo.stop(PRIMARY);
    duo.run(millis(20));
    assert_eq!(duo.state(FAILOVER), "Active");
    duo.run(millis(300));
    assert!(!duo.is_in_contact(FAILOVER));
}

/// The failover hears nothing: it takes over out of contact, and yields to the first datagram that says Serving.
#[test]
fn at_a_heal_the_failover_yields_to_the_first_datagram_of_a_primary_that_serves() {
    let mut duo = Duo::at_rest();
    let address = duo.lease(&Client::new(1)).yiaddr;
    duo.deaf = [true, true];
    duo.run(millis(1_500));
    assert_eq!([duo.state(PRIMARY), duo.state(FAILOVER)], ["Serving", "Active"]);
    duo.deaf = [false, false];
    duo.run(millis(250));
    assert_eq!([duo.state(PRIMARY), duo.state(FAILOVER)], ["Serving", "Asleep"]);
    let asked = duo.ask(Client::new(1).rebinding(address));
    duo.run(millis(10));
    assert_eq!(duo.voice(asked), Some(PRIMARY));
}

/// The takeover after a yield needs twice as many polls, and four times after the next.
#[test]
fn after_each_yield_a_takeover_needs_twice_as_many_unanswered_polls() {
    let mut duo = Duo::at_rest();
    let mut waits = Vec::new();
    for _ in 0..5 {
        duo.deaf = [true, true];
        let cut = duo.now.mono;
        while duo.state(FAILOVER) != "Active" {
            duo.run(millis(1));
        }
        waits.push(duo.now.mono.since(cut).as_millis() / 200);
        duo.deaf = [false, false];
        duo.run(millis(500));
        assert_eq!(duo.state(FAILOVER), "Asleep");
    }
    // PollDelay is 0.2 s too: one more or less, as the cut falls.
    let polls = [3, 6, 12, 24, 24];
    assert!(waits.iter().zip(polls).all(|(wait, polls)| (polls..=polls + 1).contains(wait)), "{waits:?}");
    duo.run(millis(601_000));
    duo.deaf = [true, true];
    let cut = duo.now.mono;
    while duo.state(FAILOVER) != "Active" {
        duo.run(millis(1));
    }
    assert!(duo.now.mono.since(cut) <= millis(800), "ten minutes later three polls are enough");
}
