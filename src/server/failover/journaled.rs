//! What the journal keeps of the partners, so that a restart knows it (failover.md sections 5 to 7).

use std::time::Duration;

use super::partner::{Have, Partner};
use super::states::{is_polling, state_number};
use super::{Around, Failover};
use crate::clock::Wall;
use crate::lease::owner::Quiet;
use crate::lease::record::{Channel, Record};
use crate::lease::reservations::Reservations;
use crate::rules::{Rule, kept};
use crate::wire::failover::PartnerState;

/// The facts of rule 3 are written so often while nothing else changes.
const QUIET_KEPT: Duration = Duration::from_secs(60);

impl Failover {
    /// Takes over a fact from the journal.
    pub fn replay(&mut self, fact: &Record<'_>) {
        match *fact {
            Record::Channel(channel) => {
                let mut payload = Vec::new();
                fact.encode(&mut payload);
                self.remember(channel.name, payload);
            }
            Record::Reservation { address, promised } => self.reservations.replay((address, promised)),
            Record::Binding(_)
            | Record::Identity { .. }
            | Record::Boot { .. }
            | Record::Share(_)
            | Record::CopyEnd { .. }
            | Record::Seen { .. } => self.shared.database.replay(fact),
        }
    }

    /// Every reservation that a partner may still go by.
    #[must_use]
    pub fn reservations(&self) -> &Reservations {
        &self.reservations
    }

    /// Records for a snapshot: the database, and every channel.
    pub fn snapshot(&self, encode: &mut dyn FnMut(&Record<'_>)) {
        for record in self.shared.database.all_records() {
            encode(&record);
        }
        for channel in self.channels.iter().filter(|channel| channel.is_begun) {
            encode(&Record::Channel(channel.partner.channel()));
        }
        for (_, payload) in &self.remembered {
            if let Ok(record) = Record::decode(payload) {
                encode(&record);
            }
        }
    }
}

impl Partner {
    /// Takes over what the journal holds of it.
    pub(super) fn replay(&mut self, channel: &Channel<'_>) {
        self.theirs.database = channel.database;
        self.have = Have { boot: channel.have_boot, stamp: channel.have };
        self.partner_down = channel.partner_down == 1;
        self.complete = channel.is_complete;
        self.since = channel.since;
        let known = channel.quiet_clock > Wall::default();
        self.quiet = known.then_some(Quiet { clock: channel.quiet_clock, held: channel.quiet_held });
        self.theirs.strict = channel.strict;
        self.replay_agreement(channel);
    }

    /// Records what is to be known after a restart, if that changed. The facts of rule 3 move with each datagram; older
    /// ones are always safe, so that they alone are written once a minute and an idle pair does not wear its disks.
    pub(super) fn record(&mut self, around: &mut Around<'_>) {
        let channel = self.channel();
        let (clock, held) = self.kept_quiet;
        let is_old = channel.quiet_clock.millis().saturating_sub(clock.millis()) >= QUIET_KEPT.as_millis() as u64;
        let as_kept = Channel { quiet_clock: clock, quiet_held: held, ..channel };
        let mut payload = Vec::new();
        Record::Channel(as_kept).encode(&mut payload);
        if self.kept.as_ref() == Some(&payload) && !is_old {
            return;
        }
        let quiet = (channel.quiet_clock, channel.quiet_held);
        payload.clear();
        Record::Channel(channel).encode(&mut payload);
        around.out.record(|out| out.extend_from_slice(&payload));
        (self.kept, self.kept_quiet) = (Some(payload), quiet);
    }

    /// The record of this channel.
    pub(super) fn channel(&self) -> Channel<'_> {
        let quiet = self.quiet.unwrap_or_default();
        let is_asleep = is_polling(self.state) || !kept(Rule::TakeoverRecorded);
        Channel {
            name: &self.name,
            state: state_number(if is_asleep { PartnerState::Asleep } else { self.state }),
            partner_down: u8::from(self.partner_down),
            database: self.theirs.database,
            have_boot: self.have.boot,
            have: self.have.stamp,
            quiet_clock: quiet.clock,
            quiet_held: quiet.held,
            config: self.theirs.config.unwrap_or_default(),
            is_agreed: self.is_agreed(),
            is_complete: self.complete,
            strict: self.theirs.strict,
            since: self.since,
        }
    }
}
