//! Which options a reply holds, in which order (RFC 2131 sections 3.5 and 4.3.1, RFC 2132).

use crate::support::{Client, Reply, Setup, code, ip, kind};

fn wide() -> Setup {
    Setup::new()
        .option("domain-name-servers = 10.1.0.4, 10.1.0.5")
        .option("domain-name = \"beef.com\"")
        .option("ntp-servers = 10.1.0.6")
        .option("log-servers = 10.1.0.7")
        .option("interface-mtu = 1400")
}

fn lease(setup: &Setup, wishes: &[u8]) -> Reply {
    setup.world().lease_by(&Client::new(1), |message| message.wants(wishes))
}

/// 2131-3.5-1: the list in DISCOVER and again in REQUEST is honoured in each reply, and nothing else is sent.
#[test]
fn the_parameter_request_list_is_honoured_in_both_replies() {
    let mut world = wide().world();
    let client = Client::new(1);
    let offer = world.ask(&client.discover().wants(&[6, 15, 42])).offer();
    let ack = world.ask(&client.selecting(&offer).wants(&[6, 15, 42])).ack();
    for reply in [offer, ack] {
        assert!([6, 15, 42].iter().all(|code| reply.has(*code)));
        assert!(!reply.has(7) && !reply.has(26), "unasked: {:?}", reply.codes());
    }
}

/// 2131-4.3.1-12: each requested parameter that has a value is returned.
#[test]
fn each_requested_parameter_with_a_value_is_returned() {
    for code in [1, 3, 6, 7, 15, 26, 42] {
        assert!(lease(&wide(), &[code]).has(code), "option {code}");
    }
}

/// 2131-4.3.1-13: parameters of the Host Requirements without a configured value are left out: their default
/// is what the client assumes anyway (the choice of all servers in use).
#[test]
fn host_requirement_defaults_are_not_spelled_out() {
    let ack = lease(&wide(), &[19, 20, 22, 23, 24, 31, 35, 36, 37]);
    assert!([19, 20, 22, 23, 24, 31, 35, 36, 37].iter().all(|code| !ack.has(*code)));
}

/// 2131-4.3.1-14: a requested parameter without a value is not returned, not even empty.
#[test]
fn a_requested_parameter_without_a_value_is_not_returned() {
    let ack = lease(&Setup::new(), &[42, 15, 119, 252, 3]);
    assert!([42, 15, 119, 252].iter().all(|code| !ack.has(*code)));
    assert!(ack.has(3));
}

/// 2131-4.3.1-15: each option once, though asked for twice.
#[test]
fn a_parameter_asked_for_twice_is_returned_once() {
    let ack = lease(&wide(), &[6, 15, 6, 15, 1, 3, 3, 42, 7, 26, 1, 51, 51, 54, 53]);
    let mut codes: Vec<_> = ack.pieces.iter().map(|piece| piece.code).collect();
    let all = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), all);
}

/// 2131-4.3.1-16: parameters of this client stand over those of its subnet and of all.
#[test]
fn options_of_a_host_stand_over_all_others() {
    let setup = wide().first("Option.domain-name-servers = 10.1.0.77").more(
        "[Host printer]\nHardwareAddress = 02:00:00:00:00:01\nAddress = 10.1.0.20\n\
         Option.domain-name-servers = 10.1.0.99",
    );
    assert_eq!(lease(&setup, &[6]).get(code::DNS), Some(vec![10, 1, 0, 99]));
    let other = setup.world().lease_by(&Client::new(2), |message| message.wants(&[6]));
    assert_eq!(other.get(code::DNS), Some(vec![10, 1, 0, 77]));
}

/// 2131-4.3.1-18: parameters of the subnet, and in it of the range, stand over the global ones.
#[test]
fn options_of_a_subnet_stand_over_global_ones() {
    let setup = wide()
        .first("Option.domain-name = \"first.example\"")
        .more("[Range 10.2.0.100 - 10.2.0.110]\nOption.domain-name = \"range.example\"");
    assert_eq!(lease(&setup, &[15]).get(code::DOMAIN), Some(b"first.example".to_vec()));
    let mut world = setup.world();
    let second =
        |number: u16, address| Client::new(number).discover().on(2).wants(&[15]).address(code::REQUESTED, ip(address));
    let global = world.ask(&second(1, "10.2.0.60")).offer();
    assert_eq!(global.get(code::DOMAIN), Some(b"beef.com".to_vec()));
    let narrow = world.ask(&second(2, "10.2.0.105")).offer();
    assert_eq!(narrow.yiaddr, ip("10.2.0.105"));
    assert_eq!(narrow.get(code::DOMAIN), Some(b"range.example".to_vec()));
}

/// 2131-4.3.1-19: a vendor class identifier in a reply, if any, is the client's own.
#[test]
fn a_returned_vendor_class_is_the_one_sent() {
    let mut world = Setup::new().world();
    let offer = world.ask(&Client::new(1).discover().option(code::CLASS, b"abc").wants(&[60]));
    let class = offer.offer().get(code::CLASS);
    assert!(class.is_none() || class.as_deref() == Some(b"abc"));
}

/// 2131-4.3.1-21, 2132-3.3-1, 2132-3.3-2: the subnet mask, four octets, stands before the routers.
#[test]
fn the_mask_stands_before_the_routers() {
    let ack = lease(&wide(), &[3, 1, 6]);
    assert_eq!(ack.get(code::MASK), Some(vec![255, 255, 255, 0]));
    let place = |code| ack.codes().iter().position(|each| *each == code);
    assert!(place(code::MASK) < place(code::ROUTERS), "{:?}", ack.codes());
}

/// 2131-4.4.1-1: options 50, 51, 55, 57, 60 and 61 in one DISCOVER are all honoured.
#[test]
fn all_wishes_of_a_discover_are_honoured_together() {
    let mut world = wide().world();
    let discover = Client::new(1)
        .identified(b"\0all")
        .discover()
        .address(code::REQUESTED, ip("10.1.0.88"))
        .for_secs(700)
        .wants(&[1, 3, 6])
        .size(590)
        .option(code::CLASS, b"udhcp 1.36");
    let offer = world.ask(&discover).offer();
    assert_eq!((offer.yiaddr, offer.lease()), (ip("10.1.0.88"), 700));
    assert!([1, 3, 6, 61].iter().all(|code| offer.has(*code)));
}

/// 2132-9.8-1: options come in the order of the list, after the mandatory ones.
#[test]
fn options_come_in_the_order_asked_for() {
    let ack = lease(&wide(), &[15, 42, 6, 26, 7]);
    let order: Vec<_> = ack.codes().into_iter().filter(|code| [6, 7, 15, 26, 42].contains(code)).collect();
    assert_eq!(order, [15, 42, 6, 26, 7]);
}

/// 2132-9.8-2: a list of one code, of 255, of none; unknown codes are skipped.
#[test]
fn lists_of_any_length_are_taken() {
    let every: Vec<u8> = (1..=255).collect();
    let ack = lease(&wide(), &every);
    assert!([1, 3, 6, 7, 15, 26, 42].iter().all(|code| ack.has(*code)));
    assert!(lease(&wide(), &[15]).has(15));
    let empty = wide().world().ask(&Client::new(1).discover().wants(&[])).offer();
    assert!(empty.has(code::MASK) && empty.has(code::ROUTERS), "as without a list");
}

/// A client without a list, or with an empty one, leaves the choice to the server: all that is configured.
#[test]
fn a_client_without_a_list_gets_mask_and_routers() {
    let ack = wide().world().lease(&Client::new(1));
    assert!(ack.has(code::MASK) && ack.has(code::ROUTERS), "{:?}", ack.codes());
}

/// 2131-4.1-16: two instances of option 55 are one list.
#[test]
fn two_instances_of_the_list_are_one_list() {
    let ack = wide().world().lease_by(&Client::new(1), |message| message.wants(&[15]).wants(&[42]));
    assert!(ack.has(code::DOMAIN) && ack.has(code::NTP));
}

/// 2131-2-5, 2132-9.10-1: without option 57, and with one under 576, a datagram has 576 octets at most.
#[test]
fn a_reply_has_at_most_576_octets_unless_more_is_allowed() {
    let mut setup = wide();
    for code in 224..234 {
        setup = setup.option(&format!("option-{code} = 0x{}", "ab".repeat(60)));
    }
    let every: Vec<u8> = (1..=254).collect();
    let mut world = setup.world();
    let discover = Client::new(1).discover().wants(&every);
    for message in [discover.clone(), discover.clone().size(0), discover.size(300)] {
        let offer = world.ask(&message).offer();
        assert!(offer.bytes.len() + 28 <= 576, "{}", offer.bytes.len());
        assert!(offer.has(code::MASK) && offer.has(code::ROUTERS) && offer.has(224));
    }
}

/// 2131-2-6: option 57 raises the limit, and no reply is larger than it says.
#[test]
fn option_57_raises_the_limit() {
    let mut setup = wide();
    for code in 224..244 {
        setup = setup.option(&format!("option-{code} = 0x{}", "ab".repeat(60)));
    }
    let every: Vec<u8> = (1..=254).collect();
    let mut world = setup.world();
    let mut largest = 0;
    for size in [576, 577, 700, 1500, 65535] {
        let offer = world.ask(&Client::new(1).discover().wants(&every).size(size)).offer();
        assert!(offer.bytes.len() + 28 <= usize::from(size));
        assert!(offer.bytes.len() >= largest, "more room, fewer options");
        largest = offer.bytes.len();
    }
    assert!(largest > 1200, "{largest}");
}

/// 2131-2-7: requests of 300 octets and of far over 576 are taken.
#[test]
fn requests_of_any_size_are_taken() {
    let mut world = Setup::new().world();
    let small = Client::new(1).discover();
    assert_eq!(small.bytes().len(), 300);
    let _ = world.ask(&small).offer();
    let mut large = Client::new(2).discover();
    for code in 224..230 {
        large = large.option(code, &[9; 200]);
    }
    assert!(large.bytes().len() > 1400);
    let _ = world.ask(&large).offer();
}

/// 2132-9.11-1: T1 and T2 are four octets each.
#[test]
fn renewal_times_have_four_octets() {
    let ack = lease(&wide(), &[58, 59]);
    assert_eq!(ack.get(58).map(|value| value.len()), Some(4));
    assert_eq!(ack.get(59).map(|value| value.len()), Some(4));
}

/// 2132-9.13-1: an unknown vendor class changes nothing.
#[test]
fn an_unknown_vendor_class_is_ignored() {
    let ack = wide()
        .world()
        .lease_by(&Client::new(1), |message| message.option(code::CLASS, b"\0\xff who?").wants(&[1, 3, 6]));
    assert_eq!(ack.codes(), lease(&wide(), &[1, 3, 6]).codes());
}

/// 2132-8.4-1, 2132-9.13-2: vendor information is returned in option 43 alone, as configured.
#[test]
fn vendor_information_is_returned_in_option_43() {
    let setup = Setup::new().option("vendor-encapsulated-options = 0x0104c0a80001060102ff");
    let ack = lease(&setup, &[43, 1]);
    assert_eq!(ack.get(code::VENDOR), Some(vec![1, 4, 192, 168, 0, 1, 6, 1, 2, 255]));
    assert!(!lease(&setup, &[1]).has(code::VENDOR));
}

/// 2132-8.4-2: vendor information of a client means nothing to a server that is not set up for it.
#[test]
fn vendor_information_of_a_client_is_ignored() {
    let mut world = Setup::new().world();
    let discover = Client::new(1).discover().option(code::VENDOR, &[0x35, 1, kind::RELEASE, 0x32, 9]);
    assert_eq!(world.ask(&discover).offer().yiaddr, ip("10.1.0.50"));
}

/// 8925-3.3-1: option 108 is sent to those who ask for it; one that sends no list asks for nothing. So it is with
/// the other options that their RFCs have sent only when asked for.
#[test]
fn ipv6_only_preferred_is_sent_only_when_asked_for() {
    let setup = Setup::new().first("Option.v6-only-preferred = 1800");
    assert_eq!(lease(&setup, &[108]).number(108), 1800);
    assert!(!lease(&setup, &[1, 3]).has(108));
    assert!(!setup.world().lease(&Client::new(1)).has(108));
    for code in [138, 159, 208, 209, 210, 211] {
        let setup = Setup::new().option(&format!("option-{code} = 0x01020304"));
        assert!(!setup.world().lease(&Client::new(1)).has(code), "option {code}");
        assert!(lease(&setup, &[code]).has(code), "option {code}");
    }
}

/// 8925-3.3-2: and only on a subnet that is set up for it.
#[test]
fn ipv6_only_preferred_is_sent_only_where_configured() {
    let mut world = Setup::new().second("Option.v6-only-preferred = 300").world();
    let client = Client::new(1);
    assert!(!world.lease_by(&client, |message| message.wants(&[108])).has(108));
    assert!(world.lease_by(&client, |message| message.wants(&[108]).on(2)).has(108));
}

/// 8925-3.3-3: the value has 32 bits. (RFC 8925 has no special 0: a client takes values under 300 as 300, and the
/// default of 1800 is the operator's.)
#[test]
fn ipv6_only_preferred_has_four_octets() {
    for secs in [300, 1800, 86400] {
        let setup = Setup::new().option(&format!("v6-only-preferred = {secs}"));
        assert_eq!(lease(&setup, &[108]).number(108), secs);
    }
}

/// 8925-3.3-5: OFFERs with option 108 take no address out of the range for good.
#[test]
fn offers_with_ipv6_only_preferred_are_given_back() {
    let setup = Setup::new().pool("10.1.0.50 - 10.1.0.50").option("v6-only-preferred = 300");
    let mut world = setup.world();
    for number in 1..10 {
        let _ = world.ask(&Client::new(number).discover().wants(&[108])).offer();
        world.advance_secs(11).silence();
    }
}

/// 8925-3.4-1: rapid commit (80) with option 108 asked for: an OFFER, and no binding.
#[test]
fn rapid_commit_commits_nothing() {
    let mut world = Setup::new().option("v6-only-preferred = 300").world();
    let offer = world.ask(&Client::new(1).discover().wants(&[108]).option(80, &[])).offer();
    assert!(!offer.has(80));
}
