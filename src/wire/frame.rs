//! SKELETON (owner: wire helper). Ethernet + IPv4 + UDP around a reply to a client that has no address yet.
use std::net::SocketAddrV4;
/// Appends the frame to `out`: Ethernet header, IPv4 header with checksum, UDP header with checksum, payload.
pub fn ethernet(from_hardware: [u8; 6], to_hardware: [u8; 6], from: SocketAddrV4, to: SocketAddrV4, payload: &[u8], out: &mut Vec<u8>) {
    let _ = (from_hardware, to_hardware, from, to, payload, out); unimplemented!()
}
