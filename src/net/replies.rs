//! Replies out: by UDP in batches of one route, or as Ethernet frames to clients that have no address yet.
//!
//! Where no frame can be sent (no packet socket, another kind of interface, a frame that the system refuses, such as
//! one over the interface's MTU), the reply is broadcast by UDP out of that interface (RFC 2131 section 4.1).

use std::net::{Ipv4Addr, SocketAddrV4};

use super::batch::{BATCH, Failed, Route};
use super::clients::Clients;
use super::interfaces::Interfaces;
use super::link::Link;
use super::tally::Tally;
use crate::server::event::InterfaceId;
use crate::server::outbox::Destination;
use crate::wire::frame::Envelope;

/// What replies leave by.
#[derive(Debug)]
pub(crate) struct Ways<'w> {
    /// The UDP socket.
    pub(crate) clients: &'w mut Clients,
    /// The packet socket.
    pub(crate) link: &'w mut Link,
    /// Addresses of the interfaces.
    pub(crate) interfaces: &'w Interfaces,
    /// Counters.
    pub(crate) tally: &'w mut Tally,
}

/// The replies of one turn on their way out; [`Replies::finish`] sends the rest.
pub(crate) struct Replies<'w, 'a> {
    ways: Ways<'w>,
    route: Route,
    udp: [(SocketAddrV4, &'a [u8]); BATCH],
    udp_count: usize,
    framed: [Framed<'a>; BATCH],
    framed_count: usize,
    last_error: Option<std::io::Error>,
}

/// A reply that waits as a frame: what is needed to broadcast it should the frame be refused.
#[derive(Clone, Copy)]
struct Framed<'a> {
    route: Route,
    to: SocketAddrV4,
    payload: &'a [u8],
}

const NOWHERE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
const ANY: Route = Route { interface: InterfaceId(0), source: Ipv4Addr::UNSPECIFIED };

impl<'w, 'a> Replies<'w, 'a> {
    /// Nothing waits yet.
    pub(crate) fn new(ways: Ways<'w>) -> Replies<'w, 'a> {
        Replies {
            ways,
            route: ANY,
            udp: [(NOWHERE, &[]); BATCH],
            udp_count: 0,
            framed: [Framed { route: ANY, to: NOWHERE, payload: &[] }; BATCH],
            framed_count: 0,
            last_error: None,
        }
    }

    /// Takes one reply; a full batch leaves at once.
    pub(crate) fn push(&mut self, to: Destination, payload: &'a [u8]) {
        match to {
            Destination::Udp { interface, source, to } => {
                self.push_udp(Route { interface: interface.unwrap_or(InterfaceId(0)), source }, to, payload);
            }
            Destination::Link { interface, hardware, source, to } => {
                let framed = Framed { route: Route { interface, source }, to, payload };
                self.push_frame(framed, hardware);
            }
        }
    }

    /// Sends what still waits; returns the last refusal of the system, to be logged once for the whole turn.
    pub(crate) fn finish(mut self) -> Option<std::io::Error> {
        self.send_frames();
        self.send_udp();
        self.last_error
    }

    fn push_udp(&mut self, route: Route, to: SocketAddrV4, payload: &'a [u8]) {
        if self.udp_count == BATCH || (self.udp_count > 0 && self.route != route) {
            self.send_udp();
        }
        self.route = route;
        self.udp[self.udp_count] = (to, payload);
        self.udp_count += 1;
    }

    fn push_frame(&mut self, framed: Framed<'a>, hardware: [u8; 6]) {
        let Some((link, own)) =
            self.ways.link.is_open().then(|| self.ways.interfaces.link(framed.route.interface)).flatten()
        else {
            self.broadcast(framed);
            return;
        };
        if self.framed_count == BATCH {
            self.send_frames();
        }
        let from = SocketAddrV4::new(framed.route.source, self.ways.clients.port());
        let envelope = Envelope { from_hardware: own, to_hardware: hardware, from, to: framed.to };
        if self.ways.link.push(link, &envelope, framed.payload).is_err() {
            self.ways.tally.unsent += 1;
            return;
        }
        self.framed[self.framed_count] = framed;
        self.framed_count += 1;
    }

    fn broadcast(&mut self, framed: Framed<'a>) {
        self.ways.tally.broadcast += 1;
        self.push_udp(framed.route, SocketAddrV4::new(Ipv4Addr::BROADCAST, framed.to.port()), framed.payload);
    }

    fn send_udp(&mut self) {
        if self.udp_count == 0 {
            return;
        }
        let failed = self.ways.clients.send(self.route, &self.udp[..self.udp_count]);
        self.ways.tally.sent += self.udp_count as u64 - failed.count();
        self.ways.tally.unsent += failed.count();
        self.udp_count = 0;
        self.note(failed);
    }

    fn send_frames(&mut self) {
        if self.framed_count == 0 {
            return;
        }
        let failed = self.ways.link.send();
        self.ways.tally.framed += self.framed_count as u64 - failed.count();
        self.framed_count = 0;
        for place in failed.places() {
            self.broadcast(self.framed[place]);
        }
        self.note(failed);
    }

    fn note(&mut self, failed: Failed) {
        if let Some(error) = failed.into_last() {
            self.last_error = Some(error);
        }
    }
}
