//! Invariants 5 and 6 of a pair: each subnet is served within the time of detection, and the loss of the failover
//! takes nothing from a primary that serves.
//!
//! A subnet that no server answers, though one should, is watched; when that lasts longer than [`Bounds`] says, from
//! the last change of the pair's circumstances on, invariant 5 is broken. A server should answer a subnet while it
//! runs, has room on its disk, has ways from and to the clients, and its partner
//! - is gone: it does not run, or the heartbeat is cut both ways;
//! - or is as well off itself;
//! - or is the failover in whatever state, with a good heartbeat: the primary is heard and serves, unless an operator
//!   has given the failover control.
//!
//! What is left out, and why:
//! - a primary that runs and hears its failover, but does not reach the clients or has no room on its disk: the
//!   failover hears it and sleeps on, as it should; heartbeat and client path must not differ (the server warns of
//!   that);
//! - a failover that is heard one way only, or through loss, and does not reach the clients or has no room: the
//!   primary may believe that it serves;
//! - a primary that was started with `--wait-for-partner`, until it has been in contact;
//! - a failover that serves while SyncBindingBufSize differs: it cannot return what it changed;
//! - a failover in Syncing with WaitSyncStartSecs 0, which an operator ends, or with SyncFailCritical, which ends the
//!   server.
//!
//! Circumstances are: what runs, since which start; ways of the heartbeat and of the clients of the pair; wall
//! clocks; commands of operators; and whether a server stands still, or its commit takes long, while it does. What
//! happens to another pair changes none of them: that it costs this pair nothing is invariant 7. [`super::answers`]
//! asks that a server which serves answers.

use std::time::Duration;

use understudy::config::Network;

use super::clock::{MILLI, SECOND, Time};
use super::site::Site;
use super::wires::Way;
use super::world::World;

/// How often the pairs are looked at.
const LOOK: Time = 200 * MILLI;
/// A server whose turn takes longer than this stands still.
const STILL: Time = 20 * MILLI;
/// Latency of what goes to and fro, and of turns, in each bound: the ways of a noisy network take 60 ms.
const LATENCY: Time = 400 * MILLI;
/// An operator's command moves control for so long at most: HandOverOnStop and drills have 2 s, and the answer.
const COMMANDED: Time = 3 * SECOND;
/// At most so many times the polls, after yields.
const FLAP_MAX: u32 = 8;

/// Times of a channel, from its configuration.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    /// PollDelay, with the jitter of a tenth.
    poll: Time,
    /// WaitPollRplSecs.
    wait: Time,
    /// All polls of a takeover.
    silence: Time,
    /// All requests of a sync, and the wait for the next update.
    sync: Time,
    /// All requests for control.
    claim: Time,
    /// WaitSyncBindUpdateSecs of the primary.
    update: Time,
}

impl Bounds {
    fn of(site: &Site, primary: usize) -> Bounds {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).expect("some seconds");
        let own = site.of_primary(primary).failover.expect("a pair");
        let failover = site.of_failover(&std::collections::HashMap::new());
        let other = &failover.primaries[primary];
        let (delay, wait) = (nanos(other.common.poll_delay.expect("written")), nanos(other.wait_poll_rpl));
        Bounds {
            poll: delay + delay / 10,
            wait,
            silence: wait * (u64::from(other.poll_retry_max) + 1),
            sync: nanos(other.wait_sync_start) * (u64::from(other.sync_req_retry_max) + 1)
                + nanos(other.common.wait_sync_bind_update),
            claim: nanos(own.wait_ctl_ret) * (u64::from(own.ctl_req_retry_max) + 1),
            update: nanos(own.common.wait_sync_bind_update),
        }
    }

    /// Until a failover serves alone: out of its sleep or its sync, by polls, so many times after yields; one more wait
    /// where it was giving control back.
    fn of_failover(&self, times: u32) -> Time {
        self.poll.max(self.sync) + self.silence * u64::from(times) + self.wait + LATENCY
    }

    /// Until a primary serves alone: the subnets stop coming, or the failover that has control is silent, or does not
    /// take it; then requests for control.
    fn of_primary(&self) -> Time {
        self.update.max(self.silence + self.wait).max(COMMANDED) + self.claim + LATENCY
    }
}

/// What is watched of one pair.
#[derive(Clone, Copy, Debug)]
struct Pair {
    bounds: Bounds,
    /// What the circumstances are, as a number.
    print: u64,
    /// Since when.
    since: Time,
    /// How often the failover has yielded since its start, and which start that is.
    yields: (u32, u32),
    /// The start of the primary at which its state was seen last.
    seen: u32,
}

/// What is watched of all pairs.
#[derive(Debug)]
pub(crate) struct Pairs {
    pairs: Vec<Pair>,
    /// Since when nobody serves a subnet that somebody should.
    silent: Vec<Option<Time>>,
    /// When they are looked at next.
    look_at: Time,
}

/// Whom a subnet should be served by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Server {
    Primary,
    Failover,
    Either,
}

impl Pairs {
    /// Nothing seen yet.
    pub(crate) fn new(site: &Site) -> Pairs {
        let pair = |primary| Pair { bounds: Bounds::of(site, primary), print: 0, since: 0, yields: (0, 0), seen: 0 };
        Pairs { pairs: (0..site.primaries).map(pair).collect(), silent: vec![None; site.subnets.len()], look_at: 0 }
    }

    /// How long a server may stand still before it doubts that it serves: half the polls of a takeover.
    pub(crate) fn stall(&self, primary: usize) -> Time {
        self.pairs[primary].bounds.silence / 2
    }
}

impl Pair {
    /// Until somebody of those who should serves.
    fn bound(&self, server: Server) -> Time {
        let times = 1_u32.checked_shl(self.yields.0).map_or(FLAP_MAX, |times| times.min(FLAP_MAX));
        match server {
            Server::Primary => self.bounds.of_primary(),
            Server::Failover => self.bounds.of_failover(times),
            Server::Either => self.bounds.of_primary().max(self.bounds.of_failover(times)),
        }
    }
}

impl World {
    /// 5: looks at the pairs, if it is time.
    pub(crate) fn check_5_somebody_serves(&mut self) {
        if self.now < self.pairs.look_at {
            return;
        }
        self.pairs.look_at = self.now + LOOK;
        for primary in 0..self.failover() {
            self.note_circumstances(primary);
            for subnet in 0..self.site.subnets.len() {
                if self.site.subnets[subnet].primary == primary {
                    self.look_at(primary, subnet);
                }
            }
        }
    }

    fn note_circumstances(&mut self, primary: usize) {
        let failover = self.failover();
        if self.nodes[primary].is_patient && self.is_in_contact(primary, failover) {
            self.nodes[primary].is_patient = false;
        }
        let print = self.print_of(primary);
        let still = |node: usize| self.nodes[node].busy_until.max(self.now);
        let until = still(primary).max(still(failover));
        let pair = &mut self.pairs.pairs[primary];
        if print != pair.print || until > self.now + STILL {
            (pair.print, pair.since) = (print, until);
        }
    }

    /// The circumstances of a pair as a number.
    fn print_of(&mut self, primary: usize) -> u64 {
        let failover = self.failover();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut take = |value: u64| hash = (hash ^ value).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        take_way(*self.wires.heartbeat(primary, failover), &mut take);
        take_way(*self.wires.heartbeat(failover, primary), &mut take);
        for (index, subnet) in self.site.subnets.iter().enumerate() {
            if subnet.primary == primary {
                take(u64::from(subnet.present));
                for node in [primary, failover] {
                    take_way(*self.wires.inward(node, index), &mut take);
                    take_way(*self.wires.outward(node, index), &mut take);
                }
            }
        }
        for node in [primary, failover] {
            let node = &self.nodes[node];
            let facts = [node.engine.is_some(), node.refuses, node.is_full, node.is_patient].map(u64::from);
            facts.into_iter().for_each(&mut take);
            take(u64::from(node.starts));
            take(node.commands);
            take(node.clock.offset as u64);
        }
        hash
    }

    fn look_at(&mut self, primary: usize, subnet: usize) {
        let should = if self.site.subnets[subnet].present { self.who_should_serve(primary, subnet) } else { None };
        let Some(server) = should.filter(|_| !self.is_served(primary, subnet)) else {
            self.pairs.silent[subnet] = None;
            return;
        };
        let began = *self.pairs.silent[subnet].get_or_insert(self.now);
        let pair = self.pairs.pairs[primary];
        let lasted = self.now.saturating_sub(began.max(pair.since));
        let bound = pair.bound(server);
        self.report.looked += 1;
        self.report.slowest_detection = self.report.slowest_detection.max(lasted * 100 / bound);
        if lasted > bound {
            let what = format!(
                "nobody serves subnet {subnet} of P{primary} for {} ms, at most {}: {server:?} should; \
                 P{primary} is {}, F {}",
                lasted / MILLI,
                bound / MILLI,
                self.states_of(primary),
                self.states_of(self.failover()),
            );
            self.fail(5, what);
        }
    }

    /// Who should serve a subnet, in the end; nobody where that is not said.
    fn who_should_serve(&mut self, primary: usize, subnet: usize) -> Option<Server> {
        let failover = self.failover();
        let (one, two) = (*self.wires.heartbeat(primary, failover), *self.wires.heartbeat(failover, primary));
        let can = |node: usize| {
            let server = &self.nodes[node];
            let is_well = server.engine.is_some() && !server.is_full && !server.is_patient;
            is_well && self.wires.reaches(node, subnet)
        };
        let runs = |node: usize| self.nodes[node].engine.is_some();
        let channel = &self.site.channels[primary];
        let waits_for_ever = (channel.waits_for_ever() || channel.is_critical())
            && self.states[failover].split(' ').nth(primary) == Some("Syncing");
        let has_given = self.states[primary] == "Given";
        let is_cut = one.cut && two.cut;
        let is_good = |way: Way| !way.cut && way.loss == 0;
        let keeps_control = runs(failover)
            && self.is_in_contact(failover, primary)
            && !self.exchanges_changes(failover, primary)
            && self.states[failover].split(' ').nth(primary) == Some("Returning");
        match (can(primary), can(failover)) {
            (true, true) => Some(Server::Either),
            (true, false) if keeps_control => None,
            (true, false) if !runs(failover) || is_cut || is_good(one) && is_good(two) && !has_given => {
                Some(Server::Primary)
            }
            (false, true) if waits_for_ever => None,
            (false, true) if !runs(primary) || is_cut => Some(Server::Failover),
            (true | false, false) | (false, true) => None,
        }
    }

    /// Whether the clients of a subnet reach a server that answers them.
    fn is_served(&self, primary: usize, subnet: usize) -> bool {
        let network = Network { address: self.site.subnets[subnet].address(0), prefix: 24 };
        let failover = self.failover();
        [primary, failover].into_iter().any(|node| {
            let partner = self.partner_id(node, if node == failover { primary } else { failover });
            let serves = partner.is_some_and(|partner| self.serves(node, partner, network));
            serves && !self.nodes[node].is_full && self.wires.reaches(node, subnet)
        })
    }

    /// Whether a primary has lost its failover: it does not run, or there is no way to it and back.
    pub(crate) fn is_lost(&mut self, primary: usize) -> bool {
        let failover = self.failover();
        let is_cut = self.wires.heartbeat(primary, failover).cut && self.wires.heartbeat(failover, primary).cut;
        let is_gone = self.nodes[failover].engine.is_none() || is_cut;
        is_gone && self.pairs.pairs[primary].since + LOOK + LATENCY < self.now
    }

    /// 6: a primary that serves and has lost its failover serves on, unless it stood still for `pause`, which lets it
    /// doubt, or an operator has told it otherwise.
    pub(crate) fn check_6_a_primary_serves_on(&mut self, index: usize, state: &str, pause: Time) {
        if index == self.failover() {
            self.note_yields(state);
            return;
        }
        let start = self.nodes[index].starts;
        let is_new = std::mem::replace(&mut self.pairs.pairs[index].seen, start) != start;
        let left = self.states[index] == "Serving" && state != "Serving";
        if is_new || !left || pause > self.pairs.stall(index) || self.now - self.nodes[index].commanded < COMMANDED {
            return;
        }
        if self.is_lost(index) {
            self.fail(6, format!("P{index} served, lost its failover, and is {state}"));
        }
    }

    /// The failover is in these states now, one for each channel.
    fn note_yields(&mut self, states: &str) {
        let start = self.nodes[self.failover()].starts;
        for (pair, (now, before)) in
            self.pairs.pairs.iter_mut().zip(states.split(' ').zip(self.states[self.site.primaries].split(' ')))
        {
            if pair.yields.1 != start {
                pair.yields = (0, start);
            }
            if matches!(before, "Active" | "Returning") && now == "Asleep" {
                pair.yields.0 += 1;
            }
        }
    }
}

fn take_way(way: Way, take: &mut impl FnMut(u64)) {
    [u64::from(way.cut), way.loss, way.copies, way.jitter, way.bad].into_iter().for_each(take);
}
