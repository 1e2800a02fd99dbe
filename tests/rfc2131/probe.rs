//! The ICMP probe before an address is given (RFC 2131 sections 2.2 and 3.1).

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::support::{Client, Setup, ip};

fn probing() -> Setup {
    Setup::new().policy("PingBeforeAssign = True").policy("PingDelay = 500")
}

/// 2131-3.1-1: a never used address is probed; when nobody answers, it is offered.
#[test]
fn a_new_address_is_probed_before_it_is_offered() {
    let mut world = probing().world();
    let answer = world.ask(&Client::new(1).discover());
    assert_eq!(answer.pings, [ip("10.1.0.50")]);
    answer.silence();
    world.advance(Duration::from_millis(400)).silence();
    let offer = world.advance(Duration::from_millis(300)).offer();
    assert_eq!(offer.yiaddr, ip("10.1.0.50"));
}

/// 2131-2.2-5: an address that answers is in use; another is offered in its place.
#[test]
fn an_address_that_answers_is_not_offered() {
    let mut world = probing().world();
    world.ask(&Client::new(1).discover()).silence();
    let mut answer = world.echo(ip("10.1.0.50"));
    if answer.pings.is_empty() {
        // The next try may wait for the client to ask again.
        answer = world.ask(&Client::new(1).discover());
    }
    assert_eq!(answer.pings, [ip("10.1.0.51")]);
    let offer = world.advance(Duration::from_millis(700)).offer();
    assert_eq!(offer.yiaddr, ip("10.1.0.51"));
    let next = world.ask(&Client::new(2).discover());
    assert_eq!(next.pings, [ip("10.1.0.52")], "the address in use stays barred");
}

/// An address that was in use before is probed before it goes to another client.
#[test]
fn a_reused_address_is_probed() {
    let mut world = probing().pool("10.1.0.50 - 10.1.0.50").world();
    world.ask(&Client::new(1).discover()).silence();
    let offer = world.advance_secs(1).offer();
    let lease = world.ask(&Client::new(1).selecting(&offer)).ack();
    world.ask(&Client::new(1).release(&lease)).silence();
    let answer = world.ask(&Client::new(2).discover());
    assert_eq!(answer.pings, [ip("10.1.0.50")]);
}

/// 2131-3.1-2: the probe is off by default, and the OFFER comes at once.
#[test]
fn without_the_probe_the_offer_comes_at_once() {
    let mut world = Setup::new().world();
    let answer = world.ask(&Client::new(1).discover());
    assert_eq!(answer.pings, Vec::<Ipv4Addr>::new());
    let _ = answer.offer();
}

/// 2131-3.1-6: no second probe at REQUEST.
#[test]
fn there_is_no_probe_between_request_and_ack() {
    let mut world = probing().world();
    let client = Client::new(1);
    world.ask(&client.discover()).silence();
    let offer = world.advance_secs(1).offer();
    let answer = world.ask(&client.selecting(&offer));
    assert_eq!(answer.pings, Vec::<Ipv4Addr>::new());
    let _ = answer.ack();
}

/// A client that holds a lease is offered it without a probe: it would answer itself.
#[test]
fn the_own_address_of_a_bound_client_is_not_probed() {
    let mut world = probing().world();
    let client = Client::new(1);
    world.ask(&client.discover()).silence();
    let offer = world.advance_secs(1).offer();
    let _ = world.ask(&client.selecting(&offer)).ack();
    let answer = world.ask(&client.discover());
    assert_eq!(answer.pings, Vec::<Ipv4Addr>::new());
    let _ = answer.offer();
}

/// A DISCOVER that is sent again while the probe runs starts no second one, and gets one OFFER.
#[test]
fn a_repeated_discover_during_the_probe_gets_one_offer() {
    let mut world = probing().world();
    let client = Client::new(1);
    world.ask(&client.discover()).silence();
    let again = world.ask(&client.discover());
    assert_eq!(again.pings, Vec::<Ipv4Addr>::new());
    again.silence();
    assert_eq!(world.advance_secs(1).offer().yiaddr, ip("10.1.0.50"));
}

/// Other clients are served while a probe waits.
#[test]
fn a_probe_delays_nobody_else() {
    let mut world = probing().second("PingBeforeAssign = False").world();
    world.ask(&Client::new(1).discover()).silence();
    assert_eq!(world.ask(&Client::new(2).discover().on(2)).offer().yiaddr, ip("10.2.0.50"));
}

/// PingAttempts probes, PingSendDelay apart, before the address is taken as free.
#[test]
fn as_many_probes_as_configured_are_sent() {
    let setup = probing().policy("PingAttempts = 3").policy("PingSendDelay = 400");
    let mut world = setup.world();
    let first = world.ask(&Client::new(1).discover());
    let rest = world.advance_secs(3);
    assert_eq!(first.pings.len() + rest.pings.len(), 3);
    assert_eq!(rest.offer().yiaddr, ip("10.1.0.50"));
}

/// Operation: a reload costs no answer. A DISCOVER that waits for a ping is dealt with anew, also where the range is
/// another one.
#[test]
fn a_discover_that_waits_for_a_ping_survives_a_reload() {
    for setup in [probing(), probing().pool("10.1.0.60 - 10.1.0.70")] {
        let mut world = probing().world();
        world.ask(&Client::new(1).discover()).silence();
        world.reload(setup.config());
        let offer = world.advance(Duration::from_millis(1_200)).offer();
        let ack = world.ask(&Client::new(1).selecting(&offer)).ack();
        assert_eq!(ack.yiaddr, offer.yiaddr);
    }
}

/// Operation: an offer stands over a reload, and nobody else is offered its address.
#[test]
fn an_offer_stands_over_a_reload() {
    for end in ["10.1.0.99", "10.1.0.90"] {
        let mut world = Setup::new().world();
        let offer = world.ask(&Client::new(1).discover()).offer();
        world.reload(Setup::new().pool(&format!("10.1.0.50 - {end}")).config());
        let _ = world.advance(Duration::from_millis(10));
        let other = world.lease(&Client::new(2));
        assert_ne!(other.yiaddr, offer.yiaddr, "to {end}");
        let ack = world.ask(&Client::new(1).selecting(&offer)).ack();
        assert_eq!(ack.yiaddr, offer.yiaddr);
    }
}
