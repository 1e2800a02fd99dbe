//! Ethernet, IPv4 and UDP around a reply to a client that has no address yet.
//!
//! RFC 2131 section 4.1 wants such a reply sent to the address just given and the hardware address of the
//! client, without asking for that address by ARP (nobody would answer). The system's UDP cannot do that, so
//! the whole frame is made here and `net` hands it to the interface. Nothing here decides whether or where to send.

use std::net::SocketAddrV4;

use super::cursor::{Full, Reader, Writer};

/// Ethernet II header.
const ETHERNET_OCTETS: usize = 14;
/// IPv4 header without options.
const IPV4_OCTETS: usize = 20;
/// UDP header.
const UDP_OCTETS: usize = 8;
/// All that stands before the payload.
const HEADER_OCTETS: usize = ETHERNET_OCTETS + IPV4_OCTETS + UDP_OCTETS;
/// The longest UDP payload that an IPv4 datagram holds: its total length is a 16-bit number.
pub const PAYLOAD_MAX: usize = 65_535 - IPV4_OCTETS - UDP_OCTETS;

const ETHERTYPE_IPV4: u16 = 0x0800;
/// Version 4, header of five 32-bit words, ordinary service.
const VERSION_LENGTH_SERVICE: u16 = 0x4500;
/// Only fragments of one datagram need to be told from those of another (RFC 6864 section 4.1).
const IDENTIFICATION: u16 = 0;
/// Flags and offset 0: a large reply must pass a link with a small MTU.
const MAY_FRAGMENT: u16 = 0;
const PROTOCOL_UDP: u16 = 17;
/// TTL 64 (RFC 1700's advice for a default; the frame is never forwarded in practice), then the protocol.
const LIFE_AND_PROTOCOL: u16 = 64 << 8 | PROTOCOL_UDP;

/// Both ends of a frame, hardware and IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Ethernet address of the interface that sends.
    pub from_hardware: [u8; 6],
    /// Ethernet address of the client.
    pub to_hardware: [u8; 6],
    /// The server's address and port.
    pub from: SocketAddrV4,
    /// The address just given to the client, and its port.
    pub to: SocketAddrV4,
}

/// Appends to `out` the frame that carries `payload`: Ethernet II, IPv4 with checksum (don't-fragment clear,
/// identification 0, TTL 64) and UDP with checksum (RFC 768: a sum of 0 is sent as 0xffff).
///
/// # Errors
/// [`Full`] when `payload` is over [`PAYLOAD_MAX`] octets; `out` is as before then.
pub fn ethernet(envelope: &Envelope, payload: &[u8], out: &mut Vec<u8>) -> Result<(), Full> {
    let segment = u16::try_from(UDP_OCTETS.saturating_add(payload.len())).map_err(|_| Full)?;
    let total = u16::try_from(IPV4_OCTETS.saturating_add(usize::from(segment))).map_err(|_| Full)?;
    let mut header = [0; HEADER_OCTETS];
    let mut writer = Writer::new(&mut header);
    writer.put(&envelope.to_hardware)?;
    writer.put(&envelope.from_hardware)?;
    writer.u16(ETHERTYPE_IPV4)?;
    writer.put(&ipv4_header(envelope, total)?)?;
    writer.put(&udp_header(envelope, segment, payload)?)?;
    out.extend_from_slice(&header);
    out.extend_from_slice(payload);
    Ok(())
}

/// The IPv4 header of a datagram of `total` octets (RFC 791 section 3.1).
fn ipv4_header(envelope: &Envelope, total: u16) -> Result<[u8; IPV4_OCTETS], Full> {
    let words = [VERSION_LENGTH_SERVICE, total, IDENTIFICATION, MAY_FRAGMENT, LIFE_AND_PROTOCOL];
    let words_sum: u32 = words.iter().copied().map(u32::from).sum();
    let ends = sum(&envelope.from.ip().octets()) + sum(&envelope.to.ip().octets());
    let mut header = [0; IPV4_OCTETS];
    let mut writer = Writer::new(&mut header);
    for word in words {
        writer.u16(word)?;
    }
    writer.u16(!folded(words_sum + ends))?;
    writer.address(*envelope.from.ip())?;
    writer.address(*envelope.to.ip())?;
    Ok(header)
}

/// The UDP header of `segment` octets with its payload; the checksum covers the pseudo header too (RFC 768).
fn udp_header(envelope: &Envelope, segment: u16, payload: &[u8]) -> Result<[u8; UDP_OCTETS], Full> {
    let ends = u64::from(sum(&envelope.from.ip().octets())) + u64::from(sum(&envelope.to.ip().octets()));
    let fields = u64::from(envelope.from.port()) + u64::from(envelope.to.port());
    let lengths = 2 * u64::from(segment) + u64::from(PROTOCOL_UDP);
    let whole = ends + fields + lengths + u64::from(sum(payload));
    let checksum = match !folded(u32::try_from(whole).unwrap_or(u32::MAX)) {
        0 => u16::MAX,
        other => other,
    };
    let mut header = [0; UDP_OCTETS];
    let mut writer = Writer::new(&mut header);
    writer.u16(envelope.from.port())?;
    writer.u16(envelope.to.port())?;
    writer.u16(segment)?;
    writer.u16(checksum)?;
    Ok(header)
}

/// Sum of the 16-bit words of `bytes`, an odd last octet filled up with 0. No overflow up to 65,536 words.
fn sum(bytes: &[u8]) -> u32 {
    let mut reader = Reader::new(bytes);
    let mut sum = 0_u32;
    while let Some(word) = reader.u16() {
        sum = sum.saturating_add(u32::from(word));
    }
    match reader.u8() {
        Some(last) => sum.saturating_add(u32::from(last) << 8),
        None => sum,
    }
}

/// One's complement: what runs over 16 bits is added at the bottom again (RFC 1071).
fn folded(sum: u32) -> u16 {
    let once = (sum >> 16) + (sum & 0xffff);
    let twice = (once >> 16) + (once & 0xffff);
    u16::try_from(twice).unwrap_or(u16::MAX)
}
