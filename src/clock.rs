//! Times and the lease clock: the only place that knows how the two clocks of the server relate.
//!
//! Timers use [`Mono`], leases use [`Wall`]; there is no arithmetic between them. Both are read once a turn
//! by `net` and handed on as a [`Reading`]; [`LeaseClock`] turns that into [`Now`] (failover.md section 9).
//! Nothing here asks the system for the time.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// A point on the monotonic clock that counts suspends (CLOCK_BOOTTIME), in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(u64);

impl Mono {
    /// The point `nanos` nanoseconds after the clock's origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Mono {
        Mono(nanos)
    }

    /// Nanoseconds since the clock's origin.
    #[must_use]
    pub const fn nanos(self) -> u64 {
        self.0
    }

    /// Time from `earlier` to this point; zero when `earlier` is not earlier.
    #[must_use]
    pub const fn since(self, earlier: Mono) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Mono {
    type Output = Mono;

    fn add(self, wait: Duration) -> Mono {
        Mono(self.0.saturating_add(u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// A point of calendar time, in milliseconds since 1970 (UTC). Ends of leases are on the lease clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(u64);

impl Wall {
    /// The end of a lease that never ends.
    pub const NEVER: Wall = Wall(u64::MAX);

    /// The point `millis` milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Wall {
        Wall(millis)
    }

    /// The point `secs` seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Wall {
        Wall(secs.saturating_mul(1000))
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    /// This point plus `lease`; [`Wall::NEVER`] when `lease` is infinite.
    #[must_use]
    pub const fn after(self, lease: Secs) -> Wall {
        if lease.is_infinite() || self.0 == u64::MAX {
            return Wall::NEVER;
        }
        Wall(self.0.saturating_add(lease.0 as u64 * 1000))
    }

    /// Whole seconds from `now` to this point, rounded up: 0 when passed, infinite for [`Wall::NEVER`].
    #[must_use]
    pub fn remaining(self, now: Wall) -> Secs {
        if self == Wall::NEVER {
            return Secs::INFINITE;
        }
        let secs = self.0.saturating_sub(now.0).div_ceil(1000);
        Secs(u32::try_from(secs).unwrap_or(u32::MAX - 1).min(u32::MAX - 1))
    }
}

/// A length of time in whole seconds, as DHCP options carry it (RFC 2131 section 3.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Secs(pub u32);

impl Secs {
    /// 0xffffffff: a lease that never ends (RFC 2131 section 3.3).
    pub const INFINITE: Secs = Secs(u32::MAX);

    /// Whether this is the infinite lease.
    #[must_use]
    pub const fn is_infinite(self) -> bool {
        self.0 == u32::MAX
    }
}

impl fmt::Display for Secs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_infinite() { f.write_str("infinite") } else { write!(f, "{}", self.0) }
    }
}

/// What `net` reads once a turn: the monotonic clock and the system's wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    /// The monotonic clock.
    pub mono: Mono,
    /// The system's wall clock, which an operator or NTP may step.
    pub system: Wall,
}

/// The time of one turn.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For timers.
    pub mono: Mono,
    /// For leases: the lease clock.
    pub wall: Wall,
}
