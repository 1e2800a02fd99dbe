//! What stands behind every datagram between the servers of a pair, so that nobody else can make or change one.
//!
//! A seal is HMAC-SHA-256 (RFC 2104) over all before it, cut to 16 octets (RFC 2104 section 5 allows half). Where the
//! operator chose `none` it is a CRC-32 and twelve zero octets, which finds damage and nothing else. A key file
//! holds one key a line: the first seals, all open, so that a key can be changed on one server after the other.
//! [`super::failover`] knows what is sealed; replay and sessions are judged by `server/`. Keys are never shown.

mod keys;

pub use keys::{KEY_OCTETS_MAX, KEY_OCTETS_MIN, KEYS_MAX, Key, KeyError, encode_key};

use std::fmt;

use sha2::{Digest, Sha256};

/// Octets of a seal.
pub const SEAL_OCTETS: usize = 16;

/// The keys of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// The operator's `none`: a checksum instead of a seal.
    None,
    /// At least one key; the first seals, all open.
    Shared(Vec<Key>),
}

/// Why a datagram does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// It is shorter than a seal.
    Short,
    /// Its seal is a checksum, but this server has a key.
    WithoutKey,
    /// It was changed on its way, or sealed with a key that this server does not have.
    Wrong,
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SealError::Short => write!(f, "shorter than the {SEAL_OCTETS} octets of a seal"),
            SealError::WithoutKey => {
                f.write_str("sealed without a key; give the partner the FailoverKeyFile of this server")
            }
            SealError::Wrong => f.write_str(
                "seal does not match; compare FailoverKeyFile of both servers, and see what damages datagrams",
            ),
        }
    }
}

impl std::error::Error for SealError {}

/// Boots and challenges with which two servers began a session (failover.md section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Boot id of the primary.
    pub primary_boot: u64,
    /// Boot id of the failover.
    pub failover_boot: u64,
    /// The challenge that the primary made.
    pub primary_challenge: u64,
    /// The challenge that the failover made.
    pub failover_challenge: u64,
}

impl Keys {
    /// Reads a key file: one key a line, in base64 or hexadecimal; `#` begins a comment.
    ///
    /// # Errors
    /// See [`KeyError`]; none of them repeats a key.
    pub fn parse(text: &str) -> Result<Keys, KeyError> {
        keys::parse(text).map(Keys::Shared)
    }

    /// Appends the seal over `out[from..]`, [`SEAL_OCTETS`] octets, to `out`.
    pub fn seal(&self, out: &mut Vec<u8>, from: usize) {
        let sealed = out.get(from..).unwrap_or_default();
        let seal = match self {
            Keys::None => checksum(sealed),
            Keys::Shared(keys) => keys.first().map_or([0; SEAL_OCTETS], |key| key.seal(sealed)),
        };
        out.extend_from_slice(&seal);
    }

    /// What stands before the seal, if the seal is right.
    ///
    /// The time that this takes does not depend on how much of a wrong seal is right.
    ///
    /// # Errors
    /// See [`SealError`].
    pub fn open<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], SealError> {
        let (sealed, seal) = bytes.split_last_chunk::<SEAL_OCTETS>().ok_or(SealError::Short)?;
        let is_checksum = || checksum(sealed) == *seal;
        match self {
            Keys::None if is_checksum() => Ok(sealed),
            Keys::Shared(keys) if keys.iter().any(|key| key.is_seal(sealed, seal)) => Ok(sealed),
            Keys::Shared(_) if is_checksum() => Err(SealError::WithoutKey),
            Keys::None | Keys::Shared(_) => Err(SealError::Wrong),
        }
    }

    /// The id of the session that `exchange` began; never 0, which means that there is none.
    ///
    /// The same whatever the keys: while a key is being changed the two servers seal with different ones, and must
    /// agree on the session all the same. It need not be secret, since it stands in every datagram; what proves the
    /// sender is the seal, and what makes a session new is that both challenges are.
    #[must_use]
    pub fn session_id(&self, exchange: &Exchange) -> u64 {
        let Exchange { primary_boot, failover_boot, primary_challenge, failover_challenge } = *exchange;
        let mut text = b"session".to_vec();
        for number in [primary_boot, failover_boot, primary_challenge, failover_challenge] {
            text.extend_from_slice(&number.to_be_bytes());
        }
        let first = digest(&text).first_chunk().map_or(0, |octets| u64::from_be_bytes(*octets));
        first.max(1)
    }
}

/// SHA-256 of `bytes` (FIPS 180-4): names a configuration.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What stands instead of a seal where there is no key: a CRC-32, then zeros.
fn checksum(bytes: &[u8]) -> [u8; SEAL_OCTETS] {
    let mut seal = [0; SEAL_OCTETS];
    let crc = crc32fast::hash(bytes).to_be_bytes();
    for (octet, value) in seal.iter_mut().zip(crc) {
        *octet = value;
    }
    seal
}
