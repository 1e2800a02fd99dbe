//! The table of DHCP options: name, code, shape of the value (RFC 2132 and later ones in use).
//!
//! Names are those of ISC dhcpd as far as it has one, else as near to the IANA registry as its style allows. Options
//! that a server composes itself stand here too, so that setting one is refused with the reason. Codes that are not
//! here are set as `option-NNN`.

/// The shape of an option's value: how it is written and what it must be on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One octet, 0 or 1 (RFC 2132 section 4.2).
    Flag,
    /// One octet; bounds inclusive.
    U8(u8, u8),
    /// One octet out of these.
    OneOf(&'static [u8]),
    /// Two octets; bounds inclusive.
    U16(u16, u16),
    /// Four octets.
    U32,
    /// Four octets, seconds; times may have a unit letter.
    Seconds,
    /// Four octets, seconds: 0 or at least 300 (RFC 8925 section 3.3).
    V6OnlyWait,
    /// Four octets with sign.
    I32,
    /// One address.
    Address,
    /// One address or more.
    Addresses,
    /// No address or more (RFC 2132 section 8.13); none is the word `none`.
    AddressesOrNone,
    /// Pairs of address and mask (RFC 2132 section 4.3).
    Masks,
    /// Pairs of destination and router; no destination 0.0.0.0 (RFC 2132 section 5.8).
    Routes,
    /// Networks of any prefix and their routers (RFC 3442).
    ClasslessRoutes,
    /// Two octets each; the number is the least that each may be (RFC 2132 section 4.7, RFC 2937).
    U16List(u16),
    /// Text, at least one octet, no NUL (RFC 2132 section 2).
    Text,
    /// A host name as text.
    HostName,
    /// One domain name in the encoding of RFC 1035 section 3.1.
    Domain,
    /// Domain names in the encoding of RFC 1035 section 3.1, not compressed.
    Domains,
    /// Domain names, compressed (RFC 3397).
    DomainSearch,
    /// Names or addresses of SIP servers, with the octet that tells which (RFC 3361).
    Sip,
    /// A flag, then addresses (RFC 2610 section 3).
    SlpAgents,
    /// A flag, then text (RFC 2610 section 4).
    SlpScope,
    /// Octets of any meaning.
    Octets,
    /// Exactly so many octets.
    OctetsOf(u8),
    /// Sub-options: code, length, value, repeated.
    SubOptions,
    /// Enterprise number, length, value, repeated (RFC 3925).
    Enterprises,
    /// The server composes it itself; the words say how or why.
    Refused(&'static str),
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub struct OptionRow {
    /// The option's code, 1 to 254.
    pub code: u8,
    /// The name in the configuration.
    pub name: &'static str,
    /// Another name that is accepted; empty: none.
    pub alias: &'static str,
    /// The value's shape.
    pub shape: Shape,
}

const fn row(code: u8, name: &'static str, shape: Shape) -> OptionRow {
    OptionRow { code, name, alias: "", shape }
}

impl OptionRow {
    const fn or(self, alias: &'static str) -> OptionRow {
        OptionRow { alias, ..self }
    }
}

use Shape::{
    Address, Addresses, AddressesOrNone, ClasslessRoutes, Domain, DomainSearch, Domains, Enterprises, Flag, HostName,
    I32, Masks, Octets, OctetsOf, OneOf, Refused, Routes, Seconds, Sip, SlpAgents, SlpScope, SubOptions, Text, U8, U16,
    U16List, U32, V6OnlyWait,
};

const LEASE_QUERY: &str = "it belongs to answers to lease queries";

/// All options with a name, by code; a code stands once.
pub const OPTIONS: &[OptionRow] = &[
    row(1, "subnet-mask", Address),
    row(2, "time-offset", I32),
    row(3, "routers", Addresses),
    row(4, "time-servers", Addresses),
    row(5, "ien116-name-servers", Addresses),
    row(6, "domain-name-servers", Addresses),
    row(7, "log-servers", Addresses),
    row(8, "cookie-servers", Addresses),
    row(9, "lpr-servers", Addresses),
    row(10, "impress-servers", Addresses),
    row(11, "resource-location-servers", Addresses),
    row(12, "host-name", HostName),
    row(13, "boot-size", U16(0, u16::MAX)),
    row(14, "merit-dump", Text),
    row(15, "domain-name", Text),
    row(16, "swap-server", Address),
    row(17, "root-path", Text),
    row(18, "extensions-path", Text),
    row(19, "ip-forwarding", Flag),
    row(20, "non-local-source-routing", Flag),
    row(21, "policy-filter", Masks),
    row(22, "max-dgram-reassembly", U16(576, u16::MAX)),
    row(23, "default-ip-ttl", U8(1, u8::MAX)),
    row(24, "path-mtu-aging-timeout", Seconds),
    row(25, "path-mtu-plateau-table", U16List(68)),
    row(26, "interface-mtu", U16(68, u16::MAX)),
    row(27, "all-subnets-local", Flag),
    row(28, "broadcast-address", Address),
    row(29, "perform-mask-discovery", Flag),
    row(30, "mask-supplier", Flag),
    row(31, "router-discovery", Flag),
    row(32, "router-solicitation-address", Address),
    row(33, "static-routes", Routes),
    row(34, "trailer-encapsulation", Flag),
    row(35, "arp-cache-timeout", Seconds),
    row(36, "ieee802-3-encapsulation", Flag),
    row(37, "default-tcp-ttl", U8(1, u8::MAX)),
    row(38, "tcp-keepalive-interval", Seconds),
    row(39, "tcp-keepalive-garbage", Flag),
    row(40, "nis-domain", Text),
    row(41, "nis-servers", Addresses),
    row(42, "ntp-servers", Addresses),
    row(43, "vendor-encapsulated-options", Octets),
    row(44, "netbios-name-servers", Addresses),
    row(45, "netbios-dd-server", Addresses),
    row(46, "netbios-node-type", OneOf(&[1, 2, 4, 8])),
    row(47, "netbios-scope", Text),
    row(48, "font-servers", Addresses),
    row(49, "x-display-manager", Addresses),
    row(50, "dhcp-requested-address", Refused("it is the client's")),
    row(51, "dhcp-lease-time", Refused("DefaultLease, MinimumLease and MaximumLease set it")),
    row(52, "dhcp-option-overload", Refused("the server sets it when it uses those fields")),
    row(53, "dhcp-message-type", Refused("the server sets it in each message")),
    row(54, "dhcp-server-identifier", Refused("ServerAddress sets it")),
    row(55, "dhcp-parameter-request-list", Refused("it is the client's")),
    row(56, "dhcp-message", Refused("the server writes it into a DHCPNAK")),
    row(57, "dhcp-max-message-size", Refused("it is the client's")),
    row(58, "dhcp-renewal-time", Seconds),
    row(59, "dhcp-rebinding-time", Seconds),
    row(60, "vendor-class-identifier", Octets),
    row(61, "dhcp-client-identifier", Refused("the client's is sent back; EchoClientId turns that off")),
    row(62, "nwip-domain", Text),
    row(63, "nwip-suboptions", SubOptions),
    row(64, "nisplus-domain", Text),
    row(65, "nisplus-servers", Addresses),
    row(66, "tftp-server-name", Text),
    row(67, "bootfile-name", Text).or("boot-file-name"),
    row(68, "mobile-ip-home-agent", AddressesOrNone),
    row(69, "smtp-server", Addresses),
    row(70, "pop-server", Addresses),
    row(71, "nntp-server", Addresses),
    row(72, "www-server", Addresses),
    row(73, "finger-server", Addresses),
    row(74, "irc-server", Addresses),
    row(75, "streettalk-server", Addresses),
    row(76, "streettalk-directory-assistance-server", Addresses),
    row(77, "user-class", Octets),
    row(78, "slp-directory-agent", SlpAgents),
    row(79, "slp-service-scope", SlpScope),
    row(80, "rapid-commit", Refused("the server sets it when it commits at once")),
    row(81, "fqdn", Octets),
    row(82, "relay-agent-information", Refused("the relay's is sent back")),
    row(83, "isns", Octets),
    row(85, "nds-servers", Addresses),
    row(86, "nds-tree-name", Text),
    row(87, "nds-context", Text),
    row(88, "bcms-controller-names", Domains),
    row(89, "bcms-controller-address", Addresses),
    row(90, "authentication", Refused("it is computed for each message")),
    row(91, "client-last-transaction-time", Refused(LEASE_QUERY)),
    row(92, "associated-ip", Refused(LEASE_QUERY)),
    row(93, "pxe-system-type", U16List(0)),
    row(94, "pxe-interface-id", OctetsOf(3)),
    row(97, "pxe-client-id", Octets),
    row(98, "uap-servers", Text),
    row(99, "geoconf-civic", Octets),
    row(100, "pcode", Text),
    row(101, "tcode", Text),
    row(108, "v6-only-preferred", V6OnlyWait),
    row(109, "dhcp4o6-s46-saddr", OctetsOf(16)),
    row(112, "netinfo-server-address", Addresses),
    row(113, "netinfo-server-tag", Text),
    row(114, "v4-captive-portal", Text).or("default-url"),
    row(116, "auto-config", U8(0, 1)),
    row(117, "name-service-search", U16List(0)),
    row(118, "subnet-selection", Refused("the client's is sent back where SubnetSelection is True")),
    row(119, "domain-search", DomainSearch),
    row(120, "sip-servers", Sip),
    row(121, "rfc3442-classless-static-routes", ClasslessRoutes).or("classless-static-routes"),
    row(122, "cablelabs-client-configuration", SubOptions),
    row(123, "geoconf", OctetsOf(16)),
    row(124, "vivco", Enterprises),
    row(125, "vivso", Enterprises),
    row(128, "etherboot-signature", Octets),
    row(129, "call-server-address", Octets),
    row(130, "discrimination-string", Octets),
    row(131, "remote-statistics-server", Octets),
    row(132, "vlan-id", Octets),
    row(133, "vlan-priority", Octets),
    row(134, "diffserv-code-point", Octets),
    row(135, "phone-http-proxy", Octets),
    row(136, "pana-agent", Addresses),
    row(137, "v4-lost", Domain),
    row(138, "capwap-ac-v4", Addresses),
    row(139, "ipv4-address-mos", SubOptions),
    row(140, "ipv4-fqdn-mos", SubOptions),
    row(141, "sip-ua-cs-domains", Domains),
    row(142, "ipv4-address-andsf", Addresses),
    row(143, "v4-sztp-redirect", Octets),
    row(144, "geoloc", OctetsOf(16)),
    row(145, "forcerenew-nonce-capable", Refused("the server and the client agree on it")),
    row(146, "rdnss-selection", Octets),
    row(147, "v4-dots-ri", Domain),
    row(148, "v4-dots-address", Addresses),
    row(150, "tftp-server-address", Addresses),
    row(151, "status-code", Refused(LEASE_QUERY)),
    row(152, "base-time", Refused(LEASE_QUERY)),
    row(153, "start-time-of-state", Refused(LEASE_QUERY)),
    row(154, "query-start-time", Refused(LEASE_QUERY)),
    row(155, "query-end-time", Refused(LEASE_QUERY)),
    row(156, "dhcp-state", Refused(LEASE_QUERY)),
    row(157, "data-source", Refused(LEASE_QUERY)),
    row(158, "v4-pcp-server", Octets),
    row(159, "v4-portparams", OctetsOf(4)),
    row(160, "v4-captive-portal-160", Text),
    row(161, "mud-url", Text),
    row(162, "v4-dnr", Octets),
    row(175, "etherboot", Octets),
    row(176, "ip-telephone", Octets),
    row(177, "packetcable", Octets),
    row(208, "pxelinux-magic", OctetsOf(4)),
    row(209, "loader-configfile", Text),
    row(210, "loader-pathprefix", Text),
    row(211, "loader-reboottime", U32),
    row(212, "option-6rd", Octets),
    row(213, "v4-access-domain", Domain),
    row(220, "subnet-allocation", Octets),
    row(221, "virtual-subnet-selection", Refused("this server does not separate networks of one address space")),
    row(249, "ms-classless-static-routes", ClasslessRoutes),
    row(252, "wpad", Text),
];

/// The option with this code.
#[must_use]
pub fn by_code(code: u8) -> Option<&'static OptionRow> {
    OPTIONS.binary_search_by_key(&code, |row| row.code).ok().and_then(|index| OPTIONS.get(index))
}

/// The option with this name or alias, case aside.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static OptionRow> {
    let is = |known: &str| !known.is_empty() && known.eq_ignore_ascii_case(name);
    OPTIONS.iter().find(|row| is(row.name) || is(row.alias))
}

impl Shape {
    /// What is legal, for messages and for the manual page.
    #[must_use]
    pub fn legal(self) -> String {
        let words = match self {
            Self::U8(min, max) => return format!("{min}-{max}"),
            Self::U16(min, max) => return format!("{min}-{max}"),
            Self::OneOf(values) => {
                return values.iter().map(u8::to_string).collect::<Vec<String>>().join(", ");
            }
            Self::U16List(min) => return format!("numbers of {min}-65535, comma separated"),
            Self::OctetsOf(length) => return format!("{length} octets, as 0x0a0b or 0a:0b"),
            Self::Flag => "True or False",
            Self::U32 => "0-4294967295",
            Self::Seconds => "0-4294967294 s or infinite",
            Self::V6OnlyWait => "0, or 300-4294967295 s",
            Self::I32 => "-2147483648 to 2147483647",
            Self::Address => "an IPv4 address",
            Self::Addresses => "IPv4 addresses, comma separated",
            Self::AddressesOrNone => "IPv4 addresses, comma separated, or none",
            Self::Masks => "pairs ADDRESS MASK, comma separated",
            Self::Routes => "pairs DESTINATION ROUTER, comma separated",
            Self::ClasslessRoutes => "NETWORK/PREFIX ROUTER, comma separated",
            Self::Text => "text of at least one character",
            Self::HostName => "letters, digits, hyphens and dots",
            Self::Domain => "a domain name",
            Self::Domains | Self::DomainSearch => "domain names, comma separated",
            Self::Sip => "domain names or IPv4 addresses, comma separated, one kind",
            Self::SlpAgents => "True or False, then IPv4 addresses, comma separated",
            Self::SlpScope => "True or False, a comma, text",
            Self::Octets => "octets as 0x0a0b or 0a:0b, or text in quotes",
            Self::SubOptions => "sub-options (code, length, value) as 0x0a0b or 0a:0b",
            Self::Enterprises => "enterprise number, length, value, repeated, as 0x0a0b or 0a:0b",
            Self::Refused(_) => "leave it out",
        };
        words.to_owned()
    }
}
