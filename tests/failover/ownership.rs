//! Section 7, rules 4, 5 and 10: balanced shares, ShareReq both ways, StrictShares on both servers, partner-down.

use std::time::Duration;

use understudy::lease::Side;
use understudy::wire::failover::Kind;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, ip};

const FOUR: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.53\n";

/// Addresses of the first range that are a server's while they have no binding, as `host` sees it.
fn share(pair: &Pair, host: usize, side: Side) -> u64 {
    let bindings = pair.engine(host).server().bindings();
    let pool = bindings.pools().of(ip("10.1.0.50")).expect("a range");
    bindings.shares().size_within(bindings.pools().pool(pool), side)
}

/// A failover that serves alone after the primary died.
fn alone(mut pair: Pair) -> Pair {
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair
}

/// Whether a new client gets an address, and whether it had to wait for a ping.
fn new_client(pair: &mut Pair, number: u16) -> Option<bool> {
    let began = pair.elapsed();
    pair.lease(&Client::new(number))?;
    Some(pair.elapsed() - began >= Duration::from_millis(100))
}

/// Rule 4, FailoverShare: so much of each range is the failover's, on both servers, soon after the first contact; one
/// address stays with the primary, so that a new client there need not ask twice.
#[test]
fn balancing_gives_the_failover_its_share_of_each_range() {
    for (percent, expected) in [(0, 0), (10, 5), (50, 25), (100, 50)] {
        let pair = Pair::settled(&PairSetup::new().primary(&format!("FailoverShare = {percent}")));
        for host in [P, F] {
            assert_eq!(share(&pair, host, Side::Secondary), expected, "{percent} per cent");
        }
    }
}

/// Rule 4: a primary that runs out of addresses of its own asks its failover, which gives down to none.
#[test]
fn a_primary_that_runs_short_asks_its_failover_for_addresses() {
    let mut pair = Pair::settled(&PairSetup::new().subnets(FOUR).primary("FailoverShare = 100"));
    assert_eq!(share(&pair, P, Side::Primary), 0);
    for number in 1..5 {
        let client = Client::new(number);
        let mut tries = 0;
        while pair.lease(&client).is_none() {
            tries += 1;
            assert!(tries < 3, "client {number} gets nothing");
        }
    }
    assert!(!pair.times(P, Kind::ShareReq).is_empty());
    assert!(pair.replies.iter().all(|reply| reply.1 == P));
}

/// Rule 4: a failover that serves in contact asks its primary.
#[test]
fn a_failover_that_runs_short_in_contact_asks_its_primary_for_addresses() {
    let mut pair = Pair::settled(&PairSetup::new().subnets(FOUR).primary("FailoverShare = 0"));
    pair.control(P, "takeover failover");
    pair.until(10, |pair| pair.states() == ["Given", "Active"]);
    for number in 1..5 {
        let client = Client::new(number);
        let mut tries = 0;
        while pair.lease(&client).is_none() {
            tries += 1;
            assert!(tries < 3, "client {number} gets nothing");
        }
    }
    assert!(!pair.times(F, Kind::ShareReq).is_empty());
    assert!(pair.replies.iter().all(|reply| reply.1 == F));
    pair.run(2);
    pair.assert_equal();
}

/// Rule 5, StrictShares, told to the failover: after its own share it pings or is silent, as its primary says.
#[test]
fn strict_shares_of_the_primary_is_obeyed_by_its_failover() {
    for (strict, expected) in [("False", Some(true)), ("True", None)] {
        let setup = PairSetup::new().subnets(FOUR).primary(&format!("StrictShares = {strict}"));
        let mut pair = alone(Pair::settled(&setup));
        let own = [new_client(&mut pair, 1), new_client(&mut pair, 2)];
        assert_eq!(own, [Some(false); 2], "its share needs no ping");
        assert_eq!(new_client(&mut pair, 3), expected, "StrictShares = {strict}");
    }
}

/// Rule 5: a failover that starts alone goes by what its primary told in its last run.
#[test]
fn a_failover_that_restarts_while_its_primary_is_dead_still_obeys_strict_shares() {
    for (strict, expected) in [("False", Some(true)), ("True", None)] {
        let setup = PairSetup::new().primary("FailoverShare = 0").primary(&format!("StrictShares = {strict}"));
        let mut pair = Pair::settled(&setup);
        pair.power_off(P);
        pair.power_off(F);
        pair.start(F);
        pair.until(120, |pair| pair.state(F) == "Active");
        assert_eq!(new_client(&mut pair, 3), expected, "StrictShares = {strict}");
    }
}

/// Rule 5: a reload of the primary reaches the failover without a restart of either.
#[test]
fn strict_shares_that_a_reload_changed_holds_on_the_failover_too() {
    for (before, after, expected) in [("False", "True", None), ("True", "False", Some(true))] {
        let setup = PairSetup::new().primary("FailoverShare = 0");
        let mut pair = Pair::settled(&setup.clone().primary(&format!("StrictShares = {before}")));
        pair.reload(P, setup.primary(&format!("StrictShares = {after}")).of_primary());
        pair.run(12);
        let mut pair = alone(pair);
        assert_eq!(new_client(&mut pair, 3), expected, "{before} to {after}");
    }
}

/// Rule 5: the ping is forced where PingBeforeAssign is off, and an address that answers it is not given.
#[test]
fn the_ping_is_forced_on_the_failover_where_ping_before_assign_is_off() {
    let setup = PairSetup::new().subnets(FOUR).policy("PingBeforeAssign = False").primary("FailoverShare = 0");
    let mut pair = alone(Pair::settled(&setup));
    pair.echoes.extend(["10.1.0.50", "10.1.0.51", "10.1.0.53"].map(ip));
    let mut given = None;
    for _ in 0..4 {
        given = given.or_else(|| pair.lease(&Client::new(3)));
    }
    assert_eq!(given.map(|(_, ack)| ack.yiaddr), Some(ip("10.1.0.52")));
}

/// Rule 10: partner-down lets a server with StrictShares give its partner's addresses, after a ping, until the partner
/// has been in contact; then the rules hold again.
#[test]
fn partner_down_frees_the_partners_addresses_until_it_has_been_in_contact() {
    let setup = PairSetup::new().subnets(FOUR).primary("StrictShares = True").policy("DefaultLease = 600");
    let mut pair = Pair::settled(&setup);
    pair.power_off(F);
    pair.run(60);
    assert_eq!([1, 2].map(|number| new_client(&mut pair, number)), [Some(false); 2]);
    assert_eq!(new_client(&mut pair, 3), None);
    assert!(pair.control(P, "partner-down failover").starts_with("ok"));
    assert_eq!(new_client(&mut pair, 3), Some(true));
    assert!(pair.control(P, "status").contains("partner-down: an operator's word"));
    pair.power_off(P);
    pair.start(P);
    pair.until(60, |pair| pair.state(P) == "Serving");
    assert_eq!(new_client(&mut pair, 4), Some(true), "the word survives a restart");
    pair.start(F);
    pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
    pair.run(2);
    assert!(!pair.control(P, "status").contains("operator's word"));
    pair.assert_equal();
    pair.power_off(F);
    pair.run(700);
    assert_eq!(new_client(&mut pair, 5), None, "what ended out of contact is not settled");
}

/// Rule 10, on the failover; and what it granted itself is given again by its own clock, without a ping.
#[test]
fn partner_down_on_the_failover_gives_again_at_once_what_it_gave_last() {
    let setup = PairSetup::new().subnets(FOUR).primary("StrictShares = True").policy("DefaultLease = 60");
    let mut pair = alone(Pair::settled(&setup));
    assert_eq!([1, 2].map(|number| new_client(&mut pair, number)), [Some(false); 2]);
    pair.run(100);
    assert_eq!(new_client(&mut pair, 3), None);
    assert!(pair.control(F, "partner-down dhcp1").starts_with("ok"));
    assert_eq!(new_client(&mut pair, 3), Some(false), "its own grant has ended");
}

/// Rule 5: status tells how many own addresses are free, how many of them are settled, and StrictShares, on both sides.
#[test]
fn status_tells_how_many_settled_addresses_are_left() {
    let setup = PairSetup::new().subnets(FOUR).primary("StrictShares = True").policy("DefaultLease = 60");
    let mut pair = Pair::settled(&setup);
    let own = "own free addresses 2, settled 2, StrictShares True";
    for (host, partner) in [(P, "failover"), (F, "dhcp1")] {
        let status = pair.control(host, "status");
        assert!(status.contains(&format!("partner {partner}: {own}\n")), "{status}");
    }
    assert!(new_client(&mut pair, 1).is_some());
    let status = pair.control(P, "status --json");
    assert!(status.contains("\"free_own\":1,\"free_settled\":1,\"strict_shares\":true"), "{status}");
    pair.power_off(F);
    pair.run(200);
    let status = pair.control(P, "status --json");
    assert!(status.contains("\"free_own\":2,\"free_settled\":1,"), "the lease ended out of contact: {status}");
    assert!(status.contains("\"unsettled_grants\":0"), "{status}");
    assert_eq!(new_client(&mut pair, 2), Some(false));
    assert_eq!(new_client(&mut pair, 3), None);
    assert!(pair.control(P, "status").contains("own free addresses 1, settled 0, StrictShares True"));
}

/// Each server counts its own.
#[test]
fn status_of_each_server_counts_its_own_share() {
    let mut pair = Pair::settled(&PairSetup::new().subnets(FOUR));
    pair.lease_all(1..2);
    pair.run(10);
    for host in [P, F] {
        let status = pair.control(host, "status --json");
        let own = if host == P { 2 } else { 1 };
        assert!(
            status.contains(&format!("\"free_own\":{own},\"free_settled\":{own},\"strict_shares\":false")),
            "{status}"
        );
    }
}
