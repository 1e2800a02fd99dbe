//! Shares: who owns addresses that have no binding (failover.md section 7, rules 1 and 4). Pure.
//!
//! An address without a binding is the primary's unless a run says otherwise; a binding tells its own owner, and no
//! run speaks for it. A run is a record like a binding: it has a stamp and an origin, travels in the stream of
//! changes, and where two of them meet the newer stamp stands. A range needs a few of them, however large it is.

use std::net::Ipv4Addr;

use super::pool::Pool;
use super::{Side, Stamp};

/// Runs in the table at most; nothing more is given away beyond, which a thousand ranges do not reach.
pub const RUNS_MAX: usize = 65_536;

/// The addresses of a run without a binding are one server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// First address of the run.
    pub first: Ipv4Addr,
    /// Last address of the run, not below the first.
    pub last: Ipv4Addr,
    /// The server that may give them to new clients.
    pub owner: Side,
    /// The server that made this change: the owner of before.
    pub origin: Side,
    /// When the change was made.
    pub stamp: Stamp,
}

impl Share {
    fn cut(&self, first: u32, last: u32) -> Share {
        Share { first: Ipv4Addr::from_bits(first), last: Ipv4Addr::from_bits(last), ..*self }
    }
}

/// What a new run changed in the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Laid {
    /// Runs that stand no more, as a whole or in part.
    pub gone: Vec<Share>,
    /// Runs that stand now: parts of the new one, and what is left of those that are gone.
    pub come: Vec<Share>,
}

/// All runs: sorted, disjoint.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    runs: Vec<Share>,
}

impl Shares {
    /// Number of runs.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there is none: all addresses without a binding are the primary's.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Every run, by address.
    pub fn iter(&self) -> impl Iterator<Item = &Share> {
        self.runs.iter()
    }

    /// The runs from the one that holds `address`, or the next above it, on.
    pub fn from(&self, address: Ipv4Addr) -> impl Iterator<Item = &Share> {
        self.runs[self.runs.partition_point(|run| run.last < address)..].iter()
    }

    /// The run that `address` lies in.
    #[must_use]
    pub fn run_of(&self, address: Ipv4Addr) -> Option<&Share> {
        self.from(address).next().filter(|run| run.first <= address)
    }

    /// The run that begins at `address` and was made with `stamp`.
    #[must_use]
    pub fn find(&self, address: Ipv4Addr, stamp: Stamp) -> Option<&Share> {
        self.run_of(address).filter(|run| run.first == address && run.stamp == stamp)
    }

    /// The owner of `address` as long as it has no binding.
    #[must_use]
    pub fn owner(&self, address: Ipv4Addr) -> Side {
        self.run_of(address).map_or(Side::Primary, |run| run.owner)
    }

    /// The owner of `address`, and the lowest and the highest address around it up to which no other run begins.
    #[must_use]
    pub fn stretch(&self, address: u32) -> (Side, u32, u32) {
        let at = self.runs.partition_point(|run| run.last.to_bits() < address);
        if let Some(run) = self.runs.get(at).filter(|run| run.first.to_bits() <= address) {
            return (run.owner, run.first.to_bits(), run.last.to_bits());
        }
        let low = at.checked_sub(1).map_or(0, |below| self.runs[below].last.to_bits() + 1);
        let high = self.runs.get(at).map_or(u32::MAX, |above| above.first.to_bits() - 1);
        (Side::Primary, low, high)
    }

    /// How many addresses of a pool are `side`'s as long as they have no binding.
    #[must_use]
    pub fn size_within(&self, pool: &Pool, side: Side) -> u64 {
        let (first, last) = pool.ends();
        let here = self.from(Ipv4Addr::from_bits(first)).take_while(|run| run.first.to_bits() <= last);
        let given = here.filter(|run| run.owner == Side::Secondary);
        let secondary: u64 = given.map(|run| pool.size_within((run.first.to_bits(), run.last.to_bits()))).sum();
        match side {
            Side::Primary => pool.size() - secondary,
            Side::Secondary => secondary,
        }
    }

    /// Lays a run over those that are there: where they meet, the newer stamp stands.
    pub fn lay(&mut self, share: &Share) -> Laid {
        let from = self.runs.partition_point(|run| run.last < share.first);
        let to = self.runs.partition_point(|run| run.first <= share.last);
        let (low, high) = (share.first.to_bits(), share.last.to_bits());
        let mut laid = Laid::default();
        let mut stand = Vec::new();
        // The part of the new run that no newer one has taken begins here.
        let mut next = Some(low);
        for run in &self.runs[from..to] {
            let (first, last) = (run.first.to_bits(), run.last.to_bits());
            if (run.stamp, run.origin) >= (share.stamp, share.origin) {
                if let Some(begin) = next.filter(|&begin| begin < first) {
                    push(share.cut(begin, first - 1), &mut stand, &mut laid);
                }
                stand.push(*run);
                next = last.checked_add(1).filter(|&begin| begin <= high);
                continue;
            }
            laid.gone.push(*run);
            if first < low {
                push(run.cut(first, low - 1), &mut stand, &mut laid);
            }
            if last > high {
                if let Some(begin) = next.take() {
                    push(share.cut(begin, high), &mut stand, &mut laid);
                }
                push(run.cut(high + 1, last), &mut stand, &mut laid);
            }
        }
        if let Some(begin) = next {
            push(share.cut(begin, high), &mut stand, &mut laid);
        }
        self.runs.splice(from..to, stand);
        laid
    }
}

fn push(run: Share, stand: &mut Vec<Share>, laid: &mut Laid) {
    stand.push(run);
    laid.come.push(run);
}

#[cfg(test)]
mod tests {
    use super::*;

    use Side::{Primary, Secondary};

    fn run(first: u32, last: u32, owner: Side, stamp: u64) -> Share {
        let (first, last) = (Ipv4Addr::from_bits(first), Ipv4Addr::from_bits(last));
        Share { first, last, owner, origin: Primary, stamp: Stamp(stamp) }
    }

    fn owners(shares: &Shares) -> Vec<(u32, u32, Side, u64)> {
        let entry = |run: &Share| (run.first.to_bits(), run.last.to_bits(), run.owner, run.stamp.0);
        shares.iter().map(entry).collect()
    }

    #[test]
    fn an_address_in_no_run_is_the_primarys() {
        let mut shares = Shares::default();
        assert_eq!(shares.owner(Ipv4Addr::from_bits(7)), Primary);
        shares.lay(&run(5, 9, Secondary, 1));
        let owner = |address| shares.owner(Ipv4Addr::from_bits(address));
        assert_eq!([4, 5, 9, 10].map(owner), [Primary, Secondary, Secondary, Primary]);
        assert_eq!(shares.stretch(4), (Primary, 0, 4));
        assert_eq!(shares.stretch(6), (Secondary, 5, 9));
        assert_eq!(shares.stretch(10), (Primary, 10, u32::MAX));
    }

    #[test]
    fn a_newer_run_cuts_an_older_one_in_two_and_tells_what_became_of_it() {
        let mut shares = Shares::default();
        shares.lay(&run(0, 9, Secondary, 1));
        let laid = shares.lay(&run(4, 6, Primary, 2));
        assert_eq!(owners(&shares), [(0, 3, Secondary, 1), (4, 6, Primary, 2), (7, 9, Secondary, 1)]);
        assert_eq!(laid.gone, [run(0, 9, Secondary, 1)]);
        assert_eq!(laid.come, [run(0, 3, Secondary, 1), run(4, 6, Primary, 2), run(7, 9, Secondary, 1)]);
    }

    #[test]
    fn an_older_run_fills_only_what_no_newer_one_has() {
        let mut shares = Shares::default();
        shares.lay(&run(4, 6, Primary, 2));
        shares.lay(&run(0, 9, Secondary, 1));
        assert_eq!(owners(&shares), [(0, 3, Secondary, 1), (4, 6, Primary, 2), (7, 9, Secondary, 1)]);
        assert_eq!(shares.lay(&run(0, 9, Secondary, 1)), Laid::default(), "said again it changes nothing");
    }

    #[test]
    fn in_whatever_order_runs_come_the_table_is_the_same_and_each_address_has_its_newest() {
        let mut random = 1_u64;
        let mut next = |below: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        for _ in 0..300 {
            let mut runs = Vec::new();
            for stamp in 1..=8 {
                let first = next(20) as u32;
                let last = first + next(10) as u32;
                runs.push(run(first, last, if next(2) == 0 { Primary } else { Secondary }, stamp));
            }
            let mut shares = Shares::default();
            let mut mixed = runs.clone();
            while !mixed.is_empty() {
                let at = next(mixed.len() as u64) as usize;
                shares.lay(&mixed.swap_remove(at));
            }
            for address in (0..40).map(Ipv4Addr::from_bits) {
                let newest = runs.iter().rev().find(|run| (run.first..=run.last).contains(&address));
                let found = shares.run_of(address).map(|run| (run.owner, run.stamp));
                assert_eq!(found, newest.map(|run| (run.owner, run.stamp)), "{address} of {runs:?}");
            }
            assert!(shares.runs.is_sorted_by(|one, next| one.last < next.first));
        }
    }

    #[test]
    fn a_run_may_end_at_the_last_address_there_is() {
        let mut shares = Shares::default();
        shares.lay(&run(u32::MAX - 3, u32::MAX, Secondary, 2));
        shares.lay(&run(u32::MAX - 1, u32::MAX, Primary, 3));
        let laid = shares.lay(&run(u32::MAX - 9, u32::MAX, Secondary, 1));
        assert_eq!(laid.come, [run(u32::MAX - 9, u32::MAX - 4, Secondary, 1)]);
    }
}
