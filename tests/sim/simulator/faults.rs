//! Faults of networks, clocks, processes and operators: which, when, for how long. Those of disks and power stand in
//! `disks`.

use understudy::config;
use understudy::engine::Patience;

use super::channel::End;
use super::clock::{MILLI, SECOND, Time};
use super::mix::Fault;
use super::node::Inward;
use super::operators::Rotation;
use super::wires::Way;
use super::world::{Event, Kin, World};

/// What ends a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Undo {
    /// The heartbeat of a primary is good again.
    Heartbeat(usize),
    /// The ways between a server and a subnet are good again.
    Clients(usize, usize),
    /// A disk has room again.
    Room(usize),
    /// An operator gives control back.
    Giveback(usize),
    /// A wall clock is put back by the milliseconds that it was stepped by; the heal puts it right whatever runs then.
    Clock(usize, i64),
    /// An operator starts a server that was taken as down.
    Patient(usize),
    /// Both servers of a channel have the same SyncBindingBufSize again.
    Sizes(usize),
    /// One of the servers of a channel has the right key again.
    WrongKey(usize, End, u8),
    /// The next step of a change of keys.
    Rotate(Rotation),
    /// An operator ends the wait of the failover for a primary's bindings.
    EndlessSync(usize),
    /// The second failover goes.
    Rival,
}

impl World {
    /// Faults begin.
    pub(crate) fn begin_trouble(&mut self) {
        self.troubled = true;
        self.at(self.now + SECOND, Event::Life);
        self.at(self.now + SECOND, Event::Fault);
    }

    /// The next fault happens, if it can.
    pub(crate) fn next_fault(&mut self) {
        if !self.troubled {
            return;
        }
        let pause = self.random.between(SECOND, 20 * SECOND);
        self.at(self.now + pause, Event::Fault);
        self.copy_a_disk();
        if self.now < self.guarded_until {
            return;
        }
        let faults = self.mix.faults.clone();
        let fault = self.random.pick(&faults);
        if let Some(what) = self.trouble(fault) {
            self.say(|| format!("FAULT {}: {what}", fault.name()));
            self.transcript.mark(self.now, what.as_bytes());
            self.report.count(fault);
        }
    }

    /// Lets a fault of a kind happen; in words, or nothing if it cannot happen now.
    fn trouble(&mut self, fault: Fault) -> Option<String> {
        let primary = self.random.below(self.failover() as u64) as usize;
        let node = if self.random.happens(50) { primary } else { self.failover() };
        match fault {
            Fault::Cut => Some(self.cut(primary)),
            Fault::CutOneWay => Some(self.cut_one_way(primary)),
            Fault::CutClients => Some(self.cut_clients(node)),
            Fault::Noise => Some(self.make_noise(primary)),
            Fault::Forged => Some(self.forge(primary)),
            Fault::Kill => self.kill(node),
            Fault::Power => self.power(node),
            Fault::PowerOfBoth => self.power_of_both(primary),
            Fault::SyncFails => self.fail_sync(node),
            Fault::SyncStalls => self.stall_sync(node),
            Fault::DiskFull => self.fill_disk(node),
            Fault::DiskLost => self.lose_disk(node),
            Fault::DiskOlder => self.restore_older(node),
            Fault::Freeze => self.freeze(node),
            Fault::ClockStep => Some(self.step_clock(node)),
            Fault::Reload => self.reload(primary),
            Fault::Stop => self.stop(node),
            Fault::Drill => self.drill(primary),
            Fault::PartnerDown => self.partner_down(primary),
            Fault::BufferSizes => Some(self.unequal_sizes(primary)),
            Fault::Keys => self.change_keys(primary),
            Fault::TwoFailovers => self.claim_twice(primary),
            Fault::SyncCritical | Fault::SyncForEver => self.start_unheard(primary, fault),
            Fault::RudeClients | Fault::Roaming | Fault::SharedNetworks | Fault::FullDelete => None,
        }
    }

    /// How long a fault of a channel lasts: shorter than detection, about as long, or long.
    pub(crate) fn lasting(&mut self, primary: usize) -> Time {
        let detection = self.site.detection_ms(primary) * MILLI;
        match self.random.below(4) {
            0 => self.random.below(detection),
            1 => detection + self.random.below(SECOND),
            2 => self.random.between(detection, 3 * detection),
            _ => self.random.between(20, 90) * SECOND,
        }
    }

    pub(crate) fn cut(&mut self, primary: usize) -> String {
        let failover = self.failover();
        self.wires.heartbeat(primary, failover).cut = true;
        self.wires.heartbeat(failover, primary).cut = true;
        let time = self.lasting(primary);
        self.at(self.now + time, Event::Undo(Undo::Heartbeat(primary)));
        format!("P{primary} and F for {} ms", time / MILLI)
    }

    fn cut_one_way(&mut self, primary: usize) -> String {
        let failover = self.failover();
        let (from, to) = if self.random.happens(50) { (primary, failover) } else { (failover, primary) };
        self.wires.heartbeat(from, to).cut = true;
        let time = self.lasting(primary);
        self.at(self.now + time, Event::Undo(Undo::Heartbeat(primary)));
        format!("{} to {} for {} ms", self.name(from), self.name(to), time / MILLI)
    }

    fn cut_clients(&mut self, node: usize) -> String {
        let own: Vec<usize> = (0..self.site.subnets.len())
            .filter(|subnet| node == self.failover() || self.site.subnets[*subnet].primary == node)
            .filter(|subnet| self.site.link(*subnet) == *subnet)
            .collect();
        let subnet = self.random.pick(&own);
        let how = self.random.below(3);
        if how != 0 {
            self.wires.inward(node, subnet).cut = true;
        }
        if how != 1 {
            self.wires.outward(node, subnet).cut = true;
        }
        let time = self.random.between(1, 60) * SECOND;
        self.at(self.now + time, Event::Undo(Undo::Clients(node, subnet)));
        format!("{} and subnet {subnet} for {} ms", self.name(node), time / MILLI)
    }

    fn make_noise(&mut self, primary: usize) -> String {
        let failover = self.failover();
        for (from, to) in [(primary, failover), (failover, primary)] {
            let noisy = Way::noisy(&mut self.random);
            let way = self.wires.heartbeat(from, to);
            *way = Way { cut: way.cut, bad: way.bad, ..noisy };
        }
        for subnet in 0..self.site.subnets.len() {
            for node in [primary, failover] {
                let noisy = Way::noisy(&mut self.random);
                let way = self.wires.inward(node, subnet);
                *way = Way { cut: way.cut, ..noisy };
                let noisy = Way::noisy(&mut self.random);
                let way = self.wires.outward(node, subnet);
                *way = Way { cut: way.cut, ..noisy };
                let time = self.random.between(5, 60) * SECOND;
                self.at(self.now + time, Event::Undo(Undo::Clients(node, subnet)));
            }
        }
        let time = self.random.between(5, 60) * SECOND;
        self.at(self.now + time, Event::Undo(Undo::Heartbeat(primary)));
        format!("of P{primary} for {} ms", time / MILLI)
    }

    fn forge(&mut self, primary: usize) -> String {
        let failover = self.failover();
        let share = self.random.between(10, 60);
        self.wires.heartbeat(primary, failover).bad = share;
        self.wires.heartbeat(failover, primary).bad = share;
        let time = self.random.between(5, 40) * SECOND;
        self.at(self.now + time, Event::Undo(Undo::Heartbeat(primary)));
        format!("on the heartbeat of P{primary} for {} ms", time / MILLI)
    }

    /// Beside a good datagram goes a bad one.
    pub(crate) fn send_bad(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let mut bad = bytes.to_vec();
        match self.random.below(5) {
            0 => bad.truncate(self.random.below(bytes.len() as u64) as usize),
            1 | 2 => {
                let at = self.random.below(bad.len() as u64) as usize;
                bad[at] ^= 1 << self.random.below(8);
            }
            _ => {
                let all: Vec<usize> =
                    (0..self.kept.len()).filter(|at| (self.kept[*at].0, self.kept[*at].1) == (from, to)).collect();
                if all.is_empty() {
                    return;
                }
                bad = self.kept[self.random.pick(&all)].2.clone();
            }
        }
        let at = self.now + self.random.between(1, 50) * MILLI;
        self.at(at, Event::Datagram(from, to, bad, Kin::Bad));
    }

    fn freeze(&mut self, node: usize) -> Option<String> {
        let server = &self.nodes[node];
        if server.engine.is_none() || !server.leaving.is_empty() {
            return None;
        }
        let time = match self.random.below(3) {
            0 => self.random.below(SECOND),
            1 => self.random.between(1, 8) * SECOND,
            _ => self.random.between(8, 60) * SECOND,
        };
        let until = self.now + time;
        let server = &mut self.nodes[node];
        server.busy_until = server.busy_until.max(until);
        Some(format!("{} for {} ms", self.name(node), time / MILLI))
    }

    fn step_clock(&mut self, node: usize) -> String {
        const HOUR: i64 = 3_600_000;
        let small = self.random.around(self.site.skew * 500);
        let by = self.random.pick(&[small, small, HOUR, -HOUR, 3 * HOUR, -3 * HOUR, 20_000, -20_000]);
        self.nodes[node].clock.offset += by;
        let time = self.random.between(2, 120) * SECOND;
        self.at(self.now + time, Event::Undo(Undo::Clock(node, by)));
        format!("{} by {by} ms for {} ms", self.name(node), time / MILLI)
    }

    fn reload(&mut self, primary: usize) -> Option<String> {
        let what = self.site.change(primary, &mut self.random);
        self.reloaded[primary] = Some(self.now);
        let engine = self.nodes[primary].engine.as_ref();
        if let Some(running) = engine.map(|engine| engine.config().clone()) {
            let new = self.config(primary);
            let refusals = config::reload_refusals(&running, &new);
            assert!(refusals.is_empty(), "{refusals:?}");
            let _ = self.nodes[primary].put(Inward::Reload(Box::new(new)));
        }
        Some(what)
    }

    fn stop(&mut self, node: usize) -> Option<String> {
        let is_taken = self.nodes[node].put(Inward::Stop);
        is_taken.then(|| self.name(node))
    }

    fn drill(&mut self, primary: usize) -> Option<String> {
        let failover = self.failover();
        let (node, name) =
            if self.random.happens(50) { (primary, "failover".to_owned()) } else { (failover, format!("p{primary}")) };
        if !self.nodes[node].put(Inward::Control(format!("takeover {name}"))) {
            return None;
        }
        let time = self.random.between(1, 40) * SECOND;
        self.at(self.now + time, Event::Undo(Undo::Giveback(primary)));
        Some(format!("takeover {name} at {} for {} ms", self.name(node), time / MILLI))
    }

    /// Says of a server that does not run that it is down; it is started with `--wait-for-partner`.
    fn partner_down(&mut self, primary: usize) -> Option<String> {
        let failover = self.failover();
        let (down, up, name) = match (&self.nodes[primary].engine, &self.nodes[failover].engine) {
            (None, Some(_)) => (primary, failover, format!("p{primary}")),
            (Some(_), None) => (failover, primary, "failover".to_owned()),
            (Some(_), Some(_)) => {
                let _ = self.end(primary, "killed, and will be taken as down");
                let time = self.random.between(5, 60) * SECOND;
                self.at(self.now + time, Event::Undo(Undo::Patient(primary)));
                return Some(format!("P{primary} is down for {} ms", time / MILLI));
            }
            (None, None) => return None,
        };
        if down == failover && self.failover() > 1 {
            return None;
        }
        self.nodes[down].patience = Patience::WaitForPartner;
        let word = if self.random.happens(15) { "partner-up" } else { "partner-down" };
        let _ = self.nodes[up].put(Inward::Control(format!("{word} {name}")));
        Some(format!("{word} {name} at {}", self.name(up)))
    }

    /// A fault ends.
    pub(crate) fn undo(&mut self, undo: Undo) {
        self.say(|| format!("ends: {undo:?}"));
        let failover = self.failover();
        match undo {
            Undo::Heartbeat(primary) => {
                *self.wires.heartbeat(primary, failover) = Way::GOOD;
                *self.wires.heartbeat(failover, primary) = Way::GOOD;
            }
            Undo::Clients(node, subnet) => {
                *self.wires.inward(node, subnet) = Way::GOOD;
                *self.wires.outward(node, subnet) = Way::GOOD;
            }
            Undo::Room(node) => {
                self.nodes[node].disk.set_capacity(u64::MAX);
                self.nodes[node].is_full = false;
            }
            Undo::Giveback(primary) => {
                let (node, name) = if self.random.happens(50) {
                    (primary, "failover".to_owned())
                } else {
                    (failover, format!("p{primary}"))
                };
                let _ = self.nodes[node].put(Inward::Control(format!("giveback {name}")));
            }
            Undo::Clock(node, by) if self.troubled => self.nodes[node].clock.offset -= by,
            Undo::Clock(..) => {}
            Undo::Patient(node) => {
                self.set_patience(node, Patience::WaitForPartner);
                self.at(self.now, Event::Start(node));
            }
            Undo::Sizes(primary) if self.troubled => self.equal_sizes(primary),
            Undo::WrongKey(primary, end, key) if self.troubled => self.right_key(primary, end, key),
            Undo::Rotate(rotation) if self.troubled => self.rotate(rotation),
            Undo::EndlessSync(primary) if self.troubled => self.end_endless_sync(primary),
            Undo::Rival => self.end_rival(),
            // The heal has put them right.
            Undo::Sizes(_) | Undo::WrongKey(..) | Undo::Rotate(_) | Undo::EndlessSync(_) => {}
        }
    }
}
