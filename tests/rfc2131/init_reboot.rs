//! DHCPREQUEST in state INIT-REBOOT: is my address still right? (RFC 2131 sections 3.2 and 4.3.2)

use std::net::Ipv4Addr;

use understudy::server::outbox::Destination;

use crate::support::{Client, Setup, code, ip};

/// 2131-3.2-1, 2131-4.3.2-12, 2131-T4-initreboot: the address is right, so ACK with the lease time.
#[test]
fn a_known_client_on_its_network_gets_an_ack() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    world.advance_secs(600).silence();
    let ack = world.ask(&client.init_reboot(lease.yiaddr)).ack();
    assert_eq!(ack.yiaddr, lease.yiaddr);
    assert!(ack.lease() > 0 && ack.lease() <= 3600, "{}", ack.lease());
    assert!(ack.ciaddr.is_unspecified());
}

/// 2131-3.2-2: no check at INIT-REBOOT that the address is in use, with the probe switched on.
#[test]
fn a_rebooting_client_is_answered_without_a_probe() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    world.reload(Setup::new().policy("PingBeforeAssign = True").config());
    let answer = world.ask(&client.init_reboot(lease.yiaddr));
    assert_eq!(answer.pings, Vec::<Ipv4Addr>::new());
    let _ = answer.ack();
}

/// 2131-3.2-3: the client was moved to another subnet.
#[test]
fn an_address_of_another_subnet_gets_a_nak() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    let nak = world.ask(&client.init_reboot(lease.yiaddr).on(2)).nak();
    assert_eq!(nak.server(), ip("10.2.0.4"));
}

/// 2131-4.3.2-6: wrong network, direct and relayed, known client or not.
#[test]
fn an_address_of_no_subnet_of_ours_gets_a_nak() {
    let mut world = Setup::new().world();
    let stranger = Client::new(1);
    let _ = world.ask(&stranger.init_reboot(ip("192.168.178.20"))).nak();
    let _ = world.ask(&stranger.init_reboot(ip("10.2.0.50"))).nak();
    let relayed = stranger.init_reboot(ip("10.1.0.50")).via(ip("10.3.0.1"));
    let _ = world.ask(&relayed).nak();
}

/// 2131-3.2-4, 2131-4.3.2-8: right network, but no record of the client: the server stays silent.
#[test]
fn a_client_without_a_record_gets_no_answer() {
    let mut world = Setup::new().world();
    let stranger = Client::new(1);
    world.ask(&stranger.init_reboot(ip("10.1.0.200"))).silence();
    world.ask(&stranger.init_reboot(ip("10.1.0.60"))).silence();
    world.ask(&stranger.init_reboot(ip("10.3.0.60")).via(ip("10.3.0.1"))).silence();
    world.advance_secs(5).silence();
}

/// 2131-4.3.2-9: that silence can be found in the log, or is counted by reason.
#[test]
fn the_silence_towards_a_client_without_a_record_is_counted() {
    let mut world = Setup::new().world();
    let before = world.control("status");
    world.ask(&Client::new(1).init_reboot(ip("10.1.0.60"))).silence();
    assert_ne!(before, world.control("status"), "a silence without a trace");
}

/// 2131-4.3.2-7: right network, and the client's binding is another address.
#[test]
fn a_client_that_asks_for_another_address_than_its_own_gets_a_nak() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    assert_eq!(world.lease(&client).yiaddr, ip("10.1.0.50"));
    let nak = world.ask(&client.init_reboot(ip("10.1.0.51"))).nak();
    assert!(nak.has(code::TEXT));
}

/// 2131-3.2-5, 2131-4.3.2-10: `giaddr` 0: the NAK is broadcast.
#[test]
fn a_nak_on_the_own_network_is_broadcast() {
    let mut world = Setup::new().world();
    let nak = world.ask(&Client::new(1).init_reboot(ip("192.168.1.1"))).nak();
    let Destination::Udp { to, interface, .. } = nak.to else { panic!("{:?}", nak.to) };
    assert_eq!((*to.ip(), to.port()), (Ipv4Addr::BROADCAST, 68));
    assert_eq!(interface.map(|id| id.0), Some(1), "a broadcast leaves where the client is");
}

/// 2131-3.2-6, 2131-4.3.2-11, 2131-T3-flags: through a relay the NAK goes to the relay, broadcast bit set,
/// so that the relay broadcasts it.
#[test]
fn a_nak_through_a_relay_has_the_broadcast_bit() {
    let mut world = Setup::new().world();
    let request = Client::new(1).init_reboot(ip("192.168.1.1")).via(ip("10.3.0.1"));
    assert_eq!(request.flags, 0);
    let nak = world.ask(&request).nak();
    assert_eq!(nak.flags, 0x8000);
    let Destination::Udp { to, .. } = nak.to else { panic!("{:?}", nak.to) };
    assert_eq!((*to.ip(), to.port()), (ip("10.3.0.1"), 67));
}

/// An address whose lease has ended, and which nobody else has, is confirmed or refused, but never changed.
#[test]
fn a_client_that_reboots_after_its_lease_ended_gets_no_other_address() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    world.advance_secs(4000).silence();
    for reply in world.ask(&client.init_reboot(lease.yiaddr)).replies {
        assert!([lease.yiaddr, Ipv4Addr::UNSPECIFIED].contains(&reply.yiaddr));
    }
}
