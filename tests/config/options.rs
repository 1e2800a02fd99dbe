//! Options: text to octets by shape, bounds, codes that cannot be set.

use understudy::config::option_table::{OPTIONS, Shape, by_code, by_name};
use understudy::config::option_values::encode;

#[track_caller]
fn hex(name: &str, written: &str) -> String {
    let (_, octets) = encode(name, written).unwrap_or_else(|wrong| panic!("{name} = {written}: {wrong}"));
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

#[track_caller]
fn wrong(name: &str, written: &str) -> String {
    encode(name, written).expect_err("an illegal value")
}

#[test]
fn the_table_is_sorted_without_doubles_and_every_name_leads_to_its_code() {
    assert!(OPTIONS.windows(2).all(|pair| pair[0].code < pair[1].code));
    for row in OPTIONS {
        assert_eq!(by_name(row.name).map(|found| found.code), Some(row.code), "{}", row.name);
        assert_eq!(by_code(row.code).map(|found| found.name), Some(row.name));
        if !row.alias.is_empty() {
            assert_eq!(by_name(row.alias).map(|found| found.code), Some(row.code), "{}", row.alias);
        }
        assert!((1..=254).contains(&row.code) && !row.shape.legal().is_empty());
    }
}

/// RFC 2132 section 2: all options of the RFC have names (codes 1 to 76).
#[test]
fn every_option_of_rfc_2132_is_in_the_table() {
    for code in 1..=76 {
        assert!(by_code(code).is_some(), "{code}");
    }
}

#[test]
fn values_become_octets_by_the_shape_of_their_option() {
    let cases = [
        ("subnet-mask", "255.255.255.0", "ffffff00"),
        ("time-offset", "-3600", "fffff1f0"),
        ("routers", "10.1.0.1, 10.1.0.2", "0a0100010a010002"),
        ("HOST-NAME", "\"printer-3\"", "7072696e7465722d33"),
        ("boot-size", "512", "0200"),
        ("ip-forwarding", "yes", "01"),
        ("policy-filter", "10.0.0.0 255.0.0.0, 10.1.0.0 255.255.0.0", "0a000000ff0000000a010000ffff0000"),
        ("static-routes", "10.2.0.0 10.1.0.1", "0a0200000a010001"),
        ("path-mtu-plateau-table", "68, 296, 1500", "0044012805dc"),
        ("arp-cache-timeout", "1h", "00000e10"),
        ("netbios-node-type", "8", "08"),
        ("mobile-ip-home-agent", "none", ""),
        ("dhcp-renewal-time", "30m", "00000708"),
        ("vendor-encapsulated-options", "01:04:0a:01:00:01", "01040a010001"),
        ("vendor-class-identifier", "\"PXEClient\"", "505845436c69656e74"),
        ("slp-directory-agent", "True, 10.1.0.4", "010a010004"),
        ("slp-service-scope", "False, \"a,b\"", "00612c62"),
        ("bcms-controller-names", "a.b, c.b", "01610162000163016200"),
        ("v6-only-preferred", "1800", "00000708"),
        ("default-url", "\"https://x/\"", "68747470733a2f2f782f"),
        ("name-service-search", "6, 44", "0006002c"),
        ("sip-servers", "sip.a", "0003736970016100"),
        ("sip-servers", "10.1.0.4", "010a010004"),
        ("vivso", "0x0000000903010161", "0000000903010161"),
        ("tftp-server-address", "10.1.0.4, 10.1.0.5", "0a0100040a010005"),
        ("loader-reboottime", "30", "0000001e"),
        ("v4-access-domain", "a.b.", "0161016200"),
        ("option-224", "0x0a0b0c", "0a0b0c"),
        ("OPTION-224.IP", "10.1.0.4, 10.1.0.5", "0a0100040a010005"),
        ("option-224.u8", "7", "07"),
        ("option-224.u16", "7", "0007"),
        ("option-224.u32", "7", "00000007"),
        ("option-224.text", "\"a, b\"", "612c2062"),
        ("option-224.bool", "false", "00"),
    ];
    for (name, written, expected) in cases {
        assert_eq!(hex(name, written), expected, "{name} = {written}");
    }
}

/// RFC 3397 section 2: one list, suffixes shared by pointers over the whole value, never forward.
#[test]
fn a_domain_search_list_is_compressed_over_the_whole_value() {
    assert_eq!(hex("domain-search", "a.b, c.b, b"), "01610162000163c002c002");
    let long: Vec<String> = (0..40).map(|n| format!("department-{n}.example.com")).collect();
    let (_, octets) = encode("domain-search", &long.join(", ")).expect("a legal list");
    assert!(octets.len() > 255, "split by the emitter, not here");
    assert!(wrong("domain-search", &format!("{}.com", "a".repeat(64))).contains("is not a domain name"));
    assert!(wrong("domain-search", &vec!["abcdefgh"; 32].join(".")).contains("is not a domain name"));
}

/// RFC 3442: width, significant octets only, router; bits outside the mask are zero.
#[test]
fn classless_routes_carry_significant_octets_only() {
    let cases = [
        ("0.0.0.0/0 10.1.0.1", "000a010001"),
        ("10.0.0.1/8 10.1.0.1", "080a0a010001"),
        ("10.0.0.0/17 via 10.1.0.1", "110a00000a010001"),
        ("10.17.0.0/24 10.1.0.1", "180a11000a010001"),
        ("10.229.0.128/25 10.1.0.1", "190ae500800a010001"),
        ("10.198.122.47/32 10.1.0.1", "200ac67a2f0a010001"),
        ("10.0.0.0/8 10.1.0.1, 0.0.0.0/0 10.1.0.2", "080a0a010001000a010002"),
    ];
    for (written, expected) in cases {
        assert_eq!(hex("rfc3442-classless-static-routes", written), expected, "{written}");
        assert_eq!(hex("ms-classless-static-routes", written), expected, "{written}");
    }
    for written in ["10.0.0.0 10.1.0.1", "10.0.0.0/33 10.1.0.1", "10.0.0.0/8", "10.0.0.0/8 x"] {
        assert!(wrong("rfc3442-classless-static-routes", written).contains("legal: NETWORK/PREFIX ROUTER"));
    }
}

/// RFC 2132 sections 4 and 5: bounds of what may be configured.
#[test]
fn values_outside_the_bounds_of_rfc_2132_are_refused() {
    let cases = [
        ("interface-mtu", "60", "60 is not a value of option 26 (legal: 68-65535)"),
        ("max-dgram-reassembly", "575", "575 is not a value of option 22 (legal: 576-65535)"),
        ("default-ip-ttl", "0", "0 is not a value of option 23 (legal: 1-255)"),
        ("default-tcp-ttl", "256", "256 is out of bounds (legal: 1-255)"),
        ("netbios-node-type", "3", "3 is not a value of option 46 (legal: 1, 2, 4, 8)"),
        ("ip-forwarding", "2", "2 is neither True nor False (legal: True or False)"),
        ("ip-forwarding", "maybe", "maybe is neither True nor False (legal: True or False)"),
        ("policy-filter", "10.0.0.0", "10.0.0.0 is not a pair (legal: pairs ADDRESS MASK, comma separated)"),
        (
            "static-routes",
            "0.0.0.0 10.1.0.1",
            "0.0.0.0 is no destination (RFC 2132 section 5.8); use routers (legal: pairs DESTINATION ROUTER, \
             comma separated)",
        ),
        (
            "path-mtu-plateau-table",
            "60",
            "60 is not a value of option 25 (legal: numbers of 68-65535, comma separated)",
        ),
        ("v6-only-preferred", "299", "299 is not a value of option 108 (legal: 0, or 300-4294967295 s)"),
        ("routers", "router1", "router1 is not an IPv4 address (legal: IPv4 addresses, comma separated)"),
        ("domain-name", "\"\"", "is empty (legal: text of at least one character)"),
        ("domain-name", "a, b", "has a comma outside quotes (legal: text of at least one character)"),
        ("host-name", "a_b", "a_b is not a host name (legal: letters, digits, hyphens and dots)"),
        (
            "sip-servers",
            "10.1.0.4, a",
            "mixes names and addresses (legal: domain names or IPv4 addresses, comma separated, one kind)",
        ),
        ("pxe-interface-id", "0x0102", "0x0102 is not a value of option 94 (legal: 3 octets, as 0x0a0b or 0a:0b)"),
        ("option-26", "0x003c", "0x003c is not a value of option 26 (legal: 68-65535)"),
        ("option-3", "0x0a0100", "0x0a0100 is not a value of option 3 (legal: IPv4 addresses, comma separated)"),
        (
            "vivso",
            "0x00000009050101",
            "0x00000009050101 is not a value of option 125 (legal: enterprise number, length, value, repeated, \
             as 0x0a0b or 0a:0b)",
        ),
        (
            "option-224",
            "10",
            "10 is neither text in quotes nor octets in hex (legal: octets as 0x0a0b or 0a:0b, or text in quotes)",
        ),
        ("option-224", "", "has no value (legal: octets as 0x0a0b or 0a:0b, or text in quotes)"),
        ("option-224.float", "1", "float is no type (legal: ip, u8, u16, u32, text, bool)"),
        ("option-256", "0x01", "no option has the code 256 (legal: 1-254)"),
        ("option-x", "0x01", "there is no such option (legal: names of understudyd.ini(5), option-NNN)"),
    ];
    for (name, written, expected) in cases {
        assert_eq!(wrong(name, written), expected, "{name} = {written}");
    }
}

#[test]
fn codes_that_the_server_sets_itself_are_refused_with_the_reason() {
    for code in [0u8, 50, 51, 52, 53, 54, 55, 56, 57, 61, 82, 118, 255] {
        let said = wrong(&format!("option-{code}"), "0x01");
        assert!(
            said.starts_with(&format!("option {code} cannot be set: ")) && said.ends_with("(legal: leave it out)"),
            "{said}"
        );
    }
    assert_eq!(
        wrong("dhcp-lease-time", "60"),
        "option 51 cannot be set: DefaultLease, MinimumLease and MaximumLease set it (legal: leave it out)"
    );
    for row in OPTIONS.iter().filter(|row| matches!(row.shape, Shape::Refused(_))) {
        assert!(encode(row.name, "0x01").is_err(), "{}", row.name);
    }
}

#[test]
fn a_value_too_long_for_any_reply_is_refused() {
    assert_eq!(hex("option-224.text", &"a".repeat(1200)).len(), 2400);
    assert_eq!(wrong("option-224.text", &"a".repeat(1201)), "is 1201 octets long (legal: at most 1200)");
}
