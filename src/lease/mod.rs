//! Bindings: all that is known of an address, and the rules that need nothing but the binding itself.
//!
//! [`Binding`] is the value that the server makes and the journal keeps; [`table::LeaseTable`] holds them all;
//! [`pool::Pools`] says which address comes next. Nothing here knows of packets, sockets or files.

pub mod merge;
pub mod owner;
pub mod pool;
pub mod record;
pub mod reservations;
pub mod shares;
pub mod stamp;
pub mod table;
pub mod transition;

use std::fmt;
use std::net::Ipv4Addr;

use crate::clock::Wall;
pub use stamp::Stamp;

/// Octets of a client identifier, hardware address, host name or relay information kept with a binding.
/// One octet of length tells them apart in a record; DHCP's own option length has the same bound.
pub const DETAIL_VALUE_MAX: usize = 255;

/// The two servers of a pair, as origin of a change and as owner of an address (failover.md section 1).
///
/// A standalone server is the primary of a pair that has no failover yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// The primary.
    #[default]
    Primary,
    /// The failover.
    Secondary,
}

impl Side {
    /// The other server of the pair.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Primary => Side::Secondary,
            Side::Secondary => Side::Primary,
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Primary => "primary",
            Side::Secondary => "secondary",
        })
    }
}

/// What kind of binding an address has. Whether a lease still runs is told by its end, not by its state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum BindingState {
    /// Nobody's: never leased, or forgotten on purpose (ActiveLeaseExpiration = Full_delete).
    #[default]
    Free,
    /// Leased to its client until its end; after that the client's former address.
    Leased,
    /// Given back by its client (or ended by an operator); the client's former address.
    Released,
    /// In use by somebody unknown until its end: declined, or it answered a ping.
    Unavailable,
}

/// Who a client is: the client identifier where it sends one, else its hardware address (RFC 2131 section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClientKey<'a> {
    /// Option 61, 2 to 255 octets, opaque.
    Identifier(&'a [u8]),
    /// `htype` and the first `hlen` octets of `chaddr`.
    Hardware(Hardware<'a>),
}

/// A hardware address with its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Hardware<'a> {
    /// `htype`: 1 is Ethernet.
    pub htype: u8,
    /// 0 to 16 octets.
    pub address: &'a [u8],
}

/// All that is known of one address (failover.md section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The address.
    pub address: Ipv4Addr,
    /// What kind of binding.
    pub state: BindingState,
    /// The server that made this change.
    pub origin: Side,
    /// The server that may give the address to a new client.
    pub owner: Side,
    /// When the client first got the lease that it has, or had.
    pub start: Wall,
    /// When the lease (or the unavailability) ends or ended, on the lease clock.
    pub end: Wall,
    /// When the client was last heard of.
    pub last_seen: Wall,
    /// Until when another client than the one named may still hold the address; nobody new gets it before.
    pub bar: Wall,
    /// When this change was made.
    pub stamp: Stamp,
    /// Who and what the client is; empty for [`BindingState::Free`].
    pub client: Client<'a>,
}

/// What is known of a binding's client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Client<'a> {
    /// Option 61, where it sent one of 2 to 255 octets.
    pub identifier: Option<&'a [u8]>,
    /// Its hardware address, where it has one.
    pub hardware: Option<Hardware<'a>>,
    /// The host name that it told (option 12, or 81), without trailing NULs.
    pub host_name: Option<&'a [u8]>,
    /// Option 82 of its last relayed message.
    pub relay_information: Option<&'a [u8]>,
}

impl<'a> Client<'a> {
    /// The key that identifies it; `None` when it has neither identifier nor hardware address.
    #[must_use]
    pub fn key(&self) -> Option<ClientKey<'a>> {
        match (self.identifier, self.hardware) {
            (Some(identifier), _) => Some(ClientKey::Identifier(identifier)),
            (None, Some(hardware)) => Some(ClientKey::Hardware(hardware)),
            (None, None) => None,
        }
    }
}

impl Binding<'_> {
    /// The binding without what it borrows: its client.
    #[must_use]
    pub fn without_client<'a>(&self) -> Binding<'a> {
        Binding {
            address: self.address,
            state: self.state,
            origin: self.origin,
            owner: self.owner,
            start: self.start,
            end: self.end,
            last_seen: self.last_seen,
            bar: self.bar,
            stamp: self.stamp,
            client: Client::default(),
        }
    }

    /// Whether the client named holds a lease on the address at `now`.
    #[must_use]
    pub fn is_active(&self, now: Wall) -> bool {
        self.state == BindingState::Leased && self.end > now
    }

    /// From when on nobody can hold the address any more: the later of end and bar.
    #[must_use]
    pub fn available_from(&self) -> Wall {
        self.end.max(self.bar)
    }
}
