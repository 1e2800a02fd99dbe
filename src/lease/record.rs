//! Records: what the journal keeps, as octets. A record is a whole binding or a whole fact about the lease
//! database; the last one in file order wins, so replay is idempotent. understudy-journal(5) shows the layout.
//!
//! The first octet of a payload is its kind. Numbers are big-endian. What is known of a binding's client stands
//! as a list of `code, length, value` behind the fixed part, in the form in which the lease table keeps it, so
//! that a record is written and read by copying.

use std::fmt;
use std::net::Ipv4Addr;

use byteorder::{BigEndian, ByteOrder};

use super::reservations::Promised;
use super::shares::Share;
use super::{Binding, BindingState, Client, DETAIL_VALUE_MAX, Hardware, Side, Stamp};
use crate::clock::Wall;

/// Kind octet of a [`Binding`].
const KIND_BINDING: u8 = 1;
/// Kind octet of a [`Record::Identity`].
const KIND_IDENTITY: u8 = 2;
/// Kind octet of a [`Record::Boot`].
const KIND_BOOT: u8 = 3;
/// Kind octet of a [`Record::Channel`].
const KIND_CHANNEL: u8 = 4;
/// Kind octet of a [`Record::CopyEnd`].
const KIND_COPY_END: u8 = 5;
/// Kind octet of a [`Share`].
const KIND_SHARE: u8 = 6;
/// Octets of a [`Share`]'s payload: kind, two addresses, sides, stamp.
const SHARE_OCTETS: usize = 1 + 4 + 4 + 1 + 8;
/// Kind octet of a [`Record::Reservation`].
const KIND_RESERVATION: u8 = 7;
/// Kind octet of a [`Record::Seen`].
const KIND_SEEN: u8 = 8;
/// Octets of a [`Channel`]'s payload before its name.
const CHANNEL_FIXED: usize = 1 + 1 + 1 + 16 + 5 * 8 + 8;
/// Octets of a partner's name: that of a host.
pub const CHANNEL_NAME_MAX: usize = 255;

/// Octets of a binding's payload before its details: kind, address, state, sides, five times, stamp.
pub const BINDING_FIXED: usize = 1 + 4 + 1 + 1 + 4 * 8 + 8;
/// Octets of the longest payload: four details of 255 octets with their heads, a hardware type.
pub const PAYLOAD_MAX: usize = BINDING_FIXED + 4 * (2 + DETAIL_VALUE_MAX) + 1;

const DETAIL_IDENTIFIER: u8 = 1;
const DETAIL_HARDWARE: u8 = 2;
const DETAIL_HOST_NAME: u8 = 3;
const DETAIL_RELAY: u8 = 4;

const _: () = assert!(PAYLOAD_MAX < 2048, "a record fits in a small part of a commit");

/// One record of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// All that is known of one address.
    Binding(Binding<'a>),
    /// Which lease database this is (failover.md section 5).
    Identity {
        /// Random, made with the database.
        database: [u8; 16],
        /// Whether it has once held all that there is: made with `--new`, served standalone, or fully copied.
        complete: Complete,
    },
    /// The server started: its random boot id, and the newest stamp of its own changes before.
    Boot {
        /// Random at each start.
        boot: u64,
        /// Newest stamp of an own change before this start.
        newest_before: Stamp,
    },
    /// What this server knows of a partner.
    Channel(Channel<'a>),
    /// Whose the addresses of a run are that have no binding.
    Share(Share),
    /// Whom an address was reserved for while this server of a pair ran a configuration.
    Reservation {
        /// The address.
        address: Ipv4Addr,
        /// The host or hosts; none: the partner goes by no such reservation any more.
        promised: Option<Promised>,
    },
    /// In a stream only: the copy of all bindings ends here.
    CopyEnd {
        /// Newest own change of the sender at the start of the copy.
        newest: Stamp,
    },
    /// In a stream only: the bindings that follow were composed when the sender held the receiver's changes so far.
    Seen {
        /// Newest change of the receiver that the sender held.
        stamp: Stamp,
    },
}

/// What a server keeps about one partner, so that a restart knows it (failover.md sections 5 and 6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channel<'a> {
    /// The partner's name in the configuration.
    pub name: &'a str,
    /// What this server does for the channel, as a number of its own.
    pub state: u8,
    /// Whether an operator's word (partner-down) stands: 1, else 0.
    pub partner_down: u8,
    /// The partner's lease database; zeros when none is known.
    pub database: [u8; 16],
    /// The partner's boot under which `have` was reached.
    pub have_boot: u64,
    /// The partner's own changes are held up to here.
    pub have: Stamp,
    /// The partner's lease clock in the datagram that showed `quiet_held`.
    pub quiet_clock: Wall,
    /// Own changes that the partner held by then; see [`crate::lease::owner::Quiet`].
    pub quiet_held: Stamp,
    /// The first octets of the digest of the partner's configuration; zeros when none is known.
    pub config: [u8; 8],
    /// Whether such a datagram showed that both servers run it.
    pub is_agreed: bool,
    /// Whether all that the partner held has once been here, where the database as a whole is not complete.
    pub is_complete: bool,
    /// Whether the partner told StrictShares = True last.
    pub strict: bool,
    /// When the state was entered.
    pub since: Wall,
}

/// Whether a lease database has once held all bindings that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Complete {
    /// Its folder was found empty and nobody said that no leases exist.
    #[default]
    No,
    /// It holds, or has held, all.
    Yes,
}

/// Why a payload is not a record of this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordError {
    /// The kind octet is not known; written by a later version.
    UnknownKind(u8),
    /// Shorter than its kind needs.
    Truncated,
    /// A field holds a value that it cannot have.
    BadField(&'static str),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecordError::UnknownKind(kind) => {
                write!(f, "record kind {kind} is not known to this version; use the version that wrote it")
            }
            RecordError::Truncated => f.write_str("record is shorter than its kind needs"),
            RecordError::BadField(field) => write!(f, "record field {field} holds an impossible value"),
        }
    }
}

impl std::error::Error for RecordError {}

impl<'a> Record<'a> {
    /// Appends the payload to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Record::Binding(binding) => encode_binding(binding, out),
            Record::Identity { database, complete } => {
                out.push(KIND_IDENTITY);
                out.extend_from_slice(database);
                out.push(u8::from(*complete == Complete::Yes));
            }
            Record::Boot { boot, newest_before } => {
                out.push(KIND_BOOT);
                out.extend_from_slice(&boot.to_be_bytes());
                out.extend_from_slice(&newest_before.0.to_be_bytes());
            }
            Record::Channel(channel) => encode_channel(channel, out),
            Record::Share(share) => encode_share(share, out),
            Record::Reservation { address, promised } => {
                out.push(KIND_RESERVATION);
                out.extend_from_slice(&address.octets());
                out.extend_from_slice(&promised.map_or(0, Promised::number).to_be_bytes());
            }
            Record::CopyEnd { newest } => encode_mark(KIND_COPY_END, *newest, out),
            Record::Seen { stamp } => encode_mark(KIND_SEEN, *stamp, out),
        }
    }

    /// Reads one payload.
    ///
    /// # Errors
    /// See [`RecordError`]; a payload that passed its checksum fails only when another version wrote it.
    pub fn decode(payload: &'a [u8]) -> Result<Record<'a>, RecordError> {
        let (&kind, rest) = payload.split_first().ok_or(RecordError::Truncated)?;
        match kind {
            KIND_BINDING => decode_binding(payload).map(Record::Binding),
            KIND_IDENTITY => {
                let (database, flag) = rest.split_first_chunk::<16>().ok_or(RecordError::Truncated)?;
                let complete = match flag {
                    [0] => Complete::No,
                    [1] => Complete::Yes,
                    _ => return Err(RecordError::BadField("complete")),
                };
                Ok(Record::Identity { database: *database, complete })
            }
            KIND_BOOT => {
                if rest.len() != 16 {
                    return Err(RecordError::Truncated);
                }
                let boot = BigEndian::read_u64(&rest[..8]);
                Ok(Record::Boot { boot, newest_before: Stamp(BigEndian::read_u64(&rest[8..])) })
            }
            KIND_CHANNEL => decode_channel(payload).map(Record::Channel),
            KIND_SHARE => decode_share(payload).map(Record::Share),
            KIND_RESERVATION => {
                let octets: &[u8; 12] = rest.try_into().map_err(|_| RecordError::Truncated)?;
                let address = Ipv4Addr::from_bits(BigEndian::read_u32(&octets[..4]));
                Ok(Record::Reservation { address, promised: Promised::of(BigEndian::read_u64(&octets[4..])) })
            }
            KIND_COPY_END => decode_mark(rest).map(|newest| Record::CopyEnd { newest }),
            KIND_SEEN => decode_mark(rest).map(|stamp| Record::Seen { stamp }),
            kind => Err(RecordError::UnknownKind(kind)),
        }
    }
}

fn encode_mark(kind: u8, stamp: Stamp, out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(&stamp.0.to_be_bytes());
}

fn decode_mark(rest: &[u8]) -> Result<Stamp, RecordError> {
    let stamp: [u8; 8] = rest.try_into().map_err(|_| RecordError::Truncated)?;
    Ok(Stamp(u64::from_be_bytes(stamp)))
}

fn encode_share(share: &Share, out: &mut Vec<u8>) {
    out.push(KIND_SHARE);
    out.extend_from_slice(&share.first.octets());
    out.extend_from_slice(&share.last.octets());
    out.push(side_bit(share.origin) | side_bit(share.owner) << 1);
    out.extend_from_slice(&share.stamp.0.to_be_bytes());
}

fn decode_share(payload: &[u8]) -> Result<Share, RecordError> {
    let octets: &[u8; SHARE_OCTETS] = payload.try_into().map_err(|_| RecordError::Truncated)?;
    let address = |at: usize| Ipv4Addr::from_bits(BigEndian::read_u32(&octets[at..at + 4]));
    let (first, last, sides) = (address(1), address(5), octets[9]);
    if first > last {
        return Err(RecordError::BadField("last address"));
    }
    if sides > 3 {
        return Err(RecordError::BadField("sides"));
    }
    let stamp = Stamp(BigEndian::read_u64(&octets[10..]));
    Ok(Share { first, last, owner: side_of(sides >> 1), origin: side_of(sides & 1), stamp })
}

fn encode_channel(channel: &Channel<'_>, out: &mut Vec<u8>) {
    let flags = channel.partner_down
        | u8::from(channel.strict) << 1
        | u8::from(channel.is_agreed) << 2
        | u8::from(channel.is_complete) << 3;
    out.extend_from_slice(&[KIND_CHANNEL, channel.state, flags]);
    out.extend_from_slice(&channel.database);
    let numbers =
        [channel.have_boot, channel.have.0, channel.quiet_clock.millis(), channel.quiet_held.0, channel.since.millis()];
    for number in numbers {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&channel.config);
    let name = channel.name.as_bytes();
    out.extend_from_slice(&name[..name.len().min(CHANNEL_NAME_MAX)]);
}

fn decode_channel(payload: &[u8]) -> Result<Channel<'_>, RecordError> {
    let (fixed, name) = payload.split_first_chunk::<CHANNEL_FIXED>().ok_or(RecordError::Truncated)?;
    let mut database = [0; 16];
    database.copy_from_slice(&fixed[3..19]);
    let number = |index: usize| BigEndian::read_u64(&fixed[19 + 8 * index..27 + 8 * index]);
    let mut config = [0; 8];
    config.copy_from_slice(&fixed[59..]);
    Ok(Channel {
        name: std::str::from_utf8(name).map_err(|_| RecordError::BadField("name"))?,
        state: fixed[1],
        partner_down: fixed[2] & 1,
        strict: fixed[2] & 2 > 0,
        is_agreed: fixed[2] & 4 > 0,
        is_complete: fixed[2] & 8 > 0,
        database,
        have_boot: number(0),
        have: Stamp(number(1)),
        quiet_clock: Wall::from_millis(number(2)),
        quiet_held: Stamp(number(3)),
        config,
        since: Wall::from_millis(number(4)),
    })
}

fn encode_binding(binding: &Binding<'_>, out: &mut Vec<u8>) {
    let start = out.len();
    out.push(KIND_BINDING);
    out.extend_from_slice(&binding.address.octets());
    out.push(state_octet(binding.state));
    out.push(side_bit(binding.origin) | side_bit(binding.owner) << 1);
    for time in [binding.start, binding.end, binding.last_seen, binding.bar] {
        out.extend_from_slice(&time.millis().to_be_bytes());
    }
    out.extend_from_slice(&binding.stamp.0.to_be_bytes());
    assert_eq!(out.len() - start, BINDING_FIXED, "fixed part of a binding record");
    encode_client(&binding.client, out);
    assert!(out.len() - start <= PAYLOAD_MAX, "binding record is bounded");
}

fn decode_binding(payload: &[u8]) -> Result<Binding<'_>, RecordError> {
    let (fixed, details) = payload.split_first_chunk::<BINDING_FIXED>().ok_or(RecordError::Truncated)?;
    let time = |at: usize| Wall::from_millis(BigEndian::read_u64(&fixed[at..at + 8]));
    let sides = fixed[6];
    if sides > 3 {
        return Err(RecordError::BadField("sides"));
    }
    check_details(details)?;
    Ok(Binding {
        address: Ipv4Addr::from_bits(BigEndian::read_u32(&fixed[1..5])),
        state: state_of(fixed[5])?,
        origin: side_of(sides & 1),
        owner: side_of(sides >> 1),
        start: time(7),
        end: time(15),
        last_seen: time(23),
        bar: time(31),
        stamp: Stamp(BigEndian::read_u64(&fixed[39..47])),
        client: decode_client(details),
    })
}

/// Appends what is known of a client as a list of `code, length, value`. Values over 255 octets are cut: host
/// names and relay information for people to read; identifiers of that length never get here.
pub fn encode_client(client: &Client<'_>, out: &mut Vec<u8>) {
    let mut put = |code: u8, htype: Option<u8>, value: &[u8]| {
        let value = &value[..value.len().min(DETAIL_VALUE_MAX - usize::from(htype.is_some()))];
        let length = value.len() + usize::from(htype.is_some());
        out.extend_from_slice(&[code, u8::try_from(length).expect("cut to one octet of length")]);
        out.extend(htype);
        out.extend_from_slice(value);
    };
    if let Some(identifier) = client.identifier {
        put(DETAIL_IDENTIFIER, None, identifier);
    }
    if let Some(hardware) = client.hardware {
        put(DETAIL_HARDWARE, Some(hardware.htype), hardware.address);
    }
    if let Some(host_name) = client.host_name {
        put(DETAIL_HOST_NAME, None, host_name);
    }
    if let Some(relay_information) = client.relay_information {
        put(DETAIL_RELAY, None, relay_information);
    }
}

/// Reads what [`encode_client`] wrote. Unknown codes are skipped; a list that ends early is read to there.
#[must_use]
pub fn decode_client(details: &[u8]) -> Client<'_> {
    let mut client = Client::default();
    let mut rest = details;
    while let Some((code, value, after)) = split_detail(rest) {
        rest = after;
        match code {
            DETAIL_IDENTIFIER => client.identifier = Some(value),
            DETAIL_HARDWARE => {
                client.hardware = value.split_first().map(|(&htype, address)| Hardware { htype, address });
            }
            DETAIL_HOST_NAME => client.host_name = Some(value),
            DETAIL_RELAY => client.relay_information = Some(value),
            _ => {}
        }
    }
    client
}

fn split_detail(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[code, length], rest) = bytes.split_first_chunk::<2>()?;
    let (value, after) = rest.split_at_checked(usize::from(length))?;
    Some((code, value, after))
}

fn check_details(details: &[u8]) -> Result<(), RecordError> {
    let mut rest = details;
    while let Some((_, _, after)) = split_detail(rest) {
        rest = after;
    }
    if rest.is_empty() { Ok(()) } else { Err(RecordError::BadField("details")) }
}

fn state_octet(state: BindingState) -> u8 {
    match state {
        BindingState::Free => 0,
        BindingState::Leased => 1,
        BindingState::Released => 2,
        BindingState::Unavailable => 3,
    }
}

fn state_of(octet: u8) -> Result<BindingState, RecordError> {
    match octet {
        0 => Ok(BindingState::Free),
        1 => Ok(BindingState::Leased),
        2 => Ok(BindingState::Released),
        3 => Ok(BindingState::Unavailable),
        _ => Err(RecordError::BadField("state")),
    }
}

fn side_bit(side: Side) -> u8 {
    match side {
        Side::Primary => 0,
        Side::Secondary => 1,
    }
}

fn side_of(bit: u8) -> Side {
    if bit == 0 { Side::Primary } else { Side::Secondary }
}

#[cfg(test)]
mod tests;
