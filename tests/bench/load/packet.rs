//! The few DHCP messages that a load needs (RFC 2131 s. 2), written and read without allocation.
//!
//! Written apart from the codec of the server on purpose: a fault common to both sides would not show.

use std::net::Ipv4Addr;

use crate::arguments::Habit;

/// Every request has this length, the least that BOOTP relays pass on.
pub(crate) const REQUEST_LEN: usize = 300;

/// Message types of option 53.
pub(crate) const DISCOVER: u8 = 1;
/// The answer to a DISCOVER.
pub(crate) const OFFER: u8 = 2;
/// Asks for an offered address, or for more time.
pub(crate) const REQUEST: u8 = 3;
/// The lease is given.
pub(crate) const ACK: u8 = 5;
/// The lease is refused.
pub(crate) const NAK: u8 = 6;

const COOKIE: [u8; 4] = [99, 130, 83, 99];
const OPTIONS_AT: usize = 240;

/// A request of one client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    pub(crate) kind: u8,
    pub(crate) client: u32,
    pub(crate) xid: u32,
    pub(crate) relay: Ipv4Addr,
    pub(crate) habit: Habit,
    /// `ciaddr`: the lease to renew.
    pub(crate) holds: Option<Ipv4Addr>,
    /// Options 50 and 54: the offered address and who offered it.
    pub(crate) selects: Option<(Ipv4Addr, Ipv4Addr)>,
}

/// What matters of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) kind: u8,
    pub(crate) xid: u32,
    pub(crate) address: Ipv4Addr,
    pub(crate) server: Option<Ipv4Addr>,
}

impl Request {
    /// Writes the message over the whole of `to`.
    pub(crate) fn write(&self, to: &mut [u8; REQUEST_LEN]) {
        to.fill(0);
        // BOOTREQUEST, Ethernet, 6 octets of hardware address, one relay passed
        to[..4].copy_from_slice(&[1, 1, 6, 1]);
        to[4..8].copy_from_slice(&self.xid.to_be_bytes());
        if let Some(address) = self.holds {
            to[12..16].copy_from_slice(&address.octets());
        }
        to[24..28].copy_from_slice(&self.relay.octets());
        let mut hardware = [2, 0xbe, 0, 0, 0, 0];
        hardware[2..].copy_from_slice(&self.client.to_be_bytes());
        to[28..34].copy_from_slice(&hardware);
        to[236..OPTIONS_AT].copy_from_slice(&COOKIE);
        let mut at = OPTIONS_AT;
        let mut put = |code: u8, value: &[u8]| {
            to[at] = code;
            to[at + 1] = u8::try_from(value.len()).unwrap_or(u8::MAX);
            to[at + 2..at + 2 + value.len()].copy_from_slice(value);
            at += 2 + value.len();
        };
        put(53, &[self.kind]);
        if self.habit == Habit::Named {
            put(61, &[1, 2, 0xbe, hardware[2], hardware[3], hardware[4], hardware[5]]);
            let mut name = *b"host-0000000000";
            let mut rest = self.client;
            for digit in name[5..].iter_mut().rev() {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
            put(12, &name);
        }
        if let Some((address, server)) = self.selects {
            put(50, &address.octets());
            put(54, &server.octets());
        }
        // subnet mask, router, name servers, lease time
        put(55, &[1, 3, 6, 51]);
        to[at] = 255;
    }
}

/// Reads an answer; `None` when it is not one.
pub(crate) fn parse(bytes: &[u8]) -> Option<Reply> {
    if bytes.len() < OPTIONS_AT || bytes[0] != 2 || bytes[236..OPTIONS_AT] != COOKIE {
        return None;
    }
    let mut reply = Reply {
        kind: 0,
        xid: u32::from_be_bytes(bytes[4..8].try_into().ok()?),
        address: address(&bytes[16..20])?,
        server: None,
    };
    let mut options = &bytes[OPTIONS_AT..];
    while let [code, rest @ ..] = options {
        if *code == 255 {
            break;
        }
        if *code == 0 {
            options = rest;
            continue;
        }
        let (length, rest) = rest.split_first()?;
        let value = rest.get(..usize::from(*length))?;
        if *code == 53 {
            reply.kind = *value.first()?;
        } else if *code == 54 {
            reply.server = Some(address(value)?);
        }
        options = &rest[value.len()..];
    }
    (reply.kind != 0).then_some(reply)
}

fn address(octets: &[u8]) -> Option<Ipv4Addr> {
    <[u8; 4]>::try_from(octets).ok().map(Ipv4Addr::from)
}
