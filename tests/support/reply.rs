//! Reads a reply strictly: whatever a lenient client would overlook is a failure here.
//!
//! [`Reply::decode`] checks what holds for every message of a server (RFC 2131 sections 2 and 4.1, RFC 2132,
//! RFC 3396), [`Reply::check_against`] what depends on the request (RFC 2131 table 3, RFC 6842, RFC 3046).

use std::net::Ipv4Addr;

use understudy::server::outbox::Destination;

use super::client::{COOKIE, Message};
use super::{code, kind};

/// The part of the message that an option stood in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Options,
    File,
    Sname,
}

/// One option as it stood in the message.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) field: Field,
    pub(crate) code: u8,
    pub(crate) value: Vec<u8>,
}

/// A message of the server, read and found well-formed.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) to: Destination,
    pub(crate) bytes: Vec<u8>,
    pub(crate) htype: u8,
    pub(crate) hlen: u8,
    pub(crate) xid: u32,
    pub(crate) flags: u16,
    pub(crate) ciaddr: Ipv4Addr,
    pub(crate) yiaddr: Ipv4Addr,
    pub(crate) siaddr: Ipv4Addr,
    pub(crate) giaddr: Ipv4Addr,
    pub(crate) chaddr: [u8; 16],
    pub(crate) sname: Vec<u8>,
    pub(crate) file: Vec<u8>,
    pub(crate) pieces: Vec<Piece>,
}

impl Reply {
    /// Reads one reply.
    ///
    /// # Panics
    /// At anything that is not as the RFCs have it.
    pub(crate) fn decode(to: Destination, bytes: &[u8]) -> Reply {
        assert!(bytes.len() >= 300, "under the 300 octets of BOOTP: {}", bytes.len());
        assert_eq!(bytes[0], 2, "op is BOOTREPLY");
        assert!(bytes[2] <= 16, "hlen {}", bytes[2]);
        assert_eq!(bytes[3], 0, "hops");
        assert_eq!(bytes[8..10], [0, 0], "secs");
        assert_eq!(bytes[236..240], COOKIE, "magic cookie");
        let mut pieces = read_field(Field::Options, &bytes[240..]);
        let overload = match find(&pieces, code::OVERLOAD) {
            Some(value) => {
                assert_eq!(value.len(), 1, "option 52 has one octet");
                assert!((1..=3).contains(&value[0]), "option 52 is {}", value[0]);
                value[0]
            }
            None => 0,
        };
        if overload & 1 != 0 {
            pieces.extend(read_field(Field::File, &bytes[108..236]));
        } else {
            check_text(&bytes[108..236]);
        }
        if overload & 2 != 0 {
            pieces.extend(read_field(Field::Sname, &bytes[44..108]));
        } else {
            check_text(&bytes[44..108]);
        }
        let reply = Reply {
            to,
            bytes: bytes.to_vec(),
            htype: bytes[1],
            hlen: bytes[2],
            xid: u32::from_be_bytes(take(&bytes[4..8])),
            flags: u16::from_be_bytes(take(&bytes[10..12])),
            ciaddr: address(&bytes[12..16]),
            yiaddr: address(&bytes[16..20]),
            siaddr: address(&bytes[20..24]),
            giaddr: address(&bytes[24..28]),
            chaddr: take(&bytes[28..44]),
            sname: bytes[44..108].to_vec(),
            file: bytes[108..236].to_vec(),
            pieces,
        };
        reply.check_pieces();
        reply.check_lengths();
        match reply.kind() {
            Some(kind) => reply.check_kind(kind),
            None => reply.check_bootp(),
        }
        reply
    }

    /// Option 53; `None` in BOOTP.
    pub(crate) fn kind(&self) -> Option<u8> {
        self.get(code::TYPE).map(|value| {
            assert_eq!(value.len(), 1, "option 53 has one octet");
            value[0]
        })
    }

    /// The value of an option, pieces joined.
    pub(crate) fn get(&self, code: u8) -> Option<Vec<u8>> {
        find(&self.pieces, code)
    }

    /// Whether the option is there.
    pub(crate) fn has(&self, code: u8) -> bool {
        self.pieces.iter().any(|piece| piece.code == code)
    }

    /// Codes in the order in which a client meets them, each once.
    pub(crate) fn codes(&self) -> Vec<u8> {
        let mut codes: Vec<u8> = Vec::new();
        for piece in &self.pieces {
            if !codes.contains(&piece.code) {
                codes.push(piece.code);
            }
        }
        codes
    }

    /// An option of four octets as a number.
    pub(crate) fn number(&self, code: u8) -> u32 {
        let value = self.get(code).unwrap_or_else(|| panic!("no option {code} in {:?}", self.codes()));
        u32::from_be_bytes(take(&value))
    }

    /// Option 51.
    pub(crate) fn lease(&self) -> u32 {
        self.number(code::LEASE)
    }

    /// Option 54.
    pub(crate) fn server(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.number(code::SERVER))
    }

    /// Asserts what depends on the request.
    pub(crate) fn check_against(&self, request: &Message) {
        assert_eq!(self.xid, request.xid, "xid is copied");
        assert_eq!(self.htype, request.htype, "htype is copied");
        assert_eq!(self.hlen, request.hlen, "hlen is copied");
        assert_eq!(self.chaddr, request.chaddr, "chaddr is copied, all 16 octets");
        assert_eq!(self.giaddr, request.giaddr, "giaddr is copied");
        let mut flags = request.flags & 0x8000;
        if self.kind() == Some(kind::NAK) && request.giaddr != Ipv4Addr::UNSPECIFIED {
            flags = 0x8000;
        }
        assert_eq!(self.flags & 0x8000, flags, "the broadcast bit");
        if let Some(identifier) = self.get(code::IDENTIFIER) {
            assert_eq!(Some(identifier), request.value(code::IDENTIFIER), "option 61 is copied");
        }
        if let Some(relay) = self.get(code::RELAY) {
            assert_eq!(Some(relay), request.value(code::RELAY), "option 82 is echoed");
        }
        assert!(!self.has(code::AUTO) || request.value(code::AUTO).is_some(), "116 unasked");
        let informed = request.value(code::TYPE).as_deref() == Some(&[kind::INFORM]);
        if self.kind() == Some(kind::ACK) {
            assert_eq!(self.has(code::LEASE), !informed, "option 51 in an ACK");
            assert_eq!(self.yiaddr.is_unspecified(), informed, "yiaddr in an ACK");
        }
        let limit = match request.value(code::SIZE) {
            Some(size) if size.len() == 2 => usize::from(u16::from_be_bytes(take(&size))).max(576),
            _ => 576,
        };
        assert!(self.bytes.len() + 28 <= limit, "{} octets of {limit}", self.bytes.len() + 28);
    }

    fn check_kind(&self, kind: u8) {
        for never in [code::REQUESTED, code::WANTED, code::SIZE] {
            assert!(!self.has(never), "option {never} in a reply");
        }
        assert!(self.has(code::SERVER), "option 54");
        let in_options = |piece: &&Piece| piece.code == code::TYPE && piece.field == Field::Options;
        assert_eq!(self.pieces.iter().filter(in_options).count(), 1, "one option 53");
        match kind {
            kind::OFFER => {
                assert!(self.ciaddr.is_unspecified(), "ciaddr in an OFFER");
                let none = self.yiaddr.is_unspecified();
                assert!(self.has(code::LEASE) || none, "option 51 in an OFFER");
                assert!(!none || self.has(code::AUTO), "an OFFER of nothing");
            }
            kind::ACK => {}
            kind::NAK => self.check_nak(),
            other => panic!("a server does not send type {other}"),
        }
        if self.has(code::T1) && self.has(code::T2) {
            assert!(self.number(code::T1) < self.number(code::T2), "T1 before T2");
            assert!(self.number(code::T2) < self.lease(), "T2 before the end");
        }
    }

    fn check_nak(&self) {
        for field in [self.ciaddr, self.yiaddr, self.siaddr] {
            assert!(field.is_unspecified(), "an address in a NAK: {field}");
        }
        assert!(self.sname.iter().chain(&self.file).all(|octet| *octet == 0), "text in a NAK");
        for code in self.codes() {
            assert!([53, 54, 56, 60, 61, 82, 118].contains(&code), "option {code} in a NAK");
        }
    }

    fn check_bootp(&self) {
        for code in [50, 51, 52, 53, 54, 55, 57, 58, 59] {
            assert!(!self.has(code), "option {code} in BOOTP");
        }
    }

    /// Each code once, unless its value is over 255 octets or fields had to be crossed; option 82 last.
    fn check_pieces(&self) {
        for code in self.codes() {
            let mine: Vec<&Piece> = self.pieces.iter().filter(|piece| piece.code == code).collect();
            for pair in mine.windows(2) {
                let full = pair[0].value.len() == 255 || pair[0].field != pair[1].field;
                assert!(full, "option {code} is split at {} octets", pair[0].value.len());
            }
        }
        if self.has(code::RELAY) {
            let last = self.pieces.iter().rfind(|piece| piece.field == Field::Options);
            let last = last.map(|piece| piece.code);
            assert_eq!(last, Some(code::RELAY), "option 82 stands last in the options field");
            let outside = |piece: &Piece| piece.code == code::RELAY && piece.field != Field::Options;
            assert!(!self.pieces.iter().any(outside), "option 82 in sname or file");
        }
    }

    fn check_lengths(&self) {
        for piece in &self.pieces {
            let length = match piece.code {
                code::OVERLOAD | code::TYPE | code::AUTO => 1,
                13 | 22 | 26 => 2,
                1 | 2 | 24 | 35 | 38 | 51 | 54 | 58 | 59 => 4,
                _ => continue,
            };
            assert_eq!(piece.value.len(), length, "length of option {}", piece.code);
        }
    }
}

/// Reads the options of one field: ended by 255, padded with 0, nothing running over the end.
fn read_field(field: Field, bytes: &[u8]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = 0;
    loop {
        let code = *bytes.get(at).unwrap_or_else(|| panic!("{field:?} does not end with 255"));
        match code {
            0 => at += 1,
            255 => break,
            _ => {
                let length = usize::from(*bytes.get(at + 1).expect("an option has a length"));
                let value = bytes.get(at + 2..at + 2 + length);
                let value = value.unwrap_or_else(|| panic!("option {code} runs over {field:?}"));
                pieces.push(Piece { field, code, value: value.to_vec() });
                at += 2 + length;
            }
        }
    }
    assert!(bytes[at + 1..].iter().all(|octet| *octet == 0), "{field:?} is padded with 0");
    pieces
}

/// A field of text: NUL after the text, and nothing after that.
fn check_text(field: &[u8]) {
    let end = field.iter().position(|octet| *octet == 0).expect("ended by NUL");
    assert!(field[end..].iter().all(|octet| *octet == 0), "NULs after the text");
}

fn find(pieces: &[Piece], code: u8) -> Option<Vec<u8>> {
    let mut mine = pieces.iter().filter(|piece| piece.code == code).peekable();
    mine.peek()?;
    Some(mine.flat_map(|piece| piece.value.clone()).collect())
}

fn take<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    bytes.try_into().unwrap_or_else(|_| panic!("{} octets, not {LENGTH}", bytes.len()))
}

fn address(bytes: &[u8]) -> Ipv4Addr {
    Ipv4Addr::from(take::<4>(bytes))
}
