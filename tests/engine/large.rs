//! Many clients at once, in a subnet behind a relay that has room for them.

use std::net::Ipv4Addr;
use std::ops::Range;

use understudy::clock::Reading;

use crate::support::client::Message;
use crate::support::disk::SimDisk;
use crate::support::{Client, Reply, Setup, World, ip};

/// The first address of the large subnet that is given.
const FIRST: &str = "10.9.0.10";

/// The common configuration, and a range of 65,000 addresses.
pub(super) fn wide() -> Setup {
    Setup::new().more("[Subnet 10.9.0.0/16]\nRange = 10.9.0.10 - 10.9.255.200")
}

/// An engine with that configuration on `disk`, which has no fault.
pub(super) fn world_at(disk: &SimDisk, now: Reading) -> World {
    World::start(wide().config(), disk, now).unwrap_or_else(|fatal| panic!("{fatal}"))
}

/// The same message through the relay of the large subnet.
pub(super) fn relayed(message: Message) -> Message {
    message.via(ip("10.9.0.1"))
}

/// Whole exchanges of some clients, each step of all in one turn; the ACKs.
pub(super) fn lease_at_once(world: &mut World, clients: Range<u16>) -> Vec<Reply> {
    let clients: Vec<_> = clients.map(Client::new).collect();
    let discovers: Vec<_> = clients.iter().map(|client| relayed(client.discover())).collect();
    let offers = world.ask_at_once(&discovers).expect("no fault").replies;
    let requests = clients.iter().zip(&offers).map(|(client, offer)| relayed(client.selecting(offer)));
    let requests: Vec<_> = requests.collect();
    world.ask_at_once(&requests).expect("no fault").replies
}

/// A renewal by a client of the large subnet, where addresses were given in the order of the clients from 0.
pub(super) fn renewal(number: u16) -> Message {
    let first = ip(FIRST).to_bits();
    Client::new(number).renewing(Ipv4Addr::from_bits(first + u32::from(number)))
}
