//! A scripted history of a small table, and what recovery may make of it.

use std::collections::BTreeMap;

use understudy::journal::{Journal, JournalError, OpenMode, Recovery, Storage, frame};

/// Key to version: the last one wins.
pub(crate) type Table = BTreeMap<u8, u32>;

/// What was promised, and what was under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    /// What stands after all commits that returned.
    pub(crate) acked: Table,
    /// What would stand after the commit that did not return yet.
    pub(crate) attempted: Table,
    version: u32,
}

impl Model {
    /// Frames that change `keys`, each to a version of its own; remembered as attempted.
    pub(crate) fn change(&mut self, keys: &[u8]) -> Vec<u8> {
        let mut records = Vec::new();
        self.attempted = self.acked.clone();
        for &key in keys {
            self.version += 1;
            self.attempted.insert(key, self.version);
            append(&mut records, key, self.version);
        }
        records
    }

    /// The commit returned.
    pub(crate) fn promise(&mut self) {
        self.acked = self.attempted.clone();
    }

    /// Changes `keys` in one commit.
    pub(crate) fn commit<S: Storage>(&mut self, journal: &mut Journal<S>, keys: &[u8]) -> Result<(), JournalError> {
        let records = self.change(keys);
        journal.commit(&records)?;
        self.promise();
        Ok(())
    }

    /// Asserts that a recovered table is what was promised, or that and the whole of what was under way.
    pub(crate) fn check(&self, recovered: &Table, place: &str) {
        assert!(
            *recovered == self.acked || *recovered == self.attempted,
            "{place}: recovered {recovered:?}, promised {:?}, under way {:?}",
            self.acked,
            self.attempted
        );
    }
}

/// Appends a record with some octets behind it whose number depends on key and version.
pub(crate) fn append(records: &mut Vec<u8>, key: u8, version: u32) {
    frame::append(records, |out| encode(out, (key, version), usize::from(key) * 7 + version as usize % 5));
}

/// Encodes a record: its kind, its key, its version, and so many octets more.
pub(crate) fn encode(out: &mut Vec<u8>, (key, version): (u8, u32), more: usize) {
    out.extend_from_slice(&[1, key]);
    out.extend_from_slice(&version.to_be_bytes());
    out.resize(out.len() + more, 0xA5);
}

/// Reads a record as `encode` made it.
pub(crate) fn read(payload: &[u8]) -> (u8, u32) {
    assert_eq!(payload[0], 1);
    assert!(payload[6..].iter().all(|&octet| octet == 0xA5));
    (payload[1], u32::from_be_bytes(payload[2..6].try_into().expect("four octets")))
}

/// Opens a journal and gives what it replayed.
pub(crate) fn open<S: Storage>(storage: S, mode: OpenMode) -> Result<(Journal<S>, Recovery, Table), JournalError> {
    let mut table = Table::new();
    let (journal, recovery) = Journal::open(storage, mode, &mut |payload| {
        let (key, version) = read(payload);
        table.insert(key, version);
    })?;
    Ok((journal, recovery, table))
}

/// All that a journal does: commits of one and of several records, preparing, a snapshot with commits between its
/// slices, a clean stop, a start after one, a start after an unclean one, a second snapshot, one given up.
pub(crate) fn run<S: Storage + Clone>(storage: &S, model: &mut Model) -> Result<(), JournalError> {
    let (mut journal, recovery, _) = open(storage.clone(), OpenMode::New)?;
    assert!(recovery.created);
    model.commit(&mut journal, &[1])?;
    model.commit(&mut journal, &[2, 3, 1])?;
    snapshot(&mut journal, model)?;
    journal.prepare()?;
    model.commit(&mut journal, &[4, 70])?;
    journal.stop()?;

    let (mut journal, recovery, table) = open(storage.clone(), OpenMode::Normal)?;
    assert!(recovery.clean_stop && !recovery.created && recovery.torn_bytes == 0);
    assert_eq!(table, model.acked);
    model.commit(&mut journal, &[1, 4])?;
    drop(journal);

    let (mut journal, recovery, table) = open(storage.clone(), OpenMode::Normal)?;
    assert!(!recovery.clean_stop && recovery.torn_bytes == 0);
    assert_eq!(table, model.acked);
    model.commit(&mut journal, &[5, 2])?;
    snapshot(&mut journal, model)?;
    assert!(journal.begin_snapshot()?);
    assert!(journal.snapshot(&slice(&model.acked, 0..3))?);
    model.commit(&mut journal, &[3])?;
    journal.stop()
}

fn snapshot<S: Storage>(journal: &mut Journal<S>, model: &mut Model) -> Result<(), JournalError> {
    assert!(journal.begin_snapshot()?);
    assert!(journal.snapshot(&slice(&model.acked, 0..3))?);
    model.commit(journal, &[1, 3])?;
    assert!(journal.snapshot(&slice(&model.acked, 3..200))?);
    model.commit(journal, &[2])?;
    assert!(journal.end_snapshot()?);
    model.commit(journal, &[3])
}

/// The records of some keys, as they are now.
pub(crate) fn slice(table: &Table, keys: std::ops::Range<u8>) -> Vec<u8> {
    let mut records = Vec::new();
    for (&key, &version) in table.range(keys) {
        append(&mut records, key, version);
    }
    records
}
