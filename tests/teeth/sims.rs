//! The simulator (tests/sim): it knows nothing of the rule that is left out, only the promises.

use understudy::rules::Rule;

use crate::simulator;
use crate::simulator::mix::{Fault, Mix, Strict};
use crate::table::{By, Finding, bites};

/// Asserts that runs under these faults find the absence of a rule, with StrictShares, where a duplicate has no excuse.
fn runs_miss(rule: Rule, faults: &[Fault]) {
    mixes_miss(rule, &Mix { faults: faults.to_vec(), strict: Strict::Yes });
}

/// Asserts the same of a rule that counts where an address that is not surely free is pinged and given.
fn runs_with_pings_miss(rule: Rule, faults: &[Fault]) {
    mixes_miss(rule, &Mix { faults: faults.to_vec(), strict: Strict::No });
}

fn mixes_miss(rule: Rule, mix: &Mix) {
    bites(rule, By::Simulator, |seed| simulated(seed, mix));
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

#[test]
fn the_simulator_misses_complete() {
    runs_miss(Rule::Complete, &[Fault::DiskLost]);
}

#[test]
fn the_simulator_misses_any_origin() {
    runs_miss(Rule::AnyOrigin, &[Fault::DiskLost]);
}

#[test]
fn the_simulator_misses_replaced_pings() {
    runs_miss(Rule::ReplacedPings, &[Fault::DiskLost, Fault::Cut]);
}

#[test]
fn the_simulator_misses_lease_clock() {
    runs_miss(Rule::LeaseClock, &[Fault::ClockStep]);
}

#[test]
fn the_simulator_misses_strict_shares() {
    runs_miss(Rule::StrictShares, &[Fault::Cut, Fault::CutClients]);
}

#[test]
fn the_simulator_misses_ping_first() {
    runs_with_pings_miss(Rule::PingFirst, &[Fault::Cut]);
}

#[test]
fn the_simulator_misses_merge_by_kinds() {
    runs_with_pings_miss(Rule::MergeByKinds, &[Fault::RudeClients, Fault::Cut]);
}

#[test]
fn the_simulator_misses_slow_after_yield() {
    runs_miss(Rule::SlowAfterYield, &[Fault::CutOneWay]);
}

#[test]
fn the_simulator_misses_timely_release() {
    runs_miss(Rule::TimelyRelease, &[Fault::SyncStalls, Fault::Freeze]);
}

#[test]
fn the_simulator_misses_ask_after_standstill() {
    runs_miss(Rule::AskAfterStandstill, &[Fault::Freeze]);
}

#[test]
fn the_simulator_misses_composed_anew() {
    runs_with_pings_miss(Rule::ComposedAnew, &[Fault::Cut, Fault::RudeClients]);
}
