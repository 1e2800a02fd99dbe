//! Composing a reply: which option goes where, and what is left out when there is not room for all.
//!
//! The layouts below are tried in this order; the first that leaves nothing out is taken, else the one that leaves
//! the fewest options out, the earlier one among equals:
//!
//! 1. all options in the options area; the server name in `sname`, the boot file in `file`;
//! 2. further options in `file`, then `sname`, where these are empty (overload, RFC 2131 section 4.1);
//! 3. further ones in `sname` too, the server name having become option 66 at its beginning;
//! 4. further ones in `file` too, the boot file having become option 67 at its beginning. That is last since many
//!    boot ROMs look for the boot file in the field alone.
//!
//! Within a layout each option, in the order given, takes the first field that has room for all of it. One over 255
//! octets is cut in pieces of 255 and a rest (RFC 3396), whose pieces never stand in an earlier field than those
//! before them; shorter ones are never cut. What finds no room is left out whole, and smaller ones after it still
//! get their chance. BOOTP knows no overload, so only the first layout is for it.
//!
//! Option 82 goes last in the options area, or nowhere (RFC 3046 section 2.2). Its room is set aside first, unless
//! it would push out an option that a reply must have (`Sizes::essential`): then it is option 82 that is left out.

use super::codes::{
    BOOT_FILE, CLIENT_IDENTIFIER, END, LEASE_TIME, MESSAGE_TYPE, OVERLOAD, PAD, RELAY_INFORMATION, SERVER_IDENTIFIER,
    SERVER_NAME, SUBNET_SELECTION,
};
use super::cursor::{Full, Writer};
use super::dhcp::{COOKIE, FILE_OCTETS, FIXED_OCTETS, HEAD_OCTETS, Header, SNAME_OCTETS};

/// The smallest limit for a DHCP client: each must take datagrams of 576 octets (RFC 2131 section 2), less the 28 of
/// IPv4 and UDP headers.
pub const LIMIT_DHCP: usize = 548;
/// The smallest limit for a BOOTP client, and the least that is ever sent: 300 octets (RFC 951 section 3, RFC 1542
/// section 2.1).
pub const LIMIT_BOOTP: usize = 300;
const _: () = assert!(LIMIT_BOOTP > FIXED_OCTETS && LIMIT_DHCP > LIMIT_BOOTP);

/// Length of the longest piece of an option.
const PIECE_MAX: usize = 255;
/// Code and length before each piece.
const PIECE_HEAD: usize = 2;
/// Option 52 with its one octet of value.
const OVERLOAD_OCTETS: usize = PIECE_HEAD + 1;
/// The option End.
const END_OCTETS: usize = 1;
/// A reply to be emitted.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The fixed fields.
    pub header: &'a Header,
    /// Goes to `sname` (or option 66); empty = none. Under 64 octets (checked at config load), else it is left out.
    pub server_name: &'a [u8],
    /// Goes to `file` (or option 67); empty = none. Under 128 octets (checked at config load), else it is left out.
    pub boot_file: &'a [u8],
    /// In order of importance: mandatory ones first. Each code once; 0, 52, 82 and 255 are left out. Values of over
    /// 255 octets are split (RFC 3396).
    pub options: &'a [(u8, &'a [u8])],
    /// Value of option 82 to be echoed: last in the options area, whole or not at all.
    pub relay_information: Option<&'a [u8]>,
    /// Octets that the UDP payload may have: maximum message size less 28 (IP and UDP headers). Less than
    /// [`LIMIT_DHCP`] counts as that; for BOOTP the floor is [`LIMIT_BOOTP`].
    pub limit: usize,
    /// For a BOOTP client: no overload, and `limit` may go down to 300 octets, a vendor area of 64.
    pub bootp: bool,
}

/// What was left out of a reply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fit {
    /// Options for which there was no room (or which are reserved); a server name or boot file counts too.
    pub options_left_out: u16,
    /// Option 82 was to be echoed and is not there.
    pub relay_information_left_out: bool,
}

/// Appends the message to `out`: at least 300 octets (padded with zeros), at most the limit. Fields that hold
/// options begin with one, end with End and are padded with zeros; option 52 is there when they do, and only then.
/// Nothing is allocated but what `out` grows by.
pub fn emit(reply: &Reply<'_>, out: &mut Vec<u8>) -> Fit {
    let bounds = Bounds::of(reply);
    let (layout, fit) = choose(reply, &bounds);
    let start = out.len();
    out.resize(start.saturating_add(bounds.payload_max), 0);
    let written = out.get_mut(start..).map_or(Err(Full), |payload| write(reply, &bounds, layout, payload));
    debug_assert!(written.is_ok(), "a field was planned smaller than what was written to it");
    let length = written.unwrap_or(0).max(LIMIT_BOOTP);
    out.truncate(start.saturating_add(length));
    fit
}

/// What a fixed field is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// Its name, or nothing.
    Name,
    /// Options; there is no name.
    Options,
    /// Its name as an option, then further options.
    NameThenOptions,
}

impl Field {
    /// The field without its name moved: free for options when there is none.
    fn free(name: &[u8]) -> Field {
        if name.is_empty() { Field::Options } else { Field::Name }
    }

    /// The field with its name moved, where there is one that its own field has room for as an option.
    fn moved(self, width: usize, name: &[u8]) -> Field {
        let fits = octets_of(name.len()).saturating_add(END_OCTETS) <= width;
        match self {
            Field::Name if fits => Field::NameThenOptions,
            Field::Name | Field::Options | Field::NameThenOptions => self,
        }
    }

    /// Room for further options in a field of `width` octets with `name`.
    fn room(self, width: usize, name: &[u8]) -> usize {
        let whole = width.saturating_sub(END_OCTETS);
        match self {
            Field::Name => 0,
            Field::Options => whole,
            Field::NameThenOptions => whole.saturating_sub(octets_of(name.len())),
        }
    }
}

/// What both fixed fields are used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layout {
    file: Field,
    sname: Field,
}

const PLAIN: Layout = Layout { file: Field::Name, sname: Field::Name };

/// What can be told of a reply before any layout is chosen.
#[derive(Debug)]
struct Bounds<'a> {
    server_name: &'a [u8],
    boot_file: &'a [u8],
    /// Octets of all options together.
    wanted: usize,
    /// Octets that the payload can grow to: the limit, or less when less is wanted.
    payload_max: usize,
    /// Octets of the options area that the limit allows for options, without option 82 and End.
    area: usize,
    /// Option 82, where it fits.
    relay_information: Option<&'a [u8]>,
    /// What is left out in any layout.
    fit: Fit,
}

impl<'a> Bounds<'a> {
    fn of(reply: &Reply<'a>) -> Bounds<'a> {
        let limit = reply.limit.max(if reply.bootp { LIMIT_BOOTP } else { LIMIT_DHCP });
        let area = limit.saturating_sub(FIXED_OCTETS + END_OCTETS);
        let sizes = Sizes::of(reply.options);
        let spare = area.saturating_sub(OVERLOAD_OCTETS).saturating_sub(sizes.essential);
        let relay_information = reply.relay_information.filter(|value| octets_of(value.len()) <= spare);
        let relay = relay_information.map_or(0, |value| octets_of(value.len()));
        let all = [sizes.wanted, relay, OVERLOAD_OCTETS, END_OCTETS];
        let payload_max = all.into_iter().fold(FIXED_OCTETS, usize::saturating_add);
        let server_name = Some(reply.server_name).filter(|name| name.len() < SNAME_OCTETS);
        let boot_file = Some(reply.boot_file).filter(|name| name.len() < FILE_OCTETS);
        let names_left_out = u16::from(server_name.is_none()) + u16::from(boot_file.is_none());
        Bounds {
            server_name: server_name.unwrap_or(&[]),
            boot_file: boot_file.unwrap_or(&[]),
            wanted: sizes.wanted,
            payload_max: payload_max.min(limit).max(LIMIT_BOOTP),
            area: area.saturating_sub(relay),
            relay_information,
            fit: Fit {
                options_left_out: sizes.reserved.saturating_add(names_left_out),
                relay_information_left_out: reply.relay_information.is_some() && relay_information.is_none(),
            },
        }
    }

    /// Room for options by field.
    fn rooms(&self, layout: Layout) -> Rooms {
        let overload = if layout == PLAIN { 0 } else { OVERLOAD_OCTETS };
        Rooms([
            self.area.saturating_sub(overload),
            layout.file.room(FILE_OCTETS, self.boot_file),
            layout.sname.room(SNAME_OCTETS, self.server_name),
        ])
    }

    /// The layouts to be tried, in this order. A name whose option is given anyhow is not moved.
    fn layouts(&self, reply: &Reply<'_>) -> [Layout; 4] {
        if reply.bootp {
            return [PLAIN; 4];
        }
        let given = |code| reply.options.iter().any(|(given, _)| *given == code);
        let free = Layout { file: Field::free(self.boot_file), sname: Field::free(self.server_name) };
        let mut server_moved = free;
        if !given(SERVER_NAME) {
            server_moved.sname = free.sname.moved(SNAME_OCTETS, self.server_name);
        }
        let mut both_moved = server_moved;
        if !given(BOOT_FILE) {
            both_moved.file = free.file.moved(FILE_OCTETS, self.boot_file);
        }
        [PLAIN, free, server_moved, both_moved]
    }
}

/// Octets that options take, with the heads of their pieces.
#[derive(Debug, Default)]
struct Sizes {
    /// All of them.
    wanted: usize,
    /// Those that option 82 must not push out: RFC 2131 table 3, RFC 6842 section 3, RFC 3011 section 2.
    essential: usize,
    /// How many are reserved, and so left out.
    reserved: u16,
}

impl Sizes {
    fn of(options: &[(u8, &[u8])]) -> Sizes {
        let mut sizes = Sizes::default();
        for (code, value) in options {
            let octets = octets_of(value.len());
            match *code {
                code if is_reserved(code) => sizes.reserved = sizes.reserved.saturating_add(1),
                MESSAGE_TYPE | LEASE_TIME | SERVER_IDENTIFIER | CLIENT_IDENTIFIER | SUBNET_SELECTION => {
                    sizes.essential = sizes.essential.saturating_add(octets);
                    sizes.wanted = sizes.wanted.saturating_add(octets);
                }
                _ => sizes.wanted = sizes.wanted.saturating_add(octets),
            }
        }
        sizes
    }
}

/// Whether `code` is not for the caller to give: 0 and 255 are no options, 52 and 82 are placed here.
fn is_reserved(code: u8) -> bool {
    matches!(code, PAD | END | OVERLOAD | RELAY_INFORMATION)
}

/// Chooses the layout that leaves the fewest options out, the earliest among equals.
fn choose(reply: &Reply<'_>, bounds: &Bounds<'_>) -> (Layout, Fit) {
    if bounds.wanted <= bounds.area {
        return (PLAIN, bounds.fit);
    }
    let tried = bounds.layouts(reply).map(|layout| (layout, left_out(reply, bounds.rooms(layout))));
    let (layout, left_out) = tried.into_iter().min_by_key(|(_, left_out)| *left_out).unwrap_or((PLAIN, 0));
    let options_left_out = bounds.fit.options_left_out.saturating_add(left_out);
    (layout, Fit { options_left_out, ..bounds.fit })
}

/// Counts the options that find no place in `rooms`.
fn left_out(reply: &Reply<'_>, mut rooms: Rooms) -> u16 {
    let mut count = 0_u16;
    for (code, value) in reply.options {
        if !is_reserved(*code) && !rooms.take(value.len()) {
            count = count.saturating_add(1);
        }
    }
    count
}

/// Writes the message; returns its length.
fn write(reply: &Reply<'_>, bounds: &Bounds<'_>, layout: Layout, payload: &mut [u8]) -> Result<usize, Full> {
    let rooms = bounds.rooms(layout);
    let mut whole = Writer::new(payload);
    reply.header.write(&mut Writer::new(whole.claim(HEAD_OCTETS)?))?;
    let mut sname = Writer::new(whole.claim(SNAME_OCTETS)?);
    let mut file = Writer::new(whole.claim(FILE_OCTETS)?);
    whole.put(&COOKIE)?;
    begin(layout.sname, &mut sname, SERVER_NAME, bounds.server_name)?;
    begin(layout.file, &mut file, BOOT_FILE, bounds.boot_file)?;
    let mut areas = Areas { writers: [whole, file, sname], rooms };
    for (code, value) in reply.options {
        if !is_reserved(*code) {
            areas.put(*code, value)?;
        }
    }
    let [mut options, mut file, mut sname] = areas.writers;
    let used = u8::from(end(layout.file, &mut file)?) | u8::from(end(layout.sname, &mut sname)?) << 1;
    if used != 0 {
        options.put(&[OVERLOAD, 1, used])?;
    }
    for piece in bounds.relay_information.into_iter().flat_map(pieces) {
        put_piece(&mut options, RELAY_INFORMATION, piece)?;
    }
    options.u8(END)?;
    Ok(options.at())
}

/// Writes the name of a field, as such or as an option.
fn begin(field: Field, writer: &mut Writer<'_>, code: u8, name: &[u8]) -> Result<(), Full> {
    match field {
        Field::Name => writer.put(name),
        Field::Options => Ok(()),
        Field::NameThenOptions => put_piece(writer, code, name),
    }
}

/// Ends a field that holds options; says whether it does.
fn end(field: Field, writer: &mut Writer<'_>) -> Result<bool, Full> {
    if field == Field::Name || writer.at() == 0 {
        return Ok(false);
    }
    writer.u8(END)?;
    Ok(true)
}

/// Room for options in options area, `file` and `sname`: the order in which they are read.
#[derive(Clone, Copy, Debug)]
struct Rooms([usize; 3]);

impl Rooms {
    /// Takes the room of a value of `length` octets; takes none and says no when there is not enough.
    fn take(&mut self, length: usize) -> bool {
        if length <= PIECE_MAX {
            return self.take_piece(length, 0).is_some();
        }
        let mut left = *self;
        let mut field = 0;
        let mut rest = length;
        while rest > 0 {
            let piece = rest.min(PIECE_MAX);
            let Some(found) = left.take_piece(piece, field) else {
                return false;
            };
            field = found;
            rest = rest.saturating_sub(piece);
        }
        *self = left;
        true
    }

    /// Takes the room of one piece in the first field from `from` on that has it.
    fn take_piece(&mut self, piece: usize, from: usize) -> Option<usize> {
        let needed = PIECE_HEAD.saturating_add(piece);
        let (field, room) = self.0.iter_mut().enumerate().skip(from).find(|(_, room)| **room >= needed)?;
        *room = room.saturating_sub(needed);
        Some(field)
    }
}

/// The fields with the room that they have for options.
struct Areas<'a> {
    writers: [Writer<'a>; 3],
    rooms: Rooms,
}

impl Areas<'_> {
    /// Writes an option where there is room for all of it, else nothing of it: as [`Rooms::take`] decides.
    fn put(&mut self, code: u8, value: &[u8]) -> Result<(), Full> {
        let mut trial = self.rooms;
        if !trial.take(value.len()) {
            return Ok(());
        }
        let mut field = 0;
        for piece in pieces(value) {
            field = self.rooms.take_piece(piece.len(), field).ok_or(Full)?;
            put_piece(self.writers.get_mut(field).ok_or(Full)?, code, piece)?;
        }
        Ok(())
    }
}

fn put_piece(writer: &mut Writer<'_>, code: u8, piece: &[u8]) -> Result<(), Full> {
    let length = u8::try_from(piece.len()).map_err(|_| Full)?;
    writer.put(&[code, length])?;
    writer.put(piece)
}

/// The pieces of a value (RFC 3396 section 6): an empty value has one too.
fn pieces(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let empty = value.is_empty().then_some(value);
    empty.into_iter().chain(value.chunks(PIECE_MAX))
}

/// Octets of all pieces of a value of `length` octets with their heads.
fn octets_of(length: usize) -> usize {
    let pieces = if length <= PIECE_MAX { 1 } else { length.div_ceil(PIECE_MAX) };
    pieces.saturating_mul(PIECE_HEAD).saturating_add(length)
}
