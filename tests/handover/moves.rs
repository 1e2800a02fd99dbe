//! Moves of control: in order, and no message of any client is lost or answered twice.

use understudy::journal::OpenMode;

use super::duo::{Duo, FAILOVER, PRIMARY, millis};
use crate::support::disk::Fate;
use crate::support::{Client, ip};

/// With a message each millisecond, one asks again 40 ms after its last answer: sooner, and a second message might be
/// the first one on its way to the other server.
const CLIENTS: u16 = 40;

/// A pair with clients, and the addresses that they have.
fn with_clients() -> (Duo, Vec<(Client, std::net::Ipv4Addr)>) {
    let mut duo = Duo::at_rest();
    let clients = (0..CLIENTS).map(Client::new).map(|client| {
        let address = duo.lease(&client).yiaddr;
        (client, address)
    });
    let clients = clients.collect();
    duo.run(millis(300));
    duo.states = [Vec::new(), Vec::new()];
    (duo, clients)
}

/// A renewal each millisecond for so long, of one client after the other; the numbers of the messages.
fn renew(duo: &mut Duo, clients: &[(Client, std::net::Ipv4Addr)], count: usize) -> Vec<u32> {
    let renewal = |_| {
        let (client, address) = &clients[duo.asked as usize % clients.len()];
        let asked = duo.ask(client.rebinding(*address));
        duo.run(millis(1));
        asked
    };
    (0..count).map(renewal).collect()
}

fn voices(duo: &Duo, asked: &[u32]) -> Vec<Option<usize>> {
    asked.iter().map(|asked| duo.voice(*asked)).collect()
}

/// The longest run of messages without an answer: what a move of control costs.
fn longest_gap(voices: &[Option<usize>]) -> usize {
    voices.split(Option::is_some).map(<[_]>::len).max().unwrap_or_default()
}

/// SIGTERM under load: the primary serves on until its changes are held, then the failover answers, also what came
/// while neither served.
#[test]
fn a_planned_stop_leaves_no_client_without_an_answer() {
    let (mut duo, clients) = with_clients();
    let mut asked = renew(&mut duo, &clients, 50);
    duo.stop(PRIMARY);
    asked.extend(renew(&mut duo, &clients, 100));
    duo.run(millis(100));
    assert_eq!(duo.states, [vec!["Serving", "Given", "stopped"], vec!["Asleep", "Active"]]);
    let voices = voices(&duo, &asked);
    assert!(voices.is_sorted_by_key(|voice| voice.unwrap_or(PRIMARY)), "one after the other: {voices:?}");
    // A client that asked again before the first was answered gets one answer, to the newest.
    let unanswered = voices.iter().filter(|voice| voice.is_none()).count();
    assert_eq!(unanswered, 0, "{voices:?}");
    assert_eq!(voices.last(), Some(&Some(FAILOVER)));
}

/// The primary comes back: each subnet moves, then it serves, and the failover never has to yield.
#[test]
fn the_return_after_a_planned_stop_is_orderly_and_loses_no_message() {
    let (mut duo, clients) = with_clients();
    let disk = duo.server(PRIMARY).disk.clone();
    duo.stop(PRIMARY);
    duo.run(millis(1_000));
    let mut asked = renew(&mut duo, &clients, 20);
    duo.states = [Vec::new(), Vec::new()];
    duo.start(PRIMARY, disk, OpenMode::Normal);
    asked.extend(renew(&mut duo, &clients, 200));
    duo.run(millis(500));
    assert_eq!(duo.states, [vec!["Claiming", "Receiving", "Serving"], vec!["Active", "Returning", "Asleep"]]);
    let voices = voices(&duo, &asked);
    assert_eq!(voices.first(), Some(&Some(FAILOVER)));
    assert_eq!(voices.last(), Some(&Some(PRIMARY)));
    assert_eq!(longest_gap(&voices), 0, "{voices:?}");
}

/// New clients ask all the time while the primary comes back: each gets one offer, from one server.
#[test]
fn in_a_return_a_discover_is_answered_once() {
    let (mut duo, _) = with_clients();
    let disk = duo.kill(PRIMARY);
    duo.run(millis(1_500));
    duo.start(PRIMARY, disk, OpenMode::Normal);
    let ask = |number: u16| {
        let asked = duo.ask(Client::new(100 + number).discover());
        duo.run(millis(5));
        asked
    };
    let asked: Vec<u32> = (0..20).map(ask).collect();
    duo.run(millis(1_000));
    assert_eq!([duo.state(PRIMARY), duo.state(FAILOVER)], ["Serving", "Asleep"]);
    let twice = |asked: &&u32| duo.heard.iter().filter(|heard| heard.reply.xid == **asked).count() > 1;
    assert_eq!(asked.iter().filter(twice).count(), 0);
}

/// A turn of the returning primary takes long: what waits for its next one came while the failover served, together
/// with the failover's last changes and its word. Where the turn falls is tried millisecond by millisecond.
#[test]
fn what_waited_for_a_primary_in_a_long_turn_of_its_return_is_answered_once() {
    let (mut once, mut late) = (0, 0);
    for offset in 0..20 {
        let (mut duo, clients) = with_clients();
        let disk = duo.kill(PRIMARY);
        duo.run(millis(1_500));
        duo.start(PRIMARY, disk, OpenMode::Normal);
        let mut asked = renew(&mut duo, &clients, offset);
        duo.server(PRIMARY).slow = millis(60);
        asked.extend(renew(&mut duo, &clients, 100));
        duo.run(millis(1_000));
        assert_eq!([duo.state(PRIMARY), duo.state(FAILOVER)], ["Serving", "Asleep"]);
        let voices = voices(&duo, &asked);
        once += voices.iter().flatten().count();
        late += longest_gap(&voices);
    }
    assert!(once > 0 && late < 20 * 70, "{once} answered, at most {late} of them late");
}

/// After a crash: what came in the last second before the takeover is answered by it.
#[test]
fn a_takeover_answers_what_came_just_before_it() {
    let (mut duo, clients) = with_clients();
    drop(duo.kill(PRIMARY));
    let asked = duo.ask(clients[0].0.rebinding(clients[0].1));
    duo.run(millis(900));
    assert_eq!(duo.state(FAILOVER), "Active");
    assert_eq!(duo.voice(asked), Some(FAILOVER));
}

/// The primary answers, its change goes to the failover, and it dies. The failover was in a long turn, so that it read
/// the message late: it must see that the change is the answer.
#[test]
fn a_takeover_does_not_answer_again_what_waited_in_a_long_turn_of_the_failover() {
    let (mut duo, clients) = with_clients();
    duo.server(FAILOVER).slow = millis(60);
    let mut asked = renew(&mut duo, &clients, 30);
    drop(duo.kill(PRIMARY));
    asked.extend(renew(&mut duo, &clients, 1));
    duo.run(millis(900));
    assert_eq!(duo.state(FAILOVER), "Active");
    let voices = voices(&duo, &asked);
    assert_eq!(voices.last(), Some(&Some(FAILOVER)), "what the primary did not answer");
    assert_eq!(voices.iter().filter(|voice| **voice == Some(PRIMARY)).count(), 30);
}

/// The record of the takeover is in the commit of the first answer: a failover that loses power right behind it takes
/// control again when it starts.
#[test]
fn the_takeover_is_durable_before_the_first_answer_leaves() {
    let (mut duo, clients) = with_clients();
    drop(duo.kill(PRIMARY));
    let asked = duo.ask(clients[0].0.rebinding(clients[0].1));
    while duo.voice(asked).is_none() {
        duo.run(millis(1));
    }
    // The turn of the first answer has just ended.
    let disk = duo.server(FAILOVER).disk.clone();
    disk.power_cut(Fate::Lost);
    duo.servers[FAILOVER] = None;
    duo.states = [Vec::new(), Vec::new()];
    duo.start(FAILOVER, disk, OpenMode::Normal);
    duo.run(millis(700));
    assert_eq!(duo.states[FAILOVER], ["Syncing", "Active"], "the journal said that it served");
    let asked = duo.ask(clients[0].0.rebinding(clients[0].1));
    duo.run(millis(10));
    assert_eq!(duo.voice(asked), Some(FAILOVER));
}

/// A subnet in transfer is taken back through polling alone when the primary dies.
#[test]
fn a_primary_that_dies_in_its_return_is_replaced_after_unanswered_polls() {
    let (mut duo, clients) = with_clients();
    let disk = duo.kill(PRIMARY);
    duo.run(millis(1_500));
    duo.start(PRIMARY, disk, OpenMode::Normal);
    while duo.state(FAILOVER) != "Returning" {
        duo.run(millis(1));
    }
    drop(duo.kill(PRIMARY));
    duo.run(millis(900));
    assert_eq!(duo.state(FAILOVER), "Active");
    let asked = duo.ask(clients[0].0.rebinding(clients[0].1));
    duo.run(millis(10));
    assert_eq!(duo.voice(asked), Some(FAILOVER));
    assert_ne!(clients[0].1, ip("0.0.0.0"));
}
