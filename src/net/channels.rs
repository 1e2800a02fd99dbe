//! The socket for all partners of failover: their datagrams in and out, and their refused ports.
//!
//! It is one unconnected UDP socket, open only where the configuration has partners. Who sends is told by the source
//! address; whoever is no partner is dropped and counted here, and everything else about a datagram is judged by the
//! server. Partners are read before clients in each turn, so that a storm of clients cannot look like a dead partner.
//!
//! All partners share one queue in the kernel. What one sends beyond its quota is therefore read and dropped, not left
//! there: it would stand in front of the others. No partner that keeps the protocol comes near its quota, and what is
//! lost is sent again.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd as _;

use mio::unix::SourceFd;
use mio::{Interest, Registry};
use socket2::{Domain, Protocol, Socket, Type};

use super::batch::{BATCH, Route, Unreachable};
use super::clients::{Left, enlarge};
use super::error::NetError;
use super::system;
use super::tally::Tally;
use super::token::Source;
use crate::config::Config;
use crate::server::event::{Input, InterfaceId, PartnerId};
use crate::server::outbox::{Effect, Released};

/// What is asked for as receive buffer: the windows of some dozen partners, while a commit takes long.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Octets kept of a datagram: the largest update (SyncBindingBufSize 4096) with its header fits twice. A longer one is
/// cut, counted and dropped.
const BUFFER: usize = 8 * 1024;

/// Datagrams of one partner a turn: its window of 64 updates, as many resent, and the acks of ours.
const QUOTA: u32 = 256;

/// Datagrams of all partners handed on a turn. The longest take some 10 us each to open and judge.
const TURN_HANDED: u32 = 1024;

/// Batches read a turn, dropped datagrams included: as many as a full receive buffer holds.
const TURN_BATCHES: usize = 128;

/// Errors read from the queue a turn.
const TURN_ERRORS: usize = 64;

/// The socket, if there are partners, and who they are.
#[derive(Debug, Default)]
pub(crate) struct Channels {
    wire: Option<Wire>,
    partners: Vec<Partner>,
    places: HashMap<SocketAddrV4, usize>,
    /// Who sent last without being a partner, until it is asked for.
    stranger: Option<SocketAddrV4>,
}

#[derive(Debug)]
struct Wire {
    /// How datagrams leave: from the address of the channel, whatever others the host has.
    route: Route,
    datagrams: system::Datagrams,
    refusals: system::Refusals,
}

/// A partner and what it did in this turn.
#[derive(Debug)]
struct Partner {
    address: SocketAddrV4,
    handed: u32,
    refused: bool,
}

impl Channels {
    /// Opens the socket that the configuration asks for, if any.
    ///
    /// # Errors
    /// [`NetError::FailoverPort`] when address or port are not to be had.
    pub(crate) fn open(config: &Config) -> Result<Channels, NetError> {
        let mut channels = Channels::default();
        if let Some(local) = config.failover_socket() {
            let socket = bind(local).map_err(|source| NetError::FailoverPort { local, source })?;
            let datagrams = system::Datagrams::new(socket, BUFFER);
            let route = from(local);
            channels.wire = Some(Wire { route, datagrams, refusals: system::Refusals::new() });
        }
        channels.follow(config);
        Ok(channels)
    }

    /// Takes over the partners of the running configuration where they are others than before. To be called at the
    /// beginning of each turn.
    pub(crate) fn follow(&mut self, config: &Config) {
        self.use_partners(config.channels().map(|channel| channel.partner));
    }

    fn use_partners(&mut self, addresses: impl Iterator<Item = SocketAddrV4> + Clone) {
        if self.partners.iter().map(|partner| partner.address).eq(addresses.clone()) {
            return;
        }
        self.partners = addresses.map(|address| Partner { address, handed: 0, refused: false }).collect();
        self.places = self.partners.iter().enumerate().map(|(place, partner)| (partner.address, place)).collect();
    }

    /// Lets the poll watch the socket.
    pub(crate) fn register(&self, registry: &Registry) -> io::Result<()> {
        let Some(wire) = &self.wire else { return Ok(()) };
        let descriptor = wire.datagrams.socket().as_raw_fd();
        registry.register(&mut SourceFd(&descriptor), Source::Partners.token(), Interest::READABLE)
    }

    /// Hands on refused ports, then datagrams: who has sent since is there.
    pub(crate) fn gather(&mut self, tally: &mut Tally, hand: &mut dyn FnMut(Input<'_>)) -> Left {
        for partner in &mut self.partners {
            (partner.handed, partner.refused) = (0, false);
        }
        let errors = self.gather_refusals(tally, hand);
        let datagrams = self.gather_datagrams(tally, hand);
        if errors == Left::More { errors } else { datagrams }
    }

    /// Who sent last without being a partner, once.
    pub(crate) fn take_stranger(&mut self) -> Option<SocketAddrV4> {
        self.stranger.take()
    }

    /// Sends the datagrams to partners among the effects of a turn, in order; returns the last refusal of the system.
    pub(crate) fn send(&mut self, released: &Released<'_>, tally: &mut Tally) -> Option<io::Error> {
        let wanted = released.effects().iter().filter_map(|effect| match effect {
            Effect::Partner { partner, bytes } => Some((*partner, released.bytes(bytes))),
            Effect::Reply { .. }
            | Effect::Ping { .. }
            | Effect::StoreSubnets { .. }
            | Effect::Control { .. }
            | Effect::SyncFailed { .. }
            | Effect::Stop => None,
        });
        self.send_all(wanted, tally)
    }

    fn send_all<'a>(
        &mut self,
        wanted: impl Iterator<Item = (PartnerId, &'a [u8])>,
        tally: &mut Tally,
    ) -> Option<io::Error> {
        let mut batch: [(SocketAddrV4, &[u8]); BATCH] = [(NOWHERE, &[]); BATCH];
        let mut count = 0;
        let mut last_error = None;
        for (partner, bytes) in wanted {
            let Some(partner) = self.partners.get(partner.0) else {
                // It was taken out of the configuration in this very turn.
                tally.partners_unsent += 1;
                continue;
            };
            batch[count] = (partner.address, bytes);
            count += 1;
            if count == BATCH {
                last_error = self.send_batch(&batch, tally).or(last_error);
                count = 0;
            }
        }
        if count > 0 {
            last_error = self.send_batch(&batch[..count], tally).or(last_error);
        }
        last_error
    }

    /// Sends one batch; what the system refused is tried once more, since the refusal may have been that of a datagram
    /// sent before, to another partner.
    fn send_batch(&mut self, batch: &[(SocketAddrV4, &[u8])], tally: &mut Tally) -> Option<io::Error> {
        let Some(wire) = &mut self.wire else {
            tally.partners_unsent += batch.len() as u64;
            return None;
        };
        let failed = wire.datagrams.send(wire.route, batch);
        tally.partners_sent += batch.len() as u64 - failed.count();
        if failed.count() == 0 {
            return None;
        }
        let mut again: [(SocketAddrV4, &[u8]); BATCH] = [(NOWHERE, &[]); BATCH];
        let mut count = 0;
        for place in failed.places() {
            again[count] = batch[place];
            count += 1;
        }
        let failed = wire.datagrams.send(wire.route, &again[..count]);
        tally.partners_sent += count as u64 - failed.count();
        tally.partners_unsent += failed.count();
        failed.into_last()
    }

    fn gather_refusals(&mut self, tally: &mut Tally, hand: &mut dyn FnMut(Input<'_>)) -> Left {
        let Some(wire) = &mut self.wire else { return Left::Nothing };
        for _ in 0..TURN_ERRORS {
            match wire.refusals.next(wire.datagrams.socket()) {
                None => return Left::Nothing,
                Some(Unreachable::Elsewhere) => {}
                Some(Unreachable::Port(address)) => {
                    let Some(place) = self.places.get(&address) else { continue };
                    let Some(partner) = self.partners.get_mut(*place).filter(|partner| !partner.refused) else {
                        continue;
                    };
                    partner.refused = true;
                    tally.partners_refused += 1;
                    hand(Input::Refused { partner: PartnerId(*place) });
                }
            }
        }
        Left::More
    }

    fn gather_datagrams(&mut self, tally: &mut Tally, hand: &mut dyn FnMut(Input<'_>)) -> Left {
        let Channels { wire: Some(wire), partners, places, stranger } = self else { return Left::Nothing };
        let mut handed = 0;
        for _ in 0..TURN_BATCHES {
            let count = match wire.datagrams.receive() {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Left::Nothing,
                // A datagram sent before was refused; the queue of errors tells which.
                Err(_) => continue,
            };
            for place in 0..count {
                let datagram = wire.datagrams.datagram(place);
                let source = datagram.arrival.source;
                let Some((place, partner)) =
                    places.get(&source).and_then(|place| Some((*place, partners.get_mut(*place)?)))
                else {
                    tally.strangers += 1;
                    *stranger = Some(source);
                    continue;
                };
                if datagram.cut {
                    tally.partners_cut += 1;
                } else if partner.handed == QUOTA {
                    tally.over_quota += 1;
                } else {
                    partner.handed += 1;
                    handed += 1;
                    tally.partners_received += 1;
                    hand(Input::Partner { partner: PartnerId(place), bytes: datagram.bytes });
                }
            }
            if count < BATCH {
                return Left::Nothing;
            }
            if handed >= TURN_HANDED {
                return Left::More;
            }
        }
        Left::More
    }
}

const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

/// The system takes an address given with a datagram before that of the socket, none included.
fn from(local: SocketAddrV4) -> Route {
    Route { interface: InterfaceId(0), source: *local.ip() }
}

fn bind(local: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_nonblocking(true)?;
    system::Datagrams::prepare(&socket)?;
    system::Refusals::prepare(&socket)?;
    enlarge(&socket, RECEIVE_BUFFER, "failover port");
    socket.bind(&local.into())?;
    Ok(socket.into())
}

#[cfg(test)]
#[path = "channels_tests.rs"]
mod tests;
