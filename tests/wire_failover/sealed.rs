//! Seals: the published test vectors, which keys open what, and the id of a session.

use understudy::wire::seal::{Exchange, Keys, SEAL_OCTETS, SealError, digest};

use crate::seeded::Seeded;

const FIRST: &str = "000102030405060708090a0b0c0d0e0f";
const SECOND: &str = "101112131415161718191a1b1c1d1e1f";

fn keys(lines: &[&str]) -> Keys {
    Keys::parse(&lines.join("\n")).unwrap()
}

fn sealed(keys: &Keys, text: &[u8]) -> Vec<u8> {
    let mut out = text.to_vec();
    keys.seal(&mut out, 0);
    out
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// RFC 4231, all test cases but the second, whose key of 4 octets no key file may hold. A seal is the first half.
#[test]
fn the_test_vectors_of_rfc_4231_come_out() {
    let counted: Vec<u8> = (1..=25).collect();
    let cases: [(&[u8], &[u8], &str); 6] = [
        (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b"),
        (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a7"),
        (&counted, &[0xcd; 50], "82558a389a443c0ea4cc819899f2083a"),
        (&[0x0c; 20], b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
        (&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First", "60e431591ee0b67f0d8a26aacbf5b77f"),
        (
            &[0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size data. The key needs to \
              be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944",
        ),
    ];
    for (key, text, expected) in cases {
        let keys = keys(&[&hex(key)]);
        let whole = sealed(&keys, text);
        let (before, seal) = whole.split_at(text.len());
        assert_eq!((before, hex(seal).as_str()), (text, expected));
        assert_eq!(keys.open(&whole), Ok(text));
    }
}

/// FIPS 180-4 examples, and each length around the ends of two blocks against the same octets cut elsewhere.
#[test]
fn a_digest_is_sha_256() {
    let cases: [(&[u8], &str); 3] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(hex(&digest(text)), expected);
    }
    let million = vec![b'a'; 1_000_000];
    assert_eq!(hex(&digest(&million)), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    // The digest of the digests of 0 to 200 octets of 5a, computed by another program.
    let all: Vec<u8> = (0..=200).flat_map(|length| digest(&vec![0x5a; length])).collect();
    assert_eq!(hex(&digest(&all)), "4204f2e00ef201392991a8f721ac2bf5c9fcd483aba8aad72af9cbadce6e1fe5");
}

#[test]
fn the_first_key_seals_and_all_open() {
    let (old, new) = (keys(&[FIRST]), keys(&[SECOND]));
    let (added, turned) = (keys(&[FIRST, SECOND]), keys(&[SECOND, FIRST]));
    assert_eq!(sealed(&added, b"text"), sealed(&old, b"text"));
    assert_eq!(sealed(&turned, b"text"), sealed(&new, b"text"));
    // Each pair that may meet while a key is changed on one server after the other.
    for (one, other) in [(&old, &added), (&added, &turned), (&turned, &new)] {
        assert_eq!(one.open(&sealed(other, b"text")), Ok(&b"text"[..]));
        assert_eq!(other.open(&sealed(one, b"text")), Ok(&b"text"[..]));
    }
    assert_eq!(new.open(&sealed(&added, b"text")), Err(SealError::Wrong));
}

#[test]
fn another_key_does_not_open() {
    let mut seeded = Seeded::new(4);
    let seal = sealed(&keys(&[FIRST]), b"text");
    for _ in 0..1000 {
        let other = keys(&[&hex(&seeded.octets(16))]);
        assert_eq!(other.open(&seal), Err(SealError::Wrong));
    }
    assert_eq!(Keys::None.open(&seal), Err(SealError::Wrong));
}

#[test]
fn without_a_key_damage_is_found_and_a_server_with_one_says_what_is_wrong() {
    let plain = sealed(&Keys::None, b"123456789");
    assert_eq!(hex(&plain[9..]), "cbf43926000000000000000000000000", "the check value of CRC-32");
    assert_eq!(Keys::None.open(&plain), Ok(&b"123456789"[..]));
    assert_eq!(keys(&[FIRST]).open(&plain), Err(SealError::WithoutKey));
    let mut changed = plain.clone();
    *changed.last_mut().unwrap() = 1;
    assert_eq!(Keys::None.open(&changed), Err(SealError::Wrong), "the zeros are compared too");
}

/// A compare that ends early, or leaves octets out, would tell or accept here.
#[test]
fn every_octet_of_a_seal_counts() {
    let keys = keys(&[FIRST]);
    let whole = sealed(&keys, b"text");
    for at in 4..4 + SEAL_OCTETS {
        for bit in 0..8 {
            let mut changed = whole.clone();
            changed[at] ^= 1 << bit;
            assert_eq!(keys.open(&changed), Err(SealError::Wrong));
            // Two equal differences must not cancel out.
            changed[4 + (at - 3) % SEAL_OCTETS] ^= 1 << bit;
            assert_eq!(keys.open(&changed), Err(SealError::Wrong));
        }
    }
}

#[test]
fn what_is_shorter_than_a_seal_is_refused_and_nothing_may_be_sealed() {
    for keys in [keys(&[FIRST]), Keys::None] {
        for length in 0..SEAL_OCTETS {
            assert_eq!(keys.open(&vec![0; length]), Err(SealError::Short));
        }
        assert_eq!(keys.open(&sealed(&keys, b"")), Ok(&b""[..]));
    }
}

/// Datagrams gather in one buffer: a seal covers its own alone.
#[test]
fn a_seal_covers_what_stands_behind_the_offset() {
    let keys = keys(&[FIRST]);
    let mut out = b"earlier".to_vec();
    let from = out.len();
    out.extend_from_slice(b"text");
    keys.seal(&mut out, from);
    assert_eq!(out[from..], sealed(&keys, b"text"));
}

#[test]
fn a_session_id_depends_on_every_input_and_on_its_place() {
    let exchange = Exchange { primary_boot: 1, failover_boot: 2, primary_challenge: 3, failover_challenge: 4 };
    let keys = keys(&[FIRST]);
    let others = [
        Exchange { primary_boot: 5, ..exchange },
        Exchange { failover_boot: 5, ..exchange },
        Exchange { primary_challenge: 5, ..exchange },
        Exchange { failover_challenge: 5, ..exchange },
        Exchange { primary_boot: 2, failover_boot: 1, ..exchange },
        Exchange { primary_challenge: 4, failover_challenge: 3, ..exchange },
        Exchange { failover_boot: 3, primary_challenge: 2, ..exchange },
    ];
    let mut ids: Vec<u64> = others.iter().map(|other| keys.session_id(other)).collect();
    ids.push(keys.session_id(&exchange));
    assert!(!ids.contains(&0));
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), others.len() + 1);
}

/// While a key is being changed, the servers seal with different ones.
#[test]
fn both_servers_agree_on_the_session_while_a_key_is_changed() {
    let exchange = Exchange { primary_boot: 1, failover_boot: 2, primary_challenge: 3, failover_challenge: 4 };
    let ids = [&[FIRST][..], &[FIRST, SECOND], &[SECOND, FIRST], &[SECOND]];
    let ids = ids.map(|lines| keys(lines).session_id(&exchange));
    assert!(ids.iter().all(|id| *id == ids[0]));
}
