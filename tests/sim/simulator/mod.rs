//! The simulator: one failover, its primaries, their clients, and everything that can go wrong, from one seed.
//!
//! It drives the shipped engine on a simulated disk: turn, codecs, seal, journal and recovery are those of production;
//! only sockets are missing. [`run`] is one run: a phase with faults, in which nothing unsafe may happen, then a heal,
//! after which everything must come right within stated times. Each invariant of failover.md section 10 is a function
//! with its number in its name. The folder stands alone, so that another test can include it by `#[path]`.

#[expect(dead_code, unused_imports, reason = "the claims of the RFCs and of pairs use the rest")]
#[path = "../../support/mod.rs"]
pub(crate) mod support;

mod answers;
mod beside;
mod channel;
mod channels;
mod checks;
mod client;
mod clock;
mod disks;
mod faults;
mod heal;
mod ledger;
mod links;
pub(crate) mod mix;
mod node;
mod operators;
mod random;
pub(crate) mod report;
mod rival;
mod service;
mod site;
mod transcript;
mod turns;
mod wires;
mod world;

use clock::{SECOND, Time};
use mix::Mix;
use report::{Report, Violation};
use transcript::Keep;
use world::World;

/// Virtual time with faults.
const TROUBLE: Time = 300 * SECOND;

/// One run.
///
/// # Errors
/// The invariant that it breaks, with the transcript.
pub(crate) fn run(seed: u64, mix: &Mix) -> Result<Report, Box<Violation>> {
    match run_once(seed, mix, Keep::Hash) {
        Ok(report) => Ok(report),
        // Once more, for the transcript.
        Err(violation) => Err(run_once(seed, mix, Keep::Lines).err().unwrap_or(violation)),
    }
}

fn run_once(seed: u64, mix: &Mix, keep: Keep) -> Result<Report, Box<Violation>> {
    let mut world = World::new(seed, mix, keep);
    world.run_until(10 * SECOND);
    world.populate();
    world.run_until(20 * SECOND);
    world.begin_trouble();
    world.run_until(20 * SECOND + TROUBLE);
    world.heal();
    world.check_4_tables_become_equal();
    world.check_5_every_client_is_served();
    world.check_4_nothing_is_written_any_more();
    world.finish().map_err(Box::new)
}
