//! Section 7, rule 1: servers that configure a range differently give only what both have, until the digests agree;
//! known holders are served on.

use std::time::Duration;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, ip, kind};

const NARROW: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.51\n";
const WIDE: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.48 - 10.1.0.53\n";
const HIGH: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.52 - 10.1.0.59\n";
const MORE: &str =
    "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.51\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50 - 10.2.0.59\n";

fn setup() -> PairSetup {
    PairSetup::new().subnets(NARROW).primary("FailoverShare = 0")
}

/// A pair with a range of two addresses, both given, and a wider one on the primary by a reload.
fn widened(setup: &PairSetup) -> Pair {
    let mut pair = Pair::settled(setup);
    pair.lease_all(1..3);
    pair.run(1);
    pair.reload(P, setup.clone().subnets(WIDE).of_primary());
    pair
}

#[test]
fn what_only_one_server_configures_goes_to_no_new_client_until_the_digests_agree() {
    let mut pair = widened(&setup());
    for number in 3..6 {
        assert!(pair.lease(&Client::new(number)).is_none());
    }
    pair.reload(F, setup().subnets(WIDE).of_failover());
    pair.run(12);
    let mut given: Vec<_> = pair.lease_all(3..7).iter().map(|reply| reply.yiaddr).collect();
    given.sort_unstable();
    assert_eq!(given, ["10.1.0.48", "10.1.0.49", "10.1.0.52", "10.1.0.53"].map(ip));
}

#[test]
fn what_both_configure_is_given_while_the_ranges_differ() {
    let mut pair = Pair::settled(&setup());
    pair.reload(P, setup().subnets(WIDE).of_primary());
    let given: Vec<_> = pair.lease_all(1..3).iter().map(|reply| reply.yiaddr).collect();
    assert_eq!(given, ["10.1.0.50", "10.1.0.51"].map(ip));
    assert!(pair.lease(&Client::new(3)).is_none());
}

/// A partner that does not have the subnet gives nothing of it.
#[test]
fn a_subnet_that_only_one_server_has_is_served_by_it() {
    let mut pair = Pair::settled(&setup());
    pair.reload(P, setup().subnets(MORE).of_primary());
    let message = Client::new(9).discover().on(2);
    assert!(pair.ask(&message).is_some_and(|(host, offer)| host == P && offer.yiaddr == ip("10.2.0.50")));
}

/// Out of contact such an address is the last one to be given, after a ping; with StrictShares, or to be sure, not.
#[test]
fn out_of_contact_what_only_one_server_configures_is_like_an_unsettled_address() {
    for (strict, expected) in [("False", true), ("True", false)] {
        let mut pair = widened(&setup().primary(&format!("StrictShares = {strict}")));
        pair.run(1);
        pair.power_off(F);
        pair.run(60);
        let began = pair.elapsed();
        let given = pair.lease(&Client::new(3));
        assert_eq!(given.is_some(), expected, "StrictShares = {strict}");
        assert!(pair.elapsed() - began >= Duration::from_millis(100));
        assert!(pair.control(P, "partner-down failover").starts_with("ok"));
        pair.run(1);
        assert!(pair.lease(&Client::new(4)).is_some(), "an operator says that the failover is down");
    }
}

/// What a failover with other ranges answers to a client that got its address from the primary.
fn answer_to_a_holder(restarts: bool) -> (usize, Option<u8>) {
    let mut pair = Pair::settled(&setup());
    let held = pair.lease(&Client::new(1)).expect("an address").1;
    pair.run(1);
    pair.reload(F, setup().subnets(HIGH).of_failover());
    pair.run(12);
    pair.power_off(P);
    if restarts {
        pair.power_off(F);
        pair.start(F);
    }
    pair.until(120, |pair| pair.state(F) == "Active");
    let (host, reply) = pair.ask(&Client::new(1).rebinding(held.yiaddr)).expect("an answer");
    (host, reply.kind())
}

/// The failover of before, too, when it starts alone: it remembers that its primary ran something else.
#[test]
fn a_known_holder_is_served_on_by_a_server_that_would_not_give_the_address() {
    for restarts in [false, true] {
        assert_eq!(answer_to_a_holder(restarts), (F, Some(kind::ACK)), "restart: {restarts}");
    }
}

/// Its lease has not ended, and it is refused.
#[cfg(feature = "teeth")]
#[test]
fn without_its_rule_a_known_holder_is_refused_by_a_server_with_other_ranges() {
    understudy::rules::leave_out(understudy::rules::Rule::HolderServedOn);
    let answer = answer_to_a_holder(false);
    understudy::rules::keep_all();
    assert_eq!(answer, (F, Some(kind::NAK)));
}

/// When both run the same, a lease on an address that was taken out of the ranges ends with its next renewal.
#[test]
fn a_holder_of_an_address_that_both_took_out_of_their_ranges_is_refused() {
    let mut pair = Pair::settled(&setup());
    let held = pair.lease(&Client::new(1)).expect("an address").1;
    pair.run(1);
    pair.reload(P, setup().subnets(HIGH).of_primary());
    let answer = pair.ask(&Client::new(1).rebinding(held.yiaddr));
    assert_eq!(answer.and_then(|(_, reply)| reply.kind()), Some(kind::ACK), "the failover still has it");
    pair.reload(F, setup().subnets(HIGH).of_failover());
    pair.run(12);
    let answer = pair.ask(&Client::new(1).rebinding(held.yiaddr));
    assert_eq!(answer.and_then(|(_, reply)| reply.kind()), Some(kind::NAK));
}
