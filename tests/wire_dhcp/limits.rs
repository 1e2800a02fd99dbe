//! How long a reply may be: option 57, its floor, and BOOTP.

use understudy::wire::dhcp::{Fit, LIMIT_BOOTP, LIMIT_DHCP, Reply};

use crate::samples::{emitted, header, reply};

/// RFC 2132 section 9.10: a limit below 576 octets of datagram is no limit that a client may have.
#[test]
fn a_limit_below_548_counts_as_548() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(53, &[5]), (43, &[1; 255]), (6, &[1; 40])];
    for limit in [0, 240, 300, 547, LIMIT_DHCP] {
        let (taken, fit) = emitted(&Reply { limit, ..reply(&header, options) });
        assert_eq!(fit, Fit::default(), "{limit}");
        assert_eq!(taken.bytes.len(), 240 + 3 + 257 + 42 + 1, "{limit}");
    }
}

/// RFC 2131 section 2: the reply grows to the limit and not beyond.
#[test]
fn the_limit_is_reached_and_never_passed() {
    let header = header();
    let value = [7; 200];
    let options: Vec<(u8, &[u8])> = (100..120).map(|code| (code, &value[..usize::from(code)])).collect();
    for limit in LIMIT_DHCP..2600 {
        let (taken, fit) = emitted(&Reply { limit, ..reply(&header, &options) });
        assert!(taken.bytes.len() <= limit, "{} octets, limit {limit}", taken.bytes.len());
        let found = options.iter().filter(|(code, _)| taken.joined(*code).is_some()).count();
        assert_eq!(found + usize::from(fit.options_left_out), options.len(), "limit {limit}");
    }
    let whole = 240 + options.iter().map(|(_, value)| value.len() + 2).sum::<usize>() + 1;
    let (taken, fit) = emitted(&Reply { limit: whole, ..reply(&header, &options) });
    assert_eq!((taken.bytes.len(), fit), (whole, Fit::default()));
    assert_eq!(taken.joined(52), None);
}

/// More room never means that fewer options go in.
#[test]
fn a_larger_limit_never_leaves_more_octets_out_of_equal_options() {
    let header = header();
    let value = [7; 60];
    let options: Vec<(u8, &[u8])> = (100..130).map(|code| (code, &value[..])).collect();
    let left_out = (LIMIT_DHCP..2300).map(|limit| emitted(&Reply { limit, ..reply(&header, &options) }).1);
    let counts: Vec<u16> = left_out.map(|fit| fit.options_left_out).collect();
    assert!(counts.windows(2).all(|pair| pair[0] >= pair[1]));
    assert_eq!(counts.last(), Some(&0));
}

/// RFC 1534 section 2: a BOOTP reply has 300 octets, options cut by their order, and no overload.
#[test]
fn a_bootp_reply_has_300_octets_and_no_overload() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(1, &[255; 4]), (3, &[1; 4]), (15, &[b'x'; 60]), (12, &[b'h'; 45]), (6, &[1; 4])];
    let (taken, fit) = emitted(&Reply { bootp: true, limit: 300, ..reply(&header, options) });
    assert_eq!(taken.bytes.len(), LIMIT_BOOTP);
    assert_eq!(taken.codes(), [1, 3, 12]);
    assert_eq!(fit.options_left_out, 2);
    assert_eq!(taken.bytes[299], 255);
}

/// RFC 1534 section 2: a longer request shows that the client takes more.
#[test]
fn a_bootp_reply_grows_where_the_limit_says_so() {
    let header = header();
    let options: &[(u8, &[u8])] = &[(1, &[255; 4]), (15, &[b'x'; 60])];
    let (taken, fit) = emitted(&Reply { bootp: true, limit: 548, ..reply(&header, options) });
    assert_eq!((taken.bytes.len(), fit), (240 + 6 + 62 + 1, Fit::default()));
    assert_eq!(taken.codes(), [1, 15]);
}
