//! The checked, immutable configuration: text in, [`Config`] or every complaint at once out.
//!
//! [`load`] is pure: the text comes from a [`Source`], and nothing is asked of the system. The way is one line long:
//! `ini` makes lines to sections, `section` looks each key up in the table of `keys` and parses its value, serde
//! fills the structs of `settings` and `model`, and `subnets`, `hosts` and `partners` judge what the values mean
//! together. Called by the daemon at start and at a reload, by `-t` and `-T`.
//!
//! Which sections a role uses is decided here and nowhere else.

pub mod files;
pub mod keys;
pub mod kinds;
pub mod model;
pub mod option_set;
pub mod option_table;
pub mod option_values;
pub mod value;

mod assembly;
mod domain_names;
mod explain;
mod hosts;
mod ini;
mod lease_rules;
mod nearest;
mod partners;
mod reload;
mod report;
mod section;
mod settings;
mod subnets;
mod text;

pub use explain::explain;
pub use model::*;
pub use option_set::OptionSet;
pub use reload::reload_refusals;

use std::fmt;
use std::path::{Path, PathBuf};

use keys::SectionKind;
use report::Report;
use section::{Defaults, Section};

/// One complaint: place, value and remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, as it was named by the caller or by Include.
    pub file: PathBuf,
    /// From 1; 0: the file as a whole.
    pub line: u32,
    /// `[section] Key: what is wrong (legal: ...)`
    pub text: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.text)
    }
}

impl std::error::Error for ConfigError {}

/// Gives the text of a file: the file system in the daemon ([`files::FileSource`]), a map in tests.
pub trait Source {
    /// The text of `path`, which an Include has made relative to the including file.
    ///
    /// # Errors
    /// The file cannot be read; the error's text is shown with the file's name.
    fn read(&self, path: &Path) -> std::io::Result<String>;
}

/// Loads and checks a configuration; `path` names the main file.
///
/// # Errors
/// All that is wrong, by file and line; at most 1000 and a line that tells how many more.
pub fn load(path: &Path, source: &dyn Source) -> Result<Config, Vec<ConfigError>> {
    let mut report = Report::default();
    let raw = ini::read(path, source, &mut report);
    let sections = section::check(raw, &mut report);
    let config = judge(&sections, &mut report);
    match config {
        Some(mut config) if report.is_clean() => {
            config.notices = report.notices();
            Ok(config)
        }
        Some(_) | None => Err(report.into_errors()),
    }
}

/// What the sections mean together; `None`, with errors in the report, when no configuration can be made of them.
fn judge(sections: &[Section], report: &mut Report) -> Option<Config> {
    let absent_server = Section::absent(SectionKind::Server);
    let absent_policy = Section::absent(SectionKind::Policy);
    let server_section = one(sections, SectionKind::Server).unwrap_or(&absent_server);
    let policy_section = one(sections, SectionKind::Policy).unwrap_or(&absent_policy);

    let mut server: ServerSettings = server_section.fill(Defaults::Table, report)?;
    server.user = user(server_section);
    let unused = |kind| !is_used(server.role, kind);
    for section in sections.iter().filter(|section| unused(section.kind)) {
        refuse(section, server.role, report);
    }
    let global: GlobalPolicy = policy_section.fill(Defaults::Table, report)?;
    let policy: Policy = policy_section.fill(Defaults::Table, report)?;
    let options_section = one(sections, SectionKind::Options);
    let options = options_section.map(Section::option_set).unwrap_or_default();
    lease_rules::check_policy(policy_section, &policy, report);
    if let Some(section) = options_section {
        lease_rules::check_options(section, &options, &policy, report);
    }

    let used: Vec<&Section> = sections.iter().filter(|section| !unused(section.kind)).collect();
    let ground = assembly::Ground { server: &server, policy: &policy, options: &options };
    let world = assembly::assemble(&used, &ground, report);
    let failover = partners::failover(&used, report);
    let primaries = partners::primaries(&used, report);
    match server.role {
        Role::Primary if world.subnets.is_empty() => {
            server_section.remark(report, "", "there is no [Subnet]: nobody is served");
        }
        Role::Secondary if one(sections, SectionKind::Primary).is_none() => {
            server_section.complain(report, "", "a failover has no primary (legal: one [Primary NAME] at least)");
        }
        Role::Primary | Role::Secondary => {}
    }
    let parameters = explain::parameters(sections, |kind| !unused(kind), report);
    let assembly::World { subnets, links, hosts } = world;
    Some(Config {
        server,
        global,
        policy,
        options,
        subnets,
        links,
        hosts,
        failover,
        primaries,
        notices: Vec::new(),
        parameters,
    })
}

/// The section of a kind that stands once.
fn one(sections: &[Section], kind: SectionKind) -> Option<&Section> {
    sections.iter().find(|section| section.kind == kind)
}

/// User, which differs from the other keys: its default is not as binding as the same word in the file.
fn user(server: &Section) -> Option<UserSetting> {
    let entry = server.entry("User");
    let written = entry.and_then(|entry| entry.value.text());
    let default = match keys::find(SectionKind::Server, "User")?.fallback {
        keys::Fallback::Value(name) => Some(name),
        keys::Fallback::Unset(_) | keys::Fallback::Required(_) => None,
    };
    written.or(default).map(|name| UserSetting { name: name.to_owned(), explicit: entry.is_some() })
}

/// Whether a server of this role uses the keys of such a section.
fn is_used(role: Role, kind: SectionKind) -> bool {
    use SectionKind::{Class, Failover, Host, Options, Policy, Primary, Range, Server, Subnet};
    match (role, kind) {
        (_, Server | Policy | Options) => true,
        (Role::Primary, Failover | Subnet | Range | Class | Host) => true,
        (Role::Primary, Primary) => false,
        (Role::Secondary, Failover | Subnet | Range | Class | Host) => false,
        (Role::Secondary, Primary) => true,
    }
}

/// Reports a section that the role does not use: each of its keys, or the section where the whole is misplaced.
fn refuse(section: &Section, role: Role, report: &mut Report) {
    let (role, remedy) = match (role, section.kind) {
        (Role::Primary, _) => ("Standalone/Primary", "on a Failover/Secondary"),
        (Role::Secondary, SectionKind::Failover) => {
            ("Failover/Secondary", "on a Standalone/Primary; here [Primary NAME]")
        }
        (Role::Secondary, _) => {
            ("Failover/Secondary", "on the primary, which sends it, or in the SubnetsFile of its [Primary NAME]")
        }
    };
    let wrong = format!("is not used by FailoverServerType = {role} (legal: {remedy})");
    let by_key = matches!(section.kind, SectionKind::Failover | SectionKind::Primary);
    if by_key && !section.entries.is_empty() {
        for entry in &section.entries {
            report.error(entry.place, format!("{} {}: {wrong}", section.label(), entry.key.name));
        }
    } else {
        section.complain(report, "", &wrong);
    }
}
