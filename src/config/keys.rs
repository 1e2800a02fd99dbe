//! THE table of keys: name, sections, type, unit, bounds, default, a few words.
//!
//! Parsing, `-T`, "did you mean", the role's legal keys and the tests of the manual page and the samples all
//! come from [`GROUPS`]. A new key is one row here, one field of the struct that serde fills, one entry of the manual
//! page and one line of a sample; tests name the one that is missing.

use super::kinds::{Kind, TimeUnit};

/// A kind of section; the word in `[Kind name]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SectionKind {
    /// [Server].
    Server,
    /// [Policy].
    Policy,
    /// [Options]: no keys of its own, only names of options.
    Options,
    /// [Failover] of a primary.
    Failover,
    /// [Primary NAME] of a failover.
    Primary,
    /// [Subnet NETWORK/PREFIX].
    Subnet,
    /// [Range FIRST - LAST].
    Range,
    /// [Class NAME]: known, and refused in this version.
    Class,
    /// [Host NAME].
    Host,
}

use SectionKind::{Failover, Host, Policy, Primary, Range, Server, Subnet};

impl SectionKind {
    /// All kinds with their words.
    pub const ALL: [(SectionKind, &'static str); 9] = [
        (Server, "Server"),
        (Policy, "Policy"),
        (SectionKind::Options, "Options"),
        (Failover, "Failover"),
        (Primary, "Primary"),
        (Subnet, "Subnet"),
        (Range, "Range"),
        (SectionKind::Class, "Class"),
        (Host, "Host"),
    ];

    /// The word in the header.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Server => "Server",
            Policy => "Policy",
            SectionKind::Options => "Options",
            Failover => "Failover",
            Primary => "Primary",
            Subnet => "Subnet",
            Range => "Range",
            SectionKind::Class => "Class",
            Host => "Host",
        }
    }

    /// What follows the word in the header; empty: nothing does, and the section stands once.
    #[must_use]
    pub fn name_shape(self) -> &'static str {
        match self {
            Server | Policy | SectionKind::Options | Failover => "",
            Primary | SectionKind::Class | Host => "NAME",
            Subnet => "NETWORK/PREFIX",
            Range => "FIRST - LAST",
        }
    }

    /// Whether options stand in it with the prefix `Option.`.
    #[must_use]
    pub fn takes_options(self) -> bool {
        matches!(self, Subnet | Range | Host)
    }
}

/// What holds when a key is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This value.
    Value(&'static str),
    /// No value; the words say what the server does then.
    Unset(&'static str),
    /// The key must be written; the words say when.
    Required(&'static str),
}

/// One row.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// As documented; compared without case.
    pub name: &'static str,
    /// Another spelling that is accepted with a notice; empty: none.
    pub misprint: &'static str,
    /// Type, unit and bounds.
    pub kind: Kind,
    /// The default.
    pub fallback: Fallback,
    /// Whether it may stand several times in one section.
    pub repeats: bool,
    /// What it is, in a few words.
    pub about: &'static str,
}

impl Key {
    const fn new(name: &'static str, kind: Kind, fallback: Fallback, about: &'static str) -> Key {
        Key { name, misprint: "", kind, fallback, repeats: false, about }
    }

    const fn misprinted(self, misprint: &'static str) -> Key {
        Key { misprint, ..self }
    }

    const fn repeated(self) -> Key {
        Key { repeats: true, ..self }
    }
}

/// Keys that stand in the same sections.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// Where they may stand.
    pub places: &'static [SectionKind],
    /// The rows.
    pub keys: &'static [Key],
}

use Fallback::{Required, Unset, Value};
use Kind::{Flag, Word};

const FROM_POLICY: Fallback = Unset("that of the section around it");

/// Smallest and largest size of a binding update's options area (failover.md section 2).
const BUFFER: Kind = Kind::Number { min: 64, max: 4096 };
const RETRIES: Kind = Kind::Number { min: 0, max: 10 };
const WAIT: Kind = Kind::Time { unit: TimeUnit::Decimals, min_ms: 1, max_ms: 3_600_000 };
const WAIT_OR_ZERO: Kind = Kind::Time { unit: TimeUnit::Decimals, min_ms: 0, max_ms: 3_600_000 };

/// The table. A key's name occurs once a section; the same name in two groups is two keys.
pub const GROUPS: &[Group] = &[
    Group { places: &[Server], keys: SERVER },
    Group { places: &[Policy], keys: POLICY_GLOBAL },
    Group { places: &[Policy, Subnet, Range, Host], keys: POLICY },
    Group { places: &[Subnet, Range, Host], keys: BOOT },
    Group { places: &[Subnet], keys: SUBNET },
    Group { places: &[Range], keys: RANGE },
    Group { places: &[Host], keys: HOST },
    Group { places: &[Failover], keys: FAILOVER },
    Group { places: &[Primary], keys: PRIMARY },
    Group { places: &[Failover, Primary], keys: CHANNEL },
];

const SERVER: &[Key] = &[
    Key::new(
        "FailoverServerType",
        Word(&["Standalone/Primary", "Failover/Secondary"]),
        Value("Standalone/Primary"),
        "the server's role",
    ),
    Key::new(
        "ServerAddress",
        Kind::Address,
        Unset("the address of the interface that a packet came in on"),
        "the server identifier",
    ),
    Key::new("HostName", Kind::HostName, Unset("the host name of the system"), "name of this server"),
    Key::new("DomainName", Kind::DomainName, Unset("none"), "domain of this server"),
    Key::new(
        "Interfaces",
        Kind::Interfaces,
        Unset("all that are up and have an IPv4 address, except loopback"),
        "interfaces to serve",
    ),
    Key::new("DhcpPort", Kind::Number { min: 1, max: 65534 }, Value("67"), "UDP port; clients are at the next one"),
    Key::new("StateDir", Kind::Path { octets: 4095 }, Value("/var/lib/understudy"), "folder of the lease journal"),
    Key::new(
        "ControlSocket",
        Kind::Path { octets: 107 },
        Value("/run/understudy/understudyd.sock"),
        "socket for understudyctl",
    ),
    Key::new("User", Kind::UserName, Value("understudy"), "user to run as when started by root"),
    Key::new("LogLevel", Word(&["error", "warn", "info", "debug", "trace"]), Value("info"), "least weighty log line"),
];

const POLICY_GLOBAL: &[Key] = &[
    Key::new("NakUnknownClients", Flag, Value("True"), "refuse addresses that this server does not know"),
    Key::new("NackDhcpRequestsForDuplicates", Flag, Value("True"), "refuse an address that is another client's"),
    Key::new("CheckTransactionID", Flag, Value("False"), "drop a message whose transaction id was just seen"),
    Key::new("DropAllDhcpInformPackets", Flag, Value("False"), "leave DHCPINFORM unanswered"),
    Key::new("DropZeroMacAddressPackets", Flag, Value("True"), "drop clients with an all-zero hardware address"),
    Key::new("EchoClientId", Flag, Value("True"), "send the client identifier back (RFC 6842)"),
    Key::new("SubnetSelection", Flag, Value("False"), "honour the subnet selection option (RFC 3011)"),
    Key::new(
        "LeaseExpirationSleepTime",
        Kind::Time { unit: TimeUnit::Millis, min_ms: 60_000, max_ms: 86_400_000 },
        Value("60000"),
        "pause between runs of expiry",
    ),
];

const POLICY: &[Key] = &[
    Key::new(
        "DefaultLease",
        Kind::Seconds { min: 1, max: u32::MAX },
        Value("7776000"),
        "lease where nothing is asked for",
    ),
    Key::new("MinimumLease", Kind::Seconds { min: 0, max: u32::MAX }, Value("0"), "shortest lease"),
    Key::new("MaximumLease", Kind::Seconds { min: 0, max: u32::MAX }, Value("0"), "longest lease; 0 = no limit"),
    Key::new("HonorRequestedLeaseTime", Flag, Value("True"), "grant the time that the client asks for"),
    Key::new(
        "MaxPendingSeconds",
        Kind::Time { unit: TimeUnit::Seconds, min_ms: 0, max_ms: 3_600_000 },
        Value("10"),
        "how long an offer is held; 0 = not",
    ),
    Key::new(
        "MaxUnavailableTime",
        Kind::Seconds { min: 0, max: 31_536_000 },
        Value("86400"),
        "how long a declined address is left alone",
    ),
    Key::new("PingBeforeAssign", Flag, Value("False"), "ping an address before it is offered"),
    Key::new("PingAttempts", Kind::Number { min: 1, max: 10 }, Value("1"), "pings an address"),
    Key::new(
        "PingDelay",
        Kind::Time { unit: TimeUnit::Millis, min_ms: 10, max_ms: 10_000 },
        Value("500"),
        "wait for an answer to a ping",
    ),
    Key::new(
        "PingSendDelay",
        Kind::Time { unit: TimeUnit::Millis, min_ms: 10, max_ms: 10_000 },
        Value("500"),
        "pause between two pings",
    ),
    Key::new("ForceClass", Word(&["None", "Vendor", "User", "Both"]), Value("None"), "classes that a range demands"),
    Key::new("RegisteredClientsOnly", Flag, Value("False"), "serve only clients that have a [Host]"),
    Key::new(
        "ActiveLeaseExpiration",
        Word(&["Off", "Full_delete"]),
        Value("Off"),
        "what becomes of an expired binding",
    ),
];

const BOOT: &[Key] = &[
    Key::new("NextServer", Kind::Address, FROM_POLICY, "siaddr: the server of the next boot step"),
    Key::new("ServerName", Kind::Text { octets: 63 }, FROM_POLICY, "sname: name of the boot server"),
    Key::new("BootFile", Kind::Text { octets: 127 }, FROM_POLICY, "file: name of the boot file"),
];

const SUBNET: &[Key] = &[
    Key::new("SharedNetwork", Kind::Text { octets: 63 }, Unset("the subnet has its link alone"), "name of the link"),
    Key::new("Range", Kind::Span, Unset("no addresses but those of hosts"), "addresses to give out").repeated(),
    Key::new("Exclude", Kind::Span, Unset("none"), "addresses of a range that are not given out").repeated(),
    Key::new(
        "Interface",
        Kind::Interface,
        Unset("the interface with an address in the subnet"),
        "interface of the link",
    ),
    Key::new("RelayAddress", Kind::Address, Unset("none"), "address of a relay that is outside the subnet").repeated(),
];

const RANGE: &[Key] = &[
    Key::new("Class", Kind::Membership, Unset("any client"), "who may have its addresses"),
    Key::new("NotClass", Kind::Unsupported, Unset("none"), "who may not"),
    Key::new("AllowMac", Kind::Unsupported, Unset("any"), "hardware addresses that may"),
    Key::new("DenyMac", Kind::Unsupported, Unset("none"), "hardware addresses that may not"),
    Key::new("AutomaticBootp", Flag, Value("False"), "BOOTP clients get permanent addresses"),
];

const HOST: &[Key] = &[
    Key::new("HardwareAddress", Kind::Hardware, Unset("one of the three is written"), "the client by hardware address"),
    Key::new("ClientId", Kind::Octets { min: 2 }, Unset("one of the three is written"), "the client by option 61"),
    Key::new("CircuitId", Kind::Octets { min: 1 }, Unset("one of the three is written"), "the client by relay port"),
    Key::new("Address", Kind::Address, Unset("options only"), "the host's address"),
    Key::new("Class", Kind::Unsupported, Unset("none"), "membership by hand"),
];

const FAILOVER: &[Key] = &[
    Key::new("UseFailoverServer", Flag, Value("False"), "whether this primary has a failover"),
    Key::new("SecondaryIpAddr", Kind::Partner, Required("when UseFailoverServer is True"), "the failover"),
    Key::new("CtlReqRetryMax", RETRIES, Value("3"), "resends of a control request").misprinted("ClientReqRetryMax"),
    Key::new("WaitCtlRetSecs", WAIT_OR_ZERO, Value("5"), "wait for the return of control; 0 = default")
        .misprinted("WaitClRetSecs"),
    Key::new(
        "FailoverShare",
        Kind::Number { min: 0, max: 100 },
        Value("50"),
        "per cent of free addresses for the failover",
    ),
    Key::new("StrictShares", Flag, Value("False"), "stay silent when the own share is used up"),
    Key::new("HandOverOnStop", Flag, Value("True"), "give control to the failover before ending"),
    Key::new("SyncConfig", Flag, Value("True"), "send the subnets to the failover"),
];

const PRIMARY: &[Key] = &[
    Key::new("PrimaryIpAddr", Kind::Partner, Required("in each [Primary]"), "the primary"),
    Key::new("WaitPollRplSecs", WAIT, Value("5"), "wait for a poll reply").misprinted("WaitPollRptSecs"),
    Key::new("PollRetryMax", RETRIES, Value("3"), "resends of a poll"),
    Key::new("SyncBindings", Flag, Value("True"), "ask for all bindings at start"),
    Key::new("SyncReqRetryMax", RETRIES, Value("3"), "resends of a sync request"),
    Key::new("WaitSyncStartSecs", WAIT_OR_ZERO, Value("5"), "wait for the start of a sync; 0 = for ever"),
    Key::new("SyncFailCritical", Flag, Value("False"), "end when the sync at start fails"),
    Key::new(
        "SubnetsFile",
        Kind::Path { octets: 4095 },
        Unset("the primary sends its subnets"),
        "the primary's subnets, as a file",
    ),
];

const CHANNEL: &[Key] = &[
    Key::new(
        "PollDelay",
        Kind::Time { unit: TimeUnit::Decimals, min_ms: 1, max_ms: 86_400_000 },
        Unset("the partner's value, else 60"),
        "pause between a poll reply and the next poll",
    ),
    Key::new("SyncBindRetryMax", Kind::Number { min: 0, max: 100 }, Value("3"), "resends of a binding update"),
    Key::new("WaitSyncBindAckSecs", WAIT, Value("5"), "wait for the ack of a binding update"),
    Key::new("WaitSyncBindUpdateSecs", WAIT, Value("10"), "wait for the next update during a sync"),
    Key::new("SyncBindingBufSize", BUFFER, Value("1024"), "octets of options in a binding update"),
    Key::new("FailoverPort", Kind::Number { min: 1, max: 65535 }, Value("647"), "local UDP port of the channel"),
    Key::new("FailoverAddress", Kind::Address, Unset("ServerAddress"), "local address of the channel"),
    Key::new(
        "FailoverKeyFile",
        Kind::PathOrNone { octets: 4095 },
        Required("in each [Primary], and when UseFailoverServer is True"),
        "file of the shared keys",
    ),
    Key::new(
        "MaxClockSkewSecs",
        Kind::Time { unit: TimeUnit::Decimals, min_ms: 0, max_ms: 600_000 },
        Value("5"),
        "margin between the two clocks",
    ),
];

/// The keys that may stand in a section of `kind`, in the order of the table.
pub fn of_section(kind: SectionKind) -> impl Iterator<Item = &'static Key> {
    GROUPS.iter().filter(move |group| group.places.contains(&kind)).flat_map(|group| group.keys)
}

/// Finds the key `name`, case aside, among those of `kind`; misprints count.
#[must_use]
pub fn find(kind: SectionKind, name: &str) -> Option<&'static Key> {
    let matches = |known: &str| !known.is_empty() && known.eq_ignore_ascii_case(name);
    of_section(kind).find(|key| matches(key.name) || matches(key.misprint))
}

/// The sections in which a key `name` may stand; empty: no section has it.
#[must_use]
pub fn sections_of(name: &str) -> Vec<SectionKind> {
    let has = |kind: &SectionKind| find(*kind, name).is_some();
    SectionKind::ALL.into_iter().map(|(kind, _)| kind).filter(has).collect()
}
