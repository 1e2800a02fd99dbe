//! [Subnet] and [Range] sections as drafts: networks, links, ranges, and what must not overlap or be claimed twice.
//!
//! A draft keeps the places of what it came from, so that every complaint names a line. `assembly` makes the
//! final subnets of them once the hosts are known.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use super::keys::SectionKind;
use super::model::{Link, Network, ServerSettings};
use super::report::{Place, Report};
use super::section::Section;
use super::text;

/// Inclusive run of addresses.
pub(super) type Run = (Ipv4Addr, Ipv4Addr);

/// Addresses in all ranges together: each may cost memory for a lease.
const RANGE_ADDRESSES_MAX: u64 = 1 << 24;

/// A subnet with the places of its parts.
pub(super) struct SubnetDraft<'a> {
    pub(super) section: &'a Section,
    pub(super) network: Network,
    pub(super) link: usize,
    pub(super) ranges: Vec<RangeDraft<'a>>,
    pub(super) excludes: Vec<Run>,
    /// Order in the file.
    position: usize,
}

/// A range: of a Range key, of a [Range] section, or of both.
pub(super) struct RangeDraft<'a> {
    pub(super) run: Run,
    pub(super) place: Place,
    /// The [Range] section.
    pub(super) section: Option<&'a Section>,
}

/// All subnets by ascending address, and their links by first subnet in the file.
pub(super) struct Drafts<'a> {
    pub(super) subnets: Vec<SubnetDraft<'a>>,
    pub(super) links: Vec<Link>,
}

impl<'a> Drafts<'a> {
    /// Reads and checks all [Subnet] and [Range] sections.
    pub(super) fn read(sections: &[&'a Section], server: &ServerSettings, report: &mut Report) -> Drafts<'a> {
        let of_kind = |kind| sections.iter().copied().filter(move |section| section.kind == kind);
        let mut subnets: Vec<SubnetDraft<'a>> = Vec::new();
        for section in of_kind(SectionKind::Subnet) {
            match network(&section.name) {
                Ok(network) => subnets.push(SubnetDraft::new(section, network, subnets.len())),
                Err(wrong) => section.complain(report, "", &wrong),
            }
        }
        subnets.sort_by_key(|draft| (draft.network.address, draft.network.prefix, draft.position));
        check_networks(&subnets, report);
        let mut drafts = Drafts { subnets, links: Vec::new() };
        drafts.link();
        for section in of_kind(SectionKind::Range) {
            drafts.place_range(section, report);
        }
        let mut addresses = 0;
        for draft in &drafts.subnets {
            draft.check_ranges(report);
            draft.check_excludes(report);
            addresses += draft.addresses();
            if addresses > RANGE_ADDRESSES_MAX {
                let wrong =
                    format!("all ranges together hold more than {RANGE_ADDRESSES_MAX} addresses (legal: at most that)");
                draft.section.complain(report, "Range", &wrong);
                break;
            }
        }
        drafts.check_interfaces(server, report);
        drafts.check_relays(report);
        drafts
    }

    /// Index of the subnet that holds `address`.
    pub(super) fn holding(&self, address: Ipv4Addr) -> Option<usize> {
        let after = self.subnets.partition_point(|draft| draft.network.address <= address);
        let index = after.checked_sub(1)?;
        self.subnets.get(index).filter(|draft| draft.network.contains(address)).map(|_| index)
    }

    /// Gives each subnet its link: that of its SharedNetwork, or one of its own.
    fn link(&mut self) {
        let mut order: Vec<usize> = (0..self.subnets.len()).collect();
        order.sort_by_key(|index| self.subnets[*index].position);
        let mut shared: HashMap<String, usize> = HashMap::new();
        for index in order {
            let draft = &mut self.subnets[index];
            let name = draft.section.entry("SharedNetwork").and_then(|entry| entry.value.text()).map(str::to_owned);
            let next = self.links.len();
            draft.link = name.clone().map_or(next, |name| *shared.entry(name).or_insert(next));
            match self.links.get_mut(draft.link) {
                Some(link) => link.subnets.push(index),
                None => {
                    let name = name.unwrap_or_else(|| draft.network.to_string());
                    self.links.push(Link { name, subnets: vec![index] });
                }
            }
        }
    }

    /// Puts a [Range] section into its subnet: over the Range key with the same addresses, else after all.
    fn place_range(&mut self, section: &'a Section, report: &mut Report) {
        let run = match text::span(&section.name) {
            Ok(run) => run,
            Err(wrong) => {
                return section.complain(report, "", &format!("{wrong} (legal: [Range FIRST - LAST])"));
            }
        };
        let Some(draft) = self.holding(run.0).and_then(|index| self.subnets.get_mut(index)) else {
            return section.complain(report, "", "lies in no subnet (legal: inside one [Subnet])");
        };
        match draft.ranges.iter_mut().find(|range| range.run == run && range.section.is_none()) {
            Some(range) => *range = RangeDraft { run, place: section.place, section: Some(section) },
            None => draft.ranges.push(RangeDraft { run, place: section.place, section: Some(section) }),
        }
    }

    /// An interface has one wire, so it can serve one link; and it must be served at all.
    fn check_interfaces(&self, server: &ServerSettings, report: &mut Report) {
        let mut owners: HashMap<&str, &SubnetDraft<'_>> = HashMap::new();
        for draft in self.in_file_order() {
            let Some(name) = draft.section.entry("Interface").and_then(|entry| entry.value.text()) else {
                continue;
            };
            if !server.interfaces.is_empty() && !server.interfaces.iter().any(|served| served == name) {
                let wrong = format!(
                    "{name} is not served (legal: one of [Server] Interfaces = {})",
                    server.interfaces.join(", ")
                );
                draft.section.complain(report, "Interface", &wrong);
            }
            let owner = *owners.entry(name).or_insert(draft);
            if owner.link != draft.link {
                let other = owner.section.label();
                let wrong = format!("{name} is also that of {other} (legal: one link; give both one SharedNetwork)");
                draft.section.complain(report, "Interface", &wrong);
            }
        }
    }

    /// A relay's address must lead to one link.
    fn check_relays(&self, report: &mut Report) {
        let mut owners: HashMap<Ipv4Addr, &SubnetDraft<'_>> = HashMap::new();
        for draft in self.in_file_order() {
            for entry in draft.section.all("RelayAddress") {
                let Some(address) = entry.value.address() else {
                    continue;
                };
                let label = draft.section.label();
                let holder = self.holding(address).and_then(|index| self.subnets.get(index));
                if let Some(other) = owners.insert(address, draft) {
                    let other = other.section.label();
                    let text =
                        format!("{label} RelayAddress: {address} is also that of {other} (legal: one link, once)");
                    report.error(entry.place, text);
                } else if let Some(holder) = holder.filter(|holder| holder.link != draft.link) {
                    let other = holder.section.label();
                    let text =
                        format!("{label} RelayAddress: {address} lies in {other} (legal: an address of no other link)");
                    report.error(entry.place, text);
                } else if holder.is_some() {
                    report
                        .notice(entry.place, format!("{label} RelayAddress: {address} lies in this link: not needed"));
                }
            }
        }
    }

    fn in_file_order(&self) -> impl Iterator<Item = &SubnetDraft<'a>> {
        self.links.iter().flat_map(|link| &link.subnets).filter_map(|index| self.subnets.get(*index))
    }
}

impl<'a> SubnetDraft<'a> {
    fn new(section: &'a Section, network: Network, position: usize) -> SubnetDraft<'a> {
        let runs = |name| section.all(name).filter_map(|entry| entry.value.span().map(|run| (run, entry.place)));
        let ranges = runs("Range").map(|(run, place)| RangeDraft { run, place, section: None }).collect();
        let excludes = runs("Exclude").map(|(run, _)| run).collect();
        SubnetDraft { section, network, link: 0, ranges, excludes, position }
    }

    /// How many addresses its ranges hold.
    fn addresses(&self) -> u64 {
        let size = |range: &RangeDraft<'_>| u64::from(range.run.1.to_bits().saturating_sub(range.run.0.to_bits())) + 1;
        self.ranges.iter().map(size).sum()
    }

    /// The addresses that hosts of the subnet may have, as text.
    fn usable(&self) -> String {
        let (first, last) = (self.network.address, self.network.last());
        let inward = u32::from(self.network.prefix <= 30);
        let first = Ipv4Addr::from_bits(first.to_bits() + inward);
        let last = Ipv4Addr::from_bits(last.to_bits() - inward);
        format!("within {first} - {last}")
    }

    /// Ranges lie inside, hold no address that means the whole subnet, and do not overlap.
    fn check_ranges(&self, report: &mut Report) {
        for range in &self.ranges {
            let (first, last) = range.run;
            let outside = [first, last].into_iter().find(|address| !self.network.contains(*address));
            let unusable = [first, last].into_iter().find(|address| self.network.is_unusable(*address));
            let wrong = match (outside, unusable) {
                (Some(address), _) => format!("{address} lies outside {}", self.network),
                (None, Some(address)) if address == self.network.address => {
                    format!("{address} is the network address")
                }
                (None, Some(address)) => format!("{address} is the broadcast address"),
                (None, None) => continue,
            };
            report.error(range.place, format!("{} {wrong} (legal: {})", self.range_label(range), self.usable()));
        }
        let mut by_address: Vec<&RangeDraft<'_>> = self.ranges.iter().collect();
        by_address.sort_by_key(|range| (range.run, range.place));
        let Some((mut widest, rest)) = by_address.split_first() else {
            return;
        };
        for range in rest {
            if range.run.0 <= widest.run.1 {
                let (later, earlier) = if range.place > widest.place { (range, widest) } else { (widest, range) };
                let (first, last) = earlier.run;
                let spot = report.spot(earlier.place);
                let label = self.range_label(later);
                report.error(
                    later.place,
                    format!("{label} overlaps {first} - {last} of {spot} (legal: each address once)"),
                );
            }
            if range.run.1 > widest.run.1 {
                widest = range;
            }
        }
    }

    fn check_excludes(&self, report: &mut Report) {
        for entry in self.section.all("Exclude") {
            let Some((first, last)) = entry.value.span() else {
                continue;
            };
            let label = self.section.label();
            let outside = [first, last].into_iter().find(|address| !self.network.contains(*address));
            if let Some(address) = outside {
                let text = format!("{label} Exclude: {address} lies outside {} (legal: inside it)", self.network);
                report.error(entry.place, text);
            } else if !self.ranges.iter().any(|range| range.run.0 <= last && first <= range.run.1) {
                report.notice(entry.place, format!("{label} Exclude: {first} - {last} meets no range: not needed"));
            }
        }
    }

    fn range_label(&self, range: &RangeDraft<'_>) -> String {
        range.section.map_or_else(|| format!("{} Range:", self.section.label()), Section::label)
    }
}

/// NETWORK/PREFIX without bits outside the prefix.
fn network(name: &str) -> Result<Network, String> {
    let parts = name.split_once('/').and_then(|(address, prefix)| {
        let prefix = prefix.trim().parse::<u8>().ok().filter(|prefix| (1..=32).contains(prefix))?;
        Some((text::address(address.trim()).ok()?, prefix))
    });
    let Some((address, prefix)) = parts else {
        return Err(format!("{name} is not a subnet (legal: NETWORK/PREFIX, such as 10.1.0.0/24)"));
    };
    let bare = Network { address, prefix };
    let network = Network { address: Ipv4Addr::from_bits(address.to_bits() & bare.mask().to_bits()), prefix };
    if network.address != address {
        return Err(format!("{address} has bits outside /{prefix} (legal: {network})"));
    }
    let first = address.octets()[0];
    if first == 0 || first >= 224 {
        Err(format!("{name} holds no addresses of hosts (legal: 1.0.0.0 to 223.255.255.255)"))
    } else {
        Ok(network)
    }
}

/// Subnets do not overlap; `subnets` is sorted by address, wider ones first.
fn check_networks(subnets: &[SubnetDraft<'_>], report: &mut Report) {
    let Some((mut widest, rest)) = subnets.split_first() else {
        return;
    };
    for draft in rest {
        if draft.network.address > widest.network.last() {
            widest = draft;
            continue;
        }
        let (later, earlier) =
            if draft.section.place > widest.section.place { (draft, widest) } else { (widest, draft) };
        let spot = report.spot(earlier.section.place);
        let wrong = format!("overlaps {} of {spot} (legal: each address in one subnet)", earlier.section.label());
        later.section.complain(report, "", &wrong);
    }
}
