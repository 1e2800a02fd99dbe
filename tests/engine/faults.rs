//! A disk that fails a sync ends the process; a full one silences the server until there is room again.

use std::net::Ipv4Addr;

use crate::support::disk::{Fate, SimDisk};
use crate::support::world::first_reading;
use crate::support::{Client, World};

use super::large::{lease_at_once, relayed, world_at};

/// Octets of a small disk: room for the first segment, and no more.
const CAPACITY: u64 = 1_100_000;

/// Clients that come in one turn until the disk is full.
const BATCH: u16 = 100;

fn world_on(disk: &SimDisk) -> World {
    world_at(disk, first_reading())
}

/// A failed sync ends the process, and the ACK that depended on it never left.
#[test]
fn a_failed_sync_ends_the_process_before_the_ack_leaves() {
    let disk = SimDisk::new(5);
    let mut world = world_on(&disk);
    let safe = world.lease(&Client::new(1));
    let offer = world.ask(&Client::new(2).discover()).offer();
    disk.fail_sync_after(0);
    let fatal = world.ask_at_once(&[Client::new(2).selecting(&offer)]).expect_err("the sync fails");
    assert!(fatal.to_string().len() > 20, "a message to act on: {fatal}");
    disk.power_cut(Fate::Lost);
    let mut world = world_on(&disk);
    assert_eq!(world.ask(&Client::new(1).init_reboot(safe.yiaddr)).ack().yiaddr, safe.yiaddr);
    world.ask(&Client::new(2).init_reboot(offer.yiaddr)).silence();
}

/// After a failed sync nothing is written any more, though the disk would take it.
#[test]
fn after_a_failed_sync_the_engine_takes_nothing() {
    let disk = SimDisk::new(5);
    let mut world = world_on(&disk);
    let offer = world.ask(&Client::new(2).discover()).offer();
    disk.fail_sync_after(0);
    assert!(world.ask_at_once(&[Client::new(2).selecting(&offer)]).is_err());
    assert!(world.ask_at_once(&[Client::new(2).selecting(&offer)]).is_err());
}

/// A full disk: silence, no end, and nothing lost; with room again the server serves again by itself.
#[test]
fn a_full_disk_silences_the_server_until_there_is_room() {
    let disk = SimDisk::new(5);
    disk.set_capacity(CAPACITY);
    let mut world = world_on(&disk);
    let mut acked = Vec::new();
    let mut number = 1;
    loop {
        let acks = lease_at_once(&mut world, number..number + BATCH);
        acked.extend(acks.iter().map(|ack| (ack.chaddr, ack.yiaddr)));
        if acks.len() < usize::from(BATCH) {
            break;
        }
        number += BATCH;
    }
    assert!(acked.len() > 1000, "{} leases on a disk of {CAPACITY} octets", acked.len());
    assert_silent(&mut world, acked[0].1);
    world.advance_secs(30).silence();
    assert_silent(&mut world, acked[0].1);
    disk.set_capacity(u64::MAX);
    world.advance_secs(2).silence();
    let acks = lease_at_once(&mut world, number + BATCH..number + 2 * BATCH);
    assert_eq!(acks.len(), usize::from(BATCH), "there is room again");
    acked.extend(acks.iter().map(|ack| (ack.chaddr, ack.yiaddr)));
    disk.power_cut(Fate::Lost);
    let mut world = world_on(&disk);
    for some in acked.chunks(500) {
        let reboots = some.iter().map(|(chaddr, address)| {
            let client = Client::new(u16::from_be_bytes([chaddr[4], chaddr[5]]));
            relayed(client.init_reboot(*address))
        });
        let answers = world.ask_at_once(&reboots.collect::<Vec<_>>()).expect("no fault").replies;
        let confirmed: Vec<_> = answers.iter().map(|ack| (ack.chaddr, ack.yiaddr)).collect();
        assert_eq!(confirmed, some);
    }
}

/// No client is offered anything, extended, or told NAK.
fn assert_silent(world: &mut World, leased: Ipv4Addr) {
    let client = Client::new(1);
    world.ask(&relayed(Client::new(60_000).discover())).silence();
    world.ask(&relayed(client.rebinding(leased))).silence();
    world.ask(&client.init_reboot(Ipv4Addr::new(192, 0, 2, 1))).silence();
    let status = world.control("status");
    assert!(status.contains("silent: journal-full"), "{status}");
}
