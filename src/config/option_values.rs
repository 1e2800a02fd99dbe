//! The text of an option to its octets, by the option's shape.
//!
//! `name = value` for the options of the table; `option-NNN = 0x0a0b` for any code; `option-NNN.ip`, `.u8`, `.u16`,
//! `.u32`, `.text` and `.bool` for codes whose shape the table does not know. Pure; the place is added by the caller.

use std::net::Ipv4Addr;

use super::domain_names;
use super::nearest::nearest;
use super::option_table::{self, OPTIONS, OptionRow, Shape};
use super::text::{self, Octets};

/// Longest value of one option: what fits a reply of one Ethernet frame beside the rest.
pub const OPTION_OCTETS_MAX: usize = 1200;

/// Words after `option-NNN.` and the shapes that they stand for.
const TYPES: [(&str, Shape); 6] = [
    ("ip", Shape::Addresses),
    ("u8", Shape::U8(0, u8::MAX)),
    ("u16", Shape::U16(0, u16::MAX)),
    ("u32", Shape::U32),
    ("text", Shape::Text),
    ("bool", Shape::Flag),
];

/// Code and octets of the option `name` with the value `written` as it stands in the file.
///
/// # Errors
/// What is wrong and what is legal, in one sentence: unknown name, refused code, value of another shape or out of
/// bounds.
pub fn encode(name: &str, written: &str) -> Result<(u8, Octets), String> {
    let (code, shape) = resolve(name)?;
    let octets = encode_shape(shape, written).map_err(|wrong| format!("{wrong} (legal: {})", shape.legal()))?;
    if octets.len() > OPTION_OCTETS_MAX {
        return Err(format!("is {} octets long (legal: at most {OPTION_OCTETS_MAX})", octets.len()));
    }
    if let Some(row) = option_table::by_code(code) {
        check(row, &octets).map_err(|wrong| format!("{written} {wrong}"))?;
    }
    Ok((code, octets.into_boxed_slice()))
}

/// Code and shape that `name` stands for.
fn resolve(name: &str) -> Result<(u8, Shape), String> {
    if let Some(row) = option_table::by_name(name) {
        return permitted(row.code).map(|()| (row.code, row.shape));
    }
    let prefix = name.get(..7).filter(|prefix| prefix.eq_ignore_ascii_case("option-"));
    let Some(rest) = prefix.and_then(|_| name.get(7..)) else {
        return Err(unknown(name));
    };
    let (digits, word) = rest.split_once('.').map_or((rest, None), |(digits, word)| (digits, Some(word)));
    let Ok(number) = text::number(digits) else {
        return Err(unknown(name));
    };
    let code = u8::try_from(number).map_err(|_| format!("no option has the code {number} (legal: 1-254)"))?;
    permitted(code)?;
    let Some(word) = word else {
        return Ok((code, Shape::Octets));
    };
    let known = TYPES.into_iter().find(|(type_word, _)| type_word.eq_ignore_ascii_case(word));
    known.map(|(_, shape)| (code, shape)).ok_or_else(|| {
        let words: Vec<&str> = TYPES.iter().map(|(word, _)| *word).collect();
        format!("{word} is no type (legal: {})", words.join(", "))
    })
}

/// Whether `code` may be set at all.
fn permitted(code: u8) -> Result<(), String> {
    let reason = match (code, option_table::by_code(code)) {
        (0, _) => "it is padding",
        (255, _) => "it ends the options",
        (_, Some(OptionRow { shape: Shape::Refused(reason), .. })) => reason,
        (_, Some(_) | None) => return Ok(()),
    };
    Err(format!("option {code} cannot be set: {reason} (legal: leave it out)"))
}

fn unknown(name: &str) -> String {
    match nearest(name, OPTIONS.iter().map(|row| row.name)) {
        Some(known) => {
            format!("there is no such option; did you mean {known}? (legal: names of understudyd.ini(5), option-NNN)")
        }
        None => "there is no such option (legal: names of understudyd.ini(5), option-NNN)".to_owned(),
    }
}

fn encode_shape(shape: Shape, written: &str) -> Result<Vec<u8>, String> {
    if written.is_empty() {
        return Err("has no value".to_owned());
    }
    match shape {
        Shape::Flag => text::flag(written).map(|flag| vec![u8::from(flag)]),
        Shape::U8(..) | Shape::OneOf(_) => narrow::<u8>(written).map(|octet| vec![octet]),
        Shape::U16(..) => narrow::<u16>(written).map(|number| number.to_be_bytes().to_vec()),
        Shape::U32 => narrow::<u32>(written).map(|number| number.to_be_bytes().to_vec()),
        Shape::Seconds | Shape::V6OnlyWait => seconds(written).map(|number| number.to_be_bytes().to_vec()),
        Shape::I32 => match written.parse::<i32>() {
            Ok(number) => Ok(number.to_be_bytes().to_vec()),
            Err(_) => Err(format!("{written} is not a number of 32 bits")),
        },
        Shape::Address => text::address(written).map(|address| address.octets().to_vec()),
        Shape::AddressesOrNone if written.eq_ignore_ascii_case("none") => Ok(Vec::new()),
        Shape::Addresses | Shape::AddressesOrNone => addresses(&text::list(written)?),
        Shape::Masks | Shape::Routes => pairs(shape, written),
        Shape::ClasslessRoutes => classless_routes(written),
        Shape::U16List(_) => each(written, |part| narrow::<u16>(part).map(|number| number.to_be_bytes().to_vec())),
        Shape::Text => plain(written).map(String::into_bytes),
        Shape::HostName => match plain(written)? {
            name if text::is_host_name(&name) => Ok(name.into_bytes()),
            name => Err(format!("{name} is not a host name")),
        },
        Shape::Domain => domain_names::encode(&text::unquoted(written)?),
        Shape::Domains => domain_names::encode_all(&names(written)?),
        Shape::DomainSearch => domain_names::encode_search(&names(written)?),
        Shape::Sip => sip(written),
        Shape::SlpAgents => {
            let parts = text::list(written)?;
            let (first, rest) = parts.split_first().ok_or("has no value")?;
            let rest = if rest.is_empty() {
                return Err("has no address".to_owned());
            } else {
                addresses(rest)?
            };
            Ok(std::iter::once(u8::from(text::flag(first)?)).chain(rest).collect())
        }
        Shape::SlpScope => {
            let (first, rest) = written.split_once(',').ok_or("has no text after its flag")?;
            let rest = plain(rest.trim())?.into_bytes();
            Ok(std::iter::once(u8::from(text::flag(first.trim())?)).chain(rest).collect())
        }
        Shape::Octets | Shape::OctetsOf(_) | Shape::SubOptions | Shape::Enterprises => octets(written),
        Shape::Refused(reason) => Err(format!("cannot be set: {reason}")),
    }
}

/// A whole number of the type's range.
fn narrow<T: TryFrom<u64>>(written: &str) -> Result<T, String> {
    T::try_from(text::number(written)?).map_err(|_| format!("{written} is out of bounds"))
}

fn seconds(written: &str) -> Result<u32, String> {
    if written.eq_ignore_ascii_case("infinite") {
        return Ok(u32::MAX);
    }
    let millis = text::millis(written, 1000)?;
    if millis % 1000 != 0 {
        return Err(format!("{written} is not in whole seconds"));
    }
    u32::try_from(millis / 1000).map_err(|_| format!("{written} is out of bounds"))
}

fn each(written: &str, encode: impl Fn(&str) -> Result<Vec<u8>, String>) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    for part in text::list(written)? {
        octets.extend(encode(part)?);
    }
    Ok(octets)
}

fn addresses(parts: &[&str]) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(parts.len() * 4);
    for part in parts {
        octets.extend(text::address(part)?.octets());
    }
    Ok(octets)
}

/// Two words with blanks between; `via` may stand between them.
fn two(part: &str) -> Result<(&str, &str), String> {
    let words: Vec<&str> = part.split_whitespace().filter(|word| !word.eq_ignore_ascii_case("via")).collect();
    match words.as_slice() {
        [first, second] => Ok((first, second)),
        _ => Err(format!("{part} is not a pair")),
    }
}

fn pairs(shape: Shape, written: &str) -> Result<Vec<u8>, String> {
    each(written, |part| {
        let (first, second) = two(part)?;
        let (first, second) = (text::address(first)?, text::address(second)?);
        if shape == Shape::Routes && first == Ipv4Addr::UNSPECIFIED {
            return Err("0.0.0.0 is no destination (RFC 2132 section 5.8); use routers".to_owned());
        }
        Ok([first.octets(), second.octets()].concat())
    })
}

/// Width, significant octets, router (RFC 3442); bits outside the mask are sent as zero.
fn classless_routes(written: &str) -> Result<Vec<u8>, String> {
    each(written, |part| {
        let (network, router) = two(part)?;
        let (address, prefix) = network.split_once('/').ok_or_else(|| format!("{network} has no /PREFIX"))?;
        let (address, router) = (text::address(address)?, text::address(router)?);
        let prefix = narrow::<u8>(prefix)?;
        if prefix > 32 {
            return Err(format!("/{prefix} is out of bounds"));
        }
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
        let significant = (address.to_bits() & mask).to_be_bytes();
        let significant = significant.into_iter().take(usize::from(prefix.div_ceil(8)));
        Ok(std::iter::once(prefix).chain(significant).chain(router.octets()).collect())
    })
}

fn plain(written: &str) -> Result<String, String> {
    if !written.starts_with('"') && written.contains(',') {
        return Err("has a comma outside quotes".to_owned());
    }
    let plain = text::unquoted(written)?;
    if plain.is_empty() { Err("is empty".to_owned()) } else { Ok(plain) }
}

fn names(written: &str) -> Result<Vec<String>, String> {
    text::list(written)?.into_iter().map(text::unquoted).collect()
}

fn sip(written: &str) -> Result<Vec<u8>, String> {
    let parts = text::list(written)?;
    let is_address = |part: &&str| part.parse::<Ipv4Addr>().is_ok();
    if parts.iter().all(is_address) {
        return Ok(std::iter::once(1).chain(addresses(&parts)?).collect());
    }
    if parts.iter().any(is_address) {
        return Err("mixes names and addresses".to_owned());
    }
    Ok(std::iter::once(0).chain(domain_names::encode_all(&names(written)?)?).collect())
}

/// Text in quotes, `0x0a0b`, or `0a:0b`.
fn octets(written: &str) -> Result<Vec<u8>, String> {
    let separated = if written.contains(':') { text::separated_octets(written) } else { None };
    let octets = match separated {
        Some(octets) => octets,
        None => text::octets(written)?,
    };
    if octets.is_empty() { Err("is empty".to_owned()) } else { Ok(octets.into_vec()) }
}

/// Checks the octets of a known option, however they were written.
fn check(row: &OptionRow, octets: &[u8]) -> Result<(), String> {
    let wide = |pair: &[u8]| pair.iter().fold(0u32, |number, octet| number << 8 | u32::from(*octet));
    let number = wide(octets.get(..octets.len().min(4)).unwrap_or_default());
    let length = octets.len();
    let is_legal = match row.shape {
        Shape::Flag => length == 1 && number <= 1,
        Shape::U8(min, max) => length == 1 && (u32::from(min)..=u32::from(max)).contains(&number),
        Shape::OneOf(values) => length == 1 && values.iter().any(|value| u32::from(*value) == number),
        Shape::U16(min, max) => length == 2 && (u32::from(min)..=u32::from(max)).contains(&number),
        Shape::V6OnlyWait => length == 4 && (number == 0 || number >= 300),
        Shape::U32 | Shape::Seconds | Shape::I32 | Shape::Address => length == 4,
        Shape::Addresses => length >= 4 && length.is_multiple_of(4),
        Shape::AddressesOrNone => length.is_multiple_of(4),
        Shape::Masks => length >= 8 && length.is_multiple_of(8),
        Shape::Routes => length >= 8 && length.is_multiple_of(8) && octets.chunks(8).all(|pair| wide(&pair[..4]) != 0),
        Shape::U16List(min) => {
            length >= 2 && length.is_multiple_of(2) && octets.chunks(2).all(|pair| wide(pair) >= u32::from(min))
        }
        Shape::OctetsOf(exactly) => length == usize::from(exactly),
        Shape::Text | Shape::HostName => length >= 1 && !octets.contains(&0),
        Shape::SubOptions => is_sequence(octets, 1),
        Shape::Enterprises => is_sequence(octets, 4),
        Shape::ClasslessRoutes
        | Shape::Domain
        | Shape::Domains
        | Shape::DomainSearch
        | Shape::Sip
        | Shape::SlpAgents
        | Shape::SlpScope
        | Shape::Octets => length >= 1,
        Shape::Refused(_) => false,
    };
    if is_legal { Ok(()) } else { Err(format!("is not a value of option {} (legal: {})", row.code, row.shape.legal())) }
}

/// Whether `octets` is a sequence of `head` octets, a length octet and that many octets.
fn is_sequence(mut octets: &[u8], head: usize) -> bool {
    let is_some = !octets.is_empty();
    while let Some(length) = octets.get(head) {
        let Some(rest) = octets.get(head + 1 + usize::from(*length)..) else {
            return false;
        };
        octets = rest;
    }
    is_some && octets.is_empty()
}
