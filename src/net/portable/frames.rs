//! No packet socket: replies to clients without an address are broadcast (RFC 2131 section 4.1 allows it).

use std::io;

use nix::sys::socket::LinkAddr;

use crate::net::batch::Failed;

/// Stands where the packet socket would.
#[derive(Debug)]
pub(crate) struct Frames;

impl Frames {
    /// There is none.
    pub(crate) fn open() -> io::Result<Frames> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// No interface takes frames.
    pub(crate) fn hardware(_link: &LinkAddr) -> Option<[u8; 6]> {
        None
    }

    /// Sends nothing; nothing is ever handed over, as no interface takes frames.
    pub(crate) fn send(&mut self, batch: &[(LinkAddr, &[u8])]) -> Failed {
        let mut failed = Failed::default();
        for place in 0..batch.len() {
            failed.note(place, io::ErrorKind::Unsupported.into());
        }
        failed
    }
}
