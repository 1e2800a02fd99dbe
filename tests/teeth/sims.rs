//! The simulator (tests/sim): it knows nothing of the rule that is left out, only the promises.

use understudy::rules::Rule;

use crate::simulator;
use crate::simulator::mix::{Fault, Mix, Strict};
use crate::table::{By, Finding, bites};

/// Asserts that runs under these faults find the absence of a rule, with StrictShares, where a duplicate has no excuse.
fn runs_miss(rule: Rule, faults: &[Fault]) {
    let mix = Mix { faults: faults.to_vec(), strict: Strict::Yes };
    bites(rule, By::Simulator, |seed| simulated(seed, &mix));
}

fn simulated(seed: u64, mix: &Mix) -> Finding {
    let broken = simulator::run(seed, mix).err();
    broken.map_or(Ok(()), |violation| Err(format!("invariant {}: {}", violation.invariant, violation.what)))
}

#[test]
fn the_simulator_misses_owner() {
    runs_miss(Rule::Owner, &[Fault::Cut]);
}

#[test]
fn the_simulator_misses_settled() {
    runs_miss(Rule::Settled, &[Fault::Cut]);
}

#[test]
fn the_simulator_misses_older_copy() {
    runs_miss(Rule::OlderCopy, &[Fault::DiskOlder]);
}

#[test]
fn the_simulator_misses_ack_after_commit() {
    runs_miss(Rule::AckAfterCommit, &[Fault::Power]);
}

#[test]
fn the_simulator_misses_bind_ack_after_commit() {
    runs_miss(Rule::BindAckAfterCommit, &[Fault::Power]);
}

#[test]
fn the_simulator_misses_rewrite_unclean() {
    runs_miss(Rule::RewriteUnclean, &[Fault::SyncFails, Fault::Power]);
}

#[test]
fn the_simulator_misses_taken_back_by_polling() {
    runs_miss(Rule::TakenBackByPolling, &[Fault::Noise, Fault::Kill]);
}

#[test]
fn the_simulator_misses_yield() {
    runs_miss(Rule::Yield, &[Fault::Cut]);
}

#[test]
fn the_simulator_misses_sessions() {
    runs_miss(Rule::Sessions, &[Fault::Kill, Fault::Forged]);
}

#[test]
fn the_simulator_misses_owners_by_record() {
    runs_miss(Rule::OwnersByRecord, &[Fault::Reload, Fault::Cut]);
}

#[test]
fn the_simulator_misses_replay_window() {
    runs_miss(Rule::ReplayWindow, &[Fault::Forged, Fault::Noise]);
}

#[test]
fn the_simulator_misses_have_behind_records() {
    runs_miss(Rule::HaveBehindRecords, &[Fault::Power, Fault::Noise]);
}

#[test]
fn the_simulator_misses_new_database() {
    runs_miss(Rule::NewDatabase, &[Fault::DiskLost]);
}
