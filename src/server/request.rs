//! One message of a client, with what every answer to it needs: who the client is, on which link it sits, and
//! whether it has a [Host]. Made by [`super::scope`], read by the files of [`super::dhcp`].

use std::fmt;
use std::net::Ipv4Addr;

use super::counters::Silence;
use super::event::Arrival;
use super::offers::ClientOnLink;
use crate::clock::Now;
use crate::lease::{Client, ClientKey, DETAIL_VALUE_MAX, Hardware};
use crate::wire::codes;
use crate::wire::dhcp::Message;
use crate::wire::relay::RelayInformation;

/// Shortest client identifier (RFC 2132 section 9.14); shorter ones are treated as absent.
const IDENTIFIER_MIN: usize = 2;

/// One message and its circumstances.
#[derive(Debug)]
pub struct Request<'a> {
    /// Where it came in.
    pub arrival: Arrival,
    /// The message.
    pub message: &'a Message<'a>,
    /// Who sent it.
    pub client: Client<'a>,
    /// The key that identifies it.
    pub key: ClientKey<'a>,
    /// The same, on this link, for the offers.
    pub on_link: ClientOnLink,
    /// When it came; before now where it was kept.
    pub came: Now,
    /// Octets of the message.
    pub length: usize,
    /// The link it sits on: index in the configuration.
    pub link: usize,
    /// The subnet that the relay, selection or interface named; the address may come from another of the link.
    pub subnet: usize,
    /// Its [Host].
    pub host: Option<usize>,
}

impl<'a> Request<'a> {
    /// The value of option 82.
    #[must_use]
    pub fn relay(&self) -> Option<RelayInformation<'a>> {
        self.message.options.get(codes::RELAY_INFORMATION).map(RelayInformation::new)
    }

    /// Whether it came through a relay.
    #[must_use]
    pub fn is_relayed(&self) -> bool {
        !self.message.header.giaddr.is_unspecified()
    }

    /// Its hardware address, for log lines.
    #[must_use]
    pub fn name(&self) -> ClientName<'a> {
        ClientName(self.client)
    }
}

/// Reads who the sender of `message` is (RFC 2131 section 4.2, RFC 4361 section 6.3).
///
/// # Errors
/// `NoIdentity` without client identifier and hardware address, or with an identifier over 255 octets.
pub fn identify<'a>(message: &'a Message<'a>) -> Result<Client<'a>, Silence> {
    let header = &message.header;
    let identifier = message.options.get(codes::CLIENT_IDENTIFIER).filter(|id| id.len() >= IDENTIFIER_MIN);
    if identifier.is_some_and(|id| id.len() > DETAIL_VALUE_MAX) {
        return Err(Silence::NoIdentity);
    }
    let address = header.chaddr.get(..usize::from(header.hlen)).unwrap_or(&header.chaddr);
    let hardware = (!address.is_empty()).then_some(Hardware { htype: header.htype, address });
    if identifier.is_none() && hardware.is_none() {
        return Err(Silence::NoIdentity);
    }
    Ok(Client {
        identifier,
        hardware,
        host_name: host_name(message),
        relay_information: message.options.get(codes::RELAY_INFORMATION).filter(|value| !value.is_empty()),
    })
}

/// The host name of option 12; empty ones count as none.
fn host_name<'a>(message: &'a Message<'a>) -> Option<&'a [u8]> {
    message.options.text(codes::HOST_NAME).filter(|name| !name.is_empty())
}

/// A client in a log line: hardware address or identifier, and its host name in brackets.
#[derive(Clone, Copy, Debug)]
pub struct ClientName<'a>(pub Client<'a>);

impl fmt::Display for ClientName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.hardware, self.0.identifier) {
            (Some(hardware), _) => hex(f, hardware.address)?,
            (None, Some(identifier)) => hex(f, identifier)?,
            (None, None) => f.write_str("unknown")?,
        }
        match self.0.host_name {
            Some(name) => write!(f, " ({})", name.escape_ascii()),
            None => Ok(()),
        }
    }
}

/// Writes octets as `02:00:00:00:00:01`.
pub fn hex(f: &mut impl fmt::Write, octets: &[u8]) -> fmt::Result {
    for (index, octet) in octets.iter().enumerate() {
        let separator = if index == 0 { "" } else { ":" };
        write!(f, "{separator}{octet:02x}")?;
    }
    Ok(())
}

/// Where a message came through, for log lines: the relay, or the interface.
#[derive(Clone, Copy, Debug)]
pub struct Via<'a> {
    /// The relay; 0.0.0.0 for none.
    pub giaddr: Ipv4Addr,
    /// Name of the interface.
    pub interface: &'a str,
}

impl fmt::Display for Via<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.giaddr.is_unspecified() { f.write_str(self.interface) } else { self.giaddr.fmt(f) }
    }
}
