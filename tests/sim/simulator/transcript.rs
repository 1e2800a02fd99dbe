//! What happened, for a reader and for comparison: a hash over everything, and lines where they are wanted.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Once;

use super::clock::{MILLI, Time};

/// Lines kept of a run that is recorded.
const LINES_MAX: usize = 40_000;

thread_local! {
    static SAID: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

/// Takes the log lines of servers in threads that record.
struct Capture;

impl log::Log for Capture {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Debug
    }

    fn log(&self, record: &log::Record<'_>) {
        SAID.with_borrow_mut(|said| {
            if let Some(said) = said {
                said.push(format!("{} {}", record.level().as_str().to_lowercase(), record.args()));
            }
        });
    }

    fn flush(&self) {}
}

/// Whether lines are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Only the hash.
    Hash,
    /// The last lines too.
    Lines,
}

/// The transcript of a run.
#[derive(Debug)]
pub(crate) struct Transcript {
    keep: Keep,
    hash: u64,
    lines: VecDeque<String>,
}

impl Transcript {
    /// An empty one.
    pub(crate) fn new(keep: Keep) -> Transcript {
        static ONCE: Once = Once::new();
        if keep == Keep::Lines {
            ONCE.call_once(|| {
                log::set_logger(&Capture).expect("the only logger of this process");
                log::set_max_level(log::LevelFilter::Debug);
            });
        }
        SAID.with_borrow_mut(|said| *said = (keep == Keep::Lines).then(Vec::new));
        Transcript { keep, hash: 0xcbf2_9ce4_8422_2325, lines: VecDeque::new() }
    }

    /// Something happened: what it is goes into the hash.
    pub(crate) fn mark(&mut self, now: Time, what: &[u8]) {
        let mut hash = self.hash ^ now;
        for chunk in what.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
        self.hash = hash;
    }

    /// Something happened: in words, where lines are kept.
    pub(crate) fn say(&mut self, now: Time, words: impl FnOnce() -> String) {
        if self.keep == Keep::Lines {
            if self.lines.len() == LINES_MAX {
                self.lines.pop_front();
            }
            self.lines.push_back(format!("{:>10.3} {}", (now / MILLI) as f64 / 1000.0, words()));
        }
    }

    /// Takes over what a server logged.
    pub(crate) fn hear(&mut self, now: Time, node: &str) {
        if self.keep == Keep::Lines {
            let said = SAID.with_borrow_mut(|said| said.as_mut().map(std::mem::take).unwrap_or_default());
            let is_dull = |line: &String| {
                line.contains("Asleep -> Probing")
                    || line.contains("Probing -> Asleep")
                    || line.contains("no answer to")
            };
            for line in said.into_iter().filter(|line| !is_dull(line)) {
                self.say(now, || format!("{node} {line}"));
            }
        }
    }

    /// The hash so far.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// The last lines.
    pub(crate) fn tail(&self, count: usize) -> String {
        let from = self.lines.len().saturating_sub(count);
        self.lines.iter().skip(from).map(|line| format!("{line}\n")).collect()
    }
}
