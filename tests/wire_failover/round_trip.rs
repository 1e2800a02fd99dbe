//! What is emitted is read back as it was, whatever the fields hold; sizes are what the constants say.

use std::mem::discriminant;

use understudy::wire::failover::{Body, UNCUT_PIECE_OCTETS_MAX};
use understudy::wire::failover::{
    CONFIG_FIXED, DATAGRAM_OCTETS_MAX, Datagram, HEADER_OCTETS, Header, Kind, PIECE_OCTETS_MAX, Piece, UPDATE_FIXED,
    emit, parse,
};
use understudy::wire::seal::SEAL_OCTETS;

use crate::samples::{STATES, datagram, golden_header, octets};
use crate::seeded::Seeded;

const ROUNDS: usize = 500;

#[test]
fn every_message_is_read_back_as_it_was_written() {
    let mut seeded = Seeded::new(647);
    for _ in 0..ROUNDS {
        for (kind, name) in Kind::ALL {
            let piece = octets(&mut seeded);
            let datagram = datagram(kind, &mut seeded, &piece);
            let mut out = b"before".to_vec();
            emit(&datagram, &mut out);
            assert!(out.len() <= 6 + DATAGRAM_OCTETS_MAX);
            assert_eq!(&out[..6], b"before");
            assert_eq!(parse(&out[6..]), Ok(datagram), "{name}");
        }
    }
}

/// Two headers that differ in one field differ on the wire, and the one does not read as the other.
#[test]
fn no_field_of_the_header_is_left_out() {
    let octets_of = |header: Header| {
        let mut out = Vec::new();
        emit(&Datagram { header, body: Body::CtlReq }, &mut out);
        out
    };
    let first = golden_header();
    let changes: [fn(&mut Header); 18] = [
        |header| header.session += 1,
        |header| header.sequence += 1,
        |header| header.seen += 1,
        |header| header.boot += 1,
        |header| header.partner_boot += 1,
        |header| header.database[15] += 1,
        |header| header.partner_database[0] += 1,
        |header| header.complete = !header.complete,
        |header| header.strict = !header.strict,
        |header| header.state = STATES[8],
        |header| header.transfer += 1,
        |header| header.have_boot += 1,
        |header| header.have += 1,
        |header| header.newest += 1,
        |header| header.clock += 1,
        |header| header.config_generation += 1,
        |header| header.config_digest[7] += 1,
        |header| header.buffer_size += 1,
    ];
    for (index, change) in changes.iter().enumerate() {
        let mut second = first;
        change(&mut second);
        let (one, other) = (octets_of(first), octets_of(second));
        let differing = one.iter().zip(&other).filter(|(one, other)| one != other).count();
        assert_eq!(differing, 1, "change {index} of the header");
        assert_eq!(parse(&other).unwrap().header, second, "change {index} of the header");
    }
}

#[test]
fn each_kind_has_its_own_code_and_the_name_of_its_body() {
    let mut seeded = Seeded::new(1);
    let mut seen = Vec::new();
    for (index, (kind, name)) in Kind::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(kind.code()), index + 1);
        assert_eq!((Kind::of(kind.code()), kind.to_string().as_str()), (Some(kind), name));
        let body = datagram(kind, &mut seeded, &[]).body;
        assert_eq!(body.kind(), kind);
        assert!(format!("{body:?}").starts_with(name), "{body:?}");
        assert!(!seen.contains(&discriminant(&body)));
        seen.push(discriminant(&body));
    }
    assert_eq!((Kind::of(0), Kind::of(20), Kind::of(255)), (None, None, None));
}

#[test]
fn the_sizes_are_those_of_the_constants() {
    let size = |body: Body<'_>| {
        let mut out = Vec::new();
        emit(&Datagram { header: Header::default(), body }, &mut out);
        out.len()
    };
    let full = [0; PIECE_OCTETS_MAX];
    let update = |octets| Body::BindUpdate(Piece { octets, ..Piece::default() });
    let config = |octets| Body::ConfigData { digest: [0; 32], offset: 0, total: 0, octets };
    assert_eq!(size(Body::CtlReq), HEADER_OCTETS);
    assert_eq!(size(update(&[])), HEADER_OCTETS + UPDATE_FIXED);
    assert_eq!(size(config(&[])), HEADER_OCTETS + CONFIG_FIXED);
    assert_eq!(size(config(&full)), DATAGRAM_OCTETS_MAX);
    assert!(size(update(&full)) <= DATAGRAM_OCTETS_MAX);
    assert_eq!(28 + size(update(&full[..UNCUT_PIECE_OCTETS_MAX])) + SEAL_OCTETS, 1500);
}

/// SyncBindingBufSize is at most that, so only a mistake of this program's own can ask for more.
#[test]
#[should_panic(expected = "a piece of 4097 octets, at most 4096")]
fn a_piece_that_no_partner_would_read_is_not_written() {
    let octets = &[0; PIECE_OCTETS_MAX + 1];
    let body = Body::BindUpdate(Piece { octets, ..Piece::default() });
    emit(&Datagram { header: Header::default(), body }, &mut Vec::new());
}
