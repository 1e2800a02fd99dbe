//! The lease journal: what was committed is there after any crash, in order, and nothing else is.
//!
//! A journal is a folder of numbered files. Commits go to the newest **segment** (`leases.NNNNNN`), one batch and
//! one fdatasync each. A **snapshot** (`snapshot.NNNNNN`) replaces the segments of lower number; it is written a
//! slice at a time while commits go on into a new segment. Recovery reads the newest snapshot and then every
//! segment from its number on; each record is one whole thing, so the last one of a thing wins and reading one
//! twice is harmless. understudy-journal(5) has the format to the octet and the reason for each field.
//!
//! What it decides: where octets go, when they are durable, what of a file is a torn tail and what is damage.
//! What it never does: look into a record, throttle, wait, ask the clock. The engine calls it once a turn; the
//! control program reads a journal with [`verify`] and [`dump`].
//!
//! Nothing is ever rewritten in place, with one exception: a prepared octet, a zero, becomes the octet of a batch
//! once. A failed write or sync closes the journal for good, since after it nobody knows what the disk holds;
//! only a full disk met *ahead* of need (in [`Journal::prepare`] and by a snapshot) is borne, for then nothing
//! was promised yet.

mod error;
pub mod frame;
mod inspect;
mod layout;
mod live;
mod recover;
mod rescue;
mod scan;
mod snapshot;
pub mod storage;

use std::path::PathBuf;

pub use error::JournalError;
pub use inspect::{FileReport, Position, Report, Scope, dump, verify};
pub use layout::{BATCH_OCTETS_MAX, FileKind};
pub use snapshot::SLICE_OCTETS_MAX;
pub use storage::{FileStorage, Storage};

use layout::FileHeader;
use live::{FirstRoom, Live, io};
use snapshot::Draft;

/// Octets of segments below which no snapshot is wanted: they are read in some hundredths of a second, so there
/// is nothing to gain.
const SNAPSHOT_LIVE_MIN: u64 = 16 * 1024 * 1024;

/// A snapshot is wanted when the segments are this many times the last one. At 2 a snapshot costs half an octet
/// for each octet committed, the folder stays under four times the leases, and start-up reads three times them
/// at most.
const SNAPSHOT_LIVE_FACTOR: u64 = 2;

/// A snapshot is wanted at this many segments, since each start makes one.
const SNAPSHOT_SEGMENTS: u64 = 64;

/// After a snapshot was given up for want of room, octets to be committed before the next is tried.
const SNAPSHOT_RETRY_OCTETS: u64 = 1024 * 1024;

/// Proof that all records handed to a commit are durable. Only [`Journal::commit`] makes one.
#[derive(Debug)]
pub struct Synced {
    #[expect(dead_code, reason = "private, so that no other module can make one")]
    seal: (),
}

/// How to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// The journal that is there. Where there is none, an empty one is made and [`Recovery::created`] says so:
    /// the lease database was *replaced*.
    Normal,
    /// `--new`: the operator's word that no leases exist. Refused where a journal holds a record.
    New,
    /// `--keep-before-damage`: as `Normal`, but damage ends the journal instead of being refused. What is not
    /// kept is set aside under names that end in `.damaged`.
    KeepBeforeDamage,
}

/// What recovery found.
#[derive(Debug, Default)]
pub struct Recovery {
    /// Records replayed.
    pub records: u64,
    /// Octets of a batch that was being written when the last run ended; cut, since nothing of it was promised.
    pub torn_bytes: u64,
    /// Whether the last run ended with [`Journal::stop`].
    pub clean_stop: bool,
    /// No journal was there, or one without any record.
    pub created: bool,
    /// The damage that [`OpenMode::KeepBeforeDamage`] got over: the database went back in time.
    pub damage: Option<JournalError>,
    /// Where the files are that were not kept whole.
    pub set_aside: Vec<PathBuf>,
}

/// The append-only lease journal over a storage.
#[derive(Clone, Debug)]
pub struct Journal<S: Storage> {
    storage: S,
    live: Live,
    /// The snapshot that is being written.
    draft: Option<Draft>,
    /// Nothing is taken any more.
    closed: bool,
    /// The first segment that recovery would read.
    first_segment: u64,
    /// Octets of the segments before the live one.
    older_octets: u64,
    /// Octets of the last snapshot.
    snapshot_octets: u64,
    /// Octets of segments below which a snapshot is not tried again.
    retry_octets: u64,
    /// The batch being composed; kept for its room.
    scratch: Vec<u8>,
}

impl<S: Storage> Journal<S> {
    /// Opens and replays: `replay` gets each record's payload in order. On return everything replayed is durable,
    /// whatever the last run left unsynced, and the room for a turn is prepared if the disk has it.
    ///
    /// # Errors
    /// `Damaged`, `Malformed` or `Gap` on damage, unless `mode` gets over it; `replay` may have been called, so
    /// what it made is to be thrown away. `Exists` in mode `New`; `OtherVersion`; `Io`.
    pub fn open(
        mut storage: S,
        mode: OpenMode,
        replay: &mut dyn FnMut(&[u8]),
    ) -> Result<(Journal<S>, Recovery), JournalError> {
        let (live, reading, recovery) = recover::recover(&mut storage, mode, replay)?;
        let mut journal = Journal {
            storage,
            first_segment: live.header.number,
            live,
            draft: None,
            closed: false,
            older_octets: 0,
            snapshot_octets: 0,
            retry_octets: 0,
            scratch: Vec::new(),
        };
        for file in &reading.files {
            match file.header.kind {
                FileKind::Snapshot => journal.snapshot_octets = file.octets,
                FileKind::Segment if file.header.number < journal.live.header.number => {
                    journal.older_octets += file.octets;
                    journal.first_segment = journal.first_segment.min(file.header.number);
                }
                FileKind::Segment => {}
            }
        }
        Ok((journal, recovery))
    }

    /// Makes `records` (frames as [`frame::append`] wrote them) durable: one batch, one write, one fdatasync. With
    /// no records it returns at once.
    ///
    /// More than [`room`](Self::room) is tried as well, but then a full disk is a failed write.
    ///
    /// # Errors
    /// `Io`; from then on `Closed`.
    ///
    /// # Panics
    /// If `records` are over [`BATCH_OCTETS_MAX`] or no frames.
    pub fn commit(&mut self, records: &[u8]) -> Result<Synced, JournalError> {
        self.refuse_if_closed()?;
        if !records.is_empty() {
            assert_eq!(frame::check(records), Ok(()), "what is committed is frames");
            let committed = self.live.commit(&mut self.storage, records, &mut self.scratch);
            self.close_on_error(committed)?;
        }
        Ok(Synced { seal: () })
    }

    /// Octets of records that the next commit can take for sure. A turn takes client input only while this is
    /// enough for all that it may write.
    pub fn room(&self) -> usize {
        if self.closed { 0 } else { self.live.room() }
    }

    /// Prepares more room, a slice of it; to be called once a turn, and each second while room is short.
    /// `Ok(false)`: the disk is full, which harms nothing that was committed.
    ///
    /// # Errors
    /// `Io` other than a full disk; from then on `Closed`.
    pub fn prepare(&mut self) -> Result<bool, JournalError> {
        self.refuse_if_closed()?;
        let prepared = self.live.prepare(&mut self.storage);
        self.close_on_error(prepared)
    }

    /// Whether a snapshot would shorten the next start, and none is being written.
    pub fn wants_snapshot(&self) -> bool {
        let octets = self.segment_octets();
        let segments = self.live.header.number - self.first_segment + 1;
        let large = octets > SNAPSHOT_LIVE_MIN.max(SNAPSHOT_LIVE_FACTOR * self.snapshot_octets);
        !self.closed
            && self.draft.is_none()
            && octets >= self.retry_octets
            && (large || segments >= SNAPSHOT_SEGMENTS && octets > 0)
    }

    /// Whether a snapshot is being written.
    pub fn is_snapshotting(&self) -> bool {
        self.draft.is_some()
    }

    /// Begins a snapshot: from now on commits go to a new segment. Call it between a commit and the next turn;
    /// every record that is alive after it belongs into a slice or into a later commit.
    ///
    /// `Ok(false)`: the disk is too full, nothing was begun; [`wants_snapshot`](Self::wants_snapshot) will say when
    /// to try again.
    ///
    /// # Errors
    /// `Io` other than a full disk; from then on `Closed`.
    ///
    /// # Panics
    /// If one is being written.
    pub fn begin_snapshot(&mut self) -> Result<bool, JournalError> {
        self.refuse_if_closed()?;
        assert!(self.draft.is_none(), "one snapshot at a time");
        let begun = self.rotate();
        self.bear_a_full_disk(begun)
    }

    /// Writes one slice of the snapshot: frames, at most [`SLICE_OCTETS_MAX`]; it is synced when this returns.
    ///
    /// `Ok(false)`: the disk is full and the snapshot was given up; all committed records stand where they stood.
    ///
    /// # Errors
    /// `Io` other than a full disk; from then on `Closed`.
    ///
    /// # Panics
    /// If none was begun, or `records` are over the bound or no frames.
    pub fn snapshot(&mut self, records: &[u8]) -> Result<bool, JournalError> {
        self.refuse_if_closed()?;
        assert!(records.len() <= SLICE_OCTETS_MAX, "a slice of {} octets is over the bound", records.len());
        assert_eq!(frame::check(records), Ok(()), "what is committed is frames");
        let Some(draft) = &mut self.draft else { panic!("a slice of a snapshot that was not begun") };
        if records.is_empty() {
            return Ok(true);
        }
        let written = draft.append(&mut self.storage, records);
        self.bear_a_full_disk(written)
    }

    /// Ends the snapshot and removes the files that it replaces. Call it after the commit of everything that its
    /// slices hold.
    ///
    /// `Ok(false)`: the disk is full and the snapshot was given up.
    ///
    /// # Errors
    /// `Io` other than a full disk; from then on `Closed`.
    ///
    /// # Panics
    /// If none was begun.
    pub fn end_snapshot(&mut self) -> Result<bool, JournalError> {
        self.refuse_if_closed()?;
        let Some(draft) = &mut self.draft else { panic!("the end of a snapshot that was not begun") };
        let ended = draft.end(&mut self.storage);
        let replaced = match ended {
            Ok((number, octets)) => {
                self.draft = None;
                self.snapshot_octets = octets;
                (self.first_segment, self.older_octets, self.retry_octets) = (number, 0, 0);
                self.remove_before(number)
            }
            Err(error) => Err(error),
        };
        self.bear_a_full_disk(replaced)
    }

    /// Gives up the snapshot that is being written, if any; to be begun anew at the caller's next wish.
    ///
    /// # Errors
    /// `Io`; from then on `Closed`.
    pub fn abandon_snapshot(&mut self) -> Result<(), JournalError> {
        let Some(draft) = self.draft.take() else {
            return Ok(());
        };
        let given_up = draft.give_up(&mut self.storage);
        self.close_on_error(given_up)
    }

    /// Writes the mark of a clean stop and syncs. Nothing is taken afterwards.
    ///
    /// # Errors
    /// `Io`, `Closed`. All that was committed is safe; the next start takes a little longer.
    pub fn stop(&mut self) -> Result<(), JournalError> {
        self.refuse_if_closed()?;
        self.abandon_snapshot()?;
        self.closed = true;
        self.live.stop(&mut self.storage)
    }

    fn segment_octets(&self) -> u64 {
        self.older_octets + self.live.position
    }

    fn rotate(&mut self) -> Result<(), JournalError> {
        let (number, first_batch) = (self.live.header.number + 1, self.live.next_batch);
        let nonce = io(&mut self.storage, "nonce", "", S::nonce)?;
        let next = recover::begin_segment(&mut self.storage, (number, first_batch), FirstRoom::Needed)?;
        self.older_octets += self.live.position;
        let mut last = std::mem::replace(&mut self.live, next);
        self.draft = Some(Draft::new(FileHeader { kind: FileKind::Snapshot, number, first_batch, nonce }));
        last.give_room_back(&mut self.storage)
    }

    fn remove_before(&mut self, number: u64) -> Result<(), JournalError> {
        let entries = io(&mut self.storage, "list", "", S::list)?;
        for entry in entries {
            let layout::Name::File(_, older) = layout::read_name(&entry.name) else {
                continue;
            };
            if older < number {
                io(&mut self.storage, "remove", &entry.name, |storage| storage.remove(&entry.name))?;
            }
        }
        Ok(())
    }

    /// What a full disk does to a snapshot: it ends it. Any other error closes the journal.
    fn bear_a_full_disk(&mut self, outcome: Result<(), JournalError>) -> Result<bool, JournalError> {
        match outcome {
            Ok(()) => Ok(true),
            Err(error) if error.is_full() => {
                log::warn!("snapshot given up: {error}");
                self.retry_octets = self.segment_octets() + SNAPSHOT_RETRY_OCTETS;
                let unfinished = FileKind::Segment.draft_name(self.live.header.number + 1);
                let removed = live::remove_if_there(&mut self.storage, &unfinished);
                self.close_on_error(removed)?;
                self.abandon_snapshot()?;
                Ok(false)
            }
            Err(error) => {
                self.closed = true;
                Err(error)
            }
        }
    }

    fn close_on_error<T>(&mut self, outcome: Result<T, JournalError>) -> Result<T, JournalError> {
        self.closed |= outcome.is_err();
        outcome
    }

    fn refuse_if_closed(&self) -> Result<(), JournalError> {
        if self.closed {
            return Err(JournalError::Closed { path: self.storage.path(&self.live.name) });
        }
        Ok(())
    }
}
