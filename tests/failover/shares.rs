//! Who may give an address: StrictShares both ways, MaxClockSkewSecs.

use std::collections::HashSet;
use std::time::Duration;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, ip};

const ONE: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";

const AUTOMATIC: &str = "[Subnet 10.1.0.0/24]\n[Range 10.1.0.50 - 10.1.0.99]\nAutomaticBootp = True\n\
    [Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";

/// A pair with one address, leases of a minute.
fn scarce() -> PairSetup {
    PairSetup::new().subnets(ONE).policy("DefaultLease = 60")
}

/// A primary out of contact whose only address ended when the failover may have renewed it.
fn unsettled(setup: &PairSetup) -> Pair {
    let mut pair = Pair::settled(setup);
    assert!(pair.lease(&Client::new(1)).is_some());
    pair.run(5);
    pair.wires.cut(P, F);
    pair.power_off(F);
    pair.run(200);
    pair
}

/// StrictShares True: out of contact, with no settled address left, the server stays silent.
#[test]
fn strict_shares_true_stays_silent_where_no_settled_address_is_left() {
    let mut pair = unsettled(&scarce().primary("StrictShares = True"));
    assert!(pair.lease(&Client::new(2)).is_none());
}

/// StrictShares False: it pings first, then gives.
#[test]
fn strict_shares_false_pings_first_and_then_gives() {
    let mut pair = unsettled(&scarce());
    let began = pair.elapsed();
    assert!(pair.lease(&Client::new(2)).is_some());
    assert!(pair.elapsed() - began >= Duration::from_millis(100), "not without the ping");
    let mut pair = unsettled(&scarce());
    pair.echoes.push(ip("10.1.0.50"));
    assert!(pair.lease(&Client::new(2)).is_none(), "somebody answers");
}

/// StrictShares, either way: a free address without a record is the primary's, at once.
#[test]
fn strict_shares_true_goes_on_giving_settled_addresses_out_of_contact() {
    let mut pair = Pair::settled(&PairSetup::new().primary("StrictShares = True"));
    pair.power_off(F);
    pair.run(60);
    let began = pair.elapsed();
    pair.lease_all(1..21);
    assert!(pair.elapsed() - began < Duration::from_secs(1), "no client waits");
}

/// MaxClockSkewSecs: an address that ended is given to another client so much later on the partner's clock.
#[test]
fn max_clock_skew_secs_is_the_margin_after_the_end_of_a_lease() {
    for (skew, offset) in [(5, 0_i64), (20, 0), (0, 0), (0, 12_000), (5, -9_000)] {
        let setup = scarce().both(&format!("MaxClockSkewSecs = {skew}")).failover("PollDelay = 0.2");
        let mut pair = Pair::new(&setup);
        pair.hosts[F].clock_offset = offset;
        pair.start_new(P);
        pair.start_new(F);
        pair.run(10);
        let began = pair.elapsed();
        assert!(pair.lease(&Client::new(1)).is_some());
        let mut given = None;
        for _ in 0..120 {
            pair.run_for(Duration::from_millis(500));
            if given.is_none() && pair.lease(&Client::new(2)).is_some() {
                given = Some((pair.elapsed() - began).as_secs());
            }
        }
        let offset = offset / 1000;
        let margin = offset.abs().max(skew);
        let earliest = (60 + margin - offset) as u64;
        let given = given.unwrap_or_else(|| panic!("never given, skew {skew}, offset {offset}"));
        assert!((earliest..=earliest + 5).contains(&given), "after {given} s, skew {skew}, offset {offset}");
    }
}

/// BOOTP clients, whose addresses are for ever, get them by the same rule: while both servers serve unheard by each
/// other, each gives its own.
#[test]
fn bootp_clients_of_two_servers_that_do_not_hear_each_other_get_different_addresses() {
    let mut pair = Pair::settled(&PairSetup::new().subnets(AUTOMATIC));
    pair.run(10);
    pair.wires.cut(P, F);
    pair.until(60, |pair| pair.state(F) == "Active");
    for number in 1..=5 {
        pair.give(P, &Client::new(number).bootp());
        pair.give(F, &Client::new(number + 10).bootp());
    }
    let given: HashSet<_> = pair.replies.iter().map(|(_, _, reply)| reply.yiaddr).collect();
    assert_eq!((pair.replies.len(), given.len()), (10, 10));
}
