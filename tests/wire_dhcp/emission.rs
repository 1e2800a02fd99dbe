//! Emitting: order, splitting, ends, padding, and what the caller may not ask for.

use understudy::wire::dhcp::{Fit, Reply, emit};

use crate::samples::{emitted, header, reply};

/// RFC 951 section 3, RFC 2131 section 4.1: at least 300 octets, End, zeros behind it.
#[test]
fn a_small_reply_is_padded_to_300_octets() {
    let header = header();
    let (taken, fit) = emitted(&reply(&header, &[(53, &[2]), (54, &[192, 0, 2, 1])]));
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.bytes.len(), 300);
    assert_eq!(taken.bytes[240..250], [53, 1, 2, 54, 4, 192, 0, 2, 1, 255]);
    assert_eq!(taken.codes(), [53, 54]);
    let (empty, _) = emitted(&reply(&header, &[]));
    assert_eq!((empty.bytes.len(), empty.bytes[240]), (300, 255));
}

/// RFC 2132 section 9.8: the order in which options were given is kept.
#[test]
fn options_stand_in_the_order_given() {
    let header = header();
    let (taken, _) = emitted(&reply(&header, &[(53, &[5]), (15, b"b"), (6, &[1, 2, 3, 4]), (3, &[4; 4]), (80, &[])]));
    assert_eq!(taken.codes(), [53, 15, 6, 3, 80]);
    assert_eq!(taken.joined(80), Some(Vec::new()));
}

/// The arena is shared: what stands in it already stays.
#[test]
fn the_message_is_appended_to_what_is_there() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[2]), (12, &[b'x'; 200])];
    let mut alone = Vec::new();
    emit(&reply(&header, options), &mut alone);
    let mut out = vec![0xee; 1000];
    emit(&reply(&header, options), &mut out);
    assert_eq!(out[..1000], [0xee; 1000]);
    assert_eq!(out[1000..], alone);
}

/// An arena that was used before leaves nothing in the padding of the next message.
#[test]
fn a_reused_buffer_does_not_shine_through() {
    let header = header();
    let mut out = vec![0xee; 2000];
    out.clear();
    emit(&reply(&header, &[(53, &[2])]), &mut out);
    assert!(out[244..].iter().all(|octet| *octet == 0));
    assert!(out[44..236].iter().all(|octet| *octet == 0));
}

/// RFC 2131 section 2: names stand in their fields, ended by NUL.
#[test]
fn names_stand_in_their_fields() {
    let header = header();
    let (server, file) = ([b's'; 63], [b'f'; 127]);
    let plain = Reply { server_name: &server, boot_file: &file, ..reply(&header, &[(53, &[2])]) };
    let (taken, fit) = emitted(&plain);
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.bytes[44..108], [&server[..], &[0]].concat());
    assert_eq!(taken.bytes[108..236], [&file[..], &[0]].concat());
}

/// A name without room for its NUL is not cut: a wrong file name is worse than none.
#[test]
fn names_that_are_too_long_are_left_out_and_counted() {
    let header = header();
    let long = Reply { server_name: &[b's'; 64], boot_file: &[b'f'; 128], ..reply(&header, &[(53, &[2])]) };
    let (taken, fit) = emitted(&long);
    assert_eq!(fit.options_left_out, 2);
    assert!(taken.bytes[44..236].iter().all(|octet| *octet == 0));
}

/// RFC 3396 sections 4 and 6: pieces of 255 octets and a rest, in order; 255 octets and fewer stay whole.
#[test]
fn values_over_255_octets_are_split_and_others_are_not() {
    let header = header();
    let value: Vec<u8> = (0..=250_u8).cycle().take(800).collect();
    for (length, pieces) in [(0, &[0][..]), (254, &[254]), (255, &[255]), (256, &[255, 1]), (510, &[255, 255])] {
        let options: &[(u8, &[u8])] = &[(53, &[5]), (121, &value[..length])];
        let (taken, fit) = emitted(&Reply { limit: 1472, ..reply(&header, options) });
        assert_eq!(fit, Fit::default());
        let lengths: Vec<usize> = taken.options[1..].iter().map(|piece| piece.1.len()).collect();
        assert_eq!(lengths, pieces);
        assert_eq!(taken.joined(121).unwrap(), &value[..length]);
        assert!(taken.options[1..].iter().all(|piece| piece.0 == 121));
    }
}

/// Pad, End, option 52 and option 82 are not the caller's to give as options.
#[test]
fn reserved_codes_are_left_out_and_counted() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (0, b""), (52, &[3]), (82, &[1, 1, 1]), (255, b""), (12, b"x")];
    let (taken, fit) = emitted(&reply(&header, options));
    assert_eq!(taken.codes(), [53, 12]);
    assert_eq!(fit.options_left_out, 4);
}

/// RFC 2131 table 3: what of a request's header goes into the reply's.
#[test]
fn the_header_of_a_reply_copies_what_table_3_copies() {
    let mut request = header();
    (request.op, request.hops, request.secs, request.flags) = (1, 3, 77, 0xffff);
    request.ciaddr = [192, 0, 2, 9].into();
    request.giaddr = [192, 0, 2, 254].into();
    request.chaddr = [9; 16];
    let reply = request.reply();
    assert_eq!((reply.op, reply.hops, reply.secs, reply.flags), (2, 0, 0, 0xffff));
    assert_eq!((reply.xid, reply.htype, reply.hlen, reply.chaddr), (request.xid, 1, 6, [9; 16]));
    assert_eq!(reply.giaddr, request.giaddr);
    assert!([reply.ciaddr, reply.yiaddr, reply.siaddr].iter().all(|address| address.is_unspecified()));
}
