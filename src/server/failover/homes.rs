//! Which channel a subnet belonged to last, for the time when a reload takes it away or moves it (failover.md 5).
//!
//! Changes of addresses that are in no subnet any more go on to the partner that had them: it may still serve them, and
//! waits for every change that this server has. A subnet that comes from one primary to another is told anew: what is
//! held of it was told to the former, or by it, and nobody else can tell the new one. That is spread over turns.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use log::info;

use super::channel::Channel;
use super::partner::Partner;
use super::{Failover, Rest, note_changes};
use crate::config::Network;
use crate::server::directory::Directory;
use crate::server::event::PartnerId;

/// Subnets that are remembered after they went; beyond, their changes go to each partner.
const HOMES_MAX: usize = 65_536;
/// Bindings looked at in one turn.
const SLICE: usize = 20_000;
/// Bindings told anew in one turn; each is a record of its commit.
const RETOLD_MAX: usize = 128;

/// The last channel of each subnet, in this run.
#[derive(Clone, Debug, Default)]
pub(super) struct Homes {
    /// By first address; they do not overlap.
    subnets: BTreeMap<u32, (Network, usize)>,
    names: Vec<String>,
    retelling: Option<Retelling>,
}

#[derive(Clone, Debug)]
struct Retelling {
    subnets: Vec<Network>,
    /// The next binding to be looked at.
    at: usize,
}

impl Homes {
    /// The partners to which changes of `address` go: that of its subnet; of an address without one the partner that
    /// had it last, and where that is not known each.
    pub(super) fn concerned<'c>(
        &self,
        address: Ipv4Addr,
        channels: &'c mut [Channel],
        directory: &Directory,
    ) -> impl Iterator<Item = &'c mut Partner> {
        let (some, former) = match directory.partner_of(address) {
            Some(id) => (channels.get_mut(id.0..=id.0).unwrap_or_default(), None),
            None => (channels, self.at(address)),
        };
        let partners = some.iter_mut().map(|channel| &mut channel.partner);
        partners.filter(move |partner| former.is_none_or(|name| name == partner.name))
    }

    /// Whether changes of `address` go to the partner with this id and name.
    pub(super) fn concerns(&self, address: Ipv4Addr, (id, name): (PartnerId, &str), directory: &Directory) -> bool {
        match directory.partner_of(address) {
            Some(other) => other == id,
            None => self.at(address).is_none_or(|former| former == name),
        }
    }

    fn at(&self, address: Ipv4Addr) -> Option<&str> {
        let (_, (network, name)) = self.subnets.range(..=address.to_bits()).next_back()?;
        (address <= network.last()).then(|| self.names[*name].as_str())
    }

    /// Takes note of the subnets in force; those that came from another channel are told anew.
    fn note(&mut self, in_force: &[(&str, Vec<Network>)]) {
        let mut moved = Vec::new();
        for (name, networks) in in_force {
            let known = self.names.iter().position(|other| other == name);
            let index = known.unwrap_or(self.names.len());
            if known.is_none() {
                self.names.push((*name).to_owned());
            }
            // The first subnets of a partner are no news of others, unless they are known to be another's.
            let is_settled = in_force.len() > 1 && self.subnets.values().any(|home| home.1 == index);
            for network in networks {
                let former: Vec<(u32, usize)> = self.within(*network);
                if former.iter().any(|home| home.1 != index) || former.is_empty() && is_settled {
                    moved.push((*network, index));
                }
            }
        }
        for (index, network) in in_force.iter().flat_map(|(name, networks)| networks.iter().map(move |it| (name, it))) {
            let index = self.names.iter().position(|name| name == index).unwrap_or_default();
            for (first, _) in self.within(*network) {
                self.subnets.remove(&first);
            }
            self.subnets.insert(network.address.to_bits(), (*network, index));
        }
        while self.subnets.len() > HOMES_MAX {
            self.subnets.pop_first();
        }
        for (network, index) in moved {
            info!(
                "partner {}: subnet {network} is new on this channel: it is told what is held of it",
                self.names[index]
            );
            let retelling = self.retelling.get_or_insert(Retelling { subnets: Vec::new(), at: 0 });
            retelling.subnets.push(network);
            retelling.at = 0;
        }
    }

    /// First address and channel of each subnet that has addresses of `network`.
    fn within(&self, network: Network) -> Vec<(u32, usize)> {
        let before = self.subnets.range(..=network.last().to_bits()).rev();
        let meets = before.take_while(|(_, (other, _))| other.last() >= network.address);
        meets.map(|(first, (_, name))| (*first, *name)).collect()
    }

    /// Whether something is still to be told anew.
    pub(super) fn is_busy(&self) -> bool {
        self.retelling.is_some()
    }
}

impl Failover {
    /// Takes note of the subnets in force.
    pub(super) fn note_homes(&mut self, directory: &Directory) {
        let channels = self.channels.iter().map(|channel| &channel.partner);
        let in_force: Vec<_> =
            channels.map(|partner| (partner.name.as_str(), directory.subnets_of(partner.id))).collect();
        self.shared.homes.note(&in_force);
    }

    /// Tells some of what is to be told anew: makes it an own change.
    pub(super) fn retell(&mut self, rest: &mut Rest<'_>) {
        let Some(retelling) = &mut self.shared.homes.retelling else { return };
        let now = rest.now.wall;
        let subnets = &retelling.subnets;
        let is_told = |address: Ipv4Addr| subnets.iter().any(|subnet| subnet.contains(address));
        if retelling.at == 0 {
            for subnet in subnets {
                rest.bindings.retell_runs((subnet.address, subnet.last()), now, rest.out);
            }
        }
        let (mut told, mut looked) = (Vec::new(), 0);
        for binding in rest.bindings.table().slots(retelling.at, SLICE) {
            looked += 1;
            if is_told(binding.address) {
                told.push(binding.address);
            }
            if told.len() == RETOLD_MAX {
                break;
            }
        }
        retelling.at += looked;
        let is_done = retelling.at >= rest.bindings.table().len();
        for address in told {
            rest.bindings.retell(address, now, rest.out);
        }
        if is_done {
            self.shared.homes.retelling = None;
        }
        note_changes(&mut self.channels, (rest.bindings, rest.directory), &self.shared.homes);
    }
}
