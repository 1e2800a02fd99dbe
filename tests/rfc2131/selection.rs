//! Which subnet: link selection in option 82 (RFC 3527) and the subnet selection option (RFC 3011).

use std::net::Ipv4Addr;

use understudy::server::outbox::Destination;

use crate::support::client::Message;
use crate::support::{Client, Reply, Setup, code, ip};

fn relay() -> Ipv4Addr {
    ip("10.3.0.1")
}

/// A DISCOVER through the relay with link selection 10.2.0.0.
fn linked(message: Message) -> Message {
    message.via(relay()).option(code::RELAY, &[5, 4, 10, 2, 0, 0])
}

fn destination(reply: &Reply) -> (Ipv4Addr, u16) {
    let Destination::Udp { to, .. } = reply.to else { panic!("{:?}", reply.to) };
    (*to.ip(), to.port())
}

fn selecting() -> Setup {
    Setup::new().policy("SubnetSelection = True")
}

/// 3527-1: the subnet is that of link selection, not that of `giaddr`.
#[test]
fn link_selection_chooses_the_subnet() {
    let mut world = Setup::new().world();
    assert_eq!(world.lease_by(&Client::new(1), linked).yiaddr, ip("10.2.0.50"));
}

/// Any address in the subnet selects it.
#[test]
fn link_selection_may_be_any_address_of_the_subnet() {
    let mut world = Setup::new().world();
    let discover = Client::new(1).discover().via(relay()).option(code::RELAY, &[5, 4, 10, 2, 0, 200]);
    assert_eq!(world.ask(&discover).offer().yiaddr, ip("10.2.0.50"));
}

/// 3527-2: the reply still goes to `giaddr`.
#[test]
fn with_link_selection_the_reply_goes_to_the_relay() {
    let mut world = Setup::new().world();
    let offer = world.ask(&linked(Client::new(1).discover())).offer();
    assert_eq!((destination(&offer), offer.giaddr), ((relay(), 67), relay()));
}

/// 3527-3: option 82 is echoed with its link selection.
#[test]
fn link_selection_is_echoed() {
    let mut world = Setup::new().world();
    let offer = world.ask(&linked(Client::new(1).discover())).offer();
    assert_eq!(offer.get(code::RELAY), Some(vec![5, 4, 10, 2, 0, 0]));
}

/// 3527-4: link selection stands over `giaddr` and over option 118.
#[test]
fn link_selection_stands_over_subnet_selection() {
    let mut world = selecting().world();
    let discover = linked(Client::new(1).discover().address(code::SELECTION, ip("10.1.0.0")));
    assert_eq!(world.ask(&discover).offer().yiaddr, ip("10.2.0.50"));
}

/// 3527-5: link selection of an unknown subnet: no address from elsewhere.
#[test]
fn link_selection_of_an_unknown_subnet_gets_no_address() {
    let mut world = Setup::new().world();
    let discover = Client::new(1).discover().via(relay()).option(code::RELAY, &[5, 4, 10, 99, 0, 0]);
    world.ask(&discover).silence();
}

/// 3011-2-1: enabled, the address is of the subnet that option 118 names.
#[test]
fn subnet_selection_chooses_the_subnet() {
    let mut world = selecting().world();
    let ack = world.lease_by(&Client::new(1), |message| message.address(code::SELECTION, ip("10.2.0.0")));
    assert_eq!(ack.yiaddr, ip("10.2.0.50"));
}

/// 3011-2-2: an identical copy of option 118 is returned in OFFER and ACK, asked for or not.
#[test]
fn subnet_selection_is_copied_to_the_reply() {
    let mut world = selecting().world();
    let client = Client::new(1);
    let select = |message: Message| message.address(code::SELECTION, ip("10.2.0.0")).wants(&[1]);
    let offer = world.ask(&select(client.discover())).offer();
    let ack = world.ask(&select(client.selecting(&offer))).ack();
    for reply in [offer, ack] {
        assert_eq!(reply.get(code::SELECTION), Some(vec![10, 2, 0, 0]));
    }
}

/// 3011-2-3: enabled, and no such subnet, or no address left in it: nothing from elsewhere.
#[test]
fn subnet_selection_of_an_unknown_subnet_gets_no_address() {
    let mut world = selecting().pool("10.1.0.50 - 10.1.0.50").world();
    let unknown = Client::new(1).discover().address(code::SELECTION, ip("10.99.0.0"));
    world.ask(&unknown).silence();
    let _ = world.lease(&Client::new(2));
    let full = Client::new(1).discover().address(code::SELECTION, ip("10.1.0.0")).via(relay());
    world.ask(&full).silence();
}

/// 3011-2-4, 3011-6-1: off by default: ignored, and not returned.
#[test]
fn subnet_selection_is_off_by_default() {
    let mut world = Setup::new().world();
    let ack =
        world.lease_by(&Client::new(1), |message| message.address(code::SELECTION, ip("10.2.0.0")).wants(&[118, 1]));
    assert_eq!(ack.yiaddr, ip("10.1.0.50"));
    assert!(!ack.has(code::SELECTION));
}

/// 3011-2-5: the reply goes where it would go without option 118.
#[test]
fn with_subnet_selection_the_reply_goes_to_the_relay() {
    let mut world = selecting().world();
    let discover = Client::new(1).discover().address(code::SELECTION, ip("10.2.0.0")).via(relay());
    let offer = world.ask(&discover).offer();
    assert_eq!((offer.yiaddr, destination(&offer)), (ip("10.2.0.50"), (relay(), 67)));
}

/// A malformed option 118 selects nothing, and harms nothing.
#[test]
fn malformed_subnet_selection_harms_nothing() {
    let mut world = selecting().world();
    for value in [&[][..], &[10], &[10, 2, 0, 0, 0]] {
        for reply in world.ask(&Client::new(1).discover().option(code::SELECTION, value)).replies {
            assert_eq!(reply.yiaddr, ip("10.1.0.50"));
        }
    }
}
