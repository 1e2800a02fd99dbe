//! The failover watches: PollDelay, WaitPollRplSecs, PollRetryMax, and what counts as a reply.

use std::time::Duration;

use understudy::wire::failover::Kind;

use crate::support::Client;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;

/// The pauses between the polls of a pair in which all is well, in milliseconds.
fn pauses(setup: &PairSetup) -> Vec<u128> {
    let mut pair = Pair::new(setup);
    pair.start_new(P);
    pair.start_new(F);
    pair.run(400);
    let polls = pair.times(F, Kind::Poll);
    polls.windows(2).map(|two| (two[1] - two[0]).as_millis()).collect()
}

fn assert_pauses(setup: &PairSetup, secs: u128) {
    let pauses = pauses(setup);
    let count = (400 / secs - 2) as usize;
    assert!(pauses.len() >= count, "{} polls, {count} expected", pauses.len() + 1);
    let near = |pause: &u128| (secs * 1000..secs * 1000 + 20).contains(pause);
    assert!(pauses.iter().all(near), "{pauses:?}");
}

/// PollDelay of the failover: it sleeps so long between a reply and the next Poll.
#[test]
fn poll_delay_of_the_failover_is_the_sleep_between_a_reply_and_the_next_poll() {
    assert_pauses(&PairSetup::new().primary("PollDelay = 40"), 10);
}

/// PollDelay of the primary counts where the failover has none.
#[test]
fn poll_delay_of_the_primary_counts_where_the_failover_has_none() {
    assert_pauses(&PairSetup::new().failover("PollDelay =").primary("PollDelay = 40"), 40);
}

/// PollDelay: 60 where neither has one.
#[test]
fn poll_delay_is_60_where_neither_side_has_one() {
    assert_pauses(&PairSetup::new().failover("PollDelay ="), 60);
}

/// PollDelay with several primaries: polls are spread by a tenth either way.
#[test]
fn poll_delay_is_spread_by_a_tenth_where_there_are_several_primaries() {
    let another = "[Primary dhcp3]\nPrimaryIpAddr = 10.9.0.3\nFailoverKeyFile = /k\n";
    let pauses = pauses(&PairSetup::new().another_primary(another));
    assert!(pauses.iter().all(|pause| (9000..=11_020).contains(pause)), "{pauses:?}");
    let (least, most) = (pauses.iter().min().expect("polls"), pauses.iter().max().expect("polls"));
    assert!(most - least > 500, "{pauses:?}");
}

/// What a failover does from its first unanswered poll on: when it polls, when it serves.
fn death(setup: &PairSetup) -> (Vec<u128>, u128) {
    let mut pair = Pair::settled(setup);
    pair.run(5);
    pair.wires.way(P, F).cut = true;
    let cut = pair.elapsed();
    pair.until(200, |pair| pair.state(F) == "Probing");
    let first = pair.elapsed();
    assert!(first - cut <= Duration::from_secs(10), "within PollDelay");
    let served = pair.until(200, |pair| pair.state(F) == "Active");
    let until = first + served;
    let polls = pair.times_since(F, Kind::Poll, first).into_iter().filter(|at| first + *at < until);
    (polls.map(|at| at.as_millis()).collect(), served.as_millis())
}

/// WaitPollRplSecs, PollRetryMax: resends so many times, each after so long a wait, then serves.
#[test]
fn poll_retry_max_resends_wait_poll_rpl_secs_apart_and_then_the_failover_serves() {
    assert_eq!(death(&PairSetup::new()), (vec![0, 2000, 4000, 6000], 8000));
    let brisk = PairSetup::new().failover("WaitPollRplSecs = 0.5").failover("PollRetryMax = 1");
    assert_eq!(death(&brisk), (vec![0, 500], 1000));
}

/// PollRetryMax 0: one poll, not resent.
#[test]
fn poll_retry_max_0_serves_after_one_unanswered_poll() {
    assert_eq!(death(&PairSetup::new().failover("PollRetryMax = 0")), (vec![0], 2000));
}

/// WaitPollRplSecs: a reply within it keeps the failover asleep, however late.
#[test]
fn a_reply_within_wait_poll_rpl_secs_keeps_the_failover_asleep() {
    let mut pair = Pair::settled(&PairSetup::new().failover("PollRetryMax = 0"));
    for (from, to) in [(P, F), (F, P)] {
        pair.wires.way(from, to).delay = Duration::from_millis(990);
    }
    for _ in 0..600 {
        pair.run(1);
        assert!(matches!(pair.state(F), "Asleep" | "Probing"));
    }
}

/// WaitPollRplSecs (white paper): a binding update that arrives meanwhile is the reply.
#[test]
fn a_binding_update_counts_as_the_reply_to_a_poll() {
    let mut pair = Pair::settled(&PairSetup::new());
    let client = Client::new(1);
    let address = pair.lease(&client).expect("an address").1.yiaddr;
    pair.wires.way(P, F).loses = Some(Kind::PollRpl);
    for _ in 0..100 {
        pair.run(1);
        let _ = pair.ask(&client.renewing(address)).expect("a renewal");
        assert!(matches!(pair.state(F), "Asleep" | "Probing"), "{}", pair.state(F));
    }
    let silent = pair.until(60, |pair| pair.state(F) == "Active");
    assert!(silent <= Duration::from_secs(19), "without updates it is gone: {silent:?}");
}

/// Section 3: a closed port ends the wait early; the next poll follows 50 ms after the last at the earliest, and one
/// more poll after the refusals stays unanswered too.
#[test]
fn a_closed_port_shortens_the_wait_but_not_the_number_of_polls() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.kill(P);
    pair.until(20, |pair| pair.state(F) == "Probing");
    let first = pair.elapsed();
    let served = pair.until(20, |pair| pair.state(F) == "Active");
    assert!(served < Duration::from_millis(300), "{served:?}");
    let polls = pair.times_since(F, Kind::Poll, first);
    assert!(polls.len() >= 2, "{polls:?}");
    assert!(polls.windows(2).all(|two| two[1] - two[0] >= Duration::from_millis(50)), "{polls:?}");
}

/// Section 3: refusals of a primary that was never in contact in this run end no wait.
#[test]
fn a_closed_port_of_a_primary_never_heard_of_shortens_nothing() {
    let setup = PairSetup::new().failover("SyncBindings = False");
    let mut pair = Pair::new(&setup);
    pair.start_new(F);
    let served = pair.until(20, |pair| pair.state(F) == "Active");
    assert_eq!(served.as_millis(), 8000);
}

/// Section 6: after a yield within ten minutes twice as many polls must stay unanswered.
#[test]
fn a_one_way_cut_makes_the_next_takeover_need_more_unanswered_polls() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.wires.cut(P, F);
    pair.until(30, |pair| pair.state(F) == "Active");
    pair.wires.mend(P, F);
    pair.until(30, |pair| pair.state(F) == "Asleep");
    pair.wires.cut(P, F);
    pair.until(30, |pair| pair.state(F) == "Probing");
    let served = pair.until(60, |pair| pair.state(F) == "Active");
    assert_eq!(served.as_millis(), 16_000);
}
