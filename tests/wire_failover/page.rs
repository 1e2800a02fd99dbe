//! understudy-failover(7) against the code: every field at its offset, every code, every size.

use understudy::wire::failover::{
    Body, DATAGRAM_OCTETS_MAX, Datagram, HEADER_OCTETS, Kind, PIECE_OCTETS_MAX, PartnerState, Piece, Serves,
    UNCUT_PIECE_OCTETS_MAX, UPDATE_FIXED, VERSION, emit,
};
use understudy::wire::seal::{KEY_OCTETS_MAX, KEY_OCTETS_MIN, KEYS_MAX, SEAL_OCTETS};

use crate::samples::{STATES, datagram, octets};
use crate::seeded::Seeded;

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/man/understudy-failover.7");
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows of the table under a heading, the row of titles left out.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = page();
    let start = page.find(&format!("\n.Ss {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = page[start + 1..].split("\n.S").next().unwrap();
    let items = section.lines().filter_map(|line| line.strip_prefix(".It ")).filter(|row| !row.starts_with("Sy "));
    items.map(|row| row.split(" Ta ").map(str::to_owned).collect()).collect()
}

/// The page as running text, macros and line ends left out.
fn words() -> String {
    let page = page();
    let words = page.lines().flat_map(|line| line.trim_start_matches('.').split_whitespace());
    words.filter(|word| !["Cm", "Em", "Pp", "Ql", "Xr"].contains(word)).collect::<Vec<_>>().join(" ")
}

/// Goes over rows of offset, octets, field: each follows the last, holds what `value` says, and the last ends `bytes`.
fn check(rows: &[&[String]], bytes: &[u8], value: &dyn Fn(&str) -> Vec<u8>) {
    let mut at: Option<usize> = None;
    for row in rows {
        let [offset, octets, field, ..] = row else { panic!("{row:?}") };
        let offset: usize = offset.parse().unwrap();
        assert!(at.is_none_or(|at| at == offset), "{row:?} does not follow the row before");
        let expected = value(field);
        if octets != "length" {
            assert_eq!(octets.parse(), Ok(expected.len()), "{row:?}");
        }
        assert_eq!(bytes.get(offset..offset + expected.len()), Some(&expected[..]), "{row:?}");
        at = Some(offset + expected.len());
    }
    assert_eq!(at, Some(bytes.len()), "the last row is the end");
}

fn emitted(datagram: &Datagram<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    emit(datagram, &mut out);
    out
}

#[test]
fn the_header_is_what_the_page_says() {
    let rows = rows("Header");
    let rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
    let mut seeded = Seeded::new(7);
    for (kind, _) in Kind::ALL {
        let datagram = datagram(kind, &mut seeded, &[]);
        let bytes = emitted(&datagram);
        check(&rows, &bytes[..HEADER_OCTETS], &|field| header_value(&datagram, field));
    }
}

fn header_value(datagram: &Datagram<'_>, field: &str) -> Vec<u8> {
    let header = &datagram.header;
    match field {
        "version" => vec![VERSION],
        "type" => vec![datagram.body.kind().code()],
        "flags" => vec![u8::from(header.complete) | u8::from(header.strict) << 1],
        "state" => vec![state_code(header.state)],
        "transfer" => header.transfer.to_be_bytes().to_vec(),
        "session" => header.session.to_be_bytes().to_vec(),
        "sequence" => header.sequence.to_be_bytes().to_vec(),
        "seen" => header.seen.to_be_bytes().to_vec(),
        "boot" => header.boot.to_be_bytes().to_vec(),
        "partner boot" => header.partner_boot.to_be_bytes().to_vec(),
        "database" => header.database.to_vec(),
        "partner database" => header.partner_database.to_vec(),
        "have boot" => header.have_boot.to_be_bytes().to_vec(),
        "have" => header.have.to_be_bytes().to_vec(),
        "newest" => header.newest.to_be_bytes().to_vec(),
        "clock" => header.clock.to_be_bytes().to_vec(),
        "generation" => header.config_generation.to_be_bytes().to_vec(),
        "digest" => header.config_digest.to_vec(),
        "buffer size" => header.buffer_size.to_be_bytes().to_vec(),
        _ => panic!("the page has a field {field}"),
    }
}

/// The code of a state in the table of the page.
fn state_code(state: PartnerState) -> u8 {
    let name = format!("{state:?}");
    let row = rows("States").into_iter().find(|row| row[1] == name).unwrap_or_else(|| panic!("no row for {name}"));
    row[0].parse().unwrap()
}

#[test]
fn the_states_are_those_of_the_page() {
    let rows = rows("States");
    assert_eq!(rows.len(), STATES.len());
    for (row, state) in rows.iter().zip(STATES) {
        assert_eq!(row[1], format!("{state:?}"));
        let mut datagram = Datagram { header: crate::samples::golden_header(), body: Body::CtlReq };
        datagram.header.state = state;
        assert_eq!(emitted(&datagram)[3].to_string(), row[0]);
    }
}

#[test]
fn the_types_are_those_of_the_page() {
    let found: Vec<(String, String)> = rows("Types").into_iter().map(|row| (row[0].clone(), row[1].clone())).collect();
    let expected = Kind::ALL.map(|(kind, name)| (kind.code().to_string(), name.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn each_body_is_what_the_page_says() {
    let rows = rows("Bodies");
    let mut seeded = Seeded::new(8);
    for round in 0..20 {
        for (kind, name) in Kind::ALL {
            let own = rows.iter().filter(|row| row[0] == name).map(|row| &row[1..]).collect::<Vec<_>>();
            let piece = if round == 0 { vec![1; PIECE_OCTETS_MAX] } else { octets(&mut seeded) };
            let datagram = datagram(kind, &mut seeded, &piece);
            let bytes = emitted(&datagram);
            if own.is_empty() {
                assert_eq!(bytes.len(), HEADER_OCTETS, "{name}");
                assert!([Kind::CtlReq, Kind::SyncReq, Kind::CtlTaken].contains(&kind), "no rows for {name}");
            } else {
                assert_eq!(own[0][0], HEADER_OCTETS.to_string(), "{name}");
                check(&own, &bytes, &|field| body_value(&datagram.body, field));
            }
        }
    }
    let strange = rows.iter().find(|row| Kind::ALL.iter().all(|(_, name)| row[0] != *name));
    assert_eq!(strange, None);
}

fn body_value(body: &Body<'_>, field: &str) -> Vec<u8> {
    let length = |octets: &[u8]| u16::try_from(octets.len()).unwrap().to_be_bytes().to_vec();
    match (*body, field) {
        (Body::Hello { challenge: number }, "challenge")
        | (Body::HelloAck { challenge: number, .. }, "challenge")
        | (Body::HelloAck { answer: number, .. } | Body::HelloEnd { answer: number }, "answer")
        | (Body::CtlRet { changes: number, .. } | Body::SyncStart { changes: number }, "changes")
        | (Body::BindUpdate(Piece { stream: number, .. }) | Body::BindAck { stream: number, .. }, "stream")
        | (Body::BindAck { later: number, .. }, "later")
        | (Body::SubnetReturn { until: number, .. }, "until")
        | (Body::CtlGive { unacked: number }, "unacked")
        | (Body::ConfigOffer { generation: number, .. }, "generation") => number.to_be_bytes().to_vec(),
        (Body::Poll { delay_ms: number, .. } | Body::PollRpl { delay_ms: number }, "delay")
        | (Body::Poll { wait_ms: number, .. }, "wait")
        | (Body::BindUpdate(Piece { number, .. }), "number")
        | (Body::BindAck { next: number, .. }, "next")
        | (Body::SubnetReturn { transfer: number, .. } | Body::SubnetTaken { transfer: number, .. }, "transfer")
        | (Body::SubnetReturn { network: number, .. } | Body::SubnetTaken { network: number, .. }, "network")
        | (Body::ShareReq { first: number, .. }, "first")
        | (Body::ShareReq { last: number, .. }, "last")
        | (Body::ShareReq { count: number, .. }, "count")
        | (Body::ConfigOffer { octets: number, .. }, "octets")
        | (Body::ConfigReq { offset: number, .. } | Body::ConfigData { offset: number, .. }, "offset")
        | (Body::ConfigData { total: number, .. }, "total") => number.to_be_bytes().to_vec(),
        (Body::Poll { retries: octet, .. }, "retries")
        | (Body::SubnetReturn { prefix: octet, .. } | Body::SubnetTaken { prefix: octet, .. }, "prefix") => vec![octet],
        (Body::CtlRet { serves: Serves::None, .. }, "serves") => vec![0],
        (Body::CtlRet { serves: Serves::All, .. }, "serves") => vec![1],
        (Body::CtlRet { serves: Serves::Some, .. }, "serves") => vec![2],
        (Body::BindUpdate(piece), "flags") => vec![u8::from(piece.last)],
        (
            Body::ConfigOffer { digest, .. } | Body::ConfigReq { digest, .. } | Body::ConfigData { digest, .. },
            "digest",
        ) => digest.to_vec(),
        (Body::BindUpdate(Piece { octets, .. }) | Body::ConfigData { octets, .. }, "length") => length(octets),
        (Body::BindUpdate(Piece { octets, .. }) | Body::ConfigData { octets, .. }, "octets") => octets.to_vec(),
        _ => panic!("the page has a field {field} in {body:?}"),
    }
}

#[test]
fn the_sizes_are_those_of_the_page() {
    let words = words();
    for part in [
        format!("a header of {HEADER_OCTETS} octets"),
        format!("a seal of {SEAL_OCTETS} octets"),
        format!("The last {SEAL_OCTETS} octets of a datagram are the first {SEAL_OCTETS} octets"),
        format!("length Ta 0 to {PIECE_OCTETS_MAX}"),
        format!("1 to {KEYS_MAX} keys"),
        format!("of {KEY_OCTETS_MIN} to {KEY_OCTETS_MAX} octets"),
        format!("The longest datagram has {} octets, its seal included", DATAGRAM_OCTETS_MAX + SEAL_OCTETS),
        format!("A BindUpdate has {} octets besides", HEADER_OCTETS + UPDATE_FIXED + SEAL_OCTETS),
        format!("SyncBindingBufSize is at most {UNCUT_PIECE_OCTETS_MAX}"),
        format!("0 Ta 1 Ta version Ta {VERSION} "),
    ] {
        assert!(words.contains(&part), "the page does not say: {part}");
    }
}
