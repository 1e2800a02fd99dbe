//! Shares of free addresses: what the primary gives its failover ahead of time, so that a new client need not wait.

use std::time::{Duration, Instant};

use crate::duo::{CLIENTS, Crowd, Duo, Node, SLACK, Setup, live, secs};
use crate::rig::Stage;
use crate::rig::host::until;

/// A counter of `node`, as its status shows it; 0 where it does not.
fn counter(node: &Node, name: &str) -> u64 {
    number(&node.must_control(&["--json", "status"]), &format!("\"{name}\":"))
}

/// Free addresses of the crowds' subnet: those of `node`, and those of its partner.
fn free(node: &Node) -> [u64; 2] {
    let rows = node.must_control(&["--json", "subnets"]);
    let row = rows.lines().find(|row| row.contains("10.2.0.0/16")).unwrap_or_default();
    ["\"free\":", "\"free_partner\":"].map(|member| number(row, member))
}

fn number(text: &str, member: &str) -> u64 {
    let Some((_, rest)) = text.split_once(member) else { return 0 };
    let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(0)
}

/// Both servers count the same free addresses, and the failover has at least a quarter of them: half of its share.
fn wait_for_share(duo: &Duo<'_>) {
    until("the failover has its share of the free addresses", SLACK * 5, || {
        let ([own, partners], [at_failover, primarys]) = (free(&duo.primary), free(&duo.failover));
        partners * 4 > own + partners && (own, partners) == (primarys, at_failover)
    });
}

fn new_clients(duo: &Duo<'_>, crowd: &Crowd) -> (Instant, Duration) {
    let since = Instant::now();
    let before = duo.observer.holders();
    crowd.join(CLIENTS);
    duo.observer.wait_for_holders(before + CLIENTS as usize);
    (since, duo.observer.longest_wait(since))
}

/// The primary is killed. New clients of the failover get its own, settled addresses: no ping, nothing unsettled.
#[test]
fn after_a_takeover_new_clients_get_settled_addresses_without_a_ping() {
    let Some(stage) = Stage::set("shares", &[]) else { return };
    let (duo, crowd) = Duo::with_crowd(&stage, Setup::with_lease(60));
    wait_for_share(&duo);
    duo.primary.kill_9();
    duo.wait_for_takeover();
    live(Duration::from_millis(200));
    let (_, wait) = new_clients(&duo, &crowd);
    assert_eq!(counter(&duo.failover, "ping"), 0, "a ping before an address of its own share");
    assert_eq!(counter(&duo.failover, "unsettled-grants"), 0);
    duo.primary.launch();
    duo.wait_for_rest();
    new_clients(&duo, &crowd);
    duo.must_agree_with_clients();
    wait_for_share(&duo);
    duo.observer.settle("shares", &[("new_client_wait_ms", secs(wait) * 1000.0)]);
}

/// A reload that changes FailoverShare changes no owner by itself.
#[test]
fn a_reload_of_the_share_leaves_every_owner_as_it_is() {
    let Some(stage) = Stage::set("shares-reload", &[]) else { return };
    let mut duo = Duo::started(&stage, Setup::with_lease(60));
    wait_for_share(&duo);
    let before = [free(&duo.primary), free(&duo.failover)];
    duo.setup.of_primary = "FailoverShare = 0\n".to_owned();
    duo.configure();
    duo.primary.reload();
    live(Duration::from_secs(3));
    assert_eq!([free(&duo.primary), free(&duo.failover)], before);
    duo.observer.settle("shares reload", &[("partner_free", before[0][1] as f64)]);
}

/// Without a share a failover owns nothing: each new client waits for a ping, and is counted.
#[test]
fn without_a_share_new_clients_of_the_failover_wait_for_a_ping() {
    let Some(stage) = Stage::set("shares-none", &[]) else { return };
    let setup = Setup { of_primary: "FailoverShare = 0\n".to_owned(), ..Setup::with_lease(60) };
    let (duo, crowd) = Duo::with_crowd(&stage, setup);
    assert_eq!(free(&duo.primary)[1], 0);
    duo.primary.kill_9();
    duo.wait_for_takeover();
    let (_, wait) = new_clients(&duo, &crowd);
    let [pings, unsettled] = ["ping", "unsettled-grants"].map(|name| counter(&duo.failover, name));
    assert!(pings >= u64::from(CLIENTS) && unsettled >= u64::from(CLIENTS), "{pings} pings, {unsettled} unsettled");
    duo.observer.settle("no shares", &[("new_client_wait_ms", secs(wait) * 1000.0)]);
}
