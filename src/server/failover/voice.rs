//! Which of the two answers clients of a subnet, and what makes a server doubt that it is itself.

use std::time::Duration;

use super::channel::{Channel, Table};
use super::states::has_control;
use super::{Failover, Rest};
use crate::clock::Mono;
use crate::config::Network;
use crate::server::event::PartnerId;
use crate::wire::failover::PartnerState;

/// The service that a subnet gets from this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// This server answers.
    Serves,
    /// The partner does, or may.
    Asleep,
    /// It is on its way here: what comes now is to be kept for a moment.
    Arriving,
    /// The partner does, and may end at any moment: what comes now is to be kept for a moment.
    Watching,
}

impl Failover {
    /// The service that a subnet of `partner` gets from this server.
    #[must_use]
    pub fn service(&self, partner: Option<PartnerId>, subnet: Network) -> Service {
        let Some(channel) = partner.and_then(|partner| self.channels.get(partner.0)) else { return Service::Serves };
        let state = channel.partner.state;
        let serves = match &channel.table {
            Table::Primary(primary) => primary.serves(state, subnet),
            Table::Secondary(secondary) => secondary.serves(state, subnet),
        };
        if channel.stood_still {
            // What waited meanwhile is too old to be answered.
            return Service::Asleep;
        }
        if serves {
            // What is read in the turn in which a subnet comes here came while the partner still served it.
            return if self.shared.freed.contains(&subnet) { Service::Arriving } else { Service::Serves };
        }
        match state {
            PartnerState::Claiming | PartnerState::Receiving => Service::Arriving,
            PartnerState::Serving | PartnerState::Given => Service::Asleep,
            PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing
            | PartnerState::Active
            | PartnerState::Returning => Service::Watching,
        }
    }

    /// The time after which a turn is too late to answer clients, the shortest of all partners; none without partners.
    #[must_use]
    pub fn stall(&self) -> Option<Duration> {
        self.channels.iter().map(|channel| channel.partner.rhythm.stall()).min()
    }

    /// By how much the lease clock is to be set, in milliseconds: this server has just started and found a partner that
    /// runs. Not where it has found its place towards another partner already: there leases go by its own clock.
    pub(in crate::server) fn take_clock_step(&mut self) -> Option<i64> {
        let step = self.shared.clock_step.take()?;
        let goes_by_own = |channel: &Channel| channel.partner.met || has_control(channel.partner.state);
        (!self.channels.iter().any(goes_by_own)).then_some(step)
    }

    /// This turn leaves packets of clients for the next. Of a server that stood still they too are too old to be
    /// answered: in half a minute more of them wait than one turn takes.
    pub(in crate::server) fn note_backlog(&mut self) {
        for channel in &mut self.channels {
            channel.has_backlog = true;
        }
    }

    /// How far the lease clock of a partner is ahead of this server's, in milliseconds.
    #[must_use]
    pub fn offset_millis(&self, partner: Option<PartnerId>) -> i64 {
        partner.and_then(|partner| self.channels.get(partner.0)).map_or(0, |channel| channel.partner.theirs.offset)
    }

    /// How long a partner that gives control away has been silent, its word's way here included; none when it did not
    /// give any.
    #[must_use]
    pub fn silent_for(&self, partner: Option<PartnerId>, now: Mono) -> Option<Duration> {
        let partner = &self.channels.get(partner?.0)?.partner;
        Some(now.since(partner.silent_since?) + partner.round_trip)
    }

    /// The last turn began at `last`. A server that stood still for long asks its partners before it answers.
    pub(in crate::server) fn note_pause(&mut self, last: Mono, rest: Rest<'_>) {
        let still = rest.now.mono.since(last);
        self.with_each(rest, |channel, around| channel.note_pause((still, last), around));
    }
}
