//! Keeping what precedes damage, on the operator's word (`--keep-before-damage`).
//!
//! What is kept is a beginning of the journal: a state that once was, or, where the damage is in a snapshot, a
//! part of one. Later batches are not kept even if they are whole, since a record may say of earlier ones that
//! they are here. Everything that is not kept whole stays in the folder under another name.

use std::path::PathBuf;

use super::error::JournalError;
use super::layout::{FileHeader, FileKind};
use super::live::{FirstRoom, Live, io};
use super::recover::{FileRead, Folder, Reading, begin_segment, rewrite};
use super::scan::{Step, Tail, Walk};
use super::snapshot::Draft;
use super::storage::Storage;

const COPY_OCTETS: usize = 1024 * 1024;

/// Sets the damaged file and all later ones aside, keeps what precedes the damage and returns the live segment
/// behind it. `set_aside` gets the new paths.
///
/// A crash in the middle leaves a folder that is damaged still, or that ends where the damage was.
pub(super) fn rescue<S: Storage>(
    storage: &mut S,
    folder: &Folder,
    reading: &mut Reading,
    set_aside: &mut Vec<PathBuf>,
) -> Result<Live, JournalError> {
    let files = folder.files();
    let damaged = reading.damaged_file();
    // A file with a good header keeps its name for what is kept of it, so a copy of it goes aside. The last goes
    // first, so that no hole is ever seen that was not there before.
    let first_moved = reading.files.len() + usize::from(damaged.is_some());
    for &(kind, number) in files.iter().skip(first_moved).rev() {
        let (from, to) = (kind.name(number), free_name(storage, &kind.name(number))?);
        io(storage, "rename", &from, |storage| storage.rename(&from, &to))?;
        set_aside.push(storage.path(&to));
    }
    if let Some(file) = damaged {
        let from = file.header.kind.name(file.header.number);
        let to = free_name(storage, &from)?;
        copy(storage, &from, &to)?;
        set_aside.push(storage.path(&to));
    }
    io(storage, "sync_folder", "", S::sync_folder)?;
    match damaged {
        Some(file) if file.header.kind == FileKind::Segment => {
            reading.files.push(file);
            rewrite(storage, &file)
        }
        Some(file) => {
            keep_snapshot(storage, &file)?;
            reading.files.push(file);
            begin_segment(storage, (file.header.number, file.header.first_batch), FirstRoom::IfAny)
        }
        None => {
            let number = match reading.files.last() {
                Some(last) if last.header.kind == FileKind::Segment => last.header.number + 1,
                Some(last) => last.header.number,
                None => 1,
            };
            let first_batch = if reading.files.is_empty() { 1 } else { reading.next_batch() };
            begin_segment(storage, (number, first_batch), FirstRoom::IfAny)
        }
    }
}

/// Writes what was read of a snapshot as a whole one, in its place.
fn keep_snapshot<S: Storage>(storage: &mut S, file: &FileRead) -> Result<(), JournalError> {
    let nonce = io(storage, "nonce", "", S::nonce)?;
    let until = Tail::Until(file.header.first_batch + file.batches);
    let mut walk = Walk::open(storage, &file.header.kind.name(file.header.number), until)?;
    let mut draft = Draft::new(FileHeader { nonce, ..file.header });
    while let Step::Batch(batch) = walk.step(storage)? {
        draft.append(storage, batch.frames)?;
    }
    draft.end(storage).map(|_| ())
}

/// A name that no file has: `NAME.damaged`, or with a number behind it.
fn free_name<S: Storage>(storage: &mut S, name: &str) -> Result<String, JournalError> {
    let entries = io(storage, "list", "", S::list)?;
    let mut candidate = format!("{name}.damaged");
    let mut number = 1;
    while entries.iter().any(|entry| entry.name == candidate) {
        number += 1;
        candidate = format!("{name}.damaged.{number}");
    }
    Ok(candidate)
}

/// Copies a file and syncs the copy.
fn copy<S: Storage>(storage: &mut S, from: &str, to: &str) -> Result<(), JournalError> {
    let mut part = vec![0; COPY_OCTETS];
    let mut offset = 0;
    loop {
        let got = io(storage, "read", from, |storage| storage.read(from, offset, &mut part))?;
        if got == 0 && offset > 0 {
            return io(storage, "sync", to, |storage| storage.sync(to));
        }
        io(storage, "write", to, |storage| storage.write(to, offset, &part[..got]))?;
        offset += got as u64;
        if got == 0 {
            return io(storage, "sync", to, |storage| storage.sync(to));
        }
    }
}
