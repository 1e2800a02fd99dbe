//! Which lease database this is, and the starts that it has seen (failover.md section 5, identity).

use crate::lease::Stamp;
use crate::lease::record::{Complete, Record};

/// Starts kept in mind.
const BOOTS_MAX: usize = 16;

/// Facts about the database as a whole.
#[derive(Debug)]
pub(super) struct Database {
    id: [u8; 16],
    complete: Complete,
    boot: u64,
    /// The last starts, oldest first.
    boots: Vec<(u64, Stamp)>,
}

impl Database {
    /// A database that is about to be replayed; `seed` makes its id if it turns out to be new, and the boot id.
    pub(super) fn new(seed: &[u8; 32]) -> Database {
        let mut id = [0; 16];
        id.copy_from_slice(&seed[8..24]);
        let mut boot = [0; 8];
        boot.copy_from_slice(&seed[24..]);
        Database { id, complete: Complete::No, boot: u64::from_le_bytes(boot), boots: Vec::new() }
    }

    /// Takes over a fact from the journal.
    pub(super) fn replay(&mut self, fact: &Record<'_>) {
        match *fact {
            Record::Identity { database, complete } => {
                (self.id, self.complete) = (database, complete);
            }
            Record::Boot { boot, newest_before } => self.push(boot, newest_before),
            Record::Binding(_) => {}
        }
    }

    /// This start begins; `newest` is the newest stamp before it. A server that serves alone holds all that
    /// there is, so its database is complete from now on.
    pub(super) fn begin(&mut self, newest: Stamp) {
        self.complete = Complete::Yes;
        self.push(self.boot, newest);
    }

    /// The number of this start.
    pub(super) fn boot(&self) -> u64 {
        self.boot
    }

    /// What this start adds to the journal.
    pub(super) fn newest_records(&self) -> impl Iterator<Item = Record<'static>> {
        let identity = Record::Identity { database: self.id, complete: self.complete };
        let boot = self.boots.last().map(|&(boot, newest_before)| Record::Boot { boot, newest_before });
        std::iter::once(identity).chain(boot)
    }

    /// Everything, for a snapshot.
    pub(super) fn all_records(&self) -> impl Iterator<Item = Record<'static>> + '_ {
        let identity = Record::Identity { database: self.id, complete: self.complete };
        let boot = |&(boot, newest_before): &(u64, Stamp)| Record::Boot { boot, newest_before };
        std::iter::once(identity).chain(self.boots.iter().map(boot))
    }

    fn push(&mut self, boot: u64, newest_before: Stamp) {
        if self.boots.iter().any(|entry| entry.0 == boot) {
            return;
        }
        if self.boots.len() == BOOTS_MAX {
            self.boots.remove(0);
        }
        self.boots.push((boot, newest_before));
    }
}
