//! The socket on the DHCP port: packets of clients and relays in.
//!
//! It is one UDP socket on 0.0.0.0 for all interfaces, so that broadcasts, relays and unicast renewals come in by
//! the same way. SO_REUSEADDR stays off: with it a second server on the host would share the port, and each would
//! get some of the packets without a word.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use socket2::{Domain, Protocol, Socket, Type};

use super::batch::{BATCH, BUFFER, Failed, Route};
use super::error::NetError;
use super::interfaces::{Interfaces, Service};
use super::system;
use super::tally::Tally;
use super::token::Source;
use crate::server::event::Input;

/// What is asked for as receive buffer: it holds what arrives while a commit takes long. A stock buffer of 208 KiB
/// holds 277 packets.
const RECEIVE_BUFFER: usize = 8 * 1024 * 1024;

/// What is asked for as send buffer: the replies of some turns.
const SEND_BUFFER: usize = 4 * 1024 * 1024;

/// Packets a turn. All of a turn share one sync; more would only make the first of them wait longer.
const TURN_PACKETS: usize = 512;

/// Whether a source may have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// It was read until it was empty.
    Nothing,
    /// Its budget of the turn is spent: it stays hot.
    More,
}

/// The socket.
#[derive(Debug)]
pub(crate) struct Clients {
    datagrams: system::Datagrams,
    port: u16,
}

impl Clients {
    /// Opens and binds the socket.
    ///
    /// # Errors
    /// [`NetError::Port`] when the port is taken or not allowed.
    pub(crate) fn open(port: u16) -> Result<Clients, NetError> {
        let socket = bind(port).map_err(|source| NetError::Port { port, source })?;
        Ok(Clients { datagrams: system::Datagrams::new(socket, BUFFER), port })
    }

    /// The port that the socket is bound to.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Lets the poll watch the socket.
    pub(crate) fn register(&self, registry: &Registry) -> io::Result<()> {
        let descriptor = self.datagrams.socket().as_raw_fd();
        registry.register(&mut SourceFd(&descriptor), Source::Clients.token(), Interest::READABLE)
    }

    /// Hands on what came in, at most [`TURN_PACKETS`]. A turn that is not timely any more takes nothing: a process
    /// that was stopped within its turn finds packets that waited all the while, and only the next turn knows of it.
    pub(crate) fn gather(
        &mut self,
        (interfaces, tally): (&mut Interfaces, &mut Tally),
        is_timely: &dyn Fn() -> bool,
        hand: &mut dyn FnMut(Input<'_>),
    ) -> Left {
        for _ in 0..TURN_PACKETS / BATCH {
            let count = match self.datagrams.receive() {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Left::Nothing,
                Err(error) => {
                    // An error that a packet left on the socket; what is behind it is read in the next turn.
                    tally.receive_errors += 1;
                    log::debug!("receiving on the DHCP port: {error}");
                    return Left::More;
                }
            };
            if !is_timely() {
                tally.late += count as u64;
                return Left::More;
            }
            for place in 0..count {
                self.hand_on(place, (interfaces, tally), hand);
            }
            if count < BATCH {
                return Left::Nothing;
            }
        }
        Left::More
    }

    /// Sends one batch of replies.
    pub(crate) fn send(&mut self, route: Route, batch: &[(SocketAddrV4, &[u8])]) -> Failed {
        self.datagrams.send(route, batch)
    }

    fn hand_on(
        &self,
        place: usize,
        (interfaces, tally): (&mut Interfaces, &mut Tally),
        hand: &mut dyn FnMut(Input<'_>),
    ) {
        let datagram = self.datagrams.datagram(place);
        let mut arrival = datagram.arrival;
        match interfaces.service(arrival.interface) {
            Service::Not => tally.not_served += 1,
            Service::Served(_) if datagram.cut => tally.cut += 1,
            Service::Served(interface) => {
                tally.received += 1;
                arrival.interface = interface;
                if arrival.destination.is_unspecified() {
                    arrival.destination = likely_destination(*arrival.source.ip(), interfaces.main_address(interface));
                }
                hand(Input::Packet { arrival, bytes: datagram.bytes });
            }
        }
    }
}

/// Where a packet went of which the system does not tell: who has no address broadcasts, others ask our main address.
fn likely_destination(source: Ipv4Addr, main: Option<Ipv4Addr>) -> Ipv4Addr {
    main.filter(|_| !source.is_unspecified()).unwrap_or(Ipv4Addr::BROADCAST)
}

fn bind(port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    socket.set_broadcast(true)?;
    system::Datagrams::prepare(&socket)?;
    enlarge(&socket, RECEIVE_BUFFER, "DHCP port");
    socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into())?;
    Ok(socket.into())
}

/// Asks for large buffers and says what was given; smaller ones are no reason not to serve.
pub(super) fn enlarge(socket: &Socket, asked: usize, whose: &str) {
    if force_receive_buffer(socket, asked).is_err() {
        let _ = socket.set_recv_buffer_size(asked);
    }
    let _ = socket.set_send_buffer_size(SEND_BUFFER);
    let given = socket.recv_buffer_size().unwrap_or(0);
    if given < asked {
        let (given, asked) = (given / 1024, asked / 1024);
        log::warn!(
            "receive buffer of the {whose}: {given} KiB of {asked} KiB given; \
             raise net.core.rmem_max, or packets are lost in a storm"
        );
    } else {
        log::debug!("receive buffer of the {whose}: {} KiB", given / 1024);
    }
}

#[cfg(target_os = "linux")]
fn force_receive_buffer(socket: &Socket, asked: usize) -> io::Result<()> {
    use nix::sys::socket::{setsockopt, sockopt};
    setsockopt(socket, sockopt::RcvBufForce, &asked).map_err(io::Error::from)
}

#[cfg(not(target_os = "linux"))]
fn force_receive_buffer(socket: &Socket, asked: usize) -> io::Result<()> {
    socket.set_recv_buffer_size(asked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Mono;

    fn loopback() -> (Clients, Interfaces, UdpSocket, SocketAddrV4) {
        let clients = Clients::open(0).expect("a free port");
        let port = clients.datagrams.socket().local_addr().expect("bound").port();
        let mut interfaces = Interfaces::default();
        interfaces.refresh(Mono::default(), &["lo".to_owned(), "lo0".to_owned()]);
        let sender = UdpSocket::bind("127.0.0.1:0").expect("a free port");
        (clients, interfaces, sender, SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))
    }

    #[test]
    fn packets_come_in_with_their_interface_and_what_is_too_long_is_counted() {
        let (mut clients, mut interfaces, sender, to) = loopback();
        for round in 0..3_u8 {
            sender.send_to(&[round; 300], to).expect("sent");
        }
        sender.send_to(&[9; 5000], to).expect("sent");
        let mut taken = Vec::new();
        let mut tally = Tally::default();
        let left = clients.gather((&mut interfaces, &mut tally), &|| true, &mut |input| match input {
            Input::Packet { arrival, bytes } => taken.push((arrival, bytes.to_vec())),
            other => panic!("{other:?}"),
        });
        assert_eq!(left, Left::Nothing);
        assert_eq!((tally.received, tally.cut, tally.not_served), (3, 1, 0));
        for (round, (arrival, bytes)) in taken.iter().enumerate() {
            assert_eq!(bytes, &[u8::try_from(round).expect("small"); 300]);
            assert_eq!(arrival.source.port(), sender.local_addr().expect("bound").port());
            assert_eq!(interfaces.service(arrival.interface), Service::Served(arrival.interface));
        }
    }

    #[test]
    fn a_spent_budget_leaves_the_source_hot_and_the_next_turn_takes_the_rest() {
        let (mut clients, mut interfaces, sender, to) = loopback();
        for _ in 0..TURN_PACKETS + 10 {
            sender.send_to(&[1; 100], to).expect("sent");
        }
        let mut tally = Tally::default();
        let hand = &mut |_: Input<'_>| ();
        assert_eq!(clients.gather((&mut interfaces, &mut tally), &|| true, hand), Left::More);
        assert_eq!(tally.received, TURN_PACKETS as u64);
        assert_eq!(clients.gather((&mut interfaces, &mut tally), &|| true, hand), Left::Nothing);
        assert_eq!(tally.received, TURN_PACKETS as u64 + 10);
    }

    #[test]
    fn a_turn_that_is_too_late_hands_nothing_on_and_leaves_the_source_hot() {
        let (mut clients, mut interfaces, sender, to) = loopback();
        for _ in 0..BATCH + 3 {
            sender.send_to(&[1; 100], to).expect("sent");
        }
        let mut tally = Tally::default();
        let mut handed = 0;
        let left = clients.gather((&mut interfaces, &mut tally), &|| false, &mut |_| handed += 1);
        assert_eq!((left, handed, tally.received, tally.late), (Left::More, 0, 0, BATCH as u64));
        let left = clients.gather((&mut interfaces, &mut tally), &|| true, &mut |_| handed += 1);
        assert_eq!((left, handed, tally.received), (Left::Nothing, 3, 3));
    }

    #[test]
    fn a_batch_is_sent_whole_and_a_refused_one_does_not_stop_the_others() {
        let (mut clients, _, receiver, _) = loopback();
        let to = SocketAddrV4::new(Ipv4Addr::LOCALHOST, receiver.local_addr().expect("bound").port());
        let refused = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let route = Route { interface: crate::server::event::InterfaceId(0), source: Ipv4Addr::UNSPECIFIED };
        let failed = clients.send(route, &[(to, b"one"), (refused, b"two"), (to, b"three")]);
        assert_eq!(failed.places().collect::<Vec<_>>(), [1]);
        let mut buffer = [0; 16];
        for expected in ["one", "three"] {
            let length = receiver.recv(&mut buffer).expect("sent");
            assert_eq!(&buffer[..length], expected.as_bytes());
        }
    }

    #[test]
    fn a_port_in_use_is_refused_with_a_remedy() {
        let (_clients, _, _, to) = loopback();
        let error = Clients::open(to.port()).expect_err("taken");
        assert!(error.to_string().contains("stop it, or set DhcpPort"), "{error}");
    }
}
