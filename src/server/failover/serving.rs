//! A failover that serves (failover.md section 6): it polls on, gives control back, takes it when it is given, and asks
//! before it answers when it stood still.

use std::time::Duration;

use log::{info, warn};

use super::Around;
use super::partner::{Partner, REFUSED_AGAIN};
use super::secondary::Secondary;
use super::transfer::Transfer;
use crate::clock::Mono;
use crate::wire::failover::{Body, PartnerState, Serves};

/// A CtlGive that is older than this belongs to another stop.
const GIVEN_FRESH: Duration = Duration::from_secs(2);
/// A poll that decides whether this server serves on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    pub(super) tries: u32,
    pub(super) wait: Mono,
    /// Number of the poll that asked first: what the primary wrote before it saw that proves nothing.
    asked: u64,
}

impl Secondary {
    /// The pause between polls while this server serves.
    pub(super) fn pace(&self, partner: &Partner) -> Duration {
        self.settings.wait_reply.min(partner.poll_delay(self.told_delay))
    }

    /// Whether the primary gave control and was not heard since: it has ended, and comes back with a new session.
    pub(super) fn is_left_alone(&self, partner: &Partner) -> bool {
        self.left.is_some_and(|left| partner.heard.is_none_or(|heard| heard <= left))
    }

    /// This server stood still: waits that ended meanwhile prove nothing, and the primary may serve by now. In contact
    /// it is asked with the patience of a takeover. Out of contact it may serve at any time, which the rules of
    /// section 7 are made for: it has the time of a round trip to say so, and one that gave control not even that.
    pub(super) fn on_stall(
        &mut self,
        partner: &mut Partner,
        (still, before): (Duration, Mono),
        around: &mut Around<'_>,
    ) {
        let now = around.now.mono;
        let millis = still.as_millis();
        match partner.state {
            PartnerState::Active | PartnerState::Returning if self.is_left_alone(partner) => {}
            PartnerState::Active | PartnerState::Returning => {
                let in_contact = partner.is_in_contact(before);
                if in_contact {
                    let name = &partner.name;
                    warn!("partner {name}: this server stood still for {millis} ms; it asks before it answers");
                }
                self.poll(partner, around);
                let asked = partner.session.sequence();
                let last_try = Doubt { tries: self.settings.polls_max, wait: now + partner.repeat_after(), asked };
                let asking = Doubt { tries: 0, wait: now + self.settings.wait_reply, asked };
                self.doubt = Some(if in_contact { asking } else { last_try });
            }
            PartnerState::Probing => self.probe(partner, "this server stood still", around),
            PartnerState::Syncing if self.resume.is_some() => {
                self.resume = Some(now + self.settings.wait_reply * (self.settings.polls_max + 1));
                self.poll(partner, around);
            }
            PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Claiming
            | PartnerState::Receiving
            | PartnerState::Serving
            | PartnerState::Given => {}
        }
    }

    /// The primary's newest word was written when it had seen our datagrams up to `seen`: one that waited here while
    /// this server stood still does not end the doubt.
    pub(super) fn hear_in_doubt(&mut self, partner: &Partner, seen: u64, around: &mut Around<'_>) {
        if self.doubt.is_some_and(|doubt| seen >= doubt.asked) {
            self.end_doubt(partner, around);
        }
    }

    /// A new session counts from the beginning: asks in it.
    pub(super) fn ask_anew(&mut self, partner: &Partner) {
        if let Some(doubt) = &mut self.doubt {
            doubt.asked = partner.session.sequence();
        }
    }

    fn end_doubt(&mut self, partner: &Partner, around: &mut Around<'_>) {
        if self.doubt.take().is_some() {
            around.freed.extend(around.directory.subnets_of(partner.id));
        }
    }

    pub(super) fn on_claim(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        match partner.state {
            PartnerState::Active => {
                self.transfers += 1;
                let subnets = around.directory.subnets_of(partner.id);
                self.transfer = Some(Transfer::new(self.transfers, subnets));
                self.unanswered = 0;
                partner.watch.blackouts.clear();
                partner.enter(PartnerState::Returning, "the primary asks for control", around.now);
            }
            PartnerState::Returning => {
                self.transfers += 1;
                if let Some(transfer) = &mut self.transfer {
                    transfer.again(self.transfers);
                }
            }
            PartnerState::Probing => self.sleep(partner, "the primary asks for control", around),
            PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Claiming
            | PartnerState::Receiving
            | PartnerState::Serving
            | PartnerState::Given => {}
        }
        let serves = if partner.state == PartnerState::Returning { Serves::All } else { Serves::None };
        let changes = partner.outgoing.unacknowledged() as u64;
        partner.send(Body::CtlRet { serves, changes }, around);
    }

    /// Control is given: taken when the changes that went before it are here, or when it is said again.
    pub(super) fn on_give(&mut self, partner: &mut Partner, unacked: u64, around: &mut Around<'_>) {
        match partner.state {
            PartnerState::Returning => {}
            PartnerState::Active => {
                self.left = Some(around.now.mono);
                partner.send(Body::CtlTaken, around);
            }
            PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing
            | PartnerState::Claiming
            | PartnerState::Receiving
            | PartnerState::Serving
            | PartnerState::Given => {
                let now = around.now.mono;
                partner.silent_since.get_or_insert(now);
                let is_first = self.given.is_none_or(|given| now.since(given) >= GIVEN_FRESH);
                if partner.have.stamp < partner.theirs.newest && is_first {
                    self.given = Some(now);
                } else {
                    self.take_given(partner, unacked, around);
                }
            }
        }
    }

    pub(super) fn take_given(&mut self, partner: &mut Partner, missing: u64, around: &mut Around<'_>) {
        partner.watch.told_changes = missing;
        self.take_over(partner, &format!("the primary gives control, {missing} changes missing"), around);
        self.left = Some(around.now.mono);
        // A primary that ends is out of contact as soon as its port is closed.
        self.next_poll = Some(around.now.mono + REFUSED_AGAIN);
        partner.send(Body::CtlTaken, around);
    }

    pub(super) fn tick_serving(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let now = around.now.mono;
        self.tick_doubt(partner, around);
        if self.next_poll.is_none_or(|next| next <= now) {
            if self.unanswered > self.settings.polls_max {
                partner.lose_contact();
                if partner.state == PartnerState::Returning {
                    self.take_over(partner, "the primary went silent while control was being returned", around);
                }
            }
            self.unanswered = self.unanswered.saturating_add(1);
            self.next_poll = Some(now + self.pace(partner));
            self.poll(partner, around);
        }
        let Some(mut transfer) = self.transfer.take() else { return };
        transfer.tick(partner, around);
        let done = transfer.is_done();
        if done {
            partner.watch.blackouts = transfer.blackouts().to_vec();
        }
        self.transfer = Some(transfer);
        if done {
            let blackouts = &partner.watch.blackouts;
            let longest = blackouts.iter().map(|entry| entry.1).max().unwrap_or_default();
            let count = blackouts.len();
            info!("partner {}: {count} subnets returned, longest blackout {} ms", partner.name, longest.as_millis());
            self.sleep(partner, "all subnets are the primary's again", around);
            partner.send(Body::CtlRet { serves: Serves::None, changes: 0 }, around);
        }
    }

    fn tick_doubt(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let now = around.now.mono;
        let Some(doubt) = self.doubt.filter(|doubt| doubt.wait <= now) else { return };
        if doubt.tries < self.settings.polls_max {
            self.doubt = Some(Doubt { tries: doubt.tries + 1, wait: now + self.settings.wait_reply, ..doubt });
            self.poll(partner, around);
            return;
        }
        if partner.is_in_contact(now) {
            partner.lose_contact();
            info!("partner {}: no answer in {} polls: this server serves on", partner.name, doubt.tries + 1);
        }
        self.end_doubt(partner, around);
    }
}
