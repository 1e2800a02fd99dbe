//! SKELETON (owner: journal helper). Signatures other modules rely on.
pub mod frame;
pub mod storage;

use std::fmt;
use std::io;
use std::path::PathBuf;

pub use storage::{FileStorage, Storage};

/// Proof that all records handed to a commit are durable. Only [`Journal::commit`] makes one.
#[derive(Debug)]
pub struct Synced {
    #[expect(dead_code, reason = "private, so that no other module can make one")]
    seal: (),
}

/// What kept the journal from opening or committing.
#[derive(Debug)]
pub enum JournalError {
    /// A batch before the end of the last file does not match its checksum.
    Damaged { path: PathBuf, offset: u64, stored: u32, computed: u32 },
    /// The system refused `call` on `path`.
    Io { call: &'static str, path: PathBuf, source: io::Error },
    // ... more (other version, exists already, ...)
}
impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str("journal") }
}
impl std::error::Error for JournalError {}

/// How to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode { /// existing, or make an empty one (a *replaced* database)
    Normal,
    /// `--new`: create; an error where one exists
    New,
}

/// What recovery found.
#[derive(Debug, Default)]
pub struct Recovery {
    pub records: u64,
    pub torn_bytes: u64,
    pub clean_stop: bool,
    /// no journal was there
    pub created: bool,
}

/// The append-only lease journal over a storage.
pub struct Journal<S: Storage> { storage: S }

impl<S: Storage> Journal<S> {
    /// Opens and replays: `replay` gets each record payload in file order (newest whole snapshot, then later segments).
    /// After an unclean stop, the caller's turn must see everything rewritten + synced before the first answer.
    pub fn open(storage: S, mode: OpenMode, replay: &mut dyn FnMut(&[u8])) -> Result<(Journal<S>, Recovery), JournalError> {
        let _ = (storage, mode, replay); unimplemented!()
    }
    /// Makes `records` (frames as `frame::append` wrote them) durable: one batch, append, fdatasync. At once if empty.
    pub fn commit(&mut self, records: &[u8]) -> Result<Synced, JournalError> { let _ = records; unimplemented!() }
    /// Octets of records that the next commit can take for sure (prepared room). A turn takes client input only while this is enough.
    pub fn room(&self) -> usize { unimplemented!() }
    /// Prepares more room, a slice; called once a turn. `Ok(false)`: no room to be had (disk full): try again later. Not fatal.
    pub fn prepare(&mut self) -> Result<bool, JournalError> { unimplemented!() }
    /// Whether the journal wants a snapshot (live file grew over twice the last snapshot and some minimum).
    pub fn wants_snapshot(&self) -> bool { unimplemented!() }
    pub fn begin_snapshot(&mut self) -> Result<(), JournalError> { unimplemented!() }
    /// One slice of the snapshot (frames, at most 256 KiB), synced in this turn.
    pub fn snapshot(&mut self, records: &[u8]) -> Result<(), JournalError> { let _ = records; unimplemented!() }
    /// Snapshot complete: rename, folder sync, old ones deleted.
    pub fn end_snapshot(&mut self) -> Result<(), JournalError> { unimplemented!() }
    /// Writes the stop frame and syncs.
    pub fn stop(&mut self) -> Result<(), JournalError> { unimplemented!() }
}
