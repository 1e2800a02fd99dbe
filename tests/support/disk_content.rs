//! The octets of a simulated file, by sectors, and what a power cut leaves of a change to them.

use std::collections::BTreeMap;

/// What the disk writes at once or not at all.
const SECTOR: usize = 512;

/// Octets of a file; a sector that is not there is zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// The length.
    pub(crate) octets: u64,
    sectors: BTreeMap<u64, [u8; SECTOR]>,
}

/// A change that is not synced.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// These octets there.
    Write { offset: u64, octets: Vec<u8> },
    /// So many zeros there.
    Zeros { offset: u64, octets: u64 },
    /// Cut or lengthened to this.
    Length(u64),
}

impl Content {
    /// One sector.
    pub(crate) fn sector(&self, index: u64) -> [u8; SECTOR] {
        self.sectors.get(&index).copied().unwrap_or([0; SECTOR])
    }

    /// Reads from `offset`, as far as there is something.
    pub(crate) fn read(&self, offset: u64, into: &mut [u8]) -> usize {
        let got = usize::try_from(self.octets.saturating_sub(offset)).map_or(into.len(), |rest| rest.min(into.len()));
        into[..got].fill(0);
        let end = offset + got as u64;
        for (&index, sector) in self.sectors.range(offset / SECTOR as u64..) {
            let start = index * SECTOR as u64;
            if start >= end {
                break;
            }
            let (from, to) = (start.max(offset), (start + SECTOR as u64).min(end));
            into[(from - offset) as usize..(to - offset) as usize]
                .copy_from_slice(&sector[(from - start) as usize..(to - start) as usize]);
        }
        got
    }

    /// Writes at `offset`, lengthening.
    pub(crate) fn write(&mut self, offset: u64, octets: &[u8]) {
        self.octets = self.octets.max(offset + octets.len() as u64);
        let mut at = 0;
        while at < octets.len() {
            let position = offset + at as u64;
            let within = (position % SECTOR as u64) as usize;
            let count = (SECTOR - within).min(octets.len() - at);
            let sector = self.sectors.entry(position / SECTOR as u64).or_insert([0; SECTOR]);
            sector[within..within + count].copy_from_slice(&octets[at..at + count]);
            at += count;
        }
    }

    fn zero(&mut self, offset: u64, octets: u64) {
        self.octets = self.octets.max(offset + octets);
        let (first, last) = (offset / SECTOR as u64, (offset + octets) / SECTOR as u64);
        let end = offset + octets;
        for (&index, sector) in self.sectors.range_mut(first..=last) {
            let start = index * SECTOR as u64;
            let (from, to) = (start.max(offset), (start + SECTOR as u64).min(end));
            if from < to {
                sector[(from - start) as usize..(to - start) as usize].fill(0);
            }
        }
        self.sectors.retain(|index, sector| !(first..=last).contains(index) || sector.iter().any(|&octet| octet != 0));
    }

    fn set_length(&mut self, octets: u64) {
        if octets < self.octets {
            let old = self.octets;
            self.zero(octets, old - octets);
        }
        self.octets = octets;
    }

    /// Makes a change.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { offset, octets } => self.write(*offset, octets),
            Change::Zeros { offset, octets } => self.zero(*offset, *octets),
            Change::Length(octets) => self.set_length(*octets),
        }
    }

    /// Applies what a power cut leaves of a change: `fate` is asked for each sector: nothing if it was written, else
    /// what stands there instead where the sector is new to the file.
    pub(crate) fn survive(&mut self, change: &Change, fate: &mut dyn FnMut(u64) -> Option<[u8; SECTOR]>) {
        match change {
            Change::Write { offset, octets } => {
                let mut at = 0;
                while at < octets.len() {
                    let position = offset + at as u64;
                    let index = position / SECTOR as u64;
                    let count = (SECTOR - (position % SECTOR as u64) as usize).min(octets.len() - at);
                    match fate(index) {
                        None => self.write(position, &octets[at..at + count]),
                        Some(stale) => self.leave_stale(index, stale),
                    }
                    at += count;
                }
            }
            // Zeros come by the million; they share one fate.
            Change::Zeros { offset, .. } => match fate(offset / SECTOR as u64) {
                None => self.apply(change),
                Some(stale) => self.leave_stale(offset.div_ceil(SECTOR as u64), stale),
            },
            Change::Length(octets) => {
                if fate(octets / SECTOR as u64).is_none() {
                    self.set_length(*octets);
                }
            }
        }
    }

    fn leave_stale(&mut self, index: u64, stale: [u8; SECTOR]) {
        if stale != [0; SECTOR] && index * SECTOR as u64 >= self.octets {
            self.write(index * SECTOR as u64, &stale);
        }
    }
}
