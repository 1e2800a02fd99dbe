//! The socket of the relay: datagrams out and in by batches.

use std::io::{self, IoSlice, IoSliceMut};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg, sendmmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Socket, Type};

use crate::packet::REQUEST_LEN;

/// Datagrams a system call.
pub(crate) const BATCH: usize = 64;
/// Receive buffer: a loss must be the server's, not ours.
const RECEIVE_BUFFER: usize = 16 << 20;
/// More than an Ethernet frame carries.
const REPLY_LEN: usize = 1536;
/// The port of servers and relays.
const PORT: u16 = 67;

/// A connected socket with a queue of requests to send.
pub(crate) struct Link {
    socket: UdpSocket,
    outgoing: Vec<[u8; REQUEST_LEN]>,
    queued: usize,
    send_headers: MultiHeaders<SockaddrIn>,
    incoming: Vec<[u8; REPLY_LEN]>,
    lengths: Vec<usize>,
    receive_headers: MultiHeaders<SockaddrIn>,
}

impl Link {
    /// Binds to `relay` port 67 and connects to `server` port 67.
    pub(crate) fn open(relay: Ipv4Addr, server: Ipv4Addr) -> io::Result<Link> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        socket.bind(&SocketAddrV4::new(relay, PORT).into())?;
        socket.connect(&SocketAddrV4::new(server, PORT).into())?;
        Ok(Link {
            socket: socket.into(),
            outgoing: vec![[0; REQUEST_LEN]; BATCH],
            queued: 0,
            send_headers: MultiHeaders::preallocate(BATCH, None),
            incoming: vec![[0; REPLY_LEN]; BATCH],
            lengths: Vec::with_capacity(BATCH),
            receive_headers: MultiHeaders::preallocate(BATCH, None),
        })
    }

    /// The next free place of the queue; sends what is there when it is full.
    pub(crate) fn queue(&mut self) -> io::Result<&mut [u8; REQUEST_LEN]> {
        if self.queued == BATCH {
            self.flush()?;
        }
        self.queued += 1;
        Ok(&mut self.outgoing[self.queued - 1])
    }

    /// Sends the queue. A refused port (the server is not up yet) loses the datagrams and is no error.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let queued = std::mem::take(&mut self.queued);
        let mut sent = 0;
        while sent < queued {
            let slices: Vec<[IoSlice<'_>; 1]> = self.outgoing[sent..queued].iter().map(|o| [IoSlice::new(o)]).collect();
            let to = vec![None::<SockaddrIn>; slices.len()];
            let socket = self.socket.as_raw_fd();
            match sendmmsg(socket, &mut self.send_headers, slices.iter(), to, [], MsgFlags::empty()) {
                Ok(results) => sent += results.count().max(1),
                Err(Errno::ECONNREFUSED | Errno::EINTR) => {}
                Err(Errno::EAGAIN | Errno::ENOBUFS) => return Ok(()),
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// Takes in what has arrived, without waiting; the number of datagrams, read by [`Link::reply`].
    pub(crate) fn receive(&mut self) -> io::Result<usize> {
        self.lengths.clear();
        let mut slices: Vec<[IoSliceMut<'_>; 1]> = self.incoming.iter_mut().map(|i| [IoSliceMut::new(i)]).collect();
        let socket = self.socket.as_raw_fd();
        match recvmmsg(socket, &mut self.receive_headers, slices.iter_mut(), MsgFlags::MSG_DONTWAIT, None) {
            Ok(results) => self.lengths.extend(results.map(|r| r.bytes)),
            Err(Errno::EAGAIN | Errno::ECONNREFUSED | Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        Ok(self.lengths.len())
    }

    /// The datagram `index` of the last [`Link::receive`].
    pub(crate) fn reply(&self, index: usize) -> &[u8] {
        &self.incoming[index][..self.lengths[index].min(REPLY_LEN)]
    }

    /// Waits until something arrives or `longest` has passed.
    pub(crate) fn wait(&self, longest: Duration) -> io::Result<()> {
        let mut sources = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut sources, Some(TimeSpec::from_duration(longest)), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}
