//! Keys and key files.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::SEAL_OCTETS;

/// Fewest octets of a key: those of a seal, so that the key is no easier to guess.
pub const KEY_OCTETS_MIN: usize = SEAL_OCTETS;
/// Most octets of a key. Over 64 they are hashed (RFC 2104), so longer ones add nothing.
pub const KEY_OCTETS_MAX: usize = 256;
/// Most keys in a file. Changing a key takes two; each wrong datagram is tried with all of them.
pub const KEYS_MAX: usize = 8;

/// One shared key, and the hash that it begins.
#[derive(Clone)]
pub struct Key {
    octets: Vec<u8>,
    begun: Hmac<Sha256>,
}

impl Key {
    /// `None` where the hash refuses the length; HMAC takes any.
    fn new(octets: Vec<u8>) -> Option<Key> {
        let begun = Hmac::new_from_slice(&octets).ok()?;
        Some(Key { octets, begun })
    }

    /// The seal over `bytes`.
    pub(super) fn seal(&self, bytes: &[u8]) -> [u8; SEAL_OCTETS] {
        let mut seal = [0; SEAL_OCTETS];
        for (octet, value) in seal.iter_mut().zip(self.over(bytes).finalize().into_bytes()) {
            *octet = value;
        }
        seal
    }

    /// Whether `seal` is the seal over `bytes`; compared in constant time.
    pub(super) fn is_seal(&self, bytes: &[u8], seal: &[u8; SEAL_OCTETS]) -> bool {
        self.over(bytes).verify_truncated_left(seal).is_ok()
    }

    fn over(&self, bytes: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.begun.clone();
        mac.update(bytes);
        mac
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.octets == other.octets
    }
}

impl Eq for Key {}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} octets)", self.octets.len())
    }
}

/// What is wrong with a key file. Lines are counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// It holds no key at all.
    Empty,
    /// A line is neither base64 nor hexadecimal.
    Unreadable {
        /// The line.
        line: usize,
    },
    /// A key is shorter than [`KEY_OCTETS_MIN`].
    TooShort {
        /// The line.
        line: usize,
        /// Its octets.
        octets: usize,
    },
    /// A key is longer than [`KEY_OCTETS_MAX`].
    TooLong {
        /// The line.
        line: usize,
        /// Its octets.
        octets: usize,
    },
    /// This key would be one more than [`KEYS_MAX`].
    TooMany {
        /// The line.
        line: usize,
    },
    /// The same key stands on two lines.
    Twice {
        /// The second line.
        line: usize,
        /// The first.
        first: usize,
    },
    /// The word `none` stands in the file instead of in the configuration.
    NoneInFile {
        /// The line.
        line: usize,
    },
}

impl KeyError {
    /// The line, if it is about one.
    #[must_use]
    pub const fn line(&self) -> Option<usize> {
        match self {
            KeyError::Empty => None,
            KeyError::Unreadable { line }
            | KeyError::TooShort { line, .. }
            | KeyError::TooLong { line, .. }
            | KeyError::TooMany { line }
            | KeyError::Twice { line, .. }
            | KeyError::NoneInFile { line } => Some(*line),
        }
    }
}

impl fmt::Display for KeyError {
    /// Without the line, which the reader of the file writes behind its name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyError::Empty => f.write_str("holds no key; write one with: understudyctl keygen"),
            KeyError::Unreadable { .. } => {
                f.write_str("is neither base64 nor hexadecimal; write a key with: understudyctl keygen")
            }
            KeyError::TooShort { octets, .. } => write!(
                f,
                "a key of {octets} octets (legal: {KEY_OCTETS_MIN} to {KEY_OCTETS_MAX}); \
                 write one with: understudyctl keygen"
            ),
            KeyError::TooLong { octets, .. } => write!(
                f,
                "a key of {octets} octets (legal: {KEY_OCTETS_MIN} to {KEY_OCTETS_MAX}); \
                 write one with: understudyctl keygen"
            ),
            KeyError::TooMany { .. } => {
                write!(f, "one key too many (legal: 1 to {KEYS_MAX}); remove those that no server uses any more")
            }
            KeyError::Twice { first, .. } => write!(f, "the same key as on line {first}; remove one of them"),
            KeyError::NoneInFile { .. } => f.write_str(
                "the word none is no key; to go without authentication write FailoverKeyFile = none in the \
                 configuration",
            ),
        }
    }
}

impl std::error::Error for KeyError {}

/// The keys of a file, in its order.
pub(super) fn parse(text: &str) -> Result<Vec<Key>, KeyError> {
    let mut keys: Vec<(usize, Key)> = Vec::new();
    for (index, written) in text.lines().enumerate() {
        let line = index.saturating_add(1);
        let word = written.split('#').next().unwrap_or_default().trim();
        if word.is_empty() {
            continue;
        }
        let key = key(word, line)?;
        if let Some((first, _)) = keys.iter().find(|(_, earlier)| *earlier == key) {
            return Err(KeyError::Twice { line, first: *first });
        }
        if keys.len() == KEYS_MAX {
            return Err(KeyError::TooMany { line });
        }
        keys.push((line, key));
    }
    if keys.is_empty() { Err(KeyError::Empty) } else { Ok(keys.into_iter().map(|(_, key)| key).collect()) }
}

fn key(word: &str, line: usize) -> Result<Key, KeyError> {
    if word.eq_ignore_ascii_case("none") {
        return Err(KeyError::NoneInFile { line });
    }
    // Hexadecimal first: a key in base64 without a letter over `f` in it is not met in the life of the universe.
    let octets = hexadecimal(word).or_else(|| base64(word)).ok_or(KeyError::Unreadable { line })?;
    match octets.len() {
        octets if octets < KEY_OCTETS_MIN => Err(KeyError::TooShort { line, octets }),
        octets if octets > KEY_OCTETS_MAX => Err(KeyError::TooLong { line, octets }),
        _ => Key::new(octets).ok_or(KeyError::Unreadable { line }),
    }
}

fn hexadecimal(word: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = word.as_bytes().as_chunks::<2>();
    let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let octets = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if odd.is_empty() { octets } else { None }
}

/// The 64 letters of base64 (RFC 4648 section 4).
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Reads base64, with or without padding; bits behind the last octet must be zero (RFC 4648 section 3.5).
fn base64(word: &str) -> Option<Vec<u8>> {
    let letters = word.trim_end_matches('=').as_bytes();
    let padding = word.len().saturating_sub(letters.len());
    if padding > 0 && (padding > 2 || !word.len().is_multiple_of(4)) {
        return None;
    }
    let mut octets = Vec::with_capacity(word.len());
    for quantum in letters.chunks(4) {
        let mut bits = 0_u32;
        for letter in quantum {
            let value = LETTERS.iter().position(|known| known == letter)?;
            bits = bits << 6 | u32::try_from(value).ok()?;
        }
        let missing = 4_usize.saturating_sub(quantum.len());
        bits <<= 6_usize.saturating_mul(missing);
        let [_, all @ ..] = bits.to_be_bytes();
        let (held, behind) = all.split_at_checked(3_usize.checked_sub(missing)?)?;
        if held.is_empty() || behind.iter().any(|octet| *octet != 0) {
            return None;
        }
        octets.extend_from_slice(held);
    }
    Some(octets)
}

/// A key as a key file holds it: base64 with padding, 44 letters.
#[must_use]
pub fn encode_key(octets: &[u8; 32]) -> String {
    let mut text = String::with_capacity(44);
    for group in octets.chunks(3) {
        let mut bits = [0; 4];
        for (place, octet) in bits.iter_mut().skip(1).zip(group) {
            *place = *octet;
        }
        let bits = u32::from_be_bytes(bits);
        for index in 0..4_usize {
            let value = bits >> (18_usize.saturating_sub(index.saturating_mul(6))) & 63;
            let letter =
                usize::try_from(value).ok().and_then(|value| LETTERS.get(value)).filter(|_| index <= group.len());
            text.push(letter.map_or('=', |letter| char::from(*letter)));
        }
    }
    text
}
