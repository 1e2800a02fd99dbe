//! DHCP messages as these tests write and read them, on their own feet: nothing here comes from the server's codec.

use std::net::Ipv4Addr;

/// Message types (RFC 2132 s. 9.6).
pub(crate) const DISCOVER: u8 = 1;
pub(crate) const OFFER: u8 = 2;
pub(crate) const REQUEST: u8 = 3;
pub(crate) const DECLINE: u8 = 4;
pub(crate) const ACK: u8 = 5;
pub(crate) const NAK: u8 = 6;
pub(crate) const RELEASE: u8 = 7;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
const BROADCAST_MAC: [u8; 6] = [0xff; 6];

/// A message to send, with the fields that a client or relay sets.
#[derive(Clone)]
pub(crate) struct Ask {
    pub(crate) xid: u32,
    pub(crate) flags: u16,
    pub(crate) client_address: Ipv4Addr,
    pub(crate) relay_address: Ipv4Addr,
    pub(crate) hardware: [u8; 6],
    options: Vec<u8>,
}

impl Ask {
    /// A BOOTP request: no message type.
    pub(crate) fn bootp(hardware: [u8; 6]) -> Ask {
        let [.., a, b, c, d] = hardware;
        let xid = u32::from_be_bytes([a, b, c, d]);
        let none = Ipv4Addr::UNSPECIFIED;
        Ask { xid, flags: 0, client_address: none, relay_address: none, hardware, options: Vec::new() }
    }

    /// A DHCP message of type `kind`.
    pub(crate) fn new(kind: u8, hardware: [u8; 6]) -> Ask {
        Ask::bootp(hardware).with(53, &[kind])
    }

    /// Adds an option.
    pub(crate) fn with(mut self, code: u8, value: &[u8]) -> Ask {
        self.options.extend([code, u8::try_from(value.len()).expect("a short option")]);
        self.options.extend(value);
        self
    }

    /// Adds option 50 or 54.
    pub(crate) fn with_address(self, code: u8, address: Ipv4Addr) -> Ask {
        self.with(code, &address.octets())
    }

    /// The REQUEST that takes `offer` (RFC 2131 s. 4.3.2, SELECTING).
    pub(crate) fn select(offer: &Heard) -> Ask {
        let server = offer.server().expect("an offer names its server");
        let mut ask = Ask::new(REQUEST, offer.hardware()).with_address(50, offer.yours()).with_address(54, server);
        ask.xid = offer.xid();
        ask
    }

    /// The payload of the datagram, padded to the 300 octets of BOOTP.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, 1, 6, 0];
        bytes.extend(self.xid.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(self.flags.to_be_bytes());
        bytes.extend(self.client_address.octets());
        bytes.extend([0; 8]);
        bytes.extend(self.relay_address.octets());
        bytes.extend(self.hardware);
        bytes.resize(236, 0);
        bytes.extend(COOKIE);
        bytes.extend(&self.options);
        bytes.push(255);
        bytes.resize(bytes.len().max(300), 0);
        bytes
    }

    /// The whole Ethernet frame of a client without an address, to everyone.
    pub(crate) fn broadcast_frame(&self) -> Vec<u8> {
        udp_frame(&self.hardware, self.client_address, &self.bytes())
    }
}

/// A datagram from a client's port to the server's, to everyone, as a whole Ethernet frame.
pub(crate) fn udp_frame(source: &[u8; 6], from: Ipv4Addr, payload: &[u8]) -> Vec<u8> {
    let length = |head: usize| u16::try_from(payload.len() + head).expect("a short datagram").to_be_bytes();
    let mut ip = vec![0x45, 0];
    ip.extend(length(28));
    ip.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    ip.extend(from.octets());
    ip.extend([255; 4]);
    let sum = !ones_sum(&ip, 0);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    let mut frame = Vec::new();
    frame.extend(BROADCAST_MAC);
    frame.extend(source);
    frame.extend([0x08, 0x00]);
    frame.extend(ip);
    frame.extend([0, 68, 0, 67]);
    frame.extend(length(8));
    frame.extend([0, 0]);
    frame.extend(payload);
    frame
}

/// The sum of RFC 1071 over `bytes`, begun at `start`, not yet complemented.
pub(crate) fn ones_sum(bytes: &[u8], start: u32) -> u16 {
    let mut sum = start;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    u16::try_from(sum).expect("folded")
}

/// A DHCP message that was heard, as payload and as frame where it came by one.
#[derive(Clone)]
pub(crate) struct Heard {
    pub(crate) source: (Ipv4Addr, u16),
    pub(crate) destination: (Ipv4Addr, u16),
    pub(crate) link_destination: [u8; 6],
    pub(crate) payload: Vec<u8>,
}

impl Heard {
    /// Reads an Ethernet frame; `None` when it holds no datagram of the DHCP ports.
    pub(crate) fn from_frame(frame: &[u8]) -> Option<Heard> {
        let ip = frame.get(14..)?;
        if frame.get(12..14)? != [0x08, 0x00] || ip.first()? >> 4 != 4 || *ip.get(9)? != 17 {
            return None;
        }
        let head = usize::from(ip[0] & 15) * 4;
        let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
        let udp = ip.get(head..total)?;
        let port = |at: usize| Some(u16::from_be_bytes([*udp.get(at)?, *udp.get(at + 1)?]));
        let address =
            |at: usize| Some(Ipv4Addr::new(*ip.get(at)?, *ip.get(at + 1)?, *ip.get(at + 2)?, *ip.get(at + 3)?));
        let (source, destination) = ((address(12)?, port(0)?), (address(16)?, port(2)?));
        let link_destination = frame.get(..6)?.try_into().ok()?;
        let is_dhcp = [source.1, destination.1].iter().any(|port| matches!(port, 67 | 68));
        let payload = udp.get(8..)?.to_vec();
        (is_dhcp && payload.len() >= 240).then_some(Heard { source, destination, link_destination, payload })
    }

    /// A payload that came by a plain socket.
    pub(crate) fn from_payload(payload: &[u8]) -> Option<Heard> {
        let nobody = (Ipv4Addr::UNSPECIFIED, 0);
        (payload.len() >= 240).then(|| Heard {
            source: nobody,
            destination: nobody,
            link_destination: [0; 6],
            payload: payload.to_vec(),
        })
    }

    /// Whether a server or relay sent it (`op` is BOOTREPLY).
    pub(crate) fn is_reply(&self) -> bool {
        self.payload[0] == 2
    }

    /// Option 53; 0 where there is none.
    pub(crate) fn kind(&self) -> u8 {
        self.option(53).and_then(|value| value.first().copied()).unwrap_or(0)
    }

    pub(crate) fn xid(&self) -> u32 {
        u32::from_be_bytes(self.payload[4..8].try_into().expect("four octets"))
    }

    pub(crate) fn hardware(&self) -> [u8; 6] {
        self.payload[28..34].try_into().expect("six octets")
    }

    /// The address that the client already has (`ciaddr`).
    pub(crate) fn client_address(&self) -> Ipv4Addr {
        self.address_at(12)
    }

    /// The address that the client is given (`yiaddr`).
    pub(crate) fn yours(&self) -> Ipv4Addr {
        self.address_at(16)
    }

    /// Option 54.
    pub(crate) fn server(&self) -> Option<Ipv4Addr> {
        self.option_address(54)
    }

    /// An option that is an address.
    pub(crate) fn option_address(&self, code: u8) -> Option<Ipv4Addr> {
        let octets: [u8; 4] = self.option(code)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    }

    /// All octets of an option, its pieces joined.
    pub(crate) fn option(&self, code: u8) -> Option<Vec<u8>> {
        let pieces: Vec<Vec<u8>> =
            self.options().into_iter().filter(|(found, _)| *found == code).map(|(_, value)| value).collect();
        (!pieces.is_empty()).then(|| pieces.concat())
    }

    /// The options of the options field in the order in which they stand, up to the end.
    pub(crate) fn options(&self) -> Vec<(u8, Vec<u8>)> {
        let mut found = Vec::new();
        let mut rest = &self.payload[240..];
        while let Some((&code, after)) = rest.split_first() {
            match code {
                0 => rest = after,
                255 => break,
                code => {
                    let Some((&length, after)) = after.split_first() else {
                        break;
                    };
                    let Some((value, after)) = after.split_at_checked(usize::from(length)) else {
                        break;
                    };
                    found.push((code, value.to_vec()));
                    rest = after;
                }
            }
        }
        found
    }

    /// What a reply of any server must be: `Err` names what it is not.
    pub(crate) fn check_reply(&self) -> Result<(), String> {
        let options = self.options();
        let kinds = options.iter().filter(|(code, _)| *code == 53).count();
        let used: usize = options.iter().map(|(_, value)| value.len() + 2).sum();
        let tail = &self.payload[240..];
        let end = tail.iter().skip(used).position(|octet| *octet == 255).map(|at| at + used);
        match end {
            None => Err("the options have no end".into()),
            Some(end) if tail[end + 1..].iter().any(|octet| *octet != 0) => {
                Err("something stands behind the end".into())
            }
            Some(_) if kinds > 1 => Err(format!("option 53 stands {kinds} times")),
            Some(_) if !matches!(self.kind(), 0 | OFFER | ACK | NAK) => Err(format!("message type {}", self.kind())),
            Some(_) if self.payload.len() < 300 => Err(format!("{} octets, BOOTP has 300", self.payload.len())),
            Some(_) if self.kind() != 0 && self.server().is_none() => Err("no server identifier".into()),
            Some(_) if self.kind() == NAK && !self.yours().is_unspecified() => Err("a NAK with an address".into()),
            Some(_) if self.payload[3] != 0 => Err(format!("hops {}", self.payload[3])),
            Some(_) => dhcproto_reads(&self.payload),
        }
    }

    fn address_at(&self, at: usize) -> Ipv4Addr {
        let octets: [u8; 4] = self.payload[at..at + 4].try_into().expect("four octets");
        Ipv4Addr::from(octets)
    }
}

/// The second opinion of another codec.
fn dhcproto_reads(payload: &[u8]) -> Result<(), String> {
    use dhcproto::{Decodable, Decoder, v4::Message};
    Message::decode(&mut Decoder::new(payload)).map(|_| ()).map_err(|error| format!("dhcproto: {error}"))
}
