//! What must hold in every state: the invariants of understudy-failover(7), as far as so small a world can break them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::lease::record::Record;
use understudy::lease::{BindingState, Stamp};
use understudy::server::event::PartnerId;

use super::journal::each_record;
use super::world::{F, P, World, name};
use crate::support::disk::Fate;

/// A heal, both streams, the balance and the facts of rule 3 need no longer than this.
const HEALED: Duration = Duration::from_secs(70);
/// A planned stop takes no longer than this.
const STOPPED: Duration = Duration::from_secs(3);
/// After that, nothing is written for this long.
const QUIET: Duration = Duration::from_secs(50);
/// Within this time a server that runs serves (invariant 5): detection eight times over, since a failover that yielded
/// within ten minutes is slower, and the sync of a start.
const SERVED: Duration = Duration::from_secs(26);
/// States by their numbers in the journal.
const STATES: [&str; 10] =
    ["-", "Claiming", "Receiving", "Serving", "Given", "Syncing", "Asleep", "Probing", "Active", "Returning"];

/// What must not happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    /// Invariant 1: in contact, both serve.
    BothServe,
    /// Invariant 2: two clients hold the address.
    TwoHolders(Ipv4Addr),
    /// Invariant 2: a client was refused before its lease ended.
    Refused(Ipv4Addr),
    /// Invariant 1: in contact, both acknowledged one message of a client.
    AnsweredTwice(usize),
    /// Invariant 1: a datagram that a later one overtook ended the service of the failover (section 3).
    Overtaken(&'static str),
    /// Invariant 2: a client is taken for the holder of what it gave back.
    GivenBack(Ipv4Addr),
    /// Invariant 3: the journal does not hold what the server goes by, or what it has told.
    NotDurable(&'static str, String),
    /// Invariant 4: after a heal the tables stay different.
    Unequal(String),
    /// Invariant 4: after a heal somebody writes on.
    Writes(String),
    /// Invariant 5: a client is not served by a server that serves, and that has to know what it holds.
    Unacknowledged(usize),
    /// Invariant 5: nobody serves.
    Unserved,
    /// Invariant 9: a server asks for turn after turn at one instant.
    Spins(&'static str),
    /// Invariant 9: the servers answer each other for ever.
    Endless,
    /// A server ended by itself.
    Fatal(String),
    /// A server panicked.
    Panicked(String),
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Breach::BothServe => write!(f, "in contact, both servers serve"),
            Breach::TwoHolders(address) => write!(f, "{address} is in two hands"),
            Breach::Refused(address) => write!(f, "the holder of {address} is refused before its lease ends"),
            Breach::AnsweredTwice(client) => write!(f, "in contact, both acknowledge one message of client {client}"),
            Breach::Overtaken(state) => write!(f, "by an overtaken answer to a poll the failover is {state}"),
            Breach::GivenBack(address) => write!(f, "{address} stays leased though its client gave it back"),
            Breach::NotDurable(who, what) => write!(f, "{who} goes by what its journal does not hold: {what}"),
            Breach::Unequal(what) => write!(f, "after a heal the servers know different things: {what}"),
            Breach::Writes(what) => write!(f, "long after a heal, records are written: {what}"),
            Breach::Unacknowledged(client) => write!(f, "a server that serves does not acknowledge client {client}"),
            Breach::Unserved => write!(f, "a server runs and nobody serves"),
            Breach::Spins(who) => write!(f, "{who} asks for turn after turn at one instant"),
            Breach::Endless => write!(f, "the servers answer each other without an end"),
            Breach::Fatal(what) => write!(f, "a server ended: {what}"),
            Breach::Panicked(what) => write!(f, "panic: {what}"),
        }
    }
}

impl World {
    /// Invariant 1.
    pub(crate) fn check_contact(&mut self) {
        if self.serves(P) && self.serves(F) && self.is_in_contact(P) && self.is_in_contact(F) {
            self.breaks(Breach::BothServe);
        }
    }

    /// Whether a server takes the other for being in contact.
    pub(crate) fn is_in_contact(&self, index: usize) -> bool {
        let engine = self.hosts[index].engine.as_ref();
        engine.is_some_and(|engine| engine.server().failover().is_in_contact(Some(PartnerId(0)), self.now))
    }

    /// Invariant 3: what would be left of a server that has written something, were the power cut now, is what it goes
    /// by and what it told its partner.
    pub(crate) fn check_journals(&mut self) {
        for index in 0..2 {
            let host = &mut self.hosts[index];
            let told_have = std::mem::take(&mut host.told_have);
            let steps = host.disk.steps();
            if host.engine.is_none() || std::mem::replace(&mut host.checked_steps, steps) == steps && told_have == 0 {
                continue;
            }
            if let Err(what) = self.compare_journal(index, told_have) {
                self.breaks(Breach::NotDurable(name(index), what));
            }
        }
    }

    fn compare_journal(&self, index: usize, told_have: u64) -> Result<(), String> {
        let disk = self.hosts[index].disk.fork();
        disk.power_cut(Fate::Lost);
        let mut bindings = BTreeMap::new();
        let (mut state, mut have) = (0, Stamp::default());
        each_record(&disk, |record| match record {
            Record::Binding(binding) => {
                bindings.insert(binding.address, format!("{binding:?}"));
            }
            Record::Channel(channel) => (state, have) = (channel.state, channel.have),
            Record::Identity { .. }
            | Record::Boot { .. }
            | Record::Share(_)
            | Record::Reservation { .. }
            | Record::CopyEnd { .. }
            | Record::Seen { .. } => {}
        });
        let known = self.table(index);
        if known != bindings {
            return Err(format!("goes by {known:?}, on disk {bindings:?}"));
        }
        let goes_by = self.state(index);
        let asleep = |state| if state == "Probing" { "Asleep" } else { state };
        if asleep(STATES[usize::from(state)]) != asleep(goes_by) {
            return Err(format!("goes by {goes_by}, on disk {}", STATES[usize::from(state)]));
        }
        if have.0 < told_have {
            return Err(format!("told that it holds {told_have:x}, on disk {:x}", have.0));
        }
        Ok(())
    }

    /// Every binding that a server knows.
    fn table(&self, index: usize) -> BTreeMap<Ipv4Addr, String> {
        let Some(engine) = &self.hosts[index].engine else { return BTreeMap::new() };
        let table = engine.server().bindings().table();
        table.slots(0, table.len()).map(|binding| (binding.address, format!("{binding:?}"))).collect()
    }

    /// Bindings, and whose the addresses without any are; without when a client was last seen.
    fn knowledge(&self, index: usize) -> Vec<String> {
        let Some(engine) = &self.hosts[index].engine else { return Vec::new() };
        let bindings = engine.server().bindings();
        let table = bindings.table();
        let seen = understudy::clock::Wall::default();
        let bound = table.slots(0, table.len());
        let mut all: Vec<_> =
            bound.map(|binding| format!("{:?}", understudy::lease::Binding { last_seen: seen, ..binding })).collect();
        all.extend(bindings.shares().iter().map(|run| format!("{run:?}")));
        all.sort();
        all
    }

    /// Invariant 5, from a state in which everything stays as it is but for time: if any server runs, one of those
    /// serves that clients reach.
    pub(crate) fn check_served(&mut self) {
        self.pass(SERVED);
        let runs = self.runs(P) || self.runs(F);
        if self.breach.is_none() && runs && !self.serves(P) && !self.serves(F) {
            self.breaks(Breach::Unserved);
        }
    }

    /// Invariant 4: all heals, and the servers come to know the same and write nothing more.
    pub(crate) fn check_heal(&mut self) {
        self.cut = [false; 2];
        // A planned stop that is under way comes to its end.
        self.pass(STOPPED);
        for index in 0..2 {
            if !self.runs(index) {
                self.start(index, understudy::journal::OpenMode::Normal);
            }
        }
        self.pass(HEALED);
        if self.breach.is_none() {
            let (one, other) = (self.knowledge(P), self.knowledge(F));
            let states = [self.state(P), self.state(F)];
            if one != other {
                self.breaks(Breach::Unequal(format!("{states:?}: P {one:?}, F {other:?}")));
            }
            if states[0] != "Serving" || !["Asleep", "Probing"].contains(&states[1]) {
                self.breaks(Breach::Unequal(format!("{states:?}")));
            }
            let is_leased = |address: Ipv4Addr| {
                let held = self
                    .hosts
                    .iter()
                    .filter_map(|host| host.engine.as_ref()?.server().bindings().table().find(address));
                held.into_iter().any(|binding| binding.state == BindingState::Leased && binding.end > self.wall())
            };
            if let Some(address) = self.given_back.filter(|address| is_leased(*address)) {
                self.breaks(Breach::GivenBack(address));
            }
            self.pass(QUIET);
            let later = [self.knowledge(P), self.knowledge(F)];
            if later != [one, other] {
                self.breaks(Breach::Writes(format!("{later:?}")));
            }
        }
    }
}
