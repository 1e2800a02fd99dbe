//! What a configuration means: inheritance, links, ranges, hosts, notices, `-T`.

use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::config::{HostIdentity, Membership, explain};

use super::support::{good, notices};

fn at(text: &str) -> Ipv4Addr {
    text.parse().expect("an address")
}

#[test]
fn policies_are_inherited_from_policy_to_subnet_to_range() {
    let config = good(
        "[Policy]\nDefaultLease = 1h\nPingAttempts = 3\nMaxPendingSeconds = 20\n\
         [Subnet 10.1.0.0/24]\nDefaultLease = 2h\nRange = 10.1.0.10 - 10.1.0.20\nRange = 10.1.0.30 - 10.1.0.40\n\
         [Range 10.1.0.30 - 10.1.0.40]\nDefaultLease = 3h\nRegisteredClientsOnly = True\n",
    );
    let subnet = &config.subnets[0];
    assert_eq!((config.policy.default_lease.0, subnet.policy.default_lease.0), (3600, 7200));
    let leases: Vec<u32> = subnet.ranges.iter().map(|range| range.policy.default_lease.0).collect();
    assert_eq!(leases, [7200, 10800]);
    assert!(!subnet.policy.registered_clients_only && subnet.ranges[1].policy.registered_clients_only);
    assert_eq!(subnet.ranges[1].policy.ping_attempts, 3);
    assert_eq!(subnet.ranges[1].policy.max_pending, Duration::from_secs(20));
}

#[test]
fn a_hosts_policies_are_kept_as_written_and_go_over_any_policy() {
    let config = good("[Host a]\nClientId = \"abc\"\nMaximumLease = 600\nDefaultLease = 300\nPingBeforeAssign = yes\n");
    let host = &config.hosts[0];
    assert_eq!(host.identity, HostIdentity::ClientId(b"abc".as_slice().into()));
    let over = host.policy.over(&config.policy);
    assert_eq!((over.maximum_lease.0, over.default_lease.0, over.ping_before_assign), (600, 300, true));
    assert_eq!(over.max_unavailable, config.policy.max_unavailable);
    assert_eq!(host.policy.minimum_lease, None);
}

#[test]
fn options_of_each_section_are_kept_apart() {
    let config = good(
        "[Options]\nrouters = 10.0.0.1\n[Subnet 10.1.0.0/24]\nOption.routers = 10.1.0.1\nRange = 10.1.0.9\n\
         [Range 10.1.0.9]\nOption.host-name = nine\n",
    );
    assert_eq!(config.options.get(3), Some([10, 0, 0, 1].as_slice()));
    assert_eq!(config.subnets[0].options.get(3), Some([10, 1, 0, 1].as_slice()));
    let range = &config.subnets[0].ranges[0];
    assert_eq!((range.options.get(3), range.options.get(12)), (None, Some(b"nine".as_slice())));
}

#[test]
fn subnets_are_sorted_and_links_stand_in_the_order_of_the_file() {
    let config = good(
        "[Subnet 10.3.0.0/24]\nSharedNetwork = floor\n[Subnet 10.2.0.0/24]\n\
         [Subnet 10.1.0.0/24]\nSharedNetwork = floor\nInterface = eth0\n",
    );
    let networks: Vec<String> = config.subnets.iter().map(|subnet| subnet.network.to_string()).collect();
    assert_eq!(networks, ["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"]);
    let links: Vec<(&str, &[usize])> =
        config.links.iter().map(|link| (link.name.as_str(), link.subnets.as_slice())).collect();
    assert_eq!(links, [("floor", [2, 0].as_slice()), ("10.2.0.0/24", &[1])]);
    let of_subnet: Vec<usize> = config.subnets.iter().map(|subnet| subnet.link).collect();
    assert_eq!(of_subnet, [0, 1, 0]);
    assert_eq!(config.subnets[0].interface.as_deref(), Some("eth0"));
}

#[test]
fn a_range_section_takes_the_place_of_the_range_key_with_its_addresses_else_the_end() {
    let config = good(
        "[Range 10.1.0.30 - 10.1.0.39]\nClass = UNKNOWN\n[Range 10.1.0.70-10.1.0.79]\nClass = \
         known\nAutomaticBootp = True\n\
         [Subnet 10.1.0.0/24]\nRange = 10.1.0.30 - 10.1.0.39\nRange = 10.1.0.10 - 10.1.0.19\n",
    );
    let ranges = &config.subnets[0].ranges;
    let firsts: Vec<u8> = ranges.iter().map(|range| range.first.octets()[3]).collect();
    assert_eq!(firsts, [30, 10, 70]);
    let members: Vec<Membership> = ranges.iter().map(|range| range.membership).collect();
    assert_eq!(members, [Membership::Unknown, Membership::Anyone, Membership::Known]);
    assert_eq!(ranges.iter().map(|range| range.automatic_bootp).collect::<Vec<bool>>(), [false, false, true]);
}

#[test]
fn exclude_hosts_and_the_servers_own_address_are_taken_out_of_a_range() {
    let text = "[Server]\nServerAddress = 10.1.0.14\n[Subnet 10.1.0.0/24]\nRange = 10.1.0.10 - 10.1.0.20\n\
                Exclude = 10.1.0.5 - 10.1.0.11\n[Host a]\nHardwareAddress = 6/00-11-22\nAddress = 10.1.0.20\n";
    let config = good(text);
    let expected =
        [(at("10.1.0.10"), at("10.1.0.11")), (at("10.1.0.14"), at("10.1.0.14")), (at("10.1.0.20"), at("10.1.0.20"))];
    assert_eq!(config.subnets[0].ranges[0].excluded, expected);
    let identity = HostIdentity::HardwareAddress { htype: 6, address: [0, 0x11, 0x22].as_slice().into() };
    assert_eq!(config.hosts[0].identity, identity);
    assert_eq!(notices(text), ["4: [Subnet 10.1.0.0/24] Range: ServerAddress lies inside and is left out"]);
}

#[test]
fn subnets_of_31_and_32_bits_use_all_their_addresses() {
    let config = good("[Subnet 10.1.0.0/31]\nRange = 10.1.0.0 - 10.1.0.1\n[Subnet 10.1.0.2/32]\nRange = 10.1.0.2\n");
    assert_eq!(config.subnets.iter().map(|subnet| subnet.ranges.len()).sum::<usize>(), 2);
}

#[test]
fn a_client_may_have_one_host_on_each_link_and_one_without_address() {
    let mac = "HardwareAddress = 00:11:22:33:44:55\n";
    let config = good(&format!(
        "[Subnet 10.1.0.0/24]\n[Subnet 10.2.0.0/24]\n[Host a]\n{mac}Address = 10.1.0.5\n\
         [Host b]\n{mac}Address = 10.2.0.5\n[Host c]\n{mac}Option.host-name = laptop\n"
    ));
    assert_eq!(
        config.hosts.iter().map(|host| host.address).collect::<Vec<_>>(),
        [Some(at("10.1.0.5")), Some(at("10.2.0.5")), None]
    );
}

#[test]
fn one_interface_may_serve_all_subnets_of_a_shared_network() {
    let config = good(
        "[Subnet 10.1.0.0/24]\nSharedNetwork = a\nInterface = eth0\n[Subnet 10.2.0.0/24]\nSharedNetwork = \
         a\nInterface = eth0\n",
    );
    assert_eq!(config.links.len(), 1);
}

#[test]
fn what_is_legal_but_odd_is_a_notice() {
    let subnet = "[Subnet 10.1.0.0/24]\n";
    let cases = [
        (
            "[Policy]\nMaximumLease = 1h\n".to_owned(),
            "2: [Policy] MaximumLease: DefaultLease 7776000 is over MaximumLease 3600; 3600 is granted",
        ),
        (
            format!("[Options]\ndhcp-renewal-time = 90d\n{subnet}"),
            "2: [Options] 7776000 s is not under DefaultLease 7776000: not sent with such leases",
        ),
        (
            format!(
                "{subnet}Option.routers = 10.1.0.1\nOption.rfc3442-classless-static-routes = 10.0.0.0/8 10.1.0.1\n"
            ),
            "3: [Subnet 10.1.0.0/24] clients that take rfc3442-classless-static-routes ignore routers; add \
             0.0.0.0/0 to the routes",
        ),
        (
            format!("{subnet}Exclude = 10.1.0.7\n"),
            "2: [Subnet 10.1.0.0/24] Exclude: 10.1.0.7 - 10.1.0.7 meets no range: not needed",
        ),
        (
            format!("{subnet}Range = 10.1.0.7\nExclude = 10.1.0.1 - 10.1.0.9\n"),
            "2: [Subnet 10.1.0.0/24] Range: every address is excluded or a host's",
        ),
        (
            format!("{subnet}RelayAddress = 10.1.0.1\n"),
            "2: [Subnet 10.1.0.0/24] RelayAddress: 10.1.0.1 lies in this link: not needed",
        ),
    ];
    for (text, expected) in cases {
        let text = if text.contains("[Subnet") { text } else { format!("{text}{subnet}") };
        assert_eq!(notices(&text), [expected], "{text}");
    }
}

#[test]
fn a_default_route_in_the_classless_routes_needs_no_notice() {
    let text = "[Subnet 10.1.0.0/24]\nOption.routers = 10.1.0.1\n\
                Option.rfc3442-classless-static-routes = 10.0.0.0/8 10.1.0.2, 0.0.0.0/0 10.1.0.1\n";
    assert!(notices(text).is_empty());
}

#[test]
fn the_effective_parameters_are_listed_with_default_place_or_not_applicable() {
    let config = good("[Server]\nDhcpPort = 1067 ; test\n[Subnet 10.1.0.0/24]\nOption.routers = 10.1.0.1\n");
    let text = explain(&config);
    let row = |start: &str| {
        let line = text.lines().find(|line| line.split_whitespace().collect::<Vec<_>>().join(" ").starts_with(start));
        line.unwrap_or_else(|| panic!("no {start} in\n{text}")).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(row("Server DhcpPort"), "Server DhcpPort 1067 a.ini:2");
    assert_eq!(row("Policy PingDelay"), "Policy PingDelay 500 default");
    assert_eq!(row("Failover UseFailoverServer"), "Failover UseFailoverServer False default");
    assert_eq!(row("Failover CtlReqRetryMax"), "Failover CtlReqRetryMax - not applicable");
    assert_eq!(row("Primary PollRetryMax"), "Primary PollRetryMax - not applicable");
    assert_eq!(row("Subnet 10.1.0.0/24 Option.routers"), "Subnet 10.1.0.0/24 Option.routers 10.1.0.1 a.ini:4");
    let column = |line: &str| line.find(" a.ini:").or(line.find(" default")).or(line.find(" not applicable"));
    let columns: Vec<_> = text.lines().map(column).collect();
    assert!(columns.windows(2).all(|pair| pair[0] == pair[1]), "not aligned:\n{text}");
}
