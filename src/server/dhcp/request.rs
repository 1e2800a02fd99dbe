//! DHCPREQUEST in its four states (RFC 2131 section 4.3.2, table 4).

use std::net::Ipv4Addr;

use log::{info, warn};

use crate::clock::{Now, Secs};
use crate::rules::{Rule, kept};
use crate::server::bindings::Grant;
use crate::server::counters::{Counter, Silence};
use crate::server::giving::Giving;
use crate::server::offers::Probe;
use crate::server::outbox::Outbox;
use crate::server::reply::Kind;
use crate::server::request::Request;
use crate::server::scope::is_unicast;
use crate::server::service::{Outcome, Service};
use crate::server::terms::lease_time;
use crate::wire::codes;

/// What a client in INIT-REBOOT, RENEWING or REBINDING wants confirmed or extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Claim {
    /// It started anew and remembers the address (option 50).
    Reboot,
    /// It uses the address (`ciaddr`) and asks the server that gave it.
    Renew,
    /// It uses the address (`ciaddr`) and asks anybody.
    Rebind,
}

impl Service {
    pub(in crate::server) fn on_request(&mut self, now: Now, request: &Request<'_>, out: &mut Outbox) -> Outcome {
        let header = &request.message.header;
        let options = &request.message.options;
        let asked = options.address(codes::REQUESTED_ADDRESS);
        let ciaddr = Some(header.ciaddr).filter(|address| !address.is_unspecified());
        let address = ciaddr.or(asked);
        if options.get(codes::SERVER_IDENTIFIER).is_some() {
            let address = asked.or(ciaddr).ok_or(Silence::Incomplete)?;
            info!("DHCPREQUEST for {address} from {} via {}", request.name(), self.via(request));
            let server = options.address(codes::SERVER_IDENTIFIER).ok_or(Silence::Incomplete)?;
            return self.selecting(now, request, (address, server), out);
        }
        let address = address.ok_or(Silence::Incomplete)?;
        info!("DHCPREQUEST for {address} from {} via {}", request.name(), self.via(request));
        let claim = match ciaddr {
            None => Claim::Reboot,
            Some(_) if is_unicast(&request.arrival) && !request.is_relayed() => Claim::Renew,
            Some(_) => Claim::Rebind,
        };
        self.claiming(now, request, (address, claim), out)
    }

    /// SELECTING: the client accepts an offer, ours or another server's.
    fn selecting(
        &mut self,
        now: Now,
        request: &Request<'_>,
        (address, server): (Ipv4Addr, Ipv4Addr),
        out: &mut Outbox,
    ) -> Outcome {
        if !self.is_this_server(request, server) && !self.stands_in(now, request) {
            if let Some(offer) = self.bindings.offers().of_client(request.on_link).copied() {
                self.probes.end(offer.address);
                self.bindings.withdraw(offer.address);
            }
            return Err(Silence::OtherServer);
        }
        if !self.may_have(request, address) {
            return self.refuse(now, request, (address, "address not available to this client"), out);
        }
        let elsewhere = self.held(now, request).filter(|&held| held != address);
        let reserved = self.directory.reserved_for(address).is_some();
        if elsewhere.is_some_and(|held| self.may_have(request, held)) && !reserved {
            return self.refuse(now, request, (address, "this client has another address"), out);
        }
        let held = self.holds(now, request, address);
        if !held && !self.bindings.is_available(address, request.on_link, now.wall) {
            return self.refuse_taken(now, request, address, out);
        }
        let lease = self.lease_for(now, request, address);
        if !held && kept(Rule::LookAgain) {
            self.check_giving(now, request, address)?;
        }
        self.acknowledge(now, request, (address, lease), out)
    }

    /// Whether a REQUEST that names another server is to be taken as ours: this server stands in for its partner, and
    /// the client has asked the same thing a second ago in vain (failover.md section 7, rule 6).
    fn stands_in(&mut self, now: Now, request: &Request<'_>) -> bool {
        let partner = self.directory.partner_of_subnet(request.subnet);
        if !self.failover.is_pair() || self.failover.is_in_contact(partner, now.mono) {
            return false;
        }
        self.second_asks.is_again(request.on_link, request.message.header.xid, now.mono)
    }

    /// Whether the address may be given to a client that does not hold it: looked at again at the REQUEST. One that was
    /// to be pinged first must have been offered by this server after the ping.
    fn check_giving(&mut self, now: Now, request: &Request<'_>, address: Ipv4Addr) -> Outcome {
        match self.giving(now, request, address) {
            Giving::Freely => Ok(()),
            Giving::Not => Err(Silence::NotOurs),
            Giving::PingFirst => {
                let offer = self.bindings.offers().of_client(request.on_link);
                let pinged = offer.is_some_and(|offer| offer.address == address && offer.probe == Probe::Passed);
                if !pinged {
                    return Err(Silence::NotOurs);
                }
                self.counters.count(Counter::UnsettledGrants);
                warn!("{address} is given to {} out of contact; the partner may have given it too", request.name());
                Ok(())
            }
        }
    }

    /// INIT-REBOOT, RENEWING, REBINDING: the client has, or had, an address.
    fn claiming(
        &mut self,
        now: Now,
        request: &Request<'_>,
        (address, claim): (Ipv4Addr, Claim),
        out: &mut Outbox,
    ) -> Outcome {
        if self.directory.link_of(address) != Some(request.link) {
            if !self.directory.global(request.subnet).nak_unknown_clients {
                return Err(Silence::NotOurAddress);
            }
            return self.refuse(now, request, (address, "address does not belong on this network"), out);
        }
        let known = self.bindings.table().find(address);
        let holder = known.filter(|binding| binding.client.key() == Some(request.key));
        let holds = holder.is_some_and(|binding| binding.is_active(now.wall));
        if !self.may_have(request, address) && !(holds && self.is_kept_for_partner(request, address)) {
            // Out of the ranges: perhaps another server's, unless this client had it from us.
            if holder.is_some() || self.directory.reserved_for(address).is_some() {
                return self.refuse(now, request, (address, "address is no longer available to this client"), out);
            }
            return self.claim_of_unknown(now, request, address, out);
        }
        if holds {
            let lease = self.lease_anew(request, address);
            return self.acknowledge(now, request, (address, lease), out);
        }
        if known.is_some_and(|binding| binding.available_from() > now.wall) {
            return self.refuse_taken(now, request, address, out);
        }
        if self.held(now, request).is_some() {
            return self.refuse(now, request, (address, "this client has another address"), out);
        }
        if !self.bindings.is_available(address, request.on_link, now.wall) {
            return self.refuse_taken(now, request, address, out);
        }
        let reserved = self.directory.reserved_for(address).is_some();
        let remembered = holder.is_some() || reserved;
        match claim {
            Claim::Reboot if !remembered => self.claim_of_unknown(now, request, address, out),
            Claim::Reboot | Claim::Renew | Claim::Rebind => {
                // A client that says it holds the address is its own witness: no ping, but with StrictShares silence.
                if self.giving(now, request, address) == Giving::Not {
                    self.ask_for_former(address);
                    return Err(Silence::NotOurs);
                }
                let lease = self.lease_anew(request, address);
                self.acknowledge(now, request, (address, lease), out)
            }
        }
    }

    /// A client without a record of the address: NAK where it is known to have another, else silence, for
    /// another server may know it (RFC 2131 section 4.3.2).
    fn claim_of_unknown(&mut self, now: Now, request: &Request<'_>, address: Ipv4Addr, out: &mut Outbox) -> Outcome {
        if self.held(now, request).is_some() {
            return self.refuse(now, request, (address, "this client has another address"), out);
        }
        Err(Silence::UnknownClient)
    }

    fn refuse_taken(&mut self, now: Now, request: &Request<'_>, address: Ipv4Addr, out: &mut Outbox) -> Outcome {
        if !self.directory.global(request.subnet).nack_requests_for_duplicates {
            return Err(Silence::Duplicate);
        }
        self.refuse(now, request, (address, "address is in use by another client"), out)
    }

    /// The lease time of an extension: what the client asks for, else the default, so that a changed
    /// DefaultLease reaches clients at their next renewal.
    fn lease_anew(&self, request: &Request<'_>, address: Ipv4Addr) -> Secs {
        let requested = request.message.options.u32(codes::LEASE_TIME).map(Secs);
        lease_time(&self.settings(request, address).policy(), requested, None)
    }

    /// Records the lease and sends the ACK; the outbox holds it back until the record is durable.
    fn acknowledge(
        &mut self,
        now: Now,
        request: &Request<'_>,
        (address, lease): (Ipv4Addr, Secs),
        out: &mut Outbox,
    ) -> Outcome {
        if let Some(offer) = self.bindings.offers().of_client(request.on_link).copied() {
            self.probes.end(offer.address);
            if offer.address != address {
                self.bindings.withdraw(offer.address);
            }
        }
        if let Some(former) = self.held(now, request).filter(|&held| held != address) {
            // It moves to another address, as a reserved one: a client has one address on a link.
            self.bindings.release(former, now.wall, out);
        }
        let grant = Grant { address, client: request.client, end: now.wall.after(lease) };
        self.bindings.grant(&grant, now.wall, out);
        self.send(request, Kind::Ack(address, lease), out)
    }
}
