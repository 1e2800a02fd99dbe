//! POSIX alone: what `linux` does better, under the same names. One datagram a call, no arrival interface, refused
//! ports not noticed, replies to clients without an address by broadcast, signals asked for several times a second.

mod datagrams;
mod frames;
mod refusals;
mod signals;

use nix::time::ClockId;

pub(crate) use datagrams::Datagrams;
pub(crate) use frames::Frames;
pub(crate) use refusals::Refusals;
pub(crate) use signals::Signals;

/// The monotonic clock that POSIX knows.
pub(crate) const MONOTONIC: ClockId = ClockId::CLOCK_MONOTONIC;
