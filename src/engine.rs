//! SKELETON (owner: core). One turn: decide, record, commit, release.
use std::fmt;
use crate::clock::{Mono, Reading};
use crate::config::Config;
use crate::journal::{Journal, JournalError, OpenMode, Recovery, Storage};
use crate::server::event::Input;
use crate::server::outbox::Released;

/// What ends the process at once.
#[derive(Debug)]
pub enum Fatal {
    /// A failed write or sync: the page cache is not trusted afterwards (exit 74).
    Journal(JournalError),
}
impl fmt::Display for Fatal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { match self { Fatal::Journal(e) => e.fmt(f) } }
}
impl std::error::Error for Fatal {}

/// What the engine needs to start.
pub struct Start<S: Storage> {
    pub config: Config,
    pub storage: S,
    pub mode: OpenMode,
    pub reading: Reading,
    /// From the system's random source.
    pub seed: [u8; 32],
}

/// Server and journal; the simulator and the daemon drive the same one.
pub struct Engine<S: Storage> { _journal: Journal<S> }

impl<S: Storage> Engine<S> {
    /// Opens the journal, replays it, makes the rest of an unclean stop durable.
    pub fn start(start: Start<S>) -> Result<(Engine<S>, Recovery), Fatal> { let _ = start; unimplemented!() }
    /// Begins a turn.
    pub fn begin(&mut self, reading: Reading) { let _ = reading; unimplemented!() }
    /// Decides on one input.
    pub fn handle(&mut self, input: Input<'_>) { let _ = input; unimplemented!() }
    /// Ends the turn: expiry, commit, release. Effects are to be performed in order before the next turn.
    pub fn end(&mut self) -> Result<Released<'_>, Fatal> { unimplemented!() }
    /// When the next turn is due with no input at the latest; `None`: work is left, at once.
    pub fn wake_at(&self) -> Option<Mono> { unimplemented!() }
    /// The running configuration.
    pub fn config(&self) -> &Config { unimplemented!() }
    /// Writes the stop frame; after the turn whose effects held `Stop`.
    pub fn stop(self) -> Result<(), Fatal> { unimplemented!() }
}
