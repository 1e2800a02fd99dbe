//! What a client waits for a partner of the server that it asks: nothing, or a time with a bound (section 10,
//! invariants 5 and 6).

use std::time::Duration;

use understudy::engine::Patience;
use understudy::wire::failover::Kind;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, kind};

/// Datagrams of a return at which the failover dies at most.
const STEPS_MAX: usize = 60;

const MILLI: Duration = Duration::from_millis(1);

/// A request for addresses counts as unanswered after this time.
const ANSWER_MAX: Duration = Duration::from_millis(200);
/// One ping, with time to spare.
const PING: Duration = Duration::from_millis(1_100);

/// A pair with brisk timers: half of 3 polls of 0.2 s is a standstill.
fn brisk() -> PairSetup {
    PairSetup::new()
        .failover("PollDelay = 0.2")
        .failover("WaitPollRplSecs = 0.2")
        .failover("PollRetryMax = 2")
        .primary("CtlReqRetryMax = 2")
        .primary("WaitCtlRetSecs = 0.3")
}

/// A pair in which every free address is the failover's, and no balancing goes on.
fn short(setup: PairSetup) -> Pair {
    let mut pair = Pair::settled(&setup.clone().primary("FailoverShare = 100"));
    pair.run(10);
    assert!(!pair.engine(P).server().bindings().shares().is_empty(), "the failover has its share");
    pair.reload(P, setup.primary("FailoverShare = 0").of_primary());
    pair.run(1);
    pair
}

/// How long a new client waits for its address.
fn wait_of(pair: &mut Pair, number: u16) -> Duration {
    let began = pair.elapsed();
    assert!(pair.lease(&Client::new(number)).is_some(), "client {number} gets no address");
    pair.elapsed() - began
}

/// Invariant 6: the failover stands still, contact has not lapsed, and nobody notices.
#[test]
fn no_client_of_a_primary_with_addresses_of_its_own_waits_for_a_frozen_failover() {
    let mut pair = Pair::settled(&brisk());
    pair.run(10);
    let held = pair.lease(&Client::new(1)).expect("a lease").1.yiaddr;
    pair.freeze(F);
    for number in 2..20 {
        assert_eq!(wait_of(&mut pair, number), Duration::ZERO);
        let began = pair.elapsed();
        let (_, ack) = pair.ask(&Client::new(1).rebinding(held)).expect("an answer");
        assert_eq!((ack.kind(), pair.elapsed() - began), (Some(kind::ACK), Duration::ZERO));
        pair.run_for(100 * MILLI);
    }
    assert_eq!(pair.state(P), "Serving");
}

/// Section 7, rule 4: the client whose message makes the primary ask has its answer after a round trip, not after it
/// has asked again.
#[test]
fn a_client_for_whom_the_partner_is_asked_is_answered_when_the_addresses_come() {
    let mut pair = short(PairSetup::new());
    assert!(wait_of(&mut pair, 1) <= 10 * MILLI);
    assert!(!pair.times(P, Kind::ShareReq).is_empty());
}

/// The same where what comes is the client's own former address: the change that brings it names the client, and is no
/// answer to it.
#[test]
fn a_client_whose_former_address_is_asked_for_is_answered_when_it_comes() {
    let one = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n";
    let mut pair = short(brisk().subnets(one));
    pair.control(P, "takeover failover");
    pair.until(10, |pair| pair.states() == ["Given", "Active"]);
    let client = Client::new(1);
    let (host, ack) = pair.lease(&client).expect("a lease");
    pair.give(host, &client.release(&ack));
    pair.control(P, "giveback failover");
    pair.until(10, |pair| pair.state(P) == "Serving");
    pair.run(60);
    let asks = pair.times(P, Kind::ShareReq).len();
    assert!(wait_of(&mut pair, 1) <= 10 * MILLI);
    assert!(pair.times(P, Kind::ShareReq).len() > asks, "the address was the failover's");
}

/// Invariant 6: with no address left that is its own, a primary asks its failover; one that stands still is waited for
/// once, and not as long as contact takes to lapse.
#[test]
fn a_primary_that_is_short_waits_a_fifth_of_a_second_for_a_frozen_failover_and_then_pings() {
    let mut pair = short(PairSetup::new());
    pair.freeze(F);
    let first = wait_of(&mut pair, 1);
    assert!((ANSWER_MAX..ANSWER_MAX + PING).contains(&first), "{first:?}");
    let second = wait_of(&mut pair, 2);
    assert!(second <= first - ANSWER_MAX + 2 * MILLI, "{second:?} after {first:?}: the ping alone");
    pair.thaw(F);
    pair.run(1);
    assert!(wait_of(&mut pair, 3) <= 10 * MILLI, "it answers again");
    assert_eq!(pair.state(P), "Serving");
    pair.run(5);
    pair.assert_equal();
}

/// The same where the failover has ended: its closed port ends the wait.
#[test]
fn a_primary_that_is_short_pings_at_once_where_the_failovers_port_is_closed() {
    let mut pair = short(PairSetup::new());
    pair.kill(F);
    let wait = wait_of(&mut pair, 1);
    assert!(wait < PING, "{wait:?}");
}

/// StrictShares: nothing is given that the failover has not given away, however long that takes.
#[test]
fn with_strict_shares_a_primary_that_is_short_stays_silent_until_the_failover_answers() {
    let mut pair = short(PairSetup::new().primary("StrictShares = True"));
    pair.freeze(F);
    assert!(pair.lease(&Client::new(1)).is_none());
    pair.thaw(F);
    pair.run(1);
    assert!(wait_of(&mut pair, 2) <= 10 * MILLI);
}

/// A failover that has none to give says so: nothing is given after a ping while it is there.
#[test]
fn a_failover_without_addresses_answers_and_the_client_gets_none() {
    let one = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";
    let mut pair = short(PairSetup::new().subnets(one));
    assert!(wait_of(&mut pair, 1) <= 10 * MILLI);
    let (began, replies) = (pair.elapsed(), pair.replies.len());
    assert!(pair.lease(&Client::new(2)).is_none());
    assert_eq!(pair.replies.len(), replies);
    let asks = pair.times_since(P, Kind::ShareReq, began);
    assert!((1..=8).contains(&asks.len()), "{asks:?}");
}

/// An address that was offered after a ping, in the time of silence, is asked for when the failover is back.
#[test]
fn an_offer_of_the_time_without_contact_is_good_after_it() {
    let mut pair = short(PairSetup::new());
    pair.freeze(F);
    let client = Client::new(1);
    let (_, offer) = pair.ask(&client.discover()).expect("an offer");
    pair.thaw(F);
    pair.run_for(5 * MILLI);
    let began = pair.elapsed();
    let (_, ack) = pair.ask(&client.selecting(&offer)).expect("an answer");
    assert_eq!((ack.kind(), ack.yiaddr), (Some(kind::ACK), offer.yiaddr));
    assert!(pair.elapsed() - began <= 10 * MILLI);
}

/// Sections 9 and 10: a primary that stood still asks; a failover that stands still too has one WaitPollRplSecs.
#[test]
fn a_primary_that_stood_still_for_less_than_the_polls_waits_once_for_a_silent_failover() {
    let mut pair = Pair::settled(&brisk());
    pair.run(1);
    pair.freeze(P);
    pair.run_for(350 * MILLI);
    pair.freeze(F);
    pair.thaw(P);
    assert_eq!(pair.state(P), "Claiming");
    let served = pair.until(5, |pair| pair.state(P) == "Serving");
    assert!(served <= 200 * MILLI, "{served:?}");
}

/// Section 9: after a standstill in which the failover may well have taken control, it has all the tries.
#[test]
fn a_primary_that_stood_still_for_longer_than_the_polls_tries_as_at_a_start() {
    let mut pair = Pair::settled(&brisk());
    pair.run(1);
    pair.freeze(P);
    pair.run_for(1_500 * MILLI);
    assert_eq!(pair.state(F), "Active");
    pair.freeze(F);
    pair.thaw(P);
    let served = pair.until(5, |pair| pair.state(P) == "Serving");
    assert_eq!(served, 900 * MILLI, "CtlReqRetryMax + 1 times WaitCtlRetSecs");
}

/// Section 9: out of contact a primary answers after a standstill as it did before.
#[test]
fn a_primary_out_of_contact_asks_nobody_after_a_standstill() {
    let mut pair = Pair::settled(&brisk());
    pair.power_off(F);
    pair.run(5);
    pair.freeze(P);
    pair.run_for(700 * MILLI);
    let client = Client::new(1);
    pair.give(P, &client.discover());
    let began = pair.elapsed();
    pair.thaw(P);
    assert_eq!(pair.state(P), "Serving");
    assert!(pair.replies.iter().any(|(at, server, _)| (*at, *server) == (began, P)), "what waited is answered");
}

/// Section 6: a primary that gave control and ended is not asked, whenever its failover stands still.
#[test]
fn a_failover_that_was_given_control_asks_nobody_after_a_standstill() {
    for pause in [0, 10, 40, 200, 1_200] {
        let mut pair = Pair::settled(&brisk());
        let held = pair.lease(&Client::new(1)).expect("a lease").1.yiaddr;
        pair.run(1);
        pair.stop(P);
        pair.until(3, |pair| pair.state(F) == "Active");
        pair.run_for(pause * MILLI);
        pair.freeze(F);
        pair.run_for(356 * MILLI);
        pair.give(F, &Client::new(1).rebinding(held));
        pair.thaw(F);
        let began = pair.elapsed();
        let answered = pair.replies.iter().any(|(at, server, _)| (*at, *server) == (began, F));
        assert!(answered, "{pause} ms after control was given");
    }
}

/// Section 9: a failover that took over on unanswered polls gives its primary a round trip to speak up.
#[test]
fn a_failover_out_of_contact_waits_a_fiftieth_of_a_second_after_a_standstill() {
    let mut pair = Pair::settled(&brisk());
    let held = pair.lease(&Client::new(1)).expect("a lease").1.yiaddr;
    pair.power_off(P);
    pair.until(5, |pair| pair.state(F) == "Active");
    pair.freeze(F);
    pair.run(30);
    pair.thaw(F);
    let began = pair.elapsed();
    assert!(pair.ask(&Client::new(1).rebinding(held)).is_some());
    assert!(pair.elapsed() - began <= 21 * MILLI, "{:?}", pair.elapsed() - began);
}

/// Section 9: in contact a failover that serves asks, and the primary's answer ends the wait.
#[test]
fn a_failover_in_contact_asks_after_a_standstill_until_it_is_answered() {
    let mut pair = Pair::settled(&brisk());
    let held = pair.lease(&Client::new(1)).expect("a lease").1.yiaddr;
    let _ = pair.control(F, "takeover dhcp1");
    pair.until(5, |pair| pair.states() == ["Given", "Active"]);
    pair.run(1);
    pair.wires.way(P, F).delay = 30 * MILLI;
    pair.freeze(F);
    pair.run_for(350 * MILLI);
    let asked = pair.elapsed();
    pair.thaw(F);
    assert!(pair.times_since(F, Kind::Poll, asked).contains(&Duration::ZERO));
    assert!(pair.ask(&Client::new(1).rebinding(held)).is_some());
    assert!(pair.elapsed() - asked >= 30 * MILLI, "not before the answer");
}

/// Section 9: in contact its polls have all their waits.
#[test]
fn a_failover_in_contact_serves_on_after_a_standstill_when_its_polls_stay_unanswered() {
    let mut pair = Pair::settled(&brisk());
    let held = pair.lease(&Client::new(1)).expect("a lease").1.yiaddr;
    let _ = pair.control(F, "takeover dhcp1");
    pair.until(5, |pair| pair.states() == ["Given", "Active"]);
    pair.run(1);
    pair.freeze(F);
    pair.run_for(350 * MILLI);
    pair.power_off(P);
    pair.thaw(F);
    let thawed = pair.elapsed();
    assert!(pair.ask(&Client::new(1).rebinding(held)).is_some());
    assert_eq!(pair.elapsed() - thawed, 600 * MILLI);
}

/// A pair whose failover serves, with changes of its own, and whose primary has just started.
fn returning() -> Pair {
    let mut pair = Pair::settled(&brisk().both("SyncBindingBufSize = 64"));
    pair.lease_all(1..16);
    pair.run(1);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.lease_all(10..26);
    pair.wires.way(P, F).delay = 2 * MILLI;
    pair.wires.way(F, P).delay = 2 * MILLI;
    pair.start(P);
    pair
}

/// The failover dies in the way of `death` once so many datagrams of the return have been sent: how long until the
/// primary serves all; none when the return was over before.
fn wait_after_death(death: impl Fn(&mut Pair, usize), count: usize) -> Option<Duration> {
    let mut pair = returning();
    let sent = pair.sent.len();
    let limit = pair.within(30);
    while pair.sent.len() < sent + count {
        if pair.state(P) == "Serving" {
            return None;
        }
        assert!(pair.step(limit));
    }
    death(&mut pair, F);
    Some(pair.until(60, |pair| pair.state(P) == "Serving"))
}

/// Section 6: the failover's process ends at any step of the return. Its closed port tells, though the primary had
/// nothing to say to it, and though its system says so only once. Before the first session the wait of the request
/// stands.
#[test]
fn when_the_failover_ends_in_a_return_its_closed_port_tells_within_a_fifth_of_a_second() {
    let death = |pair: &mut Pair, host| {
        pair.kill(host);
        pair.refusals = 1;
    };
    let waits: Vec<_> = (1..STEPS_MAX).step_by(2).map_while(|count| wait_after_death(death, count)).collect();
    assert!(waits.len() > 10, "{waits:?}");
    let first = waits.iter().position(|wait| *wait <= 210 * MILLI).expect("a port that tells");
    assert!(first <= 2 && waits[first..].iter().all(|wait| *wait <= 210 * MILLI), "{waits:?}");
}

/// The same where nothing tells: the polls that a failover sends while it gives back stay away for as long as would
/// make a takeover, and one more; then it is asked in vain.
#[test]
fn when_the_failover_falls_silent_in_a_return_its_missing_polls_tell() {
    let waits: Vec<_> = (1..STEPS_MAX).step_by(2).map_while(|count| wait_after_death(Pair::power_off, count)).collect();
    assert!(waits.len() > 10, "{waits:?}");
    // (PollRetryMax + 2) x WaitPollRplSecs, then (CtlReqRetryMax + 1) x WaitCtlRetSecs.
    assert!(waits.iter().all(|wait| *wait <= 1_705 * MILLI), "{waits:?}");
}

/// Section 2: with unequal SyncBindingBufSize changes of the failover cannot come, so that nothing is won by waiting
/// for them: heartbeat and CtlReq work on, and a primary that comes back serves as soon as its sleeping failover has
/// answered.
#[test]
fn a_primary_with_another_buffer_size_serves_as_soon_as_its_sleeping_failover_has_answered() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.lease_all(1..4);
    pair.wires.cut(P, F);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.lease_all(4..8);
    pair.reload(P, PairSetup::new().primary("SyncBindingBufSize = 512").of_primary());
    pair.wires.mend(P, F);
    pair.until(20, |pair| pair.state(F) == "Asleep");
    pair.kill(P);
    pair.start(P);
    let served = pair.until(30, |pair| pair.state(P) == "Serving");
    assert!(served <= 20 * MILLI, "{served:?}");
    assert!(["Asleep", "Syncing"].contains(&pair.state(F)) && pair.double == 0, "{:?}", pair.states());
    assert!(wait_of(&mut pair, 9) <= 10 * MILLI);
}

/// `--wait-for-partner` is about the first contact: a primary that had it loses its failover like any other.
#[test]
fn wait_for_partner_ends_with_the_first_contact() {
    let mut pair = Pair::new(&brisk());
    pair.hosts[P].patience = Patience::WaitForPartner;
    pair.start_new(P);
    pair.start_new(F);
    pair.until(10, |pair| pair.states() == ["Serving", "Asleep"]);
    pair.run(1);
    pair.power_off(F);
    pair.freeze(P);
    pair.run_for(350 * MILLI);
    pair.thaw(P);
    assert_eq!(pair.state(P), "Claiming");
    pair.until(5, |pair| pair.state(P) == "Serving");
}

/// Section 3: a key is rotated step by step, with reloads, while a client asks all the time. Each message is answered
/// in the turn in which it came, and the session goes on.
#[test]
fn a_rotation_of_the_key_delays_no_answer() {
    let mut pair = Pair::settled(&brisk());
    let held = pair.lease(&Client::new(1)).expect("a lease").1.yiaddr;
    pair.run(1);
    let hellos = pair.times(P, Kind::Hello).len() + pair.times(F, Kind::Hello).len();
    let steps = ["/k /old-new", "/old-new /old-new", "/new-old /new-old", "/wrong /new-old", "/wrong /wrong"];
    for step in steps {
        let (of_primary, of_failover) = step.split_once(' ').expect("two files");
        let setup = brisk().primary(&format!("FailoverKeyFile = {of_primary}"));
        let setup = setup.failover(&format!("FailoverKeyFile = {of_failover}"));
        for count in 0..100 {
            match count {
                10 => pair.reload(P, setup.of_primary()),
                30 => pair.reload(F, setup.of_failover()),
                _ => {}
            }
            let began = pair.elapsed();
            let (server, ack) = pair.ask(&Client::new(1).rebinding(held)).expect("an answer");
            assert_eq!((server, ack.kind(), pair.elapsed() - began), (P, Some(kind::ACK), Duration::ZERO), "{step}");
            pair.run_for(10 * MILLI);
        }
        assert_eq!(pair.states(), ["Serving", "Asleep"], "{step}");
    }
    assert_eq!(pair.times(P, Kind::Hello).len() + pair.times(F, Kind::Hello).len(), hellos, "one session");
    pair.assert_equal();
}

/// Section 7, rule 4: the answer to a request for addresses sets free what waits for it, and holds nothing up: a client
/// that was served a moment ago, and asks anew in the turn in which the answer comes, is answered at once.
#[test]
fn a_client_that_asks_as_the_partner_answers_is_not_taken_for_one_that_the_partner_has_answered() {
    let mut pair = Pair::settled(&brisk());
    for way in [(P, F), (F, P)] {
        pair.wires.way(way.0, way.1).delay = 10 * MILLI;
    }
    let client = Client::new(1);
    assert!(pair.lease(&client).is_some());
    let asked = pair.elapsed();
    pair.until(1, |pair| !pair.times_since(P, Kind::ShareReq, asked).is_empty());
    pair.freeze(P);
    pair.run_for(30 * MILLI);
    pair.give(P, &client.discover());
    let began = pair.elapsed();
    pair.thaw(P);
    assert!(pair.replies.iter().any(|(at, server, _)| (*at, *server) == (began, P)), "it is silent");
}
