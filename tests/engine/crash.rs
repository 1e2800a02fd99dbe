//! The power goes at each step; every ACK that was seen names a lease that is there afterwards.

use std::net::Ipv4Addr;

use understudy::engine::Fatal;

use crate::support::disk::{Fate, SimDisk};
use crate::support::world::first_reading;
use crate::support::{Client, Setup, World, kind};

const FATES: [Fate; 4] = [Fate::Lost, Fate::Kept, Fate::Torn, Fate::Stale];

/// Clients of the history.
const CLIENTS: u16 = 4;

/// Clients and the addresses that were ACKed to them, for which they sent no RELEASE since.
type Held = Vec<(u16, Ipv4Addr)>;

/// Clients come, renew, and go; ends at the first fault.
fn history(disk: &SimDisk, held: &mut Held) -> Result<(), Fatal> {
    let mut world = World::start(Setup::new().config(), disk, first_reading())?;
    for number in 1..=CLIENTS {
        let client = Client::new(number);
        let offer = world.ask_at_once(&[client.discover()])?.offer();
        let ack = world.ask_at_once(&[client.selecting(&offer)])?.ack();
        held.push((number, ack.yiaddr));
        let _ = world.ask_at_once(&[client.renewing(ack.yiaddr)])?.ack();
        if number == 2 {
            held.pop();
            world.ask_at_once(&[client.release(&ack)])?.silence();
        }
    }
    world.stop()
}

/// Starts on what is left and asks as each client would after a power cut of its own: INIT-REBOOT, which gets an
/// ACK only where the binding is on record.
fn check(disk: &SimDisk, held: &Held, place: &str) {
    let mut world =
        World::start(Setup::new().config(), disk, first_reading()).unwrap_or_else(|fatal| panic!("{place}: {fatal}"));
    for (number, address) in held {
        let answer = world.ask(&Client::new(*number).init_reboot(*address));
        let kinds: Vec<_> = answer.replies.iter().map(|reply| reply.kind()).collect();
        assert_eq!(kinds, [Some(kind::ACK)], "{place}: client {number} lost {address}");
    }
    let newcomer = world.lease(&Client::new(77)).yiaddr;
    assert!(held.iter().all(|(_, address)| *address != newcomer), "{place}: {newcomer} twice");
}

/// 2131-2.1-1, 2131-2.1-2: bindings outlive a crash at any moment, from the moment that the ACK is seen.
#[test]
fn a_power_cut_at_every_step_loses_no_lease_that_was_acked() {
    let whole = SimDisk::new(0);
    history(&whole, &mut Held::new()).expect("no fault");
    let mut cuts = 0;
    for step in 0..whole.steps() {
        let disk = SimDisk::new(step);
        disk.crash_after(step);
        let mut held = Held::new();
        assert!(history(&disk, &mut held).is_err(), "the power went at step {step}");
        // Each fate at every fourth step: neighbouring steps are mostly octets of one write.
        let fate = FATES[usize::try_from(step % 4).expect("under four")];
        disk.power_cut(fate);
        check(&disk, &held, &format!("step {step}, {fate:?}"));
        cuts += 1;
    }
    assert!(cuts > 500, "{cuts} power cuts");
}

/// At the moment that the ACK is seen its record is durable, and one sync was enough for all of a turn.
#[test]
fn the_acks_of_one_turn_share_one_sync() {
    let disk = SimDisk::new(3);
    let mut world = World::start(Setup::new().config(), &disk, first_reading()).expect("no fault");
    let clients: Vec<_> = (1..=20).map(Client::new).collect();
    let discovers: Vec<_> = clients.iter().map(Client::discover).collect();
    let offers = world.ask_at_once(&discovers).expect("no fault").replies;
    let requests: Vec<_> = clients.iter().zip(&offers).map(|(client, offer)| client.selecting(offer)).collect();
    let before = disk.syncs();
    let acks = world.ask_at_once(&requests).expect("no fault").replies;
    assert_eq!((acks.len(), disk.syncs() - before), (20, 1));
    disk.power_cut(Fate::Lost);
    let held = (1..=20).zip(acks.iter().map(|ack| ack.yiaddr)).collect();
    check(&disk, &held, "after 20 ACKs");
}

/// An OFFER promises nothing, so it costs no sync.
#[test]
fn offers_write_nothing() {
    let disk = SimDisk::new(3);
    let mut world = World::start(Setup::new().config(), &disk, first_reading()).expect("no fault");
    let before = disk.syncs();
    for number in 1..20 {
        let _ = world.ask(&Client::new(number).discover()).offer();
    }
    assert_eq!(disk.syncs(), before);
}
