//! The return of control (section 6), killed at each of its steps.

use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::config::Network;
use understudy::wire::failover::Kind;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, kind};

/// Datagrams of a return at which a server is killed at most.
const STEPS_MAX: usize = 60;

/// A pair whose failover serves with changes of its own, and whose primary has just started.
fn returning() -> Pair {
    let mut pair = Pair::settled(&PairSetup::new().both("SyncBindingBufSize = 64"));
    pair.lease_all(1..16);
    pair.run(1);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.lease_all(10..26);
    pair.wires.way(P, F).delay = Duration::from_millis(5);
    pair.wires.way(F, P).delay = Duration::from_millis(5);
    pair.start(P);
    pair
}

/// Kills `host` once `count` datagrams of the return have been sent; false when the return was over before.
fn kill_at(host: usize, count: usize) -> bool {
    let mut pair = returning();
    let sent = pair.sent.len();
    let limit = pair.within(30);
    while pair.sent.len() < sent + count {
        if pair.states() == ["Serving", "Asleep"] {
            return false;
        }
        assert!(pair.step(limit));
    }
    pair.kill(host);
    pair.run_for(Duration::from_millis(500));
    pair.start(host);
    pair.run(60);
    let place = format!("server {host} killed at datagram {count}");
    assert_eq!(pair.states(), ["Serving", "Asleep"], "{place}");
    assert_eq!(pair.double, 0, "{place}: both served");
    assert_eq!(pair.table(P).len(), 25, "{place}");
    pair.assert_equal();
    true
}

/// Section 6: the primary dies at any step of the return: both tables become equal, and never did both serve.
#[test]
fn the_primary_killed_at_each_step_of_the_return_harms_nothing() {
    let steps = (1..STEPS_MAX).take_while(|&count| kill_at(P, count)).count();
    assert!(steps > 10, "{steps} steps");
}

/// Section 6: the failover dies at any step of the return: the same.
#[test]
fn the_failover_killed_at_each_step_of_the_return_harms_nothing() {
    let steps = (1..STEPS_MAX).take_while(|&count| kill_at(F, count)).count();
    assert!(steps > 10, "{steps} steps");
}

/// Section 6: the wires are cut at any step of the return and mended later: the same, and the one that serves is one.
#[test]
fn a_cut_at_each_step_of_the_return_harms_nothing() {
    for count in (1..STEPS_MAX).step_by(2) {
        for secs in [1, 7, 20, 60] {
            let mut pair = returning();
            let sent = pair.sent.len();
            let limit = pair.within(30);
            while pair.sent.len() < sent + count && pair.step(limit) {}
            pair.wires.cut(P, F);
            pair.run(secs);
            pair.wires.mend(P, F);
            pair.run(60);
            let place = format!("cut for {secs} s at datagram {count}");
            assert_eq!(pair.states(), ["Serving", "Asleep"], "{place}");
            assert_eq!(pair.double, 0, "{place}: both served");
            pair.assert_equal();
        }
    }
}

/// Section 6: a return over wires that lose, double and reorder ends, with one voice all the time.
#[test]
fn a_return_over_bad_wires_ends_with_one_voice() {
    for seed in 0..10_u64 {
        let mut pair = returning();
        for (from, to) in [(P, F), (F, P)] {
            let way = pair.wires.way(from, to);
            (way.loss, way.copies, way.jitter) = (20, 20, Duration::from_millis(3 + seed));
        }
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(60);
        pair.assert_equal();
        assert_eq!(pair.double, 0, "seed {seed}");
    }
}

/// A primary that has taken some subnets of its return and none for a while: how long after the last it asks for
/// control again, in milliseconds.
fn stalls(setup: &PairSetup) -> u128 {
    // More subnets than are in transfer at once.
    let more: String = (3..23).map(|net| format!("[Subnet 10.{net}.0.0/24]\nRange = 10.{net}.0.50\n")).collect();
    let near = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.99\n";
    let setup = setup.clone().subnets(&format!("{near}{more}")).primary("CtlReqRetryMax = 1");
    let mut pair = Pair::settled(&setup);
    let held = pair.lease(&Client::new(1)).expect("an address").1.yiaddr;
    pair.run(1);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.give(F, &Client::new(1).rebinding(held));
    pair.wires.way(P, F).delay = Duration::from_millis(20);
    pair.start(P);
    let subnets: Vec<_> = pair.hosts[P].config.subnets.iter().map(|subnet| subnet.network).collect();
    let own = |pair: &Pair| subnets.iter().filter(|subnet| pair.serves(P, **subnet)).count();
    pair.until(10, |pair| own(pair) == 16);
    pair.power_off(F);
    let (cut, taken) = (pair.elapsed(), own(&pair));
    assert!(taken < subnets.len() && pair.serves(P, subnets[0]));
    pair.until(60, |pair| pair.state(P) != "Receiving");
    let waited = (pair.elapsed() - cut).as_millis();
    assert_eq!((pair.state(P), own(&pair)), ("Claiming", taken), "it keeps what it serves, and no more");
    let (by, ack) = pair.ask(&Client::new(1).rebinding(held)).expect("an answer while it claims");
    assert_eq!((by, ack.kind(), ack.yiaddr), (P, Some(kind::ACK), held));
    pair.until(60, |pair| pair.state(P) == "Serving");
    assert_eq!(pair.times_since(P, Kind::CtlReq, cut).len(), 2);
    pair.start(F);
    pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
    pair.run(5);
    pair.assert_equal();
    waited
}

/// WaitSyncBindUpdateSecs of a primary in Receiving (section 6): nothing for so long: it asks for control again, and
/// goes on serving the subnets that came.
#[test]
fn wait_sync_bind_update_secs_in_a_return_makes_the_primary_ask_again_and_keep_what_it_serves() {
    for (line, millis) in [("WaitSyncBindUpdateSecs = 4", 4000), ("WaitSyncBindUpdateSecs =", 10_000)] {
        let waited = stalls(&PairSetup::new().primary(line));
        assert!((millis - 50..=millis).contains(&waited), "{line}: {waited} ms");
    }
}
/// Subnets of one link: more than move at once.
const SUBNETS: u8 = 20;

/// Section 6: subnets of one link move one after the other. A client whose own has not come yet is not told that its
/// address is wrong because another subnet of its link has come, nor given a second one there.
#[test]
fn no_client_is_refused_while_a_subnet_of_its_link_is_on_its_way() {
    let subnet = |third| {
        format!("[Subnet 10.1.{third}.0/24]\nSharedNetwork = floor\nRange = 10.1.{third}.50 - 10.1.{third}.51\n")
    };
    let mut pair = Pair::settled(&PairSetup::new().subnets(&(0..SUBNETS).map(subnet).collect::<String>()));
    let clients: Vec<_> = (1..=u16::from(SUBNETS))
        .map(|number| {
            let client = Client::new(number);
            let address = pair.lease(&client).expect("a lease").1.yiaddr;
            (client, address)
        })
        .collect();
    pair.run(1);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    for (client, address) in &clients {
        assert!(pair.ask(&client.rebinding(*address)).is_some());
    }
    pair.wires.way(P, F).delay = Duration::from_millis(5);
    pair.wires.way(F, P).delay = Duration::from_millis(5);
    pair.start(P);
    let (before, limit) = (pair.replies.len(), pair.within(30));
    let mut half_way = 0;
    while pair.states() != ["Serving", "Asleep"] {
        let on_link = (0..SUBNETS).map(network).filter(|&subnet| pair.serves(P, subnet)).count();
        half_way += u32::from(on_link > 0 && on_link < usize::from(SUBNETS));
        for (client, address) in &clients {
            pair.broadcast(&client.init_reboot(*address));
            pair.broadcast(&client.rebinding(*address));
        }
        assert!(pair.step(limit));
    }
    pair.run(1);
    assert!(half_way > 0, "a return in steps");
    let refused = pair.replies[before..].iter().filter(|(_, _, reply)| reply.kind() == Some(kind::NAK)).count();
    assert_eq!((refused, pair.double), (0, 0));
    assert_eq!(pair.table(P).len(), clients.len());
    for (client, address) in &clients {
        let (server, ack) = pair.ask(&client.rebinding(*address)).expect("an answer");
        assert_eq!((server, ack.kind(), ack.yiaddr), (P, Some(kind::ACK), *address));
    }
}

fn network(third: u8) -> Network {
    Network { address: Ipv4Addr::new(10, 1, third, 0), prefix: 24 }
}
