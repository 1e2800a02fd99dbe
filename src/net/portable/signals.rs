//! Signals without a descriptor and without a handler.
//!
//! POSIX offers a pending signal through sigwait(3), which blocks when none is pending. So a marker, a signal that
//! nobody else sends, is sent to the own process first: sigwait then always has something to return, and when it
//! returns the marker, nothing else was waiting.
//!
//! This rests on signals being handed out lowest number first among those sent to the process, as Linux and the
//! BSDs do. The marker is sent by kill(2) and not by raise(3), because raise sends to the thread, and what waits for
//! the thread is handed out before what waits for the process: TERM would wait behind a new marker for ever.

use std::io;
use std::time::Duration;

use mio::{Registry, Token};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::Pid;

use crate::net::signals::{Request, awaited, request};

/// The marker: of a higher number than all awaited ones, and not ignored by default, since a system may throw an
/// ignored signal away though it is blocked.
const MARKER: Signal = Signal::SIGPROF;

/// The set that is fetched.
#[derive(Debug)]
pub(crate) struct Signals {
    fetched: SigSet,
    marked: bool,
}

impl Signals {
    /// The longest time between two calls of `next`: how late a signal may be noticed on an idle server.
    pub(crate) const ASK_EVERY: Option<Duration> = Some(Duration::from_millis(200));

    /// Blocks the marker; the others must be blocked already.
    pub(crate) fn open() -> io::Result<Signals> {
        let mut fetched = awaited();
        fetched.add(MARKER);
        fetched.thread_block()?;
        Ok(Signals { fetched, marked: false })
    }

    /// There is nothing to watch.
    pub(crate) fn register(&self, _registry: &Registry, _token: Token) -> io::Result<()> {
        Ok(())
    }

    /// The next signal that came in; `None` when there is no more.
    pub(crate) fn next(&mut self) -> Option<Request> {
        if !self.marked {
            kill(Pid::this(), MARKER).ok()?;
            self.marked = true;
        }
        loop {
            let signal = self.fetched.wait().ok()?;
            if signal == MARKER {
                self.marked = false;
                return None;
            }
            if let Some(found) = request(signal) {
                return Some(found);
            }
        }
    }
}
