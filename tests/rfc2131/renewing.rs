//! DHCPREQUEST in states RENEWING and REBINDING (RFC 2131 sections 4.3.2 and 4.4.5).

use std::net::Ipv4Addr;

use understudy::server::outbox::Destination;

use crate::support::{Client, Setup, code, ip, kind};

/// 2131-4.3.2-13, 2131-T4-renewing, 2131-4.1-7: a renewal is answered to `ciaddr`, at port 68.
#[test]
fn a_renewal_is_acked_to_the_address_of_the_client() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    world.advance_secs(1800).silence();
    let ack = world.ask(&client.renewing(lease.yiaddr)).ack();
    assert_eq!((ack.yiaddr, ack.lease()), (lease.yiaddr, 3600));
    let Destination::Udp { to, .. } = ack.to else { panic!("{:?}", ack.to) };
    assert_eq!((*to.ip(), to.port()), (lease.yiaddr, 68));
}

/// 2131-T4-rebinding: no 54, no 50, `ciaddr` set, broadcast: REBINDING; the ACK goes to `ciaddr`.
#[test]
fn a_rebinding_is_acked_to_the_address_of_the_client() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    world.advance_secs(3200).silence();
    let ack = world.ask(&client.rebinding(lease.yiaddr)).ack();
    assert_eq!((ack.yiaddr, ack.lease()), (lease.yiaddr, 3600));
    let Destination::Udp { to, .. } = ack.to else { panic!("{:?}", ack.to) };
    assert_eq!((*to.ip(), to.port()), (lease.yiaddr, 68));
}

/// 2131-T3-ciaddr-ack: `ciaddr` of the ACK is that of the REQUEST, or 0.
#[test]
fn the_ack_of_a_renewal_repeats_ciaddr_or_leaves_it_empty() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    let ack = world.ask(&client.renewing(lease.yiaddr)).ack();
    assert!([lease.yiaddr, Ipv4Addr::UNSPECIFIED].contains(&ack.ciaddr), "{}", ack.ciaddr);
}

/// 2131-T4-relayed-renew: a unicast renewal that a relay picked up is answered to the relay.
#[test]
fn a_renewal_through_a_relay_is_acked_to_the_relay() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let relay = ip("10.3.0.1");
    let lease = world.lease_by(&client, |message| message.via(relay));
    let ack = world.ask(&client.renewing(lease.yiaddr).via(relay)).ack();
    assert_eq!(ack.yiaddr, lease.yiaddr);
    let Destination::Udp { to, .. } = ack.to else { panic!("{:?}", ack.to) };
    assert_eq!((*to.ip(), to.port()), (relay, 67));
}

/// A lease got through a relay is renewed directly: the client of 10.3.0.0/24 sends to our address on eth0.
#[test]
fn a_lease_through_a_relay_is_renewed_without_it() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease_by(&client, |message| message.via(ip("10.3.0.1")));
    let ack = world.ask(&client.renewing(lease.yiaddr)).ack();
    assert_eq!(ack.yiaddr, lease.yiaddr);
    let Destination::Udp { to, interface, .. } = ack.to else { panic!("{:?}", ack.to) };
    assert_eq!((*to.ip(), to.port()), (lease.yiaddr, 68));
    assert_eq!(interface, None, "the way to another subnet is for routing to choose");
}

/// 2131-4.3.2-14: a renewal of an address that another client has gets a NAK.
#[test]
fn a_renewal_of_the_address_of_another_client_gets_a_nak() {
    let mut world = Setup::new().world();
    let (owner, thief) = (Client::new(1), Client::new(2));
    let lease = world.lease(&owner);
    let _ = world.ask(&thief.renewing(lease.yiaddr)).nak();
    assert_eq!(world.ask(&owner.renewing(lease.yiaddr)).ack().yiaddr, lease.yiaddr);
}

/// 2131-4.3.2-15: a REBINDING with the address of another client never gets an ACK.
#[test]
fn a_rebinding_with_the_address_of_another_client_gets_no_ack() {
    let mut world = Setup::new().world();
    let (owner, thief) = (Client::new(1), Client::new(2));
    let lease = world.lease(&owner);
    let _ = world.lease(&thief);
    for reply in world.ask(&thief.rebinding(lease.yiaddr)).replies {
        assert_eq!(reply.kind(), Some(kind::NAK));
    }
    assert_eq!(world.ask(&owner.renewing(lease.yiaddr)).ack().yiaddr, lease.yiaddr);
}

/// 2131-4.3.2-17: the lease ended, the address was given away, the first client renews.
#[test]
fn a_renewal_after_the_address_was_given_away_gets_a_nak() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.50").world();
    let (late, next) = (Client::new(1), Client::new(2));
    let lease = world.lease(&late);
    world.advance_secs(3700).silence();
    assert_eq!(world.lease(&next).yiaddr, lease.yiaddr);
    let _ = world.ask(&late.renewing(lease.yiaddr)).nak();
}

/// 2131-4.3.2-18: the lease ended and nobody took the address: ACK (or NAK), never a second address.
#[test]
fn a_late_renewal_of_a_free_address_is_acked() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    world.advance_secs(3700).silence();
    let ack = world.ask(&client.renewing(lease.yiaddr)).ack();
    assert_eq!(ack.yiaddr, lease.yiaddr);
    assert_eq!(world.lease(&Client::new(2)).yiaddr, ip("10.1.0.51"));
}

/// 2131-4.1-10, 2131-T3-ciaddr-nak: with `giaddr` 0 a NAK is broadcast whatever `ciaddr` and the flags say, and
/// its own `ciaddr` is 0.
#[test]
fn the_nak_of_a_renewal_is_broadcast() {
    let mut world = Setup::new().world();
    let (owner, thief) = (Client::new(1), Client::new(2));
    let lease = world.lease(&owner);
    let request = thief.renewing(lease.yiaddr);
    assert_eq!(request.flags, 0);
    let nak = world.ask(&request).nak();
    assert!(nak.ciaddr.is_unspecified());
    let Destination::Udp { to, .. } = nak.to else { panic!("{:?}", nak.to) };
    assert_eq!((*to.ip(), to.port()), (Ipv4Addr::BROADCAST, 68));
}

/// 2131-4.4.5-1: T1 is half of the lease and T2 seven eighths of it.
#[test]
fn renewal_and_rebinding_times_are_returned() {
    let mut world = Setup::new().world();
    let ack = world.lease_by(&Client::new(1), |message| message.wants(&[58, 59]));
    assert_eq!((ack.number(code::T1), ack.number(code::T2), ack.lease()), (1800, 3150, 3600));
}

/// 2131-4.4.5-2: T1 and T2 follow the lease time that this reply gives.
#[test]
fn renewal_and_rebinding_times_follow_the_lease_time_given() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let ack = world.lease_by(&client, |message| message.for_secs(800).wants(&[58, 59]));
    assert_eq!((ack.number(code::T1), ack.number(code::T2), ack.lease()), (400, 700, 800));
}

/// 2131-4.4.5-3: T1 < T2 < lease even where the configuration says otherwise: refused, or left out.
#[test]
fn wrong_renewal_times_in_the_configuration_never_reach_a_client() {
    let setup = Setup::new().option("dhcp-renewal-time = 3000").option("dhcp-rebinding-time = 2000");
    // The reader of replies asserts the order of the three times.
    if let Some(config) = setup.accepted() {
        let mut world = crate::support::World::new(config);
        let _ = world.lease_by(&Client::new(1), |message| message.wants(&[58, 59]));
    }
}

/// A renewal with option 54, as some clients send it, is taken as what it is when it names this server.
#[test]
fn a_renewal_that_names_this_server_changes_no_address() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    let odd = client.renewing(lease.yiaddr).address(code::SERVER, lease.server());
    for reply in world.ask(&odd).replies {
        assert_eq!((reply.kind(), reply.yiaddr), (Some(kind::ACK), lease.yiaddr));
    }
}

/// A client that renews, but whose range was taken out of the configuration, gets a NAK.
#[test]
fn a_lease_whose_range_went_away_is_not_renewed() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    world.reload(Setup::new().pool("10.1.0.80 - 10.1.0.99").config());
    let _ = world.ask(&client.renewing(lease.yiaddr)).nak();
    assert_eq!(world.lease(&client).yiaddr, ip("10.1.0.80"));
}
