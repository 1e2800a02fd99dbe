//! What a frame carries, as far as the rules of the switch ask; and the checksum that a virtual interface leaves out.

use crate::rig::packet::ones_sum;

/// The port of the channel between two servers (IANA: dhcp-failover).
pub(crate) const CHANNEL_PORT: u16 = 647;
/// Ports of DHCP servers and clients.
const CLIENT_PORTS: [u16; 2] = [67, 68];
const ETHERNET: usize = 14;
const ICMP: u8 = 1;
const UDP: u8 = 17;
/// Type and code 3, 3: port unreachable; behind its 8 octets stands the datagram that was refused.
const ICMP_HEAD: usize = 8;

/// What a rule of the switch picks out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Traffic {
    /// Every frame, ARP too.
    Any,
    /// The channel between servers: its datagrams, pieces of them, and what ICMP says of them.
    Channel,
    /// DHCP of clients and relays.
    Clients,
}

impl Traffic {
    /// Whether `frame` belongs to it.
    pub(crate) fn has(self, frame: &[u8]) -> bool {
        match self {
            Traffic::Any => true,
            Traffic::Channel => packet(frame).is_some_and(is_channel),
            Traffic::Clients => packet(frame).and_then(ports).is_some_and(|ports| any(ports, &CLIENT_PORTS)),
        }
    }
}

/// The IPv4 packet of a frame.
fn packet(frame: &[u8]) -> Option<&[u8]> {
    let ip = frame.get(ETHERNET..)?;
    (frame.get(12..14)? == [0x08, 0x00] && ip.len() >= 20 && ip[0] >> 4 == 4).then_some(ip)
}

fn is_channel(ip: &[u8]) -> bool {
    let head = head(ip);
    match ip[9] {
        // A later piece of a cut datagram has no ports; nothing but the channel sends datagrams that large.
        UDP if offset(ip) > 0 => true,
        UDP => ports(ip).is_some_and(|ports| any(ports, &[CHANNEL_PORT])),
        ICMP => ip
            .get(head + ICMP_HEAD..)
            .filter(|_| ip[head] == 3)
            .and_then(ports)
            .is_some_and(|ports| any(ports, &[CHANNEL_PORT])),
        _ => false,
    }
}

fn any(ports: [u16; 2], wanted: &[u16]) -> bool {
    ports.iter().any(|port| wanted.contains(port))
}

fn head(ip: &[u8]) -> usize {
    usize::from(ip[0] & 15) * 4
}

fn offset(ip: &[u8]) -> u16 {
    u16::from_be_bytes([ip[6], ip[7]]) & 0x1fff
}

/// Source and destination port of a datagram's first piece.
fn ports(ip: &[u8]) -> Option<[u16; 2]> {
    if ip.len() < 20 || ip[9] != UDP || offset(ip) > 0 {
        return None;
    }
    let ports = ip.get(head(ip)..head(ip) + 4)?;
    Some([u16::from_be_bytes([ports[0], ports[1]]), u16::from_be_bytes([ports[2], ports[3]])])
}

/// Writes the UDP checksum that the sender's virtual interface left to hardware; a host drops a datagram without it.
pub(crate) fn complete(frame: &mut [u8]) {
    let Some(ip) = packet(frame) else { return };
    let (head, total) = (head(ip), usize::from(u16::from_be_bytes([ip[2], ip[3]])));
    let is_cut = offset(ip) > 0 || ip[6] & 0x20 != 0;
    if ip[9] != UDP || is_cut || total < head + 8 || ip.len() < total {
        return;
    }
    let ip = &mut frame[ETHERNET..ETHERNET + total];
    ip[head + 6..head + 8].fill(0);
    let length = u32::try_from(total - head).expect("a datagram");
    let pseudo = ones_sum(&ip[12..20], u32::from(UDP) + length);
    let sum = match !ones_sum(&ip[head..], u32::from(pseudo)) {
        0 => 0xffff,
        sum => sum,
    };
    ip[head + 6..head + 8].copy_from_slice(&sum.to_be_bytes());
}

/// The payload of a channel datagram that was not cut.
pub(crate) fn channel_payload(frame: &[u8]) -> Option<&[u8]> {
    let ip = packet(frame)?;
    let total = usize::from(u16::from_be_bytes([ip[2], ip[3]]));
    let is_whole = ports(ip).is_some_and(|ports| any(ports, &[CHANNEL_PORT])) && ip[6] & 0x20 == 0;
    ip.get(head(ip) + 8..total).filter(|_| is_whole)
}
