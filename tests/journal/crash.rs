//! The power goes at every call and in every octet of every write.

use understudy::journal::OpenMode;

use super::disk::{Fate, SimDisk};
use super::history::{Model, open, run};

const FATES: [Fate; 4] = [Fate::Lost, Fate::Kept, Fate::Torn, Fate::Stale];

/// Recovers, checks, commits one more change, and recovers again from what a power cut leaves.
fn live_on(disk: &SimDisk, model: &Model, place: &str) {
    let mut model = model.clone();
    let (mut journal, _, table) =
        open(disk.clone(), OpenMode::Normal).unwrap_or_else(|error| panic!("{place}: {error}"));
    model.check(&table, place);
    // What was replayed may have been told to somebody, so from here on it is promised.
    model.acked = table;
    model.commit(&mut journal, &[1]).expect("no fault");
    disk.power_cut(Fate::Lost);
    let (_, _, table) = open(disk.clone(), OpenMode::Normal).unwrap_or_else(|error| panic!("{place}, again: {error}"));
    assert_eq!(table, model.acked, "{place}, again");
}

#[test]
fn a_history_without_a_crash_is_recovered_whole() {
    let disk = SimDisk::new(1);
    let mut model = Model::default();
    run(&disk, &mut model).expect("no fault");
    disk.power_cut(Fate::Lost);
    let (_, recovery, table) = open(disk, OpenMode::Normal).expect("sound");
    assert_eq!(table, model.acked);
    assert!(recovery.clean_stop);
    assert!(recovery.set_aside.is_empty() && recovery.damage.is_none());
}

#[test]
fn a_power_cut_at_every_step_loses_nothing_that_was_committed() {
    let steps = {
        let disk = SimDisk::new(0);
        run(&disk, &mut Model::default()).expect("no fault");
        disk.steps()
    };
    for step in 0..steps {
        let disk = SimDisk::new(step);
        disk.crash_after(step);
        let mut model = Model::default();
        run(&disk, &mut model).expect_err("the power goes");
        // Two fates a step, so that every octet sees two and every batch sees all.
        for fate in FATES.into_iter().skip((step % 2) as usize).step_by(2) {
            let disk = disk.fork();
            disk.power_cut(fate);
            live_on(&disk, &model, &format!("step {step} of {steps}, {fate:?}"));
        }
    }
    println!("{steps} steps, two power cuts at each");
}

/// Recovery writes, too, so it is cut at each of its own steps.
#[test]
fn a_power_cut_at_every_step_of_a_recovery_loses_nothing() {
    let mut cuts = 0;
    for first in (0..).step_by(389) {
        let disk = SimDisk::new(first);
        disk.crash_after(first);
        let mut model = Model::default();
        if run(&disk, &mut model).is_ok() {
            break;
        }
        disk.power_cut(Fate::Torn);
        for step in 0.. {
            let disk = disk.fork();
            disk.crash_after(step);
            if open(disk.clone(), OpenMode::Normal).is_ok() {
                break;
            }
            for fate in FATES {
                let disk = disk.fork();
                disk.power_cut(fate);
                live_on(&disk, &model, &format!("step {first}, then {step} of recovery, {fate:?}"));
                cuts += 1;
            }
        }
    }
    println!("{cuts} power cuts in recoveries");
    assert!(cuts > 1000);
}
