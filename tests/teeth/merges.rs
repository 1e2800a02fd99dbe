//! Two versions of a binding become one (section 5, merge).

use std::time::Duration;

use understudy::rules::Rule;

use crate::scene::{Scene, promise, scarce, shared};
use crate::support::pair::{F, P};
use crate::support::{Client, ip, kind};
use crate::table::{Finding, missed};

const ADDRESS: &str = "10.1.0.50";

/// The primary leases its address while the failover finds somebody there and sets it aside.
#[test]
fn without_the_merge_by_kinds_a_lease_is_lost_to_an_address_set_aside() {
    missed(Rule::MergeByKinds, || {
        let mut scene = Scene::settled(&scarce().primary("StrictShares = False").policy("DefaultLease = 3600"));
        scene.part();
        let client = Client::new(1);
        let address = scene.must_lease(P, &client);
        scene.pair.echoes.push(address);
        assert!(scene.lease(F, &Client::new(2)).is_none(), "somebody answers the ping");
        assert!(scene.record(F, address).is_some(), "set aside");
        scene.heal();
        let reply = scene.answer(P, &client.rebinding(address));
        promise(reply.is_some_and(|reply| reply.kind() == Some(kind::ACK)), "a running lease is not renewed")
    });
}

/// Both renew; the shorter renewal is the newer one, and its ACK is lost.
#[test]
fn without_the_later_end_a_lease_is_given_to_another_before_it_is_over() {
    missed(Rule::LaterEnd, || {
        let mut scene = Scene::settled(&scarce());
        let client = Client::new(1);
        let address = scene.must_lease(P, &client);
        scene.pair.run(1);
        scene.part();
        let _ = scene.answer(P, &client.rebinding(address).for_secs(3600)).expect("an ACK");
        scene.pair.run(1);
        let _ = scene.answer(F, &client.rebinding(address).for_secs(60)).expect("an ACK");
        scene.lose_last_reply();
        scene.heal();
        scene.pair.run(100);
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

/// Two clients got one address, unsettled; the one whose lease is shorter is the newer.
#[test]
fn without_the_bar_the_loser_of_a_merge_shares_its_address_with_a_third() {
    missed(Rule::Bar, || {
        let mut scene = Scene::settled(&scarce().primary("StrictShares = False"));
        scene.part();
        let first = Client::new(1);
        let offer = scene.answer(P, &first.discover()).expect("an offer");
        let _ = scene.answer(P, &first.selecting(&offer).for_secs(3600)).expect("an ACK");
        scene.pair.run(1);
        assert_eq!(scene.must_lease(F, &Client::new(2)), ip(ADDRESS), "nobody answers the ping");
        scene.heal();
        scene.pair.run(100);
        promise(scene.lease(P, &Client::new(3)).is_none(), "a third client has the address of the first")
    });
}

#[test]
fn without_the_check_for_something_new_both_servers_rewrite_for_ever() {
    missed(Rule::WriteOnlyNew, || {
        let mut scene = Scene::settled(&shared());
        // On a long way what both write crosses.
        for (from, to) in [(P, F), (F, P)] {
            scene.pair.wires.way(from, to).delay = Duration::from_millis(200);
        }
        let clients = [1, 2].map(Client::new);
        let held = clients.each_ref().map(|client| scene.must_lease(P, client));
        scene.pair.run(1);
        scene.part();
        for (client, address) in clients.iter().zip(held) {
            for host in [P, F] {
                let _ = scene.answer(host, &client.rebinding(address)).expect("an ACK");
            }
        }
        scene.heal();
        scene.pair.run(20);
        let stamps = |scene: &Scene| [P, F].map(|host| scene.pair.engine(host).server().bindings().stamps().last());
        let before = stamps(&scene);
        scene.pair.run(200);
        promise(stamps(&scene) == before, "long after the heal changes are written still")
    });
}

/// A client asks for less than it had, and misses the ACK that says so.
fn shortened() -> Finding {
    let mut scene = Scene::settled(&scarce());
    let client = Client::new(1);
    let offer = scene.answer(P, &client.discover()).expect("an offer");
    let ack = scene.answer(P, &client.selecting(&offer).for_secs(3600)).expect("an ACK");
    scene.pair.run(1);
    let _ = scene.answer(P, &client.rebinding(ack.yiaddr).for_secs(30)).expect("an ACK");
    scene.lose_last_reply();
    scene.pair.run_for(Duration::from_secs(60));
    let _ = scene.lease(P, &Client::new(2));
    scene.one_holder_each()
}

#[test]
fn with_ends_that_go_down_a_lease_is_given_to_another_before_it_is_over() {
    missed(Rule::EndStands, shortened);
}

/// A client gives its address back to the failover, which knows of its lease by the primary.
#[test]
fn with_every_change_taken_for_concurrent_an_address_that_was_given_back_stays_taken() {
    missed(Rule::Concurrent, || {
        let mut scene = Scene::settled(&scarce().policy("DefaultLease = 3600"));
        let client = Client::new(1);
        let address = scene.must_lease(P, &client);
        scene.pair.run(1);
        scene.take_over();
        let ack = scene.answer(F, &client.rebinding(address)).expect("an ACK");
        scene.release(F, &client, &ack);
        scene.pair.start(P);
        scene.pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        scene.pair.run(60);
        promise(scene.lease(P, &Client::new(2)).is_some(), "nobody gets an address that was given back")
    });
}
