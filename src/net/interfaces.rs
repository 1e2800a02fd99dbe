//! The network interfaces of the host: which exist, which are served, and how frames leave by them.
//!
//! The system is asked at start, every few seconds, and when a packet comes in by an interface that is not known
//! yet. The server is told only of what is served, and only when that changed.

use std::net::Ipv4Addr;
use std::time::Duration;

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use nix::net::if_::{InterfaceFlags, if_nametoindex};
use nix::sys::socket::{LinkAddr, SockaddrStorage};

use super::system;
use crate::clock::Mono;
use crate::server::event::{Interface, InterfaceId};

/// How often the system is asked: an address that an operator adds is served this soon.
const ASK_EVERY: Duration = Duration::from_secs(5);

/// The shortest time between two questions that packets from unknown interfaces provoke.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What is known of the interfaces.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    found: Vec<Found>,
    /// Indexes of the served ones, sorted: asked for each packet.
    served: Vec<InterfaceId>,
    /// What the server was told last; `None`: nothing yet.
    told: Option<Vec<Interface>>,
    /// Interfaces as last configured; empty: all.
    wanted: Vec<String>,
    /// Those of them that are not there.
    missing: Vec<String>,
    asked: Option<Mono>,
    unknown_seen: bool,
}

/// One interface as the system has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    interface: Interface,
    flags: InterfaceFlags,
    link: Option<LinkAddr>,
}

/// Whether a packet may be handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    /// Its interface is served: count it as arrived there.
    Served(InterfaceId),
    /// Its interface is not among those to serve, or not known.
    Not,
}

impl Interfaces {
    /// Asks the system when it is time, or `wanted` is not what it was, and returns the served interfaces when they
    /// are others than before.
    pub(crate) fn refresh(&mut self, now: Mono, wanted: &[String]) -> Option<Vec<Interface>> {
        if self.wanted != wanted {
            self.wanted = wanted.to_vec();
            self.asked = None;
        }
        if self.asked.is_some_and(|asked| now < asked + self.patience()) {
            return None;
        }
        self.asked = Some(now);
        self.unknown_seen = false;
        match getifaddrs() {
            Ok(addresses) => self.found = gather(addresses),
            Err(errno) => {
                log::warn!("network interfaces: getifaddrs: {errno}; asked again in {} s", ASK_EVERY.as_secs())
            }
        }
        self.choose()
    }

    /// When the system is to be asked again.
    pub(crate) fn due(&self) -> Option<Mono> {
        self.asked.map(|asked| asked + self.patience())
    }

    /// Whether packets that came in by `arrival` are handed on. Interface 0 means that the system did not tell: with
    /// exactly one served interface it was that one.
    pub(crate) fn service(&mut self, arrival: InterfaceId) -> Service {
        if arrival == InterfaceId(0) {
            return match self.served[..] {
                [only] => Service::Served(only),
                [] => Service::Not,
                [..] => Service::Served(arrival),
            };
        }
        if self.served.binary_search(&arrival).is_ok() {
            return Service::Served(arrival);
        }
        self.unknown_seen |= !self.found.iter().any(|found| found.interface.id == arrival);
        Service::Not
    }

    /// The main address of an interface.
    pub(crate) fn main_address(&self, id: InterfaceId) -> Option<Ipv4Addr> {
        let found = self.found.iter().find(|found| found.interface.id == id)?;
        found.interface.addresses.first().map(|(address, _)| *address)
    }

    /// The link address to send frames by, and its hardware address; `None` where no frames can be sent.
    pub(crate) fn link(&self, id: InterfaceId) -> Option<(LinkAddr, [u8; 6])> {
        let found = self.found.iter().find(|found| found.interface.id == id)?;
        let link = found.link?;
        Some((link, system::Frames::hardware(&link)?))
    }

    fn patience(&self) -> Duration {
        if self.unknown_seen { ASK_AGAIN_AFTER } else { ASK_EVERY }
    }

    fn choose(&mut self) -> Option<Vec<Interface>> {
        let served: Vec<Interface> = self
            .found
            .iter()
            .filter(|found| is_wanted(found, &self.wanted))
            .map(|found| found.interface.clone())
            .collect();
        let missing: Vec<String> =
            self.wanted.iter().filter(|name| !served.iter().any(|one| one.name == **name)).cloned().collect();
        for name in missing.iter().filter(|name| !self.missing.contains(name)) {
            log::warn!("interface {name}: not there or not up; it is served as soon as it is");
        }
        self.missing = missing;
        self.served = served.iter().map(|interface| interface.id).collect();
        self.served.sort_unstable();
        if self.told.as_ref() == Some(&served) {
            return None;
        }
        announce(&served);
        self.told = Some(served.clone());
        Some(served)
    }
}

/// Named: up. None named: up, not loopback, with an IPv4 address.
fn is_wanted(found: &Found, wanted: &[String]) -> bool {
    if !found.flags.contains(InterfaceFlags::IFF_UP) {
        return false;
    }
    if wanted.is_empty() {
        return !found.flags.contains(InterfaceFlags::IFF_LOOPBACK) && !found.interface.addresses.is_empty();
    }
    wanted.contains(&found.interface.name)
}

fn announce(served: &[Interface]) {
    if served.is_empty() {
        log::warn!("no network interface to serve: none is up with an IPv4 address, or none that Interfaces names");
    }
    for interface in served {
        let addresses: Vec<String> =
            interface.addresses.iter().map(|(address, prefix)| format!("{address}/{prefix}")).collect();
        let addresses = if addresses.is_empty() { "no IPv4 address".to_owned() } else { addresses.join(", ") };
        log::info!("serving interface {}: {addresses}", interface.name);
    }
}

/// One entry an interface from one entry an address, in the system's order.
fn gather(addresses: impl Iterator<Item = InterfaceAddress>) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for entry in addresses {
        // Linux names an address by its label, such as eth0:1; the interface is what precedes the colon.
        let name = entry.interface_name.split(':').next().unwrap_or_default();
        let place = all.iter().position(|found| found.interface.name == name).unwrap_or_else(|| {
            let id = InterfaceId(if_nametoindex(name).unwrap_or(0));
            let interface = Interface { id, name: name.to_owned(), addresses: Vec::new() };
            all.push(Found { interface, flags: entry.flags, link: None });
            all.len() - 1
        });
        let Some(address) = entry.address else { continue };
        if let Some(link) = address.as_link_addr() {
            all[place].link = Some(*link);
        } else if let Some(ip) = address.as_sockaddr_in() {
            all[place].interface.addresses.push((ip.ip(), prefix(entry.netmask.as_ref())));
        }
    }
    all.retain(|found| found.interface.id != InterfaceId(0));
    all
}

/// The length of a netmask; 32 where there is none.
fn prefix(netmask: Option<&SockaddrStorage>) -> u8 {
    let bits = netmask.and_then(SockaddrStorage::as_sockaddr_in).map_or(u32::MAX, |mask| mask.ip().to_bits());
    u8::try_from(bits.leading_ones()).unwrap_or(32)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: Mono = Mono::from_nanos(60_000_000_000);

    #[test]
    fn loopback_is_served_only_when_it_is_named() {
        let mut interfaces = Interfaces::default();
        let unnamed = interfaces.refresh(MIN, &[]).expect("the first question is always answered");
        assert!(unnamed.iter().all(|interface| interface.name != "lo" && interface.name != "lo0"));
        let loopback = interfaces
            .found
            .iter()
            .find(|found| found.flags.contains(InterfaceFlags::IFF_LOOPBACK))
            .expect("a host has a loopback interface")
            .clone();
        assert_eq!(interfaces.service(loopback.interface.id), Service::Not);
        let named =
            interfaces.refresh(MIN, std::slice::from_ref(&loopback.interface.name)).expect("others than before");
        assert_eq!(named, std::slice::from_ref(&loopback.interface));
        assert!(named[0].addresses.contains(&(Ipv4Addr::LOCALHOST, 8)));
        assert_eq!(interfaces.service(loopback.interface.id), Service::Served(loopback.interface.id));
        assert_eq!(interfaces.service(InterfaceId(0)), Service::Served(loopback.interface.id), "the only one");
        assert_eq!(interfaces.link(loopback.interface.id), None, "loopback takes no Ethernet frames");
    }

    #[test]
    fn nothing_is_told_twice_and_a_packet_from_an_unknown_interface_shortens_the_wait() {
        let mut interfaces = Interfaces::default();
        assert!(interfaces.refresh(MIN, &[]).is_some());
        assert_eq!(interfaces.due(), Some(MIN + ASK_EVERY));
        assert!(interfaces.refresh(MIN + ASK_EVERY, &[]).is_none(), "nothing changed");
        assert_eq!(interfaces.service(InterfaceId(u32::MAX)), Service::Not);
        assert_eq!(interfaces.due(), Some(MIN + ASK_EVERY + ASK_AGAIN_AFTER));
    }
}
