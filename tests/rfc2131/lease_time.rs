//! How long a lease lasts (RFC 2131 sections 3.3 and 4.3.1).

use crate::support::{Client, Setup};

/// 2131-4.3.1-9: nothing asked for, nothing assigned: the configured default.
#[test]
fn without_a_wish_the_default_is_given() {
    let mut world = Setup::new().policy("DefaultLease = 86400").world();
    assert_eq!(world.lease(&Client::new(1)).lease(), 86400);
}

/// 2131-4.3.1-10: a wish is granted within the bounds of policy.
#[test]
fn a_wish_is_granted_within_minimum_and_maximum() {
    let setup = Setup::new().policy("MinimumLease = 600").policy("MaximumLease = 7200");
    let mut world = setup.world();
    for (wish, given) in [(0, 600), (1, 600), (600, 600), (5000, 5000), (7200, 7200), (7201, 7200)] {
        let offer = world.ask(&Client::new(1).discover().for_secs(wish)).offer();
        assert_eq!(offer.lease(), given, "asked for {wish}");
    }
}

/// The key HonorRequestedLeaseTime: False gives the default to all.
#[test]
fn a_wish_is_not_granted_where_policy_says_so() {
    let mut world = Setup::new().policy("HonorRequestedLeaseTime = False").world();
    assert_eq!(world.ask(&Client::new(1).discover().for_secs(60)).offer().lease(), 3600);
}

/// 2131-4.3.1-8: no time asked for, and the client has an address: not more than was granted before.
#[test]
fn a_bound_client_that_asks_again_is_offered_no_more_than_it_has() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease_by(&client, |message| message.for_secs(900));
    assert_eq!(lease.lease(), 900);
    world.advance_secs(100).silence();
    let offer = world.ask(&client.discover()).offer();
    assert!(offer.lease() <= 900, "{} offered", offer.lease());
    assert!(offer.lease() >= 790, "{} offered", offer.lease());
}

/// 2131-4.3.1-11: an OFFER has an address and a time.
#[test]
fn an_offer_has_an_address_and_a_time() {
    let mut world = Setup::new().world();
    let offer = world.ask(&Client::new(1).discover()).offer();
    assert!(!offer.yiaddr.is_unspecified() && offer.lease() == 3600);
}

/// 2131-3.3-1: times are relative, in seconds, unsigned; the largest finite one is no infinity.
#[test]
fn the_longest_finite_lease_is_not_taken_for_infinity() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let ack = world.lease_by(&client, |message| message.for_secs(u32::MAX - 1));
    assert_eq!(ack.lease(), u32::MAX - 1);
    world.advance_secs(1000).silence();
    let ack = world.lease_by(&Client::new(2), |message| message.for_secs(600));
    assert_eq!(ack.lease(), 600, "relative to now");
}

/// 2131-2.2-3: an infinite lease is given where policy has no maximum, else that maximum.
#[test]
fn an_infinite_lease_is_given_only_where_policy_allows_it() {
    let mut unlimited = Setup::new().world();
    let client = Client::new(1);
    let ack = unlimited.lease_by(&client, |message| message.for_secs(u32::MAX));
    assert_eq!(ack.lease(), u32::MAX);
    let mut limited = Setup::new().policy("MaximumLease = 7200").world();
    let ack = limited.lease_by(&client, |message| message.for_secs(u32::MAX));
    assert_eq!(ack.lease(), 7200);
}

/// An infinite lease never ends.
#[test]
fn an_infinite_lease_never_ends() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.50").world();
    let _ = world.lease_by(&Client::new(1), |message| message.for_secs(u32::MAX));
    for _ in 0..20 {
        world.advance_secs(500_000).silence();
        world.ask(&Client::new(2).discover()).silence();
    }
}

/// A time in a [Subnet] or a [Host] stands over that of [Policy].
#[test]
fn a_narrower_section_sets_another_time() {
    let setup = Setup::new()
        .second("DefaultLease = 7200")
        .more("[Host printer]\nHardwareAddress = 02:00:00:00:00:09\nAddress = 10.2.0.20\nDefaultLease = 100");
    let mut world = setup.world();
    assert_eq!(world.lease_by(&Client::new(1), |message| message.on(2)).lease(), 7200);
    assert_eq!(world.lease_by(&Client::new(9), |message| message.on(2)).lease(), 100);
}
