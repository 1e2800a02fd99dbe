//! Disks that were lost or went back, and what is held of the partner (section 5).

use std::time::Duration;

use understudy::rules::Rule;
use understudy::wire::failover::Kind;

use crate::scene::{Scene, promise, shared};
use crate::support::Client;
use crate::support::disk::{Fate, SimDisk};
use crate::support::pair::{F, P};
use crate::support::pair_setup::PairSetup;
use crate::table::{Finding, missed};

/// A primary whose disk was lost after it gave leases, and that comes back.
fn lost_disk() -> Scene {
    let mut scene = Scene::settled(&PairSetup::new());
    scene.pair.lease_all(1..6);
    scene.pair.run(1);
    scene.pair.power_off(P);
    scene.pair.hosts[P].disk = SimDisk::new(33);
    scene.pair.start(P);
    scene
}

fn gives_what_the_disk_lost() -> Finding {
    let mut scene = lost_disk();
    scene.pair.until(60, |pair| pair.state(P) == "Serving");
    for number in 11..16 {
        let _ = scene.lease(P, &Client::new(number));
    }
    scene.one_holder_each()
}

#[test]
fn without_complete_a_primary_that_lost_its_disk_gives_its_leases_to_others() {
    missed(Rule::Complete, gives_what_the_disk_lost);
}

#[test]
fn with_a_copy_of_the_failovers_own_changes_a_primary_that_lost_its_disk_gives_its_leases_to_others() {
    missed(Rule::AnyOrigin, gives_what_the_disk_lost);
}

#[test]
fn without_a_look_at_the_partners_have_an_older_copy_of_the_disk_gives_its_leases_to_others() {
    missed(Rule::OlderCopy, || {
        let mut scene = Scene::settled(&PairSetup::new());
        scene.must_lease(P, &Client::new(1));
        scene.pair.run(1);
        let older = scene.pair.hosts[P].disk.fork();
        scene.pair.lease_all(2..6);
        scene.pair.run(1);
        scene.pair.kill(P);
        older.power_cut(Fate::Kept);
        scene.pair.hosts[P].disk = older;
        scene.pair.start(P);
        scene.pair.until(60, |pair| pair.state(P) == "Serving");
        for number in 11..16 {
            let _ = scene.lease(P, &Client::new(number));
        }
        scene.one_holder_each()
    });
}

#[test]
fn with_have_kept_for_another_database_a_primary_that_lost_its_disk_never_serves_again() {
    missed(Rule::NewDatabase, || {
        let mut scene = lost_disk();
        scene.pair.run(5);
        let states = scene.pair.states().join(" ");
        promise(states == "Serving Asleep", &format!("5 s after the start on a replaced disk: {states}"))
    });
}

/// The failover dies when a part of a record has come.
#[test]
fn with_have_ahead_of_the_records_a_change_is_lost_for_good() {
    missed(Rule::HaveBehindRecords, || {
        let mut scene = Scene::settled(&PairSetup::new().both("SyncBindingBufSize = 64"));
        scene.pair.wires.way(P, F).delay = Duration::from_millis(500);
        scene.must_lease(P, &Client::new(1).identified(b"a name that makes the record two pieces"));
        let acks = scene.pair.times(F, Kind::BindAck).len();
        scene.pair.until(10, |pair| pair.times(F, Kind::BindAck).len() > acks);
        scene.pair.kill(F);
        scene.pair.start(F);
        scene.pair.run(60);
        scene.equal()
    });
}

#[test]
fn owners_of_a_settled_pair_are_what_the_scenes_take_them_for() {
    let scene = Scene::settled(&shared());
    for host in [P, F] {
        let shares = scene.pair.engine(host).server().bindings().shares();
        let failovers = shares.iter().map(|run| (run.first.octets()[3], run.last.octets()[3])).collect::<Vec<_>>();
        assert_eq!(failovers, [(52, 53)], "host {host}");
    }
}
