//! A client after RFC 2131 section 4.4, and some that are rude. It decides what to send and when; the world carries it.

use std::net::Ipv4Addr;

use super::clock::{SECOND, Time};
use super::random::Random;
use super::support::client::{Client, Message};
use super::support::{Reply, code, kind};

/// No timer.
pub(crate) const NEVER: Time = Time::MAX;
/// First wait for an answer.
const FIRST_WAIT: Time = SECOND;
/// Longest wait for an answer.
const WAIT_MAX: Time = 8 * SECOND;
/// Messages that a rude client keeps.
const KEPT_MAX: usize = 8;

/// What a client does (RFC 2131 figure 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Switched off.
    Off,
    /// About to ask.
    Init,
    /// Waits for an offer.
    Selecting,
    /// Waits for the ACK to its choice.
    Requesting,
    /// Has an address.
    Bound,
    /// Asks its server to extend.
    Renewing,
    /// Asks any server to extend.
    Rebinding,
    /// Asks whether its address is still good.
    Rebooting,
}

/// How a client breaks the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rude {
    /// Takes offers in the name of a server that nobody knows.
    WrongServer,
    /// Sends old messages again.
    Replays,
    /// Asks for addresses of others.
    Grabs,
    /// Asks for offers and takes none.
    Idles,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum To {
    /// Everybody on the link.
    All,
    /// One server.
    Server(Ipv4Addr),
}

/// A message to be carried.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// Where to.
    pub(crate) to: To,
    /// The message; the world fills in what a relay adds.
    pub(crate) message: Message,
    /// The address that it is about.
    pub(crate) about: Option<Ipv4Addr>,
}

/// An address that the client uses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lease {
    /// The address.
    pub(crate) address: Ipv4Addr,
    /// Who gave it.
    pub(crate) server: Ipv4Addr,
    t1: Time,
    t2: Time,
    /// When it ends.
    pub(crate) end: Time,
}

/// One client.
#[derive(Clone, Debug)]
pub(crate) struct SimClient {
    /// Its number; clones share one.
    pub(crate) number: u16,
    /// Where it is.
    pub(crate) subnet: usize,
    /// What it does.
    pub(crate) state: State,
    /// How it breaks the rules.
    pub(crate) rude: Option<Rude>,
    /// What it holds, or remembers.
    pub(crate) lease: Option<Lease>,
    /// When its timer goes off.
    pub(crate) due: Time,
    /// Since when it has been asking in vain.
    pub(crate) asking: Option<Time>,
    /// Whether nothing reaches it, nor comes from it.
    pub(crate) cut: bool,
    client: Client,
    xid: u32,
    sent: Time,
    tries: u32,
    offer: Option<(Ipv4Addr, Ipv4Addr)>,
    kept: Vec<Outgoing>,
}

impl SimClient {
    /// A client that begins at `due`.
    pub(crate) fn new(number: u16, subnet: usize, due: Time) -> SimClient {
        let client = Client::new(number);
        let client = if number % 3 == 1 { client.identified(&[0, 7, number as u8, 9]) } else { client };
        SimClient {
            number,
            subnet,
            state: State::Init,
            rude: None,
            lease: None,
            due,
            asking: None,
            cut: false,
            client,
            xid: 0,
            sent: 0,
            tries: 0,
            offer: None,
            kept: Vec::new(),
        }
    }

    /// The address that it uses now.
    pub(crate) fn uses(&self, now: Time) -> Option<Ipv4Addr> {
        let configured = matches!(self.state, State::Bound | State::Renewing | State::Rebinding);
        self.lease.filter(|lease| configured && lease.end > now).map(|lease| lease.address)
    }

    /// Whether a reply is for it.
    pub(crate) fn is_asked(&self, reply: &Reply) -> bool {
        self.state != State::Off && reply.xid == self.xid && reply.chaddr[4..6] == self.number.to_be_bytes()
    }

    /// Its timer went off.
    pub(crate) fn on_timer(&mut self, now: Time, random: &mut Random) -> Option<Outgoing> {
        if let Some(rude) = self.rude
            && let Some(outgoing) = self.misbehave(rude, now, random)
        {
            return Some(outgoing);
        }
        match self.state {
            State::Off => {
                self.due = NEVER;
                None
            }
            State::Init => {
                self.begin(State::Selecting, now, random);
                self.ask(now, random)
            }
            State::Selecting => self.ask(now, random),
            State::Requesting if self.tries < 3 => self.ask(now, random),
            State::Requesting => self.restart(now, random),
            State::Rebooting if self.tries < 3 => self.ask(now, random),
            State::Rebooting => self.keep_or_restart(now, random),
            State::Bound => {
                self.begin(State::Renewing, now, random);
                self.extend(now, random)
            }
            State::Renewing | State::Rebinding => self.extend(now, random),
        }
    }

    /// A reply to its last message arrived; `taken`: somebody else uses the address.
    pub(crate) fn on_reply(&mut self, reply: &Reply, taken: Taken, now: Time, random: &mut Random) -> Option<Outgoing> {
        match (self.state, reply.kind()) {
            (State::Selecting, Some(kind::OFFER)) if self.rude == Some(Rude::Idles) => None,
            (State::Selecting, Some(kind::OFFER)) => {
                let server = if self.rude == Some(Rude::WrongServer) && random.happens(50) {
                    Ipv4Addr::new(10, 99, 0, 1)
                } else {
                    reply.server()
                };
                self.offer = Some((reply.yiaddr, server));
                let since = self.asking;
                self.begin(State::Requesting, now, random);
                self.asking = since;
                self.ask(now, random)
            }
            (State::Requesting | State::Rebooting, Some(kind::ACK)) if taken == Taken::ByAnother => {
                let message = self.client.decline(reply);
                self.lease = None;
                self.state = State::Init;
                self.due = now + 2 * SECOND;
                Some(Outgoing { to: To::All, message, about: Some(reply.yiaddr) })
            }
            (State::Requesting | State::Rebooting | State::Renewing | State::Rebinding, Some(kind::ACK)) => {
                self.take(reply);
                None
            }
            (State::Requesting | State::Rebooting | State::Renewing | State::Rebinding, Some(kind::NAK)) => {
                self.lease = None;
                self.state = State::Init;
                self.due = now + random.between(SECOND / 2, 2 * SECOND);
                None
            }
            _ => None,
        }
    }

    fn take(&mut self, reply: &Reply) {
        let secs = u64::from(reply.lease());
        let part = |code, whole: u64| if reply.has(code) { u64::from(reply.number(code)) * SECOND } else { whole };
        let end = self.sent + secs * SECOND;
        let t1 = self.sent + part(code::T1, secs * SECOND / 2);
        let t2 = self.sent + part(code::T2, secs * SECOND * 7 / 8);
        self.lease = Some(Lease { address: reply.yiaddr, server: reply.server(), t1, t2, end });
        self.state = State::Bound;
        self.asking = None;
        self.due = t1;
    }

    /// Switches it off: it remembers what it has.
    pub(crate) fn switch_off(&mut self) {
        self.state = State::Off;
        self.due = NEVER;
        self.asking = None;
    }

    /// Switches it on again: it asks whether its address is still good, if it remembers one.
    pub(crate) fn switch_on(&mut self, now: Time, random: &mut Random) {
        self.due = now + random.below(SECOND);
        if self.lease.is_some_and(|lease| lease.end > now) && random.happens(80) {
            self.begin(State::Rebooting, now, random);
        } else {
            self.lease = None;
            self.state = State::Init;
        }
    }

    /// Gives its address back, if it has one.
    pub(crate) fn release(&mut self, now: Time) -> Option<Outgoing> {
        let address = self.uses(now)?;
        let server = self.lease?.server;
        let message = self.client.message(kind::RELEASE).address(code::SERVER, server).from(address);
        self.lease = None;
        self.switch_off();
        Some(Outgoing { to: To::Server(server), message, about: Some(address) })
    }

    /// Says that somebody else uses its address, and asks for another.
    pub(crate) fn decline(&mut self, now: Time) -> Option<Outgoing> {
        let address = self.uses(now)?;
        let server = self.lease?.server;
        let message =
            self.client.message(kind::DECLINE).address(code::REQUESTED, address).address(code::SERVER, server);
        self.lease = None;
        self.state = State::Init;
        self.due = now + 2 * SECOND;
        Some(Outgoing { to: To::All, message, about: Some(address) })
    }

    fn begin(&mut self, state: State, now: Time, random: &mut Random) {
        self.state = state;
        self.xid = random.next() as u32;
        self.tries = 0;
        self.sent = now;
        self.asking.get_or_insert(now);
    }

    fn restart(&mut self, now: Time, random: &mut Random) -> Option<Outgoing> {
        self.lease = None;
        self.begin(State::Selecting, now, random);
        self.ask(now, random)
    }

    fn keep_or_restart(&mut self, now: Time, random: &mut Random) -> Option<Outgoing> {
        match self.lease {
            Some(lease) if lease.end > now => {
                self.state = State::Bound;
                self.due = lease.t1.max(now + SECOND);
                None
            }
            Some(_) | None => self.restart(now, random),
        }
    }

    /// Sends the message of its state, and waits longer each time.
    fn ask(&mut self, now: Time, random: &mut Random) -> Option<Outgoing> {
        let wait = (FIRST_WAIT << self.tries.min(3)).min(WAIT_MAX);
        self.due = now + wait + random.below(wait / 5);
        self.tries += 1;
        let (message, about) = match self.state {
            State::Selecting => {
                let wanted = if self.rude == Some(Rude::Grabs) { Some(self.somebodys(random)) } else { None };
                let message = self.client.discover();
                (wanted.map_or(message.clone(), |address| message.address(code::REQUESTED, address)), None)
            }
            State::Requesting => {
                let (address, server) = self.offer?;
                let message = self.client.message(kind::REQUEST).address(code::SERVER, server);
                (message.address(code::REQUESTED, address), Some(address))
            }
            State::Rebooting => {
                let address = self.lease?.address;
                (self.client.init_reboot(address), Some(address))
            }
            State::Off | State::Init | State::Bound | State::Renewing | State::Rebinding => return None,
        };
        Some(self.outgoing(To::All, message, about))
    }

    /// Asks to extend: its server until T2, then all; when the lease ends it starts anew.
    fn extend(&mut self, now: Time, random: &mut Random) -> Option<Outgoing> {
        let Some(lease) = self.lease.filter(|lease| lease.end > now) else { return self.restart(now, random) };
        if self.state == State::Renewing && now >= lease.t2 {
            self.begin(State::Rebinding, now, random);
        }
        let limit = if self.state == State::Renewing { lease.t2 } else { lease.end };
        let wait = ((limit - now) / 2).clamp(SECOND, 20 * SECOND);
        self.due = (now + wait).min(limit.max(now + 1));
        let message = self.client.rebinding(lease.address);
        let to = if self.state == State::Renewing { To::Server(lease.server) } else { To::All };
        Some(self.outgoing(to, message, Some(lease.address)))
    }

    fn outgoing(&mut self, to: To, mut message: Message, about: Option<Ipv4Addr>) -> Outgoing {
        message.xid = self.xid;
        let outgoing = Outgoing { to, message, about };
        if self.rude.is_some() {
            if self.kept.len() == KEPT_MAX {
                self.kept.remove(0);
            }
            self.kept.push(outgoing.clone());
        }
        outgoing
    }

    /// An address of its subnet that is perhaps another's.
    fn somebodys(&self, random: &mut Random) -> Ipv4Addr {
        let known = self.lease.map(|lease| lease.address).or(self.offer.map(|offer| offer.0));
        let base = known.unwrap_or(Ipv4Addr::new(10, 20, 0, 50)).octets();
        Ipv4Addr::new(base[0], base[1], base[2], 50 + random.below(6) as u8)
    }

    fn misbehave(&mut self, rude: Rude, now: Time, random: &mut Random) -> Option<Outgoing> {
        if self.state == State::Off || !random.happens(30) {
            return None;
        }
        match rude {
            Rude::Replays if !self.kept.is_empty() => {
                let at = random.below(self.kept.len() as u64) as usize;
                self.due = now + SECOND;
                Some(self.kept[at].clone())
            }
            Rude::Grabs => {
                let address = self.somebodys(random);
                let message =
                    if random.happens(50) { self.client.init_reboot(address) } else { self.client.rebinding(address) };
                self.due = now + SECOND;
                let mut outgoing = Outgoing { to: To::All, message, about: Some(address) };
                outgoing.message.xid = random.next() as u32;
                Some(outgoing)
            }
            Rude::WrongServer | Rude::Idles | Rude::Replays => None,
        }
    }
}

/// Whether an address that was just given answers to somebody else's ARP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Nobody answers.
    No,
    /// Another client uses it.
    ByAnother,
}
