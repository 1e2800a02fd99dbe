//! Random walks of two servers over the rules of who may give an address (failover.md section 7), with the server's own
//! bindings, shares, merge and codec, and a network, crashes, lost disks and clients that the walk makes up.
//!
//! No address may be in two unexpired leases; and the walk must find such when a rule of its own making is left out, as
//! it does in tests/teeth for those of the server.

mod plans;
mod runs;
mod server;
mod walk;

use walk::{Figures, Rules, World};

/// Walks of the test.
const SEEDS: u64 = 200;
const STEPS: u32 = 500;

/// Reloads of a server in a thousand seconds.
const RELOADS: [u64; 3] = [0, 15, 80];

fn walk_all(rules: Rules, seeds: u64, reloads: u64) -> (u64, Figures) {
    let mut found = 0;
    let mut sum = Figures::default();
    for seed in 1..=seeds {
        let mut world = World::new((seed, reloads), rules);
        match world.walk(STEPS) {
            Ok(()) if rules == Rules::All => world.settle().unwrap_or_else(|why| panic!("seed {seed}: {why}")),
            Ok(()) => {}
            Err(why) => {
                assert_ne!(rules, Rules::All, "seed {seed}: {why}");
                found += 1;
            }
        }
        sum.add(&world.figures);
    }
    println!(
        "{rules:?}, {reloads} reloads in 1,000 s: {seeds} walks of {STEPS} s, {sum:?}, \
         {found} with an address in two hands"
    );
    (found, sum)
}

#[test]
fn with_all_rules_no_address_is_ever_in_two_hands_and_both_tables_become_equal() {
    let mut sum = Figures::default();
    for reloads in RELOADS {
        let (found, figures) = walk_all(Rules::All, SEEDS, reloads);
        assert_eq!(found, 0);
        sum.add(&figures);
    }
    let goes = sum.grants > 20 * SEEDS && sum.moves > 2 * SEEDS && sum.disks_lost > SEEDS / 4;
    assert!(goes, "a walk that goes nowhere");
    assert!(sum.reloads > 2 * SEEDS && sum.by_reservation > SEEDS / 2, "reservations that nobody uses");
    assert!(sum.by_failover > SEEDS, "new clients of the failover get addresses from its share");
}

#[test]
fn without_the_partners_word_for_a_reservation_the_walk_finds_addresses_in_two_hands() {
    let (found, _) = walk_all(Rules::WithoutAgreement, SEEDS / 4, RELOADS[2]);
    assert!(found > 3, "only {found}: the walk does not bite");
}

#[test]
fn with_shares_by_configuration_a_reload_puts_addresses_in_two_hands() {
    let (found, _) = walk_all(Rules::SharesConfigured, SEEDS / 4, RELOADS[2]);
    assert!(found > 3, "only {found}: the walk does not bite");
}
