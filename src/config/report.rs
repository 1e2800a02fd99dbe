//! Collects every complaint about a configuration, so that one run names them all.

use std::path::{Path, PathBuf};

use super::{ConfigError, ParameterOrigin};

/// Errors kept a run: enough to mend a file by, and a bound on what a file of the wrong kind can cost.
pub(super) const ERRORS_MAX: usize = 1000;

/// Where something stands: index of a file in [`Report`] and line from 1, or 0 for the file as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) line: u32,
}

/// What was found wrong (errors) or odd (notices), in the order found.
#[derive(Debug, Default)]
pub(super) struct Report {
    files: Vec<PathBuf>,
    errors: Vec<(Place, String)>,
    notices: Vec<(Place, String)>,
    left_out: usize,
}

impl Report {
    /// Makes `path` known; the index goes into [`Place::file`].
    pub(super) fn add_file(&mut self, path: &Path) -> usize {
        self.files.push(path.to_path_buf());
        self.files.len() - 1
    }

    /// Adds an error: nothing is started or reloaded.
    pub(super) fn error(&mut self, place: Place, text: String) {
        if self.errors.len() < ERRORS_MAX {
            self.errors.push((place, text));
        } else {
            self.left_out += 1;
        }
    }

    /// Adds a notice: legal, but perhaps not what was meant.
    pub(super) fn notice(&mut self, place: Place, text: String) {
        if self.notices.len() < ERRORS_MAX {
            self.notices.push((place, text));
        }
    }

    /// Whether no error has been found so far.
    pub(super) fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// `file:line` of a place, for texts that point at a second place.
    pub(super) fn spot(&self, place: Place) -> String {
        format!("{}:{}", self.path(place).display(), place.line)
    }

    /// The origin of a parameter that was set at `place`.
    pub(super) fn origin(&self, place: Place) -> ParameterOrigin {
        ParameterOrigin::Set { file: self.path(place), line: place.line }
    }

    /// All errors by file and line; one more line tells how many were left out.
    pub(super) fn into_errors(mut self) -> Vec<ConfigError> {
        self.errors.sort_by_key(|error| error.0);
        let mut errors = self.resolved(&self.errors);
        if self.left_out > 0 {
            let text = format!("{} further errors are not shown; mend these first", self.left_out);
            errors.push(ConfigError { file: self.files.first().cloned().unwrap_or_default(), line: 0, text });
        }
        errors
    }

    /// All notices by file and line.
    pub(super) fn notices(&mut self) -> Vec<ConfigError> {
        self.notices.sort_by_key(|notice| notice.0);
        self.resolved(&self.notices)
    }

    fn resolved(&self, list: &[(Place, String)]) -> Vec<ConfigError> {
        let resolve = |(place, text): &(Place, String)| ConfigError {
            file: self.path(*place),
            line: place.line,
            text: text.clone(),
        };
        list.iter().map(resolve).collect()
    }

    fn path(&self, place: Place) -> PathBuf {
        self.files.get(place.file).cloned().unwrap_or_default()
    }
}
