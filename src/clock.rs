//! Times and the lease clock: the only place that knows how the two clocks of the server relate.
//!
//! Timers use [`Mono`], leases use [`Wall`]; there is no arithmetic between them. Both are read once a turn
//! by `net` and handed on as a [`Reading`]; [`LeaseClock`] turns that into [`Now`] (failover.md section 9).
//! Nothing here asks the system for the time.

pub mod calendar;

use std::fmt;
use std::ops::Add;
use std::time::Duration;

use crate::rules::{Rule, kept};

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

/// How far the system's clock may differ before the lease clock follows it, and the margin for two servers' clocks.
pub const SKEW_MAX: Duration = Duration::from_secs(5);
/// A difference this small ends the slewing.
const SKEW_MIN_MILLIS: i64 = 100;
/// The lease clock gains or loses one part in so many while it follows the system's clock.
const SLEW_PART: i64 = 10;

/// The clock that ends of leases are on: the wall clock at start, then the monotonic clock (failover.md section 9).
///
/// It never goes back, whatever an operator or NTP does to the system's clock; a difference of more than
/// [`SKEW_MAX`] is slewed away, one second in ten. Only a start beside a partner that runs may set it.
#[derive(Clone, Debug)]
pub struct LeaseClock {
    /// Lease clock at `mono`.
    wall: Wall,
    mono: Mono,
    /// Milliseconds' remainder of the monotonic clock, in nanoseconds.
    rest_nanos: u64,
    slewing: bool,
}

/// What a reading of the lease clock showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// Nothing new.
    None,
    /// The system's clock was found so many milliseconds ahead (or, if negative, behind); slewing begins.
    Began(i64),
    /// The lease clock has caught up.
    Ended,
}

impl LeaseClock {
    /// A clock that starts at `reading`, but not under `floor`, the newest time in the journal.
    #[must_use]
    pub fn new(reading: Reading, floor: Wall) -> LeaseClock {
        let floor = if kept(Rule::ClockFloor) { floor } else { Wall::default() };
        LeaseClock { wall: reading.system.max(floor), mono: reading.mono, rest_nanos: 0, slewing: false }
    }

    /// The time of a turn.
    pub fn read(&mut self, reading: Reading) -> (Now, Drift) {
        if !kept(Rule::LeaseClock) {
            return (Now { mono: reading.mono, wall: reading.system }, Drift::None);
        }
        let nanos = reading.mono.nanos().saturating_sub(self.mono.nanos()) + self.rest_nanos;
        let elapsed = i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
        self.rest_nanos = nanos % 1_000_000;
        self.mono = self.mono.max(reading.mono);
        let behind = i128::from(reading.system.millis()) - i128::from(self.wall.millis()) - i128::from(elapsed);
        let behind = i64::try_from(behind).unwrap_or(if behind < 0 { i64::MIN } else { i64::MAX });
        let drift = self.judge(behind);
        let step = if self.slewing { (elapsed / SLEW_PART).min(behind.saturating_abs()) * behind.signum() } else { 0 };
        self.wall = Wall(self.wall.0.saturating_add_signed(elapsed.saturating_add(step).max(0)));
        (Now { mono: reading.mono, wall: self.wall }, drift)
    }

    /// Takes another clock, `millis` ahead of this one (or behind, if negative), but not under `floor`. Returns it.
    pub fn step(&mut self, millis: i64, floor: Wall) -> Wall {
        self.wall = Wall(self.wall.0.saturating_add_signed(millis)).max(floor);
        self.slewing = false;
        self.wall
    }

    fn judge(&mut self, behind: i64) -> Drift {
        let difference = behind.saturating_abs();
        if !self.slewing && difference > SKEW_MAX.as_millis() as i64 {
            self.slewing = true;
            return Drift::Began(behind);
        }
        if self.slewing && difference <= SKEW_MIN_MILLIS {
            self.slewing = false;
            return Drift::Ended;
        }
        Drift::None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(mono_secs: u64, system_secs: u64) -> Reading {
        Reading { mono: Mono::from_nanos(mono_secs * 1_000_000_000), system: Wall::from_secs(system_secs) }
    }

    #[test]
    fn the_lease_clock_starts_at_the_wall_clock_but_not_under_the_journal() {
        let mut clock = LeaseClock::new(reading(10, 1_000), Wall::default());
        assert_eq!(clock.read(reading(12, 1_002)).0.wall, Wall::from_secs(1_002));
        let mut clock = LeaseClock::new(reading(10, 1_000), Wall::from_secs(5_000));
        assert_eq!(clock.read(reading(11, 1_001)).0.wall, Wall::from_millis(5_000_900));
    }

    #[test]
    fn a_step_of_the_wall_clock_is_slewed_one_second_in_ten_and_said_once() {
        let mut clock = LeaseClock::new(reading(0, 10_000), Wall::default());
        let (now, drift) = clock.read(reading(10, 13_610));
        assert_eq!(drift, Drift::Began(3_600_000));
        assert_eq!(now.wall, Wall::from_secs(10_011));
        let (now, drift) = clock.read(reading(20, 13_620));
        assert_eq!((now.wall, drift), (Wall::from_secs(10_022), Drift::None));
        let (now, _) = clock.read(reading(40_020, 53_620));
        assert_eq!(now.wall, Wall::from_secs(53_620));
        assert_eq!(clock.read(reading(40_021, 53_621)).1, Drift::Ended);
    }

    #[test]
    fn a_step_back_never_makes_the_lease_clock_go_back() {
        let mut clock = LeaseClock::new(reading(0, 10_000), Wall::default());
        let mut last = Wall::default();
        for second in 1..100 {
            let (now, _) = clock.read(reading(second, 6_400 + second));
            assert!(now.wall > last);
            last = now.wall;
        }
        assert_eq!(last, Wall::from_millis(10_089_100));
    }

    #[test]
    fn a_clock_that_is_taken_is_not_under_the_newest_record_and_the_systems_is_followed_again() {
        let mut clock = LeaseClock::new(reading(0, 10_000), Wall::default());
        assert_eq!(clock.step(-3_600_000, Wall::from_secs(7_000)), Wall::from_secs(7_000));
        let (now, drift) = clock.read(reading(10, 10_010));
        assert_eq!((now.wall, drift), (Wall::from_secs(7_011), Drift::Began(3_000_000)));
    }

    #[test]
    fn an_infinite_lease_never_ends_and_a_finite_one_rounds_up() {
        let now = Wall::from_millis(1_500);
        assert_eq!(now.after(Secs::INFINITE), Wall::NEVER);
        assert_eq!(Wall::NEVER.remaining(now), Secs::INFINITE);
        assert_eq!(now.after(Secs(10)), Wall::from_millis(11_500));
        assert_eq!(Wall::from_millis(2_501).remaining(now), Secs(2));
        assert_eq!(Wall::from_millis(1_000).remaining(now), Secs(0));
    }
}
