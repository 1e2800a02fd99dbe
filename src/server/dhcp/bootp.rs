//! BOOTP (RFC 951, RFC 1534): a fixed address by [Host], or a permanent one where a range says AutomaticBootp.

use std::net::Ipv4Addr;

use log::info;

use crate::clock::{Now, Wall};
use crate::lease::pool::PoolId;
use crate::server::bindings::Grant;
use crate::server::counters::Silence;
use crate::server::giving::Giving;
use crate::server::outbox::Outbox;
use crate::server::reply::Kind;
use crate::server::request::Request;
use crate::server::service::{Outcome, Service};

impl Service {
    pub(in crate::server) fn on_bootp(&mut self, now: Now, request: &Request<'_>, out: &mut Outbox) -> Outcome {
        info!("BOOTREQUEST from {} via {}", request.name(), self.via(request));
        if !self.is_for_this_server(request) {
            return Err(Silence::OtherServer);
        }
        let reserved = request.host.and_then(|host| self.directory.host(host).address);
        if let Some(address) = reserved.filter(|&address| self.directory.link_of(address) == Some(request.link)) {
            if !self.holds(now, request, address) && !self.bindings.is_available(address, request.on_link, now.wall) {
                return Err(Silence::NoFreeAddress);
            }
            return self.send(request, Kind::Bootp(address), out);
        }
        let address = self.automatic_address(now, request)?;
        let grant = Grant { address, client: request.client, end: Wall::NEVER };
        self.bindings.grant(&grant, now.wall, out);
        self.send(request, Kind::Bootp(address), out)
    }

    /// A BOOTP client may name the server that it wants in `sname` (RFC 951 section 3).
    fn is_for_this_server(&self, request: &Request<'_>) -> bool {
        let sname = request.message.sname;
        let name = sname.split(|&octet| octet == 0).next().unwrap_or_default();
        let own = self.directory.config().server.host_name.as_deref();
        name.is_empty() || own.is_none_or(|own| own.as_bytes().eq_ignore_ascii_case(name))
    }

    fn automatic_address(&mut self, now: Now, request: &Request<'_>) -> Result<Ipv4Addr, Silence> {
        let automatic = |service: &Service, address: Ipv4Addr| {
            let pool = service.bindings.pools().of(address);
            pool.is_some_and(|pool| service.directory.range(pool).automatic_bootp)
        };
        if let Some(held) = self.held(now, request)
            && self.may_have(request, held)
            && automatic(self, held)
        {
            return Ok(held);
        }
        let fits = |pool: &PoolId| {
            let range = self.directory.range(*pool);
            range.automatic_bootp && crate::server::directory::admits(range, request.host)
        };
        let pools: Vec<PoolId> =
            self.directory.pools_of_link(request.link).iter().copied().filter(|pool| fits(pool)).collect();
        if pools.is_empty() {
            return Err(Silence::NoBootp);
        }
        if !self.failover.is_pair() {
            let next = pools.into_iter().find_map(|pool| self.bindings.next_in(pool, now.wall));
            return next.ok_or(Silence::NoFreeAddress);
        }
        // A grant for ever, without an offer that could wait for a ping: only what is surely this server's.
        let next = self.next_of_pair(now, request, &pools);
        let sure = next.filter(|&address| self.giving(now, request, address) == Giving::Freely);
        let waits = if self.awaits_partner(now, request) { Silence::AwaitingPartner } else { Silence::NoFreeAddress };
        sure.ok_or(if next.is_some() { Silence::NotOurs } else { waits })
    }
}
