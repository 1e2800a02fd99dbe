//! Options that need more room than one instance or one field has: overload (RFC 2131 section 4.1) and
//! splitting (RFC 3396).

use crate::support::client::overlay;
use crate::support::reply::Field;
use crate::support::{Client, Reply, Setup, code, ip};

/// Options of 20 x 22 octets besides the usual ones: too many for the options field of a 576 octet datagram.
fn crowded() -> Setup {
    (224..244).fold(Setup::new(), |setup, code| {
        setup.option(&format!("option-{code} = 0x{}", format!("{code:02x}").repeat(20)))
    })
}

fn everything() -> Vec<u8> {
    (1..=254).collect()
}

fn offer(setup: &Setup, size: u16) -> Reply {
    setup.world().ask(&Client::new(1).discover().wants(&everything()).size(size)).offer()
}

fn fields(reply: &Reply) -> Vec<Field> {
    let mut fields: Vec<_> = reply.pieces.iter().map(|piece| piece.field).collect();
    fields.dedup();
    fields
}

/// 2131-3.5-2, 2131-4.1-11: options stand in `file` and `sname` when option 52, in the options field, says so.
#[test]
fn an_overloaded_reply_says_which_fields_hold_options() {
    let reply = offer(&crowded(), 576);
    let told = reply.get(code::OVERLOAD).expect("option 52")[0];
    let used = fields(&reply);
    assert_eq!(told & 1 != 0, used.contains(&Field::File));
    assert_eq!(told & 2 != 0, used.contains(&Field::Sname));
    let place = reply.pieces.iter().find(|piece| piece.code == code::OVERLOAD);
    assert_eq!(place.map(|piece| piece.field), Some(Field::Options));
}

/// 2131-4.1-12, 2131-4.1-13, 2131-4.1-14: each field that holds options starts with one, ends with 255, is padded
/// with 0, and holds its options whole. (`Reply::decode` asserts it while it reads.)
#[test]
fn each_field_of_an_overloaded_reply_is_whole() {
    let reply = offer(&crowded(), 576);
    assert_eq!(fields(&reply)[0], Field::Options);
    for (field, first) in [(Field::File, reply.file[0]), (Field::Sname, reply.sname[0])] {
        if fields(&reply).contains(&field) {
            assert!(first != 0 && first != 255, "{field:?} starts with {first}");
        }
    }
}

/// With enough room nothing is overloaded.
#[test]
fn a_large_datagram_needs_no_overload() {
    let reply = offer(&crowded(), 1500);
    assert!(!reply.has(code::OVERLOAD));
    assert!((224..244).all(|code| reply.has(code)));
}

/// 2132-9.4-1: server name and boot file are found either in their fields or in options 66 and 67.
#[test]
fn boot_settings_are_kept_in_an_overloaded_reply() {
    let setup = crowded().first("ServerName = \"tftp1\"").first("BootFile = pxelinux.0");
    let reply = offer(&setup, 576);
    let told = reply.get(code::OVERLOAD).map_or(0, |value| value[0]);
    let name = reply.get(code::SERVER_NAME).unwrap_or_else(|| text(&reply.sname));
    let file = reply.get(code::BOOT_FILE).unwrap_or_else(|| text(&reply.file));
    assert_eq!((&name[..], &file[..]), (&b"tftp1"[..], &b"pxelinux.0"[..]), "overload {told}");
}

fn text(field: &[u8]) -> Vec<u8> {
    field.split(|octet| *octet == 0).next().unwrap_or_default().to_vec()
}

/// 3396-4-1, 3396-6-1: a value over 255 octets is split into pieces of one code, in order, that add up to it.
#[test]
fn a_long_value_is_split() {
    let value: Vec<u8> = (0..320_u32).map(|octet| octet as u8).collect();
    let hex: String = value.iter().map(|octet| format!("{octet:02x}")).collect();
    let reply = offer(&Setup::new().option(&format!("option-224 = 0x{hex}")), 1500);
    let pieces: Vec<_> = reply.pieces.iter().filter(|piece| piece.code == 224).collect();
    assert_eq!(pieces.len(), 2);
    assert_eq!(reply.get(224), Some(value));
}

/// A long value that has no room is left out whole.
#[test]
fn a_long_value_without_room_is_left_out_whole() {
    let setup = crowded().option(&format!("option-250 = 0x{}", "5a".repeat(700)));
    let reply = offer(&setup, 576);
    assert_eq!(reply.get(250), None);
}

/// 3396-4-2: values of up to 255 octets are in one piece.
#[test]
fn a_value_of_255_octets_is_not_split() {
    for length in [254, 255] {
        let line = format!("option-224 = 0x{}", "5a".repeat(length));
        let reply = offer(&Setup::new().option(&line), 1500);
        assert_eq!(reply.pieces.iter().filter(|piece| piece.code == 224).count(), 1);
        assert_eq!(reply.get(224), Some(vec![0x5a; length]));
    }
}

/// 3396-6-2: pieces over several fields come in the order options, file, sname.
#[test]
fn split_values_keep_their_order_over_fields() {
    let value: Vec<u8> = (0..300_u32).map(|octet| (octet / 2) as u8).collect();
    let hex: String = value.iter().map(|octet| format!("{octet:02x}")).collect();
    let setup = crowded().option(&format!("option-244 = 0x{hex}"));
    for size in [576, 620, 700, 800, 900] {
        let reply = offer(&setup, size);
        if let Some(read) = reply.get(244) {
            assert_eq!(read, value, "within {size} octets");
        }
    }
}

/// 3396-7-1: a split option of a client is joined before it is read: 61, 55, 12 and 82 in two pieces each.
#[test]
fn split_options_of_a_client_are_joined() {
    let mut world = Setup::new().option("domain-name = \"beef.com\"").world();
    let whole = Client::new(1).identified(b"\0split-in-two");
    let lease = world.lease(&whole);
    let split = Client::new(2)
        .discover()
        .option(code::IDENTIFIER, b"\0split")
        .wants(&[15])
        .option(code::HOST_NAME, b"la")
        .option(code::RELAY, &[1, 4, 9])
        .option(code::IDENTIFIER, b"-in-two")
        .wants(&[1])
        .option(code::HOST_NAME, b"mp")
        .option(code::RELAY, &[9, 9, 9])
        .via(ip("10.1.0.1"));
    let offer = world.ask(&split).offer();
    assert_eq!(offer.yiaddr, lease.yiaddr);
    assert_eq!(offer.get(code::IDENTIFIER), whole.identifier);
    assert_eq!(offer.get(code::RELAY), Some(vec![1, 4, 9, 9, 9, 9]));
    assert!(offer.has(code::DOMAIN) && offer.has(code::MASK));
}

/// 2131-4.1-15, 3396-7-2: an overloaded request is read in the order options, file, sname, and an option that
/// crosses fields is joined in that order.
#[test]
fn an_overloaded_request_is_read_field_by_field() {
    let mut world = Setup::new().option("domain-name = \"beef.com\"").world();
    let lease = world.lease(&Client::new(1).identified(b"\0three-fields"));
    let mut discover = Client::new(2).discover().option(code::IDENTIFIER, b"\0three");
    discover = discover.option(code::OVERLOAD, &[3]);
    discover.file = overlay(&[(code::IDENTIFIER, b"-fie"), (code::WANTED, &[15])]);
    discover.sname = overlay(&[(code::IDENTIFIER, b"lds"), (code::LEASE, &[0, 0, 3, 0])]);
    let answer = world.ask_bytes(&discover, &discover.bytes());
    let offer = answer.offer();
    assert_eq!(offer.yiaddr, lease.yiaddr);
    assert_eq!(offer.get(code::IDENTIFIER), Some(b"\0three-fields".to_vec()));
    assert_eq!(offer.lease(), 768);
    assert!(offer.has(code::DOMAIN));
}

/// 3396-5-1: fields that option 52 does not name are no options.
#[test]
fn fields_without_overload_are_not_read_as_options() {
    let mut world = Setup::new().world();
    for told in [None, Some(1), Some(2)] {
        let mut discover = Client::new(1).discover();
        discover.file = overlay(&[(code::LEASE, &[0, 0, 0, 111])]);
        discover.sname = overlay(&[(code::LEASE, &[0, 0, 0, 222])]);
        if let Some(told) = told {
            discover = discover.option(code::OVERLOAD, &[told]);
        }
        let expected = match told {
            Some(1) => 111,
            Some(_) => 222,
            None => 3600,
        };
        assert_eq!(world.ask(&discover).offer().lease(), expected);
    }
}

/// 2132-9.3-1: overload is 1, 2 or 3; anything else is no overload.
#[test]
fn other_values_of_overload_are_ignored() {
    let mut world = Setup::new().world();
    for told in [&[0][..], &[4], &[255], &[], &[1, 1]] {
        let mut discover = Client::new(1).discover().option(code::OVERLOAD, told);
        discover.file = overlay(&[(code::LEASE, &[0, 0, 0, 111])]);
        for reply in world.ask(&discover).replies {
            assert_eq!(reply.lease(), 3600, "{told:?}");
        }
    }
    let _ = world.lease(&Client::new(2));
}
