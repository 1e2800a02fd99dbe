//! The stream of own changes to a partner: composed when cut, kept until acknowledged, sent again when it is time
//! (failover.md section 5).
//!
//! Nothing is queued: what the partner lacks stands in an order of (stamp, address), and a record is composed from the
//! binding as it is then, so ten changes of an address cost one record. Long streams are filled by a walk over the
//! table, a slice a turn.

use std::collections::{BTreeSet, VecDeque};
use std::net::Ipv4Addr;
use std::ops::Bound;
use std::time::Duration;

use crate::clock::Mono;
use crate::journal::frame;
use crate::lease::record::Record;
use crate::lease::shares::Shares;
use crate::lease::table::LeaseTable;
use crate::lease::{Side, Stamp};
use crate::rules::{Rule, kept};

/// Pieces under way at once.
pub(super) const WINDOW: usize = 64;
/// Later pieces acknowledged that make one be sent again at once.
const OVERTAKEN: u32 = 3;
/// Octets composed ahead of the window at most: one record more than a piece.
pub(super) const AHEAD: usize = 8 * 1024;

/// What is in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Own changes behind what the partner holds.
    Changes,
    /// Every binding of the channel, whatever its origin, then a mark; for a partner that is not complete.
    Copy,
}

/// Where records are composed from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known<'a> {
    pub(super) table: &'a LeaseTable,
    pub(super) shares: &'a Shares,
    /// How far the partner's own changes are held here.
    pub(super) have: Stamp,
}

/// One piece that is not acknowledged.
#[derive(Clone, Debug)]
struct Flight {
    number: u32,
    octets: Vec<u8>,
    /// All records up to this one end in this piece or before.
    until: (Stamp, u32),
    sent: Mono,
    resends: u32,
    overtaken: u32,
    acked: bool,
}

/// The end of a copy.
#[derive(Clone, Copy, Debug)]
struct Mark {
    /// It comes behind all records up to this stamp, whatever their origin.
    behind: Stamp,
    /// It says that all own changes up to here have come.
    newest: Stamp,
}

/// The stream to one partner.
#[derive(Clone, Debug)]
pub(super) struct Outgoing {
    stream: u64,
    content: Content,
    /// What is to be sent or acknowledged, in order.
    pending: BTreeSet<(Stamp, u32)>,
    /// Where the walk that fills `pending` is; changes meanwhile are noted as ever.
    walk: Option<usize>,
    from: Stamp,
    /// The last record composed.
    composed: (Stamp, u32),
    /// Octets composed and not yet cut.
    uncut: Vec<u8>,
    /// A copy's mark is still to come.
    mark: Option<Mark>,
    window: VecDeque<Flight>,
    next_number: u32,
    /// All pieces of a copy up to its mark, by number of the first piece behind it.
    mark_ends: Option<u32>,
    /// What the last mark behind changes said.
    marked: Stamp,
    /// What the stream said last of how far the partner's changes are held.
    seen: Option<Stamp>,
}

/// A piece to be sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cut<'a> {
    /// The stream.
    pub stream: u64,
    /// The piece's number.
    pub number: u32,
    /// Its octets.
    pub octets: &'a [u8],
}

impl Outgoing {
    /// No stream yet.
    #[must_use]
    pub(super) fn new() -> Outgoing {
        Outgoing {
            stream: 0,
            content: Content::Changes,
            pending: BTreeSet::new(),
            walk: None,
            from: Stamp::default(),
            composed: (Stamp::default(), 0),
            uncut: Vec::new(),
            mark: None,
            window: VecDeque::new(),
            next_number: 0,
            mark_ends: None,
            marked: Stamp::default(),
            seen: None,
        }
    }

    /// Begins a stream behind `from`, which the partner holds; the walk that fills it follows. `newest` is the newest
    /// own change, `last` the newest of all stamps: behind that a copy ends.
    pub(super) fn begin(&mut self, content: Content, from: Stamp, (newest, last): (Stamp, Stamp)) {
        let stream = self.stream + 1;
        let mark = (content == Content::Copy).then_some(Mark { behind: last, newest });
        *self = Outgoing { stream, content, from, mark, walk: Some(0), ..Outgoing::new() };
        if content == Content::Changes {
            self.composed = (from, u32::MAX);
        }
    }

    /// Stops sending; what the partner lacks is found again when a stream begins.
    pub(super) fn end(&mut self) {
        *self = Outgoing { stream: self.stream, ..Outgoing::new() };
    }

    /// Contact is back: changes that were composed before go out as they are now, in a stream of their own. Of two
    /// changes of an address the partner would merge the older one with its own.
    pub(super) fn renew(&mut self) {
        if self.content == Content::Copy || self.window.is_empty() && self.uncut.is_empty() {
            return;
        }
        let (stream, from, walk) = (self.stream + 1, self.from, self.walk);
        let pending = std::mem::take(&mut self.pending);
        *self = Outgoing { stream, from, walk, pending, composed: (from, u32::MAX), ..Outgoing::new() };
    }

    /// Says that nothing is left to send, though the partner does not hold all up to `newest`, the newest own change:
    /// the address of that one has a newer change of the partner now. Without this word it would wait for it for ever.
    pub(super) fn mark_end(&mut self, newest: Stamp) {
        let is_sent = self.walk.is_none() && self.pending.is_empty() && self.uncut.is_empty() && self.window.is_empty();
        if self.content == Content::Changes && self.mark.is_none() && is_sent && newest > self.marked.max(self.from) {
            self.marked = newest;
            self.mark = Some(Mark { behind: newest, newest });
        }
    }

    /// Whether a stream is under way.
    #[must_use]
    pub(super) fn is_begun(&self) -> bool {
        self.next_number > 0 || self.walk.is_some() || self.mark.is_some() || self.composed != (Stamp::default(), 0)
    }

    /// Changes that the partner does not hold yet, as far as is known.
    #[must_use]
    pub(super) fn unacknowledged(&self) -> usize {
        self.pending.len()
    }

    /// Whether the walk is not finished, so that [`Outgoing::unacknowledged`] is not the whole.
    #[must_use]
    pub(super) fn is_filling(&self) -> bool {
        self.walk.is_some()
    }

    /// Notes a change: of the channel's binding at `address`, from `former` to `stamp`.
    pub(super) fn note(&mut self, address: Ipv4Addr, former: Option<Stamp>, stamp: Option<Stamp>) {
        if let Some(former) = former {
            self.pending.remove(&(former, address.to_bits()));
        }
        if let Some(stamp) = stamp {
            self.pending.insert((stamp, address.to_bits()));
        }
    }

    /// Goes on with the walk over the table; `belongs` tells whether an address is of this channel.
    pub(super) fn fill(&mut self, known: Known<'_>, side: Side, slice: usize, belongs: impl Fn(Ipv4Addr) -> bool) {
        let Some(from) = self.walk else { return };
        let (content, after) = (self.content, self.from);
        let any = content == Content::Copy && kept(Rule::AnyOrigin);
        let wanted = |origin, stamp| any || origin == side && stamp > after;
        for binding in known.table.slots(from, slice) {
            if wanted(binding.origin, binding.stamp) && belongs(binding.address) {
                self.pending.insert((binding.stamp, binding.address.to_bits()));
            }
        }
        if from == 0 {
            let runs = known.shares.iter().filter(|run| wanted(run.origin, run.stamp) && belongs(run.first));
            self.pending.extend(runs.map(|run| (run.stamp, run.first.to_bits())));
        }
        self.walk = (from + slice < known.table.len()).then_some(from + slice);
    }

    /// The partner holds all own changes up to `have`: they need not be sent (again).
    pub(super) fn held(&mut self, have: Stamp) {
        if self.content == Content::Changes {
            drop_until(&mut self.pending, (have, u32::MAX));
        }
    }

    /// Takes an acknowledgement: all pieces before `next` and those of the bitmap behind it are durable there. Returns
    /// the round trip of the newest one that was sent once.
    pub(super) fn acknowledge(&mut self, stream: u64, (next, later): (u32, u64), now: Mono) -> Option<Duration> {
        if stream != self.stream {
            return None;
        }
        let mut round_trip = None;
        for flight in &mut self.window {
            let behind = flight.number.checked_sub(next);
            let is_held = match behind {
                None => true,
                Some(0) => false,
                Some(distance) => distance <= 64 && later >> (distance - 1) & 1 == 1,
            };
            if is_held && !flight.acked {
                flight.acked = true;
                if flight.resends == 0 {
                    round_trip = Some(now.since(flight.sent));
                }
            }
        }
        let mut acked_behind = 0;
        for flight in self.window.iter_mut().rev() {
            if flight.acked {
                acked_behind += 1;
            } else {
                flight.overtaken = flight.overtaken.max(acked_behind);
            }
        }
        while let Some(flight) = self.window.front()
            && flight.acked
        {
            if self.content == Content::Copy {
                drop_until(&mut self.pending, flight.until);
            }
            self.window.pop_front();
        }
        if self.mark_ends.is_some_and(|end| next >= end) {
            // The copy is there: from now on this is a stream of changes like any other.
            (self.content, self.mark_ends) = (Content::Changes, None);
        }
        round_trip
    }

    /// Pieces that are not acknowledged, and octets composed that are not in one yet.
    pub(super) fn under_way(&self) -> (usize, usize) {
        (self.window.len(), self.uncut.len())
    }

    /// Cuts the next piece of at most `size` octets, if there is anything to send and the window has room.
    pub(super) fn cut(&mut self, known: Known<'_>, size: usize, now: Mono) -> Option<Cut<'_>> {
        if self.walk.is_some() || self.window.len() >= WINDOW {
            return None;
        }
        self.compose(known, size.max(1));
        if self.uncut.is_empty() {
            return None;
        }
        let length = self.uncut.len().min(size);
        let octets: Vec<u8> = self.uncut.drain(..length).collect();
        let until = if self.uncut.is_empty() { self.composed } else { (Stamp::default(), 0) };
        let number = self.next_number;
        self.next_number += 1;
        if self.content == Content::Copy && self.mark.is_none() && self.uncut.is_empty() {
            self.mark_ends.get_or_insert(self.next_number);
        }
        let flight = Flight { number, octets, until, sent: now, resends: 0, overtaken: 0, acked: false };
        self.window.push_back(flight);
        let stream = self.stream;
        self.window.back().map(|flight| Cut { stream, number, octets: &flight.octets })
    }

    /// The next piece that is to be sent again: not acknowledged for `wait`, or overtaken. `Err` when one has been
    /// sent again `resends_max` times in vain.
    pub(super) fn again(&mut self, wait: Duration, resends_max: u32, now: Mono) -> Result<Option<Cut<'_>>, Exhausted> {
        let stream = self.stream;
        for flight in self.window.iter_mut().filter(|flight| !flight.acked) {
            if flight.overtaken >= OVERTAKEN {
                (flight.overtaken, flight.sent) = (0, now);
                return Ok(Some(Cut { stream, number: flight.number, octets: &flight.octets }));
            }
            if now.since(flight.sent) >= wait {
                if flight.resends >= resends_max {
                    return Err(Exhausted);
                }
                flight.resends += 1;
                flight.sent = now;
                return Ok(Some(Cut { stream, number: flight.number, octets: &flight.octets }));
            }
        }
        Ok(None)
    }

    /// The last piece that is not acknowledged, to be repeated while a subnet is in transfer.
    #[must_use]
    pub(super) fn last(&self) -> Option<Cut<'_>> {
        let flight = self.window.iter().rev().find(|flight| !flight.acked)?;
        Some(Cut { stream: self.stream, number: flight.number, octets: &flight.octets })
    }

    /// When the next piece is to be sent again.
    #[must_use]
    pub(super) fn next_due(&self, wait: Duration) -> Option<Mono> {
        self.window.iter().filter(|flight| !flight.acked).map(|flight| flight.sent + wait).min()
    }

    /// Whether the partner knew of its own change of an address is to be judged by what this server held when it
    /// composed its own, whenever that is sent, or sent again.
    fn say_seen(&mut self, have: Stamp) {
        if self.seen != Some(have) {
            self.seen = Some(have);
            frame::append(&mut self.uncut, |payload| Record::Seen { stamp: have }.encode(payload));
        }
    }

    fn compose(&mut self, known: Known<'_>, size: usize) {
        while self.uncut.len() < size.min(AHEAD) {
            let behind = (Bound::Excluded(self.composed), Bound::Unbounded);
            let next = self.pending.range(behind).next().copied();
            if let Some(mark) = self.mark
                && next.is_none_or(|next| next.0 > mark.behind)
            {
                let end = Record::CopyEnd { newest: mark.newest };
                frame::append(&mut self.uncut, |payload| end.encode(payload));
                self.mark = None;
                continue;
            }
            let Some((stamp, address)) = next else { break };
            self.composed = (stamp, address);
            let address = Ipv4Addr::from_bits(address);
            // A stamp is of one record only: of a run that begins here, or of the address itself.
            if let Some(share) = known.shares.find(address, stamp) {
                frame::append(&mut self.uncut, |payload| Record::Share(*share).encode(payload));
            } else if let Some(binding) = known.table.find(address) {
                self.say_seen(known.have);
                frame::append(&mut self.uncut, |payload| Record::Binding(binding).encode(payload));
            }
        }
    }
}

/// Drops all up to `last`. Not by `split_off`, which counts all that is left each time.
fn drop_until(pending: &mut BTreeSet<(Stamp, u32)>, last: (Stamp, u32)) {
    while pending.first().is_some_and(|first| *first <= last) {
        pending.pop_first();
    }
}

/// A piece was sent as often as it may be: the partner is out of contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Wall;
    use crate::lease::{Binding, BindingState, Client};

    fn binding(octet: u8, origin: Side, stamp: u64) -> Binding<'static> {
        Binding {
            address: Ipv4Addr::new(10, 0, 0, octet),
            state: BindingState::Leased,
            origin,
            owner: Side::Primary,
            start: Wall::default(),
            end: Wall::from_secs(100),
            last_seen: Wall::default(),
            bar: Wall::default(),
            stamp: Stamp(stamp),
            client: Client::default(),
        }
    }

    fn all_octets(outgoing: &mut Outgoing, table: &LeaseTable) -> Vec<u8> {
        let shares = Shares::default();
        let known = Known { table, shares: &shares, have: Stamp(3) };
        outgoing.fill(known, Side::Secondary, 100, |_| true);
        let mut octets = Vec::new();
        while let Some(cut) = outgoing.cut(known, 64, Mono::default()) {
            octets.extend_from_slice(cut.octets);
        }
        octets
    }

    fn names(mut octets: &[u8]) -> Vec<String> {
        let mut found = Vec::new();
        while let Ok((payload, rest)) = frame::split_first(octets) {
            found.push(match Record::decode(payload) {
                Ok(Record::Binding(binding)) => binding.address.octets()[3].to_string(),
                Ok(Record::CopyEnd { newest }) => format!("end {}", newest.0),
                Ok(Record::Seen { stamp }) => format!("seen {}", stamp.0),
                other => format!("{other:?}"),
            });
            octets = rest;
        }
        found
    }

    /// A failover that made few changes holds many newer ones of its primary: they are what the copy is for.
    #[test]
    fn a_copy_ends_behind_the_records_of_the_partner_that_are_newer_than_all_own_changes() {
        let mut table = LeaseTable::new(1);
        for kept in [binding(1, Side::Secondary, 5), binding(2, Side::Primary, 9), binding(3, Side::Primary, 3)] {
            table.put(&kept);
        }
        let mut outgoing = Outgoing::new();
        outgoing.begin(Content::Copy, Stamp::default(), (Stamp(5), Stamp(9)));
        assert_eq!(names(&all_octets(&mut outgoing, &table)), ["seen 3", "3", "1", "2", "end 5"]);
    }

    /// A lease that was given back and went to another client while nothing was heard is told of once, as it is.
    #[test]
    fn what_was_composed_out_of_contact_goes_out_as_it_is_when_contact_is_back() {
        let mut table = LeaseTable::new(1);
        table.put(&binding(1, Side::Secondary, 5));
        let mut outgoing = Outgoing::new();
        outgoing.begin(Content::Changes, Stamp::default(), (Stamp(5), Stamp(5)));
        assert_eq!(names(&all_octets(&mut outgoing, &table)), ["seen 3", "1"]);
        table.put(&binding(1, Side::Secondary, 8));
        outgoing.note(Ipv4Addr::new(10, 0, 0, 1), Some(Stamp(5)), Some(Stamp(8)));
        let former = outgoing.stream;
        outgoing.renew();
        let octets = all_octets(&mut outgoing, &table);
        assert_eq!((outgoing.stream, names(&octets)), (former + 1, vec!["seen 3".to_owned(), "1".to_owned()]));
        let (_, rest) = frame::split_first(&octets).expect("a mark");
        let (payload, _) = frame::split_first(rest).expect("a record");
        let Ok(Record::Binding(sent)) = Record::decode(payload) else { panic!("a binding") };
        assert_eq!(sent.stamp, Stamp(8));
        outgoing.renew();
        assert!(outgoing.acknowledge(former + 1, (1, 0), Mono::default()).is_none(), "a stream of before");
        assert_eq!(names(&all_octets(&mut outgoing, &table)), ["seen 3", "1"]);
    }

    /// Two servers may make the same stamp; what follows the first of the two is not lost when that is acknowledged.
    #[test]
    fn of_two_records_with_one_stamp_the_second_stays_until_it_is_acknowledged() {
        let mut table = LeaseTable::new(1);
        for kept in [binding(1, Side::Secondary, 5), binding(2, Side::Primary, 5)] {
            table.put(&kept);
        }
        let mut outgoing = Outgoing::new();
        outgoing.begin(Content::Copy, Stamp::default(), (Stamp(5), Stamp(5)));
        let shares = Shares::default();
        let known = Known { table: &table, shares: &shares, have: Stamp(3) };
        outgoing.fill(known, Side::Secondary, 100, |_| true);
        let size = 1;
        let mut number = 0;
        while outgoing.unacknowledged() == 2 {
            let cut = outgoing.cut(known, size, Mono::default()).expect("a record is under way");
            let (stream, cut_number) = (cut.stream, cut.number);
            outgoing.acknowledge(stream, (cut_number + 1, 0), Mono::default());
            number += 1;
        }
        assert_eq!(outgoing.unacknowledged(), 1, "after {number} pieces only the first record is there");
        assert_eq!(names(&all_octets(&mut outgoing, &table)), ["2", "end 5"]);
    }
}
