//! Limits log lines that the network can provoke: a few of each kind in ten seconds, then a count. A line that says
//! what has not changed comes once a minute.

use std::fmt;
use std::time::Duration;

use crate::clock::Mono;

/// Lines about single clients: enough for an example of each, in a window short enough to notice the next storm.
const EVENTS: Bound = Bound { lines_max: 5, window: Duration::from_secs(10) };
/// Lines about a state that lasts: they remind, and each says the same.
const REMINDERS: Bound = Bound { lines_max: 1, window: Duration::from_secs(60) };

/// Kinds of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// A message that no subnet belongs to.
    NoSubnet,
    /// No free address.
    NoFreeAddress,
    /// An address was declined, or answered a ping.
    AddressInUse,
    /// A reserved address is held by somebody else.
    ReservedTaken,
    /// The journal has no room.
    JournalFull,
}

const KINDS: usize = 5;

/// How many lines of one kind may come in how long.
#[derive(Clone, Copy, Debug)]
struct Bound {
    lines_max: u32,
    window: Duration,
}

/// The state of all kinds.
#[derive(Clone, Debug, Default)]
pub struct Limiter {
    windows: [Window; KINDS],
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: Option<Mono>,
    lines: u32,
    hidden: u32,
}

/// How many lines of a kind were left out before this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hidden(pub u32);

impl fmt::Display for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("none left out") } else { write!(f, "{} such lines left out", self.0) }
    }
}

impl Limiter {
    /// Whether a line of this kind may be written now; `None` leaves it out and counts it.
    pub fn allow(&mut self, line: Line, now: Mono) -> Option<Hidden> {
        let window = &mut self.windows[index(line)];
        let bound = bound(line);
        if window.began.is_none_or(|began| now.since(began) >= bound.window) {
            let hidden = Hidden(window.hidden);
            *window = Window { began: Some(now), lines: 1, hidden: 0 };
            return Some(hidden);
        }
        if window.lines < bound.lines_max {
            window.lines += 1;
            return Some(Hidden(0));
        }
        window.hidden += 1;
        None
    }
}

fn bound(line: Line) -> Bound {
    match line {
        Line::NoSubnet | Line::NoFreeAddress | Line::AddressInUse | Line::ReservedTaken => EVENTS,
        Line::JournalFull => REMINDERS,
    }
}

fn index(line: Line) -> usize {
    match line {
        Line::NoSubnet => 0,
        Line::NoFreeAddress => 1,
        Line::AddressInUse => 2,
        Line::ReservedTaken => 3,
        Line::JournalFull => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sixth_line_of_a_kind_is_hidden_and_counted_in_the_next_window() {
        let mut limiter = Limiter::default();
        let start = Mono::from_nanos(1);
        for _ in 0..EVENTS.lines_max {
            assert_eq!(limiter.allow(Line::NoSubnet, start), Some(Hidden(0)));
        }
        assert_eq!(limiter.allow(Line::NoSubnet, start), None);
        assert_eq!(limiter.allow(Line::NoFreeAddress, start), Some(Hidden(0)));
        assert_eq!(limiter.allow(Line::NoSubnet, start + EVENTS.window), Some(Hidden(1)));
    }

    #[test]
    fn a_full_disk_is_told_of_once_a_minute() {
        let mut limiter = Limiter::default();
        let start = Mono::from_nanos(1);
        let said: Vec<u64> = (0..=120)
            .filter(|secs| limiter.allow(Line::JournalFull, start + Duration::from_secs(*secs)).is_some())
            .collect();
        assert_eq!(said, [0, 60, 120]);
    }
}
