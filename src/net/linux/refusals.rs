//! Refused ports from the error queue of a socket (IP_RECVERR, ip(7)).

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc::{SO_EE_ORIGIN_ICMP, in_pktinfo, sock_extended_err, sockaddr_in};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};

use crate::net::batch::Unreachable;

/// ICMP destination unreachable, port unreachable (RFC 792).
const UNREACHABLE: u8 = 3;
const PORT: u8 = 3;

/// Room for what the system tells of one error; packet information stands before it (see `Datagrams::prepare`).
#[derive(Debug)]
pub(crate) struct Refusals {
    control: Vec<u8>,
}

impl Refusals {
    /// Asks for the queue.
    pub(crate) fn prepare(socket: &socket2::Socket) -> io::Result<()> {
        setsockopt(socket, sockopt::Ipv4RecvErr, &true).map_err(io::Error::from)
    }

    /// For one socket.
    pub(crate) fn new() -> Refusals {
        Refusals { control: cmsg_space!(in_pktinfo, sock_extended_err, sockaddr_in) }
    }

    /// The next error of the queue; `None` when it is empty.
    pub(crate) fn next(&mut self, socket: &UdpSocket) -> Option<Unreachable> {
        // The datagram itself comes along and is not wanted.
        let mut rest = [0; 1];
        let mut slices = [IoSliceMut::new(&mut rest)];
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let found = match recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut slices, Some(&mut self.control), flags) {
            Ok(found) => found,
            Err(Errno::EINTR) => return Some(Unreachable::Elsewhere),
            Err(_) => return None,
        };
        let to = found.address.map(SocketAddrV4::from)?;
        for control in found.cmsgs().into_iter().flatten() {
            if let ControlMessageOwned::Ipv4RecvErr(error, Some(offender)) = control {
                let is_port = error.ee_type == UNREACHABLE && error.ee_code == PORT;
                let by = Ipv4Addr::from(offender.sin_addr.s_addr.to_ne_bytes());
                // A router or filter on the way knows nothing of the port.
                if error.ee_origin == SO_EE_ORIGIN_ICMP && is_port && by == *to.ip() {
                    return Some(Unreachable::Port(to));
                }
            }
        }
        Some(Unreachable::Elsewhere)
    }
}
