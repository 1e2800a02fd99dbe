//! One test a claim of the RFCs that a DHCPv4 server stands on, through the same engine that the daemon drives.
//!
//! The first line of a test's doc comment names the requirements that it asserts, by the ids of
//! tests/data/rfc_ids.txt. The tests here see to it that no requirement of that list is without a test, unless
//! [`LEFT_OUT`] says why.

#[expect(dead_code, reason = "the tests of durability use the rest")]
mod support;

mod rfc2131 {
    mod allocation;
    mod bootp;
    mod decline_release;
    mod identity;
    mod inform;
    mod init_reboot;
    mod lease_time;
    mod long;
    mod malformed;
    mod options;
    mod policy;
    mod probe;
    mod relay;
    mod renewing;
    mod replies;
    mod selecting;
    mod selection;
    mod values;
    mod walk;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Requirements without a test through the engine, and why.
const LEFT_OUT: [(&str, &str); 11] = [
    ("2131-4.1-19", "falling back to broadcast is the network layer's; its tests use a real link"),
    ("2131-4.2-5", "classes are not configurable yet"),
    ("2131-4.3.1-17", "classes are not configurable yet"),
    ("2131-4.3.2-16", "authority over a lease is divided only in a failover pair"),
    (
        "2131-T5-secs",
        "a second server that waits for `secs` is a failover pair's affair; alone, the server answers at once",
    ),
    ("3011-6-2", "MAY be limited to known hosts; SubnetSelection turns it on for all"),
    ("3046-2.2-6", "concerns a server that does not support option 82; there is no switch for that"),
    ("3046-3.2-1", "matching by remote id needs classes, which are not configurable yet"),
    ("3046-4.0-1", "there is no limit of addresses a remote id"),
    ("8925-3.3-4", "an OFFER of 0.0.0.0 with option 108 is optional, and clients that need IPv4 would lose a turn"),
    ("SEC-1", "no list of permitted relays is configurable; a relay address in no subnet gets no answer"),
];

fn tests_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn listed() -> BTreeSet<String> {
    let text = fs::read_to_string(tests_folder().join("data/rfc_ids.txt")).expect("the list of ids");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

/// The ids that doc comments of the tests begin with: `/// ID, ID: claim.`
fn tested() -> BTreeSet<String> {
    let mut ids = BTreeSet::new();
    let entries = ["rfc2131", "engine"].map(|folder| fs::read_dir(tests_folder().join(folder)));
    for entry in entries.into_iter().flat_map(|entries| entries.expect("a folder of tests")) {
        let text = fs::read_to_string(entry.expect("an entry").path()).expect("a source");
        let comments = text.lines().filter_map(|line| line.strip_prefix("/// "));
        for head in comments.filter_map(|comment| comment.split_once(": ").map(|(head, _)| head)) {
            if head.split(", ").all(is_id) {
                ids.extend(head.split(", ").map(str::to_owned));
            }
        }
    }
    ids
}

/// Whether it looks like an id: the number of an RFC or SEC, and a dash.
fn is_id(word: &str) -> bool {
    let rfc = |name: &str| name == "SEC" || !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_digit());
    !word.contains(' ') && word.split_once('-').is_some_and(|(name, _)| rfc(name))
}

/// Each requirement of the list has a test, or a reason why not.
#[test]
fn each_requirement_is_tested_or_left_out_for_a_reason() {
    let left_out: BTreeSet<String> = LEFT_OUT.iter().map(|(id, _)| (*id).to_owned()).collect();
    let tested = tested();
    let missing: Vec<_> = listed().into_iter().filter(|id| !tested.contains(id) && !left_out.contains(id)).collect();
    assert_eq!(missing, Vec::<String>::new());
    let twice: Vec<_> = tested.intersection(&left_out).collect();
    assert_eq!(twice, Vec::<&String>::new(), "tested, and left out");
}

/// Each id that a test or [`LEFT_OUT`] names stands in the list.
#[test]
fn each_named_requirement_is_in_the_list() {
    let listed = listed();
    let mut named = tested();
    named.extend(LEFT_OUT.iter().map(|(id, _)| (*id).to_owned()));
    let unknown: Vec<_> = named.difference(&listed).collect();
    assert_eq!(unknown, Vec::<&String>::new());
    assert!(LEFT_OUT.iter().all(|(_, reason)| reason.len() > 20));
}
