//! The UDP socket by POSIX alone: one datagram a call, and nothing told of the interface it came in on.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use crate::net::batch::{BATCH, BUFFER, Datagram, Failed, Route};
use crate::server::event::{Arrival, InterfaceId};

/// The socket with the buffers of one batch; made once.
#[derive(Debug)]
pub(crate) struct Datagrams {
    socket: UdpSocket,
    buffers: Box<[u8]>,
    envelopes: Vec<(usize, Arrival)>,
}

impl Datagrams {
    /// Nothing is to be asked for.
    pub(crate) fn prepare(_socket: &socket2::Socket) -> io::Result<()> {
        Ok(())
    }

    /// Takes over the bound, non-blocking socket.
    pub(crate) fn new(socket: UdpSocket) -> Datagrams {
        Datagrams { socket, buffers: vec![0; BATCH * BUFFER].into_boxed_slice(), envelopes: Vec::with_capacity(BATCH) }
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
        for buffer in self.buffers.chunks_exact_mut(BUFFER) {
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
        let start = place * BUFFER;
        Datagram { arrival, bytes: &self.buffers[start..start + length], cut: length == BUFFER }
    }

    /// Sends up to [`BATCH`] datagrams; the system chooses interface and source address.
    pub(crate) fn send(&mut self, _route: Route, batch: &[(SocketAddrV4, &[u8])]) -> Failed {
        let mut failed = Failed::default();
        for (place, (to, bytes)) in batch.iter().take(BATCH).enumerate() {
            if let Err(error) = self.socket.send_to(bytes, to) {
                failed.note(place, error);
            }
        }
        failed
    }
}

fn arrival(from: SocketAddr) -> Arrival {
    let source = match from {
        SocketAddr::V4(source) => source,
        SocketAddr::V6(source) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, source.port()),
    };
    Arrival { interface: InterfaceId(0), source, destination: Ipv4Addr::UNSPECIFIED }
}
