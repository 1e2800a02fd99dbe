//! Option 82: reading its sub-options, and its echo in replies.

use understudy::wire::dhcp::{Fit, Reply};
use understudy::wire::relay::RelayInformation;

use crate::samples::{emitted, header, reply};

/// RFC 3046 section 2.0: neither pad nor end inside; 0 and 255 are codes like any other.
#[test]
fn sub_options_0_and_255_are_neither_pad_nor_end() {
    let relay = RelayInformation::new(&[0, 1, 7, 255, 1, 8, 1, 2, b'c', b'd', 2, 0]);
    let found: Vec<(u8, &[u8])> = relay.iter().collect();
    assert_eq!(found, [(0, &[7][..]), (255, &[8]), (1, b"cd"), (2, b"")]);
    assert_eq!(relay.circuit_id(), Some(&b"cd"[..]));
    assert_eq!(relay.remote_id(), Some(&b""[..]));
}

/// A sub-option that runs over the end is not there; those before it are.
#[test]
fn a_malformed_rest_is_ignored() {
    for rest in [&[2][..], &[2, 1], &[2, 9, 1, 1], &[2, 255]] {
        let bytes = [&[1, 1, b'c'], rest].concat();
        let relay = RelayInformation::new(&bytes);
        assert_eq!(relay.circuit_id(), Some(&b"c"[..]));
        assert_eq!(relay.remote_id(), None);
        assert_eq!(relay.bytes(), bytes);
    }
    assert_eq!(RelayInformation::new(&[]).iter().count(), 0);
}

/// RFC 3527 section 3, RFC 5107 section 4, RFC 8357 section 5.1: lengths matter, and 0.0.0.0 overrides nothing.
#[test]
fn addresses_and_flags_are_read_only_from_values_of_their_length() {
    let relay = RelayInformation::new(&[5, 4, 203, 0, 113, 0, 11, 4, 198, 51, 100, 1, 19, 0]);
    assert_eq!(relay.link_selection(), Some([203, 0, 113, 0].into()));
    assert_eq!(relay.server_identifier_override(), Some([198, 51, 100, 1].into()));
    assert!(relay.has_relay_source_port());
    let relay = RelayInformation::new(&[5, 3, 203, 0, 113, 11, 4, 0, 0, 0, 0, 19, 1, 0]);
    assert_eq!(relay.link_selection(), None);
    assert_eq!(relay.server_identifier_override(), None);
    assert!(!relay.has_relay_source_port());
    let relay = RelayInformation::new(&[11, 0, 1, 1, 1]);
    assert_eq!(relay.server_identifier_override(), None);
    assert!(!relay.has_relay_source_port());
}

/// RFC 3046 section 2.2: byte for byte, last before End.
#[test]
fn option_82_is_echoed_whole_and_last() {
    let header = header();
    let strange = [0, 1, 7, 255, 1, 8, 1, 200, 3];
    let relayed = Reply { relay_information: Some(&strange), ..reply(&header, &[(53, &[5]), (6, &[1; 4])]) };
    let (taken, fit) = emitted(&relayed);
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.codes(), [53, 6, 82]);
    assert_eq!(taken.joined(82), Some(strange.to_vec()));
}

/// RFC 3046 section 2.2: never in `sname` or `file`, and last also behind option 52; its room is set aside.
#[test]
fn option_82_stays_in_the_options_area_of_an_overloaded_reply() {
    let header = header();
    let echo = [1; 200];
    let options: &[(u8, &[u8])] = &[(53, &[5]), (12, &[b'x'; 90]), (15, &[b'y'; 90]), (17, &[b'z'; 50])];
    let (taken, fit) = emitted(&Reply { relay_information: Some(&echo), ..reply(&header, options) });
    assert_eq!(fit, Fit::default());
    assert_eq!(taken.codes(), [53, 12, 52, 82]);
    assert_eq!(taken.joined(82), Some(echo.to_vec()));
    assert_eq!(taken.file, [(15, vec![b'y'; 90])]);
    assert_eq!(taken.sname, [(17, vec![b'z'; 50])]);
}

/// RFC 3046 section 2.2: where it does not fit, the reply goes without it, and says so.
#[test]
fn option_82_is_left_out_when_it_does_not_fit() {
    let header = header();
    let echo = [1; 400];
    let relayed = Reply { relay_information: Some(&echo), ..reply(&header, &[(53, &[5])]) };
    let (taken, fit) = emitted(&relayed);
    assert_eq!(taken.codes(), [53]);
    assert_eq!(fit, Fit { options_left_out: 0, relay_information_left_out: true });
    let (taken, fit) = emitted(&Reply { limit: 1472, ..relayed });
    assert_eq!(taken.codes(), [53, 82, 82]);
    assert_eq!((taken.joined(82), fit), (Some(echo.to_vec()), Fit::default()));
}

/// RFC 6842 section 3 is a must, RFC 3046's echo gives way: both at full length do not fit 576 octets.
#[test]
fn option_82_gives_way_to_what_a_reply_must_have() {
    let header = header();
    let (identifier, echo) = ([2; 255], [1; 255]);
    let options: &[(u8, &[u8])] = &[(53, &[5]), (54, &[1; 4]), (51, &[1; 4]), (61, &identifier), (6, &[1; 4])];
    let (taken, fit) = emitted(&Reply { relay_information: Some(&echo), ..reply(&header, options) });
    assert_eq!(taken.codes(), [53, 54, 51, 61, 6]);
    assert_eq!(fit, Fit { options_left_out: 0, relay_information_left_out: true });
    let (taken, fit) = emitted(&Reply { relay_information: Some(&echo), ..reply(&header, &options[..3]) });
    assert_eq!((taken.codes(), fit), (vec![53, 54, 51, 82], Fit::default()));
}

/// An empty option 82 is an option 82.
#[test]
fn an_empty_option_82_is_echoed_too() {
    let header = header();
    let (taken, fit) = emitted(&Reply { relay_information: Some(&[]), ..reply(&header, &[(53, &[5])]) });
    assert_eq!((taken.joined(82), fit), (Some(Vec::new()), Fit::default()));
}
