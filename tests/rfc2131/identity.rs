//! Who a client is (RFC 2131 section 4.2, RFC 2132 section 9.14, RFC 4361, RFC 6842, RFC 2855, RFC 4390).

use std::net::Ipv4Addr;

use understudy::server::outbox::Destination;

use crate::support::{Client, Setup, code, ip};

/// 2131-4.2-2, 2132-9.14-3, 4361-6.3-1: the client identifier, where sent, is the client, whatever `chaddr`.
#[test]
fn one_identifier_from_two_hardware_addresses_is_one_client() {
    let mut world = Setup::new().world();
    let duid = [&[255, 0, 0, 0, 1][..], &[0, 4, 9, 9, 9, 9]].concat();
    let wired = world.lease(&Client::new(1).identified(&duid));
    let wireless = world.lease(&Client::new(2).identified(&duid));
    assert_eq!(wired.yiaddr, wireless.yiaddr);
}

/// 4361-6.3-2: that is so by default; the hardware address does not take the identifier's place.
#[test]
fn two_identifiers_from_one_hardware_address_are_two_clients() {
    let mut world = Setup::new().world();
    let first = world.lease(&Client::new(1).identified(b"\0first"));
    let second = world.lease(&Client::new(1).identified(b"\0second"));
    assert_ne!(first.yiaddr, second.yiaddr);
}

/// 2131-4.2-3, 4361-6.4-1: without an identifier, hardware type and address are the client.
#[test]
fn without_an_identifier_the_hardware_address_and_its_type_are_the_client() {
    let mut world = Setup::new().world();
    let ethernet = Client::new(1);
    let mut ieee802 = Client::new(1);
    ieee802.htype = 6;
    let first = world.lease(&ethernet);
    assert_eq!(world.lease(&ethernet).yiaddr, first.yiaddr);
    assert_ne!(world.lease(&ieee802).yiaddr, first.yiaddr);
}

/// 2131-4.2-4: an identifier that looks like a hardware address is not mixed up with that address.
#[test]
fn an_identifier_that_equals_the_hardware_address_of_another_is_no_mix_up() {
    let mut world = Setup::new().world();
    let plain = Client::new(1);
    let alike = [&[1][..], &plain.hardware].concat();
    let first = world.lease(&plain);
    let second = world.lease(&Client::new(2).identified(&alike));
    assert_ne!(first.yiaddr, second.yiaddr);
    assert_eq!(world.ask(&plain.renewing(first.yiaddr)).ack().yiaddr, first.yiaddr);
}

/// 2131-3.6-1: a host with several interfaces is one client an interface.
#[test]
fn two_hardware_addresses_without_identifiers_are_two_clients() {
    let mut world = Setup::new().world();
    assert_ne!(world.lease(&Client::new(1)).yiaddr, world.lease(&Client::new(2)).yiaddr);
}

/// 2132-9.14-1: the identifier is opaque: any octets, NULs kept.
#[test]
fn identifiers_that_differ_only_in_a_nul_are_two_clients() {
    let mut world = Setup::new().world();
    let identifiers: [&[u8]; 4] = [b"\0ab", b"\0ab\0", b"\0\0ab", b"\x01ab"];
    let mut given: Vec<_> =
        identifiers.iter().map(|identifier| world.lease(&Client::new(1).identified(identifier)).yiaddr).collect();
    given.sort();
    given.dedup();
    assert_eq!(given.len(), 4);
}

/// 2132-9.14-2: an identifier of less than two octets harms nothing.
#[test]
fn a_too_short_identifier_harms_nothing() {
    let mut world = Setup::new().world();
    for identifier in [&[][..], &[7]] {
        let client = Client::new(1).identified(identifier);
        for reply in world.ask(&client.discover()).replies {
            assert_eq!(reply.yiaddr, ip("10.1.0.50"));
        }
    }
    let _ = world.lease(&Client::new(2));
}

/// 4361-6.3-3: a [Host] by hardware address holds for a client that sends an identifier too.
#[test]
fn a_host_by_hardware_address_matches_a_client_with_an_identifier() {
    let setup = Setup::new().more("[Host printer]\nHardwareAddress = 02:00:00:00:00:01\nAddress = 10.1.0.20");
    let mut world = setup.world();
    let client = Client::new(1).identified(b"\xff\0\0\0\x01\0\x03");
    assert_eq!(world.lease(&client).yiaddr, ip("10.1.0.20"));
}

/// A [Host] by client identifier holds whatever the hardware address.
#[test]
fn a_host_by_identifier_matches_on_any_hardware() {
    let setup = Setup::new().more("[Host printer]\nClientId = 0x00616263\nAddress = 10.1.0.20");
    let mut world = setup.world();
    assert_eq!(world.lease(&Client::new(7).identified(b"\0abc")).yiaddr, ip("10.1.0.20"));
    assert_ne!(world.lease(&Client::new(7)).yiaddr, ip("10.1.0.20"));
}

/// 4361-6.3-4: the form of type 255 is not taken apart: another IAID is another client.
#[test]
fn identifiers_that_differ_only_in_the_iaid_are_two_clients() {
    let mut world = Setup::new().world();
    let identifier = |iaid: u8| [255, 0, 0, 0, iaid, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1];
    let first = world.lease(&Client::new(1).identified(&identifier(1)));
    let second = world.lease(&Client::new(1).identified(&identifier(2)));
    assert_ne!(first.yiaddr, second.yiaddr);
}

/// 4361-6.3-5: type 1 with the hardware address first, later the DUID form: two clients, no mix-up.
#[test]
fn a_client_that_changes_its_kind_of_identifier_is_another_client() {
    let mut world = Setup::new().world();
    let old = Client::new(1).identified(&[1, 2, 0, 0, 0, 0, 1]);
    let new = Client::new(1).identified(&[255, 0, 0, 0, 1, 0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
    let before = world.lease(&old);
    let after = world.lease(&new);
    assert_ne!(before.yiaddr, after.yiaddr);
    assert_eq!(world.ask(&old.renewing(before.yiaddr)).ack().yiaddr, before.yiaddr);
}

/// 4361-6.3-6, 6842-3-3: identifiers up to 255 octets, of any content, identify and are echoed.
#[test]
fn identifiers_of_any_length_are_kept_and_echoed() {
    let mut world = Setup::new().world();
    let mut given = Vec::new();
    for length in [2, 7, 19, 135, 254, 255] {
        let client = Client::new(1).identified(&vec![0; length]);
        let ack = world.lease(&client);
        assert_eq!(ack.get(code::IDENTIFIER), client.identifier, "{length} octets");
        assert_eq!(world.ask(&client.renewing(ack.yiaddr)).ack().yiaddr, ack.yiaddr);
        assert!(!given.contains(&ack.yiaddr), "{length} octets");
        given.push(ack.yiaddr);
    }
}

/// 6842-3-1, 2131-T3-o61: a client identifier that was sent stands in every reply: OFFER, ACK, NAK, and the
/// ACK of an INFORM. (Table 3 of RFC 2131 forbade it; RFC 6842 replaced that.)
#[test]
fn the_identifier_is_echoed_in_every_reply() {
    let mut world = Setup::new().world();
    let client = Client::new(1).identified(b"\0echo");
    let offer = world.ask(&client.discover()).offer();
    let ack = world.ask(&client.selecting(&offer)).ack();
    let nak = world.ask(&client.init_reboot(ip("192.0.2.1"))).nak();
    let informed = world.ask(&client.inform(ip("10.1.0.200"))).ack();
    for reply in [offer, ack, nak, informed] {
        assert_eq!(reply.get(code::IDENTIFIER), client.identifier);
    }
}

/// 6842-3-2: none sent, none returned, even when option 61 is asked for.
#[test]
fn no_identifier_is_returned_to_a_client_that_sent_none() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let ack = world.lease_by(&client, |message| message.wants(&[61, 1]));
    let nak = world.ask(&client.init_reboot(ip("192.0.2.1"))).nak();
    assert!(!ack.has(code::IDENTIFIER) && !nak.has(code::IDENTIFIER));
}

/// 6842-3-4: the key EchoClientId turns the echo off, for old clients.
#[test]
fn the_echo_can_be_turned_off() {
    let mut world = Setup::new().policy("EchoClientId = False").world();
    let client = Client::new(1).identified(b"\0old");
    assert!(!world.lease(&client).has(code::IDENTIFIER));
    assert!(!world.ask(&client.init_reboot(ip("192.0.2.1"))).nak().has(code::IDENTIFIER));
}

/// A client without a hardware address: `hlen` 0, told by its identifier.
fn bare(htype: u8, identifier: &[u8]) -> Client {
    Client { htype, hardware: Vec::new(), identifier: Some(identifier.to_vec()) }
}

/// 6842-3-5: clients without a hardware address are told apart by the identifier in the reply.
#[test]
fn clients_without_hardware_addresses_each_get_their_own_identifier() {
    let mut world = Setup::new().world();
    let (first, second) = (bare(32, b"\xff\x01\x02\x03\x04one"), bare(32, b"\xff\x01\x02\x03\x04two"));
    let one = world.lease_by(&first, crate::support::client::Message::broadcast);
    let two = world.lease_by(&second, crate::support::client::Message::broadcast);
    assert_ne!(one.yiaddr, two.yiaddr);
    assert_eq!(one.get(code::IDENTIFIER), first.identifier);
    assert_eq!(two.get(code::IDENTIFIER), second.identifier);
}

/// 2855-1, 4390-1, 2131-T5-chaddr: IEEE 1394 (24) and InfiniBand (32) have `hlen` 0: with an identifier they are
/// served by broadcast, without one there is nobody to serve.
#[test]
fn clients_without_hardware_addresses_are_answered_by_broadcast() {
    let mut world = Setup::new().world();
    for htype in [24, 32] {
        let client = bare(htype, b"\xff\x01\x02\x03\x04duid");
        for flags in [0x8000, 0] {
            let mut discover = client.discover();
            discover.flags = flags;
            let offer = world.ask(&discover).offer();
            let Destination::Udp { to, .. } = offer.to else { panic!("{:?}", offer.to) };
            assert_eq!((*to.ip(), to.port()), (Ipv4Addr::BROADCAST, 68));
            assert_eq!((offer.htype, offer.hlen), (htype, 0));
        }
        world.ask(&client.discover().without(code::IDENTIFIER)).silence();
    }
}

/// 2131-T5-hlen: `hlen` over 16 is malformed.
#[test]
fn a_hardware_address_over_16_octets_is_dropped() {
    let mut world = Setup::new().world();
    for hlen in [17, 64, 255] {
        let mut discover = Client::new(1).discover();
        discover.hlen = hlen;
        world.ask_bytes(&discover, &discover.bytes()).silence();
    }
    let mut longest = Client::new(1);
    longest.hardware = (1..=16).collect();
    assert_eq!(world.lease(&longest).hlen, 16);
}
