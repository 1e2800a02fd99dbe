//! A process that stands still for 30 s, longer than its partner waits, in each state of both machines (section 9): it
//! asks before it answers, and what waited for it gets no second answer.

use std::time::Duration;

use understudy::server::event::PartnerId;
use understudy::wire::failover::Kind;

use super::places::{Place, settle};
use crate::support::pair::{F, P, Pair};
use crate::support::pair_clients::Holders;
use crate::support::pair_setup::PairSetup;

const PLACES: [Place; 9] = [
    Place::Serving,
    Place::Probing,
    Place::Active,
    Place::Parted,
    Place::Claiming,
    Place::ClaimingOfAsleep,
    Place::Receiving,
    Place::Given,
    Place::Syncing,
];

/// Freezes `host` at `place` for 30 s; `mended` says whether what holds the two apart ends meanwhile, or after it.
fn freeze(place: Place, host: usize, mended: bool) {
    let mut pair = Pair::settled(&PairSetup::new());
    let mut holders = Holders::default();
    holders.join(&mut pair, 1..21);
    pair.run(12);
    place.reach(&mut pair, &mut holders);
    let from = pair.elapsed();
    pair.freeze(host);
    if mended && pair.state(P) != "-" {
        place.leave(&mut pair);
    }
    holders.renew_for(&mut pair, Duration::from_secs(30), Duration::from_millis(500));
    let before = pair.replies.len();
    let thawed = pair.elapsed();
    let state = pair.state(host);
    pair.thaw(host);
    let at_once = pair.replies[before..].iter().filter(|reply| reply.1 == host).count();
    // A primary that was out of contact before has nobody to ask.
    let waits = place != Place::Parted || host == F;
    assert!(at_once == 0 || !waits, "{at_once} answers before it asked");
    let asks = match state {
        "Active" | "Returning" => Some(Kind::Poll),
        "Serving" | "Receiving" if place != Place::Parted => Some(Kind::CtlReq),
        _ => None,
    };
    let asked = asks.map(|kind| pair.times_since(host, kind, thawed));
    assert!(asked.as_ref().is_none_or(|times| !times.is_empty()), "it did not ask in {state}");
    holders.renew_for(&mut pair, Duration::from_secs(2), Duration::from_millis(20));
    let first = pair.replies[before..].iter().find(|reply| reply.1 == host).map(|reply| reply.0);
    let answered = thawed + Duration::from_millis(2);
    assert!(!waits || first.is_none_or(|first| first >= answered), "an answer before the partner's");
    if !mended || pair.state(P) == "-" {
        place.leave(&mut pair);
    }
    settle(&mut pair, &mut holders);
    holders.all_renew(&mut pair, (P, &[1, 2]));
    pair.run(2);
    pair.assert_equal();
    // Two that cannot hear each other both serve.
    let heals = matches!(place, Place::Parted | Place::Probing | Place::Claiming);
    holders.check(&pair, if heals { thawed + Duration::from_secs(12) } else { from });
}

fn freeze_all(host: usize) {
    for place in PLACES {
        for mended in [false, true] {
            if place.states()[host] == "-" {
                continue;
            }
            let ended = std::panic::catch_unwind(|| freeze(place, host, mended));
            assert!(ended.is_ok(), "server {host} frozen in {place:?}, mended meanwhile: {mended}");
        }
    }
}

/// Section 9, section 11: the primary stands still for 30 s, in each state.
#[test]
fn a_primary_frozen_for_30_s_in_any_state_asks_before_it_answers() {
    freeze_all(P);
}

/// Section 9, section 11: the failover stands still for 30 s, in each state.
#[test]
fn a_failover_frozen_for_30_s_in_any_state_asks_before_it_answers() {
    freeze_all(F);
}

/// Sections 6 and 9: what the failover said of a return waits for a primary that stood still, and the failover has
/// taken control back since. Nothing of it gives the primary a subnet, whenever it stopped.
#[test]
fn a_return_of_before_a_standstill_gives_the_primary_nothing() {
    for steps in 0..60 {
        let mut pair = Pair::settled(&PairSetup::new());
        pair.lease_all(1..6);
        pair.run(1);
        pair.power_off(P);
        pair.until(60, |pair| pair.state(F) == "Active");
        pair.start(P);
        let limit = pair.within(30);
        for _ in 0..steps {
            pair.step(limit);
        }
        let is_over = pair.states() == ["Serving", "Asleep"];
        pair.freeze(P);
        pair.until(90, |pair| pair.state(F) == "Active");
        let subnets: Vec<_> = pair.hosts[P].config.subnets.iter().map(|subnet| subnet.network).collect();
        pair.thaw(P);
        let both = subnets.iter().filter(|subnet| pair.serves(P, **subnet) && pair.serves(F, **subnet)).count();
        assert_eq!(both, 0, "stopped after {steps} steps, {:?}", pair.states());
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        assert_eq!(pair.double, 0, "stopped after {steps} steps");
        if is_over {
            return;
        }
    }
}

/// Section 9: a word that waited for a server that stood still out of contact is no contact of now, though it
/// acknowledges all that was sent before.
#[test]
fn an_answer_of_before_a_standstill_is_no_contact() {
    for (host, other) in [(P, F), (F, P)] {
        let mut pair = Pair::settled(&PairSetup::new());
        pair.lease_all(1..6);
        pair.run(1);
        pair.wires.cut(P, F);
        pair.until(60, |pair| pair.state(F) == "Active");
        pair.run(60);
        pair.wires.mend(P, F);
        pair.wires.way(other, host).delay = Duration::from_millis(50);
        let sent = pair.sent.len();
        let limit = pair.within(30);
        while !pair.sent[sent..].iter().any(|sent| sent.from == other) {
            assert!(pair.step(limit), "no word of the other one");
        }
        pair.freeze(host);
        pair.run(30);
        pair.wires.cut(P, F);
        pair.thaw(host);
        let in_contact = |pair: &Pair| {
            let failover = pair.engine(host).server().failover();
            failover.is_in_contact(Some(PartnerId(0)), pair.within(0))
        };
        assert!(!in_contact(&pair), "host {host}");
        pair.run(1);
        assert!(!in_contact(&pair), "host {host}");
    }
}
