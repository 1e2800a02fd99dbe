//! Refusals by policy, auto-configuration (RFC 2563), and what a flood may not do.

use crate::support::{Client, Setup, code, ip, kind};

/// 2131-4.2-1: unknown clients are refused by silence, not by a NAK, at DISCOVER.
#[test]
fn unknown_clients_are_refused_by_silence() {
    let setup =
        Setup::new().policy("RegisteredClientsOnly = True").more("[Host known]\nHardwareAddress = 02:00:00:00:00:01");
    let mut world = setup.world();
    world.ask(&Client::new(2).discover()).silence();
    assert_eq!(world.lease(&Client::new(1)).yiaddr, ip("10.1.0.50"));
}

/// The key NackDhcpRequestsForDuplicates: False is silent where True sends a NAK.
#[test]
fn a_request_for_the_address_of_another_is_dropped_where_policy_says_so() {
    let mut world = Setup::new().policy("NackDhcpRequestsForDuplicates = False").world();
    let lease = world.lease(&Client::new(1));
    world.ask(&Client::new(2).renewing(lease.yiaddr)).silence();
}

/// The key NakUnknownClients: False never sends a NAK for what it does not know.
#[test]
fn an_unknown_network_is_met_with_silence_where_policy_says_so() {
    let mut world = Setup::new().policy("NakUnknownClients = False").world();
    world.ask(&Client::new(1).init_reboot(ip("192.0.2.1"))).silence();
    world.ask(&Client::new(1).renewing(ip("192.0.2.1"))).silence();
}

/// The key CheckTransactionID: a repeated message with the same `xid` is ignored.
#[test]
fn a_repeated_transaction_is_ignored_where_policy_says_so() {
    let mut world = Setup::new().policy("CheckTransactionID = True").world();
    let client = Client::new(1);
    let mut discover = client.discover();
    let offer = world.ask(&discover).offer();
    world.ask(&discover).silence();
    discover.xid += 1;
    let _ = world.ask(&discover).offer();
    let mut request = client.selecting(&offer);
    request.xid = discover.xid;
    let _ = world.ask(&request).ack();
    world.ask(&request).silence();
}

/// The key DropZeroMacAddressPackets: on by default.
#[test]
fn messages_without_a_hardware_address_are_dropped_by_default() {
    let mut zero = Client::new(0);
    zero.hardware = vec![0; 6];
    Setup::new().world().ask(&zero.discover()).silence();
    let mut lenient = Setup::new().policy("DropZeroMacAddressPackets = False").world();
    let _ = lenient.ask(&zero.discover()).offer();
}

/// The key MaxPendingSeconds: 0 holds no offers.
#[test]
fn offers_are_not_held_where_policy_says_so() {
    let setup = Setup::new().pool("10.1.0.50 - 10.1.0.50").policy("MaxPendingSeconds = 0");
    let mut world = setup.world();
    let first = world.ask(&Client::new(1).discover()).offer();
    let second = world.ask(&Client::new(2).discover()).offer();
    assert_eq!(first.yiaddr, second.yiaddr);
    let _ = world.ask(&Client::new(2).selecting(&second)).ack();
    let _ = world.ask(&Client::new(1).selecting(&first)).nak();
}

/// KNOWN and UNKNOWN in a [Range]: clients with and without a [Host].
#[test]
fn ranges_for_known_and_unknown_clients_are_kept_apart() {
    let setup = Setup::new().pool("").more(
        "[Range 10.1.0.50 - 10.1.0.59]\nClass = KNOWN\n[Range 10.1.0.60 - 10.1.0.69]\nClass = UNKNOWN\n\
         [Host known]\nHardwareAddress = 02:00:00:00:00:01",
    );
    let mut world = setup.world();
    assert_eq!(world.lease(&Client::new(2)).yiaddr, ip("10.1.0.60"));
    assert_eq!(world.lease(&Client::new(1)).yiaddr, ip("10.1.0.50"));
}

/// 2563-2-1: no address, and the client sent option 116: an OFFER of 0.0.0.0 tells it not to configure itself.
#[test]
fn a_client_that_asks_is_told_not_to_configure_itself() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.50").option("option-116.u8 = 0").world();
    let _ = world.lease(&Client::new(1));
    let offer = world.ask(&Client::new(2).discover().option(code::AUTO, &[1])).offer();
    assert!(offer.yiaddr.is_unspecified());
    assert_eq!(offer.get(code::AUTO), Some(vec![0]));
}

/// 2563-2-2: option 116 is not sent to a client that did not send it.
#[test]
fn a_client_that_does_not_ask_is_told_nothing() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.50").option("option-116.u8 = 0").world();
    assert!(!world.lease_by(&Client::new(1), |message| message.wants(&[116, 1])).has(code::AUTO));
    world.ask(&Client::new(2).discover().wants(&[116])).silence();
}

/// 2563-2-3: with an address to give, the OFFER is the usual one.
#[test]
fn a_client_that_asks_is_offered_an_address_when_there_is_one() {
    let mut world = Setup::new().world();
    let offer = world.ask(&Client::new(1).discover().option(code::AUTO, &[1])).offer();
    assert_eq!(offer.yiaddr, ip("10.1.0.50"));
}

/// SEC-2: a flood of DISCOVERs from invented hardware addresses stops no renewal.
#[test]
fn a_flood_of_discovers_stops_no_renewal() {
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    for round in 0..10_u16 {
        for number in 0..300 {
            let flood = Client::new(0x4000 + 300 * round + number).discover();
            assert!(world.ask(&flood).replies.iter().all(|reply| reply.kind() == Some(kind::OFFER)));
        }
        assert_eq!(world.ask(&client.renewing(lease.yiaddr)).ack().yiaddr, lease.yiaddr);
    }
    world.advance_secs(20).silence();
    assert_ne!(world.lease(&Client::new(2)).yiaddr, lease.yiaddr);
}
