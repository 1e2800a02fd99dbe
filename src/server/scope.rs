//! Scope: on which link a client sits, told by what its message came through.
//!
//! The order is: link selection in option 82 (RFC 3527), the subnet selection option where it is switched on
//! (RFC 3011), the relay's address, the client's own address when it writes to the server directly from another
//! subnet, the interface. What names a subnet that is not configured yields no link: nothing is given from elsewhere.

use std::net::Ipv4Addr;

use super::directory::Directory;
use super::event::{Arrival, Interface, InterfaceId};
use crate::wire::codes;
use crate::wire::dhcp::Message;
use crate::wire::relay::RelayInformation;

/// The subnet that a message names, by index; `None` when it names none of ours.
#[must_use]
pub fn subnet_for(
    directory: &Directory,
    interfaces: &[Interface],
    arrival: &Arrival,
    message: &Message<'_>,
) -> Option<usize> {
    let header = &message.header;
    let relayed = !header.giaddr.is_unspecified();
    let relay = message.options.get(codes::RELAY_INFORMATION).map(RelayInformation::new);
    if relayed && let Some(selected) = relay.and_then(|relay| relay.link_selection()) {
        return directory.subnet_of(selected);
    }
    if directory.config().global.subnet_selection
        && let Some(selected) = message.options.address(codes::SUBNET_SELECTION)
    {
        return directory.subnet_of(selected);
    }
    if relayed {
        return directory.subnet_of_relay(header.giaddr);
    }
    if !header.ciaddr.is_unspecified() && is_unicast(arrival) {
        // An address of no subnet of ours is judged, and refused, where its message came in.
        if let Some(subnet) = directory.subnet_of(header.ciaddr) {
            return Some(subnet);
        }
    }
    on_interface(directory, interfaces, arrival.interface)
}

/// Whether a message was sent to one of our addresses rather than broadcast.
#[must_use]
pub fn is_unicast(arrival: &Arrival) -> bool {
    !arrival.destination.is_broadcast() && !arrival.destination.is_unspecified()
}

/// The subnet of clients that sit on an interface: by `Interface =`, else by the interface's own addresses.
#[must_use]
pub fn on_interface(directory: &Directory, interfaces: &[Interface], id: InterfaceId) -> Option<usize> {
    let interface = interface_of(interfaces, id)?;
    if let Some(named) = directory.subnets_of_interface(&interface.name).next() {
        return Some(named);
    }
    let elsewhere = |&subnet: &usize| directory.subnet(subnet).interface.is_none();
    interface.addresses.iter().find_map(|&(address, _)| directory.subnet_of(address).filter(elsewhere))
}

/// The interface with `id`; where the system does not tell the arrival interface, the only one there is.
#[must_use]
pub fn interface_of(interfaces: &[Interface], id: InterfaceId) -> Option<&Interface> {
    interfaces.iter().find(|interface| interface.id == id)
}

/// Whether `address` is one of this server's.
#[must_use]
pub fn is_ours(directory: &Directory, interfaces: &[Interface], address: Ipv4Addr) -> bool {
    directory.config().server.address == Some(address)
        || interfaces.iter().any(|interface| interface.addresses.iter().any(|entry| entry.0 == address))
}

/// The address that this server goes by in an answer (option 54, RFC 2131 section 4.1): ServerAddress, else
/// the address that the message was sent to, else the interface's address on the client's subnet, else its first.
#[must_use]
pub fn server_address(
    directory: &Directory,
    interfaces: &[Interface],
    arrival: &Arrival,
    subnet: usize,
) -> Option<Ipv4Addr> {
    if let Some(address) = directory.config().server.address {
        return Some(address);
    }
    let interface = interface_of(interfaces, arrival.interface);
    let all = || interface.into_iter().flat_map(|interface| &interface.addresses).map(|entry| entry.0);
    let network = directory.subnet(subnet).network;
    let written_to = Some(arrival.destination).filter(|&to| is_ours(directory, interfaces, to));
    written_to.or_else(|| all().find(|&address| network.contains(address))).or_else(|| all().next())
}
