//! DHCPREQUEST in state SELECTING: the client takes up an offer (RFC 2131 sections 3.1 and 4.3.2).

use crate::support::{Client, Setup, code, ip, kind};

/// 2131-3.1-3: a server that was not selected takes the REQUEST as a refusal and frees its offer.
#[test]
fn a_request_that_names_another_server_frees_the_offer() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.50").world();
    let (first, second) = (Client::new(1), Client::new(2));
    let offer = world.ask(&first.discover()).offer();
    let elsewhere =
        first.message(kind::REQUEST).address(code::SERVER, ip("10.1.0.9")).address(code::REQUESTED, ip("10.1.0.77"));
    world.ask(&elsewhere).silence();
    assert_eq!(world.ask(&second.discover()).offer().yiaddr, offer.yiaddr);
}

/// 2131-4.3.2-2: a REQUEST that names another server is not answered, even for our address.
#[test]
fn a_request_that_names_another_server_is_not_answered() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover()).offer();
    let request = client.selecting(&offer).without(code::SERVER).address(code::SERVER, ip("10.1.0.9"));
    world.ask(&request).silence();
}

/// 2131-3.1-4, 2131-4.3.2-3, 2131-T4-selecting: the selected server commits the binding and answers ACK with
/// the configuration.
#[test]
fn a_request_for_the_offered_address_gets_an_ack_and_a_binding() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.50").world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover().wants(&[1, 3])).offer();
    let ack = world.ask(&client.selecting(&offer).wants(&[1, 3])).ack();
    assert_eq!(ack.yiaddr, ip("10.1.0.50"));
    assert_eq!(ack.get(code::ROUTERS), Some(vec![10, 1, 0, 1]));
    assert_eq!(ack.lease(), 3600);
    world.advance_secs(60).silence();
    world.ask(&Client::new(2).discover()).silence();
}

/// 2131-3.1-5, 2131-4.3.2-5, 2131-4.3.1-20: parameters of the ACK are those of the OFFER.
#[test]
fn the_ack_carries_what_the_offer_carried() {
    let setup = Setup::new().option("domain-name = \"beef.com\"").option("ntp-servers = 10.1.0.6");
    let mut world = setup.world();
    let client = Client::new(1);
    let wishes = [1, 3, 6, 15, 42, 58, 59];
    let offer = world.ask(&client.discover().wants(&wishes)).offer();
    world.advance_secs(2).silence();
    let ack = world.ask(&client.selecting(&offer).wants(&wishes)).ack();
    assert_eq!(ack.codes(), offer.codes());
    for code in offer.codes().into_iter().filter(|code| *code != code::TYPE) {
        assert_eq!(ack.get(code), offer.get(code), "option {code}");
    }
    assert_eq!((ack.yiaddr, ack.siaddr), (offer.yiaddr, offer.siaddr));
    assert_eq!((&ack.sname, &ack.file), (&offer.sname, &offer.file));
}

/// 2131-3.1-7: NAK when the selected server can no longer grant the address.
#[test]
fn a_request_for_an_offer_that_went_to_another_client_gets_a_nak() {
    let setup = Setup::new().pool("10.1.0.50 - 10.1.0.50").policy("MaxPendingSeconds = 5");
    let mut world = setup.world();
    let (slow, quick) = (Client::new(1), Client::new(2));
    let offer = world.ask(&slow.discover()).offer();
    world.advance_secs(6).silence();
    assert_eq!(world.lease(&quick).yiaddr, offer.yiaddr);
    let nak = world.ask(&slow.selecting(&offer)).nak();
    assert!(nak.has(code::TEXT));
}

/// 2131-3.1-11: NAK when the requested address is not the offered one and belongs to another client.
#[test]
fn a_request_for_an_address_in_use_gets_a_nak() {
    let mut world = Setup::new().world();
    let (owner, thief) = (Client::new(1), Client::new(2));
    let taken = world.lease(&owner).yiaddr;
    let mut offer = world.ask(&thief.discover()).offer();
    assert_ne!(offer.yiaddr, taken);
    offer.yiaddr = taken;
    let _ = world.ask(&thief.selecting(&offer)).nak();
    assert_eq!(world.ask(&owner.renewing(taken)).ack().yiaddr, taken);
}

/// 2131-4.3.2-4: SELECTING names us, but asks for an address that lies in no range.
#[test]
fn a_request_for_an_address_outside_all_ranges_gets_a_nak() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let mut offer = world.ask(&client.discover()).offer();
    for outside in ["10.1.0.200", "10.2.0.50", "192.0.2.1", "10.1.0.4"] {
        offer.yiaddr = ip(outside);
        let _ = world.ask(&client.selecting(&offer)).nak();
    }
}

/// 2131-4.3.2-1: with option 54 a REQUEST answers an offer; without it, it verifies or extends. The four
/// shapes of table 4 are told apart.
#[test]
fn the_four_shapes_of_a_request_are_told_apart() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let ack = world.lease(&client);
    let shapes = [
        client.selecting(&ack),
        client.init_reboot(ack.yiaddr),
        client.renewing(ack.yiaddr),
        client.rebinding(ack.yiaddr),
    ];
    for shape in &shapes {
        assert_eq!(world.ask(shape).ack().yiaddr, ack.yiaddr);
    }
    let stranger = Client::new(2);
    world.ask(&stranger.init_reboot(ip("10.1.0.90"))).silence();
}

/// 2131-T4-selecting-bad: SELECTING with `ciaddr` filled in, or without option 50, never binds another address.
#[test]
fn a_selecting_request_of_the_wrong_shape_binds_nothing_else() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover()).offer();
    let mut filled = client.selecting(&offer);
    filled.ciaddr = ip("10.1.0.80");
    let bare = client.selecting(&offer).without(code::REQUESTED);
    for odd in [filled, bare] {
        for reply in world.ask(&odd).replies {
            let given = reply.kind() == Some(kind::ACK);
            assert!(!given || reply.yiaddr == offer.yiaddr, "bound {}", reply.yiaddr);
        }
    }
    assert_eq!(world.lease(&client).yiaddr, offer.yiaddr);
    let other = world.lease(&Client::new(2)).yiaddr;
    assert_eq!(other, ip("10.1.0.51"), "one address and no more was used up");
}

/// 2131-4.3.2-19: a REQUEST with neither 54 nor 50 and `ciaddr` 0 has no meaning and is dropped.
#[test]
fn a_request_without_any_address_is_dropped() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    world.ask(&client.message(kind::REQUEST)).silence();
    let _ = world.lease(&client);
    world.ask(&client.message(kind::REQUEST)).silence();
}

/// 2131-4.1-2: a server with several addresses takes each of them as its own in option 54.
#[test]
fn a_request_that_names_the_second_address_of_the_interface_is_ours() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover()).offer();
    assert_eq!(offer.server(), ip("10.1.0.4"));
    let request = client.selecting(&offer).without(code::SERVER).address(code::SERVER, ip("10.1.0.5"));
    assert_eq!(world.ask(&request).ack().yiaddr, offer.yiaddr);
}

/// 2131-4.1-21: retransmissions lead to the same answer.
#[test]
fn each_retransmission_gets_the_same_answer_and_one_binding() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover()).offer();
    for _ in 0..2 {
        assert_eq!(world.ask(&client.discover()).offer().yiaddr, offer.yiaddr);
    }
    for _ in 0..3 {
        assert_eq!(world.ask(&client.selecting(&offer)).ack().yiaddr, offer.yiaddr);
    }
    assert_eq!(world.lease(&Client::new(2)).yiaddr, ip("10.1.0.51"));
}

/// 2131-4.1-17: `xid` is copied, the smallest and the largest included.
#[test]
fn the_transaction_id_is_copied() {
    let mut world = Setup::new().world();
    for xid in [0, 1, u32::MAX] {
        let mut discover = Client::new(1).discover();
        discover.xid = xid;
        assert_eq!(world.ask(&discover).offer().xid, xid);
    }
}
