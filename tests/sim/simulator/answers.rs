//! Invariants 5 and 6 of one server: while it serves, it answers in the very turn that reads a message each client
//! that it must, whether its partner is there or not.
//!
//! Who must be answered is found in what the server knows, before the turn and after it: a known holder that renews
//! or asks anew, a client that takes up an offer that stands, a new client while the server has a free address of its
//! own that is settled. Silence is lawful, and nothing is due, where
//! - the server does not serve the subnet before and after the turn, or changes its state in it;
//! - it stood still before the turn, or the commit of it takes so long, that its partner may serve by then (half of
//!   what lets the failover take over);
//! - its disk is full;
//! - an operator stops it, reloads it or commands it in the same turn;
//! - the client sends more than one message that this turn reads, or is asked to wait for the ping of an address that
//!   is not settled;
//! - the subnet is not in the configuration that the server runs, the address lies in no range of it, or the address
//!   or the client is reserved there, in which case refusals need proof, and may want it;
//! - what was due before the turn is not due after it: a datagram in the same turn, or another client, took it.
//!
//! [`super::service`] asks that somebody serves.

use std::net::Ipv4Addr;

use understudy::config::{Config, HostIdentity, Subnet};
use understudy::lease::{Binding, BindingState, ClientKey, Hardware};
use understudy::server::Server;
use understudy::server::event::Arrival;
use understudy::server::failover::Service;
use understudy::server::offers::{ClientOnLink, Probe};

use super::clock::Time;
use super::node::{Inward, Outward, Turned};
use super::site::server_address;
use super::support::{code, kind};
use super::world::World;

/// Octets before the options of a message: header and cookie.
const FIXED: usize = 240;

/// What a client wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// To keep the address that it holds.
    Held(Ipv4Addr),
    /// The address that it was offered.
    Offered(Ipv4Addr),
    /// Any address.
    Any,
}

/// A message that is to be answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    xid: u32,
    hardware: [u8; 6],
    subnet: usize,
    want: Want,
}

/// What is known before a turn.
#[derive(Debug)]
pub(crate) struct Before {
    due: Vec<Due>,
    states: String,
    /// How long ago the last turn began.
    pub(crate) pause: Time,
}

/// A message as far as it matters here.
struct Packet<'a> {
    bytes: &'a [u8],
}

impl Packet<'_> {
    fn address(&self, at: usize) -> Option<Ipv4Addr> {
        let octets: [u8; 4] = self.bytes.get(at..at + 4)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets)).filter(|address| !address.is_unspecified())
    }

    fn hardware(&self) -> [u8; 6] {
        self.bytes[28..34].try_into().expect("6 octets")
    }

    fn xid(&self) -> u32 {
        u32::from_be_bytes(self.bytes[4..8].try_into().expect("4 octets"))
    }

    /// Where the value of an option stands, and its length.
    fn option(&self, wanted: u8) -> Option<(usize, usize)> {
        let mut at = FIXED;
        while let (Some(&code), Some(&length)) = (self.bytes.get(at), self.bytes.get(at + 1)) {
            if code == wanted {
                return Some((at + 2, usize::from(length)));
            }
            at += if code == 0 { 1 } else { 2 + usize::from(length) };
        }
        None
    }

    fn kind(&self) -> u8 {
        self.option(code::TYPE).map_or(0, |place| self.bytes[place.0])
    }

    fn option_address(&self, wanted: u8) -> Option<Ipv4Addr> {
        self.address(self.option(wanted)?.0)
    }
}

impl World {
    /// What the next turn of a server owes its clients.
    pub(crate) fn what_is_due(&self, index: usize) -> Before {
        let node = &self.nodes[index];
        let mut before = Before { due: Vec::new(), states: String::new(), pause: self.now - node.turn_began };
        let (Some(engine), false) = (&node.engine, node.is_full) else { return before };
        let commands = |inward: &Inward| inward.is_command() || matches!(inward, Inward::Interfaces(_));
        if node.inbox().iter().any(commands) {
            return before;
        }
        let packets = || {
            node.inbox().iter().filter_map(|inward| match inward {
                Inward::Packet(arrival, bytes) => Some((arrival, Packet { bytes })),
                _ => None,
            })
        };
        for (arrival, packet) in packets() {
            let hardware = packet.hardware();
            if packets().filter(|other| other.1.hardware() == hardware).count() > 1 {
                continue;
            }
            let due = self.subnet_of_packet(arrival, &packet).and_then(|subnet| {
                let want = want(&packet, (self, index), subnet)?;
                Some(Due { xid: packet.xid(), hardware, subnet, want })
            });
            before.due.extend(due.filter(|due| self.is_due(index, engine.server(), due)));
        }
        if !before.due.is_empty() {
            before.states = self.states_of(index);
        }
        before
    }

    fn subnet_of_packet(&self, arrival: &Arrival, packet: &Packet<'_>) -> Option<usize> {
        let by_address = |at: usize| packet.address(at).and_then(|address| self.site.subnet_of(address));
        self.site.subnet_on(arrival.interface).or_else(|| by_address(24)).or_else(|| by_address(12))
    }

    /// Whether a server that serves must answer, by what it knows now.
    fn is_due(&self, index: usize, server: &Server, due: &Due) -> bool {
        let place = &self.site.subnets[due.subnet];
        let partner = self.partner_id(index, if index == self.failover() { place.primary } else { self.failover() });
        let config = server.config();
        let Some(subnet) = config.subnets.iter().find(|subnet| subnet.network.address == place.address(0)) else {
            return false;
        };
        if server.failover().service(partner, subnet.network) != Service::Serves
            || config.hosts.iter().any(|host| is_hardware(&host.identity, due.hardware))
        {
            return false;
        }
        let Some(now) = self.nodes[index].engine.as_ref().map(|engine| engine.now()) else { return false };
        let bindings = server.bindings();
        let table = bindings.table();
        let own = |binding: &Binding<'_>| {
            let hardware = binding.client.hardware.map(|hardware| hardware.address);
            hardware == Some(&due.hardware[..]) && binding.state == BindingState::Leased && binding.end > now.wall
        };
        let is_free = |address: Ipv4Addr| {
            let Some(knowledge) = server.failover().knowledge(partner) else { return false };
            let is_given = bindings.may_give(&knowledge, address, now.wall) && !bindings.is_contested(address);
            is_given && is_common(config, subnet, address)
        };
        let held = || place.addresses().find(|address| table.find(*address).is_some_and(|binding| own(&binding)));
        match due.want {
            Want::Held(address) => {
                is_common(config, subnet, address) && table.find(address).is_some_and(|binding| own(&binding))
            }
            Want::Offered(address) => {
                let offer = bindings.offers().of_address(address);
                let client = client(server, due.hardware, subnet.link);
                let stands = offer.is_some_and(|offer| offer.client == client && offer.probe == Probe::Passed);
                stands && held().is_none() && is_free(address)
            }
            Want::Any => match held() {
                Some(address) => is_common(config, subnet, address),
                None => {
                    range(subnet).any(|address| is_free(address) && bindings.offers().of_address(address).is_none())
                }
            },
        }
    }

    /// 5 and 6: who had to be answered in this turn was.
    pub(crate) fn check_5_and_6_all_are_answered(&mut self, index: usize, before: &Before, turned: &Turned) {
        if before.due.is_empty() || self.states_of(index) != before.states {
            return;
        }
        let commit = turned.at - self.now;
        for due in &before.due {
            let primary = self.site.subnets[due.subnet].primary;
            let stall = self.pairs.stall(primary);
            if before.pause > stall || commit > stall {
                continue;
            }
            self.report.due += 1;
            let answers = |outward: &Outward| match outward {
                Outward::Reply { reply, .. } => reply.xid == due.xid && reply.chaddr[..6] == due.hardware,
                _ => false,
            };
            if turned.leaving.iter().any(answers) {
                continue;
            }
            let Some(engine) = &self.nodes[index].engine else { return };
            let server = engine.server();
            if self.is_due(index, server, due) && !is_pinged(server, due, self.site.subnets[due.subnet].address(0)) {
                let who = u16::from_be_bytes([due.hardware[4], due.hardware[5]]);
                let alone = index == primary && self.is_lost(primary);
                let what = format!("{} serves and does not answer client {who}, {:?}", self.name(index), due.want);
                self.fail(if alone { 6 } else { 5 }, what);
            }
        }
    }
}

/// What a client wants by a message that must perhaps be answered.
fn want(packet: &Packet<'_>, (world, index): (&World, usize), subnet: usize) -> Option<Want> {
    let here = |address: &Ipv4Addr| world.site.subnets[subnet].contains(*address);
    let asked = packet.option_address(code::REQUESTED);
    match packet.kind() {
        kind::DISCOVER => Some(Want::Any),
        kind::REQUEST => match packet.option_address(code::SERVER) {
            None => packet.address(12).or(asked).filter(here).map(Want::Held),
            Some(server) if server == server_address(index) => asked.filter(here).map(Want::Offered),
            Some(_) => None,
        },
        _ => None,
    }
}

/// Whether the offer to the client waits for a ping.
fn is_pinged(server: &Server, due: &Due, network: Ipv4Addr) -> bool {
    let config = server.config();
    let Some(subnet) = config.subnets.iter().find(|subnet| subnet.network.address == network) else { return false };
    let offer = server.bindings().offers().of_client(client(server, due.hardware, subnet.link));
    due.want == Want::Any && offer.is_some_and(|offer| offer.probe == Probe::Pending)
}

/// The name by which a server knows a client of the simulator on a link; some send an identifier.
fn client(server: &Server, hardware: [u8; 6], link: usize) -> ClientOnLink {
    let identifier = [0, 7, hardware[5], 9];
    let key = if hardware[5] % 3 == 1 {
        ClientKey::Identifier(&identifier)
    } else {
        ClientKey::Hardware(Hardware { htype: 1, address: &hardware })
    };
    server.bindings().client_on_link(key, link)
}

fn range(subnet: &Subnet) -> impl Iterator<Item = Ipv4Addr> {
    let runs = subnet.ranges.iter().map(|range| range.first.to_bits()..=range.last.to_bits());
    runs.flatten().map(Ipv4Addr::from_bits)
}

/// Whether an address may be anybody's: it lies in a range, and is reserved for nobody.
fn is_common(config: &Config, subnet: &Subnet, address: Ipv4Addr) -> bool {
    let reserved = config.hosts.iter().any(|host| host.address == Some(address));
    !reserved && subnet.ranges.iter().any(|range| (range.first..=range.last).contains(&address))
}

fn is_hardware(identity: &HostIdentity, hardware: [u8; 6]) -> bool {
    match identity {
        HostIdentity::HardwareAddress { address, .. } => **address == hardware[..],
        HostIdentity::ClientId(_) | HostIdentity::CircuitId(_) => false,
    }
}
