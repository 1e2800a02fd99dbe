//! No queue of errors: a refused port is not noticed, and a partner that is gone is found by its silence.

use std::io;
use std::net::UdpSocket;

use crate::net::batch::Unreachable;

/// Stands where the queue would.
#[derive(Debug)]
pub(crate) struct Refusals;

impl Refusals {
    /// Nothing is to be asked for.
    pub(crate) fn prepare(_socket: &socket2::Socket) -> io::Result<()> {
        Ok(())
    }

    /// For one socket.
    pub(crate) fn new() -> Refusals {
        Refusals
    }

    /// There is never one.
    pub(crate) fn next(&mut self, _socket: &UdpSocket) -> Option<Unreachable> {
        None
    }
}
