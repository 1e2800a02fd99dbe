//! Invariant 7: what comes on one channel of a failover changes nothing on another.
//!
//! Now and then a turn of the failover is decided twice: by the failover itself, and by a copy of it that gets all
//! but what came on one channel: its primary's datagrams, its port that is closed, commands about it, messages of its
//! clients. On all other channels both must come to the same: state, contact, word, subnets, whom they serve, what is
//! not acknowledged, every binding but for its stamp. That a turn decides the same on a copy is what a pure server
//! promises.
//!
//! Changes of addresses in no subnet that is in force go to each partner, since they may be anybody's, and may come
//! back from each: such addresses are not compared, nor, where there are any, what is not acknowledged.
//!
//! Left out are turns in which the configuration changes, since a primary's new subnets are arranged together with
//! those of all others, turns in which the lease clock is set by the clock of a partner, which all go by, and full
//! disks.

use std::fmt::Write;
use std::net::Ipv4Addr;

use understudy::clock::Now;
use understudy::lease::{Binding, Stamp};
use understudy::server::Server;
use understudy::server::event::{Arrival, ControlId, Input, PartnerId};
use understudy::server::outbox::Outbox;
use understudy::wire::failover::Kind;

use super::node::{Inward, Outward, Turned};
use super::site::Subnet;
use super::world::World;

/// One turn of so many that bring something else than polls.
const OF_SOME: u64 = 32;
/// One turn of so many that bring nothing else.
const OF_POLLS: u64 = 512;

/// The failover before a turn, and what the turn brings but for one channel.
#[derive(Debug)]
pub(crate) struct Apart {
    without: usize,
    server: Box<Server>,
    last: Now,
    inputs: Vec<Copied>,
    digests: Vec<[u8; 32]>,
}

/// Something before the process.
#[derive(Debug)]
enum Copied {
    Partner(PartnerId, Vec<u8>),
    Refused(PartnerId),
    Echo(Ipv4Addr),
    Packet(Arrival, Vec<u8>),
    Control(String),
}

impl World {
    /// Sets the failover apart before some of its turns.
    pub(crate) fn set_apart(&self, index: usize) -> Option<Apart> {
        let node = &self.nodes[index];
        let engine = node.engine.as_ref().filter(|_| index == self.failover() && self.site.primaries > 1)?;
        let inbox = node.waiting();
        let is_dull = |inward: &&Inward| match inward {
            Inward::Partner(_, bytes) => bytes.get(1).is_some_and(|&code| Kind::of(code) == Some(Kind::PollRpl)),
            _ => false,
        };
        let every = if inbox.iter().all(is_dull) { OF_POLLS } else { OF_SOME };
        if inbox.is_empty() || node.is_full || !self.report.turns.is_multiple_of(every) {
            return None;
        }
        let channels: Option<Vec<usize>> = inbox.iter().map(|inward| self.channel_of(inward)).collect();
        let channels = channels?;
        let without = channels[(self.report.turns / every) as usize % channels.len()];
        let others = inbox.into_iter().zip(&channels).filter(|entry| *entry.1 != without);
        let inputs = others.filter_map(|entry| copied(entry.0)).collect();
        let server = Box::new(engine.server().clone());
        let digests = digests(&server);
        Some(Apart { without, server, last: engine.now(), inputs, digests })
    }

    /// The channel that something is about; none where it is about all.
    fn channel_of(&self, inward: &Inward) -> Option<usize> {
        let of = |address: Ipv4Addr| self.site.subnet_of(address).map(|subnet| self.site.subnets[subnet].primary);
        let address = |bytes: &[u8], at: usize| {
            Ipv4Addr::from_bits(u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap_or_default()))
        };
        match inward {
            Inward::Partner(partner, _) | Inward::Refused(partner) => Some(partner.0),
            Inward::Echo(address) => of(*address),
            Inward::Packet(arrival, bytes) => {
                let on = self.site.subnet_on(arrival.interface).map(|subnet| self.site.subnets[subnet].primary);
                on.or_else(|| of(address(bytes, 24))).or_else(|| of(address(bytes, 12)))
            }
            Inward::Control(line) => (0..self.site.primaries).find(|primary| line.ends_with(&format!(" p{primary}"))),
            Inward::Stop | Inward::Reload(_) | Inward::Interfaces(_) => None,
        }
    }

    /// 7: the copy, which got all but one channel's, has come to the same on the others.
    pub(crate) fn check_7_other_channels_are_the_same(&mut self, index: usize, apart: Apart, turned: &Turned) {
        let Some(engine) = &self.nodes[index].engine else { return };
        let Apart { without, mut server, last, inputs, digests: before } = apart;
        let now = engine.now();
        let steps = now.wall.millis().abs_diff(last.wall.millis() + now.mono.since(last.mono).as_millis() as u64);
        let stored = turned.leaving.iter().any(|outward| matches!(outward, Outward::Store(..)));
        if steps > 1_000 || stored || digests(engine.server()) != before {
            return;
        }
        let mut out = Outbox::new();
        server.note_pause(last.mono, now, &mut out);
        for input in &inputs {
            server.handle(now, as_input(input), &mut out);
        }
        server.expire(now, &mut out);
        self.report.compared += 1;
        for primary in (0..self.site.primaries).filter(|primary| *primary != without) {
            let (real, copy) = (self.channel(engine.server(), primary, now), self.channel(&server, primary, now));
            if real != copy {
                let what = format!("what came from P{without} changes the channel of P{primary}: {copy} -> {real}");
                self.fail(7, what);
                return;
            }
        }
    }

    /// All that a server knows of a channel, for comparison.
    fn channel(&self, server: &Server, primary: usize, now: Now) -> String {
        let mut text = String::new();
        let has = |subnet: &Subnet| server.config().subnets.iter().any(|own| own.network.address == subnet.address(0));
        let is_homely = self.site.subnets.iter().all(has);
        let view = server.partners(now).nth(primary);
        let facts = view.map(|view| {
            let unacknowledged = is_homely.then_some(view.unacknowledged);
            let watched = (view.in_contact, unacknowledged, view.sizes_differ, view.one_sided);
            (view.state, watched, view.subnets, view.strict, view.word)
        });
        let _ = write!(text, "{facts:?}");
        let subnets = || self.site.subnets.iter().filter(|subnet| subnet.primary == primary);
        for subnet in subnets() {
            let network = understudy::config::Network { address: subnet.address(0), prefix: 24 };
            let _ = write!(text, " {:?}", server.failover().service(Some(PartnerId(primary)), network));
        }
        let table = server.bindings().table();
        let own = |binding: &Binding<'_>| subnets().any(|subnet| subnet.contains(binding.address) && has(subnet));
        for binding in table.slots(0, table.len()).filter(own) {
            let _ = write!(text, " {:?}", Binding { stamp: Stamp::default(), ..binding });
        }
        text
    }
}

/// Which subnets of each primary are in force.
fn digests(server: &Server) -> Vec<[u8; 32]> {
    let parts = server.config().primaries.iter().map(|primary| primary.part.as_ref());
    parts.map(|part| part.map_or([0; 32], |part| part.subnets_text.digest)).collect()
}

fn copied(inward: &Inward) -> Option<Copied> {
    Some(match inward {
        Inward::Partner(partner, bytes) => Copied::Partner(*partner, bytes.clone()),
        Inward::Refused(partner) => Copied::Refused(*partner),
        Inward::Echo(address) => Copied::Echo(*address),
        Inward::Packet(arrival, bytes) => Copied::Packet(*arrival, bytes.clone()),
        Inward::Control(line) => Copied::Control(line.clone()),
        Inward::Stop | Inward::Reload(_) | Inward::Interfaces(_) => return None,
    })
}

fn as_input(copied: &Copied) -> Input<'_> {
    match copied {
        Copied::Partner(partner, bytes) => Input::Partner { partner: *partner, bytes },
        Copied::Refused(partner) => Input::Refused { partner: *partner },
        Copied::Echo(address) => Input::Echo { address: *address },
        Copied::Packet(arrival, bytes) => Input::Packet { arrival: *arrival, bytes },
        Copied::Control(line) => Input::Control { id: ControlId(1), line },
    }
}
