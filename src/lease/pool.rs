//! Pools: which address of a range comes next for a new client.
//!
//! A pool is one range of the configuration. It knows three kinds of addresses that nobody was offered:
//! never-used ones from a cursor upwards, never-used ones below it that came back from lapsed offers, and
//! all that have a binding, ordered by the time from which they are available. So the next address is found
//! without a search: never-used ones ascending, then the longest free (RFC 2131 section 4.3.1). Nothing moves
//! when a lease ends: its place in the order says that it has.

mod pair;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::{Binding, Side};
use crate::clock::Wall;

/// First and last address of a run, inclusive, as numbers.
pub type Run = (u32, u32);

/// Where a bound address stands in its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// From when on nobody holds it.
    pub available_from: Wall,
    /// The server that may give it away then.
    pub owner: Side,
}

impl Place {
    /// The place of an address with this binding.
    #[must_use]
    pub fn of(binding: &Binding<'_>) -> Place {
        Place { available_from: binding.available_from(), owner: binding.owner }
    }
}

/// One range of addresses.
#[derive(Clone, Debug)]
pub struct Pool {
    first: u32,
    last: u32,
    excluded: Vec<Run>,
    /// All never-used addresses from here to `last` are untouched; may be one past `last`.
    cursor: u64,
    returned: BTreeSet<u32>,
    /// Runs that came to this server of a pair when the cursor had passed them.
    gained: Vec<Run>,
    /// Addresses with a binding, of each owner.
    bound: [BTreeSet<(Wall, u32)>; 2],
}

impl Pool {
    /// A pool of untouched addresses. `excluded` is sorted and disjoint.
    #[must_use]
    pub fn new(first: Ipv4Addr, last: Ipv4Addr, excluded: Vec<Run>) -> Pool {
        let first = first.to_bits();
        Pool {
            first,
            last: last.to_bits(),
            excluded,
            cursor: u64::from(first),
            returned: BTreeSet::new(),
            gained: Vec::new(),
            bound: [BTreeSet::new(), BTreeSet::new()],
        }
    }

    /// Whether `address` may be given out from this pool.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        let address = address.to_bits();
        (self.first..=self.last).contains(&address) && self.exclusion(address).is_none()
    }

    /// Addresses in the pool, excluded ones not counted.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size_within((self.first, self.last))
    }

    /// Addresses of a run that lie in the pool, excluded ones not counted.
    #[must_use]
    pub fn size_within(&self, run: Run) -> u64 {
        let run = (run.0.max(self.first), run.1.min(self.last));
        if run.0 > run.1 {
            return 0;
        }
        let span = |&(first, last): &Run| u64::from(last) - u64::from(first) + 1;
        let inside = self.excluded.iter().filter_map(|&(first, last)| {
            let both = (first.max(run.0), last.min(run.1));
            (both.0 <= both.1).then(|| span(&both))
        });
        span(&run) - inside.sum::<u64>()
    }

    /// First and last address.
    #[must_use]
    pub fn ends(&self) -> Run {
        (self.first, self.last)
    }

    /// Whether this pool has the same addresses as `other`, so that it can take its place as it is.
    #[must_use]
    pub fn is_same_range(&self, other: &Pool) -> bool {
        (self.first, self.last) == (other.first, other.last) && self.excluded == other.excluded
    }

    /// The address that comes next, or `None` when all are taken at `now`.
    ///
    /// `is_touched` tells whether an address above the cursor has a binding or is offered already; each address
    /// is asked for once in the life of a pool.
    pub fn next(&mut self, now: Wall, is_touched: impl Fn(Ipv4Addr) -> bool) -> Option<Ipv4Addr> {
        if let Some(&address) = self.returned.first() {
            return Some(Ipv4Addr::from_bits(address));
        }
        while let Some(address) = self.untouched() {
            if !is_touched(Ipv4Addr::from_bits(address)) {
                return Some(Ipv4Addr::from_bits(address));
            }
            self.cursor = u64::from(address) + 1;
        }
        let firsts = self.bound.iter().filter_map(BTreeSet::first);
        let &(available_from, address) = firsts.min()?;
        (available_from <= now).then_some(Ipv4Addr::from_bits(address))
    }

    /// Takes `address` out while it is offered.
    pub fn take(&mut self, address: Ipv4Addr, place: Option<Place>) {
        let number = address.to_bits();
        match place {
            Some(place) => {
                self.remove(number, place);
            }
            None if u64::from(number) == self.cursor => self.cursor += 1,
            None => {
                self.returned.remove(&number);
            }
        }
    }

    /// Puts `address` back: its offer lapsed, or it has a new binding.
    pub fn put(&mut self, address: Ipv4Addr, place: Option<Place>) {
        let number = address.to_bits();
        match place {
            Some(place) => {
                self.bound[of(place.owner)].insert((place.available_from, number));
            }
            None if u64::from(number) < self.cursor => {
                self.returned.insert(number);
            }
            None => {}
        }
    }

    fn remove(&mut self, number: u32, place: Place) -> bool {
        self.bound[of(place.owner)].remove(&(place.available_from, number))
    }

    /// The lowest address not under the cursor that is not excluded; moves the cursor there.
    fn untouched(&mut self) -> Option<u32> {
        loop {
            let address = u32::try_from(self.cursor).ok().filter(|&address| address <= self.last)?;
            match self.exclusion(address) {
                Some((_, last)) => self.cursor = u64::from(last) + 1,
                None => return Some(address),
            }
        }
    }

    /// Moves the cursor over the bound addresses that it stands before; else the first client after a start would
    /// wait while a million of them are asked for one by one.
    fn skip(&mut self, mut bound: Vec<u32>) {
        bound.sort_unstable();
        for address in bound {
            match self.untouched() {
                Some(next) if next == address => self.cursor = u64::from(address) + 1,
                Some(_) | None => return,
            }
        }
    }

    fn exclusion(&self, address: u32) -> Option<Run> {
        let after = self.excluded.partition_point(|run| run.0 <= address);
        let run = *self.excluded.get(after.checked_sub(1)?)?;
        (address <= run.1).then_some(run)
    }
}

/// Index of an owner's part of the bound addresses.
fn of(owner: Side) -> usize {
    match owner {
        Side::Primary => 0,
        Side::Secondary => 1,
    }
}

/// Names one pool of a [`Pools`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolId(pub usize);

/// All pools of a configuration. Ranges do not overlap.
#[derive(Clone, Debug, Default)]
pub struct Pools {
    pools: Vec<Pool>,
    /// First address and index of each pool, sorted.
    order: Vec<(u32, usize)>,
}

impl Pools {
    /// Pools in the order of their [`PoolId`]s.
    #[must_use]
    pub fn new(pools: Vec<Pool>) -> Pools {
        let mut order: Vec<_> = pools.iter().enumerate().map(|(index, pool)| (pool.first, index)).collect();
        order.sort_unstable();
        Pools { pools, order }
    }

    /// The pool that `address` may be given out from.
    #[must_use]
    pub fn of(&self, address: Ipv4Addr) -> Option<PoolId> {
        let after = self.order.partition_point(|entry| entry.0 <= address.to_bits());
        let (_, index) = *self.order.get(after.checked_sub(1)?)?;
        self.pools[index].contains(address).then_some(PoolId(index))
    }

    /// How many pools there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pools.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pools.is_empty()
    }

    /// The pools that have addresses of a run.
    pub fn within(&self, run: Run) -> impl Iterator<Item = PoolId> + '_ {
        let from = self.order.partition_point(|entry| entry.0 <= run.0).saturating_sub(1);
        let near = self.order[from..].iter().take_while(move |entry| entry.0 <= run.1);
        near.filter(move |entry| self.pools[entry.1].last >= run.0).map(|entry| PoolId(entry.1))
    }

    /// One pool.
    #[must_use]
    pub fn pool(&self, id: PoolId) -> &Pool {
        &self.pools[id.0]
    }

    /// One pool, to take from.
    pub fn pool_mut(&mut self, id: PoolId) -> &mut Pool {
        &mut self.pools[id.0]
    }

    /// Takes `address` out of its pool, where it has one.
    pub fn take(&mut self, address: Ipv4Addr, place: Option<Place>) {
        if let Some(id) = self.of(address) {
            self.pools[id.0].take(address, place);
        }
    }

    /// Puts `address` into its pool, where it has one.
    pub fn put(&mut self, address: Ipv4Addr, place: Option<Place>) {
        if let Some(id) = self.of(address) {
            self.pools[id.0].put(address, place);
        }
    }

    /// Takes a bound `address` out of its pool; whether it stood there.
    pub fn remove(&mut self, address: Ipv4Addr, place: Place) -> bool {
        let Some(id) = self.of(address) else { return false };
        self.pools[id.0].remove(address.to_bits(), place)
    }

    /// Puts a bound address into its pool, except where `former` has a pool of the same range, which
    /// [`Pools::keep_unchanged`] will take over as it is.
    pub fn put_unless_kept(&mut self, former: &Pools, address: Ipv4Addr, place: Place) {
        if let Some(id) = self.of(address)
            && former.same_range(&self.pools[id.0]).is_none()
        {
            self.pools[id.0].put(address, Some(place));
        }
    }

    /// Whether the pool of `address` is one that [`Pools::keep_unchanged`] takes over from `former`.
    #[must_use]
    pub fn keeps(&self, former: &Pools, address: Ipv4Addr) -> bool {
        self.of(address).is_some_and(|id| former.same_range(&self.pools[id.0]).is_some())
    }

    /// Takes over from `former` every pool whose range has not changed.
    pub fn keep_unchanged(&mut self, former: &mut Pools) {
        for pool in &mut self.pools {
            if let Some(index) = former.same_range(pool) {
                std::mem::swap(pool, &mut former.pools[index]);
            }
        }
    }

    fn same_range(&self, pool: &Pool) -> Option<usize> {
        let at = self.order.binary_search_by_key(&pool.first, |entry| entry.0).ok()?;
        let index = self.order[at].1;
        self.pools[index].is_same_range(pool).then_some(index)
    }

    /// Fills untouched pools with many bindings at once; faster than one by one.
    pub fn fill(&mut self, bindings: impl Iterator<Item = (Ipv4Addr, Place)>) {
        let mut sorted: Vec<[Vec<(Wall, u32)>; 2]> = self.pools.iter().map(|_| [Vec::new(), Vec::new()]).collect();
        for (address, place) in bindings {
            if let Some(id) = self.of(address) {
                sorted[id.0][of(place.owner)].push((place.available_from, address.to_bits()));
            }
        }
        for (pool, entries) in self.pools.iter_mut().zip(sorted) {
            pool.skip(entries.iter().flatten().map(|entry| entry.1).collect());
            pool.bound = entries.map(|entries| entries.into_iter().collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    fn ended(secs: u64) -> Option<Place> {
        Some(Place { available_from: Wall::from_secs(secs), owner: Side::Primary })
    }

    fn pool() -> Pool {
        Pool::new(address(10), address(14), vec![(address(11).to_bits(), address(12).to_bits())])
    }

    #[test]
    fn never_used_addresses_come_ascending_and_skip_excluded_and_touched_ones() {
        let mut pool = pool();
        let now = Wall::from_secs(1);
        assert_eq!(pool.size(), 3);
        assert_eq!(pool.next(now, |_| false), Some(address(10)));
        pool.take(address(10), None);
        assert_eq!(pool.next(now, |a| a == address(13)), Some(address(14)));
        pool.take(address(14), None);
        assert_eq!(pool.next(now, |_| false), None);
    }

    #[test]
    fn a_lapsed_offer_of_a_never_used_address_comes_first_again() {
        let mut pool = pool();
        let now = Wall::from_secs(1);
        pool.take(address(10), None);
        pool.take(address(13), None);
        pool.put(address(10), None);
        assert_eq!(pool.next(now, |_| false), Some(address(10)));
    }

    #[test]
    fn after_the_untouched_ones_the_longest_free_comes_and_none_before_its_time() {
        let mut pool = pool();
        for (last, end) in [(10, 50), (13, 30), (14, 90)] {
            pool.take(address(last), None);
            pool.put(address(last), ended(end));
        }
        let touched = |_| true;
        assert_eq!(pool.next(Wall::from_secs(29), touched), None);
        assert_eq!(pool.next(Wall::from_secs(60), touched), Some(address(13)));
        pool.take(address(13), ended(30));
        assert_eq!(pool.next(Wall::from_secs(60), touched), Some(address(10)));
    }

    #[test]
    fn an_address_belongs_to_the_one_pool_that_holds_it() {
        let other = Pool::new(address(20), address(20), Vec::new());
        let pools = Pools::new(vec![other, pool()]);
        assert_eq!(pools.of(address(20)), Some(PoolId(0)));
        assert_eq!(pools.of(address(13)), Some(PoolId(1)));
        assert_eq!(pools.of(address(11)), None);
        assert_eq!(pools.of(address(9)), None);
        assert_eq!(pools.of(address(21)), None);
    }

    #[test]
    fn many_bindings_at_once_are_passed_over_without_a_question() {
        let mut pools = Pools::new(vec![pool()]);
        let bound = [(address(13), 5), (address(10), 9)];
        let bound = bound.map(|(address, end)| (address, ended(end).expect("a place")));
        pools.fill(bound.into_iter());
        let asked = |a: Ipv4Addr| panic!("{a} is asked for");
        assert_eq!(pools.pool(PoolId(0)).cursor, u64::from(address(14).to_bits()));
        pools.take(address(14), None);
        assert_eq!(pools.pool_mut(PoolId(0)).next(Wall::from_secs(7), asked), Some(address(13)));
    }

    #[test]
    fn a_pool_may_end_at_the_last_address_there_is() {
        let top = Ipv4Addr::new(255, 255, 255, 255);
        let mut pool = Pool::new(top, top, Vec::new());
        assert_eq!(pool.next(Wall::default(), |_| false), Some(top));
        pool.take(top, None);
        assert_eq!(pool.next(Wall::default(), |_| false), None);
    }
}
