//! A snapshot of all that is alive, a slice a turn, while the server goes on.

use std::net::Ipv4Addr;

use crate::journal::frame;
use crate::lease::record::{PAYLOAD_MAX, Record};
use crate::server::Server;

/// Octets of one slice at most: a quarter of a megabyte is written and synced in well under a millisecond.
const SLICE_OCTETS: usize = 240 * 1024;
const _: () = assert!(SLICE_OCTETS <= crate::journal::SLICE_OCTETS_MAX);

/// Where a snapshot is.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    /// Next slot of the lease table; none before the first slice.
    cursor: Option<usize>,
    /// Where the walk over runs of addresses is; none when it is done.
    runs: Option<Ipv4Addr>,
    /// The same for reservations.
    reservations: Option<Ipv4Addr>,
    done: bool,
    bytes: Vec<u8>,
}

impl Snapshot {
    /// A snapshot that is about to begin.
    pub(super) fn new() -> Snapshot {
        let first = Some(Ipv4Addr::UNSPECIFIED);
        Snapshot { cursor: None, runs: first, reservations: first, done: false, bytes: Vec::new() }
    }

    /// Composes the next slice: facts about the database first, then runs, reservations, and bindings in the order of
    /// the table, which never moves them; those that come later stand in later commits too.
    pub(super) fn compose(&mut self, server: &Server) {
        self.bytes.clear();
        if self.cursor.is_none() {
            let bytes = &mut self.bytes;
            server.failover().snapshot(&mut |record| frame::append(bytes, |payload| record.encode(payload)));
        }
        self.compose_runs(server);
        self.compose_reservations(server);
        let table = server.bindings().table();
        let mut cursor = self.cursor.unwrap_or(0);
        for binding in table.slots(cursor, table.len()) {
            if self.bytes.len() + PAYLOAD_MAX + 16 > SLICE_OCTETS {
                break;
            }
            frame::append(&mut self.bytes, |payload| Record::Binding(binding).encode(payload));
            cursor += 1;
        }
        self.cursor = Some(cursor);
        self.done = cursor >= table.len() && self.runs.is_none() && self.reservations.is_none();
    }

    fn compose_reservations(&mut self, server: &Server) {
        let Some(from) = self.reservations.take() else { return };
        for (address, promised) in server.failover().reservations().from(from) {
            if self.bytes.len() + PAYLOAD_MAX + 16 > SLICE_OCTETS {
                self.reservations = Some(address);
                return;
            }
            let record = Record::Reservation { address, promised: Some(promised) };
            frame::append(&mut self.bytes, |payload| record.encode(payload));
        }
    }

    fn compose_runs(&mut self, server: &Server) {
        let Some(from) = self.runs.take() else { return };
        for share in server.bindings().shares().from(from) {
            if self.bytes.len() + PAYLOAD_MAX + 16 > SLICE_OCTETS {
                self.runs = Some(share.first);
                return;
            }
            frame::append(&mut self.bytes, |payload| Record::Share(*share).encode(payload));
        }
    }

    /// The frames of the slice that was composed last.
    pub(super) fn slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether that slice was the last.
    pub(super) fn is_done(&self) -> bool {
        self.done
    }
}
