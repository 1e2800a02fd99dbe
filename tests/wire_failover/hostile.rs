//! Hostile input: cuts, mutations and noise. Nothing panics, each refusal has its own reason, and what is read is
//! what is written back octet for octet.

use understudy::wire::failover::{
    Body, DATAGRAM_OCTETS_MAX, Datagram, FailoverError, HEADER_OCTETS, Header, Kind, PIECE_OCTETS_MAX, emit, parse,
};
use understudy::wire::seal::{Keys, SEAL_OCTETS};

use crate::samples::{datagram, golden_body, golden_header, octets};
use crate::seeded::Seeded;

const MUTATIONS: usize = 3000;

fn emitted(datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    emit(datagram, &mut out);
    out
}

fn golden(kind: Kind) -> Vec<u8> {
    emitted(&Datagram { header: golden_header(), body: golden_body(kind) })
}

/// Parses; what can be read is written back as it was, so that no octet is without meaning.
fn check(bytes: &[u8]) -> bool {
    match parse(bytes) {
        Ok(datagram) => {
            assert_eq!(emitted(&datagram), bytes);
            assert!(bytes.len() <= DATAGRAM_OCTETS_MAX);
            true
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            false
        }
    }
}

#[test]
fn every_cut_is_refused_as_truncated() {
    let mut seeded = Seeded::new(7);
    for (kind, name) in Kind::ALL {
        let piece = octets(&mut seeded);
        let random = emitted(&datagram(kind, &mut seeded, &piece));
        for bytes in [golden(kind), random] {
            for length in 0..bytes.len() {
                assert_eq!(parse(&bytes[..length]), Err(FailoverError::Truncated), "{name} cut to {length}");
            }
        }
    }
}

#[test]
fn octets_behind_the_last_field_are_refused() {
    for (kind, name) in Kind::ALL {
        let mut bytes = golden(kind);
        for count in 1..40 {
            bytes.push(0);
            assert_eq!(parse(&bytes), Err(FailoverError::Trailing(count)), "{name}");
        }
    }
}

#[test]
fn other_versions_and_types_are_refused_each_for_its_own_reason() {
    let mut bytes = golden(Kind::Poll);
    for version in (0..=255).filter(|version| *version != 1) {
        bytes[0] = version;
        assert_eq!(parse(&bytes), Err(FailoverError::UnknownVersion(version)));
        assert_eq!(parse(&[version]), Err(FailoverError::UnknownVersion(version)));
    }
    bytes[0] = 1;
    for code in std::iter::once(0).chain(20..=255) {
        bytes[1] = code;
        assert_eq!(parse(&bytes), Err(FailoverError::UnknownKind(code)));
        assert_eq!(parse(&[1, code]), Err(FailoverError::UnknownKind(code)));
    }
}

/// Each octet with a code is tried with all 256 values.
#[test]
fn an_octet_without_meaning_is_refused_by_the_name_of_its_field() {
    let places = [
        (Kind::SyncReq, 2, "flags", 0..=3),
        (Kind::SyncReq, 3, "state", 1..=9),
        (Kind::CtlRet, HEADER_OCTETS, "serves", 0..=2),
        (Kind::BindUpdate, HEADER_OCTETS + 12, "flags", 0..=1),
        (Kind::SubnetReturn, HEADER_OCTETS + 8, "prefix", 0..=32),
        (Kind::SubnetTaken, HEADER_OCTETS + 8, "prefix", 0..=32),
    ];
    for (kind, at, field, legal) in places {
        let mut bytes = golden(kind);
        for octet in 0..=255 {
            bytes[at] = octet;
            match parse(&bytes) {
                Ok(_) => assert!(legal.contains(&octet), "{kind} {field} {octet}"),
                Err(error) => {
                    assert!(!legal.contains(&octet), "{kind} {field} {octet}");
                    assert_eq!(error, FailoverError::BadField(field), "{kind} {octet}");
                }
            }
        }
    }
}

#[test]
fn a_range_that_ends_before_it_begins_is_refused() {
    let request = |first, last| Datagram { header: Header::default(), body: Body::ShareReq { first, last, count: 1 } };
    assert_eq!(parse(&emitted(&request(2, 1))), Err(FailoverError::BadField("last")));
    assert_eq!(parse(&emitted(&request(2, 2))), Ok(request(2, 2)));
}

#[test]
fn a_piece_over_the_bound_is_refused_even_if_it_is_all_there() {
    for (kind, at) in [(Kind::BindUpdate, HEADER_OCTETS + 13), (Kind::ConfigData, HEADER_OCTETS + 40)] {
        let mut bytes = golden(kind);
        bytes.truncate(at);
        bytes.extend(u16::try_from(PIECE_OCTETS_MAX + 1).unwrap().to_be_bytes());
        bytes.extend([0; PIECE_OCTETS_MAX + 1]);
        assert_eq!(parse(&bytes), Err(FailoverError::BadField("length")), "{kind}");
        bytes[at..at + 2].copy_from_slice(&u16::try_from(PIECE_OCTETS_MAX).unwrap().to_be_bytes());
        bytes.pop();
        assert!(check(&bytes), "{kind}");
    }
}

#[test]
fn mutated_datagrams_are_read_whole_or_refused() {
    let mut seeded = Seeded::new(2131);
    let mut read = 0;
    for (kind, _) in Kind::ALL {
        for _ in 0..MUTATIONS {
            let piece = if seeded.once_in(50) { octets(&mut seeded) } else { Vec::new() };
            let bytes = if piece.is_empty() { golden(kind) } else { emitted(&datagram(kind, &mut seeded, &piece)) };
            read += usize::from(check(&mutated(bytes, &mut seeded)));
        }
    }
    assert!(read > 19 * MUTATIONS / 4, "only {read} mutations were readable: too rough to reach the bodies");
}

#[test]
fn noise_behind_version_and_type_is_read_whole_or_refused() {
    let mut seeded = Seeded::new(3);
    for _ in 0..20_000 {
        let length = seeded.below(300);
        let mut bytes = seeded.octets(length);
        let code = 1 + u8::try_from(seeded.below(19)).unwrap();
        let state = 1 + u8::try_from(seeded.below(9)).unwrap();
        for (place, octet) in bytes.iter_mut().zip([1, code, 0, state]) {
            *place = octet;
        }
        check(&bytes);
    }
}

/// failover.md section 10, invariant 8: with a seal, nothing that was changed is read at all.
#[test]
fn each_mutation_and_each_cut_of_a_sealed_datagram_is_refused() {
    let shared = Keys::parse("000102030405060708090a0b0c0d0e0f\n101112131415161718191a1b1c1d1e1f").unwrap();
    let mut seeded = Seeded::new(8);
    for keys in [shared, Keys::None] {
        for (kind, name) in Kind::ALL {
            let mut bytes = golden(kind);
            keys.seal(&mut bytes, 0);
            for length in 0..bytes.len() {
                assert!(keys.open(&bytes[..length]).is_err(), "{name} cut to {length}");
            }
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << seeded.below(8);
                assert!(keys.open(&changed).is_err(), "{name} changed at {at}");
            }
            for _ in 0..MUTATIONS / 10 {
                let changed = mutated(bytes.clone(), &mut seeded);
                assert_eq!(keys.open(&changed).is_ok(), changed == bytes, "{name}");
            }
        }
    }
}

#[test]
fn noise_does_not_open() {
    let keys = Keys::parse("000102030405060708090a0b0c0d0e0f").unwrap();
    let mut seeded = Seeded::new(9);
    for _ in 0..20_000 {
        let length = seeded.below(3 * SEAL_OCTETS);
        let bytes = seeded.octets(length);
        assert!(keys.open(&bytes).is_err() && Keys::None.open(&bytes).is_err());
    }
}

/// One to three changes.
fn mutated(mut bytes: Vec<u8>, seeded: &mut Seeded) -> Vec<u8> {
    for _ in 0..=seeded.below(3) {
        let at = seeded.below(bytes.len().max(1));
        match seeded.below(6) {
            0 if at < bytes.len() => drop(bytes.remove(at)),
            1 => bytes.insert(at, seeded.octet()),
            2 if seeded.once_in(3) => bytes.truncate(at),
            3 if at + 1 < bytes.len() => bytes.swap(at, at + 1),
            4 if at >= HEADER_OCTETS => bytes[at] = [0, 1, 2, 32, 33, 127, 128, 255][seeded.below(8)],
            _ if at < bytes.len() => bytes[at] ^= 1 << seeded.below(8),
            _ => bytes.push(seeded.octet()),
        }
    }
    bytes
}
