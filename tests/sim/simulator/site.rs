//! What the servers are configured with: one failover, some primaries, several small subnets each; and what a reload
//! changes in it.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use understudy::config::{self, Config, Source};
use understudy::server::event::{Interface, InterfaceId};

use super::channel::{Channel, End};
use super::mix::{Fault, Mix, Strict};
use super::random::Random;

const MAIN: &str = "/etc/understudy/understudyd.ini";
/// The interface that servers and relays meet on.
pub(crate) const BACKBONE: InterfaceId = InterfaceId(1);
/// The first interface with clients; its subnet has the index 0.
const FIRST_LINK: u32 = 10;
/// Last octet of the first address of each range.
const FIRST: u8 = 50;

/// How clients of a subnet reach the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Both servers have an interface there.
    Direct,
    /// Through a relay, which may add option 82.
    Relay {
        /// Whether it does.
        marks: bool,
    },
}

/// One subnet.
#[derive(Clone, Debug)]
pub(crate) struct Subnet {
    /// Which primary has it.
    pub(crate) primary: usize,
    /// The first subnet on its link: itself, unless it shares the link of another.
    link: usize,
    octets: [u8; 3],
    /// Addresses of its range.
    pub(crate) size: u8,
    /// How clients reach the servers.
    pub(crate) reach: Reach,
    /// Last octet of a reserved address, and the number of the client that it is for.
    pub(crate) reserved: Vec<(u8, u16)>,
    /// Whether it is configured.
    pub(crate) present: bool,
}

impl Subnet {
    /// An address of it.
    pub(crate) fn address(&self, last: u8) -> Ipv4Addr {
        let [a, b, c] = self.octets;
        Ipv4Addr::new(a, b, c, last)
    }

    /// Whether an address belongs to it.
    pub(crate) fn contains(&self, address: Ipv4Addr) -> bool {
        address.octets()[..3] == self.octets
    }

    /// Its addresses that clients may get, reserved ones included.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let reserved = self.reserved.iter().map(|entry| entry.0).filter(|last| !self.span().contains(last));
        self.span().chain(reserved).map(|last| self.address(last))
    }

    fn span(&self) -> std::ops::Range<u8> {
        FIRST..FIRST + self.size
    }

    /// Its part of a configuration; `shares`: with the name of its link.
    fn text(&self, shares: Option<usize>) -> String {
        let [a, b, c] = self.octets;
        let last = FIRST + self.size - 1;
        let mut text = format!("[Subnet {a}.{b}.{c}.0/24]\nRange = {a}.{b}.{c}.{FIRST} - {a}.{b}.{c}.{last}\n");
        if let Some(link) = shares {
            text += &format!("SharedNetwork = link{link}\n");
        }
        for (last, number) in &self.reserved {
            let [high, low] = number.to_be_bytes();
            text += &format!(
                "[Host h{b}-{c}-{last}]\nHardwareAddress = 02:00:00:00:{high:02x}:{low:02x}\n\
                 Address = {a}.{b}.{c}.{last}\n"
            );
        }
        text
    }
}

/// All configurations.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// How many primaries.
    pub(crate) primaries: usize,
    /// All subnets.
    pub(crate) subnets: Vec<Subnet>,
    /// The channel of each primary.
    pub(crate) channels: Vec<Channel>,
    /// Whether ended leases are deleted (ActiveLeaseExpiration).
    pub(crate) deletes: bool,
    /// DefaultLease, in seconds.
    pub(crate) lease: u64,
    /// MaxClockSkewSecs.
    pub(crate) skew: u64,
    /// Keys that have been in use.
    keys: u8,
}

struct Texts(HashMap<PathBuf, String>);

impl Source for Texts {
    fn read(&self, path: &Path) -> io::Result<String> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

/// The server identifier of a node; node `primaries` is the failover.
pub(crate) fn server_address(node: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 9, 0, node as u8 + 1)
}

impl Site {
    /// A site as the generator has it. What only some mixes have comes from numbers of its own, so that all other sites
    /// stay what they are.
    pub(crate) fn draw(seed: u64, mix: &Mix, random: &mut Random) -> Site {
        let primaries = random.pick(&[1, 1, 1, 2, 2, 3, 4, 5]);
        let mut subnets = Vec::new();
        for primary in 0..primaries {
            let count = if primaries > 2 { 1 } else { random.between(1, 3) };
            for number in 0..count {
                subnets.push(draw_subnet((primary, number as u8), subnets.len(), random));
            }
        }
        let skew = random.between(1, 3);
        let mut site = Site {
            primaries,
            subnets,
            channels: Vec::new(),
            deletes: false,
            lease: random.between(30, 90),
            skew,
            keys: primaries as u8,
        };
        for primary in 0..primaries {
            site.channels.push(Channel::draw(mix.strict, skew, primary as u8, random));
        }
        site.draw_special(mix, &mut Random::new(seed ^ 0x517E));
        site
    }

    fn draw_special(&mut self, mix: &Mix, random: &mut Random) {
        self.deletes = mix.has(Fault::FullDelete) && random.happens(mix.often());
        for channel in &mut self.channels {
            channel.draw_special(mix, random);
        }
        if mix.has(Fault::SharedNetworks) {
            for primary in 0..self.primaries {
                if random.happens(mix.often()) {
                    self.share_a_link(primary, random);
                }
            }
        }
    }

    /// Two subnets of a primary, or all, get one link; one that has only one gets another.
    fn share_a_link(&mut self, primary: usize, random: &mut Random) {
        let own = |subnets: &[Subnet]| -> Vec<usize> {
            (0..subnets.len()).filter(|index| subnets[*index].primary == primary).collect()
        };
        if own(&self.subnets).len() == 1 {
            self.subnets.push(draw_subnet((primary, 1), self.subnets.len(), random));
        }
        let mut all = own(&self.subnets);
        if all.len() > 2 && random.happens(50) {
            all.pop();
        }
        let first = all[0];
        for index in all {
            self.subnets[index].link = first;
            self.subnets[index].reach = self.subnets[first].reach;
        }
    }

    /// How long polls may stay unanswered on a channel before the failover serves, in milliseconds.
    pub(crate) fn detection_ms(&self, primary: usize) -> u64 {
        (self.channels[primary].detection * 1000.0) as u64
    }

    /// A key that nobody has had.
    pub(crate) fn new_key(&mut self) -> u8 {
        self.keys += 1;
        self.keys
    }

    /// The configuration of a primary.
    pub(crate) fn of_primary(&self, primary: usize) -> Config {
        let channel = &self.channels[primary];
        let strict = if channel.strict == Strict::Yes { "True" } else { "False" };
        let deletes = if self.deletes { "ActiveLeaseExpiration = Full_delete\n" } else { "" };
        let mut text = format!(
            "[Server]\nHostName = p{primary}\nServerAddress = {}\n[Failover]\nUseFailoverServer = True\n\
             SecondaryIpAddr = {}\nFailoverKeyFile = /k{primary}\nStrictShares = {strict}\nFailoverShare = {}\n{}\
             [Policy]\nDefaultLease = {}\nMaxUnavailableTime = 60\nMaxPendingSeconds = 4\nPingDelay = 100\n{deletes}",
            server_address(primary),
            server_address(self.primaries),
            channel.share,
            channel.text(End::Primary),
            self.lease,
        );
        for subnet in self.subnets.iter().filter(|subnet| subnet.primary == primary && subnet.present) {
            text += &subnet.text(self.is_shared(subnet.link).then_some(subnet.link));
        }
        load(&text, &[(format!("/k{primary}"), channel.key_file(End::Primary))])
    }

    /// The failover's configuration, with the subnets that it has from its primaries.
    pub(crate) fn of_failover(&self, stored: &HashMap<String, String>) -> Config {
        let address = server_address(self.primaries);
        let mut text =
            format!("[Server]\nHostName = f\nServerAddress = {address}\nFailoverServerType = Failover/Secondary\n");
        let mut files = Vec::new();
        for primary in 0..self.primaries {
            text += &self.primary_section(primary);
            files.push((format!("/k{primary}"), self.channels[primary].key_file(End::Failover)));
        }
        let mut config = load(&text, &files);
        for primary in &mut config.primaries {
            let part = stored.get(&primary.name).map(|text| config::load_subnets(&primary.name, text));
            primary.part = part.map(|part| Box::new(part.unwrap_or_else(|errors| panic!("{errors:?}"))));
        }
        config
    }

    fn primary_section(&self, primary: usize) -> String {
        format!(
            "[Primary p{primary}]\nPrimaryIpAddr = {}\nFailoverKeyFile = /k{primary}\n{}",
            server_address(primary),
            self.channels[primary].text(End::Failover)
        )
    }

    /// The configuration of a second failover that claims one primary.
    pub(crate) fn of_rival(&self, primary: usize) -> Config {
        let text = format!(
            "[Server]\nHostName = g\nServerAddress = {}\nFailoverServerType = Failover/Secondary\n{}",
            server_address(self.primaries + 1),
            self.primary_section(primary)
        );
        load(&text, &[(format!("/k{primary}"), self.channels[primary].key_file(End::Failover))])
    }

    /// The interfaces of a node.
    pub(crate) fn interfaces(&self, node: usize) -> Vec<Interface> {
        let backbone = Interface { id: BACKBONE, name: "back".into(), addresses: vec![(server_address(node), 24)] };
        let own = |subnet: &Subnet| node >= self.primaries || subnet.primary == node;
        let last = if node < self.primaries { 2 } else { 3 + (node - self.primaries) as u8 };
        let mut all = vec![backbone];
        for (index, subnet) in self.subnets.iter().enumerate() {
            if subnet.reach == Reach::Direct && own(subnet) && subnet.link == index {
                let addresses = self.on_link(index).map(|each| (self.subnets[each].address(last), 24)).collect();
                all.push(Interface { id: link_id(index), name: format!("eth{index}"), addresses });
            }
        }
        all
    }

    /// The link of a subnet, by the first subnet on it: where clients and wires are.
    pub(crate) fn link(&self, subnet: usize) -> usize {
        self.subnets[subnet].link
    }

    /// The subnets on a link.
    pub(crate) fn on_link(&self, link: usize) -> impl Iterator<Item = usize> {
        (0..self.subnets.len()).filter(move |index| self.subnets[*index].link == link)
    }

    /// Whether a link has more than one subnet.
    pub(crate) fn is_shared(&self, link: usize) -> bool {
        self.on_link(link).count() > 1
    }

    /// Whether two addresses belong on one link.
    pub(crate) fn is_same_link(&self, one: Ipv4Addr, other: Ipv4Addr) -> bool {
        let link = |address| self.subnet_of(address).map(|subnet| self.link(subnet));
        link(one).is_some_and(|at| link(other) == Some(at))
    }

    /// The relay of a link: of the first of its subnets that is configured.
    pub(crate) fn relay(&self, link: usize) -> Ipv4Addr {
        let first = self.on_link(link).find(|index| self.subnets[*index].present);
        self.subnets[first.unwrap_or(link)].address(1)
    }

    /// The subnet on an interface with clients.
    pub(crate) fn subnet_on(&self, interface: InterfaceId) -> Option<usize> {
        interface.0.checked_sub(FIRST_LINK).map(|index| index as usize)
    }

    /// The subnet that an address belongs to.
    pub(crate) fn subnet_of(&self, address: Ipv4Addr) -> Option<usize> {
        self.subnets.iter().position(|subnet| subnet.contains(address))
    }

    /// The server with an address, its own on a subnet included.
    pub(crate) fn node_at(&self, address: Ipv4Addr) -> Option<usize> {
        if let Some(node) = (0..=self.primaries).find(|node| server_address(*node) == address) {
            return Some(node);
        }
        let subnet = &self.subnets[self.subnet_of(address)?];
        match address.octets()[3] {
            2 => Some(subnet.primary),
            3 => Some(self.primaries),
            _ => None,
        }
    }

    /// Changes something of a primary's configuration, for a reload; in words.
    pub(crate) fn change(&mut self, primary: usize, random: &mut Random) -> String {
        let own: Vec<usize> = (0..self.subnets.len()).filter(|index| self.subnets[*index].primary == primary).collect();
        let at = random.pick(&own);
        let present = own.iter().filter(|index| self.subnets[**index].present).count();
        let subnet = &mut self.subnets[at];
        match random.below(6) {
            0 => {
                let share = random.pick(&[0, 30, 50, 70, 100]);
                self.channels[primary].share = share;
                format!("share of p{primary} {share}")
            }
            1 => {
                subnet.size = random.between(3, 7) as u8;
                format!("subnet {at} size {}", subnet.size)
            }
            2 => {
                let last = random.between(u64::from(FIRST), u64::from(FIRST) + 8) as u8;
                subnet.reserved = vec![(last, (at * 16) as u16 + random.below(6) as u16)];
                format!("subnet {at} reserves {:?}", subnet.reserved)
            }
            3 => {
                subnet.reserved.clear();
                format!("subnet {at} reserves nothing")
            }
            4 if present > 1 || !subnet.present => {
                subnet.present = !subnet.present;
                format!("subnet {at} present: {}", subnet.present)
            }
            _ => "nothing changes".to_owned(),
        }
    }
}

/// A subnet of a primary, the `number`th of it and the `index`th of all.
fn draw_subnet((primary, number): (usize, u8), index: usize, random: &mut Random) -> Subnet {
    let reach = match random.below(5) {
        0 => Reach::Relay { marks: true },
        1 => Reach::Relay { marks: false },
        _ => Reach::Direct,
    };
    let octets = [10, primary as u8 + 20, number];
    Subnet {
        primary,
        link: index,
        octets,
        size: random.between(3, 6) as u8,
        reach,
        reserved: Vec::new(),
        present: true,
    }
}

/// The interface of a subnet.
pub(crate) fn link_id(subnet: usize) -> InterfaceId {
    InterfaceId(FIRST_LINK + subnet as u32)
}

fn load(text: &str, files: &[(String, String)]) -> Config {
    let mut texts: HashMap<PathBuf, String> =
        files.iter().map(|(path, text)| (PathBuf::from(path), text.clone())).collect();
    texts.insert(PathBuf::from(MAIN), text.to_owned());
    config::load(Path::new(MAIN), &Texts(texts)).unwrap_or_else(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("refused:\n{}\n{text}", errors.join("\n"))
    })
}
