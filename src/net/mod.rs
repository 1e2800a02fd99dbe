//! The event loop: the only code that knows mio, socket2 and most of nix.
//!
//! A turn: poll until something comes in or the engine's next deadline; read the clocks once; hand what came in to
//! the engine, each source until it is empty or its budget is spent; let the engine commit; perform the effects in
//! order. mio is edge-triggered: a source that was left before it was empty gives no new event, so it stays hot, and
//! the next poll does not wait.
//!
//! Nothing here decides about leases. Called by `start`; calls the engine and the log, nothing else.

mod batch;
mod channels;
mod clients;
mod clocks;
mod connection;
mod control;
mod error;
mod interfaces;
mod link;
#[cfg(all(target_os = "linux", not(feature = "portable")))]
mod linux;
mod notify;
mod ping;
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
mod portable;
mod replies;
mod signals;
mod sockets;
mod tally;
mod token;

#[cfg(all(target_os = "linux", not(feature = "portable")))]
use linux as system;
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
use portable as system;

use std::io;
use std::time::Duration;

use mio::{Events, Poll};

use crate::clock::{Mono, Reading};
use crate::config::{Config, ConfigError};
use crate::engine::Engine;
use crate::journal::Storage;
use crate::logging;
use crate::server::event::Input;
use clients::Left;
use signals::Request;
use sockets::Performed;
use token::Source;

pub use clocks::read as read_clocks;
pub use error::NetError;
pub use sockets::Sockets;

/// Events a poll: more than there are sources.
const EVENTS_MAX: usize = 64;

/// How long log lines that could not be written wait for the next attempt.
const LOG_RETRY: Duration = Duration::from_millis(200);

/// Loads the configuration again for a reload; every complaint when it is not good.
pub type Reloader = dyn Fn(&Config) -> Result<Box<Config>, Vec<ConfigError>>;

/// The loop with all its sources and the engine behind it.
pub struct Loop<'r, S: Storage> {
    poll: Poll,
    engine: Engine<S>,
    sockets: Sockets,
    signals: system::Signals,
    reload: &'r Reloader,
    ready: Ready,
    phase: Phase,
}

/// Which sources may have something.
#[derive(Clone, Copy, Debug)]
struct Ready {
    signals: bool,
    partners: bool,
    clients: bool,
    ping: bool,
}

/// How far the process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Before the end of the first turn.
    Starting,
    /// Serving.
    Running,
    /// Everything that a planned stop needs has been done.
    Stopped,
}

impl<'r, S: Storage> Loop<'r, S> {
    /// Puts the sources under one poll. Signals are blocked from here on and fetched by the loop.
    ///
    /// # Errors
    /// [`NetError::System`] when the system refuses a call.
    pub fn new(mut sockets: Sockets, engine: Engine<S>, reload: &'r Reloader) -> Result<Loop<'r, S>, NetError> {
        let refused = |call| move |source| NetError::System { call, source };
        let signals = signals::open()?;
        let poll = Poll::new().map_err(refused("opening the poll"))?;
        signals.register(poll.registry(), Source::Signals.token()).map_err(refused("polling signals"))?;
        sockets.register(poll.registry()).map_err(refused("polling sockets"))?;
        // What came in before the poll watched gives no event.
        let ready = Ready { signals: true, partners: true, clients: true, ping: true };
        Ok(Loop { poll, engine, sockets, signals, reload, ready, phase: Phase::Starting })
    }

    /// Serves until a planned stop is done.
    ///
    /// # Errors
    /// [`NetError::Fatal`] when the engine cannot go on, [`NetError::System`] when the poll fails.
    pub fn run(mut self) -> Result<(), NetError> {
        let mut events = Events::with_capacity(EVENTS_MAX);
        let mut reading = clocks::read();
        while self.phase != Phase::Stopped {
            match self.poll.poll(&mut events, Some(self.patience(reading.mono))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(NetError::System { call: "poll", source: error });
                }
                Ok(()) | Err(_) => {}
            }
            for source in events.iter().filter_map(|event| Source::of(event.token())) {
                self.note(source);
            }
            reading = clocks::read();
            self.turn(reading)?;
        }
        self.sockets.control.close();
        self.engine.stop()?;
        Ok(())
    }

    /// One turn.
    fn turn(&mut self, reading: Reading) -> Result<(), NetError> {
        self.engine.begin(reading);
        self.gather_signals();
        let Loop { engine, sockets, ready, poll, .. } = self;
        if let Some(changed) = sockets.interfaces.refresh(reading.mono, &engine.config().server.interfaces) {
            engine.handle(Input::Interfaces(changed));
        }
        sockets.channels.follow(engine.config());
        let deadline = engine.deadline();
        let is_timely = || deadline.is_none_or(|deadline| clocks::read().mono <= deadline);
        let mut hand = |input: Input<'_>| engine.handle(input);
        if ready.partners {
            ready.partners = sockets.channels.gather(&mut sockets.tally, &mut hand) == Left::More;
        }
        if ready.ping {
            ready.ping = sockets.ping.gather(&mut hand) == Left::More;
        }
        if ready.clients {
            let (interfaces, tally) = (&mut sockets.interfaces, &mut sockets.tally);
            let left = sockets.clients.gather((interfaces, tally), &is_timely, &mut hand);
            ready.clients = left == Left::More;
        }
        sockets.control.gather(reading.mono, poll.registry(), &mut hand);
        if ready.clients {
            engine.note_backlog();
        }
        let mut released = engine.end()?;
        let late = released.keep_timely(clocks::read().mono);
        if late > 0 {
            log::warn!("{late} replies not sent: writing them down took so long that the partner may serve by now");
        }
        let performed = sockets.perform(&released, reading.mono);
        drop(released);
        match performed {
            Performed::All => {}
            Performed::Stop => self.phase = Phase::Stopped,
            Performed::SyncFailed(partner) => {
                let primary = engine.config().primaries.get(partner.0).map_or("", |primary| &primary.name);
                return Err(NetError::SyncFailed { primary: primary.to_owned() });
            }
        }
        if self.phase == Phase::Starting {
            self.phase = Phase::Running;
            log::info!("ready");
            logging::flush();
            notify::say("READY=1");
        }
        logging::flush();
        Ok(())
    }

    /// Notes that a source may have something.
    fn note(&mut self, source: Source) {
        match source {
            Source::Signals => self.ready.signals = true,
            Source::Partners => self.ready.partners = true,
            Source::Clients => self.ready.clients = true,
            Source::Ping => self.ready.ping = true,
            Source::Listener => self.sockets.control.on_listener(),
            Source::Connection(place) => self.sockets.control.on_connection(place),
        }
    }

    /// How long the next poll may wait.
    fn patience(&self, now: Mono) -> Duration {
        let Some(wake_at) = self.engine.wake_at() else { return Duration::ZERO };
        let Ready { signals, partners, clients, ping } = self.ready;
        if signals || partners || clients || ping || self.sockets.control.is_hot() {
            return Duration::ZERO;
        }
        let due = [self.sockets.interfaces.due(), self.sockets.control.due(), self.sockets.limiter.due()];
        let first = due.into_iter().flatten().fold(wake_at, Mono::min);
        let mut patience = first.since(now);
        if logging::is_behind() {
            patience = patience.min(LOG_RETRY);
        }
        patience.min(system::Signals::ASK_EVERY.unwrap_or(Duration::MAX))
    }

    fn gather_signals(&mut self) {
        if !self.ready.signals && system::Signals::ASK_EVERY.is_none() {
            return;
        }
        self.ready.signals = false;
        while let Some(request) = self.signals.next() {
            match request {
                Request::Reload => self.reload(),
                Request::Report => {
                    log::info!("sockets: {}", self.sockets.tally);
                    self.engine.handle(Input::Report);
                }
                Request::Stop => {
                    notify::say("STOPPING=1");
                    self.engine.handle(Input::Stop);
                }
            }
        }
    }

    /// All or nothing: a bad file changes nothing and says why.
    fn reload(&mut self) {
        notify::say(&format!("RELOADING=1\nMONOTONIC_USEC={}", clocks::monotonic_micros()));
        match (self.reload)(self.engine.config()) {
            Ok(config) => {
                logging::set_level(config.server.log_level);
                self.engine.handle(Input::Reload(config));
            }
            Err(errors) => {
                for error in &errors {
                    log::error!("{error}");
                }
                log::error!("configuration not reloaded, the old one stays; errors: {}", errors.len());
            }
        }
        logging::flush();
        notify::say("READY=1");
    }
}
