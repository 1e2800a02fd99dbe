//! Keys, names and sockets of the channels between partners.

use std::net::{Ipv4Addr, SocketAddrV4};

use understudy::config::{Config, reload_refusals};
use understudy::wire::seal::Keys;

use super::support::{Files, KEY, errors, good, lines, notices};

const PRIMARY: &str = "[Failover]\nUseFailoverServer = True\n";
const SECONDARY: &str = "[Server]\nFailoverServerType = Failover/Secondary\n";

fn partners(config: &Config) -> Vec<String> {
    config.channels().map(|channel| channel.partner.to_string()).collect()
}

#[test]
fn the_keys_of_a_channel_are_read_from_its_file() {
    let config = good(&format!("{PRIMARY}SecondaryIpAddr = 10.1.0.5\nFailoverKeyFile = /k\n"));
    let expected = Keys::parse(KEY).expect("keys");
    assert!(matches!(&expected, Keys::Shared(keys) if keys.len() == 1));
    assert_eq!(config.failover.expect("a failover").common.keys, expected);
}

#[test]
fn a_key_file_that_cannot_be_read_or_used_is_named_with_line_and_remedy() {
    let said = errors(&format!("{PRIMARY}SecondaryIpAddr = 10.1.0.5\nFailoverKeyFile = /missing\n"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("4: [Failover] FailoverKeyFile: cannot read /missing: "), "{said:?}");
    assert!(said[0].contains("understudyctl keygen"), "{said:?}");
    let text = format!("{PRIMARY}SecondaryIpAddr = 10.1.0.5\nFailoverKeyFile = /bad\n");
    let files = Files::new(&[("a.ini", &text), ("/bad", "# a key\nsecret!\n")]);
    let said = lines(&files.load("a.ini").expect_err("refused"));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("/bad:2: [Failover] FailoverKeyFile: is neither base64 nor hexadecimal"), "{said:?}");
    assert!(!said[0].contains("secret"), "a key is never shown: {said:?}");
}

#[test]
fn a_channel_without_a_key_gets_a_notice_at_each_load() {
    let text = format!("{PRIMARY}SecondaryIpAddr = 10.1.0.5\nFailoverKeyFile = none\n[Subnet 10.1.0.0/24]\n");
    assert_eq!(good(&text).failover.expect("a failover").common.keys, Keys::None);
    let odd = "4: [Failover] FailoverKeyFile: none: whoever can send to the failover port can change leases";
    assert_eq!(notices(&text), [odd]);
}

#[test]
fn partners_are_found_by_address_or_name_and_the_port_is_that_of_the_channel_unless_written() {
    let config = good(&format!("{PRIMARY}SecondaryIpAddr = dhcp2.example.com\nFailoverKeyFile = /k\n"));
    assert_eq!(partners(&config), ["10.9.0.2:647"]);
    let primary = |name, address| format!("[Primary {name}]\nPrimaryIpAddr = {address}\nFailoverKeyFile = /k\n");
    let config = good(&format!(
        "{SECONDARY}{}FailoverPort = 1647\n{}FailoverPort = 1647\n",
        primary("a", "dhcp1.example.com:2647"),
        primary("b", "10.1.0.4")
    ));
    assert_eq!(partners(&config), ["10.9.0.1:2647", "10.1.0.4:1647"]);
}

#[test]
fn a_name_that_does_not_stand_for_one_address_is_refused() {
    let legal = "(legal: an IPv4 address, or a name that stands for one)";
    let cases = [
        ("nobody.example.com", "no such name"),
        ("six.example.com", "the name has no IPv4 address"),
        ("many.example.com", "the name has several addresses, 10.9.0.3 and 10.9.0.4 among them"),
    ];
    for (name, wrong) in cases {
        let said = errors(&format!("{PRIMARY}SecondaryIpAddr = {name}\nFailoverKeyFile = /k\n"));
        assert_eq!(said, [format!("3: [Failover] SecondaryIpAddr: {name}: {wrong} {legal}")]);
    }
}

#[test]
fn a_server_is_not_its_own_partner_and_two_names_of_one_server_are_one_primary() {
    let own = "[Server]\nServerAddress = 10.9.0.2\n[Failover]\nUseFailoverServer = True\nFailoverKeyFile = /k\n\
               SecondaryIpAddr = dhcp2.example.com\n";
    let said = errors(own);
    assert_eq!(said, ["6: [Failover] SecondaryIpAddr: 10.9.0.2:647 is this server itself (legal: the partner)"]);
    let primary = |name, address| format!("[Primary {name}]\nPrimaryIpAddr = {address}\nFailoverKeyFile = /k\n");
    let said = errors(&format!("{SECONDARY}{}{}", primary("a", "10.9.0.1:647"), primary("b", "dhcp1.example.com")));
    let wrong = "dhcp1.example.com is that of a.ini:4 (legal: one [Primary] a server)";
    assert_eq!(said, [format!("7: [Primary b] PrimaryIpAddr: {wrong}")]);
}

#[test]
fn all_primaries_share_one_socket() {
    let primary =
        |name, last, more| format!("[Primary {name}]\nPrimaryIpAddr = 10.1.0.{last}\nFailoverKeyFile = /k\n{more}");
    let text = |first, second| {
        format!("{SECONDARY}ServerAddress = 10.1.0.9\n{}{}", primary("a", 1, first), primary("b", 2, second))
    };
    let local = |config: &Config| config.failover_socket().map(|local| local.to_string());
    assert_eq!(local(&good(&text("", "FailoverAddress = 10.1.0.9\n"))).as_deref(), Some("10.1.0.9:647"));
    assert_eq!(local(&good("")), None);
    let said = errors(&text("FailoverPort = 1647\n", "FailoverAddress = 10.1.0.8\n"));
    assert_eq!(
        said,
        [
            "8: [Primary b] FailoverPort: 647 differs from 1647 of [Primary a] (legal: one port for all primaries)",
            "11: [Primary b] FailoverAddress: 10.1.0.8 differs from ServerAddress of [Primary a] \
             (legal: one address for all primaries)"
        ]
    );
}

#[test]
fn a_reload_does_not_move_or_open_the_failover_socket() {
    let channel = "[Failover]\nUseFailoverServer = True\nSecondaryIpAddr = 10.1.0.5\nFailoverKeyFile = /k\n";
    let said = lines(&reload_refusals(&good(""), &good(channel)));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("2: [Failover] UseFailoverServer: False cannot become True"), "{said:?}");
    assert!(reload_refusals(&good(channel), &good("")).is_empty(), "a channel may go");
    let at = |address| good(&format!("[Server]\nServerAddress = {address}\n{channel}"));
    let said = lines(&reload_refusals(&at("10.1.0.3"), &at("10.1.0.4")));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("2: [Server] ServerAddress: 10.1.0.3 cannot become 10.1.0.4"), "{said:?}");
    let primary = |name, port| {
        let section =
            format!("[Primary {name}]\nPrimaryIpAddr = 10.1.0.4\nFailoverKeyFile = /k\nFailoverPort = {port}\n");
        good(&format!("{SECONDARY}{section}"))
    };
    assert!(reload_refusals(&primary("a", 647), &primary("b", 647)).is_empty(), "a primary may change its name");
    let said = lines(&reload_refusals(&primary("a", 647), &primary("b", 1647)));
    assert_eq!(said, ["6: [Primary b] FailoverPort: 647 cannot become 1647 at a reload (legal: 647, or a restart)"]);
}

#[test]
fn no_client_gets_the_address_of_a_server_of_the_pair() {
    let subnet = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.2 - 10.1.0.99\n";
    let config = good(&format!(
        "[Server]\nServerAddress = 10.1.0.4\n{PRIMARY}SecondaryIpAddr = 10.1.0.5\nFailoverKeyFile = /k\n{subnet}"
    ));
    let servers = (Ipv4Addr::new(10, 1, 0, 4), Ipv4Addr::new(10, 1, 0, 5));
    assert_eq!(config.subnets[0].ranges[0].excluded, [servers]);
    assert_eq!(config.notices.len(), 2, "{:?}", config.notices);
    assert_eq!(partners(&config), [SocketAddrV4::new(servers.1, 647).to_string()]);
}
