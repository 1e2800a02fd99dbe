//! Who imports whom. No module calls upward, so a reader follows a packet straight down.

use crate::settle;
use crate::split::{closing, is_word, line_of};
use crate::tree::{Source, files, sources, text};
use crate::uses::{Use, module_of, uses};

/// A module at the top of the crate and the paths that it may name besides its own.
struct Layer {
    module: &'static str,
    below: &'static [&'static str],
}

/// The one direction: `main -> net -> engine -> {server, journal}`, `server -> {lease, wire, config}`.
///
/// A module that stands here with part of another's path sees only that part: `server` may name the proof of
/// a commit and the shape of a frame, never the journal; `net` sees the values at the boundary, never the deciding.
const LAYERS: [Layer; 15] = [
    Layer { module: "rules", below: &[] },
    Layer { module: "clock", below: &["rules"] },
    Layer { module: "json", below: &[] },
    Layer { module: "wire", below: &[] },
    Layer { module: "journal", below: &["rules"] },
    Layer { module: "lease", below: &["clock", "wire", "rules"] },
    Layer { module: "config", below: &["clock", "wire"] },
    Layer {
        module: "server",
        below: &["lease", "wire", "config", "clock", "json", "rules", "journal::Synced", "journal::frame"],
    },
    Layer { module: "engine", below: &["server", "journal", "config", "clock", "lease"] },
    Layer { module: "logging", below: &["config", "clock"] },
    Layer {
        module: "net",
        below: &["engine", "config", "server::event", "server::outbox", "journal", "wire::frame", "clock", "logging"],
    },
    Layer { module: "options", below: &["config"] },
    Layer { module: "daemon", below: &["config"] },
    Layer {
        module: "start",
        below: &["net", "engine", "journal", "config", "clock", "lease", "options", "logging", "daemon"],
    },
    Layer { module: "ctl", below: &["journal", "lease", "wire", "clock", "json"] },
];

fn upward(source: &Source) -> Vec<String> {
    let module = module_of(&source.path);
    let Some(own) = module.first() else { return Vec::new() };
    let Some(layer) = LAYERS.iter().find(|layer| layer.module == own) else {
        return vec![format!("{}: the table of layers does not know `{own}`", source.path)];
    };
    let mut findings = Vec::new();
    for used in uses(&source.shipped, &module).into_iter().flat_map(|used| named_through(source, layer, used)) {
        let path = used.path.join("::");
        let within = |top: &str| path == top || path.strip_prefix(top).is_some_and(|rest| rest.starts_with("::"));
        if !path.is_empty() && !within(own) && !layer.below.iter().any(|below| within(below)) {
            findings.push(format!("{}:{}: {own} may not import {path}", source.path, used.line));
        }
    }
    findings
}

/// A module that is imported by its name and of which only a part may be seen: what is named through it.
fn named_through(source: &Source, layer: &Layer, used: Use) -> Vec<Use> {
    let [top] = used.path.as_slice() else { return vec![used] };
    let opening = format!("{top}::");
    if !layer.below.iter().any(|below| below.starts_with(&opening)) {
        return vec![used];
    }
    let code = &source.shipped;
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&opening) {
        let part = code[at + opening.len()..].split(|letter: char| !letter.is_alphanumeric() && letter != '_').next();
        let starts = at == 0 || !matches!(code.as_bytes()[at - 1], b':' | b'_' | b'a'..=b'z');
        if let Some(part) = part.filter(|_| starts) {
            found.push(Use { line: line_of(code, at), path: vec![top.clone(), part.to_owned()] });
        }
    }
    found
}

#[test]
fn no_module_imports_upward() {
    let library = sources("src/").into_iter().filter(|source| !source.path.starts_with("src/bin/"));
    settle("imports", library.flat_map(|source| upward(&source)).collect());
}

/// The files that hold the module `name` declared in `path`: `folder/name.rs` or `folder/name/mod.rs`.
fn places(path: &str, name: &str) -> [String; 2] {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let stem = path.trim_end_matches(".rs");
    let root = matches!(path, "src/lib.rs" | "src/main.rs") || stem.ends_with("/mod") || stem.ends_with("/main");
    let base = if root || (folder == "tests") { folder } else { stem };
    [format!("{base}/{name}.rs"), format!("{base}/{name}/mod.rs")]
}

/// Modules that a file declares in files of their own.
fn declared(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in source.code.match_indices("mod ") {
        let rest = &source.code[at + 4..];
        let end = rest.bytes().position(|byte| !is_word(byte)).unwrap_or(rest.len());
        let starts = at == 0 || !is_word(source.code.as_bytes()[at - 1]);
        if !starts || end == 0 || !rest[end..].starts_with(';') {
            continue;
        }
        found.extend(places(&source.path, &format!("{}{}", enclosing(&source.code, at), &rest[..end])));
        let before = &source.text[..at];
        let line = before.trim_end_matches("pub ").trim_end().lines().last().unwrap_or("").trim();
        if let Some(named) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
            found.push(normal(&format!("{folder}/{named}")));
        }
    }
    found
}

/// The inline modules around an offset, as the start of a path: `outer/inner/`.
fn enclosing(code: &str, offset: usize) -> String {
    let mut prefix = String::new();
    for (at, _) in code[..offset].match_indices("mod ") {
        let Some(open) = code[at..offset].find(['{', ';']).map(|open| at + open) else { continue };
        let ends = closing(code.as_bytes(), open).unwrap_or(code.len());
        let starts = at == 0 || !is_word(code.as_bytes()[at - 1]);
        if starts && code.as_bytes()[open] == b'{' && ends > offset {
            prefix.push_str(code[at + 4..open].trim());
            prefix.push('/');
        }
    }
    prefix
}

/// `a/b/../c` as `a/c`.
fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

/// Whether Cargo compiles the file by itself: by its place, or because a target of the manifest names it.
fn is_root(path: &str, manifest: &str) -> bool {
    if manifest.contains(&format!("path = \"{path}\"")) {
        return true;
    }
    let inner = path.strip_prefix("tests/").map(|inner| (inner.matches('/').count(), inner));
    let test = inner.is_some_and(|(depth, inner)| depth == 0 || (depth == 1 && inner.ends_with("/main.rs")));
    test || matches!(path, "src/lib.rs" | "src/main.rs") || path.starts_with("src/bin/")
}

/// A file that no other declares is compiled by nobody: its tests would pass for ever.
#[test]
fn every_rust_file_is_reachable() {
    let all: Vec<Source> = sources("src/").into_iter().chain(sources("tests/")).collect();
    let reached: Vec<String> = all.iter().flat_map(declared).collect();
    let manifest = text("Cargo.toml");
    let lost = all.iter().filter(|source| !is_root(&source.path, &manifest) && !reached.contains(&source.path));
    settle("files that no module declares", lost.map(|source| source.path.clone()).collect());
}

/// What the crate is allowed to be built from, each in real use.
const PACKAGES: [&str; 12] = [
    "byteorder",
    "crc32fast",
    "env_logger",
    "getopts",
    "hmac",
    "log",
    "mio",
    "nix",
    "serde",
    "serde_ini",
    "sha2",
    "socket2",
];

#[test]
fn the_packages_are_the_agreed_ones_and_each_is_used() {
    let manifest = text("Cargo.toml");
    let section = manifest.split("[dependencies]\n").nth(1).and_then(|rest| rest.split("\n[").next());
    let lines = section.unwrap_or("").lines().filter(|line| !line.starts_with('#'));
    let mut named: Vec<&str> = lines.filter_map(|line| line.split_once('=')).map(|(name, _)| name.trim()).collect();
    named.sort_unstable();
    assert_eq!(named, PACKAGES, "[dependencies] of Cargo.toml");
    let all = sources("src/");
    let names = |source: &Source, package: &str| {
        let word = format!("{package}::");
        let starts = |at: usize| at == 0 || !is_word(source.shipped.as_bytes()[at - 1]);
        source.shipped.match_indices(&word).any(|(at, _)| starts(at))
    };
    let idle = PACKAGES.iter().filter(|package| !all.iter().any(|source| names(source, package)));
    settle("packages without use", idle.map(|package| format!("Cargo.toml: {package}")).collect());
}

#[test]
fn the_lock_file_names_the_public_registry_alone() {
    let registry = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
    let mut findings = Vec::new();
    for (index, line) in text("Cargo.lock").lines().enumerate() {
        if line.starts_with("source = ") && line != registry {
            findings.push(format!("Cargo.lock:{}: {line}", index + 1));
        }
    }
    settle("sources of packages", findings);
}

#[test]
fn the_top_level_is_the_agreed_one() {
    let agreed = ["Cargo.toml", "Cargo.lock", "src", "tests", "etc", "man", "Makefile", "README.md", "LICENSE"];
    let mut tops: Vec<String> = files().iter().filter_map(|path| path.split('/').next().map(str::to_owned)).collect();
    tops.dedup();
    let odd = tops.iter().filter(|top| !top.starts_with('.') && !agreed.contains(&top.as_str()));
    let missing = agreed.iter().filter(|name| !tops.iter().any(|top| top == *name));
    let odd = odd.map(|top| format!("{top}: does not belong there"));
    settle("top level", odd.chain(missing.map(|name| format!("{name}: missing"))).collect());
}

/// The check of imports finds what it is for, through trees, `super` and bare paths.
#[test]
fn the_check_of_layers_sees_a_breach() {
    let text = "use crate::{clock::Now, engine::{self, Engine}};\nuse super::super::net;\n\
                use super::offers;\nfn f() -> crate::journal::Journal { crate::journal::frame::x() }\n\
                pub(crate) fn g() {}\n/// [`crate::net`]\nfn h() {}\n";
    let source = Source::new("src/server/dhcp/request.rs", text.to_owned());
    let findings = upward(&source).join("\n");
    let expected = ["1: server may not import engine", "1: server may not import engine::Engine"];
    for line in expected.iter().chain(&["4: server may not import journal::Journal"]) {
        assert!(findings.contains(line), "{line} in:\n{findings}");
    }
    assert_eq!(findings.lines().count(), 3, "{findings}");
    let part = "use crate::wire;\nfn f() { wire::frame::x(); hardwire::y(); wire::dhcp::parse() }\n";
    let findings = upward(&Source::new("src/net/link.rs", part.to_owned()));
    assert_eq!(findings, ["src/net/link.rs:2: net may not import wire::dhcp"]);
    let deep = Source::new("src/server/scope.rs", "use super::super::net::Loop;\n".to_owned());
    assert_eq!(upward(&deep), ["src/server/scope.rs:1: server may not import net::Loop"]);
}

/// A module is found where Rust looks for it, inside an inline module too.
#[test]
fn declared_modules_are_found_where_rust_looks() {
    let text = "mod support;\nmod cases {\n    mod first;\n}\n#[path = \"../etc/x.rs\"]\nmod x;\nmod inline {}\n";
    let found = declared(&Source::new("tests/a.rs", text.to_owned()));
    for path in ["tests/support/mod.rs", "tests/cases/first.rs", "etc/x.rs"] {
        assert!(found.iter().any(|place| place == path), "{path} in {found:?}");
    }
    assert!(!found.iter().any(|place| place.contains("inline") || place == "tests/first.rs"), "{found:?}");
    assert_eq!(places("src/net/mod.rs", "link")[0], "src/net/link.rs");
    assert_eq!(places("src/engine.rs", "turn")[0], "src/engine/turn.rs");
}
