//! DHCPDECLINE (RFC 2131 section 4.3.3): somebody else uses the address; it is set aside and the operator told.

use log::warn;

use crate::clock::Now;
use crate::server::counters::Silence;
use crate::server::limiter::Line;
use crate::server::outbox::Outbox;
use crate::server::request::Request;
use crate::server::service::{Outcome, Service};
use crate::wire::codes;

impl Service {
    pub(in crate::server) fn on_decline(&mut self, now: Now, request: &Request<'_>, out: &mut Outbox) -> Outcome {
        let options = &request.message.options;
        // systemd-networkd (252) names the address in `ciaddr` instead of option 50. Believed of the client's own only.
        let current = Some(request.message.header.ciaddr).filter(|address| !address.is_unspecified());
        let address = options.address(codes::REQUESTED_ADDRESS).or(current).ok_or(Silence::Incomplete)?;
        let server = options.address(codes::SERVER_IDENTIFIER);
        if server.is_some_and(|server| !self.is_this_server(request, server)) {
            return Err(Silence::NoSuchBinding);
        }
        let offered = self.bindings.offers().of_client(request.on_link).is_some_and(|offer| offer.address == address);
        if !offered && !self.holds(now, request, address) {
            return Err(Silence::NoSuchBinding);
        }
        let until = now.wall.after(self.settings(request, address).policy().max_unavailable);
        self.probes.end(address);
        self.bindings.withdraw(address);
        self.bindings.refuse(address, now.wall, until, out);
        if let Some(hidden) = self.limiter.allow(Line::AddressInUse, now.mono) {
            let via = self.via(request);
            warn!("DHCPDECLINE of {address} from {} via {via}: in use by somebody else; {hidden}", request.name());
        }
        Err(Silence::NeverAnswered)
    }
}
