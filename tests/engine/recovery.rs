//! A start gives the same table as before: after a planned stop, after a crash, and while snapshots are written.

use std::time::Duration;

use understudy::clock::{Reading, Wall};

use crate::support::disk::{Fate, SimDisk};
use crate::support::world::first_reading;
use crate::support::{Client, Reply, Setup, World, code, ip};

use super::large::{lease_at_once, relayed, renewal, world_at};

/// Starts after which the next makes the journal want a snapshot: each begins a segment.
const STARTS: u32 = 63;

/// Clients whose leases fill several slices of a snapshot.
const CLIENTS: u16 = 16_000;

/// Clients that come at once.
const BATCH: u16 = 500;

/// Turns around the snapshot.
const TURNS: u16 = 8;

/// How the name of a snapshot ends that is not finished.
const DRAFT: &str = ".new";

/// Leases of all kinds: bound, with names and relays, released, declined, ended, without end.
fn live(world: &mut World) {
    let named = world.lease_by(&Client::new(1), |message| message.option(code::HOST_NAME, b"lamp"));
    let _ = world.lease_by(&Client::new(2).identified(b"\0two"), |message| {
        message.via(ip("10.3.0.1")).option(code::RELAY, &[1, 2, 8, 8])
    });
    let released = world.lease(&Client::new(3));
    world.ask(&Client::new(3).release(&released)).silence();
    let declined = world.lease(&Client::new(4));
    world.ask(&Client::new(4).decline(&declined)).silence();
    let _ = world.lease_by(&Client::new(5), |message| message.for_secs(60));
    let _ = world.lease_by(&Client::new(6), |message| message.for_secs(u32::MAX));
    world.advance_secs(600).silence();
    let _ = world.ask(&Client::new(1).renewing(named.yiaddr)).ack();
}

/// What is known of all addresses.
fn table(world: &mut World) -> String {
    world.control("leases --json --all")
}

/// Replay gives the same table, after a planned stop and after a crash.
#[test]
fn replay_gives_the_same_table() {
    let disk = SimDisk::new(9);
    let mut world = world_at(&disk, first_reading());
    live(&mut world);
    let before = table(&mut world);
    assert!(before.contains("lamp") && before.matches("10.").count() >= 6, "{before}");
    let now = world.now();
    let crashed = disk.fork();
    crashed.power_cut(Fate::Lost);
    assert_eq!(table(&mut world_at(&crashed, now)), before, "after a crash");
    world.stop().expect("no fault");
    disk.power_cut(Fate::Lost);
    assert_eq!(table(&mut world_at(&disk, now)), before, "after a planned stop");
}

/// A declined address stays barred, a released one stays its client's, over a restart.
#[test]
fn bars_and_memories_outlive_a_restart() {
    let disk = SimDisk::new(9);
    let mut world = world_at(&disk, first_reading());
    live(&mut world);
    let now = world.now();
    disk.power_cut(Fate::Lost);
    let mut world = world_at(&disk, now);
    assert_eq!(world.lease(&Client::new(3)).yiaddr, ip("10.1.0.51"));
    assert_ne!(world.lease(&Client::new(4)).yiaddr, ip("10.1.0.52"));
}

/// A snapshot takes several turns; leases that change meanwhile are recovered as they were last, wherever the
/// power goes.
#[test]
fn a_snapshot_under_change_loses_nothing() {
    let disk = SimDisk::new(11);
    for _ in 0..STARTS - 1 {
        world_at(&disk, first_reading()).stop().expect("no fault");
    }
    let mut world = world_at(&disk, first_reading());
    for batch in 0..CLIENTS / BATCH {
        let clients = batch * BATCH..(batch + 1) * BATCH;
        assert_eq!(lease_at_once(&mut world, clients).len(), usize::from(BATCH));
    }
    let now = world.now();
    world.stop().expect("no fault");
    let mut world = world_at(&disk, now);
    let is_writing = || disk.names().iter().any(|name| name.ends_with(DRAFT));
    let mut turns = u32::from(is_writing());
    let mut offers: Vec<(Client, Reply)> = Vec::new();
    for turn in 0..TURNS {
        // One turn: leases are renewed, those offered in the last turn begin, others are offered.
        let newcomers: Vec<_> = (CLIENTS + turn * 10..CLIENTS + turn * 10 + 10).map(Client::new).collect();
        let renewals = (turn * 1900..turn * 1900 + 20).map(renewal);
        let requests = offers.iter().map(|(client, offer)| relayed(client.selecting(offer)));
        let discovers = newcomers.iter().map(|client| relayed(client.discover()));
        let messages: Vec<_> = renewals.chain(requests).chain(discovers).collect();
        let mut replies = world.ask_at_once(&messages).expect("no fault").replies;
        assert_eq!(replies.len(), messages.len());
        let offered = replies.split_off(replies.len() - newcomers.len());
        offers = newcomers.into_iter().zip(offered).collect();
        turns += u32::from(is_writing());
        let after = disk.fork();
        after.power_cut(Fate::Torn);
        let now = world.now();
        assert!(table(&mut world_at(&after, now)) == table(&mut world), "turn {turn} is not recovered");
    }
    assert!(turns >= 2, "a snapshot that was done after {turns} turns");
    assert!(disk.names().iter().any(|name| name.starts_with("snapshot.")), "{:?}", disk.names());
    assert!(disk.names().len() < 10, "old segments are removed: {:?}", disk.names());
}

/// A wall clock that went back does not bring ended leases to life, nor end those that live.
#[test]
fn a_wall_clock_that_went_back_changes_no_lease() {
    let disk = SimDisk::new(9);
    let mut world = world_at(&disk, first_reading());
    live(&mut world);
    let before = table(&mut world);
    let now = world.now();
    disk.power_cut(Fate::Lost);
    let day = 24 * 3600 * 1000;
    let back = Reading { mono: now.mono, system: Wall::from_millis(now.system.millis() - day) };
    let mut world = world_at(&disk, back);
    assert_eq!(table(&mut world), before);
    assert_ne!(world.lease(&Client::new(30)).yiaddr, ip("10.1.0.50"));
}

/// A wall clock that is put forward is followed by one second in ten: leases keep nine tenths of their time.
#[test]
fn a_wall_clock_that_is_put_forward_ends_no_lease_at_once() {
    let mut world = Setup::new().pool("10.1.0.50 - 10.1.0.50").world();
    let held = world.lease(&Client::new(1));
    world.put_clock_forward(Duration::from_secs(24 * 3600));
    for _ in 0..32 {
        world.advance_secs(100).silence();
        world.ask(&Client::new(2).discover()).silence();
    }
    assert_eq!(world.ask(&Client::new(1).renewing(held.yiaddr)).ack().lease(), 3600);
    world.advance_secs(3200).silence();
    world.ask(&Client::new(2).discover()).silence();
}
