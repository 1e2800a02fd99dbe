//! `understudyctl subnets`: a row a subnet, counted by a walk over the lease table.

use std::io::Write;

use super::Format;
use super::status::subnet_duty;
use super::tally::Tally;
use crate::clock::Now;
use crate::json::{self, Object};
use crate::server::service::Service;

/// A count that is under way.
#[derive(Clone, Debug)]
pub(super) struct SubnetCount {
    format: Format,
    tally: Tally,
}

impl SubnetCount {
    pub(super) fn new(format: Format, service: &Service) -> SubnetCount {
        SubnetCount { format, tally: Tally::new(service) }
    }

    /// Counts the next slice; writes all rows after the last and returns itself before.
    pub(super) fn slice(mut self, now: Now, service: &Service, text: &mut Vec<u8>) -> Option<SubnetCount> {
        if !self.tally.slice(now, service) {
            return Some(self);
        }
        self.write(service, text);
        None
    }

    fn write(&self, service: &Service, text: &mut Vec<u8>) {
        let mut offered = vec![0; service.directory.config().subnets.len()];
        for address in service.bindings.offers().addresses() {
            if let Some(count) = service.directory.subnet_of(address).and_then(|index| offered.get_mut(index)) {
                *count += 1;
            }
        }
        let rows = (0..offered.len()).map(|index| self.row(index, offered[index], service));
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
        let (count, (free, size)) = (self.tally.of(index), self.tally.free(index, service));
        Row {
            subnet: service.directory.subnet(index).network.to_string(),
            size,
            active: count.active,
            free_own: free.own,
            free_partner: free.partner,
            free_settled: free.settled,
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
    free_settled: u64,
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
        object.number("free_settled", self.free_settled);
        object.number("offered", self.offered);
        object.number("declined", self.declined);
        object.number("percent", self.percent);
        object.text("duty", &self.duty);
        object.end();
    }
}
