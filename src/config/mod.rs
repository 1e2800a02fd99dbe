//! SKELETON (owner: config helper). The checked, immutable configuration; `load` reports all errors at once.
pub mod model;
pub mod option_set;

pub use model::*;
pub use option_set::OptionSet;

use std::fmt;
use std::path::{Path, PathBuf};

/// One complaint: place, value and remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    pub file: PathBuf,
    /// 0: the file as a whole.
    pub line: u32,
    /// `[section] Key: what is wrong (legal: ...)`
    pub text: String,
}
impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}:{}: {}", self.file.display(), self.line, self.text) }
}

/// Gives the text of a file: the file system in the daemon, a map in tests. `Include` is relative to the including file.
pub trait Source {
    fn read(&self, path: &Path) -> std::io::Result<String>;
}

/// Loads and checks a configuration; `path` names the main file.
pub fn load(path: &Path, source: &dyn Source) -> Result<Config, Vec<ConfigError>> { let _ = (path, source); unimplemented!() }
