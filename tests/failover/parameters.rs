//! Each parameter of a pair has a test of what it does that names it, in its doc comment or its name.

use std::fs;
use std::path::Path;

use understudy::config::keys::{SectionKind, of_section};

/// Where the behaviour of pairs is tested; tests of bounds and defaults stand elsewhere and do not count.
const PLACES: [&str; 4] = ["failover", "handover", "pair", "shares"];

/// What each test says of itself: its doc comment and its name.
fn sayings(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    let tests = (0..lines.len()).filter(|&at| lines[at] == "#[test]");
    let saying = |at: usize| {
        let doc = lines[..at].iter().rev().take_while(|line| line.starts_with("///"));
        let name = lines[at..].iter().find(|line| line.starts_with("fn ")).expect("a function");
        doc.copied().chain([*name]).collect::<Vec<_>>().join("\n")
    };
    tests.map(saying).collect()
}

fn all_sayings() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = PLACES.iter().flat_map(|place| fs::read_dir(tests.join(place)).expect("a folder of tests"));
    let paths = files.map(|file| file.expect("a file").path()).filter(|path| path.is_file());
    paths.flat_map(|path| sayings(&fs::read_to_string(path).expect("a test"))).collect()
}

/// Whether a test names a key: as it is written, not as a part of another word.
fn names(saying: &str, key: &str) -> bool {
    let is_word = |word: &str| word.trim_end_matches("'s") == key;
    saying.split(|letter: char| !letter.is_alphanumeric() && letter != '\'').any(is_word)
}

/// Section 2: every key of [Failover] and [Primary].
#[test]
fn each_parameter_has_a_test_of_what_it_does() {
    let said = all_sayings();
    assert!(said.len() > 100, "{} tests found", said.len());
    let keys = [SectionKind::Failover, SectionKind::Primary].into_iter().flat_map(of_section).map(|key| key.name);
    let keys: std::collections::BTreeSet<&str> = keys.collect();
    assert!(keys.contains("PollDelay") && keys.contains("PrimaryIpAddr"));
    let missing: Vec<_> = keys.iter().filter(|key| !said.iter().any(|saying| names(saying, key))).collect();
    assert!(missing.is_empty(), "no test of behaviour names these: {missing:?}");
}
