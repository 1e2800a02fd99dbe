//! What a checked configuration holds, in the form the server uses: options encoded, inheritance resolved, sections sorted.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::Duration;

use super::option_set::OptionSet;
use crate::clock::Secs;

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
    /// Links: each subnet is in exactly one; those with one SharedNetwork name share one. Order of first subnet in the file.
    pub links: Vec<Link>,
    /// [Host] sections.
    pub hosts: Vec<Host>,
    /// [Failover] of a primary with UseFailoverServer; parsed and checked, behaviour comes later.
    pub failover: Option<FailoverSettings>,
    /// [Primary NAME] sections of a failover.
    pub primaries: Vec<PrimarySettings>,
    /// Each parameter with its effective value and where it was set, for `-T`.
    pub parameters: Vec<Parameter>,
}

/// FailoverServerType.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `Standalone/Primary`
    Primary,
    /// `Failover/Secondary`
    Secondary,
}

/// [Server].
#[derive(Clone, Debug)]
pub struct ServerSettings {
    pub role: Role,
    /// Server identifier; `None`: the address of the arrival interface.
    pub address: Option<Ipv4Addr>,
    pub host_name: Option<String>,
    pub domain_name: Option<String>,
    /// Empty: all that are up and have IPv4, except loopback.
    pub interfaces: Vec<String>,
    pub dhcp_port: u16,
    pub state_dir: PathBuf,
    pub control_socket: PathBuf,
    /// `None`: keep the user. `Some((name, set explicitly?))`
    pub user: Option<UserSetting>,
    pub log_level: log::LevelFilter,
}

/// User.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSetting {
    pub name: String,
    /// Stands in the file; a default that does not exist on the system is only a warning.
    pub explicit: bool,
}

/// Keys of [Policy] that hold for the whole server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlobalPolicy {
    pub nak_unknown_clients: bool,
    pub nack_requests_for_duplicates: bool,
    pub check_transaction_id: bool,
    pub drop_all_inform: bool,
    pub drop_zero_mac: bool,
    pub echo_client_id: bool,
    /// SubnetSelection: honour option 118 (RFC 3011).
    pub subnet_selection: bool,
    /// At least 60 s.
    pub lease_expiration_sleep: Duration,
}

/// Keys of [Policy] that may be narrowed; all resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub default_lease: Secs,
    pub minimum_lease: Secs,
    /// 0 = no limit.
    pub maximum_lease: Secs,
    pub honor_requested_lease_time: bool,
    /// 0 = offers are not held.
    pub max_pending: Duration,
    pub max_unavailable: Secs,
    pub ping_before_assign: bool,
    pub ping_attempts: u32,
    pub ping_delay: Duration,
    pub ping_send_delay: Duration,
    pub registered_clients_only: bool,
    pub force_class: ForceClass,
    /// ActiveLeaseExpiration = Full_delete.
    pub delete_expired: bool,
}

/// The same keys as written in a narrower section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PolicyOverlay {
    pub default_lease: Option<Secs>,
    pub minimum_lease: Option<Secs>,
    pub maximum_lease: Option<Secs>,
    pub honor_requested_lease_time: Option<bool>,
    pub max_pending: Option<Duration>,
    pub max_unavailable: Option<Secs>,
    pub ping_before_assign: Option<bool>,
    pub ping_attempts: Option<u32>,
    pub ping_delay: Option<Duration>,
    pub ping_send_delay: Option<Duration>,
    pub registered_clients_only: Option<bool>,
    pub force_class: Option<ForceClass>,
    pub delete_expired: Option<bool>,
}

impl PolicyOverlay {
    /// `base` with what is written here put over it.
    #[must_use]
    pub fn over(&self, base: &Policy) -> Policy { let _ = base; unimplemented!() }
}

/// ForceClass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForceClass { None, Vendor, User, Both }

/// NextServer, ServerName, BootFile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BootSettings {
    pub next_server: Option<Ipv4Addr>,
    /// Under 64 octets.
    pub server_name: Option<String>,
    /// Under 128 octets.
    pub boot_file: Option<String>,
}

/// An IPv4 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    pub address: Ipv4Addr,
    /// 0 to 32.
    pub prefix: u8,
}

impl Network {
    /// Whether `address` lies in it.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool { address.to_bits() & self.mask().to_bits() == self.address.to_bits() }
    /// The subnet mask.
    #[must_use]
    pub fn mask(&self) -> Ipv4Addr { Ipv4Addr::from_bits(u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0)) }
}

/// [Subnet].
#[derive(Clone, Debug)]
pub struct Subnet {
    pub network: Network,
    /// Index in `Config::links`.
    pub link: usize,
    /// Ranges in file order ([Range] sections take the place where their addresses' subnet lists them; after `Range` keys otherwise).
    pub ranges: Vec<Range>,
    /// Interface = eth0.
    pub interface: Option<String>,
    /// RelayAddress.
    pub relay_addresses: Vec<Ipv4Addr>,
    /// [Policy] with this section's keys put over it.
    pub policy: Policy,
    /// Options of this section alone (not those of [Options]).
    pub options: OptionSet,
    pub boot: BootSettings,
}

/// One range of a subnet, excluded addresses taken out by `excluded`.
#[derive(Clone, Debug)]
pub struct Range {
    pub first: Ipv4Addr,
    pub last: Ipv4Addr,
    /// Exclude and reserved addresses of hosts that lie inside, as sorted, disjoint, inclusive runs.
    pub excluded: Vec<(Ipv4Addr, Ipv4Addr)>,
    pub membership: Membership,
    pub automatic_bootp: bool,
    /// The subnet's policy with the range's keys put over it.
    pub policy: Policy,
    pub options: OptionSet,
    pub boot: BootSettings,
}

/// Class = KNOWN / UNKNOWN of a [Range]. (Named classes come with a later step.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership { Anyone, Known, Unknown }

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
    pub name: String,
    pub identity: HostIdentity,
    pub address: Option<Ipv4Addr>,
    pub policy: PolicyOverlay,
    pub options: OptionSet,
    pub boot: BootSettings,
}

/// How a [Host] is recognised.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostIdentity {
    /// htype (1 unless written otherwise) and address.
    HardwareAddress { htype: u8, address: Box<[u8]> },
    /// Option 61, whole value.
    ClientId(Box<[u8]>),
    /// Sub-option 1 of option 82.
    CircuitId(Box<[u8]>),
}

/// [Failover] of a primary (failover.md section 2); checked here, used from the next step on.
#[derive(Clone, Debug)]
pub struct FailoverSettings {
    pub secondary: String,
    pub common: ChannelSettings,
    pub ctl_req_retry_max: u32,
    pub wait_ctl_ret: Duration,
    pub share_percent: u8,
    pub strict_shares: bool,
    pub hand_over_on_stop: bool,
    pub sync_config: bool,
}

/// Keys that both sides know.
#[derive(Clone, Debug)]
pub struct ChannelSettings {
    pub poll_delay: Option<Duration>,
    pub sync_bind_retry_max: u32,
    pub wait_sync_bind_ack: Duration,
    pub wait_sync_bind_update: Duration,
    pub sync_binding_buf_size: u32,
    pub port: u16,
    pub address: Option<Ipv4Addr>,
    /// `None` is the word `none`.
    pub key_file: Option<PathBuf>,
    pub max_clock_skew: Duration,
}

/// [Primary NAME] of a failover.
#[derive(Clone, Debug)]
pub struct PrimarySettings {
    pub name: String,
    pub primary: String,
    pub common: ChannelSettings,
    pub wait_poll_rpl: Duration,
    pub poll_retry_max: u32,
    pub sync_bindings: bool,
    pub sync_req_retry_max: u32,
    /// Zero: for ever.
    pub wait_sync_start: Duration,
    pub sync_fail_critical: bool,
    pub subnets_file: Option<PathBuf>,
}

/// One line of `-T`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub section: String,
    pub name: String,
    pub value: String,
    pub origin: ParameterOrigin,
}

/// Where a parameter's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterOrigin {
    Default,
    Set { file: PathBuf, line: u32 },
    NotApplicable,
}

