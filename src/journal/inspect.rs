//! Reading a journal without changing it: for `understudyctl journal verify` and `dump`, and for `understudyd -t`.
//!
//! The server need not run, and may. While it runs, the batch being written looks like a torn tail, and a file
//! may go away between two calls (`Io`, `NotFound`): asking again is the remedy.

use std::path::PathBuf;

use super::error::JournalError;
use super::frame;
use super::layout::FileKind;
use super::recover::{Folder, Reading};
use super::scan::{Tail, Walk};
use super::storage::Storage;

/// What to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The whole journal of the folder, as recovery would.
    Folder,
    /// One file by its name, whatever that is; one set aside (`.damaged`) or unfinished (`.new`) as well.
    File(&'a str),
}

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// The name of the file.
    pub file: &'a str,
    /// Where its batch begins in the file.
    pub offset: u64,
    /// The number of its batch.
    pub batch: u64,
    /// Its place in the batch, from 0.
    pub index: usize,
}

/// What one file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReport {
    /// The file.
    pub path: PathBuf,
    /// What it is.
    pub kind: FileKind,
    /// The number of its first batch.
    pub first_batch: u64,
    /// Whole batches.
    pub batches: u64,
    /// Octets up to the end of the last of them.
    pub octets: u64,
}

/// What a journal holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The files in the order in which they are read; none: there is no journal.
    pub files: Vec<FileReport>,
    /// Records in them.
    pub records: u64,
    /// Octets of a torn tail, which the next start will cut.
    pub torn_bytes: u64,
    /// Whether it ends with the mark of a clean stop.
    pub clean_stop: bool,
}

/// Checks every checksum. Reads only.
///
/// # Errors
/// As [`Journal::open`](super::Journal::open) in mode `Normal`.
pub fn verify<S: Storage>(storage: &mut S, scope: Scope<'_>) -> Result<Report, JournalError> {
    dump(storage, scope, &mut |_, _| {})
}

/// Hands every record, in the order in which it would be replayed, to `visit`. Reads only.
///
/// # Errors
/// As [`verify`]; what precedes the damage has been handed over.
pub fn dump<S: Storage>(
    storage: &mut S,
    scope: Scope<'_>,
    visit: &mut dyn FnMut(&Position<'_>, &[u8]),
) -> Result<Report, JournalError> {
    let mut reading = Reading::default();
    let mut records = 0;
    let mut each = |file: &str, batch: &super::scan::Batch<'_>| {
        for (index, payload) in frame::payloads(batch.frames).enumerate() {
            records += 1;
            visit(&Position { file, offset: batch.offset, batch: batch.number, index }, payload);
        }
    };
    match scope {
        Scope::Folder => {
            let folder = Folder::survey(storage)?;
            reading.all(storage, &folder, &mut each)?;
        }
        Scope::File(name) => {
            let walk = Walk::open(storage, name, Tail::Live)?;
            let named = (walk.header.kind, walk.header.number);
            reading.file(storage, walk, named, &mut each)?;
        }
    }
    let mut report = Report { records, ..Report::default() };
    for read in &reading.files {
        report.files.push(FileReport {
            path: match scope {
                Scope::Folder => storage.path(&read.header.kind.name(read.header.number)),
                Scope::File(name) => storage.path(name),
            },
            kind: read.header.kind,
            first_batch: read.header.first_batch,
            batches: read.batches,
            octets: read.octets,
        });
        (report.torn_bytes, report.clean_stop) = (read.end.torn, read.end.marked);
    }
    Ok(report)
}
