//! A disk that fails a sync ends the process; a full one silences the server until there is room again.

use std::net::Ipv4Addr;

use crate::support::disk::{Fate, SimDisk};
use crate::support::world::first_reading;
use crate::support::{Client, Reply, Setup, World};

/// A range of 65,000 addresses, so that the disk is full before the range is.
fn wide() -> Setup {
    Setup::new().more("[Subnet 10.9.0.0/16]\nRange = 10.9.0.10 - 10.9.255.200")
}

fn world_on(disk: &SimDisk) -> World {
    World::start(wide().config(), disk, first_reading()).unwrap_or_else(|fatal| panic!("{fatal}"))
}

fn relay() -> Ipv4Addr {
    Ipv4Addr::new(10, 9, 0, 1)
}

/// One exchange through the relay; `None` when the server is silent.
fn try_lease(world: &mut World, client: &Client) -> Option<Reply> {
    let offer = world.ask(&client.discover().via(relay())).replies.pop()?;
    world.ask(&client.selecting(&offer).via(relay())).replies.pop()
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
    let mut world = world_on(&disk);
    disk.set_capacity(disk.used());
    let mut acked = Vec::new();
    let refused = (1..u16::MAX).find(|number| match try_lease(&mut world, &Client::new(*number)) {
        Some(ack) => {
            acked.push((*number, ack.yiaddr));
            false
        }
        None => true,
    });
    let refused = Client::new(refused.expect("the disk is full at some time"));
    world.advance_secs(30).silence();
    assert!(try_lease(&mut world, &refused).is_none());
    assert!(world.control("status").contains("full"), "{}", world.control("status"));
    disk.set_capacity(u64::MAX);
    world.advance_secs(2).silence();
    let ack = try_lease(&mut world, &refused).expect("there is room again");
    acked.push((u16::from_be_bytes([refused.hardware[4], refused.hardware[5]]), ack.yiaddr));
    disk.power_cut(Fate::Lost);
    let mut world = world_on(&disk);
    for (number, address) in acked {
        let reboot = Client::new(number).init_reboot(address).via(relay());
        assert_eq!(world.ask(&reboot).ack().yiaddr, address);
    }
}

/// On a full disk a client is left alone, not told NAK.
#[test]
fn a_full_disk_makes_no_naks() {
    let disk = SimDisk::new(5);
    disk.set_capacity(0);
    let Ok(mut world) = World::start(wide().config(), &disk, first_reading()) else {
        return;
    };
    world.ask(&Client::new(1).discover()).silence();
    world.ask(&Client::new(1).init_reboot(Ipv4Addr::new(192, 0, 2, 1))).silence();
    world.ask(&Client::new(1).renewing(Ipv4Addr::new(10, 1, 0, 60))).silence();
}
