//! Which address a client gets (RFC 2131 sections 2.2, 3.1 and 4.3.1).

use crate::support::{Client, Setup, code, ip, kind};

const ONE: &str = "10.1.0.50 - 10.1.0.50";

/// 2131-2.2-1: an address is not given to another client during its lease.
#[test]
fn a_leased_address_is_offered_to_nobody_else() {
    let mut world = Setup::new().pool(ONE).world();
    let (first, second) = (Client::new(1), Client::new(2));
    let _ = world.lease(&first);
    for _ in 0..35 {
        world.ask(&second.discover()).silence();
        world.advance_secs(100).silence();
    }
    world.advance_secs(200).silence();
    assert_eq!(world.lease(&second).yiaddr, ip("10.1.0.50"));
}

/// 2131-2.2-2, 2131-4.3.1-2: a client gets its previous address again, even if it asks for another.
#[test]
fn a_client_gets_its_previous_address_again() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    world.ask(&client.release(&lease)).silence();
    for number in 2..10 {
        let _ = world.lease(&Client::new(number));
    }
    let discover = client.discover().address(code::REQUESTED, ip("10.1.0.90"));
    assert_eq!(world.ask(&discover).offer().yiaddr, lease.yiaddr);
    world.advance_secs(5000).silence();
    assert_eq!(world.ask(&discover).offer().yiaddr, lease.yiaddr);
}

/// 2131-2.2-4: the address that is free for the longest time is used first.
#[test]
fn the_longest_free_address_is_given_first() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.52").world();
    let clients = [Client::new(1), Client::new(2), Client::new(3)];
    let mut given = Vec::new();
    for client in &clients {
        given.push(world.lease(client).yiaddr);
        world.advance_secs(300).silence();
    }
    world.advance_secs(5000).silence();
    let newcomers = [Client::new(11), Client::new(12), Client::new(13)];
    let again: Vec<_> = newcomers.iter().map(|client| world.lease(client).yiaddr).collect();
    assert_eq!(again, given);
}

/// Never used addresses come first, ascending, in the order of the ranges in the file.
#[test]
fn never_used_addresses_come_first() {
    let setup = Setup::new().pool("10.1.0.90 - 10.1.0.91").first("Range = 10.1.0.20 - 10.1.0.21");
    let mut world = setup.world();
    let released = world.lease(&Client::new(1));
    world.ask(&Client::new(1).release(&released)).silence();
    let given: Vec<_> = (2..6).map(|number| world.lease(&Client::new(number)).yiaddr).collect();
    assert_eq!(given, ["10.1.0.91", "10.1.0.90", "10.1.0.20", "10.1.0.21"].map(ip));
}

/// 2131-3.1-8, 2131-4.3.1-6: an offered address is held until the client answers, or for MaxPendingSeconds.
#[test]
fn an_offer_is_held_for_a_while() {
    let mut world = Setup::new().pool(ONE).policy("MaxPendingSeconds = 10").world();
    let (first, second) = (Client::new(1), Client::new(2));
    let offer = world.ask(&first.discover()).offer();
    world.advance_secs(8).silence();
    world.ask(&second.discover()).silence();
    world.advance_secs(3).silence();
    assert_eq!(world.ask(&second.discover()).offer().yiaddr, offer.yiaddr);
}

/// Two clients that ask at once get two offers.
#[test]
fn two_clients_at_once_get_different_offers() {
    let mut world = Setup::new().world();
    let first = world.ask(&Client::new(1).discover()).offer();
    let second = world.ask(&Client::new(2).discover()).offer();
    assert_ne!(first.yiaddr, second.yiaddr);
}

/// 2131-3.5-3: requested address and time are hints that the server may override.
#[test]
fn impossible_wishes_are_overridden() {
    let mut world = Setup::new().policy("MaximumLease = 7200").world();
    let discover = Client::new(1).discover().address(code::REQUESTED, ip("192.0.2.9")).for_secs(1_000_000);
    let offer = world.ask(&discover).offer();
    assert_eq!((offer.yiaddr, offer.lease()), (ip("10.1.0.50"), 7200));
}

/// 2131-4.3.1-1: first choice: the client's current binding, though it asks for another free address.
#[test]
fn a_bound_client_is_offered_its_binding() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    let discover = client.discover().address(code::REQUESTED, ip("10.1.0.77"));
    assert_eq!(world.ask(&discover).offer().yiaddr, lease.yiaddr);
}

/// 2131-4.3.1-3: third choice: the address asked for, if it can be had.
#[test]
fn a_new_client_is_offered_the_address_it_asks_for() {
    let mut world = Setup::new().world();
    let wish = |number, address| Client::new(number).discover().address(code::REQUESTED, address);
    assert_eq!(world.ask(&wish(1, ip("10.1.0.77"))).offer().yiaddr, ip("10.1.0.77"));
    let taken = world.lease(&Client::new(2)).yiaddr;
    assert_ne!(world.ask(&wish(3, taken)).offer().yiaddr, taken);
    for outside in ["10.1.0.20", "10.2.0.60", "10.1.0.4", "0.0.0.0", "255.255.255.255"] {
        let offer = world.ask(&wish(4, ip(outside))).offer();
        assert!(offer.yiaddr >= ip("10.1.0.50") && offer.yiaddr <= ip("10.1.0.99"), "{outside}");
    }
}

/// 2131-4.3.1-4: fourth choice: an address of the subnet the message came from, direct or through a relay.
#[test]
fn the_subnet_is_that_of_the_interface_or_of_the_relay() {
    let mut world = Setup::new().world();
    assert_eq!(world.ask(&Client::new(1).discover().on(1)).offer().yiaddr, ip("10.1.0.50"));
    assert_eq!(world.ask(&Client::new(2).discover().on(2)).offer().yiaddr, ip("10.2.0.50"));
    let relayed = Client::new(3).discover().via(ip("10.3.0.1"));
    assert_eq!(world.ask(&relayed).offer().yiaddr, ip("10.3.0.50"));
    let unknown = Client::new(4).discover().via(ip("10.99.0.1"));
    world.ask(&unknown).silence();
}

/// 2131-4.3.1-5: subnets of one shared network stand in for each other.
#[test]
fn a_shared_network_offers_of_its_second_subnet_when_the_first_is_full() {
    let setup = Setup::new()
        .pool(ONE)
        .first("SharedNetwork = floor1")
        .more("[Subnet 10.4.0.0/24]\nSharedNetwork = floor1\nRange = 10.4.0.50 - 10.4.0.51\nOption.routers = 10.4.0.1");
    let mut world = setup.world();
    assert_eq!(world.lease(&Client::new(1)).yiaddr, ip("10.1.0.50"));
    let ack = world.lease_by(&Client::new(2), |message| message.wants(&[1, 3]));
    assert_eq!(ack.yiaddr, ip("10.4.0.50"));
    assert_eq!(ack.get(code::ROUTERS), Some(vec![10, 4, 0, 1]));
    assert_eq!(world.ask(&Client::new(2).init_reboot(ip("10.4.0.50"))).ack().yiaddr, ack.yiaddr);
}

/// 2131-4.3.1-7: no address, no OFFER.
#[test]
fn a_full_range_makes_no_offers() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.51").world();
    let _ = world.lease(&Client::new(1));
    let _ = world.lease(&Client::new(2));
    world.ask(&Client::new(3).discover()).silence();
    world.ask(&Client::new(3).discover().address(code::REQUESTED, ip("10.1.0.50"))).silence();
}

/// The server's own addresses are never given, though they lie in a range.
#[test]
fn the_own_addresses_of_the_server_are_never_given() {
    let mut world = Setup::new().pool("10.1.0.3 - 10.1.0.6").world();
    let given = [1, 2].map(|number| world.lease(&Client::new(number)).yiaddr);
    assert_eq!(given, ["10.1.0.3", "10.1.0.6"].map(ip));
    world.ask(&Client::new(3).discover()).silence();
    world.ask(&Client::new(4).discover().address(code::REQUESTED, ip("10.1.0.4"))).silence();
    let mut offer = world.ask(&Client::new(1).discover()).offer();
    offer.yiaddr = ip("10.1.0.5");
    let _ = world.ask(&Client::new(5).selecting(&offer)).nak();
}

/// Excluded addresses are never given.
#[test]
fn excluded_addresses_are_never_given() {
    let setup = Setup::new()
        .pool("10.1.0.1 - 10.1.0.20")
        .first("Exclude = 10.1.0.1 - 10.1.0.3")
        .first("Exclude = 10.1.0.4 - 10.1.0.18");
    let mut world = setup.world();
    let given = [1, 2].map(|number| world.lease(&Client::new(number)).yiaddr);
    assert_eq!(given, ["10.1.0.19", "10.1.0.20"].map(ip));
    world.ask(&Client::new(3).discover()).silence();
}

/// The address of a [Host] is its client's alone, though it lies in a range.
#[test]
fn a_reserved_address_is_given_to_its_host_alone() {
    let setup = Setup::new()
        .pool("10.1.0.50 - 10.1.0.51")
        .more("[Host printer]\nHardwareAddress = 02:00:00:00:00:09\nAddress = 10.1.0.50");
    let mut world = setup.world();
    assert_eq!(world.lease(&Client::new(1)).yiaddr, ip("10.1.0.51"));
    let wish = Client::new(2).discover().address(code::REQUESTED, ip("10.1.0.50"));
    world.ask(&wish).silence();
    assert_eq!(world.lease(&Client::new(9)).yiaddr, ip("10.1.0.50"));
    for reply in world.ask(&Client::new(2).renewing(ip("10.1.0.50"))).replies {
        assert_eq!(reply.kind(), Some(kind::NAK));
    }
}

/// A [Host] on another subnet than its address gets one of the ranges there.
#[test]
fn a_host_away_from_home_gets_an_address_of_the_range() {
    let setup = Setup::new().more("[Host laptop]\nHardwareAddress = 02:00:00:00:00:09\nAddress = 10.1.0.20");
    let mut world = setup.world();
    assert_eq!(world.lease(&Client::new(9)).yiaddr, ip("10.1.0.20"));
    let away = world.lease_by(&Client::new(9), |message| message.on(2));
    assert_eq!(away.yiaddr, ip("10.2.0.50"));
}

/// 2131-2.1-3: a binding is that of a client on a subnet; the same client elsewhere has another.
#[test]
fn one_client_on_two_subnets_has_two_bindings() {
    let mut world = Setup::new().world();
    let client = Client::new(1).identified(b"\0roamer");
    let first = world.lease_by(&client, |message| message.via(ip("10.3.0.1")));
    let second = world.lease_by(&client, |message| message.via(ip("10.2.0.1")));
    assert_eq!((first.yiaddr, second.yiaddr), (ip("10.3.0.50"), ip("10.2.0.50")));
    let again = world.lease_by(&client, |message| message.via(ip("10.3.0.1")));
    assert_eq!(again.yiaddr, first.yiaddr);
}
