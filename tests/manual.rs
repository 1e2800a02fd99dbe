//! understudyd.ini(5) says what the tables say: each key with its bounds and default, each option, a working example.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Command;

use understudy::config::keys::{Fallback, GROUPS, Key};
use understudy::config::kinds::Kind;
use understudy::config::option_table::{OPTIONS, OptionRow, Shape};
use understudy::config::{Source, load};
use understudy::wire::failover::UNCUT_PIECE_OCTETS_MAX;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/man/understudyd.ini.5");

struct Example(String);

impl Source for Example {
    fn read(&self, _path: &Path) -> io::Result<String> {
        Ok(self.0.clone())
    }
}

fn page() -> String {
    std::fs::read_to_string(PAGE).expect("the manual page")
}

/// The entries of keys, in order: the name and the lines up to the next entry.
fn entries(page: &str) -> Vec<(String, Vec<String>)> {
    let mut entries: Vec<(String, Vec<String>)> = Vec::new();
    let mut is_open = false;
    for line in page.lines() {
        if let Some(name) = line.strip_prefix(".It Cm ") {
            entries.push((name.to_owned(), Vec::new()));
            is_open = true;
        } else if line.starts_with(".It") || line.starts_with(".El") || line.starts_with(".Sh") {
            is_open = false;
        } else if let (true, Some((_, text))) = (is_open, entries.last_mut()) {
            text.push(line.to_owned());
        }
    }
    entries
}

/// The sentences that the entry of `key` must hold.
fn sentences(key: &Key) -> Vec<String> {
    let mut expected = if key.kind == Kind::Unsupported {
        vec!["refused".to_owned()]
    } else {
        vec![format!("Legal: {}.", key.kind.legal()), fallback(key.fallback)]
    };
    if key.repeats {
        expected.push("May repeat.".to_owned());
    }
    if !key.misprint.is_empty() {
        expected.push(format!("The misprint {} is taken with a notice.", key.misprint));
    }
    expected
}

fn fallback(fallback: Fallback) -> String {
    match fallback {
        Fallback::Value(value) => format!("The default is {value}."),
        Fallback::Unset(words) => format!("Not set by default: {words}."),
        Fallback::Required(when) => format!("Required {when}; there is no default."),
    }
}

#[test]
fn every_key_of_the_table_has_an_entry_with_its_bounds_and_its_default() {
    let entries = entries(&page());
    for key in GROUPS.iter().flat_map(|group| group.keys) {
        let named: Vec<_> = entries.iter().filter(|(name, _)| name == key.name).collect();
        assert!(!named.is_empty(), "{} has no entry", key.name);
        let holds = |text: &[String]| {
            let text = text.join("\n");
            sentences(key).iter().all(|sentence| text.contains(sentence.as_str()))
        };
        assert!(named.iter().any(|(_, text)| holds(text)), "{}: no entry says {:?}", key.name, sentences(key));
    }
}

#[test]
fn every_entry_is_a_key_as_often_as_the_table_has_it_and_says_what_it_does() {
    let mut count: BTreeMap<&str, i32> = BTreeMap::from([("Include", 1)]);
    for key in GROUPS.iter().flat_map(|group| group.keys) {
        *count.entry(key.name).or_default() += 1;
    }
    let page = page();
    for (name, text) in entries(&page) {
        *count.get_mut(name.as_str()).unwrap_or_else(|| panic!("{name} is no key")) -= 1;
        let first = text.first().map(String::as_str).unwrap_or_default();
        assert!(!first.is_empty() && !first.starts_with("Legal:"), "{name} does not say what it does");
    }
    assert!(count.values().all(|left| *left == 0), "too few or too many: {count:?}");
}

#[test]
fn every_option_of_the_table_stands_in_the_page_and_no_other() {
    let page = page();
    let line = |row: &OptionRow| {
        let also = if row.alias.is_empty() { String::new() } else { format!(" (also {})", row.alias) };
        match row.shape {
            Shape::Refused(why) => format!(".It {} Ta {} Ta {why}", row.name, row.code),
            shape => format!(".It {} Ta {} Ta {}{also}", row.name, row.code, shape.legal()),
        }
    };
    let expected: Vec<String> = OPTIONS.iter().map(line).collect();
    for row in &expected {
        assert!(page.lines().any(|line| line == row), "no line {row}");
    }
    let rows = page.lines().filter(|line| line.contains(" Ta ") && !line.starts_with(".It Em"));
    assert_eq!(rows.count(), expected.len());
}

#[test]
fn the_page_begins_with_an_example_of_fifteen_lines_that_works() {
    let page = page();
    let (_, rest) = page.split_once(".Bd -literal -offset indent\n").expect("an example");
    let (example, _) = rest.split_once(".Ed\n").expect("the end of the example");
    assert_eq!(example.lines().count(), 15);
    let config = load(Path::new("example.ini"), &Example(example.to_owned())).expect("a legal example");
    assert!(config.notices.is_empty());
    assert_eq!((config.subnets.len(), config.hosts.len()), (1, 1));
}

/// Needs mandoc.
#[test]
fn mandoc_has_nothing_to_complain_of() {
    let output =
        Command::new("mandoc").args(["-Tlint", "-Wwarning", PAGE]).output().expect("mandoc (apt install mandoc)");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn the_page_says_up_to_which_buffer_ip_cuts_no_datagram() {
    let said = format!("Over {UNCUT_PIECE_OCTETS_MAX}, IP cuts the datagrams on Ethernet.");
    assert!(page().contains(&said), "{said}");
}
