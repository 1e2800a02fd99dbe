//! Section 7, rule 7: a reservation counts on either server once one datagram of the partner shows that it has it too;
//! one that went away keeps its address from others until the partner was seen without it.

use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, ip};

const RANGE: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.50\n";

/// With 10.1.0.50, the only address, reserved for a client.
fn reserved_for(number: u16) -> String {
    format!("{RANGE}[Host printer]\nHardwareAddress = 02:00:00:00:00:{number:02x}\nAddress = 10.1.0.50\n")
}

fn strict() -> PairSetup {
    PairSetup::new().subnets(RANGE).primary("FailoverShare = 0").primary("StrictShares = True")
}

/// By which server a client gets the address.
fn given(pair: &mut Pair, number: u16) -> Option<usize> {
    let (host, ack) = pair.lease(&Client::new(number))?;
    assert_eq!(ack.yiaddr, ip("10.1.0.50"));
    Some(host)
}

#[test]
fn a_failover_alone_gives_a_reserved_address_that_is_the_primarys_to_its_host() {
    for restarts in [false, true] {
        let mut pair = Pair::settled(&strict().subnets(&reserved_for(1)));
        pair.power_off(P);
        if restarts {
            pair.power_off(F);
            pair.start(F);
        }
        pair.until(120, |pair| pair.state(F) == "Active");
        assert_eq!(given(&mut pair, 2), None);
        assert_eq!(given(&mut pair, 1), Some(F), "restart: {restarts}");
    }
}

#[test]
fn a_reservation_that_the_partner_does_not_have_counts_for_nothing() {
    let mut pair = Pair::settled(&strict());
    pair.reload(F, strict().subnets(&reserved_for(1)).of_failover());
    pair.run(12);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    assert_eq!(given(&mut pair, 1), None, "the primary may have given it to anybody");
}

/// A text that the partner sent for comparison counts as its digest does.
#[test]
fn a_reservation_of_both_counts_though_their_subnets_differ_elsewhere() {
    let mut pair = Pair::settled(&strict().subnets(&reserved_for(1)));
    let other = format!("{}[Subnet 10.2.0.0/24]\nRange = 10.2.0.50 - 10.2.0.59\n", reserved_for(1));
    pair.reload(F, strict().subnets(&other).of_failover());
    pair.run(30);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    assert_eq!(given(&mut pair, 1), Some(F));
}

#[test]
fn a_reservation_that_went_away_keeps_its_address_from_others_until_the_partner_is_seen_without_it() {
    for restarts in [false, true] {
        let mut pair = Pair::settled(&strict().subnets(&reserved_for(1)));
        pair.wires.cut(P, F);
        pair.reload(P, strict().of_primary());
        pair.run(60);
        if restarts {
            pair.kill(P);
            pair.start(P);
            pair.run(60);
        }
        // The failover gives it by the reservation, which it believes to be the primary's too.
        let offer = Client::new(1).discover();
        pair.give(F, &offer);
        let reply = pair.replies.last().expect("an offer").clone();
        assert_eq!((reply.1, reply.2.yiaddr), (F, ip("10.1.0.50")));
        pair.give(P, &Client::new(2).discover());
        pair.run(2);
        assert_eq!(pair.replies.last().map(|reply| reply.1), Some(F), "restart {restarts}: the primary gives nothing");
        pair.wires.mend(P, F);
        pair.until(120, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(30);
        assert_eq!(given(&mut pair, 2), None, "restart {restarts}: the failover still has the reservation");
        pair.reload(F, strict().of_failover());
        pair.run(30);
        assert_eq!(given(&mut pair, 2), Some(P), "restart {restarts}");
    }
}

#[test]
fn an_address_reserved_for_another_host_goes_to_neither_until_both_servers_agree() {
    let mut pair = Pair::settled(&strict().subnets(&reserved_for(1)));
    pair.reload(P, strict().subnets(&reserved_for(2)).of_primary());
    assert_eq!([1, 2].map(|number| given(&mut pair, number)), [None, None]);
    pair.reload(F, strict().subnets(&reserved_for(2)).of_failover());
    pair.run(30);
    assert_eq!(given(&mut pair, 2), Some(P));
}

/// A snapshot of the journal holds the reservations too, those that went away with them.
#[test]
fn a_reservation_that_went_away_is_remembered_by_a_snapshot() {
    let mut pair = Pair::settled(&strict().subnets(&reserved_for(1)));
    pair.power_off(F);
    pair.reload(P, strict().of_primary());
    let has_snapshot = |pair: &Pair| pair.hosts[P].disk.names().iter().any(|name| name.starts_with("snapshot"));
    for _ in 0..100 {
        if has_snapshot(&pair) {
            break;
        }
        pair.stop(P);
        pair.until(10, |pair| pair.state(P) == "-");
        pair.start(P);
        pair.until(60, |pair| pair.state(P) == "Serving");
        assert!(pair.lease(&Client::new(2)).is_none());
    }
    assert!(has_snapshot(&pair));
    pair.run(10);
    pair.kill(P);
    pair.start(P);
    pair.until(60, |pair| pair.state(P) == "Serving");
    assert_eq!(given(&mut pair, 2), None);
}

/// A configuration is shown to the partner when all of its reservations are in the journal, a slice a turn.
#[test]
fn a_configuration_is_not_shown_before_all_of_its_reservations_are_in_the_journal() {
    let host = |number: u32| {
        let [_, high, middle, low] = number.to_be_bytes();
        let hardware = format!("02:00:01:{high:02x}:{middle:02x}:{low:02x}");
        format!("[Host h{number}]\nHardwareAddress = {hardware}\nAddress = 10.64.{middle}.{low}\n")
    };
    let hosts: String = (256..25_256).map(host).collect();
    let many = format!("{RANGE}[Subnet 10.64.0.0/16]\nRange = 10.64.255.1 - 10.64.255.9\n{hosts}");
    let mut pair = Pair::settled(&strict());
    let sent = pair.sent.len();
    pair.reload(P, strict().subnets(&many).of_primary());
    let kept = |pair: &Pair| pair.engine(P).server().failover().reservations().from(ip("0.0.0.0")).count();
    let limit = pair.within(12);
    let mut slices = 0;
    while kept(&pair) < 25_000 {
        slices += 1;
        assert!(pair.step(limit), "{} are kept", kept(&pair));
        let later = pair.sent[sent..].iter().filter(|sent| sent.from == P);
        let former = pair.engine(F).server().config().primaries[0].part.as_ref().expect("subnets").subnets_text.digest;
        for sent in later {
            let digest = sent.read().header.config_digest;
            assert!(digest == [0; 8] || digest == former[..8], "after {slices} slices");
        }
    }
    assert!(slices > 1);
    pair.run(12);
    let shown = pair.engine(P).server().config().subnets_text.digest;
    let digests: Vec<[u8; 8]> =
        pair.sent[sent..].iter().filter(|sent| sent.from == P).map(|sent| sent.read().header.config_digest).collect();
    assert_eq!(digests.last().map(|digest| &digest[..]), Some(&shown[..8]));
}

/// What the tests above would see without their rules.
#[cfg(feature = "teeth")]
mod without {
    use understudy::rules::{Rule, keep_all, leave_out};

    use super::*;

    /// The primary does not know any more what the failover runs, which may have given the address to its host.
    #[test]
    fn the_book_a_restarted_primary_gives_an_address_that_its_failover_offers_to_the_host() {
        leave_out(Rule::ReservationStays);
        let mut pair = Pair::settled(&strict().subnets(&reserved_for(1)));
        pair.wires.cut(P, F);
        pair.reload(P, strict().of_primary());
        pair.kill(P);
        pair.start(P);
        pair.run(60);
        pair.give(F, &Client::new(1).discover());
        pair.give(P, &Client::new(2).discover());
        keep_all();
        let offers: Vec<_> = pair.replies.iter().map(|reply| (reply.1, reply.2.yiaddr)).collect();
        assert_eq!(offers, [(F, ip("10.1.0.50")), (P, ip("10.1.0.50"))]);
    }
}
