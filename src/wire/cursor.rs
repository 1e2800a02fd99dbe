//! Reading and writing of slices, octet by octet: the only place of the codec that touches raw positions.
//!
//! A [`Reader`] hands out what it holds from front to back and says `None` instead of reading past its end;
//! a [`Writer`] fills a slice from front to back and says [`Full`] instead of writing past it. Neither ever
//! panics, allocates or leaves half a value behind. Numbers are in network order. The rest of `wire/` is built
//! on these two, so that a length that came from the network is never used as an index.

use std::fmt;
use std::net::Ipv4Addr;

use byteorder::{BigEndian, ByteOrder};

/// Hands out the octets of a slice, front to back.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// A reader of all of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes, at: 0 }
    }

    /// Octets handed out so far, skipped ones included.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Octets not handed out yet.
    #[must_use]
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether nothing is left.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` octets; `None`, and nothing taken, when fewer are left.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        self.at = self.at.saturating_add(count);
        Some(head)
    }

    /// The next `N` octets as an array; `None` when fewer are left.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// The next octet; `None` at the end.
    pub fn u8(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        self.at = self.at.saturating_add(1);
        Some(*first)
    }

    /// The next 2 octets as a number; `None` when fewer are left.
    pub fn u16(&mut self) -> Option<u16> {
        self.take(2).map(BigEndian::read_u16)
    }

    /// The next 4 octets as a number; `None` when fewer are left.
    pub fn u32(&mut self) -> Option<u32> {
        self.take(4).map(BigEndian::read_u32)
    }

    /// The next 8 octets as a number; `None` when fewer are left.
    pub fn u64(&mut self) -> Option<u64> {
        self.take(8).map(BigEndian::read_u64)
    }

    /// The next 4 octets as an address; `None` when fewer are left.
    pub fn address(&mut self) -> Option<Ipv4Addr> {
        self.u32().map(Ipv4Addr::from_bits)
    }
}

/// What was to be written does not fit; nothing of it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value does not fit in what is left of the field")
    }
}

impl std::error::Error for Full {}

/// Fills a slice, front to back. Octets that it does not reach keep their value.
#[derive(Debug)]
pub struct Writer<'a> {
    rest: &'a mut [u8],
    at: usize,
}

impl<'a> Writer<'a> {
    /// A writer of all of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a mut [u8]) -> Writer<'a> {
        Writer { rest: bytes, at: 0 }
    }

    /// Octets written so far.
    #[must_use]
    pub const fn at(&self) -> usize {
        self.at
    }

    /// Octets that can still be written.
    #[must_use]
    pub const fn room(&self) -> usize {
        self.rest.len()
    }

    /// Writes `bytes`.
    ///
    /// # Errors
    /// [`Full`] when they do not all fit.
    pub fn put(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.claim(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes one octet.
    ///
    /// # Errors
    /// [`Full`] at the end of the slice.
    pub fn u8(&mut self, value: u8) -> Result<(), Full> {
        self.put(&[value])
    }

    /// Writes a number in 2 octets.
    ///
    /// # Errors
    /// [`Full`] when fewer are left.
    pub fn u16(&mut self, value: u16) -> Result<(), Full> {
        BigEndian::write_u16(self.claim(2)?, value);
        Ok(())
    }

    /// Writes a number in 4 octets.
    ///
    /// # Errors
    /// [`Full`] when fewer are left.
    pub fn u32(&mut self, value: u32) -> Result<(), Full> {
        BigEndian::write_u32(self.claim(4)?, value);
        Ok(())
    }

    /// Writes an address in 4 octets.
    ///
    /// # Errors
    /// [`Full`] when fewer are left.
    pub fn address(&mut self, value: Ipv4Addr) -> Result<(), Full> {
        self.put(&value.octets())
    }

    /// Writes `value` and fills up with zeros to `width` octets.
    ///
    /// # Errors
    /// [`Full`] when `value` is wider than that or `width` octets are not left.
    pub fn padded(&mut self, value: &[u8], width: usize) -> Result<(), Full> {
        if value.len() > width {
            return Err(Full);
        }
        let field = self.claim(width)?;
        field.fill(0);
        Writer::new(field).put(value)
    }

    /// Leaves out the next `count` octets and hands them to a writer of their own.
    ///
    /// # Errors
    /// [`Full`] when fewer are left.
    pub fn claim(&mut self, count: usize) -> Result<&'a mut [u8], Full> {
        let whole = std::mem::take(&mut self.rest);
        if count > whole.len() {
            self.rest = whole;
            return Err(Full);
        }
        let (head, rest) = whole.split_at_mut(count);
        self.rest = rest;
        self.at = self.at.saturating_add(count);
        Ok(head)
    }
}
