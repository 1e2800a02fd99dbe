//! Asking the partner for addresses (failover.md section 7, rule 4): what is wanted, for how long an answer is waited
//! for, and when it has come.
//!
//! A client waits for it at most [`ANSWER_MAX`]: a partner that is silent for so long is as good as out of contact for
//! it, and rule 5 holds.

use std::time::Duration;

use super::Around;
use super::balance::{ASK_EVERY, WANTED_MAX, Wanted};
use super::partner::Partner;
use crate::clock::Mono;
use crate::wire::failover::Body;

/// A request for addresses is answered within this time, or counts as unanswered: a few round trips and a commit.
pub(super) const ANSWER_MAX: Duration = Duration::from_millis(200);

/// What the partner is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Asking {
    wanted: Vec<Wanted>,
    /// How many of them have been sent, the first ones.
    sent: usize,
    last: Option<Mono>,
    open: Option<Open>,
}

/// A request that the partner has not acknowledged.
#[derive(Clone, Copy, Debug)]
struct Open {
    /// How long it is waited for.
    until: Mono,
    /// The number of the last datagram of it.
    sequence: u64,
    /// Whether the time for an answer is over.
    is_late: bool,
}

impl Asking {
    /// Notes what the partner is to be asked for.
    pub(super) fn ask_for(&mut self, wanted: Wanted) {
        let same = |other: &Wanted| (other.first, other.last) == (wanted.first, wanted.last);
        match self.wanted.iter().position(same) {
            Some(at) => self.wanted[at].count = self.wanted[at].count.max(wanted.count),
            None if self.wanted.len() < WANTED_MAX => self.wanted.push(wanted),
            None => {}
        }
    }

    /// Number of ranges that the partner is asked for.
    pub(super) fn len(&self) -> usize {
        self.wanted.len()
    }

    /// Whether an answer is waited for, or the question about to go.
    pub(super) fn is_under_way(&self) -> bool {
        !self.wanted.is_empty() && !self.is_unanswered()
    }

    /// Whether the partner left a request unanswered for too long, and has not been heard to get it since.
    pub(super) fn is_unanswered(&self) -> bool {
        self.open.is_some_and(|open| open.is_late)
    }

    /// Sends what is wanted, again and again until it is acknowledged or the time for that is over.
    pub(super) fn go_on(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let now = around.now.mono;
        if !partner.is_in_contact(now) {
            self.end(around);
            return;
        }
        if let Some(open) = &mut self.open
            && !open.is_late
            && open.until <= now
        {
            open.is_late = true;
            self.forget_sent();
            *around.is_answered = true;
        }
        if self.wanted.is_empty() || self.last.is_some_and(|last| now.since(last) < ASK_EVERY) {
            return;
        }
        self.last = Some(now);
        for &Wanted { first, last, count } in &self.wanted {
            partner.send(Body::ShareReq { first, last, count }, around);
        }
        self.sent = self.wanted.len();
        let sequence = partner.session.sequence();
        match &self.open {
            Some(open) if open.is_late => self.forget_sent(),
            Some(_) => {}
            None => self.open = Some(Open { until: now + ANSWER_MAX, sequence, is_late: false }),
        }
    }

    /// A datagram of the partner has been dealt with: it may show that the requests have come.
    pub(super) fn note_acknowledged(&mut self, partner: &Partner, around: &mut Around<'_>) {
        if self.open.is_some_and(|open| partner.session.acknowledged() >= open.sequence) {
            self.open = None;
            self.forget_sent();
            *around.is_answered = true;
        }
    }

    /// Nothing is waited for any more: what waits for it is to be dealt with.
    pub(super) fn end(&mut self, around: &mut Around<'_>) {
        if !self.wanted.is_empty() || self.open.is_some() {
            *self = Asking::default();
            *around.is_answered = true;
        }
    }

    /// The partner's port is closed: no answer will come.
    pub(super) fn note_refused(&mut self, now: Mono) {
        if let Some(open) = &mut self.open {
            open.until = now;
        }
    }

    /// When there is something to do.
    pub(super) fn next_due(&self) -> Option<Mono> {
        let again = self.last.filter(|_| !self.wanted.is_empty()).map(|last| last + ASK_EVERY);
        let late = self.open.filter(|open| !open.is_late).map(|open| open.until);
        [again, late].into_iter().flatten().min()
    }

    fn forget_sent(&mut self) {
        self.wanted.drain(..self.sent);
        self.sent = 0;
    }
}
