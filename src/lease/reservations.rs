//! Reservations of a pair (failover.md section 7, rule 7). Pure.
//!
//! Either server gives a reserved address to its host, whoever owns the address, once it knows that the other has the
//! same reservation. So a reservation that a reload takes away is still in force for the partner, which may have given
//! the address to the host unheard. [`Reservations`] keeps every one that this server ran, over restarts too, until
//! the partner was seen to run without it; until then nobody else gets the address here.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::rules::{Rule, kept};

/// Reservations that become known, or are forgotten, in one turn; each is a record of 21 octets of its commit.
pub const CHANGES_MAX: usize = 10_000;
/// Stands for [`Promised::Several`] in a record.
const SEVERAL: u64 = u64::MAX;
/// Start and factor of the hash that makes a host's identity a number (FNV-1a).
const HASH_START: u64 = 0xcbf2_9ce4_8422_2325;
const HASH_FACTOR: u64 = 0x0000_0100_0000_01b3;

/// A host as a number, which its identity alone makes: the same on both servers and after each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HostNumber(u64);

impl HostNumber {
    /// The number of a host that is known by `octets` of a kind.
    #[must_use]
    pub fn new(kind: [u8; 2], octets: &[u8]) -> HostNumber {
        let all = kind.iter().chain(octets);
        let hash = all.fold(HASH_START, |hash, octet| (hash ^ u64::from(*octet)).wrapping_mul(HASH_FACTOR));
        HostNumber(hash.clamp(1, SEVERAL - 1))
    }
}

/// Whom the partner may regard an address as reserved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promised {
    /// One host.
    To(HostNumber),
    /// One of several, by configurations that came one after the other.
    Several,
}

impl Promised {
    /// As a number in a record; 0 is left for none.
    #[must_use]
    pub fn number(self) -> u64 {
        match self {
            Promised::To(host) => host.0,
            Promised::Several => SEVERAL,
        }
    }

    /// What a number in a record says.
    #[must_use]
    pub fn of(number: u64) -> Option<Promised> {
        match number {
            0 => None,
            SEVERAL => Some(Promised::Several),
            host => Some(Promised::To(HostNumber(host))),
        }
    }
}

/// What changed of an address, to be recorded.
pub type Change = (Ipv4Addr, Option<Promised>);

/// Every reservation that the partner may still go by.
#[derive(Clone, Debug, Default)]
pub struct Reservations {
    promised: BTreeMap<Ipv4Addr, Promised>,
}

impl Reservations {
    /// Takes over a change from the journal.
    pub fn replay(&mut self, (address, promised): Change) {
        match promised {
            Some(promised) => self.promised.insert(address, promised),
            None => self.promised.remove(&address),
        };
    }

    /// Each address from `first` on with what is promised of it, in order.
    pub fn from(&self, first: Ipv4Addr) -> impl Iterator<Item = (Ipv4Addr, Promised)> + '_ {
        self.promised.range(first..).map(|(address, promised)| (*address, *promised))
    }

    /// A configuration with these reservations is in force from now on: what changes by that, [`CHANGES_MAX`] at a
    /// time. All changes are to be durable before the partner hears of it.
    pub fn run(&mut self, current: impl Iterator<Item = (Ipv4Addr, HostNumber)>) -> Vec<Change> {
        let mut changes = Vec::new();
        for (address, host) in current {
            if changes.len() == CHANGES_MAX {
                break;
            }
            let promised = match self.promised.get(&address) {
                None => Promised::To(host),
                Some(Promised::To(former)) if *former != host => Promised::Several,
                Some(Promised::To(_) | Promised::Several) => continue,
            };
            self.promised.insert(address, promised);
            changes.push((address, Some(promised)));
        }
        changes
    }

    /// Whether the partner may have given `address` by a reservation that is not the one of now.
    #[must_use]
    pub fn is_withheld(&self, address: Ipv4Addr, current: Option<HostNumber>) -> bool {
        match self.promised.get(&address) {
            None => false,
            Some(_) if !kept(Rule::ReservationStays) => false,
            Some(Promised::To(host)) => current != Some(*host),
            Some(Promised::Several) => true,
        }
    }

    /// A datagram of the partner, of which nothing is missing here, showed which configuration it runs. `known` tells
    /// of an address whom this server, and whom the partner, has it reserved for; `None` for one that is another
    /// partner's. What neither runs any more is forgotten, [`CHANGES_MAX`] at a time.
    pub fn show(&mut self, known: impl Fn(Ipv4Addr) -> Option<Both>) -> Vec<Change> {
        let mut changes = Vec::new();
        for (address, promised) in &self.promised {
            if changes.len() == CHANGES_MAX {
                break;
            }
            let Some(Both { ours, theirs }) = known(*address) else { continue };
            let is_theirs = match (promised, theirs) {
                (_, None) => false,
                (Promised::To(host), Some(theirs)) => *host == theirs,
                (Promised::Several, Some(_)) => true,
            };
            let stands = is_theirs && theirs != ours;
            let next = ours.map(Promised::To);
            if !stands && next != Some(*promised) {
                changes.push((*address, next));
            }
        }
        changes.iter().for_each(|change| self.replay(*change));
        changes
    }
}

/// Whom both servers have an address reserved for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Both {
    /// This server.
    pub ours: Option<HostNumber>,
    /// Its partner.
    pub theirs: Option<HostNumber>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);

    fn host(octet: u8) -> HostNumber {
        HostNumber::new([1, 1], &[octet])
    }

    fn run(reservations: &mut Reservations, of: Option<u8>) -> Vec<Change> {
        reservations.run(of.map(|octet| (ADDRESS, host(octet))).into_iter())
    }

    fn show(reservations: &mut Reservations, ours: Option<u8>, theirs: Option<u8>) -> Vec<Change> {
        reservations.show(|_| Some(Both { ours: ours.map(host), theirs: theirs.map(host) }))
    }

    #[test]
    fn a_reservation_that_went_away_is_kept_until_the_partner_runs_without_it() {
        let mut reservations = Reservations::default();
        assert_eq!(run(&mut reservations, Some(1)), [(ADDRESS, Some(Promised::To(host(1))))]);
        assert!(!reservations.is_withheld(ADDRESS, Some(host(1))));
        assert_eq!(run(&mut reservations, None), []);
        assert!(reservations.is_withheld(ADDRESS, None));
        assert!(reservations.is_withheld(ADDRESS, Some(host(2))), "nor does another host get it");
        assert_eq!(show(&mut reservations, None, Some(1)), []);
        assert!(reservations.is_withheld(ADDRESS, None));
        assert_eq!(show(&mut reservations, None, None), [(ADDRESS, None)]);
        assert!(!reservations.is_withheld(ADDRESS, None));
    }

    #[test]
    fn of_several_hosts_one_after_the_other_none_gets_it_before_the_partner_agrees() {
        let mut reservations = Reservations::default();
        run(&mut reservations, Some(1));
        assert_eq!(run(&mut reservations, Some(2)), [(ADDRESS, Some(Promised::Several))]);
        run(&mut reservations, Some(1));
        for octet in [1, 2] {
            assert!(reservations.is_withheld(ADDRESS, Some(host(octet))));
        }
        assert_eq!(show(&mut reservations, Some(1), Some(2)), [], "the partner may have given it to the second");
        assert_eq!(show(&mut reservations, Some(1), Some(1)), [(ADDRESS, Some(Promised::To(host(1))))]);
        assert!(!reservations.is_withheld(ADDRESS, Some(host(1))));
    }

    #[test]
    fn a_partner_with_another_host_for_the_address_has_dropped_the_first() {
        let mut reservations = Reservations::default();
        run(&mut reservations, Some(1));
        assert_eq!(show(&mut reservations, None, Some(2)), [(ADDRESS, None)]);
        assert_eq!(reservations.show(|_| None), []);
    }

    #[test]
    fn what_is_promised_survives_as_a_number() {
        for promised in [None, Some(Promised::To(host(3))), Some(Promised::Several)] {
            assert_eq!(Promised::of(promised.map_or(0, Promised::number)), promised);
        }
    }
}
