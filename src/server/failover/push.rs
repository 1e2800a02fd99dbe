//! The exchange of subnets parts between the two servers (failover.md section 4): who offers its text, who asks for it,
//! part by part, and when something is said again. Pure; what a text that came whole leads to is decided in
//! [`super::subnets`].
//!
//! A server offers its text as long as the partner's header shows another digest. An answered offer is not repeated:
//! a request from the end of the text on says that all of it is there, and the header of that same datagram whether it
//! is in use. Both sides may offer, so that both can name what differs; only a failover without SubnetsFile ever uses
//! what it was sent.

use std::time::Duration;

use crate::clock::Mono;
use crate::config::SubnetsText;
use crate::wire::failover::Body;
use crate::wire::seal;

/// An offer without an answer is repeated after this time, then after twice as long each time.
const OFFER_AGAIN: Duration = Duration::from_secs(1);
/// The longest pause between two offers.
const OFFER_AGAIN_MAX: Duration = Duration::from_secs(60);
/// A request for a part is repeated after this time: many round trips, and a small part of the second within which a
/// change is to be there.
const ASK_AGAIN: Duration = Duration::from_millis(200);
/// Requests for one part before the text is given up until it is offered again: five seconds.
const ASKS_MAX: u32 = 25;
/// A text that was handed over is in use after a few turns; after this time it is asked for anew.
const APPLY_MAX: Duration = Duration::from_secs(30);
/// The longest text: what the largest configuration file holds.
pub(super) const TEXT_OCTETS_MAX: u32 = 64 << 20;

/// What a server does with subnets on a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stance {
    /// A primary with SyncConfig: its text is to be used.
    Gives,
    /// Both sides have a text of their own: a primary without SyncConfig, a failover with SubnetsFile.
    Compares,
    /// A failover without SubnetsFile.
    Takes,
}

/// What the exchange goes by, for one call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) now: Mono,
    pub(super) in_contact: bool,
    pub(super) stance: Stance,
    /// This server's text for the channel; a failover may have none.
    pub(super) ours: Option<&'a SubnetsText>,
    /// The digest in the partner's newest header; zeros: it has no text.
    pub(super) theirs: [u8; 8],
    /// Another one when anything changed that a judgement on the partner's text depends on.
    pub(super) context: [u8; 32],
    /// The most octets of one part.
    pub(super) part_octets: usize,
}

/// A text that the partner has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offered {
    /// 0: for comparing only.
    pub(super) generation: u64,
    pub(super) digest: [u8; 32],
    pub(super) octets: u32,
}

/// A part that came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) digest: [u8; 32],
    pub(super) offset: u32,
    pub(super) total: u32,
    pub(super) octets: &'a [u8],
}

/// What a part came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// Nothing yet.
    Goes,
    /// The text that was offered, whole and as its digest says.
    Whole(Offered, Vec<u8>),
}

/// What a request of the partner came to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked<'a> {
    /// Send this.
    Answer(Body<'a>),
    /// The partner has the whole text.
    Has,
    /// Nothing to send.
    Nothing,
}

/// The exchange with one partner.
#[derive(Clone, Debug, Default)]
pub(super) struct Push {
    generation: u64,
    counted: [u8; 32],
    offer: Option<Offer>,
    offered: Option<Offered>,
    fetch: Option<Fetch>,
    owes_answer: bool,
    /// A text that was handed over for use, and when.
    applying: Option<([u8; 32], Mono)>,
    /// A text that was looked at and not used, with what that depended on.
    judged: Option<([u8; 32], [u8; 32])>,
    /// A text that stopped coming, after so many octets of so many.
    stopped: Option<(usize, u32)>,
    due: Option<Mono>,
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    ours: [u8; 32],
    theirs: [u8; 8],
    due: Mono,
    wait: Duration,
    is_answered: bool,
}

#[derive(Clone, Debug)]
struct Fetch {
    digest: [u8; 32],
    total: u32,
    text: Vec<u8>,
    asked: Option<Mono>,
    asks: u32,
}

/// The digest as a header shows it.
pub(super) fn short(digest: &[u8; 32]) -> [u8; 8] {
    digest.first_chunk().copied().unwrap_or_default()
}

impl Push {
    /// How many texts this server has had in this run, the present one included.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// A new session: what was on its way is lost.
    pub(super) fn begin(&mut self) {
        (self.offer, self.offered, self.fetch, self.owes_answer) = (None, None, None, false);
    }

    /// Texts may have changed at `now`: the next turn is due at once.
    pub(super) fn wake(&mut self, now: Mono) {
        self.note_due(Some(now));
    }

    /// Counts texts.
    pub(super) fn count(&mut self, ours: Option<&SubnetsText>) {
        let digest = ours.map_or([0; 32], |text| text.digest);
        if digest != self.counted {
            self.counted = digest;
            self.generation += 1;
        }
    }

    /// The partner offers its text.
    pub(super) fn on_offer(&mut self, offered: Offered, facts: &Facts<'_>) {
        self.offered = Some(offered);
        self.owes_answer = !self.wants(facts) && self.applying.is_none();
    }

    /// The partner asks for a part of ours, or says by asking from the end on that it has all.
    pub(super) fn on_request<'a>(&mut self, digest: [u8; 32], offset: u32, facts: &Facts<'a>) -> Asked<'a> {
        let Some(ours) = facts.ours else { return Asked::Nothing };
        if digest != ours.digest {
            self.offer = None;
            return Asked::Nothing;
        }
        let octets = ours.text.as_bytes();
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let Some(rest) = octets.get(from..).filter(|rest| !rest.is_empty()) else {
            if let Some(offer) = &mut self.offer {
                offer.is_answered = true;
            }
            return Asked::Has;
        };
        if let Some(offer) = &mut self.offer {
            // Who asks has the offer.
            offer.due = facts.now + offer.wait;
        }
        let part = rest.get(..facts.part_octets).unwrap_or(rest);
        let total = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        Asked::Answer(Body::ConfigData { digest, offset, total, octets: part })
    }

    /// A part came; one that was not asked for is left alone.
    pub(super) fn on_part(&mut self, part: &Part<'_>) -> Came {
        let Some(fetch) = self.fetch.as_mut().filter(|fetch| fetch.digest == part.digest) else { return Came::Goes };
        let held = u32::try_from(fetch.text.len()).unwrap_or(u32::MAX);
        let left = fetch.total.saturating_sub(held) as usize;
        let fits = part.total == fetch.total && part.offset == held && part.octets.len() <= left;
        if !fits || part.octets.is_empty() {
            return Came::Goes;
        }
        fetch.text.extend_from_slice(part.octets);
        (fetch.asked, fetch.asks) = (None, 0);
        if part.octets.len() < left {
            return Came::Goes;
        }
        let text = std::mem::take(&mut fetch.text);
        self.fetch = None;
        match self.offered {
            Some(offered) if seal::digest(&text) == offered.digest => Came::Whole(offered, text),
            // It begins anew with the next turn, or with the next offer.
            Some(_) | None => Came::Goes,
        }
    }

    /// The text that came was handed over for use.
    pub(super) fn applies(&mut self, digest: [u8; 32], now: Mono) {
        self.applying = Some((digest, now));
    }

    /// The text that came is not used, and is not asked for again while `context` stands.
    pub(super) fn judge(&mut self, digest: [u8; 32], context: [u8; 32]) {
        self.applying = None;
        self.judged = Some((digest, context));
        self.owes_answer = true;
    }

    /// Whether the partner's text was looked at and is not used.
    fn has_judged(&self, facts: &Facts<'_>) -> bool {
        let judged = self.judged.as_ref().zip(self.offered.as_ref());
        judged.is_some_and(|(judged, offered)| judged.0 == offered.digest && judged.1 == facts.context)
    }

    fn wants(&self, facts: &Facts<'_>) -> bool {
        let Some(offered) = &self.offered else { return false };
        let is_ours = facts.ours.is_some_and(|ours| ours.digest == offered.digest);
        let is_coming = self.applying.is_some_and(|(digest, _)| digest == offered.digest);
        let is_bounded = offered.octets > 0 && offered.octets <= TEXT_OCTETS_MAX;
        !is_ours && !is_coming && is_bounded && !self.has_judged(facts)
    }

    /// What is to be sent now: an answer to an offer, a request for the next part, an offer.
    pub(super) fn turn(&mut self, facts: &Facts<'_>) -> [Option<Body<'static>>; 3] {
        self.due = None;
        if !facts.in_contact {
            return [None; 3];
        }
        if let Some((digest, since)) = self.applying {
            if facts.ours.is_some_and(|ours| ours.digest == digest) {
                (self.applying, self.owes_answer) = (None, true);
            } else if facts.now.since(since) >= APPLY_MAX {
                self.applying = None;
            }
        }
        let ask = self.ask(facts);
        let answer = self.answer();
        [answer, ask, self.offer(facts)]
    }

    fn answer(&mut self) -> Option<Body<'static>> {
        let owed = std::mem::take(&mut self.owes_answer);
        let offered = self.offered.filter(|_| owed)?;
        Some(Body::ConfigReq { digest: offered.digest, offset: offered.octets })
    }

    fn ask(&mut self, facts: &Facts<'_>) -> Option<Body<'static>> {
        if !self.wants(facts) {
            self.fetch = None;
            return None;
        }
        let offered = self.offered?;
        let fetch = self.fetch.take().filter(|fetch| fetch.digest == offered.digest && fetch.total == offered.octets);
        let (digest, total) = (offered.digest, offered.octets);
        let mut fetch = fetch.unwrap_or(Fetch { digest, total, text: Vec::new(), asked: None, asks: 0 });
        let is_due = fetch.asked.is_none_or(|asked| facts.now.since(asked) >= ASK_AGAIN);
        if is_due && fetch.asks == ASKS_MAX {
            self.stopped = Some((fetch.text.len(), total));
            self.offered = None;
            return None;
        }
        let offset = u32::try_from(fetch.text.len()).unwrap_or(u32::MAX);
        if is_due {
            (fetch.asked, fetch.asks) = (Some(facts.now), fetch.asks + 1);
        }
        self.note_due(fetch.asked.map(|asked| asked + ASK_AGAIN));
        self.fetch = Some(fetch);
        is_due.then_some(Body::ConfigReq { digest, offset })
    }

    fn offer(&mut self, facts: &Facts<'_>) -> Option<Body<'static>> {
        let is_willing = match facts.stance {
            Stance::Gives | Stance::Compares => true,
            // What it runs interests the primary when it is not what the primary has sent.
            Stance::Takes => self.has_judged(facts),
        };
        let differing = facts.ours.filter(|ours| is_willing && short(&ours.digest) != facts.theirs);
        let octets = differing.and_then(|ours| u32::try_from(ours.text.len()).ok());
        let (Some(ours), Some(octets)) = (differing, octets.filter(|octets| (1..=TEXT_OCTETS_MAX).contains(octets)))
        else {
            self.offer = None;
            return None;
        };
        let theirs = facts.theirs;
        let known = self.offer.filter(|offer| offer.ours == ours.digest && offer.theirs == theirs);
        let fresh = Offer { ours: ours.digest, theirs, due: facts.now, wait: OFFER_AGAIN, is_answered: false };
        let mut offer = known.unwrap_or(fresh);
        let is_due = !offer.is_answered && offer.due <= facts.now;
        if is_due {
            offer.due = facts.now + offer.wait;
            offer.wait = (offer.wait * 2).min(OFFER_AGAIN_MAX);
        }
        self.note_due((!offer.is_answered).then_some(offer.due));
        self.offer = Some(offer);
        let generation = if facts.stance == Stance::Gives { self.generation } else { 0 };
        is_due.then_some(Body::ConfigOffer { generation, digest: ours.digest, octets })
    }

    fn note_due(&mut self, due: Option<Mono>) {
        self.due = [self.due, due].into_iter().flatten().min();
    }

    /// A text that stopped coming, once: octets that came, and of how many.
    pub(super) fn take_stopped(&mut self) -> Option<(usize, u32)> {
        self.stopped.take()
    }

    /// When the next turn is due.
    pub(super) fn next_due(&self) -> Option<Mono> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(lines: usize) -> SubnetsText {
        let text: String = (0..lines).map(|line| format!("Option.routers = 10.1.0.{line}\n")).collect();
        let digest = seal::digest(text.as_bytes());
        SubnetsText { text, digest }
    }

    /// One end of an exchange.
    struct End {
        push: Push,
        stance: Stance,
        text: Option<SubnetsText>,
        taken: Option<Vec<u8>>,
        has: bool,
    }

    impl End {
        fn new(stance: Stance, text: Option<SubnetsText>) -> End {
            End { push: Push::default(), stance, text, taken: None, has: false }
        }

        fn header(&self) -> [u8; 8] {
            self.text.as_ref().map_or([0; 8], |text| short(&text.digest))
        }

        /// One message in, one out at most.
        fn hear<'a>(&'a mut self, body: Body<'_>, theirs: [u8; 8], now: Mono) -> Option<Body<'a>> {
            let End { push, stance, text, taken, has } = self;
            let (in_contact, context) = (true, [0; 32]);
            let ours = text.as_ref();
            let facts = Facts { now, in_contact, stance: *stance, ours, theirs, context, part_octets: 64 };
            match body {
                Body::ConfigOffer { generation, digest, octets } => {
                    push.on_offer(Offered { generation, digest, octets }, &facts);
                }
                Body::ConfigReq { digest, offset } => match push.on_request(digest, offset, &facts) {
                    Asked::Answer(body) => return Some(body),
                    Asked::Has => *has = true,
                    Asked::Nothing => {}
                },
                Body::ConfigData { digest, offset, total, octets } => {
                    if let Came::Whole(offered, octets) = push.on_part(&Part { digest, offset, total, octets }) {
                        *taken = Some(octets);
                        push.applies(offered.digest, now);
                    }
                }
                _ => panic!("not a message of the exchange"),
            }
            None
        }

        fn turn(&mut self, theirs: [u8; 8], now: Mono) -> Vec<Body<'static>> {
            let (in_contact, context, ours) = (true, [0; 32], self.text.as_ref());
            let facts = Facts { now, in_contact, stance: self.stance, ours, theirs, context, part_octets: 64 };
            self.push.count(ours);
            self.push.turn(&facts).into_iter().flatten().collect()
        }
    }

    /// Lets both ends talk for `millis` in steps of ten; `is_lost` says for each message by its number.
    fn talk(ends: &mut [End; 2], millis: u64, mut is_lost: impl FnMut(u32) -> bool) -> u32 {
        let mut sent = 0;
        for step in 0..millis / 10 {
            let now = Mono::from_nanos((step + 1) * 10_000_000);
            for at in [0, 1] {
                let headers = [ends[0].header(), ends[1].header()];
                for body in ends[at].turn(headers[1 - at], now) {
                    sent += 1;
                    if is_lost(sent) {
                        continue;
                    }
                    let Some(Body::ConfigData { digest, offset, total, octets }) =
                        ends[1 - at].hear(body, headers[at], now)
                    else {
                        continue;
                    };
                    let octets = octets.to_vec();
                    sent += 1;
                    if !is_lost(sent) {
                        let body = Body::ConfigData { digest, offset, total, octets: &octets };
                        assert!(ends[at].hear(body, headers[1 - at], now).is_none());
                    }
                }
                if let Some(octets) = ends[1].taken.take() {
                    let text = String::from_utf8(octets).expect("text");
                    let digest = seal::digest(text.as_bytes());
                    ends[1].text = Some(SubnetsText { text, digest });
                }
            }
        }
        sent
    }

    fn pair(lines: usize) -> [End; 2] {
        [End::new(Stance::Gives, Some(text(lines))), End::new(Stance::Takes, None)]
    }

    #[test]
    fn a_text_of_many_parts_comes_whole_and_then_nothing_is_said() {
        let mut ends = pair(100);
        talk(&mut ends, 2_000, |_| false);
        assert_eq!(ends[1].text, ends[0].text);
        assert!(ends[0].has, "the primary hears that all of it is there");
        assert_eq!(talk(&mut ends, 10_000, |_| false), 0);
    }

    #[test]
    fn lost_offers_requests_and_parts_are_sent_again() {
        for third in 0..3 {
            let mut ends = pair(40);
            talk(&mut ends, 60_000, |number| number % 3 == third);
            assert_eq!(ends[1].text, ends[0].text, "every third message is lost, from {third} on");
        }
    }

    #[test]
    fn a_partner_that_falls_silent_is_asked_a_bounded_number_of_times() {
        let mut ends = pair(40);
        // The offer arrives, and nothing after it.
        let sent = talk(&mut ends, 20_000, |number| number > 1);
        // Offers after 1, 3, 7 and 15 s of which none arrives, and the requests for one part.
        assert!((ASKS_MAX..=ASKS_MAX + 6).contains(&sent), "{sent}");
        assert_eq!(ends[1].text, None);
        assert_eq!(ends[1].push.take_stopped().map(|stopped| stopped.0), Some(0));
    }

    #[test]
    fn a_text_that_changes_while_it_is_sent_arrives_as_it_is_then() {
        let mut ends = pair(100);
        talk(&mut ends, 100, |_| false);
        assert_eq!(ends[1].text, None, "it is on its way");
        ends[0].text = Some(text(50));
        talk(&mut ends, 3_000, |_| false);
        assert_eq!(ends[1].text, Some(text(50)));
        assert_eq!(ends[0].push.generation(), 2);
    }

    #[test]
    fn a_text_that_was_judged_is_not_fetched_again_until_something_else_changes() {
        let mut end = End::new(Stance::Takes, Some(text(1)));
        let digest = text(9).digest;
        let offered = Offered { generation: 1, digest, octets: 100 };
        let (ours, theirs, now) = (end.text.clone(), short(&digest), Mono::from_nanos(1));
        let facts = Facts {
            now,
            in_contact: true,
            stance: Stance::Takes,
            ours: ours.as_ref(),
            theirs,
            context: [1; 32],
            part_octets: 64,
        };
        end.push.on_offer(offered, &facts);
        assert!(end.push.wants(&facts));
        end.push.judge(digest, facts.context);
        let said = end.push.turn(&facts);
        assert_eq!(said[0], Some(Body::ConfigReq { digest, offset: 100 }), "it was all there");
        assert_eq!(said[1], None);
        assert!(matches!(said[2], Some(Body::ConfigOffer { generation: 0, .. })), "what runs is offered to compare");
        assert!(end.push.wants(&Facts { context: [2; 32], ..facts }), "the one that was in the way changed");
    }
}
