//! A planned stop: HandOverOnStop.

use std::time::Duration;

use understudy::wire::failover::Kind;

use crate::support::Client;
use crate::support::pair::{Ended, F, P, Pair};
use crate::support::pair_setup::PairSetup;

/// HandOverOnStop True: the last changes are acknowledged, control is given, and only then the server ends.
#[test]
fn hand_over_on_stop_gives_control_before_the_end() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.lease_all(1..11);
    pair.stop(P);
    let given = pair.until(3, |pair| pair.state(F) == "Active");
    assert!(given < Duration::from_millis(50), "{given:?}");
    pair.run(1);
    assert!(matches!(pair.hosts[P].ended, Some((_, Ended::Stopped))));
    assert_eq!((pair.table(F).len(), pair.double), (10, 0));
    let (server, _) = pair.lease(&Client::new(1)).expect("served on");
    assert_eq!(server, F);
    pair.start(P);
    pair.until(5, |pair| pair.states() == ["Serving", "Asleep"]);
    pair.run(1);
    pair.assert_equal();
    assert_eq!(pair.double, 0);
}

/// HandOverOnStop False: it ends at once, and the failover finds out by polling.
#[test]
fn hand_over_on_stop_false_ends_at_once_and_gives_nothing() {
    let mut pair = Pair::settled(&PairSetup::new().primary("HandOverOnStop = False"));
    pair.stop(P);
    pair.run_for(Duration::from_millis(100));
    assert!(matches!(pair.hosts[P].ended, Some((_, Ended::Stopped))));
    assert!(pair.times(P, Kind::CtlGive).is_empty());
    assert_ne!(pair.state(F), "Active");
    pair.until(20, |pair| pair.state(F) == "Active");
}

/// A stop while subnets cannot come back, for want of one SyncBindingBufSize: the end of the wait for them, which
/// nothing acts on any more, wakes nobody.
#[test]
fn a_stop_while_the_return_stands_rests_between_its_messages() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.lease_all(1..4);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.hosts[P].config = PairSetup::new().primary("SyncBindingBufSize = 512").of_primary();
    pair.lease_all(4..8);
    pair.start(P);
    pair.until(5, |pair| pair.state(P) == "Receiving");
    pair.run(9);
    let before = pair.hosts[P].turns;
    pair.stop(P);
    pair.run(3);
    assert!(matches!(pair.hosts[P].ended, Some((_, Ended::Stopped))));
    let turns = pair.hosts[P].turns - before;
    assert!(turns < 100, "{turns} turns");
}

/// HandOverOnStop: out of contact it ends at once; a failover that does not answer is waited for 2 s at most.
#[test]
fn hand_over_on_stop_waits_2_s_at_most_and_not_at_all_out_of_contact() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.wires.cut(P, F);
    pair.stop(P);
    let gives = pair.elapsed();
    pair.run(3);
    let (at, how) = pair.hosts[P].ended.expect("an end");
    assert_eq!(how, Ended::Stopped);
    assert!((1999..=2010).contains(&(at - gives).as_millis()), "{:?}", at - gives);
    let sends = pair.times(P, Kind::CtlGive);
    assert!((19..=21).contains(&sends.len()), "every 100 ms: {sends:?}");
    let mut pair = Pair::settled(&PairSetup::new());
    pair.power_off(F);
    pair.run(60);
    pair.stop(P);
    pair.run_for(Duration::from_millis(10));
    assert!(matches!(pair.hosts[P].ended, Some((_, Ended::Stopped))));
}

/// Section 3: a PollRpl that a CtlGive overtook does not undo it.
#[test]
fn an_overtaken_poll_rpl_does_not_undo_a_ctl_give() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.wires.way(P, F).loses = Some(Kind::PollRpl);
    let replies = pair.times(P, Kind::PollRpl).len();
    pair.until(30, |pair| pair.times(P, Kind::PollRpl).len() > replies);
    let late = pair.sent.iter().rfind(|sent| sent.from == P && sent.bytes[1] == Kind::PollRpl.code()).cloned();
    pair.stop(P);
    pair.until(3, |pair| pair.state(F) == "Active");
    pair.again(&late.expect("a reply"));
    pair.run_for(Duration::from_millis(100));
    assert_eq!(pair.state(F), "Active");
}
