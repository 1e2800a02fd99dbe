//! SKELETON (owner: wire helper). Option 82 (RFC 3046): reading its sub-options.
use std::net::Ipv4Addr;

/// A view of the value of option 82.
#[derive(Clone, Copy, Debug)]
pub struct RelayInformation<'a> { bytes: &'a [u8] }
impl<'a> RelayInformation<'a> {
    /// Wraps the value; nothing is checked until it is read, malformed rest is ignored.
    #[must_use] pub fn new(bytes: &'a [u8]) -> RelayInformation<'a> { RelayInformation { bytes } }
    /// First sub-option of that code.
    #[must_use] pub fn get(&self, code: u8) -> Option<&'a [u8]> { let _ = (code, self.bytes); unimplemented!() }
    #[must_use] pub fn circuit_id(&self) -> Option<&'a [u8]> { self.get(1) }
    #[must_use] pub fn remote_id(&self) -> Option<&'a [u8]> { self.get(2) }
    /// RFC 3527.
    #[must_use] pub fn link_selection(&self) -> Option<Ipv4Addr> { unimplemented!() }
    /// RFC 5107; `None` when of wrong length or 0.0.0.0.
    #[must_use] pub fn server_identifier_override(&self) -> Option<Ipv4Addr> { unimplemented!() }
    /// RFC 8357: present (length 0).
    #[must_use] pub fn has_relay_source_port(&self) -> bool { unimplemented!() }
}
