//! Servers whose clocks differ (section 9).

use std::time::Duration;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_clients::Holders;
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, code, log_lines};

/// Section 9: liveness uses the monotonic clock alone: an hour's difference changes no state, and both tables agree.
#[test]
fn an_hour_between_the_clocks_changes_no_state() {
    for offset in [3_600_000, -3_600_000] {
        let mut pair = Pair::new(&PairSetup::new());
        pair.hosts[F].clock_offset = offset;
        pair.start_new(P);
        pair.start_new(F);
        pair.run(20);
        pair.lease_all(1..11);
        for _ in 0..300 {
            pair.run(1);
            assert!(matches!(pair.state(F), "Asleep" | "Probing"));
        }
        pair.assert_equal();
        pair.power_off(P);
        pair.until(30, |pair| pair.state(F) == "Active");
        let address = pair.table(F).len();
        assert_eq!(address, 10);
        pair.start(P);
        pair.until(30, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(20);
        pair.assert_equal();
        assert_eq!(pair.double, 0);
    }
}

const HOUR: i64 = 3_600_000;
/// Leases of the clients: each renews at half of it.
const LEASE: u64 = 3600;

/// A pair with clients on both interfaces that has been in contact for a while.
fn with_holders() -> (Pair, Holders) {
    let mut pair = Pair::settled(&PairSetup::new());
    let mut holders = Holders::default();
    holders.join(&mut pair, 1..13);
    pair.run(12);
    (pair, holders)
}

/// For so long each client renews when half of its lease is over.
fn live(pair: &mut Pair, holders: &mut Holders, secs: u64) {
    let pause = LEASE * 1000 / 2 / holders.all.len() as u64;
    holders.renew_for(pair, Duration::from_secs(secs), Duration::from_millis(pause));
}

/// What was said of clocks, once each.
fn warnings() -> Vec<String> {
    let lines = log_lines::lines().into_iter().filter(|line| line.0 == log::Level::Warn && line.1.contains("clock"));
    lines.map(|line| line.1).collect()
}

/// Section 9, section 11: the wall clock of either server is set by an hour: leases are neither shortened nor lost, no
/// state changes; both are told of it, one as it happens, the other each minute that the two differ.
#[test]
fn a_wall_clock_that_is_set_by_an_hour_in_contact_costs_no_lease() {
    for (host, offset) in [(P, HOUR), (P, -HOUR), (F, HOUR), (F, -HOUR)] {
        log_lines::collect();
        let (mut pair, mut holders) = with_holders();
        assert_eq!(warnings(), [] as [String; 0]);
        pair.hosts[host].clock_offset = offset;
        let from = pair.elapsed();
        live(&mut pair, &mut holders, 2 * LEASE);
        assert!(matches!(pair.state(F), "Asleep" | "Probing") && pair.state(P) == "Serving");
        pair.assert_equal();
        holders.check(&pair, from);
        let lengths = pair.replies.iter().filter(|reply| reply.0 >= from).map(|reply| reply.2.get(code::LEASE));
        assert!(lengths.flatten().all(|secs| u64::from(u32::from_be_bytes(secs.try_into().expect("4"))) >= LEASE));
        let said = warnings();
        let of_step = said.iter().filter(|line| line.contains("followed slowly, 1 s in 10")).count();
        assert_eq!(of_step, 1, "{said:?}");
        let of_offset = said.iter().filter(|line| line.contains("MaxClockSkewSecs")).count();
        assert!((150..=240).contains(&of_offset), "each minute on both sides: {of_offset} in {said:?}");
        // An address that ended waits as long as the two differ, and nobody else's lease is touched.
        pair.power_off(P);
        pair.until(60, |pair| pair.state(F) == "Active");
        holders.all_renew(&mut pair, (F, &[1, 2]));
        holders.check(&pair, from);
    }
}

/// The same out of contact, with both serving: nobody is refused or gets another's address, then or at the heal.
#[test]
fn a_wall_clock_that_is_set_by_an_hour_out_of_contact_costs_no_lease() {
    for (host, offset) in [(P, HOUR), (P, -HOUR), (F, HOUR), (F, -HOUR)] {
        let (mut pair, mut holders) = with_holders();
        pair.wires.cut(P, F);
        pair.until(60, |pair| pair.state(F) == "Active");
        pair.hosts[host].clock_offset = offset;
        live(&mut pair, &mut holders, LEASE / 2);
        pair.lease_all(100..110);
        live(&mut pair, &mut holders, LEASE);
        pair.wires.mend(P, F);
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(15);
        let healed = pair.elapsed();
        holders.all_renew(&mut pair, (P, &[1, 2]));
        pair.run(1);
        pair.assert_equal();
        holders.check(&pair, healed);
    }
}

/// Section 9: a server that starts with its wall clock an hour off, beside a partner that runs, takes the partner's
/// lease clock: its clients' leases are as they were.
#[test]
fn a_server_that_starts_with_its_wall_clock_an_hour_off_takes_the_clock_of_a_partner_that_runs() {
    for (host, offset) in [(P, HOUR), (P, -HOUR), (F, HOUR), (F, -HOUR)] {
        for is_replaced in [false, true] {
            let (mut pair, mut holders) = with_holders();
            let from = pair.elapsed();
            pair.kill(host);
            if is_replaced && host == P {
                pair.until(60, |pair| pair.state(F) == "Active");
                live(&mut pair, &mut holders, 600);
            }
            pair.hosts[host].clock_offset = offset;
            pair.start(host);
            pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
            pair.run(12);
            let apart = pair.clock_offset(P).unsigned_abs();
            assert!(apart < 5_000, "{apart} ms apart, {host} set by {offset}, replaced {is_replaced}");
            holders.all_renew(&mut pair, (P, &[1, 2]));
            let new = pair.lease(&Client::new(50)).expect("a new client");
            assert!(holders.all.iter().all(|holder| holder.1 != new.1.yiaddr));
            live(&mut pair, &mut holders, LEASE);
            holders.check(&pair, from);
            pair.assert_equal();
        }
    }
}

/// Section 9: a primary that starts alone with a clock an hour behind goes by its newest record, and says
/// so; its clients keep what they have.
#[test]
fn a_primary_that_starts_alone_an_hour_behind_goes_by_its_journal() {
    log_lines::collect();
    let (mut pair, mut holders) = with_holders();
    let from = pair.elapsed();
    pair.power_off(F);
    pair.kill(P);
    pair.hosts[P].clock_offset = -HOUR;
    pair.start(P);
    pair.until(60, |pair| pair.state(P) == "Serving");
    let said = warnings();
    assert!(said.iter().any(|line| line.contains("behind the newest lease record")), "{said:?}");
    holders.all_renew(&mut pair, (P, &[1, 2]));
    live(&mut pair, &mut holders, LEASE);
    pair.start(F);
    pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
    holders.all_renew(&mut pair, (P, &[1, 2]));
    pair.run(2);
    pair.assert_equal();
    holders.check(&pair, from);
}
