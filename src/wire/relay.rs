//! Option 82 (RFC 3046): reading the sub-options that a relay put in.
//!
//! The value of option 82 is a list of code, length, value, with neither pad nor end (RFC 3046 section 2.0), so
//! 0 and 255 are codes like any other. The codec never changes it: a reply carries back the octets that came
//! (`Reply::relay_information`), whatever can or cannot be read in them here.

use std::net::Ipv4Addr;

use super::cursor::Reader;

/// Agent circuit id (RFC 3046 section 3.1).
pub const CIRCUIT_ID: u8 = 1;
/// Agent remote id (RFC 3046 section 3.2).
pub const REMOTE_ID: u8 = 2;
/// DOCSIS device class (RFC 3256).
pub const DEVICE_CLASS: u8 = 4;
/// Link selection (RFC 3527).
pub const LINK_SELECTION: u8 = 5;
/// Subscriber id (RFC 3993).
pub const SUBSCRIBER_ID: u8 = 6;
/// RADIUS attributes (RFC 4014).
pub const RADIUS_ATTRIBUTES: u8 = 7;
/// Authentication by the relay (RFC 4030).
pub const AUTHENTICATION: u8 = 8;
/// Vendor-specific information (RFC 4243).
pub const VENDOR_INFORMATION: u8 = 9;
/// Flags: how the message reached the relay (RFC 5010).
pub const FLAGS: u8 = 10;
/// Server identifier override (RFC 5107).
pub const SERVER_IDENTIFIER_OVERRIDE: u8 = 11;
/// Identifier of the relay itself (RFC 6925).
pub const RELAY_IDENTIFIER: u8 = 12;
/// The relay's port is not 67 (RFC 8357).
pub const RELAY_SOURCE_PORT: u8 = 19;
/// Virtual subnet selection (RFC 6607).
pub const VIRTUAL_SUBNET: u8 = 151;
/// Virtual subnet selection control (RFC 6607).
pub const VIRTUAL_SUBNET_CONTROL: u8 = 152;

/// A view of the value of option 82.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RelayInformation<'a> {
    bytes: &'a [u8],
}

impl<'a> RelayInformation<'a> {
    /// Wraps the value; nothing is checked until it is read, a malformed rest is ignored.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> RelayInformation<'a> {
        RelayInformation { bytes }
    }

    /// The value as it came, to be echoed.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The sub-options in their order, up to the first that runs over the end.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> + use<'a> {
        let mut reader = Reader::new(self.bytes);
        std::iter::from_fn(move || {
            let code = reader.u8()?;
            let length = reader.u8()?;
            reader.take(usize::from(length)).map(|value| (code, value))
        })
    }

    /// The first sub-option of that code; `None` when absent. An empty one is `Some(&[])`.
    #[must_use]
    pub fn get(&self, code: u8) -> Option<&'a [u8]> {
        self.iter().find(|(found, _)| *found == code).map(|(_, value)| value)
    }

    /// Sub-option 1: opaque, names the circuit that the message came in on.
    #[must_use]
    pub fn circuit_id(&self) -> Option<&'a [u8]> {
        self.get(CIRCUIT_ID)
    }

    /// Sub-option 2: opaque, names the host at the far end of the circuit.
    #[must_use]
    pub fn remote_id(&self) -> Option<&'a [u8]> {
        self.get(REMOTE_ID)
    }

    /// Sub-option 5: an address of the client's subnet (RFC 3527); `None` when absent or not of 4 octets.
    #[must_use]
    pub fn link_selection(&self) -> Option<Ipv4Addr> {
        self.address(LINK_SELECTION)
    }

    /// Sub-option 11: what the client is to take for the server's address (RFC 5107); `None` when absent, not
    /// of 4 octets, or 0.0.0.0.
    #[must_use]
    pub fn server_identifier_override(&self) -> Option<Ipv4Addr> {
        self.address(SERVER_IDENTIFIER_OVERRIDE).filter(|address| !address.is_unspecified())
    }

    /// Sub-option 19 (RFC 8357 section 5.1), which has no value: replies go to the port that the relay sent from.
    #[must_use]
    pub fn has_relay_source_port(&self) -> bool {
        self.get(RELAY_SOURCE_PORT).is_some_and(<[u8]>::is_empty)
    }

    fn address(&self, code: u8) -> Option<Ipv4Addr> {
        let octets: [u8; 4] = self.get(code)?.try_into().ok()?;
        Some(Ipv4Addr::from(octets))
    }
}
