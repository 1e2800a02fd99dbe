//! A simulated disk: a folder of files with a live image and a durable one, power cuts, failing syncs, no room.
//!
//! Everything that was not followed by a good sync may be lost at a power cut, sector by sector and name by name,
//! in any order ([`Fate`] says how). A failed sync is the one that Linux knows: what it should have written stays
//! readable in the live image, counts as written, and never reaches the durable one by a later sync.
//!
//! One [`SimDisk`] is a handle; clones share the disk, so that a test keeps hold of what a journal owns. Nothing
//! here is random but what follows from the seed. The file stands alone and is used by `#[path]`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use understudy::journal::storage::{Entry, Storage};

#[path = "disk_content.rs"]
mod content;
#[path = "disk_tests.rs"]
mod tests;

use content::{Change, Content};

/// What a power cut does to what is unsynced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All of it is lost.
    Lost,
    /// All of it was written: also what a killed process leaves behind.
    Kept,
    /// Some sectors and some names were written, in no order.
    Torn,
    /// As `Torn`, and where a file grew without its octets, those of a removed file show.
    Stale,
}

/// What stops working.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// Every call after so many steps (see [`SimDisk::crash_after`]).
    PowerAfter(u64),
    /// The sync after so many good ones, once.
    SyncAfter(u64),
}

/// A handle to a simulated disk.
#[derive(Clone, Debug)]
pub(crate) struct SimDisk(Rc<RefCell<Disk>>);

#[derive(Clone, Debug)]
struct Disk {
    random: u64,
    files: Vec<File>,
    live_names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    name_changes: Vec<NameChange>,
    /// What was in a file that went; the disk's free blocks.
    free_blocks: Content,
    capacity: u64,
    fault: Fault,
    steps: u64,
    syncs: u64,
    nonces: u64,
    /// Octets that syncs have made durable, where a test watches.
    watched: Option<Vec<u8>>,
}

#[derive(Clone, Debug, Default)]
struct File {
    live: Content,
    durable: Content,
    changes: Vec<Change>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Add(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

impl SimDisk {
    /// An empty disk of unlimited size.
    pub(crate) fn new(seed: u64) -> SimDisk {
        SimDisk(Rc::new(RefCell::new(Disk {
            random: seed,
            files: Vec::new(),
            live_names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            name_changes: Vec::new(),
            free_blocks: Content::default(),
            capacity: u64::MAX,
            fault: Fault::None,
            steps: 0,
            syncs: 0,
            nonces: 0,
            watched: None,
        })))
    }

    /// What syncs have made durable since the last call; kept from the first call on.
    pub(crate) fn take_synced(&self) -> Vec<u8> {
        self.0.borrow_mut().watched.replace(Vec::new()).unwrap_or_default()
    }

    /// Whether octets, zeros apart, wait for a sync.
    pub(crate) fn has_unsynced(&self) -> bool {
        let disk = self.0.borrow();
        disk.files.iter().flat_map(|file| &file.changes).any(|change| matches!(change, Change::Write { .. }))
    }

    /// A disk of its own, in the same state.
    pub(crate) fn fork(&self) -> SimDisk {
        SimDisk(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    /// Gives the disk so many octets for the lengths of all its files.
    pub(crate) fn set_capacity(&self, octets: u64) {
        self.0.borrow_mut().capacity = octets;
    }

    /// The octets that the files take.
    pub(crate) fn used(&self) -> u64 {
        self.0.borrow().used()
    }

    /// The power goes after `steps` more steps, and every call fails until [`power_cut`](Self::power_cut). A call
    /// that changes something is a step, each octet of a write that is not all zeros is one more.
    pub(crate) fn crash_after(&self, steps: u64) {
        let mut disk = self.0.borrow_mut();
        disk.fault = Fault::PowerAfter(disk.steps + steps);
    }

    /// The sync after `good` more good ones fails, of a file or of the folder.
    pub(crate) fn fail_sync_after(&self, good: u64) {
        let mut disk = self.0.borrow_mut();
        disk.fault = Fault::SyncAfter(disk.syncs + good);
    }

    /// Whether the fault that was asked for is yet to come.
    pub(crate) fn fault_is_due(&self) -> bool {
        self.0.borrow().fault != Fault::None
    }

    /// Steps so far.
    pub(crate) fn steps(&self) -> u64 {
        self.0.borrow().steps
    }

    /// Good syncs so far.
    pub(crate) fn syncs(&self) -> u64 {
        self.0.borrow().syncs
    }

    /// Cuts the power and brings it back: the live image is now what survived, and nothing fails any more.
    pub(crate) fn power_cut(&self, fate: Fate) {
        let mut disk = self.0.borrow_mut();
        let disk = &mut *disk;
        let free = if fate == Fate::Stale { disk.free_blocks.clone() } else { Content::default() };
        for file in &mut disk.files {
            for change in std::mem::take(&mut file.changes) {
                file.durable
                    .survive(&change, &mut |sector| (!keep(&mut disk.random, fate)).then(|| free.sector(sector)));
            }
            file.live = file.durable.clone();
        }
        for change in std::mem::take(&mut disk.name_changes) {
            if keep(&mut disk.random, fate) {
                change.apply(&mut disk.durable_names);
            }
        }
        disk.live_names = disk.durable_names.clone();
        disk.fault = Fault::None;
    }

    /// The octets of a file, as a reader sees them; `None` without such a file.
    pub(crate) fn octets(&self, name: &str) -> Option<Vec<u8>> {
        let disk = self.0.borrow();
        let content = &disk.files[*disk.live_names.get(name)?].live;
        let mut octets = vec![0; content.octets as usize];
        content.read(0, &mut octets);
        Some(octets)
    }

    /// Changes one bit of a file, in both images.
    pub(crate) fn damage(&self, name: &str, at: u64) {
        let mut disk = self.0.borrow_mut();
        let id = disk.live_names[name];
        let mut octet = [0];
        disk.files[id].live.read(at, &mut octet);
        octet[0] ^= 0x10;
        disk.files[id].live.write(at, &octet);
        disk.files[id].durable.write(at, &octet);
    }

    /// Puts a file there, durable at once.
    pub(crate) fn put(&self, name: &str, octets: &[u8]) {
        let mut disk = self.0.borrow_mut();
        let mut content = Content::default();
        content.write(0, octets);
        disk.files.push(File { live: content.clone(), durable: content, changes: Vec::new() });
        let id = disk.files.len() - 1;
        disk.live_names.insert(name.to_owned(), id);
        disk.durable_names.insert(name.to_owned(), id);
    }

    /// The names, ascending.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.borrow().live_names.keys().cloned().collect()
    }
}

/// The next number of a generator (SplitMix64).
fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *random;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn keep(random: &mut u64, fate: Fate) -> bool {
    match fate {
        Fate::Lost => false,
        Fate::Kept => true,
        Fate::Torn | Fate::Stale => next(random) & 1 == 1,
    }
}

fn no_power() -> io::Error {
    io::Error::other("the power is off")
}

impl Disk {
    fn used(&self) -> u64 {
        self.live_names.values().map(|&id| self.files[id].live.octets).sum()
    }

    /// One step, if the power is on.
    fn step(&mut self) -> io::Result<()> {
        self.powered()?;
        self.steps += 1;
        Ok(())
    }

    fn powered(&self) -> io::Result<()> {
        match self.fault {
            Fault::PowerAfter(steps) if self.steps >= steps => Err(no_power()),
            Fault::PowerAfter(_) | Fault::SyncAfter(_) | Fault::None => Ok(()),
        }
    }

    fn sync_fails(&mut self) -> bool {
        let fails = matches!(self.fault, Fault::SyncAfter(good) if self.syncs >= good);
        if fails {
            self.fault = Fault::None;
        } else {
            self.syncs += 1;
        }
        fails
    }

    fn id(&self, name: &str) -> io::Result<usize> {
        self.live_names.get(name).copied().ok_or(io::ErrorKind::NotFound.into())
    }

    /// Lengthens a file if there is room for it.
    fn admit(&self, id: usize, end: u64) -> io::Result<()> {
        let more = end.saturating_sub(self.files[id].live.octets);
        let room = self.capacity.saturating_sub(self.used());
        if more > room { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn change(&mut self, id: usize, change: Change) {
        self.files[id].live.apply(&change);
        self.files[id].changes.push(change);
    }

    fn change_name(&mut self, change: NameChange) {
        if let NameChange::Rename(_, gone, _) | NameChange::Remove(gone) = &change
            && let Some(&id) = self.live_names.get(gone)
        {
            self.free_blocks = self.files[id].live.clone();
        }
        change.apply(&mut self.live_names);
        self.name_changes.push(change);
    }
}

impl NameChange {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            NameChange::Add(name, id) => {
                names.insert(name.clone(), *id);
            }
            NameChange::Rename(from, to, id) => {
                names.remove(from);
                names.insert(to.clone(), *id);
            }
            NameChange::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Storage for SimDisk {
    fn list(&mut self) -> io::Result<Vec<Entry>> {
        let disk = self.0.borrow();
        disk.powered()?;
        let entry = |(name, &id): (&String, &usize)| Entry { name: name.clone(), octets: disk.files[id].live.octets };
        Ok(disk.live_names.iter().map(entry).collect())
    }

    fn read(&mut self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let disk = self.0.borrow();
        disk.powered()?;
        Ok(disk.files[disk.id(name)?].live.read(offset, into))
    }

    fn write(&mut self, name: &str, offset: u64, octets: &[u8]) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.step()?;
        if disk.id(name).is_err() {
            disk.files.push(File::default());
            let id = disk.files.len() - 1;
            disk.change_name(NameChange::Add(name.to_owned(), id));
        }
        let id = disk.id(name)?;
        disk.admit(id, offset + octets.len() as u64)?;
        if is_zero(octets) {
            disk.change(id, Change::Zeros { offset, octets: octets.len() as u64 });
            return Ok(());
        }
        let powered = match disk.fault {
            Fault::PowerAfter(steps) => octets.len().min((steps - disk.steps) as usize),
            Fault::SyncAfter(_) | Fault::None => octets.len(),
        };
        disk.steps += powered as u64;
        disk.change(id, Change::Write { offset, octets: octets[..powered].to_vec() });
        if powered < octets.len() { Err(no_power()) } else { Ok(()) }
    }

    fn reserve(&mut self, name: &str, offset: u64, octets: u64) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.step()?;
        let id = disk.id(name)?;
        disk.admit(id, offset + octets)?;
        let end = (offset + octets).max(disk.files[id].live.octets);
        disk.change(id, Change::Length(end));
        Ok(())
    }

    fn sync(&mut self, name: &str) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.step()?;
        let id = disk.id(name)?;
        if disk.sync_fails() {
            disk.files[id].changes.clear();
            return Err(io::Error::other("a sector could not be written"));
        }
        let Disk { files, watched, .. } = &mut *disk;
        let file = &mut files[id];
        for change in std::mem::take(&mut file.changes) {
            if let (Some(watched), Change::Write { octets, .. }) = (&mut *watched, &change) {
                watched.extend_from_slice(octets);
            }
            file.durable.apply(&change);
        }
        Ok(())
    }

    fn truncate(&mut self, name: &str, octets: u64) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.step()?;
        let id = disk.id(name)?;
        disk.change(id, Change::Length(octets));
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.step()?;
        let id = disk.id(from)?;
        disk.change_name(NameChange::Rename(from.to_owned(), to.to_owned(), id));
        Ok(())
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.step()?;
        disk.id(name)?;
        disk.change_name(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        let mut disk = self.0.borrow_mut();
        disk.step()?;
        if disk.sync_fails() {
            disk.name_changes.clear();
            return Err(io::Error::other("the folder could not be written"));
        }
        let disk = &mut *disk;
        for change in std::mem::take(&mut disk.name_changes) {
            change.apply(&mut disk.durable_names);
        }
        Ok(())
    }

    fn nonce(&mut self) -> io::Result<u64> {
        let mut disk = self.0.borrow_mut();
        disk.powered()?;
        disk.nonces += 1;
        Ok(disk.nonces)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new("/sim").join(name)
    }
}

fn is_zero(octets: &[u8]) -> bool {
    static ZEROS: [u8; 4096] = [0; 4096];
    octets.chunks(ZEROS.len()).all(|chunk| chunk == &ZEROS[..chunk.len()])
}
