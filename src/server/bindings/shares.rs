//! Owners of addresses: runs of them that move from one server of a pair to the other (failover.md section 7, rules 1
//! and 4), and the order in which a server of a pair considers addresses.
//!
//! Only a free, settled address that is not offered changes its owner, by a record of the owner of before. An address
//! without a binding moves with a run, one with a binding by a new version of that.

use std::net::Ipv4Addr;

use super::{Author, Bindings, Changed};
use crate::clock::Wall;
use crate::lease::owner::Knowledge;
use crate::lease::pool::{Pool, PoolId, Run};
use crate::lease::record::{Record, decode_client, encode_client};
use crate::lease::shares::{RUNS_MAX, Share, Shares};
use crate::lease::{Binding, Side, Stamp};
use crate::rules::{Rule, kept};
use crate::server::outbox::Outbox;

/// Addresses with a binding that are considered for one client of a pair; settled ones stand first in the order.
const CANDIDATES: usize = 32;
/// Addresses looked at in one turn to find some to give away: a few milliseconds.
const SCAN: u32 = 32_768;
/// Addresses with a binding that are given away in one turn; each is a record of its commit.
const MOVES_MAX: usize = 128;
/// Addresses looked at to find one that is contested, or to pass those over, for one client.
const LOOKS: usize = 4_096;

impl Bindings {
    /// Who owns the addresses without a binding.
    #[must_use]
    pub fn shares(&self) -> &Shares {
        &self.shares
    }

    /// Takes over a run from the journal.
    pub fn replay_share(&mut self, share: &Share) {
        self.stamps.lift(share.stamp);
        self.shares.lay(share);
    }

    /// Keeps a run that came from the partner.
    pub fn accept_share(&mut self, share: &Share, out: &mut Outbox) {
        self.stamps.lift(share.stamp);
        self.lay(share, out);
    }

    /// Whether this server may give `address` away, with what it knows of its partner.
    #[must_use]
    pub fn may_give(&self, knowledge: &Knowledge, address: Ipv4Addr, now: Wall) -> bool {
        knowledge.may_give(self.table.find(address).as_ref(), self.shares.owner(address), now)
    }

    /// Names the free addresses that the partner may regard otherwise: sorted, disjoint runs. Those that are none any
    /// more come again.
    pub fn set_contested(&mut self, runs: Vec<Run>) {
        for run in std::mem::replace(&mut self.contested, runs) {
            let pools: Vec<PoolId> = self.pools.within(run).collect();
            for pool in pools {
                self.pools.pool_mut(pool).gain(run);
            }
        }
    }

    /// Whether the partner may regard `address` otherwise.
    #[must_use]
    pub fn is_contested(&self, address: Ipv4Addr) -> bool {
        lies_in(&self.contested, address)
    }

    /// How many addresses of a pool the partner may regard otherwise.
    #[must_use]
    pub fn contested_within(&self, pool: &Pool) -> u64 {
        let (first, last) = pool.ends();
        let from = self.contested.partition_point(|run| run.1 < first);
        self.contested[from..].iter().take_while(|run| run.0 <= last).map(|run| pool.size_within(*run)).sum()
    }

    /// Addresses of a pool that the partner may regard otherwise and that nobody has: what is left when all else is
    /// given.
    #[must_use]
    pub fn contested_candidates(&self, pool: PoolId, now: Wall) -> Vec<Ipv4Addr> {
        let pool = self.pools.pool(pool);
        let (first, last) = pool.ends();
        let from = self.contested.partition_point(|run| run.1 < first);
        let runs = self.contested[from..].iter().take_while(|run| run.0 <= last);
        let all = runs.flat_map(|run| run.0.max(first)..=run.1.min(last)).take(LOOKS).map(Ipv4Addr::from_bits);
        let is_free = |address: &Ipv4Addr| {
            let bound = self.table.find(*address).is_some_and(|binding| binding.available_from() > now);
            !bound && self.offers.of_address(*address).is_none() && !self.own.contains(address)
        };
        all.filter(|address| pool.contains(*address)).filter(is_free).take(CANDIDATES).collect()
    }

    /// Own addresses of a pool that are free, in the order in which a server of a pair gives them: the next one without
    /// a binding, then those that have been free longest.
    pub fn own_candidates(&mut self, pool: PoolId, now: Wall) -> Vec<Ipv4Addr> {
        let (table, offers, own, contested) = (&self.table, &self.offers, &self.own, &self.contested);
        let is_touched = |address: Ipv4Addr| {
            table.contains(address)
                || offers.of_address(address).is_some()
                || own.contains(&address)
                || lies_in(contested, address)
        };
        let (side, shares) = (self.side, &self.shares);
        let unused = self.pools.pool_mut(pool).next_unused(side, shares, is_touched);
        let longest = self.pools.pool(pool).longest_free(side, now).take(LOOKS);
        let longest = longest.filter(|address| !lies_in(contested, *address));
        unused.into_iter().chain(longest.take(CANDIDATES)).collect()
    }

    /// How many addresses above `address` are own ones too, bound or not, without a gap.
    #[must_use]
    pub fn unused_ahead(&self, pool: PoolId, address: Ipv4Addr) -> u32 {
        let (owner, _, until) = self.shares.stretch(address.to_bits());
        let until = until.min(self.pools.pool(pool).ends().1);
        if owner == self.side { until.saturating_sub(address.to_bits()) } else { 0 }
    }

    /// Addresses of a pool that are free and the partner's, those first that it gives last.
    #[must_use]
    pub fn partner_candidates(&self, pool: PoolId, now: Wall) -> Vec<Ipv4Addr> {
        let is_touched = |address: Ipv4Addr| {
            self.table.contains(address)
                || self.offers.of_address(address).is_some()
                || self.own.contains(&address)
                || self.is_contested(address)
        };
        let partner = self.side.other();
        let pool = self.pools.pool(pool);
        let unused = pool.highest_unused(partner, &self.shares, is_touched);
        let latest = pool.longest_free(partner, now).rev().take(LOOKS).filter(|address| !self.is_contested(*address));
        unused.into_iter().chain(latest.take(CANDIDATES)).collect()
    }

    /// Gives the partner up to `count` addresses of a run that have no binding, from the top. The database must be
    /// complete. A turn looks at so many addresses at most; the rest of the run is told.
    pub fn give_unused(&mut self, within: Run, count: u64, now: Wall, out: &mut Outbox) -> Given {
        let mut given = 0;
        let (mut at, mut scan) = (within.1, SCAN);
        while given < count && self.shares.len() < RUNS_MAX {
            if scan == 0 {
                return Given { count: given, rest: Some((within.0, at)) };
            }
            let (owner, low, _) = self.shares.stretch(at);
            let low = low.max(within.0);
            if owner == self.side {
                let found = self.unused_run((low, at), count - given, &mut scan);
                if found.unused > 0 {
                    given += found.unused;
                    self.give_run(found.run, now, out);
                }
                // An offered address stays where it is; the search goes on below it.
                if found.run.0 > low {
                    at = found.run.0 - 1;
                    continue;
                }
            }
            match low.checked_sub(1).filter(|&below| below >= within.0) {
                Some(below) => at = below,
                None => break,
            }
        }
        Given { count: given, rest: None }
    }

    /// The longest run down from the top of `within` with at most `count` addresses to give and none that is offered.
    /// Where the top one is offered, that alone, with nothing to give.
    fn unused_run(&self, within: Run, count: u64, scan: &mut u32) -> Found {
        let mut found = Found { run: (within.1, within.1), unused: 0 };
        let mut at = within.1;
        loop {
            let address = Ipv4Addr::from_bits(at);
            if self.is_offered(address) {
                return found;
            }
            let is_used = self.table.contains(address) || self.own.contains(&address);
            let is_pooled = self.pools.of(address).is_some();
            found.unused += u64::from(is_pooled && !is_used);
            found.run.0 = at;
            *scan = scan.saturating_sub(1);
            if at == within.0 || found.unused == count || *scan == 0 {
                return found;
            }
            at -= 1;
        }
    }

    /// Whether a client was offered it, so that it stays this server's.
    fn is_offered(&self, address: Ipv4Addr) -> bool {
        kept(Rule::OfferedStays) && self.offers.of_address(address).is_some()
    }

    fn give_run(&mut self, run: Run, now: Wall, out: &mut Outbox) {
        let share = Share {
            first: Ipv4Addr::from_bits(run.0),
            last: Ipv4Addr::from_bits(run.1),
            owner: self.side.other(),
            origin: self.side,
            stamp: self.stamps.next(now),
        };
        self.lay(&share, out);
    }

    /// Gives the partner up to `count` addresses of a pool that were leased before, the longest free first; how many.
    pub fn give_ended(&mut self, pool: PoolId, count: u64, facts: (&Knowledge, Wall), out: &mut Outbox) -> u64 {
        let (knowledge, now) = facts;
        let count = usize::try_from(count).unwrap_or(MOVES_MAX).min(MOVES_MAX);
        let free = self.pools.pool(pool).longest_free(self.side, now);
        let settled = free.take(MOVES_MAX).filter(|&address| self.may_give(knowledge, address, now));
        let moved: Vec<Ipv4Addr> = settled.take(count).collect();
        for &address in &moved {
            self.give_bound(address, now, out);
        }
        moved.len() as u64
    }

    /// Gives the partner one address, if this server may and nobody was offered it. Whether it did.
    pub fn give_one(&mut self, address: Ipv4Addr, facts: (&Knowledge, Wall), out: &mut Outbox) -> bool {
        let (knowledge, now) = facts;
        if self.is_offered(address) || self.own.contains(&address) || !self.may_give(knowledge, address, now) {
            return false;
        }
        if self.table.contains(address) {
            self.give_bound(address, now, out);
        } else if self.shares.len() < RUNS_MAX {
            self.give_run((address.to_bits(), address.to_bits()), now, out);
        } else {
            return false;
        }
        true
    }

    /// Makes the runs between two addresses own changes, as they are, so that a partner that never heard of them does.
    pub fn retell_runs(&mut self, (first, last): (Ipv4Addr, Ipv4Addr), now: Wall, out: &mut Outbox) {
        let runs: Vec<Share> = self.shares.from(first).take_while(|run| run.first <= last).copied().collect();
        for run in runs {
            let (first, last) = (run.first.max(first), run.last.min(last));
            let (origin, stamp) = (self.side, self.stamps.next(now));
            self.lay(&Share { first, last, origin, stamp, ..run }, out);
        }
    }

    /// Makes a binding an own change, as it is, so that a partner that never heard of it does.
    pub fn retell(&mut self, address: Ipv4Addr, now: Wall, out: &mut Outbox) {
        self.restamp(address, None, (now, out));
    }

    fn give_bound(&mut self, address: Ipv4Addr, now: Wall, out: &mut Outbox) {
        self.restamp(address, Some(self.side.other()), (now, out));
    }

    /// Keeps a binding as an own change; with another owner, or with that of before.
    fn restamp(&mut self, address: Ipv4Addr, owner: Option<Side>, (now, out): (Wall, &mut Outbox)) {
        let Some(former) = self.table.find(address) else { return };
        let mut details = Vec::new();
        encode_client(&former.client, &mut details);
        let (origin, stamp) = (self.side, self.stamps.next(now));
        let owner = owner.unwrap_or(former.owner);
        let changed = former.without_client();
        self.keep(&Binding { owner, origin, stamp, client: decode_client(&details), ..changed }, out);
    }

    /// Lays a run over the table and tells everybody whom it concerns: pools, partners, the journal.
    fn lay(&mut self, share: &Share, out: &mut Outbox) {
        let laid = self.shares.lay(share);
        if let Some(changed) = &mut self.changed {
            for run in &laid.gone {
                changed.push(note(run, Some(run.stamp), Author::Partner));
            }
            for run in &laid.come {
                let author = if run.origin == self.side { Author::Own } else { Author::Partner };
                changed.push(note(run, None, author));
            }
        }
        for run in laid.come.iter().filter(|run| run.stamp == share.stamp && run.owner == self.side) {
            let run = (run.first.to_bits(), run.last.to_bits());
            let pools: Vec<PoolId> = self.pools.within(run).collect();
            for pool in pools {
                self.pools.pool_mut(pool).gain(run);
            }
        }
        out.record(|payload| Record::Share(*share).encode(payload));
    }
}

/// What was given of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Given {
    /// How many addresses.
    pub count: u64,
    /// What is to be looked at in the next turn, where there was no time for all.
    pub rest: Option<Run>,
}

/// What can be given of a run.
struct Found {
    run: Run,
    /// Addresses in it without a binding.
    unused: u64,
}

/// Whether `address` lies in one of these sorted, disjoint runs.
fn lies_in(runs: &[Run], address: Ipv4Addr) -> bool {
    let address = address.to_bits();
    let at = runs.partition_point(|run| run.1 < address);
    runs.get(at).is_some_and(|run| run.0 <= address)
}

fn note(run: &Share, former: Option<Stamp>, author: Author) -> Changed {
    Changed { address: run.first, former, stamp: run.stamp, author }
}
