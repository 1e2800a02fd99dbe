//! Octets to values and back: DHCP messages, their options, option 82, the frame around a reply; and what the two
//! servers of a pair send each other.
//!
//! What comes in was written by anyone, so nothing in here panics, indexes or cuts a number short, whatever the
//! input (the lints below hold that), and nothing is allocated for a packet. There is no state and no clock. Nothing
//! is decided either: unknown message types, operation codes and options are kept, and `server/` judges them.
//! A message that cannot be read at all is a [`WireError`], to be counted and dropped.
//!
//! - [`dhcp`]: the message: [`dhcp::parse`], [`dhcp::emit`];
//! - [`options`]: the options of a received message, joined and by code;
//! - [`emit`]: where the options of a reply go: options area, `file`, `sname`, or nowhere;
//! - [`relay`]: option 82; [`codes`]: the numbers; [`frame`]: Ethernet, IPv4 and UDP around a reply;
//! - [`failover`]: what goes between the servers of a pair; [`seal`]: what proves that it came from the partner;
//! - [`cursor`]: reader and writer over slices, which all of these are built on.

#![deny(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

pub mod codes;
pub mod cursor;
pub mod dhcp;
pub mod emit;
pub mod failover;
pub mod frame;
pub mod options;
pub mod relay;
pub mod seal;

use std::fmt;

/// Why a message could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Shorter than the 240 octets of header and cookie.
    Truncated,
    /// The magic cookie is missing (RFC 2131 section 3).
    NoCookie,
    /// `hlen` is over 16, the size of `chaddr`.
    BadLength,
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            WireError::Truncated => "shorter than the 240 octets of header and cookie",
            WireError::NoCookie => "without the cookie 99.130.83.99 before the options",
            WireError::BadLength => "hardware address longer than 16 octets",
        })
    }
}

impl std::error::Error for WireError {}
