//! Frames to clients that have no address yet: composed into one buffer, sent in one call.

use std::ops::Range;

use nix::sys::socket::LinkAddr;

use super::batch::{BATCH, Failed};
use super::system::Frames;
use crate::wire::frame::{Envelope, ethernet};

/// The packet socket, if there is one, and the frames that wait.
#[derive(Debug)]
pub(crate) struct Link {
    frames: Option<Frames>,
    bytes: Vec<u8>,
    waiting: Vec<(LinkAddr, Range<usize>)>,
}

impl Link {
    /// Opens the packet socket; without one all is broadcast, which is said once.
    pub(crate) fn open() -> Link {
        let frames = Frames::open()
            .map_err(|error| log::warn!("packet socket: {error}; clients without an address are answered by broadcast"))
            .ok();
        Link { frames, bytes: Vec::new(), waiting: Vec::with_capacity(BATCH) }
    }

    /// Whether frames can be sent at all.
    pub(crate) fn is_open(&self) -> bool {
        self.frames.is_some()
    }

    /// Adds a frame with `payload` to leave by `link`.
    ///
    /// # Errors
    /// [`TooLong`] when the payload fits into no datagram; nothing is added then.
    pub(crate) fn push(&mut self, link: LinkAddr, envelope: &Envelope, payload: &[u8]) -> Result<(), TooLong> {
        let start = self.bytes.len();
        ethernet(envelope, payload, &mut self.bytes).map_err(|_| TooLong)?;
        self.waiting.push((link, start..self.bytes.len()));
        Ok(())
    }

    /// Sends all that wait, at most [`BATCH`].
    pub(crate) fn send(&mut self) -> Failed {
        let mut failed = Failed::default();
        if let (Some(frames), Some((first, _))) = (&mut self.frames, self.waiting.first()) {
            let mut batch = [(*first, &[][..]); BATCH];
            let count = self.waiting.len().min(BATCH);
            for (slot, (link, range)) in batch.iter_mut().zip(&self.waiting) {
                *slot = (*link, &self.bytes[range.clone()]);
            }
            failed = frames.send(&batch[..count]);
        }
        self.waiting.clear();
        self.bytes.clear();
        failed
    }
}

/// A payload fits into no datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;
