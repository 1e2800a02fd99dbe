//! Reading options: split, repeated, overloaded, broken off, and never beyond a field.

use understudy::wire::WireError;
use understudy::wire::codes::MessageType;
use understudy::wire::dhcp::{Scratch, parse};
use understudy::wire::options::Overload;

use crate::samples::packet;

/// RFC 2131 section 2: 240 octets of header and cookie are the least.
#[test]
fn a_message_without_options_is_read_and_a_shorter_one_is_truncated() {
    let mut scratch = Scratch::new();
    let bytes = packet(&[], &[], &[]);
    assert_eq!(bytes.len(), 240);
    assert_eq!(parse(&bytes, &mut scratch).unwrap().options.iter().count(), 0);
    for length in 0..240 {
        assert_eq!(parse(&bytes[..length], &mut scratch).unwrap_err(), WireError::Truncated, "{length} octets");
    }
}

/// RFC 2131 section 3: the cookie.
#[test]
fn a_message_without_cookie_is_refused() {
    let mut scratch = Scratch::new();
    for place in 236..240 {
        let mut bytes = packet(&[], &[], &[53, 1, 1, 255]);
        bytes[place] ^= 1;
        assert_eq!(parse(&bytes, &mut scratch).unwrap_err(), WireError::NoCookie);
    }
}

/// RFC 2131 section 2: `chaddr` has 16 octets, so `hlen` over 16 is no message.
#[test]
fn a_hardware_address_over_16_octets_is_refused() {
    let mut scratch = Scratch::new();
    let mut bytes = packet(&[], &[], &[53, 1, 1, 255]);
    bytes[2] = 16;
    assert_eq!(parse(&bytes, &mut scratch).unwrap().header.hardware_address().len(), 16);
    for length in 17..=255 {
        bytes[2] = length;
        assert_eq!(parse(&bytes, &mut scratch).unwrap_err(), WireError::BadLength);
    }
}

/// Unknown operation codes and message types are the server's to judge.
#[test]
fn unknown_operation_codes_and_message_types_are_kept() {
    let mut scratch = Scratch::new();
    for code in 0..=255 {
        let mut bytes = packet(&[], &[], &[53, 1, code, 255]);
        bytes[0] = code;
        let message = parse(&bytes, &mut scratch).unwrap();
        assert_eq!(message.header.op, code);
        assert_eq!(message.options.message_type().map(u8::from), Some(code));
        assert_eq!(u8::from(MessageType::from(code)), code);
    }
}

/// A broken option 53 must not make a BOOTP message of a DHCP message.
#[test]
fn a_message_type_of_wrong_length_is_unknown_and_not_absent() {
    let mut scratch = Scratch::new();
    for options in [&[53, 0, 255][..], &[53, 2, 1, 1, 255], &[53, 1, 1, 53, 1, 1, 255]] {
        let bytes = packet(&[], &[], options);
        let message = parse(&bytes, &mut scratch).unwrap();
        assert_eq!(message.options.message_type(), Some(MessageType::Unknown(0)), "{options:?}");
    }
}

/// RFC 3396 section 7: pieces are joined in order, also when other options stand between them.
#[test]
fn split_options_are_joined_also_when_interleaved() {
    let mut scratch = Scratch::new();
    let options = [53, 1, 1, 12, 2, b'a', b'b', 61, 1, 7, 12, 1, b'c', 61, 2, 8, 9, 12, 0, 12, 1, b'd', 255];
    let bytes = packet(&[], &[], &options);
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!(message.options.get(12), Some(&b"abcd"[..]));
    assert_eq!(message.options.get(61), Some(&[7, 8, 9][..]));
    assert_eq!(message.options.get(53), Some(&[1][..]));
    assert_eq!(message.options.iter().map(|option| option.0).collect::<Vec<_>>(), [53, 12, 61]);
}

/// RFC 3396 section 7: joined across fields: options, then `file`, then `sname`.
#[test]
fn split_options_are_joined_across_fields_in_the_order_of_reading() {
    let mut scratch = Scratch::new();
    let bytes = packet(&[60, 1, b'3', 255], &[60, 1, b'2', 255], &[60, 1, b'1', 52, 1, 3, 255]);
    assert_eq!(parse(&bytes, &mut scratch).unwrap().options.get(60), Some(&b"123"[..]));
}

/// RFC 2132 section 9.3: 1 is `file`, 2 is `sname`, 3 is both; other values and lengths are ignored.
#[test]
fn fields_are_read_as_options_only_where_option_52_says_so() {
    let cases = [
        (&[52, 1, 1][..], true, false),
        (&[52, 1, 2], false, true),
        (&[52, 1, 3], true, true),
        (&[52, 1, 0], false, false),
        (&[52, 1, 4], false, false),
        (&[52, 1, 255], false, false),
        (&[52, 0], false, false),
        (&[52, 2, 3, 3], false, false),
        (&[52, 1, 1, 52, 1, 2], false, false),
        (&[], false, false),
    ];
    let mut scratch = Scratch::new();
    for (options, file, sname) in cases {
        let bytes = packet(&[77, 1, 1, 255], &[60, 1, 1, 255], options);
        let message = parse(&bytes, &mut scratch).unwrap();
        assert_eq!(message.options.overload(), Overload { file, sname }, "{options:?}");
        assert_eq!(message.options.get(60).is_some(), file, "{options:?}");
        assert_eq!(message.options.get(77).is_some(), sname, "{options:?}");
    }
}

/// RFC 2131 section 4.1: option 52 stands in the options area; elsewhere it means nothing.
#[test]
fn option_52_inside_an_overloaded_field_has_no_effect() {
    let mut scratch = Scratch::new();
    let bytes = packet(&[77, 1, 1, 255], &[52, 1, 2, 60, 1, 1, 255], &[52, 1, 1, 255]);
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!(message.options.overload(), Overload { file: true, sname: false });
    assert_eq!(message.options.get(77), None);
}

/// RFC 2132 sections 9.4 and 9.5: names move to options 66 and 67 when their fields hold options.
#[test]
fn names_come_from_their_fields_or_else_from_options_66_and_67() {
    let mut scratch = Scratch::new();
    let bytes = packet(b"server\0rest", b"file", &[66, 1, b'x', 67, 1, b'y', 255]);
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!((message.server_name(), message.boot_file()), (&b"server"[..], &b"file"[..]));
    let bytes = packet(&[255], &[255], &[66, 2, b'x', 0, 67, 1, b'y', 52, 1, 3, 255]);
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!((message.server_name(), message.boot_file()), (&b"x"[..], &b"y"[..]));
    let bytes = packet(&[b's'; 64], &[b'f'; 128], &[]);
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!((message.server_name().len(), message.boot_file().len()), (64, 128));
}

/// RFC 2132 section 3.2: what follows End is not looked at; a missing End is tolerated.
#[test]
fn options_after_the_end_are_ignored_and_a_missing_end_is_tolerated() {
    let mut scratch = Scratch::new();
    let bytes = packet(&[], &[], &[0, 0, 53, 1, 1, 0, 255, 12, 1, b'x', 52, 1, 3]);
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!(message.options.iter().collect::<Vec<_>>(), [(53, &[1][..])]);
    assert!(!message.options.is_truncated());
    let bytes = packet(&[], &[], &[53, 1, 3, 12, 1, b'x']);
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!(message.options.get(12), Some(&b"x"[..]));
    assert!(!message.options.is_truncated());
}

/// Options before one that runs over its field's end count; nothing behind the field is read.
#[test]
fn an_option_that_runs_over_its_field_ends_the_reading_of_that_field_alone() {
    let mut scratch = Scratch::new();
    for broken in [&[12][..], &[12, 1], &[12, 200, b'x'], &[12, 255]] {
        let bytes = packet(&[], &[], &[&[53, 1, 1], broken].concat());
        let message = parse(&bytes, &mut scratch).unwrap();
        assert_eq!(message.options.iter().collect::<Vec<_>>(), [(53, &[1][..])], "{broken:?}");
        assert!(message.options.is_truncated(), "{broken:?}");
    }
    let mut file = vec![60, 2, b'o', b'k'];
    file.resize(126, 0);
    file.extend([12, 9]);
    let bytes = packet(&[77, 1, 1, 255], &file, &[52, 1, 3, 255]);
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!(message.options.get(60), Some(&b"ok"[..]));
    assert_eq!(message.options.get(12), None);
    assert_eq!(message.options.get(77), Some(&[1][..]));
    assert!(message.options.is_truncated());
}

/// RFC 2132: fixed lengths; a value of another length is as good as absent to the reader of a number.
#[test]
fn numbers_and_addresses_are_read_only_from_values_of_their_length() {
    let mut scratch = Scratch::new();
    for length in 0..=6_u8 {
        let value = &[1, 2, 3, 4, 5, 6][..usize::from(length)];
        let bytes = packet(&[], &[], &[&[50, length], value].concat());
        let message = parse(&bytes, &mut scratch).unwrap();
        let options = message.options;
        assert_eq!(options.u8(50), (length == 1).then_some(1));
        assert_eq!(options.u16(50), (length == 2).then_some(0x0102));
        assert_eq!(options.u32(50), (length == 4).then_some(0x0102_0304));
        assert_eq!(options.address(50), (length == 4).then_some([1, 2, 3, 4].into()));
        assert_eq!(options.get(50), Some(value));
    }
}

/// RFC 2132 section 2: trailing NULs are stripped, others are the text's.
#[test]
fn texts_lose_their_trailing_nuls_alone() {
    let mut scratch = Scratch::new();
    for (value, text) in [(&b"a\0b\0\0"[..], &b"a\0b"[..]), (b"\0\0", b""), (b"", b""), (b"host", b"host")] {
        let bytes = packet(&[], &[], &[&[12, u8::try_from(value.len()).unwrap()], value].concat());
        assert_eq!(parse(&bytes, &mut scratch).unwrap().options.text(12), Some(text));
    }
    assert_eq!(parse(&packet(&[], &[], &[255]), &mut scratch).unwrap().options.text(12), None);
}

/// One scratch serves all packets: nothing of one is seen in the next, and its room is used again.
#[test]
fn a_scratch_keeps_nothing_but_its_room() {
    let mut scratch = Scratch::new();
    let split = packet(&[], &[], &[12, 1, b'a', 12, 1, b'b', 60, 1, 1, 255]);
    let first = parse(&split, &mut scratch).unwrap().options.get(12).unwrap().as_ptr();
    let other = packet(&[], &[], &[53, 1, 1, 255]);
    let message = parse(&other, &mut scratch).unwrap();
    assert_eq!(message.options.iter().collect::<Vec<_>>(), [(53, &[1][..])]);
    assert!((0..=255).filter(|code| *code != 53).all(|code| message.options.get(code).is_none()));
    let large = packet(&[], &[], &[[12, 255].as_slice(), &[7; 255]].concat().repeat(250));
    assert_eq!(parse(&large, &mut scratch).unwrap().options.get(12).unwrap().len(), 255 * 250);
    let again = parse(&split, &mut scratch).unwrap().options.get(12).unwrap().as_ptr();
    assert_eq!(first, again, "the room for joined values moved: it was allocated anew");
}

/// The largest datagram, full of the smallest options, is read to its end.
#[test]
fn a_datagram_of_65507_octets_with_all_codes_again_and_again_is_read() {
    let mut scratch = Scratch::new();
    let codes = (1..=254_u8).filter(|code| *code != 52).flat_map(|code| [code, 1, code]);
    let bytes = packet(&[], &[], &codes.cycle().take(65_507 - 240).collect::<Vec<u8>>());
    let message = parse(&bytes, &mut scratch).unwrap();
    assert_eq!(message.options.iter().count(), 253);
    let total: usize = message.options.iter().map(|(_, value)| value.len()).sum();
    assert_eq!(total, (65_507 - 240) / 3);
    assert!(message.options.iter().all(|(code, value)| value.iter().all(|octet| *octet == code)));
}
