//! Where a server's disk is plugged in. An engine owns its storage, and a world that is forked forks the disks: so the
//! engines of all worlds hold the same plug, and a world puts its own disk in for the time of a turn.

use std::cell::RefCell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use understudy::journal::storage::{Entry, Storage};

use crate::support::disk::SimDisk;

/// The place of one server's disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plug(Rc<RefCell<Option<SimDisk>>>);

impl Plug {
    /// Puts a disk in.
    pub(crate) fn put(&self, disk: &SimDisk) {
        *self.0.borrow_mut() = Some(disk.clone());
    }

    fn with<R>(&self, act: impl FnOnce(&mut SimDisk) -> R) -> R {
        act(self.0.borrow_mut().as_mut().expect("a disk is plugged in for each turn"))
    }
}

impl Storage for Plug {
    fn list(&mut self) -> io::Result<Vec<Entry>> {
        self.with(Storage::list)
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        self.with(|disk| disk.read(name, offset, into))
    }

    fn write(&mut self, name: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        self.with(|disk| disk.write(name, offset, octets))
    }

    fn reserve(&mut self, name: &str, offset: u64, octets: u64) -> io::Result<()> {
        self.with(|disk| disk.reserve(name, offset, octets))
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        self.with(|disk| disk.sync(name))
    }

    fn truncate(&mut self, name: &str, octets: u64) -> io::Result<()> {
        self.with(|disk| disk.truncate(name, octets))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        self.with(|disk| disk.rename(from, to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        self.with(|disk| disk.remove(name))
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        self.with(Storage::sync_folder)
    }

    fn nonce(&mut self) -> io::Result<u64> {
        self.with(Storage::nonce)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.with(|disk| disk.path(name))
    }
}
