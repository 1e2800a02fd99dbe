//! What the two servers of a pair send each other: a header of fixed size and one body a datagram.
//!
//! understudy-failover(7) shows the format to the octet. Numbers are big-endian, an enumeration is one octet, and a
//! body ends where its last field ends. [`parse`] and [`emit`] work on a datagram without its seal
//! ([`super::seal`] adds and takes that off) and share one list of fields, so they cannot differ. Nothing is
//! decided here: whether a session, a sequence or a transfer number is the right one is judged by `server/`.
//! A datagram that cannot be read is a [`FailoverError`], to be counted and dropped.

mod fields;

use std::fmt;

use super::seal::SEAL_OCTETS;
use fields::{Reading, Writing};

/// Version of the format, the first octet of every datagram.
pub const VERSION: u8 = 1;
/// Octets of the header, version and type included.
pub const HEADER_OCTETS: usize = 130;
/// Octets of a [`Body::BindUpdate`] before those of the stream: stream, number, flags, length.
pub const UPDATE_FIXED: usize = 8 + 4 + 1 + 2;
/// Octets of a [`Body::ConfigData`] before those of the configuration: digest, offset, total, length.
pub const CONFIG_FIXED: usize = 32 + 4 + 4 + 2;
/// The most octets of a stream or configuration in one datagram: the upper bound of SyncBindingBufSize.
pub const PIECE_OCTETS_MAX: usize = 4096;
/// The longest datagram without its seal. A receiver whose buffer holds this and the seal cuts none.
pub const DATAGRAM_OCTETS_MAX: usize = HEADER_OCTETS + CONFIG_FIXED + PIECE_OCTETS_MAX;
/// The largest SyncBindingBufSize with which IP need not cut a BindUpdate on Ethernet (1,500 octets a packet, 28 of
/// them IPv4 and UDP).
pub const UNCUT_PIECE_OCTETS_MAX: usize = 1500 - 28 - HEADER_OCTETS - UPDATE_FIXED - SEAL_OCTETS;

const _: () = assert!(UPDATE_FIXED <= CONFIG_FIXED, "the longest body is that of ConfigData");

/// What every datagram tells of its sender (failover.md section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Session; 0 in Hello and HelloAck, which come before there is one.
    pub session: u64,
    /// Number of this datagram among those of the sender's boot.
    pub sequence: u64,
    /// The newest sequence that the sender has seen of the receiver.
    pub seen: u64,
    /// Random at each start of the sender.
    pub boot: u64,
    /// The receiver's boot as the sender knows it; 0 = not known.
    pub partner_boot: u64,
    /// Which lease database the sender has.
    pub database: [u8; 16],
    /// Which the receiver has, as the sender knows it; zeros = not known.
    pub partner_database: [u8; 16],
    /// Whether the sender's database has once held all that the receiver held.
    pub complete: bool,
    /// Whether the sender goes by StrictShares = True: a primary by its own, a failover by what its primary told last.
    pub strict: bool,
    /// What the sender does on this channel.
    pub state: PartnerState,
    /// Number of the transfer of control that the sender is in or was in last; 0 = none yet.
    pub transfer: u32,
    /// The receiver's boot in which `have` was made; 0 = nothing held yet.
    pub have_boot: u64,
    /// Stamp up to which the sender holds the receiver's own changes durably.
    pub have: u64,
    /// Stamp of the sender's newest own change.
    pub newest: u64,
    /// The sender's lease clock, in milliseconds.
    pub clock: u64,
    /// Generation of the configuration that the sender runs.
    pub config_generation: u64,
    /// The first octets of that configuration's digest.
    pub config_digest: [u8; 8],
    /// The sender's SyncBindingBufSize, in octets.
    pub buffer_size: u16,
}

/// What a server does on a channel (failover.md section 6): four states of a primary, five of a failover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PartnerState {
    /// A primary that asks for control.
    #[default]
    Claiming,
    /// A primary that gets its subnets back.
    Receiving,
    /// A primary that serves.
    Serving,
    /// A primary that gave control away.
    Given,
    /// A failover that asks for all bindings.
    Syncing,
    /// A failover whose primary serves.
    Asleep,
    /// A failover that asks whether its primary is there.
    Probing,
    /// A failover that serves.
    Active,
    /// A failover that gives control back.
    Returning,
}

/// Which subnets a failover serves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Serves {
    /// None: the primary may serve all.
    #[default]
    None,
    /// All of the channel's.
    All,
    /// Some; they come by SubnetReturn.
    Some,
}

/// One piece of a stream of changes (failover.md section 5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Id of the stream.
    pub stream: u64,
    /// Number of the piece in it, from 0 on.
    pub number: u32,
    /// Whether the stream ends with this piece.
    pub last: bool,
    /// At most [`PIECE_OCTETS_MAX`] octets of framed records, cut anywhere.
    pub octets: &'a [u8],
}

/// The message itself (failover.md section 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// I do not know this boot of yours: prove it.
    Hello {
        /// Random, fresh for each Hello.
        challenge: u64,
    },
    /// Here is the proof; prove yours.
    HelloAck {
        /// The challenge of the Hello.
        answer: u64,
        /// Random, fresh.
        challenge: u64,
    },
    /// Closes the exchange.
    HelloEnd {
        /// The challenge of the HelloAck.
        answer: u64,
    },
    /// Are you there?
    Poll {
        /// The failover's PollDelay, in milliseconds.
        delay_ms: u32,
        /// Its WaitPollRplSecs, in milliseconds.
        wait_ms: u32,
        /// Its PollRetryMax.
        retries: u8,
    },
    /// I am.
    PollRpl {
        /// The primary's own PollDelay, in milliseconds; 0 = none written.
        delay_ms: u32,
    },
    /// I ask for control.
    CtlReq,
    /// What I serve.
    CtlRet {
        /// Which subnets.
        serves: Serves,
        /// How many changes follow.
        changes: u64,
    },
    /// I have started; send what I do not have.
    SyncReq,
    /// The stream begins.
    SyncStart {
        /// How many changes follow.
        changes: u64,
    },
    /// The next piece of a stream.
    BindUpdate(Piece<'a>),
    /// What of a stream is durable here.
    BindAck {
        /// Id of the stream.
        stream: u64,
        /// All pieces before this one are durable.
        next: u32,
        /// Bit i, counted from the lowest: piece `next + 1 + i` is held.
        later: u64,
    },
    /// All my changes of this subnet are before this point; it is yours.
    SubnetReturn {
        /// Number of the transfer.
        transfer: u32,
        /// Address of the subnet.
        network: u32,
        /// Length of its mask, 0 to 32.
        prefix: u8,
        /// Stamp of the last change of it.
        until: u64,
    },
    /// It is durably mine; I serve it.
    SubnetTaken {
        /// Number of the transfer.
        transfer: u32,
        /// Address of the subnet.
        network: u32,
        /// Length of its mask, 0 to 32.
        prefix: u8,
    },
    /// I stop: take control now.
    CtlGive {
        /// How many changes you do not have.
        unacked: u64,
    },
    /// Durable; I serve.
    CtlTaken,
    /// Give me free addresses.
    ShareReq {
        /// First address of the range, or the one address asked for.
        first: u32,
        /// Last address, not below the first.
        last: u32,
        /// How many of them.
        count: u32,
    },
    /// I have this configuration.
    ConfigOffer {
        /// Its generation.
        generation: u64,
        /// SHA-256 of its text.
        digest: [u8; 32],
        /// Octets of its text.
        octets: u32,
    },
    /// Send me the part from `offset` on.
    ConfigReq {
        /// SHA-256 of the whole.
        digest: [u8; 32],
        /// Where the part begins, in octets.
        offset: u32,
    },
    /// A part of it.
    ConfigData {
        /// SHA-256 of the whole.
        digest: [u8; 32],
        /// Where this part begins, in octets.
        offset: u32,
        /// Octets of the whole.
        total: u32,
        /// At most [`PIECE_OCTETS_MAX`] octets of the text.
        octets: &'a [u8],
    },
}

/// Which message a [`Body`] is; the second octet of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is described at the body of the same name")]
pub enum Kind {
    Hello = 1,
    HelloAck = 2,
    HelloEnd = 3,
    Poll = 4,
    PollRpl = 5,
    CtlReq = 6,
    CtlRet = 7,
    SyncReq = 8,
    SyncStart = 9,
    BindUpdate = 10,
    BindAck = 11,
    SubnetReturn = 12,
    SubnetTaken = 13,
    CtlGive = 14,
    CtlTaken = 15,
    ShareReq = 16,
    ConfigOffer = 17,
    ConfigReq = 18,
    ConfigData = 19,
}

impl Kind {
    /// All kinds with the names that failover.md gives them, in the order of their codes.
    pub const ALL: [(Kind, &'static str); 19] = [
        (Kind::Hello, "Hello"),
        (Kind::HelloAck, "HelloAck"),
        (Kind::HelloEnd, "HelloEnd"),
        (Kind::Poll, "Poll"),
        (Kind::PollRpl, "PollRpl"),
        (Kind::CtlReq, "CtlReq"),
        (Kind::CtlRet, "CtlRet"),
        (Kind::SyncReq, "SyncReq"),
        (Kind::SyncStart, "SyncStart"),
        (Kind::BindUpdate, "BindUpdate"),
        (Kind::BindAck, "BindAck"),
        (Kind::SubnetReturn, "SubnetReturn"),
        (Kind::SubnetTaken, "SubnetTaken"),
        (Kind::CtlGive, "CtlGive"),
        (Kind::CtlTaken, "CtlTaken"),
        (Kind::ShareReq, "ShareReq"),
        (Kind::ConfigOffer, "ConfigOffer"),
        (Kind::ConfigReq, "ConfigReq"),
        (Kind::ConfigData, "ConfigData"),
    ];

    /// Its code on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind with this code.
    #[must_use]
    pub fn of(code: u8) -> Option<Kind> {
        Kind::ALL.iter().map(|(kind, _)| *kind).find(|kind| kind.code() == code)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Kind::ALL.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name);
        f.write_str(name)
    }
}

/// A whole datagram without its seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// What it tells of its sender.
    pub header: Header,
    /// The message.
    pub body: Body<'a>,
}

/// Why a datagram could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailoverError {
    /// The first octet is not [`VERSION`].
    UnknownVersion(u8),
    /// The second octet is the code of no message of this version.
    UnknownKind(u8),
    /// It ends inside a field.
    Truncated,
    /// So many octets follow the last field.
    Trailing(usize),
    /// A field holds a value that it cannot have.
    BadField(&'static str),
}

impl fmt::Display for FailoverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FailoverError::UnknownVersion(version) => {
                write!(f, "protocol version {version}, this server speaks {VERSION}; run the same release on both")
            }
            FailoverError::UnknownKind(code) => {
                write!(f, "message type {code} is not known; run the same release on both servers")
            }
            FailoverError::Truncated => f.write_str("ends inside a field"),
            FailoverError::Trailing(octets) => write!(f, "{octets} octets follow the last field"),
            FailoverError::BadField(field) => write!(f, "field {field} holds an impossible value"),
        }
    }
}

impl std::error::Error for FailoverError {}

/// Reads one datagram without its seal. The octets of a piece borrow from it; nothing is allocated.
///
/// # Errors
/// `UnknownVersion`, then `UnknownKind`, even where nothing follows; then `Truncated`, or `BadField` for an octet
/// without meaning, by whichever field comes first; then `Trailing`; then `BadField` for a mask of more than 32 bits
/// or a range that ends before it begins.
pub fn parse(bytes: &[u8]) -> Result<Datagram<'_>, FailoverError> {
    let mut pass = Reading::new(bytes);
    match pass.octet() {
        Some(VERSION) => {}
        Some(version) => return Err(FailoverError::UnknownVersion(version)),
        None => return Err(FailoverError::Truncated),
    }
    let code = pass.octet().ok_or(FailoverError::Truncated)?;
    let kind = Kind::of(code).ok_or(FailoverError::UnknownKind(code))?;
    let mut datagram = Datagram { header: Header::default(), body: fields::blank(kind) };
    fields::header(&mut datagram.header, &mut pass);
    fields::body(&mut datagram.body, &mut pass);
    pass.end()?;
    match fields::impossible(&datagram.body) {
        Some(field) => Err(FailoverError::BadField(field)),
        None => Ok(datagram),
    }
}

/// Appends the datagram to `out`, without a seal.
///
/// # Panics
/// When a piece has more than [`PIECE_OCTETS_MAX`] octets: SyncBindingBufSize, by which it is cut, is at most that.
pub fn emit(datagram: &Datagram<'_>, out: &mut Vec<u8>) {
    let Datagram { mut header, mut body } = *datagram;
    out.extend_from_slice(&[VERSION, body.kind().code()]);
    let mut pass = Writing::new(out);
    fields::header(&mut header, &mut pass);
    fields::body(&mut body, &mut pass);
}

impl Body<'_> {
    /// Which message this is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Body::Hello { .. } => Kind::Hello,
            Body::HelloAck { .. } => Kind::HelloAck,
            Body::HelloEnd { .. } => Kind::HelloEnd,
            Body::Poll { .. } => Kind::Poll,
            Body::PollRpl { .. } => Kind::PollRpl,
            Body::CtlReq => Kind::CtlReq,
            Body::CtlRet { .. } => Kind::CtlRet,
            Body::SyncReq => Kind::SyncReq,
            Body::SyncStart { .. } => Kind::SyncStart,
            Body::BindUpdate(_) => Kind::BindUpdate,
            Body::BindAck { .. } => Kind::BindAck,
            Body::SubnetReturn { .. } => Kind::SubnetReturn,
            Body::SubnetTaken { .. } => Kind::SubnetTaken,
            Body::CtlGive { .. } => Kind::CtlGive,
            Body::CtlTaken => Kind::CtlTaken,
            Body::ShareReq { .. } => Kind::ShareReq,
            Body::ConfigOffer { .. } => Kind::ConfigOffer,
            Body::ConfigReq { .. } => Kind::ConfigReq,
            Body::ConfigData { .. } => Kind::ConfigData,
        }
    }
}
