//! What goes out, and the rule that nothing leaves before what it depends on is durable.
//!
//! A turn's records and effects gather in one [`Outbox`], with one byte arena for all. The only way to get at
//! the effects is [`Outbox::release`], which wants a [`Synced`]; only a journal's commit makes one.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::ops::Range;

use super::event::{ControlId, InterfaceId, PartnerId};
use crate::clock::Mono;
use crate::journal::Synced;
use crate::rules::{Rule, kept};

/// Where a reply goes (RFC 2131 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// By UDP through the kernel: to a relay, to a client that has an address, or to 255.255.255.255.
    Udp {
        /// The interface to leave by; `None` lets routing choose (relays, other subnets).
        interface: Option<InterfaceId>,
        /// The source address; 0.0.0.0 lets the kernel choose.
        source: Ipv4Addr,
        /// Address and port.
        to: SocketAddrV4,
    },
    /// To a client without an address, by its hardware address, with no ARP: an Ethernet frame around
    /// IPv4 and UDP. Where that cannot be had, `net` broadcasts instead (RFC 2131 section 4.1).
    Link {
        /// The interface to leave by.
        interface: InterfaceId,
        /// The client's Ethernet address.
        hardware: [u8; 6],
        /// The source address: ours on that interface.
        source: Ipv4Addr,
        /// The address just given (yiaddr) and the client's port.
        to: SocketAddrV4,
    },
}

/// One thing for `net` to do; bytes are ranges of the outbox's arena ([`Released::bytes`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Send a DHCP message.
    Reply {
        /// Where to.
        to: Destination,
        /// The UDP payload.
        bytes: Range<usize>,
    },
    /// Send one datagram to a partner, on the failover socket.
    Partner {
        /// Whom to.
        partner: PartnerId,
        /// The whole payload, seal included.
        bytes: Range<usize>,
    },
    /// Send an ICMP echo request.
    Ping {
        /// Whom to ask.
        address: Ipv4Addr,
    },
    /// Answer on the control socket.
    Control {
        /// The connection.
        id: ControlId,
        /// Text to write.
        bytes: Range<usize>,
        /// Whether there is more, to be asked for with `ControlMore`; else the connection is closed after it.
        more: bool,
    },
    /// Keep the subnets of a primary for the next start, before anything else of this turn leaves.
    StoreSubnets {
        /// The name of its [Primary].
        name: String,
        /// The text.
        bytes: Range<usize>,
    },
    /// End the process: SyncFailCritical is set and the sync with this primary failed.
    SyncFailed {
        /// The primary.
        partner: PartnerId,
    },
    /// End the process: everything that a planned stop needs has been done.
    Stop,
}

/// Records and effects of the turn that is being decided.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    arena: Vec<u8>,
    records: Vec<u8>,
    effects: Vec<Effect>,
    /// When the commit of the last turn was done, as far as anybody said.
    committed: Mono,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Adds one journal record; `encode` appends its payload.
    pub fn record(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        crate::journal::frame::append(&mut self.records, encode);
    }

    /// Adds a reply; `compose` appends its bytes.
    pub fn reply(&mut self, to: Destination, compose: impl FnOnce(&mut Vec<u8>)) {
        let bytes = self.write(compose);
        self.effects.push(Effect::Reply { to, bytes });
    }

    /// Adds a datagram to a partner; `compose` appends its bytes.
    pub fn partner(&mut self, partner: PartnerId, compose: impl FnOnce(&mut Vec<u8>)) {
        let bytes = self.write(compose);
        self.effects.push(Effect::Partner { partner, bytes });
    }

    /// Adds an answer on the control socket; `compose` appends its text and says whether there is more.
    pub fn control(&mut self, id: ControlId, compose: impl FnOnce(&mut Vec<u8>) -> bool) {
        let mut more = false;
        let bytes = self.write(|arena| more = compose(arena));
        self.effects.push(Effect::Control { id, bytes, more });
    }

    /// Has the subnets of the primary `name` kept; `compose` appends their text.
    pub fn store_subnets(&mut self, name: String, compose: impl FnOnce(&mut Vec<u8>)) {
        let bytes = self.write(compose);
        self.effects.push(Effect::StoreSubnets { name, bytes });
    }

    /// Adds an effect without bytes.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The framed records of this turn, ready for the journal.
    #[must_use]
    pub fn records(&self) -> &[u8] {
        &self.records
    }

    /// When the commit of the last turn was done, as [`Released::keep_timely`] was told.
    #[must_use]
    pub fn committed(&self) -> Mono {
        self.committed
    }

    /// Lets the effects out; replies to clients until `deadline`, if there is one. `synced` proves that the records are
    /// durable.
    #[must_use]
    pub fn release(&mut self, synced: Synced, deadline: Option<Mono>) -> Released<'_> {
        let Synced { .. } = synced;
        self.records.clear();
        Released { outbox: self, deadline }
    }

    /// The records are durable; the effects stay for the next turn's release.
    pub fn keep_effects(&mut self, synced: Synced) {
        let Synced { .. } = synced;
        self.records.clear();
    }

    fn write(&mut self, compose: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let start = self.arena.len();
        compose(&mut self.arena);
        start..self.arena.len()
    }
}

/// The effects of a turn whose records are durable. Dropping it empties the outbox.
#[derive(Debug)]
pub struct Released<'a> {
    outbox: &'a mut Outbox,
    deadline: Option<Mono>,
}

impl Released<'_> {
    /// What to do, in order.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        &self.outbox.effects
    }

    /// Leaves out the replies to clients when the turn took so long, to `now`, that the partner may serve by now: what
    /// is in the journal stands, and a promise too many harms nobody. How many were left out.
    pub fn keep_timely(&mut self, now: Mono) -> usize {
        self.outbox.committed = now;
        if self.deadline.is_none_or(|deadline| now <= deadline) || !kept(Rule::TimelyRelease) {
            return 0;
        }
        let before = self.outbox.effects.len();
        self.outbox.effects.retain(|effect| !matches!(effect, Effect::Reply { .. }));
        before - self.outbox.effects.len()
    }

    /// The bytes behind a range of an effect.
    #[must_use]
    pub fn bytes(&self, range: &Range<usize>) -> &[u8] {
        &self.outbox.arena[range.clone()]
    }
}

impl Drop for Released<'_> {
    fn drop(&mut self) {
        self.outbox.effects.clear();
        self.outbox.arena.clear();
    }
}
