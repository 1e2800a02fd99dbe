//! Failing syncs close the journal; a full disk does not, and heals.

use understudy::journal::{BATCH_OCTETS_MAX, JournalError, OpenMode, frame};

use super::disk::{Fate, SimDisk};
use super::history::{Model, open, run};

const MIB: u64 = 1024 * 1024;

/// Whatever sync fails, and whether the process is started again before or after the power goes: what was
/// replayed once is there for ever.
#[test]
fn a_failed_sync_closes_the_journal_and_what_a_restart_reads_is_durable() {
    let syncs = {
        let disk = SimDisk::new(0);
        run(&disk, &mut Model::default()).expect("no fault");
        disk.syncs()
    };
    for good in 0..syncs {
        let disk = SimDisk::new(good);
        disk.fail_sync_after(good);
        let mut model = Model::default();
        let error = run(&disk, &mut model).expect_err("a sync fails");
        assert!(matches!(error, JournalError::Io { call: "sync" | "sync_folder", .. }), "sync {good}: {error}");
        assert!(!disk.fault_is_due());
        // No power cut: the process starts again on the same page cache, with what never reached the disk.
        let (mut journal, _, table) = open(disk.clone(), OpenMode::Normal).expect("sound");
        model.check(&table, &format!("sync {good}"));
        model.acked = table;
        if good % 2 == 0 {
            model.commit(&mut journal, &[1]).expect("no fault");
        }
        disk.power_cut(Fate::Lost);
        let (_, _, table) = open(disk, OpenMode::Normal).expect("sound");
        assert_eq!(table, model.acked, "sync {good}, power cut after the restart");
    }
}

#[test]
fn after_a_failed_commit_nothing_is_taken_any_more() {
    let disk = SimDisk::new(1);
    let mut model = Model::default();
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    model.commit(&mut journal, &[1]).expect("no fault");
    disk.fail_sync_after(0);
    assert!(model.commit(&mut journal, &[2]).is_err());
    let written = disk.octets("leases.000001");
    assert!(matches!(model.commit(&mut journal, &[3]), Err(JournalError::Closed { .. })));
    assert!(matches!(journal.commit(&[]), Err(JournalError::Closed { .. })));
    assert!(matches!(journal.prepare(), Err(JournalError::Closed { .. })));
    assert!(matches!(journal.begin_snapshot(), Err(JournalError::Closed { .. })));
    assert!(matches!(journal.stop(), Err(JournalError::Closed { .. })));
    assert!(journal.room() == 0 && !journal.wants_snapshot());
    assert_eq!(disk.octets("leases.000001"), written);
}

#[test]
fn a_full_disk_takes_the_room_away_and_gives_it_back() {
    let disk = SimDisk::new(1);
    let mut model = Model::default();
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    disk.set_capacity(disk.used());
    let mut commits = 0;
    let need = 40 * 1024;
    let mut full = false;
    // What a server does: input is taken while there is room for a turn, and room is prepared once a turn.
    while journal.room() >= need {
        let mut records = model.change(&[1, 2]);
        frame::append(&mut records, |out| super::history::encode(out, (200, 0), 30_000));
        journal.commit(&records).expect("room was certain");
        model.attempted.insert(200, 0);
        model.promise();
        full = !journal.prepare().expect("a full disk is borne");
        commits += 1;
    }
    assert!(full && commits > 20, "{commits} commits");
    for _ in 0..3 {
        assert!(!journal.prepare().expect("still full"));
    }
    let _ = journal.commit(&[]).expect("nothing is always durable");
    disk.set_capacity(disk.used() + 8 * MIB);
    while journal.room() < need {
        assert!(journal.prepare().expect("room again"));
    }
    model.commit(&mut journal, &[3]).expect("healed");
    disk.power_cut(Fate::Lost);
    let (_, _, table) = open(disk, OpenMode::Normal).expect("sound");
    assert_eq!(table, model.acked);
}

#[test]
fn room_is_counted_only_after_its_zeros_were_synced() {
    let disk = SimDisk::new(1);
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    let (first, syncs) = (journal.room(), disk.syncs());
    assert!(first as u64 > MIB - 4096);
    assert!(journal.prepare().expect("room"));
    assert_eq!((journal.room(), disk.syncs()), (first, syncs), "zeros written, not yet synced");
    Model::default().commit(&mut journal, &[1]).expect("no fault");
    assert!(journal.room() > first);
    assert!(journal.room() <= BATCH_OCTETS_MAX);
    for _ in 0..1000 {
        journal.prepare().expect("room");
    }
    assert!(disk.used() < 8 * MIB, "no more is prepared than wanted");
}

#[test]
fn a_start_on_a_full_disk_has_no_room_or_says_what_to_do() {
    let disk = SimDisk::new(1);
    let mut model = Model::default();
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    model.commit(&mut journal, &[1, 2]).expect("no fault");
    let used = disk.used();
    let mut refused = 0;
    for spare in (0..2000).chain([MIB, 2 * MIB]) {
        let disk = disk.fork();
        disk.set_capacity(used + spare);
        match open(disk.clone(), OpenMode::Normal) {
            Ok((_, _, table)) => assert_eq!(table, model.acked),
            Err(error) => {
                assert!(error.to_string().contains("make room"), "{error}");
                refused += 1;
            }
        }
        disk.set_capacity(u64::MAX);
        let (_, _, table) = open(disk, OpenMode::Normal).expect("sound");
        assert_eq!(table, model.acked);
    }
    assert!(refused > 0);
}
