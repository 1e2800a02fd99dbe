//! The log: env_logger with one line an event, buffered, and written after the effects of a turn.
//!
//! Lines go to standard error, or to the system's log when the process has left its terminal. A reader that does not
//! read must not stop the service: lines wait in a bounded buffer, what does not fit is counted and the count is said
//! later. [`Limiter`] holds back lines that the network can provoke.

use std::io::{self, Write};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use env_logger::{Builder, Target};
use log::{Level, LevelFilter};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::stat::fstat;

use crate::clock::Mono;

/// Octets of lines that may wait; at 100 octets a line some 10,000 lines.
const WAITING_MAX: usize = 1 << 20;

/// Octets written a call. A pipe that says it can be written takes this many without blocking (POSIX: PIPE_BUF is at
/// least 512; Linux and the BSDs free a page of 4,096 or say nothing).
const CHUNK: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Octets written after one turn, so that a long backlog does not hold up the next turn.
const TURN_OCTETS: usize = 256 * 1024;

/// How long the end of the process waits for a reader.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Where the system's log listens, on one system or another.
const SYSTEM_LOGS: [&str; 3] = ["/dev/log", "/var/run/log", "/var/run/syslog"];

/// The lines of the process. The `log` crate has one logger a process, so there is one such place.
static LINES: Mutex<Lines> = Mutex::new(Lines::new());

/// Sets up the logger: `level` is LogLevel, and RUST_LOG in the environment wins over it.
pub fn start(level: LevelFilter) {
    if is_stderr_the_journal() {
        lines().prefix = Prefix::Priority;
    }
    let mut builder = Builder::new();
    match std::env::var("RUST_LOG") {
        Ok(filters) => builder.parse_filters(&filters),
        // The level itself is set below, so that a reload can change it.
        Err(_) => builder.filter_level(LevelFilter::Trace),
    };
    builder.format(|out, record| {
        let prefix = lines().prefix;
        match prefix {
            Prefix::TimeAndLevel => write!(out, "{} {} ", utc(SystemTime::now()), word(record.level()))?,
            Prefix::Priority => write!(out, "<{}>", severity(record.level()))?,
            Prefix::SystemLog => {
                let (priority, id) = (FACILITY + severity(record.level()), std::process::id());
                write!(out, "<{priority}>understudyd[{id}]: ")?;
            }
        }
        writeln!(out, "{}", record.args())
    });
    builder.target(Target::Pipe(Box::new(Buffered)));
    if builder.try_init().is_ok() {
        set_level(level);
    }
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        // What led to it is worth as much as the message; but a panic while a line is written must not wait for itself.
        if let Ok(mut lines) = LINES.try_lock() {
            lines.flush();
        }
        default(panic);
    }));
}

/// Whether systemd's journal reads standard error: JOURNAL_STREAM names its device and inode (systemd.exec(5)); it is
/// inherited by processes whose standard error goes elsewhere, so its being set says nothing yet.
fn is_stderr_the_journal() -> bool {
    let Ok(named) = std::env::var("JOURNAL_STREAM") else { return false };
    fstat(io::stderr()).is_ok_and(|found| named == format!("{}:{}", found.st_dev, found.st_ino))
}

/// Changes the level, unless RUST_LOG rules.
pub fn set_level(level: LevelFilter) {
    if std::env::var_os("RUST_LOG").is_none() {
        log::set_max_level(level);
    }
}

/// From now on lines go to the system's log: standard error is about to be closed.
pub fn use_system_log() {
    let connected = SYSTEM_LOGS.iter().find_map(|path| {
        let socket = UnixDatagram::unbound().ok()?;
        socket.set_nonblocking(true).ok()?;
        socket.connect(path).ok()?;
        Some(socket)
    });
    let Some(socket) = connected else {
        log::warn!(
            "no system log listens: detached, the server logs nowhere; start it with -f under a supervisor instead"
        );
        flush();
        return;
    };
    let mut lines = lines();
    lines.flush();
    lines.sink = Sink::System(socket);
    lines.prefix = Prefix::SystemLog;
}

/// Whether lines end on standard error: the logger is set up, and the process has not left its terminal.
#[must_use]
pub fn is_on_stderr() -> bool {
    log::max_level() != LevelFilter::Off && matches!(lines().sink, Sink::Stderr)
}

/// Writes waiting lines as far as that goes without waiting.
pub fn flush() {
    lines().flush();
}

/// Whether lines wait that could not be written.
#[must_use]
pub fn is_behind() -> bool {
    let lines = lines();
    !lines.waiting.is_empty() || lines.lost > 0
}

/// Writes waiting lines at the end of the process, and waits a second at most for a slow reader.
pub fn finish() {
    let until = SystemTime::now() + LAST_WORDS;
    loop {
        flush();
        if !is_behind() || SystemTime::now() >= until {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waiting lines and where they go.
struct Lines {
    waiting: Vec<u8>,
    lost: u64,
    sink: Sink,
    prefix: Prefix,
}

/// Where lines go.
enum Sink {
    Stderr,
    System(UnixDatagram),
}

/// What stands before the text of a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Prefix {
    /// The time in UTC and the level, for a terminal or a file.
    TimeAndLevel,
    /// `<6>`: systemd's journal knows the time and takes the level from this (sd-daemon(3)).
    Priority,
    /// What syslogd(8) expects.
    SystemLog,
}

/// LOG_DAEMON, shifted as in a syslog priority (RFC 3164 section 4.1.1).
const FACILITY: u8 = 3 << 3;

impl Lines {
    const fn new() -> Lines {
        Lines { waiting: Vec::new(), lost: 0, sink: Sink::Stderr, prefix: Prefix::TimeAndLevel }
    }

    /// Takes one line with its newline. Control characters in it came from outside: one event stays one line.
    fn push(&mut self, line: &[u8]) {
        if self.waiting.len() + line.len() > WAITING_MAX {
            self.lost += 1;
            return;
        }
        let (text, newline) = line.split_at(line.len().saturating_sub(1));
        self.waiting.extend(text.iter().map(|octet| if octet.is_ascii_control() { b'?' } else { *octet }));
        self.waiting.extend_from_slice(newline);
    }

    fn flush(&mut self) {
        let limit = self.waiting.len().min(TURN_OCTETS);
        let written = match &self.sink {
            Sink::Stderr => write_stderr(&self.waiting[..limit]),
            Sink::System(socket) => send_lines(socket, &self.waiting[..limit]),
        };
        self.waiting.drain(..written);
        if self.waiting.is_empty() && self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            let line = format!("warn {lost} log lines lost: the reader of the log was too slow\n");
            self.waiting.extend_from_slice(line.as_bytes());
        }
    }
}

/// Writes as much as goes without waiting; a closed standard error takes everything.
fn write_stderr(bytes: &[u8]) -> usize {
    let stderr = io::stderr();
    let mut written = 0;
    while written < bytes.len() {
        // Asking first leaves the flags of a terminal alone that others share.
        let mut asked = [PollFd::new(stderr.as_fd(), PollFlags::POLLOUT)];
        match poll(&mut asked, PollTimeout::ZERO) {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(_) => return written,
        }
        let chunk = &bytes[written..bytes.len().min(written + CHUNK)];
        match stderr.lock().write(chunk) {
            Ok(count) => written += count,
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                return written;
            }
            Err(_) => return bytes.len(),
        }
    }
    written
}

/// Sends one datagram a line; one that the system's log cannot take at all is given up.
fn send_lines(socket: &UnixDatagram, bytes: &[u8]) -> usize {
    let mut written = 0;
    for line in bytes.split_inclusive(|octet| *octet == b'\n') {
        match socket.send(line.strip_suffix(b"\n").unwrap_or(line)) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return written,
            Ok(_) | Err(_) => written += line.len(),
        }
    }
    written
}

/// The end that env_logger writes to: each call brings one whole line.
struct Buffered;

impl Write for Buffered {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        lines().push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lines() -> MutexGuard<'static, Lines> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

/// The severity as syslog counts it (RFC 3164 section 4.1.1).
fn severity(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// A time as `2026-01-31T23:59:59.123Z`.
fn utc(time: SystemTime) -> String {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let (days, second) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    // Counted in eras of 400 years from 0000-03-01, so that the leap day ends a year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", since.subsec_millis())
}

/// Holds back lines that the network can provoke: so many a key in ten seconds, then a count.
///
/// Pure: the time comes in as an argument. A key is an index that the holder gives a meaning to.
#[derive(Clone, Debug)]
pub struct Limiter<const KEYS: usize> {
    slots: [Slot; KEYS],
    lines_max: u32,
}

/// The length of a period of [`Limiter`].
pub const LIMITER_PERIOD: Duration = Duration::from_secs(10);

/// What to do with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Log it.
    Say,
    /// Log it, and before it that so many were held back.
    SayAfter(u64),
    /// Do not log it.
    Hold,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    since: Option<Mono>,
    said: u32,
    held: u64,
}

impl<const KEYS: usize> Limiter<KEYS> {
    /// A limiter that lets `lines_max` lines of a key pass in a period.
    #[must_use]
    pub const fn new(lines_max: u32) -> Limiter<KEYS> {
        Limiter { slots: [Slot { since: None, said: 0, held: 0 }; KEYS], lines_max }
    }

    /// Whether a line of `key`, under `KEYS`, may be logged now.
    pub fn admit(&mut self, key: usize, now: Mono) -> Verdict {
        let slot = &mut self.slots[key];
        if slot.since.is_none_or(|since| now >= since + LIMITER_PERIOD) {
            let held = slot.held;
            *slot = Slot { since: Some(now), said: 1, held: 0 };
            return if held > 0 { Verdict::SayAfter(held) } else { Verdict::Say };
        }
        if slot.said < self.lines_max {
            slot.said += 1;
            return Verdict::Say;
        }
        slot.held += 1;
        Verdict::Hold
    }

    /// A key whose period is over with lines held back, and how many; to be asked until there is none.
    pub fn overdue(&mut self, now: Mono) -> Option<(usize, u64)> {
        let over = |slot: &Slot| slot.held > 0 && slot.since.is_some_and(|since| now >= since + LIMITER_PERIOD);
        let key = self.slots.iter().position(over)?;
        let held = self.slots[key].held;
        self.slots[key] = Slot::default();
        Some((key, held))
    }

    /// When [`Limiter::overdue`] has something to say next.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        self.slots.iter().filter(|slot| slot.held > 0).filter_map(|slot| Some(slot.since? + LIMITER_PERIOD)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limiter_lets_some_lines_pass_and_counts_the_rest() {
        let mut limiter = Limiter::<2>::new(2);
        let start = Mono::from_nanos(5);
        assert_eq!(limiter.admit(0, start), Verdict::Say);
        assert_eq!(limiter.admit(0, start), Verdict::Say);
        assert_eq!(limiter.admit(0, start), Verdict::Hold);
        assert_eq!(limiter.admit(1, start), Verdict::Say, "keys are counted apart");
        assert_eq!(limiter.due(), Some(start + LIMITER_PERIOD));
        assert_eq!(limiter.overdue(start), None);
        let later = start + LIMITER_PERIOD;
        assert_eq!(limiter.clone().admit(0, later), Verdict::SayAfter(1));
        assert_eq!(limiter.overdue(later), Some((0, 1)));
        assert_eq!(limiter.overdue(later), None);
        assert_eq!(limiter.due(), None);
        assert_eq!(limiter.admit(0, later), Verdict::Say);
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        let at =
            |secs, millis: u64| utc(SystemTime::UNIX_EPOCH + Duration::from_secs(secs) + Duration::from_millis(millis));
        assert_eq!(at(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(at(951_782_399, 999), "2000-02-28T23:59:59.999Z");
        assert_eq!(at(951_782_400, 0), "2000-02-29T00:00:00.000Z");
        assert_eq!(at(1_709_251_199, 7), "2024-02-29T23:59:59.007Z");
        assert_eq!(at(4_107_542_400, 0), "2100-03-01T00:00:00.000Z");
    }

    #[test]
    fn a_line_from_outside_stays_one_line_and_what_does_not_fit_is_counted() {
        let mut lines = Lines::new();
        lines.push(b"host evil\ninfo forged\x1b[2J\n");
        assert_eq!(lines.waiting, b"host evil?info forged?[2J\n");
        let long = vec![b'x'; WAITING_MAX / 2];
        for _ in 0..3 {
            lines.push(&long);
        }
        assert_eq!(lines.lost, 2);
        assert!(lines.waiting.len() <= WAITING_MAX);
    }

    #[test]
    fn a_system_log_gets_one_datagram_a_line() {
        let (ours, theirs) = UnixDatagram::pair().expect("a pair");
        assert_eq!(send_lines(&ours, b"one\ntwo\n"), 8);
        let mut buffer = [0; 16];
        for expected in ["one", "two"] {
            let length = theirs.recv(&mut buffer).expect("sent");
            assert_eq!(&buffer[..length], expected.as_bytes());
        }
    }
}
