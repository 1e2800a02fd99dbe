//! The format as it stands: a datagram of each kind, octet for octet, made by another program. A change of the format
//! fails here, and then needs a new version number.

use understudy::wire::failover::{Datagram, Kind, emit, parse};
use understudy::wire::seal::{Exchange, Keys};

use crate::samples::{golden_body, golden_header, golden_octets};

/// The key of octets 20 to 3f, in base64.
const KEY: &str = "ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=";

#[test]
fn a_datagram_of_each_kind_comes_out_as_its_file_holds_it_and_is_read_from_there() {
    let keys = Keys::parse(KEY).unwrap();
    for (kind, name) in Kind::ALL {
        let datagram = Datagram { header: golden_header(), body: golden_body(kind) };
        let mut out = Vec::new();
        emit(&datagram, &mut out);
        keys.seal(&mut out, 0);
        let golden = golden_octets(name);
        assert_eq!(out, golden, "{name}");
        assert_eq!(parse(keys.open(&golden).unwrap()), Ok(datagram), "{name}");
    }
}

#[test]
fn a_datagram_without_a_key_comes_out_as_its_file_holds_it() {
    let datagram = Datagram { header: golden_header(), body: golden_body(Kind::PollRpl) };
    let mut out = Vec::new();
    emit(&datagram, &mut out);
    Keys::None.seal(&mut out, 0);
    assert_eq!(out, golden_octets("PollRpl-none"));
}

/// StrictShares of the primary stands in the second bit of the flags.
#[test]
fn the_word_of_a_strict_primary_comes_out_as_its_file_holds_it() {
    let header = understudy::wire::failover::Header { strict: true, ..golden_header() };
    let datagram = Datagram { header, body: golden_body(Kind::PollRpl) };
    let mut out = Vec::new();
    emit(&datagram, &mut out);
    Keys::None.seal(&mut out, 0);
    let golden = golden_octets("PollRpl-strict");
    assert_eq!(out, golden);
    assert_eq!(parse(Keys::None.open(&golden).unwrap()), Ok(datagram));
}

/// The hash was made by another program.
#[test]
fn a_session_id_is_the_one_that_another_program_computes() {
    let exchange = Exchange { primary_boot: 1, failover_boot: 2, primary_challenge: 3, failover_challenge: 4 };
    assert_eq!(Keys::None.session_id(&exchange), 0x8920_d292_5062_732f);
}
