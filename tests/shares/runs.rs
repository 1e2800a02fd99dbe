//! Large ranges: few records, and each server finds its next address.

use std::net::Ipv4Addr;

use understudy::clock::Wall;
use understudy::lease::pool::{Pool, PoolId, Pools};
use understudy::lease::{Client, Hardware, Side};
use understudy::server::bindings::{Bindings, Grant};
use understudy::server::outbox::Outbox;

const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const LAST: Ipv4Addr = Ipv4Addr::new(10, 63, 255, 255);

fn now() -> Wall {
    Wall::from_secs(1_000)
}

fn four_million() -> Bindings {
    let mut bindings = Bindings::new(1);
    bindings.begin_pair(Side::Primary);
    bindings.use_pools(Pools::new(vec![Pool::new(FIRST, LAST, Vec::new())]));
    bindings
}

/// Gives `count` in as many turns as it takes.
fn give(bindings: &mut Bindings, count: u64, out: &mut Outbox) -> u64 {
    let mut rest = Some((FIRST.to_bits(), LAST.to_bits()));
    let mut given = 0;
    while let Some(run) = rest.filter(|_| given < count) {
        let step = bindings.give_unused(run, count - given, now(), out);
        (given, rest) = (given + step.count, step.rest);
    }
    given
}

#[test]
fn half_of_four_million_addresses_is_given_in_a_few_records_from_the_top() {
    let mut bindings = four_million();
    let mut out = Outbox::new();
    let size = bindings.pools().pool(PoolId(0)).size();
    assert_eq!(give(&mut bindings, size / 2, &mut out), size / 2);
    assert!(bindings.shares().len() <= 64, "{} runs", bindings.shares().len());
    assert!(out.records().len() < 4096, "{} octets of records", out.records().len());
    assert_eq!(bindings.shares().size_within(bindings.pools().pool(PoolId(0)), Side::Secondary), size / 2);
    let owner = |address: Ipv4Addr| bindings.shares().owner(address);
    assert_eq!([FIRST, LAST].map(owner), [Side::Primary, Side::Secondary]);
    assert_eq!(bindings.own_candidates(PoolId(0), now()), [FIRST]);
}

#[test]
fn the_failover_finds_its_share_at_once_behind_two_million_addresses_of_the_primary() {
    let mut primary = four_million();
    give(&mut primary, 3, &mut Outbox::new());
    let mut failover = Bindings::new(1);
    failover.begin_pair(Side::Secondary);
    failover.use_pools(Pools::new(vec![Pool::new(FIRST, LAST, Vec::new())]));
    assert!(failover.own_candidates(PoolId(0), now()).is_empty(), "without a record all is the primary's");
    let mut out = Outbox::new();
    let runs: Vec<_> = primary.shares().iter().copied().collect();
    runs.iter().for_each(|run| failover.accept_share(run, &mut out));
    let mine = Ipv4Addr::from_bits(LAST.to_bits() - 2);
    assert_eq!(failover.own_candidates(PoolId(0), now()), [mine]);
    let hardware = Some(Hardware { htype: 1, address: &[1, 2, 3] });
    let client = Client { hardware, ..Client::default() };
    failover.grant(&Grant { address: mine, client, end: Wall::from_secs(2_000) }, now(), &mut out);
    assert_eq!(failover.table().find(mine).map(|binding| binding.owner), Some(Side::Secondary));
    assert_eq!(failover.own_candidates(PoolId(0), now()), [Ipv4Addr::from_bits(LAST.to_bits() - 1)]);
}

#[test]
fn an_offered_address_is_not_given_away() {
    use understudy::clock::Mono;
    use understudy::server::offers::{ClientOnLink, Offer, Probe};
    let mut bindings = four_million();
    let until = Mono::from_nanos(1);
    bindings.offer(Offer { address: LAST, client: ClientOnLink(1), until, probe: Probe::Passed });
    assert_eq!(give(&mut bindings, 2, &mut Outbox::new()), 2);
    let owner = |back: u32| bindings.shares().owner(Ipv4Addr::from_bits(LAST.to_bits() - back));
    assert_eq!([0, 1, 2, 3].map(owner), [Side::Primary, Side::Secondary, Side::Secondary, Side::Primary]);
}
