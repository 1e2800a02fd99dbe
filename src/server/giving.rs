//! May this server give an address to a client that does not hold it (failover.md section 7)? A standalone server may
//! give all that is free; one of a pair only what is its own and settled, and out of contact more, after a ping.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::counters::Silence;
use super::failover::{self, Need, Strictness, Wanted};
use super::request::Request;
use super::service::Service;
use crate::clock::Now;
use crate::lease::owner::{Knowledge, Quiet};
use crate::lease::pool::PoolId;
use crate::lease::{Binding, Stamp};
use crate::rules::{Rule, kept};

/// Addresses that a server asks its partner for when it has none left for a new client.
const RUN_SHORT: u32 = 1_024;
/// With fewer own addresses in sight the partner is asked for more, before any client has to wait.
const LOW: usize = 32;
/// Addresses that it is asked for then: so few that a small range leaves it some.
const AHEAD: u32 = 64;

/// A message waits for the partner's answer no longer than this: longer than one answer may take, and shorter than two.
const AWAITED: Duration = Duration::from_millis(300);

/// How an address may be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Giving {
    /// At once.
    Freely,
    /// The partner might have given it too: only when nobody answers a ping.
    PingFirst,
    /// Not by this server now.
    Not,
}

impl Service {
    /// How this server may give `address` to a client that does not hold it. That it is free is known already.
    pub(super) fn giving(&self, now: Now, request: &Request<'_>, address: Ipv4Addr) -> Giving {
        let partner = self.directory.partner_of(address);
        let Some(mut knowledge) = self.failover.knowledge(partner) else { return Giving::Freely };
        knowledge.complete |= self.has_outlived(now, request, address) || !kept(Rule::ReplacedPings);
        let binding = self.bindings.table().find(address);
        let was_theirs = binding.is_some_and(|binding| binding.client.key() == Some(request.key));
        let settled = knowledge.is_settled(binding.as_ref());
        let reservation = self.directory.reservation(address);
        if reservation.is_some_and(|host| self.failover.is_reservation_of_both(partner, address, host))
            && (settled || was_theirs)
        {
            return Giving::Freely;
        }
        let is_contested = self.bindings.is_contested(address);
        if !is_contested && self.bindings.may_give(&knowledge, address, now.wall) {
            return Giving::Freely;
        }
        if self.failover.is_partner_down(partner) {
            // The partner grants nothing: what this server granted since it was heard last is settled by its own
            // clock. What the partner may have granted or renewed before it went down, unheard, is found by the ping,
            // with StrictShares too.
            let unheard = self.failover.unheard_since(partner, now);
            let is_own = |binding: Binding<'_>| binding.origin == knowledge.side && binding.stamp.wall() >= unheard;
            let own = binding.is_some_and(is_own) && !is_contested;
            let settled = Quiet { clock: now.wall, held: Stamp(u64::MAX) };
            let ended = Knowledge { quiet: Some(settled), ..knowledge }.is_settled(binding.as_ref());
            return if own && ended { Giving::Freely } else { Giving::PingFirst };
        }
        if self.failover.gives(partner, now.mono) {
            return Giving::Not;
        }
        match self.failover.strictness(partner) {
            // What a replaced database has lost cannot be known, so nothing in it is settled: the ping is all there is
            // until the full copy comes (rule 9).
            Strictness::Silent if knowledge.complete && kept(Rule::StrictShares) => Giving::Not,
            Strictness::PingFirst | Strictness::Silent if kept(Rule::PingFirst) => Giving::PingFirst,
            Strictness::PingFirst | Strictness::Silent => Giving::Freely,
        }
    }

    /// Whether this run has lasted as long as a lease of `address`: what a replaced database had promised is over then,
    /// or the client has renewed it here (rule 9).
    fn has_outlived(&self, now: Now, request: &Request<'_>, address: Ipv4Addr) -> bool {
        let lease = self.settings(request, address).policy().default_lease;
        !lease.is_infinite() && now.mono.since(self.failover.began()).as_secs() >= u64::from(lease.0)
    }

    /// The next address for a new client of a pair: one that is surely this server's; out of contact, when none is
    /// left, an own one that may still be held, and last the partner's, those first that it gives last. A partner in
    /// contact is asked for some instead, as long as it answers.
    pub(super) fn next_of_pair(&mut self, now: Now, request: &Request<'_>, pools: &[PoolId]) -> Option<Ipv4Addr> {
        let mut own = Vec::new();
        for &pool in pools {
            own.clear();
            own.extend(self.bindings.own_candidates(pool, now.wall));
            let mut sure = own.iter().copied().filter(|&address| self.giving(now, request, address) == Giving::Freely);
            if let Some(address) = sure.next() {
                if own.len() < LOW && self.bindings.unused_ahead(pool, address) < LOW as u32 {
                    self.ask_for_some(now, pool, Need::Ahead);
                }
                return Some(address);
            }
        }
        let partner = self.directory.partner_of_subnet(request.subnet);
        if self.failover.gives(partner, now.mono) {
            for &pool in pools {
                self.ask_for_some(now, pool, Need::Now);
            }
            return None;
        }
        for &pool in pools {
            // It may answer again.
            self.ask_for_some(now, pool, Need::Now);
        }
        let mut all = Vec::new();
        for &pool in pools {
            all.extend(self.bindings.own_candidates(pool, now.wall));
        }
        for &pool in pools {
            all.extend(self.bindings.partner_candidates(pool, now.wall));
        }
        for &pool in pools {
            all.extend(self.bindings.contested_candidates(pool, now.wall));
        }
        all.into_iter().find(|&address| self.giving(now, request, address) != Giving::Not)
    }

    /// Asks the partner, if it is in contact, for some addresses of a pool.
    fn ask_for_some(&mut self, now: Now, pool: PoolId, need: Need) {
        let count = match need {
            Need::Ahead => AHEAD,
            Need::Now => RUN_SHORT,
        };
        let (first, last) = self.bindings.pools().pool(pool).ends();
        let partner = self.directory.partner_of(Ipv4Addr::from_bits(first));
        if self.failover.is_in_contact(partner, now.mono) {
            self.failover.ask_for(partner, Wanted { first, last, count }, need);
        }
    }

    /// Asks the partner for an address that a client is to have.
    pub(super) fn ask_for_one(&mut self, address: Ipv4Addr) {
        let partner = self.directory.partner_of(address);
        let number = address.to_bits();
        self.failover.ask_for(partner, Wanted { first: number, last: number, count: 1 }, Need::Now);
    }

    /// Asks the partner for an address that a client had before, or was offered, and wants now. Why it gets no answer
    /// at once.
    pub(super) fn not_yet(&mut self, now: Now, request: &Request<'_>, address: Ipv4Addr) -> Silence {
        self.ask_for_one(address);
        if self.awaits_partner(now, request) { Silence::AwaitingPartner } else { Silence::NotOurs }
    }

    /// Whether a message is to be kept until the partner has answered what it was asked for.
    pub(super) fn awaits_partner(&self, now: Now, request: &Request<'_>) -> bool {
        let partner = self.directory.partner_of_subnet(request.subnet);
        now.mono.since(request.came.mono) < AWAITED && self.failover.is_asked(partner, now.mono)
    }

    /// Whether a lease on `address`, which this configuration would not give, is extended all the same: the partner was
    /// seen to run other subnets, and may have given it (rules 1 and 2).
    pub(super) fn is_kept_for_partner(&self, request: &Request<'_>, address: Ipv4Addr) -> bool {
        let subnet = self.directory.subnet_of(address);
        let is_served = subnet.is_none_or(|subnet| self.served(subnet) == failover::Service::Serves);
        let partner = self.directory.partner_of_subnet(request.subnet);
        is_served && self.failover.is_at_odds(partner, &self.directory) && kept(Rule::HolderServedOn)
    }

    /// Whether a NAK for `address` says only what no partner can contradict (rule 6), in a complete database. The
    /// record is known to both, and the partner, in contact, has made no change that is not here; or, out of contact,
    /// the record is settled, the address this server's to give, and the partner strict: without StrictShares it may
    /// have given that too by rule 5. An address that does not belong on the link is never in doubt.
    pub(super) fn is_refusal_proven(&self, now: Now, request: &Request<'_>, address: Ipv4Addr) -> Result<(), Silence> {
        let partner = self.directory.partner_of_subnet(request.subnet);
        let Some(knowledge) = self.failover.knowledge(partner) else { return Ok(()) };
        if self.directory.link_of(address) != Some(request.link) {
            return Ok(());
        }
        let in_contact = self.failover.is_in_contact(partner, now.mono);
        let hears_all = in_contact && self.failover.holds_all(partner);
        let is_strict = self.failover.strictness(partner) == Strictness::Silent;
        let proven = self.bindings.table().find(address).is_some_and(|binding| {
            let held = knowledge.quiet.is_some_and(|quiet| binding.stamp <= quiet.held);
            let known_to_both = binding.origin != knowledge.side || held;
            let is_ours = binding.owner == knowledge.side && knowledge.is_settled(Some(&binding));
            // Who lost a conflict holds it on, as long as the bar says, when the one who won it does not any more.
            let is_contested = binding.bar > now.wall && !binding.is_active(now.wall);
            !is_contested && (hears_all && known_to_both || is_strict && is_ours)
        });
        let proven = proven && knowledge.complete || !kept(Rule::RefusalProven);
        if proven { Ok(()) } else { Err(Silence::Unproven) }
    }
}
