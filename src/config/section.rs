//! Sections with their keys looked up in the table and their values parsed: [`check`] turns raw lines into
//! [`Section`]s and reports whatever the table does not know or allow. What the values mean together is judged later.

use std::collections::HashMap;

use serde::de::DeserializeOwned;

use super::ini::{RawItem, RawSection};
use super::keys::{self, Fallback, Key, SectionKind};
use super::nearest::nearest;
use super::option_set::OptionSet;
use super::option_table;
use super::option_values;
use super::report::{Place, Report};
use super::text::Octets;
use super::value::{self, Value};

/// A checked section.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) kind: SectionKind,
    /// What follows the kind in the header; empty where nothing does.
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) entries: Vec<Entry>,
    pub(super) options: Vec<OptionEntry>,
    /// Keys that were written with an illegal value: reported, and not to be called missing.
    pub(super) failed: Vec<&'static str>,
}

/// A key with a legal value.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: &'static Key,
    pub(super) value: Value,
    pub(super) place: Place,
    /// The value as it stands in the file.
    pub(super) written: String,
}

/// An option with a legal value.
#[derive(Debug)]
pub(super) struct OptionEntry {
    pub(super) code: u8,
    pub(super) name: String,
    pub(super) octets: Octets,
    pub(super) place: Place,
    /// The value as it stands in the file.
    pub(super) written: String,
}

/// Whether keys that are not written take the table's default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defaults {
    /// They do.
    Table,
    /// They stay unset: the section narrows another one.
    None,
}

impl Section {
    /// The header, as messages begin.
    pub(super) fn label(&self) -> String {
        label(self.kind, &self.name)
    }

    /// The entry of a key that stands once; `None` when it is not written, or was not legal.
    pub(super) fn entry(&self, name: &str) -> Option<&Entry> {
        self.all(name).next()
    }

    /// The entries of a key in file order.
    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.key.name == name)
    }

    /// Whether the switch `name` is written and on.
    pub(super) fn is_true(&self, name: &str) -> bool {
        self.entry(name).is_some_and(|entry| entry.value == Value::Flag(true))
    }

    /// Where `name` is written, else where the section begins.
    pub(super) fn place_of(&self, name: &str) -> Place {
        self.entry(name).map_or(self.place, |entry| entry.place)
    }

    /// Where the option `code` is written, else where the section begins.
    pub(super) fn place_of_option(&self, code: u8) -> Place {
        self.options.iter().find(|option| option.code == code).map_or(self.place, |option| option.place)
    }

    /// The section's options.
    pub(super) fn option_set(&self) -> OptionSet {
        self.options.iter().map(|option| (option.code, option.octets.clone())).collect()
    }

    /// Reports an error of `name`, or of the section as a whole when `name` is empty.
    pub(super) fn complain(&self, report: &mut Report, name: &str, wrong: &str) {
        let colon = if name.is_empty() { "" } else { ": " };
        let text = format!("{} {name}{colon}{wrong}", self.label());
        report.error(self.place_of(name), text);
    }

    /// As [`Section::complain`], for a notice.
    pub(super) fn remark(&self, report: &mut Report, name: &str, odd: &str) {
        let colon = if name.is_empty() { "" } else { ": " };
        report.notice(self.place_of(name), format!("{} {name}{colon}{odd}", self.label()));
    }

    /// Fills a struct from the section; `None`, and an error, when the struct and the table disagree.
    pub(super) fn fill<T: DeserializeOwned>(&self, defaults: Defaults, report: &mut Report) -> Option<T> {
        let mut values = Vec::with_capacity(self.entries.len());
        match defaults {
            Defaults::None => {
                let single = self.entries.iter().filter(|entry| !entry.key.repeats);
                values.extend(single.map(|entry| (entry.key.name, entry.value.clone())));
            }
            Defaults::Table => {
                for key in keys::of_section(self.kind).filter(|key| !key.repeats) {
                    let default = |text| key.kind.parse(text).ok();
                    let value = match (self.entry(key.name), key.fallback) {
                        (Some(entry), _) => Some(entry.value.clone()),
                        (None, Fallback::Value(text)) => default(text),
                        (None, Fallback::Unset(_) | Fallback::Required(_)) => None,
                    };
                    values.extend(value.map(|value| (key.name, value)));
                }
            }
        }
        match value::fill(values) {
            Ok(filled) => Some(filled),
            Err(error) => {
                self.complain(report, "", &format!("cannot be used: {error}"));
                None
            }
        }
    }

    fn new(kind: SectionKind, name: String, place: Place) -> Section {
        Section { kind, name, place, entries: Vec::new(), options: Vec::new(), failed: Vec::new() }
    }

    /// A section that is not in the file, for its defaults.
    pub(super) fn absent(kind: SectionKind) -> Section {
        let place = Place { file: 0, line: 0 };
        Section::new(kind, String::new(), place)
    }
}

/// `[Kind name]`.
fn label(kind: SectionKind, name: &str) -> String {
    if name.is_empty() { format!("[{}]", kind.word()) } else { format!("[{} {name}]", kind.word()) }
}

/// Checks every section and key against the tables.
pub(super) fn check(raw: Vec<RawSection>, report: &mut Report) -> Vec<Section> {
    let mut seen: HashMap<(SectionKind, String), Place> = HashMap::new();
    let mut sections = Vec::with_capacity(raw.len());
    for raw in raw {
        let Some(kind) = kind_of(&raw, report) else {
            continue;
        };
        let label = label(kind, &raw.name);
        let spelling: String = raw.name.split_whitespace().collect::<String>().to_ascii_lowercase();
        let first = seen.get(&(kind, spelling.clone())).copied();
        if let Some(first) = first {
            let first = report.spot(first);
            let text = format!("{label} stands twice, first at {first} (legal: once; put the keys together)");
            report.error(raw.place, text);
        } else {
            seen.insert((kind, spelling), raw.place);
        }
        let mut section = Section::new(kind, raw.name, raw.place);
        for item in raw.items {
            section.take(item, &label, report);
        }
        if first.is_none() {
            sections.push(section);
        }
    }
    sections
}

/// The kind of a section whose header is legal.
fn kind_of(raw: &RawSection, report: &mut Report) -> Option<SectionKind> {
    let known = SectionKind::ALL.into_iter().find(|(_, word)| word.eq_ignore_ascii_case(&raw.kind));
    let words = SectionKind::ALL.map(|(_, word)| word);
    let written = if raw.name.is_empty() { raw.kind.clone() } else { format!("{} {}", raw.kind, raw.name) };
    let Some((kind, word)) = known else {
        let meant =
            nearest(&raw.kind, words.into_iter()).map(|word| format!("; did you mean [{word}]?")).unwrap_or_default();
        let text = format!("[{written}] is no section{meant} (legal: {})", words.join(", "));
        report.error(raw.place, text);
        return None;
    };
    let wrong = match (kind, kind.name_shape()) {
        (SectionKind::Class, _) => {
            "named classes are not supported by this version (legal: leave the section out)".to_owned()
        }
        (_, "") if !raw.name.is_empty() => format!("takes no name (legal: [{word}])"),
        (_, shape) if !shape.is_empty() && raw.name.is_empty() => {
            format!("lacks its name (legal: [{word} {shape}])")
        }
        (SectionKind::Host | SectionKind::Primary, _) if raw.name.len() > 63 => {
            format!("has a name of {} octets (legal: 1-63)", raw.name.len())
        }
        _ => return Some(kind),
    };
    report.error(raw.place, format!("[{written}] {wrong}"));
    None
}

/// Why a line was not taken.
enum Wrong {
    /// In words, with what is legal.
    Said(String),
    /// It stands twice; the place is the first one.
    Repeated(Place),
}

impl Section {
    /// Files one line as key or option, or reports why not.
    fn take(&mut self, item: RawItem, label: &str, report: &mut Report) {
        let place = item.place;
        let name = item.key.clone();
        let result = match (self.option_name(&item.key), keys::find(self.kind, &item.key)) {
            (Some(option), _) => self.take_option(option.to_owned(), item),
            (None, Some(key)) => {
                if key.misprint.eq_ignore_ascii_case(&name) {
                    report.notice(place, format!("{label} {name}: a misprint, taken as {}", key.name));
                }
                self.take_key(key, item)
            }
            (None, None) => Err(Wrong::Said(self.unknown(&name))),
        };
        let text = match result {
            Ok(()) => return,
            Err(Wrong::Said(text)) => text,
            Err(Wrong::Repeated(first)) => {
                format!("stands twice, first at {} (legal: once)", report.spot(first))
            }
        };
        report.error(place, format!("{label} {name}: {text}"));
    }

    /// The option that a key names here; `None`: it is a key.
    fn option_name<'a>(&self, name: &'a str) -> Option<&'a str> {
        if self.kind == SectionKind::Options {
            return Some(name);
        }
        let prefix = name.get(..7).filter(|prefix| prefix.eq_ignore_ascii_case("Option."));
        prefix.filter(|_| self.kind.takes_options()).and_then(|_| name.get(7..))
    }

    fn take_key(&mut self, key: &'static Key, item: RawItem) -> Result<(), Wrong> {
        let RawItem { value: written, place, .. } = item;
        let value = match key.kind.parse(&written) {
            Ok(value) => value,
            Err(wrong) => {
                self.failed.push(key.name);
                return Err(Wrong::Said(format!("{wrong} (legal: {})", key.kind.legal())));
            }
        };
        let repeated = if key.repeats { None } else { self.entry(key.name) };
        if let Some(first) = repeated {
            return Err(Wrong::Repeated(first.place));
        }
        self.entries.push(Entry { key, value, place, written });
        Ok(())
    }

    fn take_option(&mut self, name: String, item: RawItem) -> Result<(), Wrong> {
        let RawItem { value: written, place, .. } = item;
        if self.kind == SectionKind::Options && name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("Option."))
        {
            return Err(Wrong::Said(
                "has a prefix that this section does without (legal: the option's name)".to_owned(),
            ));
        }
        let (code, octets) = option_values::encode(&name, &written).map_err(Wrong::Said)?;
        if let Some(first) = self.options.iter().find(|option| option.code == code) {
            return Err(Wrong::Repeated(first.place));
        }
        self.options.push(OptionEntry { code, name, octets, place, written });
        Ok(())
    }

    /// What to say of a key that does not stand in this section.
    fn unknown(&self, name: &str) -> String {
        let plain = name.get(..7).filter(|start| start.eq_ignore_ascii_case("Option.")).and_then(|_| name.get(7..));
        if plain.is_some() {
            return "options do not stand here (legal: in [Options], [Subnet], [Range], [Host])".to_owned();
        }
        if self.kind.takes_options() && option_table::by_name(name).is_some() {
            return format!("an option carries a prefix here (legal: Option.{name})");
        }
        let elsewhere: Vec<String> =
            keys::sections_of(name).into_iter().map(|kind| format!("[{}]", kind.word())).collect();
        if !elsewhere.is_empty() {
            return format!("does not stand in this section (legal: in {})", elsewhere.join(", "));
        }
        let known = || keys::of_section(self.kind).map(|key| key.name);
        let meant = nearest(name, known()).map(|known| format!("; did you mean {known}?")).unwrap_or_default();
        format!("there is no such key{meant} (legal: the keys of understudyd.ini(5))")
    }
}
