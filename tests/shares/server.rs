//! One server of the walk: real bindings and shares, and what a session would know of the partner.

use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::clock::{Mono, Now, Wall};
use understudy::lease::merge::Seen;
use understudy::lease::owner::{Knowledge, Quiet};
use understudy::lease::pool::{Pool, PoolId, Pools};
use understudy::lease::record::Record;
use understudy::lease::{Binding, Side, Stamp};
use understudy::server::bindings::Bindings;
use understudy::server::outbox::Outbox;

use crate::plans::{Agreed, Shown};

/// Largest offset of a clock, and MaxClockSkewSecs.
pub(crate) const SKEW: u64 = 2;
/// The one range.
pub(crate) const FIRST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
pub(crate) const LAST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 6);
pub(crate) const POOL: PoolId = PoolId(0);
const START: u64 = 1_000_000;

/// What a server writes into each message.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) database: u64,
    pub(crate) complete: bool,
    pub(crate) knows: u64,
    pub(crate) have: Stamp,
    pub(crate) newest: Stamp,
    pub(crate) clock: Wall,
    pub(crate) serving: bool,
    pub(crate) boot: u64,
    pub(crate) shown: Shown,
}

/// Records of a message.
#[derive(Clone, Debug)]
pub(crate) struct Changes {
    pub(crate) full: bool,
    base: Stamp,
    records: Vec<Vec<u8>>,
}

pub(crate) struct Server {
    pub(crate) side: Side,
    offset: u64,
    pub(crate) bindings: Bindings,
    pub(crate) database: u64,
    pub(crate) complete: bool,
    pub(crate) partner_database: u64,
    pub(crate) partner_complete: bool,
    pub(crate) partner_have: Stamp,
    pub(crate) have: Stamp,
    quiet: Option<Quiet>,
    pub(crate) up: bool,
    pub(crate) serving: bool,
    pub(crate) waiting: bool,
    pub(crate) started: u64,
    pub(crate) heard: u64,
    pub(crate) agreed: Agreed,
    sent: u64,
}

impl Server {
    pub(crate) fn new(side: Side, offset: u64, database: u64) -> Server {
        let mut server = Server {
            side,
            offset,
            bindings: Bindings::new(7),
            database,
            complete: false,
            partner_database: 0,
            partner_complete: false,
            partner_have: Stamp::default(),
            have: Stamp::default(),
            quiet: None,
            up: true,
            serving: false,
            waiting: side == Side::Primary,
            started: 0,
            heard: 0,
            agreed: Agreed::new(),
            sent: 0,
        };
        server.lose_disk(database);
        server
    }

    /// Everything that was kept is gone.
    pub(crate) fn lose_disk(&mut self, database: u64) {
        self.bindings = Bindings::new(7);
        self.bindings.begin_pair(self.side);
        self.bindings.use_pools(Pools::new(vec![Pool::new(FIRST, LAST, Vec::new())]));
        (self.database, self.complete, self.quiet) = (database, false, None);
        (self.partner_database, self.have, self.partner_have) = (0, Stamp::default(), Stamp::default());
        self.agreed.forget();
    }

    /// A start: only what was kept is known.
    pub(crate) fn boot(&mut self, time: u64) {
        let offered: Vec<Ipv4Addr> = self.bindings.offers().addresses().collect();
        for address in offered {
            self.bindings.withdraw(address);
        }
        self.partner_complete = false;
        (self.up, self.serving, self.waiting) = (true, false, self.side == Side::Primary);
        (self.started, self.heard) = (time, time);
    }

    pub(crate) fn now(&self, time: u64) -> Now {
        Now { mono: Mono::from_nanos(time * 1_000_000_000), wall: Wall::from_secs(START + time + self.offset) }
    }

    pub(crate) fn knowledge(&self) -> Knowledge {
        let margin = Duration::from_secs(SKEW);
        Knowledge { side: self.side, complete: self.complete, quiet: self.quiet, margin }
    }

    /// The newest own change.
    pub(crate) fn newest(&self) -> Stamp {
        let table = self.bindings.table();
        let bound = table.slots(0, table.len()).map(|binding| (binding.origin, binding.stamp));
        let runs = self.bindings.shares().iter().map(|run| (run.origin, run.stamp));
        let own = bound.chain(runs).filter(|change| change.0 == self.side);
        own.map(|change| change.1).max().unwrap_or_default()
    }

    pub(crate) fn facts(&mut self, time: u64) -> Facts {
        self.sent += 1;
        let Agreed { plan, reloads, .. } = self.agreed;
        Facts {
            shown: Shown { plan, reloads, saw: self.agreed.saw(), number: self.sent },
            database: self.database,
            complete: self.complete,
            knows: self.partner_database,
            have: self.have,
            newest: self.newest(),
            clock: self.now(time).wall,
            serving: self.serving,
            boot: self.started,
        }
    }

    /// What the partner does not have; everything, if it is not complete.
    pub(crate) fn changes(&self) -> Changes {
        let full = !self.partner_complete;
        let base = if full { Stamp::default() } else { self.partner_have };
        let table = self.bindings.table();
        let mut records: Vec<(Stamp, Vec<u8>)> = Vec::new();
        let wanted = |origin: Side, stamp: Stamp| full || origin == self.side && stamp > base;
        for binding in table.slots(0, table.len()).filter(|binding| wanted(binding.origin, binding.stamp)) {
            records.push((binding.stamp, octets(&Record::Binding(binding))));
        }
        for run in self.bindings.shares().iter().filter(|run| wanted(run.origin, run.stamp)) {
            records.push((run.stamp, octets(&Record::Share(*run))));
        }
        records.sort();
        Changes { full, base, records: records.into_iter().map(|record| record.1).collect() }
    }

    /// Reads what each message says; another database of the partner is another partner.
    pub(crate) fn hear(&mut self, facts: &Facts) {
        if facts.database != self.partner_database {
            self.partner_database = facts.database;
            (self.have, self.partner_have, self.quiet) = (Stamp::default(), Stamp::default(), None);
        }
        self.partner_complete = facts.complete;
        self.agreed.hear(&facts.shown);
        if facts.knows == self.database {
            self.partner_have = self.partner_have.max(facts.have);
        }
    }

    /// Takes in a message with changes; whether all that the partner had is held.
    pub(crate) fn absorb(&mut self, facts: &Facts, changes: &Changes, time: u64) -> bool {
        self.hear(facts);
        if changes.base > self.have {
            return false;
        }
        let known_here = facts.knows == self.database;
        if changes.full && !known_here && facts.knows != 0 {
            return false;
        }
        let seen = Seen { own_side: self.side, stamp: if known_here { facts.have } else { Stamp::default() } };
        let mut out = Outbox::new();
        for record in &changes.records {
            match Record::decode(record).expect("a record as it was written") {
                Record::Binding(theirs) => self.take(&theirs, seen, (time, &mut out)),
                Record::Share(theirs) if theirs.origin == self.side || theirs.stamp > self.have => {
                    self.bindings.accept_share(&theirs, &mut out);
                }
                Record::Share(_) => {}
                other => panic!("not in a stream: {other:?}"),
            }
        }
        self.complete |= changes.full;
        self.have = self.have.max(facts.newest);
        if self.quiet.is_none_or(|quiet| facts.clock > quiet.clock) {
            self.quiet = Some(Quiet { clock: facts.clock, held: seen.stamp });
        }
        self.agreed.believe(&facts.shown);
        true
    }

    fn take(&mut self, theirs: &Binding<'_>, seen: Seen, (time, out): (u64, &mut Outbox)) {
        let now = self.now(time).wall;
        if theirs.origin == self.side {
            let known = self.bindings.table().find(theirs.address);
            if known.is_none_or(|ours| (theirs.stamp, theirs.origin) > (ours.stamp, ours.origin)) {
                self.bindings.accept(theirs, out);
            }
        } else if theirs.stamp > self.have {
            self.bindings.take_in(theirs, seen, now, out);
        }
    }

    /// Whose an address is, as this server sees it.
    pub(crate) fn owner(&self, address: Ipv4Addr) -> Side {
        let bound = self.bindings.table().find(address).map(|binding| binding.owner);
        bound.unwrap_or_else(|| self.bindings.shares().owner(address))
    }
}

fn octets(record: &Record<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    record.encode(&mut octets);
    octets
}

/// Every address of the range.
pub(crate) fn addresses() -> impl Iterator<Item = Ipv4Addr> {
    (FIRST.to_bits()..=LAST.to_bits()).map(Ipv4Addr::from_bits)
}
