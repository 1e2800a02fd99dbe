//! A snapshot while it is being written: every record once, a slice a turn, under a name that recovery ignores.
//!
//! Snapshot n goes with segment n, which was begun just before: whatever changes while the snapshot is written is
//! in that segment, and is read after it. So the slices may be taken from a table that changes between them.

use super::error::JournalError;
use super::layout::{BATCH_HEADER, BatchHeader, FILE_HEADER, FileHeader};
use super::live::{io, remove_if_there};
use super::storage::Storage;

/// Most octets of frames in a slice: what one turn can sync beside its commit without being late.
pub const SLICE_OCTETS_MAX: usize = 256 * 1024;

/// A snapshot that is not whole yet.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    header: FileHeader,
    next_batch: u64,
    /// Where the next slice goes; 0: there is no file yet.
    position: u64,
}

impl Draft {
    /// A snapshot of which nothing is written.
    pub(super) fn new(header: FileHeader) -> Draft {
        Draft { header, next_batch: header.first_batch, position: 0 }
    }

    /// Appends a slice and syncs it. `frames` of no octets make the end mark.
    pub(super) fn append<S: Storage>(&mut self, storage: &mut S, frames: &[u8]) -> Result<(), JournalError> {
        let mut octets = Vec::with_capacity(FILE_HEADER + BATCH_HEADER + frames.len());
        if self.position == 0 {
            octets.extend_from_slice(&self.header.emit());
        }
        BatchHeader::of(self.next_batch, frames).append(self.header.nonce, frames, &mut octets);
        let name = self.header.kind.draft_name(self.header.number);
        io(storage, "write", &name, |storage| storage.write(&name, self.position, &octets))?;
        io(storage, "sync", &name, |storage| storage.sync(&name))?;
        self.position += octets.len() as u64;
        self.next_batch += 1;
        Ok(())
    }

    /// Ends it, gives it its name and makes that durable; returns its number and octets.
    pub(super) fn end<S: Storage>(&mut self, storage: &mut S) -> Result<(u64, u64), JournalError> {
        self.append(storage, &[])?;
        let FileHeader { kind, number, .. } = self.header;
        let name = kind.name(number);
        io(storage, "rename", &name, |storage| storage.rename(&kind.draft_name(number), &name))?;
        io(storage, "sync_folder", &name, S::sync_folder)?;
        Ok((number, self.position))
    }

    /// Removes what was written of it.
    pub(super) fn give_up<S: Storage>(self, storage: &mut S) -> Result<(), JournalError> {
        remove_if_there(storage, &self.header.kind.draft_name(self.header.number))
    }
}
