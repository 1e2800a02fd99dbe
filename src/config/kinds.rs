//! The types that a key's value may have: bounds, the words for what is legal, and text to [`Value`].
//!
//! Pure functions from text to value or complaint; what a value is for is not known here.

use super::text::{self, Octets};
use super::value::Value;

/// How a time is written when it has no unit letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeUnit {
    /// Whole seconds.
    Seconds,
    /// Seconds with up to three decimals.
    Decimals,
    /// Whole milliseconds.
    Millis,
}

/// Type, unit and bounds of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True False Yes No 1 0.
    Flag,
    /// One of these words, case aside.
    Word(&'static [&'static str]),
    /// A whole number; bounds inclusive.
    Number {
        /// Least.
        min: u64,
        /// Greatest.
        max: u64,
    },
    /// A time in whole seconds as DHCP carries it; a greatest value of `u32::MAX` allows the word `infinite`.
    Seconds {
        /// Least.
        min: u32,
        /// Greatest.
        max: u32,
    },
    /// A wait; bounds in milliseconds, inclusive.
    Time {
        /// What a bare number means.
        unit: TimeUnit,
        /// Least.
        min_ms: u64,
        /// Greatest.
        max_ms: u64,
    },
    /// An IPv4 address of one host.
    Address,
    /// FIRST - LAST, or one address.
    Span,
    /// A host name: letters, digits and hyphens (RFC 1123), at most 255.
    HostName,
    /// A domain name.
    DomainName,
    /// The name of one network interface.
    Interface,
    /// Names of network interfaces, comma separated.
    Interfaces,
    /// Text without control characters, 1 to `octets` long.
    Text {
        /// Greatest length.
        octets: usize,
    },
    /// The name of a user of the system.
    UserName,
    /// An absolute path.
    Path {
        /// Greatest length.
        octets: usize,
    },
    /// An absolute path, or the word `none`.
    PathOrNone {
        /// Greatest length.
        octets: usize,
    },
    /// Address or host name of a partner, with :port if not the usual one.
    Partner,
    /// 00:11:22:33:44:55, with `TYPE/` before it for hardware types other than 1.
    Hardware,
    /// "text" or 0x with octets in hex, up to 255 octets.
    Octets {
        /// Least length.
        min: usize,
    },
    /// KNOWN or UNKNOWN (named classes come with a later version).
    Membership,
    /// Documented, and refused by this version.
    Unsupported,
}

impl Kind {
    /// What is legal, for messages and for the manual page.
    #[must_use]
    pub fn legal(&self) -> String {
        match *self {
            Kind::Flag => "True or False".to_owned(),
            Kind::Word(words) => words.join(", "),
            Kind::Number { min, max } => format!("{min}-{max}"),
            Kind::Seconds { min, max: u32::MAX } => format!("{min}-4294967294 s or infinite"),
            Kind::Seconds { min, max } => format!("{min}-{max} s"),
            Kind::Time { unit: TimeUnit::Millis, min_ms, max_ms } => format!("{min_ms}-{max_ms} ms"),
            Kind::Time { unit: TimeUnit::Seconds, min_ms, max_ms } => {
                format!("{}-{} s", min_ms / 1000, max_ms / 1000)
            }
            Kind::Time { unit: TimeUnit::Decimals, min_ms: 0, max_ms } => {
                format!("0-{} s, decimals allowed", max_ms / 1000)
            }
            Kind::Time { unit: TimeUnit::Decimals, max_ms, .. } => {
                format!("0.001-{} s, decimals allowed", max_ms / 1000)
            }
            Kind::Address => "an IPv4 address of one host".to_owned(),
            Kind::Span => "FIRST - LAST, two IPv4 addresses".to_owned(),
            Kind::HostName => "letters, digits, hyphens and dots".to_owned(),
            Kind::DomainName => "a domain name".to_owned(),
            Kind::Interface => "an interface name of 1-15 characters".to_owned(),
            Kind::Interfaces => "interface names of 1-15 characters, comma separated".to_owned(),
            Kind::Text { octets } => format!("1-{octets} octets of text"),
            Kind::UserName => "a user name of 1-32 letters, digits, _ . -".to_owned(),
            Kind::Path { octets } => format!("an absolute path of at most {octets} octets"),
            Kind::PathOrNone { octets } => {
                format!("an absolute path of at most {octets} octets, or none")
            }
            Kind::Partner => "an IPv4 address or host name, with :port if need be".to_owned(),
            Kind::Hardware => "1-16 octets such as 00:11:22:33:44:55, or TYPE/OCTETS".to_owned(),
            Kind::Octets { min } => format!("\"text\" or 0x and hex digits, {min}-255 octets"),
            Kind::Membership => "KNOWN or UNKNOWN".to_owned(),
            Kind::Unsupported => "leave it out".to_owned(),
        }
    }

    /// Reads a value.
    ///
    /// # Errors
    /// What is wrong, without place and without [`Kind::legal`].
    pub fn parse(&self, written: &str) -> Result<Value, String> {
        if written.is_empty() {
            return Err("has no value".to_owned());
        }
        match *self {
            Kind::Flag => text::flag(written).map(Value::Flag),
            Kind::Word(words) => one_of(words, written),
            Kind::Number { min, max } => within(text::number(written)?, (min, max), written).map(Value::Number),
            Kind::Seconds { min, max } => seconds((min, max), written),
            Kind::Time { unit, min_ms, max_ms } => time(unit, (min_ms, max_ms), written),
            Kind::Address => text::host_address(written).map(Value::Address),
            Kind::Span => text::span(written).map(|(first, last)| Value::Span(first, last)),
            Kind::HostName => named(written, "a host name", text::is_host_name),
            Kind::DomainName => named(written, "a domain name", text::is_domain_name),
            Kind::Interface => named(written, "an interface name", text::is_interface),
            Kind::Interfaces => interfaces(written),
            Kind::Text { octets } => bounded(text::unquoted(written)?, octets).map(Value::Text),
            Kind::UserName => named(written, "a user name", text::is_user),
            Kind::Path { octets } => path(written, octets),
            Kind::PathOrNone { .. } if written.eq_ignore_ascii_case("none") => Ok(Value::Text("none".to_owned())),
            Kind::PathOrNone { octets } => path(written, octets),
            Kind::Partner => named(written, "a partner", text::is_partner),
            Kind::Hardware => text::hardware(written).map(|(htype, address)| Value::Hardware(htype, address)),
            Kind::Octets { min } => octets(min, written),
            Kind::Membership => membership(written),
            Kind::Unsupported => Err("is not supported by this version".to_owned()),
        }
    }
}

fn one_of(words: &[&str], written: &str) -> Result<Value, String> {
    let plain = text::unquoted(written)?;
    let known = words.iter().find(|word| word.eq_ignore_ascii_case(&plain));
    known.map(|word| Value::Text((*word).to_owned())).ok_or_else(|| format!("{plain} is none of its words"))
}

fn within(number: u64, (min, max): (u64, u64), written: &str) -> Result<u64, String> {
    if number < min || number > max { Err(format!("{written} is out of bounds")) } else { Ok(number) }
}

fn seconds((min, max): (u32, u32), written: &str) -> Result<Value, String> {
    if max == u32::MAX && written.eq_ignore_ascii_case("infinite") {
        return Ok(Value::Number(u64::from(u32::MAX)));
    }
    let millis = text::millis(written, 1000)?;
    if millis % 1000 != 0 {
        return Err(format!("{written} is not in whole seconds"));
    }
    within(millis / 1000, (u64::from(min), u64::from(max)), written).map(Value::Number)
}

fn time(unit: TimeUnit, bounds: (u64, u64), written: &str) -> Result<Value, String> {
    let millis = match unit {
        TimeUnit::Seconds | TimeUnit::Decimals => text::millis(written, 1000)?,
        TimeUnit::Millis => text::millis(written, 1)?,
    };
    if unit == TimeUnit::Seconds && millis % 1000 != 0 {
        return Err(format!("{written} is not in whole seconds"));
    }
    within(millis, bounds, written).map(Value::Number)
}

fn named(written: &str, what: &str, is_legal: fn(&str) -> bool) -> Result<Value, String> {
    let plain = text::unquoted(written)?;
    if is_legal(&plain) { Ok(Value::Text(plain)) } else { Err(format!("{plain} is not {what}")) }
}

fn interfaces(written: &str) -> Result<Value, String> {
    let mut names: Vec<String> = Vec::new();
    for part in text::list(written)? {
        let name = text::unquoted(part)?;
        if !text::is_interface(&name) {
            return Err(format!("{name} is not an interface name"));
        }
        if names.contains(&name) {
            return Err(format!("{name} stands twice"));
        }
        names.push(name);
    }
    Ok(Value::Names(names))
}

fn bounded(plain: String, octets: usize) -> Result<String, String> {
    match plain.len() {
        0 => Err("is empty".to_owned()),
        length if length > octets => Err(format!("is {length} octets long")),
        _ => Ok(plain),
    }
}

fn path(written: &str, octets: usize) -> Result<Value, String> {
    let plain = bounded(text::unquoted(written)?, octets)?;
    if plain.starts_with('/') { Ok(Value::Text(plain)) } else { Err(format!("{plain} is not an absolute path")) }
}

fn octets(min: usize, written: &str) -> Result<Value, String> {
    let octets: Octets = text::octets(written)?;
    if octets.len() < min || octets.len() > 255 {
        return Err(format!("is {} octets long", octets.len()));
    }
    Ok(Value::Octets(octets))
}

fn membership(written: &str) -> Result<Value, String> {
    let plain = text::unquoted(written)?;
    match ["KNOWN", "UNKNOWN"].into_iter().find(|word| word.eq_ignore_ascii_case(&plain)) {
        Some(word) => Ok(Value::Text(word.to_owned())),
        None => Err(format!("{plain}: a named class is not supported by this version")),
    }
}
