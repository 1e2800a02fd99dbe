//! Clients of a pair: their messages reach every server, as a broadcast or relays do.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::client::{Client, Message};
use super::pair::Pair;
use super::reply::Reply;
use super::{code, kind};

/// How long a client waits for replies.
const PATIENCE: Duration = Duration::from_secs(3);

impl Pair {
    /// Sends a client's message to all servers, as a broadcast does.
    pub(crate) fn broadcast(&mut self, message: &Message) {
        for host in 0..self.hosts.len() {
            self.give(host, message);
        }
    }

    /// Sends a client's message to one server.
    pub(crate) fn give(&mut self, host: usize, message: &Message) {
        self.take_packet(host, message);
    }

    /// Sends to all servers and waits for the first reply.
    pub(crate) fn ask(&mut self, message: &Message) -> Option<(usize, Reply)> {
        let before = self.replies.len();
        self.broadcast(message);
        let limit = self.now + PATIENCE;
        loop {
            let mine = self.replies[before..].iter().find(|(_, _, reply)| reply.xid == message.xid);
            if let Some((_, host, reply)) = mine {
                return Some((*host, reply.clone()));
            }
            if !self.step(limit) {
                self.now = limit;
                return None;
            }
        }
    }

    /// The whole exchange of a client: by which server it got which address, or nothing.
    pub(crate) fn lease(&mut self, client: &Client) -> Option<(usize, Reply)> {
        let (_, offer) = self.ask(&client.discover())?;
        assert_eq!(offer.kind(), Some(kind::OFFER));
        self.ask(&client.selecting(&offer)).filter(|(_, reply)| reply.kind() == Some(kind::ACK))
    }

    /// The same for clients `numbers`, all of which get an address.
    pub(crate) fn lease_all(&mut self, numbers: std::ops::Range<u16>) -> Vec<Reply> {
        let all = numbers.map(|number| self.lease(&Client::new(number)).unwrap_or_else(|| panic!("client {number}")).1);
        all.collect()
    }

    /// Addresses that two clients held at one time, by the ACKs that left: nobody in these tests gives one back.
    pub(crate) fn in_two_hands(&self) -> Vec<String> {
        let mut promises: HashMap<Ipv4Addr, Vec<(Duration, Duration, [u8; 16])>> = HashMap::new();
        let mut found = Vec::new();
        for (at, host, reply) in &self.replies {
            let Some(secs) = reply.get(code::LEASE).filter(|_| reply.kind() == Some(kind::ACK)) else { continue };
            let secs = u32::from_be_bytes(secs.try_into().expect("four octets"));
            let held = promises.entry(reply.yiaddr).or_default();
            let other = held.iter().find(|(_, until, client)| until > at && *client != reply.chaddr);
            if let Some((since, until, _)) = other {
                found.push(format!("{} by {host} at {at:?}, another's from {since:?} to {until:?}", reply.yiaddr));
            }
            held.push((*at, *at + Duration::from_secs(u64::from(secs)), reply.chaddr));
        }
        found
    }
}

/// Clients that hold addresses and say so all the time, each message with a number of its own.
#[derive(Default)]
pub(crate) struct Holders {
    pub(crate) all: Vec<(Client, Ipv4Addr, u32)>,
    asked: u32,
}

impl Holders {
    /// Clients `numbers` get addresses, on the first interface and the second by turns.
    pub(crate) fn join(&mut self, pair: &mut Pair, numbers: std::ops::Range<u16>) {
        for number in numbers {
            let (client, interface) = (Client::new(number), u32::from(number % 2) + 1);
            let (_, offer) = pair.ask(&client.discover().on(interface)).unwrap_or_else(|| panic!("client {number}"));
            let (_, ack) =
                pair.ask(&client.selecting(&offer).on(interface)).unwrap_or_else(|| panic!("client {number}"));
            assert_eq!(ack.kind(), Some(kind::ACK));
            self.all.push((client, ack.yiaddr, interface));
        }
    }

    /// The next client renews its lease by broadcast; the number of its message.
    pub(crate) fn renew_one(&mut self, pair: &mut Pair) -> u32 {
        let (client, address, interface) = &self.all[self.asked as usize % self.all.len()];
        self.asked += 1;
        let mut message = client.rebinding(*address).on(*interface);
        message.xid = 0x7000_0000 + self.asked;
        pair.broadcast(&message);
        message.xid
    }

    /// One renewal in each `pause`, for so long.
    pub(crate) fn renew_for(&mut self, pair: &mut Pair, time: Duration, pause: Duration) {
        let end = pair.elapsed() + time;
        while pair.elapsed() < end {
            self.renew_one(pair);
            pair.run_for(pause);
        }
    }

    /// Each of those on an interface of `interfaces` renews; all get their own address, by `host`.
    pub(crate) fn all_renew(&mut self, pair: &mut Pair, (host, interfaces): (usize, &[u32])) {
        for _ in 0..self.all.len() {
            let (_, address, interface) = self.all[self.asked as usize % self.all.len()];
            let before = pair.replies.len();
            let asked = self.renew_one(pair);
            pair.run_for(Duration::from_millis(20));
            let mine = pair.replies[before..].iter().filter(|reply| reply.2.xid == asked);
            let mine: Vec<_> = mine.map(|(_, by, reply)| (*by, reply.kind(), reply.yiaddr)).collect();
            if interfaces.contains(&interface) {
                assert_eq!(mine, [(host, Some(kind::ACK), address)], "the holder of {address}");
            } else {
                assert_eq!(mine, [], "the subnet of {address} is nobody's");
            }
        }
    }

    /// Asserts that no renewal since `from` was answered by two, refused, or answered with another address.
    pub(crate) fn check(&self, pair: &Pair, from: Duration) {
        let mut by: HashMap<u32, usize> = HashMap::new();
        for (at, host, reply) in pair.replies.iter().filter(|reply| reply.0 >= from && reply.2.xid >> 28 == 7) {
            let first = *by.entry(reply.xid).or_insert(*host);
            assert_eq!(first, *host, "two voices at {at:?}");
            let whose = self.all.iter().find(|(client, ..)| reply.chaddr.starts_with(&client.hardware));
            let address = whose.expect("a holder").1;
            assert_eq!((reply.kind(), reply.yiaddr), (Some(kind::ACK), address), "at {at:?}, by {host}");
        }
        assert_eq!(pair.double, 0, "both served");
        assert_eq!(pair.in_two_hands(), [] as [String; 0]);
    }
}
