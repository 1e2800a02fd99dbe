//! The form of a journal file: its name, its header, and the header of each batch. understudy-journal(5) has the
//! same to the octet.
//!
//! The checksum of a batch header begins with the nonce of its file, which no other file has. So octets of an
//! older file that the disk shows again after a power cut (blocks given to a file, but never written) can never
//! be taken for a batch of this one. The header of a batch has a checksum apart from its frames', so that it
//! proves that the batch was begun even where the frames behind it are torn.

use byteorder::{BigEndian, ByteOrder};

/// The version of the format.
pub(super) const VERSION: u16 = 1;

/// Octets of a file header.
pub(super) const FILE_HEADER: usize = 64;

/// Octets of a batch header.
pub(super) const BATCH_HEADER: usize = 20;

/// Most octets of frames in a batch: what the fullest turn writes, with much to spare. It bounds memory at
/// replay and what a torn tail can cost.
pub const BATCH_OCTETS_MAX: usize = 4 * 1024 * 1024;

const MAGIC: &[u8; 8] = b"UNDRSTDY";

const _: () = assert!(super::frame::RECORD_OCTETS_MAX + super::frame::FRAME_HEADER <= BATCH_OCTETS_MAX);

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// Batches as they were committed.
    Segment,
    /// Every record once, as of when the segment of the same number was begun, or newer.
    Snapshot,
}

impl FileKind {
    /// The name of file `number` of this kind.
    pub(super) fn name(self, number: u64) -> String {
        format!("{}.{number:06}", self.stem())
    }

    /// The name of the same file while it is being written: worth nothing until it has its own name.
    pub(super) fn draft_name(self, number: u64) -> String {
        format!("{}{DRAFT}", self.name(number))
    }

    fn stem(self) -> &'static str {
        match self {
            FileKind::Segment => "leases",
            FileKind::Snapshot => "snapshot",
        }
    }

    fn code(self) -> u16 {
        match self {
            FileKind::Segment => 1,
            FileKind::Snapshot => 2,
        }
    }
}

const DRAFT: &str = ".new";

/// What a name in the state folder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// A file of the journal.
    File(FileKind, u64),
    /// A file that was never finished.
    Draft,
    /// None of ours.
    Other,
}

/// Reads a name; only names as [`FileKind::name`] writes them count.
pub(super) fn read_name(name: &str) -> Name {
    let (stem, draft) = match name.strip_suffix(DRAFT) {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    for kind in [FileKind::Segment, FileKind::Snapshot] {
        let number = stem.strip_prefix(kind.stem()).and_then(|rest| rest.strip_prefix('.'));
        let Some(number) = number.and_then(|digits| digits.parse::<u64>().ok()) else {
            continue;
        };
        if kind.name(number) == stem {
            return if draft { Name::Draft } else { Name::File(kind, number) };
        }
    }
    Name::Other
}

/// The header of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileHeader {
    pub(super) kind: FileKind,
    /// The number in its name.
    pub(super) number: u64,
    /// The number of its first batch.
    pub(super) first_batch: u64,
    /// Begins the checksum of each batch header.
    pub(super) nonce: u64,
}

/// Why octets are no file header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeaderError {
    Checksum { stored: u32, computed: u32 },
    Version(u16),
    Malformed(&'static str),
}

impl FileHeader {
    /// The header as octets.
    pub(super) fn emit(&self) -> [u8; FILE_HEADER] {
        let mut octets = [0; FILE_HEADER];
        octets[..8].copy_from_slice(MAGIC);
        BigEndian::write_u16(&mut octets[8..], VERSION);
        BigEndian::write_u16(&mut octets[10..], self.kind.code());
        BigEndian::write_u64(&mut octets[16..], self.number);
        BigEndian::write_u64(&mut octets[24..], self.first_batch);
        BigEndian::write_u64(&mut octets[32..], self.nonce);
        let crc = crc32fast::hash(&octets[..60]);
        BigEndian::write_u32(&mut octets[60..], crc);
        octets
    }

    /// Reads a header. All versions keep the first ten octets and the checksum where they are.
    pub(super) fn parse(octets: &[u8]) -> Result<FileHeader, HeaderError> {
        let Some(octets) = octets.first_chunk::<FILE_HEADER>() else {
            return Err(HeaderError::Malformed("the file is shorter than its header"));
        };
        let (stored, computed) = (BigEndian::read_u32(&octets[60..]), crc32fast::hash(&octets[..60]));
        if stored != computed {
            return Err(HeaderError::Checksum { stored, computed });
        }
        if &octets[..8] != MAGIC {
            return Err(HeaderError::Malformed("this is no lease journal"));
        }
        let version = BigEndian::read_u16(&octets[8..]);
        if version != VERSION {
            return Err(HeaderError::Version(version));
        }
        let kind = match BigEndian::read_u16(&octets[10..]) {
            1 => FileKind::Segment,
            2 => FileKind::Snapshot,
            _ => return Err(HeaderError::Malformed("it is neither segment nor snapshot")),
        };
        Ok(FileHeader {
            kind,
            number: BigEndian::read_u64(&octets[16..]),
            first_batch: BigEndian::read_u64(&octets[24..]),
            nonce: BigEndian::read_u64(&octets[32..]),
        })
    }
}

/// The header of a batch. One without frames is the end mark: of a segment, that it was closed by a clean stop;
/// of a snapshot, that it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub(super) number: u64,
    /// Octets of frames.
    pub(super) length: u32,
    /// Checksum of the frames.
    pub(super) crc: u32,
}

impl BatchHeader {
    /// The header of a batch of `frames`.
    ///
    /// # Panics
    /// If they are over [`BATCH_OCTETS_MAX`].
    pub(super) fn of(number: u64, frames: &[u8]) -> BatchHeader {
        assert!(frames.len() <= BATCH_OCTETS_MAX, "a batch of {} octets is over the bound", frames.len());
        BatchHeader { number, length: frames.len() as u32, crc: crc32fast::hash(frames) }
    }

    /// Appends header and frames to `out`, for the file with this nonce.
    pub(super) fn append(self, nonce: u64, frames: &[u8], out: &mut Vec<u8>) {
        let mut octets = [0; BATCH_HEADER];
        BigEndian::write_u64(&mut octets, self.number);
        BigEndian::write_u32(&mut octets[8..], self.length);
        BigEndian::write_u32(&mut octets[12..], self.crc);
        let crc = header_checksum(nonce, &octets);
        BigEndian::write_u32(&mut octets[16..], crc);
        out.extend_from_slice(&octets);
        out.extend_from_slice(frames);
    }

    /// Reads a header of the file with this nonce.
    ///
    /// # Errors
    /// The checksums (stored, computed) that differ; equal ones when the length is over the bound.
    pub(super) fn parse(nonce: u64, octets: &[u8; BATCH_HEADER]) -> Result<BatchHeader, (u32, u32)> {
        let (stored, computed) = (BigEndian::read_u32(&octets[16..]), header_checksum(nonce, octets));
        let length = BigEndian::read_u32(&octets[8..]);
        if stored != computed || length as usize > BATCH_OCTETS_MAX {
            return Err((stored, computed));
        }
        Ok(BatchHeader { number: BigEndian::read_u64(octets), length, crc: BigEndian::read_u32(&octets[12..]) })
    }
}

fn header_checksum(nonce: u64, octets: &[u8; BATCH_HEADER]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&nonce.to_be_bytes());
    hasher.update(&octets[..16]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_as_written_are_taken_for_files_of_the_journal() {
        assert_eq!(read_name("leases.000041"), Name::File(FileKind::Segment, 41));
        assert_eq!(read_name("snapshot.1234567"), Name::File(FileKind::Snapshot, 1_234_567));
        assert_eq!(read_name("leases.000041.new"), Name::Draft);
        for name in ["leases.41", "leases.0000041", "leases.000041.damaged", "leases", "leases.+00041", "lock", ".new"]
        {
            assert_eq!(read_name(name), Name::Other, "{name}");
        }
    }

    #[test]
    fn a_file_header_survives_the_round_trip_and_no_changed_bit() {
        let header = FileHeader { kind: FileKind::Snapshot, number: 7, first_batch: 1 << 40, nonce: u64::MAX - 3 };
        let mut octets = header.emit();
        assert_eq!(FileHeader::parse(&octets), Ok(header));
        for bit in 0..FILE_HEADER * 8 {
            octets[bit / 8] ^= 1 << (bit % 8);
            assert!(matches!(FileHeader::parse(&octets), Err(HeaderError::Checksum { .. })), "bit {bit}");
            octets[bit / 8] ^= 1 << (bit % 8);
        }
    }

    #[test]
    fn a_batch_header_of_another_file_is_none() {
        let mut octets = Vec::new();
        BatchHeader::of(9, b"frames").append(5, b"frames", &mut octets);
        let header = octets.first_chunk().expect("long enough");
        assert_eq!(BatchHeader::parse(5, header).map(|header| header.number), Ok(9));
        assert!(BatchHeader::parse(6, header).is_err());
    }
}
