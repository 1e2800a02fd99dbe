//! The stream of changes: SyncBindRetryMax, WaitSyncBindAckSecs, SyncBindingBufSize.

use std::time::Duration;

use understudy::server::event::PartnerId;
use understudy::wire::failover::{Body, Kind};

use crate::support::Client;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;

/// When the first piece that `host` sends from `since` on left, and left again, in milliseconds.
fn sends_of_one_piece(pair: &Pair, host: usize, since: Duration) -> Vec<u128> {
    let pieces = pair.sent.iter().filter(|sent| sent.from == host && sent.at >= since);
    let pieces: Vec<_> = pieces
        .filter_map(|sent| match sent.read().body {
            Body::BindUpdate(piece) => Some((sent.at, piece.stream, piece.number)),
            _ => None,
        })
        .collect();
    let (first, stream, number) = *pieces.first().expect("a piece");
    pieces
        .iter()
        .filter(|piece| (piece.1, piece.2) == (stream, number))
        .map(|piece| (piece.0 - first).as_millis())
        .collect()
}

fn in_contact(pair: &Pair, host: usize) -> bool {
    let engine = pair.engine(host);
    let now = understudy::clock::Mono::from_nanos(1_000_000_000) + pair.elapsed();
    engine.server().failover().is_in_contact(Some(PartnerId(0)), now)
}

/// SyncBindRetryMax, WaitSyncBindAckSecs: an update is resent so many times, each after so long a wait; then the
/// partner is out of contact, and no client waits for it.
#[test]
fn sync_bind_retry_max_resends_wait_sync_bind_ack_secs_apart_and_then_contact_is_lost() {
    for (setup, times) in [
        (PairSetup::new().failover("PollDelay = 100"), vec![0, 5000, 10_000, 15_000]),
        (PairSetup::new().primary("SyncBindRetryMax = 2").primary("WaitSyncBindAckSecs = 0.5"), vec![0, 500, 1000]),
        (PairSetup::new().primary("SyncBindRetryMax = 0").primary("WaitSyncBindAckSecs = 1"), vec![0]),
    ] {
        let mut pair = Pair::settled(&setup);
        pair.wires.way(F, P).loses = Some(Kind::BindAck);
        // Just behind a poll, so that none comes between.
        let polls = pair.times(F, Kind::Poll).len();
        pair.until(120, |pair| pair.times(F, Kind::Poll).len() > polls);
        pair.run_for(Duration::from_millis(10));
        let since = pair.elapsed();
        assert!(pair.lease(&Client::new(1)).is_some());
        assert!(in_contact(&pair, P));
        let lost = pair.until(120, |pair| !in_contact(pair, P));
        assert_eq!(sends_of_one_piece(&pair, P, since), times);
        let wait = times.get(1).copied().unwrap_or(1000);
        assert!(lost.as_millis() + 10 >= times.len() as u128 * wait && lost.as_millis() <= times.len() as u128 * wait);
        assert!(pair.lease(&Client::new(2)).is_some(), "no client waits");
    }
}

/// SyncBindRetryMax used up at the failover: it starts Probing at once, not after PollDelay.
#[test]
fn a_failover_whose_updates_stay_unacknowledged_probes_at_once() {
    let setup = PairSetup::new().failover("PollDelay = 300").failover("WaitSyncBindAckSecs = 1");
    let mut pair = Pair::settled(&setup.failover("SyncBindRetryMax = 1"));
    let address = pair.lease(&Client::new(1)).expect("an address").1.yiaddr;
    pair.wires.cut(P, F);
    pair.until(400, |pair| pair.state(F) == "Active");
    pair.give(F, &Client::new(1).rebinding(address));
    pair.wires.way(P, F).loses = Some(Kind::BindAck);
    pair.wires.mend(P, F);
    pair.until(400, |pair| pair.state(F) == "Asleep");
    let asleep = pair.elapsed();
    let probes = pair.until(400, |pair| pair.state(F) == "Probing");
    assert_eq!(sends_of_one_piece(&pair, F, asleep), [0, 1000]);
    assert!((2000..2050).contains(&probes.as_millis()), "{probes:?}");
}

/// Section 5: a piece that three later ones overtook is sent again at once, not after WaitSyncBindAckSecs.
#[test]
fn an_overtaken_piece_is_sent_again_before_wait_sync_bind_ack_secs() {
    let mut pair = Pair::settled(&PairSetup::new().both("WaitSyncBindAckSecs = 300"));
    pair.wires.way(P, F).loss = 30;
    let began = pair.elapsed();
    for number in 1..21 {
        let _ = pair.lease(&Client::new(number)).expect("an address");
        pair.run_for(Duration::from_millis(50));
    }
    pair.wires.way(P, F).loss = 0;
    pair.lease_all(21..26);
    pair.run(1);
    assert!(pair.elapsed() - began < Duration::from_secs(10));
    pair.assert_equal();
}

/// SyncBindingBufSize: no update has more octets; a record may cross pieces.
#[test]
fn sync_binding_buf_size_bounds_each_update_and_records_cross_pieces() {
    for size in [64, 1024, 4096] {
        let wide = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.20 - 10.1.0.219\n";
        let setup =
            PairSetup::new().both(&format!("SyncBindingBufSize = {size}")).primary("FailoverShare = 0").subnets(wide);
        let mut pair = Pair::settled(&setup);
        pair.power_off(F);
        let began = pair.elapsed();
        pair.lease_all(1..151);
        pair.start(F);
        pair.run(30);
        let octets = pair.sent.iter().filter(|sent| sent.from == P && sent.at > began);
        let octets: Vec<_> = octets
            .filter_map(|sent| match sent.read().body {
                Body::BindUpdate(piece) => Some(piece.octets.len()),
                _ => None,
            })
            .collect();
        assert_eq!(octets.iter().max(), Some(&size));
        pair.assert_equal();
        assert_eq!(pair.table(F).len(), 150);
    }
}

/// SyncBindingBufSize unequal: found at the first message, no streams; heartbeat, CtlReq and takeover work on.
#[test]
fn unequal_sync_binding_buf_size_stops_the_streams_and_nothing_else() {
    let setup = PairSetup::new().primary("SyncBindingBufSize = 512").failover("SyncBindingBufSize = 1024");
    let mut pair = Pair::new(&setup);
    pair.start_new(P);
    pair.start_new(F);
    pair.run(60);
    assert_eq!(pair.states(), ["Serving", "Asleep"], "CtlReq and heartbeat work");
    pair.lease_all(1..6);
    pair.run(60);
    assert!(pair.times(P, Kind::BindUpdate).is_empty(), "no stream");
    assert!(pair.table(F).is_empty());
    assert!(matches!(pair.state(F), "Asleep" | "Probing"), "{}", pair.state(F));
    pair.kill(P);
    pair.until(30, |pair| pair.state(F) == "Active");
    assert_eq!(pair.double, 0);
}

/// SyncBindingBufSize unequal: no drill moves control to a failover that cannot have the newest changes, whichever
/// server is asked for it.
#[test]
fn no_drill_begins_while_sync_binding_buf_size_is_unequal() {
    let mut pair = Pair::settled(&PairSetup::new());
    pair.reload(F, PairSetup::new().failover("SyncBindingBufSize = 512").of_failover());
    pair.run(60);
    pair.lease_all(1..4);
    for (host, line) in [(P, "takeover failover"), (F, "takeover dhcp1")] {
        let said = pair.control(host, line);
        assert!(said.contains("SyncBindingBufSize differs"), "{said}");
    }
    pair.run(10);
    assert_eq!(pair.states()[0], "Serving");
    pair.reload(F, PairSetup::new().of_failover());
    pair.run(10);
    pair.assert_equal();
    pair.control(F, "takeover dhcp1");
    pair.until(5, |pair| pair.states() == ["Given", "Active"]);
}

/// SyncBindingBufSize repaired by a reload, of either side: the changes of both go, without a restart.
#[test]
fn unequal_sync_binding_buf_size_is_repaired_by_a_reload_of_either_side() {
    for host in [P, F] {
        let setup = PairSetup::new().primary("SyncBindingBufSize = 512").failover("SyncBindingBufSize = 1024");
        let mut pair = Pair::new(&setup);
        pair.start_new(P);
        pair.start_new(F);
        pair.run(60);
        pair.lease_all(1..6);
        pair.power_off(P);
        pair.until(60, |pair| pair.state(F) == "Active");
        pair.lease_all(6..11);
        pair.start(P);
        pair.run(60);
        assert!(pair.times(P, Kind::BindUpdate).is_empty() && pair.times(F, Kind::BindUpdate).is_empty());
        let (to, config) = match host {
            P => (1024, setup.clone().primary("SyncBindingBufSize = 1024").of_primary()),
            _ => (512, setup.clone().failover("SyncBindingBufSize = 512").of_failover()),
        };
        pair.reload(host, config);
        pair.until(60, |pair| pair.states() == ["Serving", "Asleep"]);
        pair.run(30);
        pair.assert_equal();
        assert_eq!((pair.table(P).len(), pair.double), (10, 0), "both have {to}");
    }
}
