//! The runs: half a minute each as tests; by `make chaos` as long as CHAOS_SECONDS says, with the faults of CHAOS_SEED.

use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::lab::{Mode, Run, clock_library, play};
use super::logs::Logs;
use super::verdict::judge;
use crate::rig::Stage;

/// Seconds of faults where nobody says otherwise.
const SECONDS: u64 = 30;
/// Its half minute has a kill, a standstill longer than detection, and a cut heartbeat (see the test below).
const SEED: u64 = 3;
/// Where a failing run leaves its logs and its capture; the folder for temporary files where it is not set.
const KEEP_IN: &str = "CHAOS_KEEP_IN";

fn number(name: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number"))
}

fn run(mode: Mode) -> Run {
    let length = Duration::from_secs(number("CHAOS_SECONDS", SECONDS));
    Run { mode, seed: number("CHAOS_SEED", SEED), length }
}

/// Keeps the folder of a run that ends by a panic.
struct Evidence<'a> {
    stage: &'a Stage,
    run: Run,
}

impl Drop for Evidence<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let parent = std::env::var_os(KEEP_IN).map_or_else(std::env::temp_dir, PathBuf::from);
        let Run { mode, seed, length } = self.run;
        let moment = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let kept = parent.join(format!("understudy-chaos-{mode:?}-{seed}-{moment}"));
        let said = match fs::rename(self.stage.folder(), &kept) {
            Ok(()) => format!("logs, faults and capture: {}\n", kept.display()),
            Err(error) => format!("logs and capture could not be kept in {}: {error}\n", kept.display()),
        };
        let again = format!(
            "the same faults again: make chaos MINUTES={:.2} SEED={seed} MODE={mode:?}\n",
            length.as_secs_f64() / 60.0
        );
        say(&(said + &again));
    }
}

/// Says it past the capture of the harness; a closed terminal must not fail the run.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}

fn must_be_good(stage: &Stage, mode: Mode) {
    assert!(clock_library().is_file());
    let run = run(mode);
    let evidence = Evidence { stage, run };
    let outcome = play(stage, run);
    let logs = Logs::read(stage.folder());
    let verdict = judge(run, &outcome, &logs);
    say(&verdict.table);
    assert!(verdict.problems.is_empty(), "seed {}, {mode:?}:\n{}", run.seed, verdict.problems.join("\n"));
    drop(evidence);
}

/// failover.md 10, 2: an address has a second holder only by a grant that its server counted, after a ping.
#[test]
fn chaos_with_the_default() {
    let Some(stage) = Stage::set("chaos-default", &["python3"]) else { return };
    must_be_good(&stage, Mode::Default);
}

/// failover.md 10, 2: with StrictShares no address has two holders, whatever happens.
#[test]
fn chaos_with_strict_shares() {
    let Some(stage) = Stage::set("chaos-strict", &["python3"]) else { return };
    must_be_good(&stage, Mode::Strict);
}

#[test]
fn the_half_minute_of_the_tests_has_what_matters_most() {
    use super::schedule::{Fault, Server, faults};
    let planned = faults(SEED, Duration::from_secs(SECONDS));
    let has = |wanted: fn(&Fault) -> bool| planned.iter().any(|planned| wanted(&planned.fault));
    assert!(has(|fault| matches!(fault, Fault::Kill(_))), "a kill");
    assert!(has(|fault| matches!(fault, Fault::Freeze(Server::First))), "a frozen primary");
    assert!(has(|fault| matches!(fault, Fault::CutChannel(_) | Fault::Partition)), "a cut");
    assert!(planned.len() >= 8, "{} faults", planned.len());
}
