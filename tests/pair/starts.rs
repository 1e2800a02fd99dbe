//! How a pair begins: in either order, together, with one that is missing or out of reach.

use std::time::{Duration, Instant};

use crate::duo::{CLIENTS, Duo, FAILOVER, PRIMARY, Rule, SLACK, Setup, Traffic, live, secs};
use crate::rig::Stage;

/// White paper figure 2, and a brand-new pair whose failover is missing: the primary serves alone once its requests for
/// control stay unanswered, and the failover gets everything when it comes.
#[test]
fn a_new_primary_serves_alone_and_the_failover_that_comes_later_knows_all() {
    let Some(stage) = Stage::set("primary-first", &[]) else { return };
    let duo = Duo::new(&stage, Setup::default());
    duo.primary.create();
    duo.failover.create();
    let started = Instant::now();
    duo.primary.launch();
    let crowd = duo.crowd();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    let first = duo.observer.first_of(PRIMARY, started, SLACK).expect("the primary serves");
    duo.primary.wait_for_state("Serving");
    duo.failover.launch();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("primary first", &[("first_ack_s", secs(first.at - started))]);
}

/// White paper figure 2, the other order: the failover finds nobody, and gives control to the primary that comes.
#[test]
fn a_new_failover_that_started_first_gives_control_to_the_primary() {
    let Some(stage) = Stage::set("failover-first", &[]) else { return };
    let duo = Duo::new(&stage, Setup::default());
    duo.primary.create();
    duo.failover.create();
    duo.failover.launch();
    duo.wait_for_takeover();
    let started = Instant::now();
    duo.primary.launch();
    duo.wait_for_rest();
    let rest = started.elapsed();
    let crowd = duo.crowd();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("failover first", &[("control_s", secs(rest))]);
}

/// A brand-new pair whose primary never came: the failover has the subnets from a file, and nobody else to serve them.
#[test]
fn a_new_failover_with_a_subnets_file_serves_until_its_primary_comes() {
    let Some(stage) = Stage::set("failover-alone", &[]) else { return };
    let setup = Setup::default();
    let file = stage.file("subnets.ini", &setup.standalone_config());
    let of_failover = format!("SubnetsFile = {}", file.display());
    let duo = Duo::new(&stage, Setup { of_failover, of_primary: "SyncConfig = False".into(), ..setup });
    duo.primary.create();
    duo.failover.create();
    duo.failover.launch();
    duo.wait_for_takeover();
    let crowd = duo.crowd();
    let asked = Instant::now();
    crowd.join(5);
    duo.observer.wait_for_holders(5);
    let first = duo.observer.first_of(FAILOVER, asked, SLACK).expect("the failover serves alone");
    duo.primary.launch();
    duo.wait_for_rest();
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("failover alone", &[("first_ack_s", secs(first.at - asked))]);
}

/// After a power cut both start at the same moment; each knows of leases, and one of them is to serve.
#[test]
fn both_start_together_after_a_power_cut_and_no_client_loses_its_lease() {
    let Some(stage) = Stage::set("power-cut", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::default());
    let cut = duo.primary.kill_9();
    duo.failover.kill_9();
    duo.primary.begin();
    duo.failover.begin();
    duo.primary.wait_for_control();
    duo.failover.wait_for_control();
    duo.wait_for_rest();
    let asked = Instant::now();
    crowd.reboot();
    duo.observer.wait_for_acks(asked, CLIENTS as usize);
    let silence = duo.observer.blackout(crowd.relay, cut);
    duo.must_agree_with_clients();
    duo.observer.settle_with_one_voice("both start together", &[("silent_s", secs(silence))]);
}

/// The primary starts while nothing passes between the two: it serves as if alone, and no client meets two voices for
/// longer than the cut lasts.
#[test]
fn a_primary_that_starts_out_of_reach_of_the_failover_serves_and_is_found_later() {
    let Some(stage) = Stage::set("unreachable-start", &[]) else { return };
    let duo = Duo::new(&stage, Setup::default());
    duo.primary.create();
    duo.failover.create();
    let servers = [[duo.primary.port()], [duo.failover.port()]];
    duo.switch.rule(Rule::cut(Traffic::Any, &servers[0], &servers[1]));
    duo.failover.launch();
    duo.primary.launch();
    duo.primary.wait_for_state("Serving");
    let crowd = duo.crowd();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(CLIENTS as usize);
    live(Duration::from_secs(1));
    let healed = Instant::now();
    duo.switch.heal();
    duo.wait_for_rest();
    let rest = healed.elapsed();
    duo.must_agree_with_clients();
    duo.observer.settle("primary starts, failover unreachable", &[("rest_s", secs(rest))]);
}

/// SyncFailCritical: a failover that cannot get the bindings at its start ends, naming the primary; no unit starts it
/// again.
#[test]
fn a_failover_whose_first_sync_is_critical_ends_when_it_fails() {
    let Some(stage) = Stage::set("critical", &[]) else { return };
    let duo = Duo::new(&stage, Setup { of_failover: "SyncFailCritical = True".into(), ..Setup::default() });
    duo.failover.create();
    let started = Instant::now();
    duo.failover.begin();
    let code = duo.failover.exit_code(Duration::from_secs(10));
    assert_eq!(code, Some(69), "{}", duo.failover.said());
    assert!(duo.failover.said().contains("dhcp1"), "it names the primary:\n{}", duo.failover.said());
    duo.observer.print("critical sync fails", &[("ended_s", secs(started.elapsed()))]);
}
