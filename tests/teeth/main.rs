//! Teeth: with each rule of the pair left out (`src/rules.rs`), a check that is meant to find its absence does find it,
//! within a stated number of seeds; and with all rules kept the same check on the same seeds finds nothing.
//!
//! [`table`] lists which check misses which rule. Built with the feature `teeth`, which no other test and nothing that
//! is installed has.

#[expect(dead_code, reason = "the tests of moves of control use the rest")]
#[path = "../handover/duo.rs"]
mod duo;
#[path = "../shares/plans.rs"]
mod plans;
#[path = "../shares/server.rs"]
mod server;
#[expect(dead_code, reason = "the runs of the simulator use the rest")]
#[path = "../sim/simulator/mod.rs"]
mod simulator;
#[expect(dead_code, reason = "the test of the walk itself uses the rest")]
#[path = "../shares/walk.rs"]
mod walk;

mod control;
mod copies;
mod durable;
mod merges;
mod owners;
mod scene;
mod sessions;
mod sims;
mod stalls;
mod table;
mod terms;
mod walks;

use simulator::support;
