//! What the servers are configured with: one failover, some primaries, several small subnets each; and what a reload
//! changes in it.

use std::collections::HashMap;
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use understudy::config::{self, Config, Source};
use understudy::server::event::{Interface, InterfaceId};

use super::mix::{Mix, Strict};
use super::random::Random;

const MAIN: &str = "/etc/understudy/understudyd.ini";
/// The keys of the channels; the last one is a stranger's.
pub(crate) const KEYS: [&str; 6] = [
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "AgECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "AwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    "BQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
];
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

    fn text(&self) -> String {
        let [a, b, c] = self.octets;
        let last = FIRST + self.size - 1;
        let mut text = format!("[Subnet {a}.{b}.{c}.0/24]\nRange = {a}.{b}.{c}.{FIRST} - {a}.{b}.{c}.{last}\n");
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

/// The parameters of one channel.
#[derive(Clone, Debug)]
struct Channel {
    failover: String,
    primary: String,
    strict: Strict,
    share: u64,
}

/// All configurations.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// How many primaries.
    pub(crate) primaries: usize,
    /// All subnets.
    pub(crate) subnets: Vec<Subnet>,
    channels: Vec<Channel>,
    /// DefaultLease, in seconds.
    pub(crate) lease: u64,
    /// Detection of each channel: PollDelay and all waits for polls, in seconds.
    pub(crate) detection: Vec<f64>,
    /// MaxClockSkewSecs.
    pub(crate) skew: u64,
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
    /// A site as the generator has it.
    pub(crate) fn draw(mix: &Mix, random: &mut Random) -> Site {
        let primaries = random.pick(&[1, 1, 1, 2, 2, 3, 4, 5]);
        let mut subnets = Vec::new();
        for primary in 0..primaries {
            let count = if primaries > 2 { 1 } else { random.between(1, 3) };
            for number in 0..count {
                subnets.push(draw_subnet(primary, number as u8, random));
            }
        }
        let skew = random.between(1, 3);
        let mut site = Site {
            primaries,
            subnets,
            channels: Vec::new(),
            lease: random.between(30, 90),
            detection: Vec::new(),
            skew,
        };
        for _ in 0..primaries {
            site.draw_channel(mix.strict, random);
        }
        site
    }

    fn draw_channel(&mut self, strict: Strict, random: &mut Random) {
        let size = random.pick(&[64, 96, 128, 512, 1024]);
        let skew = self.skew;
        let delay = random.between(5, 30) as f64 / 10.0;
        let wait = random.between(3, 10) as f64 / 10.0;
        let retries = random.between(1, 3);
        let ack = random.between(3, 10) as f64 / 10.0;
        let update = random.between(10, 30) as f64 / 10.0;
        let both = format!(
            "WaitSyncBindAckSecs = {ack}\nWaitSyncBindUpdateSecs = {update}\nSyncBindingBufSize = {size}\n\
             MaxClockSkewSecs = {skew}\nSyncBindRetryMax = {}\n",
            random.between(1, 3)
        );
        let failover = format!(
            "{both}PollDelay = {delay}\nWaitPollRplSecs = {wait}\nPollRetryMax = {retries}\n\
             SyncReqRetryMax = {}\nWaitSyncStartSecs = {}\n",
            random.between(1, 3),
            random.between(3, 10) as f64 / 10.0
        );
        let primary = format!(
            "{both}CtlReqRetryMax = {}\nWaitCtlRetSecs = {}\n",
            random.between(1, 3),
            random.between(3, 10) as f64 / 10.0
        );
        self.detection.push(delay + (retries + 1) as f64 * wait);
        self.channels.push(Channel { failover, primary, strict, share: random.pick(&[0, 30, 50, 50, 70, 100]) });
    }

    /// The configuration of a primary.
    pub(crate) fn of_primary(&self, primary: usize) -> Config {
        let channel = &self.channels[primary];
        let strict = if channel.strict == Strict::Yes { "True" } else { "False" };
        let mut text = format!(
            "[Server]\nHostName = p{primary}\nServerAddress = {}\n[Failover]\nUseFailoverServer = True\n\
             SecondaryIpAddr = {}\nFailoverKeyFile = /k{primary}\nStrictShares = {strict}\nFailoverShare = {}\n{}\
             [Policy]\nDefaultLease = {}\nMaxUnavailableTime = 60\nMaxPendingSeconds = 4\nPingDelay = 100\n",
            server_address(primary),
            server_address(self.primaries),
            channel.share,
            channel.primary,
            self.lease,
        );
        for subnet in self.subnets.iter().filter(|subnet| subnet.primary == primary && subnet.present) {
            text += &subnet.text();
        }
        load(&text)
    }

    /// The failover's configuration, with the subnets that it has from its primaries.
    pub(crate) fn of_failover(&self, stored: &HashMap<String, String>) -> Config {
        let address = server_address(self.primaries);
        let mut text =
            format!("[Server]\nHostName = f\nServerAddress = {address}\nFailoverServerType = Failover/Secondary\n");
        for (primary, channel) in self.channels.iter().enumerate() {
            text += &format!(
                "[Primary p{primary}]\nPrimaryIpAddr = {}\nFailoverKeyFile = /k{primary}\n{}",
                server_address(primary),
                channel.failover
            );
        }
        let mut config = load(&text);
        for primary in &mut config.primaries {
            let part = stored.get(&primary.name).map(|text| config::load_subnets(&primary.name, text));
            primary.part = part.map(|part| Box::new(part.unwrap_or_else(|errors| panic!("{errors:?}"))));
        }
        config
    }

    /// The interfaces of a node.
    pub(crate) fn interfaces(&self, node: usize) -> Vec<Interface> {
        let backbone = Interface { id: BACKBONE, name: "back".into(), addresses: vec![(server_address(node), 24)] };
        let own = |subnet: &Subnet| node == self.primaries || subnet.primary == node;
        let mut all = vec![backbone];
        for (index, subnet) in self.subnets.iter().enumerate() {
            if subnet.reach == Reach::Direct && own(subnet) {
                let last = if node == self.primaries { 3 } else { 2 };
                let name = format!("eth{index}");
                all.push(Interface { id: link_id(index), name, addresses: vec![(subnet.address(last), 24)] });
            }
        }
        all
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

fn draw_subnet(primary: usize, number: u8, random: &mut Random) -> Subnet {
    let reach = match random.below(5) {
        0 => Reach::Relay { marks: true },
        1 => Reach::Relay { marks: false },
        _ => Reach::Direct,
    };
    let octets = [10, primary as u8 + 20, number];
    Subnet { primary, octets, size: random.between(3, 6) as u8, reach, reserved: Vec::new(), present: true }
}

/// The interface of a subnet.
pub(crate) fn link_id(subnet: usize) -> InterfaceId {
    InterfaceId(FIRST_LINK + subnet as u32)
}

fn load(text: &str) -> Config {
    let mut texts: HashMap<PathBuf, String> = HashMap::new();
    for (index, key) in KEYS.iter().enumerate() {
        texts.insert(PathBuf::from(format!("/k{index}")), format!("{key}\n"));
    }
    texts.insert(PathBuf::from(MAIN), text.to_owned());
    config::load(Path::new(MAIN), &Texts(texts)).unwrap_or_else(|errors| {
        let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("refused:\n{}\n{text}", errors.join("\n"))
    })
}
