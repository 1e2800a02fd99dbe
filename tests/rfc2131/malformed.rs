//! What clients must not send, and some do (RFC 2131 table 5, RFC 2132).

use crate::support::{Client, Setup, World, code, ip, kind};

/// A DISCOVER of another client is answered: the server is well.
fn assert_alive(world: &mut World) {
    let _ = world.ask(&Client::new(999).discover()).offer();
}

/// 2131-T5-op: only BOOTREQUEST is taken.
#[test]
fn replies_of_other_servers_are_ignored() {
    let mut world = Setup::new().world();
    for op in [0, 2, 3, 255] {
        let mut discover = Client::new(1).discover();
        discover.op = op;
        world.ask_bytes(&discover, &discover.bytes()).silence();
    }
    assert_alive(&mut world);
}

/// 2131-T5-o53: message types that no client sends are ignored.
#[test]
fn message_types_of_servers_are_ignored() {
    let mut world = Setup::new().world();
    for other in [0, 2, 5, 6, 9, 10, 11, 12, 13, 14, 18, 19, 128, 255] {
        let message = Client::new(1).message(other).address(code::REQUESTED, ip("10.1.0.50"));
        world.ask(&message).silence();
    }
    for value in [&[][..], &[1, 1], &[0, 0, 1]] {
        let message = Client::new(1).discover().without(code::TYPE).option(code::TYPE, value);
        world.ask(&message).silence();
    }
    assert_alive(&mut world);
}

/// 2131-malformed-1: a message cut off anywhere, or changed anywhere, harms nothing.
#[test]
fn mutilated_messages_harm_nothing() {
    let mut world = Setup::new().world();
    let client = Client::new(1).identified(b"\0torn");
    let whole = client
        .discover()
        .wants(&[1, 3, 6])
        .option(code::RELAY, &[1, 2, 3, 4])
        .option(code::OVERLOAD, &[3])
        .option(81, b"\x05\0\0\x04lamp\x04beef\x03com\0");
    let bytes = whole.bytes();
    for length in 0..bytes.len() {
        let _ = world.ask_bytes(&whole, &bytes[..length]);
    }
    let mut seed = 0x9e37_79b9_u32;
    for _ in 0..5_000 {
        let mut changed = bytes.clone();
        for _ in 0..3 {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let at = 236 * (seed as usize & 1) + (seed >> 8) as usize % 64;
            changed[at] = (seed >> 24) as u8;
        }
        let _ = world.ask_bytes(&whole, &changed);
    }
    world.advance_secs(60).silence();
    assert_alive(&mut world);
}

/// An option whose length runs over the end of the datagram makes the message unreadable or ends its options.
#[test]
fn an_option_that_runs_over_the_end_harms_nothing() {
    let mut world = Setup::new().world();
    for tail in [&[12][..], &[12, 200, 1], &[82, 255], &[61, 5, 1, 2]] {
        let mut discover = Client::new(1).discover();
        discover.end = tail.to_vec();
        let mut bytes = discover.bytes();
        bytes.truncate(240 + 3 + tail.len());
        for reply in world.ask_bytes(&discover, &bytes).replies {
            assert_eq!(reply.kind(), Some(kind::OFFER));
        }
    }
    assert_alive(&mut world);
}

/// 2131-malformed-3: what follows 255 is ignored, and a missing 255 is tolerated.
#[test]
fn options_after_the_end_are_ignored_and_the_end_may_be_missing() {
    let mut world = Setup::new().world();
    let mut discover = Client::new(1).discover();
    discover.end = vec![255, code::LEASE, 4, 0, 0, 0, 99, 53, 1, 7, 255];
    assert_eq!(world.ask(&discover).offer().lease(), 3600);
    discover.end = Vec::new();
    let mut bytes = discover.bytes();
    bytes.truncate(243);
    let _ = world.ask_bytes(&discover, &bytes).offer();
    let _ = world.ask(&discover).offer();
}

/// 2132-2-1: pads between options have no length.
#[test]
fn pads_between_options_are_skipped() {
    let mut world = Setup::new().world();
    let mut discover = Client::new(1).message(kind::DISCOVER).without(code::TYPE);
    discover.end = vec![0, 0, 53, 1, 1, 0, 0, 0, 51, 4, 0, 0, 1, 0, 0, 255];
    assert_eq!(world.ask_bytes(&discover, &discover.bytes()).offer().lease(), 256);
}

/// 2132-2-3: a NUL at the end of a text is stripped, and not demanded.
#[test]
fn a_host_name_is_recorded_without_its_nul() {
    let mut world = Setup::new().world();
    for (number, name) in [(1, &b"lamp"[..]), (2, b"lamp\0"), (3, b"lamp\0\0")] {
        let ack = world.lease_by(&Client::new(number), |message| message.option(code::HOST_NAME, name));
        let told = world.control(&format!("lease {}", ack.yiaddr));
        assert!(told.contains("lamp"), "{told}");
        assert!(!told.contains('\0') && !told.contains("lamp\\"), "{told:?}");
    }
}

/// 2132-2-4: unknown options are skipped by their length.
#[test]
fn unknown_options_are_skipped() {
    let mut world = Setup::new().world();
    let mut discover = Client::new(1).message(kind::DISCOVER).without(code::TYPE);
    for unknown in (102..108).chain(178..=207).chain(224..=254) {
        discover = discover.option(unknown, &[255, 53, 1, 7]);
    }
    discover = discover.option(code::TYPE, &[kind::DISCOVER]).for_secs(500);
    assert_eq!(world.ask(&discover).offer().lease(), 500);
}

/// 2132-9.1-1: a requested address of another length than four is none.
#[test]
fn a_requested_address_of_another_length_is_ignored() {
    let mut world = Setup::new().world();
    for value in [&[][..], &[10, 1, 0], &[10, 1, 0, 77, 0]] {
        for reply in world.ask(&Client::new(1).discover().option(code::REQUESTED, value)).replies {
            assert_eq!(reply.yiaddr, ip("10.1.0.50"));
        }
    }
    assert_alive(&mut world);
}

/// 2132-9.2-1: a lease time of another length than four is none.
#[test]
fn a_lease_time_of_another_length_is_ignored() {
    let mut world = Setup::new().world();
    for value in [&[][..], &[1, 0], &[0, 0, 0, 60, 0]] {
        for reply in world.ask(&Client::new(1).discover().option(code::LEASE, value)).replies {
            assert_eq!(reply.lease(), 3600);
        }
    }
    assert_alive(&mut world);
}

/// A maximum message size of another length than two is none.
#[test]
fn a_message_size_of_another_length_is_ignored() {
    let mut world = Setup::new().world();
    for value in [&[][..], &[5], &[0, 0, 5, 220]] {
        let _ = world.ask(&Client::new(1).discover().option(code::SIZE, value));
    }
    assert_alive(&mut world);
}

/// SEC-3: no reply goes to another port than 67 or 68, whatever port the request came from.
#[test]
fn no_reply_goes_to_a_port_of_the_senders_choice() {
    use understudy::server::outbox::Destination;
    let mut world = Setup::new().world();
    let client = Client::new(1);
    let lease = world.lease(&client);
    let requests = [
        client.discover(),
        client.discover().broadcast(),
        client.discover().via(ip("10.3.0.1")),
        client.renewing(lease.yiaddr),
        client.inform(ip("10.1.0.200")),
        client.init_reboot(ip("192.0.2.1")),
        client.discover().option(code::RELAY, &[19, 0]),
    ];
    for mut request in requests {
        request.source.set_port(5000);
        for reply in world.ask(&request).replies {
            let (Destination::Udp { to, .. } | Destination::Link { to, .. }) = reply.to;
            assert!([67, 68].contains(&to.port()), "{to}");
        }
    }
}
