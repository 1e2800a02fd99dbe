//! The one way to change a binding: lease table, pools and journal record move together.
//!
//! Each method checks the change against [`transition`], gives it a new stamp, writes its record into the
//! turn's outbox and keeps it. Offers are told to the pools here too, so that an address is in its pool's
//! order exactly while nobody was offered it.

mod shares;

use std::net::Ipv4Addr;

use super::offers::{ClientOnLink, Offer, Offers, Probe};
use super::outbox::Outbox;
use crate::clock::{Now, Wall};
use crate::lease::merge::{Merged, Seen, merge};
use crate::lease::pool::{Place, PoolId, Pools, Run};
use crate::lease::record::{Record, decode_client, encode_client};
use crate::lease::shares::Shares;
use crate::lease::stamp::StampClock;
use crate::lease::table::{LeaseTable, client_hash};
use crate::lease::transition::{self, Change, Term};
use crate::lease::{Binding, BindingState, Client, ClientKey, Side, Stamp};
use crate::rules::{Rule, kept};

/// Bindings, pools and offers.
#[derive(Clone, Debug)]
pub struct Bindings {
    table: LeaseTable,
    /// Who owns the addresses without a binding; empty where the server stands alone.
    shares: Shares,
    pools: Pools,
    /// Pools of a configuration that is being taken over: kept in step while they are filled.
    next_pools: Option<Pools>,
    offers: Offers,
    stamps: StampClock,
    hash_key: u64,
    /// Which server of the pair this is: the origin of all changes made here.
    side: Side,
    /// Free addresses that the partner may regard otherwise, sorted: not given like any other.
    contested: Vec<Run>,
    /// The server's own addresses, which are never given to anybody.
    own: Vec<Ipv4Addr>,
    /// What changed since the partners were told; kept only where there are partners.
    changed: Option<Vec<Changed>>,
}

/// A binding that changed, for the partner that is to hear of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The address.
    pub address: Ipv4Addr,
    /// The stamp that it had before.
    pub former: Option<Stamp>,
    /// The stamp that it has now.
    pub stamp: Stamp,
    /// Whether the change was made here.
    pub author: Author,
}

/// Who made a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// This server.
    Own,
    /// The partner; the change came by its stream.
    Partner,
}

/// What became of a change that the partner made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// One record stands on both sides, or will.
    Merged,
    /// Two clients were promised the address.
    Conflict,
}

impl Bindings {
    /// No bindings. `hash_key` is secret and random.
    #[must_use]
    pub fn new(hash_key: u64) -> Bindings {
        Bindings {
            table: LeaseTable::new(hash_key),
            shares: Shares::default(),
            pools: Pools::default(),
            next_pools: None,
            offers: Offers::default(),
            stamps: StampClock::default(),
            hash_key,
            side: Side::default(),
            contested: Vec::new(),
            own: Vec::new(),
            changed: None,
        }
    }

    /// Makes this server one of a pair: the origin of its changes, which are noted for the partners from now on.
    pub fn begin_pair(&mut self, side: Side) {
        self.side = side;
        self.changed.get_or_insert_with(Vec::new);
    }

    /// What changed since the last call.
    pub fn take_changed(&mut self) -> Vec<Changed> {
        self.changed.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Keeps a record of the partner as it stands, or the result of a merge.
    pub fn accept(&mut self, binding: &Binding<'_>, out: &mut Outbox) {
        self.stamps.lift(binding.stamp);
        self.keep(binding, out);
    }

    /// Merges a change that the partner made with what is known here (failover.md section 5).
    pub fn take_in(&mut self, theirs: &Binding<'_>, seen: Seen, now: Wall, out: &mut Outbox) -> Taken {
        let Some(ours) = self.table.find(theirs.address) else {
            self.accept(theirs, out);
            return Taken::Merged;
        };
        let (result, conflict) = match merge(&ours, theirs, seen, now) {
            Merged::Theirs => {
                self.accept(theirs, out);
                return Taken::Merged;
            }
            Merged::Ours => {
                self.stamps.lift(theirs.stamp);
                return Taken::Merged;
            }
            Merged::Both { result, conflict } => (result, conflict),
        };
        let mut details = Vec::new();
        encode_client(&result.client, &mut details);
        let result = result.without_client();
        self.stamps.lift(theirs.stamp);
        let (origin, stamp) = (self.side, self.stamps.next(now));
        self.keep(&Binding { origin, stamp, client: decode_client(&details), ..result }, out);
        if conflict { Taken::Conflict } else { Taken::Merged }
    }

    /// Tells the server's own addresses.
    pub fn set_own(&mut self, own: Vec<Ipv4Addr>) {
        self.own = own;
    }

    /// Takes over a binding from the journal; pools are filled afterwards by [`Bindings::use_pools`].
    pub fn replay(&mut self, binding: &Binding<'_>) {
        self.stamps.lift(binding.stamp);
        self.table.put(binding);
    }

    /// Fills `pools` with all bindings and uses them.
    pub fn use_pools(&mut self, mut pools: Pools) {
        let all = self.table.slots(0, self.table.len());
        pools.fill(all.map(|binding| (binding.address, Place::of(&binding))));
        self.pools = pools;
    }

    /// The lease table, to read.
    #[must_use]
    pub fn table(&self) -> &LeaseTable {
        &self.table
    }

    /// The pools, to read.
    #[must_use]
    pub fn pools(&self) -> &Pools {
        &self.pools
    }

    /// The offers, to read.
    #[must_use]
    pub fn offers(&self) -> &Offers {
        &self.offers
    }

    /// The stamps made and seen so far.
    #[must_use]
    pub fn stamps(&self) -> &StampClock {
        &self.stamps
    }

    /// Makes all later stamps newer than those of the journal.
    pub fn stamps_mut(&mut self) -> &mut StampClock {
        &mut self.stamps
    }

    /// Which server of the pair this is.
    #[must_use]
    pub fn side(&self) -> Side {
        self.side
    }

    /// Names a client on a link for the offers.
    #[must_use]
    pub fn client_on_link(&self, key: ClientKey<'_>, link: usize) -> ClientOnLink {
        let on_link = (link as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ClientOnLink(client_hash(self.hash_key, key) ^ on_link)
    }

    /// Whether `address` may be given to anybody: not bound at `now`, and not offered to another than `client`.
    #[must_use]
    pub fn is_available(&self, address: Ipv4Addr, client: ClientOnLink, now: Wall) -> bool {
        let bound = self.table.find(address).is_some_and(|binding| binding.available_from() > now);
        let offered = self.offers.of_address(address).is_some_and(|offer| offer.client != client);
        !bound && !offered && !self.own.contains(&address)
    }

    /// The address that comes next in a pool.
    pub fn next_in(&mut self, pool: PoolId, now: Wall) -> Option<Ipv4Addr> {
        let (table, offers, own) = (&self.table, &self.offers, &self.own);
        let is_touched = |address: Ipv4Addr| {
            table.contains(address) || offers.of_address(address).is_some() || own.contains(&address)
        };
        self.pools.pool_mut(pool).next(now, is_touched)
    }

    /// Holds an offer, in place of the client's former one. Returns whether an older offer had to go for room.
    pub fn offer(&mut self, offer: Offer) -> bool {
        if let Some(former) = self.offers.of_client(offer.client).copied() {
            self.withdraw(former.address);
        }
        let crowded_out = self.offers.make_room();
        if let Some(oldest) = crowded_out {
            self.back_to_pool(oldest.address);
        }
        let place = self.place(offer.address);
        self.pools.take(offer.address, place);
        self.offers.hold(offer);
        crowded_out.is_some()
    }

    /// The offers, to extend one.
    pub fn offers_mut(&mut self) -> &mut Offers {
        &mut self.offers
    }

    /// Drops the offer of `address`: it lapsed, or the client chose another server.
    pub fn withdraw(&mut self, address: Ipv4Addr) {
        if self.offers.drop_address(address).is_some() {
            self.back_to_pool(address);
        }
    }

    /// Drops one offer that lapsed at `now`; the address it was for.
    pub fn lapse_one(&mut self, now: Now) -> Option<Ipv4Addr> {
        let offer = self.offers.drop_lapsed(now.mono)?;
        self.back_to_pool(offer.address);
        Some(offer.address)
    }

    /// Leases `address` to `client` until `end`: a new lease, or the client's own extended. The end of a lease
    /// that stands never goes down: a client that missed the shorter ACK holds the longer one (failover.md 7).
    pub fn grant(&mut self, grant: &Grant<'_>, now: Wall, out: &mut Outbox) {
        let former = self.table.find(grant.address);
        let (state, term) = state_and_term(former.as_ref(), now);
        let key = grant.client.key();
        let own = former.filter(|binding| binding.is_active(now) && binding.client.key() == key);
        let change = if own.is_some() { Change::Renew } else { Change::Grant };
        let state = transition::apply(state, term, change).expect("a bound address is not granted to another");
        let start = own.map_or(now, |binding| binding.start);
        let promised = own.filter(|_| kept(Rule::EndStands));
        let end = promised.map_or(grant.end, |binding| grant.end.max(binding.end));
        let mut known = Vec::new();
        if let Some(own) = own
            && (grant.client.relay_information.is_none() || grant.client.host_name.is_none())
        {
            encode_client(&own.client, &mut known);
        }
        let binding = Binding {
            address: grant.address,
            state,
            origin: self.side,
            owner: former.map_or_else(|| self.shares.owner(grant.address), |binding| binding.owner),
            start,
            end,
            last_seen: now,
            bar: former.map_or(Wall::default(), |binding| binding.bar),
            stamp: self.stamps.next(now),
            client: with_what_was_known(grant.client, decode_client(&known)),
        };
        self.keep(&binding, out);
    }

    /// Ends a lease: its client gave it back, or an operator did. `false` when there is no such lease.
    pub fn release(&mut self, address: Ipv4Addr, now: Wall, out: &mut Outbox) -> bool {
        self.change(address, now, (Change::Release, now), out)
    }

    /// Sets an address aside until `until`: somebody unknown uses it.
    pub fn refuse(&mut self, address: Ipv4Addr, now: Wall, until: Wall, out: &mut Outbox) -> bool {
        self.change(address, now, (Change::Refuse, until), out)
    }

    /// Forgets the client of an ended lease (ActiveLeaseExpiration = Full_delete).
    pub fn forget(&mut self, address: Ipv4Addr, now: Wall, out: &mut Outbox) -> bool {
        let end = self.table.find(address).map_or(now, |binding| binding.end);
        self.change(address, now, (Change::Forget, end), out)
    }

    fn change(&mut self, address: Ipv4Addr, now: Wall, to: (Change, Wall), out: &mut Outbox) -> bool {
        let (change, end) = to;
        let former = self.table.find(address);
        let (state, term) = state_and_term(former.as_ref(), now);
        let Some(state) = transition::apply(state, term, change) else {
            return false;
        };
        let mut details = Vec::new();
        if let Some(former) = former
            && change != Change::Forget
        {
            encode_client(&former.client, &mut details);
        }
        let binding = Binding {
            address,
            state,
            origin: self.side,
            owner: former.map_or_else(|| self.shares.owner(address), |binding| binding.owner),
            start: former.map_or(now, |binding| binding.start),
            end,
            last_seen: former.map_or(now, |binding| binding.last_seen),
            bar: former.map_or(Wall::default(), |binding| binding.bar),
            stamp: self.stamps.next(now),
            client: decode_client(&details),
        };
        self.keep(&binding, out);
        true
    }

    fn keep(&mut self, binding: &Binding<'_>, out: &mut Outbox) {
        let offered = self.offers.drop_address(binding.address).is_some();
        let former = self.place(binding.address);
        if let Some(changed) = &mut self.changed {
            let former = self.table.find(binding.address).map(|binding| binding.stamp);
            let author = if binding.origin == self.side { Author::Own } else { Author::Partner };
            changed.push(Changed { address: binding.address, former, stamp: binding.stamp, author });
        }
        if !offered {
            self.pools.take(binding.address, former);
        }
        self.pools.put(binding.address, Some(Place::of(binding)));
        if let Some(next) = &mut self.next_pools {
            follow(next, binding, former);
        }
        if binding.origin == self.side || kept(Rule::BindAckAfterCommit) {
            out.record(|payload| Record::Binding(*binding).encode(payload));
        }
        self.table.put(binding);
    }

    fn back_to_pool(&mut self, address: Ipv4Addr) {
        let place = self.place(address);
        self.pools.put(address, place);
    }

    fn place(&self, address: Ipv4Addr) -> Option<Place> {
        self.table.find(address).map(|binding| Place::of(&binding))
    }
}

/// Taking over the pools of a new configuration, a slice a turn.
impl Bindings {
    /// Begins to fill `pools`; those with unchanged ranges are taken over as they are at the end.
    pub fn begin_pools(&mut self, pools: Pools) {
        self.next_pools = Some(pools);
    }

    /// Fills the next pools from bindings `from..from + count`; whether that was the last slice.
    pub fn fill_pools(&mut self, from: usize, count: usize) -> bool {
        if let Some(next) = &mut self.next_pools {
            for binding in self.table.slots(from, count) {
                next.put_unless_kept(&self.pools, binding.address, Place::of(&binding));
            }
        }
        from.saturating_add(count) >= self.table.len()
    }

    /// Uses the filled pools. Offers stand, but for those that wait for a ping: the message that waits with them is
    /// dealt with anew.
    pub fn end_pools(&mut self) {
        let Some(mut next) = self.next_pools.take() else { return };
        let stands = |offer: &Offer| offer.probe == Probe::Passed && next.keeps(&self.pools, offer.address);
        let touched: Vec<Offer> = self.offers.iter().filter(|offer| !stands(offer)).copied().collect();
        let (made, pending): (Vec<Offer>, Vec<Offer>) =
            touched.into_iter().partition(|offer| offer.probe == Probe::Passed);
        for offer in pending {
            self.withdraw(offer.address);
        }
        // Runs are records of who gave what to whom; no range and no FailoverShare speaks for them.
        if !kept(Rule::OwnersByRecord) {
            self.shares = Shares::default();
        }
        next.keep_unchanged(&mut self.pools);
        self.pools = next;
        for offer in made {
            let place = self.place(offer.address);
            self.pools.take(offer.address, place);
        }
    }
}

/// A lease to be given.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'a> {
    /// The address.
    pub address: Ipv4Addr,
    /// Who gets it.
    pub client: Client<'a>,
    /// Until when, on the lease clock.
    pub end: Wall,
}

fn follow(next: &mut Pools, binding: &Binding<'_>, former: Option<Place>) {
    if let Some(former) = former
        && next.remove(binding.address, former)
    {
        next.put(binding.address, Some(Place::of(binding)));
    }
}

fn state_and_term(binding: Option<&Binding<'_>>, now: Wall) -> (BindingState, Term) {
    match binding {
        Some(binding) if binding.available_from() > now => (binding.state, Term::Running),
        Some(binding) => (binding.state, Term::Ended),
        None => (BindingState::Free, Term::Ended),
    }
}

/// `client`, with the host name and relay information of before where it told none this time: a renewal that
/// reaches the server directly carries no option 82 (RFC 4388 section 6.5).
fn with_what_was_known<'a>(client: Client<'a>, before: Client<'a>) -> Client<'a> {
    Client {
        host_name: client.host_name.or(before.host_name),
        relay_information: client.relay_information.or(before.relay_information),
        ..client
    }
}
