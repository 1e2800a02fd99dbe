//! The partner's stream, put together again: pieces in any order, records in order (failover.md section 5).

use std::collections::BTreeMap;

use super::outgoing::WINDOW;
use crate::journal::frame;
use crate::lease::Stamp;

/// The stream of one partner.
#[derive(Clone, Debug, Default)]
pub(super) struct Incoming {
    stream: u64,
    /// The next piece that is missing.
    next: u32,
    /// Pieces behind it.
    held: BTreeMap<u32, Vec<u8>>,
    /// Octets in order, of which no whole record has been taken yet.
    octets: Vec<u8>,
    /// How far the sender held our changes when it composed what comes now, as the stream said last.
    pub(super) seen: Option<Stamp>,
}

/// What an acknowledgement says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Acknowledgement {
    /// The stream.
    pub stream: u64,
    /// All pieces before it are held.
    pub next: u32,
    /// Bit i: piece `next + 1 + i` is held.
    pub later: u64,
}

impl Incoming {
    /// Forgets the stream: the session is another one.
    pub(super) fn reset(&mut self) {
        *self = Incoming::default();
    }

    /// Takes a piece; whether it is of the newest stream, so that an acknowledgement is owed. A stream that begins
    /// makes an unfinished record of the one before be dropped.
    pub(super) fn take(&mut self, stream: u64, number: u32, octets: &[u8]) -> bool {
        if stream < self.stream {
            return false;
        }
        if stream > self.stream {
            *self = Incoming { stream, ..Incoming::default() };
        }
        let is_near = number >= self.next && number - self.next <= WINDOW as u32;
        if is_near && !self.held.contains_key(&number) {
            self.held.insert(number, octets.to_vec());
        }
        while let Some(piece) = self.held.remove(&self.next) {
            self.octets.extend_from_slice(&piece);
            self.next += 1;
        }
        true
    }

    /// Hands each whole record's payload that has come to `each`. `false` when octets are no frames: the stream is
    /// broken, and nothing more of it is taken.
    pub(super) fn records(&mut self, mut each: impl FnMut(&[u8])) -> bool {
        let mut rest = &self.octets[..];
        let whole = loop {
            match frame::split_first(rest) {
                Ok((payload, after)) => {
                    each(payload);
                    rest = after;
                }
                Err(frame::FrameError::Truncated) => break true,
                Err(frame::FrameError::BadLength | frame::FrameError::BadChecksum) => break false,
            }
        };
        let left = rest.len();
        self.octets.drain(..self.octets.len() - left);
        whole
    }

    /// Pieces held behind a gap, and octets of a record that is not whole.
    pub(super) fn under_way(&self) -> (usize, usize) {
        (self.held.len(), self.octets.len())
    }

    /// What is held.
    #[must_use]
    pub(super) fn acknowledgement(&self) -> Acknowledgement {
        let bit = |number: &u32| 1_u64.checked_shl(number - self.next - 1).unwrap_or(0);
        let later = self.held.keys().filter(|&&number| number > self.next).map(bit).fold(0, |bits, bit| bits | bit);
        Acknowledgement { stream: self.stream, next: self.next, later }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framed(payloads: &[&[u8]]) -> Vec<u8> {
        let mut octets = Vec::new();
        for payload in payloads {
            frame::append(&mut octets, |out| out.extend_from_slice(payload));
        }
        octets
    }

    #[test]
    fn records_come_out_in_order_whatever_the_order_of_the_pieces() {
        let octets = framed(&[b"one", b"two", b"three"]);
        let pieces: Vec<&[u8]> = octets.chunks(7).collect();
        let mut incoming = Incoming::default();
        let mut records = Vec::new();
        for number in [2, 0, 4, 1, 3].into_iter().filter(|&number| number < pieces.len()) {
            assert!(incoming.take(1, number as u32, pieces[number]));
            assert!(incoming.records(|payload| records.push(payload.to_vec())));
        }
        for (number, piece) in pieces.iter().enumerate().skip(5) {
            incoming.take(1, number as u32, piece);
            incoming.records(|payload| records.push(payload.to_vec()));
        }
        assert_eq!(records, [b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]);
        assert_eq!(incoming.acknowledgement().next as usize, pieces.len());
    }

    #[test]
    fn an_acknowledgement_names_the_pieces_behind_a_gap() {
        let mut incoming = Incoming::default();
        for number in [0, 2, 4] {
            incoming.take(1, number, b"x");
        }
        assert_eq!(incoming.acknowledgement(), Acknowledgement { stream: 1, next: 1, later: 0b101 });
    }

    #[test]
    fn a_new_stream_drops_the_unfinished_record_of_the_former_and_an_old_one_is_ignored() {
        let octets = framed(&[b"record"]);
        let mut incoming = Incoming::default();
        incoming.take(1, 0, &octets[..5]);
        assert!(incoming.take(2, 0, &octets));
        assert!(!incoming.take(1, 1, &octets[5..]));
        let mut records = 0;
        assert!(incoming.records(|payload| records += payload.len()));
        assert_eq!(records, 6);
    }
}
