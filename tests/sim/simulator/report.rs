//! What runs have shown, in figures; and what a run that broke an invariant has to say.

use std::collections::BTreeMap;
use std::fmt;

use super::clock::{SECOND, Time};
use super::mix::{Fault, Mix, Strict};

/// The figures of one run or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Report {
    /// Runs.
    pub(crate) seeds: u64,
    /// Turns of engines.
    pub(crate) turns: u64,
    /// Virtual time.
    pub(crate) time: Time,
    /// Faults that happened, by kind.
    pub(crate) faults: BTreeMap<Fault, u64>,
    /// Datagrams between servers that were damaged, forged or replayed.
    pub(crate) forged: u64,
    /// ACKs that left a server.
    pub(crate) acks: u64,
    /// Of these, to a client that did not hold the address.
    pub(crate) grants: u64,
    /// NAKs that left a server.
    pub(crate) naks: u64,
    /// Times that control went to the failover.
    pub(crate) takeovers: u64,
    /// Starts of servers after the first.
    pub(crate) restarts: u64,
    /// Turns after which two servers served one subnet, out of contact.
    pub(crate) ticks_both_serving: u64,
    /// Grants that were counted as unsettled by their server.
    pub(crate) unsettled: u64,
    /// Two clients promised one address: each an unsettled grant after an unanswered ping.
    pub(crate) duplicates_lawful: u64,
    /// The same, on the word of a client that said it had the address.
    pub(crate) duplicates_by_word: u64,
    /// The same, since the record of the first was lost with a disk.
    pub(crate) duplicates_lost: u64,
    /// Refusals of a promised address that was promised twice, lawfully.
    pub(crate) refused_contested: u64,
    /// The longest time that a server needed to be equal to its partner after the heal, in milliseconds.
    pub(crate) slowest_heal_ms: u64,
    /// Messages of clients that a server had to answer in the turn that read them.
    pub(crate) due: u64,
    /// Looks at subnets that nobody served though somebody should, in the end.
    pub(crate) looked: u64,
    /// The longest time that this lasted, in per cent of the time that it may.
    pub(crate) slowest_detection: u64,
    /// Turns that were decided twice, to be compared.
    pub(crate) compared: u64,
    /// The hash of the transcript; of many runs: all of them combined.
    pub(crate) hash: u64,
}

impl Report {
    /// Adds the figures of another.
    pub(crate) fn add(&mut self, other: &Report) {
        self.seeds += other.seeds;
        self.turns += other.turns;
        self.time += other.time;
        for (fault, count) in &other.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        self.forged += other.forged;
        self.acks += other.acks;
        self.grants += other.grants;
        self.naks += other.naks;
        self.takeovers += other.takeovers;
        self.restarts += other.restarts;
        self.ticks_both_serving += other.ticks_both_serving;
        self.unsettled += other.unsettled;
        self.duplicates_lawful += other.duplicates_lawful;
        self.duplicates_by_word += other.duplicates_by_word;
        self.duplicates_lost += other.duplicates_lost;
        self.refused_contested += other.refused_contested;
        self.slowest_heal_ms = self.slowest_heal_ms.max(other.slowest_heal_ms);
        self.due += other.due;
        self.looked += other.looked;
        self.slowest_detection = self.slowest_detection.max(other.slowest_detection);
        self.compared += other.compared;
        self.hash = self.hash.rotate_left(1) ^ other.hash;
    }

    /// Counts a fault.
    pub(crate) fn count(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = (self.time / SECOND) as f64 / 3600.0;
        writeln!(f, "seeds {}, turns {}, virtual hours {hours:.1}", self.seeds, self.turns)?;
        let faults: Vec<String> =
            self.faults.iter().map(|(fault, count)| format!("{} {count}", fault.name())).collect();
        writeln!(f, "faults: {}; bad datagrams {}", faults.join(", "), self.forged)?;
        writeln!(
            f,
            "acks {}, grants {}, naks {}, takeovers {}, restarts {}",
            self.acks, self.grants, self.naks, self.takeovers, self.restarts
        )?;
        writeln!(
            f,
            "ticks with both serving {}, unsettled grants {}, refused while contested {}, slowest heal {} ms",
            self.ticks_both_serving, self.unsettled, self.refused_contested, self.slowest_heal_ms
        )?;
        writeln!(
            f,
            "answers due {}, looks at subnets that nobody serves {}, slowest detection {} % of its bound, turns \
             decided twice {}",
            self.due, self.looked, self.slowest_detection, self.compared
        )?;
        write!(
            f,
            "duplicates: unlawful 0, after an unanswered ping {}, on a client's word {}, lost with a disk {}",
            self.duplicates_lawful, self.duplicates_by_word, self.duplicates_lost
        )
    }
}

/// An invariant that was broken.
#[derive(Clone, Debug)]
pub(crate) struct Violation {
    /// Its number in failover.md section 10.
    pub(crate) invariant: u8,
    /// What happened.
    pub(crate) what: String,
    /// The seed.
    pub(crate) seed: u64,
    /// The mix.
    pub(crate) mix: Mix,
    /// When, in virtual time.
    pub(crate) at: Time,
    /// The end of the transcript, if it was recorded.
    pub(crate) transcript: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strict = if self.mix.strict == Strict::Yes { "yes" } else { "no" };
        let at = (self.at / 1_000_000) as f64 / 1000.0;
        writeln!(f, "{}", self.transcript)?;
        writeln!(f, "seed {} breaks invariant {} at {at:.3} s: {}", self.seed, self.invariant, self.what)?;
        let faults = self.mix.names();
        write!(f, "again: SEED={} FAULTS={faults} STRICT={strict} make sim", self.seed)
    }
}
