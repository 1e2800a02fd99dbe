//! What keeps a journal from opening or committing, in words that an administrator can act on.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::storage;

/// What kept the journal from opening or committing.
#[derive(Debug)]
pub enum JournalError {
    /// A checksum does not match, and it is no torn tail: what follows shows that it was whole once.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the batch (or the file header: 0) begins.
        offset: u64,
        /// The checksum that the file holds.
        stored: u32,
        /// The checksum of what the file holds.
        computed: u32,
    },
    /// Checksums match, or there are none to match, and yet the file cannot be a journal's.
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong, in a few words.
        what: &'static str,
    },
    /// Batches are missing between two files, or a file is.
    Gap {
        /// The file before which something is missing, or that is itself missing.
        path: PathBuf,
        /// The batch that should come first in it.
        expected: u64,
        /// The batch that does; 0 where there is no such file.
        found: u64,
    },
    /// A journal of a version that this program does not read.
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u16,
    },
    /// A journal that holds records exists, and a new one was asked for.
    Exists {
        /// A file of it.
        path: PathBuf,
    },
    /// The system refused `call` on `path`.
    Io {
        /// The call: list, read, write, reserve, sync, truncate, rename, remove, sync_folder or nonce.
        call: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write or sync failed, or the journal was stopped: nothing is taken any more.
    Closed {
        /// The live file.
        path: PathBuf,
    },
}

impl JournalError {
    /// Whether [`OpenMode::KeepBeforeDamage`](super::OpenMode::KeepBeforeDamage) gets over it.
    pub fn is_damage(&self) -> bool {
        match self {
            JournalError::Damaged { .. } | JournalError::Malformed { .. } | JournalError::Gap { .. } => true,
            JournalError::OtherVersion { .. }
            | JournalError::Exists { .. }
            | JournalError::Io { .. }
            | JournalError::Closed { .. } => false,
        }
    }

    /// Whether there was no room for octets of a file. The same from a call about names is not meant: after such a
    /// one nobody knows which names are durable.
    pub(super) fn is_full(&self) -> bool {
        const OCTETS: [&str; 3] = ["write", "reserve", "sync"];
        matches!(self, JournalError::Io { call, source, .. } if OCTETS.contains(call) && storage::is_full(source))
    }
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REMEDY: &str = "start understudyd once with --keep-before-damage to keep what precedes it";
        match self {
            JournalError::Damaged { path, offset, stored, computed } => write!(
                f,
                "journal {}: damaged at byte {offset} (crc stored {stored:08x}, computed {computed:08x}); {REMEDY}",
                path.display()
            ),
            JournalError::Malformed { path, offset, what } => {
                write!(f, "journal {}: damaged at byte {offset} ({what}); {REMEDY}", path.display())
            }
            JournalError::Gap { path, expected, found: 0 } => {
                write!(f, "journal {}: missing, batch {expected} was to begin it; {REMEDY}", path.display())
            }
            JournalError::Gap { path, expected, found } => write!(
                f,
                "journal {}: begins with batch {found}, but {expected} comes next, so a file is missing; {REMEDY}",
                path.display()
            ),
            JournalError::OtherVersion { path, version } => write!(
                f,
                "journal {}: version {version}, this program reads version {}; start the program that wrote it",
                path.display(),
                super::layout::VERSION
            ),
            JournalError::Exists { path } => write!(
                f,
                "journal {}: exists and holds leases; start without --new to use it, or move it away",
                path.display()
            ),
            JournalError::Io { call, path, source } => {
                write!(f, "journal {}: {call} failed: {source}", path.display())?;
                if storage::is_full(source) { write!(f, "; make room on that disk") } else { Ok(()) }
            }
            JournalError::Closed { path } => write!(
                f,
                "journal {}: takes nothing any more since a write or sync failed or it was stopped; start anew",
                path.display()
            ),
        }
    }
}

impl std::error::Error for JournalError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            JournalError::Io { source, .. } => Some(source),
            JournalError::Damaged { .. }
            | JournalError::Malformed { .. }
            | JournalError::Gap { .. }
            | JournalError::OtherVersion { .. }
            | JournalError::Exists { .. }
            | JournalError::Closed { .. } => None,
        }
    }
}
