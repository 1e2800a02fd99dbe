//! The journal on real files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use understudy::journal::{FileStorage, Journal, OpenMode, SLICE_OCTETS_MAX, Scope, frame, verify};

use super::history::{Model, open};

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("understudy-journal-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder of its own");
        Folder(folder)
    }

    fn storage(&self) -> FileStorage {
        FileStorage::new(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is no failure of the test.
        drop(fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_journal_on_files_survives_stops_and_starts() {
    let folder = Folder::new();
    let mut model = Model::default();
    let (mut journal, _, _) = open(folder.storage(), OpenMode::New).expect("empty");
    for turn in 0..300 {
        model.commit(&mut journal, &[turn as u8 % 50, 50]).expect("room");
        assert!(journal.prepare().expect("room"));
        if turn == 100 {
            assert!(journal.begin_snapshot().expect("room"));
            assert!(journal.snapshot(&super::history::slice(&model.acked, 0..60)).expect("room"));
        }
        if turn == 110 {
            assert!(journal.end_snapshot().expect("room"));
        }
    }
    let report = verify(&mut folder.storage(), Scope::Folder).expect("sound beside a running server");
    assert_eq!((report.files.len(), report.clean_stop), (2, false));
    journal.stop().expect("no fault");
    drop(journal);
    let length = fs::metadata(folder.0.join("leases.000002")).expect("there").len();
    assert!(length < 512 * 1024, "a stop gives prepared room back");

    let (journal, recovery, table) = open(folder.storage(), OpenMode::Normal).expect("sound");
    assert_eq!(table, model.acked);
    assert!(recovery.clean_stop);
    drop(journal);
    let (_, recovery, table) = open(folder.storage(), OpenMode::Normal).expect("sound");
    assert_eq!(table, model.acked);
    assert!(!recovery.clean_stop && recovery.torn_bytes == 0);
    let names: Vec<_> = fs::read_dir(&folder.0).expect("there").flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn new_files_are_closed_to_others() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    open(folder.storage(), OpenMode::New).expect("empty");
    let mode = fs::metadata(folder.0.join("leases.000001")).expect("there").permissions().mode();
    assert_eq!(mode & 0o027, 0, "mode {mode:o}");
}

#[test]
fn a_folder_that_is_not_there_is_named_in_the_error() {
    let error = open(FileStorage::new("/nonexistent/understudy"), OpenMode::Normal).expect_err("no folder");
    assert!(error.to_string().contains("/nonexistent/understudy"), "{error}");
}

/// Loads 1,000,000 records of 80 octets, from a snapshot and from a segment, and prints how long that took.
#[test]
fn a_large_journal_loads() {
    let folder = Folder::new();
    let (mut journal, _, _) = open(folder.storage(), OpenMode::New).expect("empty");
    assert!(journal.begin_snapshot().expect("room"));
    let mut slice = Vec::new();
    for number in 0..1_000_000_u32 {
        frame::append(&mut slice, |out| {
            out.extend_from_slice(&[7; 76]);
            out.extend_from_slice(&number.to_be_bytes());
        });
        if slice.len() + 100 > SLICE_OCTETS_MAX {
            assert!(journal.snapshot(&slice).expect("room"));
            slice.clear();
        }
    }
    assert!(journal.snapshot(&slice).expect("room"));
    assert!(journal.end_snapshot().expect("room"));
    journal.stop().expect("no fault");
    drop(journal);
    let begin = Instant::now();
    let (mut octets, mut last) = (0, 0);
    let (_, recovery) = Journal::open(folder.storage(), OpenMode::Normal, &mut |payload: &[u8]| {
        octets += payload.len();
        last = payload[79];
    })
    .expect("sound");
    println!("1,000,000 records of 80 octets loaded in {} ms", begin.elapsed().as_millis());
    assert_eq!((recovery.records, octets, last), (1_000_000, 80_000_000, 999_999_u32.to_be_bytes()[3]));
}

/// Set in the process that runs inside the mount namespace: the folder of the tmpfs.
const SMALL_DISK: &str = "UNDERSTUDY_TEST_SMALL_DISK";

/// On a tmpfs of 3 MiB in a mount namespace of its own: filled by another file, silent, healed, nothing lost.
#[test]
fn a_full_tmpfs_takes_the_room_away_and_heals_when_there_is_some() {
    if let Some(folder) = std::env::var_os(SMALL_DISK) {
        return live_on_a_small_disk(Path::new(&folder));
    }
    let folder = Folder::new();
    let program = std::env::current_exe().expect("this test");
    let mut unshare = Command::new("unshare");
    unshare.args(if nix::unistd::geteuid().is_root() { &["-m"][..] } else { &["-rm"] });
    let script = "mount -t tmpfs -o size=3m tmpfs \"$1\" || exit 77; exec \"$2\" --exact --nocapture \"$3\"";
    unshare.args(["sh", "-c", script, "sh"]).arg(&folder.0).arg(program);
    unshare.arg("files::a_full_tmpfs_takes_the_room_away_and_heals_when_there_is_some").env(SMALL_DISK, &folder.0);
    match unshare.output() {
        Err(error) => println!("SKIPPED: unshare cannot be run: {error}"),
        Ok(output) if output.status.success() => {
            assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"), "the test inside ran");
        }
        Ok(output) => {
            let errors = String::from_utf8_lossy(&output.stderr);
            let inside = String::from_utf8_lossy(&output.stdout).contains("running 1 test");
            assert!(!inside, "inside: {}{errors}", String::from_utf8_lossy(&output.stdout));
            println!("SKIPPED: no mount namespace with a tmpfs: {}", errors.trim());
        }
    }
}

fn live_on_a_small_disk(folder: &Path) {
    let mut model = Model::default();
    let (mut journal, _, _) = open(FileStorage::new(folder), OpenMode::New).expect("room for the first turn");
    let filler = folder.join("filler");
    assert!(fs::write(&filler, vec![1; 4 * 1024 * 1024]).is_err(), "the disk is full");
    let need = 64 * 1024;
    let mut full = false;
    while journal.room() >= need {
        let mut records = model.change(&[1, 2]);
        frame::append(&mut records, |out| super::history::encode(out, (200, 0), 20_000));
        journal.commit(&records).expect("room was certain");
        model.attempted.insert(200, 0);
        model.promise();
        full = !journal.prepare().expect("a full disk is borne");
    }
    assert!(full);
    assert!(!journal.prepare().expect("still full"));
    assert!(!journal.begin_snapshot().expect("borne"), "no room for a new segment");
    fs::remove_file(&filler).expect("there");
    while journal.room() < need {
        assert!(journal.prepare().expect("room again"));
    }
    model.commit(&mut journal, &[3]).expect("healed");
    drop(journal);
    let (_, _, table) = open(FileStorage::new(folder), OpenMode::Normal).expect("sound");
    assert_eq!(table, model.acked);
}
