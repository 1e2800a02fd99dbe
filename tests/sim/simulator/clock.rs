//! Time: one true time, and what the clocks of a node make of it.

use understudy::clock::{Mono, Reading, Wall};

/// True time since the beginning of the run, in nanoseconds.
pub(crate) type Time = u64;

/// Nanoseconds of a millisecond.
pub(crate) const MILLI: Time = 1_000_000;
/// Nanoseconds of a second.
pub(crate) const SECOND: Time = 1_000_000_000;
/// 2026-01-01T00:00:00Z in milliseconds.
const START: u64 = 1_767_225_600_000;
/// What the monotonic clocks show at the beginning.
const MONO: u64 = 1_000_000_000;

/// How far a clock that shows `wall` milliseconds stands before and behind the true time.
pub(crate) fn off(wall: u64, time: Time) -> (Time, Time) {
    let (shown, due) = (wall * MILLI, START * MILLI + time);
    (shown.saturating_sub(due), due.saturating_sub(shown))
}

/// The two clocks of a node: both run `drift` parts in a million too fast; the wall clock stands off besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NodeClock {
    /// Parts in a million.
    pub(crate) drift: i64,
    /// The wall clock minus the true one, in milliseconds, drift aside.
    pub(crate) offset: i64,
}

impl NodeClock {
    /// What a turn at `time` reads.
    pub(crate) fn reading(self, time: Time) -> Reading {
        let local = self.local(time);
        let system = (START + local / MILLI).saturating_add_signed(self.offset);
        Reading { mono: Mono::from_nanos(MONO + local), system: Wall::from_millis(system) }
    }

    /// The first true time at which the monotonic clock shows `mono` or later.
    pub(crate) fn when(self, mono: Mono) -> Time {
        let local = i128::from(mono.nanos().saturating_sub(MONO));
        let time = local * 1_000_000 / i128::from(1_000_000 + self.drift);
        Time::try_from(time).unwrap_or(Time::MAX / 2) + 1_000
    }

    fn local(self, time: Time) -> u64 {
        let drifted = i128::from(time) * i128::from(1_000_000 + self.drift) / 1_000_000;
        u64::try_from(drifted).unwrap_or(u64::MAX)
    }
}
