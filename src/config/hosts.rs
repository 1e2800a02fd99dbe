//! [Host] sections: how a client is recognised, its address, and what no two hosts may share.

use std::collections::HashMap;
use std::net::Ipv4Addr;

use serde::Deserialize;

use super::keys::SectionKind;
use super::model::{HostIdentity, ServerSettings};
use super::report::{Place, Report};
use super::section::{Defaults, Section};
use super::subnets::Drafts;
use super::value::Value;

/// A host that has an identity.
pub(super) struct HostDraft<'a> {
    pub(super) section: &'a Section,
    pub(super) identity: HostIdentity,
    pub(super) address: Option<Ipv4Addr>,
    /// Index of the subnet that holds the address.
    pub(super) subnet: Option<usize>,
}

/// Keys of [Host] that serde fills.
#[derive(Deserialize)]
struct HostKeys {
    #[serde(rename = "Address")]
    address: Option<Ipv4Addr>,
}

/// Reads and checks all [Host] sections, in file order.
pub(super) fn read<'a>(
    sections: &[&'a Section],
    drafts: &Drafts<'_>,
    server: &ServerSettings,
    report: &mut Report,
) -> Vec<HostDraft<'a>> {
    let mut hosts: Vec<HostDraft<'a>> = Vec::new();
    for section in sections.iter().copied().filter(|section| section.kind == SectionKind::Host) {
        let identity = identity(section, report);
        let Some(keys) = section.fill::<HostKeys>(Defaults::None, report) else {
            continue;
        };
        let subnet = keys.address.and_then(|address| check_address(section, address, drafts, report));
        if keys.address.is_some() && keys.address == server.address {
            section.complain(report, "Address", "it is the ServerAddress (legal: an address that nobody else has)");
        }
        if let Some(identity) = identity {
            hosts.push(HostDraft { section, identity, address: keys.address, subnet });
        }
    }
    check_twins(&hosts, drafts, report);
    hosts
}

/// The one of the three keys that is written.
fn identity(section: &Section, report: &mut Report) -> Option<HostIdentity> {
    let mut found: Option<(&str, HostIdentity)> = None;
    for entry in &section.entries {
        let identity = if let Value::Hardware(htype, address) = &entry.value {
            HostIdentity::HardwareAddress { htype: *htype, address: address.clone() }
        } else if let Value::Octets(octets) = &entry.value {
            let by_client = entry.key.name == "ClientId";
            if by_client { HostIdentity::ClientId(octets.clone()) } else { HostIdentity::CircuitId(octets.clone()) }
        } else {
            continue;
        };
        match &found {
            None => found = Some((entry.key.name, identity)),
            Some((first, _)) => {
                let wrong = format!("stands beside {first} (legal: one of HardwareAddress, ClientId, CircuitId)");
                section.complain(report, entry.key.name, &wrong);
            }
        }
    }
    let is_written = |name: &&str| ["HardwareAddress", "ClientId", "CircuitId"].contains(name);
    if found.is_none() && !section.failed.iter().any(is_written) {
        section.complain(report, "", "nothing tells its client (legal: one of HardwareAddress, ClientId, CircuitId)");
    }
    found.map(|(_, identity)| identity)
}

/// Index of the subnet that holds `address`, which must not mean the whole subnet.
fn check_address(section: &Section, address: Ipv4Addr, drafts: &Drafts<'_>, report: &mut Report) -> Option<usize> {
    let Some(index) = drafts.holding(address) else {
        section.complain(report, "Address", &format!("{address} lies in no subnet (legal: inside one [Subnet])"));
        return None;
    };
    let network = drafts.subnets.get(index)?.network;
    if network.is_unusable(address) {
        let what = if address == network.address { "network" } else { "broadcast" };
        let wrong = format!("{address} is the {what} address of {network} (legal: an address of one host)");
        section.complain(report, "Address", &wrong);
    }
    Some(index)
}

/// An address belongs to one host; a client is one host on a link, and one host without address.
fn check_twins(hosts: &[HostDraft<'_>], drafts: &Drafts<'_>, report: &mut Report) {
    let mut addresses: HashMap<Ipv4Addr, Place> = HashMap::with_capacity(hosts.len());
    let mut clients: HashMap<(&HostIdentity, Option<usize>), Place> = HashMap::with_capacity(hosts.len());
    for host in hosts {
        if let Some(address) = host.address {
            let place = host.section.place_of("Address");
            if let Some(first) = addresses.insert(address, place) {
                let wrong = format!("{address} is that of another host, {} (legal: once)", report.spot(first));
                host.section.complain(report, "Address", &wrong);
            }
        }
        if host.address.is_some() && host.subnet.is_none() {
            continue;
        }
        let link = host.subnet.and_then(|index| drafts.subnets.get(index)).map(|draft| draft.link);
        if let Some(first) = clients.insert((&host.identity, link), host.section.place) {
            let scope = if link.is_some() { "on this link" } else { "without an Address" };
            let first = report.spot(first);
            let wrong = format!("the same client stands {scope} in another host, {first} (legal: once a link)");
            host.section.complain(report, "", &wrong);
        }
    }
}
