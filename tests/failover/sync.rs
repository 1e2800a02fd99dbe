//! The failover starts: SyncBindings, SyncReqRetryMax, WaitSyncStartSecs, SyncFailCritical, WaitSyncBindUpdateSecs.

use std::time::Duration;

use understudy::wire::failover::Kind;

use crate::support::log_lines;
use crate::support::pair::{Ended, F, P, Pair};
use crate::support::pair_setup::PairSetup;

fn secs(all: &[u64]) -> Vec<Duration> {
    all.iter().map(|&secs| Duration::from_secs(secs)).collect()
}

/// A failover that starts alone.
fn alone(setup: &PairSetup) -> Pair {
    let mut pair = Pair::new(setup);
    pair.wires.cut(P, F);
    pair.start_new(F);
    pair
}

/// A primary with leases, and a failover that has not started.
fn with_leases(setup: &PairSetup) -> Pair {
    let mut pair = Pair::new(setup);
    pair.start_new(P);
    pair.until(60, |pair| pair.state(P) == "Serving");
    pair.lease_all(1..41);
    pair
}

/// SyncBindings True: everything is there before the first poll.
#[test]
fn sync_bindings_asks_for_all_bindings_at_start() {
    let mut pair = with_leases(&PairSetup::new());
    pair.start_new(F);
    pair.until(10, |pair| pair.state(F) == "Asleep");
    pair.assert_equal();
    assert_eq!(pair.table(F).len(), 40);
}

/// SyncBindings False: no SyncReq; it polls at once.
#[test]
fn sync_bindings_false_asks_for_nothing_and_polls_at_once() {
    let mut pair = with_leases(&PairSetup::new().failover("SyncBindings = False"));
    let start = pair.elapsed();
    pair.start_new(F);
    pair.until(10, |pair| pair.state(F) == "Asleep");
    assert!(pair.times(F, Kind::SyncReq).is_empty());
    assert!(pair.times_since(F, Kind::Poll, start)[0] < Duration::from_millis(2));
    pair.run(30);
    pair.assert_equal();
}

/// SyncReqRetryMax, WaitSyncStartSecs: SyncReq is resent so many times, each after so long a wait; then, with
/// SyncFailCritical False, it polls.
#[test]
fn sync_req_retry_max_resends_wait_sync_start_secs_apart_and_then_it_polls() {
    let mut pair = alone(&PairSetup::new().failover("SyncReqRetryMax = 2").failover("WaitSyncStartSecs = 3"));
    let failed = pair.until(60, |pair| pair.state(F) == "Probing");
    assert_eq!(failed, Duration::from_secs(9));
    pair.until(60, |pair| pair.state(F) == "Active");
    assert_eq!(pair.elapsed(), Duration::from_secs(17));
    assert_eq!(pair.times(F, Kind::SyncReq), secs(&[0, 3, 6]));
    assert_eq!(pair.times(F, Kind::Poll)[..4], secs(&[9, 11, 13, 15]));
}

/// SyncReqRetryMax, WaitSyncStartSecs: 3 and 5 where nothing is written; SyncReqRetryMax 0 asks once.
#[test]
fn sync_req_retry_max_is_3_and_wait_sync_start_secs_5_by_default() {
    let mut pair = alone(&PairSetup::new());
    pair.run(60);
    assert_eq!(pair.times(F, Kind::SyncReq), secs(&[0, 5, 10, 15]));
    let mut pair = alone(&PairSetup::new().failover("SyncReqRetryMax = 0"));
    pair.run(60);
    assert_eq!(pair.times(F, Kind::SyncReq), secs(&[0]));
}

/// WaitSyncStartSecs 0: for ever, a SyncReq every 5 s, never serving; the primary that comes at last is heard.
#[test]
fn wait_sync_start_secs_0_waits_for_ever_and_asks_every_5_s() {
    let mut pair = alone(&PairSetup::new().failover("WaitSyncStartSecs = 0").failover("SyncReqRetryMax = 1"));
    log_lines::collect();
    pair.run(3600);
    assert_eq!(pair.state(F), "Syncing");
    let told = log_lines::lines().iter().filter(|(_, line)| line.contains("no answer to a request")).count();
    assert!((59..=61).contains(&told), "a warning a minute: {told}");
    let asked = pair.times(F, Kind::SyncReq);
    assert!((719..=721).contains(&asked.len()), "{}", asked.len());
    assert!(asked.windows(2).all(|two| two[1] - two[0] == Duration::from_secs(5)));
    pair.wires.mend(P, F);
    pair.start_new(P);
    pair.run(10);
    assert_eq!(pair.states(), ["Serving", "Asleep"]);
}

/// SyncFailCritical True: the server ends when no SyncStart came.
#[test]
fn sync_fail_critical_ends_the_server_when_sync_req_retry_max_is_used_up() {
    let setup = PairSetup::new().failover("SyncFailCritical = True").failover("SyncReqRetryMax = 1");
    let mut pair = alone(&setup);
    pair.run(60);
    assert_eq!(pair.hosts[F].ended, Some((Duration::from_secs(10), Ended::SyncFailed)));
}

/// SyncFailCritical concerns the sync at start: the primary that starts anew and dies does not end the failover.
#[test]
fn sync_fail_critical_concerns_the_sync_at_start_alone() {
    let mut pair = Pair::settled(&PairSetup::new().failover("SyncFailCritical = True"));
    pair.kill(P);
    pair.start(P);
    pair.until(5, |pair| pair.state(F) == "Syncing" || pair.state(P) == "Serving");
    pair.power_off(P);
    pair.run(120);
    assert_eq!(pair.state(F), "Active");
}

/// SyncFailCritical: applies only with SyncBindings True.
#[test]
fn sync_fail_critical_means_nothing_without_sync_bindings() {
    let setup = PairSetup::new().failover("SyncFailCritical = True").failover("SyncBindings = False");
    let mut pair = alone(&setup);
    pair.run(120);
    assert_eq!(pair.state(F), "Active");
}

/// A failover that lost its primary in the middle of the sync: how long after, and its server.
fn interrupted(setup: &PairSetup) -> (Duration, Pair) {
    let mut pair = with_leases(&setup.clone().both("SyncBindingBufSize = 64"));
    pair.wires.way(P, F).delay = Duration::from_millis(20);
    pair.start_new(F);
    pair.until(10, |pair| pair.times(P, Kind::SyncStart).len() == 1 && !pair.times(F, Kind::BindAck).is_empty());
    pair.wires.way(P, F).cut = true;
    let cut = pair.elapsed();
    pair.until(60, |pair| pair.state(F) != "Syncing");
    (pair.elapsed() - cut, pair)
}

/// WaitSyncBindUpdateSecs: no update for so long: the sync has failed, the failover polls.
#[test]
fn wait_sync_bind_update_secs_without_an_update_fails_the_sync() {
    let (waited, pair) = interrupted(&PairSetup::new().failover("WaitSyncBindUpdateSecs = 4"));
    assert_eq!(pair.state(F), "Probing");
    assert!((3900..=4000).contains(&waited.as_millis()), "{waited:?}");
    let (waited, _) = interrupted(&PairSetup::new());
    assert!((9900..=10_000).contains(&waited.as_millis()), "10 by default: {waited:?}");
}

/// WaitSyncBindUpdateSecs with SyncFailCritical: the server ends.
#[test]
fn sync_fail_critical_ends_the_server_when_updates_stop_for_wait_sync_bind_update_secs() {
    let (_, pair) = interrupted(&PairSetup::new().failover("SyncFailCritical = True"));
    assert!(matches!(pair.hosts[F].ended, Some((_, Ended::SyncFailed))));
}

/// WaitSyncBindUpdateSecs, section 6: the primary dies in the middle of the sync, its host up or not: the sync has
/// failed, then the polls, then the failover serves; with control in its journal too.
#[test]
fn a_primary_that_dies_during_the_sync_is_replaced_after_wait_sync_bind_update_secs_and_the_polls() {
    for (is_refused, had_control) in [(false, false), (true, false), (false, true), (true, true)] {
        // Many times the pieces that are under way at once.
        let wide = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.20 - 10.1.0.219\n";
        let setup = PairSetup::new().failover("WaitSyncBindUpdateSecs = 4").both("SyncBindingBufSize = 64");
        let mut pair = with_leases(&setup.subnets(wide));
        pair.lease_all(41..121);
        if had_control {
            pair.start_new(F);
            pair.until(10, |pair| pair.state(F) == "Asleep");
            pair.wires.cut(P, F);
            pair.until(60, |pair| pair.state(F) == "Active");
            pair.lease_all(1..21);
            pair.power_off(F);
            pair.lease_all(1..121);
            pair.wires.mend(P, F);
        }
        pair.wires.way(P, F).delay = Duration::from_millis(20);
        if had_control {
            pair.start(F);
        } else {
            pair.start_new(F);
        }
        // Bindings come, and SyncStart before them.
        pair.until(10, |pair| {
            let asked = pair.times(F, Kind::SyncReq).last().copied().unwrap_or_default();
            !pair.times_since(F, Kind::BindAck, asked + Duration::from_millis(21)).is_empty()
        });
        assert_eq!(pair.state(F), "Syncing");
        if is_refused {
            pair.kill(P);
        } else {
            pair.power_off(P);
        }
        let died = pair.elapsed();
        pair.until(60, |pair| pair.state(F) != "Syncing");
        let failed = (pair.elapsed() - died).as_millis();
        assert!((3900..=4100).contains(&failed) && pair.state(F) == "Probing", "{failed} ms, {}", pair.state(F));
        let served = pair.until(60, |pair| pair.state(F) == "Active").as_millis();
        // Refusals shorten the waits, not the number of polls.
        let expected = if is_refused { 100..=400 } else { 8000..=8000 };
        assert!(expected.contains(&served), "{served} ms, refused {is_refused}");
        pair.lease_all(1..31);
        pair.start(P);
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(15);
        pair.assert_equal();
    }
}

/// Section 6: a failover that restarts with control in its journal serves again only if its polls stay unanswered: a
/// primary that answers them serves, whatever became of the request for its bindings.
#[test]
fn a_failover_that_restarts_with_control_stays_silent_when_its_poll_is_answered() {
    let mut pair = with_leases(&PairSetup::new());
    pair.start_new(F);
    pair.until(10, |pair| pair.state(F) == "Asleep");
    pair.wires.cut(P, F);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.kill(F);
    pair.wires.mend(P, F);
    pair.wires.way(P, F).loses = Some(Kind::SyncStart);
    pair.start(F);
    for _ in 0..600 {
        pair.run_for(Duration::from_millis(100));
        assert_ne!(pair.state(F), "Active", "after {:?}", pair.elapsed());
    }
    assert_eq!((pair.states().join(" "), pair.double), ("Serving Asleep".to_owned(), 0));
}

/// The wait for updates costs no turns: the engine sleeps until something is due.
#[test]
fn a_failover_that_waits_for_updates_does_not_spin() {
    let setup = PairSetup::new().failover("WaitSyncStartSecs = 0.1").failover("WaitSyncBindUpdateSecs = 30");
    let before = |pair: &Pair| pair.hosts[F].turns;
    let mut pair = with_leases(&setup.both("SyncBindingBufSize = 64"));
    pair.wires.way(P, F).delay = Duration::from_millis(20);
    pair.start_new(F);
    pair.until(10, |pair| !pair.times(F, Kind::BindAck).is_empty());
    pair.wires.way(P, F).cut = true;
    let turns = before(&pair);
    pair.run(20);
    assert!(before(&pair) - turns < 50, "{} turns in 20 s", before(&pair) - turns);
}
