//! The effective parameters for `-T`: every key of the sections that stand once, what is written in the others, and
//! the keys that the role does not use.

use std::collections::HashMap;

use super::keys::{self, Fallback, Key, SectionKind};
use super::model::{Config, Parameter, ParameterOrigin};
use super::report::Report;
use super::section::Section;

/// Widest value that still aligns the column after it.
const VALUE_COLUMN_MAX: usize = 60;

/// All parameters in the table's order of sections; within a kind in file order.
pub(super) fn parameters(
    sections: &[Section],
    is_used: impl Fn(SectionKind) -> bool,
    report: &Report,
) -> Vec<Parameter> {
    let mut by_kind: HashMap<SectionKind, Vec<&Section>> = HashMap::new();
    for section in sections {
        by_kind.entry(section.kind).or_default().push(section);
    }
    let mut list = Vec::new();
    for (kind, word) in SectionKind::ALL {
        let written = by_kind.remove(&kind).unwrap_or_default();
        let stands_alone = matches!(kind, SectionKind::Server | SectionKind::Policy | SectionKind::Failover);
        if !is_used(kind) && matches!(kind, SectionKind::Failover | SectionKind::Primary) {
            list.extend(keys::of_section(kind).map(|key| not_applicable(word, key)));
        } else if written.is_empty() && stands_alone && is_used(kind) {
            all_keys(&Section::absent(kind), report, &mut list);
        }
        for section in written.into_iter().filter(|_| is_used(kind)) {
            if stands_alone || kind == SectionKind::Primary {
                all_keys(section, report, &mut list);
            } else {
                written_keys(section, report, &mut list);
            }
            list.extend(options(section, report));
        }
    }
    list
}

fn not_applicable(word: &str, key: &Key) -> Parameter {
    let (section, name) = (word.to_owned(), key.name.to_owned());
    Parameter { section, name, value: "-".to_owned(), origin: ParameterOrigin::NotApplicable }
}

/// Every key of the section, written or not.
fn all_keys(section: &Section, report: &Report, list: &mut Vec<Parameter>) {
    // Without a failover, a primary uses the one key that says so.
    let is_alone = section.kind == SectionKind::Failover && !section.is_true("UseFailoverServer");
    for key in keys::of_section(section.kind) {
        let (value, origin) = match (section.entry(key.name), key.fallback) {
            _ if is_alone && key.name != "UseFailoverServer" => ("-".to_owned(), ParameterOrigin::NotApplicable),
            (Some(entry), _) => (entry.written.clone(), report.origin(entry.place)),
            (None, Fallback::Value(text)) => (text.to_owned(), ParameterOrigin::Default),
            (None, Fallback::Unset(words) | Fallback::Required(words)) => {
                (format!("({words})"), ParameterOrigin::Default)
            }
        };
        list.push(Parameter { section: title(section), name: key.name.to_owned(), value, origin });
    }
}

fn written_keys(section: &Section, report: &Report, list: &mut Vec<Parameter>) {
    list.extend(section.entries.iter().map(|entry| Parameter {
        section: title(section),
        name: entry.key.name.to_owned(),
        value: entry.written.clone(),
        origin: report.origin(entry.place),
    }));
}

fn options<'a>(section: &'a Section, report: &'a Report) -> impl Iterator<Item = Parameter> + 'a {
    let prefix = if section.kind.takes_options() { "Option." } else { "" };
    section.options.iter().map(move |option| Parameter {
        section: title(section),
        name: format!("{prefix}{}", option.name),
        value: option.written.clone(),
        origin: report.origin(option.place),
    })
}

fn title(section: &Section) -> String {
    if section.name.is_empty() {
        section.kind.word().to_owned()
    } else {
        format!("{} {}", section.kind.word(), section.name)
    }
}

/// The text of `-T`: a line a parameter, in columns: section, name, value, and `default`, `file:line` or `not
/// applicable`.
#[must_use]
pub fn explain(config: &Config) -> String {
    let width = |length: fn(&Parameter) -> usize| config.parameters.iter().map(length).max().unwrap_or(0);
    let section_width = width(|parameter| parameter.section.chars().count());
    let name_width = width(|parameter| parameter.name.chars().count());
    let value_width = width(|parameter| parameter.value.chars().count().min(VALUE_COLUMN_MAX));
    let mut text = String::new();
    for Parameter { section, name, value, origin } in &config.parameters {
        let origin = match origin {
            ParameterOrigin::Default => "default".to_owned(),
            ParameterOrigin::Set { file, line } => format!("{}:{line}", file.display()),
            ParameterOrigin::NotApplicable => "not applicable".to_owned(),
        };
        text.push_str(&format!("{section:section_width$}  {name:name_width$}  {value:value_width$}  {origin}\n"));
    }
    text
}
