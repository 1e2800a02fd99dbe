//! The segment that commits go to, and the room prepared in it.
//!
//! Room is prepared in three steps ahead of need: **reserved** (fallocate, in large steps, so that the file lies in
//! few pieces), **zeroed** (written, a slice a turn, so that a commit changes no block list: measured, a commit
//! into zeroed room takes less than half of one into room that is only reserved), **certain** (synced after the
//! zeros were written, by the next commit as a rule). Only certain room counts: a disk that takes zeros lazily
//! has then answered for them. Positions: `position <= certain <= zeroed`, all ends of octets in the file.

use std::io::{self, ErrorKind};

use super::error::JournalError;
use super::layout::{BATCH_HEADER, BATCH_OCTETS_MAX, BatchHeader, FILE_HEADER, FileHeader};
use super::scan::{Step, Walk};
use super::storage::Storage;
use crate::rules::{Rule, kept};

/// Octets reserved at a time: some ten seconds of work at 400 KiB/s.
const RESERVE_OCTETS: u64 = 4 * 1024 * 1024;

/// Octets zeroed ahead of the position: several full turns, so that one that finds the disk busy or full is
/// followed by others that need none.
const AHEAD_OCTETS: u64 = 2 * 1024 * 1024;

/// Room below which zeros are synced by themselves rather than by the next commit.
const LOW_OCTETS: u64 = 512 * 1024;

/// Octets zeroed when a segment begins: enough for the first turn.
const FIRST_OCTETS: u64 = 1024 * 1024;

/// Least and most octets zeroed a turn: the sync of that turn pays for them. In between, twice the last batch,
/// so that preparing keeps ahead of any load.
const SLICE_OCTETS_MIN: u64 = 64 * 1024;
const SLICE_OCTETS_MAX: u64 = 1024 * 1024;

/// Zeros end at multiples of a page.
const PAGE_OCTETS: u64 = 4096;

/// Octets gathered before they are written, when a segment is rewritten.
const COPY_OCTETS: usize = 1024 * 1024;

const _: () = assert!(FIRST_OCTETS <= SLICE_OCTETS_MAX && SLICE_OCTETS_MAX <= ZEROS.len() as u64);
const _: () = assert!(LOW_OCTETS < FIRST_OCTETS && FIRST_OCTETS <= AHEAD_OCTETS && AHEAD_OCTETS <= RESERVE_OCTETS);

static ZEROS: [u8; 1024 * 1024] = [0; 1024 * 1024];

/// Whether a segment may begin without room for its first turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirstRoom {
    /// It may: at start-up, there is no other to go on with.
    IfAny,
    /// It may not: the segment before it has some left.
    Needed,
}

/// The live segment.
#[derive(Clone, Debug)]
pub(super) struct Live {
    pub(super) header: FileHeader,
    pub(super) name: String,
    /// The number of the next batch.
    pub(super) next_batch: u64,
    /// Where the next batch goes.
    pub(super) position: u64,
    certain: u64,
    zeroed: u64,
    reserved: u64,
    /// Octets of the last batch.
    last_octets: u64,
}

impl Live {
    /// Makes a segment with this header, durable under its own name, replacing one that had that name.
    ///
    /// It begins with the batches of `content`, which must be at its first; each keeps its number. Until the rename
    /// a crash leaves all as it was; after it, the new file is whole. The room for the first turn is prepared too.
    ///
    /// # Errors
    /// `Io`; after one that [is a full disk](JournalError::is_full), nothing but a draft is left.
    pub(super) fn create<S: Storage>(
        storage: &mut S,
        header: FileHeader,
        content: Option<Walk>,
        first_room: FirstRoom,
    ) -> Result<Live, JournalError> {
        let draft = header.kind.draft_name(header.number);
        let name = header.kind.name(header.number);
        let mut live = Live {
            header,
            name: draft.clone(),
            next_batch: header.first_batch,
            position: 0,
            certain: 0,
            zeroed: 0,
            reserved: 0,
            last_octets: 0,
        };
        live.fill(storage, content)?;
        if !live.zero(storage, FIRST_OCTETS)? && first_room == FirstRoom::Needed {
            let source = ErrorKind::StorageFull.into();
            return Err(JournalError::Io { call: "write", path: storage.path(&draft), source });
        }
        live.sync(storage)?;
        io(storage, "rename", &name, |storage| storage.rename(&draft, &name))?;
        live.name = name;
        io(storage, "sync_folder", &live.name, S::sync_folder)?;
        Ok(live)
    }

    /// Octets of records that the next commit can take for sure. The end mark has its own room.
    pub(super) fn room(&self) -> usize {
        let room = self.certain.saturating_sub(self.position + 2 * BATCH_HEADER as u64);
        usize::try_from(room).map_or(BATCH_OCTETS_MAX, |room| room.min(BATCH_OCTETS_MAX))
    }

    /// Prepares a slice if less than wanted is ahead; `false` where the disk has none.
    pub(super) fn prepare<S: Storage>(&mut self, storage: &mut S) -> Result<bool, JournalError> {
        let is_low = self.certain < self.position + LOW_OCTETS;
        // Low, it was empty or is about to be: then the next turn shall find enough at once.
        let least = if is_low { FIRST_OCTETS } else { SLICE_OCTETS_MIN };
        let slice = (2 * self.last_octets).clamp(least, SLICE_OCTETS_MAX);
        let enough = self.zeroed >= self.position + AHEAD_OCTETS
            || self.zero(storage, slice)?
            || slice > SLICE_OCTETS_MIN && self.zero(storage, SLICE_OCTETS_MIN)?;
        if is_low && self.certain < self.zeroed {
            self.sync(storage)?;
        }
        Ok(enough)
    }

    /// Writes one batch and syncs it.
    pub(super) fn commit<S: Storage>(
        &mut self,
        storage: &mut S,
        frames: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<(), JournalError> {
        scratch.clear();
        BatchHeader::of(self.next_batch, frames).append(self.header.nonce, frames, scratch);
        self.write(storage, scratch)?;
        if kept(Rule::AckAfterCommit) {
            self.sync(storage)?;
        }
        self.next_batch += 1;
        self.last_octets = scratch.len() as u64;
        Ok(())
    }

    /// Writes the end mark, gives the prepared room back and syncs.
    pub(super) fn stop<S: Storage>(&mut self, storage: &mut S) -> Result<(), JournalError> {
        let mut mark = Vec::with_capacity(BATCH_HEADER);
        BatchHeader::of(self.next_batch, &[]).append(self.header.nonce, &[], &mut mark);
        self.write(storage, &mark)?;
        self.give_room_back(storage)?;
        self.sync(storage)
    }

    /// Cuts the prepared room off. Not synced: it does no harm if it stays.
    pub(super) fn give_room_back<S: Storage>(&mut self, storage: &mut S) -> Result<(), JournalError> {
        (self.certain, self.zeroed, self.reserved) = (self.position, self.position, self.position);
        io(storage, "truncate", &self.name, |storage| storage.truncate(&self.name, self.position))
    }

    /// Writes the header and the batches of `content`.
    fn fill<S: Storage>(&mut self, storage: &mut S, content: Option<Walk>) -> Result<(), JournalError> {
        let mut gathered = self.header.emit().to_vec();
        let Some(mut walk) = content else {
            return self.write(storage, &gathered);
        };
        while let Step::Batch(batch) = walk.step(storage)? {
            BatchHeader::of(batch.number, batch.frames).append(self.header.nonce, batch.frames, &mut gathered);
            if gathered.len() >= COPY_OCTETS {
                self.write(storage, &gathered)?;
                gathered.clear();
            }
        }
        self.write(storage, &gathered)?;
        self.next_batch = walk.next_batch;
        Ok(())
    }

    fn write<S: Storage>(&mut self, storage: &mut S, octets: &[u8]) -> Result<(), JournalError> {
        io(storage, "write", &self.name, |storage| storage.write(&self.name, self.position, octets))?;
        self.position += octets.len() as u64;
        self.zeroed = self.zeroed.max(self.position);
        self.reserved = self.reserved.max(self.position);
        Ok(())
    }

    fn sync<S: Storage>(&mut self, storage: &mut S) -> Result<(), JournalError> {
        io(storage, "sync", &self.name, |storage| storage.sync(&self.name))?;
        self.certain = self.zeroed;
        Ok(())
    }

    /// Reserves and zeroes `octets` more; `false` where the disk has not so many.
    fn zero<S: Storage>(&mut self, storage: &mut S, octets: u64) -> Result<bool, JournalError> {
        let end = (self.zeroed + octets).next_multiple_of(PAGE_OCTETS);
        let octets = (end - self.zeroed).min(ZEROS.len() as u64);
        if self.zeroed + octets > self.reserved {
            let reserve = |storage: &mut S| storage.reserve(&self.name, self.zeroed, RESERVE_OCTETS);
            match io(storage, "reserve", &self.name, reserve) {
                Ok(()) => self.reserved = self.zeroed + RESERVE_OCTETS,
                // There may yet be room for the slice.
                Err(error) if error.is_full() => {}
                Err(error) => return Err(error),
            }
        }
        let write = |storage: &mut S| storage.write(&self.name, self.zeroed, &ZEROS[..octets as usize]);
        match io(storage, "write", &self.name, write) {
            Ok(()) => {
                self.zeroed += octets;
                self.reserved = self.reserved.max(self.zeroed);
                Ok(true)
            }
            Err(error) if error.is_full() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Removes a file that may not be there.
pub(super) fn remove_if_there<S: Storage>(storage: &mut S, name: &str) -> Result<(), JournalError> {
    match io(storage, "remove", name, |storage| storage.remove(name)) {
        Err(JournalError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes a call of the storage and names it in the error.
pub(super) fn io<S: Storage, T>(
    storage: &mut S,
    call: &'static str,
    name: &str,
    make: impl FnOnce(&mut S) -> io::Result<T>,
) -> Result<T, JournalError> {
    make(storage).map_err(|source| JournalError::Io { call, path: storage.path(name), source })
}

const _: () = assert!(FILE_HEADER + BATCH_HEADER < PAGE_OCTETS as usize);
