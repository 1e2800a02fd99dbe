//! From the command line to the running server, and from every refusal to an exit code.
//!
//! The order of a start has reasons: the configuration first, so that all its errors are seen on the terminal; then
//! the lock, before anything else is touched; sockets while the process is still root; files to the user, then root
//! is given up, so that the journal is opened by the user that will write it; the journal before the terminal is
//! left, so that damage is seen there too. Only then is the poll made, in the process that will use it.

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::config::files::{FileSource, stored_part};
use crate::config::{self, Config, ConfigError};
use crate::daemon::{self, DaemonError, Identity, PidFile, StateLock};
use crate::engine::{Engine, Fatal, Patience, Start};
use crate::journal::{self, FileStorage, JournalError, OpenMode, Recovery, Scope};
use crate::logging;
use crate::net::{self, Loop, NetError, Sockets};
use crate::options::{Action, Options, USAGE, UsageError};

/// How often a check reads the journal again when a running server replaced a file meanwhile.
const CHECK_ATTEMPTS: u32 = 3;

/// Why the process ends otherwise than asked.
#[derive(Debug)]
pub enum Failure {
    /// The command line is wrong.
    Usage(UsageError),
    /// `--wait-for-partner` without a partner.
    NoPartner,
    /// The configuration is not good.
    Config(Vec<ConfigError>),
    /// The check (`-t`) found a journal that is not good.
    CheckedJournal(JournalError),
    /// The system refused what makes a daemon.
    Daemon(DaemonError),
    /// The journal could not be opened.
    Start(Fatal),
    /// A socket is not to be had, or the loop ended.
    Net(NetError),
    /// The system's random source cannot be read.
    Random(io::Error),
}

impl Failure {
    /// The exit code (sysexits).
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::NoPartner => 64,
            Failure::Config(_) | Failure::CheckedJournal(_) | Failure::Daemon(DaemonError::NoUser { .. }) => 78,
            Failure::Daemon(_) => 73,
            Failure::Start(Fatal::Journal(error)) => start_code(error),
            Failure::Start(Fatal::Record(_)) => 73,
            Failure::Net(NetError::Fatal(_)) => 74,
            Failure::Net(NetError::SyncFailed { .. }) => 69,
            Failure::Net(NetError::ControlBusy { .. } | NetError::Control { .. }) => 73,
            // Not 69, which means that a critical partner could not be had and that another try is not wanted.
            Failure::Net(NetError::Port { .. } | NetError::FailoverPort { .. } | NetError::System { .. })
            | Failure::Random(_) => 71,
        }
    }
}

/// A journal that is locked away or of another kind is an unusable folder (73); anything else is the disk (74).
fn start_code(error: &JournalError) -> u8 {
    match error {
        JournalError::Exists { .. } | JournalError::OtherVersion { .. } => 73,
        JournalError::Io { source, .. } => match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound | io::ErrorKind::ReadOnlyFilesystem => 73,
            _ => 74,
        },
        JournalError::Damaged { .. }
        | JournalError::Malformed { .. }
        | JournalError::Gap { .. }
        | JournalError::Closed { .. } => 74,
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(error) => write!(f, "{error}\n{}", USAGE.trim_end()),
            Failure::NoPartner => f.write_str("--wait-for-partner: no partner configured; leave the option out"),
            Failure::Config(errors) => {
                for error in errors {
                    writeln!(f, "{error}")?;
                }
                write!(f, "nothing started; errors in the configuration: {}", errors.len())
            }
            Failure::CheckedJournal(error) => error.fmt(f),
            Failure::Daemon(error) => error.fmt(f),
            Failure::Start(error) => error.fmt(f),
            Failure::Net(error) => error.fmt(f),
            Failure::Random(error) => write!(f, "/dev/urandom: {error}"),
        }
    }
}

impl std::error::Error for Failure {}

impl From<DaemonError> for Failure {
    fn from(error: DaemonError) -> Failure {
        Failure::Daemon(error)
    }
}

impl From<NetError> for Failure {
    fn from(error: NetError) -> Failure {
        Failure::Net(error)
    }
}

/// Does what the command line asks for; returns when that is done, a served life later.
///
/// # Errors
/// [`Failure`], to be printed, with its exit code.
pub fn run(options: &Options) -> Result<(), Failure> {
    match options.action {
        Action::Help => print(USAGE),
        Action::Version => print(concat!("understudyd ", env!("CARGO_PKG_VERSION"), "\n")),
        Action::Check => return check(&options.config),
        Action::Parameters => print(&config::explain(&load(&options.config)?)),
        Action::Create => return create(&options.config),
        Action::Serve => return serve(options),
    }
    Ok(())
}

/// What is legal and may not be what was meant, as the log says it.
fn announce_notices(config: &Config) {
    for notice in &config.notices {
        log::warn!("{notice}");
    }
}

/// `-t`: reads configuration and journal and changes nothing; a running server is not disturbed.
fn check(path: &Path) -> Result<(), Failure> {
    let mut config = load(path)?;
    for notice in &config.notices {
        print(&format!("notice: {notice}\n"));
    }
    for complaint in restore(&mut config, None) {
        print(&format!("notice: {complaint}\n"));
    }
    let mut storage = FileStorage::new(&config.server.state_dir);
    let mut attempts = CHECK_ATTEMPTS;
    let found = loop {
        attempts -= 1;
        match journal::verify(&mut storage, Scope::Folder) {
            Err(JournalError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound && !config.server.state_dir.is_dir() =>
            {
                print(&format!("{}: good; there is no lease database yet\n", path.display()));
                return Ok(());
            }
            Err(JournalError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound && attempts > 0 => {}
            other => break other.map_err(Failure::CheckedJournal)?,
        }
    };
    print(&format!("{}: good; lease database of {} records\n", path.display(), found.records));
    Ok(())
}

/// `--new` alone: creates the lease database and ends.
fn create(path: &Path) -> Result<(), Failure> {
    let config = load(path)?;
    let identity = Identity::find(config.server.user.as_ref())?;
    let _lock = StateLock::take(&config.server.state_dir)?;
    identity.hand_over(&config.server.state_dir, &[])?;
    identity.assume()?;
    let folder = config.server.state_dir.clone();
    open(config, OpenMode::New, Patience::Normal)?.stop().map_err(Failure::Start)?;
    print(&format!("{}: lease database created\n", folder.display()));
    Ok(())
}

/// Serves until a planned stop is done.
fn serve(options: &Options) -> Result<(), Failure> {
    let mut config = load(&options.config)?;
    let patience = if options.wait_for_partner { Patience::WaitForPartner } else { Patience::Normal };
    if patience == Patience::WaitForPartner && config.channels().next().is_none() {
        return Err(Failure::NoPartner);
    }
    logging::start(config.server.log_level);
    log::info!("understudyd {} starts, configuration {}", env!("CARGO_PKG_VERSION"), options.config.display());
    announce_notices(&config);
    let server = &config.server;
    let identity = Identity::find(server.user.as_ref())?;
    let mut lock = StateLock::take(&server.state_dir)?;
    let sockets = Sockets::open(&config)?;
    let mut pid_file = options.pid_file.as_deref().map(PidFile::open).transpose()?;
    identity.hand_over(&server.state_dir, &[&server.control_socket])?;
    identity.assume()?;
    warn_if_unreadable(&options.config, &config);
    let mode = match (options.new_database, options.keep_before_damage) {
        (true, _) => OpenMode::New,
        (false, true) => OpenMode::KeepBeforeDamage,
        (false, false) => OpenMode::Normal,
    };
    for complaint in restore(&mut config, None) {
        log::error!("{complaint}");
    }
    let engine = open(config, mode, patience)?;
    if options.detach {
        logging::flush();
        logging::use_system_log();
        daemon::detach()?;
        lock.renew();
    }
    if let Some(pid_file) = &mut pid_file {
        pid_file.write()?;
    }
    let path = options.config.clone();
    let reload = move |old: &Config| reload(&path, old);
    Loop::new(sockets, engine, &reload)?.run()?;
    log::info!("stopped");
    Ok(())
}

/// Opens the journal and says what was found.
fn open(config: Config, mode: OpenMode, patience: Patience) -> Result<Engine<FileStorage>, Failure> {
    let storage = FileStorage::new(&config.server.state_dir);
    let seed = seed().map_err(Failure::Random)?;
    let start = Start { config, storage, mode, reading: net::read_clocks(), seed, patience };
    let (engine, recovery) = Engine::start(start).map_err(Failure::Start)?;
    announce(&recovery, mode);
    Ok(engine)
}

fn announce(recovery: &Recovery, mode: OpenMode) {
    let ended = if recovery.clean_stop { "stopped as planned" } else { "was not stopped as planned" };
    match (recovery.created, mode) {
        (true, OpenMode::New) => log::info!("lease database: new"),
        (true, OpenMode::Normal | OpenMode::KeepBeforeDamage) => {
            log::warn!(
                "lease database: none was there, an empty one was made; if there were leases, stop and restore them"
            );
        }
        (false, _) => log::info!("lease database: {} records read, the last run {ended}", recovery.records),
    }
    if recovery.torn_bytes > 0 {
        log::info!(
            "lease database: {} octets of an unfinished batch cut; no answer rested on them",
            recovery.torn_bytes
        );
    }
    if let Some(damage) = &recovery.damage {
        log::error!("lease database: WENT BACK IN TIME, as asked for: {damage}");
    }
    for path in &recovery.set_aside {
        log::warn!("lease database: set aside {}", path.display());
    }
}

/// Loads the configuration again, for a running server.
fn reload(path: &Path, old: &Config) -> Result<Box<Config>, Vec<ConfigError>> {
    let mut new = config::load(path, &FileSource)?;
    let mut refusals = config::reload_refusals(old, &new);
    if old.server.role == new.server.role {
        let complaints = restore(&mut new, Some(old)).into_iter();
        refusals.extend(complaints.map(|text| ConfigError { file: path.to_owned(), line: 0, text }));
    }
    if refusals.is_empty() {
        announce_notices(&new);
        Ok(Box::new(new))
    } else {
        Err(refusals)
    }
}

/// Gives each primary without SubnetsFile the subnets that it sent: those that `running` has, else those kept in the
/// state folder. What cannot be used is left out, and comes back as complaints.
fn restore(config: &mut Config, running: Option<&Config>) -> Vec<String> {
    let mut complaints = Vec::new();
    for at in 0..config.primaries.len() {
        let primary = &config.primaries[at];
        if primary.subnets_file.is_some() {
            continue;
        }
        let known = running.and_then(|running| running.primaries.iter().find(|known| known.name == primary.name));
        let known = known.filter(|known| known.subnets_file.is_none()).and_then(|known| known.part.clone());
        let part = match known {
            Some(part) => Ok(Some(part)),
            None => stored_part(&config.server.state_dir, &primary.name),
        };
        config.primaries[at].part = part.unwrap_or_else(|errors| {
            complaints.extend(errors.iter().map(ToString::to_string));
            None
        });
        let clashes = config::part_clashes(config);
        if !clashes.is_empty() {
            config.primaries[at].part = None;
            complaints.extend(clashes);
        }
    }
    complaints
}

fn load(path: &Path) -> Result<Config, Failure> {
    config::load(path, &FileSource).map_err(Failure::Config)
}

/// A reload reads the files as the user that the server became.
fn warn_if_unreadable(path: &Path, config: &Config) {
    let keys = config.channels().filter_map(|channel| channel.key_file.as_deref());
    let subnets = config.primaries.iter().filter_map(|primary| primary.subnets_file.as_deref());
    for path in std::iter::once(path).chain(keys).chain(subnets) {
        if let Err(error) = File::open(path) {
            let path = path.display();
            log::warn!("{path}: {error}: a reload will fail; let the User read it (chgrp, chmod 640)");
        }
    }
}

/// Writes to standard output; who closed it does not want to know.
fn print(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

fn seed() -> io::Result<[u8; 32]> {
    let mut seed = [0; 32];
    File::open(PathBuf::from("/dev/urandom"))?.read_exact(&mut seed)?;
    Ok(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io_error(kind: io::ErrorKind) -> JournalError {
        JournalError::Io { call: "write", path: PathBuf::from("x"), source: kind.into() }
    }

    #[test]
    fn a_failed_write_is_74_and_an_unusable_folder_73() {
        let failed = || Fatal::Journal(io_error(io::ErrorKind::Other));
        assert_eq!(Failure::Net(NetError::Fatal(failed())).code(), 74);
        assert_eq!(Failure::Start(failed()).code(), 74);
        for kind in [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem] {
            assert_eq!(Failure::Start(Fatal::Journal(io_error(kind))).code(), 73);
            assert_eq!(Failure::Net(NetError::Fatal(Fatal::Journal(io_error(kind)))).code(), 74, "once it runs");
        }
        assert_eq!(Failure::Start(Fatal::Journal(JournalError::Exists { path: PathBuf::from("x") })).code(), 73);
    }

    #[test]
    fn each_other_failure_has_the_code_of_the_manual() {
        assert_eq!(Failure::NoPartner.code(), 64);
        assert_eq!(Failure::Config(Vec::new()).code(), 78);
        assert_eq!(Failure::Daemon(DaemonError::NoUser { name: "x".to_owned() }).code(), 78);
        let locked = DaemonError::Locked { folder: PathBuf::from("x"), holder: "1".to_owned() };
        assert_eq!(Failure::Daemon(locked).code(), 73);
        let port = NetError::Port { port: 67, source: io::ErrorKind::AddrInUse.into() };
        assert_eq!(Failure::Net(port).code(), 71);
    }
}
