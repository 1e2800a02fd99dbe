//! Offers: addresses offered and not yet requested. In memory only, bounded, the oldest goes first.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use crate::clock::Mono;

/// Offers held at once. At 20,000 new clients a second and ten seconds each, 200,000 are under way.
pub const OFFERS_MAX: usize = 262_144;

/// Names a client on one link: a keyed hash, so that no client can choose another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientOnLink(pub u64);

/// One address offered.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// The address.
    pub address: Ipv4Addr,
    /// To whom.
    pub client: ClientOnLink,
    /// Until when it is held.
    pub until: Mono,
    /// Whether the address has been probed, as far as the policy wants it.
    pub probe: Probe,
}

/// How far the probe of an offered address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// An echo reply may still come.
    Pending,
    /// Nobody answered, or no probe was wanted.
    Passed,
}

/// All offers.
#[derive(Clone, Debug, Default)]
pub struct Offers {
    by_address: BTreeMap<Ipv4Addr, Offer>,
    by_client: BTreeMap<ClientOnLink, Ipv4Addr>,
    by_time: BTreeSet<(Mono, Ipv4Addr)>,
}

impl Offers {
    /// Number of offers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// The offer of `address`.
    #[must_use]
    pub fn of_address(&self, address: Ipv4Addr) -> Option<&Offer> {
        self.by_address.get(&address)
    }

    /// The offer made to `client`.
    #[must_use]
    pub fn of_client(&self, client: ClientOnLink) -> Option<&Offer> {
        self.by_address.get(self.by_client.get(&client)?)
    }

    /// The addresses that are offered.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.by_address.keys().copied()
    }

    /// When the next one lapses.
    #[must_use]
    pub fn next_lapse(&self) -> Option<Mono> {
        self.by_time.first().map(|entry| entry.0)
    }

    /// Holds an offer; the client's and the address's former ones must have been dropped.
    pub fn hold(&mut self, offer: Offer) {
        let former = self.by_address.insert(offer.address, offer);
        assert!(former.is_none(), "an address is offered once at a time");
        let former = self.by_client.insert(offer.client, offer.address);
        assert!(former.is_none(), "a client has one offer at a time");
        self.by_time.insert((offer.until, offer.address));
    }

    /// Holds the offer of `address` until `until`, with its probe at `probe`.
    pub fn extend(&mut self, address: Ipv4Addr, until: Mono, probe: Probe) {
        if let Some(offer) = self.by_address.get_mut(&address) {
            self.by_time.remove(&(offer.until, address));
            offer.until = until;
            offer.probe = probe;
            self.by_time.insert((until, address));
        }
    }

    /// Drops the offer of `address`.
    pub fn drop_address(&mut self, address: Ipv4Addr) -> Option<Offer> {
        let offer = self.by_address.remove(&address)?;
        self.by_client.remove(&offer.client);
        self.by_time.remove(&(offer.until, address));
        Some(offer)
    }

    /// Drops and returns the oldest offer if it lapsed at `now`, or in any case when the offers are full.
    pub fn drop_lapsed(&mut self, now: Mono) -> Option<Offer> {
        let &(until, address) = self.by_time.first()?;
        if until > now {
            return None;
        }
        self.drop_address(address)
    }

    /// Drops and returns the oldest offer when as many are held as there may be.
    pub fn make_room(&mut self) -> Option<Offer> {
        if self.len() < OFFERS_MAX {
            return None;
        }
        let &(_, address) = self.by_time.first()?;
        self.drop_address(address)
    }

    /// All of them, the one that lapses first in front.
    pub fn iter(&self) -> impl Iterator<Item = &Offer> {
        self.by_time.iter().filter_map(|entry| self.by_address.get(&entry.1))
    }
}
