//! What of a partner is to be known after a restart, as a record of the journal.

use std::time::Duration;

use super::Around;
use super::partner::Partner;
use super::states::{is_polling, state_number};
use crate::lease::record::{Channel, Record};
use crate::rules::{Rule, kept};
use crate::wire::failover::PartnerState;

/// The facts of rule 3 are written so often while nothing else changes.
const QUIET_KEPT: Duration = Duration::from_secs(60);

impl Partner {
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
            strict: self.theirs.strict,
            since: self.since,
        }
    }
}
