//! The pair: all partners of this server, and the way of each input to the one that it concerns (failover.md).
//!
//! A primary has one partner, a failover one for each primary; they know nothing of each other. What a partner needs
//! of the server comes with each call ([`Around`]), what it wants done leaves by the outbox. [`super::duty`] asks it.

mod agreement;
mod apply;
mod asking;
mod balance;
mod channel;
mod claiming;
mod drill;
mod flow;
mod follow;
mod hand;
mod homes;
mod incoming;
mod journaled;
mod outgoing;
mod partner;
mod primary;
mod push;
mod queues;
mod secondary;
mod serving;
pub mod session;
mod settings;
mod states;
mod subnets;
mod transfer;
mod views;
mod voice;
mod watch;
mod whole;

use std::net::Ipv4Addr;

use crate::clock::{Mono, Now};
use crate::config::{Config, Network, Role};
use crate::lease::owner::Knowledge;
use crate::lease::record::Complete;
use crate::lease::reservations::Reservations;
use crate::lease::{Side, Stamp};
use crate::server::bindings::{Author, Bindings};
use crate::server::database::Database;
use crate::server::directory::Directory;
use crate::server::event::PartnerId;
use crate::server::outbox::Outbox;
use crate::server::random::Random;
use channel::{Channel, Table};
use hand::Stopping;
use homes::Homes;
use states::Verdict;

pub use balance::{Need, Wanted};
pub use drill::{DRILL_MAX, Drill, Progress, Word};
pub use settings::Strictness;
pub use states::state_name;
pub use subnets::Agreement;
pub(super) use subnets::Arrived;
pub use views::{View, agreement_name, dropped_name};
pub use voice::Service;
pub use watch::Takeover;

/// Whether a primary may serve before it has heard of its failover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// It serves when its requests for control stay unanswered.
    #[default]
    Normal,
    /// `--wait-for-partner`: it serves nothing before contact.
    WaitForPartner,
}

/// What a partner works with, for the time of one call.
#[derive(Debug)]
pub(super) struct Around<'a> {
    pub(super) now: Now,
    pub(super) bindings: &'a mut Bindings,
    pub(super) directory: &'a Directory,
    homes: &'a Homes,
    pub(super) database: &'a mut Database,
    pub(super) random: &'a mut Random,
    pub(super) out: &'a mut Outbox,
    /// Subnets that this server serves from now on: what was held for them is to be answered.
    pub(super) freed: &'a mut Vec<Network>,
    /// Whether what messages of clients wait for, addresses of a partner, has come, or is not waited for any more.
    pub(super) is_answered: &'a mut bool,
    /// Subnets that primaries sent, to be taken over.
    pub(super) arrived: &'a mut Vec<Arrived>,
    /// Addresses that two clients were given.
    pub(super) conflicts: &'a mut u64,
    /// How far the lease clock of a partner that runs is ahead of this server's, which has just started.
    pub(super) clock_step: &'a mut Option<i64>,
    /// Set when this lease database turned out to have gone back in time.
    pub(super) renew: bool,
}

/// All partners.
#[derive(Clone, Debug)]
pub struct Failover {
    channels: Vec<Channel>,
    shared: Shared,
    /// Channels of the journal whose partner the configuration may name.
    remembered: Vec<(String, Vec<u8>)>,
    /// Every reservation that a partner may still go by.
    reservations: Reservations,
    /// Whether what both servers have was looked at since a configuration came into force.
    is_compared: bool,
    /// Whether reservations of the configuration are not in the journal yet; no partner hears of it before.
    is_hidden: bool,
    stopping: bool,
    began: Mono,
}

/// What all partners have in common.
#[derive(Clone, Debug)]
struct Shared {
    homes: Homes,
    database: Database,
    random: Random,
    freed: Vec<Network>,
    is_answered: bool,
    arrived: Vec<Arrived>,
    conflicts: u64,
    clock_step: Option<i64>,
}

impl Shared {
    /// What a partner works with.
    fn around<'a>(&'a mut self, rest: Rest<'a>) -> Around<'a> {
        let Rest { now, bindings, directory, out } = rest;
        Around {
            now,
            bindings,
            directory,
            homes: &self.homes,
            database: &mut self.database,
            random: &mut self.random,
            out,
            freed: &mut self.freed,
            is_answered: &mut self.is_answered,
            arrived: &mut self.arrived,
            conflicts: &mut self.conflicts,
            clock_step: &mut self.clock_step,
            renew: false,
        }
    }
}

/// What the end of a turn came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnEnd {
    /// Nothing for the rest of the server.
    GoesOn,
    /// The planned stop is done.
    Stops,
    /// SyncFailCritical: the sync with this primary failed.
    Fails(PartnerId),
}

impl Failover {
    /// No partners yet. `seed` is random.
    #[must_use]
    pub fn new(seed: &[u8; 32]) -> Failover {
        let mut number = [0; 8];
        number.copy_from_slice(&seed[16..24]);
        Failover {
            channels: Vec::new(),
            shared: Shared {
                homes: Homes::default(),
                database: Database::new(seed),
                random: Random::new(u64::from_le_bytes(number)),
                freed: Vec::new(),
                is_answered: false,
                arrived: Vec::new(),
                conflicts: 0,
                clock_step: None,
            },
            remembered: Vec::new(),
            reservations: Reservations::default(),
            is_compared: false,
            is_hidden: false,
            stopping: false,
            began: Mono::default(),
        }
    }

    /// The facts about the lease database.
    #[must_use]
    pub fn database(&self) -> &Database {
        &self.shared.database
    }

    /// When this run began.
    #[must_use]
    pub fn began(&self) -> Mono {
        self.began
    }

    /// Whether there is any partner.
    #[must_use]
    pub fn is_pair(&self) -> bool {
        !self.channels.is_empty()
    }

    /// Begins: partners of the configuration, this start in the journal, the first message of each.
    pub(super) fn start(&mut self, start: &Start<'_>, rest: Rest<'_>) {
        self.began = rest.now.mono;
        let newest = rest.bindings.stamps().last();
        let alone = start.config.failover.is_none() && start.config.server.role == Role::Primary;
        self.shared.database.begin(newest, if alone { Complete::Yes } else { start.complete });
        if start.past == Past::Lost {
            self.renew_ids(newest);
        }
        self.record_identity(rest.out);
        self.make_channels(start.config, start.patience);
        self.note_homes(rest.directory);
        if self.channels.is_empty() {
            return;
        }
        rest.bindings.begin_pair(self.side());
        self.count_newest(rest.bindings, rest.directory);
        let Rest { now, bindings, directory, out } = rest;
        self.run_reservations(directory, out);
        self.begin_channels(Rest { now, bindings: &mut *bindings, directory, out: &mut *out });
        self.compare(Rest { now, bindings, directory, out });
    }

    /// Begins with each partner that is new: what the journal holds of it, and the first message.
    fn begin_channels(&mut self, rest: Rest<'_>) {
        let mut remembered = std::mem::take(&mut self.remembered);
        self.with_each(rest, |channel, around| {
            if !channel.is_begun {
                channel.start(&remembered, around);
                remembered.retain(|entry| entry.0 != channel.partner.name);
            }
        });
        self.remembered = remembered;
    }

    fn record_identity(&self, out: &mut Outbox) {
        for record in self.shared.database.newest_records() {
            out.record(|payload| record.encode(payload));
        }
    }

    fn side(&self) -> Side {
        self.channels.first().map_or(Side::Primary, |channel| channel.partner.side)
    }

    /// Finds the newest own change of each channel: what a partner waits for must be what it is sent.
    fn count_newest(&mut self, bindings: &Bindings, directory: &Directory) {
        self.channels.iter_mut().for_each(|channel| channel.partner.newest = Stamp::default());
        let table = bindings.table();
        let bound = table.slots(0, table.len()).map(|binding| (binding.address, binding.origin, binding.stamp));
        let runs = bindings.shares().iter().map(|run| (run.first, run.origin, run.stamp));
        for (address, origin, stamp) in bound.chain(runs) {
            for partner in self.shared.homes.concerned(address, &mut self.channels, directory) {
                if origin == partner.side {
                    partner.newest = partner.newest.max(stamp);
                }
            }
        }
    }

    /// Another database id and boot: what partners know of the former does not hold for this one.
    fn renew_ids(&mut self, newest: Stamp) {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&self.shared.random.next_id().to_le_bytes());
        id[8..].copy_from_slice(&self.shared.random.next_id().to_le_bytes());
        let boot = self.shared.random.next_id();
        self.shared.database.renew(id, boot, newest);
        for channel in &mut self.channels {
            channel.partner.complete = false;
            channel.partner.session.reboot(boot);
            channel.partner.outgoing.end();
            channel.partner.theirs.have = Stamp::default();
        }
    }

    /// Acts on a datagram of a partner.
    pub(super) fn on_datagram(&mut self, id: PartnerId, bytes: &[u8], rest: Rest<'_>) {
        self.with(id, rest, |channel, around| {
            if let Some(came) = channel.partner.receive(bytes, around) {
                channel.act(came, around);
            }
        });
    }

    /// A partner's port is closed.
    pub(super) fn on_refused(&mut self, id: PartnerId, rest: Rest<'_>) {
        self.with(id, rest, |channel, around| channel.on_refused(around));
    }

    /// A planned stop begins.
    pub(super) fn begin_stop(&mut self, now: Now) {
        self.stopping = true;
        for channel in &mut self.channels {
            if let Table::Primary(primary) = &mut channel.table {
                primary.begin_stop(now);
            }
        }
    }

    /// The end of a turn: what is due by time, streams, records.
    pub(super) fn end_turn(&mut self, mut rest: Rest<'_>) -> TurnEnd {
        let now = rest.now;
        self.retell(&mut rest);
        note_changes(&mut self.channels, (&mut *rest.bindings, rest.directory), &self.shared.homes);
        let Rest { bindings, directory, out, .. } = rest;
        if self.channels.iter().any(|channel| !channel.is_begun) {
            self.begin_channels(Rest { now, bindings: &mut *bindings, directory, out: &mut *out });
        }
        let mut failing = Vec::new();
        let rest = Rest { now, bindings: &mut *bindings, directory, out: &mut *out };
        self.with_each(rest, |channel, around| {
            if channel.end_turn(around) == Verdict::Ends {
                failing.push(channel.partner.id);
            }
        });
        let rest = Rest { now, bindings: &mut *bindings, directory, out: &mut *out };
        let failed = self.fail_or_put_off(&failing, rest);
        if self.is_hidden {
            self.run_reservations(directory, out);
        }
        self.note_whole(out);
        self.compare(Rest { now, bindings, directory, out });
        if let Some(partner) = failed {
            return TurnEnd::Fails(partner);
        }
        let waits = |channel: &Channel| match &channel.table {
            Table::Primary(primary) => primary.stopping(&channel.partner, now) == Stopping::Waiting,
            Table::Secondary(_) => false,
        };
        if self.stopping && !self.channels.iter().any(waits) { TurnEnd::Stops } else { TurnEnd::GoesOn }
    }

    /// SyncFailCritical: the syncs with these partners failed. The one for which this server is to end; none while it
    /// serves for another, since this turn perhaps.
    fn fail_or_put_off(&mut self, failing: &[PartnerId], rest: Rest<'_>) -> Option<PartnerId> {
        let (&first, serving) = (failing.first()?, self.serving());
        let serves_another = |id: PartnerId| serving.iter().any(|other| *other != id);
        self.with_each(rest, |channel, around| {
            if failing.contains(&channel.partner.id) && serves_another(channel.partner.id) {
                channel.put_off(around);
            }
        });
        (!serves_another(first)).then_some(first)
    }

    /// Channels on which this server serves in its partner's place.
    fn serving(&self) -> Vec<PartnerId> {
        let serves = |channel: &&Channel| states::has_control(channel.partner.state);
        self.channels.iter().filter(serves).map(|channel| channel.partner.id).collect()
    }

    /// Whether messages that were kept may be dealt with: subnets came to this server in this turn, or a partner has
    /// answered what it was asked for.
    pub(super) fn take_freed(&mut self) -> bool {
        let came = !std::mem::take(&mut self.shared.freed).is_empty();
        std::mem::take(&mut self.shared.is_answered) || came
    }

    /// Subnets that primaries sent in this turn, each good by itself.
    pub(super) fn take_arrived(&mut self) -> Vec<Arrived> {
        std::mem::take(&mut self.shared.arrived)
    }

    /// Subnets that came cannot be used beside those of the others, for these reasons.
    pub(super) fn refuse_part(&mut self, arrived: &Arrived, complaints: &[String], directory: &Directory) {
        if let Some(channel) = self.channels.get_mut(arrived.partner.0) {
            channel.partner.refuse_part(&arrived.part, complaints, directory);
        }
    }

    /// When the next turn is due.
    #[must_use]
    pub fn next_due(&self, now: Mono) -> Option<Mono> {
        let due = |channel: &Channel| {
            let table = match &channel.table {
                Table::Primary(primary) => primary.next_due(&channel.partner),
                Table::Secondary(secondary) => secondary.next_due(&channel.partner),
            };
            let begin = (!channel.is_begun || self.shared.homes.is_busy()).then_some(now);
            // Often enough that a gap between two turns shows that this server stood still.
            let watch = Some(now + channel.partner.rhythm.stall() / 2);
            let partner = &channel.partner;
            let own = [partner.stream_due(now), partner.push.next_due(), partner.balance.next_due()];
            own.into_iter().chain([begin, table, watch]).flatten().min()
        };
        let hidden = self.is_hidden.then_some(now);
        self.channels.iter().filter_map(due).chain(hidden).min()
    }

    /// What is known for deciding who may give an address of `partner`; none where the server stands alone.
    #[must_use]
    pub fn knowledge(&self, partner: Option<PartnerId>) -> Option<Knowledge> {
        Some(self.channels.get(partner?.0)?.partner.knowledge(&self.shared.database))
    }

    /// Notes addresses that the partner is to be asked for: a client waits, and none of ours is free.
    pub fn ask_for(&mut self, partner: Option<PartnerId>, wanted: Wanted, need: Need) {
        if let Some(channel) = partner.and_then(|partner| self.channels.get_mut(partner.0)) {
            channel.partner.balance.ask_for(wanted, need);
        }
    }

    /// Whether a partner is in contact; true where the server stands alone.
    #[must_use]
    pub fn is_in_contact(&self, partner: Option<PartnerId>, now: Mono) -> bool {
        let channel = partner.and_then(|partner| self.channels.get(partner.0));
        channel.is_none_or(|channel| channel.partner.is_in_contact(now))
    }

    /// A client of a partner's subnets asks for something; `chosen` is the server whose offer it takes.
    pub(super) fn note_client(&mut self, partner: Option<PartnerId>, chosen: Option<Ipv4Addr>, now: Mono) {
        if let Some(channel) = partner.and_then(|partner| self.channels.get_mut(partner.0)) {
            channel.partner.note_client(chosen, now);
        }
    }

    fn with(&mut self, id: PartnerId, rest: Rest<'_>, act: impl FnOnce(&mut Channel, &mut Around<'_>)) {
        let Rest { now, bindings, directory, out } = rest;
        // What comes before the first message of this side, in the turn after a reload, is sent again.
        let Some(channel) = self.channels.get_mut(id.0).filter(|channel| channel.is_begun) else { return };
        let mut around = self.shared.around(Rest { now, bindings: &mut *bindings, directory, out: &mut *out });
        act(channel, &mut around);
        let renew = around.renew;
        note_changes(&mut self.channels, (bindings, directory), &self.shared.homes);
        if renew {
            self.renew_ids(bindings.stamps().last());
            self.record_identity(out);
            self.with_each(Rest { now, bindings, directory, out }, |channel, around| channel.begin_anew(around));
        }
    }

    fn with_each(&mut self, rest: Rest<'_>, mut act: impl FnMut(&mut Channel, &mut Around<'_>)) {
        let Rest { now, bindings, directory, out } = rest;
        for channel in &mut self.channels {
            let mut around = self.shared.around(Rest { now, bindings: &mut *bindings, directory, out: &mut *out });
            act(channel, &mut around);
        }
        note_changes(&mut self.channels, (bindings, directory), &self.shared.homes);
    }
}

/// Tells each partner's stream what changed in its subnets.
fn note_changes(channels: &mut [Channel], (bindings, directory): (&mut Bindings, &Directory), homes: &Homes) {
    for changed in bindings.take_changed() {
        let own = changed.author == Author::Own;
        for partner in homes.concerned(changed.address, channels, directory) {
            if own {
                partner.newest = partner.newest.max(changed.stamp);
            }
            partner.outgoing.note(changed.address, changed.former, own.then_some(changed.stamp));
        }
    }
}

/// What the start of the server tells.
#[derive(Debug)]
pub(super) struct Start<'a> {
    pub(super) config: &'a Config,
    /// Whether an operator said that no leases exist.
    pub(super) complete: Complete,
    pub(super) patience: Patience,
    pub(super) past: Past,
}

/// Whether the journal holds all that it ever promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Past {
    /// It does.
    Whole,
    /// It was cut at a damage: the database went back in time.
    Lost,
}

/// The rest of the server, for the time of one call.
#[derive(Debug)]
pub(super) struct Rest<'a> {
    pub(super) now: Now,
    pub(super) bindings: &'a mut Bindings,
    pub(super) directory: &'a Directory,
    pub(super) out: &'a mut Outbox,
}
