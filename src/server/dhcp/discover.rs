//! DHCPDISCOVER (RFC 2131 section 4.3.1): choose an address, hold it, offer it.

use std::net::Ipv4Addr;

use log::{info, warn};

use crate::clock::{Now, Secs};
use crate::config::Range;
use crate::lease::Binding;
use crate::lease::pool::PoolId;
use crate::server::counters::{Counter, Silence};
use crate::server::giving::Giving;
use crate::server::limiter::Line;
use crate::server::offers::{Offer, Probe};
use crate::server::outbox::{Effect, Outbox};
use crate::server::probe::{Due, Ping};
use crate::server::reply::Kind;
use crate::server::request::Request;
use crate::server::service::{Outcome, Service};
use crate::server::terms::{lease_time, time_held};
use crate::wire::codes;

/// Offers that lapse in one turn at most; the rest follows in the next.
const LAPSES_MAX: usize = 1_000;
/// Probes dealt with in one turn at most.
const PROBES_DUE_MAX: usize = 64;

impl Service {
    pub(in crate::server) fn on_discover(
        &mut self,
        now: Now,
        request: &Request<'_>,
        bytes: &[u8],
        out: &mut Outbox,
    ) -> Outcome {
        info!("DHCPDISCOVER from {} via {}", request.name(), self.via(request));
        if request.host.is_none() && self.directory.subnet(request.subnet).policy.registered_clients_only {
            return Err(Silence::Unregistered);
        }
        let Some(address) = self.choose(now, request) else {
            return self.nothing_to_offer(now, request, out);
        };
        let lease = self.lease_for(now, request, address);
        if !self.holds(now, request, address) {
            self.hold(now, (request, bytes), address, out)?;
        }
        self.send(request, Kind::Offer(address, lease), out)
    }

    /// The address for a client (RFC 2131 section 4.3.1): its reserved one, the one that it holds, is offered or
    /// had, the one that it asks for, the next of the link's ranges. Only such as it may have and nobody else has.
    fn choose(&mut self, now: Now, request: &Request<'_>) -> Option<Ipv4Addr> {
        if let Some(reserved) = self.reserved_address(now, request) {
            return Some(reserved);
        }
        let may_have = |address: &Ipv4Addr| self.may_have(request, *address);
        if let Some(held) = self.held(now, request).filter(may_have) {
            return Some(held);
        }
        let free = |address: &Ipv4Addr| {
            self.may_have(request, *address)
                && self.bindings.is_available(*address, request.on_link, now.wall)
                && self.giving(now, request, *address) != Giving::Not
        };
        let offered = self.bindings.offers().of_client(request.on_link).map(|offer| offer.address);
        let former = || self.former(request);
        let asked = || request.message.options.address(codes::REQUESTED_ADDRESS);
        let known = offered.filter(free).or_else(|| former().filter(free)).or_else(|| asked().filter(free));
        known.or_else(|| self.next_free(now, request))
    }

    fn next_free(&mut self, now: Now, request: &Request<'_>) -> Option<Ipv4Addr> {
        let pools = self.directory.pools_of_link(request.link);
        let fits = |pool: &&PoolId| is_for(self.directory.range(**pool), request);
        if self.failover.is_pair() {
            let pools: Vec<PoolId> = pools.iter().filter(fits).copied().collect();
            return self.next_of_pair(now, request, &pools);
        }
        pools.iter().filter(fits).find_map(|&pool| self.bindings.next_in(pool, now.wall))
    }

    /// The client's reserved address on this link, unless somebody else still has it.
    fn reserved_address(&mut self, now: Now, request: &Request<'_>) -> Option<Ipv4Addr> {
        let address = self.directory.host(request.host?).address?;
        if self.directory.link_of(address) != Some(request.link) {
            return None;
        }
        let own = self.bindings.table().find(address).is_some_and(|binding| binding.client.key() == Some(request.key));
        let free = self.bindings.is_available(address, request.on_link, now.wall);
        if own && self.holds(now, request, address) || free && self.giving(now, request, address) != Giving::Not {
            return Some(address);
        }
        if free {
            // It is the partner's, which does not go by the reservation yet.
            self.ask_for_one(address);
            return None;
        }
        if let Some(hidden) = self.limiter.allow(Line::ReservedTaken, now.mono) {
            warn!("reserved address {address} is still held by another than {}; {hidden}", request.name());
        }
        None
    }

    /// The address that the client holds on this link now.
    pub(in crate::server) fn held(&self, now: Now, request: &Request<'_>) -> Option<Ipv4Addr> {
        let mut all = self.bindings.table().of_client(request.key);
        let held = all.find(|binding| binding.is_active(now.wall) && self.is_on_link(request, binding.address));
        held.map(|binding| binding.address)
    }

    /// The address that the client had last on this link.
    fn former(&self, request: &Request<'_>) -> Option<Ipv4Addr> {
        let all = self.bindings.table().of_client(request.key);
        let on_link = all.filter(|binding| self.is_on_link(request, binding.address));
        let last = on_link.filter(is_lease).max_by_key(|binding| binding.last_seen);
        last.map(|binding| binding.address)
    }

    fn is_on_link(&self, request: &Request<'_>, address: Ipv4Addr) -> bool {
        self.directory.link_of(address) == Some(request.link)
    }

    /// Whether the client holds a lease on `address` now.
    pub(in crate::server) fn holds(&self, now: Now, request: &Request<'_>, address: Ipv4Addr) -> bool {
        let binding = self.bindings.table().find(address);
        binding.is_some_and(|binding| binding.is_active(now.wall) && binding.client.key() == Some(request.key))
    }

    /// The lease time for `address`; a client that holds it and asks for no time gets what it was given before.
    pub(in crate::server) fn lease_for(&self, now: Now, request: &Request<'_>, address: Ipv4Addr) -> Secs {
        let requested = request.message.options.u32(codes::LEASE_TIME).map(Secs);
        let held = self.bindings.table().find(address);
        let held = held.filter(|binding| binding.is_active(now.wall) && binding.client.key() == Some(request.key));
        let policy = self.settings(request, address).policy();
        lease_time(&policy, requested, held.map(|binding| time_held(&binding)))
    }

    /// Holds `address` for the client; `AwaitingPing` when it must be probed first.
    fn hold(
        &mut self,
        now: Now,
        (request, bytes): (&Request<'_>, &[u8]),
        address: Ipv4Addr,
        out: &mut Outbox,
    ) -> Outcome {
        let policy = self.settings(request, address).policy();
        let former = self.bindings.offers().of_client(request.on_link).copied();
        if let Some(former) = former.filter(|offer| offer.address != address) {
            self.probes.end(former.address);
        }
        let mut probe = former.filter(|offer| offer.address == address).map(|offer| offer.probe);
        if probe == Some(Probe::Pending) && !self.probes.refresh(address, request.arrival, bytes) {
            probe = None;
        }
        let is_reserved = self.directory.reserved_for(address).is_some();
        let asked = policy.ping_before_assign && policy.ping_attempts > 0 && !is_reserved;
        let wanted = asked || self.giving(now, request, address) == Giving::PingFirst;
        match probe {
            Some(Probe::Pending) => return Err(Silence::AwaitingPing),
            Some(Probe::Passed) => {
                self.bindings.offers_mut().extend(address, now.mono + policy.max_pending, Probe::Passed);
                return Ok(());
            }
            None if wanted && self.probes.is_full() => return Err(Silence::TooManyPings),
            None => {}
        }
        let (wait, probe) = if wanted {
            let wait = self.probes.begin(address, (request.arrival, bytes), Ping::of(&policy), now.mono);
            out.effect(Effect::Ping { address });
            self.counters.count(Counter::Ping);
            (wait + policy.max_pending, Probe::Pending)
        } else {
            (policy.max_pending, Probe::Passed)
        };
        if !wait.is_zero() {
            let offer = Offer { address, client: request.on_link, until: now.mono + wait, probe };
            if self.bindings.offer(offer) {
                self.counters.count(Counter::OffersDropped);
            }
        }
        if wanted { Err(Silence::AwaitingPing) } else { Ok(()) }
    }

    fn nothing_to_offer(&mut self, now: Now, request: &Request<'_>, out: &mut Outbox) -> Outcome {
        if self.awaits_partner(now, request) {
            return Err(Silence::AwaitingPartner);
        }
        let link = &self.directory.config().links[request.link].name;
        if let Some(hidden) = self.limiter.allow(Line::NoFreeAddress, now.mono) {
            warn!("no free address on {link} for {} via {}; {hidden}", request.name(), self.via(request));
        }
        let asks = request.message.options.get(codes::AUTO_CONFIGURE).is_some();
        let unspecified = Ipv4Addr::UNSPECIFIED;
        if asks && self.settings(request, unspecified).option(codes::AUTO_CONFIGURE).is_some() {
            return self.send(request, Kind::NoAddress, out);
        }
        Err(Silence::NoFreeAddress)
    }

    /// Lets offers lapse whose time is over.
    pub(in crate::server) fn lapse_offers(&mut self, now: Now) {
        for _ in 0..LAPSES_MAX {
            let Some(address) = self.bindings.lapse_one(now) else { break };
            self.probes.end(address);
        }
    }

    /// Deals with probes whose time is over: sends the next echo request, or hands back the message that waits.
    pub(in crate::server) fn probes_due(&mut self, now: Now, out: &mut Outbox) -> Vec<crate::server::probe::Probe> {
        let mut unanswered = Vec::new();
        for _ in 0..PROBES_DUE_MAX {
            match self.probes.take_due(now.mono) {
                Some(Due::Again(address)) => {
                    out.effect(Effect::Ping { address });
                    self.counters.count(Counter::Ping);
                }
                Some(Due::Unanswered(address, probe)) => {
                    let until = self.bindings.offers().of_address(address).map(|offer| offer.until);
                    if let Some(until) = until {
                        self.bindings.offers_mut().extend(address, until, Probe::Passed);
                        unanswered.push(probe);
                    }
                }
                None => break,
            }
        }
        unanswered
    }

    /// Somebody answers at `address`: it is set aside, and the message that waits for it is handed back. When the
    /// partner told meanwhile who has it, that is who answers.
    pub(in crate::server) fn on_echo(
        &mut self,
        now: Now,
        address: Ipv4Addr,
        out: &mut Outbox,
    ) -> Option<crate::server::probe::Probe> {
        let probe = self.probes.end(address)?;
        self.counters.count(Counter::PingAnswered);
        let subnet = self.directory.subnet_of(address)?;
        let until = now.wall.after(self.directory.subnet(subnet).policy.max_unavailable);
        self.bindings.withdraw(address);
        if self.bindings.table().find(address).is_some_and(|binding| binding.available_from() > now.wall) {
            return Some(probe);
        }
        self.bindings.refuse(address, now.wall, until, out);
        if let Some(hidden) = self.limiter.allow(Line::AddressInUse, now.mono) {
            warn!("{address} answers a ping though it is free here: set aside; {hidden}");
        }
        Some(probe)
    }
}

/// Whether a range is for this client.
fn is_for(range: &Range, request: &Request<'_>) -> bool {
    let registered = range.policy.registered_clients_only && request.host.is_none();
    !registered && crate::server::directory::admits(range, request.host)
}

fn is_lease(binding: &Binding<'_>) -> bool {
    use crate::lease::BindingState::{Free, Leased, Released, Unavailable};
    match binding.state {
        Leased | Released => true,
        Free | Unavailable => false,
    }
}
