//! The rules of the house that a machine can check, one test a rule; a finding names file and line.
//!
//! They keep the promises of the crate documentation: deciding code is pure, modules import in one direction,
//! everything has a bound. `shape` looks at sizes and signatures, `words` at what may not be written where,
//! `layers` at who imports whom, `rules` at the
//! rules of the pair, `texts` at packages, manual and README.

#[path = "tidy/functions.rs"]
mod functions;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/shape.rs"]
mod shape;
#[path = "tidy/split.rs"]
mod split;
#[path = "tidy/texts.rs"]
mod texts;
#[path = "tidy/tree.rs"]
mod tree;
#[path = "tidy/uses.rs"]
mod uses;
#[path = "tidy/words.rs"]
mod words;

/// Fails with one line a finding.
fn settle(rule: &str, findings: Vec<String>) {
    assert!(findings.is_empty(), "{rule}:\n  {}\n", findings.join("\n  "));
}

/// Says on the terminal, past the capture of the test harness, that a check could not be made.
fn skipped(reason: &str) {
    use std::io::Write;
    let line = format!("SKIPPED: {reason}\n");
    // A closed terminal must not fail the test: the reason is lost, the check was not made either way.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
