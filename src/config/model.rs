//! What a checked configuration holds, in the form the server uses: options encoded, inheritance resolved,
//! sections sorted.
//!
//! The settings that hold without subnets stand in `settings.rs`. Nothing here decides anything.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;
use super::option_set::OptionSet;
pub use super::settings::{
    BootSettings, ChannelSettings, FailoverSettings, ForceClass, GlobalPolicy, Policy, PolicyOverlay, PrimarySettings,
    Role, ServerSettings, UserSetting,
};

/// The whole checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// [Server].
    pub server: ServerSettings,
    /// Global-only keys of [Policy].
    pub global: GlobalPolicy,
    /// [Policy] where nothing narrower says otherwise.
    pub policy: Policy,
    /// [Options].
    pub options: OptionSet,
    /// Subnets, sorted by network address. They do not overlap.
    pub subnets: Vec<Subnet>,
    /// Links: each subnet is in exactly one; those with one SharedNetwork name share one. Order of first subnet in
    /// the file.
    pub links: Vec<Link>,
    /// [Host] sections.
    pub hosts: Vec<Host>,
    /// [Failover] of a primary with UseFailoverServer.
    pub failover: Option<FailoverSettings>,
    /// [Primary NAME] sections of a failover.
    pub primaries: Vec<PrimarySettings>,
    /// What a failover needs to serve the same clients, as text.
    pub subnets_text: SubnetsText,
    /// What is legal and may not be what was meant; not errors.
    pub notices: Vec<ConfigError>,
    /// Each parameter with its effective value and where it was set, for `-T`.
    pub parameters: Vec<Parameter>,
}

impl Config {
    /// The channels to partners; the place of each is its `PartnerId`.
    pub fn channels(&self) -> impl Iterator<Item = &ChannelSettings> + Clone {
        let failover = self.failover.iter().map(|failover| &failover.common);
        failover.chain(self.primaries.iter().map(|primary| &primary.common))
    }

    /// Where the one socket for all partners is bound; `None`: there is no partner.
    #[must_use]
    pub fn failover_socket(&self) -> Option<SocketAddrV4> {
        let channel = self.channels().next()?;
        let address = channel.address.or(self.server.address).unwrap_or(Ipv4Addr::UNSPECIFIED);
        Some(SocketAddrV4::new(address, channel.port))
    }
}

/// [Policy], [Options], [Subnet], [Range] and [Host] in one form for one meaning: includes resolved, comments gone,
/// sections and keys in a fixed order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubnetsText {
    /// A configuration file that `load_subnets` takes.
    pub text: String,
    /// SHA-256 of the text: equal where partners serve the same.
    pub digest: [u8; 32],
}

/// An IPv4 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    /// The lowest address; bits outside the prefix are zero.
    pub address: Ipv4Addr,
    /// 0 to 32.
    pub prefix: u8,
}

impl Network {
    /// Whether `address` lies in it.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        address.to_bits() & self.mask().to_bits() == self.address.to_bits()
    }

    /// The subnet mask.
    #[must_use]
    pub fn mask(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0))
    }

    /// The highest address.
    #[must_use]
    pub fn last(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() | !self.mask().to_bits())
    }

    /// Whether `address` is the network's own or its broadcast address; /31 and /32 have neither (RFC 3021).
    #[must_use]
    pub fn is_unusable(&self, address: Ipv4Addr) -> bool {
        self.prefix <= 30 && (address == self.address || address == self.last())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// [Subnet].
#[derive(Clone, Debug)]
pub struct Subnet {
    /// Its addresses.
    pub network: Network,
    /// Index in `Config::links`.
    pub link: usize,
    /// Ranges in file order ([Range] sections take the place where their addresses' subnet lists them; after
    /// `Range` keys otherwise).
    pub ranges: Vec<Range>,
    /// Interface = eth0.
    pub interface: Option<String>,
    /// RelayAddress.
    pub relay_addresses: Vec<Ipv4Addr>,
    /// [Policy] with this section's keys put over it.
    pub policy: Policy,
    /// Options of this section alone (not those of [Options]).
    pub options: OptionSet,
    /// NextServer, ServerName, BootFile of this section alone.
    pub boot: BootSettings,
}

/// One range of a subnet, excluded addresses taken out by `excluded`.
#[derive(Clone, Debug)]
pub struct Range {
    /// First address.
    pub first: Ipv4Addr,
    /// Last address, not before the first.
    pub last: Ipv4Addr,
    /// Exclude, addresses of hosts, ServerAddress and the partner that lie inside, as sorted, disjoint, inclusive runs.
    pub excluded: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// Who may have its addresses.
    pub membership: Membership,
    /// BOOTP clients get permanent addresses.
    pub automatic_bootp: bool,
    /// The subnet's policy with the range's keys put over it.
    pub policy: Policy,
    /// Options of the [Range] section alone.
    pub options: OptionSet,
    /// NextServer, ServerName, BootFile of the [Range] section alone.
    pub boot: BootSettings,
}

/// Class = KNOWN / UNKNOWN of a [Range]. (Named classes come with a later step.)
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Membership {
    /// Any client.
    #[default]
    Anyone,
    /// Clients with a [Host].
    #[serde(rename = "KNOWN")]
    Known,
    /// Clients without one.
    #[serde(rename = "UNKNOWN")]
    Unknown,
}

/// Subnets that share one wire.
#[derive(Clone, Debug)]
pub struct Link {
    /// SharedNetwork, or the subnet as text.
    pub name: String,
    /// Indexes in `Config::subnets`, in file order.
    pub subnets: Vec<usize>,
}

/// [Host].
#[derive(Clone, Debug)]
pub struct Host {
    /// NAME of [Host NAME].
    pub name: String,
    /// How the client is recognised.
    pub identity: HostIdentity,
    /// Its address, inside a subnet; `None`: the section has options and policies only.
    pub address: Option<Ipv4Addr>,
    /// Policies that go over those of the subnet or range.
    pub policy: PolicyOverlay,
    /// Options of this section alone.
    pub options: OptionSet,
    /// NextServer, ServerName, BootFile of this section alone.
    pub boot: BootSettings,
}

/// How a [Host] is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostIdentity {
    /// htype (1 unless written otherwise) and address.
    HardwareAddress {
        /// Hardware type (ARP's numbers).
        htype: u8,
        /// 1 to 16 octets.
        address: Box<[u8]>,
    },
    /// Option 61, whole value.
    ClientId(Box<[u8]>),
    /// Sub-option 1 of option 82.
    CircuitId(Box<[u8]>),
}

/// One line of `-T`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Kind and name of the section, without brackets.
    pub section: String,
    /// Key, or option with its prefix.
    pub name: String,
    /// As written, or the default.
    pub value: String,
    /// Where the value comes from.
    pub origin: ParameterOrigin,
}

/// Where a parameter's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterOrigin {
    /// The key is not written.
    Default,
    /// The key is written there.
    Set {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: u32,
    },
    /// The server's role does not use it.
    NotApplicable,
}
