//! Numbers of DHCP: codes of options and message types.
//!
//! Those without a source are from RFC 2132. Names and shapes for the configuration are not here, and an option
//! needs no constant to be served: codes are plain octets everywhere.

use std::fmt;

/// Option 53 (RFC 2132 section 9.6). Those that clients do not send and servers do not answer stay numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType {
    /// 1: the client looks for servers.
    Discover,
    /// 2: a server offers an address.
    Offer,
    /// 3: the client asks for an address, or to keep it.
    Request,
    /// 4: the client found its address in use.
    Decline,
    /// 5: the server grants.
    Ack,
    /// 6: the server refuses.
    Nak,
    /// 7: the client gives its address back.
    Release,
    /// 8: the client has an address and asks for options alone.
    Inform,
    /// Any other, kept as it came.
    Unknown(u8),
}

impl From<u8> for MessageType {
    fn from(value: u8) -> MessageType {
        match value {
            1 => MessageType::Discover,
            2 => MessageType::Offer,
            3 => MessageType::Request,
            4 => MessageType::Decline,
            5 => MessageType::Ack,
            6 => MessageType::Nak,
            7 => MessageType::Release,
            8 => MessageType::Inform,
            other => MessageType::Unknown(other),
        }
    }
}

impl From<MessageType> for u8 {
    fn from(value: MessageType) -> u8 {
        match value {
            MessageType::Discover => 1,
            MessageType::Offer => 2,
            MessageType::Request => 3,
            MessageType::Decline => 4,
            MessageType::Ack => 5,
            MessageType::Nak => 6,
            MessageType::Release => 7,
            MessageType::Inform => 8,
            MessageType::Unknown(other) => other,
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MessageType::Discover => "DHCPDISCOVER",
            MessageType::Offer => "DHCPOFFER",
            MessageType::Request => "DHCPREQUEST",
            MessageType::Decline => "DHCPDECLINE",
            MessageType::Ack => "DHCPACK",
            MessageType::Nak => "DHCPNAK",
            MessageType::Release => "DHCPRELEASE",
            MessageType::Inform => "DHCPINFORM",
            MessageType::Unknown(other) => return write!(f, "DHCP message of type {other}"),
        })
    }
}

/// Fills up between options: no length, no value.
pub const PAD: u8 = 0;
/// Subnet mask.
pub const SUBNET_MASK: u8 = 1;
/// Offset from UTC in seconds; deprecated by RFC 4833.
pub const TIME_OFFSET: u8 = 2;
/// Routers, best first.
pub const ROUTERS: u8 = 3;
/// Time servers (RFC 868).
pub const TIME_SERVERS: u8 = 4;
/// IEN 116 name servers.
pub const NAME_SERVERS: u8 = 5;
/// DNS servers, best first.
pub const DOMAIN_NAME_SERVERS: u8 = 6;
/// MIT-LCS log servers.
pub const LOG_SERVERS: u8 = 7;
/// Cookie servers (RFC 865).
pub const COOKIE_SERVERS: u8 = 8;
/// Line printer servers (RFC 1179).
pub const LPR_SERVERS: u8 = 9;
/// Imagen Impress servers.
pub const IMPRESS_SERVERS: u8 = 10;
/// Resource location servers (RFC 887).
pub const RESOURCE_LOCATION_SERVERS: u8 = 11;
/// The client's name, as told by it or to it.
pub const HOST_NAME: u8 = 12;
/// Length of the boot file in blocks of 512 octets.
pub const BOOT_FILE_SIZE: u8 = 13;
/// Where the client is to dump its core.
pub const MERIT_DUMP_FILE: u8 = 14;
/// Domain for DNS.
pub const DOMAIN_NAME: u8 = 15;
/// Swap server.
pub const SWAP_SERVER: u8 = 16;
/// Path of the root disk.
pub const ROOT_PATH: u8 = 17;
/// File with further options.
pub const EXTENSIONS_PATH: u8 = 18;
/// Whether to forward datagrams.
pub const IP_FORWARDING: u8 = 19;
/// Whether to forward source-routed datagrams.
pub const NON_LOCAL_SOURCE_ROUTING: u8 = 20;
/// Destinations and masks for source routing.
pub const POLICY_FILTERS: u8 = 21;
/// Largest datagram to reassemble; at least 576.
pub const MAXIMUM_REASSEMBLY_SIZE: u8 = 22;
/// Time to live of datagrams; 1 to 255.
pub const DEFAULT_IP_TTL: u8 = 23;
/// Seconds after which path MTU values age.
pub const PATH_MTU_AGING: u8 = 24;
/// MTU sizes for path MTU discovery.
pub const PATH_MTU_PLATEAUS: u8 = 25;
/// MTU; at least 68.
pub const INTERFACE_MTU: u8 = 26;
/// Whether all subnets have this MTU.
pub const ALL_SUBNETS_LOCAL: u8 = 27;
/// Broadcast address.
pub const BROADCAST_ADDRESS: u8 = 28;
/// Whether to ask for the mask by ICMP.
pub const PERFORM_MASK_DISCOVERY: u8 = 29;
/// Whether to answer such questions.
pub const MASK_SUPPLIER: u8 = 30;
/// Whether to solicit routers (RFC 1256).
pub const ROUTER_DISCOVERY: u8 = 31;
/// Where to solicit them.
pub const ROUTER_SOLICITATION_ADDRESS: u8 = 32;
/// Destinations and routers, by class.
pub const STATIC_ROUTES: u8 = 33;
/// Whether to use trailers with ARP (RFC 893).
pub const TRAILER_ENCAPSULATION: u8 = 34;
/// Seconds that ARP entries live.
pub const ARP_TIMEOUT: u8 = 35;
/// Whether to use IEEE 802.3 (RFC 1042).
pub const ETHERNET_ENCAPSULATION: u8 = 36;
/// Time to live of TCP segments; 1 to 255.
pub const DEFAULT_TCP_TTL: u8 = 37;
/// Seconds between keepalives; 0 = none.
pub const TCP_KEEPALIVE_INTERVAL: u8 = 38;
/// Whether keepalives carry an octet of garbage.
pub const TCP_KEEPALIVE_GARBAGE: u8 = 39;
/// NIS domain.
pub const NIS_DOMAIN: u8 = 40;
/// NIS servers.
pub const NIS_SERVERS: u8 = 41;
/// NTP servers.
pub const NTP_SERVERS: u8 = 42;
/// Vendor-specific information, commonly options of its own.
pub const VENDOR_INFORMATION: u8 = 43;
/// NetBIOS name servers (WINS).
pub const NETBIOS_NAME_SERVERS: u8 = 44;
/// NetBIOS datagram distribution servers.
pub const NETBIOS_DATAGRAM_SERVERS: u8 = 45;
/// NetBIOS node type: 1, 2, 4 or 8.
pub const NETBIOS_NODE_TYPE: u8 = 46;
/// NetBIOS scope.
pub const NETBIOS_SCOPE: u8 = 47;
/// X Window font servers.
pub const X_FONT_SERVERS: u8 = 48;
/// X Window display managers.
pub const X_DISPLAY_MANAGERS: u8 = 49;
/// The address that the client asks for.
pub const REQUESTED_ADDRESS: u8 = 50;
/// Lease time in seconds; 0xffffffff is for ever.
pub const LEASE_TIME: u8 = 51;
/// Which of `file` and `sname` hold options: 1, 2, 3.
pub const OVERLOAD: u8 = 52;
/// Message type: see [`MessageType`].
pub const MESSAGE_TYPE: u8 = 53;
/// The server's address.
pub const SERVER_IDENTIFIER: u8 = 54;
/// Codes that the client asks for, in its order.
pub const PARAMETER_REQUEST_LIST: u8 = 55;
/// Text for a person, in a DHCPNAK mostly.
pub const MESSAGE: u8 = 56;
/// Longest datagram that the client takes; at least 576.
pub const MAXIMUM_MESSAGE_SIZE: u8 = 57;
/// T1: seconds until the client renews.
pub const RENEWAL_TIME: u8 = 58;
/// T2: seconds until the client rebinds.
pub const REBINDING_TIME: u8 = 59;
/// Vendor class of the client.
pub const VENDOR_CLASS: u8 = 60;
/// Client identifier: opaque, unique in the domain.
pub const CLIENT_IDENTIFIER: u8 = 61;
/// NetWare/IP domain (RFC 2242).
pub const NETWARE_DOMAIN: u8 = 62;
/// NetWare/IP sub-options (RFC 2242).
pub const NETWARE_INFORMATION: u8 = 63;
/// NIS+ domain.
pub const NIS_PLUS_DOMAIN: u8 = 64;
/// NIS+ servers.
pub const NIS_PLUS_SERVERS: u8 = 65;
/// TFTP server, where `sname` holds options or instead of it.
pub const SERVER_NAME: u8 = 66;
/// Boot file, where `file` holds options or instead of it.
pub const BOOT_FILE: u8 = 67;
/// Mobile IP home agents; may be empty.
pub const MOBILE_IP_HOME_AGENTS: u8 = 68;
/// SMTP servers.
pub const SMTP_SERVERS: u8 = 69;
/// POP3 servers.
pub const POP3_SERVERS: u8 = 70;
/// NNTP servers.
pub const NNTP_SERVERS: u8 = 71;
/// World Wide Web servers.
pub const WWW_SERVERS: u8 = 72;
/// Finger servers.
pub const FINGER_SERVERS: u8 = 73;
/// IRC servers.
pub const IRC_SERVERS: u8 = 74;
/// StreetTalk servers.
pub const STREETTALK_SERVERS: u8 = 75;
/// StreetTalk directory assistance servers.
pub const STREETTALK_DIRECTORY_SERVERS: u8 = 76;
/// User class (RFC 3004).
pub const USER_CLASS: u8 = 77;
/// SLP directory agents (RFC 2610).
pub const SLP_DIRECTORY_AGENTS: u8 = 78;
/// SLP service scope (RFC 2610).
pub const SLP_SCOPE: u8 = 79;
/// Rapid commit, empty (RFC 4039).
pub const RAPID_COMMIT: u8 = 80;
/// Client FQDN (RFC 4702).
pub const CLIENT_FQDN: u8 = 81;
/// Relay agent information (RFC 3046): see [`super::relay`].
pub const RELAY_INFORMATION: u8 = 82;
/// Internet storage name service (RFC 4174).
pub const ISNS: u8 = 83;
/// Novell directory servers (RFC 2241).
pub const NDS_SERVERS: u8 = 85;
/// Novell directory tree name (RFC 2241).
pub const NDS_TREE: u8 = 86;
/// Novell directory context (RFC 2241).
pub const NDS_CONTEXT: u8 = 87;
/// Broadcast and multicast controllers by name (RFC 4280).
pub const BCMS_NAMES: u8 = 88;
/// Broadcast and multicast controllers by address (RFC 4280).
pub const BCMS_ADDRESSES: u8 = 89;
/// Authentication (RFC 3118).
pub const AUTHENTICATION: u8 = 90;
/// Seconds since the client's last transaction (RFC 4388).
pub const LAST_TRANSACTION_TIME: u8 = 91;
/// All addresses of the client (RFC 4388).
pub const ASSOCIATED_ADDRESSES: u8 = 92;
/// Processor architecture of a booting client (RFC 4578).
pub const CLIENT_ARCHITECTURE: u8 = 93;
/// Network interface of a booting client (RFC 4578).
pub const CLIENT_NETWORK_INTERFACE: u8 = 94;
/// LDAP servers (Apple).
pub const LDAP_SERVERS: u8 = 95;
/// UUID of a booting client (RFC 4578).
pub const CLIENT_MACHINE_IDENTIFIER: u8 = 97;
/// User authentication protocol servers (RFC 2485).
pub const USER_AUTHENTICATION: u8 = 98;
/// Civic address (RFC 4776).
pub const CIVIC_LOCATION: u8 = 99;
/// Time zone as a POSIX string (RFC 4833).
pub const POSIX_TIME_ZONE: u8 = 100;
/// Time zone by its database name (RFC 4833).
pub const TIME_ZONE_NAME: u8 = 101;
/// Seconds without IPv4, where IPv6 is enough (RFC 8925).
pub const IPV6_ONLY_PREFERRED: u8 = 108;
/// NetInfo server address (Apple).
pub const NETINFO_ADDRESS: u8 = 112;
/// NetInfo server tag (Apple).
pub const NETINFO_TAG: u8 = 113;
/// URI of a captive portal's API (RFC 8910).
pub const CAPTIVE_PORTAL: u8 = 114;
/// Whether the client may choose a link-local address (RFC 2563).
pub const AUTO_CONFIGURE: u8 = 116;
/// Order of name services (RFC 2937).
pub const NAME_SERVICE_SEARCH: u8 = 117;
/// Subnet to choose the address from (RFC 3011).
pub const SUBNET_SELECTION: u8 = 118;
/// Domains to search, compressed names (RFC 3397).
pub const DOMAIN_SEARCH: u8 = 119;
/// SIP servers (RFC 3361).
pub const SIP_SERVERS: u8 = 120;
/// Routes with prefix lengths (RFC 3442).
pub const CLASSLESS_ROUTES: u8 = 121;
/// CableLabs client configuration (RFC 3495).
pub const CABLELABS: u8 = 122;
/// Geographic position (RFC 6225).
pub const GEOGRAPHIC_LOCATION: u8 = 123;
/// Vendor classes by enterprise number (RFC 3925).
pub const VENDOR_IDENTIFYING_CLASS: u8 = 124;
/// Vendor information by enterprise number (RFC 3925).
pub const VENDOR_IDENTIFYING_INFORMATION: u8 = 125;
/// TFTP servers of IP phones; assigned to others too (RFC 4578).
pub const TFTP_SERVERS_PHONES: u8 = 128;
/// PANA authentication agents (RFC 5192).
pub const PANA_AGENTS: u8 = 136;
/// LoST server (RFC 5223).
pub const LOST_SERVER: u8 = 137;
/// CAPWAP access controllers (RFC 5417).
pub const CAPWAP_CONTROLLERS: u8 = 138;
/// Mobility services by address (RFC 5678).
pub const MOS_ADDRESSES: u8 = 139;
/// Mobility services by name (RFC 5678).
pub const MOS_NAMES: u8 = 140;
/// SIP user agent configuration domains (RFC 6011).
pub const SIP_CONFIGURATION_DOMAINS: u8 = 141;
/// ANDSF servers (RFC 6153).
pub const ANDSF_ADDRESSES: u8 = 142;
/// Bootstrap servers for zero touch (RFC 8572).
pub const SZTP_REDIRECT: u8 = 143;
/// Geographic position with resolution (RFC 6225).
pub const GEOGRAPHIC_POSITION: u8 = 144;
/// Algorithms for FORCERENEW (RFC 6704).
pub const FORCERENEW_NONCE: u8 = 145;
/// DNS server selection (RFC 6731).
pub const RDNSS_SELECTION: u8 = 146;
/// DOTS agent by name (RFC 8973).
pub const DOTS_NAME: u8 = 147;
/// DOTS agents by address (RFC 8973).
pub const DOTS_ADDRESSES: u8 = 148;
/// TFTP servers (RFC 5859).
pub const TFTP_SERVERS: u8 = 150;
/// Status of a lease query (RFC 6926).
pub const STATUS_CODE: u8 = 151;
/// Time at the sender (RFC 6926).
pub const BASE_TIME: u8 = 152;
/// Seconds in the present state (RFC 6926).
pub const STATE_START_TIME: u8 = 153;
/// Beginning of the time asked about (RFC 6926).
pub const QUERY_START_TIME: u8 = 154;
/// End of the time asked about (RFC 6926).
pub const QUERY_END_TIME: u8 = 155;
/// State of an address (RFC 6926).
pub const DHCP_STATE: u8 = 156;
/// Whence that is known (RFC 6926).
pub const DATA_SOURCE: u8 = 157;
/// Port control protocol servers (RFC 7291).
pub const PCP_SERVERS: u8 = 158;
/// Ports of a shared address (RFC 7618).
pub const PORT_PARAMETERS: u8 = 159;
/// Manufacturer usage description (RFC 8520).
pub const MUD_URL: u8 = 161;
/// Encrypted DNS resolvers (RFC 9463).
pub const ENCRYPTED_DNS: u8 = 162;
/// Options of Etherboot and iPXE.
pub const ETHERBOOT: u8 = 175;
/// PXELINUX magic; deprecated (RFC 5071).
pub const PXELINUX_MAGIC: u8 = 208;
/// PXELINUX configuration file (RFC 5071).
pub const PXELINUX_CONFIGURATION: u8 = 209;
/// PXELINUX path prefix (RFC 5071).
pub const PXELINUX_PREFIX: u8 = 210;
/// PXELINUX reboot time in seconds (RFC 5071).
pub const PXELINUX_REBOOT_TIME: u8 = 211;
/// 6rd prefixes and border relays (RFC 5969).
pub const SIX_RD: u8 = 212;
/// Access network domain name (RFC 5986).
pub const ACCESS_DOMAIN: u8 = 213;
/// Subnet allocation (RFC 6656).
pub const SUBNET_ALLOCATION: u8 = 220;
/// Virtual subnet selection (RFC 6607).
pub const VIRTUAL_SUBNET: u8 = 221;
/// As 121, before it had a number (Microsoft).
pub const MICROSOFT_CLASSLESS_ROUTES: u8 = 249;
/// URL of a proxy configuration (WPAD).
pub const PROXY_AUTODISCOVERY: u8 = 252;
/// Ends the options of a field: no length, no value.
pub const END: u8 = 255;
