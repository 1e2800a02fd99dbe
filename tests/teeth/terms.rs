//! The clock that leases go by (section 9).

use understudy::rules::Rule;

use crate::scene::{Scene, scarce};
use crate::support::Client;
use crate::support::pair::{F, P};
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

/// A primary whose clock is two hours slow at a start, and right at the next.
#[test]
fn with_a_clock_under_the_journal_a_running_lease_is_given_to_another() {
    missed(Rule::ClockFloor, || {
        let mut scene = Scene::settled(&scarce());
        let client = Client::new(1);
        let address = scene.must_lease(P, &client);
        scene.pair.run(1);
        let restart = |scene: &mut Scene, offset| {
            scene.pair.kill(P);
            scene.pair.hosts[P].clock_offset = offset;
            scene.pair.start(P);
            scene.pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        };
        restart(&mut scene, -7_200_000);
        for _ in 0..5 {
            scene.pair.run(20);
            let _ = scene.answer(P, &client.rebinding(address)).expect("an ACK");
        }
        restart(&mut scene, 0);
        scene.pair.run(1);
        let _ = scene.lease(P, &Client::new(2));
        scene.one_holder_each()
    });
}
