//! ICMP echo out and in (RFC 792): asks whether an address is in use before it is offered.
//!
//! By a raw socket, or where that is not allowed by a datagram socket of the kind ping(8) uses. An answer counts
//! when it carries our identifier and our mark; the engine knows which addresses it asked.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use socket2::{Domain, Protocol, Socket, Type};

use super::clients::Left;
use super::token::Source;
use crate::server::event::Input;

const ECHO_REPLY: u8 = 0;
const ECHO_REQUEST: u8 = 8;

/// Type, code, checksum, identifier, sequence number.
const HEADER: usize = 8;

/// What follows the header: an echo that carries something else answers another program.
const MARK: &[u8; 16] = b"understudy probe";

/// Answers looked at in a turn.
const TURN_ANSWERS: usize = 64;

/// The ICMP socket, if there is one.
#[derive(Debug)]
pub(crate) struct Ping {
    /// Any socket fits into the standard library's type for datagrams, raw ones too.
    socket: Option<UdpSocket>,
    kind: Kind,
    identifier: u16,
    sequence: u16,
}

/// Who fills in the identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A raw socket: we do, and see everyone's answers.
    Raw,
    /// A datagram socket: the system does, and shows only ours.
    Datagram,
}

impl Ping {
    /// Opens a socket; without one, addresses are offered unasked, which is said once.
    pub(crate) fn open() -> Ping {
        let identifier = u16::try_from(std::process::id() & 0xffff).unwrap_or(0);
        let raw = open(Type::RAW).map(|socket| (socket, Kind::Raw));
        let (socket, kind) = match raw.or_else(|_| open(Type::DGRAM).map(|socket| (socket, Kind::Datagram))) {
            Ok((socket, kind)) => (Some(socket), kind),
            Err(error) => {
                log::warn!("ICMP socket: {error}; PingBeforeAssign cannot find addresses in use");
                (None, Kind::Raw)
            }
        };
        Ping { socket, kind, identifier, sequence: 0 }
    }

    /// Lets the poll watch the socket.
    pub(crate) fn register(&self, registry: &Registry) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Ok(()) };
        registry.register(&mut SourceFd(&socket.as_raw_fd()), Source::Ping.token(), Interest::READABLE)
    }

    /// Asks `address`.
    pub(crate) fn send(&mut self, address: Ipv4Addr) -> io::Result<()> {
        let Some(socket) = &self.socket else { return Err(io::ErrorKind::Unsupported.into()) };
        self.sequence = self.sequence.wrapping_add(1);
        let request = compose(self.identifier, self.sequence);
        socket.send_to(&request, SocketAddrV4::new(address, 0)).map(drop)
    }

    /// Hands on who answered, at most [`TURN_ANSWERS`].
    pub(crate) fn gather(&mut self, hand: &mut dyn FnMut(Input<'_>)) -> Left {
        let Some(socket) = &self.socket else { return Left::Nothing };
        for _ in 0..TURN_ANSWERS {
            // Room for the longest IPv4 header, ours behind it, and no more: the rest of a longer packet is cut.
            let mut buffer = [0; 60 + HEADER + MARK.len()];
            match socket.recv_from(&mut buffer) {
                Ok((length, SocketAddr::V4(from))) if self.is_answer(&buffer[..length]) => {
                    hand(Input::Echo { address: *from.ip() });
                }
                Ok(_) => {}
                Err(_) => return Left::Nothing,
            }
        }
        Left::More
    }

    fn is_answer(&self, packet: &[u8]) -> bool {
        let Some(echo) = icmp(packet) else { return false };
        let ours = self.kind == Kind::Datagram || echo.get(4..6) == Some(&self.identifier.to_be_bytes());
        echo.first() == Some(&ECHO_REPLY) && ours && echo.get(HEADER..HEADER + MARK.len()) == Some(MARK)
    }
}

fn open(kind: Type) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, kind, Some(Protocol::ICMPV4))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// The ICMP part of what was received: some systems put the IPv4 header before it, some do not. A header begins with
/// version 4, an answer with type 0.
fn icmp(packet: &[u8]) -> Option<&[u8]> {
    let first = *packet.first()?;
    if first >> 4 == 4 { packet.get(usize::from(first & 0xf) * 4..) } else { Some(packet) }
}

fn compose(identifier: u16, sequence: u16) -> [u8; HEADER + MARK.len()] {
    let mut packet = [0; HEADER + MARK.len()];
    packet[0] = ECHO_REQUEST;
    packet[4..6].copy_from_slice(&identifier.to_be_bytes());
    packet[6..8].copy_from_slice(&sequence.to_be_bytes());
    packet[HEADER..].copy_from_slice(MARK);
    let checksum = checksum(&packet);
    packet[2..4].copy_from_slice(&checksum.to_be_bytes());
    packet
}

/// The Internet checksum (RFC 1071) of an even number of octets.
fn checksum(bytes: &[u8]) -> u16 {
    let sum: u32 = bytes.chunks_exact(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let folded = (folded & 0xffff) + (folded >> 16);
    !u16::try_from(folded).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pinger(kind: Kind) -> Ping {
        Ping { socket: None, kind, identifier: 0x1234, sequence: 0 }
    }

    #[test]
    fn a_request_carries_a_checksum_that_sums_to_zero() {
        let packet = compose(0x1234, 7);
        assert_eq!(checksum(&packet), 0);
        assert_eq!(packet[0], ECHO_REQUEST);
    }

    #[test]
    fn only_answers_with_our_identifier_and_mark_count() {
        let mut answer = compose(0x1234, 7);
        answer[0] = ECHO_REPLY;
        let mut with_header = vec![0x45; 20];
        with_header.extend_from_slice(&answer);
        assert!(pinger(Kind::Raw).is_answer(&answer));
        assert!(pinger(Kind::Raw).is_answer(&with_header));
        let mut foreign = answer;
        foreign[5] = 0;
        assert!(!pinger(Kind::Raw).is_answer(&foreign));
        assert!(pinger(Kind::Datagram).is_answer(&foreign), "the system filled in the identifier");
        let mut unmarked = answer;
        unmarked[HEADER] = 0;
        assert!(!pinger(Kind::Raw).is_answer(&unmarked));
        assert!(!pinger(Kind::Raw).is_answer(&compose(0x1234, 7)), "a request is no answer");
        for length in 0..with_header.len() {
            assert!(!pinger(Kind::Raw).is_answer(&with_header[..length]));
        }
    }

    #[test]
    fn loopback_answers() {
        let mut ping = Ping::open();
        if ping.socket.is_none() {
            println!("SKIPPED: no ICMP socket is allowed here");
            return;
        }
        ping.send(Ipv4Addr::LOCALHOST).expect("sent");
        let mut answered = Vec::new();
        for _ in 0..1000 {
            ping.gather(&mut |input| match input {
                Input::Echo { address } => answered.push(address),
                other => panic!("{other:?}"),
            });
            if !answered.is_empty() {
                break;
            }
            std::thread::yield_now();
        }
        assert_eq!(answered, [Ipv4Addr::LOCALHOST]);
    }
}
