//! The machinery under the tests: hosts, wires, the server, captures and packets.

pub(crate) mod capture;
pub(crate) mod host;
pub(crate) mod json;
pub(crate) mod packet;
pub(crate) mod raw;
pub(crate) mod relay;
pub(crate) mod server;
pub(crate) mod world;

use std::net::Ipv4Addr;

pub(crate) use host::{Host, Link, Proc, comes_true, until};
pub(crate) use server::Server;
pub(crate) use world::{Stage, skipped};

/// The address of the server on the wire of most tests.
pub(crate) const SERVER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);

/// A server and a client on one Ethernet: most tests need no more.
pub(crate) struct Pair {
    pub(crate) link: Link,
    pub(crate) server: Host,
    pub(crate) client: Host,
}

impl Pair {
    /// The server has 10.1.0.1/24 on eth0, the client has eth0 without an address.
    pub(crate) fn new(stage: &Stage) -> Pair {
        let (link, server, client) = (Link::new(stage, "lan"), Host::new(stage, "srv"), Host::new(stage, "cli"));
        link.plug_with(&server, "eth0", &format!("{SERVER}/24"));
        link.plug(&client, "eth0");
        Pair { link, server, client }
    }
}
