//! A client: builds its messages octet by octet (RFC 2131 section 2, table 1 and table 5).

use std::net::{Ipv4Addr, SocketAddrV4};

use super::reply::Reply;
use super::{code, kind};

/// 99.130.83.99.
pub(crate) const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// One client: a hardware address and, if it sends one, a client identifier.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) htype: u8,
    pub(crate) hardware: Vec<u8>,
    pub(crate) identifier: Option<Vec<u8>>,
}

impl Client {
    /// Client number `number` on Ethernet, with no client identifier.
    pub(crate) fn new(number: u16) -> Client {
        let [high, low] = number.to_be_bytes();
        Client { htype: 1, hardware: vec![2, 0, 0, 0, high, low], identifier: None }
    }

    /// The same client, which sends option 61.
    pub(crate) fn identified(mut self, identifier: &[u8]) -> Client {
        self.identifier = Some(identifier.to_vec());
        self
    }

    /// A message of that type with nothing but options 53 and 61, broadcast on the first interface.
    pub(crate) fn message(&self, kind: u8) -> Message {
        let mut message = self.bootp();
        message.options.push((code::TYPE, vec![kind]));
        if let Some(identifier) = &self.identifier {
            message.options.push((code::IDENTIFIER, identifier.clone()));
        }
        message
    }

    /// A BOOTP request: no options at all.
    pub(crate) fn bootp(&self) -> Message {
        let mut chaddr = [0; 16];
        chaddr[..self.hardware.len()].copy_from_slice(&self.hardware);
        let tail = self.hardware.iter().fold(0x5eed_0000_u32, |sum, octet| sum.rotate_left(3) ^ u32::from(*octet));
        Message {
            op: 1,
            htype: self.htype,
            hlen: self.hardware.len() as u8,
            hops: 0,
            xid: tail,
            secs: 0,
            flags: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            giaddr: Ipv4Addr::UNSPECIFIED,
            chaddr,
            sname: [0; 64],
            file: [0; 128],
            options: Vec::new(),
            end: vec![255],
            interface: 1,
            source: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
            destination: Ipv4Addr::BROADCAST,
        }
    }

    /// DHCPDISCOVER.
    pub(crate) fn discover(&self) -> Message {
        self.message(kind::DISCOVER)
    }

    /// DHCPREQUEST in state SELECTING: takes up `offer`.
    pub(crate) fn selecting(&self, offer: &Reply) -> Message {
        self.message(kind::REQUEST).address(code::SERVER, offer.server()).address(code::REQUESTED, offer.yiaddr)
    }

    /// DHCPREQUEST in state INIT-REBOOT.
    pub(crate) fn init_reboot(&self, address: Ipv4Addr) -> Message {
        self.message(kind::REQUEST).address(code::REQUESTED, address)
    }

    /// DHCPREQUEST in state RENEWING: unicast to 10.1.0.4.
    pub(crate) fn renewing(&self, address: Ipv4Addr) -> Message {
        self.message(kind::REQUEST).from(address).unicast()
    }

    /// DHCPREQUEST in state REBINDING: broadcast, with the address filled in.
    pub(crate) fn rebinding(&self, address: Ipv4Addr) -> Message {
        self.message(kind::REQUEST).from(address)
    }

    /// DHCPDECLINE of what `ack` gave.
    pub(crate) fn decline(&self, ack: &Reply) -> Message {
        self.message(kind::DECLINE).address(code::REQUESTED, ack.yiaddr).address(code::SERVER, ack.server())
    }

    /// DHCPRELEASE of what `ack` gave, unicast to the server.
    pub(crate) fn release(&self, ack: &Reply) -> Message {
        self.message(kind::RELEASE).address(code::SERVER, ack.server()).from(ack.yiaddr).unicast()
    }

    /// DHCPINFORM from `address`.
    pub(crate) fn inform(&self, address: Ipv4Addr) -> Message {
        self.message(kind::INFORM).from(address)
    }
}

/// A message to the server, and where and how it arrives.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) op: u8,
    pub(crate) htype: u8,
    pub(crate) hlen: u8,
    pub(crate) hops: u8,
    pub(crate) xid: u32,
    pub(crate) secs: u16,
    pub(crate) flags: u16,
    pub(crate) ciaddr: Ipv4Addr,
    pub(crate) giaddr: Ipv4Addr,
    pub(crate) chaddr: [u8; 16],
    pub(crate) sname: [u8; 64],
    pub(crate) file: [u8; 128],
    pub(crate) options: Vec<(u8, Vec<u8>)>,
    /// What follows the options: 255, unless a test wants something else.
    pub(crate) end: Vec<u8>,
    pub(crate) interface: u32,
    pub(crate) source: SocketAddrV4,
    pub(crate) destination: Ipv4Addr,
}

impl Message {
    /// With one more option.
    pub(crate) fn option(mut self, code: u8, value: &[u8]) -> Message {
        self.options.push((code, value.to_vec()));
        self
    }

    /// With one more option that holds an address.
    pub(crate) fn address(self, code: u8, value: Ipv4Addr) -> Message {
        self.option(code, &value.octets())
    }

    /// With a parameter request list.
    pub(crate) fn wants(self, codes: &[u8]) -> Message {
        self.option(code::WANTED, codes)
    }

    /// Asks for a lease time.
    pub(crate) fn for_secs(self, secs: u32) -> Message {
        self.option(code::LEASE, &secs.to_be_bytes())
    }

    /// Takes datagrams up to `octets` (option 57).
    pub(crate) fn size(self, octets: u16) -> Message {
        self.option(code::SIZE, &octets.to_be_bytes())
    }

    /// Without that option.
    pub(crate) fn without(mut self, code: u8) -> Message {
        self.options.retain(|(each, _)| *each != code);
        self
    }

    /// With the broadcast bit.
    pub(crate) fn broadcast(mut self) -> Message {
        self.flags |= 0x8000;
        self
    }

    /// From a client that has `address` configured: in `ciaddr` and as the source.
    pub(crate) fn from(mut self, address: Ipv4Addr) -> Message {
        self.ciaddr = address;
        self.source = SocketAddrV4::new(address, 68);
        self
    }

    /// Sent to the server's address on the first interface.
    pub(crate) fn unicast(mut self) -> Message {
        self.destination = Ipv4Addr::new(10, 1, 0, 4);
        self
    }

    /// Through a relay: from its port 67 to the server's address on the first interface.
    pub(crate) fn via(mut self, relay: Ipv4Addr) -> Message {
        self.giaddr = relay;
        self.hops = 1;
        self.source = SocketAddrV4::new(relay, 67);
        self.unicast()
    }

    /// Arrives on the interface with that index.
    pub(crate) fn on(mut self, interface: u32) -> Message {
        self.interface = interface;
        self
    }

    /// The joined value of an option, as RFC 3396 has the server read it.
    pub(crate) fn value(&self, code: u8) -> Option<Vec<u8>> {
        let mut pieces = self.options.iter().filter(|(each, _)| *each == code).peekable();
        pieces.peek()?;
        Some(pieces.flat_map(|(_, value)| value.clone()).collect())
    }

    /// The payload of the datagram, padded to 300 octets.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = vec![self.op, self.htype, self.hlen, self.hops];
        out.extend(self.xid.to_be_bytes());
        out.extend(self.secs.to_be_bytes());
        out.extend(self.flags.to_be_bytes());
        out.extend(self.ciaddr.octets());
        out.extend([0; 8]);
        out.extend(self.giaddr.octets());
        out.extend(self.chaddr);
        out.extend(self.sname);
        out.extend(self.file);
        out.extend(COOKIE);
        out.extend(self.encoded_options());
        out.extend(&self.end);
        out.resize(out.len().max(300), 0);
        out
    }

    fn encoded_options(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (code, value) in &self.options {
            assert!(value.len() < 256, "a test splits long options itself");
            out.push(*code);
            out.push(value.len() as u8);
            out.extend(value);
        }
        out
    }
}

/// Lays options out in a field such as `sname` or `file`: from the first octet, ended, padded.
pub(crate) fn overlay<const LENGTH: usize>(options: &[(u8, &[u8])]) -> [u8; LENGTH] {
    let mut field = [0; LENGTH];
    let mut at = 0;
    for (code, value) in options {
        field[at] = *code;
        field[at + 1] = value.len() as u8;
        field[at + 2..at + 2 + value.len()].copy_from_slice(value);
        at += 2 + value.len();
    }
    field[at] = 255;
    field
}
