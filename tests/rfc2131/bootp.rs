//! BOOTP clients (RFC 951, RFC 1542, RFC 1534).

use std::net::{Ipv4Addr, SocketAddrV4};

use understudy::server::outbox::Destination;

use crate::support::client::Message;
use crate::support::reply::Field;
use crate::support::{Client, Reply, Setup, code, ip};

const PRINTER: &str = "[Host printer]\nHardwareAddress = 02:00:00:00:00:01\nAddress = 10.1.0.20\n\
                       BootFile = boot.img\nOption.host-name = \"printer\"";

fn manual() -> Setup {
    Setup::new().option("domain-name-servers = 10.1.0.4").more(PRINTER)
}

fn automatic() -> Setup {
    Setup::new().pool("").more("[Range 10.1.0.50 - 10.1.0.51]\nAutomaticBootp = True")
}

fn destination(reply: &Reply) -> (Ipv4Addr, u16) {
    let (Destination::Udp { to, .. } | Destination::Link { to, .. }) = reply.to;
    (*to.ip(), to.port())
}

/// 1534-2-1: a message without option 53 is a BOOTP client's; it gets the address of its [Host].
#[test]
fn a_message_without_a_type_is_bootp() {
    let mut world = manual().world();
    let reply = world.ask(&Client::new(1).bootp()).bootreply();
    assert_eq!(reply.yiaddr, ip("10.1.0.20"));
    assert!(reply.file.starts_with(b"boot.img\0"));
    assert_eq!(reply.get(code::HOST_NAME), Some(b"printer".to_vec()));
    assert!(reply.has(code::MASK) && reply.has(code::ROUTERS));
}

/// 1534-2-2: without a [Host], BOOTP is dropped.
#[test]
fn an_unknown_bootp_client_gets_no_answer() {
    manual().world().ask(&Client::new(2).bootp()).silence();
}

/// 1534-2-3: automatic addresses for BOOTP are given only where the range says so.
#[test]
fn automatic_bootp_is_off_by_default() {
    Setup::new().world().ask(&Client::new(2).bootp()).silence();
    let reply = automatic().world().ask(&Client::new(2).bootp()).bootreply();
    assert_eq!(reply.yiaddr, ip("10.1.0.50"));
}

/// 1534-2-4: an automatic BOOTP address is for ever.
#[test]
fn an_automatic_bootp_address_is_never_given_to_another() {
    let mut world = automatic().world();
    let first = world.ask(&Client::new(1).bootp()).bootreply();
    for _ in 0..10 {
        world.advance_secs(1_000_000).silence();
        assert_eq!(world.ask(&Client::new(2).discover()).offer().yiaddr, ip("10.1.0.51"));
    }
    assert_eq!(world.ask(&Client::new(1).bootp()).bootreply().yiaddr, first.yiaddr);
}

/// 1534-2-7: the binding is there once the BOOTREPLY is sent.
#[test]
fn a_second_bootp_client_gets_another_address() {
    let mut world = automatic().world();
    let first = world.ask(&Client::new(1).bootp()).bootreply();
    let second = world.ask(&Client::new(2).bootp()).bootreply();
    assert_ne!(first.yiaddr, second.yiaddr);
    world.ask(&Client::new(3).bootp()).silence();
    world.ask(&Client::new(3).discover()).silence();
}

/// 1534-2-5, 1534-2-8: no message type, and none of the options that only DHCP knows. (`Reply::decode` asserts
/// it for each BOOTREPLY.)
#[test]
fn a_bootreply_has_no_options_of_dhcp() {
    let asking = Client::new(1).bootp().wants(&[1, 51, 53, 54, 58, 59]);
    let reply = manual().world().ask(&asking).bootreply();
    assert!([50, 51, 53, 54, 58, 59].iter().all(|code| !reply.has(*code)), "{:?}", reply.codes());
}

/// 951-2, 1534-2-6: a BOOTREPLY has 300 octets exactly: 64 of vendor area.
#[test]
fn a_bootreply_has_300_octets() {
    let crowd = (224..240).fold(manual(), |setup, code| setup.option(&format!("option-{code} = 0x0102030405")));
    for setup in [manual(), crowd] {
        let reply = setup.world().ask(&Client::new(1).bootp()).bootreply();
        assert_eq!(reply.bytes.len(), 300);
        assert!(reply.has(code::MASK) && reply.has(code::ROUTERS));
        assert!(reply.pieces.iter().all(|piece| piece.field == Field::Options));
    }
}

/// 951-1: `xid`, `htype`, `hlen`, `chaddr`, `giaddr` and `flags` are copied. (`Reply::check_against` compares.)
#[test]
fn a_bootreply_copies_the_fields_of_the_request() {
    let mut request = Client::new(1).bootp().broadcast();
    request.xid = 0xfedc_ba98;
    request.secs = 77;
    request.chaddr[10] = 9;
    let reply = manual().world().ask(&request).bootreply();
    assert_eq!((reply.xid, reply.flags, reply.chaddr[10]), (0xfedc_ba98, 0x8000, 9));
}

/// 951-3: a request that names another server in `sname` is left alone; one that names this server is answered.
#[test]
fn a_bootp_request_for_another_server_is_left_alone() {
    let mut world = manual().world();
    let named = |name: &[u8]| {
        let mut request = Client::new(1).bootp();
        request.sname[..name.len()].copy_from_slice(name);
        request
    };
    world.ask(&named(b"other")).silence();
    let _ = world.ask(&named(b"dhcp1")).bootreply();
}

/// 951-4: with `ciaddr` the reply goes there, and `ciaddr` is unchanged.
#[test]
fn a_bootp_client_with_an_address_is_answered_there() {
    let request = Client::new(1).bootp().from(ip("10.1.0.20"));
    let reply = manual().world().ask(&request).bootreply();
    assert_eq!((reply.ciaddr, reply.yiaddr), (ip("10.1.0.20"), ip("10.1.0.20")));
    assert_eq!(destination(&reply), (ip("10.1.0.20"), 68));
}

/// 1542-2.1-1: what follows the end option, and unused fields, are ignored.
#[test]
fn padding_of_a_bootp_request_is_ignored() {
    let mut request = Client::new(1).bootp();
    request.end = vec![255, 53, 1, 3, 1, 99, 0, 7, 255];
    request.file = [b'x'; 128];
    request.chaddr[6..].fill(0xee);
    let reply = manual().world().ask(&request).bootreply();
    assert_eq!(reply.yiaddr, ip("10.1.0.20"));
}

/// 1542-3.1-1: the broadcast bit is honoured for BOOTP too.
#[test]
fn a_bootp_client_that_asks_for_broadcast_gets_it() {
    let mut world = manual().world();
    let loud = world.ask(&Client::new(1).bootp().broadcast()).bootreply();
    assert_eq!(destination(&loud), (Ipv4Addr::BROADCAST, 68));
    let quiet = world.ask(&Client::new(1).bootp()).bootreply();
    assert!(matches!(quiet.to, Destination::Link { .. }));
    assert_eq!(destination(&quiet), (ip("10.1.0.20"), 68));
}

/// 1542-5.4-1: through a relay a BOOTREPLY goes to port 67 of the relay.
#[test]
fn a_relayed_bootp_client_is_answered_through_its_relay() {
    let request: Message = Client::new(1).bootp().via(ip("10.1.0.1"));
    let reply = manual().world().ask(&request).bootreply();
    assert_eq!(destination(&reply), (ip("10.1.0.1"), 67));
}

/// 2131-malformed-2: without the magic cookie a message is a BOOTP client's of old, or dropped.
#[test]
fn a_message_without_a_cookie_is_bootp_or_dropped() {
    let mut world = manual().world();
    let request = Client::new(1).bootp();
    let mut bytes = request.bytes();
    bytes[236..].fill(0);
    for reply in world.ask_bytes(&request, &bytes).replies {
        assert_eq!((reply.kind(), reply.yiaddr), (None, ip("10.1.0.20")));
    }
    let stranger = Client::new(2).discover();
    let mut bytes = stranger.bytes();
    bytes[236] = 98;
    world.ask_bytes(&stranger, &bytes).silence();
}

/// The address of a BOOTP [Host] is on the subnet that the request came from, or it is not given.
#[test]
fn a_bootp_host_on_another_subnet_gets_no_answer() {
    let mut request = Client::new(1).bootp().on(2);
    request.source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
    manual().world().ask(&request).silence();
}
