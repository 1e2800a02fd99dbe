//! The return of control, subnet by subnet (failover.md section 6): while the failover still serves, its changes go
//! ahead; then a few subnets at a time fall silent, their last changes follow, and the primary takes them.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::Around;
use super::partner::Partner;
use crate::clock::Mono;
use crate::config::Network;
use crate::lease::Stamp;
use crate::rules::{Rule, kept};
use crate::wire::failover::Body;

/// Subnets in transfer at once.
const AT_ONCE: usize = 16;
/// Changes under way with which the first subnets fall silent: a window's worth takes one round trip.
const FEW: usize = 64;

/// One return of control.
#[derive(Clone, Debug)]
pub(super) struct Transfer {
    /// Its number, so that an answer to a former one is told apart.
    pub number: u32,
    waiting: VecDeque<Network>,
    moving: Vec<Moving>,
    gone: Vec<Network>,
    blackouts: Vec<(Network, Duration)>,
}

#[derive(Clone, Copy, Debug)]
struct Moving {
    subnet: Network,
    until: Stamp,
    silent_since: Mono,
    sent: Mono,
}

impl Transfer {
    /// A return of `subnets`, none of which is silent yet.
    pub(super) fn new(number: u32, subnets: Vec<Network>) -> Transfer {
        let waiting = subnets.into();
        Transfer { number, waiting, moving: Vec::new(), gone: Vec::new(), blackouts: Vec::new() }
    }

    /// Begins anew with another number: subnets that are not served any more come first.
    pub(super) fn again(&mut self, number: u32) {
        self.number = number;
        // One that was announced anew is gone and moves, and one that was not yet is gone and waits.
        let mut known = BTreeSet::new();
        let silent = self.gone.drain(..).chain(self.moving.drain(..).map(|moving| moving.subnet));
        let silent: Vec<Network> = silent.filter(|subnet| known.insert(*subnet)).collect();
        self.waiting.retain(|subnet| !known.contains(subnet));
        for subnet in silent {
            self.waiting.push_front(subnet);
            self.gone.push(subnet);
        }
    }

    /// Whether the failover still serves `subnet`.
    pub(super) fn serves(&self, subnet: Network) -> bool {
        // Said again for want of an answer it stays silent: the answer may be lost, and the primary serve it.
        let stays = |moving: &Moving| moving.sent == moving.silent_since || kept(Rule::TakenBackByPolling);
        let moves = self.moving.iter().any(|moving| moving.subnet == subnet && stays(moving));
        !moves && !self.gone.contains(&subnet)
    }

    /// Whether all is done.
    pub(super) fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.moving.is_empty()
    }

    /// Subnets that wait, move or are gone.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.moving.len() + self.gone.len()
    }

    /// How long each subnet was silent here, as far as it was taken.
    pub(super) fn blackouts(&self) -> &[(Network, Duration)] {
        &self.blackouts
    }

    /// The primary serves `subnet`.
    pub(super) fn on_taken(&mut self, number: u32, subnet: Network, now: Mono) {
        if number != self.number {
            return;
        }
        let Some(at) = self.moving.iter().position(|moving| moving.subnet == subnet) else { return };
        let moved = self.moving.swap_remove(at);
        let silent = now.since(moved.silent_since);
        match self.blackouts.iter_mut().find(|entry| entry.0 == subnet) {
            Some(former) => former.1 = former.1.max(silent),
            None => self.blackouts.push((subnet, silent)),
        }
        if !self.gone.contains(&subnet) {
            self.gone.push(subnet);
        }
    }

    /// Goes on: the next subnets fall silent when few changes are left; what is not answered is said again.
    pub(super) fn tick(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let now = around.now.mono;
        let again = partner.repeat_after();
        let ready =
            partner.outgoing.is_begun() && !partner.outgoing.is_filling() && partner.outgoing.unacknowledged() <= FEW;
        while ready && self.moving.len() < AT_ONCE {
            let Some(subnet) = self.waiting.pop_front() else { break };
            let moving = Moving { subnet, until: partner.newest, silent_since: now, sent: now };
            self.moving.push(moving);
            announce(self.number, &moving, partner, around);
        }
        let mut repeats = false;
        for index in 0..self.moving.len() {
            if now.since(self.moving[index].sent) >= again {
                self.moving[index].sent = now;
                repeats = true;
                announce(self.number, &self.moving[index], partner, around);
            }
        }
        if repeats {
            partner.repeat_last(around);
        }
    }

    /// When something is to be said again.
    pub(super) fn next_due(&self, partner: &Partner) -> Option<Mono> {
        self.moving.iter().map(|moving| moving.sent + partner.repeat_after()).min()
    }
}

fn announce(transfer: u32, moving: &Moving, partner: &mut Partner, around: &mut Around<'_>) {
    let network = moving.subnet.address.to_bits();
    let (prefix, until) = (moving.subnet.prefix, moving.until.0);
    partner.send(Body::SubnetReturn { transfer, network, prefix, until }, around);
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    /// The first subnet that waits falls silent and is announced.
    fn announce_one(transfer: &mut Transfer, now: Mono) {
        let subnet = transfer.waiting.pop_front().expect("one waits");
        transfer.moving.push(Moving { subnet, until: Stamp::default(), silent_since: now, sent: now });
    }

    #[test]
    fn however_often_it_begins_anew_each_subnet_waits_or_moves_once() {
        let subnets = [1, 2, 3].map(|third| Network { address: Ipv4Addr::new(10, 1, third, 0), prefix: 24 });
        let now = Mono::from_nanos(1);
        let mut transfer = Transfer::new(1, subnets.to_vec());
        for number in 2..12 {
            announce_one(&mut transfer, now);
            announce_one(&mut transfer, now);
            transfer.on_taken(number - 1, transfer.moving[0].subnet, now);
            transfer.again(number);
            assert_eq!(transfer.waiting.len(), subnets.len(), "transfer {number}");
            assert!(transfer.moving.is_empty() && transfer.gone.len() <= subnets.len());
            assert!(transfer.blackouts.len() <= subnets.len());
        }
        assert!(transfer.serves(subnets[2]), "what was never announced is served on");
    }
}
