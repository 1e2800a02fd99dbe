//! What is watched of a partner so that an operator can read what happened: contact that comes and goes, seals that do
//! not open, and clients that are heard where the partner is not. It decides nothing; it writes log lines, each kind
//! at most once in a time, and keeps the figures that [`super::views`] shows.

use std::net::Ipv4Addr;
use std::time::Duration;

use log::{info, warn};

use super::partner::Partner;
use super::session::Dropped;
use crate::clock::{Mono, Now, Wall};
use crate::config::Network;
use crate::wire::failover::PartnerState;

/// Wrong seals are told of so often, with their number.
const SEALS_AGAIN: Duration = Duration::from_secs(60);
/// Clocks that differ for so long are no matter of one late datagram.
const SKEW_FOR: Duration = Duration::from_secs(1);
/// Clocks that differ are told of so often.
const SKEW_AGAIN: Duration = Duration::from_secs(60);
/// Paths that differ are told of so often: it is a state, not an event.
const PATHS_AGAIN: Duration = Duration::from_secs(600);
/// A client sends a REQUEST for an old offer again and again, for about a minute: later ones follow a new offer.
const OFFERS_OLD: Duration = Duration::from_secs(60);
/// So many questions of clients, over so long, without one change by a partner that serves, are no chance.
const UNANSWERED_MIN: u32 = 20;
/// See [`UNANSWERED_MIN`].
const UNANSWERED_FOR: Duration = Duration::from_secs(10);

/// The last time that control went to the failover.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// When.
    pub at: Wall,
    /// Why.
    pub reason: String,
}

/// What was seen and told of one partner.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// Since when it is in contact, or was last.
    pub(super) contact_since: Option<Wall>,
    was_in_contact: bool,
    /// The last takeover in this run.
    pub(super) takeover: Option<Takeover>,
    /// How long each subnet was silent when control moved last.
    pub(super) blackouts: Vec<(Network, Duration)>,
    /// Changes that the partner said would follow when control moved last.
    pub(super) told_changes: u64,
    seals_told: Option<Mono>,
    /// Since when the clocks differ, and when that was told last.
    skewed: Option<(Mono, Option<Mono>)>,
    clients_told: bool,
    offers_told: Option<Mono>,
    unanswered: Option<(Mono, u32)>,
    unanswered_told: Option<Mono>,
}

impl Partner {
    /// A proven datagram that acknowledges one of ours has come: contact begins, if there was none.
    pub(super) fn note_contact(&mut self, now: Now) {
        if self.is_in_contact(now.mono) {
            return;
        }
        self.watch.contact_since = Some(now.wall);
        self.watch.clients_told = false;
        info!("partner {}: in contact", self.name);
    }

    /// The end of a turn: tells once that contact was lost.
    pub(super) fn tell_contact(&mut self, now: Now) {
        let is_in_contact = self.is_in_contact(now.mono);
        if self.watch.was_in_contact && !is_in_contact {
            let unacknowledged = self.outgoing.unacknowledged();
            warn!(
                "partner {}: out of contact, {}, {unacknowledged} changes not acknowledged",
                self.name,
                self.last_heard(now)
            );
        }
        self.watch.was_in_contact = is_in_contact;
    }

    /// The end of a turn: tells each minute that the two clocks differ by more than MaxClockSkewSecs.
    pub(super) fn tell_skew(&mut self, now: Mono) {
        let offset = self.theirs.offset;
        if !self.is_in_contact(now) || u128::from(offset.unsigned_abs()) <= self.common.skew.as_millis() {
            self.watch.skewed = None;
            return;
        }
        let (since, told) = *self.watch.skewed.get_or_insert((now, None));
        if now.since(since) < SKEW_FOR || told.is_some_and(|told| now.since(told) < SKEW_AGAIN) {
            return;
        }
        self.watch.skewed = Some((since, Some(now)));
        warn!(
            "partner {}: its lease clock is {} s off this server's, MaxClockSkewSecs is {}, run NTP on both",
            self.name,
            offset / 1000,
            self.common.skew.as_secs()
        );
    }

    /// How long ago the last message came, for log lines; with the number of wrong seals if there are any, since a
    /// partner with another key lives and is not heard.
    pub(super) fn last_heard(&self, now: Now) -> String {
        let mut text = match self.heard {
            Some(heard) => format!("last heard {} ms ago", now.mono.since(heard).as_millis()),
            None => "never heard in this run".to_owned(),
        };
        let seals = self.wrong_seals();
        if seals > 0 {
            text.push_str(&format!(", {seals} datagrams with a wrong seal"));
        }
        text
    }

    /// Datagrams from the partner's address that no key here opens.
    pub(super) fn wrong_seals(&self) -> u64 {
        self.dropped.iter().find(|entry| entry.0 == Dropped::Seal).map_or(0, |entry| entry.1)
    }

    /// A datagram from the partner's address has a wrong seal, and was counted.
    pub(super) fn tell_seals(&mut self, now: Mono) {
        if self.watch.seals_told.is_some_and(|told| now.since(told) < SEALS_AGAIN) {
            return;
        }
        self.watch.seals_told = Some(now);
        let seals = self.wrong_seals();
        warn!(
            "partner {}: {seals} datagrams with a wrong seal from its address; the keys in FailoverKeyFile must be \
             the same on both servers",
            self.name
        );
    }

    /// The partner's changes arrive: it answers clients.
    pub(super) fn note_answers(&mut self) {
        self.watch.unanswered = None;
    }

    /// A client of the channel's subnets asks for something; `chosen` is the server whose offer it takes.
    pub(super) fn note_client(&mut self, chosen: Option<Ipv4Addr>, now: Mono) {
        if self.is_in_contact(now) {
            self.note_unanswered(now);
            return;
        }
        let silent = self.heard.map(|heard| now.since(heard));
        let offers = self.watch.offers_told.is_none_or(|told| now.since(told) >= PATHS_AGAIN);
        if chosen == Some(self.common.address) && silent.is_none_or(|silent| silent >= OFFERS_OLD) && offers {
            self.watch.offers_told = Some(now);
            warn!(
                "partner {}: clients take offers of {} while it is not heard here: it serves, heartbeat and client \
                 path differ",
                self.name, self.common.address
            );
        }
        if self.state == PartnerState::Active && !self.watch.clients_told {
            self.watch.clients_told = true;
            warn!(
                "partner {}: clients of {} are heard here while the primary is not: if it is up, heartbeat and client \
                 path differ",
                self.name, self.name
            );
        }
    }

    /// In contact and asleep: clients that ask on and on while the primary changes nothing do not reach it, or it
    /// has nothing for them.
    fn note_unanswered(&mut self, now: Mono) {
        if !matches!(self.state, PartnerState::Asleep | PartnerState::Probing) {
            return;
        }
        let (since, count) = self.watch.unanswered.unwrap_or((now, 0));
        self.watch.unanswered = Some((since, count.saturating_add(1)));
        let told = self.watch.unanswered_told.is_some_and(|told| now.since(told) < PATHS_AGAIN);
        if told || count < UNANSWERED_MIN || now.since(since) < UNANSWERED_FOR {
            return;
        }
        self.watch.unanswered_told = Some(now);
        let secs = now.since(since).as_secs();
        warn!(
            "partner {}: {count} messages of clients in {secs} s and not one lease by the primary, which is in \
             contact: its path to the clients may be cut",
            self.name
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lease::Side;
    use crate::server::event::PartnerId;
    use crate::server::failover::settings::Common;
    use crate::wire::seal::Keys;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 4);

    fn partner() -> Partner {
        let wait = Duration::from_secs(1);
        let common = Common {
            address: ADDRESS,
            keys: Keys::parse("00112233445566778899aabbccddeeff").expect("a key"),
            poll_delay: Some(wait),
            resends_max: 3,
            wait_ack: wait,
            wait_update: wait,
            buffer_size: 1024,
            skew: wait,
            strict: None,
        };
        Partner::new((PartnerId(0), "dhcp1"), Side::Secondary, common, 1)
    }

    fn now(secs: u64) -> Now {
        Now { mono: Mono::default() + Duration::from_secs(secs), wall: Wall::from_secs(1_000_000 + secs) }
    }

    /// The partner was heard, and hears us, at `secs`.
    fn heard(partner: &mut Partner, secs: u64) {
        partner.note_contact(now(secs));
        (partner.contact, partner.heard) = (Some(now(secs).mono), Some(now(secs).mono));
    }

    #[test]
    fn a_takeover_tells_how_long_the_partner_was_silent_and_of_wrong_seals() {
        let mut partner = partner();
        assert_eq!(partner.last_heard(now(5)), "never heard in this run");
        heard(&mut partner, 5);
        assert_eq!(partner.last_heard(now(9)), "last heard 4000 ms ago");
        partner.dropped = vec![(Dropped::Replayed, 7), (Dropped::Seal, 3)];
        assert_eq!(partner.last_heard(now(9)), "last heard 4000 ms ago, 3 datagrams with a wrong seal");
    }

    #[test]
    fn contact_is_counted_from_the_first_datagram_after_a_silence() {
        let mut partner = partner();
        heard(&mut partner, 10);
        heard(&mut partner, 11);
        assert_eq!(partner.watch.contact_since, Some(now(10).wall));
        let later = 12 + partner.rhythm.contact().as_secs();
        heard(&mut partner, later);
        assert_eq!(partner.watch.contact_since, Some(now(later).wall));
    }

    #[test]
    fn a_client_that_takes_a_fresh_offer_of_a_partner_that_is_not_heard_proves_that_it_serves() {
        let mut partner = partner();
        heard(&mut partner, 0);
        let lost = partner.rhythm.contact().as_secs() + 1;
        partner.note_client(None, now(lost).mono);
        partner.note_client(Some(Ipv4Addr::new(10, 1, 0, 9)), now(lost).mono);
        partner.note_client(Some(ADDRESS), now(30).mono);
        assert_eq!(partner.watch.offers_told, None, "an offer of before is taken for up to a minute");
        partner.note_client(Some(ADDRESS), now(lost).mono);
        assert_eq!(partner.watch.offers_told, Some(now(lost).mono));
        partner.note_client(Some(ADDRESS), now(lost + 60).mono);
        assert_eq!(partner.watch.offers_told, Some(now(lost).mono), "said once in ten minutes");
    }

    #[test]
    fn clients_that_ask_on_while_the_primary_in_contact_grants_nothing_are_noticed() {
        let mut partner = partner();
        partner.state = PartnerState::Asleep;
        heard(&mut partner, 0);
        for second in 0..11 {
            for _ in 0..3 {
                partner.note_client(None, now(second).mono);
            }
        }
        assert_eq!(partner.watch.unanswered_told, Some(now(10).mono));
        partner.watch.unanswered_told = None;
        for second in 0..40 {
            partner.note_client(None, now(second).mono);
            partner.note_answers();
        }
        assert_eq!(partner.watch.unanswered_told, None, "each lease begins the count anew");
    }
}
