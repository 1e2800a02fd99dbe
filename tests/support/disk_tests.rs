//! The simulated disk does to files what a disk may do, and no more.

use super::{Fate, SimDisk};
use understudy::journal::Storage;

const FATES: [Fate; 4] = [Fate::Lost, Fate::Kept, Fate::Torn, Fate::Stale];

/// A disk with a file `a` of 2,000 ones, durable in octets and in name.
fn disk_with_a_file(seed: u64) -> SimDisk {
    let mut disk = SimDisk::new(seed);
    disk.write("a", 0, &[1; 2000]).expect("room");
    disk.sync("a").expect("no fault");
    disk.sync_folder().expect("no fault");
    disk
}

#[test]
fn what_was_synced_survives_every_fate() {
    for (seed, fate) in (0..).zip(FATES) {
        let mut disk = disk_with_a_file(seed);
        disk.write("b", 0, &[2]).expect("room");
        disk.power_cut(fate);
        assert_eq!(disk.octets("a"), Some(vec![1; 2000]));
        assert_eq!(disk.read("a", 1999, &mut [0; 4]).expect("there"), 1);
    }
}

#[test]
fn a_watched_disk_tells_each_octet_that_a_sync_made_durable_once() {
    let mut disk = disk_with_a_file(1);
    assert_eq!(disk.take_synced(), [0; 0], "it is watched from now on");
    disk.write("a", 7, &[2, 3]).expect("room");
    assert!(disk.has_unsynced() && disk.take_synced().is_empty());
    disk.sync("a").expect("no fault");
    assert!(!disk.has_unsynced());
    assert_eq!((disk.take_synced(), disk.take_synced()), (vec![2, 3], vec![]));
}

#[test]
fn unsynced_octets_and_names_are_lost_or_kept_as_the_fate_says() {
    for (fate, names, second) in [(Fate::Lost, vec!["a"], 1), (Fate::Kept, vec!["b"], 2)] {
        let mut disk = disk_with_a_file(1);
        disk.write("a", 1, &[2; 10]).expect("room");
        disk.rename("a", "b").expect("there");
        disk.power_cut(fate);
        assert_eq!(disk.names(), names);
        assert_eq!(disk.octets(names[0]).expect("there")[1], second);
    }
}

#[test]
fn a_torn_write_is_whole_in_each_sector_and_not_in_all() {
    let torn = (0..20).any(|seed| {
        let mut disk = disk_with_a_file(seed);
        disk.write("a", 0, &[2; 2000]).expect("room");
        disk.power_cut(Fate::Torn);
        let octets = disk.octets("a").expect("there");
        assert!(octets.chunks(512).all(|sector| sector.iter().all(|octet| *octet == sector[0])));
        octets.contains(&1) && octets.contains(&2)
    });
    assert!(torn);
}

#[test]
fn a_failed_sync_is_never_made_good_by_a_later_one() {
    let mut disk = disk_with_a_file(1);
    disk.write("a", 0, &[2; 100]).expect("room");
    disk.fail_sync_after(0);
    assert!(disk.fault_is_due());
    assert!(disk.sync("a").is_err());
    assert!(!disk.fault_is_due());
    let syncs = disk.syncs();
    disk.sync("a").expect("only one fails");
    assert_eq!(disk.syncs(), syncs + 1);
    assert_eq!(disk.octets("a").expect("there")[0], 2, "a reader sees what the disk has not");
    disk.power_cut(Fate::Kept);
    assert_eq!(disk.octets("a").expect("there")[0], 1);
}

#[test]
fn the_power_goes_at_the_step_asked_for_and_in_the_middle_of_a_write() {
    let mut disk = disk_with_a_file(1);
    let steps = disk.steps();
    disk.crash_after(1 + 5);
    assert!(disk.write("a", 0, &[3; 10]).is_err());
    assert_eq!(disk.steps(), steps + 6);
    assert!(disk.sync("a").is_err() && disk.list().is_err() && disk.nonce().is_err());
    disk.power_cut(Fate::Kept);
    assert_eq!(disk.octets("a").expect("there")[..6], [3, 3, 3, 3, 3, 1]);
}

#[test]
fn a_full_disk_says_so_and_takes_what_fits() {
    let mut disk = disk_with_a_file(1);
    disk.set_capacity(3000);
    assert!(understudy::journal::storage::is_full(&disk.reserve("a", 2000, 1001).expect_err("no room")));
    disk.reserve("a", 2000, 1000).expect("room");
    assert_eq!(disk.used(), 3000);
    disk.write("a", 2990, &[1; 10]).expect("in its own room");
    assert!(disk.write("b", 0, &[1]).is_err());
    disk.truncate("a", 10).expect("there");
    disk.write("b", 0, &[1]).expect("room");
}

#[test]
fn octets_of_a_removed_file_show_where_a_file_grew_without_its_own() {
    let stale = (0..20).any(|seed| {
        let mut disk = disk_with_a_file(seed);
        disk.remove("a").expect("there");
        disk.put("b", &[]);
        disk.write("b", 0, &[2; 2000]).expect("room");
        disk.power_cut(Fate::Stale);
        disk.octets("b").expect("there").contains(&1)
    });
    assert!(stale);
}

#[test]
fn a_fork_goes_its_own_way_and_names_its_files_alike() {
    let disk = disk_with_a_file(1);
    let mut other = disk.fork();
    other.remove("a").expect("there");
    assert_eq!(disk.names(), ["a"]);
    assert_eq!(disk.path("a"), other.path("a"));
    let other = disk.fork();
    other.damage("a", 7);
    assert_ne!(disk.octets("a"), other.octets("a"));
}
