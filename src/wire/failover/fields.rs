//! The list of fields of the header and of each body, in the order of the wire: one list for reading and writing.
//!
//! A [`Pass`] goes over the fields of a value in that order: [`Reading`] sets each from the datagram, [`Writing`]
//! appends each to it. A field that is added is therefore read where it is written.

use super::super::cursor::Reader;
use super::{Body, FailoverError, Header, Kind, PIECE_OCTETS_MAX, PartnerState, Piece, Serves};

/// The header behind version and type, in the order of the wire.
pub(super) fn header<'a>(header: &mut Header, pass: &mut impl Pass<'a>) {
    let mut flags = [header.complete, header.strict];
    pass.code("flags", &mut flags);
    [header.complete, header.strict] = flags;
    pass.code("state", &mut header.state);
    pass.u32(&mut header.transfer);
    pass.u64(&mut header.session);
    pass.u64(&mut header.sequence);
    pass.u64(&mut header.seen);
    pass.u64(&mut header.boot);
    pass.u64(&mut header.partner_boot);
    pass.array(&mut header.database);
    pass.array(&mut header.partner_database);
    pass.u64(&mut header.have_boot);
    pass.u64(&mut header.have);
    pass.u64(&mut header.newest);
    pass.u64(&mut header.clock);
    pass.u64(&mut header.config_generation);
    pass.array(&mut header.config_digest);
    pass.u16(&mut header.buffer_size);
}

/// Each body, in the order of the wire.
pub(super) fn body<'a>(body: &mut Body<'a>, pass: &mut impl Pass<'a>) {
    match body {
        Body::CtlReq | Body::SyncReq | Body::CtlTaken => {}
        Body::Hello { challenge: number }
        | Body::HelloEnd { answer: number }
        | Body::SyncStart { changes: number }
        | Body::CtlGive { unacked: number } => pass.u64(number),
        Body::HelloAck { answer, challenge } => {
            pass.u64(answer);
            pass.u64(challenge);
        }
        Body::Poll { delay_ms, wait_ms, retries } => {
            pass.u32(delay_ms);
            pass.u32(wait_ms);
            pass.u8(retries);
        }
        Body::PollRpl { delay_ms } => pass.u32(delay_ms),
        Body::CtlRet { serves, changes } => {
            pass.code("serves", serves);
            pass.u64(changes);
        }
        Body::BindUpdate(Piece { stream, number, last, octets }) => {
            pass.u64(stream);
            pass.u32(number);
            pass.code("flags", last);
            pass.octets(octets);
        }
        Body::BindAck { stream, next, later } => {
            pass.u64(stream);
            pass.u32(next);
            pass.u64(later);
        }
        Body::SubnetReturn { transfer, network, prefix, until } => {
            subnet(transfer, network, prefix, pass);
            pass.u64(until);
        }
        Body::SubnetTaken { transfer, network, prefix } => subnet(transfer, network, prefix, pass),
        Body::ShareReq { first, last, count } => {
            pass.u32(first);
            pass.u32(last);
            pass.u32(count);
        }
        Body::ConfigOffer { generation, digest, octets } => {
            pass.u64(generation);
            pass.array(digest);
            pass.u32(octets);
        }
        Body::ConfigReq { digest, offset } => {
            pass.array(digest);
            pass.u32(offset);
        }
        Body::ConfigData { digest, offset, total, octets } => {
            pass.array(digest);
            pass.u32(offset);
            pass.u32(total);
            pass.octets(octets);
        }
    }
}

fn subnet<'a>(transfer: &mut u32, network: &mut u32, prefix: &mut u8, pass: &mut impl Pass<'a>) {
    pass.u32(transfer);
    pass.u32(network);
    pass.u8(prefix);
}

/// The field of a body that holds what no sender writes, if there is one.
pub(super) const fn impossible(body: &Body<'_>) -> Option<&'static str> {
    if let Body::SubnetReturn { prefix, .. } | Body::SubnetTaken { prefix, .. } = body
        && *prefix > 32
    {
        return Some("prefix");
    }
    if let Body::ShareReq { first, last, .. } = body
        && *first > *last
    {
        return Some("last");
    }
    None
}

/// A body of this kind for a [`Reading`] to fill.
pub(super) const fn blank(kind: Kind) -> Body<'static> {
    match kind {
        Kind::Hello => Body::Hello { challenge: 0 },
        Kind::HelloAck => Body::HelloAck { answer: 0, challenge: 0 },
        Kind::HelloEnd => Body::HelloEnd { answer: 0 },
        Kind::Poll => Body::Poll { delay_ms: 0, wait_ms: 0, retries: 0 },
        Kind::PollRpl => Body::PollRpl { delay_ms: 0 },
        Kind::CtlReq => Body::CtlReq,
        Kind::CtlRet => Body::CtlRet { serves: Serves::None, changes: 0 },
        Kind::SyncReq => Body::SyncReq,
        Kind::SyncStart => Body::SyncStart { changes: 0 },
        Kind::BindUpdate => Body::BindUpdate(Piece { stream: 0, number: 0, last: false, octets: &[] }),
        Kind::BindAck => Body::BindAck { stream: 0, next: 0, later: 0 },
        Kind::SubnetReturn => Body::SubnetReturn { transfer: 0, network: 0, prefix: 0, until: 0 },
        Kind::SubnetTaken => Body::SubnetTaken { transfer: 0, network: 0, prefix: 0 },
        Kind::CtlGive => Body::CtlGive { unacked: 0 },
        Kind::CtlTaken => Body::CtlTaken,
        Kind::ShareReq => Body::ShareReq { first: 0, last: 0, count: 0 },
        Kind::ConfigOffer => Body::ConfigOffer { generation: 0, digest: [0; 32], octets: 0 },
        Kind::ConfigReq => Body::ConfigReq { digest: [0; 32], offset: 0 },
        Kind::ConfigData => Body::ConfigData { digest: [0; 32], offset: 0, total: 0, octets: &[] },
    }
}

/// An enumeration and the octet of each of its values.
pub(super) trait Coded: Copy + PartialEq + 'static {
    /// Each value once.
    const CODES: &'static [(u8, Self)];
}

impl Coded for PartnerState {
    const CODES: &'static [(u8, PartnerState)] = &[
        (1, PartnerState::Claiming),
        (2, PartnerState::Receiving),
        (3, PartnerState::Serving),
        (4, PartnerState::Given),
        (5, PartnerState::Syncing),
        (6, PartnerState::Asleep),
        (7, PartnerState::Probing),
        (8, PartnerState::Active),
        (9, PartnerState::Returning),
    ];
}

impl Coded for Serves {
    const CODES: &'static [(u8, Serves)] = &[(0, Serves::None), (1, Serves::All), (2, Serves::Some)];
}

/// An octet of flags of which the lowest is in use: a later version may give the others a meaning.
impl Coded for bool {
    const CODES: &'static [(u8, bool)] = &[(0, false), (1, true)];
}

/// The same with two in use, the lowest first.
impl Coded for [bool; 2] {
    const CODES: &'static [(u8, [bool; 2])] =
        &[(0, [false, false]), (1, [true, false]), (2, [false, true]), (3, [true, true])];
}

/// Goes over the fields of a value in the order of the wire.
pub(super) trait Pass<'a> {
    /// A number of one octet.
    fn u8(&mut self, value: &mut u8);
    /// A number of two octets.
    fn u16(&mut self, value: &mut u16);
    /// A number of four octets.
    fn u32(&mut self, value: &mut u32);
    /// A number of eight octets.
    fn u64(&mut self, value: &mut u64);
    /// `N` octets as they are.
    fn array<const N: usize>(&mut self, value: &mut [u8; N]);
    /// A length of two octets, at most [`PIECE_OCTETS_MAX`], and so many octets.
    fn octets(&mut self, value: &mut &'a [u8]);
    /// One octet that stands for a value.
    fn code<T: Coded>(&mut self, field: &'static str, value: &mut T);
}

/// Sets each field from a datagram. After the first error nothing more is set, and [`Reading::end`] tells it.
pub(super) struct Reading<'a> {
    reader: Reader<'a>,
    error: Option<FailoverError>,
}

impl<'a> Reading<'a> {
    /// Of all of `bytes`, from the third octet on when the first two were taken by [`Reading::octet`].
    pub(super) const fn new(bytes: &'a [u8]) -> Reading<'a> {
        Reading { reader: Reader::new(bytes), error: None }
    }

    /// The next octet; `None` at the end.
    pub(super) fn octet(&mut self) -> Option<u8> {
        self.reader.u8()
    }

    /// The end of the last field, which must be that of the datagram.
    pub(super) fn end(self) -> Result<(), FailoverError> {
        match (self.error, self.reader.rest().len()) {
            (Some(error), _) => Err(error),
            (None, 0) => Ok(()),
            (None, octets) => Err(FailoverError::Trailing(octets)),
        }
    }

    /// Sets `value` to what `read` finds, if there was no error before.
    fn set<T>(&mut self, value: &mut T, read: impl FnOnce(&mut Reader<'a>) -> Option<T>) {
        if self.error.is_some() {
            return;
        }
        match read(&mut self.reader) {
            Some(found) => *value = found,
            None => self.error = Some(FailoverError::Truncated),
        }
    }

    /// Remembers the first error.
    fn fail(&mut self, error: FailoverError) {
        self.error.get_or_insert(error);
    }
}

impl<'a> Pass<'a> for Reading<'a> {
    fn u8(&mut self, value: &mut u8) {
        self.set(value, Reader::u8);
    }

    fn u16(&mut self, value: &mut u16) {
        self.set(value, Reader::u16);
    }

    fn u32(&mut self, value: &mut u32) {
        self.set(value, Reader::u32);
    }

    fn u64(&mut self, value: &mut u64) {
        self.set(value, Reader::u64);
    }

    fn array<const N: usize>(&mut self, value: &mut [u8; N]) {
        self.set(value, Reader::array);
    }

    fn octets(&mut self, value: &mut &'a [u8]) {
        let mut length = 0;
        self.u16(&mut length);
        let length = usize::from(length);
        if length > PIECE_OCTETS_MAX {
            self.fail(FailoverError::BadField("length"));
        }
        self.set(value, |reader| reader.take(length));
    }

    fn code<T: Coded>(&mut self, field: &'static str, value: &mut T) {
        let mut octet = 0;
        self.u8(&mut octet);
        match T::CODES.iter().find(|(code, _)| *code == octet) {
            Some((_, found)) => *value = *found,
            None => self.fail(FailoverError::BadField(field)),
        }
    }
}

/// Appends each field to a datagram.
pub(super) struct Writing<'o> {
    out: &'o mut Vec<u8>,
}

impl<'o> Writing<'o> {
    /// Behind what `out` holds.
    pub(super) const fn new(out: &'o mut Vec<u8>) -> Writing<'o> {
        Writing { out }
    }
}

impl<'a> Pass<'a> for Writing<'_> {
    fn u8(&mut self, value: &mut u8) {
        self.out.push(*value);
    }

    fn u16(&mut self, value: &mut u16) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    fn u32(&mut self, value: &mut u32) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    fn u64(&mut self, value: &mut u64) {
        self.out.extend_from_slice(&value.to_be_bytes());
    }

    fn array<const N: usize>(&mut self, value: &mut [u8; N]) {
        self.out.extend_from_slice(value);
    }

    fn octets(&mut self, value: &mut &'a [u8]) {
        assert!(value.len() <= PIECE_OCTETS_MAX, "a piece of {} octets, at most {PIECE_OCTETS_MAX}", value.len());
        let mut length = u16::try_from(value.len()).unwrap_or(u16::MAX);
        self.u16(&mut length);
        self.out.extend_from_slice(value);
    }

    fn code<T: Coded>(&mut self, _field: &'static str, value: &mut T) {
        let code = T::CODES.iter().find(|(_, coded)| coded == value).map(|(code, _)| *code);
        self.out.extend(code);
    }
}
