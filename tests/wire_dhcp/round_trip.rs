//! parse(emit(x)) is x, for thousands of seeded replies of any content.

use understudy::wire::dhcp::{Header, LIMIT_BOOTP, LIMIT_DHCP, Reply, Scratch, emit, parse};

use crate::samples::Taken;
use crate::seeded::Seeded;

const ROUNDS: u64 = 4000;

/// A reply that owns what it is made of.
struct Made {
    header: Header,
    server_name: Vec<u8>,
    boot_file: Vec<u8>,
    options: Vec<(u8, Vec<u8>)>,
    relay_information: Option<Vec<u8>>,
    limit: usize,
    bootp: bool,
}

/// RFC 2131 section 4.1, RFC 3396, RFC 3046 section 2.2: all that was put in comes out, the rest is counted.
#[test]
fn replies_survive_emitting_and_parsing() {
    let mut scratch = Scratch::new();
    let mut out = Vec::new();
    let (mut overloaded, mut split, mut left_out) = (0, 0, 0);
    for seed in 0..ROUNDS {
        let made = made(&mut Seeded::new(seed));
        let options: Vec<(u8, &[u8])> = made.options.iter().map(|(code, value)| (*code, &value[..])).collect();
        let reply = Reply {
            header: &made.header,
            server_name: &made.server_name,
            boot_file: &made.boot_file,
            options: &options,
            relay_information: made.relay_information.as_deref(),
            limit: made.limit,
            bootp: made.bootp,
        };
        out.clear();
        let fit = emit(&reply, &mut out);
        let floor = if made.bootp { LIMIT_BOOTP } else { LIMIT_DHCP };
        assert!((300..=made.limit.max(floor)).contains(&out.len()), "seed {seed}: {} octets", out.len());
        let taken = Taken::of(&out);
        check_relay(&made, &taken, fit.relay_information_left_out);
        let message = parse(&out, &mut scratch).unwrap();
        assert_eq!(message.header, made.header, "seed {seed}");
        assert_eq!(message.server_name(), made.server_name, "seed {seed}");
        assert_eq!(message.boot_file(), made.boot_file, "seed {seed}");
        let mut found = 0;
        for (code, value) in &made.options {
            let Some(read) = message.options.get(*code) else {
                continue;
            };
            assert_eq!(read, value, "seed {seed}, option {code}");
            found += 1;
        }
        assert_eq!(found + usize::from(fit.options_left_out), made.options.len(), "seed {seed}");
        assert!(!(made.bootp && taken.joined(52).is_some()), "seed {seed}: overload for BOOTP");
        overloaded += u32::from(taken.joined(52).is_some());
        split += u32::from(made.options.iter().any(|(code, value)| value.len() > 255 && taken.joined(*code).is_some()));
        left_out += u32::from(fit.options_left_out > 0);
    }
    assert!(overloaded > 300 && split > 300 && left_out > 300, "{overloaded} {split} {left_out}: too tame");
}

/// Last in the options area, whole, or not there and counted.
fn check_relay(made: &Made, taken: &Taken, is_left_out: bool) {
    let elsewhere = taken.file.iter().chain(&taken.sname).any(|piece| piece.0 == 82);
    assert!(!elsewhere, "option 82 outside the options area");
    match &made.relay_information {
        Some(value) if !is_left_out => {
            assert_eq!(taken.joined(82).as_ref(), Some(value));
            assert_eq!(taken.codes().last(), Some(&82));
        }
        Some(_) | None => assert_eq!(taken.joined(82), None),
    }
    assert!(made.relay_information.is_some() || !is_left_out);
}

fn made(seeded: &mut Seeded) -> Made {
    let bootp = seeded.once_in(8);
    let mut codes: Vec<u8> = (1..=254).filter(|code| ![52, 66, 67, 82].contains(code)).collect();
    let mut options = Vec::new();
    for _ in 0..seeded.below(25) {
        let code = codes.swap_remove(seeded.below(codes.len()));
        let length = match seeded.below(12) {
            0 => seeded.below(700),
            1 | 2 => 40 + seeded.below(230),
            _ => seeded.below(24),
        };
        options.push((code, seeded.octets(length)));
    }
    let name = |seeded: &mut Seeded, bound: usize| {
        let length = if seeded.once_in(2) { 0 } else { seeded.below(bound) };
        seeded.text(length)
    };
    let relay_length = if seeded.once_in(6) { seeded.below(600) } else { seeded.below(60) };
    Made {
        header: random_header(seeded),
        server_name: name(seeded, 64),
        boot_file: name(seeded, 128),
        options,
        relay_information: seeded.once_in(3).then(|| seeded.octets(relay_length)),
        limit: [0, 300, 548, 548, 576, 1000, 1472, 65_507][seeded.below(8)],
        bootp,
    }
}

fn random_header(seeded: &mut Seeded) -> Header {
    let mut address = || {
        let octets = seeded.octets(4);
        [octets[0], octets[1], octets[2], octets[3]].into()
    };
    let (ciaddr, yiaddr, siaddr, giaddr) = (address(), address(), address(), address());
    Header {
        op: seeded.octet(),
        htype: seeded.octet(),
        hlen: seeded.octet() % 17,
        hops: seeded.octet(),
        xid: u32::from_be_bytes([seeded.octet(), seeded.octet(), seeded.octet(), seeded.octet()]),
        secs: u16::from_be_bytes([seeded.octet(), seeded.octet()]),
        flags: u16::from_be_bytes([seeded.octet(), seeded.octet()]),
        ciaddr,
        yiaddr,
        siaddr,
        giaddr,
        chaddr: seeded.octets(16).try_into().unwrap(),
    }
}
