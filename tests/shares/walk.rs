//! The world of one walk: a second a step, messages that are lost, late or overtaken, cuts, crashes, lost disks, owners
//! that change, and clients that ask, renew, release, forget and come back.

use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::clock::Secs;
use understudy::lease::{Client, ClientKey, Hardware, Side};
use understudy::server::bindings::Grant;
use understudy::server::offers::{ClientOnLink, Offer, Probe};
use understudy::server::outbox::Outbox;

use crate::plans::PLANS;
use crate::server::{Changes, FIRST, Facts, LAST, POOL, SKEW, Server, addresses};

const LEASE: u64 = 40;
/// The failover serves when it has not heard of the primary for so long.
const DETECT: u64 = 12;
/// The primary serves when it has not heard of the failover for so long after a start.
const ALONE: u64 = 6;
const CLIENTS: usize = 4;
const OCTETS: [[u8; 1]; CLIENTS] = [[1], [2], [3], [4]];

/// Which rules of the walk's own making hold; those of the server are left out by their names (`rules`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    All,
    /// A reserved address goes to its host whatever the partner runs.
    WithoutAgreement,
    /// Who owns an address without a record stands in the configuration.
    SharesConfigured,
}

/// What happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) grants: u64,
    /// New leases by the failover.
    pub(crate) by_failover: u64,
    /// Addresses that changed their owner.
    pub(crate) moves: u64,
    pub(crate) disks_lost: u64,
    pub(crate) reloads: u64,
    /// New leases by a reservation of both servers, on an address that the other one owns.
    pub(crate) by_reservation: u64,
}

impl Figures {
    pub(crate) fn add(&mut self, other: &Figures) {
        self.grants += other.grants;
        self.by_failover += other.by_failover;
        self.moves += other.moves;
        self.disks_lost += other.disks_lost;
        self.reloads += other.reloads;
        self.by_reservation += other.by_reservation;
    }
}

#[derive(Clone, Debug)]
enum Message {
    Update(Facts, Changes),
    Ack(Facts),
    Claim(Facts),
    Answer(Facts, Changes, u64),
}

#[derive(Clone, Copy, Debug, Default)]
struct Holder {
    address: Option<Ipv4Addr>,
    end: u64,
    last: Option<Ipv4Addr>,
    /// The server that offered an address, which, and when the REQUEST goes.
    offered: Option<(usize, Ipv4Addr, u64)>,
}

pub(crate) struct World {
    random: u64,
    time: u64,
    rules: Rules,
    /// Primary, failover.
    servers: [Server; 2],
    clients: [Holder; CLIENTS],
    /// When it arrives, at which server.
    net: Vec<(u64, usize, Message)>,
    cut: bool,
    reloads_in_1000: u64,
    databases: u64,
    pub(crate) figures: Figures,
}

impl World {
    /// `reloads_in_1000`: how often a server gets another configuration, in a thousand seconds.
    pub(crate) fn new((seed, reloads_in_1000): (u64, u64), rules: Rules) -> World {
        let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut offset = || {
            random = step(random);
            (random >> 33) % (SKEW + 1)
        };
        let servers = [Server::new(Side::Primary, offset(), 1), Server::new(Side::Secondary, offset(), 2)];
        let clients = [Holder::default(); CLIENTS];
        let (net, figures) = (Vec::new(), Figures::default());
        World { random, time: 0, rules, servers, clients, net, cut: false, reloads_in_1000, databases: 2, figures }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random = step(self.random);
        (self.random >> 33) % limit
    }

    /// Whether something happens that happens `per_mille` times in a thousand.
    fn happens(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// Walks; an error names the address in two hands.
    pub(crate) fn walk(&mut self, steps: u32) -> Result<(), String> {
        for _ in 0..steps {
            self.time += 1;
            self.deliver_due();
            if self.happens(20) {
                self.cut = !self.cut;
            }
            self.crash_and_start();
            self.reload();
            self.speak();
            for at in 0..2 {
                if self.servers[at].up && self.happens(30) {
                    self.give_away(at);
                }
            }
            for _ in 0..2 {
                self.client_acts()?;
            }
            self.owners_are_one()?;
        }
        Ok(())
    }

    fn send(&mut self, to: usize, message: Message) {
        if !self.cut && !self.happens(150) {
            let at = self.time + self.below(5);
            self.net.push((at, to, message));
        }
    }

    fn deliver_due(&mut self) {
        self.net.sort_by_key(|message| message.0);
        let due = self.net.partition_point(|message| message.0 <= self.time);
        let arrived: Vec<_> = self.net.drain(..due).collect();
        for (_, to, message) in arrived {
            if self.servers[to].up {
                self.deliver(to, message);
            }
        }
    }

    fn deliver(&mut self, to: usize, message: Message) {
        let time = self.time;
        let server = &mut self.servers[to];
        server.heard = time;
        match message {
            Message::Update(facts, changes) => {
                server.absorb(&facts, &changes, time);
                if server.side == Side::Secondary && facts.serving {
                    server.serving = false;
                }
                let facts = server.facts(time);
                if self.happens(500) {
                    self.send(1 - to, Message::Ack(facts));
                }
            }
            Message::Ack(facts) => server.hear(&facts),
            Message::Claim(facts) => {
                server.serving = false;
                server.hear(&facts);
                let answer = Message::Answer(server.facts(time), server.changes(), facts.boot);
                self.send(1 - to, answer);
            }
            Message::Answer(facts, changes, boot) => {
                if boot == server.started && server.absorb(&facts, &changes, time) && server.waiting {
                    (server.waiting, server.serving) = (false, true);
                }
            }
        }
    }

    /// A server, running or not, gets another configuration; the other one may follow some time later.
    fn reload(&mut self) {
        for at in 0..2 {
            if self.reloads_in_1000 > 0 && self.happens(self.reloads_in_1000) {
                let plan = self.below(PLANS.len() as u64) as usize;
                let other = self.servers[1 - at].agreed.plan;
                let plan = if self.happens(500) { other } else { plan };
                self.figures.reloads += u64::from(plan != self.servers[at].agreed.plan);
                self.servers[at].agreed.reload(plan);
            }
        }
    }

    fn crash_and_start(&mut self) {
        for at in 0..2 {
            if self.servers[at].up && self.happens(6) {
                (self.servers[at].up, self.servers[at].serving) = (false, false);
            } else if !self.servers[at].up && self.happens(50) {
                // What the partner never got is gone with the disk: no rule can help.
                let (own, other) = (&self.servers[at], &self.servers[1 - at]);
                let known = other.complete && other.partner_database == own.database && other.have >= own.newest();
                if known && self.happens(300) {
                    self.databases += 1;
                    self.servers[at].lose_disk(self.databases);
                    self.figures.disks_lost += 1;
                }
                self.servers[at].boot(self.time);
            }
        }
    }

    fn speak(&mut self) {
        let time = self.time;
        if self.servers[0].up && self.servers[0].waiting {
            let claim = Message::Claim(self.servers[0].facts(time));
            self.send(1, claim);
            if time - self.servers[0].started > ALONE {
                (self.servers[0].waiting, self.servers[0].serving) = (false, true);
            }
        } else if self.servers[0].up && self.happens(700) {
            let update = Message::Update(self.servers[0].facts(time), self.servers[0].changes());
            self.send(1, update);
        }
        if self.servers[1].up {
            if time - self.servers[1].heard > DETECT {
                self.servers[1].serving = true;
            }
            if self.happens(500) {
                let update = Message::Update(self.servers[1].facts(time), self.servers[1].changes());
                self.send(0, update);
            }
        }
    }

    /// A server gives some of its addresses to its partner.
    fn give_away(&mut self, at: usize) {
        let (how, which, count) = (self.below(3), self.below(6) as u32, 1 + self.below(2));
        let server = &mut self.servers[at];
        let (now, knowledge, mut out) = (server.now(self.time).wall, server.knowledge(), Outbox::new());
        let before = addresses().filter(|&address| server.owner(address) == server.side).count();
        let bindings = &mut server.bindings;
        match how {
            0 if knowledge.complete => {
                bindings.give_unused((FIRST.to_bits(), LAST.to_bits()), count, now, &mut out);
            }
            1 => {
                bindings.give_ended(POOL, count, (&knowledge, now), &mut out);
            }
            _ => {
                let address = Ipv4Addr::from_bits(FIRST.to_bits() + which);
                bindings.give_one(address, (&knowledge, now), &mut out);
            }
        }
        let after = addresses().filter(|&address| server.owner(address) == server.side).count();
        self.figures.moves += (before - after) as u64;
    }

    fn client_acts(&mut self) -> Result<(), String> {
        let who = self.below(CLIENTS as u64) as usize;
        let time = self.time;
        let mut holder = self.clients[who];
        if holder.address.is_some() && holder.end <= time {
            holder.address = None;
        }
        self.clients[who] = holder;
        if let Some((at, address, when)) = holder.offered {
            if when <= time {
                self.clients[who].offered = None;
                return self.request(who, at, address);
            }
            return Ok(());
        }
        let at = self.below(2) as usize;
        if !self.servers[at].up || !self.servers[at].serving {
            return Ok(());
        }
        match holder.address {
            Some(address) => self.holder_acts(who, at, address),
            None if self.happens(500) && holder.last.is_some_and(|last| self.holds(at, who, last)) => {
                self.acknowledge(who, at, holder.last.unwrap_or(FIRST))
            }
            None => {
                self.discover(who, at);
                Ok(())
            }
        }
    }

    fn holder_acts(&mut self, who: usize, at: usize, address: Ipv4Addr) -> Result<(), String> {
        match self.below(5) {
            0 => {
                self.clients[who].address = None;
                if self.holds(at, who, address) {
                    let now = self.servers[at].now(self.time).wall;
                    self.servers[at].bindings.release(address, now, &mut Outbox::new());
                }
                Ok(())
            }
            1 => {
                self.clients[who].address = None;
                Ok(())
            }
            _ if self.holds(at, who, address) => self.acknowledge(who, at, address),
            _ => Ok(()),
        }
    }

    fn discover(&mut self, who: usize, at: usize) {
        if let Some(held) = addresses().find(|&address| self.holds(at, who, address)) {
            self.clients[who].offered = Some((at, held, self.time + self.below(3)));
            return;
        }
        let now = self.servers[at].now(self.time);
        let reserved = self.servers[at].agreed.plan().address_of(who);
        let bindings = &mut self.servers[at].bindings;
        let candidates = match self.rules {
            _ if reserved.is_some() => reserved.into_iter().collect(),
            Rules::SharesConfigured => addresses().collect(),
            Rules::All | Rules::WithoutAgreement => {
                let mut candidates = bindings.own_candidates(POOL, now.wall);
                candidates.extend(bindings.partner_candidates(POOL, now.wall));
                candidates
            }
        };
        let free: Vec<Ipv4Addr> = candidates.into_iter().filter(|&address| self.may_give(at, who, address)).collect();
        if free.is_empty() {
            return;
        }
        let address = free[self.below(free.len() as u64) as usize];
        let until = now.mono + Duration::from_secs(8);
        let bindings = &mut self.servers[at].bindings;
        while bindings.lapse_one(now).is_some() {}
        let offer = Offer { address, client: name(who), until, probe: Probe::Passed };
        if bindings.offers().of_address(address).is_none() {
            bindings.offer(offer);
        }
        self.clients[who].offered = Some((at, address, self.time + self.below(6)));
    }

    /// A client takes its offer: all is looked at again.
    fn request(&mut self, who: usize, at: usize, address: Ipv4Addr) -> Result<(), String> {
        let server = &self.servers[at];
        if !server.up || !server.serving || self.clients[who].address.is_some() {
            return Ok(());
        }
        let is_new = !self.holds(at, who, address);
        if is_new && !self.may_give(at, who, address) {
            return Ok(());
        }
        self.figures.by_failover += u64::from(is_new && server.side == Side::Secondary);
        let is_reserved = server.agreed.plan().reserved_for(address).is_some();
        self.figures.by_reservation += u64::from(is_new && is_reserved && server.owner(address) != server.side);
        self.acknowledge(who, at, address)
    }

    fn acknowledge(&mut self, who: usize, at: usize, address: Ipv4Addr) -> Result<(), String> {
        let time = self.time;
        let now = self.servers[at].now(time).wall;
        let grant = Grant { address, client: client(who), end: now.after(Secs(LEASE as u32)) };
        self.servers[at].bindings.grant(&grant, now, &mut Outbox::new());
        self.figures.grants += 1;
        let offered = self.clients[who].offered;
        self.clients[who] = Holder { address: Some(address), end: time + LEASE, last: Some(address), offered };
        for (other, holder) in self.clients.iter().enumerate() {
            if other != who && holder.address == Some(address) && holder.end > time {
                let by = self.servers[at].side;
                return Err(format!("at {time} the {by} gives {address} to {who}; {other} has it to {}", holder.end));
            }
        }
        Ok(())
    }

    fn holds(&self, at: usize, who: usize, address: Ipv4Addr) -> bool {
        let now = self.servers[at].now(self.time).wall;
        let binding = self.servers[at].bindings.table().find(address);
        binding.is_some_and(|binding| binding.is_active(now) && binding.client.key() == Some(key(who)))
    }

    fn may_give(&self, at: usize, who: usize, address: Ipv4Addr) -> bool {
        let server = &self.servers[at];
        let (now, knowledge) = (server.now(self.time).wall, server.knowledge());
        if !server.bindings.is_available(address, name(who), now) {
            return false;
        }
        let (agreed, plan) = (&server.agreed, server.agreed.plan());
        let binding = server.bindings.table().find(address);
        let settled = knowledge.is_settled(binding.as_ref());
        let host = plan.reserved_for(address);
        let was_theirs = binding.is_some_and(|binding| binding.client.key() == Some(key(who)));
        let is_of_both = agreed.is_of_both(address, who) || self.rules == Rules::WithoutAgreement;
        if host == Some(who) && is_of_both && (settled || was_theirs) {
            return true;
        }
        let is_for = if host.is_some() { host == Some(who) } else { plan.is_ranged(address) };
        if !is_for || agreed.is_withheld(address) {
            return false;
        }
        match self.rules {
            Rules::All | Rules::WithoutAgreement => server.bindings.may_give(&knowledge, address, now),
            Rules::SharesConfigured => {
                settled && binding.map_or_else(|| plan.owner(address), |binding| binding.owner) == server.side
            }
        }
    }

    /// No two servers take themselves for the owner of an address while both databases are whole.
    fn owners_are_one(&self) -> Result<(), String> {
        let [primary, failover] = &self.servers;
        let whole = primary.complete && failover.complete;
        let both =
            |&address: &Ipv4Addr| primary.owner(address) == Side::Primary && failover.owner(address) == Side::Secondary;
        match addresses().find(both).filter(|_| whole) {
            Some(address) => Err(format!("at {} both servers own {address}", self.time)),
            None => Ok(()),
        }
    }

    /// The network heals, clients rest: both tables become equal.
    pub(crate) fn settle(&mut self) -> Result<(), String> {
        self.net.clear();
        for at in 0..2 {
            if !self.servers[at].up {
                self.servers[at].boot(self.time);
            }
        }
        for _ in 0..8 {
            self.time += 1;
            for from in 0..2 {
                let (facts, changes) = (self.servers[from].facts(self.time), self.servers[from].changes());
                let time = self.time;
                self.servers[1 - from].absorb(&facts, &changes, time);
            }
        }
        let [primary, failover] = &self.servers;
        for address in addresses() {
            let tables = [primary, failover].map(|server| server.bindings.table().find(address));
            if tables[0] != tables[1] || primary.owner(address) != failover.owner(address) {
                return Err(format!("the tables differ on {address}: {tables:?}"));
            }
        }
        Ok(())
    }
}

fn step(random: u64) -> u64 {
    random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}

fn hardware(who: usize) -> Hardware<'static> {
    Hardware { htype: 1, address: &OCTETS[who] }
}

fn key(who: usize) -> ClientKey<'static> {
    ClientKey::Hardware(hardware(who))
}

fn client(who: usize) -> Client<'static> {
    Client { hardware: Some(hardware(who)), ..Client::default() }
}

fn name(who: usize) -> ClientOnLink {
    ClientOnLink(who as u64 + 1)
}
