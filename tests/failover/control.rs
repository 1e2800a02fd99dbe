//! The primary asks for control: CtlReqRetryMax, WaitCtlRetSecs, `--wait-for-partner`.

use std::time::Duration;

use understudy::engine::Patience;
use understudy::wire::failover::Kind;

use crate::support::Client;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;

fn secs(all: &[u64]) -> Vec<Duration> {
    all.iter().map(|&secs| Duration::from_secs(secs)).collect()
}

/// A primary that starts while its failover is unreachable: when it asked, and when it began to serve.
fn claims(setup: &PairSetup) -> (Vec<Duration>, Duration) {
    let mut pair = Pair::new(setup);
    pair.wires.cut(P, F);
    pair.start_new(P);
    let served = pair.until(100, |pair| pair.state(P) == "Serving");
    pair.run(60);
    (pair.times(P, Kind::CtlReq), served)
}

/// CtlReqRetryMax, WaitCtlRetSecs: CtlReq is resent so many times, each after so long a wait; then the primary serves.
#[test]
fn ctl_req_retry_max_resends_wait_ctl_ret_secs_apart_and_then_the_primary_serves() {
    let setup = PairSetup::new().primary("CtlReqRetryMax = 2").primary("WaitCtlRetSecs = 3");
    assert_eq!(claims(&setup), (secs(&[0, 3, 6]), Duration::from_secs(9)));
}

/// CtlReqRetryMax 0: one CtlReq, not resent.
#[test]
fn ctl_req_retry_max_0_asks_once() {
    let setup = PairSetup::new().primary("CtlReqRetryMax = 0").primary("WaitCtlRetSecs = 0.25");
    assert_eq!(claims(&setup), (secs(&[0]), Duration::from_millis(250)));
}

/// CtlReqRetryMax, WaitCtlRetSecs: 3 and 5 where nothing is written.
#[test]
fn ctl_req_retry_max_is_3_and_wait_ctl_ret_secs_5_by_default() {
    assert_eq!(claims(&PairSetup::new()), (secs(&[0, 5, 10, 15]), Duration::from_secs(20)));
}

/// WaitCtlRetSecs 0: the default is used.
#[test]
fn wait_ctl_ret_secs_0_stands_for_the_default() {
    let setup = PairSetup::new().primary("WaitCtlRetSecs = 0").primary("CtlReqRetryMax = 1");
    assert_eq!(claims(&setup), (secs(&[0, 5]), Duration::from_secs(10)));
}

/// CtlReqRetryMax used up: the primary goes on sending its changes to SecondaryIpAddr, at most one datagram a second,
/// and a failover that comes later gets them all.
#[test]
fn after_ctl_req_retry_max_changes_go_on_to_the_failover_one_datagram_a_second() {
    let setup = PairSetup::new().primary("CtlReqRetryMax = 0").primary("WaitCtlRetSecs = 1");
    let mut pair = Pair::new(&setup);
    pair.start_new(P);
    pair.run(2);
    let began = pair.elapsed();
    pair.lease_all(1..31);
    pair.run(30);
    let sends = pair.times_since(P, Kind::BindUpdate, began);
    assert!(sends.len() >= 25, "it goes on: {sends:?}");
    assert!(sends.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(999)), "{sends:?}");
    pair.start_new(F);
    pair.run(30);
    assert_eq!(pair.states(), ["Serving", "Asleep"]);
    assert_eq!(pair.table(F).len(), 30);
    pair.assert_equal();
}

/// The failover that answers: the primary serves after one round trip, without a wait.
#[test]
fn a_ctl_ret_ends_the_wait_of_wait_ctl_ret_secs_at_once() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.kill(P);
    pair.start(P);
    let served = pair.until(5, |pair| pair.state(P) == "Serving");
    assert!(served < Duration::from_millis(20), "{served:?}");
}

/// `--wait-for-partner`: the primary serves nobody before it was in contact.
#[test]
fn wait_for_partner_serves_nobody_before_contact() {
    let mut pair = Pair::new(&PairSetup::new());
    pair.hosts[P].patience = Patience::WaitForPartner;
    pair.start_new(P);
    pair.run(3600);
    assert_eq!(pair.state(P), "Claiming");
    assert!(pair.lease(&Client::new(1)).is_none());
    assert!(pair.times(P, Kind::CtlReq).len() > 700, "it goes on asking");
    pair.start_new(F);
    pair.until(10, |pair| pair.state(P) == "Serving");
    assert!(pair.lease(&Client::new(1)).is_some());
}
