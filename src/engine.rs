//! The engine: one turn after another. Decide, record, commit, release; nothing leaves before it is durable.
//!
//! It owns the server, which decides, and the journal, which keeps, and knows nothing else. The daemon and the
//! simulator drive the very same one: [`Engine::begin`], any number of [`Engine::handle`], [`Engine::end`], and when
//! the effects are out [`Engine::prepare`], so that no answer waits for what the next turn needs.

mod snapshot;

use std::fmt;

use log::{error, info, warn};

use crate::clock::{Drift, LeaseClock, Mono, Now, Reading, Wall};
use crate::config::Config;
use crate::journal::{Journal, JournalError, OpenMode, Recovery, Storage};
use crate::lease::record::{Complete, Record, RecordError};
use crate::server::duty::Room;
use crate::server::event::Input;
use crate::server::failover::Past;
pub use crate::server::failover::Patience;
use crate::server::outbox::{Outbox, Released};
use crate::server::{Beginning, Server};
use snapshot::Snapshot;

/// Octets of records that one input may write, with room to spare: a lease given and another ended.
const INPUT_OCTETS: usize = 4 * 1024;
/// Octets of records that a turn may write without any input: forgotten leases and probed addresses.
const TURN_OCTETS: usize = 128 * 1024;
/// A full disk is tried again so often.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

/// What ends the process at once.
#[derive(Debug)]
pub enum Fatal {
    /// A failed write or sync: the page cache is not trusted afterwards (exit 74).
    Journal(JournalError),
    /// The journal holds what this version cannot read.
    Record(RecordError),
}

impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fatal::Journal(error) => error.fmt(f),
            Fatal::Record(error) => write!(f, "lease journal: {error}"),
        }
    }
}

impl std::error::Error for Fatal {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Fatal::Journal(error) => Some(error),
            Fatal::Record(error) => Some(error),
        }
    }
}

impl From<JournalError> for Fatal {
    fn from(error: JournalError) -> Fatal {
        Fatal::Journal(error)
    }
}

/// What the engine needs to start.
#[derive(Debug)]
pub struct Start<S: Storage> {
    /// The checked configuration.
    pub config: Config,
    /// The state folder.
    pub storage: S,
    /// Whether a journal must, or must not, be there.
    pub mode: OpenMode,
    /// The clocks.
    pub reading: Reading,
    /// From the system's random source: hash key, database id, boot id.
    pub seed: [u8; 32],
    /// Whether to wait for the partner.
    pub patience: Patience,
}

/// Server and journal.
#[derive(Clone, Debug)]
pub struct Engine<S: Storage> {
    server: Server,
    journal: Journal<S>,
    outbox: Outbox,
    clock: LeaseClock,
    now: Now,
    snapshot: Option<Snapshot>,
    /// When preparing room failed last.
    full_since: Option<Mono>,
    /// Whether what the next turn needs is still to be done.
    is_unprepared: bool,
}

impl<S: Storage> Engine<S> {
    /// Opens the journal, replays it, and records this start. On return all that was replayed is durable.
    ///
    /// # Errors
    /// Whatever keeps the journal from being read or written; the message names file, place and remedy.
    pub fn start(start: Start<S>) -> Result<(Engine<S>, Recovery), Fatal> {
        let now = Now { mono: start.reading.mono, wall: start.reading.system };
        let mut server = Server::new(start.config, &start.seed, now);
        let mut floor = Wall::default();
        let mut unreadable = None;
        let replay = &mut |payload: &[u8]| match Record::decode(payload) {
            Ok(Record::Binding(binding)) => {
                floor = floor.max(binding.last_seen).max(binding.stamp.wall());
                server.replay(&binding);
            }
            Ok(Record::Share(share)) => {
                floor = floor.max(share.stamp.wall());
                server.replay_share(&share);
            }
            Ok(fact) => server.replay_fact(&fact),
            Err(error) => unreadable = unreadable.or(Some(error)),
        };
        let (journal, recovery) = Journal::open(start.storage, start.mode, replay)?;
        if let Some(error) = unreadable {
            return Err(Fatal::Record(error));
        }
        if start.reading.system < floor {
            let behind = (floor.millis() - start.reading.system.millis()) / 1000;
            warn!("the system's clock is {behind} s behind the newest lease record; leases go by the later time");
        }
        let mut clock = LeaseClock::new(start.reading, floor);
        let (now, _) = clock.read(start.reading);
        let complete = if start.mode == OpenMode::New { Complete::Yes } else { Complete::No };
        let past = if recovery.damage.is_some() { Past::Lost } else { Past::Whole };
        let mut outbox = Outbox::new();
        server.begin_service(Beginning { complete, patience: start.patience, past }, now, &mut outbox);
        let mut engine =
            Engine { server, journal, outbox, clock, now, snapshot: None, full_since: None, is_unprepared: false };
        // What the start has to say leaves with the first turn.
        let synced = engine.journal.commit(engine.outbox.records())?;
        engine.outbox.keep_effects(synced);
        Ok((engine, recovery))
    }

    /// Begins a turn. What was true at the begin of the last one is in doubt when that was too long ago.
    pub fn begin(&mut self, reading: Reading) {
        let (now, drift) = self.clock.read(reading);
        let last = std::mem::replace(&mut self.now, now);
        self.server.note_turn(self.outbox.committed().since(last.mono));
        self.server.note_pause(last.mono, now, &mut self.outbox);
        match drift {
            Drift::None => {}
            Drift::Began(millis) => {
                let secs = millis / 1000;
                warn!("the system's clock stands {secs} s off the lease clock; it is followed slowly, 1 s in 10");
            }
            Drift::Ended => info!("the lease clock agrees with the system's clock again"),
        }
    }

    /// Decides on one input.
    pub fn handle(&mut self, input: Input<'_>) {
        let room = self.room();
        self.server.set_room(room, self.now);
        self.server.handle(self.now, input, &mut self.outbox);
        if let Some(millis) = self.server.take_clock_step() {
            let floor = self.server.bindings().stamps().last().wall();
            self.now.wall = self.clock.step(millis, floor);
        }
    }

    /// Notes that this turn leaves packets of clients for the next one.
    pub fn note_backlog(&mut self) {
        self.server.note_backlog();
    }

    /// The time after which this turn is too late to answer clients, since the partner may serve by then; none without
    /// partners.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        self.server.failover().stall(self.now.mono).map(|stall| self.now.mono + stall)
    }

    /// Ends the turn: what is due by time, commit, release. The effects are to be performed, in order, before the
    /// next turn begins; replies to clients only if [`Released::keep_timely`] says so once the commit is done.
    ///
    /// # Errors
    /// A failed write or sync: the process is to end at once, nothing of this turn may leave.
    pub fn end(&mut self) -> Result<Released<'_>, Fatal> {
        if self.is_unprepared {
            self.prepare()?;
        }
        let room = self.room();
        self.server.set_room(room, self.now);
        self.server.expire(self.now, &mut self.outbox);
        let synced = self.journal.commit(self.outbox.records())?;
        self.is_unprepared = true;
        let deadline = self.deadline();
        Ok(self.outbox.release(synced, deadline))
    }

    /// Does what the next turn needs, once the effects of this one are out: room in the journal, and the next slice of
    /// a snapshot. A caller that leaves it out has it done by the end of the next turn, whose answers wait for it.
    ///
    /// # Errors
    /// A failed write or sync: the process is to end at once. What has left before is durable.
    pub fn prepare(&mut self) -> Result<(), Fatal> {
        self.is_unprepared = false;
        // A disk without room is noticed by `room`, before anything is written that would need it, and tried again.
        if self.full_since.is_none() {
            self.journal.prepare()?;
            self.snapshot_slice()?;
        }
        Ok(())
    }

    /// When the next turn is due with no input at the latest; `None`: work is left, at once.
    #[must_use]
    pub fn wake_at(&self) -> Option<Mono> {
        if self.snapshot.is_some() {
            return None;
        }
        let wake = self.server.wake_at(self.now)?;
        Some(self.full_since.map_or(wake, |since| wake.min(since + RETRY)))
    }

    /// The time of the turn that began last, on the lease clock and the monotonic one.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// The running configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        self.server.config()
    }

    /// The server, to read.
    #[must_use]
    pub fn server(&self) -> &Server {
        &self.server
    }

    /// The number of this start, random.
    #[must_use]
    pub fn boot(&self) -> u64 {
        self.server.failover().database().boot()
    }

    /// Writes the mark of a clean stop; to be called after the turn whose effects held `Stop`.
    ///
    /// # Errors
    /// The journal cannot be written; all that was committed is safe.
    pub fn stop(mut self) -> Result<(), Fatal> {
        Ok(self.journal.stop()?)
    }

    /// Whether the journal has room for one more input, tried anew each second where it has not.
    fn room(&mut self) -> Room {
        let needed = self.outbox.records().len() + TURN_OCTETS + INPUT_OCTETS;
        if self.journal.room() >= needed {
            self.full_since = None;
            return Room::Enough;
        }
        if self.full_since.is_some_and(|since| self.now.mono.since(since) < RETRY) {
            return Room::Full;
        }
        // A failure here is found again, and reported, by the commit of this turn.
        let prepared = self.journal.prepare();
        if matches!(prepared, Ok(true)) && self.journal.room() >= needed {
            self.full_since = None;
            return Room::Enough;
        }
        self.full_since = Some(self.now.mono);
        Room::Full
    }

    /// Goes on with the snapshot that is being written, or begins one that the journal wants.
    fn snapshot_slice(&mut self) -> Result<(), Fatal> {
        if self.snapshot.is_none() && self.journal.wants_snapshot() && self.journal.begin_snapshot()? {
            self.snapshot = Some(Snapshot::new());
        }
        let Some(snapshot) = &mut self.snapshot else { return Ok(()) };
        snapshot.compose(&self.server);
        let is_last = snapshot.is_done();
        let written = self.journal.snapshot(snapshot.slice())?;
        if !written {
            error!("no room for a snapshot of the lease journal; it is tried again later");
        } else if is_last && self.journal.end_snapshot()? {
            info!("snapshot of the lease journal: {} leases", self.server.bindings().table().len());
        }
        if is_last || !written {
            self.snapshot = None;
        }
        Ok(())
    }
}
