//! Small-scope exhaustive search: two addresses, two clients, a primary and its failover, and every sequence of at most
//! so many steps, over the very code that ships: whole engines with their journals on simulated disks.
//!
//! A step is one datagram delivered, doubled, overtaken or lost, one message of a client (to both servers or one, its
//! answers lost or not), a crash with or without the loss of what was unsynced, a start, a cut, a heal, a server that
//! stands still, a planned stop, or time: to the next timer, past detection, past the end of a lease. A crash within a
//! turn needs no step of its own: before the commit it is a loss and a crash, after it a crash and the loss of what
//! left.
//!
//! Invariants of understudy-failover(7) that are checked: in each state 1 (both serve), 2 (two holders, refusals), 3
//! (journals hold what the servers go by and have told), 9 (no endless talk); of each message 1 (both acknowledge it,
//! an overtaken answer to a poll ends a service); from every so many new states the world is followed to its end, for 4
//! (equal and quiet after a heal) and 5 (somebody serves). Worlds with one fingerprint are searched from once;
//! `search/fingerprint.rs` says which are alike and why.
//!
//! Beside wide starts there are places near where one rule counts (`search/near.rs`): with all rules a search finds
//! nothing there, and `teeth.rs` leaves out the one.
//!
//! `DEPTH=n` searches deeper (`make model DEPTH=n`), `FOLLOW=n` follows every n-th state, `START=name` begins there
//! alone.

#[expect(dead_code, unused_imports, reason = "the claims of the RFCs use the rest")]
#[path = "../support/mod.rs"]
mod support;

mod search;
#[cfg(feature = "teeth")]
mod teeth;

use search::actions::Span;
use search::clients::{Reach, Word};
use search::near::Near;
use search::world::{Answers, Echo, F, P};
use search::{Action, Breach, Options, Shares, Start, canonical, search, story, walk};
use support::disk::Fate;

/// A number from the environment.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name}={text}: no number")))
}

/// Searches, prints what it came to, and fails with the story of a breach.
fn search_all(start: Start, depth: u64, options: Options) {
    if std::env::var("START").is_ok_and(|name| name != format!("{start:?}")) {
        println!("{start:?}: not searched, another START is asked for");
        return;
    }
    let options = Options { heal_every: number("FOLLOW", options.heal_every), ..options };
    let outcome = search(start, number("DEPTH", depth) as u32, &options);
    println!("{outcome}");
    if let Some((breach, path)) = &outcome.found {
        panic!("{breach}\n{}", story(start, &options, path).join("\n"));
    }
}

#[test]
fn no_way_from_a_new_pair_breaks_an_invariant() {
    search_all(Start::Fresh, 2, Options::default());
}

#[test]
fn no_way_from_a_pair_with_leases_breaks_an_invariant() {
    search_all(Start::Leased, 2, Options::default());
}

#[test]
fn no_way_from_two_that_serve_apart_breaks_an_invariant() {
    search_all(Start::Apart, 3, Options::default());
}

#[test]
fn no_way_from_a_cut_between_two_that_serve_breaks_an_invariant() {
    search_all(Start::Parted, 3, Options::default());
}

#[test]
fn no_way_from_a_lease_that_one_server_believes_ended_breaks_an_invariant() {
    search_all(Start::Extended, 3, Options::default());
}

#[test]
fn no_way_from_a_failover_that_serves_alone_breaks_an_invariant() {
    search_all(Start::Active, 3, Options::default());
}

#[test]
fn no_way_from_the_middle_of_the_return_breaks_an_invariant() {
    search_all(Start::Returning, 2, Options::default());
}

/// A step or two from where one rule counts all rules together hold; `teeth` leaves that one out there.
#[test]
fn near_where_one_rule_counts_no_way_breaks_an_invariant() {
    if std::env::var("START").is_ok() {
        return;
    }
    for (near, depth) in Near::ALL {
        let options = near.options();
        let options = if depth == 0 { Options { heal_every: 1, ..options } } else { options };
        let outcome = search(Start::Near(near), depth, &options);
        println!("{outcome}");
        if let Some((breach, path)) = &outcome.found {
            panic!("{breach}\n{}", story(Start::Near(near), &options, path).join("\n"));
        }
    }
}

/// With StrictShares = False a holder that answers pings keeps its address all the same.
#[test]
fn pings_keep_an_address_in_one_hand_where_shares_are_not_strict() {
    let options = Options { shares: Shares::PingFirst, ..Options::default() };
    search_all(Start::Parted, 3, options);
    search_all(Start::Extended, 3, options);
}

/// What that rests on: a holder that does not answer loses its address to another within three steps.
#[test]
fn where_shares_are_not_strict_an_address_is_as_safe_as_its_holder_answers() {
    let options = Options { shares: Shares::PingFirst, echo: Echo::Silent, ..Options::default() };
    let outcome = search(Start::Extended, 3, &options);
    println!("{outcome}");
    let found = outcome.found.map(|found| found.0);
    assert!(matches!(found, Some(Breach::TwoHolders(_))), "{found:?}");
}

/// Ways that searches found, with what was wrong then.
const FOUND: [(Start, &[Action]); 3] = [
    // The primary asked a closed port for control again and again, as fast as the refusals came.
    (Start::Returning, &[Action::Double(P), Action::Crash(F, Fate::Kept)]),
    // A failover that stood still in the return took what had waited for it for an answer to its poll.
    (Start::Returning, &[Action::Freeze(F), Action::Deliver(P, 0)]),
    // A primary whose requests were lost served beside a failover from which it heard that it served.
    (Start::Returning, &[Action::Part, Action::Freeze(P)]),
];

#[test]
fn ways_that_led_to_a_breach_once_lead_to_none() {
    let options = Options::default();
    for (start, path) in FOUND {
        if let Err(breach) = walk(start, &options, path) {
            panic!("{start:?}: {breach}\n{}", story(start, &options, path).join("\n"));
        }
    }
}

/// What is merged is alike, and what is not alike is not merged.
#[test]
fn a_fingerprint_is_the_same_for_two_orders_of_what_does_not_meet_and_another_after_every_step_that_counts() {
    let options = Options::default();
    let after = |path: &[Action]| {
        let mut world = Start::Leased.world(&options);
        world.acts(path);
        canonical(&world)
    };
    let renew = |client| Action::Say(client, (Word::Rebind, Reach::Only(P), Answers::Arrive));
    let both = [renew(0), renew(1)];
    assert_eq!(after(&[both[0], Action::Part]), after(&[Action::Part, both[0], Action::Part]), "cut before or after");
    assert_eq!(after(&[both[0], Action::Settle]), after(&[both[0], Action::Deliver(F, 0), Action::Settle]));
    let texts = [
        after(&[]),
        after(&both[..1]),
        after(&both[1..]),
        after(&[both[0], Action::Settle]),
        after(&[Action::Tick]),
        after(&[Action::Pass(Span::Half)]),
        after(&[Action::Crash(P, Fate::Kept)]),
        after(&[Action::Crash(P, Fate::Lost)]),
        after(&[Action::Cut(P)]),
    ];
    for (at, text) in texts.iter().enumerate() {
        assert!(!texts[..at].contains(text), "{at}: {text}");
    }
}
