//! Relays: option 82 (RFC 3046), its server identifier override (RFC 5107), its source port (RFC 8357), and
//! RFC 1542.

use std::net::{Ipv4Addr, SocketAddrV4};

use understudy::server::outbox::Destination;

use crate::support::client::Message;
use crate::support::{Client, Reply, Setup, World, code, ip, kind};

fn relay() -> Ipv4Addr {
    ip("10.3.0.1")
}

/// Through the relay, with that option 82.
fn carrying<'a>(information: &'a [u8]) -> impl Fn(Message) -> Message + 'a {
    move |message| message.via(relay()).option(code::RELAY, information)
}

fn destination(reply: &Reply) -> (Ipv4Addr, u16) {
    let Destination::Udp { to, .. } = reply.to else { panic!("{:?}", reply.to) };
    (*to.ip(), to.port())
}

/// OFFER, ACK and NAK to one client behind a relay that adds `information`.
fn three(world: &mut World, information: &[u8]) -> [Reply; 3] {
    let client = Client::new(1);
    let through = carrying(information);
    let offer = world.ask(&through(client.discover())).offer();
    let ack = world.ask(&through(client.selecting(&offer))).ack();
    let nak = world.ask(&through(client.init_reboot(ip("192.0.2.1")))).nak();
    [offer, ack, nak]
}

/// 3046-2.2-1: option 82 is echoed octet by octet in OFFER, ACK and NAK, unknown sub-options included.
#[test]
fn relay_information_is_echoed_in_all_replies() {
    let information = [1, 4, b'e', b't', b'h', b'0', 2, 2, 9, 9, 200, 3, 1, 2, 3];
    for reply in three(&mut Setup::new().world(), &information) {
        assert_eq!(reply.get(code::RELAY), Some(information.to_vec()));
    }
}

/// 3046-2.0-1: sub-options have no pad and no end: 0 and 255 are codes like others.
#[test]
fn sub_options_0_and_255_are_echoed_too() {
    let information = [0, 1, 7, 255, 2, 8, 8, 1, 1, 5, 0, 0];
    for reply in three(&mut Setup::new().world(), &information) {
        assert_eq!(reply.get(code::RELAY), Some(information.to_vec()));
    }
}

/// 3046-2.2-2: option 82 is the last option.
#[test]
fn relay_information_is_the_last_option() {
    let mut world = Setup::new().option("domain-name = \"beef.com\"").world();
    let client = Client::new(1).identified(b"\0last");
    let discover = client.discover().option(code::RELAY, &[1, 1, 5]).wants(&[82, 15, 3, 1, 58, 59]);
    let offer = world.ask(&discover.via(relay())).offer();
    assert_eq!(offer.codes().last(), Some(&code::RELAY), "{:?}", offer.codes());
}

fn crowded() -> Setup {
    (224..244).fold(Setup::new(), |setup, code| setup.option(&format!("option-{code} = 0x{}", "cd".repeat(20))))
}

/// 3046-2.2-3: in an overloaded reply option 82 is in neither `sname` nor `file`. (`Reply::decode` asserts it.)
#[test]
fn relay_information_stays_in_the_options_field() {
    let mut world = crowded().world();
    let every: Vec<u8> = (1..=254).collect();
    let through = carrying(&[1, 4, 7, 7, 7, 7]);
    let offer = world.ask(&through(Client::new(1).discover().wants(&every))).offer();
    assert!(offer.has(code::OVERLOAD) && offer.has(code::RELAY));
}

/// 3046-2.2-4: what does not fit is left out whole; the reply goes out all the same.
#[test]
fn relay_information_is_echoed_whole_or_not_at_all() {
    let mut world = crowded().world();
    let every: Vec<u8> = (1..=254).collect();
    let information = [&[1, 253][..], &[7; 253]].concat();
    let through = carrying(&information);
    let offer = world.ask(&through(Client::new(1).discover().wants(&every).size(576))).offer();
    assert!(offer.get(code::RELAY).is_none_or(|echoed| echoed == information));
    assert_eq!(destination(&offer), (relay(), 67));
}

/// 3046-2.2-5: that case is counted. It takes a value that no datagram of 576 octets has room for.
#[test]
fn relay_information_that_does_not_fit_is_counted() {
    let mut world = Setup::new().world();
    let before = world.control("status");
    let mut discover = Client::new(1).discover().via(relay());
    for _ in 0..4 {
        discover = discover.option(code::RELAY, &[&[1, 253][..], &[7; 253]].concat());
    }
    let offer = world.ask(&discover).offer();
    assert!(!offer.has(code::RELAY));
    let counted = "relay-information-left-out 1";
    assert!(!before.contains(counted) && world.control("status").contains(counted));
}

/// 3046-2.2-7: a renewal is ACKed with option 82 and without.
#[test]
fn a_renewal_is_acked_with_relay_information_and_without() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease_by(&client, carrying(&[1, 1, 5]));
    let direct = world.ask(&client.renewing(lease.yiaddr)).ack();
    assert_eq!(direct.yiaddr, lease.yiaddr);
    let tagged = world.ask(&client.renewing(lease.yiaddr).option(code::RELAY, &[1, 1, 5])).ack();
    assert_eq!(tagged.yiaddr, lease.yiaddr);
}

/// 3046-2.1-1: option 82 in a message with `giaddr` 0 decides nothing, and the message is served.
#[test]
fn relay_information_without_a_relay_chooses_no_subnet() {
    let mut world = Setup::new().world();
    let discover = Client::new(1).discover().option(code::RELAY, &[5, 4, 10, 2, 0, 0]);
    for reply in world.ask(&discover).replies {
        assert_eq!(reply.yiaddr, ip("10.1.0.50"));
    }
}

/// Nor does it decide by what address the server goes: RFC 5107 speaks of relays.
#[test]
fn relay_information_without_a_relay_overrides_no_server_identifier() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover().option(code::RELAY, &OVERRIDE)).offer();
    assert_eq!(offer.server(), ip("10.1.0.4"));
    let request = client.selecting(&offer).without(code::SERVER).address(code::SERVER, relay());
    world.ask(&request.option(code::RELAY, &OVERRIDE)).silence();
}

/// The option 82 of a lease is kept when a later direct message has none.
#[test]
fn relay_information_of_a_lease_is_kept_over_a_direct_renewal() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease_by(&client, carrying(&[1, 4, 0xde, 0xad, 0xbe, 0xef]));
    world.advance_secs(1000).silence();
    let _ = world.ask(&client.renewing(lease.yiaddr)).ack();
    let told = world.control("lease 10.3.0.50");
    assert!(told.contains("de:ad:be:ef"), "{told}");
}

/// 3046-2.1-2: only what this message brought is echoed, not what an earlier one did.
#[test]
fn stored_relay_information_is_not_invented_in_replies() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease_by(&client, carrying(&[1, 1, 5]));
    assert!(!world.ask(&client.renewing(lease.yiaddr)).ack().has(code::RELAY));
}

/// 3046-3.1-1, 3046-4.0-2: a circuit id is opaque: a [Host] matches it exactly, and gets its fixed address.
#[test]
fn a_circuit_id_is_matched_octet_by_octet() {
    let setup = Setup::new().more("[Host port7]\nCircuitId = \"ge-0/0/7\"\nAddress = 10.3.0.20");
    let mut world = setup.world();
    let offer = |world: &mut World, number, circuit: &[u8]| {
        let information = [&[1, circuit.len() as u8], circuit].concat();
        world.ask(&carrying(&information)(Client::new(number).discover())).offer().yiaddr
    };
    assert_eq!(offer(&mut world, 1, b"ge-0/0/7"), ip("10.3.0.20"));
    for (number, other) in [(2, &b"GE-0/0/7"[..]), (3, b"ge-0/0/7\0"), (4, b"ge-0/0/"), (5, b"ge-0/0/77")] {
        assert_ne!(offer(&mut world, number, other), ip("10.3.0.20"));
    }
}

/// 3046-3.1-2, 3046-3.2-2: circuit id and remote id of a lease can be asked for.
#[test]
fn circuit_and_remote_id_of_a_lease_are_reported() {
    let mut world = Setup::new().world();
    let _ = world.lease_by(&Client::new(1), carrying(&[1, 4, 0xde, 0xad, 0xbe, 0xef, 2, 3, 0xab, 0xcd, 0xef]));
    let told = world.control("lease 10.3.0.50");
    assert!(told.contains("de:ad:be:ef") && told.contains("ab:cd:ef"), "{told}");
}

/// 3046-len-1: sub-options that run over the end harm nothing.
#[test]
fn malformed_relay_information_harms_nothing() {
    let mut world = Setup::new().world();
    for information in [&[][..], &[1], &[1, 200, 7], &[1, 0, 2], &[255], &[0, 0, 0], &[5, 3, 10, 2, 0]] {
        for reply in world.ask(&carrying(information)(Client::new(1).discover())).replies {
            assert_eq!(reply.kind(), Some(kind::OFFER));
        }
    }
    let _ = world.lease(&Client::new(2));
}

/// 1542-4.1-1: hops and relay change the destination of the answer, not the answer.
#[test]
fn hops_do_not_change_the_answer() {
    let mut world = Setup::new().world();
    let direct = world.ask(&Client::new(1).discover()).offer();
    let mut relayed = Client::new(1).discover().via(ip("10.1.0.1"));
    relayed.hops = 4;
    let relayed = world.ask(&relayed).offer();
    assert_eq!((relayed.yiaddr, relayed.lease()), (direct.yiaddr, direct.lease()));
    assert_eq!(relayed.codes(), direct.codes());
    assert_eq!(destination(&relayed), (ip("10.1.0.1"), 67));
}

/// 1542-5-1: a message that went through more than 16 relays goes round in a circle, and is dropped.
#[test]
fn messages_through_too_many_relays_are_dropped() {
    let mut world = Setup::new().world();
    let mut discover = Client::new(1).discover().via(relay());
    discover.hops = 16;
    let _ = world.ask(&discover).offer();
    for hops in [17, 255] {
        discover.hops = hops;
        world.ask(&discover).silence();
    }
}

const OVERRIDE: [u8; 6] = [11, 4, 10, 3, 0, 1];

/// 5107-4-1: with the override, option 54 is the address that the relay gave.
#[test]
fn the_override_is_the_server_identifier() {
    for reply in three(&mut Setup::new().world(), &OVERRIDE) {
        assert_eq!(reply.server(), relay());
    }
}

/// 5107-4-2: a REQUEST that names the overriding address is ours when the relay says so again, and not ours
/// when it does not.
#[test]
fn a_request_that_names_the_override_is_ours() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let offer = world.ask(&carrying(&OVERRIDE)(client.discover())).offer();
    world.ask(&client.selecting(&offer).via(relay())).silence();
    let offer = world.ask(&carrying(&OVERRIDE)(client.discover())).offer();
    assert_eq!(world.ask(&carrying(&OVERRIDE)(client.selecting(&offer))).ack().yiaddr, offer.yiaddr);
}

/// 5107-4-3: a RELEASE or DECLINE that names the overriding address, and brings it, is ours.
#[test]
fn a_release_and_a_decline_that_name_the_override_are_ours() {
    let setup = Setup::new().more("[Subnet 10.4.0.0/24]\nRange = 10.4.0.50 - 10.4.0.50");
    let mut world = setup.world();
    let through = |message: Message| message.via(ip("10.4.0.1")).option(code::RELAY, &[11, 4, 10, 4, 0, 1]);
    let lease = world.lease_by(&Client::new(1), through);
    world.ask(&through(Client::new(2).discover())).silence();
    let mut release = through(Client::new(1).release(&lease));
    release.ciaddr = lease.yiaddr;
    world.ask(&release).silence();
    let lease = world.lease_by(&Client::new(2), through);
    world.ask(&through(Client::new(2).decline(&lease))).silence();
    world.ask(&through(Client::new(3).discover())).silence();
}

/// 5107-4-4: an override of another length, or of 0.0.0.0, is none.
#[test]
fn a_malformed_override_is_ignored() {
    let mut world = Setup::new().world();
    for information in [&[11, 0][..], &[11, 3, 10, 3, 0], &[11, 5, 10, 3, 0, 1, 9], &[11, 4, 0, 0, 0, 0]] {
        let offer = world.ask(&carrying(information)(Client::new(1).discover())).offer();
        assert_eq!(offer.server(), ip("10.1.0.4"), "{information:?}");
    }
}

fn from_port(message: Message, port: u16) -> Message {
    Message { source: SocketAddrV4::new(relay(), port), ..message }
}

/// 8357-5.1-1, 8357-5.1-2: sub-option 19: the reply goes to the port that the request came from, and echoes 82.
#[test]
fn a_relay_with_a_port_of_its_own_is_answered_there() {
    let mut world = Setup::new().world();
    let discover = from_port(carrying(&[19, 0, 1, 1, 5])(Client::new(1).discover()), 1067);
    let offer = world.ask(&discover).offer();
    assert_eq!(destination(&offer), (relay(), 1067));
    assert_eq!(offer.get(code::RELAY), Some(vec![19, 0, 1, 1, 5]));
}

/// 8357-5.1-3: without it the reply goes to port 67, wherever the request came from.
#[test]
fn a_relay_that_does_not_say_so_is_answered_at_port_67() {
    let mut world = Setup::new().world();
    let discover = from_port(carrying(&[1, 1, 5])(Client::new(1).discover()), 1067);
    assert_eq!(destination(&world.ask(&discover).offer()), (relay(), 67));
    let bare = from_port(Client::new(1).discover().via(relay()), 1067);
    assert_eq!(destination(&world.ask(&bare).offer()), (relay(), 67));
}

/// A RelayAddress of a [Subnet] stands for a relay that has no address in it.
#[test]
fn a_relay_outside_its_subnet_is_known_by_configuration() {
    let setup = Setup::new().second("RelayAddress = 10.9.0.1");
    let mut world = setup.world();
    assert_eq!(world.lease_by(&Client::new(1), |message| message.via(ip("10.9.0.1"))).yiaddr, ip("10.2.0.50"));
}
