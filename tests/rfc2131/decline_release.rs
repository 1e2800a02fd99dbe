//! DHCPDECLINE and DHCPRELEASE (RFC 2131 sections 4.3.3 and 4.3.4).

use crate::support::{Client, Setup, World, code, ip, kind, log_lines};

const ONE: &str = "10.1.0.50 - 10.1.0.50";

/// A world with one address, which `client` has.
fn leased(client: &Client) -> (World, crate::support::Reply) {
    let mut world = Setup::new().pool(ONE).world();
    let ack = world.lease(client);
    (world, ack)
}

/// 2131-3.1-9, 2131-4.3.3-1: a declined address is offered to nobody; two DECLINEs exhaust a range of two.
#[test]
fn a_declined_address_is_not_offered_again() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.51").world();
    let client = Client::new(1);
    let first = world.lease(&client);
    world.ask(&client.decline(&first)).silence();
    let second = world.lease(&client);
    assert_ne!(first.yiaddr, second.yiaddr);
    world.ask(&client.decline(&second)).silence();
    world.ask(&client.discover()).silence();
    world.ask(&Client::new(2).discover()).silence();
}

/// 2131-4.3.3-2: the administrator is told, by a warning with address and client.
#[test]
fn a_decline_is_logged_as_a_warning() {
    log_lines::collect();
    let client = Client::new(0x0a0b);
    let (mut world, ack) = leased(&client);
    world.ask(&client.decline(&ack)).silence();
    let told = |(level, line): &(log::Level, String)| {
        *level == log::Level::Warn && line.contains("10.1.0.50") && line.contains("02:00:00:00:0a:0b")
    };
    assert!(log_lines::lines().iter().any(told), "{:?}", log_lines::lines());
}

/// 2131-4.3.3-3: no reply to a DECLINE, then or later.
#[test]
fn a_decline_gets_no_reply() {
    let client = Client::new(1);
    let (mut world, ack) = leased(&client);
    world.ask(&client.decline(&ack)).silence();
    world.advance_secs(5).silence();
}

/// 2131-4.3.3-4: a DECLINE by another client, or for another server, changes nothing.
#[test]
fn a_forged_decline_changes_nothing() {
    let client = Client::new(1);
    let (mut world, ack) = leased(&client);
    let other_server = client.decline(&ack).without(code::SERVER).address(code::SERVER, ip("10.1.0.9"));
    let forged = [Client::new(2).decline(&ack), Client::new(1).identified(b"\0other").decline(&ack), other_server];
    for decline in &forged {
        world.ask(decline).silence();
        assert_eq!(world.ask(&client.renewing(ack.yiaddr)).ack().yiaddr, ack.yiaddr);
    }
    let mut free = Setup::new().world();
    let offer = free.ask(&client.discover()).offer();
    free.ask(&Client::new(2).decline(&offer)).silence();
    assert_eq!(free.lease(&client).yiaddr, offer.yiaddr);
}

/// 2131-4.3.3-5: the address comes back after MaxUnavailableTime.
#[test]
fn a_declined_address_comes_back_in_the_end() {
    let client = Client::new(1);
    let mut world = Setup::new().pool(ONE).policy("MaxUnavailableTime = 7200").world();
    let ack = world.lease(&client);
    world.ask(&client.decline(&ack)).silence();
    world.advance_secs(7000).silence();
    world.ask(&client.discover()).silence();
    world.advance_secs(300).silence();
    assert_eq!(world.lease(&client).yiaddr, ack.yiaddr);
}

/// 2131-T5-decline: a DECLINE carries options 50 and 54; without 50 it says nothing.
#[test]
fn a_decline_without_an_address_is_ignored() {
    let client = Client::new(1);
    let (mut world, ack) = leased(&client);
    world.ask(&client.decline(&ack).without(code::REQUESTED)).silence();
    let mut in_ciaddr = client.decline(&ack).without(code::REQUESTED);
    in_ciaddr.ciaddr = ack.yiaddr;
    world.ask(&in_ciaddr).silence();
    world.ask(&client.decline(&ack).without(code::SERVER)).silence();
    assert_eq!(world.ask(&client.renewing(ack.yiaddr)).replies.len(), 1);
}

/// 2131-4.3.4-1: a released address is free for the next client.
#[test]
fn a_released_address_goes_to_the_next_client() {
    let client = Client::new(1);
    let (mut world, ack) = leased(&client);
    world.ask(&Client::new(2).discover()).silence();
    world.ask(&client.release(&ack)).silence();
    assert_eq!(world.lease(&Client::new(2)).yiaddr, ack.yiaddr);
}

/// 2131-4.3.4-2: what was released is kept for its client as long as there are others to give.
#[test]
fn a_client_gets_its_released_address_again() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let ack = world.lease(&client);
    world.ask(&client.release(&ack)).silence();
    for number in 2..6 {
        assert_ne!(world.lease(&Client::new(number)).yiaddr, ack.yiaddr);
    }
    assert_eq!(world.lease(&client).yiaddr, ack.yiaddr);
}

/// 2131-4.3.4-3: no reply to a RELEASE.
#[test]
fn a_release_gets_no_reply() {
    let client = Client::new(1);
    let (mut world, ack) = leased(&client);
    world.ask(&client.release(&ack)).silence();
    world.advance_secs(5).silence();
}

/// 2131-3.1-10, 2131-4.3.4-4: a RELEASE names the binding by client and address; other ones change nothing.
#[test]
fn a_forged_release_changes_nothing() {
    let client = Client::new(1).identified(b"\0office");
    let (mut world, ack) = leased(&client);
    let other_server = client.release(&ack).without(code::SERVER).address(code::SERVER, ip("10.1.0.9"));
    let forged = [
        Client::new(1).identified(b"\0kitchen").release(&ack),
        Client::new(1).release(&ack),
        Client::new(2).release(&ack),
        client.release(&ack).from(ip("10.1.0.51")),
        other_server,
    ];
    for release in &forged {
        world.ask(release).silence();
        world.ask(&Client::new(9).discover()).silence();
    }
    assert_eq!(world.ask(&client.renewing(ack.yiaddr)).ack().yiaddr, ack.yiaddr);
}

/// 2131-T5-release: a RELEASE names its address in `ciaddr`, not in option 50.
#[test]
fn a_release_without_ciaddr_is_ignored() {
    let client = Client::new(1);
    let (mut world, ack) = leased(&client);
    let release = client
        .message(kind::RELEASE)
        .address(code::SERVER, ack.server())
        .address(code::REQUESTED, ack.yiaddr)
        .unicast();
    world.ask(&release).silence();
    world.ask(&Client::new(2).discover()).silence();
}

/// 2131-4.4.6-1: a RELEASE comes by unicast; the server takes it on its own address.
#[test]
fn a_release_by_unicast_is_taken() {
    let client = Client::new(1);
    let (mut world, ack) = leased(&client);
    let release = client.release(&ack);
    assert_eq!(release.destination, ip("10.1.0.4"));
    world.ask(&release).silence();
    let _ = world.lease(&Client::new(2));
}

/// A RELEASE of an address that was released already, or of one never given, changes nothing.
#[test]
fn a_second_release_changes_nothing() {
    let client = Client::new(1);
    let (mut world, ack) = leased(&client);
    world.ask(&client.release(&ack)).silence();
    let next = world.lease(&Client::new(2));
    world.ask(&client.release(&ack)).silence();
    assert_eq!(world.ask(&Client::new(2).renewing(next.yiaddr)).ack().yiaddr, next.yiaddr);
}

/// A lease got through a relay is released directly: by unicast from the client's own subnet.
#[test]
fn a_lease_through_a_relay_is_released_without_it() {
    let setup = Setup::new().more("[Subnet 10.4.0.0/24]\nRange = 10.4.0.50 - 10.4.0.50");
    let mut world = setup.world();
    let relay = ip("10.4.0.1");
    let ack = world.lease_by(&Client::new(1), |message| message.via(relay));
    world.ask(&Client::new(2).discover().via(relay)).silence();
    world.ask(&Client::new(1).release(&ack)).silence();
    assert_eq!(world.ask(&Client::new(2).discover().via(relay)).offer().yiaddr, ack.yiaddr);
}
