//! Where a failover has its subnets from, and a primary without one: SyncConfig, SubnetsFile, UseFailoverServer.

use std::time::Duration;

use crate::support::log_lines;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, ip};

const ADDED: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.99\n[Subnet 10.3.0.0/24]\nRange = 10.3.0.9\n";

/// The subnets that the failover runs for its primary.
fn of_failover(pair: &Pair) -> Option<Vec<String>> {
    let part = pair.engine(F).server().config().primaries[0].part.as_ref()?;
    Some(part.subnets.iter().map(|subnet| subnet.network.to_string()).collect())
}

fn was_said(words: &str) -> bool {
    log_lines::lines().iter().any(|line| line.1.contains(words))
}

/// SyncConfig True: the failover has the primary's subnets at the first contact, and each change within a second.
#[test]
fn sync_config_sends_the_subnets_and_each_change_of_them() {
    let setup = PairSetup::new().pushed();
    let mut pair = Pair::settled(&setup);
    assert_eq!(of_failover(&pair).as_deref(), Some(["10.1.0.0/24".to_owned(), "10.2.0.0/24".to_owned()].as_slice()));
    pair.reload(P, setup.subnets(ADDED).of_primary());
    pair.run_for(Duration::from_secs(1));
    assert_eq!(of_failover(&pair).as_deref(), Some(["10.1.0.0/24".to_owned(), "10.3.0.0/24".to_owned()].as_slice()));
}

/// SyncConfig False: nothing is sent for use; a failover without a file of its own says so, and serves nobody.
#[test]
fn sync_config_false_sends_no_subnets_for_use() {
    log_lines::collect();
    let mut pair = Pair::settled(&PairSetup::new().pushed().primary("SyncConfig = False"));
    assert!(pair.lease(&Client::new(1)).is_some());
    pair.run(60);
    assert_eq!(of_failover(&pair), None);
    assert!(was_said("it does not send its subnets for use (SyncConfig), and no SubnetsFile is set"));
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    assert!(pair.lease(&Client::new(1)).is_none(), "it has no subnets");
}

/// SubnetsFile: the failover runs what its file says, whatever the primary sends, and both name what differs.
#[test]
fn subnets_file_counts_before_what_the_primary_sends() {
    log_lines::collect();
    let mut pair = Pair::new(&PairSetup::new());
    pair.hosts[P].config = PairSetup::new().subnets(ADDED).of_primary();
    pair.start_new(P);
    pair.start_new(F);
    pair.run(60);
    assert_eq!(of_failover(&pair).as_deref(), Some(["10.1.0.0/24".to_owned(), "10.2.0.0/24".to_owned()].as_slice()));
    assert!(was_said("[Subnet 10.3.0.0/24]: only there") && was_said("[Subnet 10.3.0.0/24]: only here"));
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    let client = Client::new(1);
    assert!(pair.ask(&client.discover().via(ip("10.3.0.1"))).is_none(), "a subnet that is not in its file");
    assert!(pair.ask(&client.discover().on(2)).is_some(), "a subnet of its file");
}

/// UseFailoverServer False: the server stands alone though a failover is written: it serves at once, asks nobody, and
/// sends nothing.
#[test]
fn use_failover_server_false_serves_alone_at_once() {
    let mut pair = Pair::new(&PairSetup::new().primary("UseFailoverServer = False"));
    pair.start_new(P);
    assert!(pair.lease(&Client::new(1)).is_some());
    pair.run(60);
    assert!(pair.sent.is_empty() && pair.state(P) == "-", "no partner");
}
