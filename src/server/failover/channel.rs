//! One channel: a partner with the state table that this side of it runs, and the way of each event to that table.

use std::time::Duration;

use super::Around;
use super::balance;
use super::partner::{Came, Partner};
use super::primary::Primary;
use super::secondary::Secondary;
use super::states::{Start, Verdict, state_number};
use crate::clock::Mono;
use crate::lease::record::Record;
use crate::rules::{Rule, kept};
use crate::wire::failover::PartnerState;

/// The state table that a partner runs.
#[derive(Clone, Debug)]
pub(super) enum Table {
    Primary(Box<Primary>),
    Secondary(Box<Secondary>),
}

#[derive(Clone, Debug)]
pub(super) struct Channel {
    pub(super) partner: Partner,
    pub(super) table: Table,
    /// Whether its first message has gone; a reload brings channels that begin with the next turn.
    pub(super) is_begun: bool,
    /// Whether this server stood still before this turn: what came in meanwhile is too old to be answered.
    pub(super) stood_still: bool,
    /// Whether this turn left packets of clients in their socket: they are as old.
    pub(super) has_backlog: bool,
}

impl Channel {
    /// A channel that has not begun. What the sockets took in while the journal was read is too old to be answered.
    pub(super) fn new(partner: Partner, table: Table) -> Channel {
        Channel { partner, table, is_begun: false, stood_still: true, has_backlog: false }
    }

    /// Whether this server serves, and in contact: a silence of it lets the partner serve.
    pub(super) fn is_watched(&self, at: Mono) -> bool {
        let serves = match &self.table {
            Table::Primary(_) => true,
            Table::Secondary(secondary) => {
                let state = self.partner.state;
                let serves = matches!(state, PartnerState::Active | PartnerState::Returning);
                serves && !secondary.is_left_alone(&self.partner)
            }
        };
        serves && self.partner.is_in_contact(at)
    }

    /// The last turn began at `pause.1`, `pause.0` ago.
    pub(super) fn note_pause(&mut self, pause: (Duration, Mono), around: &mut Around<'_>) {
        if pause.0 <= self.partner.rhythm.stall() || !kept(Rule::AskAfterStandstill) {
            return;
        }
        self.stood_still = self.stood_still || self.is_watched(pause.1);
        if !self.partner.is_in_contact(pause.1) {
            self.partner.doubt_what_waited(around);
        }
        match &mut self.table {
            Table::Primary(primary) => primary.on_stall(&mut self.partner, pause, around),
            Table::Secondary(secondary) => secondary.on_stall(&mut self.partner, pause, around),
        }
    }

    /// The start of the server: takes over what the journal holds of the partner, and begins.
    pub(super) fn start(&mut self, remembered: &[(String, Vec<u8>)], around: &mut Around<'_>) {
        self.is_begun = true;
        self.partner.since = around.now.wall;
        let known = remembered.iter().find(|entry| entry.0 == self.partner.name);
        let mut kind = Start::Silent;
        if let Some(Ok(Record::Channel(record))) = known.map(|entry| Record::decode(&entry.1)) {
            self.partner.replay(&record);
            self.partner.check_agreement(around.directory);
            let had_control = [PartnerState::Active, PartnerState::Returning].map(state_number).contains(&record.state);
            kind = if had_control { Start::WithControl } else { Start::Silent };
        }
        match &mut self.table {
            Table::Primary(primary) => primary.claim(&mut self.partner, "start", around),
            Table::Secondary(secondary) => secondary.start(&mut self.partner, kind, around),
        }
    }

    /// This server's database is another one now: control is asked for, or the partner's bindings.
    pub(super) fn begin_anew(&mut self, around: &mut Around<'_>) {
        match &mut self.table {
            Table::Primary(primary) => {
                primary.give_up_all();
                primary.claim(&mut self.partner, "the lease database went back in time", around);
            }
            Table::Secondary(secondary) => secondary.start(&mut self.partner, Start::Silent, around),
        }
    }

    /// The sync at start has failed and would end the process, but other primaries' clients live on this server now.
    pub(super) fn put_off(&mut self, around: &mut Around<'_>) {
        match &mut self.table {
            Table::Primary(_) => {}
            Table::Secondary(secondary) => secondary.put_off(&mut self.partner, around),
        }
    }

    /// A datagram came.
    pub(super) fn act(&mut self, came: Came<'_>, around: &mut Around<'_>) {
        let is_new = matches!(came, Came::Session);
        match &came {
            Came::Session => self.partner.push.begin(),
            Came::Message { body, .. } => self.partner.on_subnets(body, around),
        }
        match &mut self.table {
            Table::Primary(primary) => primary.on_message(&mut self.partner, came, around),
            Table::Secondary(secondary) => secondary.on_message(&mut self.partner, came, around),
        }
        let mut asking = std::mem::take(&mut self.partner.balance.asking);
        if is_new {
            asking.end(around);
        } else {
            asking.note_acknowledged(&self.partner, around);
        }
        self.partner.balance.asking = asking;
    }

    /// The partner's port is closed.
    pub(super) fn on_refused(&mut self, around: &Around<'_>) {
        self.partner.balance.asking.note_refused(around.now.mono);
        match &mut self.table {
            Table::Primary(primary) => primary.on_refused(&self.partner, around.now),
            Table::Secondary(secondary) => secondary.on_refused(&self.partner, around.now),
        }
    }

    /// The end of a turn.
    pub(super) fn end_turn(&mut self, around: &mut Around<'_>) -> Verdict {
        let verdict = match &mut self.table {
            Table::Primary(primary) => {
                primary.tick(&mut self.partner, around);
                Verdict::GoesOn
            }
            Table::Secondary(secondary) => secondary.tick(&mut self.partner, around),
        };
        self.stood_still &= std::mem::take(&mut self.has_backlog);
        let share = match &self.table {
            Table::Primary(primary) => primary.settings().share,
            Table::Secondary(_) => 0,
        };
        balance::tick(&mut self.partner, share, around);
        let flow = self.partner.send_due(around);
        match &mut self.table {
            Table::Primary(primary) => primary.on_flow(&mut self.partner, flow, around),
            Table::Secondary(secondary) => secondary.on_flow(&mut self.partner, flow, around),
        }
        self.partner.subnets_due(around);
        self.partner.tell_contact(around.now);
        self.partner.tell_skew(around.now.mono);
        self.end_down(around);
        self.partner.record(around);
        verdict
    }
}
