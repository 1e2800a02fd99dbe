//! Control is given away by a primary, for a planned stop or a drill (failover.md section 6).

use std::time::Duration;

use super::Around;
use super::partner::Partner;
use crate::clock::{Mono, Now};
use crate::wire::failover::Body;

/// CtlGive is repeated so often until CtlTaken.
const GIVE_AGAIN: Duration = Duration::from_millis(100);
/// Changes under way with which control is given: what is missing goes before CtlGive, and takes one round trip.
const FEW: usize = 64;
/// A planned stop takes no longer than this.
pub(super) const STOP_MAX: Duration = Duration::from_secs(2);

/// Control is being given away: when that began, when CtlGive went last, whether CtlTaken came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Giving {
    pub(super) began: Mono,
    pub(super) given: Option<Mono>,
    pub(super) taken: bool,
}

impl Giving {
    /// Begins now.
    pub(super) fn new(now: Now) -> Giving {
        Giving { began: now.mono, given: None, taken: false }
    }

    /// Whether few changes are under way. Those that do not arrive within half the time are left to the next session.
    pub(super) fn is_due(&self, partner: &Partner, now: Mono) -> bool {
        let few = partner.outgoing.unacknowledged() <= FEW && !partner.outgoing.is_filling();
        few || now.since(self.began) >= STOP_MAX / 2
    }

    /// Says CtlGive, again and again until it is taken.
    pub(super) fn go_on(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let now = around.now.mono;
        let unacked = partner.outgoing.unacknowledged() as u64;
        if self.is_due(partner, now) && !self.taken && self.given.is_none_or(|given| now.since(given) >= GIVE_AGAIN) {
            self.given = Some(now);
            partner.send(Body::CtlGive { unacked }, around);
        }
    }

    /// When the next CtlGive is due.
    pub(super) fn next_due(self) -> Mono {
        self.given.map_or(self.began + STOP_MAX / 2, |given| given + GIVE_AGAIN)
    }
}
