//! [Failover] and [Primary] sections (failover.md section 2): filled and checked, key files read, names of partners
//! resolved. The behaviour behind them is not here.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::Path;
use std::time::Duration;

use super::Source;
use super::keys::{self, Fallback, SectionKind};
use super::model::{ChannelSettings, FailoverSettings, PrimarySettings, ServerSettings};
use super::report::{Place, Report};
use super::section::{Defaults, Section};
use super::text;
use super::value::Value;
use crate::wire::failover::UNCUT_PIECE_OCTETS_MAX;
use crate::wire::seal::Keys;

/// WaitCtlRetSecs = 0 stands for this.
const WAIT_CTL_RET_DEFAULT: Duration = Duration::from_secs(5);

/// What the sections are read with.
pub(super) struct Reading<'a> {
    pub(super) server: &'a ServerSettings,
    pub(super) source: &'a dyn Source,
    pub(super) report: &'a mut Report,
}

impl Reading<'_> {
    /// The failover of this primary; `None` without `UseFailoverServer = True`.
    pub(super) fn failover(&mut self, sections: &[&Section]) -> Option<FailoverSettings> {
        let section = sections.iter().find(|section| section.kind == SectionKind::Failover)?;
        check_buffer(section, self.report);
        if !section.is_true("UseFailoverServer") {
            return None;
        }
        check_required(section, self.report)?;
        let mut settings: FailoverSettings = section.fill(Defaults::Table, self.report)?;
        if settings.wait_ctl_ret.is_zero() {
            settings.wait_ctl_ret = WAIT_CTL_RET_DEFAULT;
        }
        self.complete(section, ("SecondaryIpAddr", &settings.secondary), &mut settings.common);
        Some(settings)
    }

    /// The primaries behind which this failover stands, in file order.
    pub(super) fn primaries(&mut self, sections: &[&Section]) -> Vec<PrimarySettings> {
        let mut addresses: HashMap<SocketAddrV4, Place> = HashMap::new();
        let mut primaries: Vec<PrimarySettings> = Vec::new();
        for section in sections.iter().filter(|section| section.kind == SectionKind::Primary) {
            check_buffer(section, self.report);
            if !text::is_host_name(&section.name) {
                section.complain(self.report, "", "its name is none (legal: letters, digits, hyphens and dots)");
            }
            let complete = check_required(section, self.report);
            let filled: Option<PrimarySettings> = complete.and_then(|()| section.fill(Defaults::Table, self.report));
            let Some(mut settings) = filled else {
                continue;
            };
            settings.name = section.name.clone();
            let is_found = self.complete(section, ("PrimaryIpAddr", &settings.primary), &mut settings.common);
            let place = section.place_of("PrimaryIpAddr");
            if is_found && let Some(first) = addresses.insert(settings.common.partner, place) {
                let first = self.report.spot(first);
                let wrong = format!("{} is that of {first} (legal: one [Primary] a server)", settings.primary);
                section.complain(self.report, "PrimaryIpAddr", &wrong);
            }
            if let Some(first) = primaries.first() {
                self.check_socket(section, &settings.common, first);
            }
            primaries.push(settings);
        }
        primaries
    }

    /// Reads the keys and finds the partner's address; false, and an error, when that cannot be had.
    fn complete(&mut self, section: &Section, (key, partner): (&str, &str), common: &mut ChannelSettings) -> bool {
        match &common.key_file {
            Some(path) => common.keys = self.keys(section, path).unwrap_or(Keys::None),
            None => {
                let odd = "none: whoever can send to the failover port can change leases";
                section.remark(self.report, "FailoverKeyFile", odd);
            }
        }
        let found = match text::partner(partner) {
            Some((host, port)) => self.address(host).map(|ip| SocketAddrV4::new(ip, port.unwrap_or(common.port))),
            None => Err("is not a partner".to_owned()),
        };
        let own = common.address.or(self.server.address).map(|address| SocketAddrV4::new(address, common.port));
        let wrong = match found {
            Ok(partner) if Some(partner) == own => format!("{partner} is this server itself (legal: the partner)"),
            Ok(partner) => {
                common.partner = partner;
                return true;
            }
            Err(wrong) => format!("{partner}: {wrong} (legal: an IPv4 address, or a name that stands for one)"),
        };
        section.complain(self.report, key, &wrong);
        false
    }

    fn keys(&mut self, section: &Section, path: &Path) -> Option<Keys> {
        let text = match self.source.read(path) {
            Ok(text) => text,
            Err(error) => {
                let remedy = if error.kind() == io::ErrorKind::NotFound {
                    "make it with understudyctl keygen, and give the partner the same"
                } else {
                    "a file that the User can read"
                };
                let wrong = format!("cannot read {}: {error} (legal: {remedy})", path.display());
                section.complain(self.report, "FailoverKeyFile", &wrong);
                return None;
            }
        };
        let error = match Keys::parse(&text) {
            Ok(keys) => return Some(keys),
            Err(error) => error,
        };
        let line = error.line().and_then(|line| u32::try_from(line).ok()).unwrap_or(0);
        let place = Place { file: self.report.add_file(path), line };
        self.report.error(place, format!("{} FailoverKeyFile: {error}", section.label()));
        None
    }

    /// The one IPv4 address that `host` stands for.
    fn address(&self, host: &str) -> Result<Ipv4Addr, String> {
        if let Ok(address) = text::address(host) {
            return Ok(address);
        }
        let found = self.source.resolve(host).map_err(|error| error.to_string())?;
        match found.as_slice() {
            [] => Err("the name has no IPv4 address".to_owned()),
            [address] => text::host_address(&address.to_string()),
            [first, second, ..] => Err(format!("the name has several addresses, {first} and {second} among them")),
        }
    }

    /// All partners are reached by one socket.
    fn check_socket(&mut self, section: &Section, common: &ChannelSettings, first: &PrimarySettings) {
        let other = &first.common;
        let shown = |address: Option<Ipv4Addr>| address.map_or("ServerAddress".to_owned(), |it| it.to_string());
        if common.port != other.port {
            let wrong = format!("{} differs from {} of [Primary {}]", common.port, other.port, first.name);
            section.complain(self.report, "FailoverPort", &format!("{wrong} (legal: one port for all primaries)"));
        }
        if common.address.or(self.server.address) != other.address.or(self.server.address) {
            let (own, others) = (shown(common.address), shown(other.address));
            let wrong = format!("{own} differs from {others} of [Primary {}]", first.name);
            let wrong = format!("{wrong} (legal: one address for all primaries)");
            section.complain(self.report, "FailoverAddress", &wrong);
        }
    }
}

/// Reports required keys that are not written; `None` when one is missing or was not legal.
fn check_required(section: &Section, report: &mut Report) -> Option<()> {
    let mut complete = Some(());
    for key in keys::of_section(section.kind) {
        if let (Fallback::Required(when), None) = (key.fallback, section.entry(key.name)) {
            complete = None;
            if !section.failed.contains(&key.name) {
                section.complain(
                    report,
                    key.name,
                    &format!("is missing; it is required {when} (legal: {})", key.kind.legal()),
                );
            }
        }
    }
    complete
}

fn check_buffer(section: &Section, report: &mut Report) {
    match section.entry("SyncBindingBufSize").map(|entry| &entry.value) {
        Some(Value::Number(octets)) if *octets > UNCUT_PIECE_OCTETS_MAX as u64 => {
            let odd = format!(
                "{octets} is over {UNCUT_PIECE_OCTETS_MAX}: IP cuts such datagrams, and large updates may stay unacked"
            );
            section.remark(report, "SyncBindingBufSize", &odd);
        }
        Some(_) | None => {}
    }
}
