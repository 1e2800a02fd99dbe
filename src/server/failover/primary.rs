//! The primary's side of a channel (failover.md section 6): Claiming, Receiving, Serving, Given.
//!
//! It serves a subnet when the failover does not: because the failover said so, because it gave the subnet back, or
//! because it did not answer any request for control.

use std::time::Duration;

use log::info;

use super::balance::{self, Wanted};
use super::flow::Flow;
use super::hand::Giving;
use super::partner::{Came, Partner};
use super::settings::{ForPrimary, Rhythm};
use super::states::is_polling;
use super::{Around, Patience};
use crate::clock::{Mono, Now};
use crate::config::Network;
use crate::lease::Stamp;
use crate::rules::{Rule, kept};
use crate::wire::failover::{Body, Header, PartnerState, Serves};

/// A failover that should say something and does not gets a sign of life so often at most.
const SIGN_AGAIN: Duration = Duration::from_millis(50);

/// What only a primary has.
#[derive(Clone, Debug)]
pub(super) struct Primary {
    pub(super) settings: ForPrimary,
    pub(super) patience: Patience,
    /// Subnets that the failover has given back in this transfer, while not all are.
    pub(super) mine: Vec<Network>,
    /// Subnets given back whose last changes are still on their way: transfer, subnet, stamp of the last change.
    pub(super) announced: Vec<(u32, Network, Stamp)>,
    /// When the wait of the state ends.
    pub(super) wait: Option<Mono>,
    /// When the failover's port was closed last.
    refused: Option<Mono>,
    /// When a sign of life last went to a failover that should have said something.
    signed: Option<Mono>,
    /// When control was asked for last.
    pub(super) requested: Option<Mono>,
    pub(super) claims: u32,
    /// When the failover counts as silent, whatever number of requests that is.
    pub(super) hurry: Option<Mono>,
    /// Number of the datagram that first asked for control in this state; `None` while none has.
    pub(super) asked: Option<u64>,
    /// A planned stop.
    pub(super) stop: Option<Giving>,
    /// A drill, until the failover has taken control.
    pub(super) drill: Option<Giving>,
}

impl Primary {
    /// A primary that has just started.
    pub(super) fn new(settings: ForPrimary, patience: Patience) -> Primary {
        let (mine, announced) = (Vec::new(), Vec::new());
        Primary {
            settings,
            patience,
            mine,
            announced,
            wait: None,
            signed: None,
            refused: None,
            requested: None,
            claims: 0,
            hurry: None,
            asked: None,
            stop: None,
            drill: None,
        }
    }

    /// The parameters.
    pub(super) fn settings(&self) -> &ForPrimary {
        &self.settings
    }

    /// Uses other parameters from now on.
    pub(super) fn set_settings(&mut self, settings: ForPrimary) {
        self.settings = settings;
    }

    /// Nothing is served before all is here again.
    pub(super) fn give_up_all(&mut self) {
        self.mine.clear();
    }

    /// Whether this server serves a subnet of the channel.
    pub(super) fn serves(&self, state: PartnerState, subnet: Network) -> bool {
        match state {
            PartnerState::Serving => true,
            // One that stops gives all away again.
            PartnerState::Claiming | PartnerState::Receiving => self.stop.is_none() && self.mine.contains(&subnet),
            PartnerState::Given
            | PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing
            | PartnerState::Active
            | PartnerState::Returning => false,
        }
    }

    /// Acts on a message.
    pub(super) fn on_message(&mut self, partner: &mut Partner, came: Came<'_>, around: &mut Around<'_>) {
        let (header, body, newest) = match came {
            Came::Session => return self.on_session(partner, around),
            Came::Message { header, body, newest } => (header, body, newest),
        };
        match body {
            Body::Poll { delay_ms, wait_ms, retries } => {
                let millis = |value: u32| Duration::from_millis(u64::from(value));
                partner.rhythm = Rhythm { delay: millis(delay_ms), wait: millis(wait_ms), retries: u32::from(retries) };
                let delay = partner.common.poll_delay.map_or(0, |delay| delay.as_millis());
                partner.send(Body::PollRpl { delay_ms: u32::try_from(delay).unwrap_or(u32::MAX) }, around);
            }
            Body::CtlRet { serves: Serves::All | Serves::Some, changes } if partner.state == PartnerState::Claiming => {
                if self.is_answered(header.seen) {
                    partner.watch.told_changes = changes;
                    self.receive(partner, around.now);
                }
            }
            Body::CtlRet { serves: Serves::All, .. } if self.is_offered(partner, (&header, newest)) => {
                self.claim(partner, "the failover gives control back", around);
            }
            Body::CtlReq if newest && is_silent(header.state) => {
                self.begin_drill(partner, "the failover asks for control", around.now);
            }
            Body::SyncReq => {
                partner.begin_stream(around);
                let changes = partner.outgoing.unacknowledged() as u64;
                partner.send(Body::SyncStart { changes }, around);
            }
            Body::BindUpdate(piece) => {
                partner.on_piece(&header, &piece, around);
                if partner.state == PartnerState::Receiving {
                    self.wait = Some(around.now.mono + partner.common.wait_update);
                }
            }
            Body::BindAck { stream, next, later } => partner.on_ack(stream, (next, later), around.now.mono),
            Body::SubnetReturn { transfer, network, prefix, until } => {
                let address = std::net::Ipv4Addr::from_bits(network);
                if partner.state == PartnerState::Serving || self.is_answered(header.seen) {
                    self.on_return(partner, (transfer, Network { address, prefix }, Stamp(until)), around);
                }
            }
            Body::ShareReq { first, last, count } => balance::answer(partner, Wanted { first, last, count }, around),
            Body::CtlTaken if newest && header.state == PartnerState::Active => {
                if let Some(giving) = self.stop.as_mut().or(self.drill.as_mut()) {
                    giving.taken = true;
                }
            }
            Body::Hello { .. }
            | Body::HelloAck { .. }
            | Body::HelloEnd { .. }
            | Body::PollRpl { .. }
            | Body::CtlTaken
            | Body::CtlReq
            | Body::CtlRet { .. }
            | Body::SyncStart { .. }
            | Body::SubnetTaken { .. }
            | Body::CtlGive { .. }
            | Body::ConfigOffer { .. }
            | Body::ConfigReq { .. }
            | Body::ConfigData { .. } => {}
        }
        self.take_announced(partner, around);
        if newest {
            self.judge(partner, header.seen, around);
        }
    }

    /// What was asked before the session came to nothing.
    fn on_session(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        if matches!(partner.state, PartnerState::Claiming | PartnerState::Receiving) {
            self.requested = None;
            self.claim(partner, "the failover started anew", around);
        }
    }

    fn receive(&mut self, partner: &mut Partner, now: Now) {
        partner.enter(PartnerState::Receiving, "the failover gives the subnets back", now);
        self.wait = Some(now.mono + partner.common.wait_update);
    }

    /// What the failover's newest header means for this state; it has seen our datagrams up to `seen`. That it sleeps
    /// counts only after it has seen that control is asked for: before that it may be about to take over.
    fn judge(&mut self, partner: &mut Partner, seen: u64, around: &mut Around<'_>) {
        let Some(theirs) = partner.theirs.state else { return };
        let sleeps = is_silent(theirs);
        let holds_all = holds_all(partner, around);
        match partner.state {
            PartnerState::Claiming | PartnerState::Receiving if sleeps && self.stop.is_none() => {
                if !self.is_answered(seen) {
                    if self.earliest(partner).is_none_or(|earliest| earliest <= around.now.mono) {
                        self.request(partner, around);
                    }
                } else if holds_all {
                    self.serve(partner, "the failover is asleep, all its changes are here", around);
                } else if partner.sizes_differ && partner.is_complete(around.database) {
                    // No stream goes, so that waiting would bring nothing.
                    let reason = "the failover is asleep, its changes cannot come: SyncBindingBufSize is not the same";
                    self.serve(partner, reason, around);
                }
            }
            PartnerState::Receiving if theirs == PartnerState::Active => {
                self.mine.clear();
                self.claim(partner, "the failover took control again", around);
            }
            // It took control back while nothing was heard: what it had given is not ours any more.
            PartnerState::Claiming if theirs == PartnerState::Active => self.mine.clear(),
            PartnerState::Given if sleeps && self.stop.is_none() && self.drill.is_none() => {
                self.claim(partner, "the failover does not serve any more", around);
            }
            PartnerState::Claiming
            | PartnerState::Receiving
            | PartnerState::Serving
            | PartnerState::Given
            | PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing
            | PartnerState::Active
            | PartnerState::Returning => {}
        }
    }

    /// Serves all subnets.
    pub(super) fn serve(&mut self, partner: &mut Partner, reason: &str, around: &mut Around<'_>) {
        partner.enter(PartnerState::Serving, reason, around.now);
        around.freed.extend(around.directory.subnets_of(partner.id));
        self.drill = None;
        self.mine.clear();
        self.announced.clear();
        (self.wait, self.claims) = (None, 0);
    }

    /// A subnet is given back: it is ours when all the failover's changes of it are here. Asked again, it is answered
    /// again, also for a subnet that this server does not know.
    fn on_return(&mut self, partner: &mut Partner, returned: (u32, Network, Stamp), around: &mut Around<'_>) {
        match partner.state {
            PartnerState::Claiming => self.receive(partner, around.now),
            PartnerState::Receiving => self.wait = Some(around.now.mono + partner.common.wait_update),
            PartnerState::Serving => {
                let (transfer, subnet, _) = returned;
                taken(partner, transfer, subnet, around);
                return;
            }
            PartnerState::Given
            | PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing
            | PartnerState::Active
            | PartnerState::Returning => return,
        }
        if !self.announced.contains(&returned) {
            partner.silent_since = Some(around.now.mono);
            self.announced.push(returned);
        }
    }

    fn take_announced(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        // Before the full copy is here, a lost disk may lack promises of its own that stand behind the last change.
        if self.announced.is_empty() || !partner.is_complete(around.database) {
            return;
        }
        let have = partner.have.stamp;
        // With another SyncBindingBufSize they do not come at all: what it may give is then a matter of section 7.
        let is_all = partner.sizes_differ || !kept(Rule::ChangesFirst);
        let is_whole = |returned: &(u32, Network, Stamp)| returned.2 <= have || is_all;
        let (ready, waiting) = self.announced.drain(..).partition(is_whole);
        self.announced = waiting;
        for (transfer, subnet, _) in ready {
            if !self.mine.contains(&subnet) {
                self.mine.push(subnet);
                around.freed.push(subnet);
            }
            taken(partner, transfer, subnet, around);
        }
    }

    /// What is due by time.
    pub(super) fn tick(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let now = around.now;
        if self.stop.is_some() {
            return;
        }
        if self.drill.is_some() {
            self.continue_drill(partner, around);
            return;
        }
        if partner.state == PartnerState::Given && self.lost_at(partner).is_none_or(|lost| lost <= now.mono) {
            self.claim(partner, "the failover that has control is silent", around);
            return;
        }
        self.tick_waiting(partner, around);
        if self.wait_ends(partner).is_none_or(|wait| wait > now.mono) {
            return;
        }
        match partner.state {
            PartnerState::Claiming if self.asked.is_none() => self.request(partner, around),
            // It is there, and what is missing here is on its way; or it is there and serves: only the request or the
            // answer to it was lost.
            PartnerState::Claiming if self.is_filling(partner, around) || self.hears_it_serve(partner) => {
                self.hurry = None;
                self.request(partner, around);
            }
            PartnerState::Claiming if self.claims < self.settings.claims_max => {
                self.claims += 1;
                self.request(partner, around);
            }
            PartnerState::Claiming => match self.patience {
                Patience::WaitForPartner if !partner.partner_down && !partner.met => self.request(partner, around),
                Patience::WaitForPartner | Patience::Normal => {
                    let reason = format!("{} requests for control unanswered", self.claims + 1);
                    partner.lose_contact_before_serving();
                    self.serve(partner, &reason, around);
                    // One that serves and was not heard is silent as soon as it reads this.
                    partner.ack_owed |= partner.session.is_established();
                }
            },
            PartnerState::Receiving => {
                let reason = if self.is_refused(partner) {
                    "the failover's port is closed"
                } else {
                    "the failover stopped giving the subnets back"
                };
                self.claim(partner, reason, around);
            }
            PartnerState::Serving
            | PartnerState::Given
            | PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing
            | PartnerState::Active
            | PartnerState::Returning => self.wait = None,
        }
    }

    /// A failover that is about to give back says something all the time. Where nothing comes, what is held is
    /// acknowledged again: a closed port answers that, so that the end of a process is known at once. One that, giving
    /// back, left as many polls out as make a takeover is gone too.
    fn tick_waiting(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let now = around.now.mono;
        if self.next_sign(partner).is_some_and(|due| due <= now) {
            self.signed = Some(now);
            partner.ack_owed = true;
        }
        if let Some(lost) = self.lost_at(partner).filter(|_| partner.state == PartnerState::Receiving) {
            self.wait = self.wait.map(|wait| wait.min(lost.max(now)));
        }
    }

    /// When a sign of life is due that asks for one.
    fn next_sign(&self, partner: &Partner) -> Option<Mono> {
        let waits = matches!(partner.state, PartnerState::Claiming | PartnerState::Receiving) && partner.is_proven();
        let last = partner.heard.max(self.signed).filter(|_| waits && self.stop.is_none());
        last.map(|last| last + partner.repeat_after().max(SIGN_AGAIN))
    }

    /// Whether the failover has said, since control was asked for last, that it serves.
    fn hears_it_serve(&self, partner: &Partner) -> bool {
        let serves = matches!(partner.theirs.state, Some(PartnerState::Active | PartnerState::Returning));
        let heard = self.requested.is_some_and(|at| partner.heard.is_some_and(|heard| heard > at));
        serves && heard && !self.is_refused(partner)
    }

    /// After the streams were served: a failover that stopped acknowledging is out of contact; nothing waits for it.
    pub(super) fn on_flow(&mut self, partner: &mut Partner, flow: Flow, around: &mut Around<'_>) {
        if flow == Flow::Stalls {
            info!("partner {}: out of contact, its acknowledgements stopped", partner.name);
        }
        if self.settings.hand_over {
            self.continue_stop(partner, around);
        }
    }

    /// The partner's port is closed: the current wait is over, if the partner was there before in this run.
    pub(super) fn on_refused(&mut self, partner: &Partner, now: Now) {
        if partner.is_proven() && self.wait.is_some() {
            self.refused = Some(now.mono);
            self.wait = self.refused;
        }
    }

    /// Whether changes of the failover that are missing here are on their way.
    fn is_filling(&self, partner: &Partner, around: &Around<'_>) -> bool {
        partner.is_coming(around.now.mono) && !holds_all(partner, around) && !self.is_refused(partner)
    }

    /// Whether the port was closed, and nothing was heard since.
    pub(super) fn is_refused(&self, partner: &Partner) -> bool {
        self.refused.is_some_and(|refused| partner.heard.is_none_or(|heard| heard <= refused))
    }

    /// Whether the failover, which serves, offers to give control back.
    fn is_offered(&self, partner: &Partner, (header, newest): (&Header, bool)) -> bool {
        let serves = newest && header.state == PartnerState::Active;
        serves && partner.state == PartnerState::Given && self.drill.is_none() && self.stop.is_none()
    }

    /// When a failover that serves, and polls as long as it does, is taken as gone.
    fn lost_at(&self, partner: &Partner) -> Option<Mono> {
        let rhythm = partner.rhythm;
        partner.heard.map(|heard| heard + rhythm.wait * (rhythm.retries + 2))
    }

    /// When the next thing is due.
    pub(super) fn next_due(&self, partner: &Partner) -> Option<Mono> {
        // What the failover acknowledges meanwhile is seen in the turn in which it comes.
        let give = self.stop.or(self.drill).map(Giving::next_due);
        let lost = self.lost_at(partner).filter(|_| partner.state == PartnerState::Given && give.is_none());
        // A planned stop waits for CtlTaken alone: a wait that ends meanwhile has no end that anything acts on.
        let wait = self.wait_ends(partner).filter(|_| self.stop.is_none());
        [wait, give, lost, self.next_sign(partner)].into_iter().flatten().min()
    }
}

/// Whether all changes of the failover are here and, after a loss of the disk, all of our own that it had.
fn holds_all(partner: &Partner, around: &Around<'_>) -> bool {
    let is_whole = partner.have.stamp >= partner.theirs.newest || !kept(Rule::HoldsAll);
    partner.is_complete(around.database) && is_whole
}

/// Whether a failover in this state serves nobody.
fn is_silent(state: PartnerState) -> bool {
    is_polling(state) || state == PartnerState::Syncing
}

fn taken(partner: &mut Partner, transfer: u32, subnet: Network, around: &mut Around<'_>) {
    let network = subnet.address.to_bits();
    partner.send(Body::SubnetTaken { transfer, network, prefix: subnet.prefix }, around);
}
