//! Snapshots: when they are wanted, what they replace, what a full disk does to one.

use understudy::journal::{FileKind, OpenMode, SLICE_OCTETS_MAX, Scope, frame, verify};

use super::disk::{Fate, SimDisk};
use super::history::{Model, append, encode, open, slice};

const MIB: u64 = 1024 * 1024;

/// Commits about 1 MiB of versions of key 200.
fn bulk(journal: &mut understudy::journal::Journal<SimDisk>, model: &mut Model) {
    let mut records = Vec::new();
    for _ in 0..20 {
        frame::append(&mut records, |out| encode(out, (200, 0), 52_000));
    }
    journal.commit(&records).expect("room enough");
    model.acked.insert(200, 0);
    model.attempted = model.acked.clone();
}

#[test]
fn a_snapshot_is_wanted_when_the_segments_outgrow_it() {
    let disk = SimDisk::new(1);
    let mut model = Model::default();
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    let mut commits = 0;
    while !journal.wants_snapshot() {
        bulk(&mut journal, &mut model);
        commits += 1;
    }
    assert_eq!(commits, 17, "over 16 MiB");
    drop(journal);
    let (mut journal, _, _) = open(disk.clone(), OpenMode::Normal).expect("sound");
    assert!(journal.wants_snapshot(), "after a start as well");
    assert!(journal.begin_snapshot().expect("room") && journal.is_snapshotting());
    assert!(!journal.wants_snapshot(), "one at a time");
    assert!(journal.snapshot(&slice(&model.acked, 0..200)).expect("room"));
    assert!(journal.end_snapshot().expect("room") && !journal.is_snapshotting());
    assert!(!journal.wants_snapshot());
    assert_eq!(disk.names(), ["leases.000002", "snapshot.000002"]);
    assert!(disk.used() < 8 * MIB);
}

#[test]
fn many_starts_make_a_snapshot_wanted() {
    let disk = SimDisk::new(1);
    let mut model = Model::default();
    let mut starts = 0;
    loop {
        let (mut journal, _, _) = open(disk.clone(), OpenMode::Normal).expect("sound");
        if journal.wants_snapshot() {
            break;
        }
        model.commit(&mut journal, &[1]).expect("no fault");
        journal.stop().expect("no fault");
        starts += 1;
    }
    assert_eq!(starts, 63);
    let idle = verify(&mut disk.clone(), Scope::Folder).expect("sound").files.len();
    for _ in 0..5 {
        let (mut journal, _, _) = open(disk.clone(), OpenMode::Normal).expect("sound");
        journal.stop().expect("no fault");
    }
    let files = verify(&mut disk.clone(), Scope::Folder).expect("sound").files.len();
    assert_eq!(files, idle, "starts without a commit make none");
}

#[test]
fn a_full_disk_ends_a_snapshot_and_nothing_else() {
    let mut model = Model::default();
    let disk = SimDisk::new(1);
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    for _ in 0..17 {
        bulk(&mut journal, &mut model);
    }
    model.commit(&mut journal, &[1, 2, 3]).expect("room");
    let mut records = slice(&model.acked, 0..200);
    frame::append(&mut records, |out| encode(out, (200, 0), 60_000));
    let mut ends = [0; 4];
    // Room for nothing more, for the segment, for the slice, for all.
    for spare in [0, 1000, 6 * MIB, 6 * MIB + 30_000, 7 * MIB] {
        disk.set_capacity(disk.used() + spare);
        let at = if !journal.begin_snapshot().expect("borne") {
            0
        } else if !journal.snapshot(&records).expect("borne") {
            1
        } else {
            2 + usize::from(journal.end_snapshot().expect("borne"))
        };
        ends[at] += 1;
        assert!(!journal.is_snapshotting());
        assert!(!disk.names().iter().any(|name| name.ends_with(".new")), "{:?}", disk.names());
        assert!(at == 3 || !journal.wants_snapshot(), "not at once again");
        disk.set_capacity(u64::MAX);
        for key in 4..8 {
            model.commit(&mut journal, &[key]).expect("commits go on");
            journal.prepare().expect("room");
        }
        let copy = disk.fork();
        copy.power_cut(Fate::Lost);
        let (_, _, table) = open(copy, OpenMode::Normal).expect("sound");
        assert_eq!(table, model.acked);
        if at < 3 {
            bulk(&mut journal, &mut model);
            bulk(&mut journal, &mut model);
            assert!(journal.wants_snapshot(), "tried again later");
        }
    }
    assert!(ends[0] > 0 && ends[3] > 0, "{ends:?}");
}

#[test]
fn a_whole_snapshot_is_read_before_the_segments_behind_it() {
    let disk = SimDisk::new(1);
    let mut model = Model::default();
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    model.commit(&mut journal, &[1, 2]).expect("room");
    assert!(journal.begin_snapshot().expect("room"));
    let mut records = Vec::new();
    append(&mut records, 1, 1);
    assert!(records.len() <= SLICE_OCTETS_MAX);
    assert!(journal.snapshot(&records).expect("room"));
    model.commit(&mut journal, &[1]).expect("room");
    assert!(journal.snapshot(&slice(&model.acked, 2..3)).expect("room"));
    assert!(journal.end_snapshot().expect("room"));
    let (_, recovery, table) = open(disk.clone(), OpenMode::Normal).expect("sound");
    assert_eq!((table, recovery.records), (model.acked, 3));
    let report = verify(&mut disk.clone(), Scope::Folder).expect("sound");
    assert_eq!(report.files.iter().map(|file| file.kind).collect::<Vec<_>>(), [FileKind::Snapshot, FileKind::Segment]);
}

#[test]
fn a_snapshot_can_be_abandoned() {
    let disk = SimDisk::new(1);
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    assert!(journal.begin_snapshot().expect("room"));
    assert!(journal.snapshot(&slice(&[(1, 1)].into(), 0..2)).expect("room"));
    journal.abandon_snapshot().expect("no fault");
    assert_eq!(disk.names(), ["leases.000001", "leases.000002"]);
}
