//! The sweep of ended leases (ActiveLeaseExpiration = Full_delete): every LeaseExpirationSleepTime the clients of
//! ended leases are forgotten, a slice a turn. The record of the address stays; what names the client goes.

use std::time::Duration;

use super::outbox::Outbox;
use super::service::Service;
use crate::clock::{Mono, Now};
use crate::config::Config;
use crate::lease::BindingState;

/// Bindings looked at in one turn.
const SLICE: usize = 10_000;
/// Leases forgotten in one turn: each is a record of the turn's commit.
const FORGET_MAX: usize = 500;

/// Where the sweep is.
#[derive(Clone, Debug, Default)]
pub struct Sweep {
    /// When the last one began; none before the first turn.
    began: Option<Mono>,
    /// Next slot to look at, while one is under way.
    cursor: Option<usize>,
}

impl Sweep {
    /// Whether slices are left to do.
    #[must_use]
    pub fn is_under_way(&self) -> bool {
        self.cursor.is_some()
    }

    /// When the next one begins, where any subnet wants it.
    #[must_use]
    pub fn next_due(&self, config: &Config) -> Option<Mono> {
        let began = self.began?;
        is_wanted(config).then(|| began + config.global.lease_expiration_sleep)
    }

    /// Does the slice that is due at `now`.
    pub(super) fn run(&mut self, now: Now, service: &mut Service, out: &mut Outbox) {
        let pause = service.directory.config().global.lease_expiration_sleep;
        let Some(began) = self.began else {
            self.began = Some(now.mono);
            return;
        };
        if self.cursor.is_none() && now.mono.since(began) >= pause.max(Duration::from_secs(1)) {
            self.began = Some(now.mono);
            self.cursor = is_wanted(service.directory.config()).then_some(0);
        }
        if let Some(from) = self.cursor {
            self.cursor = slice(from, now, service, out);
        }
    }
}

fn slice(from: usize, now: Now, service: &mut Service, out: &mut Outbox) -> Option<usize> {
    let directory = &service.directory;
    let table = service.bindings.table();
    let deletes = |address| directory.subnet_of(address).is_some_and(|at| directory.subnet(at).policy.delete_expired);
    let mut looked_at = 0;
    let mut ended = Vec::new();
    for binding in table.slots(from, SLICE) {
        looked_at += 1;
        let is_over = binding.state != BindingState::Free && binding.available_from() <= now.wall;
        if is_over && deletes(binding.address) {
            ended.push(binding.address);
        }
        if ended.len() == FORGET_MAX {
            break;
        }
    }
    for address in ended {
        service.bindings.forget(address, now.wall, out);
    }
    let next = from + looked_at;
    (next < service.bindings.table().len()).then_some(next)
}

fn is_wanted(config: &Config) -> bool {
    config.subnets.iter().any(|subnet| subnet.policy.delete_expired)
}
