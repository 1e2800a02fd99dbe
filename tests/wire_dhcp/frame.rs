//! Ethernet, IPv4 and UDP around a payload, checked by hand.

use std::net::SocketAddrV4;

use understudy::wire::frame::{Envelope, PAYLOAD_MAX, ethernet};

use crate::seeded::Seeded;

fn envelope() -> Envelope {
    Envelope {
        from_hardware: [2, 0, 0, 0, 0, 1],
        to_hardware: [2, 0, 0, 0, 0, 2],
        from: SocketAddrV4::new([192, 0, 2, 1].into(), 67),
        to: SocketAddrV4::new([192, 0, 2, 100].into(), 68),
    }
}

/// RFC 894, RFC 791 section 3.1, RFC 768: each field at its place.
#[test]
fn the_headers_are_as_the_standards_draw_them() {
    let mut out = b"before".to_vec();
    ethernet(&envelope(), &[0xab; 300], &mut out).unwrap();
    let frame = &out[6..];
    assert_eq!(frame.len(), 14 + 20 + 8 + 300);
    assert_eq!(frame[..14], [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
    assert_eq!(frame[14..24], [0x45, 0, 1, 0x48, 0, 0, 0, 0, 64, 17]);
    assert_eq!(frame[26..34], [192, 0, 2, 1, 192, 0, 2, 100]);
    assert_eq!(frame[34..40], [0, 67, 0, 68, 1, 0x34]);
    assert_eq!(frame[42..], [0xab; 300]);
    assert_eq!(&out[..6], b"before");
}

/// RFC 1071: the sum over all words, checksum included, is 0xffff; any payload, odd lengths too.
#[test]
fn both_checksums_are_right_for_any_payload() {
    let mut seeded = Seeded::new(1);
    for round in 0..2000 {
        let length = if round == 0 { PAYLOAD_MAX } else { seeded.below(700) };
        let payload = seeded.octets(length);
        let mut envelope = envelope();
        envelope.to = SocketAddrV4::new([seeded.octet(), seeded.octet(), seeded.octet(), seeded.octet()].into(), 68);
        let mut frame = Vec::new();
        ethernet(&envelope, &payload, &mut frame).unwrap();
        assert_eq!(sum(&frame[14..34]), 0xffff);
        let pseudo = [&frame[26..34], &[0, 17], &frame[38..40], &frame[34..]].concat();
        assert_eq!(sum(&pseudo), 0xffff, "payload of {length} octets");
        assert_ne!(frame[40..42], [0, 0]);
    }
}

/// RFC 768: a checksum that comes out as 0 is sent as 0xffff, since 0 means none.
#[test]
fn a_checksum_of_zero_is_sent_as_all_ones() {
    let mut frame = Vec::new();
    ethernet(&envelope(), &[0, 0], &mut frame).unwrap();
    let checksum = frame[40..42].to_vec();
    let mut frame = Vec::new();
    ethernet(&envelope(), &checksum, &mut frame).unwrap();
    assert_eq!(frame[40..42], [0xff, 0xff]);
}

/// RFC 791 section 3.1: a datagram has at most 65,535 octets.
#[test]
fn a_payload_over_65507_octets_is_refused_and_nothing_is_appended() {
    let mut out = vec![1, 2, 3];
    assert!(ethernet(&envelope(), &vec![0; PAYLOAD_MAX + 1], &mut out).is_err());
    assert_eq!(out, [1, 2, 3]);
    ethernet(&envelope(), &vec![0; PAYLOAD_MAX], &mut out).unwrap();
    assert_eq!(out.len(), 3 + 14 + 65_535);
}

fn sum(bytes: &[u8]) -> u32 {
    let words = bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0)));
    let mut sum: u64 = words.map(u64::from).sum();
    while sum > 0xffff {
        sum = (sum >> 16) + (sum & 0xffff);
    }
    u32::try_from(sum).unwrap()
}
