//! Control is given away by a primary, for a planned stop or a drill (failover.md section 6).

use std::time::Duration;

use log::info;

use super::Around;
use super::partner::Partner;
use super::primary::Primary;
use super::watch::Takeover;
use crate::clock::{Mono, Now};
use crate::wire::failover::{Body, PartnerState};

/// CtlGive is repeated so often until CtlTaken.
const GIVE_AGAIN: Duration = Duration::from_millis(100);
/// Changes under way with which control is given: what is missing goes before CtlGive, and takes one round trip.
const FEW: usize = 64;
/// A planned stop takes no longer than this.
const STOP_MAX: Duration = Duration::from_secs(2);

/// Control is being given away: when that began, when CtlGive went last, whether CtlTaken came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Giving {
    pub(super) began: Mono,
    given: Option<Mono>,
    pub(super) taken: bool,
}

/// Whether a planned stop may end the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopping {
    /// It may.
    Done,
    /// Not yet.
    Waiting,
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

impl Primary {
    /// Falls silent when few changes are under way, and gives control behind them. From there on no datagram may say
    /// that this server serves: the failover would yield.
    pub(super) fn continue_stop(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let Some(stop) = &mut self.stop else { return };
        let serves = partner.state == PartnerState::Serving && partner.is_in_contact(around.now.mono);
        if serves && stop.is_due(partner, around.now.mono) {
            partner.enter(PartnerState::Given, "planned stop", around.now);
        }
        if matches!(partner.state, PartnerState::Given | PartnerState::Receiving) {
            stop.go_on(partner, around);
        }
    }

    /// A planned stop: this server serves on until the failover holds nearly all changes, and gives control then.
    pub(super) fn begin_stop(&mut self, now: Now) {
        if self.stop.is_none() {
            self.stop = Some(self.drill.take().unwrap_or_else(|| Giving::new(now)));
        }
    }

    /// Whether the planned stop is done.
    pub(super) fn stopping(&self, partner: &Partner, now: Now) -> Stopping {
        let Some(stop) = self.stop else { return Stopping::Done };
        let gives = matches!(partner.state, PartnerState::Serving | PartnerState::Given | PartnerState::Receiving);
        let over = now.mono.since(stop.began) >= STOP_MAX;
        let in_vain = !gives || !self.settings.hand_over || !partner.is_in_contact(now.mono);
        if stop.taken || over || in_vain { Stopping::Done } else { Stopping::Waiting }
    }

    /// A drill: as a planned stop, and this server stays and answers polls. From the commit of this turn on it is
    /// silent, also if it is not heard any more.
    pub(super) fn begin_drill(&mut self, partner: &mut Partner, reason: &str, now: Now) {
        if self.stop.is_some() || partner.state != PartnerState::Serving {
            return;
        }
        let changes = partner.outgoing.unacknowledged();
        partner.enter(PartnerState::Given, &format!("{reason}, {changes} changes to be sent"), now);
        partner.watch.takeover = Some(Takeover { at: now.wall, reason: reason.to_owned() });
        self.drill = Some(Giving::new(now));
    }

    /// Whether control is being given away and not yet taken.
    pub(super) fn is_giving(&self) -> bool {
        self.drill.is_some()
    }

    pub(super) fn continue_drill(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let Some(drill) = &mut self.drill else { return };
        drill.go_on(partner, around);
        let silent = around.now.mono.since(drill.began);
        if drill.taken {
            self.drill = None;
            let subnets = around.directory.subnets_of(partner.id);
            info!(
                "partner {}: it has control, subnets {}, nobody served for {} ms",
                partner.name,
                subnets.len(),
                silent.as_millis()
            );
            partner.watch.blackouts = subnets.into_iter().map(|subnet| (subnet, silent)).collect();
        } else if silent >= STOP_MAX {
            self.claim(partner, "the failover did not take control", around);
        }
    }
}
