//! What makes the process a daemon: the lock on the state folder, the pid file, leaving the terminal, giving up root.
//!
//! Nothing here knows of leases or packets. Called once, by `start`, in an order that `start` explains.

use std::ffi::CString;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, Flock, FlockArg, OFlag};
use nix::unistd::{Gid, Uid, User, fchownat, geteuid, setgid, setuid};

use crate::config::UserSetting;

/// The name of the lock file in the state folder.
pub const LOCK_NAME: &str = "lock";

/// Mode of the state folder: leases say who is in the house.
const STATE_MODE: u32 = 0o750;

/// What the system refused before the server could start.
#[derive(Debug)]
pub enum DaemonError {
    /// Another process holds the state folder.
    Locked {
        /// The folder.
        folder: PathBuf,
        /// What the holder wrote into the lock: its process id.
        holder: String,
    },
    /// The state folder cannot be used.
    State {
        /// The folder or a file in it.
        path: PathBuf,
        /// The call that failed.
        call: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The pid file cannot be written.
    PidFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The user that the configuration names does not exist.
    NoUser {
        /// The name.
        name: String,
    },
    /// Root could not be given up, or the terminal not be left.
    System {
        /// The call that failed.
        call: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for DaemonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DaemonError::Locked { folder, holder } => {
                let folder = folder.display();
                write!(f, "state folder {folder}: in use by process {holder}; stop that one, or set another StateDir")
            }
            DaemonError::State { path, call, source } => {
                let path = path.display();
                write!(f, "state folder: {call} {path}: {source}; make its parent folder for the User, or set StateDir")
            }
            DaemonError::PidFile { path, source } => {
                write!(f, "pid file {}: {source}; name another with -p", path.display())
            }
            DaemonError::NoUser { name } => {
                write!(f, "[Server] User: no such user: {name}; make it (useradd --system {name}), or name another")
            }
            DaemonError::System { call, source } => write!(f, "{call}: {source}"),
        }
    }
}

impl std::error::Error for DaemonError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            DaemonError::State { source, .. }
            | DaemonError::PidFile { source, .. }
            | DaemonError::System { source, .. } => Some(source),
            DaemonError::Locked { .. } | DaemonError::NoUser { .. } => None,
        }
    }
}

/// The lock on the state folder, held as long as this lives: two servers on one journal would destroy it.
#[derive(Debug)]
pub struct StateLock {
    file: Flock<File>,
}

impl StateLock {
    /// Makes the folder if it is missing (its parent must exist) and locks it.
    ///
    /// # Errors
    /// [`DaemonError::Locked`] with the holder's process id; [`DaemonError::State`] when the system refuses.
    pub fn take(folder: &Path) -> Result<StateLock, DaemonError> {
        let refused = |call, path: &Path| {
            let path = path.to_owned();
            move |source| DaemonError::State { path, call, source }
        };
        if !folder.is_dir() {
            DirBuilder::new().mode(STATE_MODE).create(folder).map_err(refused("mkdir", folder))?;
        }
        let path = folder.join(LOCK_NAME);
        let file = open_plain(&path).map_err(refused("open", &path))?;
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(mut file) => {
                write_pid(&mut file).map_err(refused("write", &path))?;
                Ok(StateLock { file })
            }
            Err((file, Errno::EWOULDBLOCK)) => {
                Err(DaemonError::Locked { folder: folder.to_owned(), holder: holder_of(file) })
            }
            Err((_, errno)) => Err(refused("lock", &path)(errno.into())),
        }
    }

    /// Writes the process id again: it is another one after [`detach`].
    pub fn renew(&mut self) {
        if let Err(error) = write_pid(&mut self.file) {
            log::warn!("lock of the state folder: {error}; it shows an old process id");
        }
    }
}

/// The file with the process id; removed when this is dropped, or emptied where it cannot be removed.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: File,
}

impl PidFile {
    /// Opens the file, with the privileges that its folder needs; the id is written later.
    ///
    /// # Errors
    /// [`DaemonError::PidFile`].
    pub fn open(path: &Path) -> Result<PidFile, DaemonError> {
        let file = open_plain(path).map_err(|source| DaemonError::PidFile { path: path.to_owned(), source })?;
        Ok(PidFile { path: path.to_owned(), file })
    }

    /// Writes the id of this process.
    ///
    /// # Errors
    /// [`DaemonError::PidFile`].
    pub fn write(&mut self) -> Result<(), DaemonError> {
        write_pid(&mut self.file).map_err(|source| DaemonError::PidFile { path: self.path.clone(), source })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if fs::remove_file(&self.path).is_err() {
            // The folder belongs to root and root is given up: empty is the next best.
            let _ = self.file.set_len(0);
        }
    }
}

/// Leaves the terminal and the session; returns in the new process. Descriptors stay open, 0 to 2 lead to nowhere.
///
/// # Errors
/// [`DaemonError::System`].
#[cfg(not(target_vendor = "apple"))]
pub fn detach() -> Result<(), DaemonError> {
    // The folder is kept: paths in the configuration may be relative, and a reload reads it again.
    nix::unistd::daemon(true, false)
        .map_err(|errno| DaemonError::System { call: "detaching (daemon)", source: errno.into() })
}

/// Is not to be had on this system; launchd wants programs that stay in the foreground.
///
/// # Errors
/// [`DaemonError::System`] always.
#[cfg(target_vendor = "apple")]
pub fn detach() -> Result<(), DaemonError> {
    Err(DaemonError::System { call: "detaching (-d)", source: io::ErrorKind::Unsupported.into() })
}

/// Whom the process becomes once its sockets are open.
#[derive(Debug)]
pub struct Identity {
    user: Option<User>,
}

impl Identity {
    /// Looks the user up. Who is not root stays who it is. A user that only the default names and that does not
    /// exist is said loudly, and root is kept; one that the configuration names must exist.
    ///
    /// # Errors
    /// [`DaemonError::NoUser`]; [`DaemonError::System`] when the user database cannot be read.
    pub fn find(setting: Option<&UserSetting>) -> Result<Identity, DaemonError> {
        let Some(setting) = setting.filter(|_| geteuid().is_root()) else {
            return Ok(Identity { user: None });
        };
        let found = User::from_name(&setting.name)
            .map_err(|errno| DaemonError::System { call: "looking up the User", source: errno.into() })?;
        match found {
            Some(user) if user.uid.is_root() => Ok(Identity { user: None }),
            Some(user) => Ok(Identity { user: Some(user) }),
            None if setting.explicit => Err(DaemonError::NoUser { name: setting.name.clone() }),
            None => {
                let name = &setting.name;
                log::warn!(
                    "no such user: {name}; the server stays ROOT; make it (useradd --system {name}) or set User"
                );
                Ok(Identity { user: None })
            }
        }
    }

    /// Gives the state folder, what is in it, and `others` to the user.
    ///
    /// # Errors
    /// [`DaemonError::State`].
    pub fn hand_over(&self, folder: &Path, others: &[&Path]) -> Result<(), DaemonError> {
        let Some(user) = &self.user else { return Ok(()) };
        let refused = |source| DaemonError::State { path: folder.to_owned(), call: "list", source };
        give(folder, user.uid, user.gid)?;
        for entry in fs::read_dir(folder).map_err(refused)? {
            let path = entry.map_err(refused)?.path();
            // A second name of the file may lie anywhere; such a file was not made by this server.
            let own = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.nlink() == 1);
            if own {
                give(&path, user.uid, user.gid)?;
            }
        }
        others.iter().try_for_each(|path| give(path, user.uid, user.gid))
    }

    /// Becomes the user, for good.
    ///
    /// # Errors
    /// [`DaemonError::System`].
    pub fn assume(&self) -> Result<(), DaemonError> {
        let Some(user) = &self.user else { return Ok(()) };
        let refused = |call| move |errno: Errno| DaemonError::System { call, source: errno.into() };
        initgroups(&user.name, user.gid).map_err(refused("initgroups"))?;
        setgid(user.gid).map_err(refused("setgid"))?;
        setuid(user.uid).map_err(refused("setuid"))?;
        assert!(setuid(Uid::from_raw(0)).is_err(), "root was given up and can be had back");
        Ok(())
    }
}

#[cfg(not(target_vendor = "apple"))]
fn initgroups(name: &str, gid: Gid) -> nix::Result<()> {
    let name = CString::new(name).map_err(|_| Errno::EINVAL)?;
    nix::unistd::initgroups(&name, gid)
}

#[cfg(target_vendor = "apple")]
fn initgroups(_name: &str, _gid: Gid) -> nix::Result<()> {
    Ok(())
}

fn give(path: &Path, uid: Uid, gid: Gid) -> Result<(), DaemonError> {
    fchownat(AT_FDCWD, path, Some(uid), Some(gid), AtFlags::AT_SYMLINK_NOFOLLOW).map_err(|errno| DaemonError::State {
        path: path.to_owned(),
        call: "chown",
        source: errno.into(),
    })
}

/// Opens or makes a file without following a symbolic link: root writes into a folder that the user owns.
fn open_plain(path: &Path) -> io::Result<File> {
    let flags = OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o644)
        .custom_flags(flags.bits())
        .open(path)
}

fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    writeln!(file, "{}", std::process::id())
}

fn holder_of(mut file: File) -> String {
    let mut text = String::new();
    match file.read_to_string(&mut text) {
        Ok(_) if !text.trim().is_empty() => text.trim().to_owned(),
        Ok(_) | Err(_) => "(unknown)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("understudy-daemon-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        folder
    }

    #[test]
    fn a_missing_state_folder_is_made_and_a_second_lock_names_the_holder() {
        let folder = folder("lock");
        let lock = StateLock::take(&folder).expect("the first");
        assert_eq!(fs::metadata(&folder).expect("made").mode() & 0o777, STATE_MODE);
        let refused = StateLock::take(&folder).expect_err("the second");
        assert!(refused.to_string().contains(&format!("process {};", std::process::id())), "{refused}");
        drop(lock);
        StateLock::take(&folder).expect("free again");
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_missing_parent_is_refused_with_a_remedy() {
        let refused = StateLock::take(&folder("none").join("below")).expect_err("no parent");
        assert!(refused.to_string().contains("make its parent folder"), "{refused}");
    }

    #[test]
    fn a_link_in_place_of_the_lock_is_not_followed() {
        let folder = folder("link");
        fs::create_dir(&folder).expect("made");
        let target = folder.join("precious");
        fs::write(&target, "precious").expect("written");
        std::os::unix::fs::symlink(&target, folder.join(LOCK_NAME)).expect("linked");
        assert!(matches!(StateLock::take(&folder), Err(DaemonError::State { .. })));
        assert_eq!(fs::read_to_string(&target).expect("left alone"), "precious");
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn the_pid_file_holds_our_id_and_goes_with_us() {
        let path = folder("pid");
        let mut file = PidFile::open(&path).expect("opened");
        file.write().expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), format!("{}\n", std::process::id()));
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn an_explicit_user_that_does_not_exist_is_refused_and_a_default_one_is_not() {
        if !geteuid().is_root() {
            println!("SKIPPED: only root changes its user");
            return;
        }
        let setting = |explicit| UserSetting { name: "no-such-user-here".to_owned(), explicit };
        assert!(matches!(Identity::find(Some(&setting(true))), Err(DaemonError::NoUser { .. })));
        assert!(Identity::find(Some(&setting(false))).expect("only a warning").user.is_none());
    }
}
