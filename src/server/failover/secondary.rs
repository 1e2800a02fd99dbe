//! The failover's side of a channel (failover.md section 6): Syncing, Asleep, Probing, Active, Returning.
//!
//! It polls; it serves when polls stay unanswered, or when the primary gives control; it yields to any header that
//! says that the primary serves; it gives back when the primary asks.

use std::time::Duration;

use log::{error, warn};

use super::Around;
use super::balance::{self, Wanted};
use super::drill::Wishing;
use super::flow::Flow;
use super::follow::Occasion;
use super::partner::{Came, Partner, REFUSED_AGAIN};
use super::serving::Doubt;
use super::settings::{ForSecondary, Rhythm, SYNC_REQ_AGAIN, SYNC_REQ_TOLD};
use super::states::{Start, Verdict};
use super::transfer::Transfer;
use super::watch::Takeover;
use crate::clock::{Mono, Now};
use crate::config::Network;
use crate::rules::{Rule, kept};
use crate::wire::failover::{Body, PartnerState};

/// A takeover within this time of a yield needs more unanswered polls: a one-way cut must not make it flap.
const FLAP: Duration = Duration::from_secs(600);
/// At most so many times the polls.
const FLAP_MAX: u32 = 8;
/// Polls of several channels are spread by a tenth of the delay either way.
const JITTER: u64 = 10;

/// What only a failover has.
#[derive(Clone, Debug)]
pub(super) struct Secondary {
    pub(super) settings: ForSecondary,
    /// The end of the wait for an answer, or of the sleep.
    pub(super) wait: Option<Mono>,
    pub(super) tries: u32,
    pub(super) refusals: u32,
    /// When the next poll is due while serving.
    pub(super) next_poll: Option<Mono>,
    /// PollDelay as the primary tells it.
    pub(super) told_delay: Option<Duration>,
    /// A start with control in the journal takes it again at this time unless the primary answers.
    pub(super) resume: Option<Mono>,
    /// Polls of a server that serves, unanswered so far.
    pub(super) unanswered: u32,
    /// This server stood still while it served: silent until the primary answers or its waits are over.
    pub(super) doubt: Option<Doubt>,
    /// When the primary said that it gives control, while changes of it are still missing.
    pub(super) given: Option<Mono>,
    /// When the primary said so last, if this server has control by that.
    pub(super) left: Option<Mono>,
    sync: Sync,
    pub(super) transfer: Option<Transfer>,
    pub(super) transfers: u32,
    yielded: Option<(Mono, u32)>,
    last_sent: Option<Mono>,
    channels: usize,
    occasion: Occasion,
    /// When it was told last that nobody answers a SyncReq.
    asking_told: Option<Mono>,
    /// Whether the end of the process for a failed sync has been put off, and said so.
    is_put_off: bool,
    /// What a drill wants of the primary.
    pub(super) wish: Option<Wishing>,
}

/// How far the sync at start is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sync {
    /// SyncReq is out.
    Asking,
    /// The changes come; the last one came then.
    Coming(Mono),
}

impl Secondary {
    /// A failover that has just started, with `channels` primaries in all.
    pub(super) fn new(settings: ForSecondary, channels: usize, occasion: Occasion) -> Secondary {
        Secondary {
            settings,
            wait: None,
            tries: 0,
            refusals: 0,
            next_poll: None,
            told_delay: None,
            resume: None,
            unanswered: 0,
            doubt: None,
            given: None,
            left: None,
            sync: Sync::Asking,
            transfer: None,
            transfers: 0,
            yielded: None,
            last_sent: None,
            channels,
            occasion,
            asking_told: None,
            is_put_off: false,
            wish: None,
        }
    }

    /// Uses other parameters from now on, with `channels` primaries in all. A sleep is cut to the new PollDelay.
    pub(super) fn set_settings(
        &mut self,
        (settings, channels): (ForSecondary, usize),
        partner: &mut Partner,
        now: Mono,
    ) {
        (self.settings, self.channels) = (settings, channels);
        self.set_rhythm(partner);
        if partner.state == PartnerState::Asleep {
            let latest = now + partner.rhythm.delay;
            self.wait = self.wait.map(|wait| wait.min(latest));
        }
    }

    /// Begins: with a sync where SyncBindings says so; with control in the journal it is taken again if the primary
    /// does not answer.
    pub(super) fn start(&mut self, partner: &mut Partner, start: Start, around: &mut Around<'_>) {
        self.set_rhythm(partner);
        if start == Start::WithControl {
            self.resume = Some(around.now.mono + self.settings.wait_reply * (self.settings.polls_max + 1));
        }
        if self.settings.sync {
            partner.enter(PartnerState::Syncing, "start", around.now);
            self.ask(partner, around);
        } else {
            partner.enter(PartnerState::Asleep, "start", around.now);
            self.probe(partner, "start", around);
        }
    }

    fn set_rhythm(&mut self, partner: &mut Partner) {
        let delay = partner.poll_delay(self.told_delay);
        partner.rhythm = Rhythm { delay, wait: self.settings.wait_reply, retries: self.settings.polls_max };
    }

    fn ask(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        self.sync = Sync::Asking;
        let wait = if self.settings.wait_start.is_zero() { SYNC_REQ_AGAIN } else { self.settings.wait_start };
        self.wait = Some(around.now.mono + wait);
        partner.send(Body::SyncReq, around);
        if self.resume.is_some() {
            self.poll(partner, around);
        }
    }

    pub(super) fn poll(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let millis = |time: Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let delay_ms = millis(partner.poll_delay(self.told_delay));
        let retries = u8::try_from(self.settings.polls_max).unwrap_or(u8::MAX);
        self.last_sent = Some(around.now.mono);
        partner.send(Body::Poll { delay_ms, wait_ms: millis(self.settings.wait_reply), retries }, around);
    }

    pub(super) fn probe(&mut self, partner: &mut Partner, reason: &str, around: &mut Around<'_>) {
        partner.enter(PartnerState::Probing, reason, around.now);
        (self.tries, self.refusals) = (0, 0);
        self.wait = Some(around.now.mono + self.settings.wait_reply);
        self.poll(partner, around);
    }

    pub(super) fn sleep(&mut self, partner: &mut Partner, reason: &str, around: &mut Around<'_>) {
        partner.enter(PartnerState::Asleep, reason, around.now);
        self.occasion = Occasion::Later;
        (self.transfer, self.resume, self.doubt, self.given, self.left) = (None, None, None, None, None);
        partner.silent_since = None;
        self.set_rhythm(partner);
        let delay = partner.poll_delay(self.told_delay);
        self.wait = Some(around.now.mono + self.jittered(delay, around));
    }

    fn jittered(&self, delay: Duration, around: &mut Around<'_>) -> Duration {
        if self.channels < 2 {
            return delay;
        }
        let span = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX) / JITTER;
        let offset = around.random.number() % (2 * span + 1);
        delay + Duration::from_millis(offset) - Duration::from_millis(span)
    }

    /// Serves all subnets of the channel, from the commit of this turn on.
    pub(super) fn take_over(&mut self, partner: &mut Partner, reason: &str, around: &mut Around<'_>) {
        let subnets = around.directory.subnets_of(partner.id);
        self.occasion = Occasion::Later;
        let reason = format!("{reason}, {}, subnets {}", partner.last_heard(around.now), subnets.len());
        partner.enter(PartnerState::Active, &reason, around.now);
        partner.watch.takeover = Some(Takeover { at: around.now.wall, reason });
        (self.transfer, self.resume, self.wait, self.wish) = (None, None, None, None);
        (self.doubt, self.given, self.left, self.unanswered) = (None, None, None, 0);
        self.next_poll = Some(around.now.mono + self.pace(partner));
        around.freed.extend(subnets);
    }

    /// Whether this server serves a subnet of the channel.
    pub(super) fn serves(&self, state: PartnerState, subnet: Network) -> bool {
        match state {
            PartnerState::Active | PartnerState::Returning if self.doubt.is_some() => false,
            PartnerState::Active => true,
            PartnerState::Returning => self.transfer.as_ref().is_some_and(|transfer| transfer.serves(subnet)),
            PartnerState::Claiming
            | PartnerState::Receiving
            | PartnerState::Serving
            | PartnerState::Given
            | PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Probing => false,
        }
    }

    /// Acts on a message.
    pub(super) fn on_message(&mut self, partner: &mut Partner, came: Came<'_>, around: &mut Around<'_>) {
        let (header, body, newest) = match came {
            Came::Session => return self.on_session(partner, around),
            Came::Message { header, body, newest } => (header, body, newest),
        };
        let serves = newest && header.state == PartnerState::Serving && kept(Rule::Yield);
        if serves && matches!(partner.state, PartnerState::Active | PartnerState::Returning) {
            self.give_way(partner, around);
        }
        self.unanswered = 0;
        if newest {
            self.hear_in_doubt(partner, header.seen, around);
        }
        match body {
            Body::PollRpl { delay_ms } => {
                let told = Duration::from_millis(u64::from(delay_ms));
                self.told_delay = (delay_ms > 0).then_some(told);
                self.on_reply(partner, "the primary answers", around);
            }
            Body::BindUpdate(piece) => {
                partner.on_piece(&header, &piece, around);
                if let Sync::Coming(at) = &mut self.sync {
                    *at = around.now.mono;
                }
                self.on_reply(partner, "a binding update came", around);
            }
            Body::BindAck { stream, next, later } => partner.on_ack(stream, (next, later), around.now.mono),
            Body::CtlReq => self.on_claim(partner, around),
            Body::SyncStart { .. } if partner.state == PartnerState::Syncing => {
                self.sync = Sync::Coming(around.now.mono);
                (self.resume, self.wait) = (None, None);
            }
            Body::SubnetTaken { transfer, network, prefix } => {
                let subnet = Network { address: std::net::Ipv4Addr::from_bits(network), prefix };
                if let Some(running) = &mut self.transfer {
                    running.on_taken(transfer, subnet, around.now.mono);
                }
            }
            Body::ShareReq { first, last, count } => balance::answer(partner, Wanted { first, last, count }, around),
            Body::CtlGive { unacked } => self.on_give(partner, unacked, around),
            Body::Hello { .. }
            | Body::HelloAck { .. }
            | Body::HelloEnd { .. }
            | Body::Poll { .. }
            | Body::CtlRet { .. }
            | Body::SyncReq
            | Body::SyncStart { .. }
            | Body::SubnetReturn { .. }
            | Body::CtlTaken
            | Body::ConfigOffer { .. }
            | Body::ConfigReq { .. }
            | Body::ConfigData { .. } => {}
        }
        if self.given.is_some() && partner.have.stamp >= partner.theirs.newest {
            self.take_given(partner, 0, around);
        }
        self.end_sync(partner, around);
    }

    /// What waits for an answer is sent again at once: that is not a retry.
    fn on_session(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        match partner.state {
            PartnerState::Syncing => partner.send(Body::SyncReq, around),
            PartnerState::Asleep if self.settings.sync => {
                // A new boot of the primary: what it has must be asked for again.
                partner.enter(PartnerState::Syncing, "the primary started anew", around.now);
                self.tries = 0;
                self.ask(partner, around);
            }
            PartnerState::Asleep | PartnerState::Probing | PartnerState::Active | PartnerState::Returning => {
                self.poll(partner, around);
                self.ask_anew(partner);
            }
            PartnerState::Claiming | PartnerState::Receiving | PartnerState::Serving | PartnerState::Given => {}
        }
    }

    fn on_reply(&mut self, partner: &mut Partner, reason: &str, around: &mut Around<'_>) {
        // A primary that answers is there, however its bindings come: control of before the restart is not taken again.
        (self.refusals, self.resume) = (0, None);
        if partner.state == PartnerState::Probing {
            self.sleep(partner, reason, around);
        }
    }

    /// The primary serves: this server is silent at once.
    fn give_way(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let times = match self.yielded {
            Some((at, times)) if around.now.mono.since(at) < FLAP => (times * 2).min(FLAP_MAX),
            Some(_) | None => 2,
        };
        self.yielded = Some((around.now.mono, times));
        warn!("partner {}: it serves while this server served: yielding", partner.name);
        self.sleep(partner, "the primary serves", around);
    }

    fn end_sync(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let complete = partner.is_complete(around.database);
        let all = partner.have.stamp >= partner.theirs.newest;
        if partner.state == PartnerState::Syncing && matches!(self.sync, Sync::Coming(_)) && complete && all {
            self.sleep(partner, "all bindings of the primary are here", around);
        }
    }

    /// What is due by time.
    pub(super) fn tick(&mut self, partner: &mut Partner, around: &mut Around<'_>) -> Verdict {
        let now = around.now.mono;
        self.tick_wish(partner, around);
        if self.resume.is_some_and(|resume| resume <= now) {
            partner.lose_contact();
            self.take_over(partner, "it served before its restart and the primary does not answer", around);
        }
        match partner.state {
            PartnerState::Syncing => return self.tick_sync(partner, around),
            PartnerState::Asleep => {
                if self.wait.is_none_or(|wait| wait <= now) {
                    self.probe(partner, "time to poll", around);
                }
            }
            PartnerState::Probing => self.tick_probe(partner, around),
            PartnerState::Active | PartnerState::Returning => self.tick_serving(partner, around),
            PartnerState::Claiming | PartnerState::Receiving | PartnerState::Serving | PartnerState::Given => {}
        }
        Verdict::GoesOn
    }

    fn tick_sync(&mut self, partner: &mut Partner, around: &mut Around<'_>) -> Verdict {
        let now = around.now.mono;
        match self.sync {
            Sync::Asking if self.wait.is_some_and(|wait| wait > now) => Verdict::GoesOn,
            Sync::Asking if self.settings.wait_start.is_zero() => {
                if self.asking_told.is_none_or(|told| now.since(told) >= SYNC_REQ_TOLD) {
                    self.asking_told = Some(now);
                    warn!("partner {}: no answer to a request for its bindings; waiting on", partner.name);
                }
                self.ask(partner, around);
                Verdict::GoesOn
            }
            Sync::Asking if self.tries < self.settings.requests_max => {
                self.tries += 1;
                self.ask(partner, around);
                Verdict::GoesOn
            }
            Sync::Asking => self.sync_failed(partner, "requests for its bindings stay unanswered", around),
            Sync::Coming(at) if now.since(at) < partner.common.wait_update => Verdict::GoesOn,
            Sync::Coming(_) => self.sync_failed(partner, "its bindings stopped coming", around),
        }
    }

    fn sync_failed(&mut self, partner: &mut Partner, reason: &str, around: &mut Around<'_>) -> Verdict {
        warn!("partner {}: the sync failed: {reason}", partner.name);
        match self.occasion {
            Occasion::Start if self.settings.critical => return Verdict::Ends,
            Occasion::Reload if self.settings.critical => {
                error!("partner {}: the sync after the reload that brought it failed ({reason})", partner.name);
            }
            Occasion::Start | Occasion::Reload | Occasion::Later => {}
        }
        self.occasion = Occasion::Later;
        self.probe(partner, "the sync failed", around);
        Verdict::GoesOn
    }

    /// SyncFailCritical, while this server serves for another primary: asks again instead of ending.
    pub(super) fn put_off(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        if !std::mem::replace(&mut self.is_put_off, true) {
            let name = &partner.name;
            error!(
                "partner {name}: the end of the server (SyncFailCritical) waits while it serves for another primary"
            );
        }
        self.tries = 0;
        self.ask(partner, around);
    }

    fn tick_probe(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let now = around.now.mono;
        if self.wait.is_some_and(|wait| wait > now) {
            return;
        }
        let times = match self.yielded {
            Some((at, times)) if now.since(at) < FLAP && kept(Rule::SlowAfterYield) => times,
            Some(_) | None => 1,
        };
        let limit = (self.settings.polls_max + 1) * times - 1;
        if self.tries < limit {
            self.tries += 1;
            self.wait = Some(now + self.settings.wait_reply);
            self.poll(partner, around);
            return;
        }
        let refused = if self.refusals > 0 { ", its port is closed" } else { "" };
        let reason = format!("{} polls unanswered{refused}", self.tries + 1);
        partner.lose_contact();
        self.take_over(partner, &reason, around);
    }

    /// After the streams were served: a primary that stopped acknowledging is probed at once.
    pub(super) fn on_flow(&mut self, partner: &mut Partner, flow: Flow, around: &mut Around<'_>) {
        if flow == Flow::Stalls && partner.state == PartnerState::Asleep {
            self.probe(partner, "its acknowledgements stopped", around);
        }
    }

    /// The primary's port is closed: the wait is over 50 ms after the last poll, if the primary was there before.
    pub(super) fn on_refused(&mut self, partner: &Partner, now: Now) {
        if !partner.met {
            return;
        }
        let earliest = self.last_sent.map_or(now.mono, |sent| sent + REFUSED_AGAIN).max(now.mono);
        match partner.state {
            PartnerState::Probing => {
                self.refusals += 1;
                self.wait = self.wait.map(|wait| wait.min(earliest));
            }
            PartnerState::Active | PartnerState::Returning => {
                if let Some(doubt) = &mut self.doubt {
                    doubt.wait = doubt.wait.min(earliest);
                }
                if self.unanswered <= self.settings.polls_max + 1 {
                    self.next_poll = self.next_poll.map(|next| next.min(earliest));
                }
            }
            PartnerState::Syncing
            | PartnerState::Asleep
            | PartnerState::Claiming
            | PartnerState::Receiving
            | PartnerState::Serving
            | PartnerState::Given => {}
        }
    }

    /// When the next thing is due.
    pub(super) fn next_due(&self, partner: &Partner) -> Option<Mono> {
        let transfer = self.transfer.as_ref().and_then(|transfer| transfer.next_due(partner));
        let update = match self.sync {
            Sync::Coming(at) if partner.state == PartnerState::Syncing => Some(at + partner.common.wait_update),
            Sync::Coming(_) | Sync::Asking => None,
        };
        let serving = matches!(partner.state, PartnerState::Active | PartnerState::Returning);
        let poll = self.next_poll.filter(|_| serving);
        let doubt = self.doubt.map(|doubt| doubt.wait);
        // While bindings come, only their end is waited for: a wait that is over would make the loop spin.
        let coming = partner.state == PartnerState::Syncing && matches!(self.sync, Sync::Coming(_));
        let wait = self.wait.filter(|_| !serving && !coming);
        let wish = self.wish.map(|wish| wish.again);
        [transfer, update, poll, wait, doubt, wish, self.resume].into_iter().flatten().min()
    }
}
