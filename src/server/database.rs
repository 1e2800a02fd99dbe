//! Which lease database this is, and the starts that it has seen (failover.md section 5, identity).

use crate::lease::Stamp;
use crate::lease::record::{Complete, Record};
use crate::rules::{Rule, kept};

/// Starts kept in mind.
const BOOTS_MAX: usize = 16;

/// Facts about the database as a whole.
#[derive(Clone, Debug)]
pub struct Database {
    id: [u8; 16],
    complete: Complete,
    boot: u64,
    /// The last starts, oldest first.
    boots: Vec<(u64, Stamp)>,
}

impl Database {
    /// A database that is about to be replayed; `seed` makes its id if it turns out to be new, and the boot id.
    pub fn new(seed: &[u8; 32]) -> Database {
        let mut id = [0; 16];
        id.copy_from_slice(&seed[8..24]);
        let mut boot = [0; 8];
        boot.copy_from_slice(&seed[24..]);
        Database { id, complete: Complete::No, boot: u64::from_le_bytes(boot), boots: Vec::new() }
    }

    /// Takes over a fact from the journal.
    pub fn replay(&mut self, fact: &Record<'_>) {
        match *fact {
            Record::Identity { database, complete } => {
                (self.id, self.complete) = (database, complete);
            }
            Record::Boot { boot, newest_before } => self.push(boot, newest_before),
            Record::Binding(_)
            | Record::Share(_)
            | Record::Channel(_)
            | Record::Reservation { .. }
            | Record::CopyEnd { .. }
            | Record::Seen { .. } => {}
        }
    }

    /// This start begins; `newest` is the newest stamp before it. `word` is [`Complete::Yes`] where the database holds
    /// all that there is: an operator said so (`--new`), or the server serves alone.
    pub fn begin(&mut self, newest: Stamp, word: Complete) {
        if word == Complete::Yes {
            self.complete = Complete::Yes;
        }
        self.push(self.boot, newest);
    }

    /// The random id of this database.
    #[must_use]
    pub fn id(&self) -> [u8; 16] {
        self.id
    }

    /// Whether it has once held all that there is.
    #[must_use]
    pub fn complete(&self) -> Complete {
        if kept(Rule::Complete) { self.complete } else { Complete::Yes }
    }

    /// All that the partner held is here now.
    pub fn set_complete(&mut self) {
        self.complete = Complete::Yes;
    }

    /// Whether a partner that holds our changes up to `stamp`, made by `boot`, speaks of this database as it is: the
    /// boot is known and did reach that stamp. Else the database went back in time (a restored copy).
    #[must_use]
    pub fn did_reach(&self, boot: u64, stamp: Stamp, newest: Stamp) -> bool {
        if stamp == Stamp::default() {
            return true;
        }
        let Some(at) = self.boots.iter().position(|entry| entry.0 == boot) else { return false };
        let end = self.boots.get(at + 1).map_or(newest, |next| next.1);
        stamp <= end
    }

    /// Makes it another database, which nobody takes for the one of before; `ids` are random.
    pub fn renew(&mut self, id: [u8; 16], boot: u64, newest: Stamp) {
        (self.id, self.boot, self.complete) = (id, boot, Complete::No);
        self.boots.clear();
        self.push(boot, newest);
    }

    /// Starts again under another boot id.
    pub fn reboot(&mut self, boot: u64, newest: Stamp) {
        self.boot = boot;
        self.push(boot, newest);
    }

    /// The number of this start.
    pub fn boot(&self) -> u64 {
        self.boot
    }

    /// What this start adds to the journal.
    pub fn newest_records(&self) -> impl Iterator<Item = Record<'static>> {
        let identity = Record::Identity { database: self.id, complete: self.complete };
        let boot = self.boots.last().map(|&(boot, newest_before)| Record::Boot { boot, newest_before });
        std::iter::once(identity).chain(boot)
    }

    /// Everything, for a snapshot.
    pub fn all_records(&self) -> impl Iterator<Item = Record<'static>> + '_ {
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
