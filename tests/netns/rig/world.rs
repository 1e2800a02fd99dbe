//! The private world that all tests of this binary run in.
//!
//! The first test that asks for the world starts this same binary once more, inside new mount, network and process-id
//! namespaces (and a user namespace where it is not root), with the same arguments; the outer process only waits for
//! it and takes over its exit code. So nothing that a test makes can outlive the run, however the run ends: when the
//! first process of a process-id namespace ends, the kernel kills all others in it, and their namespaces go with them.
//! Files lie in one folder a run; the outer process removes it, and those of runs that were killed.

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, exit};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Set, to the folder of this run, in the process that runs inside.
const INSIDE: &str = "UNDERSTUDY_NETNS_FOLDER";
/// Set to anything: the folders of the tests are kept, for a look at logs and captures.
const KEEP: &str = "UNDERSTUDY_NETNS_KEEP";
/// Tests mostly wait for timers of clients, so more of them run at a time than there are processors.
const THREADS: usize = 8;
const FOLDER_PREFIX: &str = "understudy-netns-";

static WORLD: OnceLock<Result<PathBuf, String>> = OnceLock::new();
static SKIPPED: AtomicUsize = AtomicUsize::new(0);
/// Held by every test that runs; held alone by those that measure.
static TURNS: RwLock<()> = RwLock::new(());
static STAGES: AtomicUsize = AtomicUsize::new(0);

/// One test's folder, and its right to be here.
pub(crate) struct Stage {
    folder: PathBuf,
    _turn: Turn,
}

/// Beside others, or alone.
enum Turn {
    Shared { _guard: RwLockReadGuard<'static, ()> },
    Alone { _guard: RwLockWriteGuard<'static, ()> },
}

impl Stage {
    /// Makes the folder of one test. `None`: the kernel lets us make no namespaces, the test is counted as skipped.
    ///
    /// A program of `programs` that is not installed fails the test: it is a matter of one package, not of rights.
    pub(crate) fn set(name: &str, programs: &[&str]) -> Option<Stage> {
        Stage::with_turn(name, programs, || Turn::Shared {
            _guard: TURNS.read().unwrap_or_else(PoisonError::into_inner),
        })
    }

    /// As [`Stage::set`], for a test that measures: no other of this binary runs meanwhile.
    pub(crate) fn alone(name: &str, programs: &[&str]) -> Option<Stage> {
        Stage::with_turn(name, programs, || Turn::Alone {
            _guard: TURNS.write().unwrap_or_else(PoisonError::into_inner),
        })
    }

    fn with_turn(name: &str, programs: &[&str], turn: impl FnOnce() -> Turn) -> Option<Stage> {
        let root = match WORLD.get_or_init(enter) {
            Ok(root) => root,
            Err(reason) => {
                skipped(name, reason);
                return None;
            }
        };
        for program in programs {
            assert!(find_program(program).is_some(), "{program} is not installed (see tests/setup.sh)");
        }
        let folder = root.join(format!("{}-{name}", STAGES.fetch_add(1, Ordering::Relaxed)));
        fs::create_dir_all(&folder).expect("a folder for the test");
        Some(Stage { folder, _turn: turn() })
    }

    /// The folder of this test.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file into the folder, gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).expect("a file of the test");
        path
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            print_logs(&self.folder);
        }
        if std::env::var_os(KEEP).is_none() {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Says, past the capture of the test harness, that a test did not run, and counts it.
pub(crate) fn skipped(name: &str, reason: &str) {
    let count = SKIPPED.fetch_add(1, Ordering::Relaxed) + 1;
    let _ = writeln!(std::io::stderr(), "SKIPPED: {name}: {reason} ({count} skipped so far)");
}

/// Whether the fallbacks of POSIX are under test, which know neither the interface that a packet came in on nor how to
/// send to a client without an address other than by broadcast. Counts the test that asks as skipped if so.
pub(crate) fn is_portable(name: &str) -> bool {
    let is_so = cfg!(feature = "portable");
    if is_so {
        skipped(name, "needs what only Linux has, and feature `portable` leaves out");
    }
    is_so
}

/// Whether the world is that of a user namespace, in which only one user exists.
pub(crate) fn is_unprivileged() -> bool {
    fs::read_to_string("/proc/self/uid_map").is_ok_and(|map| !map.contains("4294967295"))
}

/// Where a program lies; daemons live in folders that are not in everyone's PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin", "/usr/bin", "/usr/lib/systemd"].map(PathBuf::from))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn enter() -> Result<PathBuf, String> {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return Ok(PathBuf::from(folder));
    }
    let unshare = unshare_words();
    let probe = Command::new("setpriv").args(&unshare).arg("true").output();
    match probe {
        Ok(output) if output.status.success() => {}
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_string();
            return Err(format!("needs root, or unprivileged user namespaces: {said}"));
        }
        Err(error) => {
            return Err(format!("setpriv (package util-linux) does not start: {error}"));
        }
    }
    remove_dead_runs();
    exit(run_inside(&unshare))
}

/// `setpriv` ties the life of what it starts to ours, `unshare` that of the namespaces to its own.
fn unshare_words() -> Vec<&'static str> {
    let mut words = vec!["--pdeathsig", "KILL", "unshare"];
    if !nix::unistd::geteuid().is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    words.extend(["--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    words
}

fn run_inside(unshare: &[&str]) -> i32 {
    let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the run");
    let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if !arguments.iter().any(|word| word.to_string_lossy().starts_with("--test-threads")) {
        arguments.push(format!("--test-threads={THREADS}").into());
    }
    let status = Command::new("setpriv")
        .args(unshare)
        .arg(std::env::current_exe().expect("the path of the test binary"))
        .args(arguments)
        .env(INSIDE, &folder)
        .status();
    if std::env::var_os(KEEP).is_none() {
        let _ = fs::remove_dir_all(&folder);
    }
    status.ok().and_then(|status| status.code()).unwrap_or(101)
}

/// Removes the folders of runs whose outer process is gone.
fn remove_dead_runs() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let pid = name.strip_prefix(FOLDER_PREFIX).and_then(|pid| pid.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The last lines of each log in `folder`, for a test that failed.
fn print_logs(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let text = fs::read(&path).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let lines: Vec<&str> = text.lines().collect();
            println!("---- {}", path.display());
            for line in lines.iter().skip(lines.len().saturating_sub(60)) {
                println!("{line}");
            }
        }
    }
}
