//! Finds which paths of the crate a file names, in `use` trees and in the middle of code alike.

use crate::split::{is_word, line_of};

/// One path of the crate that a file names.
pub(crate) struct Use {
    /// The 1-based line.
    pub(crate) line: usize,
    /// Its parts from the crate's root on, such as `["journal", "frame"]`.
    pub(crate) path: Vec<String>,
}

/// All paths of `code` that begin with `crate` or `super`, resolved from `module` on.
///
/// `module` is the path of the file's own module, such as `["server", "dhcp"]`.
pub(crate) fn uses(code: &str, module: &[String]) -> Vec<Use> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    for root in ["crate", "super"] {
        for (at, _) in code.match_indices(root) {
            let starts = at == 0 || !(is_word(bytes[at - 1]) || bytes[at - 1] == b':');
            if !starts || !code[at + root.len()..].starts_with("::") {
                continue;
            }
            let mut paths = Vec::new();
            expand(bytes, at, &[], &mut paths);
            let line = line_of(code, at);
            found.extend(paths.into_iter().map(|path| Use { line, path: resolve(&path, module) }));
        }
    }
    found
}

/// The path of the module that a file under `src/` holds; the crate's root has none.
pub(crate) fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let mut parts: Vec<String> = inner.split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    parts
}

fn resolve(path: &[String], module: &[String]) -> Vec<String> {
    let mut full: Vec<String> = Vec::new();
    for (index, part) in path.iter().enumerate() {
        match (index, part.as_str()) {
            (0, "crate") => {}
            (_, "super") => {
                if index == 0 {
                    full = module.to_vec();
                }
                full.pop();
            }
            (_, "self") => {}
            _ => full.push(part.clone()),
        }
    }
    full
}

/// Reads one path or tree at `at`, adds each leaf to `out`, and returns the offset behind it.
fn expand(bytes: &[u8], at: usize, prefix: &[String], out: &mut Vec<Vec<String>>) -> usize {
    let mut path = prefix.to_vec();
    let mut at = blanks(bytes, at);
    loop {
        if bytes.get(at) == Some(&b'{') {
            return tree(bytes, at + 1, &path, out);
        }
        let start = at;
        while bytes.get(at).is_some_and(|byte| is_word(*byte)) {
            at += 1;
        }
        if at > start {
            path.push(String::from_utf8_lossy(&bytes[start..at]).into_owned());
        }
        if at == start || !bytes[at..].starts_with(b"::") {
            out.push(path);
            return at;
        }
        at = blanks(bytes, at + 2);
    }
}

fn tree(bytes: &[u8], at: usize, prefix: &[String], out: &mut Vec<Vec<String>>) -> usize {
    let mut at = blanks(bytes, at);
    while bytes.get(at).is_some_and(|byte| *byte != b'}') {
        at = expand(bytes, at, prefix, out);
        while bytes.get(at).is_some_and(|byte| *byte != b',' && *byte != b'}') {
            at += 1;
        }
        if bytes.get(at) == Some(&b',') {
            at = blanks(bytes, at + 1);
        }
    }
    at + 1
}

fn blanks(bytes: &[u8], at: usize) -> usize {
    at + bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}
