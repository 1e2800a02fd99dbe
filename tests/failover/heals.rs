//! Partitions heal: conflicts are merged as section 5 says, both tables become equal, then nothing is written any more.

use std::time::Duration;

use understudy::wire::failover::Kind;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_clients::Holders;
use crate::support::pair_setup::PairSetup;
use crate::support::wires::Wires;
use crate::support::{Client, Reply};

/// A pair without contact, both of which serve.
fn parted(setup: &PairSetup) -> Pair {
    let mut pair = Pair::settled(setup);
    pair.lease_all(1..6);
    pair.run(1);
    pair.wires.cut(P, F);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.run(20);
    pair
}

/// Mends the wires and waits until the pair is whole.
fn heal(pair: &mut Pair) {
    pair.wires.mend(P, F);
    pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
    pair.run(15);
    pair.assert_equal();
}

/// What one server alone answers.
fn answer(pair: &mut Pair, host: usize, message: &crate::support::client::Message) -> Reply {
    let before = pair.replies.len();
    pair.give(host, message);
    pair.run(2);
    pair.replies[before..].iter().find(|reply| reply.1 == host).expect("a reply").2.clone()
}

fn record(pair: &Pair, address: std::net::Ipv4Addr) -> understudy::lease::Binding<'_> {
    pair.engine(P).server().bindings().table().find(address).expect("a record")
}

/// Section 5, merge: the same client on both sides: the newer stamp with the later end.
#[test]
fn a_client_that_both_renewed_keeps_the_later_end() {
    let mut pair = parted(&PairSetup::new());
    let client = Client::new(1);
    let address = pair.table(P).len();
    assert_eq!(address, 5);
    let held = answer(&mut pair, P, &client.discover()).yiaddr;
    let _ = answer(&mut pair, P, &client.rebinding(held));
    let longer = record(&pair, held).end;
    pair.run(1);
    let _ = answer(&mut pair, F, &client.rebinding(held));
    heal(&mut pair);
    assert!(record(&pair, held).end >= longer);
}

/// Section 5, merge: two clients got one address: the newer stands, the end of the other is kept as bar.
#[test]
fn an_address_that_two_clients_got_stays_with_the_newer_and_bars_the_other() {
    let one = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";
    let mut pair = Pair::settled(&PairSetup::new().subnets(one));
    pair.wires.cut(P, F);
    pair.until(60, |pair| pair.state(F) == "Active");
    let (first, second) = (Client::new(1), Client::new(2));
    let offer = answer(&mut pair, P, &first.discover());
    let ack = answer(&mut pair, P, &first.selecting(&offer));
    let end = record(&pair, ack.yiaddr).end;
    pair.run(5);
    // Nobody answers the ping, and the failover knows no better.
    let offer = answer(&mut pair, F, &second.discover());
    let other = answer(&mut pair, F, &second.selecting(&offer));
    assert_eq!(ack.yiaddr, other.yiaddr);
    heal(&mut pair);
    let record = record(&pair, ack.yiaddr);
    assert_eq!(record.client.hardware.expect("hardware").address, second.hardware);
    assert!(record.bar >= end, "the other one's end bars");
}

/// Section 7, rule 6: out of contact the partner may have renewed what ended here. Who says that it holds the address
/// is left alone, though the address is on offer to another by now.
#[test]
fn a_client_that_the_partner_renewed_unheard_is_not_refused() {
    let one = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";
    let mut pair = Pair::settled(&PairSetup::new().subnets(one).policy("DefaultLease = 300"));
    let (holder, other) = (Client::new(1), Client::new(2));
    let held = pair.lease(&holder).expect("a lease").1.yiaddr;
    pair.run(5);
    pair.wires.cut(P, F);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.run(200);
    assert_eq!(answer(&mut pair, P, &holder.rebinding(held)).yiaddr, held);
    pair.run(150);
    assert_eq!(answer(&mut pair, F, &other.discover()).yiaddr, held, "its lease is over, as far as the failover knows");
    let before = pair.replies.len();
    pair.give(F, &holder.rebinding(held));
    pair.run(2);
    assert!(pair.replies[before..].iter().all(|reply| reply.1 != F), "{:?}", &pair.replies[before..]);
}

/// Section 7, rule 6: an address of the partner may be in anybody's hands out of contact, whatever its record says
/// here, and who gave its own back there may have got it.
#[test]
fn a_client_that_moved_to_an_address_of_the_partner_unheard_is_not_refused() {
    // Enough addresses that neither asks the other for some.
    let many = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.2 - 10.1.0.249\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";
    let mut pair = Pair::settled(&PairSetup::new().subnets(many).primary("StrictShares = True"));
    let apart = |pair: &mut Pair| {
        pair.wires.cut(P, F);
        pair.until(60, |pair| pair.state(F) == "Active");
    };
    apart(&mut pair);
    let (first, client) = (Client::new(1), Client::new(2));
    let offer = answer(&mut pair, F, &first.discover());
    let theirs = answer(&mut pair, F, &first.selecting(&offer));
    pair.give(F, &first.release(&theirs));
    pair.run(2);
    heal(&mut pair);
    let own = pair.lease(&client).expect("the primary's own address").1;
    assert_ne!(own.yiaddr, theirs.yiaddr);
    pair.run(5);
    apart(&mut pair);
    // The failover takes a RELEASE of what it granted itself.
    let renewed = answer(&mut pair, F, &client.rebinding(own.yiaddr));
    pair.give(F, &client.release(&renewed));
    pair.run(2);
    let offer = answer(&mut pair, F, &client.discover().address(50, theirs.yiaddr));
    assert_eq!(answer(&mut pair, F, &client.selecting(&offer)).yiaddr, theirs.yiaddr);
    let before = pair.replies.len();
    pair.give(P, &client.rebinding(theirs.yiaddr));
    pair.run(2);
    let refused = pair.replies[before..].iter().filter(|reply| reply.1 == P && reply.2.yiaddr.is_unspecified());
    assert_eq!(refused.count(), 0);
}

/// One address, which is the primary's, on a subnet with a link of its own.
const ONE: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";

/// The lease that one server alone gives to a client.
fn grant(pair: &mut Pair, host: usize, client: &Client) -> std::net::Ipv4Addr {
    let offer = answer(pair, host, &client.discover());
    answer(pair, host, &client.selecting(&offer)).yiaddr
}

/// Whether a server answers a message at all.
fn is_silent(pair: &mut Pair, host: usize, message: &crate::support::client::Message) -> bool {
    let before = pair.replies.len();
    pair.give(host, message);
    pair.run(2);
    pair.replies[before..].iter().all(|reply| reply.1 != host)
}

/// Section 7, rules 5 and 6: out of contact the partner gives even what is the primary's own and settled there, after
/// a ping, as long as shares are not strict. So the primary refuses it to nobody, though it is on offer to another.
#[test]
fn an_own_address_that_the_partner_may_have_given_unheard_is_refused_to_nobody() {
    let mut pair = Pair::settled(&PairSetup::new().subnets(ONE));
    let (former, other, third) = (Client::new(1), Client::new(2), Client::new(3));
    let (_, lease) = pair.lease(&former).expect("a lease");
    pair.broadcast(&former.release(&lease));
    pair.run(20);
    pair.wires.cut(P, F);
    pair.until(60, |pair| pair.state(F) == "Active");
    assert_eq!(grant(&mut pair, F, &other), lease.yiaddr);
    assert_eq!(answer(&mut pair, P, &third.discover()).yiaddr, lease.yiaddr);
    assert!(is_silent(&mut pair, P, &other.rebinding(lease.yiaddr)));
    assert!(is_silent(&mut pair, P, &other.init_reboot(lease.yiaddr)));
}

/// Section 5: what was composed while nothing was heard goes out as it is at the heal. An address was given back, and
/// given to another client, whom the partner saw: the former lease, which still ran when it was composed, must not come
/// to life there as a change of the partner's own, and beat the one that stands.
#[test]
fn a_lease_that_was_given_back_unheard_does_not_beat_the_one_that_followed() {
    let mut pair = Pair::settled(&PairSetup::new().subnets(ONE).policy("DefaultLease = 300"));
    let (former, other, third) = (Client::new(1), Client::new(2), Client::new(3));
    let held = pair.lease(&former).expect("a lease").1.yiaddr;
    pair.run(5);
    pair.wires.cut(P, F);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.run(200);
    let renewed = answer(&mut pair, P, &former.rebinding(held));
    pair.run(70);
    pair.give(P, &former.release(&renewed));
    pair.run(2);
    assert_eq!(grant(&mut pair, P, &other), held);
    pair.run(60);
    // The failover sees that somebody uses what is free there.
    pair.echoes.push(held);
    assert!(is_silent(&mut pair, F, &third.discover()));
    heal(&mut pair);
    let stands = record(&pair, held);
    assert_eq!(stands.client.hardware.expect("hardware").address, other.hardware);
    assert_eq!(answer(&mut pair, P, &other.rebinding(held)).yiaddr, held);
}

/// Invariant 4: both tables are equal after the heal, and then nothing is written any more.
#[test]
fn after_a_heal_both_tables_are_equal_and_nothing_is_written_any_more() {
    let mut pair = parted(&PairSetup::new());
    for number in 1..16 {
        let client = Client::new(number);
        for host in [P, F] {
            let offer = answer(&mut pair, host, &client.discover());
            let _ = answer(&mut pair, host, &client.selecting(&offer));
        }
    }
    heal(&mut pair);
    let stamps = |pair: &Pair| [P, F].map(|host| pair.engine(host).server().bindings().stamps().last());
    let syncs = |pair: &Pair| [P, F].map(|host| pair.hosts[host].disk.syncs());
    let (before, written) = (stamps(&pair), syncs(&pair));
    pair.run(1000);
    assert_eq!(stamps(&pair), before, "no binding changes");
    let now = syncs(&pair);
    // What remains are the facts of section 7 rule 3, one record a minute at most, and the room that they need.
    assert!(now.iter().zip(written).all(|(now, before)| now - before <= 40), "{written:?} {now:?}");
    assert_eq!(pair.state(F), "Asleep");
}

/// Section 11: clients on both sides of a partition: no client that holds a lease is refused, then or at the heal.
#[test]
fn a_partition_refuses_nobody() {
    let mut pair = parted(&PairSetup::new());
    for number in 1..6 {
        let client = Client::new(number);
        let held = answer(&mut pair, P, &client.discover()).yiaddr;
        for host in [P, F] {
            let reply = answer(&mut pair, host, &client.rebinding(held));
            assert_eq!((reply.kind(), reply.yiaddr), (Some(crate::support::kind::ACK), held));
        }
    }
    heal(&mut pair);
    assert_eq!(pair.table(P).len(), 5);
}

/// Section 11: 20 % loss, copies and reordering for ten minutes with clients, then good wires: equal tables.
#[test]
fn loss_of_a_fifth_copies_and_reordering_leave_equal_tables() {
    for seed in 0..6_u64 {
        let mut pair = Pair::settled(&PairSetup::new());
        bad(&mut pair, (20, 10, Duration::from_millis(20 + seed * 10)));
        for round in 0..60 {
            let number = (round * 7 + seed as u16) % 40;
            let _ = pair.lease(&Client::new(number)).expect("an address");
            pair.run(10);
        }
        bad(&mut pair, (0, 0, Duration::ZERO));
        pair.run(60);
        assert_eq!(pair.states(), ["Serving", "Asleep"]);
        pair.assert_equal();
        assert_eq!(pair.double, 0, "seed {seed}");
    }
}

/// Section 11: an hour of 20 % loss, copies and reordering, with clients all the time: a takeover only after so many
/// unanswered polls, twice as many after a yield, so that there are few; nobody's address in two hands; equal tables.
#[test]
fn an_hour_of_loss_copies_and_reordering_flaps_no_more_than_its_unanswered_polls_allow() {
    const POLLS: usize = 4;
    for seed in 0..2_u64 {
        let mut pair = Pair::settled(&PairSetup::new());
        pair.wires = Wires::new(seed + 100);
        bad(&mut pair, (20, 10, Duration::from_millis(30)));
        let mut holders = Holders::default();
        let began = pair.elapsed();
        let (mut probing, mut takeovers, mut yielded) = (began, 0, None);
        for round in 0..1800_u16 {
            if round % 75 == 0 {
                holders.join(&mut pair, round..round + 1);
            }
            let limit = pair.within(2);
            let mut state = pair.state(F);
            holders.renew_one(&mut pair);
            while pair.step(limit) {
                let now = pair.state(F);
                match (state, now) {
                    ("Asleep", "Probing") => probing = pair.elapsed(),
                    ("Probing", "Active") => {
                        let polls = pair.times_since(F, Kind::Poll, probing).len();
                        let lately = yielded.is_some_and(|at| pair.elapsed() - at < Duration::from_secs(600));
                        assert!(polls >= if lately { 2 * POLLS } else { POLLS }, "after {polls} polls");
                        takeovers += 1;
                    }
                    ("Active", "Asleep") => yielded = Some(pair.elapsed()),
                    _ => {}
                }
                state = now;
            }
            assert_eq!(pair.state(P), "Serving");
        }
        // Each poll of four is lost, or its answer, once in 60 sleeps; then ten minutes of eight polls.
        assert!(takeovers <= 6, "{takeovers} takeovers in an hour");
        bad(&mut pair, (0, 0, Duration::ZERO));
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(30);
        pair.assert_equal();
        assert_eq!((pair.double, pair.in_two_hands()), (0, Vec::new()), "seed {seed}");
        holders.all_renew(&mut pair, (P, &[1, 2]));
    }
}

/// Both ways lose, double and delay so.
fn bad(pair: &mut Pair, (loss, copies, jitter): (u64, u64, Duration)) {
    for (from, to) in [(P, F), (F, P)] {
        let way = pair.wires.way(from, to);
        (way.loss, way.copies, way.jitter) = (loss, copies, jitter);
    }
}

/// Section 10, 1 and 4: random cuts of either way, kills and starts of either side: the pair always becomes whole.
#[test]
fn random_cuts_and_deaths_always_end_in_a_whole_pair() {
    for seed in 1..13_u64 {
        let mut pair = Pair::settled(&PairSetup::new());
        let mut random = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut draw = |limit: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % limit
        };
        for _ in 0..25 {
            let host = draw(2) as usize;
            match draw(7) {
                0 => pair.kill(host),
                1 => pair.power_off(host),
                2 => pair.wires.cut(P, F),
                3 => pair.wires.way(host, 1 - host).cut = true,
                4 | 5 => pair.wires.mend(P, F),
                _ => {}
            }
            pair.run_for(Duration::from_millis(draw(30_000)));
            for host in [P, F] {
                if pair.state(host) == "-" && draw(2) == 0 {
                    pair.start(host);
                }
            }
            let _ = pair.lease(&Client::new(draw(30) as u16));
        }
        pair.wires.mend(P, F);
        for host in [P, F] {
            if pair.state(host) == "-" {
                pair.start(host);
            }
        }
        pair.run(300);
        assert!(
            matches!(pair.states().as_slice(), ["Serving", "Asleep" | "Probing"]),
            "seed {seed}: {:?}",
            pair.states()
        );
        pair.assert_equal();
    }
}
