//! What comes in: everything that can make the server decide something, as values.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::config::Config;

/// The system's index of a network interface; 0 where the system did not tell (feature `portable`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceId(pub u32);

/// One network interface with its IPv4 addresses, as `net` found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The system's index.
    pub id: InterfaceId,
    /// The system's name, such as `eth0`.
    pub name: String,
    /// IPv4 addresses with their prefix lengths; the first is the main one.
    pub addresses: Vec<(Ipv4Addr, u8)>,
}

/// Where and how a datagram of a client or relay came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// The interface it came in on.
    pub interface: InterfaceId,
    /// The sender's address and port; 0.0.0.0:68 for a client without an address.
    pub source: SocketAddrV4,
    /// The address it was sent to: one of ours, or 255.255.255.255.
    pub destination: Ipv4Addr,
}

/// Names one connection of the control socket as long as it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControlId(pub u32);

/// Names one partner: 0 on a primary, on a failover the index of its `[Primary]` in `Config::primaries`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartnerId(pub usize);

/// One event. Bytes, not structs, so that each simulated run exercises the parser too.
#[derive(Debug)]
pub enum Input<'a> {
    /// A datagram on the DHCP port: the UDP payload.
    Packet {
        /// Where it came from.
        arrival: Arrival,
        /// The whole payload.
        bytes: &'a [u8],
    },
    /// A datagram from the partner's address, unchecked otherwise.
    Partner {
        /// Whose address it came from.
        partner: PartnerId,
        /// The whole payload, seal included.
        bytes: &'a [u8],
    },
    /// The partner's host said that nobody listens on its failover port (ICMP port unreachable).
    Refused {
        /// Whose port.
        partner: PartnerId,
    },
    /// An ICMP echo reply from `address`.
    Echo {
        /// Who answered.
        address: Ipv4Addr,
    },
    /// The interfaces and their addresses, at start and after each change.
    Interfaces(Vec<Interface>),
    /// A request line on the control socket, without its newline.
    Control {
        /// The connection.
        id: ControlId,
        /// The line, such as `leases --json 10.1.0.0/24`.
        line: &'a str,
    },
    /// The connection can take more of an answer that did not fit (`more` in [`Effect::Control`]).
    ///
    /// [`Effect::Control`]: super::outbox::Effect::Control
    ControlMore {
        /// The connection.
        id: ControlId,
    },
    /// The connection is gone.
    ControlClosed {
        /// The connection.
        id: ControlId,
    },
    /// A checked new configuration (SIGHUP).
    Reload(Box<Config>),
    /// Counters and state to the log (SIGUSR1).
    Report,
    /// Stop as planned (SIGTERM, SIGINT).
    Stop,
}
