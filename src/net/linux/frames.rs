//! A packet socket (packet(7)) that sends whole Ethernet frames and receives nothing.

use std::io;
use std::os::fd::OwnedFd;

use nix::sys::socket::{AddressFamily, LinkAddr, MultiHeaders, SockFlag, SockType, socket};

use super::many::send_all;
use crate::net::batch::{BATCH, Failed};

/// ARPHRD_ETHER (if_arp.h): the hardware type of Ethernet and what looks like it.
const ETHERNET: u16 = 1;

/// The socket.
#[derive(Debug)]
pub(crate) struct Frames {
    socket: OwnedFd,
    headers: MultiHeaders<LinkAddr>,
}

impl Frames {
    /// Opens the socket, with protocol 0: no frame is ever copied to it.
    pub(crate) fn open() -> io::Result<Frames> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        Ok(Frames { socket, headers: MultiHeaders::preallocate(BATCH, None) })
    }

    /// The hardware address of an interface, if frames can be sent out of it.
    pub(crate) fn hardware(link: &LinkAddr) -> Option<[u8; 6]> {
        if link.hatype() == ETHERNET && link.halen() == 6 { link.addr() } else { None }
    }

    /// Sends up to [`BATCH`] frames, each out of the interface that its address names.
    pub(crate) fn send(&mut self, batch: &[(LinkAddr, &[u8])]) -> Failed {
        send_all(&self.socket, &mut self.headers, batch, &[])
    }
}
