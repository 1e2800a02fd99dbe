//! Many messages a call (sendmmsg(2)), for the UDP socket and the packet socket alike.

use std::io;
use std::io::IoSlice;
use std::os::fd::{AsFd, AsRawFd as _};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessage, MsgFlags, MultiHeaders, SockaddrLike, sendmmsg};

use crate::net::batch::{BATCH, Failed};

/// How long a full send buffer is waited for, once a batch: a queue of packets on a 100 Mbit/s wire drains in it.
/// After that the rest of the batch is dropped, since clients ask again and the loop must go on.
const FULL_WAIT_MS: u8 = 5;

/// Sends up to [`BATCH`] messages; one that the system refuses is noted and the ones behind it are sent.
pub(crate) fn send_all<S: SockaddrLike + Copy>(
    socket: &impl AsFd,
    headers: &mut MultiHeaders<S>,
    batch: &[(S, &[u8])],
    control: &[ControlMessage<'_>],
) -> Failed {
    let batch = &batch[..batch.len().min(BATCH)];
    let mut slices = [[IoSlice::new(&[])]; BATCH];
    let mut addresses = [None; BATCH];
    for (place, (address, bytes)) in batch.iter().enumerate() {
        slices[place] = [IoSlice::new(bytes)];
        addresses[place] = Some(*address);
    }
    let mut failed = Failed::default();
    let mut waited = false;
    let mut next = 0;
    while next < batch.len() {
        let rest = next..batch.len();
        let fd = socket.as_fd().as_raw_fd();
        match sendmmsg(fd, headers, &slices[rest.clone()], &addresses[rest], control, MsgFlags::MSG_DONTWAIT) {
            Ok(sent) => next += sent.count(),
            Err(Errno::EINTR) => {}
            Err(Errno::EAGAIN) if !waited => {
                waited = true;
                let _ = poll(&mut [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)], PollTimeout::from(FULL_WAIT_MS));
            }
            Err(errno) => {
                failed.note(next, io::Error::from(errno));
                next += 1;
            }
        }
    }
    failed
}
