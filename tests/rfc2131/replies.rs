//! The fields of a reply and where it goes (RFC 2131 section 4.1 and table 3).
//!
//! `Reply::decode` and `Reply::check_against` assert most of table 3 for each reply of each test; the tests here
//! provoke what is easily got wrong.

use std::net::Ipv4Addr;

use understudy::server::event::InterfaceId;
use understudy::server::outbox::Destination;

use crate::support::reply::Field;
use crate::support::{Client, Reply, Setup, code, ip, kind};

fn destination(reply: &Reply) -> (Ipv4Addr, u16) {
    let (Destination::Udp { to, .. } | Destination::Link { to, .. }) = reply.to;
    (*to.ip(), to.port())
}

fn source(reply: &Reply) -> Ipv4Addr {
    let (Destination::Udp { source, .. } | Destination::Link { source, .. }) = reply.to;
    source
}

/// An OFFER, an ACK, and a NAK of one client.
fn three(setup: &Setup) -> [Reply; 3] {
    let mut world = setup.world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover()).offer();
    let ack = world.ask(&client.selecting(&offer)).ack();
    let nak = world.ask(&client.init_reboot(ip("192.0.2.1"))).nak();
    [offer, ack, nak]
}

/// 2131-2-1, 2131-T3-op: `op` is BOOTREPLY.
#[test]
fn op_is_bootreply() {
    assert!(three(&Setup::new()).iter().all(|reply| reply.bytes[0] == 2));
}

/// 2131-2-2: the options start with the magic cookie.
#[test]
fn options_start_with_the_magic_cookie() {
    assert!(three(&Setup::new()).iter().all(|reply| reply.bytes[236..240] == [99, 130, 83, 99]));
}

/// 2131-2-3, 2131-T3-o53, 2132-9.6-1: exactly one option 53: 2, 5 or 6.
#[test]
fn the_message_type_is_offer_ack_or_nak() {
    let kinds = three(&Setup::new()).map(|reply| reply.get(code::TYPE));
    assert_eq!(kinds, [kind::OFFER, kind::ACK, kind::NAK].map(|kind| Some(vec![kind])));
}

/// 2131-2-4, 2131-4.1-18: reserved bits of `flags` are ignored; the broadcast bit alone counts.
#[test]
fn reserved_flags_are_ignored() {
    let mut world = Setup::new().world();
    for (flags, broadcast) in [(0x7fff, false), (0xffff, true), (0, false), (0x8000, true)] {
        let mut discover = Client::new(1).discover();
        discover.flags = flags;
        let offer = world.ask(&discover).offer();
        assert_eq!(destination(&offer).0 == Ipv4Addr::BROADCAST, broadcast, "{flags:#x}");
    }
}

/// 2131-4.1-1: replies go to port 68 of clients, 67 of relays.
#[test]
fn replies_go_to_the_port_of_clients_or_relays() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    assert_eq!(destination(&world.ask(&client.discover()).offer()).1, 68);
    assert_eq!(destination(&world.ask(&client.discover().broadcast()).offer()).1, 68);
    assert_eq!(destination(&world.ask(&client.discover().via(ip("10.3.0.1"))).offer()).1, 67);
}

/// 2131-4.1-3, 2131-4.1-4: option 54 is the server's address on the interface that the message came in on.
#[test]
fn the_server_identifier_is_the_address_facing_the_client() {
    let mut world = Setup::new().world();
    assert_eq!(world.ask(&Client::new(1).discover().on(1)).offer().server(), ip("10.1.0.4"));
    assert_eq!(world.ask(&Client::new(1).discover().on(2)).offer().server(), ip("10.2.0.4"));
}

/// 2131-4.1-5: relayed: option 54 is the address of the interface that the message came in on.
#[test]
fn through_a_relay_the_server_identifier_is_that_of_the_arrival_interface() {
    let mut world = Setup::new().world();
    let relayed = Client::new(1).discover().via(ip("10.3.0.1"));
    assert_eq!(world.ask(&relayed).offer().server(), ip("10.1.0.4"));
    let mut second = relayed.on(2);
    second.destination = ip("10.2.0.4");
    assert_eq!(world.ask(&second).offer().server(), ip("10.2.0.4"));
}

/// The key ServerAddress sets option 54 and the source.
#[test]
fn the_configured_server_address_identifies_the_server() {
    let replies = three(&Setup::new().server("ServerAddress = 10.1.0.5"));
    assert!(replies.iter().all(|reply| reply.server() == ip("10.1.0.5")));
}

/// 2131-4.1-6: `giaddr` set: OFFER, ACK and NAK go to the relay, broadcast bit or not.
#[test]
fn replies_to_relayed_messages_go_to_the_relay() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let relay = ip("10.3.0.1");
    for flags in [0, 0x8000] {
        let mut discover = client.discover().via(relay);
        discover.flags = flags;
        let offer = world.ask(&discover).offer();
        let mut request = client.selecting(&offer).via(relay);
        request.flags = flags;
        let ack = world.ask(&request).ack();
        let mut reboot = client.init_reboot(ip("192.0.2.1")).via(relay);
        reboot.flags = flags;
        let nak = world.ask(&reboot).nak();
        for reply in [offer, ack, nak] {
            assert_eq!(destination(&reply), (relay, 67));
            assert!(matches!(reply.to, Destination::Udp { .. }));
        }
    }
}

/// 2131-4.1-8: `giaddr` and `ciaddr` 0, broadcast bit set: to 255.255.255.255, on the client's interface.
#[test]
fn a_client_that_asks_for_broadcast_gets_it() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover().broadcast()).offer();
    let ack = world.ask(&client.selecting(&offer).broadcast()).ack();
    for reply in [offer, ack] {
        let Destination::Udp { interface, to, .. } = reply.to else { panic!("{:?}", reply.to) };
        assert_eq!((*to.ip(), interface), (Ipv4Addr::BROADCAST, Some(InterfaceId(1))));
    }
}

/// 2131-4.1-9: broadcast bit clear: to `yiaddr` at the hardware address of the client, with no ARP.
#[test]
fn a_client_that_does_not_ask_for_broadcast_is_reached_by_its_hardware_address() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover()).offer();
    let ack = world.ask(&client.selecting(&offer)).ack();
    for reply in [offer, ack] {
        let Destination::Link { interface, hardware, to, .. } = reply.to else { panic!("{:?}", reply.to) };
        assert_eq!((hardware.to_vec(), *to.ip()), (client.hardware.clone(), reply.yiaddr));
        assert_eq!(interface, InterfaceId(1));
    }
}

/// A hardware address that is no Ethernet's cannot be framed, so the reply is broadcast.
#[test]
fn a_client_on_other_hardware_is_answered_by_broadcast() {
    let mut world = Setup::new().world();
    let client = Client { htype: 18, hardware: vec![1; 8], identifier: None };
    assert_eq!(destination(&world.ask(&client.discover()).offer()).0, Ipv4Addr::BROADCAST);
}

/// 2131-T3-ciaddr-offer: `ciaddr` is 0 in an OFFER, even where the DISCOVER has one.
#[test]
fn an_offer_has_no_ciaddr() {
    let mut world = Setup::new().world();
    let mut discover = Client::new(1).discover();
    discover.ciaddr = ip("10.1.0.77");
    assert!(world.ask(&discover).offer().ciaddr.is_unspecified());
}

/// 2131-4.1-22: the source of a reply is an address of the server.
#[test]
fn the_source_of_a_reply_is_an_address_of_the_server() {
    for reply in three(&Setup::new()) {
        assert_eq!(source(&reply), reply.server());
    }
}

/// 2131-4.1-20: the option list of every message ends with 255.
#[test]
fn every_option_list_is_ended() {
    for reply in three(&Setup::new()) {
        let last = reply.bytes.iter().rposition(|octet| *octet != 0);
        assert_eq!(last.map(|at| reply.bytes[at]), Some(255));
    }
}

/// 2131-T3-htype, 2131-T3-hlen: as in the request, for any hardware.
#[test]
fn hardware_type_and_length_are_copied() {
    let mut world = Setup::new().world();
    for (htype, length) in [(1, 6), (6, 6), (15, 2), (18, 8), (20, 1), (37, 16)] {
        let client = Client { htype, hardware: vec![5; length], identifier: None };
        let offer = world.ask(&client.discover()).offer();
        assert_eq!((offer.htype, usize::from(offer.hlen)), (htype, length));
    }
}

/// 2131-T3-hops, 2131-T3-secs: both 0 in replies.
#[test]
fn hops_and_secs_are_zero() {
    let mut world = Setup::new().world();
    let mut discover = Client::new(1).discover().via(ip("10.3.0.1"));
    discover.hops = 3;
    discover.secs = 1000;
    let offer = world.ask(&discover).offer();
    assert_eq!((offer.bytes[3], &offer.bytes[8..10]), (0, &[0, 0][..]));
}

/// 2131-T3-xid, 2131-T3-giaddr, 2131-T3-chaddr: copied; of `chaddr` all 16 octets.
#[test]
fn fields_of_the_request_are_copied() {
    let mut world = Setup::new().world();
    let mut discover = Client::new(1).discover().via(ip("10.3.0.1"));
    discover.chaddr[6..].copy_from_slice(b"0123456789");
    discover.xid = 0x1234_5678;
    let offer = world.ask(&discover).offer();
    assert_eq!((offer.xid, offer.giaddr), (0x1234_5678, ip("10.3.0.1")));
    assert_eq!(&offer.chaddr[6..], b"0123456789");
}

/// 2131-T3-yiaddr-offer, 2131-T3-yiaddr-ack, 2131-T3-yiaddr-nak: the address offered, assigned, none.
#[test]
fn yiaddr_is_the_address_given() {
    let [offer, ack, nak] = three(&Setup::new());
    assert_eq!([offer.yiaddr, ack.yiaddr], [ip("10.1.0.50"); 2]);
    assert!(nak.yiaddr.is_unspecified());
}

/// 2131-T3-siaddr, 2131-T3-sname, 2131-T3-file: next server, server name and boot file in OFFER and ACK; none of
/// them in a NAK.
#[test]
fn boot_settings_stand_in_their_fields() {
    let setup =
        Setup::new().first("NextServer = 10.1.0.9").first("ServerName = \"tftp1\"").first("BootFile = pxelinux.0");
    let [offer, ack, nak] = three(&setup);
    for reply in [offer, ack] {
        assert_eq!(reply.siaddr, ip("10.1.0.9"));
        assert!(reply.sname.starts_with(b"tftp1\0"));
        assert!(reply.file.starts_with(b"pxelinux.0\0"));
    }
    assert!(nak.siaddr.is_unspecified() && nak.sname == [0; 64] && nak.file == [0; 128]);
    let [offer, ..] = three(&Setup::new());
    assert!(offer.siaddr.is_unspecified() && offer.sname == [0; 64] && offer.file == [0; 128]);
}

/// 2131-T3-options, 2131-T3-o50, 2131-T3-o55, 2131-T3-o57: what only clients send is in no reply, even asked for.
#[test]
fn options_of_clients_are_in_no_reply() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let wishes = [50, 55, 57, 12, 61];
    let offer = world.ask(&client.discover().wants(&wishes).size(1500).address(50, ip("10.1.0.60")));
    let offer = offer.offer();
    let ack = world.ask(&client.selecting(&offer).wants(&wishes).size(1500)).ack();
    for reply in [offer, ack] {
        assert!([50, 55, 57].iter().all(|code| !reply.has(*code)));
    }
}

/// 2131-T3-o51-offer, 2131-T3-o51-nak, 2131-T3-o54, 2132-9.7-1: a lease time in OFFER and ACK, none in a NAK;
/// the server identifier in all three.
#[test]
fn lease_time_and_server_identifier_stand_where_they_belong() {
    let [offer, ack, nak] = three(&Setup::new());
    assert!(offer.has(code::LEASE) && ack.has(code::LEASE) && !nak.has(code::LEASE));
    for reply in [offer, ack, nak] {
        assert_eq!(reply.get(code::SERVER), Some(vec![10, 1, 0, 4]));
    }
}

/// 2131-T3-o56, 2132-9.9-1: a NAK says why, in a text without a NUL.
#[test]
fn a_nak_says_why() {
    let [offer, ack, nak] = three(&Setup::new());
    let text = nak.get(code::TEXT).expect("option 56");
    assert!(text.len() > 5 && text.iter().all(|octet| (32..127).contains(octet)));
    assert!(!offer.has(code::TEXT) && !ack.has(code::TEXT));
}

/// 2131-T3-others, 2131-T3-o52, 2131-T3-o60: a NAK holds 53, 54, 56, and what is echoed, and nothing else.
#[test]
fn a_nak_holds_nothing_but_its_own() {
    let mut world = Setup::new().option("domain-name = \"beef.com\"").world();
    let client = Client::new(1).identified(b"\0nak");
    let request = client
        .init_reboot(ip("192.0.2.1"))
        .wants(&[1, 3, 6, 15, 51, 58, 59])
        .option(code::CLASS, b"MSFT 5.0")
        .option(code::RELAY, &[1, 2, 7, 7])
        .via(ip("10.3.0.1"));
    let nak = world.ask(&request).nak();
    let lawful = [53, 54, 56, 60, 61, 82];
    assert!(nak.codes().iter().all(|code| lawful.contains(code)), "{:?}", nak.codes());
    assert!(nak.pieces.iter().all(|piece| piece.field == Field::Options));
}
