//! Damage is refused, with file and offset; a torn tail is not damage.

use understudy::journal::{Journal, JournalError, OpenMode, Scope, dump, verify};

use super::disk::{Fate, SimDisk};
use super::history::{Model, Table, open, read, run};

/// Three commits in a first segment; the offsets where their batches begin, and where the last ends.
fn three_batches() -> (SimDisk, Model, Vec<usize>) {
    let disk = SimDisk::new(5);
    let mut model = Model::default();
    let (mut journal, _, _) = open(disk.clone(), OpenMode::New).expect("empty");
    for keys in [&[1, 2][..], &[3, 1], &[2]] {
        model.commit(&mut journal, keys).expect("no fault");
    }
    let mut offsets = Vec::new();
    let report = dump(&mut disk.clone(), Scope::Folder, &mut |position, _| {
        if position.index == 0 {
            offsets.push(position.offset as usize);
        }
    })
    .expect("sound");
    offsets.push(report.files[0].octets as usize);
    (disk, model, offsets)
}

const FIRST: &str = "leases.000001";

fn flipped(disk: &SimDisk, name: &str, at: usize) -> SimDisk {
    let disk = disk.fork();
    disk.damage(name, at as u64);
    disk
}

fn place(error: &JournalError) -> (String, u64) {
    match error {
        JournalError::Damaged { path, offset, stored, computed } => {
            assert_ne!(stored, computed);
            (path.display().to_string(), *offset)
        }
        JournalError::Malformed { path, offset, .. } => (path.display().to_string(), *offset),
        other => panic!("not damage: {other}"),
    }
}

#[test]
fn any_changed_octet_before_the_last_batch_is_refused_with_file_and_offset() {
    let (disk, _, offsets) = three_batches();
    for at in 0..offsets[2] {
        let disk = flipped(&disk, FIRST, at);
        let error = open(disk.clone(), OpenMode::Normal).expect_err("damage");
        let begin = [0, offsets[0], offsets[1]].into_iter().rfind(|&begin| begin <= at).expect("0 is");
        assert_eq!(place(&error), (format!("/sim/{FIRST}"), begin as u64), "octet {at}");
        let text = error.to_string();
        assert!(text.contains(&format!("/sim/{FIRST}: damaged at byte {begin} ")), "{text}");
        assert!(text.contains("--keep-before-damage"), "{text}");
        assert!(error.is_damage());
        assert_eq!(disk.names(), [FIRST], "a refusal changes nothing");
        assert!(verify(&mut disk.clone(), Scope::Folder).is_err());
    }
}

#[test]
fn a_bad_last_batch_is_a_torn_tail_and_cut_whole() {
    let (disk, model, offsets) = three_batches();
    let mut without = model.acked.clone();
    without.insert(2, 2);
    for at in offsets[2]..offsets[3] {
        let disk = flipped(&disk, FIRST, at);
        let report = verify(&mut disk.clone(), Scope::Folder).expect("no damage");
        assert_eq!(report.torn_bytes, (offsets[3] - offsets[2]) as u64);
        let (_, recovery, table) = open(disk.clone(), OpenMode::Normal).expect("no damage");
        assert_eq!(table, without);
        assert_eq!(recovery.torn_bytes, report.torn_bytes);
        assert_eq!(verify(&mut disk.clone(), Scope::Folder).expect("sound").torn_bytes, 0);
    }
}

#[test]
fn a_batch_cut_at_any_octet_is_a_torn_tail() {
    let (disk, model, offsets) = three_batches();
    for end in offsets[2]..=offsets[3] {
        for prepared in [0, 1, 7000] {
            let disk = disk.fork();
            let mut octets = disk.octets(FIRST).expect("there");
            octets.truncate(end);
            octets.resize(end + prepared, 0);
            disk.put(FIRST, &octets);
            let (_, _, table) = open(disk, OpenMode::Normal).expect("no damage");
            assert_eq!(table == model.acked, end == offsets[3]);
        }
    }
}

/// The last commit was durable before the stop, so its loss is damage and no torn tail.
#[test]
fn a_bad_last_batch_before_an_end_mark_is_damage() {
    let (disk, _, offsets) = three_batches();
    let (mut journal, _, _) = open(disk.clone(), OpenMode::Normal).expect("sound");
    journal.stop().expect("no fault");
    for at in offsets[2]..offsets[3] {
        let error = open(flipped(&disk, FIRST, at), OpenMode::Normal).expect_err("damage");
        assert_eq!(place(&error).1, offsets[2] as u64);
    }
}

/// The header of the batch behind shows that this one was durable, even if the frames behind are torn.
#[test]
fn a_bad_batch_before_a_torn_one_is_damage() {
    let (disk, _, offsets) = three_batches();
    let disk = flipped(&flipped(&disk, FIRST, offsets[1] + 30), FIRST, offsets[3] - 1);
    let error = open(disk, OpenMode::Normal).expect_err("damage");
    assert_eq!(place(&error).1, offsets[1] as u64);
}

#[test]
fn every_changed_octet_of_a_snapshot_and_of_a_segment_before_the_last_is_refused() {
    let disk = SimDisk::new(5);
    run(&disk, &mut Model::default()).expect("no fault");
    let report = verify(&mut disk.clone(), Scope::Folder).expect("sound");
    assert!(report.files.len() >= 3, "a snapshot and two segments");
    for file in &report.files[..report.files.len() - 1] {
        let name = file.path.file_name().and_then(|name| name.to_str()).expect("a name");
        for at in 0..file.octets as usize {
            let error = open(flipped(&disk, name, at), OpenMode::Normal).expect_err("damage");
            assert_eq!(place(&error).0, file.path.display().to_string(), "octet {at}");
        }
    }
}

#[test]
fn a_missing_file_is_named() {
    let disk = SimDisk::new(5);
    run(&disk, &mut Model::default()).expect("no fault");
    let names: Vec<String> = disk.names();
    // A journal that lacks its last segment looks like one that is older; nothing can tell.
    for name in &names[..names.len() - 2] {
        let disk = disk.fork();
        understudy::journal::Storage::remove(&mut disk.clone(), name).expect("there");
        let error = open(disk, OpenMode::Normal).expect_err("a gap");
        assert!(error.to_string().contains(name) || matches!(error, JournalError::Gap { found: 0, .. }), "{error}");
    }
}

#[test]
fn the_override_keeps_what_precedes_the_damage_and_sets_the_rest_aside() {
    let (disk, _, offsets) = three_batches();
    let damaged = flipped(&disk, FIRST, offsets[1] + 3);
    let before = damaged.octets(FIRST);
    let (mut journal, recovery, table) = open(damaged.clone(), OpenMode::KeepBeforeDamage).expect("kept");
    assert_eq!(table, Table::from([(1, 1), (2, 2)]));
    assert!(recovery.damage.is_some_and(|damage| place(&damage).1 == offsets[1] as u64));
    assert_eq!(recovery.set_aside, [std::path::Path::new("/sim/leases.000001.damaged")]);
    assert_eq!(damaged.octets("leases.000001.damaged"), before);
    let mut model = Model::default();
    model.acked = table;
    model.commit(&mut journal, &[9]).expect("no fault");
    drop(journal);
    damaged.power_cut(Fate::Lost);
    let (_, _, table) = open(damaged, OpenMode::Normal).expect("sound");
    assert_eq!(table, model.acked);
}

#[test]
fn the_override_gets_over_damage_in_any_octet_of_any_file() {
    let disk = SimDisk::new(5);
    run(&disk, &mut Model::default()).expect("no fault");
    for name in disk.names() {
        let octets = disk.octets(&name).expect("there").len().min(600);
        for at in (0..octets).step_by(3) {
            let disk = flipped(&disk, &name, at);
            let (_, _, kept) = open(disk.clone(), OpenMode::KeepBeforeDamage).expect("kept");
            disk.power_cut(Fate::Lost);
            let (_, recovery, again) =
                open(disk, OpenMode::Normal).unwrap_or_else(|error| panic!("{name} {at}: {error}"));
            assert_eq!(kept, again, "{name}, octet {at}");
            assert!(recovery.set_aside.is_empty());
        }
    }
}

#[test]
fn without_damage_the_override_does_nothing_else_than_a_normal_start() {
    let (disk, model, _) = three_batches();
    let (_, recovery, table) = open(disk.clone(), OpenMode::KeepBeforeDamage).expect("sound");
    assert_eq!(table, model.acked);
    assert!(recovery.damage.is_none() && recovery.set_aside.is_empty());
    assert_eq!(disk.names(), [FIRST]);
}

#[test]
fn a_new_journal_is_refused_where_one_holds_records_and_only_there() {
    let (disk, _, offsets) = three_batches();
    assert!(matches!(open(disk.clone(), OpenMode::New), Err(JournalError::Exists { .. })));
    let damaged = flipped(&disk, FIRST, offsets[0] + 3);
    assert!(matches!(open(damaged, OpenMode::New), Err(JournalError::Exists { .. })));

    let disk = SimDisk::new(1);
    for mode in [OpenMode::Normal, OpenMode::New, OpenMode::New] {
        let (_, recovery, _) = open(disk.clone(), mode).expect("nothing there");
        assert!(recovery.created);
    }
}

#[test]
fn a_journal_of_another_version_is_refused_by_its_number() {
    let (disk, _, _) = three_batches();
    let mut octets = disk.octets(FIRST).expect("there");
    octets[9] = 2;
    let crc = crc32fast::hash(&octets[..60]).to_be_bytes();
    octets[60..64].copy_from_slice(&crc);
    disk.put(FIRST, &octets);
    for mode in [OpenMode::Normal, OpenMode::KeepBeforeDamage] {
        assert!(matches!(open(disk.clone(), mode), Err(JournalError::OtherVersion { version: 2, .. })));
    }
}

#[test]
fn a_dump_names_the_place_of_each_record_and_reads_single_files() {
    let (disk, _, offsets) = three_batches();
    let mut seen = Vec::new();
    let report = dump(&mut disk.clone(), Scope::File(FIRST), &mut |position, payload| {
        seen.push((position.batch, position.index, position.offset as usize, read(payload)));
    })
    .expect("sound");
    let expected = [
        (1, 0, offsets[0], (1, 1)),
        (1, 1, offsets[0], (2, 2)),
        (2, 0, offsets[1], (3, 3)),
        (2, 1, offsets[1], (1, 4)),
        (3, 0, offsets[2], (2, 5)),
    ];
    assert_eq!(seen, expected);
    assert_eq!((report.records, report.files[0].batches, report.clean_stop), (5, 3, false));
    assert!(matches!(verify(&mut disk.clone(), Scope::File("none")), Err(JournalError::Io { .. })));
    assert_eq!(verify(&mut SimDisk::new(1), Scope::Folder).expect("empty").files, []);
    disk.put("other", b"some text");
    assert!(verify(&mut disk.clone(), Scope::File("other")).is_err());
    assert!(Journal::open(disk, OpenMode::Normal, &mut |_| {}).is_ok(), "other files are nobody's business");
}

/// A file that takes the place of another may get that one's blocks, whose batch numbers would go on from its own.
#[test]
fn batches_of_an_older_file_behind_the_last_are_neither_taken_nor_damage() {
    let (older, _, offsets) = three_batches();
    let stale = older.octets(FIRST).expect("there");
    let disk = older.fork();
    disk.put(FIRST, &stale[..offsets[1]]);
    let (_, _, table) = open(disk.clone(), OpenMode::Normal).expect("sound");
    let written = disk.octets(FIRST).expect("there");
    assert_ne!(written[..offsets[1]], stale[..offsets[1]], "the new file has another nonce");
    // The second and third at their places; then the third alone, as if it were later than a torn second.
    for from in [offsets[1], offsets[2]] {
        let mut octets = written.clone();
        octets[from..offsets[3]].copy_from_slice(&stale[from..offsets[3]]);
        disk.put(FIRST, &octets);
        let (_, recovery, again) = open(disk.clone(), OpenMode::Normal).expect("no damage");
        assert_eq!(again, table);
        assert_eq!(recovery.torn_bytes, (offsets[3] - offsets[1]) as u64);
    }
}
