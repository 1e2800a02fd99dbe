//! SKELETON (owner: wire helper). Options of a message: order kept, split ones joined (RFC 3396), overload read.
use std::marker::PhantomData;
use std::net::Ipv4Addr;
use super::codes::MessageType;

/// The options of one message.
#[derive(Debug)]
pub struct Options<'a> { _p: PhantomData<&'a [u8]> }
impl<'a> Options<'a> {
    /// The joined value of `code`; `None` when absent. An empty value is `Some(&[])`.
    #[must_use] pub fn get(&self, code: u8) -> Option<&'a [u8]> { let _ = code; unimplemented!() }
    /// `None` when absent or not of that length:
    #[must_use] pub fn u8(&self, code: u8) -> Option<u8> { let _ = code; unimplemented!() }
    #[must_use] pub fn u16(&self, code: u8) -> Option<u16> { let _ = code; unimplemented!() }
    #[must_use] pub fn u32(&self, code: u8) -> Option<u32> { let _ = code; unimplemented!() }
    #[must_use] pub fn address(&self, code: u8) -> Option<Ipv4Addr> { let _ = code; unimplemented!() }
    /// A text without its trailing NULs.
    #[must_use] pub fn text(&self, code: u8) -> Option<&'a [u8]> { let _ = code; unimplemented!() }
    /// Option 53; `None` = BOOTP.
    #[must_use] pub fn message_type(&self) -> Option<MessageType> { unimplemented!() }
    /// Each code once, in order of first appearance, values joined.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &'a [u8])> { std::iter::empty() }
}
