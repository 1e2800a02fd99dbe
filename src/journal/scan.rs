//! Reading one file from its header to its end, and telling a torn tail from damage.
//!
//! Batch n+1 is written only after n was synced. So a bad batch n with nothing of a later batch behind it was
//! being written when the power went: a torn tail, of which nothing was ever promised. A bad batch n with the
//! header of a later one behind it was durable once: damage. Everything up to the end of the prepared room is
//! looked at, since a power cut may have written the last page of a batch and not its first.

use byteorder::{BigEndian, ByteOrder};

use super::error::JournalError;
use super::frame;
use super::layout::{BATCH_HEADER, BATCH_OCTETS_MAX, BatchHeader, FILE_HEADER, FileHeader, HeaderError};
use super::storage::Storage;

/// Octets of one read: large enough that the calls do not count at start-up.
const READ_OCTETS: usize = 1024 * 1024;

/// Prepared room is skipped in steps of this many octets.
const ZERO_STEP: usize = 4096;

static ZEROS: [u8; ZERO_STEP] = [0; ZERO_STEP];

const _: () = assert!(BATCH_HEADER < ZERO_STEP && ZERO_STEP < READ_OCTETS);

/// What the end of a file must look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tail {
    /// The last segment: an end mark, prepared room, or a torn tail.
    Live,
    /// A segment that another follows: every batch up to, and without, this one. What is behind is of no account.
    Until(u64),
    /// A snapshot: an end mark, else it is not whole.
    Marked,
}

/// One whole batch.
pub(super) struct Batch<'a> {
    pub(super) number: u64,
    /// Where its header stands.
    pub(super) offset: u64,
    /// Its frames, checked.
    pub(super) frames: &'a [u8],
}

/// How a file ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct End {
    /// With an end mark.
    pub(super) marked: bool,
    /// Octets of a torn tail.
    pub(super) torn: u64,
}

/// What one step of reading gave.
pub(super) enum Step<'a> {
    /// A batch.
    Batch(Batch<'a>),
    /// The end.
    End(End),
}

/// A file being read. After an error, `offset` and `next_batch` tell what precedes the damage.
pub(super) struct Walk {
    pub(super) name: String,
    pub(super) header: FileHeader,
    /// Where the next batch begins.
    pub(super) offset: u64,
    /// The number of the next batch.
    pub(super) next_batch: u64,
    tail: Tail,
    window: Window,
}

impl Walk {
    /// Reads the header. It was durable before the file got its name, so a bad one is always damage.
    pub(super) fn open<S: Storage>(storage: &mut S, name: &str, tail: Tail) -> Result<Walk, JournalError> {
        let mut octets = [0; FILE_HEADER];
        let got = read(storage, name, 0, &mut octets)?;
        let path = || storage.path(name);
        match FileHeader::parse(&octets[..got]) {
            Ok(header) => Ok(Walk {
                name: name.to_owned(),
                header,
                offset: FILE_HEADER as u64,
                next_batch: header.first_batch,
                tail,
                window: Window::default(),
            }),
            Err(HeaderError::Checksum { stored, computed }) => {
                Err(JournalError::Damaged { path: path(), offset: 0, stored, computed })
            }
            Err(HeaderError::Version(version)) => Err(JournalError::OtherVersion { path: path(), version }),
            Err(HeaderError::Malformed(what)) => Err(JournalError::Malformed { path: path(), offset: 0, what }),
        }
    }

    /// The next whole batch, or the end of the file when its tail is as it must be.
    pub(super) fn step<S: Storage>(&mut self, storage: &mut S) -> Result<Step<'_>, JournalError> {
        if self.tail == Tail::Until(self.next_batch) {
            return Ok(Step::End(End::default()));
        }
        let header = match self.next_header(storage)? {
            Ok(header) => header,
            Err(bad) => return self.bad(storage, bad),
        };
        if header.length == 0 {
            return self.marked(storage);
        }
        let begin = self.offset + BATCH_HEADER as u64;
        let length = header.length as usize;
        let frames = self.window.at(storage, &self.name, begin, length)?;
        let frames = &frames[..frames.len().min(length)];
        let computed = crc32fast::hash(frames);
        if frames.len() < length || computed != header.crc {
            return self.bad(storage, (header.crc, computed));
        }
        if let Err(error) = frame::check(frames) {
            return Err(self.malformed(storage, error.words()));
        }
        let offset = self.offset;
        self.offset = begin + u64::from(header.length);
        self.next_batch += 1;
        let frames = &self.window.at(storage, &self.name, begin, length)?[..length];
        Ok(Step::Batch(Batch { number: header.number, offset, frames }))
    }

    /// The header at the offset, or the checksums that say that it is none.
    fn next_header<S: Storage>(&mut self, storage: &mut S) -> Result<Result<BatchHeader, (u32, u32)>, JournalError> {
        let octets = self.window.at(storage, &self.name, self.offset, BATCH_HEADER)?;
        let Some(octets) = octets.first_chunk() else {
            return Ok(Err((0, 0)));
        };
        Ok(match BatchHeader::parse(self.header.nonce, octets) {
            // A right header with a wrong number is found again when what follows is looked at.
            Ok(header) if header.number != self.next_batch => Err((0, 0)),
            parsed => parsed,
        })
    }

    fn marked<S: Storage>(&self, storage: &S) -> Result<Step<'static>, JournalError> {
        match self.tail {
            Tail::Live | Tail::Marked => Ok(Step::End(End { marked: true, torn: 0 })),
            Tail::Until(_) => Err(self.malformed(storage, "batches are missing at its end")),
        }
    }

    /// Decides what a bad batch is.
    fn bad<S: Storage>(&self, storage: &mut S, crc: (u32, u32)) -> Result<Step<'static>, JournalError> {
        let rest = self.look_behind(storage)?;
        if self.tail == Tail::Live && !rest.later {
            return Ok(Step::End(End { marked: false, torn: rest.used_to - self.offset }));
        }
        if crc.0 == crc.1 {
            return Err(self.malformed(storage, "a batch is missing"));
        }
        let path = storage.path(&self.name);
        Err(JournalError::Damaged { path, offset: self.offset, stored: crc.0, computed: crc.1 })
    }

    fn malformed<S: Storage>(&self, storage: &S, what: &'static str) -> JournalError {
        JournalError::Malformed { path: storage.path(&self.name), offset: self.offset, what }
    }

    /// Looks at everything from the offset to the end of the file.
    fn look_behind<S: Storage>(&self, storage: &mut S) -> Result<Rest, JournalError> {
        let mut rest = Rest { later: false, used_to: self.offset };
        let mut window = Window::default();
        let mut offset = self.offset;
        loop {
            let octets = window.at(storage, &self.name, offset, READ_OCTETS)?;
            if let Some(last) = last_used(octets) {
                rest.used_to = offset + last as u64 + 1;
            }
            if octets.len() < BATCH_HEADER {
                return Ok(rest);
            }
            if self.holds_later(octets) {
                rest.later = true;
                return Ok(rest);
            }
            // A header may lie across two readings.
            offset += (octets.len() - BATCH_HEADER + 1) as u64;
        }
    }

    /// Whether a header of a batch after the next begins anywhere in `octets`.
    fn holds_later(&self, octets: &[u8]) -> bool {
        let mut at = 0;
        while at + BATCH_HEADER <= octets.len() {
            if octets[at..].starts_with(&ZEROS) {
                // Numbers are never zero, so none begins among zeros, but for the last octets of them.
                at += ZERO_STEP - size_of::<u64>() + 1;
                continue;
            }
            if BigEndian::read_u64(&octets[at..]).wrapping_sub(self.next_batch + 1) < u64::from(u32::MAX)
                && let Some(header) = octets[at..].first_chunk()
                && BatchHeader::parse(self.header.nonce, header).is_ok()
            {
                return true;
            }
            at += 1;
        }
        false
    }
}

/// What lies behind the last whole batch.
struct Rest {
    /// The header of a later batch.
    later: bool,
    /// The end of what is not zero.
    used_to: u64,
}

/// A part of a file in memory, so that reading it costs few calls and no allocation a record.
#[derive(Default)]
struct Window {
    octets: Vec<u8>,
    /// Where in the file they stand.
    start: u64,
    filled: usize,
}

impl Window {
    /// The octets from `offset`: at least `need` of them, fewer only where the file ends.
    fn at<S: Storage>(&mut self, storage: &mut S, name: &str, offset: u64, need: usize) -> Result<&[u8], JournalError> {
        assert!(need <= BATCH_OCTETS_MAX);
        let skip = usize::try_from(offset.saturating_sub(self.start)).map_or(self.filled, |skip| skip.min(self.filled));
        if offset < self.start || self.filled - skip < need {
            let kept = if offset < self.start { 0 } else { self.filled - skip };
            if self.octets.len() < need.max(READ_OCTETS) {
                let mut larger = vec![0; need.max(READ_OCTETS)];
                larger[..kept].copy_from_slice(&self.octets[self.filled - kept..self.filled]);
                self.octets = larger;
            } else {
                self.octets.copy_within(self.filled - kept..self.filled, 0);
            }
            self.start = offset;
            self.filled = kept + read(storage, name, offset + kept as u64, &mut self.octets[kept..])?;
            return Ok(&self.octets[..self.filled]);
        }
        Ok(&self.octets[skip..self.filled])
    }
}

/// The index of the last octet that is not zero.
fn last_used(octets: &[u8]) -> Option<usize> {
    let mut end = octets.len();
    while octets[..end].ends_with(&ZEROS) {
        end -= ZERO_STEP;
    }
    octets[..end].iter().rposition(|&octet| octet != 0)
}

fn read<S: Storage>(storage: &mut S, name: &str, offset: u64, into: &mut [u8]) -> Result<usize, JournalError> {
    storage.read(name, offset, into).map_err(|source| JournalError::Io {
        call: "read",
        path: storage.path(name),
        source,
    })
}
