//! Sessions (section 3): replays, new boots, exchanges that cross, forged datagrams, FailoverKeyFile.

use std::time::Duration;

use understudy::wire::failover::Kind;

use crate::support::pair::{F, P, Pair, Sent};
use crate::support::pair_setup::PairSetup;

/// A pair after three boots of each, with all that was ever sent.
fn three_boots() -> Pair {
    let mut pair = Pair::settled(&PairSetup::new());
    for round in 0..3 {
        pair.lease_all(round * 5..round * 5 + 5);
        pair.kill(F);
        pair.run(2);
        pair.start(F);
        pair.run(15);
        pair.kill(P);
        pair.until(20, |pair| pair.state(F) == "Active");
        pair.lease_all(round * 5..round * 5 + 3);
        pair.start(P);
        pair.until(30, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(2);
    }
    pair
}

/// What no replay may change.
fn facts(pair: &Pair) -> (Vec<String>, Vec<String>, Vec<u64>) {
    let newest = |host: usize| pair.engine(host).server().bindings().stamps().last().0;
    (pair.table(P), pair.table(F), vec![newest(P), newest(F)])
}

fn replay(pair: &mut Pair, recorded: &[Sent]) {
    for sent in recorded {
        pair.again(sent);
        pair.run_for(Duration::from_millis(5));
    }
}

/// Section 3, invariant 8: all datagrams of three boots and of the running one, sent again, change nothing.
#[test]
fn a_replay_of_every_datagram_of_all_boots_changes_nothing() {
    let mut pair = three_boots();
    let recorded = pair.sent.clone();
    let kinds = |kind: Kind| recorded.iter().any(|sent| sent.bytes[1] == kind.code());
    assert!(
        [Kind::CtlReq, Kind::SubnetReturn, Kind::SubnetTaken, Kind::BindUpdate, Kind::SyncReq]
            .map(kinds)
            .iter()
            .all(|is| *is)
    );
    let before = facts(&pair);
    replay(&mut pair, &recorded);
    assert!(facts(&pair) == before);
    assert_eq!((pair.state(P), pair.double), ("Serving", 0));
    assert!(matches!(pair.state(F), "Asleep" | "Probing"), "{}", pair.state(F));
    pair.run(30);
    pair.lease_all(40..45);
    pair.run(1);
    pair.assert_equal();
}

/// Section 3: a failover that serves a dead primary's clients does not yield to recorded datagrams of it.
#[test]
fn a_replay_of_a_dead_primary_does_not_silence_the_failover() {
    let mut pair = three_boots();
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    let recorded: Vec<_> = pair.sent.iter().filter(|sent| sent.from == P).cloned().collect();
    let table = pair.table(F);
    for sent in &recorded {
        pair.again(sent);
        pair.run_for(Duration::from_millis(5));
        assert_eq!(pair.state(F), "Active");
    }
    assert!(pair.table(F) == table);
    pair.start(P);
    pair.until(30, |pair| pair.states() == ["Serving", "Asleep"]);
}

/// The same at a failover that started anew, before its first session: it has no list of dead boots yet.
#[test]
fn a_replay_at_a_failover_without_a_session_changes_nothing() {
    let mut pair = three_boots();
    pair.power_off(P);
    pair.kill(F);
    pair.start(F);
    let recorded: Vec<_> = pair.sent.iter().filter(|sent| sent.from == P).cloned().collect();
    let table = pair.table(F);
    replay(&mut pair, &recorded);
    assert!(pair.table(F) == table);
    pair.until(120, |pair| pair.state(F) == "Active");
    pair.start(P);
    pair.until(30, |pair| pair.states() == ["Serving", "Asleep"]);
}

/// Invariant 8: a datagram with one bit changed, or cut, changes nothing.
#[test]
fn a_damaged_datagram_changes_nothing() {
    let mut pair = three_boots();
    let recorded: Vec<_> = pair.sent.iter().rev().take(300).cloned().collect();
    let before = facts(&pair);
    for (number, sent) in recorded.iter().enumerate() {
        let mut damaged = sent.clone();
        let at = number * 7 % damaged.bytes.len();
        damaged.bytes[at] ^= 1 << (number % 8);
        pair.again(&damaged);
        let mut cut = sent.clone();
        cut.bytes.truncate(at);
        pair.again(&cut);
        pair.run_for(Duration::from_millis(1));
    }
    assert!(facts(&pair) == before);
    assert_eq!(pair.state(P), "Serving");
}

/// FailoverKeyFile: with different keys nothing is answered or taken; each serves as if the other were not there.
#[test]
fn failover_key_file_with_another_key_drops_every_datagram() {
    for line in ["FailoverKeyFile = /wrong", "FailoverKeyFile = none"] {
        let mut pair = Pair::new(&PairSetup::new().failover(line));
        pair.start_new(P);
        pair.start_new(F);
        pair.run(60);
        assert_eq!(pair.states(), ["Serving", "Active"]);
        pair.lease_all(1..3);
        pair.run(10);
        let answers = [Kind::Hello, Kind::HelloAck, Kind::PollRpl, Kind::SyncStart, Kind::CtlRet, Kind::BindAck];
        assert!(answers.iter().all(|kind| pair.times(P, *kind).is_empty() && pair.times(F, *kind).is_empty()));
    }
}

/// Reloads one server with that key file.
fn take_key(pair: &mut Pair, host: usize, file: &str) {
    let setup = PairSetup::new().both(&format!("FailoverKeyFile = {file}"));
    pair.reload(host, if host == P { setup.of_primary() } else { setup.of_failover() });
}

/// FailoverKeyFile: the wrong key on one side of a pair that runs is a partner out of contact; the right one, on either
/// side and without a restart, brings the two together with all that each did meanwhile.
#[test]
fn failover_key_file_put_right_by_a_reload_of_either_side_brings_the_pair_together() {
    for (wrong, repaired) in [(P, P), (P, F), (F, P), (F, F)] {
        let mut pair = Pair::settled(&PairSetup::new());
        pair.lease_all(1..11);
        take_key(&mut pair, wrong, "/wrong");
        pair.until(60, |pair| pair.state(F) == "Active");
        pair.lease_all(11..16);
        pair.run(30);
        assert_eq!(pair.states(), ["Serving", "Active"]);
        take_key(&mut pair, repaired, if repaired == wrong { "/k" } else { "/wrong" });
        pair.until(15, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(15);
        pair.assert_equal();
        assert_eq!((pair.double, pair.in_two_hands()), (0, Vec::new()));
    }
}

/// FailoverKeyFile, rotation: each step is done on one side first, whichever, and is no outage; a step too far on one
/// side, before the other knows the new key, is one.
#[test]
fn failover_key_file_rotated_on_one_side_first_is_no_outage() {
    for order in [[P, F], [F, P]] {
        let mut pair = Pair::settled(&PairSetup::new());
        for (step, file) in ["/old-new", "/new-old", "/wrong"].into_iter().enumerate() {
            for host in order {
                take_key(&mut pair, host, file);
                let numbers = step as u16 * 4 + host as u16 * 2;
                pair.lease_all(numbers..numbers + 2);
                for _ in 0..40 {
                    pair.run(1);
                    assert!(matches!(pair.states().as_slice(), ["Serving", "Asleep" | "Probing"]), "{file} at {host}");
                }
                pair.assert_equal();
            }
        }
        take_key(&mut pair, order[0], "/k");
        pair.until(60, |pair| pair.state(F) == "Active");
    }
}

/// FailoverKeyFile = none on both: the pair works, unsealed.
#[test]
fn failover_key_file_none_on_both_sides_makes_an_unsealed_pair() {
    let mut pair = Pair::settled(&PairSetup::new().both("FailoverKeyFile = none"));
    pair.lease_all(1..4);
    pair.run(1);
    pair.assert_equal();
}

/// Section 3: exchanges that cross end in one session, whatever the delays.
#[test]
fn exchanges_that_cross_end_in_one_session() {
    for millis in [0, 1, 7, 40, 130] {
        let mut pair = Pair::new(&PairSetup::new());
        pair.wires.way(P, F).delay = Duration::from_millis(millis);
        pair.wires.way(F, P).delay = Duration::from_millis(millis);
        pair.start_new(P);
        pair.start_new(F);
        let found = pair.until(5, |pair| pair.states() == ["Serving", "Asleep"]);
        assert!(found <= Duration::from_millis(millis * 10 + 20), "{found:?} at {millis} ms");
        let sessions: std::collections::BTreeSet<_> =
            pair.sent.iter().map(|sent| sent.read().header.session).filter(|session| *session != 0).collect();
        pair.run(60);
        assert_eq!(sessions.len(), 1, "{sessions:?}");
        let hellos = pair.times(P, Kind::Hello).len() + pair.times(F, Kind::Hello).len();
        assert!(hellos <= 6, "{hellos} Hellos");
    }
}

/// Section 6, table: a new boot of either side in each round is found at once, and the pair goes on.
#[test]
fn a_new_boot_of_either_side_is_taken_over_and_the_pair_goes_on() {
    let mut pair = Pair::settled(&PairSetup::new());
    for round in 0..6_u16 {
        let host = usize::from(round % 2);
        pair.kill(host);
        pair.start(host);
        let found = pair.until(5, |pair| pair.states() == ["Serving", "Asleep"]);
        assert!(found < Duration::from_millis(100), "{found:?}");
        pair.lease_all(round * 3..round * 3 + 3);
        pair.run(1);
        pair.assert_equal();
    }
    assert_eq!(pair.double, 0);
}

/// Section 3: a datagram that is more than the window of 1,024 behind is dropped, one within it is taken once.
#[test]
fn a_datagram_behind_the_window_of_sequences_is_dropped() {
    let mut pair = Pair::settled(&PairSetup::new().failover("PollDelay = 0.05"));
    pair.wires.way(F, P).loses = Some(Kind::Poll);
    let polls = pair.times(F, Kind::Poll).len();
    pair.until(5, |pair| pair.times(F, Kind::Poll).len() > polls);
    pair.wires.way(F, P).loses = None;
    let kept = pair.sent.iter().rfind(|sent| sent.from == F && sent.bytes[1] == Kind::Poll.code()).cloned();
    let kept = kept.expect("a poll");
    let answers = |pair: &mut Pair| {
        let before = pair.times(P, Kind::PollRpl).len();
        pair.again(&kept);
        pair.step_now();
        pair.times(P, Kind::PollRpl).len() - before
    };
    pair.run(1);
    assert_eq!(answers(&mut pair), 1, "within the window");
    assert_eq!(answers(&mut pair), 0, "once");
    pair.run(80);
    let newest = pair.sent.iter().rfind(|sent| sent.from == F).expect("a datagram").read().header.sequence;
    assert!(newest - kept.read().header.sequence > 1024);
    assert_eq!(answers(&mut pair), 0, "behind the window");
}
