//! Files in memory, and the few calls that the tests of the configuration share.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use understudy::config::{self, Config, ConfigError, Source};

/// What stands in the key file `/k`.
pub(crate) const KEY: &str = "# of the pair\n6b1bd4ce3d0f8a52776f0e31c4dd1aa8\n";

/// Files by name, `/k` among them; and the host names `dhcp1.example.com` and `dhcp2.example.com`.
pub(crate) struct Files(HashMap<PathBuf, String>);

impl Files {
    /// The files `(name, text)`.
    pub(crate) fn new(files: &[(&str, &str)]) -> Files {
        let all = [("/k", KEY)].iter().chain(files);
        Files(all.map(|(name, text)| (PathBuf::from(name), (*text).to_owned())).collect())
    }

    /// Loads `name`.
    pub(crate) fn load(&self, name: &str) -> Result<Config, Vec<ConfigError>> {
        config::load(Path::new(name), self)
    }
}

impl Source for Files {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn resolve(&self, name: &str) -> io::Result<Vec<Ipv4Addr>> {
        let address = |last| Ipv4Addr::new(10, 9, 0, last);
        match name {
            "dhcp1.example.com" => Ok(vec![address(1)]),
            "dhcp2.example.com" => Ok(vec![address(2)]),
            "many.example.com" => Ok(vec![address(3), address(4)]),
            "six.example.com" => Ok(Vec::new()),
            _ => Err(io::Error::other("no such name")),
        }
    }
}

/// Loads `text` as the file `a.ini`.
pub(crate) fn load(text: &str) -> Result<Config, Vec<ConfigError>> {
    Files::new(&[("a.ini", text)]).load("a.ini")
}

/// The configuration of a text that must be legal.
#[track_caller]
pub(crate) fn good(text: &str) -> Config {
    match load(text) {
        Ok(config) => config,
        Err(errors) => panic!("refused: {}", lines(&errors).join("\n")),
    }
}

/// The errors of a text that must not be legal, as `line: text`.
#[track_caller]
pub(crate) fn errors(text: &str) -> Vec<String> {
    match load(text) {
        Ok(_) => panic!("taken: {text}"),
        Err(errors) => lines(&errors),
    }
}

/// The notices of a text that must be legal, as `line: text`.
#[track_caller]
pub(crate) fn notices(text: &str) -> Vec<String> {
    lines(&good(text).notices)
}

/// Complaints about `a.ini` as `line: text`.
pub(crate) fn lines(errors: &[ConfigError]) -> Vec<String> {
    let short = |error: &ConfigError| error.to_string().trim_start_matches("a.ini:").to_owned();
    errors.iter().map(short).collect()
}
