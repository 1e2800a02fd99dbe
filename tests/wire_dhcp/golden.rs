//! Packets of real clients and servers are read as their files list, and what is read can be emitted again.

use understudy::wire::codes::{MessageType, OVERLOAD, RELAY_INFORMATION};
use understudy::wire::dhcp::{Fit, Message, Reply, Scratch, emit, parse};
use understudy::wire::relay::RelayInformation;

use crate::samples::{all, golden};

/// Goldens that do not come out octet for octet, and why.
const NOT_CANONICAL: [(&str, &str); 8] = [
    ("android-discover", "shorter than 300 octets"),
    ("cisco-discover", "padded beyond 300 octets"),
    ("ipphone-discover", "a repeated option, no end"),
    ("networkd-discover", "shorter than 300 octets"),
    ("networkd-request", "shorter than 300 octets"),
    ("overload-request", "overload without need"),
    ("printer-discover", "pads, and rubbish after the end"),
    ("pxe-bios-discover", "padded beyond 300 octets"),
];

/// RFC 2131 section 4.1, RFC 3396 section 7: the listing in each file was made by another reader.
#[test]
fn every_golden_packet_reads_as_its_file_lists() {
    let mut scratch = Scratch::new();
    for golden in all() {
        let message = parse(&golden.bytes, &mut scratch).unwrap_or_else(|error| panic!("{}: {error}", golden.name));
        let options: Vec<(u8, Vec<u8>)> = message.options.iter().map(|(code, value)| (code, value.to_vec())).collect();
        assert_eq!(options, golden.options, "{}", golden.name);
        for (code, value) in &golden.options {
            assert_eq!(message.options.get(*code), Some(&value[..]), "{} option {code}", golden.name);
        }
        assert_eq!(message.options.is_truncated(), golden.name == "ipphone-discover", "{}", golden.name);
    }
}

/// RFC 2131 section 2: each fixed field at its place.
#[test]
fn every_golden_packet_has_its_fixed_fields_read() {
    let mut scratch = Scratch::new();
    for golden in all() {
        let bytes = &golden.bytes;
        let message = parse(bytes, &mut scratch).unwrap();
        let header = &message.header;
        assert_eq!([header.op, header.htype, header.hlen, header.hops], bytes[..4]);
        assert_eq!(header.xid.to_be_bytes(), bytes[4..8]);
        assert_eq!(header.secs.to_be_bytes(), bytes[8..10]);
        assert_eq!(header.flags.to_be_bytes(), bytes[10..12]);
        let addresses = [header.ciaddr, header.yiaddr, header.siaddr, header.giaddr];
        assert_eq!(addresses.map(|address| address.octets()).concat(), bytes[12..28]);
        assert_eq!(header.chaddr, bytes[28..44]);
        assert_eq!(message.sname, &bytes[44..108]);
        assert_eq!(message.file, &bytes[108..236]);
        assert_eq!(header.hardware_address(), &bytes[28..28 + usize::from(bytes[2])]);
    }
}

/// The name of each file says which message it is.
#[test]
fn the_message_type_of_each_golden_packet_is_the_one_in_its_name() {
    let types = [
        ("-discover", MessageType::Discover),
        ("-offer", MessageType::Offer),
        ("-request", MessageType::Request),
        ("-renew", MessageType::Request),
        ("-reboot", MessageType::Request),
        ("-decline", MessageType::Decline),
        ("-ack", MessageType::Ack),
        ("-release", MessageType::Release),
        ("-inform", MessageType::Inform),
    ];
    let mut scratch = Scratch::new();
    for golden in all().iter().filter(|golden| golden.name != "bootp-request") {
        let message = parse(&golden.bytes, &mut scratch).unwrap();
        let expected = types.iter().find(|(ending, _)| golden.name.ends_with(ending)).map(|(_, kind)| *kind);
        assert!(expected.is_some(), "{}: no message type in its name", golden.name);
        assert_eq!(message.options.message_type(), expected, "{}", golden.name);
    }
}

/// RFC 1534 section 2: no option 53 means BOOTP; server and file are named in the fields.
#[test]
fn a_bootp_request_has_no_message_type_and_names_server_and_file() {
    let golden = golden("bootp-request");
    let mut scratch = Scratch::new();
    let message = parse(&golden.bytes, &mut scratch).unwrap();
    assert_eq!(message.options.message_type(), None);
    assert_eq!(message.server_name(), b"bootserver");
    assert_eq!(message.boot_file(), b"/tftpboot/ncd19");
}

/// RFC 3046, RFC 3527, RFC 5107: what a relay said.
#[test]
fn the_relays_of_the_golden_packets_are_understood() {
    let mut scratch = Scratch::new();
    let isc = golden("relayed-discover");
    let message = parse(&isc.bytes, &mut scratch).unwrap();
    let relay = RelayInformation::new(message.options.get(RELAY_INFORMATION).unwrap());
    assert_eq!(relay.circuit_id(), Some(&b"down0"[..]));
    assert_eq!(message.header.giaddr.octets(), [192, 0, 2, 1]);
    let cisco = golden("cisco-discover");
    let message = parse(&cisco.bytes, &mut scratch).unwrap();
    let relay = RelayInformation::new(message.options.get(RELAY_INFORMATION).unwrap());
    assert_eq!(relay.circuit_id(), Some(&[0, 4, 0, 100, 1, 24][..]));
    assert_eq!(relay.link_selection().unwrap().octets(), [203, 0, 113, 0]);
    assert_eq!(relay.server_identifier_override().unwrap().octets(), [198, 51, 100, 1]);
    assert!(message.header.wants_broadcast());
}

/// RFC 2132 section 2: trailing NULs of texts are stripped, pads skipped, octets after End ignored.
#[test]
fn the_printer_with_odd_padding_is_understood() {
    let golden = golden("printer-discover");
    let mut scratch = Scratch::new();
    let message = parse(&golden.bytes, &mut scratch).unwrap();
    assert_eq!(message.options.text(12), Some(&b"NPI3F5A01"[..]));
    assert_eq!(message.options.text(60), Some(&b"Hewlett-Packard JetDirect"[..]));
    assert_eq!(message.options.get(53), Some(&[1][..]));
    assert_eq!(message.header.chaddr[6..], [0xaa; 10]);
}

/// What is emitted from a parsed message means the same, and most come out octet for octet.
#[test]
fn golden_packets_survive_parsing_and_emitting() {
    let (mut scratch, mut second) = (Scratch::new(), Scratch::new());
    for golden in all() {
        let message = parse(&golden.bytes, &mut scratch).unwrap();
        let mut out = Vec::new();
        let fit = emit_again(&message, &mut out);
        assert_eq!(fit, Fit::default(), "{}", golden.name);
        let again = parse(&out, &mut second).unwrap();
        assert_eq!(again.header, message.header, "{}", golden.name);
        assert_eq!(again.server_name(), message.server_name(), "{}", golden.name);
        assert_eq!(again.boot_file(), message.boot_file(), "{}", golden.name);
        let without = |message: &Message<'_>| -> Vec<(u8, Vec<u8>)> {
            let options = message.options.iter().filter(|(code, _)| ![OVERLOAD, RELAY_INFORMATION].contains(code));
            options.map(|(code, value)| (code, value.to_vec())).collect()
        };
        assert_eq!(without(&again), without(&message), "{}", golden.name);
        assert_eq!(again.options.get(RELAY_INFORMATION), message.options.get(RELAY_INFORMATION));
        let canonical = NOT_CANONICAL.iter().all(|(name, _)| *name != golden.name);
        assert_eq!(out == golden.bytes, canonical, "{}", golden.name);
    }
}

/// Emits what a parsed message says, as a reply.
pub(crate) fn emit_again(message: &Message<'_>, out: &mut Vec<u8>) -> Fit {
    let kept = message.options.iter().filter(|(code, _)| ![OVERLOAD, RELAY_INFORMATION].contains(code));
    let options: Vec<(u8, &[u8])> = kept.collect();
    let reply = Reply {
        header: &message.header,
        server_name: if message.options.overload().sname { &[] } else { message.server_name() },
        boot_file: if message.options.overload().file { &[] } else { message.boot_file() },
        options: &options,
        relay_information: message.options.get(RELAY_INFORMATION),
        limit: 1472,
        bootp: message.options.message_type().is_none(),
    };
    emit(&reply, out)
}
