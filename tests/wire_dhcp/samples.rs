//! What the tests share: golden packets from `tests/data/dhcp`, messages to build upon, and a reading of replies
//! that knows nothing of the codec.

use std::net::Ipv4Addr;
use std::path::Path;

use understudy::wire::dhcp::{COOKIE, Fit, Header, Reply, emit};

/// A packet with the options that are to be read from it.
pub(crate) struct Golden {
    /// File name without its ending.
    pub(crate) name: String,
    /// The UDP payload.
    pub(crate) bytes: Vec<u8>,
    /// Each code once, joined, in order of first appearance.
    pub(crate) options: Vec<(u8, Vec<u8>)>,
}

/// All golden packets, by name.
pub(crate) fn all() -> Vec<Golden> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dhcp");
    let mut found: Vec<Golden> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "hex"))
        .map(|path| read(&path))
        .collect();
    assert!(found.len() >= 30, "golden packets are missing: only {} found", found.len());
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

/// The golden packet of that name.
pub(crate) fn golden(name: &str) -> Golden {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dhcp").join(name);
    read(&path.with_extension("hex"))
}

fn read(path: &Path) -> Golden {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut golden = Golden {
        name: path.file_stem().unwrap().to_string_lossy().into_owned(),
        bytes: Vec::new(),
        options: Vec::new(),
    };
    for line in text.lines() {
        let line = line.split('#').next().unwrap().trim();
        if let Some(option) = line.strip_prefix("= ") {
            let (code, value) = option.split_once(' ').unwrap_or((option, ""));
            golden.options.push((code.parse().unwrap(), hex(value)));
        } else {
            line.split_whitespace().for_each(|word| golden.bytes.extend(octets(word)));
        }
    }
    golden
}

/// `5a` is one octet, `00*64` is 64 of them.
fn octets(word: &str) -> Vec<u8> {
    let (octet, count) = word.split_once('*').unwrap_or((word, "1"));
    vec![u8::from_str_radix(octet, 16).unwrap(); count.parse().unwrap()]
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// The header of a reply to an Ethernet client.
pub(crate) fn header() -> Header {
    Header {
        op: 2,
        htype: 1,
        hlen: 6,
        hops: 0,
        xid: 0x1234_5678,
        secs: 0,
        flags: 0x8000,
        ciaddr: Ipv4Addr::UNSPECIFIED,
        yiaddr: Ipv4Addr::new(192, 0, 2, 100),
        siaddr: Ipv4Addr::new(192, 0, 2, 1),
        giaddr: Ipv4Addr::UNSPECIFIED,
        chaddr: [0x52, 0x54, 0, 0x12, 0x34, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    }
}

/// A request with these octets in its fields, as they are; `options` follow the cookie.
pub(crate) fn packet(sname: &[u8], file: &[u8], options: &[u8]) -> Vec<u8> {
    let mut bytes = vec![1, 1, 6, 0];
    bytes.resize(44, 0);
    bytes.extend_from_slice(sname);
    bytes.resize(108, 0);
    bytes.extend_from_slice(file);
    bytes.resize(236, 0);
    bytes.extend_from_slice(&COOKIE);
    bytes.extend_from_slice(options);
    bytes
}

/// A reply with nothing but options.
pub(crate) fn reply<'a>(header: &'a Header, options: &'a [(u8, &'a [u8])]) -> Reply<'a> {
    Reply { header, server_name: &[], boot_file: &[], options, relay_information: None, limit: 548, bootp: false }
}

/// Emits and takes apart.
pub(crate) fn emitted(reply: &Reply<'_>) -> (Taken, Fit) {
    let mut out = Vec::new();
    let fit = emit(reply, &mut out);
    (Taken::of(&out), fit)
}

/// A message taken apart by positions alone; panics on anything that is not well-formed.
#[derive(Debug)]
pub(crate) struct Taken {
    /// The whole message.
    pub(crate) bytes: Vec<u8>,
    /// Pieces in the options area, in order.
    pub(crate) options: Vec<(u8, Vec<u8>)>,
    /// Pieces in `file`, where option 52 says so.
    pub(crate) file: Vec<(u8, Vec<u8>)>,
    /// Pieces in `sname`, where option 52 says so.
    pub(crate) sname: Vec<(u8, Vec<u8>)>,
}

impl Taken {
    /// Takes `bytes` apart.
    pub(crate) fn of(bytes: &[u8]) -> Taken {
        assert_eq!(bytes[236..240], [99, 130, 83, 99]);
        let options = pieces(&bytes[240..]);
        let overload: Vec<u8> =
            options.iter().filter(|(code, _)| *code == 52).flat_map(|(_, value)| value.clone()).collect();
        assert!(matches!(overload[..], [] | [1..=3]), "option 52 is {overload:?}");
        let used = |bit: u8| overload.first().is_some_and(|value| value & bit != 0);
        let file = if used(1) { pieces(&bytes[108..236]) } else { Vec::new() };
        let sname = if used(2) { pieces(&bytes[44..108]) } else { Vec::new() };
        assert_eq!(used(1), !file.is_empty(), "option 52 says that file holds options, and it does not");
        assert_eq!(used(2), !sname.is_empty(), "option 52 says that sname holds options, and it does not");
        Taken { bytes: bytes.to_vec(), options, file, sname }
    }

    /// All pieces, in the order in which fields are read.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = &(u8, Vec<u8>)> {
        self.options.iter().chain(&self.file).chain(&self.sname)
    }

    /// The pieces of `code`, joined.
    pub(crate) fn joined(&self, code: u8) -> Option<Vec<u8>> {
        let mut pieces = self.pieces().filter(|piece| piece.0 == code).peekable();
        pieces.peek()?;
        Some(pieces.flat_map(|piece| piece.1.clone()).collect())
    }

    /// The codes in the options area, in order.
    pub(crate) fn codes(&self) -> Vec<u8> {
        self.options.iter().map(|piece| piece.0).collect()
    }
}

/// RFC 2131 section 4.1: options from the first octet, End, zeros.
fn pieces(field: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while field[at] != 255 {
        assert_ne!(field[at], 0, "a pad before the end");
        let length = usize::from(field[at + 1]);
        found.push((field[at], field[at + 2..at + 2 + length].to_vec()));
        at += 2 + length;
    }
    assert!(field[at + 1..].iter().all(|octet| *octet == 0), "not padded with zeros");
    found
}
