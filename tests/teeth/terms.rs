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
