//! DHCPINFORM (RFC 2131 section 4.3.5): settings for a client that has an address; no binding is looked at.

use log::info;

use crate::server::counters::Silence;
use crate::server::outbox::Outbox;
use crate::server::reply::Kind;
use crate::server::request::Request;
use crate::server::service::{Outcome, Service};

impl Service {
    pub(in crate::server) fn on_inform(&mut self, request: &Request<'_>, out: &mut Outbox) -> Outcome {
        if self.directory.global(request.subnet).drop_all_inform {
            return Err(Silence::InformDropped);
        }
        info!("DHCPINFORM from {} via {}", request.name(), self.via(request));
        self.send(request, Kind::Inform, out)
    }
}
