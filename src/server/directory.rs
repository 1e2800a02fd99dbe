//! The directory: the configuration, arranged for look-ups a packet needs. Made once a load, never changed.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;

use super::event::PartnerId;
use crate::config::{Config, GlobalPolicy, Host, HostIdentity, Link, Membership, Network, OptionSet, Range, Subnet};
use crate::lease::pool::{Pool, PoolId, Pools};
use crate::lease::reservations::HostNumber;
use crate::lease::{Client, Hardware};

/// Octets of the longest hardware address (`chaddr`).
const HARDWARE_MAX: usize = 16;

/// A configuration with its indexes. On a failover the subnets of all its primaries stand side by side in it.
#[derive(Clone)]
pub struct Directory {
    config: Config,
    /// Whose subnets there are: this server's own, or each primary's.
    realms: Vec<Realm>,
    subnet_realms: Vec<usize>,
    host_realms: Vec<usize>,
    /// First and last address and index of each subnet, sorted; subnets do not overlap.
    subnets: Vec<(u32, u32, usize)>,
    relays: BTreeMap<Ipv4Addr, usize>,
    reserved: BTreeMap<Ipv4Addr, usize>,
    by_hardware: BTreeMap<Box<[u8]>, Vec<usize>>,
    by_identifier: BTreeMap<Box<[u8]>, Vec<usize>>,
    by_circuit: BTreeMap<Box<[u8]>, Vec<usize>>,
    /// Subnet and range of each pool, by [`PoolId`].
    places: Vec<(usize, usize)>,
    /// Pools of each link, in the order in which they are used.
    link_pools: Vec<Vec<PoolId>>,
}

/// A configuration is long, and never changes: how much of it there is tells one from another.
impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (subnets, hosts) = (self.config.subnets.len(), self.config.hosts.len());
        f.debug_struct("Directory").field("subnets", &subnets).field("hosts", &hosts).finish_non_exhaustive()
    }
}

/// What one administrator's subnets have in common: the policies and options of the server that they belong to.
#[derive(Clone, Debug)]
struct Realm {
    partner: Option<PartnerId>,
    global: GlobalPolicy,
    options: OptionSet,
}

impl Directory {
    /// Arranges `config`, and the parts of the primaries behind which this server stands.
    #[must_use]
    pub fn new(mut config: Config) -> Directory {
        let partner = config.failover.is_some().then_some(PartnerId(0));
        let own = Realm { partner, global: config.global.clone(), options: config.options.clone() };
        let mut realms = vec![own];
        let mut subnet_realms = vec![0; config.subnets.len()];
        let mut host_realms = vec![0; config.hosts.len()];
        for index in 0..config.primaries.len() {
            let Some(part) = config.primaries[index].part.clone() else { continue };
            let realm = realms.len();
            let part = *part;
            realms.push(Realm { partner: Some(PartnerId(index)), global: part.global, options: part.options });
            let (subnets, links) = (config.subnets.len(), config.links.len());
            subnet_realms.resize(subnets + part.subnets.len(), realm);
            host_realms.resize(config.hosts.len() + part.hosts.len(), realm);
            config
                .subnets
                .extend(part.subnets.into_iter().map(|subnet| Subnet { link: subnet.link + links, ..subnet }));
            let moved = |index: usize| index + subnets;
            config.links.extend(
                part.links
                    .into_iter()
                    .map(|link| Link { subnets: link.subnets.into_iter().map(moved).collect(), ..link }),
            );
            config.hosts.extend(part.hosts);
        }
        let mut directory = Directory {
            realms,
            subnet_realms,
            host_realms,
            subnets: subnet_order(&config),
            relays: BTreeMap::new(),
            reserved: BTreeMap::new(),
            by_hardware: BTreeMap::new(),
            by_identifier: BTreeMap::new(),
            by_circuit: BTreeMap::new(),
            places: Vec::new(),
            link_pools: Vec::new(),
            config,
        };
        directory.list_relays();
        directory.list_hosts();
        directory.list_pools();
        directory
    }

    /// The configuration with `part` as the subnets of the primary `name`; `None` where that primary has a
    /// SubnetsFile, or is none of ours.
    #[must_use]
    pub fn with_part(&self, name: &str, part: Box<Config>) -> Option<Config> {
        // What the parts of the primaries added to it is added again when it is arranged.
        let (subnets, links, hosts) = (Vec::new(), Vec::new(), Vec::new());
        let mut config = Config { subnets, links, hosts, ..self.config.clone() };
        let settings = config.primaries.iter_mut().find(|primary| primary.name == name)?;
        if settings.subnets_file.is_some() {
            return None;
        }
        settings.part = Some(part);
        Some(config)
    }

    /// Whether each address belongs to the same partner as by `other`, as far as that can be told without looking at
    /// every address.
    #[must_use]
    pub fn divides_like(&self, other: &Directory) -> bool {
        let partners = |directory: &Directory| -> Vec<String> {
            let primaries = directory.config.primaries.iter().map(|primary| primary.name.clone());
            directory.realms[0].partner.map(|_| String::new()).into_iter().chain(primaries).collect()
        };
        let places = |directory: &Directory| -> Vec<(u32, u32, Option<PartnerId>)> {
            let partner = |&(first, last, at): &(u32, u32, usize)| (first, last, directory.partner_of_subnet(at));
            directory.subnets.iter().map(partner).collect()
        };
        let names = partners(self);
        names == partners(other) && (names.len() == 1 || places(self) == places(other))
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Global policies that hold for a subnet.
    #[must_use]
    pub fn global(&self, subnet: usize) -> &GlobalPolicy {
        &self.realms[self.subnet_realms[subnet]].global
    }

    /// [Options] that hold for a subnet.
    #[must_use]
    pub fn options(&self, subnet: usize) -> &OptionSet {
        &self.realms[self.subnet_realms[subnet]].options
    }

    /// The partner of a subnet; none where the server stands alone.
    #[must_use]
    pub fn partner_of_subnet(&self, subnet: usize) -> Option<PartnerId> {
        self.realms[self.subnet_realms[subnet]].partner
    }

    /// The partner of an address: on a primary its failover, of whatever address; on a failover the primary of its
    /// subnet.
    #[must_use]
    pub fn partner_of(&self, address: Ipv4Addr) -> Option<PartnerId> {
        let of_subnet = || self.partner_of_subnet(self.subnet_of(address)?);
        self.realms[0].partner.or_else(of_subnet)
    }

    /// The subnets of a partner.
    #[must_use]
    pub fn subnets_of(&self, partner: PartnerId) -> Vec<Network> {
        let belongs = |index: &usize| self.partner_of_subnet(*index) == Some(partner);
        (0..self.config.subnets.len()).filter(belongs).map(|index| self.config.subnets[index].network).collect()
    }

    /// Untouched pools for every range, by [`PoolId`].
    #[must_use]
    pub fn pools(&self) -> Pools {
        let pool = |&(subnet, range): &(usize, usize)| {
            let range = &self.config.subnets[subnet].ranges[range];
            let excluded = range.excluded.iter().map(|run| (run.0.to_bits(), run.1.to_bits())).collect();
            Pool::new(range.first, range.last, excluded)
        };
        Pools::new(self.places.iter().map(pool).collect())
    }

    /// The subnet that `address` lies in.
    #[must_use]
    pub fn subnet_of(&self, address: Ipv4Addr) -> Option<usize> {
        let number = address.to_bits();
        let after = self.subnets.partition_point(|entry| entry.0 <= number);
        let &(_, last, index) = self.subnets.get(after.checked_sub(1)?)?;
        (number <= last).then_some(index)
    }

    /// The subnet that a relay serves: by RelayAddress, else the one that its address lies in.
    #[must_use]
    pub fn subnet_of_relay(&self, giaddr: Ipv4Addr) -> Option<usize> {
        self.relays.get(&giaddr).copied().or_else(|| self.subnet_of(giaddr))
    }

    /// The subnets with `Interface = name`.
    pub fn subnets_of_interface<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        let here = move |subnet: &Subnet| subnet.interface.as_deref() == Some(name);
        (0..self.config.subnets.len()).filter(move |&index| here(&self.config.subnets[index]))
    }

    /// One subnet.
    #[must_use]
    pub fn subnet(&self, index: usize) -> &Subnet {
        &self.config.subnets[index]
    }

    /// One host.
    #[must_use]
    pub fn host(&self, index: usize) -> &Host {
        &self.config.hosts[index]
    }

    /// The pools of a link, in the order in which they are used.
    #[must_use]
    pub fn pools_of_link(&self, link: usize) -> &[PoolId] {
        &self.link_pools[link]
    }

    /// The range behind a pool.
    #[must_use]
    pub fn range(&self, pool: PoolId) -> &Range {
        let (subnet, range) = self.places[pool.0];
        &self.config.subnets[subnet].ranges[range]
    }

    /// The host that `address` is reserved for.
    #[must_use]
    pub fn reserved_for(&self, address: Ipv4Addr) -> Option<usize> {
        self.reserved.get(&address).copied()
    }

    /// The same as a number that both servers of a pair have for it.
    #[must_use]
    pub fn reservation(&self, address: Ipv4Addr) -> Option<HostNumber> {
        self.reserved_for(address).map(|host| host_number(&self.host(host).identity))
    }

    /// All reserved addresses, each with its host.
    pub fn reservations(&self) -> impl Iterator<Item = (Ipv4Addr, HostNumber)> + '_ {
        self.reserved.iter().map(|(address, host)| (*address, host_number(&self.host(*host).identity)))
    }

    /// The [Host] of a client on a link: one with an address there before one without, one known by client
    /// identifier before hardware address before circuit. `circuit` is sub-option 1 of option 82.
    #[must_use]
    pub fn host_of(&self, client: &Client<'_>, circuit: Option<&[u8]>, link: usize) -> Option<usize> {
        let by_identifier = client.identifier.and_then(|id| self.by_identifier.get(id));
        let by_hardware = client.hardware.and_then(|hardware| {
            let mut key = [0; HARDWARE_MAX + 1];
            self.by_hardware.get(hardware_key(hardware, &mut key)?)
        });
        let by_circuit = circuit.and_then(|circuit| self.by_circuit.get(circuit));
        let realm = self.config.links[link].subnets.first().map(|&subnet| self.subnet_realms[subnet]);
        let here = move |&host: &usize| realm == Some(self.host_realms[host]);
        let found = || [by_identifier, by_hardware, by_circuit].into_iter().flatten().flatten().copied().filter(here);
        let address = |&host: &usize| self.config.hosts[host].address;
        let on_link = |host: &usize| address(host).is_some_and(|address| self.link_of(address) == Some(link));
        found().find(on_link).or_else(|| found().find(|host| address(host).is_none())).or_else(|| found().next())
    }

    /// The link that `address` lies on.
    #[must_use]
    pub fn link_of(&self, address: Ipv4Addr) -> Option<usize> {
        self.subnet_of(address).map(|subnet| self.config.subnets[subnet].link)
    }

    fn list_relays(&mut self) {
        for (index, subnet) in self.config.subnets.iter().enumerate() {
            for relay in &subnet.relay_addresses {
                self.relays.entry(*relay).or_insert(index);
            }
        }
    }

    fn list_hosts(&mut self) {
        for (index, host) in self.config.hosts.iter().enumerate() {
            let (map, key): (_, Box<[u8]>) = match &host.identity {
                HostIdentity::HardwareAddress { htype, address } => {
                    let key = std::iter::once(*htype).chain(address.iter().copied()).collect();
                    (&mut self.by_hardware, key)
                }
                HostIdentity::ClientId(id) => (&mut self.by_identifier, id.clone()),
                HostIdentity::CircuitId(id) => (&mut self.by_circuit, id.clone()),
            };
            map.entry(key).or_default().push(index);
            if let Some(address) = host.address {
                self.reserved.insert(address, index);
            }
        }
    }

    fn list_pools(&mut self) {
        for link in &self.config.links {
            let mut pools = Vec::new();
            for &subnet in &link.subnets {
                for range in 0..self.config.subnets[subnet].ranges.len() {
                    pools.push(PoolId(self.places.len()));
                    self.places.push((subnet, range));
                }
            }
            self.link_pools.push(pools);
        }
    }
}

/// A host as both servers of a pair number it.
#[must_use]
pub fn host_number(identity: &HostIdentity) -> HostNumber {
    match identity {
        HostIdentity::HardwareAddress { htype, address } => HostNumber::new([1, *htype], address),
        HostIdentity::ClientId(id) => HostNumber::new([2, 0], id),
        HostIdentity::CircuitId(id) => HostNumber::new([3, 0], id),
    }
}

/// Whether a range is for a client that has, or has not, a [Host].
#[must_use]
pub fn admits(range: &Range, host: Option<usize>) -> bool {
    match range.membership {
        Membership::Anyone => true,
        Membership::Known => host.is_some(),
        Membership::Unknown => host.is_none(),
    }
}

fn subnet_order(config: &Config) -> Vec<(u32, u32, usize)> {
    let mut order: Vec<_> = config
        .subnets
        .iter()
        .enumerate()
        .map(|(index, subnet)| {
            let first = subnet.network.address.to_bits();
            (first, first | !subnet.network.mask().to_bits(), index)
        })
        .collect();
    order.sort_unstable();
    order
}

fn hardware_key<'a>(hardware: Hardware<'_>, room: &'a mut [u8; HARDWARE_MAX + 1]) -> Option<&'a [u8]> {
    let end = hardware.address.len() + 1;
    room[0] = hardware.htype;
    room.get_mut(1..end)?.copy_from_slice(hardware.address);
    room.get(..end)
}
