//! The server: takes one [`Input`] at a time, decides, and puts records and effects into the [`Outbox`].
//!
//! It is pure: no socket, file, clock, thread or unseeded randomness. Time comes in with each call; what goes
//! out is held back by the outbox until the journal has it. [`crate::engine`] calls it, nothing else does.

pub mod bindings;
pub mod counters;
pub mod database;
mod dhcp;
pub mod directory;
pub mod duty;
pub mod event;
pub mod failover;
mod giving;
pub mod held;
pub mod limiter;
pub mod offers;
pub mod outbox;
pub mod probe;
pub mod queues;
pub mod random;
pub mod recent;
pub mod reply;
mod report;
pub mod request;
pub mod scope;
pub mod service;
pub mod sweep;
pub mod terms;

use std::time::Duration;

use log::info;

use crate::clock::{Mono, Now};
use crate::config::{Config, part_clashes};
use crate::lease::Binding;
use crate::lease::record::{Complete, Record};
use crate::lease::shares::Share;
use crate::rules::{Rule, kept};
use crate::wire::dhcp::{Scratch, parse};
use bindings::Bindings;
use duty::Room;
use event::{Arrival, Input};
use failover::{Failover, Past, Patience, Rest, TurnEnd};
use limiter::Line;
use outbox::{Effect, Outbox};
use report::Reports;
use service::{Received, Service};
use sweep::Sweep;

/// The longest sleep of the loop: a step of the wall clock is noticed within it.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// Bindings looked at in one turn while the pools of a new configuration are filled: some milliseconds.
const FILL_SLICE: usize = 20_000;

/// The deciding part of the daemon.
#[derive(Clone, Debug)]
pub struct Server {
    service: Service,
    scratch: Scratch,
    reports: Reports,
    sweep: Sweep,
    reload: Option<Reload>,
    /// Whether changes were made after the partners were served.
    unsent: bool,
}

/// What a start knows beside configuration and journal.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    /// Whether an operator said that no leases exist (`--new`).
    pub complete: Complete,
    /// Whether to serve before the partner was heard of.
    pub patience: Patience,
    /// Whether the journal was cut at a damage.
    pub past: Past,
}

/// A configuration that is being taken over.
#[derive(Clone, Debug)]
struct Reload {
    directory: directory::Directory,
    filled: usize,
}

impl Server {
    /// A server with no bindings; [`Server::replay`] and [`Server::begin_service`] follow. `seed` is random.
    #[must_use]
    pub fn new(config: Config, seed: &[u8; 32], started: Now) -> Server {
        let mut hash_key = [0; 8];
        hash_key.copy_from_slice(&seed[..8]);
        Server {
            service: Service::new(config, u64::from_le_bytes(hash_key), Failover::new(seed)),
            scratch: Scratch::new(),
            reports: Reports::new(started),
            sweep: Sweep::default(),
            reload: None,
            unsent: false,
        }
    }

    /// Takes over a binding from the journal.
    pub fn replay(&mut self, binding: &Binding<'_>) {
        self.service.bindings.replay(binding);
    }

    /// Takes over from the journal whose a run of addresses is.
    pub fn replay_share(&mut self, share: &Share) {
        self.service.bindings.replay_share(share);
    }

    /// Takes over any other fact from the journal.
    pub fn replay_fact(&mut self, fact: &Record<'_>) {
        self.service.failover.replay(fact);
    }

    /// All is replayed: arranges the bindings for service, and begins with the partners.
    pub fn begin_service(&mut self, beginning: Beginning, now: Now, out: &mut Outbox) {
        let pools = self.service.directory.pools();
        self.service.bindings.use_pools(pools);
        let Service { failover, bindings, directory, .. } = &mut self.service;
        let Beginning { complete, patience, past } = beginning;
        let start = failover::Start { config: directory.config(), complete, patience, past };
        failover.start(&start, Rest { now, bindings, directory, out });
    }

    /// What reports show of each partner.
    pub fn partners(&self, now: Now) -> impl Iterator<Item = failover::View<'_>> {
        self.service.failover.views(&self.service.directory, now)
    }

    /// The partners, and what is known of the lease database.
    #[must_use]
    pub fn failover(&self) -> &Failover {
        &self.service.failover
    }

    /// What was counted since the start.
    #[must_use]
    pub fn counters(&self) -> &counters::Counters {
        &self.service.counters
    }

    /// The bindings, to read.
    #[must_use]
    pub fn bindings(&self) -> &Bindings {
        &self.service.bindings
    }

    /// The bindings' stamps, to lift them over those of the journal.
    pub fn bindings_mut(&mut self) -> &mut Bindings {
        &mut self.service.bindings
    }

    /// The running configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.service.directory.config()
    }

    /// This turn leaves packets of clients in their socket; what stood still before it makes them too old as well.
    pub fn note_backlog(&mut self) {
        self.service.failover.note_backlog();
    }

    /// Tells whether the journal has room for what messages make the server write.
    pub fn set_room(&mut self, room: Room, now: Now) {
        if room != self.service.room {
            match room {
                Room::Enough => info!("the lease journal has room again: serving"),
                Room::Full => log::error!(
                    "no room for the lease journal in {}: silent until there is; free space on that disk",
                    self.config().server.state_dir.display()
                ),
            }
            self.service.room = room;
            // That line counts: the first reminder comes a minute after it.
            let _ = self.service.limiter.allow(Line::JournalFull, now.mono);
        } else if room == Room::Full
            && let Some(hidden) = self.service.limiter.allow(Line::JournalFull, now.mono)
        {
            log::error!("still no room for the lease journal: silent; {hidden}");
        }
    }

    /// The last turn, its commit included, took so long: what comes now may have waited for its end.
    pub fn note_turn(&mut self, length: Duration) {
        self.service.held.note_turn(length);
        self.service.probes.note_turn(length);
    }

    /// The last turn began at `last`: partners that may have given this server up since then are asked first.
    pub fn note_pause(&mut self, last: Mono, now: Now, out: &mut Outbox) {
        self.with_failover(now, out, |failover, rest| failover.note_pause(last, rest));
    }

    /// Decides on one input.
    pub fn handle(&mut self, now: Now, input: Input<'_>, out: &mut Outbox) {
        match input {
            Input::Packet { arrival, bytes } => self.on_packet(now, arrival, bytes, out),
            Input::Partner { partner, bytes } => self.with_failover(now, out, |failover, rest| {
                failover.on_datagram(partner, bytes, rest);
            }),
            Input::Refused { partner } => self.with_failover(now, out, |failover, rest| {
                failover.on_refused(partner, rest);
            }),
            Input::Echo { address } => {
                if let Some(waiting) = self.service.on_echo(now, address, out) {
                    self.on_packet(now, waiting.arrival, &waiting.bytes, out);
                }
            }
            Input::Interfaces(interfaces) => self.on_interfaces(interfaces),
            Input::Control { id, line } => self.reports.begin(id, line, (now, &mut self.service), out),
            Input::ControlMore { id } => self.reports.more(id, (now, &mut self.service), out),
            Input::ControlClosed { id } => self.reports.close(id),
            Input::Reload(config) => self.begin_reload(*config),
            Input::Report => self.reports.log(now, &self.service),
            Input::Stop => {
                info!("stopping as asked");
                self.service.failover.begin_stop(now);
            }
        }
    }

    /// By how much the lease clock is to be set, in milliseconds, when this start has found a partner that runs.
    pub fn take_clock_step(&mut self) -> Option<i64> {
        self.service.failover.take_clock_step()
    }

    /// Does what is due by time.
    pub fn expire(&mut self, now: Now, out: &mut Outbox) {
        self.service.lapse_offers(now);
        for waiting in self.service.probes_due(now, out) {
            self.on_packet(now, waiting.arrival, &waiting.bytes, out);
        }
        self.take_parts(out);
        self.sweep.run(now, &mut self.service, out);
        match self.with_failover(now, out, Failover::end_turn) {
            TurnEnd::GoesOn => {}
            TurnEnd::Stops => out.effect(Effect::Stop),
            TurnEnd::Fails(partner) => out.effect(Effect::SyncFailed { partner }),
        }
        self.answer_held(now, out);
        self.reports.finish_drills(now, &self.service, out);
        // Last: what this turn has for partners names them by their indexes in the configuration of before.
        self.continue_reload(now, out);
    }

    /// Answers what was kept for subnets that have come to this server.
    fn answer_held(&mut self, now: Now, out: &mut Outbox) {
        self.unsent = false;
        if !self.service.failover.take_freed() {
            return;
        }
        for held in self.service.take_held(now) {
            let message = parse(&held.bytes, &mut self.scratch);
            let is_open = |message: &_| !self.service.is_answered(now, &held, message) || !kept(Rule::AnsweredOnce);
            if message.as_ref().is_ok_and(is_open) {
                let came = Now { mono: held.since, wall: held.came };
                self.service.on_message(now, held.arrival, Received { came, message, bytes: &held.bytes }, out);
                // What this changed goes to the partner with the next turn.
                self.unsent = true;
            }
        }
    }

    fn with_failover<R>(&mut self, now: Now, out: &mut Outbox, act: impl FnOnce(&mut Failover, Rest<'_>) -> R) -> R {
        let Service { failover, bindings, directory, .. } = &mut self.service;
        act(failover, Rest { now, bindings, directory, out })
    }

    /// When [`Server::expire`] is due at the latest; `None`: work is left, at once.
    #[must_use]
    pub fn wake_at(&self, now: Now) -> Option<Mono> {
        if self.unsent || self.reload.is_some() || self.sweep.is_under_way() {
            return None;
        }
        let latest = now.mono + SLEEP_MAX;
        let lapse = self.service.bindings.offers().next_lapse();
        let probe = self.service.probes.next_due();
        let sweep = self.sweep.next_due(self.config());
        let partner = self.service.failover.next_due(now.mono);
        let drill = self.reports.next_due();
        Some([lapse, probe, sweep, partner, drill].into_iter().flatten().fold(latest, Mono::min))
    }

    fn on_packet(&mut self, now: Now, arrival: Arrival, bytes: &[u8], out: &mut Outbox) {
        let message = parse(bytes, &mut self.scratch);
        self.service.on_message(now, arrival, Received { came: now, message, bytes }, out);
    }

    fn on_interfaces(&mut self, interfaces: Vec<event::Interface>) {
        let own = interfaces.iter().flat_map(|interface| &interface.addresses).map(|entry| entry.0).collect();
        self.service.bindings.set_own(own);
        self.service.interfaces = interfaces;
    }

    /// Arranges a new configuration beside the running one; it is taken over when its pools are filled.
    fn begin_reload(&mut self, config: Config) {
        let directory = directory::Directory::new(config);
        self.service.bindings.begin_pools(directory.pools());
        self.reload = Some(Reload { directory, filled: 0 });
    }

    /// Takes over subnets that primaries have sent, those that fit beside the others.
    fn take_parts(&mut self, out: &mut Outbox) {
        for arrived in self.service.failover.take_arrived() {
            let newest = self.reload.as_ref().map_or(&self.service.directory, |reload| &reload.directory);
            let Some(config) = newest.with_part(&arrived.name, arrived.part.clone()) else { continue };
            let complaints = part_clashes(&config);
            if complaints.is_empty() {
                let text = arrived.part.subnets_text.text.as_bytes();
                out.store_subnets(arrived.name, |bytes| bytes.extend_from_slice(text));
                self.begin_reload(config);
            } else {
                let Service { failover, directory, .. } = &mut self.service;
                failover.refuse_part(&arrived, &complaints, directory);
            }
        }
    }

    fn continue_reload(&mut self, now: Now, out: &mut Outbox) {
        let Some(reload) = &mut self.reload else { return };
        let done = self.service.bindings.fill_pools(reload.filled, FILL_SLICE);
        reload.filled += FILL_SLICE;
        if !done {
            return;
        }
        if let Some(reload) = self.reload.take() {
            self.service.bindings.end_pools();
            let waiting = self.service.probes.take_all();
            self.with_failover(now, out, Failover::settle);
            let before = std::mem::replace(&mut self.service.directory, reload.directory);
            self.with_failover(now, out, |failover, rest| failover.follow(&before, rest));
            let config = self.service.directory.config();
            info!("configuration reloaded: {} subnets, {} hosts", config.subnets.len(), config.hosts.len());
            for waiting in waiting {
                self.on_packet(now, waiting.arrival, &waiting.bytes, out);
                self.unsent = true;
            }
        }
    }
}
