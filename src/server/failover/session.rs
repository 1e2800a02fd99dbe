//! Sessions: which boot of the partner is the living one, proven by fresh challenges, and which datagrams of it
//! are new (failover.md section 3). Pure: time and randomness come in, nothing goes out but a verdict.
//!
//! Each side keeps one challenge a boot of the partner until the session stands, so that two exchanges that cross
//! end in the same session: its id is made of both boots and both challenges, whoever began.
//!
//! What it prevents: a datagram of three boots ago, recorded and sent again, says that the primary serves; the
//! failover would yield and nobody would serve. Its boot is not the session's, and it cannot answer a challenge.

use crate::clock::Mono;
use crate::rules::{Rule, kept};
use crate::server::random::Random;
use crate::wire::failover::{Body, Header};
use crate::wire::seal::{Exchange, Keys};

/// Boots of the partner with a challenge open: the living one, and some that a replay brought up.
pub(super) const CANDIDATES_MAX: usize = 4;
/// Dead boots kept in mind.
pub(super) const DEAD_MAX: usize = 16;
/// Sequence numbers under the highest that are still told apart.
const WINDOW: u64 = 1024;
const WINDOW_WORDS: usize = (WINDOW / 64) as usize;
/// Hellos sent in one second at most: an exchange must not be an amplifier.
const HELLOS_A_SECOND: u32 = 10;

/// Why a datagram was dropped; each is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dropped {
    /// The seal does not open with any key.
    Seal,
    /// Not a message of this protocol and version.
    Malformed,
    /// A boot that was replaced.
    DeadBoot,
    /// An answer to a challenge that was not asked, or not so.
    Challenge,
    /// Another session's.
    Session,
    /// Seen before, or older than the window.
    Replayed,
    /// Too many greetings.
    TooManyHellos,
}

/// What a datagram came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A message of the session; `newest` when no later one has come yet, so that its state fields count.
    Message {
        /// Whether it has the highest sequence so far.
        newest: bool,
    },
    /// Answer with this greeting, nothing else.
    Greet(Body<'static>),
    /// A session stands, a new one or the same anew: answer with the greeting if there is one.
    Established {
        /// To send.
        greeting: Option<Body<'static>>,
        /// Whether it is another session than before.
        is_new: bool,
    },
    /// The partner has seen a later sequence than was sent: this server went back in time and needs a new boot id.
    Behind,
    /// Nothing.
    Drop(Dropped),
}

/// One side's view of the session with its partner.
#[derive(Clone, Debug)]
pub struct Session {
    /// Whether this is the primary, for the order of boots in the session id.
    ends: Ends,
    boot: u64,
    sequence: u64,
    established: Option<Established>,
    candidates: Vec<Candidate>,
    dead: Vec<u64>,
    hellos: (Option<Mono>, u32),
    /// The boot that the last greeting is for.
    greeted: u64,
}

/// Which end of the exchange this server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// The primary's.
    Primary,
    /// The failover's.
    Failover,
}

#[derive(Clone, Debug)]
struct Established {
    id: u64,
    boot: u64,
    highest: u64,
    seen: [u64; WINDOW_WORDS],
    /// Highest of our sequences that the partner has seen.
    acknowledged: u64,
}

#[derive(Clone, Copy, Debug)]
struct Candidate {
    boot: u64,
    ours: u64,
    theirs: Option<u64>,
}

impl Session {
    /// No session yet. `boot` is this start's random id.
    #[must_use]
    pub fn new(ends: Ends, boot: u64) -> Session {
        let hellos = (None, 0);
        let (candidates, dead) = (Vec::new(), Vec::new());
        Session { ends, boot, sequence: 0, established: None, candidates, dead, hellos, greeted: 0 }
    }

    /// This start's id.
    #[must_use]
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// Boots that greet, and boots that are known to be over.
    pub(super) fn boots(&self) -> (usize, usize) {
        (self.candidates.len(), self.dead.len())
    }

    /// The boot of the partner that the last greeting is for.
    #[must_use]
    pub fn greeted(&self) -> u64 {
        self.greeted
    }

    /// Whether a session stands.
    #[must_use]
    pub fn is_established(&self) -> bool {
        self.established.is_some()
    }

    /// The partner's boot of the session, 0 for none.
    #[must_use]
    pub fn partner_boot(&self) -> u64 {
        self.established.as_ref().map_or(0, |session| session.boot)
    }

    /// The session's id, 0 for none.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.established.as_ref().map_or(0, |session| session.id)
    }

    /// The newest sequence seen of the partner.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.established.as_ref().map_or(0, |session| session.highest)
    }

    /// The next sequence number to send with.
    pub fn next_sequence(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    /// Begins anew with another boot id: the partner knows of later sequences than this server.
    pub fn reboot(&mut self, boot: u64) {
        *self = Session { dead: std::mem::take(&mut self.dead), ..Session::new(self.ends, boot) };
    }

    /// Judges a datagram whose seal was good.
    pub fn receive(&mut self, header: &Header, body: &Body<'_>, around: (Mono, &Keys, &mut Random)) -> Verdict {
        let (now, keys, random) = around;
        match *body {
            Body::Hello { challenge } => self.on_hello(header, challenge, random),
            Body::HelloAck { answer, challenge } => self.on_hello_ack(header, (answer, challenge), keys),
            Body::HelloEnd { answer } => self.on_hello_end(header, answer, keys),
            _ => self.on_message(header, now, random),
        }
    }

    fn on_message(&mut self, header: &Header, now: Mono, random: &mut Random) -> Verdict {
        if let Some(verdict) = self.judge_boot(header, now, random) {
            let is_believed = !kept(Rule::Sessions) && self.is_established();
            return if is_believed { Verdict::Message { newest: true } } else { verdict };
        }
        let sequence = self.sequence;
        let Some(session) = &mut self.established else { return self.greet(header.boot, now, random) };
        if header.seen > sequence && kept(Rule::OwnSequence) {
            return Verdict::Behind;
        }
        let newest = match session.admit(header.sequence) {
            Some(newest) => newest || !kept(Rule::HighestSequence),
            None if kept(Rule::ReplayWindow) => return Verdict::Drop(Dropped::Replayed),
            None => false,
        };
        session.acknowledged = session.acknowledged.max(header.seen);
        Verdict::Message { newest }
    }

    /// What becomes of a datagram of another boot, or of another session, than the living one.
    fn judge_boot(&mut self, header: &Header, now: Mono, random: &mut Random) -> Option<Verdict> {
        if self.dead.contains(&header.boot) {
            return Some(Verdict::Drop(Dropped::DeadBoot));
        }
        // Without a session in its header the partner has none yet: our last greeting was lost.
        if self.partner_boot() != header.boot || !self.is_established() || header.session == 0 {
            return Some(self.greet(header.boot, now, random));
        }
        (header.session != self.id()).then_some(Verdict::Drop(Dropped::Session))
    }

    /// The newest of our datagrams in this session that the partner has acknowledged, 0 for none.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.established.as_ref().map_or(0, |session| session.acknowledged)
    }

    /// The number of the newest datagram sent.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    fn greet(&mut self, boot: u64, now: Mono, random: &mut Random) -> Verdict {
        let (began, count) = &mut self.hellos;
        if began.is_none_or(|began| now.since(began).as_secs() >= 1) {
            (*began, *count) = (Some(now), 0);
        }
        if *count >= HELLOS_A_SECOND {
            return Verdict::Drop(Dropped::TooManyHellos);
        }
        *count += 1;
        let challenge = self.candidate(boot, random).ours;
        Verdict::Greet(Body::Hello { challenge })
    }

    /// The partner greets a datagram of ours: prove that this boot is alive, and ask the same of the partner.
    fn on_hello(&mut self, header: &Header, challenge: u64, random: &mut Random) -> Verdict {
        if header.partner_boot != self.boot {
            return Verdict::Drop(Dropped::Challenge);
        }
        if self.dead.contains(&header.boot) {
            return Verdict::Drop(Dropped::DeadBoot);
        }
        let candidate = self.candidate(header.boot, random);
        candidate.theirs = Some(challenge);
        Verdict::Greet(Body::HelloAck { answer: challenge, challenge: candidate.ours })
    }

    fn on_hello_ack(&mut self, header: &Header, (answer, challenge): (u64, u64), keys: &Keys) -> Verdict {
        let candidate = self.candidates.iter_mut().find(|candidate| candidate.boot == header.boot);
        let Some(candidate) = candidate.filter(|candidate| candidate.ours == answer) else {
            return Verdict::Drop(Dropped::Challenge);
        };
        if header.partner_boot != self.boot {
            return Verdict::Drop(Dropped::Challenge);
        }
        candidate.theirs = Some(challenge);
        let candidate = *candidate;
        let is_new = self.establish(candidate, challenge, keys);
        Verdict::Established { greeting: Some(Body::HelloEnd { answer: challenge }), is_new }
    }

    fn on_hello_end(&mut self, header: &Header, answer: u64, keys: &Keys) -> Verdict {
        let candidate = self.candidates.iter().copied().find(|candidate| candidate.boot == header.boot);
        let proven = candidate.filter(|candidate| candidate.ours == answer && header.partner_boot == self.boot);
        let Some((candidate, theirs)) = proven.and_then(|candidate| Some((candidate, candidate.theirs?))) else {
            return Verdict::Drop(Dropped::Challenge);
        };
        let is_new = self.establish(candidate, theirs, keys);
        Verdict::Established { greeting: None, is_new }
    }

    fn establish(&mut self, candidate: Candidate, theirs: u64, keys: &Keys) -> bool {
        let (primary, failover) = match self.ends {
            Ends::Primary => ((self.boot, candidate.ours), (candidate.boot, theirs)),
            Ends::Failover => ((candidate.boot, theirs), (self.boot, candidate.ours)),
        };
        let id = keys.session_id(&Exchange {
            primary_boot: primary.0,
            failover_boot: failover.0,
            primary_challenge: primary.1,
            failover_challenge: failover.1,
        });
        if self.established.as_ref().is_some_and(|session| session.id == id) {
            return false;
        }
        if let Some(former) = &self.established
            && former.boot != candidate.boot
        {
            if self.dead.len() == DEAD_MAX {
                self.dead.remove(0);
            }
            self.dead.push(former.boot);
        }
        let boot = candidate.boot;
        self.established = Some(Established { id, boot, highest: 0, seen: [0; WINDOW_WORDS], acknowledged: 0 });
        self.sequence = 0;
        self.candidates.retain(|other| other.boot == boot);
        true
    }

    fn candidate(&mut self, boot: u64, random: &mut Random) -> &mut Candidate {
        self.greeted = boot;
        let at = self.candidates.iter().position(|candidate| candidate.boot == boot);
        let at = at.unwrap_or_else(|| {
            if self.candidates.len() == CANDIDATES_MAX {
                let living = self.partner_boot();
                let victim = self.candidates.iter().position(|candidate| candidate.boot != living);
                self.candidates.remove(victim.unwrap_or(0));
            }
            self.candidates.push(Candidate { boot, ours: random.next_id(), theirs: None });
            self.candidates.len() - 1
        });
        &mut self.candidates[at]
    }
}

impl Established {
    /// Whether `sequence` is new, and if so whether it is the highest so far.
    fn admit(&mut self, sequence: u64) -> Option<bool> {
        if sequence > self.highest {
            let ahead = sequence - self.highest;
            for step in 1..=ahead.min(WINDOW) {
                self.clear(self.highest + step);
            }
            self.highest = sequence;
            self.mark(sequence);
            return Some(true);
        }
        if sequence == 0 || self.highest - sequence >= WINDOW {
            return None;
        }
        let (word, bit) = place(sequence);
        if self.seen[word] & bit != 0 {
            return None;
        }
        self.mark(sequence);
        Some(false)
    }

    fn mark(&mut self, sequence: u64) {
        let (word, bit) = place(sequence);
        self.seen[word] |= bit;
    }

    fn clear(&mut self, sequence: u64) {
        let (word, bit) = place(sequence);
        self.seen[word] &= !bit;
    }
}

fn place(sequence: u64) -> (usize, u64) {
    let at = sequence % WINDOW;
    ((at / 64) as usize, 1 << (at % 64))
}
