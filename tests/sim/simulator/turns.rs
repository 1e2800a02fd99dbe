//! Servers in the world: their starts, turns and ends.

use understudy::engine::{Engine, Patience, Start};
use understudy::journal::OpenMode;

use super::clock::{SECOND, Time};
use super::node::{Cost, Inward, Turned};
use super::support::disk::{Fate, SimDisk};
use super::world::{Event, World};

impl World {
    /// Starts a server on what its disk holds; one that does not start is tried again.
    pub(crate) fn start(&mut self, index: usize, mode: OpenMode) {
        if self.nodes[index].engine.is_some() {
            return;
        }
        let config = self.config(index);
        let seed = self.random.seed();
        self.set_clock_at_start(index);
        let interfaces = self.site.interfaces(index);
        let (now, failover) = (self.now, self.failover());
        let node = &mut self.nodes[index];
        node.starts += 1;
        if node.starts > 1 {
            self.report.restarts += 1;
        }
        let patience = node.patience;
        let (storage, reading) = (node.disk.clone(), node.clock.reading(now));
        let started = Engine::start(Start { config, storage, mode, reading, seed, patience });
        let name = self.name(index);
        self.transcript.hear(now, &name);
        match started {
            Ok((engine, _)) => {
                let node = &mut self.nodes[index];
                node.engine = Some(engine);
                node.refuses = true;
                node.is_patient = patience == Patience::WaitForPartner && index != failover;
                node.busy_until = now;
                node.due = now;
                node.leaving.clear();
                let _ = node.put(Inward::Interfaces(interfaces));
                self.say(|| format!("{name} started"));
                self.check_3_what_was_promised_is_there(index);
            }
            Err(fatal) => {
                self.say(|| format!("{name} does not start: {fatal}"));
                self.refused_to_start(index, &fatal);
            }
        }
    }

    /// A host has the right time when it starts: a wrong clock at the start of a server is beyond any rule.
    fn set_clock_at_start(&mut self, index: usize) {
        let limit = (self.site.skew * 500) as i64;
        let clock = &mut self.nodes[index].clock;
        if clock.offset.abs() > limit {
            clock.offset = self.random.around(limit as u64);
        }
    }

    /// Ends a process without more ado.
    pub(crate) fn end(&mut self, index: usize, why: &str) -> Option<Engine<SimDisk>> {
        let name = self.name(index);
        let engine = self.nodes[index].end();
        if engine.is_some() {
            self.say(|| format!("{name} ends: {why}"));
        }
        engine
    }

    /// Cuts the power of a server.
    pub(crate) fn cut_power(&mut self, index: usize, fate: Fate) {
        let _ = self.end(index, &format!("power cut, {fate:?}"));
        self.nodes[index].disk.power_cut(fate);
        self.nodes[index].refuses = false;
        self.nodes[index].fate = None;
    }

    /// A name for the transcript.
    pub(crate) fn name(&self, index: usize) -> String {
        if index == self.failover() { "F".to_owned() } else { format!("P{index}") }
    }

    /// A turn now, whose effects leave at once.
    pub(crate) fn turn_at_once(&mut self, index: usize) {
        self.turn(index);
        self.leave(index);
    }

    /// A turn; its effects leave when its commit has ended.
    pub(crate) fn turn(&mut self, index: usize) {
        self.turn_with(index, |_, _| {});
    }

    /// A turn; `look` sees what it came to.
    pub(crate) fn turn_with(&mut self, index: usize, look: impl FnOnce(&mut World, &Turned)) {
        let cost = Cost { idle: self.random.between(20, 100) * 1_000, sync: self.random.between(100, 2_000) * 1_000 };
        let now = self.now;
        self.report.turns += 1;
        let marks = self.nodes[index].marks();
        let (before, apart) = (self.what_is_due(index), self.set_apart(index));
        let turned = self.nodes[index].turn(now, cost);
        let name = self.name(index);
        self.transcript.hear(now, &name);
        match turned {
            Ok(turned) => {
                self.transcript.mark(now, &[1, index as u8]);
                self.check_3_nothing_waits_for_a_sync(index, &turned);
                self.check_9_bounds(index, &turned);
                self.check_5_and_6_all_are_answered(index, &before, &turned);
                if let Some(apart) = apart {
                    self.check_7_other_channels_are_the_same(index, apart, &turned);
                }
                look(self, &turned);
                let node = &mut self.nodes[index];
                node.turn_began = now;
                node.turn_unsettled = turned.unsettled;
                node.leaving = turned.leaving;
                let start = node.starts;
                self.report.unsettled += turned.unsettled;
                self.at(turned.at, Event::Leave(index, start));
                self.watch(index, before.pause);
            }
            Err(fatal) => {
                let after = self.nodes[index].marks();
                let _ = self.end(index, &fatal.to_string());
                if let Some(fate) = self.nodes[index].fate {
                    self.cut_power(index, fate);
                }
                self.nodes[index].remember_disk(marks, after);
                self.start_later(index);
            }
        }
    }

    /// The system starts a server again some time after it ended.
    pub(crate) fn start_later(&mut self, index: usize) {
        let wait = self.random.pick(&[SECOND / 10, SECOND, 3 * SECOND, 10 * SECOND, 40 * SECOND]);
        let wait = if self.troubled { wait } else { SECOND };
        self.at(self.now + wait, Event::Start(index));
    }

    /// What is to be looked at after each turn.
    fn watch(&mut self, index: usize, pause: Time) {
        self.check_1_one_voice(index);
        self.end_patience(index);
        self.note_turn(index);
        let state = self.states_of(index);
        if state != self.states[index] {
            self.check_6_a_primary_serves_on(index, &state, pause);
            let name = self.name(index);
            if state.contains("Active") && !self.states[index].contains("Active") {
                self.report.takeovers += 1;
            }
            if index == self.failover() {
                let before = self.states[index].clone();
                self.check_1_no_flapping(&before, &state);
            }
            let rest = |state: &str| state.replace("Probing", "Asleep");
            if rest(&state) != rest(&self.states[index]) {
                self.say(|| format!("{name} is {state}"));
            }
            self.states[index] = state;
        }
    }

    /// An operator who said that a server is down starts it, and starts it again, so that it waits for its partner,
    /// until it has been in contact.
    fn end_patience(&mut self, index: usize) {
        let failover = self.failover();
        let mut partners = if index == failover { 0..failover } else { failover..failover + 1 };
        if self.nodes[index].patience == Patience::WaitForPartner
            && partners.all(|other| self.is_in_contact(index, other))
        {
            self.nodes[index].patience = Patience::Normal;
        }
    }

    /// The states of a server's channels.
    pub(crate) fn states_of(&self, index: usize) -> String {
        let Some(engine) = &self.nodes[index].engine else { return "-".to_owned() };
        let reading = self.nodes[index].clock.reading(self.now);
        let now = understudy::clock::Now { mono: reading.mono, wall: reading.system };
        let views = engine.server().partners(now);
        views.map(|view| view.state).collect::<Vec<_>>().join(" ")
    }
}
