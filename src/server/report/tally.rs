//! A count of addresses by subnet, by a walk over the lease table, a slice a turn: behind `subnets` and `status`.

use super::SLICE;
use crate::clock::Now;
use crate::lease::BindingState;
use crate::lease::owner::Knowledge;
use crate::lease::pool::Pool;
use crate::server::event::PartnerId;
use crate::server::service::Service;

/// A count that is under way, or done.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    cursor: usize,
    counts: Vec<Count>,
}

/// What was counted of one subnet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Count {
    pub(super) active: u64,
    pub(super) declined: u64,
    /// Addresses of the ranges that are taken, leased or declined.
    pub(super) taken: u64,
    /// Free addresses with a binding that are the partner's.
    partner: u64,
    /// Free own addresses with a binding that are settled.
    settled: u64,
    /// Addresses of the ranges with a binding; those that would be the partner's without; those that are contested.
    bound: u64,
    bound_in_partners_runs: u64,
    bound_contested: u64,
}

/// Free addresses of a subnet or of a partner's subnets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Free {
    pub(super) own: u64,
    pub(super) partner: u64,
    /// Of the own ones, those that go to a new client without contact and without a ping.
    pub(super) settled: u64,
}

impl Tally {
    pub(super) fn new(service: &Service) -> Tally {
        Tally { cursor: 0, counts: vec![Count::default(); service.directory.config().subnets.len()] }
    }

    /// Counts the next slice; whether it was the last.
    pub(super) fn slice(&mut self, now: Now, service: &Service) -> bool {
        let (table, bindings) = (service.bindings.table(), &service.bindings);
        let side = bindings.side();
        for binding in table.slots(self.cursor, SLICE) {
            let Some(index) = service.directory.subnet_of(binding.address) else { continue };
            let Some(count) = self.counts.get_mut(index) else { continue };
            let in_range = bindings.pools().of(binding.address).is_some();
            let is_taken = binding.available_from() > now.wall;
            let is_contested = bindings.is_contested(binding.address);
            count.active += u64::from(binding.is_active(now.wall));
            count.declined += u64::from(is_taken && binding.state == BindingState::Unavailable);
            if !in_range {
                continue;
            }
            count.bound += 1;
            count.taken += u64::from(is_taken);
            count.partner += u64::from(!is_taken && binding.owner != side);
            count.bound_in_partners_runs += u64::from(bindings.shares().owner(binding.address) != side);
            count.bound_contested += u64::from(is_contested);
            let is_own = !is_taken && binding.owner == side && !is_contested;
            let knowledge = service.failover.knowledge(service.directory.partner_of_subnet(index));
            let is_settled = |knowledge: Knowledge| knowledge.is_settled(Some(&binding));
            count.settled += u64::from(is_own && knowledge.is_none_or(is_settled));
        }
        self.cursor += SLICE;
        self.cursor >= table.len()
    }

    /// What was counted of a subnet.
    pub(super) fn of(&self, subnet: usize) -> Count {
        self.counts.get(subnet).copied().unwrap_or_default()
    }

    /// Free addresses of a subnet, and how many its ranges have in all.
    pub(super) fn free(&self, subnet: usize, service: &Service) -> (Free, u64) {
        let count = self.of(subnet);
        let network = service.directory.subnet(subnet).network;
        let pools = service.directory.pools_of_link(service.directory.subnet(subnet).link);
        let own = pools.iter().filter(|&&pool| network.contains(service.directory.range(pool).first));
        let own: Vec<&Pool> = own.map(|&pool| service.bindings.pools().pool(pool)).collect();
        let size: u64 = own.iter().map(|pool| pool.size()).sum();
        let all = size.saturating_sub(count.taken);
        let Some(knowledge) = service.failover.knowledge(service.directory.partner_of_subnet(subnet)) else {
            return (Free { own: all, partner: 0, settled: all }, size);
        };
        let bindings = &service.bindings;
        let runs: u64 = own.iter().map(|pool| bindings.shares().size_within(pool, bindings.side().other())).sum();
        let partner = (count.partner + runs.saturating_sub(count.bound_in_partners_runs)).min(all);
        let bound = count.bound.saturating_sub(count.bound_in_partners_runs);
        let contested: u64 = own.iter().map(|pool| bindings.contested_within(pool)).sum();
        let contested = contested.saturating_sub(count.bound_contested);
        let unused = (size - runs).saturating_sub(bound).saturating_sub(contested);
        let settled = count.settled + if knowledge.complete { unused } else { 0 };
        (Free { own: all - partner, partner, settled: settled.min(all - partner) }, size)
    }

    /// Free addresses of all subnets of a partner.
    pub(super) fn free_of(&self, partner: PartnerId, service: &Service) -> Free {
        let is_its = |subnet: &usize| service.directory.partner_of_subnet(*subnet) == Some(partner);
        let all = (0..self.counts.len()).filter(is_its).map(|subnet| self.free(subnet, service).0);
        all.fold(Free::default(), |sum, free| Free {
            own: sum.own + free.own,
            partner: sum.partner + free.partner,
            settled: sum.settled + free.settled,
        })
    }
}
