//! Faults of processes, power and disks, and what is lost with them.

use super::clock::{MILLI, SECOND, Time};
use super::support::disk::{Fate, SimDisk};
use super::world::{Event, World};

/// How long a server with an older disk and its partners are left in peace, so that they can find it out.
const GUARD: Time = 20 * SECOND;

impl World {
    /// The process is killed, between two turns or in the middle of a commit.
    pub(crate) fn kill(&mut self, node: usize) -> Option<String> {
        self.nodes[node].engine.as_ref()?;
        if self.random.happens(50) {
            self.nodes[node].fate = Some(Fate::Kept);
            let steps = self.random.below(400);
            self.nodes[node].disk.crash_after(steps);
            return Some(format!("{} after {steps} more steps of its disk", self.name(node)));
        }
        let _ = self.end(node, "killed");
        self.start_later(node);
        Some(self.name(node))
    }

    /// The power goes, between two turns or in the middle of a commit.
    pub(crate) fn power(&mut self, node: usize) -> Option<String> {
        self.nodes[node].engine.as_ref()?;
        let fate = self.random.pick(&[Fate::Lost, Fate::Kept, Fate::Torn, Fate::Stale]);
        if self.random.happens(50) {
            self.nodes[node].fate = Some(fate);
            let steps = self.random.below(400);
            self.nodes[node].disk.crash_after(steps);
            return Some(format!("{} after {steps} more steps of its disk, {fate:?}", self.name(node)));
        }
        self.cut_power(node, fate);
        self.start_later(node);
        Some(format!("{}, {fate:?}", self.name(node)))
    }

    /// The power of a whole room goes.
    pub(crate) fn power_of_both(&mut self, primary: usize) -> Option<String> {
        let failover = self.failover();
        for node in [primary, failover] {
            let fate = self.random.pick(&[Fate::Lost, Fate::Kept, Fate::Torn, Fate::Stale]);
            self.cut_power(node, fate);
            self.start_later(node);
        }
        Some(format!("P{primary} and F"))
    }

    /// One of the next syncs fails.
    pub(crate) fn fail_sync(&mut self, node: usize) -> Option<String> {
        self.nodes[node].engine.as_ref()?;
        let good = self.random.below(4);
        self.nodes[node].disk.fail_sync_after(good);
        Some(format!("{} after {good} good ones", self.name(node)))
    }

    /// The next commit takes long.
    pub(crate) fn stall_sync(&mut self, node: usize) -> Option<String> {
        self.nodes[node].engine.as_ref()?;
        let time = self.random.pick(&[100 * MILLI, 700 * MILLI, 2 * SECOND, 6 * SECOND, 30 * SECOND]);
        self.nodes[node].stall = time;
        Some(format!("{} for {} ms", self.name(node), time / MILLI))
    }

    /// Nothing more fits on the disk.
    pub(crate) fn fill_disk(&mut self, node: usize) -> Option<String> {
        self.nodes[node].engine.as_ref()?;
        let disk = &self.nodes[node].disk;
        disk.set_capacity(disk.used());
        self.nodes[node].is_full = true;
        let time = self.random.between(5, 90) * SECOND;
        self.at(self.now + time, Event::Undo(super::faults::Undo::Room(node)));
        Some(format!("{} for {} ms", self.name(node), time / MILLI))
    }

    /// The disk breaks; a new one with an empty folder takes its place.
    pub(crate) fn lose_disk(&mut self, node: usize) -> Option<String> {
        let _ = self.end(node, "its disk is lost");
        self.note_lost(node, 0);
        let disk = SimDisk::new(self.random.next());
        let server = &mut self.nodes[node];
        server.disk = disk;
        server.is_full = false;
        server.stored.clear();
        server.promised.clear();
        server.remembered.clear();
        server.half_done.clear();
        server.fate = None;
        server.copy = None;
        server.refuses = false;
        self.told[node].clear();
        self.start_later(node);
        Some(self.name(node))
    }

    /// An older copy of the disk is put in its place. What went back in time can be found out only together, so the
    /// pair is left in peace until then; alone and unheard it would be beyond any rule.
    pub(crate) fn restore_older(&mut self, node: usize) -> Option<String> {
        let failover = self.failover();
        let partners = if node == failover { 0..failover } else { failover..failover + 1 };
        let is_well = |other: usize| {
            let partner = &self.nodes[other];
            partner.engine.is_some() && partner.busy_until <= self.now + MILLI * 10 && !partner.disk.fault_is_due()
        };
        if !partners.clone().all(is_well) || self.nodes[node].fate.is_some() {
            return None;
        }
        let (copy, made) = self.nodes[node].copy.take()?;
        let _ = self.end(node, "an older disk is put in");
        self.note_lost(node, made);
        for other in partners {
            *self.wires.heartbeat(node, other) = super::wires::Way::GOOD;
            *self.wires.heartbeat(other, node) = super::wires::Way::GOOD;
            self.nodes[other].stall = 0;
            self.nodes[other].disk.set_capacity(u64::MAX);
            self.nodes[other].is_full = false;
        }
        let server = &mut self.nodes[node];
        server.disk = copy;
        server.is_full = false;
        server.promised.clear();
        server.remembered.clear();
        server.half_done.clear();
        server.refuses = true;
        self.told[node].clear();
        self.guarded_until = self.now + GUARD;
        self.at(self.now + SECOND, Event::Start(node));
        Some(format!("{}, {} s old", self.name(node), (self.now - made) / SECOND))
    }

    /// Now and then a copy of a disk is made, to be put back later.
    pub(crate) fn copy_a_disk(&mut self) {
        let node = self.random.below(self.nodes.len() as u64) as usize;
        if self.nodes[node].engine.is_some() && self.nodes[node].fate.is_none() && self.random.happens(30) {
            let copy = self.nodes[node].disk.fork();
            copy.power_cut(Fate::Kept);
            copy.set_capacity(u64::MAX);
            self.nodes[node].copy = Some((copy, self.now));
        }
    }

    /// Notes promises whose records go with a disk: those of `since` or later that no other server holds.
    fn note_lost(&mut self, node: usize, since: Time) {
        let World { ledger, nodes, .. } = self;
        let others = || nodes.iter().filter(|other| other.index != node);
        ledger.lose(since, |address, claim| others().any(|other| other.holds(address, claim.who, claim.stamp)));
    }

    /// A stop of the process as an operator wants it, at the heal: nothing waits any more.
    pub(crate) fn thaw(&mut self) {
        for node in &mut self.nodes {
            node.disk.set_capacity(u64::MAX);
            node.is_full = false;
            node.stall = 0;
            node.busy_until = node.busy_until.min(self.now);
        }
    }
}
