//! Drafts to the final subnets, ranges, links and hosts: inheritance resolved, excluded addresses gathered.

use std::net::Ipv4Addr;

use serde::Deserialize;

use super::hosts::{self, HostDraft};
use super::lease_rules;
use super::model::{BootSettings, Host, Link, Membership, Policy, PolicyOverlay, Range, ServerSettings, Subnet};
use super::option_set::OptionSet;
use super::report::Report;
use super::section::{Defaults, Section};
use super::subnets::{Drafts, RangeDraft, Run, SubnetDraft};

/// What holds for every subnet.
pub(super) struct Ground<'a> {
    pub(super) server: &'a ServerSettings,
    /// Addresses of the servers, which no client may have.
    pub(super) kept: &'a [Ipv4Addr],
    pub(super) policy: &'a Policy,
    pub(super) options: &'a OptionSet,
}

/// Everything that clients are served from.
pub(super) struct World {
    pub(super) subnets: Vec<Subnet>,
    pub(super) links: Vec<Link>,
    pub(super) hosts: Vec<Host>,
}

/// Keys of [Subnet] that serde fills.
#[derive(Deserialize)]
struct SubnetKeys {
    #[serde(rename = "Interface")]
    interface: Option<String>,
}

/// Keys of [Range] that serde fills.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RangeKeys {
    #[serde(rename = "Class")]
    membership: Membership,
    #[serde(rename = "AutomaticBootp")]
    automatic_bootp: bool,
}

/// What a section and those around it say.
#[derive(Clone)]
struct Scope {
    policy: Policy,
    /// With all that is inherited, for checks between options.
    options: OptionSet,
}

/// A subnet with what holds in it.
struct Around<'a> {
    subnet: &'a SubnetDraft<'a>,
    scope: &'a Scope,
    /// Addresses of hosts and of this server, sorted.
    reserved: &'a [Ipv4Addr],
    ground: &'a Ground<'a>,
}

/// Reads, checks and assembles [Subnet], [Range] and [Host] sections.
pub(super) fn assemble(sections: &[&Section], ground: &Ground<'_>, report: &mut Report) -> World {
    let drafts = Drafts::read(sections, ground.server, report);
    let hosts = hosts::read(sections, &drafts, ground.server, report);
    let mut reserved: Vec<Ipv4Addr> = hosts.iter().filter_map(|host| host.address).collect();
    reserved.extend(ground.kept);
    reserved.sort_unstable();
    let root = Scope { policy: ground.policy.clone(), options: ground.options.clone() };
    let mut scopes = Vec::with_capacity(drafts.subnets.len());
    let mut subnets = Vec::with_capacity(drafts.subnets.len());
    for draft in &drafts.subnets {
        let scope = narrowed(&root, draft.section, report);
        let around = Around { subnet: draft, scope: &scope, reserved: &reserved, ground };
        subnets.push(subnet(&around, report));
        scopes.push(scope);
    }
    let hosts = hosts
        .iter()
        .map(|draft| {
            let around = draft.subnet.and_then(|index| scopes.get(index)).unwrap_or(&root);
            narrowed(around, draft.section, report);
            host(draft, report)
        })
        .collect();
    World { subnets, links: drafts.links, hosts }
}

/// The scope of a section inside `around`; its times and options are checked against what they inherit.
fn narrowed(around: &Scope, section: &Section, report: &mut Report) -> Scope {
    let overlay: PolicyOverlay = section.fill(Defaults::None, report).unwrap_or_default();
    let policy = overlay.over(&around.policy);
    lease_rules::check_policy(section, &policy, report);
    let options = if section.options.is_empty() {
        around.options.clone()
    } else {
        around.options.overlaid(&section.option_set())
    };
    lease_rules::check_options(section, &options, &policy, report);
    Scope { policy, options }
}

fn subnet(around: &Around<'_>, report: &mut Report) -> Subnet {
    let section = around.subnet.section;
    let keys: Option<SubnetKeys> = section.fill(Defaults::None, report);
    let relay_addresses = section.all("RelayAddress").filter_map(|entry| entry.value.address()).collect();
    let ranges = around.subnet.ranges.iter().map(|draft| range(draft, around, report)).collect();
    Subnet {
        network: around.subnet.network,
        link: around.subnet.link,
        ranges,
        interface: keys.and_then(|keys| keys.interface),
        relay_addresses,
        policy: around.scope.policy.clone(),
        options: section.option_set(),
        boot: section.fill(Defaults::None, report).unwrap_or_default(),
    }
}

fn range(draft: &RangeDraft<'_>, around: &Around<'_>, report: &mut Report) -> Range {
    let (first, last) = draft.run;
    let scope = draft.section.map(|section| narrowed(around.scope, section, report));
    let keys: Option<RangeKeys> = draft.section.and_then(|section| section.fill(Defaults::None, report));
    let keys = keys.unwrap_or_default();
    let boot: Option<BootSettings> = draft.section.and_then(|section| section.fill(Defaults::None, report));
    let excluded = excluded(draft.run, &around.subnet.excludes, around.reserved);
    let label = || draft.section.map_or_else(|| format!("{} Range", around.subnet.section.label()), Section::label);
    if excluded.first() == Some(&draft.run) {
        report.notice(draft.place, format!("{}: every address is excluded or a host's", label()));
    }
    let Ground { server, kept, .. } = around.ground;
    for address in kept.iter().filter(|address| (first..=last).contains(*address)) {
        let whose = if server.address == Some(*address) { "ServerAddress" } else { "the partner's address" };
        report.notice(draft.place, format!("{}: {whose} lies inside and is left out", label()));
    }
    Range {
        first,
        last,
        excluded,
        membership: keys.membership,
        automatic_bootp: keys.automatic_bootp,
        policy: scope.map_or_else(|| around.scope.policy.clone(), |scope| scope.policy),
        options: draft.section.map(Section::option_set).unwrap_or_default(),
        boot: boot.unwrap_or_default(),
    }
}

/// The parts of `run` that are not given out, as sorted, disjoint runs that do not touch; `reserved` is sorted.
fn excluded(run: Run, excludes: &[Run], reserved: &[Ipv4Addr]) -> Vec<Run> {
    let (first, last) = run;
    let from = reserved.partition_point(|address| *address < first);
    let to = reserved.partition_point(|address| *address <= last);
    let inside = reserved.get(from..to).unwrap_or_default();
    let clipped =
        excludes.iter().map(|(low, high)| (first.max(*low), last.min(*high))).filter(|(low, high)| low <= high);
    let mut parts: Vec<Run> = clipped.chain(inside.iter().map(|address| (*address, *address))).collect();
    parts.sort_unstable();
    let mut runs: Vec<Run> = Vec::with_capacity(parts.len());
    for (low, high) in parts {
        match runs.last_mut() {
            Some(run) if low.to_bits() <= run.1.to_bits().saturating_add(1) => run.1 = run.1.max(high),
            Some(_) | None => runs.push((low, high)),
        }
    }
    runs
}

fn host(draft: &HostDraft<'_>, report: &mut Report) -> Host {
    let section = draft.section;
    Host {
        name: section.name.clone(),
        identity: draft.identity.clone(),
        address: draft.address,
        policy: section.fill(Defaults::None, report).unwrap_or_default(),
        options: section.option_set(),
        boot: section.fill(Defaults::None, report).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::excluded;
    use std::net::Ipv4Addr;

    #[test]
    fn excluded_runs_are_clipped_sorted_and_joined() {
        let at = |last: u8| Ipv4Addr::new(10, 0, 0, last);
        let excludes = [(at(60), at(69)), (at(1), at(12)), (at(190), at(255))];
        let reserved = [at(5), at(13), at(40), at(65), at(70), at(210)];
        let runs = excluded((at(10), at(200)), &excludes, &reserved);
        assert_eq!(runs, [(at(10), at(13)), (at(40), at(40)), (at(60), at(70)), (at(190), at(200))]);
    }
}
