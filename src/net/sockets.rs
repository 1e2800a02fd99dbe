//! All sockets of the server, opened together before privileges are given up, and the effects that leave by them.

use std::io;
use std::net::Ipv4Addr;

use mio::Registry;

use super::clients::Clients;
use super::control::{Control, Rest};
use super::error::NetError;
use super::interfaces::Interfaces;
use super::link::Link;
use super::ping::Ping;
use super::replies::{Replies, Ways};
use super::tally::Tally;
use crate::clock::Mono;
use crate::config::ServerSettings;
use crate::logging::{Limiter, Verdict};
use crate::server::outbox::{Effect, Released};

/// Keys of the limiter.
const UNSENT: usize = 0;
const UNPINGED: usize = 1;
const KEYS: usize = 2;

/// Lines a key in ten seconds.
const LINES_MAX: u32 = 3;

/// The sockets, what is known of the interfaces, and what is counted.
#[derive(Debug)]
pub struct Sockets {
    pub(super) clients: Clients,
    pub(super) link: Link,
    pub(super) ping: Ping,
    pub(super) control: Control,
    pub(super) interfaces: Interfaces,
    pub(super) tally: Tally,
    pub(super) limiter: Limiter<KEYS>,
}

/// Whether the effects of a turn held the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Performed {
    /// They did not.
    All,
    /// The process is to end.
    Stop,
}

impl Sockets {
    /// Opens what `settings` names. To be called with the privileges that the ports need.
    ///
    /// # Errors
    /// [`NetError::Port`], [`NetError::Control`] or [`NetError::ControlBusy`]; what is wanting besides is said in
    /// the log, and the server does without.
    pub fn open(settings: &ServerSettings) -> Result<Sockets, NetError> {
        let clients = Clients::open(settings.dhcp_port)?;
        let control = Control::open(&settings.control_socket)?;
        Ok(Sockets {
            clients,
            control,
            link: Link::open(),
            ping: Ping::open(),
            interfaces: Interfaces::default(),
            tally: Tally::default(),
            limiter: Limiter::new(LINES_MAX),
        })
    }

    /// Puts them under a poll.
    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.clients.register(registry)?;
        self.ping.register(registry)?;
        self.control.register(registry)
    }

    /// Performs the effects of a turn in order; replies leave in batches.
    pub(super) fn perform(&mut self, released: &Released<'_>, now: Mono) -> Performed {
        let Sockets { clients, link, ping, control, interfaces, tally, .. } = self;
        let mut performed = Performed::All;
        let mut unpinged = None;
        let (mut asked, mut refused) = (0, 0);
        let mut replies: Option<Replies<'_, '_>> = None;
        let mut ways = Some(Ways { clients, link, interfaces, tally });
        for effect in released.effects() {
            match effect {
                Effect::Reply { to, bytes } => {
                    if let Some(ways) = ways.take() {
                        replies = Some(Replies::new(ways));
                    }
                    if let Some(replies) = &mut replies {
                        replies.push(*to, released.bytes(bytes));
                    }
                }
                Effect::Partner { .. } => {}
                Effect::Ping { address } => match ping.send(*address) {
                    Ok(()) => asked += 1,
                    Err(error) => {
                        refused += 1;
                        unpinged = Some((*address, error));
                    }
                },
                Effect::Control { id, bytes, more } => {
                    control.answer(*id, released.bytes(bytes), if *more { Rest::More } else { Rest::Complete });
                }
                Effect::Stop => performed = Performed::Stop,
            }
        }
        let unsent = replies.and_then(Replies::finish);
        self.tally.pings += asked;
        self.tally.pings_unsent += refused;
        self.complain(unsent, unpinged, now);
        performed
    }

    /// Says what did not leave, as often as the limiter lets it.
    fn complain(&mut self, unsent: Option<io::Error>, unpinged: Option<(Ipv4Addr, io::Error)>, now: Mono) {
        while let Some((key, held)) = self.limiter.overdue(now) {
            say_held(key, held);
        }
        if let Some(error) = unsent.filter(|_| self.admits(UNSENT, now)) {
            log::warn!("reply not sent: {error}; {} so far", self.tally.unsent);
        }
        if let Some((address, error)) = unpinged.filter(|_| self.admits(UNPINGED, now)) {
            log::warn!("ping to {address} not sent: {error}");
        }
    }

    fn admits(&mut self, key: usize, now: Mono) -> bool {
        match self.limiter.admit(key, now) {
            Verdict::Say => true,
            Verdict::SayAfter(held) => {
                say_held(key, held);
                true
            }
            Verdict::Hold => false,
        }
    }
}

fn say_held(key: usize, held: u64) {
    let what = if key == UNSENT { "turns with replies not sent" } else { "turns with pings not sent" };
    log::warn!("{held} more {what} in 10 s");
}
