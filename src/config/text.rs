//! Small readers of text: numbers, times, addresses, names, quoted text, octets.
//!
//! Each takes a value as it stands in the file and answers with what it means or with what is wrong in a few
//! words; keys and options share them.

use std::net::Ipv4Addr;

/// Octets of an identifier or of an option's value.
pub(super) type Octets = Box<[u8]>;

/// `True False Yes No 1 0`, case aside.
pub(super) fn flag(written: &str) -> Result<bool, String> {
    let words = [("true", true), ("false", false), ("yes", true), ("no", false), ("1", true), ("0", false)];
    let known = words.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(written));
    known.map(|(_, value)| value).ok_or_else(|| format!("{written} is neither True nor False"))
}

/// A whole number without sign.
pub(super) fn number(written: &str) -> Result<u64, String> {
    // `parse` would take a leading plus sign.
    match written.parse() {
        Ok(number) if written.starts_with(|c: char| c.is_ascii_digit()) => Ok(number),
        Ok(_) | Err(_) => Err(format!("{written} is not a whole number")),
    }
}

/// A time in milliseconds: digits, up to three decimals, and `ms s m h d w`; a bare number is in units of `bare_ms`.
pub(super) fn millis(written: &str, bare_ms: u64) -> Result<u64, String> {
    let wrong = || format!("{written} is not a time such as 90, 1.5s, 30m, 8h, 7d or 2w");
    let digits = written.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(written.len());
    let (amount, unit) = written.split_at(digits);
    let unit_ms: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" => bare_ms,
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err(wrong()),
    };
    let (whole, fraction) = amount.split_once('.').unwrap_or((amount, "0"));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let places = u32::try_from(fraction.len()).unwrap_or(u32::MAX);
    let scale = 10u64.checked_pow(places).filter(|_| (1..=3).contains(&places)).ok_or_else(wrong)?;
    let fraction: u64 = fraction.parse().map_err(|_| wrong())?;
    if !(fraction * unit_ms).is_multiple_of(scale) {
        return Err(format!("{written} is finer than a millisecond"));
    }
    let whole_ms = whole.checked_mul(unit_ms).ok_or_else(wrong)?;
    whole_ms.checked_add(fraction * unit_ms / scale).ok_or_else(wrong)
}

/// An IPv4 address.
pub(super) fn address(written: &str) -> Result<Ipv4Addr, String> {
    written.parse().map_err(|_| format!("{written} is not an IPv4 address"))
}

/// An IPv4 address that one host may have: not 0.0.0.0, not multicast, reserved or broadcast.
pub(super) fn host_address(written: &str) -> Result<Ipv4Addr, String> {
    let address = address(written)?;
    let first = address.octets()[0];
    if first == 0 || first >= 224 { Err(format!("{address} cannot be the address of a host")) } else { Ok(address) }
}

/// `FIRST - LAST`, or one address for both.
pub(super) fn span(written: &str) -> Result<(Ipv4Addr, Ipv4Addr), String> {
    let (first, last) = written.split_once('-').unwrap_or((written, written));
    let (first, last) = (address(first.trim())?, address(last.trim())?);
    if first > last { Err(format!("{first} comes after {last}")) } else { Ok((first, last)) }
}

/// Splits at commas outside quotes; the parts are trimmed and not empty.
pub(super) fn list(written: &str) -> Result<Vec<&str>, String> {
    let mut quoted = false;
    let mut escaped = false;
    let parts = written.split(|c: char| {
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
        c == ',' && !quoted
    });
    let parts: Vec<&str> = parts.map(str::trim).collect();
    if parts.iter().any(|part| part.is_empty()) { Err("has an empty place in its list".to_owned()) } else { Ok(parts) }
}

/// Text with its quotes taken off, `\"` and `\\` resolved; text without quotes stays as it is.
pub(super) fn unquoted(written: &str) -> Result<String, String> {
    let Some(rest) = written.strip_prefix('"') else {
        if written.contains('"') {
            return Err("has a quote inside text that does not begin with one".to_owned());
        }
        return Ok(written.to_owned());
    };
    let mut plain = String::with_capacity(rest.len());
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' if chars.as_str().is_empty() => return Ok(plain),
            '"' => return Err("has something after its closing quote".to_owned()),
            '\\' => match chars.next() {
                Some(escaped @ ('"' | '\\')) => plain.push(escaped),
                Some(_) | None => return Err("has a backslash that is not \\\" or \\\\".to_owned()),
            },
            other => plain.push(other),
        }
    }
    Err("has no closing quote".to_owned())
}

/// "text", or 0x and an even number of hex digits.
pub(super) fn octets(written: &str) -> Result<Octets, String> {
    if written.starts_with('"') {
        return unquoted(written).map(|plain| plain.into_bytes().into_boxed_slice());
    }
    let Some(digits) = written.strip_prefix("0x").or_else(|| written.strip_prefix("0X")) else {
        return Err(format!("{written} is neither text in quotes nor octets in hex"));
    };
    hex(digits).ok_or_else(|| format!("{written} is not an even number of hex digits"))
}

/// Pairs of hex digits; `None` when they are not.
fn hex(digits: &str) -> Option<Octets> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits.as_bytes().chunks(2).map(|pair| Some(nibble(pair[0])? << 4 | nibble(pair[1])?)).collect()
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Octets of one or two hex digits with : or - between them.
pub(super) fn separated_octets(written: &str) -> Option<Octets> {
    let octet = |part: &str| match part.as_bytes() {
        [low] => nibble(*low),
        [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
        _ => None,
    };
    written.split([':', '-']).map(octet).collect()
}

/// A hardware address with its type (1, Ethernet, unless `TYPE/` stands before it).
pub(super) fn hardware(written: &str) -> Result<(u8, Octets), String> {
    let (htype, address) = written.split_once('/').unwrap_or(("1", written));
    let htype: u8 = htype.trim().parse().map_err(|_| format!("{htype} is not a hardware type of 0-255"))?;
    let octets = separated_octets(address.trim()).ok_or_else(|| format!("{written} is not a hardware address"))?;
    match octets.len() {
        length @ 17.. => Err(format!("has {length} octets")),
        length if htype == 1 && length != 6 => Err(format!("has {length} octets, and an Ethernet address has 6")),
        _ => Ok((htype, octets)),
    }
}

/// Letters, digits and hyphens in labels of 1 to 63, 255 in all (RFC 1123 section 2.1).
pub(super) fn is_host_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        inner && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

/// As a host name, underscores allowed, a dot at the end allowed.
pub(super) fn is_domain_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    is_host_name(&name.replace('_', "x"))
}

/// 1 to 15 characters without blanks and slashes (the bound of Linux, IFNAMSIZ).
pub(super) fn is_interface(name: &str) -> bool {
    (1..=15).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/')
}

/// A login name as systems commonly allow it.
pub(super) fn is_user(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=32).contains(&name.len()) && !name.starts_with('-') && name.bytes().all(legal)
}

/// `address`, `name`, `address:port` or `name:port`.
pub(super) fn is_partner(text: &str) -> bool {
    partner(text).is_some()
}

/// Host and port of a partner; `None`: it is none.
pub(super) fn partner(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)));
    let port = match port {
        Some(port) => Some(number(port).ok().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)?),
        None => None,
    };
    // What looks like an address must be one: 10.0.0.300 is no host name.
    let is_numeric = host.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let is_legal = if is_numeric { host_address(host).is_ok() } else { is_host_name(host) };
    is_legal.then_some((host, port))
}
