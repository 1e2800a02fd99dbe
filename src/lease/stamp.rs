//! Stamps: a 64-bit hybrid logical clock that orders the changes of both servers (failover.md section 1).

use crate::clock::Wall;

/// When a change was made: lease clock in milliseconds times 65,536, or one more than the last stamp seen or made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp(pub u64);

impl Stamp {
    /// Bits below the milliseconds.
    const LOGICAL_BITS: u32 = 16;

    /// The lowest stamp that can be made at `wall`.
    #[must_use]
    pub const fn at(wall: Wall) -> Stamp {
        Stamp(wall.millis() << Stamp::LOGICAL_BITS)
    }

    /// The lease clock in it, at most a fraction of a second ahead of the real one.
    #[must_use]
    pub const fn wall(self) -> Wall {
        Wall::from_millis(self.0 >> Stamp::LOGICAL_BITS)
    }
}

/// Makes stamps that only go up.
#[derive(Clone, Debug, Default)]
pub struct StampClock {
    last: Stamp,
}

impl StampClock {
    /// The stamp of a change made at `now`.
    pub fn next(&mut self, now: Wall) -> Stamp {
        self.last = Stamp::at(now).max(Stamp(self.last.0 + 1));
        self.last
    }

    /// Makes all later stamps newer than `seen`.
    pub fn lift(&mut self, seen: Stamp) {
        self.last = self.last.max(seen);
    }

    /// The newest stamp made or seen.
    #[must_use]
    pub fn last(&self) -> Stamp {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_go_up_even_when_the_clock_stands_still_or_goes_back() {
        let mut clock = StampClock::default();
        let first = clock.next(Wall::from_secs(1_000));
        let second = clock.next(Wall::from_secs(1_000));
        let third = clock.next(Wall::from_secs(999));
        assert!(first < second && second < third);
        assert_eq!(first.wall(), Wall::from_secs(1_000));
    }

    #[test]
    fn a_stamp_seen_lifts_the_next_one() {
        let mut clock = StampClock::default();
        let seen = Stamp::at(Wall::from_secs(5_000));
        clock.lift(seen);
        assert!(clock.next(Wall::from_secs(1)) > seen);
    }
}
