//! Which faults happen when: all of it follows from a seed and a length, before anything runs.

use std::fmt;
use std::time::Duration;

/// A server of the lab.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Server {
    /// The primary of the near and the far crowd.
    First,
    /// The failover of both primaries.
    Failover,
    /// The primary of the third crowd.
    Other,
}

/// All servers, in the order of their places in lists.
pub(crate) const SERVERS: [Server; 3] = [Server::First, Server::Failover, Server::Other];
/// Those with a channel to the failover.
pub(crate) const PRIMARIES: [Server; 2] = [Server::First, Server::Other];
/// Crowds: near and far live on the first primary, the third on the other.
pub(crate) const CROWDS: usize = 3;

impl Server {
    /// Its place in lists.
    pub(crate) fn place(self) -> usize {
        match self {
            Server::First => 0,
            Server::Failover => 1,
            Server::Other => 2,
        }
    }
}

/// What is done to the pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    /// SIGKILL, and a start at the end.
    Kill(Server),
    /// SIGSTOP, and SIGCONT at the end.
    Freeze(Server),
    /// SIGTERM, and a start at the end.
    Stop(Server),
    /// Another FailoverShare and SIGHUP; of the failover SIGHUP alone.
    Reload(Server, u32),
    /// The wall clock stands so many milliseconds off from now on.
    Nudge(Server, i64),
    /// The wall clock stands an hour off, until the end.
    Hour(Server, i64),
    /// The server hears and says nothing, and nobody refuses anything for it.
    Isolate(Server),
    /// The channel of a primary, both ways.
    CutChannel(Server),
    /// The failover hears nothing of a primary.
    CutToFailover(Server),
    /// A primary hears nothing of the failover.
    CutToPrimary(Server),
    /// What a crowd and a server say to each other.
    CutClients(usize, Server),
    /// The first primary and the near crowd on one side, all others on the other.
    Partition,
    /// Loss, copies and reordering on all channels.
    BadChannels,
    /// Loss, copies and reordering everywhere.
    BadWires,
}

impl Fault {
    /// The kind, as the table at the end has it.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Fault::Kill(_) => "kill -9, restart",
            Fault::Freeze(_) => "SIGSTOP, SIGCONT",
            Fault::Stop(_) => "planned stop, restart",
            Fault::Reload(..) => "SIGHUP, other share",
            Fault::Nudge(..) => "clock off by up to 2 s",
            Fault::Hour(..) => "clock step of an hour",
            Fault::Isolate(_) => "server cut off",
            Fault::CutChannel(_) => "heartbeat cut",
            Fault::CutToFailover(_) => "heartbeat cut, to failover",
            Fault::CutToPrimary(_) => "heartbeat cut, to primary",
            Fault::CutClients(..) => "client path cut",
            Fault::Partition => "partition",
            Fault::BadChannels => "bad heartbeat",
            Fault::BadWires => "bad wires",
        }
    }

    /// The server whose process or clock it changes; it is left alone by others of this kind meanwhile.
    pub(crate) fn concerns(self) -> Option<Server> {
        match self {
            Fault::Kill(server)
            | Fault::Freeze(server)
            | Fault::Stop(server)
            | Fault::Reload(server, _)
            | Fault::Nudge(server, _)
            | Fault::Hour(server, _) => Some(server),
            Fault::Isolate(_)
            | Fault::CutChannel(_)
            | Fault::CutToFailover(_)
            | Fault::CutToPrimary(_)
            | Fault::CutClients(..)
            | Fault::Partition
            | Fault::BadChannels
            | Fault::BadWires => None,
        }
    }

    /// How long it lasts at least and at most, in milliseconds.
    fn bounds(self) -> (u64, u64) {
        match self {
            Fault::Kill(_) => (200, 15_000),
            Fault::Freeze(_) => (6_000, 32_000),
            Fault::Stop(_) => (200, 12_000),
            Fault::Reload(..) | Fault::Nudge(..) => (1_000, 1_000),
            Fault::Hour(..) => (5_000, 20_000),
            Fault::Isolate(_) => (3_000, 30_000),
            Fault::CutChannel(_) | Fault::CutToFailover(_) | Fault::CutToPrimary(_) => (3_000, 40_000),
            Fault::CutClients(..) => (3_000, 12_000),
            Fault::Partition => (8_000, 45_000),
            Fault::BadChannels | Fault::BadWires => (5_000, 20_000),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind())?;
        match self {
            Fault::Kill(server)
            | Fault::Freeze(server)
            | Fault::Stop(server)
            | Fault::Isolate(server)
            | Fault::CutChannel(server)
            | Fault::CutToFailover(server)
            | Fault::CutToPrimary(server) => write!(f, ": {server:?}"),
            Fault::Reload(server, share) => write!(f, ": {server:?}, {share} %"),
            Fault::Nudge(server, millis) | Fault::Hour(server, millis) => write!(f, ": {server:?}, {millis} ms"),
            Fault::CutClients(crowd, server) => write!(f, ": crowd {crowd}, {server:?}"),
            Fault::Partition | Fault::BadChannels | Fault::BadWires => Ok(()),
        }
    }
}

/// A fault with its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Planned {
    pub(crate) at: Duration,
    pub(crate) lasts: Duration,
    pub(crate) fault: Fault,
}

impl Planned {
    /// When it is over.
    pub(crate) fn ends(&self) -> Duration {
        self.at + self.lasts
    }
}

/// Before the first fault, in milliseconds.
const LEAD: u64 = 1_500;
/// After a process was started or told something it is left alone for so long, in milliseconds.
const PAUSE: u64 = 4_000;
/// From one fault to the next, in milliseconds: many overlap.
const GAPS: (u64, u64) = (300, 9_000);
/// After so many faults all of them end, and the pair comes to rest.
const BURST: usize = 9;
/// How long it rests, in milliseconds.
const REST: (u64, u64) = (8_000, 16_000);
/// As far as a clock stands off for good, in milliseconds: two of them differ by less than MaxClockSkewSecs.
const OFF_MAX: u64 = 2_000;
const HOUR: i64 = 3_600_000;

/// A chain of numbers that look random (xorshift64).
pub(crate) struct Chance(u64);

impl Chance {
    /// The chain of `seed`.
    pub(crate) fn new(seed: u64) -> Chance {
        // Small seeds differ in few bits; this spreads them (splitmix64's last step).
        let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Chance((mixed ^ mixed >> 31) | 1)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn draw(&mut self, (low, high): (u64, u64)) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        low + (self.0 >> 11) % (high - low + 1)
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        let last = u64::try_from(list.len()).expect("a short list") - 1;
        list[usize::try_from(self.draw((0, last))).expect("a place in it")]
    }

    /// An offset of a clock, in milliseconds.
    pub(crate) fn offset(&mut self) -> i64 {
        let drawn = i64::try_from(self.draw((0, 2 * OFF_MAX))).expect("a small number");
        drawn - i64::try_from(OFF_MAX).expect("a small number")
    }
}

/// One of each kind, some twice, on servers by chance, in an order by chance.
fn deck(chance: &mut Chance) -> Vec<Fault> {
    let mut deck = Vec::new();
    for server in SERVERS {
        deck.push(Fault::Kill(server));
        deck.push(Fault::Freeze(server));
        deck.push(Fault::Stop(server));
    }
    for _ in 0..2 {
        deck.push(Fault::Freeze(Server::First));
        deck.push(Fault::CutChannel(chance.pick(&PRIMARIES)));
        deck.push(Fault::Partition);
    }
    deck.push(Fault::Reload(chance.pick(&SERVERS), chance.pick(&[20, 50, 80])));
    deck.push(Fault::Nudge(chance.pick(&SERVERS), chance.offset()));
    deck.push(Fault::Hour(chance.pick(&SERVERS), chance.pick(&[-HOUR, HOUR])));
    deck.push(Fault::Isolate(chance.pick(&SERVERS)));
    deck.push(Fault::CutToFailover(chance.pick(&PRIMARIES)));
    deck.push(Fault::CutToPrimary(chance.pick(&PRIMARIES)));
    let crowd = chance.pick(&[0, 1, 2]);
    deck.push(Fault::CutClients(crowd, if crowd == 2 { Server::Other } else { Server::First }));
    deck.extend([Fault::BadChannels, Fault::BadWires]);
    for place in (1..deck.len()).rev() {
        let with = chance.draw((0, u64::try_from(place).expect("a short list")));
        deck.swap(place, usize::try_from(with).expect("a place in it"));
    }
    deck
}

/// All faults of a run of `length`, by their begin; every one is over before its end.
pub(crate) fn faults(seed: u64, length: Duration) -> Vec<Planned> {
    let total = u64::try_from(length.as_millis()).expect("a run of some minutes");
    let mut chance = Chance::new(seed);
    let mut planned: Vec<Planned> = Vec::new();
    let mut busy = [0; SERVERS.len()];
    let (mut at, mut cards) = (LEAD, Vec::new());
    while at + 1_000 < total {
        if cards.is_empty() {
            cards = deck(&mut chance);
        }
        // The first card that can be played now; a server whose process is in other hands is left alone.
        let is_free = |fault: &Fault| fault.concerns().is_none_or(|server| busy[server.place()] <= at);
        if let Some(place) = cards.iter().position(is_free) {
            let fault = cards.remove(place);
            // A short run has short faults, so that some of each happen.
            let (least, most) = fault.bounds();
            let lasts = chance.draw((least, most.min(least.max(total / 4)))).min(total - at);
            if let Some(server) = fault.concerns() {
                busy[server.place()] = at + lasts + PAUSE;
            }
            let millis = Duration::from_millis;
            planned.push(Planned { at: millis(at), lasts: millis(lasts), fault });
        }
        at += chance.draw((GAPS.0, GAPS.1.min(total / 20)));
        if planned.len().is_multiple_of(BURST) && !planned.is_empty() {
            let over = planned.iter().map(Planned::ends).max().unwrap_or_default();
            let over = u64::try_from(over.as_millis()).expect("a run of some minutes");
            at = at.max(over) + chance.draw(REST);
        }
    }
    planned
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    #[test]
    fn a_seed_tells_all_faults_and_another_seed_tells_others() {
        assert_eq!(faults(7, TEN_MINUTES), faults(7, TEN_MINUTES));
        assert_ne!(faults(7, TEN_MINUTES), faults(8, TEN_MINUTES));
    }

    #[test]
    fn ten_minutes_have_every_kind_and_each_ends_in_time() {
        for seed in 0..50 {
            let planned = faults(seed, TEN_MINUTES);
            let kinds: HashSet<&str> = planned.iter().map(|planned| planned.fault.kind()).collect();
            assert_eq!(kinds.len(), 14, "seed {seed}: {kinds:?}");
            assert!(planned.iter().all(|planned| planned.ends() <= TEN_MINUTES), "seed {seed}");
        }
    }

    #[test]
    fn a_process_is_in_one_hand_at_a_time() {
        for seed in 0..50 {
            for server in SERVERS {
                let mut free = Duration::ZERO;
                let planned = faults(seed, TEN_MINUTES);
                for one in planned.iter().filter(|planned| planned.fault.concerns() == Some(server)) {
                    assert!(one.at >= free, "seed {seed}: {} at {:?}", one.fault, one.at);
                    free = one.ends();
                }
            }
        }
    }
}
