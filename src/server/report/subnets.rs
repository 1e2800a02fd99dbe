//! `understudyctl subnets`: a row a subnet, counted by a walk over the lease table.

use std::io::Write;

use super::json::{self, Object};
use super::status::subnet_duty;
use super::{Format, SLICE};
use crate::clock::Now;
use crate::lease::BindingState;
use crate::server::service::Service;

/// A count that is under way.
#[derive(Debug)]
pub(super) struct SubnetCount {
    format: Format,
    cursor: usize,
    counts: Vec<Count>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    active: u64,
    declined: u64,
    /// Addresses of the ranges that are taken, leased or declined.
    taken: u64,
    /// Free addresses with a binding that are the partner's.
    partner: u64,
    /// Addresses of the ranges with a binding that would be the partner's without.
    bound_in_partners_runs: u64,
}

impl SubnetCount {
    pub(super) fn new(format: Format, service: &Service) -> SubnetCount {
        let subnets = service.directory.config().subnets.len();
        SubnetCount { format, cursor: 0, counts: vec![Count::default(); subnets] }
    }

    /// Counts the next slice; writes all rows after the last and returns itself before.
    pub(super) fn slice(mut self, now: Now, service: &Service, text: &mut Vec<u8>) -> Option<SubnetCount> {
        let table = service.bindings.table();
        for binding in table.slots(self.cursor, SLICE) {
            let subnet = service.directory.subnet_of(binding.address);
            let Some(count) = subnet.and_then(|index| self.counts.get_mut(index)) else { continue };
            let in_range = service.bindings.pools().of(binding.address).is_some();
            let is_taken = binding.available_from() > now.wall;
            count.active += u64::from(binding.is_active(now.wall));
            count.declined += u64::from(is_taken && binding.state == BindingState::Unavailable);
            count.taken += u64::from(is_taken && in_range);
            let side = service.bindings.side();
            count.partner += u64::from(!is_taken && in_range && binding.owner != side);
            let unbound = service.bindings.shares().owner(binding.address);
            count.bound_in_partners_runs += u64::from(in_range && unbound != side);
        }
        self.cursor += SLICE;
        if self.cursor < table.len() {
            return Some(self);
        }
        self.write(service, text);
        None
    }

    fn write(&self, service: &Service, text: &mut Vec<u8>) {
        let mut offered = vec![0; self.counts.len()];
        for address in service.bindings.offers().addresses() {
            if let Some(count) = service.directory.subnet_of(address).and_then(|index| offered.get_mut(index)) {
                *count += 1;
            }
        }
        let rows = (0..self.counts.len()).map(|index| self.row(index, offered[index], service));
        if self.format == Format::Json {
            let mut first = true;
            text.push(b'[');
            for row in rows {
                json::comma(&mut first, text);
                row.json(text);
            }
            text.extend_from_slice(b"\n]\n");
            return;
        }
        let _ = writeln!(
            text,
            "{:<18} {:>9} {:>9} {:>17} {:>8} {:>8} {:>4}  DUTY",
            "SUBNET", "SIZE", "ACTIVE", "FREE OWN/PARTNER", "OFFERED", "DECLINED", "USED"
        );
        for row in rows {
            let free = format!("{}/{}", row.free_own, row.free_partner);
            let _ = writeln!(
                text,
                "{:<18} {:>9} {:>9} {free:>17} {:>8} {:>8} {:>3}%  {}",
                row.subnet, row.size, row.active, row.offered, row.declined, row.percent, row.duty
            );
        }
    }

    fn row(&self, index: usize, offered: u64, service: &Service) -> Row {
        let subnet = service.directory.subnet(index);
        let count = self.counts[index];
        let pools = service.directory.pools_of_link(subnet.link);
        let own = pools.iter().filter(|&&pool| subnet.network.contains(service.directory.range(pool).first));
        let own = own.map(|&pool| service.bindings.pools().pool(pool));
        let size: u64 = own.clone().map(|pool| pool.size()).sum();
        let free = size.saturating_sub(count.taken);
        let (bindings, mut partner) = (&service.bindings, 0);
        if service.failover.is_pair() {
            let runs: u64 = own.map(|pool| bindings.shares().size_within(pool, bindings.side().other())).sum();
            partner = (count.partner + runs.saturating_sub(count.bound_in_partners_runs)).min(free);
        }
        Row {
            subnet: subnet.network.to_string(),
            size,
            active: count.active,
            free_own: free - partner,
            free_partner: partner,
            offered,
            declined: count.declined,
            percent: (count.taken * 100).checked_div(size).unwrap_or(0),
            duty: subnet_duty(service, index),
        }
    }
}

struct Row {
    subnet: String,
    size: u64,
    active: u64,
    free_own: u64,
    free_partner: u64,
    offered: u64,
    declined: u64,
    percent: u64,
    duty: String,
}

impl Row {
    fn json(&self, text: &mut Vec<u8>) {
        let mut object = Object::begin(text);
        object.text("subnet", &self.subnet);
        object.number("size", self.size);
        object.number("active", self.active);
        object.number("free", self.free_own);
        object.number("free_partner", self.free_partner);
        object.number("offered", self.offered);
        object.number("declined", self.declined);
        object.number("percent", self.percent);
        object.text("duty", &self.duty);
        object.end();
    }
}
