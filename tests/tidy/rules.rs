//! The rules of the pair by name (`src/rules.rs`): each is followed at one place, missed by a test when it is
//! gone, and left out by nothing but tests.

use crate::settle;
use crate::split::line_of;
use crate::tree::{Source, sources, text};

/// Where the rules are named and the switch stands.
const RULES_FILE: &str = "src/rules.rs";
/// Where the tests that miss a rule are listed.
const TABLE_FILE: &str = "tests/teeth/table.rs";
/// Where the rules are listed that the exhaustive search misses.
const SEARCH_FILE: &str = "tests/model/teeth.rs";

/// The variants of `enum Rule`.
fn rules(code: &str) -> Vec<String> {
    let body = code.split("pub enum Rule {").nth(1).and_then(|rest| rest.split('}').next()).unwrap_or("");
    body.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

/// How often `code` asks whether a rule is kept.
fn asked(code: &str, rule: &str) -> usize {
    code.matches(&format!("kept(Rule::{rule})")).count()
}

fn shipped() -> impl Iterator<Item = Source> {
    sources("src/").into_iter().filter(|source| source.path != RULES_FILE)
}

#[test]
fn each_rule_is_followed_at_one_place() {
    let named = rules(&Source::new(RULES_FILE, text(RULES_FILE)).shipped);
    assert!(named.len() > 30, "the rules are not found: {named:?}");
    let all: Vec<Source> = shipped().collect();
    let places = |rule: &String| all.iter().map(|source| asked(&source.shipped, rule)).sum::<usize>();
    let findings = named.iter().map(|rule| (rule, places(rule))).filter(|(_, places)| *places != 1);
    settle("rules", findings.map(|(rule, places)| format!("{rule}: asked for at {places} places")).collect());
}

/// The rows of the table of teeth: a rule and the name of its test.
fn rows(table: &str) -> Vec<(String, String)> {
    let rows = table.split("Rule::").skip(1).filter_map(|row| {
        let (rule, rest) = row.split_once(',')?;
        let test = rest.split_once(')')?.0.split('"').nth(1)?;
        Some((rule.to_owned(), test.to_owned()))
    });
    rows.collect()
}

#[test]
fn each_rule_has_a_test_that_misses_it() {
    let named = rules(&Source::new(RULES_FILE, text(RULES_FILE)).shipped);
    let rows = rows(&text(TABLE_FILE));
    let all: String = sources("tests/teeth/").iter().map(|source| source.code.clone()).collect();
    let without = named.iter().filter(|rule| !rows.iter().any(|row| row.0 == **rule));
    let mut findings: Vec<String> = without.map(|rule| format!("{rule}: no row in {TABLE_FILE}")).collect();
    for (rule, test) in &rows {
        if all.matches(&format!("#[test]\nfn {test}() {{")).count() != 1 {
            findings.push(format!("{rule}: no test {test}"));
        }
    }
    settle("rules without teeth", findings);
}

/// A scenario does just what breaks without the rule; the simulator or the search have to come to it by themselves.
#[test]
fn each_rule_is_missed_by_the_simulator_or_by_the_search() {
    let named = rules(&Source::new(RULES_FILE, text(RULES_FILE)).shipped);
    let (table, search) = (text(TABLE_FILE), text(SEARCH_FILE));
    let is_missed = |rule: &String| {
        table.contains(&format!("sim(Rule::{rule},")) || search.contains(&format!("(Rule::{rule}, Start::"))
    };
    let blind = named.iter().filter(|rule| !is_missed(rule));
    settle("rules that only a scenario misses", blind.map(|rule| format!("{rule}: nothing else misses it")).collect());
}

/// What ships has no switch: the function that turns it exists under the feature alone, and nothing in src calls it.
#[test]
fn nothing_but_tests_leaves_a_rule_out() {
    let mut findings = Vec::new();
    for source in shipped() {
        for word in ["leave_out", "keep_all", "feature = \"teeth\""] {
            let found = source.text.match_indices(word).map(|(at, _)| line_of(&source.text, at));
            findings.extend(found.map(|line| format!("{}:{line}: {word}", source.path)));
        }
    }
    settle("switches of rules", findings);
    let switch = text(RULES_FILE);
    let (before, after) = switch.split_once("mod switches {").expect("the module of the switch");
    assert!(before.trim_end().ends_with("#[cfg(feature = \"teeth\")]"), "the switch exists under the feature alone");
    assert!(!before.contains("thread_local!") && after.contains("thread_local!"));
    assert!(before.contains("#[cfg(not(feature = \"teeth\"))]\n#[must_use]\npub const fn kept("));
    assert!(!text("Cargo.toml").contains("default = ["), "no feature is on by itself");
}

/// The checks above find what they are for.
#[test]
fn the_checks_of_rules_see_a_breach() {
    let code =
        "/// Doc.\npub enum Rule {\n    Owner,\n    Settled,\n}\nfn f() { kept(Rule::Owner) && kept(Rule::Owner) }\n";
    let source = Source::new("src/rules.rs", code.to_owned());
    assert_eq!(rules(&source.code), ["Owner", "Settled"]);
    let table =
        "    scene(Rule::Owner, \"a\"),\n    walk(\n        Rule::Settled,\n        3,\n        \"b\",\n    ),\n";
    let found = rows(table);
    assert_eq!(found, [("Owner".to_owned(), "a".to_owned()), ("Settled".to_owned(), "b".to_owned())]);
    assert_eq!((asked(&source.code, "Owner"), asked(&source.code, "Settled")), (2, 0));
}
