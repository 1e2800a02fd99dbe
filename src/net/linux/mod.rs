//! What only Linux has: many datagrams a call with packet information, refused ports, packet sockets, signals by
//! descriptor, and a clock that counts suspends. `portable` offers the same names by POSIX alone.

mod datagrams;
mod frames;
mod many;
mod refusals;
mod signals;

use nix::time::ClockId;

pub(crate) use datagrams::Datagrams;
pub(crate) use frames::Frames;
pub(crate) use refusals::Refusals;
pub(crate) use signals::Signals;

/// The monotonic clock that counts suspends: a lease does not stand still while the host sleeps.
pub(crate) const MONOTONIC: ClockId = ClockId::CLOCK_BOOTTIME;
