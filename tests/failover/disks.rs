//! Disks that are lost or go back in time (section 5: identity, full copy).

use std::time::Duration;

use understudy::lease::record::Complete;

use crate::support::disk::SimDisk;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, ip};

fn database(pair: &Pair, host: usize) -> [u8; 16] {
    pair.engine(host).server().failover().database().id()
}

/// A pair of which both made changes, with leases of both in both tables.
fn with_grants_of_both() -> Pair {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.lease_all(1..21);
    pair.run(1);
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.lease_all(15..26);
    pair.start(P);
    pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
    pair.run(2);
    pair.assert_equal();
    pair
}

/// Runs until the primary serves; asserts that it knew all leases before its first turn of service.
fn serves_only_with_all(pair: &mut Pair, leases: usize) {
    let limit = pair.within(60);
    while pair.state(P) != "Serving" {
        assert!(pair.step(limit), "it never served: {:?}", pair.states());
        let any = pair.hosts[P].config.subnets.iter().any(|subnet| pair.serves(P, subnet.network));
        assert!(!any || pair.table(P).len() == leases, "it serves with {} of {leases}", pair.table(P).len());
    }
    assert_eq!(pair.table(P).len(), leases, "it serves before all is back");
}

/// Section 5, full copy: a primary that lost its disk gets everything back, its own grants too, before it serves.
#[test]
fn a_primary_that_lost_its_disk_gets_everything_back_before_it_serves() {
    let mut pair = with_grants_of_both();
    let before = pair.table(F);
    let former = database(&pair, P);
    pair.power_off(P);
    pair.hosts[P].disk = SimDisk::new(33);
    pair.start(P);
    serves_only_with_all(&mut pair, before.len());
    pair.run(30);
    assert!(pair.table(P) == before, "its own grants, as they stood");
    pair.assert_equal();
    assert_ne!(database(&pair, P), former);
    assert_eq!((pair.states().join(" "), pair.double), ("Serving Asleep".to_owned(), 0));
}

/// The same where the failover never made a change of its own, asleep or serving.
#[test]
fn a_primary_whose_grants_alone_were_lost_gets_them_back_before_it_serves() {
    for is_active in [false, true] {
        let mut pair = Pair::settled(&PairSetup::new().both("SyncBindingBufSize = 64"));
        pair.lease_all(1..21);
        pair.run(1);
        pair.power_off(P);
        if is_active {
            pair.until(60, |pair| pair.state(F) == "Active");
        }
        let before = pair.table(F);
        pair.hosts[P].disk = SimDisk::new(33);
        pair.start(P);
        serves_only_with_all(&mut pair, before.len());
        pair.run(30);
        assert!(pair.table(P) == before, "its own grants, as they stood");
        pair.assert_equal();
        assert_eq!(pair.double, 0);
    }
}

/// Section 6, Claiming: a CtlRet is an answer: the primary waits for the changes that follow it, however many, and does
/// not serve without them after CtlReqRetryMax.
#[test]
fn a_primary_in_contact_waits_for_all_changes_before_it_serves() {
    let wide = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.20 - 10.1.0.219\n";
    let setup = PairSetup::new().both("SyncBindingBufSize = 64").subnets(wide);
    let mut pair = Pair::settled(&setup.primary("CtlReqRetryMax = 1").primary("WaitCtlRetSecs = 2"));
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.lease_all(1..151);
    pair.kill(F);
    for (from, to) in [(P, F), (F, P)] {
        pair.wires.way(from, to).delay = Duration::from_millis(600);
    }
    pair.start(P);
    pair.start(F);
    serves_only_with_all(&mut pair, 150);
    pair.run(30);
    pair.assert_equal();
}

/// The same while the failover serves.
#[test]
fn a_primary_that_lost_its_disk_gets_everything_back_from_a_failover_that_serves() {
    let mut pair = with_grants_of_both();
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    pair.lease_all(1..6);
    let before = pair.table(F);
    pair.hosts[P].disk = SimDisk::new(33);
    pair.start(P);
    serves_only_with_all(&mut pair, before.len());
    pair.run(30);
    pair.assert_equal();
    assert!(pair.table(P) == before);
    assert_eq!(pair.double, 0);
}

/// Section 5, full copy: a failover that lost its disk gets everything back, while the primary serves.
#[test]
fn a_failover_that_lost_its_disk_gets_everything_back() {
    let mut pair = with_grants_of_both();
    let before = pair.table(P);
    pair.power_off(F);
    pair.hosts[F].disk = SimDisk::new(34);
    pair.start(F);
    pair.run(15);
    assert!(pair.table(F) == before, "{} of {}", pair.table(F).len(), before.len());
    pair.assert_equal();
    assert_eq!((pair.states().join(" "), pair.double), ("Serving Asleep".to_owned(), 0));
    let ours = pair.lease(&Client::new(3)).expect("an address").1;
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    let (server, ack) = pair.lease(&Client::new(3)).expect("its address");
    assert_eq!((server, ack.yiaddr), (F, ours.yiaddr));
}

/// Section 5, identity: a server whose disk went back in time takes new ids and gets everything back.
#[test]
fn an_older_copy_of_the_disk_gets_new_ids_and_everything_back() {
    for host in [P, F] {
        let mut pair = Pair::settled(&PairSetup::new());
        pair.lease_all(1..11);
        pair.run(1);
        let older = pair.hosts[host].disk.fork();
        let (former, boot) = (database(&pair, host), pair.engine(host).boot());
        pair.power_off(P);
        pair.until(60, |pair| pair.state(F) == "Active");
        pair.lease_all(5..21);
        pair.start(P);
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.lease_all(18..31);
        pair.run(2);
        pair.assert_equal();
        let before = pair.table(P);
        pair.kill(host);
        older.power_cut(crate::support::disk::Fate::Kept);
        pair.hosts[host].disk = older;
        pair.start(host);
        pair.run(60);
        assert_eq!(pair.states(), ["Serving", "Asleep"], "host {host}");
        assert_ne!(database(&pair, host), former, "host {host}");
        assert_ne!(pair.engine(host).boot(), boot);
        pair.assert_equal();
        assert!(pair.table(P) == before, "host {host}: nothing is lost");
        assert_eq!(pair.double, 0);
    }
}

/// Section 11: a brand-new pair with one of them missing serves, and the other one gets all later.
#[test]
fn a_brand_new_pair_serves_with_one_of_them_missing() {
    for (first, second) in [(P, F), (F, P)] {
        let mut pair = Pair::new(&PairSetup::new());
        pair.start_new(first);
        pair.until(120, |pair| matches!(pair.state(first), "Serving" | "Active"));
        pair.lease_all(1..11);
        pair.start_new(second);
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(5);
        pair.assert_equal();
        assert_eq!((pair.table(P).len(), pair.double), (10, 0));
    }
}

/// Section 11: both start together after a power cut, in either order.
#[test]
fn both_start_together_after_a_power_cut() {
    for order in [[P, F], [F, P]] {
        let mut pair = with_grants_of_both();
        let before = pair.table(P);
        order.iter().for_each(|&host| pair.power_off(host));
        pair.run(100);
        order.iter().for_each(|&host| pair.start(host));
        pair.until(5, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(1);
        assert!(pair.table(P) == before);
        pair.assert_equal();
        assert_eq!(pair.double, 0);
    }
}

/// Section 7, rule 9: a replaced database out of contact gives after a ping, with StrictShares too, and as ever once
/// DefaultLease has passed.
#[test]
fn a_replaced_database_alone_pings_until_the_leases_that_it_may_have_lost_are_over() {
    let setup = PairSetup::new().policy("DefaultLease = 600").primary("StrictShares = True");
    let mut pair = Pair::settled(&setup);
    pair.lease_all(1..6);
    pair.power_off(F);
    pair.power_off(P);
    pair.hosts[P].disk = SimDisk::new(33);
    pair.start(P);
    pair.until(60, |pair| pair.state(P) == "Serving");
    pair.echoes.extend((50..55).map(|octet| ip(&format!("10.1.0.{octet}"))));
    let began = pair.elapsed();
    let (_, reply) = pair.lease(&Client::new(11)).expect("a new client is served");
    assert!(pair.elapsed() - began >= Duration::from_millis(100), "not without the ping");
    assert!(!pair.echoes.contains(&reply.yiaddr), "somebody has it");
    pair.echoes.clear();
    pair.run(600);
    let began = pair.elapsed();
    assert!(pair.lease(&Client::new(12)).is_some());
    assert!(pair.elapsed() - began < Duration::from_millis(100), "nobody can still hold what was lost");
}

/// Section 5: a primary that lost its disk, alone, sets an address aside that somebody uses. Its failover, which has
/// the lease, comes back before the copy of it is there: the primary made that change without knowing of the lease, so
/// that the lease stands.
#[test]
fn a_lease_of_the_lost_disk_is_not_lost_to_an_address_set_aside_before_the_copy() {
    let one = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";
    let (client, other) = (Client::new(1), Client::new(2));
    for seed in 0..40 {
        let mut pair = Pair::settled(&PairSetup::new().subnets(one));
        let held = pair.lease(&client).expect("a lease").1.yiaddr;
        pair.run(5);
        pair.power_off(F);
        pair.power_off(P);
        pair.hosts[P].disk = SimDisk::new(33);
        pair.start(P);
        pair.until(60, |pair| pair.state(P) == "Serving");
        pair.echoes.push(held);
        assert!(pair.lease(&other).is_none());
        // What goes first is a matter of what is lost.
        let lose = |pair: &mut Pair, loss| {
            for (from, to) in [(P, F), (F, P)] {
                let way = pair.wires.way(from, to);
                (way.loss, way.jitter) = (loss, Duration::from_millis(seed));
            }
        };
        lose(&mut pair, 30);
        pair.start(F);
        pair.run(3);
        lose(&mut pair, 0);
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(15);
        pair.assert_equal();
        let (_, ack) = pair.ask(&client.rebinding(held)).expect("an answer");
        assert_eq!(ack.yiaddr, held, "{seed}");
    }
}

/// Section 5, identity: a server that was set back while it was cut off serves; from the moment at which the partner
/// proves it, it is silent until the full copy is here.
#[test]
fn a_server_set_back_in_time_is_silent_from_the_proof_of_it_until_the_full_copy() {
    for host in [P, F] {
        let mut pair = Pair::settled(&PairSetup::new().both("SyncBindingBufSize = 64"));
        pair.lease_all(1..6);
        pair.run(1);
        let older = pair.hosts[host].disk.fork();
        pair.lease_all(6..16);
        if host == F {
            // So that there are changes of its own to lose.
            pair.power_off(P);
            pair.until(60, |pair| pair.state(F) == "Active");
        }
        pair.lease_all(16..21);
        if host == F {
            pair.start(P);
            pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        }
        pair.run(5);
        pair.kill(host);
        older.power_cut(crate::support::disk::Fate::Kept);
        pair.hosts[host].disk = older;
        pair.wires.cut(P, F);
        pair.start(host);
        pair.until(200, |pair| matches!(pair.state(host), "Serving" | "Active"));
        let former = database(&pair, host);
        pair.wires.mend(P, F);
        pair.wires.way(P, F).delay = Duration::from_millis(50);
        pair.wires.way(F, P).delay = Duration::from_millis(50);
        let limit = pair.within(120);
        let mut silent = 0;
        while pair.states() != ["Serving", "Asleep"] || database(&pair, host) == former {
            assert!(pair.step(limit), "host {host}: {:?}", pair.states());
            let is_complete = pair.engine(host).server().failover().database().complete() == Complete::Yes;
            if database(&pair, host) != former && !is_complete {
                silent += 1;
                let any = pair.hosts[host].config.subnets.iter().any(|subnet| pair.serves(host, subnet.network));
                assert!(!any, "host {host} serves before it has the copy: {:?}", pair.states());
            }
        }
        assert!(silent > 0, "host {host}: no full copy was needed");
        pair.run(10);
        assert_eq!(pair.table(host).len(), 20);
        pair.assert_equal();
    }
}
