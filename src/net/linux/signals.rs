//! Signals by descriptor (signalfd(2)).

use std::io;
use std::os::fd::AsRawFd as _;
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use nix::sys::signal::Signal;
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::net::signals::{Request, awaited, request};

/// The descriptor.
#[derive(Debug)]
pub(crate) struct Signals {
    descriptor: SignalFd,
}

impl Signals {
    /// The longest time between two calls of `next`; `None`: the descriptor becomes ready.
    pub(crate) const ASK_EVERY: Option<Duration> = None;

    /// Opens the descriptor; the signals must be blocked already.
    pub(crate) fn open() -> io::Result<Signals> {
        let descriptor = SignalFd::with_flags(&awaited(), SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Signals { descriptor })
    }

    /// Lets the poll watch the descriptor.
    pub(crate) fn register(&self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.descriptor.as_raw_fd()), token, Interest::READABLE)
    }

    /// The next signal that came in; `None` when there is no more.
    pub(crate) fn next(&mut self) -> Option<Request> {
        while let Ok(Some(caught)) = self.descriptor.read_signal() {
            let number = i32::try_from(caught.ssi_signo).unwrap_or(0);
            if let Some(found) = Signal::try_from(number).ok().and_then(request) {
                return Some(found);
            }
        }
        None
    }
}
