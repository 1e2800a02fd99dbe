//! What each client was promised, in true time, by the ACKs that left a server: the model that servers are judged by.
//!
//! A promise binds from the turn that made it for as long as the ACK says, whether the client got it or not. It ends
//! early when the client gives the address back, which voids the answers that are on their way by then too, finds it
//! taken, or is promised another one on the same link.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::clock::Time;

/// How a promise came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// As any other.
    Sure,
    /// An address that the partner might have given too, after a ping that nobody answered.
    Unsettled,
    /// The client said out of contact that it had the address.
    Word,
}

/// One client's promise of one address.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    /// The number of the client.
    pub(crate) who: u16,
    /// Until when.
    pub(crate) end: Time,
    /// How much earlier a server may take it for ended, for its clock runs fast.
    pub(crate) slack: Time,
    /// How it came about.
    pub(crate) origin: Origin,
    /// Whether the record of it was lost with a disk.
    pub(crate) lost: bool,
    /// Whether another client was promised the address too since it was promised to this one alone: one of the two is
    /// refused when the servers hear of it.
    pub(crate) contested: bool,
    /// When it was promised last.
    pub(crate) made: Time,
    /// The stamp of its record.
    pub(crate) stamp: u64,
}

/// All promises.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    claims: BTreeMap<Ipv4Addr, Vec<Claim>>,
    /// When each client gave each address back last.
    given_back: BTreeMap<(Ipv4Addr, u16), Time>,
    /// The promises that these clients gave back, or left for others: a server that has not heard of it goes by them
    /// still.
    unheard: BTreeMap<(Ipv4Addr, u16), Claim>,
}

impl Ledger {
    /// The promises of an address that run at `now`, those that a fast clock may end apart.
    pub(crate) fn running(&self, address: Ipv4Addr, now: Time) -> impl Iterator<Item = &Claim> {
        let all = self.claims.get(&address).into_iter().flatten();
        all.filter(move |claim| claim.end.saturating_sub(claim.slack) > now)
    }

    /// The running promise of an address to a client.
    pub(crate) fn of(&self, address: Ipv4Addr, who: u16, now: Time) -> Option<&Claim> {
        self.running(address, now).find(|claim| claim.who == who)
    }

    /// Notes a promise; `is_here`: whether an address is on the same link.
    pub(crate) fn promise(&mut self, address: Ipv4Addr, claim: Claim, is_here: impl Fn(Ipv4Addr) -> bool) {
        let who = claim.who;
        let others = self.claims.iter_mut().filter(|entry| *entry.0 != address && is_here(*entry.0));
        for (other, claims) in others {
            let left = claims.iter().find(|former| former.who == who).cloned();
            self.unheard.extend(left.map(|former| ((*other, who), former)));
            claims.retain(|former| former.who != who);
        }
        let claims = self.claims.entry(address).or_default();
        claims.retain(|other| other.end > claim.made);
        match claims.iter_mut().find(|other| other.who == claim.who) {
            Some(former) => {
                // What was lost with a disk comes about anew.
                let origin = if former.lost { claim.origin } else { former.origin };
                *former = Claim { end: former.end.max(claim.end), origin, ..claim };
            }
            None => claims.push(claim),
        }
        let is_contested = claims.len() > 1;
        for claim in claims.iter_mut().filter(|claim| is_contested || claim.who == who) {
            claim.contested = is_contested;
        }
    }

    /// The client no longer uses the address.
    pub(crate) fn give_up(&mut self, address: Ipv4Addr, who: u16, now: Time) {
        self.given_back.insert((address, who), now);
        if let Some(claims) = self.claims.get_mut(&address) {
            let given = claims.iter().find(|claim| claim.who == who).cloned();
            self.unheard.extend(given.map(|claim| ((address, who), claim)));
            claims.retain(|claim| claim.who != who);
        }
    }

    /// How the promise came about that the client gave back, where it would run still.
    pub(crate) fn origin_of_given(&self, address: Ipv4Addr, who: u16, now: Time) -> Option<Origin> {
        self.unheard.get(&(address, who)).filter(|claim| claim.end > now).map(|claim| claim.origin)
    }

    /// Whether the client has given the address back since it asked at `asked`: no answer to that binds any more.
    pub(crate) fn is_given_back(&self, address: Ipv4Addr, who: u16, asked: Time) -> bool {
        self.given_back.get(&(address, who)).is_some_and(|given| *given >= asked)
    }

    /// Promises of `since` or later whose records no server holds any more are lost with a disk.
    pub(crate) fn lose(&mut self, since: Time, held: impl Fn(Ipv4Addr, &Claim) -> bool) {
        for (address, claims) in &mut self.claims {
            for claim in claims.iter_mut().filter(|claim| claim.made >= since) {
                claim.lost |= !held(*address, claim);
            }
        }
    }
}
