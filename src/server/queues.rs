//! What waits in the server, for whoever checks that it has bounds (failover.md section 10, invariant 9): each queue
//! with its length and the most that it may have. The lease table, the pools and what the configuration holds are no
//! queues; they are as large as the operator made them. Nothing here decides anything.

use super::held::HELD_MAX;
use super::offers::OFFERS_MAX;
use super::probe::PROBES_MAX;
use super::recent::TRANSACTIONS_MAX;
use super::{Server, report};

/// One queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Queue {
    /// What waits in it.
    pub name: &'static str,
    /// How many do.
    pub length: usize,
    /// How many may.
    pub most: usize,
}

impl Queue {
    pub(super) fn new(name: &'static str, length: usize, most: usize) -> Queue {
        Queue { name, length, most }
    }
}

impl Server {
    /// All queues of the server, those of each partner included.
    #[must_use]
    pub fn queues(&self) -> Vec<Queue> {
        let service = &self.service;
        let mut all = vec![
            Queue::new("messages kept while silent", service.held.len(), HELD_MAX),
            Queue::new("addresses being pinged", service.probes.len(), PROBES_MAX),
            Queue::new("addresses offered", service.bindings.offers().len(), OFFERS_MAX),
            Queue::new("transactions seen of late", service.recent.len(), TRANSACTIONS_MAX),
            Queue::new("requests for the partner's offers", service.second_asks.len(), TRANSACTIONS_MAX),
            Queue::new("answers on control connections", self.reports.len(), report::ANSWERS_MAX),
        ];
        service.failover.queues(&service.directory, &mut all);
        all
    }
}
