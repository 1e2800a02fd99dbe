//! The service: everything that the handlers of messages work on, and the questions that they share.

use std::net::Ipv4Addr;

use log::{debug, info, warn};

use super::bindings::Bindings;
use super::counters::{Counter, Counters, Silence, silence_name};
use super::directory::{Directory, admits};
use super::duty::{Duty, Room};
use super::event::{Arrival, Interface};
use super::failover::{self, Failover};
use super::held::{Held, HeldMessage};
use super::limiter::{Limiter, Line};
use super::outbox::{Destination, Outbox};
use super::probe::Probes;
use super::recent::{Recent, SecondAsks};
use super::reply::{self, Draft, Kind, Refusal};
use super::request::{ClientName, Request, Via, identify};
use super::scope;
use super::terms::Settings;
use crate::clock::Now;
use crate::config::Config;
use crate::lease::{BindingState, Hardware};
use crate::wire::WireError;
use crate::wire::codes::{self, MessageType};
use crate::wire::dhcp::{Fit, Message};

/// `op` of every request.
const BOOTREQUEST: u8 = 1;
/// A change by the partner this long before a message came here may still be its answer: two servers do not read their
/// clocks, nor get a message, at the same moment.
const SAME_MILLIS: u64 = 20;
/// Relays that a message may have passed (RFC 1542 section 4.1.1).
const HOPS_MAX: u8 = 16;

/// The state behind all handlers.
#[derive(Clone, Debug)]
pub struct Service {
    pub(super) directory: Directory,
    pub(super) interfaces: Vec<Interface>,
    pub(super) bindings: Bindings,
    pub(super) counters: Counters,
    pub(super) probes: Probes,
    pub(super) recent: Recent,
    pub(super) limiter: Limiter,
    pub(super) room: Room,
    pub(super) failover: Failover,
    pub(super) held: Held,
    pub(super) second_asks: SecondAsks,
}

/// How a message was dealt with: answered, or not and why.
pub(super) type Outcome = Result<(), Silence>;

impl Service {
    /// A service with nothing known yet.
    pub(super) fn new(config: Config, hash_key: u64, failover: Failover) -> Service {
        Service {
            directory: Directory::new(config),
            interfaces: Vec::new(),
            bindings: Bindings::new(hash_key),
            counters: Counters::default(),
            probes: Probes::default(),
            recent: Recent::default(),
            limiter: Limiter::default(),
            room: Room::Enough,
            failover,
            held: Held::default(),
            second_asks: SecondAsks::default(),
        }
    }

    /// Deals with one message of a client or relay.
    pub(super) fn on_message(&mut self, now: Now, arrival: Arrival, received: Received<'_>, out: &mut Outbox) {
        let outcome = match received.message {
            Ok(ref message) => self.dispatch(now, arrival, (message, received.bytes, received.came), out),
            Err(WireError::NoCookie) => Err(Silence::NoCookie),
            Err(_) => Err(Silence::Malformed),
        };
        if let Err(silence) = outcome {
            self.counters.count(Counter::Silent(silence));
            debug!("no answer to {}: {}", arrival.source, silence_name(silence));
        }
    }

    fn dispatch(
        &mut self,
        now: Now,
        arrival: Arrival,
        (message, bytes, came): (&Message<'_>, &[u8], Now),
        out: &mut Outbox,
    ) -> Outcome {
        let kind = self.admit(message)?;
        let client = identify(message)?;
        if self.directory.config().global.drop_zero_mac
            && kind != Some(MessageType::Inform)
            && client.hardware.is_some_and(is_zero)
        {
            return Err(Silence::ZeroMac);
        }
        let subnet = scope::subnet_for(&self.directory, &self.interfaces, &arrival, message);
        let Some(subnet) = subnet else {
            self.warn_no_subnet(now, &arrival, message);
            return Err(Silence::NoSubnet);
        };
        let link = self.directory.subnet(subnet).link;
        let key = client.key().ok_or(Silence::NoIdentity)?;
        if matches!(kind, Some(MessageType::Discover | MessageType::Request)) {
            let chosen = message.options.address(codes::SERVER_IDENTIFIER);
            self.failover.note_client(self.directory.partner_of_subnet(subnet), chosen, now.mono);
        }
        let service = self.served(subnet);
        if let Duty::Silent(reason) = super::duty::duty(self.room, service) {
            if matches!(service, failover::Service::Arriving | failover::Service::Watching) {
                let network = self.directory.subnet(subnet).network;
                self.held.keep(self.bindings.client_on_link(key, link), network, (arrival, bytes), came);
            }
            return Err(reason);
        }
        let mut request = Request {
            arrival,
            message,
            client,
            key,
            on_link: self.bindings.client_on_link(key, link),
            came,
            length: bytes.len(),
            link,
            subnet,
            host: None,
        };
        let circuit = request.relay().and_then(|relay| relay.circuit_id());
        request.host = self.directory.host_of(&request.client, circuit, link);
        self.check_repetition(now, &request, kind)?;
        let outcome = match kind {
            Some(MessageType::Discover) => self.on_discover(now, &request, bytes, out),
            Some(MessageType::Request) => self.on_request(now, &request, out),
            Some(MessageType::Decline) => self.on_decline(now, &request, out),
            Some(MessageType::Release) => self.on_release(now, &request, out),
            Some(MessageType::Inform) => self.on_inform(&request, out),
            None => self.on_bootp(now, &request, out),
            Some(MessageType::Offer | MessageType::Ack | MessageType::Nak | MessageType::Unknown(_)) => {
                Err(Silence::UnknownType)
            }
        };
        if outcome == Err(Silence::AwaitingPartner) {
            let network = self.directory.subnet(subnet).network;
            self.held.keep(request.on_link, network, (arrival, bytes), came);
        }
        outcome
    }

    /// Counts the message and refuses what no client or relay sends.
    fn admit(&mut self, message: &Message<'_>) -> Result<Option<MessageType>, Silence> {
        if message.header.op != BOOTREQUEST {
            return Err(Silence::NotARequest);
        }
        if message.header.hops > HOPS_MAX {
            return Err(Silence::TooManyHops);
        }
        let has_type = message.options.get(codes::MESSAGE_TYPE).is_some();
        let kind = message.options.message_type();
        let counter = match kind {
            Some(MessageType::Discover) => Counter::Discover,
            Some(MessageType::Request) => Counter::Request,
            Some(MessageType::Decline) => Counter::Decline,
            Some(MessageType::Release) => Counter::Release,
            Some(MessageType::Inform) => Counter::Inform,
            None if !has_type => Counter::Bootp,
            None => return Err(Silence::UnknownType),
            Some(MessageType::Offer | MessageType::Ack | MessageType::Nak | MessageType::Unknown(_)) => {
                return Err(Silence::UnknownType);
            }
        };
        self.counters.count(counter);
        Ok(kind)
    }

    fn check_repetition(&mut self, now: Now, request: &Request<'_>, kind: Option<MessageType>) -> Outcome {
        let checked = matches!(kind, Some(MessageType::Discover | MessageType::Request) | None);
        if !checked || !self.directory.global(request.subnet).check_transaction_id {
            return Ok(());
        }
        let octet = kind.map_or(0, u8::from);
        let transaction = (request.on_link, request.message.header.xid, octet);
        if self.recent.is_repeated(transaction, now.mono) { Err(Silence::RepeatedTransaction) } else { Ok(()) }
    }

    /// Whether a subnet is served by this server, its partner, or neither for a moment. Subnets of one link are served
    /// together, since a client there may have its address from any of them.
    pub(super) fn served(&self, subnet: usize) -> failover::Service {
        let partner = self.directory.partner_of_subnet(subnet);
        let service = |subnet: &usize| self.failover.service(partner, self.directory.subnet(*subnet).network);
        let link = &self.directory.config().links[self.directory.subnet(subnet).link];
        let others = link.subnets.iter().map(service).find(|service| *service != failover::Service::Serves);
        others.unwrap_or_else(|| service(&subnet))
    }

    /// Takes the messages that were kept for subnets which this server serves now.
    pub(super) fn take_held(&mut self, now: Now) -> Vec<HeldMessage> {
        let mut held = std::mem::take(&mut self.held);
        let taken = held.take(now.mono, |network| {
            let subnet = self.directory.subnet_of(network.address);
            subnet.is_some_and(|subnet| self.served(subnet) == failover::Service::Serves)
        });
        self.held = held;
        taken
    }

    /// Whether a message that was kept has been answered by the partner, or a later one of its client by this server:
    /// the client was given something since then, or gave it back.
    pub(super) fn is_answered(&self, now: Now, held: &HeldMessage, message: &Message<'_>) -> bool {
        let Ok(client) = identify(message) else { return false };
        let partner = self.directory.partner_of(held.subnet.address);
        // An offer leaves no change: a partner that served until a moment ago has made it.
        let silent = self.failover.silent_for(partner, now.mono);
        let discovers = message.options.message_type() == Some(MessageType::Discover);
        if discovers && silent.is_some_and(|silent| now.mono.since(held.since) + held.waited > silent) {
            return true;
        }
        let offset = self.failover.offset_millis(partner);
        let waited = u64::try_from(held.waited.as_millis()).unwrap_or(u64::MAX);
        let came = held.came.millis().saturating_add_signed(offset);
        let came = came.saturating_sub(SAME_MILLIS.saturating_add(waited));
        client.key().is_some_and(|key| {
            self.bindings.table().of_client(key).any(|binding| {
                // Its stamp says nothing: an address that the partner gives to this server is a change too, and still
                // names the client that had it.
                let gave_back = binding.state == BindingState::Released && binding.end.millis() >= came;
                binding.last_seen.millis() >= came || gave_back
            })
        })
    }

    /// Whether `address` may be this client's: reserved for it, or in a range of the link that admits it.
    pub(super) fn may_have(&self, request: &Request<'_>, address: Ipv4Addr) -> bool {
        let subnet = self.directory.subnet_of(address);
        if subnet.is_some_and(|subnet| self.served(subnet) != failover::Service::Serves) {
            return false;
        }
        if let Some(host) = self.directory.reserved_for(address) {
            return request.host == Some(host) && self.directory.link_of(address) == Some(request.link);
        }
        if self.directory.link_of(address) != Some(request.link) {
            return false;
        }
        let Some(pool) = self.bindings.pools().of(address) else { return false };
        let range = self.directory.range(pool);
        admits(range, request.host) && !(range.policy.registered_clients_only && request.host.is_none())
    }

    /// What is configured for a client that has, or gets, `address`.
    pub(super) fn settings(&self, request: &Request<'_>, address: Ipv4Addr) -> Settings<'_> {
        let on_link = |&subnet: &usize| self.directory.subnet(subnet).link == request.link;
        let subnet = self.directory.subnet_of(address).filter(on_link).unwrap_or(request.subnet);
        let range = self.bindings.pools().of(address).map(|pool| self.directory.range(pool));
        // A reserved address may lie inside a range, which then speaks for it too.
        let around = || {
            let ranges = &self.directory.subnet(subnet).ranges;
            ranges.iter().find(|range| (range.first..=range.last).contains(&address))
        };
        Settings {
            options: self.directory.options(subnet),
            global: self.directory.global(subnet),
            subnet: self.directory.subnet(subnet),
            range: range.or_else(around),
            host: request.host.map(|host| self.directory.host(host)),
        }
    }

    /// The address that this server goes by towards the client: RFC 5107's where its relay says so.
    pub(super) fn server_address(&self, request: &Request<'_>) -> Result<Ipv4Addr, Silence> {
        if let Some(address) = override_of(request) {
            return Ok(address);
        }
        let (directory, interfaces) = (&self.directory, &self.interfaces);
        scope::server_address(directory, interfaces, &request.arrival, request.subnet).ok_or(Silence::NoSubnet)
    }

    /// Whether `address`, in option 54, means this server.
    pub(super) fn is_this_server(&self, request: &Request<'_>, address: Ipv4Addr) -> bool {
        override_of(request) == Some(address) || scope::is_ours(&self.directory, &self.interfaces, address)
    }

    /// Sends a reply that gives, or tells, something.
    pub(super) fn send(&mut self, request: &Request<'_>, kind: Kind, out: &mut Outbox) -> Outcome {
        let server = self.server_address(request)?;
        let address = match kind {
            Kind::Offer(address, _) | Kind::Ack(address, _) | Kind::Bootp(address) => address,
            Kind::NoAddress => Ipv4Addr::UNSPECIFIED,
            Kind::Inform => request.message.header.ciaddr,
        };
        let port = self.directory.config().server.dhcp_port;
        let source = self.source_address(request, server);
        let to = match kind {
            Kind::Inform => inform_destination(request, source, port)?,
            Kind::Offer(..) | Kind::Ack(..) | Kind::Bootp(_) | Kind::NoAddress => {
                reply::destination(request, source, address, port)
            }
        };
        let draft = Draft { request, settings: self.settings(request, address), server };
        let mut fit = Fit::default();
        out.reply(to, |bytes| fit = draft.compose(kind, bytes));
        self.count_fit(fit);
        self.tell(request, kind);
        Ok(())
    }

    /// Sends a DHCPNAK.
    pub(super) fn refuse(
        &mut self,
        now: Now,
        request: &Request<'_>,
        (address, why): (Ipv4Addr, &str),
        out: &mut Outbox,
    ) -> Outcome {
        self.is_refusal_proven(now, request, address)?;
        let server = self.server_address(request)?;
        let port = self.directory.config().server.dhcp_port;
        let to = reply::nak_destination(request, self.source_address(request, server), port);
        let global = self.directory.global(request.subnet);
        let both = [codes::CLIENT_IDENTIFIER, codes::SUBNET_SELECTION];
        let from = usize::from(!global.echo_client_id);
        let until = if global.subnet_selection { 2 } else { 1 };
        let refusal = Refusal { text: why, echo: both.get(from..until).unwrap_or(&[]) };
        let mut fit = Fit::default();
        out.reply(to, |bytes| fit = reply::compose_nak(request, server, &refusal, bytes));
        self.count_fit(fit);
        self.counters.count(Counter::Nak);
        info!("DHCPNAK on {address} to {} via {}: {why}", request.name(), self.via(request));
        Ok(())
    }

    /// Where a message came through, for log lines.
    pub(super) fn via(&self, request: &Request<'_>) -> Via<'_> {
        let interface = scope::interface_of(&self.interfaces, request.arrival.interface);
        Via {
            giaddr: request.message.header.giaddr,
            interface: interface.map_or("unknown interface", |interface| &interface.name),
        }
    }

    /// The address to send from: `server` where an interface has it, else the arrival interface's own. A ServerAddress
    /// that is no interface's, or a relay's word for it (RFC 5107), is nothing that could be sent from.
    fn source_address(&self, request: &Request<'_>, server: Ipv4Addr) -> Ipv4Addr {
        if self.interfaces.iter().any(|interface| interface.addresses.iter().any(|entry| entry.0 == server)) {
            return server;
        }
        let interface = scope::interface_of(&self.interfaces, request.arrival.interface);
        let first = interface.and_then(|interface| interface.addresses.first());
        first.filter(|_| !request.is_relayed()).map_or(Ipv4Addr::UNSPECIFIED, |entry| entry.0)
    }

    fn count_fit(&mut self, fit: Fit) {
        if fit.options_left_out > 0 {
            self.counters.count(Counter::OptionsLeftOut);
        }
        if fit.relay_information_left_out {
            self.counters.count(Counter::RelayInformationLeftOut);
        }
    }

    fn tell(&mut self, request: &Request<'_>, kind: Kind) {
        let via = self.via(request);
        let counter = match kind {
            Kind::Offer(address, _) => {
                info!("DHCPOFFER on {address} to {} via {via}", request.name());
                Counter::Offer
            }
            Kind::Ack(address, lease) => {
                info!("DHCPACK on {address} to {} via {via}, lease {lease} s", request.name());
                Counter::Ack
            }
            Kind::Inform => {
                info!("DHCPACK to {} ({}) via {via}", request.message.header.ciaddr, ClientName(request.client));
                Counter::Ack
            }
            Kind::Bootp(address) => {
                info!("BOOTREPLY for {address} to {} via {via}", request.name());
                Counter::BootReply
            }
            Kind::NoAddress => {
                info!("DHCPOFFER of no address (RFC 2563) to {} via {via}", request.name());
                Counter::Offer
            }
        };
        self.counters.count(counter);
    }

    fn warn_no_subnet(&mut self, now: Now, arrival: &Arrival, message: &Message<'_>) {
        if let Some(hidden) = self.limiter.allow(Line::NoSubnet, now.mono) {
            let interface = scope::interface_of(&self.interfaces, arrival.interface);
            let interface = interface.map_or("unknown interface", |interface| &interface.name);
            let giaddr = message.header.giaddr;
            warn!("no subnet for messages from {} via {interface}, relay {giaddr}; {hidden}", arrival.source);
        }
    }
}

/// The address that the relay wants to stand in option 54 (RFC 5107). A client that sends option 82 itself, with
/// no relay in between, has no say in it.
fn override_of(request: &Request<'_>) -> Option<Ipv4Addr> {
    let relay = request.relay().filter(|_| request.is_relayed());
    relay.and_then(|relay| relay.server_identifier_override())
}

/// What was received: the message as far as it could be read, and its octets.
pub(super) struct Received<'a> {
    /// When it came; before now where it was kept.
    pub(super) came: Now,
    pub(super) message: Result<Message<'a>, WireError>,
    pub(super) bytes: &'a [u8],
}

fn is_zero(hardware: Hardware<'_>) -> bool {
    hardware.address.iter().all(|&octet| octet == 0)
}

/// An answer to INFORM goes to `ciaddr`, relayed or not (RFC 2131 section 4.3.5); clients that leave it zero
/// get it where they sent from.
fn inform_destination(request: &Request<'_>, source: Ipv4Addr, port: u16) -> Result<Destination, Silence> {
    let ciaddr = request.message.header.ciaddr;
    let address = if ciaddr.is_unspecified() { *request.arrival.source.ip() } else { ciaddr };
    if address.is_unspecified() {
        return Err(Silence::Incomplete);
    }
    let to = std::net::SocketAddrV4::new(address, port.saturating_add(1));
    Ok(Destination::Udp { interface: None, source, to })
}
