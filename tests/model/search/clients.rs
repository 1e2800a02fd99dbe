//! The two clients: what each believes, and what it may say next (RFC 2131 section 4.4).
//!
//! A client holds an address from the moment at which an ACK reaches it until the end that it was told, or until it
//! gives the address back. A message is said at one instant; answers come at that instant, or later where a server
//! pings first or keeps the message for a while.

use std::net::Ipv4Addr;

use understudy::clock::Wall;

use super::checks::Breach;
use super::world::{Answers, F, P, World, name};
use crate::support::client::{Client, Message};
use crate::support::reply::Reply;
use crate::support::{code, kind};

/// The lower one of the two addresses.
const FIRST: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 50);

/// What a client believes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Belief {
    /// It has nothing, and perhaps remembers an address.
    Nothing(Option<Ipv4Addr>),
    /// It said DISCOVER and has these offers: address and server.
    Discovering(Vec<(Ipv4Addr, Ipv4Addr)>),
    /// It has asked for one of them.
    Asking(Ipv4Addr, Ipv4Addr),
    /// It holds an address, by a server, until then.
    Holding(Ipv4Addr, Ipv4Addr, Wall),
}

/// What a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Word {
    /// DISCOVER with what it remembers.
    Discover,
    /// DISCOVER that asks for the first address of the range.
    DiscoverFirst,
    /// REQUEST of its offer of this number, or the same once more.
    Select(usize),
    /// RENEWING: to the server that gave the address.
    Renew,
    /// REBINDING.
    Rebind,
    /// INIT-REBOOT.
    Reboot,
    /// RELEASE.
    Release,
}

/// Which servers hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reach {
    /// Both, the primary first.
    Both,
    /// One.
    Only(usize),
}

/// One client.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    client: Client,
    pub(crate) belief: Belief,
    /// How long a lease it asks for; only while a world is made.
    pub(crate) secs: Option<u32>,
    /// Which address it asks for; only while a world is made.
    pub(crate) wish: Option<Ipv4Addr>,
    /// Whether its address was given by a ping that nobody answered: then two may have it, out of contact, and in
    /// contact one of them may be refused.
    pub(crate) is_unsettled: bool,
    /// Who has acknowledged what it said last; nobody counts where it has said the same before.
    acknowledged: Option<usize>,
    says_again: bool,
    /// Transactions so far.
    transactions: u32,
}

impl Person {
    /// Client `number`, which has nothing.
    pub(crate) fn new(number: u16) -> Person {
        Person {
            client: Client::new(number),
            belief: Belief::Nothing(None),
            secs: None,
            wish: None,
            is_unsettled: false,
            acknowledged: None,
            says_again: false,
            transactions: 0,
        }
    }

    /// The number of its transaction.
    pub(crate) fn xid(&self) -> u32 {
        self.client.bootp().xid.wrapping_add(self.transactions << 8)
    }

    /// Whether it holds that address.
    pub(crate) fn holds(&self, address: Ipv4Addr, now: Wall) -> bool {
        matches!(self.belief, Belief::Holding(held, _, until) if held == address && until > now)
    }

    /// What counts of who has acknowledged what it said last.
    pub(crate) fn counts(&self) -> (Option<usize>, bool) {
        (self.acknowledged, self.says_again)
    }

    /// What it may say now.
    pub(crate) fn words(&self) -> Vec<Word> {
        match &self.belief {
            Belief::Nothing(Some(FIRST)) => vec![Word::Discover],
            Belief::Nothing(_) => vec![Word::Discover, Word::DiscoverFirst],
            Belief::Discovering(offers) if offers.is_empty() => vec![Word::Discover],
            Belief::Discovering(offers) => (0..offers.len()).map(Word::Select).collect(),
            Belief::Asking(..) => vec![Word::Select(0), Word::Discover],
            Belief::Holding(..) => vec![Word::Renew, Word::Rebind, Word::Reboot, Word::Release],
        }
    }

    /// Composes what it says, and believes accordingly.
    fn say(&mut self, word: Word) -> Message {
        self.acknowledged = None;
        self.says_again = matches!((word, &self.belief), (Word::Select(_), Belief::Asking(..)));
        if !matches!(word, Word::Select(_)) {
            self.transactions = (self.transactions + 1) % 256;
        }
        let message = match (word, &mut self.belief) {
            (Word::Discover, Belief::Nothing(remembered)) => {
                let message = self.client.discover();
                remembered.map_or(message.clone(), |address| message.address(code::REQUESTED, address))
            }
            (Word::Discover, Belief::Discovering(_) | Belief::Asking(..)) => self.client.discover(),
            (Word::DiscoverFirst, _) => self.client.discover().address(code::REQUESTED, FIRST),
            (Word::Select(at), Belief::Discovering(offers)) => {
                let (address, server) = offers[at];
                self.belief = Belief::Asking(address, server);
                self.select(address, server)
            }
            (Word::Select(_), &mut Belief::Asking(address, server)) => self.select(address, server),
            (Word::Renew, &mut Belief::Holding(address, server, _)) => {
                let mut message = self.client.renewing(address);
                message.destination = server;
                message
            }
            (Word::Rebind, &mut Belief::Holding(address, ..)) => self.client.rebinding(address),
            (Word::Reboot, &mut Belief::Holding(address, ..)) => self.client.init_reboot(address),
            (Word::Release, &mut Belief::Holding(address, server, _)) => {
                self.belief = Belief::Nothing(Some(address));
                let message = self.client.message(kind::RELEASE).address(code::SERVER, server).from(address);
                Message { destination: server, ..message }
            }
            (word, belief) => panic!("{word:?} is nothing to say for {belief:?}"),
        };
        if matches!(word, Word::Discover | Word::DiscoverFirst) {
            self.belief = Belief::Discovering(Vec::new());
        }
        let message = self.secs.iter().fold(message, |message, secs| message.for_secs(*secs));
        let message = self.wish.iter().fold(message, |message, wish| message.address(code::REQUESTED, *wish));
        Message { xid: self.xid(), ..message }
    }

    fn select(&self, address: Ipv4Addr, server: Ipv4Addr) -> Message {
        self.client.message(kind::REQUEST).address(code::SERVER, server).address(code::REQUESTED, address)
    }
}

impl World {
    /// A client says something: to the server that it means, or to those that it reaches.
    pub(crate) fn say(&mut self, index: usize, (word, reach, answers): (Word, Reach, Answers)) {
        self.tell(|_| format!("client {} says {word:?}, heard by {reach:?}, answers {answers:?}", index + 1));
        self.given_back = None;
        let owed = self.owed.filter(|owed| owed.0 == index && self.serves(owed.1) && !matches!(word, Word::Release));
        let message = self.people[index].say(word);
        self.answers = answers;
        let is_meant = |host: usize| match word {
            Word::Renew | Word::Release => message.destination.octets()[3] == 1 + host as u8,
            _ => reach == Reach::Both || reach == Reach::Only(host),
        };
        for host in (0..2).filter(|&host| is_meant(host)) {
            self.give(host, &message);
        }
        self.answers = Answers::Arrive;
        if owed.is_some_and(|owed| is_meant(owed.1)) && self.people[index].acknowledged.is_none() {
            self.breaks(Breach::Unacknowledged(index + 1));
        }
    }

    /// A reply leaves a server.
    pub(crate) fn answer(&mut self, host: usize, reply: &Reply) {
        let wall = self.wall();
        let kind = reply.kind();
        let word = match kind {
            Some(kind::OFFER) => "OFFER",
            Some(kind::ACK) => "ACK",
            _ => "NAK",
        };
        self.tell(|world| format!("{} answers {word} {} {:?}", name(host), reply.yiaddr, world.answers));
        let Some(index) = self.people.iter().position(|person| person.client.hardware == reply.chaddr[..6]) else {
            return;
        };
        let person = &self.people[index];
        if kind == Some(kind::NAK)
            && let Belief::Holding(address, _, until) = person.belief
            && until > wall
            && reply.xid == person.xid()
            && !person.is_unsettled
        {
            self.breaks(Breach::Refused(address));
        }
        if kind == Some(kind::ACK) && reply.xid == self.people[index].xid() {
            let person = &mut self.people[index];
            let other = person.acknowledged.replace(host).filter(|other| *other != host && !person.says_again);
            if other.is_some() && self.is_in_contact(P) && self.is_in_contact(F) {
                self.breaks(Breach::AnsweredTwice(index + 1));
            }
        }
        if self.answers == Answers::Lost || reply.xid != self.people[index].xid() {
            return;
        }
        match (kind, &mut self.people[index].belief) {
            (Some(kind::OFFER), Belief::Discovering(offers)) => offers.push((reply.yiaddr, reply.server())),
            (Some(kind::ACK), Belief::Asking(..) | Belief::Holding(..)) => {
                let until = Wall::from_millis(wall.millis() + u64::from(reply.lease()) * 1000);
                let other = 1 - index;
                self.people[index].belief = Belief::Holding(reply.yiaddr, reply.server(), until);
                let is_lawful = self.people.iter().any(|person| person.is_unsettled) && !self.is_in_contact(host);
                if self.people[other].holds(reply.yiaddr, wall) && !is_lawful {
                    self.breaks(Breach::TwoHolders(reply.yiaddr));
                }
            }
            (Some(kind::NAK), belief @ (Belief::Asking(..) | Belief::Holding(..))) => {
                *belief = Belief::Nothing(None);
            }
            _ => {}
        }
    }

    /// Clients whose lease has ended notice it.
    pub(crate) fn people_wake(&mut self) {
        let wall = self.wall();
        for person in &mut self.people {
            if let Belief::Holding(address, _, until) = person.belief
                && until <= wall
            {
                person.belief = Belief::Nothing(Some(address));
            }
        }
    }
}
