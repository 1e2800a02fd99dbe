//! The clock that leases go by (section 9).

use understudy::rules::Rule;

use crate::scene::{Scene, promise, scarce};
use crate::support::pair::{F, P};
use crate::support::{Client, kind};
use crate::table::missed;

/// Somebody sets the clocks of both servers two hours ahead.
#[test]
fn with_the_systems_clock_a_step_gives_a_running_lease_to_another() {
    missed(Rule::LeaseClock, || {
        let mut scene = Scene::settled(&scarce().policy("DefaultLease = 3600"));
        scene.must_lease(P, &Client::new(1));
        scene.pair.run(1);
        for host in [P, F] {
            scene.pair.hosts[host].clock_offset += 7_200_000;
        }
        scene.pair.run(60);
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

/// A primary that is started alone with a clock two hours slow, and later, with its failover, by the right one.
#[test]
fn with_a_clock_under_the_journal_a_running_lease_is_given_to_another() {
    missed(Rule::ClockFloor, || {
        let mut scene = Scene::settled(&scarce());
        let client = Client::new(1);
        let address = scene.must_lease(P, &client);
        scene.pair.run(1);
        scene.pair.kill(F);
        restart(&mut scene, -7_200_000);
        scene.pair.until(60, |pair| pair.state(P) == "Serving");
        for _ in 0..5 {
            scene.pair.run(20);
            let _ = scene.answer(P, &client.rebinding(address)).expect("an ACK");
        }
        restart(&mut scene, 0);
        scene.pair.start(F);
        scene.pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        scene.pair.run(1);
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}

/// A primary that is started with a clock two hours slow while its failover serves: what it grants has ended before it
/// begins, by the clock of the failover, which takes over later.
#[test]
fn with_a_clock_of_its_own_a_server_grants_what_has_ended_for_its_partner() {
    missed(Rule::PartnersClock, || {
        let mut scene = Scene::settled(&scarce());
        scene.take_over();
        restart(&mut scene, -7_200_000);
        scene.pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        scene.pair.run(5);
        let client = Client::new(1);
        let address = scene.must_lease(P, &client);
        scene.pair.run(1);
        scene.take_over();
        let reply = scene.answer(F, &client.rebinding(address));
        promise(reply.is_some_and(|reply| reply.kind() == Some(kind::ACK)), "a running lease is not renewed")
    });
}

/// The primary's process ends, and another is started by a clock that is off by so many milliseconds.
fn restart(scene: &mut Scene, offset: i64) {
    scene.pair.kill(P);
    scene.pair.hosts[P].clock_offset = offset;
    scene.pair.start(P);
}
