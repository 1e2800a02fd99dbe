//! Clients answer pings: a server that looks whether an address is free must find out that it is not.
//!
//! The kernel of a crowd's host has every address of the subnet and would answer for all; it is told to be quiet, and
//! the crowd answers for those that its clients hold.

use std::fs;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddrV4};

use socket2::{Domain, Protocol, Socket, Type};

use crate::rig::host::Host;
use crate::rig::packet::ones_sum;

/// As seen from inside a network namespace: that namespace's own.
const QUIET: &str = "/proc/sys/net/ipv4/icmp_echo_ignore_all";
const ECHO_REQUEST: u8 = 8;
const IP_HEAD: usize = 20;

/// The ICMP of a host.
pub(crate) struct Echo {
    socket: Socket,
}

impl Echo {
    /// Takes ICMP echo over from the kernel of `host`.
    pub(crate) fn new(host: &Host) -> Echo {
        let socket = host.inside(|| {
            fs::write(QUIET, "1").expect("a kernel that leaves echo alone");
            let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)).expect("an ICMP socket");
            socket.set_header_included_v4(true).expect("a socket that takes whole packets");
            socket
        });
        socket.set_nonblocking(true).expect("a socket that does not wait");
        Echo { socket }
    }

    /// Answers what came for addresses for which `holds` is true.
    pub(crate) fn answer(&self, holds: impl Fn(Ipv4Addr) -> bool) {
        let mut buffer = [0; 2048];
        while let Ok(length) = (&self.socket).read(&mut buffer) {
            let Some((to, packet)) = reply(&buffer[..length], &holds) else { continue };
            // What cannot be sent is lost, as any packet may be.
            let _ = self.socket.send_to(&packet, &SocketAddrV4::new(to, 0).into());
        }
    }
}

/// The answer to an echo request, and where it goes; the kernel writes length and checksum of the IP header.
fn reply(packet: &[u8], holds: impl Fn(Ipv4Addr) -> bool) -> Option<(Ipv4Addr, Vec<u8>)> {
    let head = usize::from(packet.first()? & 15) * 4;
    let address = |at: usize| Some(Ipv4Addr::from(<[u8; 4]>::try_from(packet.get(at..at + 4)?).ok()?));
    let (from, to) = (address(12)?, address(16)?);
    let mut echo = packet.get(head..)?.to_vec();
    if echo.len() < 8 || echo[0] != ECHO_REQUEST || !holds(to) {
        return None;
    }
    echo[0] = 0;
    echo[2..4].fill(0);
    let sum = !ones_sum(&echo, 0);
    echo[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut answer = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 1, 0, 0];
    answer.extend(to.octets());
    answer.extend(from.octets());
    debug_assert_eq!(answer.len(), IP_HEAD);
    answer.extend(echo);
    Some((from, answer))
}
