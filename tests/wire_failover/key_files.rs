//! Key files: what is read, what is refused, and that nothing of a key is ever shown.

use understudy::wire::seal::{KEY_OCTETS_MAX, KEY_OCTETS_MIN, KEYS_MAX, KeyError, Keys, encode_key};

use crate::seeded::Seeded;

const HEX: &str = "000102030405060708090a0b0c0d0e0f";
const BASE64: &str = "AAECAwQFBgcICQoLDA0ODw==";

#[test]
fn a_key_reads_the_same_in_hexadecimal_and_base64() {
    let expected = Keys::parse(HEX).unwrap();
    for text in [BASE64, "AAECAwQFBgcICQoLDA0ODw", "000102030405060708090A0B0C0D0E0F\r\n", "# a comment\n\n"] {
        if text.starts_with('#') {
            let commented = format!("{text}\t {HEX} # of both servers\n");
            assert_eq!(Keys::parse(&commented).as_ref(), Ok(&expected));
        } else {
            assert_eq!(Keys::parse(text).as_ref(), Ok(&expected), "{text}");
        }
    }
}

/// RFC 4648 section 10, in keys long enough; and what `understudyctl keygen` prints.
#[test]
fn what_is_written_as_base64_is_read_as_the_same_octets() {
    let mut seeded = Seeded::new(4648);
    for _ in 0..1000 {
        let octets: [u8; 32] = seeded.octets(32).try_into().unwrap();
        let text = encode_key(&octets);
        assert_eq!((text.len(), &text[43..]), (44, "="));
        let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
        assert_eq!(Keys::parse(&text), Keys::parse(&hex), "{text}");
    }
    assert_eq!(encode_key(&[0xff; 32]), format!("{}8=", "/".repeat(42)));
    assert_eq!(encode_key(&std::array::from_fn(|_| 0)), format!("{}=", "A".repeat(43)));
}

#[test]
fn a_line_that_is_no_key_is_refused_with_its_number() {
    let long = "ab".repeat(KEY_OCTETS_MAX + 1);
    let short = "ab".repeat(KEY_OCTETS_MIN - 1);
    let many: String = (0..=KEYS_MAX).map(|index| format!("{index:032x}\n")).collect();
    let cases = [
        (String::new(), KeyError::Empty),
        ("# nothing\n \n".to_owned(), KeyError::Empty),
        (format!("\n# old\n{HEX}0"), KeyError::Unreadable { line: 3 }),
        (format!("{HEX} {HEX}"), KeyError::Unreadable { line: 1 }),
        ("AAECAwQFBgcICQoLDA0OD-==".to_owned(), KeyError::Unreadable { line: 1 }),
        ("AAECAwQFBgcICQoLDA0ODx==".to_owned(), KeyError::Unreadable { line: 1 }),
        ("AAECAwQFBgcICQoLDA0ODw=".to_owned(), KeyError::Unreadable { line: 1 }),
        ("AAECAwQFBgcICQoLDA0OD===".to_owned(), KeyError::Unreadable { line: 1 }),
        ("AAECAwQFBgcICQoLDA0ODw==A".to_owned(), KeyError::Unreadable { line: 1 }),
        ("schl\u{fc}ssel-schl\u{fc}ssel".to_owned(), KeyError::Unreadable { line: 1 }),
        (format!("{HEX}\n{short}"), KeyError::TooShort { line: 2, octets: KEY_OCTETS_MIN - 1 }),
        (long, KeyError::TooLong { line: 1, octets: KEY_OCTETS_MAX + 1 }),
        (many, KeyError::TooMany { line: KEYS_MAX + 1 }),
        (format!("{HEX}\n#\n{BASE64}"), KeyError::Twice { line: 3, first: 1 }),
        ("None".to_owned(), KeyError::NoneInFile { line: 1 }),
    ];
    for (text, expected) in cases {
        assert_eq!(Keys::parse(&text), Err(expected), "{text}");
    }
}

/// Each message ends in what to do, and `line` is where it happened.
#[test]
fn a_refusal_says_what_to_do() {
    let cases = [
        (KeyError::Empty, None, "understudyctl keygen"),
        (KeyError::Unreadable { line: 2 }, Some(2), "understudyctl keygen"),
        (KeyError::TooShort { line: 3, octets: 5 }, Some(3), "legal: 16 to 256"),
        (KeyError::TooLong { line: 4, octets: 300 }, Some(4), "legal: 16 to 256"),
        (KeyError::TooMany { line: 5 }, Some(5), "legal: 1 to 8"),
        (KeyError::Twice { line: 6, first: 1 }, Some(6), "remove one"),
        (KeyError::NoneInFile { line: 7 }, Some(7), "FailoverKeyFile = none"),
    ];
    for (error, line, remedy) in cases {
        assert_eq!(error.line(), line);
        assert!(error.to_string().contains(remedy), "{error}");
    }
}

#[test]
fn as_many_and_as_long_keys_as_are_legal_are_read() {
    let text: String =
        (0..KEYS_MAX).map(|index| format!("{}\n", format!("{index:02x}").repeat(KEY_OCTETS_MAX))).collect();
    let Keys::Shared(keys) = Keys::parse(&text).unwrap() else { panic!("keys") };
    assert_eq!(keys.len(), KEYS_MAX);
}

/// Neither a key nor a state of the hash made from it, in any form: every run of three octets is looked for.
#[test]
fn a_key_is_never_shown() {
    let octets: Vec<u8> = (0..32).map(|index| 0xf1 - 3 * index).collect();
    let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
    let keys = Keys::parse(&hex).unwrap();
    assert_eq!(format!("{keys:?}"), "Shared([Key(32 octets)])");
    assert_eq!(format!("{keys:#?}").split_whitespace().collect::<String>(), "Shared([Key(32octets),],)");
    for text in [format!("{hex}0"), format!("{hex}\n{hex}"), hex[..20].to_owned()] {
        let error = Keys::parse(&text).unwrap_err();
        let shown = format!("{error} {error:?} {error:#?}");
        assert!((0..hex.len() - 6).all(|at| !shown.contains(&hex[at..at + 6])), "{shown}");
    }
}
