//! Finding the files that count, reading them in order, and leaving a folder that rests on no unsynced page.
//!
//! After an unclean stop the last segment is read from the page cache, which may hold octets that a failed sync
//! never wrote. So it is copied, synced, and only then put in its own place. Segments before the last need none
//! of that: each was synced to its last batch before the next was begun.

use super::OpenMode;
use super::Recovery;
use super::error::JournalError;
use super::frame;
use super::layout::{FileHeader, FileKind, Name, read_name};
use super::live::{FirstRoom, Live, io};
use super::scan::{Batch, End, Step, Tail, Walk};
use super::storage::Storage;
use crate::rules::{Rule, kept};

/// The files of a journal, by number.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The newest snapshot.
    pub(super) snapshot: Option<u64>,
    /// The segments that are not older, ascending.
    pub(super) segments: Vec<u64>,
    /// Files that a snapshot made needless, and that a crash kept from being removed.
    older: Vec<String>,
    /// Files that were never finished.
    drafts: Vec<String>,
}

impl Folder {
    /// Looks at the names in the folder.
    pub(super) fn survey<S: Storage>(storage: &mut S) -> Result<Folder, JournalError> {
        let entries = io(storage, "list", "", S::list)?;
        let mut folder = Folder::default();
        let mut files = Vec::new();
        for entry in entries {
            match read_name(&entry.name) {
                Name::File(kind, number) => files.push((kind, number)),
                Name::Draft => folder.drafts.push(entry.name),
                Name::Other => {}
            }
        }
        folder.snapshot = files.iter().filter(|(kind, _)| *kind == FileKind::Snapshot).map(|&(_, number)| number).max();
        for (kind, number) in files {
            let least = folder.snapshot.unwrap_or(0);
            match kind {
                FileKind::Segment if number >= least => folder.segments.push(number),
                FileKind::Snapshot if number == least => {}
                FileKind::Segment | FileKind::Snapshot => folder.older.push(kind.name(number)),
            }
        }
        folder.segments.sort_unstable();
        Ok(folder)
    }

    /// Whether there is no journal at all.
    pub(super) fn is_empty(&self) -> bool {
        self.snapshot.is_none() && self.segments.is_empty()
    }

    /// The files that count, in the order to read them.
    pub(super) fn files(&self) -> Vec<(FileKind, u64)> {
        let snapshot = self.snapshot.map(|number| (FileKind::Snapshot, number));
        snapshot.into_iter().chain(self.segments.iter().map(|&number| (FileKind::Segment, number))).collect()
    }
}

/// How far a reading of the whole folder has got. After damage it tells what precedes it.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The files read to their ends.
    pub(super) files: Vec<FileRead>,
    /// The file that is being read, once its header was.
    partial: Option<FileRead>,
    /// The number of the next batch; 0 before the first file.
    next_batch: u64,
}

/// One file and what was read of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileRead {
    pub(super) header: FileHeader,
    /// Octets up to the end of the last whole batch.
    pub(super) octets: u64,
    pub(super) batches: u64,
    pub(super) end: End,
}

impl Reading {
    /// Reads all files of `folder` in order and hands each whole batch, with the name of its file, to `visit`.
    pub(super) fn all<S: Storage>(
        &mut self,
        storage: &mut S,
        folder: &Folder,
        visit: &mut dyn FnMut(&str, &Batch<'_>),
    ) -> Result<(), JournalError> {
        if let Some(number) = folder.snapshot {
            let name = FileKind::Snapshot.name(number);
            let walk = Walk::open(storage, &name, Tail::Marked)?;
            self.file(storage, walk, (FileKind::Snapshot, number), visit)?;
            // A snapshot counts its own batches; the segment of its number goes on from the number it began with.
            self.next_batch = self.files[0].header.first_batch;
        } else if !folder.is_empty() {
            self.next_batch = 1;
        }
        let mut due = folder.snapshot.unwrap_or(1);
        for (index, &number) in folder.segments.iter().enumerate() {
            self.nothing_missing(storage, due, number)?;
            let tail = match folder.segments.get(index + 1) {
                Some(&next) => tail_before(storage, next)?,
                None => Tail::Live,
            };
            let walk = Walk::open(storage, &FileKind::Segment.name(number), tail)?;
            if walk.header.first_batch != self.next_batch {
                let path = storage.path(&walk.name);
                return Err(JournalError::Gap { path, expected: self.next_batch, found: walk.header.first_batch });
            }
            self.file(storage, walk, (FileKind::Segment, number), visit)?;
            due = number + 1;
        }
        match folder.snapshot {
            // The segment of that number was there before the snapshot was.
            Some(number) if folder.segments.is_empty() => self.nothing_missing(storage, number, number + 1),
            Some(_) | None => Ok(()),
        }
    }

    fn nothing_missing<S: Storage>(&self, storage: &S, due: u64, number: u64) -> Result<(), JournalError> {
        if due == number {
            return Ok(());
        }
        let path = storage.path(&FileKind::Segment.name(due));
        Err(JournalError::Gap { path, expected: self.next_batch, found: 0 })
    }

    /// Reads one file to its end.
    pub(super) fn file<S: Storage>(
        &mut self,
        storage: &mut S,
        mut walk: Walk,
        named: (FileKind, u64),
        visit: &mut dyn FnMut(&str, &Batch<'_>),
    ) -> Result<(), JournalError> {
        let header = walk.header;
        if (header.kind, header.number) != named {
            let what = "the header is that of another file";
            return Err(JournalError::Malformed { path: storage.path(&walk.name), offset: 0, what });
        }
        let name = walk.name.clone();
        loop {
            let (octets, batches) = (walk.offset, walk.next_batch - header.first_batch);
            self.next_batch = walk.next_batch;
            let read = FileRead { header, octets, batches, end: End::default() };
            self.partial = Some(read);
            match walk.step(storage)? {
                Step::Batch(batch) => visit(&name, &batch),
                Step::End(end) => {
                    self.partial = None;
                    self.files.push(FileRead { end, ..read });
                    return Ok(());
                }
            }
        }
    }
}

/// What the segment before `next` must hold. Where `next` has no good header, that is an error of `next`, to be
/// met when its turn comes.
fn tail_before<S: Storage>(storage: &mut S, next: u64) -> Result<Tail, JournalError> {
    match Walk::open(storage, &FileKind::Segment.name(next), Tail::Live) {
        Ok(walk) => Ok(Tail::Until(walk.header.first_batch)),
        Err(error) if error.is_damage() => Ok(Tail::Live),
        Err(error) => Err(error),
    }
}

/// Reads the journal in the folder and leaves it with a live segment, in which nothing is unsynced.
pub(super) fn recover<S: Storage>(
    storage: &mut S,
    mode: OpenMode,
    replay: &mut dyn FnMut(&[u8]),
) -> Result<(Live, Reading, Recovery), JournalError> {
    let folder = Folder::survey(storage)?;
    if mode == OpenMode::New {
        refuse_records(storage, &folder)?;
    }
    for draft in &folder.drafts {
        io(storage, "remove", draft, |storage| storage.remove(draft))?;
    }
    let mut recovery = Recovery::default();
    let mut reading = Reading::default();
    let read = reading.all(storage, &folder, &mut |_, batch| {
        for payload in frame::payloads(batch.frames) {
            recovery.records += 1;
            replay(payload);
        }
    });
    let live = match read {
        Ok(()) => go_on(storage, &reading)?,
        Err(error) if mode == OpenMode::KeepBeforeDamage && error.is_damage() => {
            recovery.damage = Some(error);
            super::rescue::rescue(storage, &folder, &mut reading, &mut recovery.set_aside)?
        }
        Err(error) => return Err(error),
    };
    for name in &folder.older {
        io(storage, "remove", name, |storage| storage.remove(name))?;
    }
    recovery.created = recovery.records == 0;
    if let Some(last) = reading.files.last() {
        recovery.torn_bytes = last.end.torn;
        recovery.clean_stop = last.end.marked && recovery.damage.is_none();
    }
    Ok((live, reading, recovery))
}

/// An error if the folder holds a record, or may have held one.
fn refuse_records<S: Storage>(storage: &mut S, folder: &Folder) -> Result<(), JournalError> {
    let mut batches = 0_u64;
    let read = Reading::default().all(storage, folder, &mut |_, _| batches += 1);
    match read {
        Ok(()) if batches == 0 => Ok(()),
        Err(error) if !error.is_damage() => Err(error),
        Ok(()) | Err(_) => {
            let name = folder.files().last().map(|&(kind, number)| kind.name(number)).unwrap_or_default();
            Err(JournalError::Exists { path: storage.path(&name) })
        }
    }
}

/// The live segment behind all that was read.
fn go_on<S: Storage>(storage: &mut S, reading: &Reading) -> Result<Live, JournalError> {
    let Some(last) = reading.files.last() else {
        return begin_segment(storage, (1, 1), FirstRoom::IfAny);
    };
    if (last.end.marked || !kept(Rule::RewriteUnclean)) && last.batches > 0 {
        // Never behind an end mark: if that one was not synced, a power cut would leave a hole before valid batches.
        return begin_segment(storage, (last.header.number + 1, reading.next_batch), FirstRoom::IfAny);
    }
    rewrite(storage, last)
}

/// Begins an empty segment with a number and the number of its first batch.
pub(super) fn begin_segment<S: Storage>(
    storage: &mut S,
    (number, first_batch): (u64, u64),
    first_room: FirstRoom,
) -> Result<Live, JournalError> {
    let nonce = io(storage, "nonce", "", S::nonce)?;
    Live::create(storage, FileHeader { kind: FileKind::Segment, number, first_batch, nonce }, None, first_room)
}

/// Copies what was read of a segment, and puts the copy in its place.
pub(super) fn rewrite<S: Storage>(storage: &mut S, file: &FileRead) -> Result<Live, JournalError> {
    let header = file.header;
    let nonce = io(storage, "nonce", "", S::nonce)?;
    let until = Tail::Until(header.first_batch + file.batches);
    let walk = Walk::open(storage, &header.kind.name(header.number), until)?;
    Live::create(storage, FileHeader { nonce, ..header }, Some(walk), FirstRoom::IfAny)
}

impl Reading {
    /// The file in which damage was met, if its header was good.
    pub(super) fn damaged_file(&self) -> Option<FileRead> {
        self.partial
    }

    /// The number of the batch that comes next; 1 in an empty folder.
    pub(super) fn next_batch(&self) -> u64 {
        self.next_batch.max(1)
    }
}
