//! What a server of a pair asks its pools: its own next addresses, and last of all its partner's.
//!
//! Runs of the partner are passed over as a whole, so that the next own address is found without a search however
//! the range is shared.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use super::{Pool, Run, of};
use crate::clock::Wall;
use crate::lease::Side;
use crate::lease::shares::Shares;

/// Addresses looked at for one answer: the next question goes on where this one ended.
const TRIES: u32 = 65_536;

impl Pool {
    /// The next address of `side` without a binding.
    ///
    /// `is_touched` tells whether an address has a binding or is offered already.
    pub fn next_unused(
        &mut self,
        side: Side,
        shares: &Shares,
        is_touched: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        let is_own = |address: &&u32| shares.owner(Ipv4Addr::from_bits(**address)) == side;
        if let Some(&address) = self.returned.iter().find(is_own) {
            return Some(Ipv4Addr::from_bits(address));
        }
        let mut tries = TRIES;
        while let Some(run) = self.gained.pop() {
            let found = self.seek(run, (side, shares, &mut tries), &is_touched);
            let (Ok(at) | Err(at)) = found;
            if at <= u64::from(run.1) {
                self.gained.push((u32::try_from(at).ok()?, run.1));
                return found.ok().and_then(|at| u32::try_from(at).ok()).map(Ipv4Addr::from_bits);
            }
        }
        let from = u32::try_from(self.cursor).ok().filter(|&from| from <= self.last)?;
        let found = self.seek((from, self.last), (side, shares, &mut tries), &is_touched);
        let (Ok(at) | Err(at)) = found;
        self.cursor = at;
        found.ok().and_then(|at| u32::try_from(at).ok()).map(Ipv4Addr::from_bits)
    }

    /// The first address of a run that is `side`'s and untouched; else where the search ended.
    fn seek(
        &self,
        run: Run,
        (side, shares, tries): (Side, &Shares, &mut u32),
        is_touched: &impl Fn(Ipv4Addr) -> bool,
    ) -> Result<u64, u64> {
        let mut at = u64::from(run.0);
        let mut own_until = None;
        while let Some(number) = u32::try_from(at).ok().filter(|&number| number <= run.1) {
            if own_until.is_none_or(|until| number > until) {
                let (owner, _, until) = shares.stretch(number);
                if owner != side {
                    at = u64::from(until) + 1;
                    continue;
                }
                own_until = Some(until);
            }
            if let Some((_, last)) = self.exclusion(number) {
                at = u64::from(last) + 1;
                continue;
            }
            if !is_touched(Ipv4Addr::from_bits(number)) {
                return Ok(at);
            }
            *tries = tries.saturating_sub(1);
            if *tries == 0 {
                return Err(at);
            }
            at += 1;
        }
        Err(at)
    }

    /// Addresses of a run have come to this server: those that the cursor has passed are looked at again.
    pub fn gain(&mut self, run: Run) {
        let run = (run.0.max(self.first), run.1.min(self.last));
        if run.0 <= run.1 && u64::from(run.0) < self.cursor {
            self.gained.push(run);
        }
    }

    /// The highest address of `side` without a binding, for a server that gives what may be its partner's: the partner
    /// begins below.
    pub fn highest_unused(
        &self,
        side: Side,
        shares: &Shares,
        is_touched: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<Ipv4Addr> {
        let mut at = self.last;
        for _ in 0..TRIES {
            let (owner, low, _) = shares.stretch(at);
            let below = match self.exclusion(at) {
                Some((first, _)) => first,
                None if owner != side => low,
                None if is_touched(Ipv4Addr::from_bits(at)) => at,
                None => return Some(Ipv4Addr::from_bits(at)),
            };
            at = below.checked_sub(1).filter(|&at| at >= self.first)?;
        }
        None
    }

    /// Addresses with a binding that are `side`'s and free at `now`, the longest free first.
    pub fn longest_free(&self, side: Side, now: Wall) -> impl DoubleEndedIterator<Item = Ipv4Addr> + '_ {
        let set: &BTreeSet<(Wall, u32)> = &self.bound[of(side)];
        set.range(..=(now, u32::MAX)).map(|entry| Ipv4Addr::from_bits(entry.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Stamp;
    use crate::lease::pool::Place;
    use crate::lease::shares::Share;

    fn address(last: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 0, 0, last)
    }

    fn shared(first: u8, last: u8) -> Shares {
        let mut shares = Shares::default();
        let (owner, origin) = (Side::Secondary, Side::Primary);
        shares.lay(&Share { first: address(first), last: address(last), owner, origin, stamp: Stamp(1) });
        shares
    }

    fn pool() -> Pool {
        Pool::new(address(10), address(20), vec![(address(18).to_bits(), address(18).to_bits())])
    }

    #[test]
    fn each_server_finds_its_own_addresses_and_passes_over_the_partners() {
        let shares = shared(16, 20);
        let mut all = [Side::Primary, Side::Secondary].map(|side| {
            let mut pool = pool();
            let mut found = Vec::new();
            while let Some(next) = pool.next_unused(side, &shares, |_| false) {
                pool.take(next, None);
                found.push(next.octets()[3]);
            }
            found
        });
        assert_eq!(all[0], [10, 11, 12, 13, 14, 15]);
        assert_eq!(std::mem::take(&mut all[1]), [16, 17, 19, 20]);
    }

    #[test]
    fn what_comes_below_the_cursor_is_found_too() {
        let mut pool = pool();
        let high = shared(19, 20);
        for last in [19, 20] {
            assert_eq!(pool.next_unused(Side::Secondary, &high, |_| false), Some(address(last)));
            pool.take(address(last), None);
        }
        assert_eq!(pool.next_unused(Side::Secondary, &high, |_| false), None);
        let more = shared(12, 20);
        pool.gain((address(12).to_bits(), address(17).to_bits()));
        let touched = |at: Ipv4Addr| at == address(12) || at >= address(19);
        assert_eq!(pool.next_unused(Side::Secondary, &more, touched), Some(address(13)));
        pool.take(address(13), None);
        pool.put(address(13), None);
        assert_eq!(pool.next_unused(Side::Secondary, &more, touched), Some(address(13)));
    }

    #[test]
    fn the_partners_come_from_the_top_and_ended_ones_by_their_owner() {
        let mut pool = pool();
        let shares = shared(16, 20);
        assert_eq!(pool.highest_unused(Side::Secondary, &shares, |at| at == address(20)), Some(address(19)));
        assert_eq!(pool.highest_unused(Side::Primary, &shares, |_| false), Some(address(15)));
        for (last, secs, owner) in [(10, 5, Side::Primary), (11, 3, Side::Secondary), (12, 4, Side::Primary)] {
            pool.put(address(last), Some(Place { available_from: Wall::from_secs(secs), owner }));
        }
        let free = |side, now| pool.longest_free(side, Wall::from_secs(now)).collect::<Vec<_>>();
        assert_eq!(free(Side::Primary, 9), [address(12), address(10)]);
        assert_eq!(free(Side::Primary, 4), [address(12)]);
        assert_eq!(free(Side::Secondary, 9), [address(11)]);
    }
}
