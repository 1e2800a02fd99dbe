//! What the tests of the protocol share: a world around one engine, clients that build their messages by hand,
//! and a strict reader of replies. Nothing here uses the crate's own codec, so that it is a second opinion.

pub(crate) mod client;
pub(crate) mod disk;
pub(crate) mod log_lines;
pub(crate) mod pair;
pub(crate) mod pair_clients;
pub(crate) mod pair_setup;
pub(crate) mod pair_views;
pub(crate) mod reply;
pub(crate) mod setup;
pub(crate) mod wires;
pub(crate) mod world;

pub(crate) use client::Client;
pub(crate) use reply::Reply;
pub(crate) use setup::Setup;
pub(crate) use world::World;

/// Codes of options that the tests name.
pub(crate) mod code {
    pub(crate) const MASK: u8 = 1;
    pub(crate) const ROUTERS: u8 = 3;
    pub(crate) const DNS: u8 = 6;
    pub(crate) const HOST_NAME: u8 = 12;
    pub(crate) const DOMAIN: u8 = 15;
    pub(crate) const NTP: u8 = 42;
    pub(crate) const VENDOR: u8 = 43;
    pub(crate) const REQUESTED: u8 = 50;
    pub(crate) const LEASE: u8 = 51;
    pub(crate) const OVERLOAD: u8 = 52;
    pub(crate) const TYPE: u8 = 53;
    pub(crate) const SERVER: u8 = 54;
    pub(crate) const WANTED: u8 = 55;
    pub(crate) const TEXT: u8 = 56;
    pub(crate) const SIZE: u8 = 57;
    pub(crate) const T1: u8 = 58;
    pub(crate) const T2: u8 = 59;
    pub(crate) const CLASS: u8 = 60;
    pub(crate) const IDENTIFIER: u8 = 61;
    pub(crate) const SERVER_NAME: u8 = 66;
    pub(crate) const BOOT_FILE: u8 = 67;
    pub(crate) const RELAY: u8 = 82;
    pub(crate) const AUTO: u8 = 116;
    pub(crate) const SELECTION: u8 = 118;
    pub(crate) const SEARCH: u8 = 119;
    pub(crate) const ROUTES: u8 = 121;
}

/// Types of messages (option 53).
pub(crate) mod kind {
    pub(crate) const DISCOVER: u8 = 1;
    pub(crate) const OFFER: u8 = 2;
    pub(crate) const REQUEST: u8 = 3;
    pub(crate) const DECLINE: u8 = 4;
    pub(crate) const ACK: u8 = 5;
    pub(crate) const NAK: u8 = 6;
    pub(crate) const RELEASE: u8 = 7;
    pub(crate) const INFORM: u8 = 8;
}

/// The address with these four octets.
pub(crate) fn ip(text: &str) -> std::net::Ipv4Addr {
    text.parse().unwrap_or_else(|_| panic!("no address: {text}"))
}
