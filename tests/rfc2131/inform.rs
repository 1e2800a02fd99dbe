//! DHCPINFORM: parameters for a client that has an address from elsewhere (RFC 2131 sections 3.4 and 4.3.5).

use std::net::{Ipv4Addr, SocketAddrV4};

use understudy::server::outbox::Destination;

use crate::support::{Client, Setup, code, ip};

/// 2131-3.4-1: nothing is allocated, checked or changed: the address may even be another client's.
#[test]
fn an_inform_changes_no_binding() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.50").world();
    let owner = Client::new(1);
    let lease = world.lease(&owner);
    let before = world.control("leases --json");
    let _ = world.ask(&Client::new(2).inform(lease.yiaddr)).ack();
    assert_eq!(world.control("leases --json"), before);
    assert_eq!(world.ask(&owner.renewing(lease.yiaddr)).ack().yiaddr, lease.yiaddr);
}

/// 2131-3.4-2, 2131-4.3.5-1: the ACK goes straight to `ciaddr`.
#[test]
fn an_inform_is_answered_to_ciaddr() {
    let mut world = Setup::new().world();
    let mut inform = Client::new(1).inform(ip("10.1.0.200"));
    for flags in [0, 0x8000] {
        inform.flags = flags;
        let ack = world.ask(&inform).ack();
        let Destination::Udp { to, .. } = ack.to else { panic!("{:?}", ack.to) };
        assert_eq!((*to.ip(), to.port()), (ip("10.1.0.200"), 68));
    }
}

/// Through a relay an INFORM may be answered to `ciaddr` (RFC 2131 section 4.3.5) or to the relay (section 4.1).
#[test]
fn an_inform_through_a_relay_is_answered_to_the_client_or_the_relay() {
    let mut world = Setup::new().world();
    let mut inform = Client::new(1).inform(ip("10.3.0.200")).via(ip("10.3.0.1"));
    inform.ciaddr = ip("10.3.0.200");
    let ack = world.ask(&inform).ack();
    let Destination::Udp { to, .. } = ack.to else { panic!("{:?}", ack.to) };
    let lawful = [("10.3.0.200", 68), ("10.3.0.1", 67)];
    let lawful = lawful.map(|(address, port)| SocketAddrV4::new(ip(address), port));
    assert!(lawful.contains(&to), "{to}");
}

/// 2131-3.4-3, 2131-4.3.5-3: `yiaddr` is 0.
#[test]
fn the_answer_to_an_inform_gives_no_address() {
    let mut world = Setup::new().world();
    assert!(world.ask(&Client::new(1).inform(ip("10.1.0.200"))).ack().yiaddr.is_unspecified());
}

/// 2131-3.4-4, 2131-4.3.5-2, 2131-T3-o51-ack: no lease time, and so neither T1 nor T2, even when asked for.
#[test]
fn the_answer_to_an_inform_has_no_times() {
    let mut world = Setup::new().world();
    let ack = world.ask(&Client::new(1).inform(ip("10.1.0.200")).wants(&[51, 58, 59, 3])).ack();
    for code in [code::LEASE, code::T1, code::T2] {
        assert!(!ack.has(code), "option {code}");
    }
    assert!(ack.has(code::ROUTERS));
}

/// 2131-3.4-5: an address of no configured subnet may be answered or not, but harms nothing.
#[test]
fn an_inform_from_an_address_of_no_subnet_harms_nothing() {
    let mut world = Setup::new().world();
    for reply in world.ask(&Client::new(1).inform(ip("192.0.2.77"))).replies {
        assert!(reply.yiaddr.is_unspecified());
    }
    assert_eq!(world.lease(&Client::new(2)).yiaddr, ip("10.1.0.50"));
}

/// 2131-4.3.5-4: parameters are those of the client's subnet.
#[test]
fn an_inform_gets_the_options_of_its_subnet() {
    let setup =
        Setup::new().option("domain-name = \"everywhere.example\"").first("Option.domain-name = \"first.example\"");
    let mut world = setup.world();
    let ack = world.ask(&Client::new(1).inform(ip("10.1.0.200")).wants(&[1, 3, 15])).ack();
    assert_eq!(ack.get(code::DOMAIN), Some(b"first.example".to_vec()));
    assert_eq!(ack.get(code::ROUTERS), Some(vec![10, 1, 0, 1]));
    assert_eq!(ack.get(code::MASK), Some(vec![255, 255, 255, 0]));
}

/// 2131-4.3.5-5: an INFORM with `ciaddr` 0 is answered to its source address, or not at all.
#[test]
fn an_inform_without_ciaddr_is_answered_to_its_source_or_not_at_all() {
    let mut world = Setup::new().world();
    let mut inform = Client::new(1).inform(ip("10.1.0.200"));
    inform.ciaddr = Ipv4Addr::UNSPECIFIED;
    for reply in world.ask(&inform).replies {
        let Destination::Udp { to, .. } = reply.to else { panic!("{:?}", reply.to) };
        assert_eq!((*to.ip(), to.port()), (ip("10.1.0.200"), 68));
    }
    inform.source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    world.ask(&inform).silence();
}

/// 2131-T5-inform: options 50 and 51 in an INFORM mean nothing.
#[test]
fn an_inform_that_asks_for_an_address_and_a_time_gets_neither() {
    let mut world = Setup::new().world();
    let inform = Client::new(1).inform(ip("10.1.0.200")).address(code::REQUESTED, ip("10.1.0.60")).for_secs(600);
    let ack = world.ask(&inform).ack();
    assert!(ack.yiaddr.is_unspecified() && !ack.has(code::LEASE));
    assert_eq!(world.lease(&Client::new(2)).yiaddr, ip("10.1.0.50"));
}

/// The key DropAllDhcpInformPackets: INFORM is read and not answered.
#[test]
fn an_inform_is_dropped_where_the_policy_says_so() {
    let mut world = Setup::new().policy("DropAllDhcpInformPackets = True").world();
    world.ask(&Client::new(1).inform(ip("10.1.0.200"))).silence();
    let _ = world.lease(&Client::new(1));
}
