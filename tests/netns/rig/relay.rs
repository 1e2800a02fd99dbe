//! Many clients behind a relay: one plain socket on the port of DHCP servers, as a relay has it.

use std::collections::HashMap;
use std::net::{Ipv4Addr, UdpSocket};
use std::time::{Duration, Instant};

use super::host::Host;
use super::packet::{ACK, Ask, DISCOVER, Heard, OFFER, REQUEST};
use super::raw::mac;

/// Exchanges under way at a time.
const WINDOW: u32 = 32;
/// After so long a client begins anew.
const PATIENCE: Duration = Duration::from_millis(700);

/// A relay of the tests: its clients are numbers.
pub(crate) struct RelaySocket {
    socket: UdpSocket,
    wordiness: usize,
    address: Ipv4Addr,
    server: Ipv4Addr,
}

impl RelaySocket {
    /// Binds port 67 of `address`, which `host` must have.
    pub(crate) fn new(host: &Host, address: Ipv4Addr, server: Ipv4Addr) -> RelaySocket {
        let socket = host.inside(move || UdpSocket::bind((address, 67)).expect("binding the relay's port"));
        socket.set_read_timeout(Some(Duration::from_millis(10))).expect("a read timeout");
        RelaySocket { socket, wordiness: 0, address, server }
    }

    /// Makes every client send an identifier of `octets` octets, which the server has to keep.
    pub(crate) fn with_identifiers(self, octets: usize) -> RelaySocket {
        RelaySocket { wordiness: octets, ..self }
    }

    /// Sends a message on, with the relay's address in it.
    pub(crate) fn send(&self, mut ask: Ask) {
        ask.relay_address = self.address;
        if self.wordiness > 0 {
            let identifier: Vec<u8> = ask.hardware.iter().copied().cycle().take(self.wordiness).collect();
            ask = ask.with(61, &identifier);
        }
        // A server that was just killed leaves a refused port behind; that is no matter of the relay.
        let _ = self.socket.send_to(&ask.bytes(), (self.server, 67));
    }

    /// The next reply, if one comes at once.
    pub(crate) fn hear(&self) -> Option<Heard> {
        let mut buffer = [0; 2048];
        let length = self.socket.recv(&mut buffer).ok()?;
        Heard::from_payload(&buffer[..length]).filter(Heard::is_reply)
    }

    /// Sends a message up to five times and waits for a reply.
    pub(crate) fn ask(&self, ask: &Ask) -> Option<Heard> {
        for _ in 0..5 {
            self.send(ask.clone());
            let end = Instant::now() + PATIENCE;
            while Instant::now() < end {
                let heard = self.hear();
                if heard.as_ref().is_some_and(|heard| heard.xid() == ask.xid) {
                    return heard;
                }
            }
        }
        None
    }

    /// Leases by as many clients as it can, numbered from `first`, until `is_over` holds; gives each ACK that
    /// arrived: client and address.
    ///
    /// `is_over` is asked with the number of ACKs so far. After it held, ACKs that are on their way are still taken.
    pub(crate) fn load(&self, first: u32, mut is_over: impl FnMut(usize) -> bool) -> HashMap<u32, Ipv4Addr> {
        let mut acked = HashMap::new();
        let mut under_way: HashMap<u32, Instant> = HashMap::new();
        let mut next = first;
        while !is_over(acked.len()) {
            while under_way.len() < WINDOW as usize {
                under_way.insert(next, Instant::now());
                self.send(Ask::new(DISCOVER, mac(next)));
                next += 1;
            }
            self.take(&mut under_way, &mut acked);
            for (client, since) in under_way.iter_mut().filter(|(_, since)| since.elapsed() > PATIENCE) {
                *since = Instant::now();
                self.send(Ask::new(DISCOVER, mac(*client)));
            }
        }
        while self.take(&mut under_way, &mut acked) {}
        acked
    }

    /// Has `clients` ask for their addresses as after a reboot (INIT-REBOOT); gives those that got no ACK for it.
    pub(crate) fn reboot(&self, clients: &HashMap<u32, Ipv4Addr>) -> Vec<(u32, Ipv4Addr)> {
        let mut missing: HashMap<u32, Ipv4Addr> = clients.clone();
        for _ in 0..5 {
            let round: Vec<(u32, Ipv4Addr)> = missing.iter().map(|(client, address)| (*client, *address)).collect();
            for slice in round.chunks(WINDOW as usize) {
                for (client, address) in slice {
                    self.send(Ask::new(REQUEST, mac(*client)).with_address(50, *address));
                }
                let end = Instant::now() + PATIENCE;
                let mut open: Vec<u32> = slice.iter().map(|(client, _)| *client).collect();
                while !open.is_empty() && Instant::now() < end {
                    let Some(heard) = self.hear() else { continue };
                    let client = number(&heard);
                    if heard.kind() == ACK && missing.get(&client) == Some(&heard.yours()) {
                        missing.remove(&client);
                    }
                    open.retain(|waiting| *waiting != client);
                }
            }
        }
        missing.into_iter().collect()
    }

    /// Takes one reply; whether one came.
    fn take(&self, under_way: &mut HashMap<u32, Instant>, acked: &mut HashMap<u32, Ipv4Addr>) -> bool {
        let Some(heard) = self.hear() else {
            return false;
        };
        let client = number(&heard);
        if heard.kind() == OFFER && under_way.contains_key(&client) {
            self.send(Ask::select(&heard));
        } else if heard.kind() == ACK {
            under_way.remove(&client);
            acked.insert(client, heard.yours());
        }
        true
    }
}

/// The client that [`mac`] made.
fn number(heard: &Heard) -> u32 {
    let [_, _, _, b, c, d] = heard.hardware();
    u32::from_be_bytes([0, b, c, d])
}
