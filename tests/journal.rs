//! The lease journal: nothing that was committed is lost, nothing is invented, damage is told from a torn tail.

#[path = "support/disk.rs"]
mod disk;

#[path = "journal/crash.rs"]
mod crash;
#[path = "journal/damage.rs"]
mod damage;
#[path = "journal/faults.rs"]
mod faults;
#[path = "journal/files.rs"]
mod files;
#[path = "journal/history.rs"]
mod history;
#[path = "journal/manual.rs"]
mod manual;
#[path = "journal/snapshots.rs"]
mod snapshots;
