//! The two clocks, read once a turn. The only place that asks the system for the time of a turn.

use nix::time::{ClockId, clock_gettime};

use super::system;
use crate::clock::{Mono, Reading, Wall};

/// Reads both clocks. A clock that the system refuses reads as 0; that happens on no system this runs on.
#[must_use]
pub fn read() -> Reading {
    Reading {
        mono: Mono::from_nanos(nanos(system::MONOTONIC)),
        system: Wall::from_millis(nanos(ClockId::CLOCK_REALTIME) / 1_000_000),
    }
}

/// Microseconds of CLOCK_MONOTONIC, as systemd wants them with RELOADING=1 (sd_notify(3)).
pub(crate) fn monotonic_micros() -> u64 {
    nanos(ClockId::CLOCK_MONOTONIC) / 1000
}

fn nanos(clock: ClockId) -> u64 {
    let Ok(time) = clock_gettime(clock) else { return 0 };
    let secs = u64::try_from(time.tv_sec()).unwrap_or(0);
    let rest = u64::try_from(time.tv_nsec()).unwrap_or(0);
    secs.saturating_mul(1_000_000_000).saturating_add(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_monotonic_clock_does_not_go_back_and_the_wall_clock_is_of_this_century() {
        let (first, second) = (read(), read());
        assert!(second.mono >= first.mono);
        assert!(first.system.secs() > 1_000_000_000);
    }
}
