//! SKELETON (owner: wire helper). Bytes <-> values; no state, no clock; never panics on any input, never allocates a packet.
pub mod codes;
pub mod dhcp;
pub mod frame;
pub mod options;
pub mod relay;

/// Why a message could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WireError {
    /// Shorter than the fixed part.
    Truncated,
    /// The magic cookie is missing (RFC 2131 section 3).
    NoCookie,
    /// `hlen` is over 16.
    BadLength,
    // more as needed
}
