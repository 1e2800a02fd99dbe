//! What may not be written, and where.

use crate::settle;
use crate::split::{closing, is_word, line_of};
use crate::tree::{Source, files, sources, text};

/// Deciding code: from its arguments alone.
const PURE: [&str; 6] = ["src/wire/", "src/lease/", "src/server/", "src/config/", "src/clock.rs", "src/rules.rs"];
/// The one file of the configuration that reads files, behind the trait that the rest sees.
const PURE_EXCEPT: [&str; 1] = ["src/config/files.rs"];
/// What lets the outside in unseen.
const IMPURE_WORDS: [&str; 12] = [
    "std::fs",
    "std::env",
    "std::process",
    "std::net::Udp",
    "std::net::Tcp",
    "std::os::unix::net",
    "UdpSocket",
    "UnixStream",
    "Instant::now",
    "SystemTime::now",
    "mio::",
    "nix::",
];
/// Tables in an order that is another one in each run, unless their hasher is named.
const UNSEEDED_WORDS: [&str; 3] = ["HashMap", "HashSet", "RandomState"];
/// Names its hasher.
const UNSEEDED_EXCEPT: [&str; 1] = ["src/lease/table.rs"];
/// The logger: the `log` crate wants one that any thread may call, and the last lines wait for a full log socket.
/// The rules: which of them tests leave out is known to their thread, so that no argument of what ships is for tests;
/// without the feature `teeth` that is not compiled.
const SHARED_EXCEPT: [(&str, &str); 3] =
    [("src/logging.rs", "Mutex<"), ("src/logging.rs", "std::thread"), ("src/rules.rs", "thread_local!")];
/// State that two modules share, or code that runs beside the loop.
const SHARED_WORDS: [&str; 9] = [
    "Rc<RefCell",
    "Arc<",
    "static mut",
    "thread::spawn",
    "thread::Builder",
    "thread_local!",
    "async fn",
    ".await",
    "mpsc::",
];
/// Where the words for a role may stand: they decide there which keys are legal, which state table runs, whether to
/// answer, which sockets to open; and a report shows them.
const ROLE_FILES: [&str; 5] =
    ["src/config/", "src/server/failover/mod.rs", "src/server/duty.rs", "src/net/channels.rs", "src/server/report/"];
/// Where besides the words for a side of the pair may stand: what a side is, how it is stored, how it is shown.
const SIDE_FILES: [&str; 4] = ["src/lease/", "src/ctl/render.rs", "src/server/failover/", "src/server/bindings.rs"];
/// The one file that may hold unsafe code, each block of it with its reason.
const UNSAFE_FILE: &str = "src/net/signals.rs";
/// Prefixes of function names that say nothing.
const EMPTY_PREFIXES: [&str; 3] = ["get_", "process_", "do_"];
/// Parts of names that say nothing.
const EMPTY_WORDS: [&str; 9] = ["manager", "util", "utils", "misc", "helper", "helpers", "data", "info", "stuff"];

/// Offsets of `word` in `code` that are not parts of longer words.
fn offsets<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    let whole = move |at: usize, index: usize| {
        let inner = word.as_bytes()[index];
        let outer = if index == 0 { at.checked_sub(1) } else { Some(at + word.len()) };
        let beside = outer.and_then(|offset| bytes.get(offset));
        !(is_word(inner) && beside.is_some_and(|byte| is_word(*byte)))
    };
    let found = code.match_indices(word).map(|(at, _)| at);
    found.filter(move |at| whole(*at, 0) && whole(*at, word.len() - 1))
}

fn banned(path: &str, code: &str, words: &[&str]) -> Vec<String> {
    let mut findings = Vec::new();
    for word in words {
        findings.extend(offsets(code, word).map(|at| format!("{path}:{}: {word}", line_of(code, at))));
    }
    findings
}

fn is_pure(path: &str) -> bool {
    PURE.iter().any(|start| path.starts_with(start)) && !PURE_EXCEPT.contains(&path)
}

#[test]
fn deciding_code_touches_no_socket_file_clock_or_environment() {
    let pure = sources("src/").into_iter().filter(|source| is_pure(&source.path));
    settle("impure words", pure.flat_map(|source| banned(&source.path, &source.shipped, &IMPURE_WORDS)).collect());
}

/// The order of a table with the standard hasher is random and comes from outside: a run could not be repeated. The
/// configuration is checked with such tables, which are looked up in and never gone through.
#[test]
fn deciding_code_has_no_table_in_random_order() {
    let mut findings = Vec::new();
    for source in sources("src/").into_iter().filter(|source| is_pure(&source.path)) {
        if source.path.starts_with("src/config/") {
            continue;
        }
        if UNSEEDED_EXCEPT.contains(&source.path.as_str()) {
            let plain =
                source.shipped.matches("HashMap<").count() - source.shipped.matches("BuildHasherDefault<").count();
            findings.extend((plain > 0).then(|| format!("{}: a table without a hasher of its own", source.path)));
        } else {
            findings.extend(banned(&source.path, &source.shipped, &UNSEEDED_WORDS));
        }
    }
    settle("tables in random order", findings);
}

#[test]
fn nothing_is_shared_and_nothing_runs_beside_the_loop() {
    let mut findings = Vec::new();
    for source in sources("src/") {
        let free = |word: &&&str| SHARED_EXCEPT.contains(&(source.path.as_str(), **word));
        let words: Vec<&str> = SHARED_WORDS.iter().filter(|word| !free(word)).copied().collect();
        findings.extend(banned(&source.path, &source.shipped, &words));
    }
    settle("shared state", findings);
}

#[test]
fn roles_are_told_apart_in_the_named_files_only() {
    let stands_in = |source: &Source, places: &[&str]| places.iter().any(|start| source.path.starts_with(start));
    let mut findings = Vec::new();
    for source in sources("src/").into_iter().filter(|source| !stands_in(source, &ROLE_FILES)) {
        findings.extend(banned(&source.path, &source.shipped, &["Role::"]));
        if !stands_in(&source, &SIDE_FILES) {
            findings.extend(banned(&source.path, &source.shipped, &["Side::"]));
        }
    }
    settle("roles", findings);
}

#[test]
fn nothing_is_left_unfinished() {
    let macros = ["todo!", "unimplemented!", "dbg!", "#[ignore", "[allow("];
    let marks = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("X", "XX"), concat!("SKEL", "ETON")];
    let mut findings = Vec::new();
    for source in sources("src/").into_iter().chain(sources("tests/")) {
        findings.extend(banned(&source.path, &source.code, &macros));
        findings.extend(banned(&source.path, &source.comments, &marks));
    }
    for path in files().iter().filter(|path| !path.ends_with(".rs") && !path.starts_with("tests/data/")) {
        findings.extend(banned(path, &text(path), &marks));
    }
    settle("unfinished", findings);
}

#[test]
fn an_expected_lint_has_a_reason() {
    let mut findings = Vec::new();
    for source in sources("src/").into_iter().chain(sources("tests/")) {
        for (at, opening) in source.code.match_indices("expect(") {
            let attribute = source.code[..at].trim_end().ends_with(['[', ',']);
            let end = closing(source.code.as_bytes(), at + opening.len() - 1).unwrap_or(source.code.len());
            if attribute && !source.code[at..end].contains("reason = ") {
                findings.push(format!("{}:{}: no reason", source.path, line_of(&source.code, at)));
            }
        }
    }
    settle("expected lints", findings);
}

#[test]
fn unsafe_code_stands_nowhere_but_in_the_one_file_with_its_reasons() {
    let mut findings = Vec::new();
    for source in sources("src/").into_iter().chain(sources("tests/")) {
        let blocks: Vec<usize> = offsets(&source.code, "unsafe").collect();
        if source.path == UNSAFE_FILE && source.comments.matches("SAFETY:").count() >= blocks.len() {
            continue;
        }
        findings.extend(blocks.iter().map(|at| format!("{}:{}", source.path, line_of(&source.code, *at))));
    }
    settle("unsafe", findings);
}

/// Names that declarations such as `pub fn name` introduce, with offset and keyword. Constants are left out: those
/// of option codes have the names that the registry gave them.
fn declared(code: &str) -> Vec<(usize, &str, &str)> {
    let mut names = Vec::new();
    for keyword in ["fn", "struct", "enum", "trait", "mod", "type"] {
        for at in offsets(code, keyword) {
            let rest = code[at + keyword.len()..].trim_start();
            let end = rest.bytes().position(|byte| !is_word(byte)).unwrap_or(rest.len());
            names.push((at, keyword, &rest[..end]));
        }
    }
    names
}

/// Splits `LeaseTable` and `lease_table` alike into lower-case words.
fn parts(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = '_';
    for letter in name.chars() {
        if letter == '_' || (letter.is_uppercase() && !before.is_uppercase()) {
            words.push(String::new());
        }
        before = letter;
        if let Some(word) = words.last_mut().filter(|_| letter != '_') {
            word.extend(letter.to_lowercase());
        }
    }
    words
}

fn empty_names(path: &str, code: &str) -> Vec<String> {
    let mut findings = Vec::new();
    for (at, keyword, name) in declared(code) {
        let prefixed = keyword == "fn" && EMPTY_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if prefixed || parts(name).iter().any(|part| EMPTY_WORDS.contains(&part.as_str())) {
            findings.push(format!("{path}:{}: {keyword} {name}", line_of(code, at)));
        }
    }
    findings
}

#[test]
fn names_say_something() {
    let all = sources("src/").into_iter();
    settle("empty names", all.flat_map(|source| empty_names(&source.path, &source.shipped)).collect());
}

/// Macro calls that write a log line, as ranges of the source's text.
fn log_lines(code: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for name in ["error!(", "warn!(", "info!(", "debug!(", "trace!("] {
        for at in offsets(code, name) {
            let end = closing(code.as_bytes(), at + name.len() - 1).unwrap_or(code.len());
            found.push((at, end));
        }
    }
    found
}

#[test]
fn a_log_line_is_written_for_people() {
    let mut findings = Vec::new();
    for source in sources("src/") {
        for (start, end) in log_lines(&source.shipped) {
            if source.text[start..end].contains("?}") {
                findings.push(format!("{}:{}: Debug output", source.path, line_of(&source.text, start)));
            }
        }
    }
    settle("log lines", findings);
}

#[test]
fn no_file_knows_the_machine_that_it_was_written_on() {
    let places = [
        concat!("/wo", "rk/"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("sparse", "+http"),
        concat!("replace", "-with"),
    ];
    let mut findings = Vec::new();
    for path in files() {
        let whole = text(&path);
        for place in places {
            let lines = whole.match_indices(place).map(|(at, _)| line_of(&whole, at));
            findings.extend(lines.map(|line| format!("{path}:{line}: {place}")));
        }
        if path.starts_with(".cargo/") {
            findings.push(format!("{path}: settings of one machine"));
        }
    }
    settle("machine paths", findings);
}

/// The checks above find what they are for, so that their silence means something.
#[test]
fn the_checks_of_words_see_a_breach() {
    let source = Source::new(
        "src/wire/a.rs",
        "use std::fs;\n// std::fs in a comment\nlet a = \"Instant::now\";\nlet b = MyArc<u8>; let c: Arc<u8>;\n\
         fn get_it() {}\nstruct LeaseInfo;\nmod information {}\n"
            .to_owned(),
    );
    assert_eq!(banned(&source.path, &source.code, &IMPURE_WORDS), ["src/wire/a.rs:1: std::fs"]);
    assert_eq!(banned(&source.path, &source.code, &SHARED_WORDS), ["src/wire/a.rs:4: Arc<"]);
    let names = empty_names(&source.path, &source.code);
    assert_eq!(names, ["src/wire/a.rs:5: fn get_it", "src/wire/a.rs:6: struct LeaseInfo"]);
    assert!(is_pure("src/config/ini.rs") && !is_pure("src/config/files.rs") && !is_pure("src/net/mod.rs"));
}
