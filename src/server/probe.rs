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

/// How an address is probed.
#[derive(Clone, Copy, Debug)]
pub struct Ping {
    /// Echo requests at most, one at least.
    pub attempts: u32,
    /// How long the last one is waited for.
    pub answer: Duration,
    /// The pause between two of them.
    pub gap: Duration,
}

impl Ping {
    /// As the parameters of a range say.
    #[must_use]
    pub fn of(policy: &Policy) -> Ping {
        Ping { attempts: policy.ping_attempts, answer: policy.ping_delay, gap: policy.ping_send_delay }
    }
}

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
    /// Those whose echo request leaves at the end of this turn.
    leaving: Vec<Ipv4Addr>,
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
    pub fn begin(&mut self, address: Ipv4Addr, kept: (Arrival, &[u8]), ping: Ping, now: Mono) -> Duration {
        let (arrival, bytes) = kept;
        let Ping { attempts, answer, gap } = ping;
        let attempts_left = attempts.saturating_sub(1);
        let due = now + if attempts_left == 0 { answer } else { gap };
        self.probes.insert(address, Probe { bytes: bytes.to_vec(), arrival, attempts_left, due, answer, gap });
        self.by_time.insert((due, address));
        self.leaving.push(address);
        gap.saturating_mul(attempts_left) + answer
    }

    /// The last turn, and its commit, took `length`: its echo requests left that much later than they were decided on,
    /// and an answer has as long as ever from then on.
    pub fn note_turn(&mut self, length: Duration) {
        for address in self.leaving.drain(..) {
            let Some(probe) = self.probes.get_mut(&address) else { continue };
            self.by_time.remove(&(probe.due, address));
            probe.due = probe.due + length;
            self.by_time.insert((probe.due, address));
        }
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
        self.leaving.push(address);
        Some(Due::Again(address))
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddrV4;

    use super::*;
    use crate::server::event::InterfaceId;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn is_due(probes: &mut Probes, at: Duration) -> bool {
        probes.take_due(Mono::default() + at).is_some()
    }

    /// The commit of the turn that sent the echo request may take longer than the answer.
    #[test]
    fn an_answer_has_its_time_from_when_the_echo_request_left() {
        let milli = Duration::from_millis(1);
        let ping = Ping { attempts: 2, answer: 100 * milli, gap: 40 * milli };
        let source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
        let arrival = Arrival { interface: InterfaceId(1), source, destination: Ipv4Addr::BROADCAST };
        let mut probes = Probes::default();
        let _ = probes.begin(ADDRESS, (arrival, b"discover"), ping, Mono::default());
        probes.note_turn(300 * milli);
        assert!(!is_due(&mut probes, 339 * milli));
        assert!(is_due(&mut probes, 340 * milli), "the second attempt");
        probes.note_turn(50 * milli);
        probes.note_turn(50 * milli);
        assert!(!is_due(&mut probes, 489 * milli), "only the turn that sent it counts");
        assert!(is_due(&mut probes, 490 * milli));
    }
}
