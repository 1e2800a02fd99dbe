//! Counts and delays of one kind of answer, as JSON.

use std::fmt;
use std::time::Duration;

/// Requests sent and the delays of their answers.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: usize,
    micros: Vec<u32>,
}

impl Tally {
    /// One request more.
    pub(crate) fn sent(&mut self) {
        self.sent += 1;
    }

    /// Its answer came after `delay`.
    pub(crate) fn answered(&mut self, delay: Duration) {
        self.micros.push(u32::try_from(delay.as_micros()).unwrap_or(u32::MAX));
    }

    /// Answers so far.
    pub(crate) fn answers(&self) -> usize {
        self.micros.len()
    }

    /// Per cent of the requests that have no answer; 100 when none was sent.
    pub(crate) fn lost(&self) -> f64 {
        if self.sent == 0 {
            return 100.0;
        }
        100.0 * self.sent.saturating_sub(self.micros.len()) as f64 / self.sent as f64
    }

    /// Orders the delays, so that the percentiles can be printed.
    pub(crate) fn sort(&mut self) {
        self.micros.sort_unstable();
    }

    /// The delay in milliseconds that `share` of the answers did not exceed.
    fn percentile(&self, share: f64) -> f64 {
        let last = self.micros.len().saturating_sub(1);
        f64::from(self.micros.get((last as f64 * share) as usize).copied().unwrap_or(0)) / 1000.0
    }
}

/// One JSON object. Times in milliseconds.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.micros.iter().map(|m| u64::from(*m)).sum();
        let average = total as f64 / 1000.0 / self.micros.len().max(1) as f64;
        write!(f, "{{\"sent\": {}, \"got\": {}, \"lost_pct\": {:.3}", self.sent, self.answers(), self.lost())?;
        write!(f, ", \"min\": {:.3}, \"avg\": {average:.3}", self.percentile(0.0))?;
        write!(f, ", \"p50\": {:.3}, \"p99\": {:.3}", self.percentile(0.5), self.percentile(0.99))?;
        write!(f, ", \"p999\": {:.3}, \"max\": {:.3}}}", self.percentile(0.999), self.percentile(1.0))
    }
}
