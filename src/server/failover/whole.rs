//! Whether a lease database has once held all that a channel's partner held, when a copy may begin, and what follows
//! from it for giving addresses.
//!
//! The database as a whole is complete by an operator's word, or when it stood alone. One that was lost gets its
//! bindings back channel by channel: a failover that has the copy of one primary lacks those of the others still.

use std::time::Duration;

use super::outgoing::Content;
use super::partner::Partner;
use super::{Around, Failover};
use crate::clock::{Mono, Now, Wall};
use crate::lease::Side;
use crate::lease::owner::Knowledge;
use crate::lease::record::Complete;
use crate::server::database::Database;
use crate::server::event::PartnerId;
use crate::server::outbox::Outbox;

impl Partner {
    /// Whether all that the partner held has once been here.
    pub(super) fn is_complete(&self, database: &Database) -> bool {
        self.complete || database.complete() == Complete::Yes
    }

    /// The partner's copy is here. It stands in the record of the channel; a primary has no other channel.
    pub(super) fn set_complete(&mut self, around: &mut Around<'_>) {
        self.complete = true;
        if self.side == Side::Primary {
            around.database.set_complete();
            for record in around.database.newest_records() {
                around.out.record(|payload| record.encode(payload));
            }
        }
    }

    /// Until when a stream has to wait: a failover that lost its disk does not know the subnets of the primary yet,
    /// and a copy of the bindings of none would tell a primary that lost its own disk that there are none.
    pub(super) fn copy_waits(&self, around: &Around<'_>) -> Option<Mono> {
        let runs_subnets = self.theirs.config.is_some_and(|digest| digest != [0; 8]);
        let lacks_subnets = self.side == Side::Secondary && self.own_config(around.directory).is_none();
        if self.theirs.complete || !runs_subnets || !lacks_subnets {
            return None;
        }
        let wait: Duration = self.common.wait_update;
        self.session_since.map(|since| since + wait).filter(|until| *until > around.now.mono)
    }

    /// Begins the stream anew: a session, a SyncStart, or contact after a time without.
    pub(super) fn begin_stream(&mut self, around: &Around<'_>) {
        let content = if self.theirs.complete { Content::Changes } else { Content::Copy };
        let last = around.bindings.stamps().last();
        self.outgoing.begin(content, self.theirs.have, (self.newest, last));
    }

    /// Margin for comparing ends across the two clocks: the skew that is allowed, or the one that is seen.
    pub(super) fn margin(&self) -> Duration {
        self.common.skew.max(Duration::from_millis(self.theirs.offset.unsigned_abs()))
    }

    /// What is known for deciding who may give an address.
    pub(super) fn knowledge(&self, database: &Database) -> Knowledge {
        Knowledge { side: self.side, complete: self.is_complete(database), quiet: self.quiet, margin: self.margin() }
    }

    /// Whether the partner's changes are on their way: it is there, and something of them came lately.
    pub(super) fn is_coming(&self, now: Mono) -> bool {
        let lately = self.coming.is_some_and(|at| now.since(at) < self.common.wait_update);
        lately && self.is_in_contact(now) && !self.sizes_differ
    }
}

impl Failover {
    /// A lost database has all back when the copies of all primaries are here.
    pub(super) fn note_whole(&mut self, out: &mut Outbox) {
        let is_whole = self.is_pair() && self.channels.iter().all(|channel| channel.partner.complete);
        if is_whole && self.shared.database.complete() == Complete::No {
            self.shared.database.set_complete();
            self.record_identity(out);
        }
    }

    /// The lease clock when a partner was in contact last, or when this run began.
    #[must_use]
    pub fn unheard_since(&self, partner: Option<PartnerId>, now: Now) -> Wall {
        let channel = partner.and_then(|partner| self.channels.get(partner.0));
        let since = channel.and_then(|channel| channel.partner.contact).unwrap_or(self.began);
        let ago = u64::try_from(now.mono.since(since).as_millis()).unwrap_or(u64::MAX);
        Wall::from_millis(now.wall.millis().saturating_sub(ago))
    }

    /// Whether no change of a partner is missing here, by its newest header.
    #[must_use]
    pub fn holds_all(&self, partner: Option<PartnerId>) -> bool {
        let channel = partner.and_then(|partner| self.channels.get(partner.0));
        channel.is_some_and(|channel| channel.partner.have.stamp >= channel.partner.theirs.newest)
    }

    /// Whether an operator's word says that a partner does not serve.
    #[must_use]
    pub fn is_partner_down(&self, partner: Option<PartnerId>) -> bool {
        let channel = partner.and_then(|partner| self.channels.get(partner.0));
        channel.is_some_and(|channel| channel.partner.partner_down)
    }
}
