//! Clients in the world: their timers, the way of their messages through relays to servers, the way of replies back.

use std::net::{Ipv4Addr, SocketAddrV4};

use understudy::server::event::Arrival;
use understudy::server::outbox::Destination;

use super::client::{Outgoing, SimClient, State, Taken, To};
use super::clock::{SECOND, Time};
use super::mix::Fault;
use super::node::Granted;
use super::site::{BACKBONE, Reach, link_id};
use super::support::{Reply, code, kind};
use super::world::{Asked, Event, World};

impl World {
    /// A client's timer went off.
    pub(crate) fn client_timer(&mut self, index: usize) {
        let now = self.now;
        let client = &mut self.clients[index];
        let outgoing = client.on_timer(now, &mut self.random);
        if let Some(outgoing) = outgoing {
            self.client_sends(index, outgoing);
        }
    }

    /// A message leaves a client.
    pub(crate) fn client_sends(&mut self, index: usize, outgoing: Outgoing) {
        let client = &self.clients[index];
        let (who, subnet, cut) = (client.number, client.subnet, client.cut);
        let message = &outgoing.message;
        let kind = message.value(code::TYPE).map_or(0, |value| value[0]);
        if let (kind::RELEASE | kind::DECLINE, Some(address)) = (kind, outgoing.about) {
            self.ledger.give_up(address, who, self.now);
        }
        if kind == kind::REQUEST {
            let claims = message.value(code::SERVER).is_none();
            self.asked.insert(message.xid, Asked { who, subnet, about: outgoing.about, claims, at: self.now });
        }
        let about = outgoing.about;
        self.say(|| format!("client {who} on {subnet} sends {} {about:?}", kind_name(kind)));
        self.transcript.mark(self.now, &[2, kind, index as u8]);
        if cut {
            return;
        }
        match outgoing.to {
            To::All => {
                for node in [self.site.subnets[subnet].primary, self.failover()] {
                    self.carry(node, subnet, &outgoing);
                }
                self.rival_hears(subnet, &outgoing);
            }
            To::Server(address) => {
                if let Some(node) = self.site.node_at(address) {
                    self.carry(node, subnet, &outgoing);
                }
            }
        }
    }

    /// Carries a message from a subnet to a server.
    fn carry(&mut self, node: usize, subnet: usize, outgoing: &Outgoing) {
        let way = *self.wires.inward(node, subnet);
        let (arrival, bytes) = self.arrival(node, subnet, outgoing);
        for at in way.arrivals(self.now, &mut self.random) {
            self.at(at, Event::Packet(node, arrival, bytes.clone()));
        }
    }

    /// How a message from a subnet comes to a server.
    pub(crate) fn arrival(&self, node: usize, subnet: usize, outgoing: &Outgoing) -> (Arrival, Vec<u8>) {
        let mut message = outgoing.message.clone();
        let place = &self.site.subnets[subnet];
        let server = self.identifier(node);
        let (interface, destination) = match (outgoing.to, place.reach) {
            (To::All, Reach::Relay { marks }) => {
                let relay = self.site.relay(subnet);
                message.giaddr = relay;
                message.hops = 1;
                message.source = SocketAddrV4::new(relay, 67);
                if marks {
                    message.options.push((code::RELAY, vec![1, 2, 0, subnet as u8]));
                }
                (BACKBONE, server)
            }
            (To::All, Reach::Direct) => (link_id(subnet), Ipv4Addr::BROADCAST),
            (To::Server(address), Reach::Relay { .. }) => (BACKBONE, address),
            (To::Server(address), Reach::Direct) => (link_id(subnet), address),
        };
        (Arrival { interface, source: message.source, destination }, message.bytes())
    }

    /// A reply leaves a server: it is judged, then carried to its subnet.
    pub(crate) fn reply_leaves(&mut self, node: usize, reply: Box<Reply>, record: Option<Granted>) {
        self.transcript.mark(self.now, &reply.bytes[..64]);
        let (name, kind) = (self.name(node), reply.kind().unwrap_or(0));
        let who = u16::from_be_bytes([reply.chaddr[4], reply.chaddr[5]]);
        let address = reply.yiaddr;
        self.say(|| format!("{name} sends {} {address} to client {who}", kind_name(kind)));
        match kind {
            kind::ACK if reply.has(code::LEASE) => self.judge_ack(node, &reply, record),
            kind::NAK => self.judge_nak(node, &reply),
            _ => {}
        }
        // A refusal of what came directly from behind a relay is broadcast where it came from (RFC 2131 section 4.1),
        // and reaches nobody there.
        let Some(subnet) = self.subnet_of_reply(&reply) else { return };
        let way = *self.wires.outward(node, subnet);
        for at in way.arrivals(self.now, &mut self.random) {
            self.at(at, Event::Reply(subnet, reply.clone()));
        }
    }

    fn subnet_of_reply(&self, reply: &Reply) -> Option<usize> {
        match reply.to {
            Destination::Link { interface, .. } => self.site.subnet_on(interface),
            Destination::Udp { to, .. } if !to.ip().is_broadcast() => {
                self.site.subnet_of(*to.ip()).map(|subnet| self.site.link(subnet))
            }
            Destination::Udp { interface, .. } => interface.and_then(|interface| self.site.subnet_on(interface)),
        }
    }

    /// A reply arrives on a subnet.
    pub(crate) fn reply_arrives(&mut self, subnet: usize, reply: &Reply) {
        let now = self.now;
        let asked = |client: &SimClient| client.subnet == subnet && !client.cut && client.is_asked(reply);
        let Some(index) = self.clients.iter().position(asked) else { return };
        let number = self.clients[index].number;
        let user = |client: &SimClient| {
            client.number != number && client.subnet == subnet && client.uses(now) == Some(reply.yiaddr)
        };
        let taken = if self.clients.iter().any(user) { Taken::ByAnother } else { Taken::No };
        let outgoing = self.clients[index].on_reply(reply, taken, now, &mut self.random);
        if let Some(outgoing) = outgoing {
            self.client_sends(index, outgoing);
        }
    }

    /// Something in the life of a client: it goes, comes back, moves, gives its address back, is cut off.
    pub(crate) fn live(&mut self) {
        if !self.troubled {
            return;
        }
        let pause = self.random.between(SECOND, 8 * SECOND);
        self.at(self.now + pause, Event::Life);
        let now = self.now;
        let index = self.random.below(self.clients.len() as u64) as usize;
        let roams = self.mix.has(Fault::Roaming);
        let deed = self.random.below(if roams { 12 } else { 5 });
        let subnets = self.site.subnets.len() as u64;
        let moved_to = self.site.link(self.random.below(subnets) as usize);
        let client = &mut self.clients[index];
        let mut outgoing = None;
        if client.state == State::Off {
            client.switch_on(now, &mut self.random);
        } else {
            match deed {
                0 => outgoing = client.release(now),
                1 if client.rude.is_some() => outgoing = client.decline(now),
                1..=4 => {}
                5..=7 => client.switch_off(),
                8 => {
                    client.switch_off();
                    client.subnet = moved_to;
                    client.switch_on(now, &mut self.random);
                }
                9 => {
                    client.lease = None;
                    client.state = State::Init;
                    client.due = now;
                }
                _ => client.cut = !client.cut,
            }
        }
        if deed >= 5 {
            self.report.count(Fault::Roaming);
        }
        if let Some(outgoing) = outgoing {
            self.client_sends(index, outgoing);
        }
    }

    /// Clients that are too many for their subnet, or rude, go for good; the others are as at home.
    pub(crate) fn calm_clients(&mut self) {
        let now = self.now;
        for client in &mut self.clients {
            client.cut = false;
            if client.rude.take().is_some() {
                client.switch_off();
            }
        }
        for subnet in 0..self.site.subnets.len() {
            let places = self.site.on_link(subnet).map(|index| &self.site.subnets[index]);
            let room =
                places.filter(|place| place.present).map(|place| usize::from(place.size).saturating_sub(2)).sum();
            let mut seen: Vec<u16> = Vec::new();
            for client in self.clients.iter_mut().filter(|client| client.subnet == subnet) {
                if seen.contains(&client.number) || seen.len() >= room {
                    client.switch_off();
                    continue;
                }
                seen.push(client.number);
                if client.state == State::Off {
                    client.switch_on(now, &mut self.random);
                }
            }
        }
    }

    /// The clients of a site.
    pub(crate) fn populate(&mut self) {
        let rude = self.mix.has(Fault::RudeClients);
        for subnet in 0..self.site.subnets.len() {
            let count = self.random.between(2, u64::from(self.site.subnets[subnet].size) + 1);
            let link = self.site.link(subnet);
            for each in 0..count {
                let number = (subnet * 16) as u16 + each as u16;
                let due: Time = self.now + self.random.below(5 * SECOND);
                self.clients.push(SimClient::new(number, link, due));
            }
            if rude {
                self.add_rude(subnet);
            }
        }
    }

    fn add_rude(&mut self, subnet: usize) {
        use super::client::Rude::{Grabs, Idles, Replays, WrongServer};
        let (base, link) = ((subnet * 16) as u16, self.site.link(subnet));
        for (each, rude) in [WrongServer, Replays, Grabs, Idles].into_iter().enumerate() {
            if self.random.happens(50) {
                let mut client = SimClient::new(base + 10 + each as u16, link, self.now + SECOND);
                client.rude = Some(rude);
                self.clients.push(client);
                self.report.count(Fault::RudeClients);
            }
        }
        if self.random.happens(50) {
            let mut clone = SimClient::new(base, link, self.now + 2 * SECOND);
            clone.rude = Some(Idles);
            self.clients.push(clone);
            self.report.count(Fault::RudeClients);
        }
    }
}

/// The name of a message type.
pub(crate) fn kind_name(kind: u8) -> &'static str {
    match kind {
        kind::DISCOVER => "DISCOVER",
        kind::OFFER => "OFFER",
        kind::REQUEST => "REQUEST",
        kind::DECLINE => "DECLINE",
        kind::ACK => "ACK",
        kind::NAK => "NAK",
        kind::RELEASE => "RELEASE",
        kind::INFORM => "INFORM",
        _ => "a message",
    }
}
