//! Lines to sections: the grammar of the configuration file, without any knowledge of keys.
//!
//! `serde_ini`'s parser yields one item a line, so that counting items gives the line of each. It is fed
//! prepared lines, because it tests for `[` before it trims and knows comment lines only: blanks at both
//! ends are cut here, and so is a comment after a value (`;` or `#` with a blank before it, outside quotes).
//! Repeated sections and keys are kept in file order; `Include = path` puts another file's sections in place.
//! Nothing here reads a file: the text comes from a [`Source`].

use std::convert::Infallible;
use std::io;
use std::path::{Path, PathBuf};

use serde_ini::parse::{Error, SyntaxError};
use serde_ini::{Item, Parser};

use super::Source;
use super::report::{Place, Report};

/// Files within files: deeper is a mistake, not a layout.
const INCLUDE_DEPTH_MAX: usize = 8;
/// Files in all, so that a fan of includes ends.
const INCLUDE_FILES_MAX: usize = 1000;

/// A section as written: `[kind name]`, its place and its lines.
#[derive(Debug)]
pub(super) struct RawSection {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) items: Vec<RawItem>,
}

/// One `key = value`; the value still has its quotes.
#[derive(Debug)]
pub(super) struct RawItem {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) place: Place,
}

/// Reads the main file `path` and all that it includes; complaints go to `report`.
pub(super) fn read(path: &Path, source: &dyn Source, report: &mut Report) -> Vec<RawSection> {
    let mut reader = Reader { source, report, open: Vec::new(), files: 0, sections: Vec::new() };
    reader.read_file(path, None);
    reader.sections
}

struct Reader<'a> {
    source: &'a dyn Source,
    report: &'a mut Report,
    /// The files that include one another down to the current one.
    open: Vec<PathBuf>,
    files: usize,
    sections: Vec<RawSection>,
}

impl Reader<'_> {
    /// Reads one file; `from` is the place of the Include that names it.
    fn read_file(&mut self, path: &Path, from: Option<Place>) {
        let text = match self.source.read(path) {
            Ok(text) => text,
            Err(error) => return self.unreadable(path, from, &error),
        };
        self.files += 1;
        self.open.push(path.to_path_buf());
        let file = self.report.add_file(path);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut current = None;
        let items = Parser::new(text.lines().map(|line| Ok::<_, Infallible>(prepared(line))));
        for ((line, item), number) in text.lines().zip(items).zip(1..) {
            let place = Place { file, line: number };
            if let Some(control) = line.chars().find(|c| c.is_control() && *c != '\t') {
                let text =
                    format!("the control character {:#04x} stands in the line (legal: text)", u32::from(control));
                self.report.error(place, text);
                continue;
            }
            self.take(item, place, &mut current);
        }
        self.open.pop();
    }

    /// Files one item; `current` is the index of the section that the line belongs to.
    fn take(&mut self, item: Result<Item, Error<Infallible>>, place: Place, current: &mut Option<usize>) {
        match item {
            Ok(Item::Empty | Item::Comment { .. }) => {}
            Ok(Item::Section { name }) => {
                let name = name.trim();
                let (kind, name) = name.split_once(char::is_whitespace).unwrap_or((name, ""));
                *current = Some(self.sections.len());
                let (kind, name) = (kind.to_owned(), name.trim().to_owned());
                self.sections.push(RawSection { kind, name, place, items: Vec::new() });
            }
            Ok(Item::Value { key, value }) if key.eq_ignore_ascii_case("Include") => self.include(&value, place),
            Ok(Item::Value { key, .. }) if key.is_empty() => {
                self.report.error(place, "a key is missing before the = (legal: Key = value)".to_owned());
            }
            Ok(Item::Value { key, value }) => match current.and_then(|index| self.sections.get_mut(index)) {
                Some(section) => section.items.push(RawItem { key, value, place }),
                None => {
                    let text = format!("{key}: stands before the first section (legal: only Include stands there)");
                    self.report.error(place, text);
                }
            },
            Err(Error::Syntax(error)) => self.report.error(place, explained(error).to_owned()),
            Err(Error::Inner(never)) => match never {},
        }
    }

    fn include(&mut self, value: &str, place: Place) {
        let name = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
        if name.is_empty() {
            return self.report.error(place, "Include: no file is named (legal: Include = path)".to_owned());
        }
        let folder = self.open.last().and_then(|file| file.parent()).unwrap_or(Path::new(""));
        let path = folder.join(name);
        let name = path.display();
        let wrong = if self.open.contains(&path) {
            format!("Include: {name} includes itself (legal: no circle)")
        } else if self.open.len() >= INCLUDE_DEPTH_MAX {
            format!("Include: {name} is nested too deep (legal: {INCLUDE_DEPTH_MAX} files within each other)")
        } else if self.files >= INCLUDE_FILES_MAX {
            format!("Include: {name} is one file too many (legal: {INCLUDE_FILES_MAX} files in all)")
        } else {
            return self.read_file(&path, Some(place));
        };
        self.report.error(place, wrong);
    }

    fn unreadable(&mut self, path: &Path, from: Option<Place>, error: &io::Error) {
        match from {
            Some(place) => self.report.error(place, format!("Include: cannot read {}: {error}", path.display())),
            None => {
                let file = self.report.add_file(path);
                self.report.error(Place { file, line: 0 }, format!("cannot read the file: {error}"));
            }
        }
    }
}

/// A line as the parser wants it: no blanks around, no comment after the value.
fn prepared(line: &str) -> &str {
    let line = line.trim();
    if line.starts_with([';', '#']) {
        return line;
    }
    let mut quoted = false;
    let mut escaped = false;
    let mut blank_before = false;
    let mut in_value = false;
    for (at, c) in line.char_indices() {
        match c {
            ';' | '#' if blank_before && !quoted => {
                return line.get(..at).unwrap_or(line).trim_end();
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && c == '\\' && !escaped;
        // Right after the first = a comment may follow: the value is empty then.
        blank_before = c.is_whitespace() || (c == '=' && !in_value);
        in_value |= c == '=';
    }
    line
}

fn explained(error: SyntaxError) -> &'static str {
    match error {
        SyntaxError::SectionNotClosed => "the section header has no ] at its end (legal: [Kind name])",
        SyntaxError::SectionName => "a ] stands inside the section header (legal: [Kind name])",
        SyntaxError::MissingEquals => "the line has no = (legal: Key = value, [Kind name], or ; comment)",
    }
}

#[cfg(test)]
mod tests {
    use super::prepared;

    #[test]
    fn a_comment_after_a_value_is_cut_outside_quotes_only() {
        assert_eq!(prepared("  A = b ; note"), "A = b");
        assert_eq!(prepared("A = b\t# note"), "A = b");
        assert_eq!(prepared("A = b;c#d"), "A = b;c#d");
        assert_eq!(prepared(r#"A = "b ; c" ; d"#), r#"A = "b ; c""#);
        assert_eq!(prepared(r#"A = "b \" ; c" ; d"#), r#"A = "b \" ; c""#);
        assert_eq!(prepared(r#"A = "b \\" ; c"#), r#"A = "b \\""#);
        assert_eq!(prepared("A = ; c"), "A =");
        assert_eq!(prepared("A =; c"), "A =");
        assert_eq!(prepared("A = b=#c"), "A = b=#c");
        assert_eq!(prepared("[Policy]   ; c"), "[Policy]");
    }
}
