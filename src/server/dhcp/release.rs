//! DHCPRELEASE (RFC 2131 section 4.3.4): the client gives its address back; it is remembered as the client's.

use log::info;

use crate::clock::Now;
use crate::server::counters::Silence;
use crate::server::outbox::Outbox;
use crate::server::request::Request;
use crate::server::service::{Outcome, Service};
use crate::wire::codes;

impl Service {
    pub(in crate::server) fn on_release(&mut self, now: Now, request: &Request<'_>, out: &mut Outbox) -> Outcome {
        let address = request.message.header.ciaddr;
        let server = request.message.options.address(codes::SERVER_IDENTIFIER);
        if server.is_some_and(|server| !self.is_this_server(request, server)) {
            return Err(Silence::NoSuchBinding);
        }
        if address.is_unspecified() || !self.holds(now, request, address) {
            return Err(Silence::NoSuchBinding);
        }
        self.bindings.release(address, now.wall, out);
        info!("DHCPRELEASE of {address} from {} via {}", request.name(), self.via(request));
        Err(Silence::NeverAnswered)
    }
}
