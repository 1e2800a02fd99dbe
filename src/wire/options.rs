//! The options of a message: order kept, split and repeated ones joined (RFC 3396), overloaded fields read.
//!
//! Reading makes one pass over the fields and notes for each code where its value lies in the packet. Only
//! when a code turned up more than once does a second pass copy the pieces behind each other, into room that
//! is kept from packet to packet; so each value is one contiguous slice, and nothing is allocated for a packet.
//!
//! An option whose length runs over the end of its field ends the reading of that field; those before it
//! count ([`Options::is_truncated`] tells). Clients with sloppy padding after their last option get served that
//! way (Kea and dnsmasq do the same), and no octet beyond the field is looked at. A missing End is no fault.

use std::fmt;
use std::net::Ipv4Addr;
use std::ops::Range;

use super::codes::{END, MESSAGE_TYPE, MessageType, OVERLOAD, PAD};
use super::cursor::Reader;

/// No datagram is longer, so all joined values together are not either.
const JOINED_OCTETS_MAX: usize = 65_535;
/// Codes other than pad and end.
const CODES_MAX: usize = 254;

/// Room for reading options; made once, reused for each packet.
#[derive(Clone)]
pub struct Scratch {
    /// Each code of the packet once, in order of first appearance.
    entries: Vec<Entry>,
    /// By code: its place in `entries`, `None` when the packet has not had it yet.
    places: [Option<u8>; 256],
    /// Values of the codes that came in several pieces, one after the other.
    joined: Vec<u8>,
}

/// Where the value of one code lies.
#[derive(Clone, Copy, Debug)]
struct Entry {
    code: u8,
    value: Value,
}

#[derive(Clone, Copy, Debug)]
enum Value {
    /// In the packet, from `start`.
    Whole { start: usize, length: usize },
    /// In several pieces, `length` octets together; `filled` of them are in `joined` from `start`.
    Split { start: usize, length: usize, filled: usize },
}

/// What is left in it of the last packet says nothing.
impl fmt::Debug for Scratch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scratch").finish_non_exhaustive()
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl Scratch {
    /// Room for any message that fits a datagram; never grows afterwards.
    #[must_use]
    pub fn new() -> Scratch {
        Scratch {
            entries: Vec::with_capacity(CODES_MAX),
            places: [None; 256],
            joined: Vec::with_capacity(JOINED_OCTETS_MAX),
        }
    }

    fn clear(&mut self) {
        for entry in &self.entries {
            if let Some(place) = self.places.get_mut(usize::from(entry.code)) {
                *place = None;
            }
        }
        self.entries.clear();
        self.joined.clear();
    }

    fn entry(&mut self, code: u8) -> Option<&mut Entry> {
        let place = (*self.places.get(usize::from(code))?)?;
        self.entries.get_mut(usize::from(place))
    }

    /// Notes all pieces of a field. Says whether a code came again, and whether the field broke off.
    fn note_all(&mut self, packet: &[u8], field: &Range<usize>) -> (bool, bool) {
        let mut pieces = Pieces::new(packet, field);
        let mut again = false;
        for piece in pieces.by_ref() {
            again |= self.note(&piece);
        }
        (again, pieces.truncated)
    }

    /// What option 52 says, of what is noted so far.
    fn overload(&mut self, packet: &[u8]) -> Overload {
        match self.entry(OVERLOAD).map(|entry| entry.value) {
            Some(Value::Whole { start, length }) => Overload::from_value(slice(packet, start, length)),
            Some(Value::Split { .. }) | None => Overload::default(),
        }
    }

    /// Notes a piece. Says whether its code was there before.
    fn note(&mut self, piece: &Piece<'_>) -> bool {
        let more = piece.value.len();
        if let Some(entry) = self.entry(piece.code) {
            let (Value::Whole { length, .. } | Value::Split { length, .. }) = entry.value;
            entry.value = Value::Split { start: 0, length: length.saturating_add(more), filled: 0 };
            return true;
        }
        if let (Some(place), Ok(index)) =
            (self.places.get_mut(usize::from(piece.code)), u8::try_from(self.entries.len()))
        {
            *place = Some(index);
            self.entries.push(Entry { code: piece.code, value: Value::Whole { start: piece.start, length: more } });
        }
        false
    }

    /// Gives each split value its place among the joined ones.
    fn reserve(&mut self) {
        let mut end = 0_usize;
        for entry in &mut self.entries {
            if let Value::Split { start, length, .. } = &mut entry.value {
                *start = end;
                end = end.saturating_add(*length);
            }
        }
        self.joined.resize(end, 0);
    }

    /// Copies a piece of a split value to the end of what is there of it.
    fn join(&mut self, piece: &Piece<'_>) {
        let Some(Entry { value: Value::Split { start, filled, .. }, .. }) = self.entry(piece.code) else {
            return;
        };
        let from = start.saturating_add(*filled);
        let to = from.saturating_add(piece.value.len());
        *filled = to.saturating_sub(*start);
        if let Some(room) = self.joined.get_mut(from..to) {
            room.copy_from_slice(piece.value);
        }
    }
}

/// Which of the fixed fields hold options (option 52, RFC 2132 section 9.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overload {
    /// `file` does: value 1 or 3.
    pub file: bool,
    /// `sname` does: value 2 or 3.
    pub sname: bool,
}

impl Overload {
    /// Reads the value of option 52; anything but one octet of 1, 2 or 3 means no overload (RFC 2132 section 9.3).
    fn from_value(value: &[u8]) -> Overload {
        match value {
            [1] => Overload { file: true, sname: false },
            [2] => Overload { file: false, sname: true },
            [3] => Overload { file: true, sname: true },
            _ => Overload::default(),
        }
    }
}

/// Where the fields lie in a message that can hold options.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    pub(super) options: Range<usize>,
    pub(super) file: Range<usize>,
    pub(super) sname: Range<usize>,
}

/// The options of one message.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    packet: &'a [u8],
    scratch: &'a Scratch,
    overload: Overload,
    truncated: bool,
}

impl<'a> Options<'a> {
    /// Reads the options area of `packet`, then `file`, then `sname` where option 52 says so (RFC 2131 section 4.1).
    ///
    /// Option 52 says so in the options area only; one in `file` or `sname` is an option without effect.
    pub(super) fn read(packet: &'a [u8], fields: &Fields, scratch: &'a mut Scratch) -> Options<'a> {
        scratch.clear();
        let (mut split, mut truncated) = scratch.note_all(packet, &fields.options);
        let overload = scratch.overload(packet);
        let overloaded = [(overload.file, &fields.file), (overload.sname, &fields.sname)];
        let overloaded = overloaded.iter().filter(|(used, _)| *used).map(|(_, field)| *field);
        for field in overloaded.clone() {
            let (again, broken) = scratch.note_all(packet, field);
            split |= again;
            truncated |= broken;
        }
        if split {
            scratch.reserve();
            for field in std::iter::once(&fields.options).chain(overloaded) {
                Pieces::new(packet, field).for_each(|piece| scratch.join(&piece));
            }
        }
        Options { packet, scratch, overload, truncated }
    }

    /// The joined value of `code`; `None` when absent. An empty value is `Some(&[])`.
    #[must_use]
    pub fn get(&self, code: u8) -> Option<&'a [u8]> {
        let place = (*self.scratch.places.get(usize::from(code))?)?;
        self.scratch.entries.get(usize::from(place)).map(|entry| self.value(entry))
    }

    /// A value of one octet; `None` when absent or of another length.
    #[must_use]
    pub fn u8(&self, code: u8) -> Option<u8> {
        self.exact(code, Reader::u8)
    }

    /// A number of 2 octets; `None` when absent or of another length.
    #[must_use]
    pub fn u16(&self, code: u8) -> Option<u16> {
        self.exact(code, Reader::u16)
    }

    /// A number of 4 octets; `None` when absent or of another length.
    #[must_use]
    pub fn u32(&self, code: u8) -> Option<u32> {
        self.exact(code, Reader::u32)
    }

    /// One address; `None` when absent or not of 4 octets.
    #[must_use]
    pub fn address(&self, code: u8) -> Option<Ipv4Addr> {
        self.exact(code, Reader::address)
    }

    /// A text without its trailing NULs, which are not part of it (RFC 2132 section 2); `None` when absent.
    #[must_use]
    pub fn text(&self, code: u8) -> Option<&'a [u8]> {
        self.get(code).map(without_nuls)
    }

    /// Option 53; `None` when absent: the message is a BOOTP client's (RFC 1534 section 2). One that is not of
    /// one octet is `Unknown(0)`, so that a broken DHCP message is never taken for BOOTP.
    #[must_use]
    pub fn message_type(&self) -> Option<MessageType> {
        self.get(MESSAGE_TYPE)?;
        Some(MessageType::from(self.u8(MESSAGE_TYPE).unwrap_or(0)))
    }

    /// Each code once, in order of first appearance, values joined.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let options = *self;
        options.scratch.entries.iter().map(move |entry| (entry.code, options.value(entry)))
    }

    /// Which fixed fields were read as options.
    #[must_use]
    pub const fn overload(&self) -> Overload {
        self.overload
    }

    /// Whether a field broke off inside an option: what stood from there on was left out.
    #[must_use]
    pub const fn is_truncated(&self) -> bool {
        self.truncated
    }

    fn value(&self, entry: &Entry) -> &'a [u8] {
        match entry.value {
            Value::Whole { start, length } => slice(self.packet, start, length),
            Value::Split { start, length, .. } => slice(&self.scratch.joined, start, length),
        }
    }

    fn exact<T>(&self, code: u8, read: fn(&mut Reader<'a>) -> Option<T>) -> Option<T> {
        let mut reader = Reader::new(self.get(code)?);
        read(&mut reader).filter(|_| reader.is_empty())
    }
}

/// One option as it stands in a field.
#[derive(Debug)]
struct Piece<'a> {
    code: u8,
    /// Place of the value in the packet.
    start: usize,
    value: &'a [u8],
}

/// The options of one field up to End, the field's end or the first that runs over it; pads skipped.
#[derive(Debug)]
struct Pieces<'a> {
    reader: Reader<'a>,
    /// Place of the field in the packet.
    base: usize,
    truncated: bool,
}

impl<'a> Pieces<'a> {
    fn new(packet: &'a [u8], field: &Range<usize>) -> Pieces<'a> {
        let reader = Reader::new(packet.get(field.clone()).unwrap_or(&[]));
        Pieces { reader, base: field.start, truncated: false }
    }

    fn body(&mut self, code: u8) -> Option<Piece<'a>> {
        let length = self.reader.u8()?;
        let start = self.base.saturating_add(self.reader.at());
        self.reader.take(usize::from(length)).map(|value| Piece { code, start, value })
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = Piece<'a>;

    fn next(&mut self) -> Option<Piece<'a>> {
        let code = loop {
            match self.reader.u8()? {
                PAD => {}
                END => {
                    self.reader = Reader::new(&[]);
                    return None;
                }
                code => break code,
            }
        };
        let piece = self.body(code);
        if piece.is_none() {
            self.truncated = true;
            self.reader = Reader::new(&[]);
        }
        piece
    }
}

/// `text` without the NULs at its end.
pub(super) fn without_nuls(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|octet| *octet != 0).map_or(0, |last| last.saturating_add(1));
    text.get(..end).unwrap_or(text)
}

fn slice(bytes: &[u8], start: usize, length: usize) -> &[u8] {
    bytes.get(start..start.saturating_add(length)).unwrap_or(&[])
}
