//! The observer finds what it is there to find: captures made by hand, with and without something wrong, and a live
//! wire with two servers that know nothing of each other.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Instant;

use super::observer::{Observer, Report, judge};
use crate::rig::Stage;
use crate::rig::packet::{ACK, Ask, NAK, RELEASE, REQUEST, udp_frame};
use crate::rig::raw::mac;
use crate::split::two_of_their_own;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 2, 1, 7);
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 4);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 5);
const LEASE: u32 = 30;

/// A capture as it grows: frames with times in seconds.
#[derive(Default)]
struct Tape(Vec<u8>);

impl Tape {
    fn frame(&mut self, at: u32, frame: &[u8]) {
        let length = u32::try_from(frame.len()).expect("a frame");
        self.0.extend([1_000_000 + at, 0, length, length].iter().flat_map(|word| word.to_le_bytes()));
        self.0.extend(frame);
    }

    /// What a client asks for: its address in option 50, as after a reboot.
    fn asks(&mut self, at: u32, client: u32, xid: u32) {
        let mut ask = Ask::new(REQUEST, mac(client)).with_address(50, ADDRESS);
        ask.xid = xid;
        self.frame(at, &ask.broadcast_frame());
    }

    fn releases(&mut self, at: u32, client: u32) {
        let mut ask = Ask::new(RELEASE, mac(client)).with_address(54, FIRST);
        ask.client_address = ADDRESS;
        self.frame(at, &ask.broadcast_frame());
    }

    fn answers(&mut self, at: u32, server: Ipv4Addr, (kind, client, xid): (u8, u32, u32)) {
        let mut ask = Ask::new(kind, mac(client)).with_address(54, server).with(51, &LEASE.to_be_bytes());
        ask.xid = xid;
        let mut payload = ask.bytes();
        payload[0] = 2;
        if kind == ACK {
            payload[16..20].copy_from_slice(&ADDRESS.octets());
        }
        self.frame(at, &udp_frame(&[2, 0, 0, 0, 0, 9], server, &payload));
    }

    fn judged(&self, folder: &Path) -> Report {
        let head = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65535, 1];
        let octets: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).chain(self.0.iter().copied()).collect();
        let path = folder.join("made.pcap");
        fs::write(&path, octets).expect("a capture");
        judge(&path, folder)
    }
}

/// A client holds the address from second 0 on.
fn held() -> Tape {
    let mut tape = Tape::default();
    tape.asks(0, 1, 11);
    tape.answers(0, FIRST, (ACK, 1, 11));
    tape
}

fn counts(report: &Report) -> [usize; 3] {
    ["duplicate", "refused", "changed"].map(|kind| report.of(kind).len())
}

#[test]
fn an_address_in_two_hands_is_found() {
    let Some(stage) = Stage::set("teeth-duplicate", &["python3"]) else { return };
    let mut tape = held();
    tape.asks(20, 2, 22);
    tape.answers(20, SECOND, (ACK, 2, 22));
    let report = tape.judged(stage.folder());
    assert_eq!((counts(&report), report.code), ([1, 0, 0], Some(1)));
    let duplicate = report.of("duplicate")[0];
    let named = ["address", "server", "holders_server", "left"].map(|name| duplicate.text(name));
    assert_eq!(named, ["10.2.1.7", "10.1.0.5", "10.1.0.4", "10.0"]);
}

/// A lease that is renewed under the old holder is a duplicate too: the address counts, not the packet.
#[test]
fn a_renewal_of_an_address_that_another_got_meanwhile_is_found() {
    let Some(stage) = Stage::set("teeth-renewal", &["python3"]) else { return };
    let mut tape = held();
    tape.asks(31, 2, 22);
    tape.answers(31, SECOND, (ACK, 2, 22));
    tape.asks(40, 1, 12);
    tape.answers(40, FIRST, (ACK, 1, 12));
    assert_eq!(counts(&tape.judged(stage.folder())), [1, 0, 0]);
}

#[test]
fn a_refusal_of_a_lease_that_runs_is_found() {
    let Some(stage) = Stage::set("teeth-refused", &["python3"]) else { return };
    let mut tape = held();
    tape.asks(25, 1, 12);
    tape.answers(25, SECOND, (NAK, 1, 12));
    let report = tape.judged(stage.folder());
    assert_eq!((counts(&report), report.code), ([0, 1, 0], Some(1)));
    assert_eq!(report.of("refused")[0].text("left"), "5.0");
}

/// What may be: the next holder after the end or after a RELEASE, a NAK after the end, an answer that comes after its
/// client has gone.
#[test]
fn what_is_right_is_not_reported() {
    let Some(stage) = Stage::set("teeth-right", &["python3"]) else { return };
    let mut tape = held();
    tape.asks(31, 1, 12);
    tape.answers(31, FIRST, (NAK, 1, 12));
    tape.asks(32, 2, 22);
    tape.answers(32, SECOND, (ACK, 2, 22));
    tape.releases(33, 2);
    // A copy of the ACK that a wire held back.
    tape.answers(34, SECOND, (ACK, 2, 22));
    tape.asks(35, 3, 33);
    tape.answers(35, SECOND, (ACK, 3, 33));
    let report = tape.judged(stage.folder());
    assert_eq!((counts(&report), report.code), ([0, 0, 0], Some(0)));
    assert_eq!((report.figure("acks"), report.figure("naks"), report.figure("late_answers")), (4, 1, 1));
    assert_eq!(report.figure("handed_on"), 2);
}

/// A client that asks in vain is reported with how long, and with the lease that it held.
#[test]
fn a_long_wait_is_found() {
    let Some(stage) = Stage::set("teeth-wait", &["python3"]) else { return };
    let mut tape = held();
    for second in [10, 12, 14, 16] {
        tape.asks(second, 1, 12);
    }
    tape.answers(17, FIRST, (ACK, 1, 12));
    let report = tape.judged(stage.folder());
    let waits = report.of("wait");
    assert_eq!(waits.len(), 1);
    assert!((waits[0].number("at") - waits[0].number("since") - 7.0).abs() < 0.001);
    assert!(waits[0].number("held_until") > waits[0].number("since"));
}

/// As the clients' own list, so the observer: it looks at the wire from outside, and sees each duplicate of the list.
#[test]
fn two_servers_with_one_range_are_found_on_a_live_wire() {
    let Some(stage) = Stage::set("teeth-live", &["python3"]) else { return };
    let (duo, near) = two_of_their_own(&stage, ["10.2.1.0 - 10.2.1.99"; 2]);
    let far = duo.far_crowd();
    duo.partition();
    // Crowds are plugged in first.
    let observer = Observer::watch(&duo.switch, stage.folder(), &["p0".to_owned(), "p1".to_owned()]);
    let begun = Instant::now();
    near.join(10);
    far.join(10);
    duo.observer.wait_for_acks(begun, 20);
    near.rest();
    far.rest();
    let report = observer.report();
    let duplicates = duo.observer.ledger().duplicates.len();
    assert!(duplicates > 0, "both servers give 10.2.1.0 to a client of their side");
    assert!(report.of("duplicate").len() >= 10, "{} of 10 are found", report.of("duplicate").len());
    assert_eq!(report.code, Some(1));
}
