//! Faults of configurations: what operators set unequal at the two servers of a channel, change step by step, or set so
//! that a start goes another way; and how the heal puts that right.

use understudy::config;
use understudy::server::event::PartnerId;

use super::channel::End;
use super::clock::{MILLI, SECOND};
use super::faults::Undo;
use super::mix::Fault;
use super::node::Inward;
use super::world::{Event, World};

/// A key takes the place of another: both servers get it as the second one, then as the first one, then alone, with a
/// reload after each step (understudy-failover(7), Key rotation).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rotation {
    /// Whose channel.
    primary: usize,
    former: u8,
    next: u8,
    /// Which server comes first in each step.
    first: End,
    /// Reloads done.
    done: usize,
}

impl Rotation {
    /// Reloads of a whole one.
    const ALL: usize = 6;

    /// The server that is reloaded next, and its keys from then on.
    fn step(&self) -> (End, Vec<u8>) {
        let end = if self.done.is_multiple_of(2) { self.first } else { self.first.other() };
        let keys = match self.done / 2 {
            0 => vec![self.former, self.next],
            1 => vec![self.next, self.former],
            _ => vec![self.next],
        };
        (end, keys)
    }
}

impl World {
    /// What has happened when a run begins, for the report.
    pub(crate) fn count_properties(&mut self) {
        if self.site.deletes {
            self.report.count(Fault::FullDelete);
        }
        for link in 0..self.site.subnets.len() {
            if self.site.is_shared(link) {
                self.report.count(Fault::SharedNetworks);
            }
        }
    }

    /// One server of a channel gets another SyncBindingBufSize, by a reload; another reload ends that.
    pub(crate) fn unequal_sizes(&mut self, primary: usize) -> String {
        let end = self.random.pick(&End::BOTH);
        let World { site, random, .. } = self;
        let size = site.channels[primary].resize(end, random);
        self.reload_end(primary, end);
        let time = self.lasting(primary);
        self.at(self.now + time, Event::Undo(Undo::Sizes(primary)));
        format!("SyncBindingBufSize {size} at {} for {} ms", self.name(self.at_end(primary, end)), time / MILLI)
    }

    /// One of the servers takes over the SyncBindingBufSize of the other.
    pub(crate) fn equal_sizes(&mut self, primary: usize) {
        let end = self.random.pick(&End::BOTH);
        if self.site.channels[primary].level(end) {
            self.reload_end(primary, end);
        }
    }

    /// One server of a channel gets a wrong key, alone or before the right one, or both get a new one.
    pub(crate) fn change_keys(&mut self, primary: usize) -> Option<String> {
        if std::mem::replace(&mut self.rekeyed[primary], true) {
            return None;
        }
        let end = self.random.pick(&End::BOTH);
        let former = self.site.channels[primary].keys(end)[0];
        let next = self.site.new_key();
        if self.random.happens(50) {
            self.rotate(Rotation { primary, former, next, first: end, done: 0 });
            return Some(format!("a new key for p{primary}"));
        }
        let keys = if self.random.happens(30) { vec![next, former] } else { vec![next] };
        self.give_keys(primary, end, &keys);
        let time = self.lasting(primary);
        self.at(self.now + time, Event::Undo(Undo::WrongKey(primary, end, former)));
        let name = self.name(self.at_end(primary, end));
        Some(format!(
            "{name} seals for p{primary} with a wrong key, opens with {}, for {} ms",
            keys.len(),
            time / MILLI
        ))
    }

    /// The next step of a change of keys.
    pub(crate) fn rotate(&mut self, mut rotation: Rotation) {
        let primary = rotation.primary;
        let (end, keys) = rotation.step();
        self.give_keys(primary, end, &keys);
        rotation.done += 1;
        if rotation.done == Rotation::ALL {
            self.rekeyed[primary] = false;
            return;
        }
        let pause = self.random.between(SECOND / 5, 8 * SECOND);
        self.at(self.now + pause, Event::Undo(Undo::Rotate(rotation)));
    }

    /// A wrong key is put right.
    pub(crate) fn right_key(&mut self, primary: usize, end: End, key: u8) {
        self.rekeyed[primary] = false;
        self.give_keys(primary, end, &[key]);
    }

    /// The failover is started anew while it does not hear a primary, where its first sync matters.
    pub(crate) fn start_unheard(&mut self, primary: usize, fault: Fault) -> Option<String> {
        let channel = &self.site.channels[primary];
        let matters = if fault == Fault::SyncForEver { channel.waits_for_ever() } else { channel.is_critical() };
        let failover = self.failover();
        if !matters || self.nodes[failover].fate.is_some() {
            return None;
        }
        self.end(failover, "killed, to be started without a primary")?;
        self.start_later(failover);
        if fault == Fault::SyncForEver {
            let time = self.random.between(5, 60) * SECOND;
            self.at(self.now + time, Event::Undo(Undo::EndlessSync(primary)));
        }
        Some(format!("F starts anew; {}", self.cut(primary)))
    }

    /// An operator ends a wait that has no end.
    pub(crate) fn end_endless_sync(&mut self, primary: usize) {
        let states = self.states_of(self.failover());
        if states.split(' ').nth(primary) == Some("Syncing") {
            let failover = self.failover();
            let _ = self.nodes[failover].put(Inward::Control(format!("takeover p{primary}")));
            let time = self.random.between(1, 40) * SECOND;
            self.at(self.now + time, Event::Undo(Undo::Giveback(primary)));
        }
    }

    /// 7: only where SyncFailCritical says so does a failover end, and never while it serves for another primary.
    pub(crate) fn check_7_none_ends_while_it_serves(&mut self, index: usize, partner: PartnerId) {
        let states = self.states_of(index);
        let serves = |(at, state): (usize, &str)| at != partner.0 && matches!(state, "Active" | "Returning");
        let is_critical = index == self.failover() && self.site.channels[partner.0].is_critical();
        if !is_critical || states.split(' ').enumerate().any(serves) {
            self.fail(7, format!("{} ends for the sync with p{}: it is {states}", self.name(index), partner.0));
        }
    }

    /// Both servers of each channel get the same.
    pub(crate) fn mend_configurations(&mut self) {
        for primary in 0..self.failover() {
            let channel = &mut self.site.channels[primary];
            let is_resized = channel.level(End::Failover);
            let is_rekeyed = std::mem::take(&mut self.rekeyed[primary]);
            if is_rekeyed {
                let key = channel.keys(End::Primary)[0];
                End::BOTH.into_iter().for_each(|end| channel.set_keys(end, &[key]));
            }
            if is_resized || is_rekeyed {
                End::BOTH.into_iter().for_each(|end| self.reload_end(primary, end));
            }
        }
    }

    /// Other keys at one end of a channel. What waits there, sealed with another key, is never opened: no such
    /// datagram is one that has come before.
    fn give_keys(&mut self, primary: usize, end: End, keys: &[u8]) {
        self.site.channels[primary].set_keys(end, keys);
        self.kept.retain(|(from, to, _)| *from.min(to) != primary);
        self.reload_end(primary, end);
    }

    fn at_end(&self, primary: usize, end: End) -> usize {
        match end {
            End::Primary => primary,
            End::Failover => self.failover(),
        }
    }

    /// A server of a channel reads its configuration again.
    fn reload_end(&mut self, primary: usize, end: End) {
        let node = self.at_end(primary, end);
        let Some(running) = self.nodes[node].engine.as_ref().map(|engine| engine.config().clone()) else { return };
        let new = self.config(node);
        let refusals = config::reload_refusals(&running, &new);
        assert!(refusals.is_empty(), "{refusals:?}");
        self.nodes[node].signal(Inward::Reload(Box::new(new)));
    }
}
