//! SKELETON (owner: wire helper). The DHCP message: header, parse, emit (RFC 2131 section 2).
use std::net::Ipv4Addr;
use super::WireError;
use super::options::Options;

/// The broadcast bit of `flags`.
pub const FLAG_BROADCAST: u16 = 0x8000;

/// The fixed fields (RFC 2131 section 2), `sname` and `file` apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub op: u8, pub htype: u8, pub hlen: u8, pub hops: u8,
    pub xid: u32, pub secs: u16, pub flags: u16,
    pub ciaddr: Ipv4Addr, pub yiaddr: Ipv4Addr, pub siaddr: Ipv4Addr, pub giaddr: Ipv4Addr,
    /// All 16 octets, padding as it came (it is copied to the reply).
    pub chaddr: [u8; 16],
}

/// A parsed message; borrows from the packet, and from the scratch where split options had to be joined.
#[derive(Debug)]
pub struct Message<'a> {
    pub header: Header,
    /// 64 octets.
    pub sname: &'a [u8],
    /// 128 octets.
    pub file: &'a [u8],
    pub options: Options<'a>,
}

/// Room for joining split options (RFC 3396); made once, reused for each packet.
#[derive(Debug)]
pub struct Scratch { _room: Vec<u8> }
impl Scratch { #[must_use] pub fn new() -> Scratch { Scratch { _room: Vec::with_capacity(65536) } } }

/// Parses one DHCP or BOOTP message from the payload of a UDP datagram.
pub fn parse<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Result<Message<'a>, WireError> {
    let _ = (bytes, scratch); unimplemented!()
}

/// A reply to be emitted.
#[derive(Debug)]
pub struct Reply<'a> {
    pub header: &'a Header,
    /// Goes to `sname` when it is not used for options; empty = none. Must be under 64 octets (checked at config load).
    pub server_name: &'a [u8],
    /// Goes to `file`; empty = none; under 128 octets.
    pub boot_file: &'a [u8],
    /// In order of importance: mandatory ones first. Each code once. Values of over 255 octets are split (RFC 3396).
    /// What does not fit goes to `file`, then `sname` by overload when these are empty (or moves server_name/boot_file to options 66/67), else is left out.
    pub options: &'a [(u8, &'a [u8])],
    /// Option 82 echoed: last in the options area, whole or not at all, never in sname or file.
    pub relay_information: Option<&'a [u8]>,
    /// Octets that the UDP payload may have: maximum message size less 28 (IP and UDP headers); at least 548.
    pub limit: usize,
    /// BOOTP: exactly 64 octets vendor area unless larger request; padded to 300 octets either way.
    pub bootp: bool,
}

/// What was left out of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fit { pub options_left_out: u16, pub relay_information_left_out: bool }

/// Appends the message to `out` (always at least 300 octets, padded).
pub fn emit(reply: &Reply<'_>, out: &mut Vec<u8>) -> Fit { let _ = (reply, out); unimplemented!() }
