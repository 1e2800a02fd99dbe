//! Settings of the server and its policies, filled by serde from checked values.
//!
//! Each field carries the name of its key in the table of `keys.rs`; units and bounds are the table's.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::model::Config;
use super::value;
use crate::clock::Secs;
use crate::wire::seal::Keys;

/// FailoverServerType.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Role {
    /// `Standalone/Primary`: serves its subnets, alone or with a failover behind it.
    #[serde(rename = "Standalone/Primary")]
    Primary,
    /// `Failover/Secondary`: stands behind one primary or more.
    #[serde(rename = "Failover/Secondary")]
    Secondary,
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Role::Primary => "Standalone/Primary",
            Role::Secondary => "Failover/Secondary",
        })
    }
}

/// [Server].
#[derive(Clone, Debug, Deserialize)]
pub struct ServerSettings {
    /// Which keys are legal, and how many partners.
    #[serde(rename = "FailoverServerType")]
    pub role: Role,
    /// Server identifier; `None`: the address of the arrival interface.
    #[serde(rename = "ServerAddress")]
    pub address: Option<Ipv4Addr>,
    /// Name of this server; `None`: the host name of the system.
    #[serde(rename = "HostName")]
    pub host_name: Option<String>,
    /// Domain of this server.
    #[serde(rename = "DomainName")]
    pub domain_name: Option<String>,
    /// Empty: all that are up and have IPv4, except loopback.
    #[serde(rename = "Interfaces", default)]
    pub interfaces: Vec<String>,
    /// UDP port of the server, 1 to 65534; clients are at the next one.
    #[serde(rename = "DhcpPort")]
    pub dhcp_port: u16,
    /// Folder of the lease journal; absolute.
    #[serde(rename = "StateDir")]
    pub state_dir: PathBuf,
    /// Socket for understudyctl; absolute, short enough for a Unix domain address.
    #[serde(rename = "ControlSocket")]
    pub control_socket: PathBuf,
    /// The user to run as when started by root; always set by `load`.
    #[serde(skip)]
    pub user: Option<UserSetting>,
    /// Least weighty line that is logged.
    #[serde(rename = "LogLevel", deserialize_with = "value::log_level")]
    pub log_level: log::LevelFilter,
}

/// User.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSetting {
    /// Login name.
    pub name: String,
    /// Stands in the file; a default that does not exist on the system is only a warning.
    pub explicit: bool,
}

/// Keys of [Policy] that hold for the whole server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct GlobalPolicy {
    /// NAK requests for addresses that this server does not know.
    #[serde(rename = "NakUnknownClients")]
    pub nak_unknown_clients: bool,
    /// NAK a request for an address that is another client's; else silence.
    #[serde(rename = "NackDhcpRequestsForDuplicates")]
    pub nack_requests_for_duplicates: bool,
    /// Drop a message whose transaction id was just seen.
    #[serde(rename = "CheckTransactionID")]
    pub check_transaction_id: bool,
    /// Leave DHCPINFORM unanswered.
    #[serde(rename = "DropAllDhcpInformPackets")]
    pub drop_all_inform: bool,
    /// Drop messages with an all-zero hardware address, DHCPINFORM apart.
    #[serde(rename = "DropZeroMacAddressPackets")]
    pub drop_zero_mac: bool,
    /// Send the client identifier back (RFC 6842).
    #[serde(rename = "EchoClientId")]
    pub echo_client_id: bool,
    /// Honour the subnet selection option (RFC 3011).
    #[serde(rename = "SubnetSelection")]
    pub subnet_selection: bool,
    /// At least 60 s.
    #[serde(rename = "LeaseExpirationSleepTime", deserialize_with = "value::millis")]
    pub lease_expiration_sleep: Duration,
}

/// Keys of [Policy] that may be narrowed; all resolved.
///
/// `default_lease` may lie outside the minimum and the maximum when they were written in different sections: who
/// grants a
/// lease cuts it to them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Policy {
    /// Lease of a client that asks for none.
    #[serde(rename = "DefaultLease", deserialize_with = "value::secs")]
    pub default_lease: Secs,
    /// Shortest lease; at most `maximum_lease` where that is a limit.
    #[serde(rename = "MinimumLease", deserialize_with = "value::secs")]
    pub minimum_lease: Secs,
    /// 0 = no limit.
    #[serde(rename = "MaximumLease", deserialize_with = "value::secs")]
    pub maximum_lease: Secs,
    /// Grant the time that the client asks for, within the bounds.
    #[serde(rename = "HonorRequestedLeaseTime")]
    pub honor_requested_lease_time: bool,
    /// 0 = offers are not held.
    #[serde(rename = "MaxPendingSeconds", deserialize_with = "value::millis")]
    pub max_pending: Duration,
    /// How long a declined address is left alone.
    #[serde(rename = "MaxUnavailableTime", deserialize_with = "value::secs")]
    pub max_unavailable: Secs,
    /// Ping an address before it is offered.
    #[serde(rename = "PingBeforeAssign")]
    pub ping_before_assign: bool,
    /// Pings an address, 1 to 10.
    #[serde(rename = "PingAttempts")]
    pub ping_attempts: u32,
    /// Wait for an answer.
    #[serde(rename = "PingDelay", deserialize_with = "value::millis")]
    pub ping_delay: Duration,
    /// Pause between two pings.
    #[serde(rename = "PingSendDelay", deserialize_with = "value::millis")]
    pub ping_send_delay: Duration,
    /// Serve only clients that have a [Host].
    #[serde(rename = "RegisteredClientsOnly")]
    pub registered_clients_only: bool,
    /// Classes that a range demands; always `None` in this version.
    #[serde(rename = "ForceClass")]
    pub force_class: ForceClass,
    /// ActiveLeaseExpiration = Full_delete.
    #[serde(rename = "ActiveLeaseExpiration", deserialize_with = "value::full_delete")]
    pub delete_expired: bool,
}

/// The same keys as written in a narrower section; `None`: not written there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct PolicyOverlay {
    /// See [`Policy::default_lease`].
    #[serde(rename = "DefaultLease", deserialize_with = "value::some_secs")]
    pub default_lease: Option<Secs>,
    /// See [`Policy::minimum_lease`].
    #[serde(rename = "MinimumLease", deserialize_with = "value::some_secs")]
    pub minimum_lease: Option<Secs>,
    /// See [`Policy::maximum_lease`].
    #[serde(rename = "MaximumLease", deserialize_with = "value::some_secs")]
    pub maximum_lease: Option<Secs>,
    /// See [`Policy::honor_requested_lease_time`].
    #[serde(rename = "HonorRequestedLeaseTime")]
    pub honor_requested_lease_time: Option<bool>,
    /// See [`Policy::max_pending`].
    #[serde(rename = "MaxPendingSeconds", deserialize_with = "value::some_millis")]
    pub max_pending: Option<Duration>,
    /// See [`Policy::max_unavailable`].
    #[serde(rename = "MaxUnavailableTime", deserialize_with = "value::some_secs")]
    pub max_unavailable: Option<Secs>,
    /// See [`Policy::ping_before_assign`].
    #[serde(rename = "PingBeforeAssign")]
    pub ping_before_assign: Option<bool>,
    /// See [`Policy::ping_attempts`].
    #[serde(rename = "PingAttempts")]
    pub ping_attempts: Option<u32>,
    /// See [`Policy::ping_delay`].
    #[serde(rename = "PingDelay", deserialize_with = "value::some_millis")]
    pub ping_delay: Option<Duration>,
    /// See [`Policy::ping_send_delay`].
    #[serde(rename = "PingSendDelay", deserialize_with = "value::some_millis")]
    pub ping_send_delay: Option<Duration>,
    /// See [`Policy::registered_clients_only`].
    #[serde(rename = "RegisteredClientsOnly")]
    pub registered_clients_only: Option<bool>,
    /// See [`Policy::force_class`].
    #[serde(rename = "ForceClass")]
    pub force_class: Option<ForceClass>,
    /// See [`Policy::delete_expired`].
    #[serde(rename = "ActiveLeaseExpiration", deserialize_with = "value::some_full_delete")]
    pub delete_expired: Option<bool>,
}

impl PolicyOverlay {
    /// `base` with what is written here put over it.
    #[must_use]
    pub fn over(&self, base: &Policy) -> Policy {
        Policy {
            default_lease: self.default_lease.unwrap_or(base.default_lease),
            minimum_lease: self.minimum_lease.unwrap_or(base.minimum_lease),
            maximum_lease: self.maximum_lease.unwrap_or(base.maximum_lease),
            honor_requested_lease_time: self.honor_requested_lease_time.unwrap_or(base.honor_requested_lease_time),
            max_pending: self.max_pending.unwrap_or(base.max_pending),
            max_unavailable: self.max_unavailable.unwrap_or(base.max_unavailable),
            ping_before_assign: self.ping_before_assign.unwrap_or(base.ping_before_assign),
            ping_attempts: self.ping_attempts.unwrap_or(base.ping_attempts),
            ping_delay: self.ping_delay.unwrap_or(base.ping_delay),
            ping_send_delay: self.ping_send_delay.unwrap_or(base.ping_send_delay),
            registered_clients_only: self.registered_clients_only.unwrap_or(base.registered_clients_only),
            force_class: self.force_class.unwrap_or(base.force_class),
            delete_expired: self.delete_expired.unwrap_or(base.delete_expired),
        }
    }
}

/// ForceClass: which classes of the client a range's classes are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ForceClass {
    /// None.
    None,
    /// The vendor class, option 60.
    Vendor,
    /// The user class, option 77.
    User,
    /// Either.
    Both,
}

/// NextServer, ServerName, BootFile, as written in one section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct BootSettings {
    /// siaddr.
    #[serde(rename = "NextServer")]
    pub next_server: Option<Ipv4Addr>,
    /// sname; under 64 octets.
    #[serde(rename = "ServerName")]
    pub server_name: Option<String>,
    /// file; under 128 octets.
    #[serde(rename = "BootFile")]
    pub boot_file: Option<String>,
}

/// [Failover] of a primary (failover.md section 2).
#[derive(Clone, Debug, Deserialize)]
pub struct FailoverSettings {
    /// Address or host name of the failover, with :port if not the usual one.
    #[serde(rename = "SecondaryIpAddr")]
    pub secondary: String,
    /// Keys that both sides know.
    #[serde(flatten)]
    pub common: ChannelSettings,
    /// Resends of a control request, 0 to 10.
    #[serde(rename = "CtlReqRetryMax")]
    pub ctl_req_retry_max: u32,
    /// Wait for the return of control after one request; never zero.
    #[serde(rename = "WaitCtlRetSecs", deserialize_with = "value::millis")]
    pub wait_ctl_ret: Duration,
    /// Per cent of the free addresses of each range that balancing gives to the failover.
    #[serde(rename = "FailoverShare")]
    pub share_percent: u8,
    /// Out of contact with no own address left: stay silent instead of pinging and giving.
    #[serde(rename = "StrictShares")]
    pub strict_shares: bool,
    /// Give control to the failover before ending.
    #[serde(rename = "HandOverOnStop")]
    pub hand_over_on_stop: bool,
    /// Send the subnets to the failover.
    #[serde(rename = "SyncConfig")]
    pub sync_config: bool,
}

/// Keys that both sides know.
#[derive(Clone, Debug, Deserialize)]
pub struct ChannelSettings {
    /// Pause between a poll reply and the next poll; `None`: the partner's, else 60 s.
    #[serde(rename = "PollDelay", default, deserialize_with = "value::some_millis")]
    pub poll_delay: Option<Duration>,
    /// Resends of one binding update, 0 to 100.
    #[serde(rename = "SyncBindRetryMax")]
    pub sync_bind_retry_max: u32,
    /// Wait for the ack of a binding update.
    #[serde(rename = "WaitSyncBindAckSecs", deserialize_with = "value::millis")]
    pub wait_sync_bind_ack: Duration,
    /// Wait for the next update during a sync.
    #[serde(rename = "WaitSyncBindUpdateSecs", deserialize_with = "value::millis")]
    pub wait_sync_bind_update: Duration,
    /// Octets of the options area of a binding update, 64 to 4096; equal on both sides.
    #[serde(rename = "SyncBindingBufSize")]
    pub sync_binding_buf_size: u32,
    /// Local UDP port.
    #[serde(rename = "FailoverPort")]
    pub port: u16,
    /// Local address; `None`: ServerAddress.
    #[serde(rename = "FailoverAddress")]
    pub address: Option<Ipv4Addr>,
    /// `None` is the word `none`.
    #[serde(rename = "FailoverKeyFile", deserialize_with = "value::path_or_none")]
    pub key_file: Option<PathBuf>,
    /// What stands in that file.
    #[serde(skip, default = "no_keys")]
    pub keys: Keys,
    /// Where the partner is: SecondaryIpAddr or PrimaryIpAddr, a name resolved, without a port FailoverPort.
    #[serde(skip, default = "nowhere")]
    pub partner: SocketAddrV4,
    /// Margin for comparing ends across the two clocks.
    #[serde(rename = "MaxClockSkewSecs", deserialize_with = "value::millis")]
    pub max_clock_skew: Duration,
}

/// Stands until the key file is read.
const fn no_keys() -> Keys {
    Keys::None
}

/// Stands until the partner's address is resolved.
const fn nowhere() -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)
}

/// [Primary NAME] of a failover.
#[derive(Clone, Debug, Deserialize)]
pub struct PrimarySettings {
    /// NAME.
    #[serde(skip)]
    pub name: String,
    /// Address or host name of the primary, with :port if not the usual one.
    #[serde(rename = "PrimaryIpAddr")]
    pub primary: String,
    /// Keys that both sides know.
    #[serde(flatten)]
    pub common: ChannelSettings,
    /// Wait for a poll reply.
    #[serde(rename = "WaitPollRplSecs", deserialize_with = "value::millis")]
    pub wait_poll_rpl: Duration,
    /// Resends of a poll, 0 to 10.
    #[serde(rename = "PollRetryMax")]
    pub poll_retry_max: u32,
    /// Ask for all bindings at start.
    #[serde(rename = "SyncBindings")]
    pub sync_bindings: bool,
    /// Resends of a sync request, 0 to 10.
    #[serde(rename = "SyncReqRetryMax")]
    pub sync_req_retry_max: u32,
    /// Wait for the start of a sync. Zero: for ever.
    #[serde(rename = "WaitSyncStartSecs", deserialize_with = "value::millis")]
    pub wait_sync_start: Duration,
    /// End when the sync at start fails.
    #[serde(rename = "SyncFailCritical")]
    pub sync_fail_critical: bool,
    /// The primary's subnets as a file; `None`: the primary sends them.
    #[serde(rename = "SubnetsFile")]
    pub subnets_file: Option<PathBuf>,
    /// What stands in that file; see [`super::load_subnets`].
    #[serde(skip)]
    pub part: Option<Box<Config>>,
}
