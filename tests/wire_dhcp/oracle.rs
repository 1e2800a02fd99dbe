//! A second opinion: what dhcproto reads and writes.

use std::collections::BTreeMap;

use dhcproto::v4::{self, DhcpOption, UnknownOption};
use dhcproto::{Decodable, Decoder, Encodable, Encoder};
use understudy::wire::dhcp::{Scratch, parse};

use crate::samples::{all, emitted, header, reply};
use crate::seeded::Seeded;

/// dhcproto knows no overload and joins neighbours only, so its pieces are joined here.
#[test]
fn dhcproto_reads_the_same_options_from_the_golden_packets() {
    let mut scratch = Scratch::new();
    for golden in all().iter().filter(|golden| golden.name != "overload-request") {
        let message = parse(&golden.bytes, &mut scratch).unwrap();
        let ours: BTreeMap<u8, Vec<u8>> = message.options.iter().map(|(code, value)| (code, value.to_vec())).collect();
        let second = v4::borrowed::Message::new(&golden.bytes).unwrap();
        let mut theirs: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for option in second.opts() {
            theirs.entry(option.code().into()).or_default().extend_from_slice(option.data());
        }
        assert_eq!(ours, theirs, "{}", golden.name);
        assert_eq!(second.chaddr(), message.header.hardware_address());
        assert_eq!(second.sname(), message.server_name());
        assert_eq!(second.fname(), message.boot_file());
        assert_eq!(second.flags().broadcast(), message.header.wants_broadcast());
    }
}

/// Each typed reading of dhcproto agrees with ours.
#[test]
fn dhcproto_gives_the_same_types_and_addresses() {
    let mut scratch = Scratch::new();
    for golden in all() {
        let message = parse(&golden.bytes, &mut scratch).unwrap();
        let second = v4::Message::decode(&mut Decoder::new(&golden.bytes)).unwrap();
        assert_eq!(second.xid(), message.header.xid);
        assert_eq!(second.ciaddr(), message.header.ciaddr);
        assert_eq!(second.giaddr(), message.header.giaddr);
        let kind = second.opts().msg_type().map(u8::from);
        assert_eq!(kind, message.options.message_type().map(u8::from), "{}", golden.name);
        let requested = match second.opts().get(v4::OptionCode::RequestedIpAddress) {
            Some(DhcpOption::RequestedIpAddress(address)) => Some(*address),
            Some(other) => panic!("{}: {other:?}", golden.name),
            None => None,
        };
        assert_eq!(requested, message.options.address(50), "{}", golden.name);
    }
}

/// What dhcproto writes is read by us: unknown codes, any value, any number of options. It drops empty values.
#[test]
fn messages_that_dhcproto_wrote_are_read() {
    let mut scratch = Scratch::new();
    for seed in 0..500 {
        let mut seeded = Seeded::new(seed);
        let mut message = v4::Message::new_with_id(
            7,
            [10, 0, 0, 1].into(),
            [10, 0, 0, 2].into(),
            [10, 0, 0, 3].into(),
            [10, 0, 0, 4].into(),
            &seeded.octets(6),
        );
        message.set_sname_str("server").set_fname_str("boot/file");
        let mut expected = BTreeMap::from([(53, vec![3])]);
        message.opts_mut().insert(DhcpOption::MessageType(v4::MessageType::Request));
        for _ in 0..seeded.below(15) {
            let code = 224 + seeded.octet() % 25;
            let length = 1 + seeded.below(255);
            let value = seeded.octets(length);
            expected.insert(code, value.clone());
            message.opts_mut().insert(DhcpOption::Unknown(UnknownOption::new(code.into(), value)));
        }
        let mut bytes = Vec::new();
        message.encode(&mut Encoder::new(&mut bytes)).unwrap();
        let ours = parse(&bytes, &mut scratch).unwrap();
        let found: BTreeMap<u8, Vec<u8>> = ours.options.iter().map(|(code, value)| (code, value.to_vec())).collect();
        assert_eq!(found, expected, "seed {seed}");
        assert_eq!((ours.server_name(), ours.boot_file()), (&b"server"[..], &b"boot/file"[..]));
        assert_eq!(ours.header.hardware_address(), message.chaddr());
    }
}

/// What we write is read by dhcproto, with its own types.
#[test]
fn replies_are_read_by_dhcproto() {
    let header = header();
    let routes = [24, 10, 1, 2, 192, 0, 2, 1].repeat(50);
    let options: &[(u8, &[u8])] = &[
        (53, &[5]),
        (54, &[192, 0, 2, 1]),
        (51, &[0, 0, 14, 16]),
        (1, &[255, 255, 255, 0]),
        (6, &[192, 0, 2, 2, 192, 0, 2, 3]),
        (15, b"example.org"),
        (121, &routes),
    ];
    let large = understudy::wire::dhcp::Reply { limit: 1472, ..reply(&header, options) };
    let (taken, _) = emitted(&large);
    let message = v4::Message::decode(&mut Decoder::new(&taken.bytes)).unwrap();
    assert_eq!(message.opcode(), v4::Opcode::BootReply);
    assert_eq!(message.yiaddr(), header.yiaddr);
    let get = |code| message.opts().get(code).cloned();
    assert_eq!(get(v4::OptionCode::MessageType), Some(DhcpOption::MessageType(v4::MessageType::Ack)));
    assert_eq!(get(v4::OptionCode::AddressLeaseTime), Some(DhcpOption::AddressLeaseTime(3600)));
    assert_eq!(get(v4::OptionCode::SubnetMask), Some(DhcpOption::SubnetMask([255, 255, 255, 0].into())));
    let servers = vec![[192, 0, 2, 2].into(), [192, 0, 2, 3].into()];
    assert_eq!(get(v4::OptionCode::DomainNameServer), Some(DhcpOption::DomainNameServer(servers)));
    assert_eq!(get(v4::OptionCode::DomainName), Some(DhcpOption::DomainName("example.org".into())));
    let Some(DhcpOption::ClasslessStaticRoute(found)) = get(v4::OptionCode::ClasslessStaticRoute) else {
        panic!("option 121 was not read")
    };
    assert_eq!(found.len(), 50);
}
