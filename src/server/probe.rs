//! Ping before assign (PingBeforeAssign): an offer waits until nobody answered an echo request for its address.
//!
//! The loop never waits: the DISCOVER is kept, the address is held, and when the time for an answer is over the
//! message is dealt with again. An answer sets the address aside and the message gets another one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Duration;

use super::event::Arrival;
use crate::clock::Mono;
use crate::config::Policy;

/// Addresses probed at once; each keeps one message. More would be a flood, which pings must not amplify.
pub const PROBES_MAX: usize = 1_024;

/// One address that is being probed.
#[derive(Clone, Debug)]
pub struct Probe {
    /// The newest DISCOVER of the client that is to get the address.
    pub bytes: Vec<u8>,
    /// Where it came in.
    pub arrival: Arrival,
    attempts_left: u32,
    due: Mono,
    answer: Duration,
    gap: Duration,
}

/// What to do with a probe that is due.
#[derive(Debug)]
pub enum Due {
    /// Send one more echo request.
    Again(Ipv4Addr),
    /// Nobody answered.
    Unanswered(Ipv4Addr, Probe),
}

/// All probes under way.
#[derive(Clone, Debug, Default)]
pub struct Probes {
    probes: BTreeMap<Ipv4Addr, Probe>,
    by_time: BTreeSet<(Mono, Ipv4Addr)>,
}

impl Probes {
    /// Number of addresses that are being probed.
    pub(super) fn len(&self) -> usize {
        self.probes.len().max(self.by_time.len())
    }

    /// Whether no more can be begun.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.probes.len() >= PROBES_MAX
    }

    /// When the next one is due.
    #[must_use]
    pub fn next_due(&self) -> Option<Mono> {
        self.by_time.first().map(|entry| entry.0)
    }

    /// Begins: the first echo request goes out now. Returns how long it takes at most until all is known.
    pub fn begin(&mut self, address: Ipv4Addr, kept: (Arrival, &[u8]), policy: &Policy, now: Mono) -> Duration {
        let (arrival, bytes) = kept;
        let attempts_left = policy.ping_attempts.saturating_sub(1);
        let (answer, gap) = (policy.ping_delay, policy.ping_send_delay);
        let due = now + if attempts_left == 0 { answer } else { gap };
        self.probes.insert(address, Probe { bytes: bytes.to_vec(), arrival, attempts_left, due, answer, gap });
        self.by_time.insert((due, address));
        gap.saturating_mul(attempts_left) + answer
    }

    /// Keeps a newer DISCOVER of the same client in place of the one kept; whether `address` is being probed.
    pub fn refresh(&mut self, address: Ipv4Addr, arrival: Arrival, bytes: &[u8]) -> bool {
        let Some(probe) = self.probes.get_mut(&address) else { return false };
        probe.arrival = arrival;
        probe.bytes.clear();
        probe.bytes.extend_from_slice(bytes);
        true
    }

    /// Ends the probe of `address`: somebody answered, or the offer is gone.
    pub fn end(&mut self, address: Ipv4Addr) -> Option<Probe> {
        let probe = self.probes.remove(&address)?;
        self.by_time.remove(&(probe.due, address));
        Some(probe)
    }

    /// Ends all; what waits for them.
    pub fn take_all(&mut self) -> Vec<Probe> {
        let all = std::mem::take(&mut self.by_time);
        all.iter().filter_map(|entry| self.probes.remove(&entry.1)).collect()
    }

    /// Takes the next one that is due at `now`.
    pub fn take_due(&mut self, now: Mono) -> Option<Due> {
        let &(due, address) = self.by_time.first()?;
        if due > now {
            return None;
        }
        let probe = self.probes.get_mut(&address)?;
        self.by_time.remove(&(due, address));
        if probe.attempts_left == 0 {
            return self.probes.remove(&address).map(|probe| Due::Unanswered(address, probe));
        }
        probe.attempts_left -= 1;
        probe.due = now + if probe.attempts_left == 0 { probe.answer } else { probe.gap };
        self.by_time.insert((probe.due, address));
        Some(Due::Again(address))
    }
}
