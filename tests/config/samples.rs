//! The samples in etc/: they pass, they show every key, and what they show as default is the default.

use std::path::{Path, PathBuf};

use understudy::config::files::FileSource;
use understudy::config::keys::{self, Fallback, SectionKind};
use understudy::config::{self, load};

use super::support::{Files, KEY, lines};

pub(crate) const SAMPLES: [&str; 4] = ["understudyd.ini", "primary.ini", "failover.ini", "minimal.ini"];

/// The samples as they lie there; each key file that they name holds a key.
struct Shipped;

impl config::Source for Shipped {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        if path.extension().is_some_and(|ending| ending == "key") { Ok(KEY.to_owned()) } else { FileSource.read(path) }
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("etc").join(name)
}

/// The text of a sample.
pub(crate) fn text(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A sample line `;Key = value` with its section: the key, the value, whether it is a comment.
fn shown(text: &str) -> Vec<(SectionKind, String, String, bool)> {
    let mut kind = SectionKind::Server;
    let mut shown = Vec::new();
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            let word = header.split([' ', ']']).next().unwrap_or_default();
            kind = SectionKind::ALL.into_iter().find(|(_, known)| *known == word).expect("a known section").0;
        }
        let is_comment = line.starts_with(';');
        let line = line.trim_start_matches(';');
        let Some((key, value)) = line.split_once(" = ") else { continue };
        if key.contains(' ') || key.is_empty() {
            continue;
        }
        let value = value.split(" ;").next().unwrap_or_default().trim();
        shown.push((kind, key.to_owned(), value.to_owned(), is_comment));
    }
    shown
}

#[test]
fn every_sample_passes_without_error_or_notice() {
    for name in SAMPLES {
        let config = load(&path(name), &Shipped).unwrap_or_else(|errors| panic!("{}", lines(&errors).join("\n")));
        assert!(config.notices.is_empty(), "{name}: {}", lines(&config.notices).join("\n"));
    }
}

#[test]
fn every_sample_passes_with_all_that_it_shows_switched_on() {
    for name in SAMPLES {
        let mut on = String::new();
        for line in text(name).lines() {
            let is_key = line.starts_with(';') && !line.starts_with("; ");
            on.push_str(if is_key { &line[1..] } else { line });
            on.push('\n');
        }
        assert!(on.len() < text(name).len() || name == "minimal.ini", "{name} shows nothing");
        let subnets = ("/etc/understudy/dhcp1-subnets.ini", "[Subnet 10.1.0.0/24]\n");
        let keys = ["failover", "dhcp1", "dhcp3"].map(|name| (format!("/etc/understudy/{name}.key"), KEY));
        let keys = keys.iter().map(|(path, text)| (path.as_str(), *text));
        let files: Vec<(&str, &str)> = [("a.ini", &*on), subnets].into_iter().chain(keys).collect();
        Files::new(&files).load("a.ini").unwrap_or_else(|errors| panic!("{name}: {}", lines(&errors).join("\n")));
    }
}

#[test]
fn every_key_of_the_table_stands_in_a_sample_in_a_section_of_its_own() {
    let all: Vec<_> = SAMPLES.iter().flat_map(|name| shown(&text(name))).collect();
    for group in keys::GROUPS {
        for key in group.keys.iter().filter(|key| key.kind != config::kinds::Kind::Unsupported) {
            let is_shown = all.iter().any(|(kind, name, ..)| group.places.contains(kind) && name == key.name);
            assert!(is_shown, "{} stands in no sample", key.name);
        }
    }
}

#[test]
fn every_key_of_a_sample_is_known_and_its_commented_value_is_the_default() {
    for sample in SAMPLES {
        for (kind, name, value, is_comment) in shown(&text(sample)) {
            if kind == SectionKind::Options || name.starts_with("Option.") {
                continue;
            }
            let key = keys::find(kind, &name).unwrap_or_else(|| panic!("{sample}: {name} is no key"));
            // Only the section that holds the defaults shows them: a narrower one shows examples.
            let shows_default = is_comment && !kind.takes_options();
            if let (true, Fallback::Value(default)) = (shows_default, key.fallback) {
                assert_eq!(value, default, "{sample}: {name}");
            }
        }
    }
}

#[test]
fn the_minimal_sample_has_ten_lines() {
    assert_eq!(text("minimal.ini").lines().count(), 10);
}
