//! Manual, README and scripts.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use understudy::options::USAGE;

use crate::tree::{files, text, top};
use crate::{settle, skipped};

/// What a newcomer reads in one go.
const README_LINES_MAX: usize = 150;
/// The pages that `make install` installs at least.
const PAGES: [&str; 4] =
    ["man/understudyd.8", "man/understudyctl.8", "man/understudyd.ini.5", "man/understudy-journal.5"];

#[test]
fn the_readme_is_short() {
    let lines = text("README.md").lines().count();
    assert!(lines <= README_LINES_MAX, "README.md has {lines} lines, at most {README_LINES_MAX}");
}

/// A word between backquotes that looks like a path of the repository names a file or folder of it.
#[test]
fn the_readme_names_only_what_is_there() {
    let mut findings = Vec::new();
    for (index, line) in text("README.md").lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2) {
            let ours = ["src/", "tests/", "etc/", "man/", ".ci/"].iter().any(|start| word.starts_with(start));
            if ours && !word.contains([' ', '*']) && !top().join(word).exists() {
                findings.push(format!("README.md:{}: {word} does not exist", index + 1));
            }
        }
    }
    settle("README", findings);
}

#[test]
fn every_manual_page_is_there() {
    let missing = PAGES.iter().filter(|page| !top().join(page).is_file());
    settle("manual pages", missing.map(|page| format!("{page}: missing")).collect());
}

#[test]
fn manual_pages_pass_the_linter() {
    let pages = files().into_iter().filter(|path| path.starts_with("man/"));
    let mut findings = Vec::new();
    for page in pages {
        let run = Command::new("mandoc").args(["-Tlint", "-Wwarning"]).arg(&page).current_dir(top()).output();
        let Ok(output) = run else {
            skipped("manual pages not linted: mandoc is not installed");
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        findings.extend(said.lines().map(str::to_owned));
        if !output.status.success() && said.is_empty() {
            findings.push(format!("{page}: mandoc ended with {}", output.status));
        }
    }
    settle("mandoc -Tlint", findings);
}

#[test]
fn a_script_can_be_run() {
    let mut findings = Vec::new();
    for path in files().into_iter().filter(|path| path.starts_with("tests/") || path.starts_with(".ci/")) {
        let mode = top().join(&path).metadata().map_or(0, |metadata| metadata.permissions().mode());
        if text(&path).starts_with("#!") && !path.ends_with(".rs") && mode & 0o111 == 0 {
            findings.push(format!("{path}: begins with #! and is not executable"));
        }
    }
    settle("scripts", findings);
}

/// What `understudyd -h` tells stands in its manual page: options as entries, exit codes as entries.
#[test]
fn the_manual_page_of_the_server_has_what_its_help_has() {
    let page = text("man/understudyd.8");
    let entries: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix(".It ")).collect();
    let has = |word: &str| entries.iter().any(|entry| entry.split([' ', ',']).any(|part| part == word));
    let lines = USAGE.lines().map(str::trim).filter(|line| line.starts_with('-'));
    let options = lines.flat_map(|line| line.split([' ', ','])).filter(|word| word.starts_with('-'));
    let exits = USAGE.split_once("exit: ").map_or("", |(_, exits)| exits);
    let codes = exits.split(|letter: char| !letter.is_ascii_digit()).filter(|code| !code.is_empty());
    let names = options.map(|option| &option[1..]).chain(codes);
    let missing = names.filter(|name| !has(name)).map(|name| format!("man/understudyd.8: no entry for {name}"));
    settle("help and manual page", missing.collect());
}

/// A log line that the manual page of the pair explains is one that the code writes: its words between the names and
/// numbers stand in a source file.
#[test]
fn the_log_lines_of_the_failover_page_are_those_of_the_code() {
    let page = text("man/understudy-failover.7");
    let diagnostics =
        page.split(".Sh DIAGNOSTICS").nth(1).and_then(|rest| rest.split(".Sh ").next()).unwrap_or_default();
    let lines: Vec<&str> = diagnostics.lines().filter_map(|line| line.strip_prefix(".It ")).collect();
    assert!(lines.len() > 10, "{lines:?}");
    let code: String = files().iter().filter(|path| path.starts_with("src/")).map(|path| text(path)).collect();
    let folded = code.split("\\\n").map(str::trim_start).collect::<Vec<_>>().concat();
    let is_blank = |word: &str| word.len() > 3 && word.chars().all(char::is_uppercase) || ["N", "M"].contains(&word);
    let mut findings = Vec::new();
    for line in lines {
        let words = line
            .trim_matches('"')
            .split(' ')
            .map(|word| if is_blank(word.trim_end_matches([':', ','])) { "\n" } else { word });
        let fixed = words.collect::<Vec<_>>().join(" ");
        let parts = fixed.split(['\n']).flat_map(|part| part.split("...")).map(str::trim).filter(|part| part.len() > 8);
        findings
            .extend(parts.filter(|part| !folded.contains(part)).map(|part| format!("{line}: `{part}` is not logged")));
    }
    settle("log lines of understudy-failover(7)", findings);
}
