//! The UDP socket by recvmmsg(2) and sendmmsg(2), with the arrival interface of each packet (IP_PKTINFO, ip(7)).

use std::io::{self, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrIn, recvmmsg, setsockopt, sockopt,
};

use super::many::send_all;
use crate::net::batch::{BATCH, Datagram, Failed, Route};
use crate::server::event::{Arrival, InterfaceId};

/// The socket with the buffers of one batch; made once.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: UdpSocket,
    incoming: MultiHeaders<SockaddrIn>,
    outgoing: MultiHeaders<SockaddrIn>,
    buffers: Box<[u8]>,
    /// Octets of each buffer.
    octets: usize,
    envelopes: Vec<Envelope>,
}

/// What is known of one received datagram besides its bytes.
#[derive(Clone, Copy, Debug)]
struct Envelope {
    length: usize,
    arrival: Arrival,
    cut: bool,
    /// Whether the system told the interface; when not, the header has lost its room for telling.
    told: bool,
}

impl Datagrams {
    /// Asks for packet information; to be called before the socket is bound, so that each packet has it.
    pub(crate) fn prepare(socket: &socket2::Socket) -> io::Result<()> {
        setsockopt(socket, sockopt::Ipv4PacketInfo, &true).map_err(io::Error::from)
    }

    /// Takes over the bound, non-blocking socket; at most `octets` are kept of a datagram.
    pub(crate) fn new(socket: UdpSocket, octets: usize) -> Datagrams {
        Datagrams {
            socket,
            incoming: headers(),
            outgoing: headers(),
            buffers: vec![0; BATCH * octets].into_boxed_slice(),
            octets,
            envelopes: Vec::with_capacity(BATCH),
        }
    }

    /// The socket, to be watched.
    pub(crate) fn socket(&self) -> &UdpSocket {
        &self.socket
    }

    /// Receives at most [`BATCH`] datagrams and says how many; fewer than that: the socket was empty.
    ///
    /// # Errors
    /// `WouldBlock` when there is nothing; else what the system says.
    pub(crate) fn receive(&mut self) -> io::Result<usize> {
        if self.envelopes.iter().any(|envelope| !envelope.told) {
            self.incoming = headers();
        }
        self.envelopes.clear();
        let mut chunks = self.buffers.chunks_exact_mut(self.octets);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let fd = self.socket.as_raw_fd();
        let flags = MsgFlags::MSG_DONTWAIT;
        let received = match recvmmsg(fd, &mut self.incoming, slices.iter_mut(), flags, None) {
            Err(Errno::EINTR) => return Err(io::ErrorKind::WouldBlock.into()),
            other => other?,
        };
        let octets = self.octets;
        self.envelopes.extend(received.map(|message| envelope(&message, octets)));
        Ok(self.envelopes.len())
    }

    /// The datagram at `place` of the last batch.
    pub(crate) fn datagram(&self, place: usize) -> Datagram<'_> {
        let envelope = &self.envelopes[place];
        let start = place * self.octets;
        Datagram { arrival: envelope.arrival, bytes: &self.buffers[start..start + envelope.length], cut: envelope.cut }
    }

    /// Sends up to [`BATCH`] datagrams by one route.
    pub(crate) fn send(&mut self, route: Route, batch: &[(SocketAddrV4, &[u8])]) -> Failed {
        let mut addressed = [(SockaddrIn::from(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)), &[][..]); BATCH];
        let count = batch.len().min(BATCH);
        for (place, (to, bytes)) in batch.iter().take(count).enumerate() {
            addressed[place] = (SockaddrIn::from(*to), bytes);
        }
        let packet = in_pktinfo {
            ipi_ifindex: i32::try_from(route.interface.0).unwrap_or(0),
            ipi_spec_dst: in_addr { s_addr: u32::from_ne_bytes(route.source.octets()) },
            ipi_addr: in_addr { s_addr: 0 },
        };
        send_all(&self.socket, &mut self.outgoing, &addressed[..count], &[ControlMessage::Ipv4PacketInfo(&packet)])
    }
}

/// Headers for one batch, each with room for one packet information and nothing else.
fn headers() -> MultiHeaders<SockaddrIn> {
    MultiHeaders::preallocate(BATCH, Some(cmsg_space!(in_pktinfo)))
}

fn envelope(message: &RecvMsg<'_, '_, SockaddrIn>, octets: usize) -> Envelope {
    let source = message.address.map_or(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0), SocketAddrV4::from);
    let mut arrival = Arrival { interface: InterfaceId(0), source, destination: Ipv4Addr::UNSPECIFIED };
    let mut told = false;
    for control in message.cmsgs().into_iter().flatten() {
        if let ControlMessageOwned::Ipv4PacketInfo(packet) = control {
            told = true;
            arrival.interface = InterfaceId(u32::try_from(packet.ipi_ifindex).unwrap_or(0));
            arrival.destination = Ipv4Addr::from(packet.ipi_addr.s_addr.to_ne_bytes());
        }
    }
    Envelope { length: message.bytes.min(octets), arrival, cut: message.flags.contains(MsgFlags::MSG_TRUNC), told }
}
