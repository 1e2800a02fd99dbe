//! What reports show of the partners.

use std::time::Duration;

use super::channel::Channel;
use super::session::Dropped;
use super::states::state_name;
use super::watch::Takeover;
use super::{Agreement, Failover, Strictness, Word};
use crate::clock::{Now, Wall};
use crate::config::Network;
use crate::server::directory::Directory;

/// What reports show of one partner.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// Its name.
    pub name: &'a str,
    /// This server's state on the channel.
    pub state: &'static str,
    /// Since when.
    pub since: Wall,
    /// Whether it was heard of lately, and hears us.
    pub in_contact: bool,
    /// Since when it is, or is not; `None` when it never was in this run.
    pub contact_since: Option<Wall>,
    /// Changes that it does not hold yet.
    pub unacknowledged: usize,
    /// Its lease clock minus ours.
    pub offset_millis: i64,
    /// The last time that control went to the failover, in this run.
    pub takeover: Option<&'a Takeover>,
    /// How long each subnet was silent when control moved last, as far as this server can know.
    pub blackouts: &'a [(Network, Duration)],
    /// Datagrams from its address that were dropped, by reason.
    pub dropped: &'a [(Dropped, u64)],
    /// Whether SyncBindingBufSize differs, so that no changes go.
    pub sizes_differ: bool,
    /// Whether both servers run the same subnets.
    pub subnets: Agreement,
    /// StrictShares as it is in force: a primary's own, on a failover what its primary told last.
    pub strict: bool,
    /// Addresses of ranges that only this server has; new clients get others.
    pub one_sided: u64,
    /// The operator's word that stands.
    pub word: Option<Word>,
}

impl Failover {
    /// What reports show of each partner.
    pub fn views<'a>(&'a self, directory: &'a Directory, now: Now) -> impl Iterator<Item = View<'a>> {
        self.channels.iter().map(move |channel| view(channel, directory, now))
    }

    /// Addresses that two clients were given while the servers did not hear each other, found in this run.
    #[must_use]
    pub fn conflicts(&self) -> u64 {
        self.shared.conflicts
    }
}

impl View<'_> {
    /// The longest time that a subnet was silent when control moved last.
    #[must_use]
    pub fn blackout(&self) -> Option<Duration> {
        self.blackouts.iter().map(|entry| entry.1).max()
    }
}

fn view<'a>(channel: &'a Channel, directory: &Directory, now: Now) -> View<'a> {
    let partner = &channel.partner;
    let in_contact = partner.is_in_contact(now.mono);
    let last = partner.contact.map(|contact| {
        let ago = u64::try_from(now.mono.since(contact).as_millis()).unwrap_or(u64::MAX);
        Wall::from_millis(now.wall.millis().saturating_sub(ago))
    });
    View {
        name: &partner.name,
        state: state_name(partner.state),
        since: partner.since,
        in_contact,
        contact_since: if in_contact { partner.watch.contact_since } else { last },
        unacknowledged: partner.outgoing.unacknowledged(),
        offset_millis: partner.theirs.offset,
        takeover: partner.watch.takeover.as_ref(),
        blackouts: &partner.watch.blackouts,
        dropped: &partner.dropped,
        sizes_differ: partner.sizes_differ,
        subnets: partner.agreement(directory),
        strict: partner.strictness() == Strictness::Silent,
        one_sided: partner.one_sided(),
        word: partner.partner_down.then_some(Word::PartnerDown),
    }
}

/// How the subnets of both servers compare, as reports say it.
#[must_use]
pub fn agreement_name(agreement: Agreement) -> &'static str {
    match agreement {
        Agreement::Nothing => "none here",
        Agreement::Unknown => "unknown",
        Agreement::Same => "same",
        Agreement::Differs => "differ",
    }
}

/// The name of a reason for dropping a datagram, as reports use it.
#[must_use]
pub fn dropped_name(reason: Dropped) -> &'static str {
    match reason {
        Dropped::Seal => "seal",
        Dropped::Malformed => "malformed",
        Dropped::DeadBoot => "dead-boot",
        Dropped::Challenge => "challenge",
        Dropped::Session => "session",
        Dropped::Replayed => "replayed",
        Dropped::TooManyHellos => "too-many-hellos",
    }
}
