//! The DHCP message (RFC 2131 section 2): its fixed fields, and how a received one is read.
//!
//! [`parse`] turns the payload of a datagram into a [`Message`], which borrows from it; [`emit`] does the way
//! back for replies. Neither decides anything about service: operation codes, message types and options that the
//! server does not know are kept as they came, and it is for `server/` to leave them unanswered.

use std::net::Ipv4Addr;
use std::ops::Range;

use super::WireError;
use super::cursor::{Full, Reader, Writer};
use super::options::{Fields, Options};

pub use super::emit::{Fit, LIMIT_BOOTP, LIMIT_DHCP, Reply, emit};
pub use super::options::Scratch;

/// `op` of what clients and relays send.
pub const OP_REQUEST: u8 = 1;
/// `op` of what servers send.
pub const OP_REPLY: u8 = 2;
/// The broadcast bit of `flags`; the others must be zero and are ignored (RFC 2131 section 2).
pub const FLAG_BROADCAST: u16 = 0x8000;
/// What the options area begins with (RFC 2131 section 3).
pub const COOKIE: [u8; 4] = [99, 130, 83, 99];

/// Octets before `sname`.
pub(super) const HEAD_OCTETS: usize = 44;
/// Octets of `sname`.
pub const SNAME_OCTETS: usize = 64;
/// Octets of `file`.
pub const FILE_OCTETS: usize = 128;
/// Octets before the first option: fixed fields and cookie.
pub const FIXED_OCTETS: usize = 240;

const SNAME: Range<usize> = HEAD_OCTETS..HEAD_OCTETS + SNAME_OCTETS;
const FILE: Range<usize> = SNAME.end..SNAME.end + FILE_OCTETS;
const _: () = assert!(FILE.end + COOKIE.len() == FIXED_OCTETS);

/// The fixed fields (RFC 2131 section 2), `sname` and `file` apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// [`OP_REQUEST`] or [`OP_REPLY`]; others are kept.
    pub op: u8,
    /// Kind of hardware address (ARP's numbers; 1 is Ethernet).
    pub htype: u8,
    /// Octets of `chaddr` that count; 0 to 16 in a parsed message.
    pub hlen: u8,
    /// Relays passed.
    pub hops: u8,
    /// The client's number for the exchange.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// [`FLAG_BROADCAST`] and 15 reserved bits, as they came.
    pub flags: u16,
    /// The address that the client has and answers to.
    pub ciaddr: Ipv4Addr,
    /// The address that the server gives.
    pub yiaddr: Ipv4Addr,
    /// The server for the next step of booting.
    pub siaddr: Ipv4Addr,
    /// The relay.
    pub giaddr: Ipv4Addr,
    /// All 16 octets, padding as it came (it is copied to the reply).
    pub chaddr: [u8; 16],
}

impl Header {
    /// The header of a reply to this one: what RFC 2131 table 3 copies is copied (`htype`, `hlen`, `xid`, `flags`,
    /// `giaddr`, all of `chaddr`), `op` is [`OP_REPLY`], `hops` and `secs` are 0, the other addresses 0.0.0.0.
    #[must_use]
    pub fn reply(&self) -> Header {
        Header {
            op: OP_REPLY,
            hops: 0,
            secs: 0,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::UNSPECIFIED,
            siaddr: Ipv4Addr::UNSPECIFIED,
            ..self.clone()
        }
    }

    /// The `hlen` first octets of `chaddr`: 0 to 16.
    #[must_use]
    pub fn hardware_address(&self) -> &[u8] {
        self.chaddr.get(..usize::from(self.hlen)).unwrap_or(&self.chaddr)
    }

    /// Whether the client cannot take unicast before it has its address.
    #[must_use]
    pub const fn wants_broadcast(&self) -> bool {
        self.flags & FLAG_BROADCAST != 0
    }

    fn read(reader: &mut Reader<'_>) -> Option<Header> {
        Some(Header {
            op: reader.u8()?,
            htype: reader.u8()?,
            hlen: reader.u8()?,
            hops: reader.u8()?,
            xid: reader.u32()?,
            secs: reader.u16()?,
            flags: reader.u16()?,
            ciaddr: reader.address()?,
            yiaddr: reader.address()?,
            siaddr: reader.address()?,
            giaddr: reader.address()?,
            chaddr: reader.array()?,
        })
    }

    pub(super) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.put(&[self.op, self.htype, self.hlen, self.hops])?;
        writer.u32(self.xid)?;
        writer.u16(self.secs)?;
        writer.u16(self.flags)?;
        for address in [self.ciaddr, self.yiaddr, self.siaddr, self.giaddr] {
            writer.address(address)?;
        }
        writer.put(&self.chaddr)
    }
}

/// A parsed message; borrows from the packet, and from the scratch where split options had to be joined.
#[derive(Debug)]
pub struct Message<'a> {
    /// The fixed fields.
    pub header: Header,
    /// 64 octets as they came; [`Message::server_name`] reads them.
    pub sname: &'a [u8],
    /// 128 octets as they came; [`Message::boot_file`] reads them.
    pub file: &'a [u8],
    /// The options of all fields.
    pub options: Options<'a>,
}

impl<'a> Message<'a> {
    /// The server that the client names: `sname` up to its first NUL, or option 66 where `sname` holds options
    /// (RFC 2132 section 9.4). Empty when there is none.
    #[must_use]
    pub fn server_name(&self) -> &'a [u8] {
        if self.options.overload().sname {
            return self.options.text(super::codes::SERVER_NAME).unwrap_or(&[]);
        }
        up_to_nul(self.sname)
    }

    /// The boot file that the client names: `file` up to its first NUL, or option 67 where `file` holds options
    /// (RFC 2132 section 9.5). Empty when there is none.
    #[must_use]
    pub fn boot_file(&self) -> &'a [u8] {
        if self.options.overload().file {
            return self.options.text(super::codes::BOOT_FILE).unwrap_or(&[]);
        }
        up_to_nul(self.file)
    }
}

/// Parses one DHCP or BOOTP message from the payload of a UDP datagram.
///
/// `bytes` is the whole payload: 236 octets of header, 4 of cookie, then options up to its end. Nothing is
/// allocated; split options are joined in `scratch` (RFC 3396). Faults in the options never refuse a message: see
/// [`Options`] and its module for what is read of them.
///
/// # Errors
/// [`WireError::Truncated`] under 240 octets, [`WireError::NoCookie`] without RFC 2131 section 3's 99.130.83.99,
/// [`WireError::BadLength`] when `hlen` is over 16.
pub fn parse<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Result<Message<'a>, WireError> {
    let mut reader = Reader::new(bytes);
    let header = Header::read(&mut reader).ok_or(WireError::Truncated)?;
    let sname = reader.take(SNAME_OCTETS).ok_or(WireError::Truncated)?;
    let file = reader.take(FILE_OCTETS).ok_or(WireError::Truncated)?;
    let cookie: [u8; 4] = reader.array().ok_or(WireError::Truncated)?;
    if cookie != COOKIE {
        return Err(WireError::NoCookie);
    }
    if usize::from(header.hlen) > header.chaddr.len() {
        return Err(WireError::BadLength);
    }
    let fields = Fields { options: FIXED_OCTETS..bytes.len(), file: FILE, sname: SNAME };
    let options = Options::read(bytes, &fields, scratch);
    Ok(Message { header, sname, file, options })
}

/// `text` up to its first NUL, or all of it.
fn up_to_nul(text: &[u8]) -> &[u8] {
    text.split(|octet| *octet == 0).next().unwrap_or(text)
}
