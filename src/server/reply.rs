//! Composing a reply and choosing where it goes (RFC 2131 section 4.1, section 4.3.1 and table 3).

use std::net::{Ipv4Addr, SocketAddrV4};

use super::outbox::Destination;
use super::request::Request;
use super::terms::{Settings, renewal_times};
use crate::clock::Secs;
use crate::wire::codes::{self, MessageType};
use crate::wire::dhcp::{FLAG_BROADCAST, Fit, Header, Reply, emit};

/// `op` of every reply.
const BOOTREPLY: u8 = 2;
/// Ethernet, the only hardware that frames are made for.
const HTYPE_ETHERNET: u8 = 1;
/// The port of relays (RFC 2131 section 4.1).
const RELAY_PORT: u16 = 67;
/// IP and UDP headers: what a maximum message size counts beside the payload.
const IP_UDP_HEADERS: usize = 28;
/// The datagram that every client must be able to take (RFC 2131 section 2).
const DATAGRAM_MIN: usize = 576;
/// The largest datagram that fits an Ethernet frame: a larger one would be cut in fragments, which a client
/// without an address cannot join.
const DATAGRAM_MAX: usize = 1500;
/// A BOOTP message (RFC 1534 section 2).
const BOOTP_MIN: usize = 300;
/// Options that are sent to nobody who did not ask for them: RFC 8925 section 3.3, RFC 5417 section 3, RFC 7618
/// section 5, RFC 5071.
const ONLY_WHEN_ASKED: [u8; 7] = [
    codes::IPV6_ONLY_PREFERRED,
    codes::CAPWAP_CONTROLLERS,
    codes::PORT_PARAMETERS,
    codes::PXELINUX_MAGIC,
    codes::PXELINUX_CONFIGURATION,
    codes::PXELINUX_PREFIX,
    codes::PXELINUX_REBOOT_TIME,
];
/// Options in one reply; far over what anybody configures, and a bound for the stack.
const OPTIONS_MAX: usize = 128;

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// DHCPOFFER of an address, for a lease of so long.
    Offer(Ipv4Addr, Secs),
    /// DHCPACK of an address, for a lease of so long.
    Ack(Ipv4Addr, Secs),
    /// DHCPACK to an INFORM: settings alone.
    Inform,
    /// BOOTREPLY with an address for ever.
    Bootp(Ipv4Addr),
    /// DHCPOFFER without an address: whether to configure one's own (RFC 2563).
    NoAddress,
}

/// A reply about to be composed.
#[derive(Clone, Copy, Debug)]
pub struct Draft<'a> {
    /// The message that it answers.
    pub request: &'a Request<'a>,
    /// What is configured for address and client.
    pub settings: Settings<'a>,
    /// Option 54.
    pub server: Ipv4Addr,
}

impl Draft<'_> {
    /// Appends the reply to `out`.
    pub fn compose(&self, kind: Kind, out: &mut Vec<u8>) -> Fit {
        let address = match kind {
            Kind::Offer(address, _) | Kind::Ack(address, _) | Kind::Bootp(address) => address,
            Kind::Inform | Kind::NoAddress => Ipv4Addr::UNSPECIFIED,
        };
        let header = self.header(kind, address);
        let numbers = Numbers::new(self, kind);
        let mut options = OptionList::new();
        self.mandatory(kind, &numbers, &mut options);
        self.requested(&numbers, &mut options);
        let reply = Reply {
            header: &header,
            server_name: self.settings.server_name().as_bytes(),
            boot_file: self.settings.boot_file().as_bytes(),
            options: options.entries(),
            relay_information: self.request.message.options.get(codes::RELAY_INFORMATION),
            limit: self.limit(kind),
            bootp: matches!(kind, Kind::Bootp(_)),
        };
        emit(&reply, out)
    }

    fn header(&self, kind: Kind, address: Ipv4Addr) -> Header {
        let asked = &self.request.message.header;
        let ciaddr = match kind {
            Kind::Ack(..) | Kind::Inform | Kind::Bootp(_) => asked.ciaddr,
            Kind::Offer(..) | Kind::NoAddress => Ipv4Addr::UNSPECIFIED,
        };
        let siaddr = self.settings.next_server().unwrap_or(Ipv4Addr::UNSPECIFIED);
        Header { op: BOOTREPLY, hops: 0, secs: 0, ciaddr, yiaddr: address, siaddr, ..asked.clone() }
    }

    fn mandatory<'b>(&'b self, kind: Kind, numbers: &'b Numbers, options: &mut OptionList<'b>) {
        if !matches!(kind, Kind::Bootp(_)) {
            options.push(codes::MESSAGE_TYPE, &numbers.message_type);
            options.push(codes::SERVER_IDENTIFIER, &numbers.server);
        }
        if let Some(lease) = &numbers.lease {
            options.push(codes::LEASE_TIME, lease);
        }
        if let Some((t1, t2)) = &numbers.renewal {
            options.push(codes::RENEWAL_TIME, t1);
            options.push(codes::REBINDING_TIME, t2);
        }
        let sent = &self.request.message.options;
        let global = self.settings.global;
        if global.echo_client_id
            && let Some(identifier) = sent.get(codes::CLIENT_IDENTIFIER)
        {
            options.push(codes::CLIENT_IDENTIFIER, identifier);
        }
        if global.subnet_selection
            && let Some(selected) = sent.get(codes::SUBNET_SELECTION)
        {
            options.push(codes::SUBNET_SELECTION, selected);
        }
        if kind == Kind::NoAddress
            && let Some(auto) = self.settings.option(codes::AUTO_CONFIGURE)
        {
            options.push(codes::AUTO_CONFIGURE, auto);
        }
    }

    /// The options that the client asks for, in its order, the mask before the routers; all there are where it
    /// sends no list (RFC 2132 sections 3.3 and 9.8). Who asks for classless routes gets them in the place of
    /// routers and static routes, which it would have to ignore (RFC 3442).
    fn requested<'b>(&'b self, numbers: &'b Numbers, options: &mut OptionList<'b>) {
        let list = self.request.message.options.get(codes::PARAMETER_REQUEST_LIST).filter(|list| !list.is_empty());
        let Some(list) = list else {
            for code in [codes::SUBNET_MASK, codes::ROUTERS].into_iter().chain(self.settings.codes()) {
                if !ONLY_WHEN_ASKED.contains(&code) {
                    self.add(code, numbers, options);
                }
            }
            return;
        };
        let wants_mask = list.contains(&codes::SUBNET_MASK);
        let has_routes =
            list.contains(&codes::CLASSLESS_ROUTES) && self.settings.option(codes::CLASSLESS_ROUTES).is_some();
        for &code in list {
            if has_routes && matches!(code, codes::ROUTERS | codes::STATIC_ROUTES) {
                self.add(codes::CLASSLESS_ROUTES, numbers, options);
                continue;
            }
            if code == codes::ROUTERS && wants_mask {
                self.add(codes::SUBNET_MASK, numbers, options);
            }
            self.add(code, numbers, options);
        }
    }

    fn add<'b>(&'b self, code: u8, numbers: &'b Numbers, options: &mut OptionList<'b>) {
        let own = || match code {
            codes::SUBNET_MASK => Some(&numbers.mask[..]),
            codes::SERVER_NAME => non_empty(self.settings.server_name()),
            codes::BOOT_FILE => non_empty(self.settings.boot_file()),
            _ => None,
        };
        if is_set_by_server(code) {
            return;
        }
        if let Some(value) = self.settings.option(code).or_else(own) {
            options.push(code, value);
        }
    }

    fn limit(&self, kind: Kind) -> usize {
        let asked = self.request.message.options.u16(codes::MAXIMUM_MESSAGE_SIZE).map_or(DATAGRAM_MIN, usize::from);
        match kind {
            Kind::Bootp(_) => self.request.length.clamp(BOOTP_MIN, DATAGRAM_MIN - IP_UDP_HEADERS),
            Kind::Offer(..) | Kind::Ack(..) | Kind::Inform | Kind::NoAddress => {
                asked.clamp(DATAGRAM_MIN, DATAGRAM_MAX) - IP_UDP_HEADERS
            }
        }
    }
}

/// Appends a DHCPNAK to `out` (RFC 2131 table 3): nothing but type, server, reason and what is echoed.
pub fn compose_nak(request: &Request<'_>, server: Ipv4Addr, why: &Refusal<'_>, out: &mut Vec<u8>) -> Fit {
    let asked = &request.message.header;
    let none = Ipv4Addr::UNSPECIFIED;
    // The relay is to broadcast it: the client may not have the address that it thinks it has (section 4.3.2).
    let flags = if request.is_relayed() { asked.flags | FLAG_BROADCAST } else { asked.flags };
    let header =
        Header { op: BOOTREPLY, hops: 0, secs: 0, flags, ciaddr: none, yiaddr: none, siaddr: none, ..asked.clone() };
    let message_type = [u8::from(MessageType::Nak)];
    let server = server.octets();
    let mut options = OptionList::new();
    options.push(codes::MESSAGE_TYPE, &message_type);
    options.push(codes::SERVER_IDENTIFIER, &server);
    options.push(codes::MESSAGE, why.text.as_bytes());
    let sent = &request.message.options;
    for code in why.echo.iter().copied() {
        if let Some(value) = sent.get(code) {
            options.push(code, value);
        }
    }
    let reply = Reply {
        header: &header,
        server_name: &[],
        boot_file: &[],
        options: options.entries(),
        relay_information: sent.get(codes::RELAY_INFORMATION),
        limit: DATAGRAM_MIN - IP_UDP_HEADERS,
        bootp: false,
    };
    emit(&reply, out)
}

/// Why a NAK is sent, and which options of the request it carries back.
#[derive(Clone, Copy, Debug)]
pub struct Refusal<'a> {
    /// Option 56.
    pub text: &'a str,
    /// Option 61 where clients are told theirs (RFC 6842), option 118 where it was honoured.
    pub echo: &'a [u8],
}

/// Where an OFFER or ACK goes (RFC 2131 section 4.1). `address` is what it gives.
#[must_use]
pub fn destination(request: &Request<'_>, server: Ipv4Addr, address: Ipv4Addr, port: u16) -> Destination {
    let header = &request.message.header;
    if request.is_relayed() {
        return to_relay(request, port);
    }
    let client_port = port.saturating_add(1);
    if !header.ciaddr.is_unspecified() {
        let to = SocketAddrV4::new(header.ciaddr, client_port);
        return Destination::Udp { interface: None, source: server, to };
    }
    let ethernet = header.htype == HTYPE_ETHERNET && header.hlen == 6;
    if header.flags & FLAG_BROADCAST == 0 && ethernet && !address.is_unspecified() {
        let [a, b, c, d, e, f, ..] = header.chaddr;
        return Destination::Link {
            interface: request.arrival.interface,
            hardware: [a, b, c, d, e, f],
            source: server,
            to: SocketAddrV4::new(address, client_port),
        };
    }
    broadcast(request, server, port)
}

/// Where a NAK goes: to the relay, or broadcast, whatever the flag and `ciaddr` say.
#[must_use]
pub fn nak_destination(request: &Request<'_>, server: Ipv4Addr, port: u16) -> Destination {
    if request.is_relayed() { to_relay(request, port) } else { broadcast(request, server, port) }
}

/// To the relay's address: port 67, or the port that it sent from where it says so (RFC 8357), or where the
/// server itself does not use port 67.
fn to_relay(request: &Request<'_>, port: u16) -> Destination {
    let own_port = port != RELAY_PORT || request.relay().is_some_and(|relay| relay.has_relay_source_port());
    let to_port = if own_port { request.arrival.source.port() } else { RELAY_PORT };
    let to = SocketAddrV4::new(request.message.header.giaddr, to_port);
    let written_to = request.arrival.destination;
    let source = if super::scope::is_unicast(&request.arrival) { written_to } else { Ipv4Addr::UNSPECIFIED };
    Destination::Udp { interface: None, source, to }
}

fn broadcast(request: &Request<'_>, server: Ipv4Addr, port: u16) -> Destination {
    let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, port.saturating_add(1));
    Destination::Udp { interface: Some(request.arrival.interface), source: server, to }
}

/// Values that the server itself puts in, as octets.
struct Numbers {
    message_type: [u8; 1],
    server: [u8; 4],
    mask: [u8; 4],
    lease: Option<[u8; 4]>,
    renewal: Option<([u8; 4], [u8; 4])>,
}

impl Numbers {
    fn new(draft: &Draft<'_>, kind: Kind) -> Numbers {
        let (message_type, lease) = match kind {
            Kind::Offer(_, lease) => (MessageType::Offer, Some(lease)),
            Kind::Ack(_, lease) => (MessageType::Ack, Some(lease)),
            Kind::Inform | Kind::Bootp(_) => (MessageType::Ack, None),
            Kind::NoAddress => (MessageType::Offer, None),
        };
        let renewal = lease.and_then(|lease| renewal_times(&draft.settings, lease));
        Numbers {
            message_type: [u8::from(message_type)],
            server: draft.server.octets(),
            mask: draft.settings.subnet.network.mask().octets(),
            lease: lease.map(|lease| lease.0.to_be_bytes()),
            renewal: renewal.map(|(t1, t2)| (t1.0.to_be_bytes(), t2.0.to_be_bytes())),
        }
    }
}

/// Options of one reply, each code once, in the order in which they were pushed.
struct OptionList<'a> {
    entries: [(u8, &'a [u8]); OPTIONS_MAX],
    length: usize,
    seen: [u64; 4],
}

impl<'a> OptionList<'a> {
    fn new() -> OptionList<'a> {
        OptionList { entries: [(0, &[]); OPTIONS_MAX], length: 0, seen: [0; 4] }
    }

    fn push(&mut self, code: u8, value: &'a [u8]) {
        let (word, bit) = (usize::from(code) / 64, 1_u64 << (code % 64));
        if self.seen[word] & bit != 0 || self.length == OPTIONS_MAX {
            return;
        }
        self.seen[word] |= bit;
        self.entries[self.length] = (code, value);
        self.length += 1;
    }

    fn entries(&self) -> &[(u8, &'a [u8])] {
        &self.entries[..self.length]
    }
}

/// Options whose values are the server's own and never those of the configuration's lists, or that no reply carries.
fn is_set_by_server(code: u8) -> bool {
    matches!(
        code,
        codes::REQUESTED_ADDRESS
            | codes::LEASE_TIME
            | codes::OVERLOAD
            | codes::MESSAGE_TYPE
            | codes::SERVER_IDENTIFIER
            | codes::PARAMETER_REQUEST_LIST
            | codes::MESSAGE
            | codes::MAXIMUM_MESSAGE_SIZE
            | codes::RENEWAL_TIME
            | codes::REBINDING_TIME
            | codes::CLIENT_IDENTIFIER
            | codes::RELAY_INFORMATION
            | codes::AUTO_CONFIGURE
            | codes::SUBNET_SELECTION
    )
}

fn non_empty(text: &str) -> Option<&[u8]> {
    (!text.is_empty()).then_some(text.as_bytes())
}
