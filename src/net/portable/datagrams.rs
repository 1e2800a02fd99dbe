//! The UDP socket by POSIX alone: one datagram a call, and nothing told of the interface it came in on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use socket2::{Domain, Protocol, SockRef, Socket, Type};

use crate::net::batch::{BATCH, Datagram, Failed, Route};
use crate::server::event::{Arrival, InterfaceId};

/// The socket with the buffers of one batch; made once.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: UdpSocket,
    buffers: Box<[u8]>,
    /// Octets of each buffer.
    octets: usize,
    envelopes: Vec<(usize, Arrival)>,
}

impl Datagrams {
    /// Nothing is to be asked for.
    pub(crate) fn prepare(_socket: &Socket) -> io::Result<()> {
        Ok(())
    }

    /// Takes over the bound, non-blocking socket; at most `octets` are kept of a datagram.
    pub(crate) fn new(socket: UdpSocket, octets: usize) -> Datagrams {
        Datagrams {
            socket,
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
        self.envelopes.clear();
        for buffer in self.buffers.chunks_exact_mut(self.octets) {
            match self.socket.recv_from(buffer) {
                Ok((length, from)) => self.envelopes.push((length, arrival(from))),
                Err(error) if self.envelopes.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(self.envelopes.len())
    }

    /// The datagram at `place` of the last batch. One that fills the buffer counts as cut.
    pub(crate) fn datagram(&self, place: usize) -> Datagram<'_> {
        let (length, arrival) = self.envelopes[place];
        let start = place * self.octets;
        Datagram { arrival, bytes: &self.buffers[start..start + length], cut: length == self.octets }
    }

    /// Sends up to [`BATCH`] datagrams. The system chooses interface and source address, except for broadcasts.
    pub(crate) fn send(&mut self, route: Route, batch: &[(SocketAddrV4, &[u8])]) -> Failed {
        let mut failed = Failed::default();
        for (place, (to, bytes)) in batch.iter().take(BATCH).enumerate() {
            let sent = if to.ip().is_broadcast() && !route.source.is_unspecified() {
                self.broadcast(route.source, *to, bytes)
            } else {
                self.socket.send_to(bytes, to)
            };
            if let Err(error) = sent {
                failed.note(place, error);
            }
        }
        failed
    }
}

impl Datagrams {
    /// Broadcasts from `source`, out of the interface that has it: the system finds no way for 255.255.255.255 from a
    /// socket bound to no address, or takes that of the default route.
    ///
    /// The socket for it lives as long as the call: one that stayed would get the unicasts to its address, unread.
    fn broadcast(&self, source: Ipv4Addr, to: SocketAddrV4, bytes: &[u8]) -> io::Result<usize> {
        let port = self.socket.local_addr()?.port();
        let sender = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        sender.set_nonblocking(true)?;
        sender.set_broadcast(true)?;
        sender.set_reuse_address(true)?;
        // Both must agree to share the port, but only now: else a second server could share it too.
        let own = SockRef::from(&self.socket);
        own.set_reuse_address(true)?;
        let bound = sender.bind(&SocketAddrV4::new(source, port).into());
        own.set_reuse_address(false)?;
        match bound {
            Ok(()) => sender.send_to(bytes, &to.into()),
            // Root has been given up, and the port is one of root's: the system's own choice is all that is left.
            Err(_) => self.socket.send_to(bytes, to),
        }
    }
}

fn arrival(from: SocketAddr) -> Arrival {
    let source = match from {
        SocketAddr::V4(source) => source,
        SocketAddr::V6(source) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, source.port()),
    };
    Arrival { interface: InterfaceId(0), source, destination: Ipv4Addr::UNSPECIFIED }
}
