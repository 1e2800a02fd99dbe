//! The repository as the rules see it: which files belong to it, and their text.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::split::{Split, split, without_tests};

/// One Rust file.
pub(crate) struct Source {
    /// Its path from the top of the repository, with slashes.
    pub(crate) path: String,
    /// Its whole text.
    pub(crate) text: String,
    /// Its code: comments and the insides of literals blanked.
    pub(crate) code: String,
    /// Its code without `#[cfg(test)]` modules.
    pub(crate) shipped: String,
    /// Its comments.
    pub(crate) comments: String,
}

impl Source {
    /// Takes `text` apart as the file `path`.
    pub(crate) fn new(path: &str, text: String) -> Source {
        let Split { code, comments } = split(&text);
        let shipped = without_tests(&code);
        Source { path: path.to_owned(), text, code, shipped, comments }
    }
}

/// The top of the repository: cargo names it to each test that it runs.
pub(crate) fn top() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
}

/// All Rust files below `folder`, in order of their paths.
pub(crate) fn sources(folder: &str) -> Vec<Source> {
    let paths = files().into_iter().filter(|path| path.starts_with(folder) && path.ends_with(".rs"));
    paths.map(|path| Source::new(&path, text(&path))).collect()
}

/// The text of a file; an octet that is not UTF-8 becomes the replacement character.
pub(crate) fn text(path: &str) -> String {
    let bytes = fs::read(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// All files that belong to the repository, from its top on, in order.
///
/// With git: what is tracked or would be. Without (an unpacked archive): what lies there, `target` left out.
pub(crate) fn files() -> Vec<String> {
    let listed = git_files().unwrap_or_else(|| {
        let mut found = Vec::new();
        walk(&top(), "", &mut found);
        found
    });
    let mut present: Vec<String> = listed.into_iter().filter(|path| top().join(path).is_file()).collect();
    present.sort();
    assert!(present.iter().any(|path| path == "Cargo.toml"), "the list of files lacks Cargo.toml");
    present
}

fn git_files() -> Option<Vec<String>> {
    let mut command = Command::new("git");
    command.arg("-C").arg(top()).args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let output = command.output().ok().filter(|output| output.status.success())?;
    let list = String::from_utf8(output.stdout).ok()?;
    let names: Vec<String> = list.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    names.iter().any(|name| name == "Cargo.toml").then_some(names)
}

fn walk(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if path == "target" || path == ".git" {
            continue;
        }
        if entry.path().is_dir() {
            walk(&entry.path(), &format!("{path}/"), found);
        } else {
            found.push(path);
        }
    }
}
