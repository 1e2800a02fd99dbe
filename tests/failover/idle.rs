//! A server with nothing to do sleeps: after each turn the next one lies ahead (section 10, invariant 9).

use understudy::wire::failover::Kind;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;

/// Turns, one behind the other and without input, that may each ask for another at once: a stream that is being filled,
/// addresses that are counted and given.
const HOT_MAX: u64 = 8;
/// Turns of a server in a second that nobody asks anything.
const TURNS_A_SECOND: u64 = 150;

/// Lets 20 s pass in which nobody asks anything, and asserts that no server spins.
fn assert_idle(pair: &mut Pair, place: &str) {
    pair.hosts.iter_mut().for_each(|host| host.hot = (0, 0));
    let before: Vec<u64> = pair.hosts.iter().map(|host| host.turns).collect();
    let from = pair.states();
    pair.run(20);
    for (index, host) in pair.hosts.iter().enumerate() {
        let turns = host.turns - before[index];
        let hot = host.hot.1;
        assert!(hot <= HOT_MAX, "{place}: {hot} turns at once of server {index}, from {from:?} to {:?}", pair.states());
        assert!(turns <= 20 * TURNS_A_SECOND, "{place}: {turns} turns of server {index}, {from:?}");
    }
}

/// A pair with leases, of which the failover serves.
fn taken_over(setup: &PairSetup) -> Pair {
    let mut pair = Pair::settled(setup);
    pair.lease_all(1..16);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.lease_all(10..26);
    pair
}

/// Each state of each side, with a partner that is well, that is gone, and that stands still.
#[test]
fn after_a_turn_without_work_the_next_one_lies_ahead_in_every_state() {
    let setup = PairSetup::new();
    assert_idle(&mut Pair::settled(&setup), "at rest");
    let mut alone = Pair::new(&setup);
    alone.start_new(P);
    assert_idle(&mut alone, "a primary alone");
    let mut alone = Pair::new(&setup.clone().failover("WaitSyncStartSecs = 0"));
    alone.start_new(F);
    assert_idle(&mut alone, "a failover alone");
    assert_idle(&mut taken_over(&setup), "taken over");
    for host in [P, F] {
        let mut pair = Pair::settled(&setup);
        pair.lease_all(1..16);
        pair.freeze(host);
        assert_idle(&mut pair, "a partner that stands still");
        pair.thaw(host);
        assert_idle(&mut pair, "and goes on");
    }
    let mut pair = Pair::new(&setup);
    pair.start_new(P);
    pair.until(60, |pair| pair.state(P) == "Serving");
    pair.lease_all(1..16);
    pair.wires.way(P, F).loses = Some(Kind::BindUpdate);
    pair.start_new(F);
    pair.until(5, |pair| pair.state(F) == "Syncing");
    assert_idle(&mut pair, "a sync whose updates stay away");
    let mut pair = Pair::settled(&setup);
    let _ = pair.control(F, "takeover dhcp1");
    assert_idle(&mut pair, "a drill");
    pair.kill(P);
    assert_idle(&mut pair, "a drill whose primary is gone");
}

/// The same in the middle of a return that stands still, at each of its steps.
#[test]
fn a_return_that_stands_still_costs_no_turns() {
    for count in (1..30).step_by(3) {
        for host in [P, F] {
            let mut pair = taken_over(&PairSetup::new().both("SyncBindingBufSize = 64"));
            pair.start(P);
            let (sent, limit) = (pair.sent.len(), pair.within(30));
            while pair.sent.len() < sent + count && pair.step(limit) {}
            if count % 2 == 0 {
                pair.freeze(host)
            } else {
                pair.wires.way(host, 1 - host).cut = true
            }
            assert_idle(&mut pair, &format!("server {host} at datagram {count}"));
        }
    }
}
