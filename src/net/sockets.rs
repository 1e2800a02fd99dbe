//! All sockets of the server, opened together before privileges are given up, and the effects that leave by them.

use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use mio::Registry;

use super::channels::Channels;
use super::clients::Clients;
use super::control::{Control, Rest};
use super::error::NetError;
use super::interfaces::Interfaces;
use super::link::Link;
use super::ping::Ping;
use super::replies::{Replies, Ways};
use super::tally::Tally;
use crate::clock::Mono;
use crate::config::{Config, files};
use crate::logging::{Limiter, Verdict};
use crate::server::event::PartnerId;
use crate::server::outbox::{Effect, Released};

/// Keys of the limiter.
const UNSENT: usize = 0;
const UNPINGED: usize = 1;
const UNSENT_TO_PARTNER: usize = 2;
const STRANGER: usize = 3;
const KEYS: usize = 4;

/// Lines a key in ten seconds.
const LINES_MAX: u32 = 3;

/// The sockets, what is known of the interfaces, and what is counted.
#[derive(Debug)]
pub struct Sockets {
    pub(super) channels: Channels,
    pub(super) clients: Clients,
    pub(super) link: Link,
    pub(super) ping: Ping,
    pub(super) control: Control,
    pub(super) interfaces: Interfaces,
    pub(super) tally: Tally,
    pub(super) limiter: Limiter<KEYS>,
    state_dir: PathBuf,
}

/// Whether the effects of a turn held the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Performed {
    /// They did not.
    All,
    /// The process is to end.
    Stop,
    /// The process is to end: the sync with this primary failed and is critical.
    SyncFailed(PartnerId),
}

impl Sockets {
    /// Opens what the configuration names. To be called with the privileges that the ports need.
    ///
    /// # Errors
    /// [`NetError::Port`], [`NetError::FailoverPort`], [`NetError::Control`] or [`NetError::ControlBusy`];
    /// what is wanting besides is said in the log, and the server does without.
    pub fn open(config: &Config) -> Result<Sockets, NetError> {
        let clients = Clients::open(config.server.dhcp_port)?;
        let channels = Channels::open(config)?;
        let control = Control::open(&config.server.control_socket)?;
        Ok(Sockets {
            channels,
            clients,
            control,
            link: Link::open(),
            ping: Ping::open(),
            interfaces: Interfaces::default(),
            tally: Tally::default(),
            limiter: Limiter::new(LINES_MAX),
            state_dir: config.server.state_dir.clone(),
        })
    }

    /// Puts them under a poll.
    pub(super) fn register(&mut self, registry: &Registry) -> io::Result<()> {
        self.channels.register(registry)?;
        self.clients.register(registry)?;
        self.ping.register(registry)?;
        self.control.register(registry)
    }

    /// Performs the effects of a turn: first what is to be kept, then what goes to partners, since a late heartbeat
    /// looks like a dead server, then the others, each kind in order; datagrams leave in batches.
    pub(super) fn perform(&mut self, released: &Released<'_>, now: Mono) -> Performed {
        self.store(released);
        let Sockets { channels, clients, link, ping, control, interfaces, tally, .. } = self;
        let unsent_to_partner = channels.send(released, tally);
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
                // On its way, or kept, already.
                Effect::Partner { .. } | Effect::StoreSubnets { .. } => {}
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
                Effect::SyncFailed { partner } => performed = Performed::SyncFailed(*partner),
            }
        }
        let unsent = replies.and_then(Replies::finish);
        self.tally.pings += asked;
        self.tally.pings_unsent += refused;
        self.complain(unsent, unpinged, now);
        self.complain_of_partners(unsent_to_partner, now);
        performed
    }

    /// Keeps subnets that primaries sent: the partner may hear that they are in use once a restart knows them.
    fn store(&self, released: &Released<'_>) {
        for effect in released.effects() {
            let Effect::StoreSubnets { name, bytes } = effect else { continue };
            if let Err(error) = files::store_part(&self.state_dir, name, released.bytes(bytes)) {
                let folder = self.state_dir.display();
                log::error!("partner {name}: its subnets cannot be kept in {folder}: {error}; a restart loses them");
            }
        }
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

    /// As [`Sockets::complain`], of the failover port.
    fn complain_of_partners(&mut self, unsent: Option<io::Error>, now: Mono) {
        if let Some(error) = unsent.filter(|_| self.admits(UNSENT_TO_PARTNER, now)) {
            log::warn!("datagram to a partner not sent: {error}; {} so far", self.tally.partners_unsent);
        }
        if let Some(stranger) = self.channels.take_stranger().filter(|_| self.admits(STRANGER, now)) {
            log::warn!(
                "datagram on the failover port from {stranger}, which is no partner: dropped, {} so far; compare \
                 SecondaryIpAddr, PrimaryIpAddr and FailoverAddress of both servers, and look for a second failover \
                 with this primary",
                self.tally.strangers
            );
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
    let what = match key {
        UNSENT => "turns with replies not sent",
        UNPINGED => "turns with pings not sent",
        UNSENT_TO_PARTNER => "turns with datagrams to partners not sent",
        _ => "turns with datagrams of strangers on the failover port",
    };
    log::warn!("{held} more {what} in 10 s");
}
