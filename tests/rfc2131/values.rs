//! The shapes of configured option values (RFC 2132, RFC 3397, RFC 3442), and what is refused.

use crate::support::setup::refused;
use crate::support::{Client, Reply, Setup, code};

fn given(line: &str, wanted: u8) -> Vec<u8> {
    let ack = lease(&Setup::new().option(line), &[wanted]);
    ack.get(wanted).unwrap_or_else(|| panic!("{line} is not sent: {:?}", ack.codes()))
}

fn lease(setup: &Setup, wishes: &[u8]) -> Reply {
    setup.world().lease_by(&Client::new(1), |message| message.wants(wishes).size(1500))
}

/// 2132-2-2: a text is sent without a NUL at its end.
#[test]
fn texts_are_sent_without_a_nul() {
    assert_eq!(given("domain-name = \"beef.com\"", 15), b"beef.com");
    assert_eq!(given("host-name = \"lamp\"", 12), b"lamp");
    assert_eq!(given("root-path = \"/export/root\"", 17), b"/export/root");
    assert_eq!(given("tftp-server-name = \"tftp1\"", 66), b"tftp1");
    assert_eq!(given("bootfile-name = \"pxelinux.0\"", 67), b"pxelinux.0");
}

/// 2132-3.5-1: lists of addresses: a multiple of four octets, at least one address.
#[test]
fn lists_of_addresses_are_whole_addresses() {
    let lists = [
        ("routers", 3),
        ("time-servers", 4),
        ("domain-name-servers", 6),
        ("log-servers", 7),
        ("lpr-servers", 9),
        ("nis-servers", 41),
        ("ntp-servers", 42),
        ("netbios-name-servers", 44),
        ("font-servers", 48),
        ("smtp-server", 69),
    ];
    for (name, code) in lists {
        assert_eq!(given(&format!("{name} = 10.9.9.1"), code).len(), 4);
        if code != 3 {
            let three = given(&format!("{name} = 10.9.9.1, 10.9.9.2, 10.9.9.3"), code);
            assert_eq!(three, [10, 9, 9, 1, 10, 9, 9, 2, 10, 9, 9, 3], "{name}");
        }
        refused(&format!("{name} = 10.9.9"), name);
        refused(&format!("{name} ="), name);
    }
}

/// 2132-3.5-2: the order of preference is the configured one.
#[test]
fn the_order_of_addresses_is_kept() {
    let value = given("ntp-servers = 10.9.9.3, 10.9.9.1, 10.9.9.2", 42);
    assert_eq!(value, [10, 9, 9, 3, 10, 9, 9, 1, 10, 9, 9, 2]);
}

/// 2132-3.15-1: numbers have their one, two or four octets.
#[test]
fn numbers_have_their_lengths() {
    assert_eq!(given("boot-size = 700", 13), [2, 188]);
    assert_eq!(given("max-dgram-reassembly = 1500", 22), [5, 220]);
    assert_eq!(given("interface-mtu = 1400", 26), [5, 120]);
    assert_eq!(given("default-ip-ttl = 64", 23), [64]);
    assert_eq!(given("default-tcp-ttl = 64", 37), [64]);
    assert_eq!(given("netbios-node-type = 8", 46), [8]);
    assert_eq!(given("time-offset = -3600", 2), [0xff, 0xff, 0xf1, 0xf0]);
    assert_eq!(given("path-mtu-aging-timeout = 60", 24), [0, 0, 0, 60]);
    assert_eq!(given("arp-cache-timeout = 60", 35), [0, 0, 0, 60]);
    assert_eq!(given("tcp-keepalive-interval = 60", 38), [0, 0, 0, 60]);
}

/// 2132-4.2-1: flags are one octet, 0 or 1; anything else is refused.
#[test]
fn flags_are_zero_or_one() {
    assert_eq!(given("ip-forwarding = True", 19), [1]);
    assert_eq!(given("router-discovery = No", 31), [0]);
    for name in ["ip-forwarding", "non-local-source-routing", "all-subnets-local", "router-discovery"] {
        refused(&format!("{name} = 2"), name);
        refused(&format!("{name} = maybe"), name);
    }
}

/// 2132-4.3-1: policy filters and static routes come in pairs of addresses.
#[test]
fn pairs_of_addresses_are_whole_pairs() {
    assert_eq!(given("policy-filter = 10.9.0.0 255.255.0.0", 21), [10, 9, 0, 0, 255, 255, 0, 0]);
    assert_eq!(given("static-routes = 10.9.0.1 10.1.0.1", 33), [10, 9, 0, 1, 10, 1, 0, 1]);
    refused("policy-filter = 10.9.0.0", "policy-filter");
    refused("static-routes = 10.9.0.1 10.1.0.1, 10.9.0.2", "static-routes");
}

/// 2132-4.7-1: the plateau table is a list of 16-bit numbers.
#[test]
fn the_plateau_table_has_numbers_of_two_octets() {
    assert_eq!(given("path-mtu-plateau-table = 68, 1500", 25), [0, 68, 5, 220]);
    refused("path-mtu-plateau-table = 70000", "path-mtu-plateau-table");
}

/// 2132-5.1-1: an interface MTU is 68 at least.
#[test]
fn an_mtu_under_68_is_refused() {
    refused("interface-mtu = 60", "interface-mtu");
    assert_eq!(given("interface-mtu = 68", 26), [0, 68]);
}

/// 2132-5.8-1: the default route is no legal static route.
#[test]
fn a_static_default_route_is_refused() {
    refused("static-routes = 0.0.0.0 10.1.0.1", "static-routes");
}

/// 2132-4.5-1: times to live are 1 to 255.
#[test]
fn a_time_to_live_of_zero_is_refused() {
    refused("default-ip-ttl = 0", "default-ip-ttl");
    refused("default-tcp-ttl = 0", "default-tcp-ttl");
    refused("default-ip-ttl = 256", "default-ip-ttl");
}

/// 2132-4.4-1: maximum datagram reassembly is 576 at least.
#[test]
fn a_reassembly_size_under_576_is_refused() {
    refused("max-dgram-reassembly = 575", "max-dgram-reassembly");
}

/// 2132-8.7-1: a NetBIOS node type is 1, 2, 4 or 8.
#[test]
fn other_node_types_are_refused() {
    for node in [0, 3, 5, 16] {
        refused(&format!("netbios-node-type = {node}"), "netbios-node-type");
    }
    for node in [1, 2, 4, 8] {
        assert_eq!(given(&format!("netbios-node-type = {node}"), 46), [node]);
    }
}

/// Reads a list of names as RFC 1035 section 4.1.4 has it; pointers go back only, relative to the whole value.
fn names(value: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = 0;
    while next < value.len() {
        let (name, after) = name_at(value, next);
        names.push(name);
        next = after;
    }
    names
}

fn name_at(value: &[u8], start: usize) -> (String, usize) {
    let mut labels: Vec<String> = Vec::new();
    let (mut at, mut after) = (start, None);
    loop {
        let length = usize::from(value[at]);
        if length == 0 {
            return (labels.join("."), after.unwrap_or(at + 1));
        }
        if length >= 0xc0 {
            let target = (length & 0x3f) << 8 | usize::from(value[at + 1]);
            assert!(target < at, "a pointer forward, from {at} to {target}");
            after.get_or_insert(at + 2);
            at = target;
            continue;
        }
        assert!(length < 64, "label of {length}");
        labels.push(String::from_utf8(value[at + 1..=at + length].to_vec()).expect("letters"));
        at += 1 + length;
    }
}

/// 3397-2-1, 3397-2-3: the search list is one RFC 1035 list; pointers go back, within the value.
#[test]
fn the_domain_search_list_is_encoded_as_names() {
    let value = given("domain-search = eng.beef.com, marketing.beef.com, beef.com", code::SEARCH);
    assert_eq!(names(&value), ["eng.beef.com", "marketing.beef.com", "beef.com"]);
}

/// 3397-2-2: a longer list is split, and pointers are those of the joined value.
#[test]
fn a_long_domain_search_list_is_split() {
    let list: Vec<String> = (0..20).map(|number| format!("department-number-{number}.beef.com")).collect();
    let setup = Setup::new().option(&format!("domain-search = {}", list.join(", ")));
    let ack = lease(&setup, &[code::SEARCH]);
    let value = ack.get(code::SEARCH).expect("option 119");
    assert!(value.len() > 255, "{}", value.len());
    assert_eq!(names(&value), list);
}

/// 3397-2-4: illegal names are refused.
#[test]
fn illegal_domain_names_are_refused() {
    refused(&format!("domain-search = {}.com", "a".repeat(64)), "domain-search");
    refused(&format!("domain-search = {}com", "abcdefg.".repeat(32)), "domain-search");
    refused("domain-search = beef..com", "domain-search");
}

/// 3442-1, 3442-4: a descriptor is the width, the significant octets, and the router; host bits are cleared.
#[test]
fn classless_routes_have_significant_octets_only() {
    let routes = "0.0.0.0/0 10.1.0.1, 10.0.0.1/8 10.1.0.1, 10.128.0.0/17 10.1.0.1, 10.9.9.9/24 10.1.0.1, \
                  10.9.9.255/25 10.1.0.1, 10.9.9.9/32 10.1.0.1";
    let value = given(&format!("classless-static-routes = {routes}"), code::ROUTES);
    let router = [10, 1, 0, 1];
    let expected = [
        &[0][..],
        &router,
        &[8, 10],
        &router,
        &[17, 10, 128, 0],
        &router,
        &[24, 10, 9, 9],
        &router,
        &[25, 10, 9, 9, 128],
        &router,
        &[32, 10, 9, 9, 9],
        &router,
    ]
    .concat();
    assert_eq!(value, expected);
    refused("classless-static-routes = 10.0.0.0/33 10.1.0.1", "classless-static-routes");
}

/// 3442-2: over 255 octets the routes are split.
#[test]
fn many_classless_routes_are_split() {
    let list: Vec<String> = (0..60).map(|number| format!("10.{number}.0.0/16 10.1.0.1")).collect();
    let setup = Setup::new().option(&format!("classless-static-routes = {}", list.join(", ")));
    let value = lease(&setup, &[code::ROUTES]).get(code::ROUTES).expect("option 121");
    assert_eq!(value.len(), 60 * 7);
}

/// 3442-3: to a client that asks for 121 and 3, and gets 121, the server SHOULD NOT send 3 (and 33); to one that
/// asks for 3 alone it does. The RFC says so wherever 121 is sent, not only where room is short.
#[test]
fn routers_are_not_sent_beside_classless_routes() {
    let setup = Setup::new().option("classless-static-routes = 0.0.0.0/0 10.1.0.1");
    let both = lease(&setup, &[121, 3]);
    assert!(both.has(code::ROUTES) && !both.has(code::ROUTERS), "{:?}", both.codes());
    assert!(lease(&setup, &[3]).has(code::ROUTERS));
    assert!(lease(&Setup::new(), &[121, 3]).has(code::ROUTERS));
}
