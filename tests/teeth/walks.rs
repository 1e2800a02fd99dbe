//! The random walk over owners and merges (tests/shares), which knows no wire but calls what decides.

use understudy::rules::Rule;

use crate::table::{By, Finding, bites};
use crate::walk::{Rules, World};

/// Seconds of one walk.
const STEPS: u32 = 500;

fn walk(seed: u64) -> Finding {
    let mut world = World::new((seed, 0), Rules::All);
    world.walk(STEPS)?;
    world.settle()
}

#[test]
fn without_the_owner_the_walk_finds_an_address_in_two_hands() {
    bites(Rule::Owner, By::Walk, walk);
}

#[test]
fn without_settled_the_walk_finds_an_address_in_two_hands() {
    bites(Rule::Settled, By::Walk, walk);
}
