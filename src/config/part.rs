//! The subnets of a primary as its failover reads them: from what the primary sends, or from a SubnetsFile.

use std::collections::HashMap;
use std::io;
use std::path::Path;

use super::canonical;
use super::keys::SectionKind;
use super::model::{Config, Network, PrimarySettings, ServerSettings};
use super::partners::Reading;
use super::report::Report;
use super::section::{self, Defaults, Section};
use super::{ConfigError, Site, Source, ini, served, settled};

/// Loads and checks the subnets part of a primary's configuration; `name` stands where errors name a file. What
/// concerns one server alone, `Config::server` and the partners, is left at its defaults.
///
/// # Errors
/// All that is wrong, as of `load`; sections of other kinds and includes are wrong here.
pub fn load_subnets(name: &str, text: &str) -> Result<Config, Vec<ConfigError>> {
    let mut report = Report::default();
    let raw = ini::read(Path::new(name), &Sent { name, text }, &mut report);
    let sections = section::check(raw, &mut report);
    let part = server(&mut report).and_then(|server| part(&sections, Site { server, partner: None }, &mut report));
    settled(part, report)
}

/// A text that came whole.
struct Sent<'a> {
    name: &'a str,
    text: &'a str,
}

impl Source for Sent<'_> {
    fn read(&self, path: &Path) -> io::Result<String> {
        if path == Path::new(self.name) {
            Ok(self.text.to_owned())
        } else {
            Err(io::Error::other("what a primary sends has its includes resolved"))
        }
    }
}

/// Reads the SubnetsFile of each primary that has one.
pub(super) fn read_files(primaries: &mut [PrimarySettings], sections: &[&Section], reading: &mut Reading<'_>) {
    for settings in primaries.iter_mut() {
        let is_its = |section: &&&Section| section.kind == SectionKind::Primary && section.name == settings.name;
        let (Some(path), Some(section)) = (&settings.subnets_file, sections.iter().find(is_its)) else { continue };
        if let Err(error) = reading.source.read(path) {
            let wrong = format!("cannot read {}: {error} (legal: a file that the User can read)", path.display());
            section.complain(reading.report, "SubnetsFile", &wrong);
            continue;
        }
        let raw = ini::read(path, reading.source, reading.report);
        let found = section::check(raw, reading.report);
        let Some(mut server) = server(reading.report) else { continue };
        server.address = reading.server.address;
        let site = Site { server, partner: Some(*settings.common.partner.ip()) };
        settings.part = part(&found, site, reading.report).map(Box::new);
    }
    let parts: Vec<&Config> = primaries.iter().filter_map(|settings| settings.part.as_deref()).collect();
    let owners: Vec<&str> =
        primaries.iter().filter(|settings| settings.part.is_some()).map(|settings| settings.name.as_str()).collect();
    for clash in clashes(&parts) {
        let (Some(owner), Some(other)) = (owners.get(clash.part), owners.get(clash.other)) else { continue };
        let is_its = |section: &&&Section| section.kind == SectionKind::Primary && section.name == *owner;
        if let Some(section) = sections.iter().find(is_its) {
            let wrong = format!("{} of [Primary {other}] (legal: each address behind one primary)", clash.what);
            section.complain(reading.report, "SubnetsFile", &wrong);
        }
    }
}

/// Two primaries that claim the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clash {
    /// Index of the part that stands later.
    pub part: usize,
    /// Index of the part that stands earlier.
    pub other: usize,
    /// What both claim, to be followed by `of` and a name: `[Subnet 10.1.0.0/24] overlaps [Subnet 10.1.0.0/16]`.
    pub what: String,
}

/// What more than one of `parts` claims: addresses of subnets, and addresses of relays.
#[must_use]
pub fn clashes(parts: &[&Config]) -> Vec<Clash> {
    let mut found = Vec::new();
    let mut networks: Vec<_> = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        networks.extend(part.subnets.iter().map(|subnet| (subnet.network, index)));
    }
    networks.sort_unstable_by_key(|(network, part)| (network.address, network.prefix, *part));
    let mut widest: Option<(Network, usize)> = None;
    for (network, index) in networks {
        match widest {
            Some((other, owner)) if network.address <= other.last() => {
                if owner != index {
                    let (part, other_part) = (index.max(owner), index.min(owner));
                    let (own, others) = if index > owner { (network, other) } else { (other, network) };
                    let what = format!("[Subnet {own}] overlaps [Subnet {others}]");
                    found.push(Clash { part, other: other_part, what });
                }
            }
            Some(_) | None => widest = Some((network, index)),
        }
    }
    let mut relays = HashMap::new();
    for (part, config) in parts.iter().enumerate() {
        for address in config.subnets.iter().flat_map(|subnet| &subnet.relay_addresses) {
            let other = *relays.entry(*address).or_insert(part);
            if other != part {
                found.push(Clash { part, other, what: format!("RelayAddress {address} is also that") });
            }
        }
    }
    found
}

/// What more than one primary of a failover claims, a line each; empty: nothing.
#[must_use]
pub fn part_clashes(config: &Config) -> Vec<String> {
    let with_part: Vec<_> =
        config.primaries.iter().filter_map(|primary| Some((&primary.name, primary.part.as_deref()?))).collect();
    let parts: Vec<&Config> = with_part.iter().map(|(_, part)| *part).collect();
    let name = |index: usize| with_part.get(index).map_or("", |(name, _)| name.as_str());
    let line = |clash: Clash| {
        let (owner, other) = (name(clash.part), name(clash.other));
        format!("[Primary {owner}]: {} of [Primary {other}] (legal: each address behind one primary)", clash.what)
    };
    clashes(&parts).into_iter().map(line).collect()
}

/// The defaults of [Server].
fn server(report: &mut Report) -> Option<ServerSettings> {
    Section::absent(SectionKind::Server).fill(Defaults::Table, report)
}

fn part(sections: &[Section], site: Site, report: &mut Report) -> Option<Config> {
    for section in sections.iter().filter(|section| !canonical::is_shared(section.kind)) {
        let legal = "[Policy], [Options], [Subnet], [Range], [Host]";
        section.complain(report, "", &format!("does not belong to the subnets of a primary (legal: {legal})"));
    }
    let used: Vec<&Section> = sections.iter().filter(|section| canonical::is_shared(section.kind)).collect();
    served(&used, site, report)
}
