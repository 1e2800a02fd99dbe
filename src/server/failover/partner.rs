//! One partner: session, both streams, what is known of it, and the state of this side (failover.md sections 3 to 6).
//!
//! What holds for both sides stands here; the state tables are [`super::primary`] and [`super::secondary`].

use std::time::Duration;

use log::{info, log, warn};

use super::Around;
use super::agreement::Agreed;
use super::balance::Balance;
use super::incoming::Incoming;
use super::outgoing::Outgoing;
use super::push::Push;
use super::session::{Dropped, Ends, Session, Verdict};
use super::settings::{Common, POLL_DELAY, Rhythm, Strictness};
use super::states::{is_polling, is_starting, state_name};
use super::subnets::Told;
use super::watch::Watch;
use crate::clock::{Mono, Now, Wall};
use crate::lease::owner::Quiet;
use crate::lease::{Side, Stamp};
use crate::rules::{Rule, kept};
use crate::server::directory::Directory;
use crate::server::event::PartnerId;
use crate::wire::failover::{Body, Datagram, Header, PartnerState, Piece, emit, parse};

/// The lowest wait before something that takes a round trip is repeated.
pub(super) const REPEAT_MIN: Duration = Duration::from_millis(20);

/// After a refusal the next poll, or request for control, follows so long after the last.
pub(super) const REFUSED_AGAIN: Duration = Duration::from_millis(50);

/// One partner.
#[derive(Clone, Debug)]
pub(super) struct Partner {
    pub(super) id: PartnerId,
    pub(super) name: String,
    pub(super) side: Side,
    pub(super) common: Common,
    pub(super) session: Session,
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
    pub(super) push: Push,
    pub(super) told: Told,
    pub(super) agreed: Agreed,
    pub(super) state: PartnerState,
    pub(super) since: Wall,
    pub(super) theirs: Theirs,
    /// How far the partner's own changes are held here, durably at the end of the turn.
    pub(super) have: Have,
    pub(super) quiet: Option<Quiet>,
    /// When the last proven datagram came that acknowledges one of ours for the first time.
    pub(super) contact: Option<Mono>,
    /// The newest of our datagrams that the partner acknowledged in this session, or that went before this server
    /// served alone.
    acknowledged: u64,
    /// Whether the partner has been in contact in this run.
    pub(super) met: bool,
    /// Whether polls, requests or changes stayed unanswered since then: that is what being out of contact means.
    is_lost: bool,
    /// When the last message of the session came, acknowledging or not.
    pub(super) heard: Option<Mono>,
    pub(super) rhythm: Rhythm,
    pub(super) round_trip: Duration,
    /// When word came that the partner does not serve any more what it gives to this server.
    pub(super) silent_since: Option<Mono>,
    pub(super) newest: Stamp,
    pub(super) partner_down: bool,
    /// All that the partner held has once been here.
    pub(super) complete: bool,
    /// When the session began.
    pub(super) session_since: Option<Mono>,
    pub(super) dropped: Vec<(Dropped, u64)>,
    pub(super) ack_owed: bool,
    /// Its record in the journal.
    pub(super) kept: Option<Vec<u8>>,
    /// The facts of rule 3 in it.
    pub(super) kept_quiet: (Wall, Stamp),
    pub(super) lonely_since: Option<Mono>,
    pub(super) sizes_differ: bool,
    /// When the session began, or the last piece of the partner's stream came.
    pub(super) coming: Option<Mono>,
    pub(super) watch: Watch,
    pub(super) balance: Balance,
}

/// How far the partner's changes are held: up to a stamp, reached under a boot of the partner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Have {
    /// The partner's boot at that time.
    pub boot: u64,
    /// The stamp.
    pub stamp: Stamp,
}

/// What the partner's newest header says.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Theirs {
    /// Its lease database; zeros when it was never heard of.
    pub database: [u8; 16],
    /// Whether that is complete.
    pub complete: bool,
    /// It holds our own changes up to here.
    pub have: Stamp,
    /// Its newest own change.
    pub newest: Stamp,
    /// Its state, in this session.
    pub state: Option<PartnerState>,
    /// Its lease clock minus ours, in milliseconds.
    pub offset: i64,
    /// Whether it told StrictShares = True last.
    pub strict: bool,
    /// The digest of the subnets that it ran when it was heard last; `None`: never heard of.
    pub config: Option<[u8; 8]>,
    /// Its SyncBindingBufSize; 0 when it was never heard of.
    pub buffer_size: u16,
}

impl Partner {
    /// A partner that was never heard of.
    pub(super) fn new((id, name): (PartnerId, &str), side: Side, common: Common, boot: u64) -> Partner {
        let ends = if side == Side::default() { Ends::Primary } else { Ends::Failover };
        Partner {
            id,
            name: name.to_owned(),
            side,
            common,
            session: Session::new(ends, boot),
            outgoing: Outgoing::new(),
            incoming: Incoming::default(),
            push: Push::default(),
            told: Told::default(),
            agreed: Agreed::default(),
            state: PartnerState::Claiming,
            since: Wall::default(),
            theirs: Theirs::default(),
            have: Have::default(),
            quiet: None,
            contact: None,
            acknowledged: 0,
            met: false,
            is_lost: false,
            heard: None,
            rhythm: Rhythm::default(),
            round_trip: Duration::from_millis(1),
            silent_since: None,
            newest: Stamp::default(),
            partner_down: false,
            complete: false,
            session_since: None,
            dropped: Vec::new(),
            ack_owed: false,
            kept: None,
            kept_quiet: (Wall::default(), Stamp::default()),
            lonely_since: None,
            sizes_differ: false,
            coming: None,
            watch: Watch::default(),
            balance: Balance::default(),
        }
    }

    /// Whether the partner was heard of lately, and hears us.
    pub(super) fn is_in_contact(&self, now: Mono) -> bool {
        !self.is_lost && self.contact.is_some_and(|contact| now.since(contact) <= self.rhythm.contact())
    }

    /// What should have been answered was not.
    pub(super) fn lose_contact(&mut self) {
        self.is_lost = true;
    }

    /// Requests for control stayed unanswered, and this server serves from now on. An acknowledgement of what it sent
    /// before does not bring contact back: the partner, which may serve too, has not seen a word of that.
    pub(super) fn lose_contact_before_serving(&mut self) {
        self.lose_contact();
        self.acknowledged = self.session.sequence();
    }

    /// This server stood still, out of contact: what waited for it since proves no contact of now. What it says next
    /// has to be acknowledged.
    pub(super) fn doubt_what_waited(&mut self, around: &mut Around<'_>) {
        if self.session.is_established() {
            let ack = self.incoming.acknowledgement();
            self.acknowledged = self.session.sequence();
            self.send(Body::BindAck { stream: ack.stream, next: ack.next, later: ack.later }, around);
        }
    }

    /// Whether the partner has proved in this run that it is there, by a session at least.
    pub(super) fn is_proven(&self) -> bool {
        self.met || self.session.is_established()
    }

    /// The time after which something that waits for one round trip is said again.
    pub(super) fn repeat_after(&self) -> Duration {
        (self.round_trip * 4).max(REPEAT_MIN)
    }

    /// Enters a state: the one place where that happens. The record of it is in this turn's commit.
    pub(super) fn enter(&mut self, state: PartnerState, reason: &str, now: Now) {
        if state == self.state {
            return;
        }
        let (from, to) = (state_name(self.state), state_name(state));
        // A sleeping failover polls day and night; that is not news.
        let polls = is_polling(self.state) && is_polling(state);
        let level = if polls { log::Level::Debug } else { log::Level::Info };
        log!(level, "partner {}: {from} -> {to}, reason: {reason}", self.name);
        self.state = state;
        if !polls {
            self.since = now.wall;
        }
    }

    /// Sends a message.
    pub(super) fn send(&mut self, body: Body<'_>, around: &mut Around<'_>) {
        let header = self.header(&body, around);
        let keys = &self.common.keys;
        around.out.partner(self.id, |out| {
            let from = out.len();
            emit(&Datagram { header, body }, out);
            keys.seal(out, from);
        });
    }

    fn header(&mut self, body: &Body<'_>, around: &Around<'_>) -> Header {
        let greets = matches!(body, Body::Hello { .. } | Body::HelloAck { .. });
        let partner_boot = if greets { self.session.greeted() } else { self.session.partner_boot() };
        Header {
            session: if greets { 0 } else { self.session.id() },
            sequence: self.session.next_sequence(),
            seen: self.session.seen(),
            boot: self.session.boot(),
            partner_boot,
            database: around.database.id(),
            partner_database: self.theirs.database,
            complete: self.is_complete(around.database),
            strict: self.strictness() == Strictness::Silent,
            state: self.state,
            transfer: 0,
            have_boot: self.have.boot,
            have: self.have.stamp.0,
            newest: self.newest.0,
            clock: around.now.wall.millis(),
            config_generation: self.push.generation(),
            config_digest: if self.agreed.is_hidden { [0; 8] } else { self.digest(around.directory) },
            buffer_size: self.common.buffer_size,
        }
    }

    /// Takes a datagram; a message of the session comes back, with its header, to be acted upon.
    pub(super) fn receive<'b>(&mut self, bytes: &'b [u8], around: &mut Around<'_>) -> Option<Came<'b>> {
        let Ok(open) = self.common.keys.open(bytes) else {
            self.count(Dropped::Seal);
            self.tell_seals(around.now.mono);
            return None;
        };
        let Ok(datagram) = parse(open) else {
            self.count(Dropped::Malformed);
            return None;
        };
        let Datagram { header, body } = datagram;
        let verdict = self.session.receive(&header, &body, (around.now.mono, &self.common.keys, around.random));
        match verdict {
            Verdict::Message { newest } => {
                self.hear(around.now);
                let newest = newest && self.read_header(&header, around);
                Some(Came::Message { header, body, newest })
            }
            Verdict::Greet(greeting) => {
                self.send(greeting, around);
                None
            }
            Verdict::Established { greeting, is_new } => {
                if let Some(greeting) = greeting {
                    self.send(greeting, around);
                }
                if !is_new {
                    return None;
                }
                self.incoming.reset();
                self.outgoing.end();
                self.theirs.state = None;
                self.acknowledged = 0;
                self.heard = Some(around.now.mono);
                (self.coming, self.session_since) = (self.heard, self.heard);
                self.read_header(&header, around);
                self.compare_clocks(header.state, around);
                info!("partner {}: session with its boot {:016x}", self.name, header.boot);
                Some(Came::Session)
            }
            Verdict::Behind => {
                let boot = around.random.next_id();
                warn!("partner {} has seen later datagrams than were sent: this server was set back", self.name);
                around.database.reboot(boot, around.bindings.stamps().last());
                for record in around.database.newest_records() {
                    around.out.record(|payload| record.encode(payload));
                }
                self.session.reboot(boot);
                None
            }
            Verdict::Drop(reason) => {
                self.count(reason);
                None
            }
        }
    }

    fn hear(&mut self, now: Now) {
        // An acknowledgement of long ago, said again and again while later datagrams stay without one, does not show
        // that the partner hears us now.
        let acknowledged = self.session.acknowledged();
        let is_all = acknowledged > 0 && acknowledged == self.session.sequence();
        if acknowledged > self.acknowledged || is_all {
            self.acknowledged = acknowledged;
            if !self.is_in_contact(now.mono) && kept(Rule::ComposedAnew) {
                self.outgoing.renew();
            }
            self.note_contact(now);
            (self.contact, self.met, self.is_lost) = (Some(now.mono), true, false);
            self.lonely_since = None;
        }
        self.heard = Some(now.mono);
    }

    /// Takes over what the newest header says. `false` when this server's database turned out to have gone back.
    fn read_header(&mut self, header: &Header, around: &mut Around<'_>) -> bool {
        if header.database != self.theirs.database {
            self.theirs.database = header.database;
            if kept(Rule::NewDatabase) {
                (self.have, self.quiet) = (Have::default(), None);
            }
        }
        let told = Stamp(header.have);
        let ours = header.partner_database == around.database.id();
        let reached = around.database.did_reach(header.have_boot, told, around.bindings.stamps().last());
        if ours && !reached && kept(Rule::OlderCopy) {
            warn!(
                "partner {} holds changes that this lease database never made: an older copy was restored",
                self.name
            );
            around.renew = true;
            return false;
        }
        self.theirs.have = if ours { told } else { Stamp::default() };
        self.theirs.complete = header.complete;
        self.theirs.newest = Stamp(header.newest);
        self.theirs.state = Some(header.state);
        self.theirs.strict = header.strict;
        self.note_config(header.config_digest);
        let difference = i128::from(header.clock) - i128::from(around.now.wall.millis());
        self.theirs.offset = i64::try_from(difference).unwrap_or(i64::MAX);
        self.compare_sizes(header.buffer_size);
        self.outgoing.held(self.theirs.have);
        self.note_quiet(header, around.directory);
        true
    }

    /// A server that has just started beside a partner that runs: leases go on by the partner's lease clock, as this
    /// server's has nothing but the wall clock of this moment (section 9).
    fn compare_clocks(&mut self, theirs: PartnerState, around: &mut Around<'_>) {
        let offset = self.theirs.offset;
        let differs = u128::from(offset.unsigned_abs()) > self.common.skew.as_millis();
        let starts = !self.met && (is_starting(self.state) || is_polling(self.state));
        if differs && starts && !is_starting(theirs) && kept(Rule::PartnersClock) {
            warn!("partner {}: this server starts {} s off its lease clock, which is taken", self.name, offset / 1000);
            *around.clock_step = Some(offset);
            self.theirs.offset = 0;
        }
    }

    /// Rule 3 of section 7: the facts of one datagram, of a partner that had nothing that is not held here.
    fn note_quiet(&mut self, header: &Header, directory: &Directory) {
        let clock = Wall::from_millis(header.clock);
        let is_newer = self.quiet.is_none_or(|quiet| clock > quiet.clock);
        let is_whole = Stamp(header.newest) <= self.have.stamp || !kept(Rule::Newest);
        if is_whole && is_newer {
            self.quiet = Some(Quiet { clock, held: self.theirs.have });
        } else if let Some(quiet) = self.quiet.as_mut().filter(|_| !kept(Rule::OneDatagram)) {
            quiet.held = quiet.held.max(self.theirs.have);
        }
        if is_whole {
            self.believe(header, directory);
        }
    }

    /// Uses other parameters from now on. With another SyncBindingBufSize the stream begins anew.
    pub(super) fn set_common(&mut self, common: Common) {
        let resized = common.buffer_size != self.common.buffer_size;
        self.common = common;
        if resized {
            self.outgoing.end();
            self.sizes_differ = false;
            if self.theirs.buffer_size > 0 {
                self.compare_sizes(self.theirs.buffer_size);
            }
        }
    }

    fn compare_sizes(&mut self, theirs: u16) {
        let differ = theirs != self.common.buffer_size;
        self.theirs.buffer_size = theirs;
        if self.sizes_differ && !differ {
            info!("partner {}: SyncBindingBufSize is {theirs} on both sides now; changes go again", self.name);
            self.outgoing.end();
        }
        if differ && !self.sizes_differ {
            let ours = self.common.buffer_size;
            warn!(
                "partner {}: SyncBindingBufSize is {ours} here and {theirs} there; no changes go until equal",
                self.name
            );
        }
        self.sizes_differ = differ;
    }

    fn count(&mut self, reason: Dropped) {
        match self.dropped.iter_mut().find(|entry| entry.0 == reason) {
            Some(entry) => entry.1 += 1,
            None => self.dropped.push((reason, 1)),
        }
    }

    /// Takes a piece of the partner's stream and applies the records that it completes.
    pub(super) fn on_piece(&mut self, header: &Header, piece: &Piece<'_>, around: &mut Around<'_>) {
        if self.sizes_differ || !self.incoming.take(piece.stream, piece.number, piece.octets) {
            return;
        }
        self.ack_owed = true;
        self.coming = Some(around.now.mono);
        self.note_answers();
        let mut incoming = std::mem::take(&mut self.incoming);
        let mut told = super::apply::Told { header, seen: incoming.seen };
        let whole = incoming.records(|payload| super::apply::record(self, &mut told, payload, around));
        incoming.seen = told.seen;
        self.incoming = incoming;
        if !kept(Rule::HaveBehindRecords) {
            self.have = Have { boot: header.boot, stamp: self.have.stamp.max(Stamp(header.newest)) };
        }
        if !whole {
            warn!("partner {}: its stream of changes is broken; it begins anew", self.name);
            self.incoming.reset();
            self.ack_owed = false;
        }
        self.note_quiet(header, around.directory);
    }

    /// Takes an acknowledgement of our stream.
    pub(super) fn on_ack(&mut self, stream: u64, pieces: (u32, u64), now: Mono) {
        if let Some(round_trip) = self.outgoing.acknowledge(stream, pieces, now) {
            self.round_trip = (self.round_trip * 7 + round_trip) / 8;
        }
    }

    /// The pause between polls: the failover's own, else the primary's, else the default.
    pub(super) fn poll_delay(&self, told: Option<Duration>) -> Duration {
        self.common.poll_delay.or(told).unwrap_or(POLL_DELAY)
    }
}

/// A message of the session, or the news that there is one.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, on the stack; a box would be an allocation a datagram")]
pub(super) enum Came<'b> {
    /// A new session stands; what waits for an answer is to be sent again.
    Session,
    /// A message.
    Message {
        /// Its header.
        header: Header,
        /// What it says.
        body: Body<'b>,
        /// Whether its header counts: it has the highest sequence so far.
        newest: bool,
    },
}
