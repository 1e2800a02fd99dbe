//! The simulator's runs: 300 seeds, or what `make sim` asks for, and every seed that once found a bug.
//!
//! `SEEDS=` says how many, `FROM=` from which on; `SEED=` one alone, with `FAULTS=` (names, with commas between) and
//! `STRICT=` (yes or no) in place of those that belong to it. What kinds of faults there are, and which come together,
//! is said in `simulator/mix.rs`.

mod simulator;

use std::env;
use std::sync::atomic::{AtomicU64, Ordering};

use simulator::mix::{Fault, Mix, Strict};
use simulator::report::{Report, Violation};

/// Seeds of a run of all tests.
const SEEDS: u64 = 300;
/// Runs side by side.
const LANES: u64 = 2;
/// Violations whose transcripts are shown.
const SHOWN_MAX: usize = 2;

/// A number from the environment.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// Kinds of faults by their names, with commas between; `all`: all of them; `common`: all but those of configurations.
fn faults(names: &str) -> Vec<Fault> {
    if let Some(group) = Fault::group(names) {
        return group;
    }
    let named = |name: &str| Fault::named(name).unwrap_or_else(|| panic!("{name} is no kind of fault"));
    names.split(',').map(named).collect()
}

/// The mix of a seed, or the one that is asked for.
fn mix(seed: u64) -> Mix {
    let mut mix = Mix::of(seed);
    if let Ok(names) = env::var("FAULTS") {
        mix.faults = faults(&names);
    }
    match env::var("STRICT").as_deref() {
        Ok("yes") => mix.strict = Strict::Yes,
        Ok("no") => mix.strict = Strict::No,
        Ok(other) => panic!("STRICT={other} (legal: yes, no)"),
        Err(_) => {}
    }
    mix
}

/// Runs seeds in lanes side by side: the figures of those that held, and what the others broke, in order.
fn run_all(seeds: std::ops::Range<u64>) -> (Report, Vec<Violation>) {
    let next = AtomicU64::new(seeds.start);
    let lane = || {
        let mut results = Vec::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return results;
            }
            let result = simulator::run(seed, &mix(seed));
            if let Err(violation) = &result {
                let Violation { invariant, what, .. } = &**violation;
                println!("seed {seed}: {} invariant {invariant}: {what}", violation.mix.names());
            }
            results.push((seed, result));
        }
    };
    let mut results: Vec<_> = std::thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes.into_iter().flat_map(|lane| lane.join().expect("a run that panics says its seed")).collect()
    });
    results.sort_by_key(|result| result.0);
    let mut sum = Report::default();
    let mut violations = Vec::new();
    for (_, result) in results {
        match result {
            Ok(report) => sum.add(&report),
            Err(violation) => violations.push(*violation),
        }
    }
    (sum, violations)
}

/// The fields of a scenario file: `key = value` lines, and words behind `;`.
fn field<'a>(text: &'a str, key: &str) -> &'a str {
    let mut lines = text.lines().filter_map(|line| line.split_once('='));
    lines.find(|line| line.0.trim() == key).map(|line| line.1.trim()).unwrap_or_else(|| panic!("no {key} in\n{text}"))
}

/// Every seed that once broke an invariant, by a bug of the server, breaks none any more; each has a file that says
/// what was found.
#[test]
fn every_scenario_that_once_found_a_bug_passes() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sim/scenarios");
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a scenario");
        let strict = if field(&text, "strict") == "yes" { Strict::Yes } else { Strict::No };
        let mix = Mix { faults: faults(field(&text, "faults")), strict };
        let seed = field(&text, "seed").parse().expect("a number");
        let result = simulator::run(seed, &mix);
        assert_eq!(field(&text, "expect"), "pass", "what a scenario may expect");
        if let Err(violation) = result {
            panic!("{violation}\n{}", path.display());
        }
    }
}

/// The same seed gives the same run, to the last octet; another one another.
#[test]
fn a_seed_gives_the_same_run_twice() {
    let hash = |seed| simulator::run(seed, &Mix::of(seed)).unwrap_or_else(|violation| panic!("{violation}")).hash;
    assert_eq!(hash(6), hash(6));
    assert_eq!(hash(11), hash(11));
    assert_ne!(hash(6), hash(16));
}

/// Every seed that is asked for keeps all invariants, with faults and after the heal.
#[test]
fn the_seeds_that_are_asked_for_break_no_invariant() {
    let from = number("SEED").or(number("FROM")).unwrap_or(0);
    let count = if number("SEED").is_some() { 1 } else { number("SEEDS").unwrap_or(SEEDS) };
    let (sum, violations) = run_all(from..from + count);
    for violation in violations.iter().take(SHOWN_MAX) {
        println!("{violation}\n");
    }
    println!("{sum}");
    assert!(violations.is_empty(), "{} of {count} seeds break an invariant", violations.len());
}
