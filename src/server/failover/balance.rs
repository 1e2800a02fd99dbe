//! Balancing (failover.md section 7, rule 4): in contact the primary gives its failover a share of the free addresses
//! of each range, and a server that runs short asks the other, so that each can serve new clients alone for a while.
//!
//! What a range has is counted by a walk over the lease table, a slice a turn; what is to be given goes by records,
//! some a turn, through the ordinary stream. What a server asks the other for is [`super::asking`].

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use log::info;

use super::Around;
use super::asking::Asking;
use super::partner::Partner;
use crate::clock::Mono;
use crate::lease::Side;
use crate::lease::pool::{PoolId, Run};
use crate::wire::failover::PartnerState;

/// Bindings counted in one turn.
const SLICE: usize = 10_000;
/// From one count to the next, and more where counting takes longer: a millisecond for each `SLOWER` bindings.
const PAUSE: Duration = Duration::from_secs(2);
const SLOWER: usize = 100;
/// While more changes than this wait for the partner, it gets no addresses: clients' changes go first.
const BACKLOG_MAX: usize = 1_000;
/// The partner is asked so often at most, and for so many ranges at once.
pub(super) const ASK_EVERY: Duration = Duration::from_millis(100);
pub(super) const WANTED_MAX: usize = 8;
/// Addresses given for one request at most.
const GIVEN_MAX: u32 = 1_024;
/// A range in which a client waited for addresses of the partner does not give any back for so long: it asks again some
/// seconds later, and is to find them.
const SHORT_FOR: Duration = Duration::from_secs(60);
/// So many ranges at once.
pub(super) const SHORT_MAX: usize = 64;
/// So many requests for ranges are answered within this time, as many as come at once.
const ANSWER_EVERY: Duration = Duration::from_millis(50);

/// Addresses that a server wants of its partner: some of a run, or the one that a former client of it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// First address of the run.
    pub first: u32,
    /// Last address of the run.
    pub last: u32,
    /// How many of them.
    pub count: u32,
}

/// Why a server wants addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// It will run short.
    Ahead,
    /// A client waits.
    Now,
}

/// The state of balancing with one partner.
#[derive(Clone, Debug, Default)]
pub(super) struct Balance {
    /// When the next count begins; none: as soon as it may.
    next: Option<Mono>,
    census: Option<Census>,
    gifts: VecDeque<Gift>,
    /// Ranges in which clients waited, and when last; none: now.
    short: Vec<(Run, Option<Mono>)>,
    pub(super) asking: Asking,
    /// When the first of the requests of late was answered, and how many were.
    answered: (Option<Mono>, usize),
    /// Whether the partner is to hear that its request has come, whatever came of it.
    pub(super) answer_owed: bool,
    due: Option<Mono>,
}

/// Addresses of one range that the partner is to get.
#[derive(Clone, Debug)]
struct Gift {
    range: Run,
    /// Where addresses without a binding are still to be looked for.
    unused: Option<Run>,
    count: u64,
    given: u64,
}

/// A count that is under way: of each pool.
#[derive(Clone, Debug)]
struct Census {
    cursor: usize,
    counts: Vec<Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    bound: u64,
    /// Of them, in runs of the failover.
    bound_in_runs: u64,
    /// Bound before and free now: the primary's, the failover's.
    free: [u64; 2],
}

/// Free addresses of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Free {
    primary: u64,
    failover: u64,
}

/// What is to be done for a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Motion {
    /// The failover gets so many.
    Give(u64),
    /// It is asked for so many.
    Ask(u64),
    /// Neither is short.
    Rest,
}

impl Free {
    /// What brings a range back to a failover's share of `percent`, once a server has under half of its part.
    fn motion(self, percent: u64) -> Motion {
        let total = self.primary + self.failover;
        let part = total * percent.min(100) / 100;
        let rest = total - part;
        if self.failover * 2 < part {
            return Motion::Give(part - self.failover);
        }
        if self.primary * 2 < rest { Motion::Ask(rest - self.primary) } else { Motion::Rest }
    }
}

impl Balance {
    /// Counts anew: the ranges are others. What was asked for is waited for all the same.
    pub(super) fn begin_anew(&mut self) {
        *self = Balance { asking: std::mem::take(&mut self.asking), ..Balance::default() };
    }

    /// Notes what the partner is to be asked for.
    pub(super) fn ask_for(&mut self, wanted: Wanted, need: Need) {
        let run = (wanted.first, wanted.last);
        if need == Need::Now && run.0 < run.1 {
            self.short.retain(|entry| entry.0 != run);
            if self.short.len() < SHORT_MAX {
                self.short.push((run, None));
            }
        }
        self.asking.ask_for(wanted);
    }

    /// Ranges in which a client waited long ago are not short any more.
    fn forget_short(&mut self, now: Mono) {
        self.short.iter_mut().for_each(|entry| entry.1 = entry.1.or(Some(now)));
        self.short.retain(|entry| entry.1.is_some_and(|at| now.since(at) < SHORT_FOR));
    }

    /// Ranges that are to get addresses, and ranges in which clients waited.
    pub(super) fn under_way(&self) -> (usize, usize) {
        (self.gifts.len(), self.short.len())
    }

    /// When there is something to do.
    pub(super) fn next_due(&self) -> Option<Mono> {
        self.due
    }

    fn go_on(&mut self, partner: &Partner, percent: u64, around: &mut Around<'_>) {
        let now = around.now.mono;
        if !self.gifts.is_empty() {
            self.give(partner, around);
        } else if let Some(census) = &mut self.census {
            if census.slice(around) {
                self.plan(partner, percent, around);
                self.census = None;
                let slower = Duration::from_millis((around.bindings.table().len() / SLOWER) as u64);
                self.next = Some(now + PAUSE + slower);
            }
        } else if self.next.is_none_or(|next| next <= now) {
            let counts = vec![Count::default(); around.bindings.pools().len()];
            self.census = Some(Census { cursor: 0, counts });
        }
        let is_busy = self.census.is_some() || !self.gifts.is_empty();
        self.due = if is_busy { Some(now) } else { self.next };
    }

    /// Decides for each range what is to be given or asked for.
    fn plan(&mut self, partner: &Partner, percent: u64, around: &Around<'_>) {
        let Some(census) = &self.census else { return };
        let mut wanted = Vec::new();
        let is_short = |range: Run| self.short.iter().any(|entry| entry.0 == range);
        for (index, count) in census.counts.iter().enumerate() {
            let pool = PoolId(index);
            if index >= around.bindings.pools().len() || partner_of(pool, around) != Some(partner.id) {
                continue;
            }
            let range = around.bindings.pools().pool(pool).ends();
            match count.free(pool, around).motion(percent) {
                Motion::Give(_) if is_short(range) => {}
                Motion::Give(count) => self.gifts.push_back(Gift { range, unused: Some(range), count, given: 0 }),
                Motion::Ask(count) => {
                    let count = u32::try_from(count).unwrap_or(GIVEN_MAX).min(GIVEN_MAX);
                    wanted.push(Wanted { first: range.0, last: range.1, count });
                }
                Motion::Rest => {}
            }
        }
        for wanted in wanted {
            self.ask_for(wanted, Need::Ahead);
        }
    }

    /// Gives some of the first gift.
    fn give(&mut self, partner: &Partner, around: &mut Around<'_>) {
        let Some(gift) = self.gifts.front_mut() else { return };
        let now = around.now.wall;
        let left = gift.count - gift.given;
        let mut is_over = false;
        if let Some(unused) = gift.unused {
            let given = around.bindings.give_unused(unused, left, now, around.out);
            gift.given += given.count;
            gift.unused = given.rest;
        } else {
            let pools = around.bindings.pools();
            let pool = pools.within(gift.range).find(|&pool| pools.pool(pool).ends() == gift.range);
            let knowledge = partner.knowledge(around.database);
            let given = pool.map_or(0, |pool| around.bindings.give_ended(pool, left, (&knowledge, now), around.out));
            gift.given += given;
            is_over = given == 0;
        }
        if gift.given >= gift.count || is_over {
            let (first, last) = (Ipv4Addr::from_bits(gift.range.0), Ipv4Addr::from_bits(gift.range.1));
            if gift.given > 0 {
                info!("partner {}: {} free addresses of {first} to {last} are its own now", partner.name, gift.given);
            }
            self.gifts.pop_front();
        }
    }
}

impl Census {
    /// Counts the next slice; whether it was the last.
    fn slice(&mut self, around: &Around<'_>) -> bool {
        let (table, pools, shares) = (around.bindings.table(), around.bindings.pools(), around.bindings.shares());
        for binding in table.slots(self.cursor, SLICE) {
            let Some(count) = pools.of(binding.address).and_then(|pool| self.counts.get_mut(pool.0)) else { continue };
            count.bound += 1;
            count.bound_in_runs += u64::from(shares.owner(binding.address) == Side::Secondary);
            if binding.available_from() <= around.now.wall {
                match binding.owner {
                    Side::Primary => count.free[0] += 1,
                    Side::Secondary => count.free[1] += 1,
                }
            }
        }
        self.cursor += SLICE;
        self.cursor >= table.len()
    }
}

impl Count {
    /// Free addresses of a pool, those without a binding too.
    fn free(&self, pool: PoolId, around: &Around<'_>) -> Free {
        let pool = around.bindings.pools().pool(pool);
        let in_runs = around.bindings.shares().size_within(pool, Side::Secondary);
        let unused = pool.size().saturating_sub(self.bound);
        let failover = in_runs.saturating_sub(self.bound_in_runs).min(unused);
        Free { primary: self.free[0] + unused - failover, failover: self.free[1] + failover }
    }
}

/// The end of a turn: asks for what is wanted; on a primary (`percent` is its FailoverShare) counts and gives.
pub(super) fn tick(partner: &mut Partner, percent: u64, around: &mut Around<'_>) {
    let mut balance = std::mem::take(&mut partner.balance);
    balance.due = None;
    if percent > 0 && may_balance(partner, around) {
        balance.go_on(partner, percent, around);
    } else {
        balance.gifts.clear();
        balance.census = None;
    }
    balance.forget_short(around.now.mono);
    balance.asking.go_on(partner, around);
    balance.due = [balance.due, balance.asking.next_due()].into_iter().flatten().min();
    partner.balance = balance;
}

/// In contact, serving, both databases whole, and the partner not far behind.
fn may_balance(partner: &Partner, around: &Around<'_>) -> bool {
    partner.state == PartnerState::Serving
        && partner.is_in_contact(around.now.mono)
        && partner.theirs.complete
        && partner.is_complete(around.database)
        && !partner.sizes_differ
        && partner.outgoing.is_begun()
        && !partner.outgoing.is_filling()
        && partner.outgoing.unacknowledged() <= BACKLOG_MAX
}

/// Gives what the partner asks for, as far as it may be given: a sleeping server gives down to none, one that serves
/// half as many.
pub(super) fn answer(partner: &mut Partner, wanted: Wanted, around: &mut Around<'_>) {
    let (now, mono) = (around.now.wall, around.now.mono);
    let Wanted { first, last, count } = wanted;
    partner.balance.answer_owed = true;
    let knowledge = partner.knowledge(around.database);
    if !knowledge.complete {
        return;
    }
    if first == last {
        let address = Ipv4Addr::from_bits(first);
        if around.directory.partner_of(address) == Some(partner.id) {
            around.bindings.give_one(address, (&knowledge, now), around.out);
        }
        return;
    }
    let (since, before) = partner.balance.answered;
    match since.filter(|&since| mono.since(since) < ANSWER_EVERY) {
        Some(_) if before >= WANTED_MAX => return,
        Some(_) => partner.balance.answered.1 += 1,
        None => partner.balance.answered = (Some(mono), 1),
    }
    let mut left = u64::from(count.min(GIVEN_MAX));
    if matches!(partner.state, PartnerState::Serving | PartnerState::Active) {
        left /= 2;
    }
    let pools: Vec<PoolId> = around.bindings.pools().within((first, last)).collect();
    for pool in pools.into_iter().filter(|&pool| partner_of(pool, around) == Some(partner.id)).collect::<Vec<_>>() {
        let ends = around.bindings.pools().pool(pool).ends();
        let run = (ends.0.max(first), ends.1.min(last));
        left -= around.bindings.give_unused(run, left, now, around.out).count;
        left -= around.bindings.give_ended(pool, left, (&knowledge, now), around.out);
        if left == 0 {
            break;
        }
    }
}

fn partner_of(pool: PoolId, around: &Around<'_>) -> Option<crate::server::event::PartnerId> {
    around.directory.partner_of(Ipv4Addr::from_bits(around.bindings.pools().pool(pool).ends().0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn motion(primary: u64, failover: u64, percent: u64) -> Motion {
        Free { primary, failover }.motion(percent)
    }

    #[test]
    fn a_failover_with_under_half_of_its_share_gets_the_rest_of_it() {
        assert_eq!(motion(100, 0, 50), Motion::Give(50));
        assert_eq!(motion(76, 24, 50), Motion::Give(26));
        assert_eq!(motion(75, 25, 50), Motion::Rest);
        assert_eq!(motion(100, 0, 10), Motion::Give(10));
        assert_eq!(motion(100, 0, 0), Motion::Rest);
        assert_eq!(motion(4, 0, 100), Motion::Give(4));
        assert_eq!(motion(1, 0, 100), Motion::Give(1));
    }

    #[test]
    fn a_primary_with_under_half_of_its_part_asks_for_the_rest_of_it() {
        assert_eq!(motion(24, 76, 50), Motion::Ask(26));
        assert_eq!(motion(30, 70, 50), Motion::Rest);
        assert_eq!(motion(50, 50, 10), Motion::Rest);
        assert_eq!(motion(0, 1, 50), Motion::Ask(1));
        assert_eq!(motion(0, 1, 100), Motion::Rest);
        assert_eq!(motion(0, 0, 50), Motion::Rest);
    }
}
