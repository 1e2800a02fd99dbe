//! Hostile input: mutated golden packets and noise. Nothing panics, nothing is read that is not in the packet, and
//! what is read is what a plain, slow reading gives.

use understudy::wire::codes::RELAY_INFORMATION;
use understudy::wire::dhcp::{Message, Scratch, parse};
use understudy::wire::relay::RelayInformation;

use crate::golden::emit_again;
use crate::samples::{Golden, all, packet};
use crate::seeded::Seeded;

const MUTATIONS: usize = 2000;

/// RFC 2131 and good sense: each golden packet, mutated thousands of times, with one scratch for all.
#[test]
fn mutated_packets_neither_panic_nor_give_anything_that_is_not_in_them() {
    let goldens = all();
    let mut scratch = [Scratch::new(), Scratch::new()];
    let mut seeded = Seeded::new(2131);
    let mut read = 0;
    for golden in &goldens {
        for _ in 0..MUTATIONS {
            let bytes = mutated(&mut seeded, golden, &goldens);
            read += u32::from(check(&bytes, &mut scratch));
        }
    }
    assert!(read > 50_000, "only {read} mutations were readable at all: too rough to reach the options");
}

/// Every cut of every golden packet.
#[test]
fn packets_cut_at_any_octet_are_read_or_refused() {
    let mut scratch = [Scratch::new(), Scratch::new()];
    for golden in all() {
        for length in 0..golden.bytes.len() {
            assert_eq!(check(&golden.bytes[..length], &mut scratch), length >= 240, "{} {length}", golden.name);
        }
    }
}

/// Noise behind the cookie, in all three fields, with option 52 first.
#[test]
fn noise_in_all_fields_is_read_or_ignored() {
    let mut scratch = [Scratch::new(), Scratch::new()];
    let mut seeded = Seeded::new(3396);
    for _ in 0..30_000 {
        let length = seeded.below(400);
        let small = seeded.once_in(2);
        let mut noise = |length| -> Vec<u8> {
            let octets = seeded.octets(length);
            if small { octets.iter().map(|octet| octet % 6).collect() } else { octets }
        };
        let (sname, file, options) = (noise(64), noise(128), noise(length));
        let options = [&[52, 1, 3], &options[..]].concat();
        assert!(check(&packet(&sname, &file, &options), &mut scratch));
    }
}

/// Parses and, where that works, compares all with the plain reading. Says whether it was readable.
fn check(bytes: &[u8], scratch: &mut [Scratch; 2]) -> bool {
    let [scratch, second] = scratch;
    let Ok(message) = parse(bytes, scratch) else {
        assert!(bytes.len() < 240 || bytes[236..240] != [99, 130, 83, 99] || bytes[2] > 16);
        return false;
    };
    let expected = plain(bytes);
    let found: Vec<(u8, Vec<u8>)> = message.options.iter().map(|(code, value)| (code, value.to_vec())).collect();
    assert_eq!(found, expected, "{bytes:02x?}");
    let present = (0..=255).filter(|code| message.options.get(*code).is_some());
    assert_eq!(present.count(), expected.len());
    for (code, value) in &expected {
        assert_eq!(message.options.get(*code), Some(&value[..]));
        let sizes = [message.options.u8(*code).is_some(), message.options.u16(*code).is_some()];
        assert_eq!(sizes, [1, 2].map(|size| value.len() == size));
        assert_eq!(message.options.u32(*code).is_some(), value.len() == 4);
        assert_eq!(message.options.address(*code).is_some(), value.len() == 4);
        assert!(message.options.text(*code).is_some_and(|text| text.last() != Some(&0)));
    }
    if let Some(value) = message.options.get(RELAY_INFORMATION) {
        let relay = RelayInformation::new(value);
        assert!(relay.iter().map(|(_, value)| value.len() + 2).sum::<usize>() <= value.len());
        let _ = (relay.link_selection(), relay.server_identifier_override(), relay.has_relay_source_port());
    }
    check_again(&message, second);
    true
}

/// Whatever was read can be emitted within bounds, and is read again.
fn check_again(message: &Message<'_>, scratch: &mut Scratch) {
    let mut out = Vec::new();
    emit_again(message, &mut out);
    assert!((300..=1472).contains(&out.len()));
    assert_eq!(parse(&out, scratch).unwrap().header, message.header);
}

/// The options as a plain reading gives them: pieces in a list, joined by searching it.
fn plain(bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut pieces = pieces(&bytes[240..]);
    let overload: Vec<&Vec<u8>> = pieces.iter().filter(|piece| piece.0 == 52).map(|piece| &piece.1).collect();
    let used = match overload[..] {
        [value] if value.len() == 1 && value[0] <= 3 => value[0],
        _ => 0,
    };
    if used & 1 != 0 {
        pieces.extend(self::pieces(&bytes[108..236]));
    }
    if used & 2 != 0 {
        pieces.extend(self::pieces(&bytes[44..108]));
    }
    let mut joined: Vec<(u8, Vec<u8>)> = Vec::new();
    for (code, value) in pieces {
        match joined.iter_mut().find(|option| option.0 == code) {
            Some(option) => option.1.extend(value),
            None => joined.push((code, value)),
        }
    }
    joined
}

fn pieces(field: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < field.len() && field[at] != 255 {
        if field[at] == 0 {
            at += 1;
            continue;
        }
        let Some(length) = field.get(at + 1).map(|length| usize::from(*length)) else {
            break;
        };
        let Some(value) = field.get(at + 2..at + 2 + length) else {
            break;
        };
        found.push((field[at], value.to_vec()));
        at += 2 + length;
    }
    found
}

/// One to four changes, mostly behind the cookie.
fn mutated(seeded: &mut Seeded, golden: &Golden, all: &[Golden]) -> Vec<u8> {
    let mut bytes = golden.bytes.clone();
    for _ in 0..=seeded.below(4) {
        let start = if seeded.once_in(10) || bytes.len() <= 241 { 0 } else { 240 };
        let at = start + seeded.below((bytes.len() - start).max(1));
        match seeded.below(8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << seeded.below(8),
            1 if at < bytes.len() => bytes[at] = [0, 1, 52, 82, 127, 128, 254, 255][seeded.below(8)],
            2 => bytes.insert(at.min(bytes.len()), seeded.octet()),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            4 => bytes.truncate(at.max(230)),
            5 => bytes.splice(240.min(bytes.len())..240.min(bytes.len()), [52, 1, seeded.octet() % 5]).for_each(drop),
            6 => {
                let other = &all[seeded.below(all.len())].bytes;
                bytes.extend_from_slice(&other[240 + seeded.below(other.len() - 240)..]);
            }
            _ => {
                let again = bytes[at.min(bytes.len())..].to_vec();
                bytes.splice(at.min(bytes.len())..at.min(bytes.len()), again).for_each(drop);
                bytes.truncate(4000);
            }
        }
    }
    bytes
}
