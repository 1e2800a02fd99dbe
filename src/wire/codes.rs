//! Codes of DHCP options and message types. SKELETON: constants here; the table of names and shapes is the config helper's.
/// Subnet mask.
pub const SUBNET_MASK: u8 = 1;
pub const ROUTERS: u8 = 3;
pub const HOST_NAME: u8 = 12;
pub const VENDOR_INFORMATION: u8 = 43;
pub const REQUESTED_ADDRESS: u8 = 50;
pub const LEASE_TIME: u8 = 51;
pub const OVERLOAD: u8 = 52;
pub const MESSAGE_TYPE: u8 = 53;
pub const SERVER_IDENTIFIER: u8 = 54;
pub const PARAMETER_REQUEST_LIST: u8 = 55;
pub const MESSAGE: u8 = 56;
pub const MAXIMUM_MESSAGE_SIZE: u8 = 57;
pub const RENEWAL_TIME: u8 = 58;
pub const REBINDING_TIME: u8 = 59;
pub const VENDOR_CLASS: u8 = 60;
pub const CLIENT_IDENTIFIER: u8 = 61;
pub const SERVER_NAME: u8 = 66;
pub const BOOT_FILE: u8 = 67;
pub const USER_CLASS: u8 = 77;
pub const CLIENT_FQDN: u8 = 81;
pub const RELAY_INFORMATION: u8 = 82;
pub const AUTO_CONFIGURE: u8 = 116;
pub const SUBNET_SELECTION: u8 = 118;

/// Option 53.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageType { Discover, Offer, Request, Decline, Ack, Nak, Release, Inform, Unknown(u8) }
impl From<MessageType> for u8 { fn from(_: MessageType) -> u8 { 0 } }
