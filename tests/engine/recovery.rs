//! A start gives the same table as before: after a planned stop, after a crash, and while snapshots are written.

use std::time::Duration;

use understudy::clock::{Reading, Wall};

use crate::support::disk::{Fate, SimDisk};
use crate::support::world::first_reading;
use crate::support::{Client, Setup, World, code, ip};

/// Starts that make the journal want a snapshot: each begins a segment.
const STARTS: u32 = 70;

fn world_at(disk: &SimDisk, now: Reading) -> World {
    World::start(Setup::new().config(), disk, now).unwrap_or_else(|fatal| panic!("{fatal}"))
}

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

/// A snapshot that is written while leases change loses none of the changes, wherever the power goes.
#[test]
fn a_snapshot_under_change_loses_nothing() {
    let disk = SimDisk::new(11);
    let mut now = first_reading();
    let mut acked = Vec::new();
    let mut segments = Vec::new();
    for start in 0..STARTS {
        let mut world = world_at(&disk, now);
        for turn in 0..6 {
            let number = (6 * start + turn) as u16 % 40;
            acked.retain(|(each, _)| *each != number);
            acked.push((number, world.lease(&Client::new(number + 1)).yiaddr));
            world.advance(Duration::from_millis(10)).silence();
            now = world.now();
            if start % 10 == 9 || start > 60 {
                let cut = disk.fork();
                cut.power_cut(Fate::Torn);
                check(&mut world_at(&cut, now), &acked);
            }
        }
        segments.push(disk.names().len());
        disk.power_cut(Fate::Torn);
    }
    check(&mut world_at(&disk, now), &acked);
    let most = segments.iter().max().copied().unwrap_or_default();
    assert!(disk.names().len() < most, "no snapshot was finished: {:?}", disk.names());
}

fn check(world: &mut World, acked: &[(u16, std::net::Ipv4Addr)]) {
    for (number, address) in acked {
        let ack = world.ask(&Client::new(number + 1).init_reboot(*address)).ack();
        assert_eq!(ack.yiaddr, *address);
    }
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
