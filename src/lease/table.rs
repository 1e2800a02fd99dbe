//! The lease table: every binding, found by address or by client. It keeps; it decides nothing.
//!
//! One million bindings must fit in little memory and be loaded in a fraction of two seconds, so a binding is a
//! fixed part in a chunked slab and one boxed list of details, and both indexes map 32 bits to 32 bits. Bindings
//! of clients with equal hashes hang together in a chain, which also holds the several addresses of one client.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::net::Ipv4Addr;

use super::record::{decode_client, encode_client};
use super::{Binding, BindingState, ClientKey, Side, Stamp};
use crate::clock::Wall;

/// Bindings in one chunk of the slab: growth never moves what is there.
const CHUNK: usize = 4096;
/// End of a chain.
const NONE: u32 = u32::MAX;

/// One stored binding.
#[derive(Clone, Debug)]
struct Lease {
    address: u32,
    next: u32,
    start: Wall,
    end: Wall,
    last_seen: Wall,
    bar: Wall,
    stamp: Stamp,
    details: Box<[u8]>,
    client_hash: u32,
    state: BindingState,
    origin: Side,
    owner: Side,
}

const _: () = assert!(size_of::<Lease>() <= 72, "memory of a lease is part of the promise");

impl Lease {
    fn binding(&self) -> Binding<'_> {
        Binding {
            address: Ipv4Addr::from_bits(self.address),
            state: self.state,
            origin: self.origin,
            owner: self.owner,
            start: self.start,
            end: self.end,
            last_seen: self.last_seen,
            bar: self.bar,
            stamp: self.stamp,
            client: decode_client(&self.details),
        }
    }
}

/// Every binding that is known.
#[derive(Clone, Debug)]
pub struct LeaseTable {
    chunks: Vec<Vec<Lease>>,
    by_address: Index,
    by_client: Index,
    hash_key: u64,
    details: Vec<u8>,
}

type Index = HashMap<u32, u32, BuildHasherDefault<Mixer>>;

impl LeaseTable {
    /// An empty table. `hash_key` is secret and random, so that no client can choose equal hashes.
    #[must_use]
    pub fn new(hash_key: u64) -> LeaseTable {
        LeaseTable {
            chunks: Vec::new(),
            by_address: Index::default(),
            by_client: Index::default(),
            hash_key,
            details: Vec::new(),
        }
    }

    /// Number of bindings, ended ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_address.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    /// What is known of `address`.
    #[must_use]
    pub fn find(&self, address: Ipv4Addr) -> Option<Binding<'_>> {
        self.by_address.get(&address.to_bits()).map(|&slot| self.slot(slot).binding())
    }

    /// Whether anything is known of `address`.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        self.by_address.contains_key(&address.to_bits())
    }

    /// All bindings of a client, on whatever link and in whatever state.
    pub fn of_client<'a>(&'a self, key: ClientKey<'a>) -> impl Iterator<Item = Binding<'a>> {
        let mut slot = self.by_client.get(&self.client_hash(key)).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            while slot != NONE {
                let lease = self.slot(slot);
                slot = lease.next;
                let binding = lease.binding();
                if binding.client.key() == Some(key) {
                    return Some(binding);
                }
            }
            None
        })
    }

    /// The bindings in slots `from..from + count`, for walks in slices: slots never move and are never freed.
    pub fn slots(&self, from: usize, count: usize) -> impl Iterator<Item = Binding<'_>> {
        let to = from.saturating_add(count).min(self.len());
        (from..to).map(|slot| self.chunks[slot / CHUNK][slot % CHUNK].binding())
    }

    /// Keeps `binding`, in place of what was known of its address.
    pub fn put(&mut self, binding: &Binding<'_>) {
        let mut details = std::mem::take(&mut self.details);
        details.clear();
        encode_client(&binding.client, &mut details);
        let client_hash = binding.client.key().map(|key| self.client_hash(key));
        let fresh = u32::try_from(self.len()).expect("fewer bindings than IPv4 addresses");
        let slot = *self.by_address.entry(binding.address.to_bits()).or_insert(fresh);
        if slot == fresh {
            self.add(binding, &details);
        } else {
            self.replace(slot, binding, &details);
        }
        self.details = details;
        self.relink(slot, client_hash);
    }

    fn replace(&mut self, slot: u32, binding: &Binding<'_>, details: &[u8]) {
        let lease = self.slot_mut(slot);
        lease.start = binding.start;
        lease.end = binding.end;
        lease.last_seen = binding.last_seen;
        lease.bar = binding.bar;
        lease.stamp = binding.stamp;
        lease.state = binding.state;
        lease.origin = binding.origin;
        lease.owner = binding.owner;
        if *lease.details != *details {
            lease.details = details.into();
        }
    }

    /// Fills the next free slot.
    fn add(&mut self, binding: &Binding<'_>, details: &[u8]) {
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let chunk = self.chunks.last_mut().expect("a chunk with room was just made sure of");
        chunk.push(Lease {
            address: binding.address.to_bits(),
            next: UNLINKED,
            start: binding.start,
            end: binding.end,
            last_seen: binding.last_seen,
            bar: binding.bar,
            stamp: binding.stamp,
            details: details.into(),
            client_hash: 0,
            state: binding.state,
            origin: binding.origin,
            owner: binding.owner,
        });
    }

    /// Hangs `slot` into the chain of `client_hash`, where it has a client, and out of the one it was in.
    fn relink(&mut self, slot: u32, client_hash: Option<u32>) {
        let lease = self.slot(slot);
        let linked = (lease.next != UNLINKED).then_some(lease.client_hash);
        if linked == client_hash {
            return;
        }
        if linked.is_some() {
            self.unlink(slot);
        }
        if let Some(client_hash) = client_hash {
            let first = self.by_client.insert(client_hash, slot).unwrap_or(NONE);
            let lease = self.slot_mut(slot);
            lease.next = first;
            lease.client_hash = client_hash;
        }
    }

    fn unlink(&mut self, slot: u32) {
        let (hash, next) = (self.slot(slot).client_hash, self.slot(slot).next);
        self.slot_mut(slot).next = UNLINKED;
        let mut at = self.by_client.get(&hash).copied().unwrap_or(NONE);
        if at == slot {
            if next == NONE {
                self.by_client.remove(&hash);
            } else {
                self.by_client.insert(hash, next);
            }
            return;
        }
        while at != NONE {
            let following = self.slot(at).next;
            if following == slot {
                self.slot_mut(at).next = next;
                return;
            }
            at = following;
        }
    }

    fn client_hash(&self, key: ClientKey<'_>) -> u32 {
        let hash = client_hash(self.hash_key, key);
        (hash ^ (hash >> 32)) as u32
    }

    fn slot(&self, slot: u32) -> &Lease {
        &self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }

    fn slot_mut(&mut self, slot: u32) -> &mut Lease {
        &mut self.chunks[slot as usize / CHUNK][slot as usize % CHUNK]
    }
}

/// A keyed 64-bit hash of a client key (SipHash), equal for equal keys only as far as 64 bits tell.
#[must_use]
pub fn client_hash(hash_key: u64, key: ClientKey<'_>) -> u64 {
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write_u64(hash_key);
    key.hash(&mut hasher);
    hasher.finish()
}

/// `next` of a lease that hangs in no chain.
const UNLINKED: u32 = u32::MAX - 1;

/// Spreads a 32-bit key; keys are addresses, or hashes made with a secret key.
#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }

    fn write_u32(&mut self, key: u32) {
        let mixed = (self.0 ^ u64::from(key)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = mixed ^ (mixed >> 32);
    }
}
