//! Two servers without a partner: split scopes, and proof that the clients' list finds what it is there to find.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::duo::{Crowd, Duo, FAILOVER, How, PRIMARY, SLACK, Setup, secs};
use crate::rig::Stage;
use crate::rig::host::until;

/// Two standalone servers that share the subnet of the crowd as `ranges` say, and a crowd that both hear.
pub(crate) fn two_of_their_own<'a>(stage: &'a Stage, ranges: [&str; 2]) -> (Duo<'a>, Crowd) {
    let duo = Duo::new(stage, Setup::with_lease(20));
    for (node, range) in [&duo.primary, &duo.failover].into_iter().zip(ranges) {
        // A server that does not know a client of the other must not refuse it.
        let policy = "[Policy]\nDefaultLease = 20\nNakUnknownClients = False\n";
        node.configure(&format!("{policy}[Subnet 10.2.0.0/16]\nRange = {range}\n"));
        node.create();
        node.launch();
    }
    let crowd = duo.crowd();
    (duo, crowd)
}

/// failover.md's last scenario: disjoint ranges need no channel; a new client is served by whoever is left.
#[test]
fn split_scopes_serve_new_clients_when_one_of_the_servers_dies() {
    let Some(stage) = Stage::set("split-scopes", &[]) else { return };
    let (duo, crowd) = two_of_their_own(&stage, ["10.2.1.0 - 10.2.4.255", "10.2.5.0 - 10.2.8.255"]);
    // Clients take the first offer: so that some are surely the first server's, the other one is late for them.
    duo.failover.freeze();
    crowd.join(10);
    duo.observer.wait_for_holders(10);
    duo.failover.thaw();
    crowd.join(20);
    duo.observer.wait_for_holders(30);
    let killed = duo.primary.kill_9();
    crowd.join(10);
    let first = duo.observer.first_ack(killed, How::New, SLACK).expect("the other server answers a new client");
    assert_eq!(first.server, FAILOVER);
    duo.observer.wait_for_holders(40);
    duo.primary.launch();
    let back = Instant::now();
    crowd.reboot();
    let own = duo.observer.first_of(PRIMARY, back, SLACK).expect("it answers its own clients again");
    duo.observer.wait_for_acks(back, 60);
    let figures = [("takeover_s", secs(first.at - killed)), ("return_s", secs(own.at - back))];
    duo.observer.settle("split scopes", &figures);
}

/// Two servers with one range and no channel must show up as duplicates, or no scenario's zero would mean anything.
#[test]
fn the_clients_list_finds_an_address_in_two_hands() {
    let Some(stage) = Stage::set("list-duplicates", &[]) else { return };
    let (duo, near) = two_of_their_own(&stage, ["10.2.1.0 - 10.2.1.99"; 2]);
    let far = duo.far_crowd();
    duo.partition();
    let begun = Instant::now();
    near.join(10);
    far.join(10);
    duo.observer.wait_for_acks(begun, 20);
    duo.observer.print("one range, two servers, no channel", &[]);
    let ledger = duo.observer.ledger();
    assert!(!ledger.duplicates.is_empty(), "both servers give 10.2.1.0 to a client of their side");
    let of = |server: Ipv4Addr| ledger.acks.iter().filter(|ack| ack.server == server).count();
    assert!(of(PRIMARY) > 0 && of(FAILOVER) > 0, "each side is served by its own server");
}

/// The other figures that scenarios rest on: a server that stops where it stands is a blackout, an emptied one a loss.
#[test]
fn the_clients_list_finds_a_blackout_and_a_lease_that_a_server_forgot() {
    let Some(stage) = Stage::set("list-blackout", &[]) else { return };
    let (duo, crowd) = two_of_their_own(&stage, ["10.2.1.0 - 10.2.8.255", "10.2.9.1 - 10.2.9.2"]);
    duo.failover.stop();
    crowd.join(20);
    duo.observer.wait_for_holders(20);
    duo.observer.must_be_known_at(&duo.primary, SLACK);
    let frozen = Instant::now();
    duo.primary.freeze();
    std::thread::sleep(Duration::from_millis(800));
    duo.primary.thaw();
    let thawed = Instant::now();
    duo.observer.wait_for_acks(thawed, 30);
    let blackout = duo.observer.blackout(crowd.relay, frozen);
    assert!(blackout >= Duration::from_millis(600), "a blackout of {blackout:?}, the server stood for 800 ms");
    assert!(duo.observer.longest_wait(frozen) >= Duration::from_millis(600));
    duo.observer.settle("one server stands for 0.8 s", &[("blackout_ms", secs(blackout) * 1000.0)]);
    crowd.rest();
    duo.primary.stop();
    duo.primary.lose_disk();
    duo.primary.create();
    duo.primary.launch();
    assert_eq!(duo.observer.missing_at(&duo.primary).len(), 20, "an emptied server knows no lease of the crowd");
}

/// A server that pings before it gives must hear the clients that hold an address, and nobody else.
#[test]
fn clients_answer_pings_for_what_they_hold_and_for_nothing_else() {
    let Some(stage) = Stage::set("list-pings", &["busybox"]) else { return };
    let (duo, crowd) = two_of_their_own(&stage, ["10.2.1.0 - 10.2.8.255", "10.2.9.1 - 10.2.9.2"]);
    duo.failover.stop();
    crowd.join(1);
    duo.observer.wait_for_holders(1);
    let held = duo.observer.ledger().holdings.keys().next().copied().expect("one holds an address");
    let ping =
        |address: Ipv4Addr| duo.primary.host().attempt(&format!("busybox ping -c 1 -W 1 {address}")).status.success();
    assert!(ping(held), "{held} is held");
    assert!(!ping(Ipv4Addr::new(10, 2, 8, 255)), "10.2.8.255 is free");
    crowd.release();
    until("silence for what was given back", SLACK * 2, || !ping(held));
}
