//! The flow of changes to a partner, at the end of each turn: acknowledge, send again, send what is new; out of contact
//! go on sending, a datagram a second.

use std::time::Duration;

use super::Around;
use super::outgoing::{Cut, Known};
use super::partner::Partner;
use crate::clock::Mono;
use crate::lease::Stamp;
use crate::wire::failover::{Body, PartnerState, Piece};

/// Bindings looked at in one turn to fill a stream.
const FILL_SLICE: usize = 20_000;
/// Pieces sent in one turn to one partner.
const PIECES_A_TURN: usize = 64;
/// Out of contact a server goes on sending, one datagram in this time.
const LONELY_SEND: Duration = Duration::from_secs(1);

impl Partner {
    /// The end of a turn: sends again, sends what is new, acknowledges. Whether the partner stopped acknowledging.
    pub(super) fn send_due(&mut self, around: &mut Around<'_>) -> Flow {
        let sent = self.session.sequence();
        let flow = self.send_changes(around);
        let is_mute = self.session.sequence() == sent;
        let answers = std::mem::take(&mut self.balance.answer_owed) && is_mute;
        // Behind addresses that were asked for: who asked looks for them as soon as its request is acknowledged.
        if std::mem::take(&mut self.ack_owed) || answers {
            let ack = self.incoming.acknowledgement();
            self.send(Body::BindAck { stream: ack.stream, next: ack.next, later: ack.later }, around);
        }
        flow
    }

    fn send_changes(&mut self, around: &mut Around<'_>) -> Flow {
        let partner = (self.id, self.name.as_str());
        self.outgoing.fill(known(self.have.stamp, around), self.side, FILL_SLICE, |address| {
            around.homes.concerns(address, partner, around.directory)
        });
        if self.sizes_differ {
            return Flow::Goes;
        }
        let now = around.now.mono;
        if self.session.is_established() && self.is_in_contact(now) {
            if !self.outgoing.is_begun() {
                if self.copy_waits(around).is_some() {
                    return Flow::Goes;
                }
                self.begin_stream(around);
            }
            return self.send_pieces(around);
        }
        self.send_lonely(around);
        Flow::Goes
    }

    fn send_pieces(&mut self, around: &mut Around<'_>) -> Flow {
        let (wait, resends) = (self.common.wait_ack, self.common.resends_max);
        let now = around.now.mono;
        for _ in 0..PIECES_A_TURN {
            match self.outgoing.again(wait, resends, now) {
                Ok(Some(cut)) => {
                    let piece = owned(cut);
                    self.send_piece(&piece, around);
                }
                Ok(None) => break,
                Err(_) => {
                    self.outgoing.end();
                    self.lose_contact();
                    return Flow::Stalls;
                }
            }
        }
        if self.theirs.have < self.newest {
            self.outgoing.mark_end(self.newest);
        }
        let size = usize::from(self.common.buffer_size);
        for _ in 0..PIECES_A_TURN {
            let Some(piece) = self.outgoing.cut(known(self.have.stamp, around), size, now).map(owned) else { break };
            self.send_piece(&piece, around);
        }
        Flow::Goes
    }

    /// Out of contact: goes on sending changes, a datagram a second, which also finds a partner that came back.
    fn send_lonely(&mut self, around: &mut Around<'_>) {
        let now = around.now.mono;
        let due = self.lonely_since.is_none_or(|since| now.since(since) >= LONELY_SEND);
        if !due || self.state != PartnerState::Serving || self.newest <= self.theirs.have {
            return;
        }
        self.lonely_since = Some(now);
        if !self.outgoing.is_begun() {
            self.begin_stream(around);
        }
        let size = usize::from(self.common.buffer_size);
        let fresh = self.outgoing.cut(known(self.have.stamp, around), size, now).map(owned);
        if let Some(piece) = fresh.or_else(|| self.outgoing.last().map(owned)) {
            self.send_piece(&piece, around);
        }
    }

    fn send_piece(&mut self, piece: &(u64, u32, Vec<u8>), around: &mut Around<'_>) {
        let (stream, number, octets) = piece;
        let piece = Piece { stream: *stream, number: *number, last: false, octets };
        self.send(Body::BindUpdate(piece), around);
    }

    /// Repeats the last piece that is not acknowledged: a subnet in transfer waits for it.
    pub(super) fn repeat_last(&mut self, around: &mut Around<'_>) {
        if let Some(piece) = self.outgoing.last().map(owned) {
            self.send_piece(&piece, around);
        }
    }

    /// When this partner needs a turn for its streams.
    pub(super) fn stream_due(&self, now: Mono) -> Option<Mono> {
        if self.outgoing.is_filling() && self.session.is_established() {
            return Some(now);
        }
        if self.sizes_differ {
            return None;
        }
        if self.session.is_established() && self.is_in_contact(now) {
            return self.outgoing.next_due(self.common.wait_ack);
        }
        let behind = self.state == PartnerState::Serving && self.newest > self.theirs.have;
        behind.then(|| self.lonely_since.map_or(now, |since| since + LONELY_SEND))
    }
}

/// Whether a stream goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// It does, or there is none.
    Goes,
    /// SyncBindRetryMax resends were not acknowledged.
    Stalls,
}

fn known<'a>(have: Stamp, around: &'a Around<'_>) -> Known<'a> {
    Known { table: around.bindings.table(), shares: around.bindings.shares(), have }
}

fn owned(cut: Cut<'_>) -> (u64, u32, Vec<u8>) {
    (cut.stream, cut.number, cut.octets.to_vec())
}
