//! Each rule with the line and the whole text of its message.

use super::support::errors;

/// Checks texts that have one error each: text, then `line: message`.
#[track_caller]
fn refuse(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(errors(text), [*expected], "{text}");
    }
}

#[test]
fn unknown_sections_and_keys_are_named_with_the_nearest_known_name() {
    refuse(&[
        (
            "[Sevrer]\n",
            "1: [Sevrer] is no section; did you mean [Server]? (legal: Server, Policy, Options, Failover, \
             Primary, Subnet, Range, Class, Host)",
        ),
        (
            "[Colours]\n",
            "1: [Colours] is no section (legal: Server, Policy, Options, Failover, Primary, Subnet, Range, \
             Class, Host)",
        ),
        (
            "[Server]\nDhcpProt = 67\n",
            "2: [Server] DhcpProt: there is no such key; did you mean DhcpPort? (legal: the keys of \
             understudyd.ini(5))",
        ),
        (
            "[Server]\nColour = red\n",
            "2: [Server] Colour: there is no such key (legal: the keys of understudyd.ini(5))",
        ),
        (
            "[Options]\nrouter = 10.1.0.1\n",
            "2: [Options] router: there is no such option; did you mean routers? (legal: names of \
             understudyd.ini(5), option-NNN)",
        ),
        (
            "[Server]\nDefaultLease = 60\n",
            "2: [Server] DefaultLease: does not stand in this section (legal: in [Policy], [Subnet], [Range], [Host])",
        ),
        (
            "[Subnet 10.1.0.0/24]\nrouters = 10.1.0.1\n",
            "2: [Subnet 10.1.0.0/24] routers: an option carries a prefix here (legal: Option.routers)",
        ),
        (
            "[Policy]\nOption.routers = 10.1.0.1\n",
            "2: [Policy] Option.routers: options do not stand here (legal: in [Options], [Subnet], [Range], [Host])",
        ),
        (
            "[Options]\nOption.routers = 10.1.0.1\n",
            "2: [Options] Option.routers: has a prefix that this section does without (legal: the option's name)",
        ),
    ]);
}

#[test]
fn headers_and_lines_of_no_shape_are_refused() {
    refuse(&[
        ("[Server\n", "1: the section header has no ] at its end (legal: [Kind name])"),
        ("[Ser]ver]\n", "1: a ] stands inside the section header (legal: [Kind name])"),
        ("[Server]\nDhcpPort\n", "2: the line has no = (legal: Key = value, [Kind name], or ; comment)"),
        ("[Server]\n= 67\n", "2: a key is missing before the = (legal: Key = value)"),
        ("DhcpPort = 67\n", "1: DhcpPort: stands before the first section (legal: only Include stands there)"),
        ("[Server]\nHostName = a\0b\n", "2: the control character 0x00 stands in the line (legal: text)"),
        ("[Server main]\n", "1: [Server main] takes no name (legal: [Server])"),
        ("[Subnet]\n", "1: [Subnet] lacks its name (legal: [Subnet NETWORK/PREFIX])"),
        ("[Host]\n", "1: [Host] lacks its name (legal: [Host NAME])"),
        (
            "[Subnet 10.1.0.0]\n",
            "1: [Subnet 10.1.0.0] 10.1.0.0 is not a subnet (legal: NETWORK/PREFIX, such as 10.1.0.0/24)",
        ),
        (
            "[Subnet 10.1.0.0/33]\n",
            "1: [Subnet 10.1.0.0/33] 10.1.0.0/33 is not a subnet (legal: NETWORK/PREFIX, such as 10.1.0.0/24)",
        ),
        ("[Subnet 10.1.0.5/24]\n", "1: [Subnet 10.1.0.5/24] 10.1.0.5 has bits outside /24 (legal: 10.1.0.0/24)"),
        (
            "[Subnet 224.0.0.0/24]\n",
            "1: [Subnet 224.0.0.0/24] 224.0.0.0/24 holds no addresses of hosts (legal: 1.0.0.0 to 223.255.255.255)",
        ),
    ]);
}

#[test]
fn what_stands_twice_is_named_with_both_lines() {
    refuse(&[
        (
            "[Server]\nDhcpPort = 67\ndhcpport = 68\n",
            "3: [Server] dhcpport: stands twice, first at a.ini:2 (legal: once)",
        ),
        (
            "[Server]\n[Policy]\n[server]\n",
            "3: [Server] stands twice, first at a.ini:1 (legal: once; put the keys together)",
        ),
        (
            "[Subnet 10.1.0.0/24]\n[Subnet 10.1.0.0/24]\n",
            "2: [Subnet 10.1.0.0/24] stands twice, first at a.ini:1 (legal: once; put the keys together)",
        ),
        (
            "[Options]\nrouters = 10.1.0.1\noption-3 = 0x0a010001\n",
            "3: [Options] option-3: stands twice, first at a.ini:2 (legal: once)",
        ),
    ]);
}

#[test]
fn settings_of_the_wrong_type_or_out_of_bounds_name_what_is_legal() {
    refuse(&[
        ("[Server]\nDhcpPort =\n", "2: [Server] DhcpPort: has no value (legal: 1-65534)"),
        ("[Server]\nDhcpPort = 0\n", "2: [Server] DhcpPort: 0 is out of bounds (legal: 1-65534)"),
        ("[Server]\nDhcpPort = 65535\n", "2: [Server] DhcpPort: 65535 is out of bounds (legal: 1-65534)"),
        ("[Server]\nDhcpPort = +67\n", "2: [Server] DhcpPort: +67 is not a whole number (legal: 1-65534)"),
        ("[Server]\nDhcpPort = bootps\n", "2: [Server] DhcpPort: bootps is not a whole number (legal: 1-65534)"),
        (
            "[Server]\nFailoverServerType = Primary\n",
            "2: [Server] FailoverServerType: Primary is none of its words (legal: Standalone/Primary, \
             Failover/Secondary)",
        ),
        (
            "[Server]\nServerAddress = 0.0.0.0\n",
            "2: [Server] ServerAddress: 0.0.0.0 cannot be the address of a host (legal: an IPv4 address of one host)",
        ),
        (
            "[Server]\nServerAddress = 224.0.0.1\n",
            "2: [Server] ServerAddress: 224.0.0.1 cannot be the address of a host (legal: an IPv4 address of one host)",
        ),
        (
            "[Server]\nServerAddress = dhcp1\n",
            "2: [Server] ServerAddress: dhcp1 is not an IPv4 address (legal: an IPv4 address of one host)",
        ),
        (
            "[Server]\nHostName = -a\n",
            "2: [Server] HostName: -a is not a host name (legal: letters, digits, hyphens and dots)",
        ),
        ("[Server]\nDomainName = a..b\n", "2: [Server] DomainName: a..b is not a domain name (legal: a domain name)"),
        (
            "[Server]\nInterfaces = eth0,, eth1\n",
            "2: [Server] Interfaces: has an empty place in its list (legal: interface names of 1-15 characters, \
             comma separated)",
        ),
        (
            "[Server]\nInterfaces = eth0, eth0\n",
            "2: [Server] Interfaces: eth0 stands twice (legal: interface names of 1-15 characters, comma separated)",
        ),
        (
            "[Server]\nInterfaces = abcdefghijklmnop\n",
            "2: [Server] Interfaces: abcdefghijklmnop is not an interface name (legal: interface names of 1-15 \
             characters, comma separated)",
        ),
        (
            "[Server]\nStateDir = leases\n",
            "2: [Server] StateDir: leases is not an absolute path (legal: an absolute path of at most 4095 octets)",
        ),
        (
            "[Server]\nUser = a b\n",
            "2: [Server] User: a b is not a user name (legal: a user name of 1-32 letters, digits, _ . -)",
        ),
        (
            "[Server]\nLogLevel = loud\n",
            "2: [Server] LogLevel: loud is none of its words (legal: error, warn, info, debug, trace)",
        ),
    ]);
}

#[test]
fn switches_and_times_out_of_bounds_name_what_is_legal() {
    refuse(&[
        (
            "[Policy]\nPingBeforeAssign = maybe\n",
            "2: [Policy] PingBeforeAssign: maybe is neither True nor False (legal: True or False)",
        ),
        (
            "[Policy]\nDefaultLease = 0\n",
            "2: [Policy] DefaultLease: 0 is out of bounds (legal: 1-4294967294 s or infinite)",
        ),
        (
            "[Policy]\nDefaultLease = 1.5s\n",
            "2: [Policy] DefaultLease: 1.5s is not in whole seconds (legal: 1-4294967294 s or infinite)",
        ),
        (
            "[Policy]\nDefaultLease = 2 days\n",
            "2: [Policy] DefaultLease: 2 days is not a time such as 90, 1.5s, 30m, 8h, 7d or 2w (legal: \
             1-4294967294 s or infinite)",
        ),
        (
            "[Policy]\nDefaultLease = 4294967296\n",
            "2: [Policy] DefaultLease: 4294967296 is out of bounds (legal: 1-4294967294 s or infinite)",
        ),
        (
            "[Policy]\nMaxPendingSeconds = 0.5\n",
            "2: [Policy] MaxPendingSeconds: 0.5 is not in whole seconds (legal: 0-3600 s)",
        ),
        (
            "[Policy]\nLeaseExpirationSleepTime = 59999\n",
            "2: [Policy] LeaseExpirationSleepTime: 59999 is out of bounds (legal: 60000-86400000 ms)",
        ),
        ("[Policy]\nPingDelay = 0.5\n", "2: [Policy] PingDelay: 0.5 is finer than a millisecond (legal: 10-10000 ms)"),
        (
            "[Policy]\nMaxUnavailableTime = 400d\n",
            "2: [Policy] MaxUnavailableTime: 400d is out of bounds (legal: 0-31536000 s)",
        ),
    ]);
}

#[test]
fn text_with_broken_quotes_is_refused() {
    refuse(&[
        (
            "[Subnet 10.1.0.0/24]\nServerName = \"tftp\n",
            "2: [Subnet 10.1.0.0/24] ServerName: has no closing quote (legal: 1-63 octets of text)",
        ),
        (
            "[Subnet 10.1.0.0/24]\nServerName = \"a\" b\n",
            "2: [Subnet 10.1.0.0/24] ServerName: has something after its closing quote (legal: 1-63 octets of text)",
        ),
        (
            "[Subnet 10.1.0.0/24]\nServerName = a\"b\n",
            "2: [Subnet 10.1.0.0/24] ServerName: has a quote inside text that does not begin with one (legal: \
             1-63 octets of text)",
        ),
        (
            "[Subnet 10.1.0.0/24]\nServerName = \"a\\n\"\n",
            "2: [Subnet 10.1.0.0/24] ServerName: has a backslash that is not \\\" or \\\\ (legal: 1-63 octets of text)",
        ),
        (
            "[Subnet 10.1.0.0/24]\nServerName = \"\"\n",
            "2: [Subnet 10.1.0.0/24] ServerName: is empty (legal: 1-63 octets of text)",
        ),
        (
            "[Subnet 10.1.0.0/24]\nServerName = 0123456789012345678901234567890123456789012345678901234567890123\n",
            "2: [Subnet 10.1.0.0/24] ServerName: is 64 octets long (legal: 1-63 octets of text)",
        ),
    ]);
}

#[test]
fn lease_bounds_that_contradict_each_other_are_refused() {
    refuse(&[
        (
            "[Policy]\nMinimumLease = 2h\nMaximumLease = 1h\nDefaultLease = 1h\n",
            "2: [Policy] MinimumLease: MinimumLease 7200 is over MaximumLease 3600 (legal: at most that, or \
             MaximumLease = 0)",
        ),
        (
            "[Policy]\nDefaultLease = 2h\nMaximumLease = 1h\n",
            "2: [Policy] DefaultLease: 7200 is over MaximumLease 3600 (legal: within MinimumLease and MaximumLease)",
        ),
        (
            "[Policy]\nDefaultLease = 60\nMinimumLease = 120\n",
            "2: [Policy] DefaultLease: 60 is under MinimumLease 120 (legal: within MinimumLease and MaximumLease)",
        ),
        (
            "[Policy]\nMinimumLease = 2h\n[Subnet 10.1.0.0/24]\nMaximumLease = 1h\n",
            "4: [Subnet 10.1.0.0/24] MaximumLease: MinimumLease 7200 is over MaximumLease 3600 (legal: at most \
             that, or MaximumLease = 0)",
        ),
        (
            "[Options]\ndhcp-renewal-time = 100\ndhcp-rebinding-time = 100\n",
            "2: [Options] dhcp-renewal-time 100 is not under dhcp-rebinding-time 100 (legal: T1 < T2 < lease)",
        ),
        (
            "[Options]\ndhcp-renewal-time = 100\n[Subnet 10.1.0.0/24]\nOption.dhcp-rebinding-time = 90\n",
            "4: [Subnet 10.1.0.0/24] dhcp-renewal-time 100 is not under dhcp-rebinding-time 90 (legal: T1 < T2 < \
             lease)",
        ),
    ]);
}

#[test]
fn what_later_versions_bring_is_refused_by_name() {
    let subnet = "[Subnet 10.1.0.0/24]\n[Range 10.1.0.5 - 10.1.0.9]\n";
    refuse(&[
        (
            "[Class voip]\nVendorClass = \"x\"\n",
            "1: [Class voip] named classes are not supported by this version (legal: leave the section out)",
        ),
        (
            &format!("{subnet}Class = voip\n"),
            "3: [Range 10.1.0.5 - 10.1.0.9] Class: voip: a named class is not supported by this version (legal: \
             KNOWN or UNKNOWN)",
        ),
        (
            &format!("{subnet}NotClass = voip\n"),
            "3: [Range 10.1.0.5 - 10.1.0.9] NotClass: is not supported by this version (legal: leave it out)",
        ),
        (
            &format!("{subnet}AllowMac = 00:11:*\n"),
            "3: [Range 10.1.0.5 - 10.1.0.9] AllowMac: is not supported by this version (legal: leave it out)",
        ),
        (
            &format!("{subnet}DenyMac = 00:11:*\n"),
            "3: [Range 10.1.0.5 - 10.1.0.9] DenyMac: is not supported by this version (legal: leave it out)",
        ),
        (
            "[Host a]\nHardwareAddress = 00:11:22:33:44:55\nClass = voip\n",
            "3: [Host a] Class: is not supported by this version (legal: leave it out)",
        ),
        (
            "[Policy]\nForceClass = Vendor\n",
            "2: [Policy] ForceClass: classes are not supported by this version (legal: None)",
        ),
    ]);
}

#[test]
fn ranges_lie_in_their_subnet_and_do_not_overlap() {
    let subnet = "[Subnet 10.1.0.0/24]\n";
    refuse(&[
        (
            &format!("{subnet}Range = 10.1.0.9 - 10.1.0.5\n"),
            "2: [Subnet 10.1.0.0/24] Range: 10.1.0.9 comes after 10.1.0.5 (legal: FIRST - LAST, two IPv4 addresses)",
        ),
        (
            &format!("{subnet}Range = 10.1.0.9 - 10.1.1.5\n"),
            "2: [Subnet 10.1.0.0/24] Range: 10.1.1.5 lies outside 10.1.0.0/24 (legal: within 10.1.0.1 - 10.1.0.254)",
        ),
        (
            &format!("{subnet}Range = 10.1.0.0 - 10.1.0.5\n"),
            "2: [Subnet 10.1.0.0/24] Range: 10.1.0.0 is the network address (legal: within 10.1.0.1 - 10.1.0.254)",
        ),
        (
            &format!("{subnet}Range = 10.1.0.250 - 10.1.0.255\n"),
            "2: [Subnet 10.1.0.0/24] Range: 10.1.0.255 is the broadcast address (legal: within 10.1.0.1 - 10.1.0.254)",
        ),
        (
            &format!("{subnet}Range = 10.1.0.5 - 10.1.0.9\nRange = 10.1.0.9 - 10.1.0.20\n"),
            "3: [Subnet 10.1.0.0/24] Range: overlaps 10.1.0.5 - 10.1.0.9 of a.ini:2 (legal: each address once)",
        ),
        (
            &format!("{subnet}Range = 10.1.0.5 - 10.1.0.9\n[Range 10.1.0.6 - 10.1.0.7]\n"),
            "3: [Range 10.1.0.6 - 10.1.0.7] overlaps 10.1.0.5 - 10.1.0.9 of a.ini:2 (legal: each address once)",
        ),
        (
            &format!("{subnet}Exclude = 10.1.1.1\n"),
            "2: [Subnet 10.1.0.0/24] Exclude: 10.1.1.1 lies outside 10.1.0.0/24 (legal: inside it)",
        ),
        (
            &format!("{subnet}[Range 10.2.0.6 - 10.2.0.7]\n"),
            "2: [Range 10.2.0.6 - 10.2.0.7] lies in no subnet (legal: inside one [Subnet])",
        ),
        (
            &format!("{subnet}[Range some]\n"),
            "2: [Range some] some is not an IPv4 address (legal: [Range FIRST - LAST])",
        ),
        (
            &format!("{subnet}[Range 10.1.0.250 - 10.1.1.7]\n"),
            "2: [Range 10.1.0.250 - 10.1.1.7] 10.1.1.7 lies outside 10.1.0.0/24 (legal: within 10.1.0.1 - 10.1.0.254)",
        ),
        (
            "[Subnet 10.0.0.0/7]\nRange = 10.0.0.1 - 11.255.255.254\n",
            "2: [Subnet 10.0.0.0/7] Range: all ranges together hold more than 16777216 addresses (legal: at most that)",
        ),
        (
            &format!("{subnet}[Subnet 10.1.0.128/25]\n"),
            "2: [Subnet 10.1.0.128/25] overlaps [Subnet 10.1.0.0/24] of a.ini:1 (legal: each address in one subnet)",
        ),
        (
            &format!("[Subnet 10.1.0.128/25]\n{subnet}"),
            "2: [Subnet 10.1.0.0/24] overlaps [Subnet 10.1.0.128/25] of a.ini:1 (legal: each address in one subnet)",
        ),
    ]);
}

#[test]
fn an_interface_and_a_relay_lead_to_one_link() {
    let (one, two) = ("[Subnet 10.1.0.0/24]\n", "[Subnet 10.2.0.0/24]\n");
    refuse(&[
        (
            &format!("{one}Interface = eth0\n{two}Interface = eth0\n"),
            "4: [Subnet 10.2.0.0/24] Interface: eth0 is also that of [Subnet 10.1.0.0/24] (legal: one link; give \
             both one SharedNetwork)",
        ),
        (
            &format!("[Server]\nInterfaces = eth1\n{one}Interface = eth0\n"),
            "4: [Subnet 10.1.0.0/24] Interface: eth0 is not served (legal: one of [Server] Interfaces = eth1)",
        ),
        (
            &format!("{one}RelayAddress = 10.9.0.1\n{two}RelayAddress = 10.9.0.1\n"),
            "4: [Subnet 10.2.0.0/24] RelayAddress: 10.9.0.1 is also that of [Subnet 10.1.0.0/24] (legal: one \
             link, once)",
        ),
        (
            &format!("{one}RelayAddress = 10.2.0.1\n{two}"),
            "2: [Subnet 10.1.0.0/24] RelayAddress: 10.2.0.1 lies in [Subnet 10.2.0.0/24] (legal: an address of \
             no other link)",
        ),
    ]);
}

#[test]
fn hosts_have_one_identity_and_an_address_of_their_own() {
    let subnet = "[Subnet 10.1.0.0/24]\n";
    let mac = "HardwareAddress = 00:11:22:33:44:55\n";
    refuse(&[
        ("[Host a]\n", "1: [Host a] nothing tells its client (legal: one of HardwareAddress, ClientId, CircuitId)"),
        (
            &format!("[Host a]\n{mac}ClientId = \"x1\"\n"),
            "3: [Host a] ClientId: stands beside HardwareAddress (legal: one of HardwareAddress, ClientId, CircuitId)",
        ),
        (
            "[Host a]\nHardwareAddress = 00:11:22:33:44\n",
            "2: [Host a] HardwareAddress: has 5 octets, and an Ethernet address has 6 (legal: 1-16 octets such \
             as 00:11:22:33:44:55, or TYPE/OCTETS)",
        ),
        (
            "[Host a]\nHardwareAddress = 00:11:22:33:44:gg\n",
            "2: [Host a] HardwareAddress: 00:11:22:33:44:gg is not a hardware address (legal: 1-16 octets such \
             as 00:11:22:33:44:55, or TYPE/OCTETS)",
        ),
        (
            "[Host a]\nClientId = 01:00:11\n",
            "2: [Host a] ClientId: 01:00:11 is neither text in quotes nor octets in hex (legal: \"text\" or 0x \
             and hex digits, 2-255 octets)",
        ),
        (
            "[Host a]\nClientId = 0x010\n",
            "2: [Host a] ClientId: 0x010 is not an even number of hex digits (legal: \"text\" or 0x and hex \
             digits, 2-255 octets)",
        ),
        (
            "[Host a]\nClientId = 0x01\n",
            "2: [Host a] ClientId: is 1 octets long (legal: \"text\" or 0x and hex digits, 2-255 octets)",
        ),
        (
            &format!("[Host a]\n{mac}Address = 10.1.0.5\n"),
            "3: [Host a] Address: 10.1.0.5 lies in no subnet (legal: inside one [Subnet])",
        ),
        (
            &format!("{subnet}[Host a]\n{mac}Address = 10.1.0.255\n"),
            "4: [Host a] Address: 10.1.0.255 is the broadcast address of 10.1.0.0/24 (legal: an address of one host)",
        ),
        (
            &format!("[Server]\nServerAddress = 10.1.0.5\n{subnet}[Host a]\n{mac}Address = 10.1.0.5\n"),
            "6: [Host a] Address: it is the ServerAddress (legal: an address that nobody else has)",
        ),
        (
            &format!("{subnet}[Host a]\n{mac}Address = 10.1.0.5\n[Host b]\nClientId = \"b1\"\nAddress = 10.1.0.5\n"),
            "7: [Host b] Address: 10.1.0.5 is that of another host, a.ini:4 (legal: once)",
        ),
        (
            &format!("{subnet}[Host a]\n{mac}Address = 10.1.0.5\n[Host b]\n{mac}Address = 10.1.0.6\n"),
            "5: [Host b] the same client stands on this link in another host, a.ini:2 (legal: once a link)",
        ),
        (
            &format!("[Host a]\n{mac}[Host b]\n{mac}"),
            "3: [Host b] the same client stands without an Address in another host, a.ini:1 (legal: once a link)",
        ),
        (
            &format!("[Host a]\n{mac}[Host A]\nClientId = \"b1\"\n"),
            "3: [Host A] stands twice, first at a.ini:1 (legal: once; put the keys together)",
        ),
    ]);
}

#[test]
fn all_errors_of_a_file_are_reported_in_one_run_in_the_order_of_its_lines() {
    let text = "[Server]\nDhcpPort = 0\n[Polcy]\n[Subnet 10.1.0.0/24]\nRange = 10.2.0.1\nOption.interface-mtu = \
     60\n[Host a]\n";
    let lines: Vec<String> =
        errors(text).iter().map(|error| error.split(':').next().unwrap_or("").to_owned()).collect();
    assert_eq!(lines, ["2", "3", "5", "6", "7"]);
}
