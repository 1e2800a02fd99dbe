//! The checked, immutable configuration: text in, [`Config`] or every complaint at once out.
//!
//! [`load`] is pure: the text comes from a [`Source`], and nothing is asked of the system. The way is one line long:
//! `ini` makes lines to sections, `section` looks each key up in the table of `keys` and parses its value, serde
//! fills the structs of `settings` and `model`, and `subnets`, `hosts` and `partners` judge what the values mean
//! together. Called by the daemon at start and at a reload, by `-t` and `-T`. What a primary sends to its failover is
//! checked by the same code through [`load_subnets`].
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
mod canonical;
mod domain_names;
mod explain;
mod hosts;
mod ini;
mod lease_rules;
mod nearest;
mod part;
mod partners;
mod reload;
mod report;
mod section;
mod settings;
mod subnets;
mod text;

pub use canonical::differences;
pub use explain::explain;
pub use model::*;
pub use option_set::OptionSet;
pub use part::{Clash, clashes, load_subnets, part_clashes};
pub use reload::reload_refusals;

use std::fmt;
use std::net::Ipv4Addr;
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

/// Gives the text of a file and the addresses of a name: the system in the daemon ([`files::FileSource`]), a map in
/// tests.
pub trait Source {
    /// The text of `path`, which an Include has made relative to the including file.
    ///
    /// # Errors
    /// The file cannot be read; the error's text is shown with the file's name.
    fn read(&self, path: &Path) -> std::io::Result<String>;

    /// The IPv4 addresses of a host name, each once; without another implementation there are no names.
    ///
    /// # Errors
    /// The name cannot be resolved; the error's text is shown with the name.
    fn resolve(&self, _name: &str) -> std::io::Result<Vec<Ipv4Addr>> {
        Err(std::io::Error::other("names are not resolved here"))
    }
}

/// Loads and checks a configuration; `path` names the main file.
///
/// # Errors
/// All that is wrong, by file and line; at most 1000 and a line that tells how many more.
pub fn load(path: &Path, source: &dyn Source) -> Result<Config, Vec<ConfigError>> {
    let mut report = Report::default();
    let raw = ini::read(path, source, &mut report);
    let sections = section::check(raw, &mut report);
    let config = judge(&sections, source, &mut report);
    settled(config, report)
}

/// The configuration with its notices, or every complaint.
fn settled(config: Option<Config>, mut report: Report) -> Result<Config, Vec<ConfigError>> {
    match config {
        Some(mut config) if report.is_clean() => {
            config.notices = report.notices();
            Ok(config)
        }
        Some(_) | None => Err(report.into_errors()),
    }
}

/// What the sections mean together; `None`, with errors in the report, when no configuration can be made of them.
fn judge(sections: &[Section], source: &dyn Source, report: &mut Report) -> Option<Config> {
    let absent_server = Section::absent(SectionKind::Server);
    let server_section = one(sections, SectionKind::Server).unwrap_or(&absent_server);
    let mut server: ServerSettings = server_section.fill(Defaults::Table, report)?;
    server.user = user(server_section);
    let role = server.role;
    let unused = |kind| !is_used(role, kind);
    for section in sections.iter().filter(|section| unused(section.kind)) {
        refuse(section, role, report);
    }
    let used: Vec<&Section> = sections.iter().filter(|section| !unused(section.kind)).collect();
    let mut reading = partners::Reading { server: &server, source, report };
    let failover = reading.failover(&used);
    let mut primaries = reading.primaries(&used);
    part::read_files(&mut primaries, &used, &mut reading);
    let partner = failover.as_ref().map(|failover| *failover.common.partner.ip());
    let config = served(&used, Site { server, partner }, report)?;
    match role {
        Role::Primary if config.subnets.is_empty() => {
            server_section.remark(report, "", "there is no [Subnet]: nobody is served");
        }
        Role::Secondary if one(sections, SectionKind::Primary).is_none() => {
            server_section.complain(report, "", "a failover has no primary (legal: one [Primary NAME] at least)");
        }
        Role::Primary | Role::Secondary => {}
    }
    let parameters = explain::parameters(sections, |kind| !unused(kind), report);
    Some(Config { failover, primaries, parameters, ..config })
}

/// Where subnets are served from.
struct Site {
    server: ServerSettings,
    /// The partner's address, which no client may have.
    partner: Option<Ipv4Addr>,
}

/// What clients are served with, as a configuration without partners.
fn served(sections: &[&Section], site: Site, report: &mut Report) -> Option<Config> {
    let find = |kind| sections.iter().copied().find(|section| section.kind == kind);
    let absent_policy = Section::absent(SectionKind::Policy);
    let policy_section = find(SectionKind::Policy).unwrap_or(&absent_policy);
    let global: GlobalPolicy = policy_section.fill(Defaults::Table, report)?;
    let policy: Policy = policy_section.fill(Defaults::Table, report)?;
    let options_section = find(SectionKind::Options);
    let options = options_section.map(Section::option_set).unwrap_or_default();
    lease_rules::check_policy(policy_section, &policy, report);
    if let Some(section) = options_section {
        lease_rules::check_options(section, &options, &policy, report);
    }
    let Site { server, partner } = site;
    let mut kept: Vec<Ipv4Addr> = server.address.into_iter().chain(partner).collect();
    kept.sort_unstable();
    kept.dedup();
    let ground = assembly::Ground { server: &server, kept: &kept, policy: &policy, options: &options };
    let assembly::World { subnets, links, hosts } = assembly::assemble(sections, &ground, report);
    let subnets_text = canonical::subnets_text(sections, &subnets, &kept);
    Some(Config {
        server,
        global,
        policy,
        options,
        subnets,
        links,
        hosts,
        failover: None,
        primaries: Vec::new(),
        subnets_text,
        notices: Vec::new(),
        parameters: Vec::new(),
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
