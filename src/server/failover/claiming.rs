//! A primary that asks for control (failover.md section 6): when, how often, and what counts as an answer.

use std::time::Duration;

use log::warn;

use super::Around;
use super::partner::{Partner, REFUSED_AGAIN, REPEAT_MIN};
use super::primary::Primary;
use crate::clock::Mono;
use crate::rules::{Rule, kept};
use crate::wire::failover::{Body, PartnerState};

impl Primary {
    /// Asks for control.
    pub(super) fn claim(&mut self, partner: &mut Partner, reason: &str, around: &mut Around<'_>) {
        partner.enter(PartnerState::Claiming, reason, around.now);
        (self.claims, self.hurry) = (0, None);
        self.announced.clear();
        (self.drill, self.asked) = (None, None);
        match self.earliest(partner).filter(|earliest| *earliest > around.now.mono) {
            Some(earliest) => self.wait = Some(earliest),
            None => self.request(partner, around),
        }
    }

    /// Before this time control is not asked for again, whatever asks for it: what comes of a request may be the cause
    /// of the next, which would go out as fast as the loop turns.
    pub(super) fn earliest(&self, partner: &Partner) -> Option<Mono> {
        let pause = if self.is_refused(partner) { REFUSED_AGAIN } else { REPEAT_MIN };
        self.requested.map(|requested| requested + pause)
    }

    /// When the wait of the state is over.
    pub(super) fn wait_ends(&self, partner: &Partner) -> Option<Mono> {
        let earliest = self.earliest(partner).filter(|_| partner.state == PartnerState::Claiming);
        self.wait.map(|wait| earliest.map_or(wait, |earliest| wait.max(earliest)))
    }

    pub(super) fn request(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        // Systems limit how often they say that a port is closed, so that one word of it counts for what follows.
        let control = self.settings.wait_control;
        let pause = if self.is_refused(partner) { control.min(REFUSED_AGAIN) } else { control };
        let wait = around.now.mono + pause;
        self.wait = Some(self.hurry.map_or(wait, |hurry| wait.min(hurry)));
        self.requested = Some(around.now.mono);
        partner.send(Body::CtlReq, around);
        self.asked.get_or_insert(partner.session.sequence());
    }

    /// This server stood still for so long that the failover may serve by now: nothing is served until it answers.
    pub(super) fn on_stall(
        &mut self,
        partner: &mut Partner,
        (still, before): (Duration, Mono),
        around: &mut Around<'_>,
    ) {
        let asks = match partner.state {
            PartnerState::Serving | PartnerState::Receiving | PartnerState::Claiming => self.stop.is_none(),
            PartnerState::Given
            | PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing
            | PartnerState::Active
            | PartnerState::Returning => false,
        };
        if !asks {
            return;
        }
        if !partner.is_in_contact(before) {
            self.ask_anew(partner, around);
            return;
        }
        let millis = still.as_millis();
        warn!("partner {}: this server stood still for {millis} ms; it asks before it answers", partner.name);
        self.mine.clear();
        self.claim(partner, "this server stood still", around);
        if still < partner.rhythm.silence() {
            // So short a silence alone lets no failover serve. One that is there answers at once; one that is not must
            // not cost the clients all the tries (invariant 6).
            self.claims = self.settings.claims_max;
            self.hurry = Some(around.now.mono + partner.rhythm.wait);
            self.wait = self.wait.min(self.hurry);
        }
    }

    /// Out of contact there is nobody to ask whether this server may go on; but an answer to a request of before it
    /// stood still, which waited here, gives nothing.
    fn ask_anew(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        match partner.state {
            PartnerState::Receiving => self.claim(partner, "this server stood still", around),
            PartnerState::Claiming => {
                self.asked = None;
                if self.earliest(partner).is_none_or(|earliest| earliest <= around.now.mono) {
                    self.request(partner, around);
                }
            }
            PartnerState::Serving
            | PartnerState::Given
            | PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing
            | PartnerState::Active
            | PartnerState::Returning => return,
        }
        self.mine.clear();
    }

    /// Whether the failover had seen that control is asked for in this state when it wrote a datagram that shows it had
    /// seen our datagrams up to `seen`. What it wrote before may have waited here while this server stood still, and it
    /// has taken over, or taken back, since.
    pub(super) fn is_answered(&self, seen: u64) -> bool {
        self.asked.is_some_and(|asked| seen >= asked) || !kept(Rule::SleepsAfterAsked)
    }
}
