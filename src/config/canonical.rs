//! The subnets part of a configuration in one form for one meaning, so that two servers can compare theirs by digest,
//! and what differs between two such texts.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::keys::{self, SectionKind};
use super::kinds::Kind;
use super::model::{Subnet, SubnetsText};
use super::section::{Entry, Section};
use super::text;
use super::value::Value;
use crate::wire::seal;

/// Differences that are named: enough to mend a file by.
const DIFFERENCES_MAX: usize = 100;

/// The order of the sections; those of one kind keep that of the file, which decides between links.
const ORDER: [SectionKind; 6] = [
    SectionKind::Policy,
    SectionKind::Options,
    SectionKind::Subnet,
    SectionKind::Range,
    SectionKind::Class,
    SectionKind::Host,
];

/// Whether a section of this kind is part of the subnets of a primary.
pub(super) fn is_shared(kind: SectionKind) -> bool {
    ORDER.contains(&kind)
}

/// The text of `sections`. Each of the addresses `kept` that lies in a range of `subnets` becomes an Exclude: the
/// partner does not know whose it is.
pub(super) fn subnets_text(sections: &[&Section], subnets: &[Subnet], kept: &[Ipv4Addr]) -> SubnetsText {
    let mut text = String::new();
    for kind in ORDER {
        for section in sections.iter().filter(|section| section.kind == kind) {
            write_section(section, &mut text);
            if kind == SectionKind::Subnet {
                exclude(section, subnets, kept, &mut text);
            }
        }
    }
    let digest = seal::digest(text.as_bytes());
    SubnetsText { text, digest }
}

fn write_section(section: &Section, text: &mut String) {
    let name = match section.kind {
        SectionKind::Subnet => section.name.split_whitespace().collect(),
        SectionKind::Range => {
            text::span(&section.name).map_or_else(|_| section.name.clone(), |(first, last)| format!("{first} - {last}"))
        }
        SectionKind::Server
        | SectionKind::Policy
        | SectionKind::Options
        | SectionKind::Failover
        | SectionKind::Primary
        | SectionKind::Class
        | SectionKind::Host => section.name.clone(),
    };
    let gap = if name.is_empty() { "" } else { " " };
    line(text, format_args!("[{}{gap}{name}]", section.kind.word()));
    for key in keys::of_section(section.kind) {
        for entry in section.all(key.name) {
            line(text, format_args!("{} = {}", key.name, value(entry)));
        }
    }
    let prefix = if section.kind.takes_options() { "Option." } else { "" };
    let mut options: Vec<_> = section.options.iter().collect();
    options.sort_by_key(|option| option.code);
    for option in options {
        line(text, format_args!("{prefix}{} = {}", option.name, option.written));
    }
}

fn exclude(section: &Section, subnets: &[Subnet], kept: &[Ipv4Addr], text: &mut String) {
    let name: String = section.name.split_whitespace().collect();
    let Some(subnet) = subnets.iter().find(|subnet| subnet.network.to_string() == name) else { return };
    for address in kept.iter().filter(|address| subnet.network.contains(**address)) {
        let is_in_range = subnet.ranges.iter().any(|range| (range.first..=range.last).contains(address));
        let mut written = section.all("Exclude").filter_map(|entry| entry.value.span());
        if is_in_range && !written.any(|(first, last)| (first..=last).contains(address)) {
            line(text, format_args!("Exclude = {address}"));
        }
    }
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(words);
    text.push('\n');
}

/// A value as the table understands it, in one spelling.
fn value(entry: &Entry) -> String {
    match (&entry.value, entry.key.kind) {
        (Value::Flag(flag), _) => if *flag { "True" } else { "False" }.to_owned(),
        (Value::Number(number), Kind::Time { .. }) => format!("{number}ms"),
        (Value::Number(number), Kind::Seconds { max: u32::MAX, .. }) if *number == u64::from(u32::MAX) => {
            "infinite".to_owned()
        }
        (Value::Number(number), _) => number.to_string(),
        (Value::Text(plain), Kind::Text { .. }) => {
            format!("\"{}\"", plain.replace('\\', "\\\\").replace('"', "\\\""))
        }
        (Value::Text(plain), _) => plain.clone(),
        (Value::Address(address), _) => address.to_string(),
        (Value::Span(first, last), _) => format!("{first} - {last}"),
        (Value::Names(_) | Value::Hardware(..) | Value::Octets(_), _) => entry.written.clone(),
    }
}

/// What differs between two texts of [`SubnetsText`], a line each: section, key, what stands here and there. At most
/// 100 lines; empty: nothing does, but for the order of sections.
#[must_use]
pub fn differences(here: &str, there: &str) -> Vec<String> {
    let (ours, theirs) = (by_section(here), by_section(there));
    let mut lines = Vec::new();
    for (section, entries) in &ours {
        match theirs.get(section) {
            None => lines.push(format!("{section}: only here")),
            Some(others) if others != entries => compare(section, (entries, others), &mut lines),
            Some(_) => {}
        }
    }
    lines.extend(theirs.keys().filter(|section| !ours.contains_key(*section)).map(|it| format!("{it}: only there")));
    let left_out = lines.len().saturating_sub(DIFFERENCES_MAX);
    if left_out > 0 {
        lines.truncate(DIFFERENCES_MAX - 1);
        lines.push(format!("and {} more", left_out + 1));
    }
    lines
}

/// Keys with all their values.
type Entries<'a> = BTreeMap<&'a str, Vec<&'a str>>;

fn compare(section: &str, (ours, theirs): (&Entries<'_>, &Entries<'_>), lines: &mut Vec<String>) {
    let values = |entries: &Entries<'_>, key: &str| match entries.get(key) {
        Some(values) => values.join(", "),
        None => "nothing".to_owned(),
    };
    let others = theirs.keys().filter(|key| !ours.contains_key(*key));
    for key in ours.keys().chain(others).filter(|key| ours.get(*key) != theirs.get(*key)) {
        lines.push(format!("{section} {key}: {} here, {} there", values(ours, key), values(theirs, key)));
    }
}

fn by_section(text: &str) -> BTreeMap<&str, Entries<'_>> {
    let mut sections: BTreeMap<&str, Entries<'_>> = BTreeMap::new();
    let mut current = "";
    for line in text.lines() {
        if line.starts_with('[') {
            current = line;
            sections.entry(current).or_default();
        } else if let Some((key, value)) = line.split_once(" = ") {
            sections.entry(current).or_default().entry(key).or_default().push(value);
        }
    }
    sections
}
