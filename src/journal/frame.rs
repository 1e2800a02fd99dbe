//! One record as octets: `length, crc32(length + payload), payload`. The journal's files and the stream between
//! partners hold records in this form; what is in a payload is not known here.
//!
//! Both numbers are four octets, most significant first. A frame stands alone: nothing in it depends on the file
//! or datagram that it stands in.

use byteorder::{BigEndian, ByteOrder};

/// Octets of length and checksum before each payload.
pub const FRAME_HEADER: usize = 8;

/// Octets of the longest payload: far above any lease or partner state, and small beside a batch.
pub const RECORD_OCTETS_MAX: usize = 64 * 1024;

/// Why octets are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The octets end inside a frame.
    Truncated,
    /// The length is zero or over [`RECORD_OCTETS_MAX`].
    BadLength,
    /// The checksum does not match.
    BadChecksum,
}

impl FrameError {
    /// The error in words.
    pub fn words(self) -> &'static str {
        match self {
            FrameError::Truncated => "a frame is cut short",
            FrameError::BadLength => "a frame has an impossible length",
            FrameError::BadChecksum => "the checksum of a frame does not match",
        }
    }
}

/// Appends one frame to `out`; `encode` appends the payload, 1 to [`RECORD_OCTETS_MAX`] octets, the first of
/// which is the kind of the record.
///
/// # Panics
/// If `encode` appends nothing or too much, or takes octets away: a broken promise of the caller.
pub fn append(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; FRAME_HEADER]);
    encode(out);
    let payload = start + FRAME_HEADER;
    assert!(out.len() > payload, "a record has at least one octet, its kind");
    let length = out.len() - payload;
    assert!(length <= RECORD_OCTETS_MAX, "a record of {length} octets is over the bound");
    BigEndian::write_u32(&mut out[start..], length as u32);
    let crc = checksum(&out[start..]);
    BigEndian::write_u32(&mut out[start + 4..], crc);
}

/// Splits the first frame off `octets`: its payload, and the octets behind it.
///
/// # Errors
/// `Truncated` when `octets` end inside the frame, `BadLength` outside the bounds, `BadChecksum`.
pub fn split_first(octets: &[u8]) -> Result<(&[u8], &[u8]), FrameError> {
    let Some((header, rest)) = octets.split_at_checked(FRAME_HEADER) else {
        return Err(FrameError::Truncated);
    };
    let length = BigEndian::read_u32(header) as usize;
    if length == 0 || length > RECORD_OCTETS_MAX {
        return Err(FrameError::BadLength);
    }
    let Some((payload, rest)) = rest.split_at_checked(length) else {
        return Err(FrameError::Truncated);
    };
    if checksum(&octets[..FRAME_HEADER + length]) != BigEndian::read_u32(&header[4..]) {
        return Err(FrameError::BadChecksum);
    }
    Ok((payload, rest))
}

/// Checks that `octets` are whole frames, end to end.
///
/// # Errors
/// What is wrong with the first that is not.
pub(super) fn check(mut octets: &[u8]) -> Result<(), FrameError> {
    while !octets.is_empty() {
        (_, octets) = split_first(octets)?;
    }
    Ok(())
}

/// The payloads of frames that [`check`] found whole.
pub(super) fn payloads(mut octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (header, rest) = octets.split_at_checked(FRAME_HEADER)?;
        let (payload, rest) = rest.split_at_checked(BigEndian::read_u32(header) as usize)?;
        octets = rest;
        Some(payload)
    })
}

/// The checksum of a frame: of its length and payload, not of itself.
fn checksum(frame: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&frame[..4]);
    hasher.update(&frame[FRAME_HEADER..]);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_gives_its_payload_and_what_follows() {
        let mut octets = Vec::new();
        append(&mut octets, |out| out.extend_from_slice(b"first"));
        append(&mut octets, |out| out.extend_from_slice(b"2"));
        assert_eq!(check(&octets), Ok(()));
        assert!(payloads(&octets).eq([&b"first"[..], b"2"]));
        let (payload, rest) = split_first(&octets).expect("whole");
        assert_eq!(payload, b"first");
        let (payload, rest) = split_first(rest).expect("whole");
        assert_eq!((payload, rest), (&b"2"[..], &b""[..]));
    }

    #[test]
    fn no_changed_or_missing_octet_of_a_frame_goes_unnoticed() {
        let mut octets = Vec::new();
        append(&mut octets, |out| out.extend_from_slice(b"a lease"));
        for cut in 0..octets.len() {
            assert_eq!(split_first(&octets[..cut]), Err(FrameError::Truncated));
        }
        for at in 0..octets.len() {
            for bit in 0..8 {
                octets[at] ^= 1 << bit;
                assert!(split_first(&octets).is_err(), "octet {at}, bit {bit}");
                octets[at] ^= 1 << bit;
            }
        }
    }

    #[test]
    fn the_longest_record_passes_and_a_longer_length_does_not() {
        let mut octets = Vec::new();
        append(&mut octets, |out| out.resize(out.len() + RECORD_OCTETS_MAX, 7));
        assert_eq!(split_first(&octets).map(|(payload, _)| payload.len()), Ok(RECORD_OCTETS_MAX));
        BigEndian::write_u32(&mut octets, RECORD_OCTETS_MAX as u32 + 1);
        octets.push(7);
        assert_eq!(split_first(&octets), Err(FrameError::BadLength));
    }
}
