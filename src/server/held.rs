//! Messages that came while this server was silent and may serve a moment later: the newest of each client is answered
//! then, so that a move of control delays an answer instead of losing it.
//!
//! A primary keeps them while its subnets come, a failover always: it cannot know when it will have to serve.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::event::Arrival;
use super::offers::ClientOnLink;
use crate::clock::{Mono, Now, Wall};
use crate::config::Network;

/// Messages kept; the oldest goes first.
pub(super) const HELD_MAX: usize = 1_024;
/// After this time the client has sent again, or has asked somebody else.
const KEPT: Duration = Duration::from_secs(1);

/// One message.
#[derive(Clone, Debug)]
pub struct HeldMessage {
    /// Its octets.
    pub bytes: Vec<u8>,
    /// Where it came in.
    pub arrival: Arrival,
    /// The subnet that it is of.
    pub subnet: Network,
    /// When it was read, on the lease clock.
    pub came: Wall,
    client: ClientOnLink,
    /// When it was read, on the monotonic clock.
    pub since: Mono,
    /// How long before that it may have come: while a turn runs, nothing is read.
    pub waited: Duration,
}

/// All messages that wait, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Held {
    messages: VecDeque<HeldMessage>,
    /// The length of the last turn.
    last_turn: Duration,
}

impl Held {
    /// Number of messages.
    pub(super) fn len(&self) -> usize {
        self.messages.len()
    }

    /// The last turn took so long.
    pub fn note_turn(&mut self, length: Duration) {
        self.last_turn = length;
    }

    /// Keeps a message. The memory of those that are too old is used again, so that a server which sleeps for years
    /// takes none for each packet.
    pub fn keep(&mut self, client: ClientOnLink, subnet: Network, (arrival, octets): (Arrival, &[u8]), came: Now) {
        let mut bytes = Vec::new();
        while let Some(oldest) = self.messages.front()
            && (self.messages.len() == HELD_MAX || came.mono.since(oldest.since) >= KEPT)
        {
            bytes = self.messages.pop_front().map(|message| message.bytes).unwrap_or_default();
        }
        bytes.clear();
        bytes.extend_from_slice(octets);
        let (waited, since, came) = (self.last_turn, came.mono, came.wall);
        self.messages.push_back(HeldMessage { bytes, arrival, subnet, came, client, since, waited });
    }

    /// Takes the newest message of each client, of the subnets that are `served` now, if it is not too old.
    pub fn take(&mut self, now: Mono, served: impl Fn(Network) -> bool) -> Vec<HeldMessage> {
        let all = self.messages.drain(..).filter(|held| now.since(held.since) < KEPT);
        let (mut taken, left): (Vec<_>, Vec<_>) = all.partition(|held| served(held.subnet));
        self.messages = left.into();
        let mut seen = BTreeSet::new();
        taken.reverse();
        taken.retain(|held| seen.insert(held.client));
        taken.reverse();
        taken
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddrV4};

    use super::*;
    use crate::server::event::InterfaceId;

    fn now(millis: u64) -> Now {
        Now { mono: Mono::from_nanos(millis * 1_000_000), wall: Wall::from_millis(millis) }
    }

    fn keep(held: &mut Held, client: u64, octet: u8, millis: u64) {
        let source = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
        let arrival = Arrival { interface: InterfaceId(1), source, destination: Ipv4Addr::BROADCAST };
        held.keep(ClientOnLink(client), subnet(1), (arrival, &[octet]), now(millis));
    }

    fn subnet(third: u8) -> Network {
        Network { address: Ipv4Addr::new(10, 1, third, 0), prefix: 24 }
    }

    fn octets(taken: &[HeldMessage]) -> Vec<u8> {
        taken.iter().flat_map(|message| message.bytes.clone()).collect()
    }

    #[test]
    fn the_newest_message_of_each_client_is_taken_once_and_an_old_one_never() {
        let mut held = Held::default();
        keep(&mut held, 1, 10, 0);
        keep(&mut held, 2, 20, 500);
        keep(&mut held, 3, 30, 600);
        keep(&mut held, 2, 21, 700);
        let at = now(1_100).mono;
        assert!(held.take(at, |network| network == subnet(2)).is_empty());
        assert_eq!(octets(&held.take(at, |network| network == subnet(1))), [30, 21]);
        assert!(held.take(at, |_| true).is_empty());
    }

    #[test]
    fn no_more_than_the_bound_are_kept_and_the_newest_stay() {
        let mut held = Held::default();
        for client in 0..HELD_MAX as u64 + 5 {
            keep(&mut held, client, u8::from(client >= HELD_MAX as u64), 1);
        }
        let taken = held.take(now(2).mono, |_| true);
        assert_eq!((taken.len(), octets(&taken).iter().filter(|octet| **octet == 1).count()), (HELD_MAX, 5));
    }
}
