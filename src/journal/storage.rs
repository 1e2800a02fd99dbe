//! The disk as the journal sees it: one flat folder of files, in as few calls as a journal needs.
//!
//! [`Storage`] is all of it, so that a simulated disk can stand in for the real one and crash after each call.
//! [`FileStorage`] is the state folder. Neither decides anything: which name, which offset and when to sync are
//! the journal's affair. What a storage must promise is little: a write that was followed by a good
//! [`sync`](Storage::sync) survives a power cut, a change of names that was followed by a good
//! [`sync_folder`](Storage::sync_folder) does so too, a rename is atomic, and octets never written read as zero.
//! Everything else (a write half done, names in any order) is allowed to happen, and the journal bears it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Files kept open for writing: the live segment and the snapshot that is being written.
const OPEN_FILES_MAX: usize = 2;

/// Mode of new files: leases name people's machines, so others than owner and group have no business in them.
const FILE_MODE: u32 = 0o640;

/// One file of the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name, without folder.
    pub name: String,
    /// Its length in octets, prepared room included.
    pub octets: u64,
}

/// The whole disk, as the journal sees it: a flat folder of files. Nine calls, and two questions.
pub trait Storage {
    /// The files of the folder, in any order; folders, sockets and names that are no UTF-8 are left out.
    ///
    /// # Errors
    /// What the system says.
    fn list(&mut self) -> io::Result<Vec<Entry>>;

    /// Reads from `offset` into `into` and returns how many octets it got; fewer than asked for only at the end
    /// of the file.
    ///
    /// # Errors
    /// `NotFound` where there is no such file, else what the system says.
    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize>;

    /// Writes all of `octets` at `offset`, making the file if there is none and lengthening it if it is shorter.
    ///
    /// # Errors
    /// `StorageFull` (or its likes, see [`is_full`]) without room; then a part may have been written.
    fn write(&mut self, name: &str, offset: u64, octets: &[u8]) -> io::Result<()>;

    /// Reserves room on the disk for `octets` from `offset`, which read as zero, where the system can do that;
    /// where it cannot, does nothing. An existing file only.
    ///
    /// # Errors
    /// `StorageFull` or its likes without room.
    fn reserve(&mut self, name: &str, offset: u64, octets: u64) -> io::Result<()>;

    /// Makes the content and length of the file durable.
    ///
    /// # Errors
    /// What the system says; then no octet written since the last good sync can be relied upon, not even if a
    /// later sync succeeds.
    fn sync(&mut self, name: &str) -> io::Result<()>;

    /// Cuts the file to `octets`.
    ///
    /// # Errors
    /// What the system says.
    fn truncate(&mut self, name: &str, octets: u64) -> io::Result<()>;

    /// Renames, atomically replacing a file named `to`.
    ///
    /// # Errors
    /// What the system says.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes the file.
    ///
    /// # Errors
    /// What the system says.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Makes all names made, changed and removed so far durable.
    ///
    /// # Errors
    /// What the system says.
    fn sync_folder(&mut self) -> io::Result<()>;

    /// A number that no earlier file of this folder was given: the disk may hold blocks of those.
    ///
    /// # Errors
    /// What the system says.
    fn nonce(&mut self) -> io::Result<u64>;

    /// How messages call the file.
    fn path(&self, name: &str) -> PathBuf;
}

/// Whether an error says that there is no room, which heals when somebody makes some.
pub fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// The state folder on disk.
#[derive(Debug)]
pub struct FileStorage {
    folder: PathBuf,
    /// Open for writing, the longest open first.
    writing: Vec<(String, File)>,
    /// The file last read; separate, since reading alone must work in a folder that is not writable.
    reading: Option<(String, File)>,
}

impl FileStorage {
    /// The storage over `folder`, which must exist. Nothing is touched yet; locking is the caller's part.
    pub fn new(folder: impl Into<PathBuf>) -> FileStorage {
        FileStorage { folder: folder.into(), writing: Vec::new(), reading: None }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn writable(&mut self, name: &str, options: &mut OpenOptions) -> io::Result<&File> {
        let at = match self.writing.iter().position(|(open, _)| open == name) {
            Some(at) => at,
            None => {
                let file = options.write(true).mode(FILE_MODE).open(self.folder.join(name))?;
                if self.writing.len() == OPEN_FILES_MAX {
                    self.writing.remove(0);
                }
                self.writing.push((name.to_owned(), file));
                self.writing.len() - 1
            }
        };
        Ok(&self.writing[at].1)
    }

    fn forget(&mut self, name: &str) {
        self.writing.retain(|(open, _)| open != name);
        self.reading.take_if(|(open, _)| open == name);
    }
}

impl Storage for FileStorage {
    fn list(&mut self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            // A file that went between the two calls (another process's) is simply not there.
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.is_file() {
                entries.push(Entry { name, octets: metadata.len() });
            }
        }
        Ok(entries)
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        if self.reading.as_ref().is_none_or(|(open, _)| open != name) {
            self.reading = Some((name.to_owned(), File::open(self.folder.join(name))?));
        }
        let mut got = 0;
        while let Some((_, file)) = &self.reading {
            match file.read_at(&mut into[got..], offset + got as u64) {
                Ok(0) => break,
                Ok(count) => got += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(got)
    }

    fn write(&mut self, name: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        self.writable(name, OpenOptions::new().create(true).truncate(false))?.write_all_at(octets, offset)
    }

    fn reserve(&mut self, name: &str, offset: u64, octets: u64) -> io::Result<()> {
        reserve(self.writable(name, &mut OpenOptions::new())?, offset, octets)
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        // An error of write-back is told to every descriptor that was open when it happened. So a file that was
        // written is synced through the descriptor that wrote it, which stays open for as long as it is written.
        self.writable(name, &mut OpenOptions::new())?.sync_data()
    }

    fn truncate(&mut self, name: &str, octets: u64) -> io::Result<()> {
        self.writable(name, &mut OpenOptions::new())?.set_len(octets)
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.folder.join(from), self.folder.join(to))?;
        self.forget(to);
        self.reading.take_if(|(open, _)| open == from);
        for (open, _) in &mut self.writing {
            if open == from {
                to.clone_into(open);
            }
        }
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.forget(name);
        fs::remove_file(self.folder.join(name))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn nonce(&mut self) -> io::Result<u64> {
        let mut octets = [0; 8];
        File::open("/dev/urandom")?.read_exact(&mut octets)?;
        Ok(u64::from_be_bytes(octets))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Reserves by fallocate. A file system without it (`EOPNOTSUPP`) is no error: the zeros that are written next
/// take the room, or say that there is none.
#[cfg(all(target_os = "linux", not(feature = "portable")))]
fn reserve(file: &File, offset: u64, octets: u64) -> io::Result<()> {
    use nix::errno::Errno;
    use nix::fcntl::{FallocateFlags, fallocate};

    let beyond = |_| io::Error::from(io::ErrorKind::FileTooLarge);
    let (offset, octets) = (i64::try_from(offset).map_err(beyond)?, i64::try_from(octets).map_err(beyond)?);
    loop {
        match fallocate(file, FallocateFlags::empty(), offset, octets) {
            Ok(()) | Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => return Ok(()),
            Err(Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Where there is no fallocate, the zeros that are written next take the room, or say that there is none.
#[cfg(not(all(target_os = "linux", not(feature = "portable"))))]
fn reserve(_: &File, _: u64, _: u64) -> io::Result<()> {
    Ok(())
}
