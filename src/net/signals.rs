//! Signals as inputs: HUP, TERM, INT and USR1. They are blocked for the whole process and fetched by the loop, so
//! no handler runs and nothing is interrupted. How they are fetched is the system's: a descriptor on Linux, asking
//! now and then elsewhere.

use nix::sys::signal::{SigSet, Signal};

use super::error::NetError;
use super::system;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// HUP.
    Reload,
    /// TERM, INT.
    Stop,
    /// USR1.
    Report,
}

/// The signals that the loop fetches.
pub(crate) fn awaited() -> SigSet {
    [Signal::SIGHUP, Signal::SIGTERM, Signal::SIGINT, Signal::SIGUSR1].into_iter().collect()
}

/// What `signal` asks for; `None` for one that is not awaited.
pub(crate) fn request(signal: Signal) -> Option<Request> {
    match signal {
        Signal::SIGHUP => Some(Request::Reload),
        Signal::SIGTERM | Signal::SIGINT => Some(Request::Stop),
        Signal::SIGUSR1 => Some(Request::Report),
        _ => None,
    }
}

/// Blocks the awaited signals and opens the way to fetch them.
///
/// # Errors
/// [`NetError::System`] when the system refuses.
pub(crate) fn open() -> Result<system::Signals, NetError> {
    awaited().thread_block().map_err(|errno| NetError::System { call: "blocking signals", source: errno.into() })?;
    system::Signals::open().map_err(|source| NetError::System { call: "signalfd", source })
}
