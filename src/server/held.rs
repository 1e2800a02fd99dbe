//! Messages for subnets that are on their way to this server: the newest of each client is kept for a moment and
//! answered when the subnet is taken, so that a return of control delays an answer instead of losing it.

use std::collections::VecDeque;
use std::time::Duration;

use super::event::Arrival;
use super::offers::ClientOnLink;
use crate::clock::Mono;
use crate::config::Network;

/// Messages kept; the oldest goes first.
const HELD_MAX: usize = 1_024;
/// After this time the client has sent again, or has asked somebody else.
const KEPT: Duration = Duration::from_secs(1);

/// One message.
#[derive(Debug)]
pub struct HeldMessage {
    /// Its octets.
    pub bytes: Vec<u8>,
    /// Where it came in.
    pub arrival: Arrival,
    client: ClientOnLink,
    subnet: Network,
    came: Mono,
}

/// All messages that wait.
#[derive(Debug, Default)]
pub struct Held {
    messages: VecDeque<HeldMessage>,
}

impl Held {
    /// Keeps a message in place of an older one of the same client.
    pub fn keep(&mut self, client: ClientOnLink, subnet: Network, (arrival, bytes): (Arrival, &[u8]), now: Mono) {
        self.messages.retain(|held| held.client != client && now.since(held.came) < KEPT);
        if self.messages.len() == HELD_MAX {
            self.messages.pop_front();
        }
        self.messages.push_back(HeldMessage { bytes: bytes.to_vec(), arrival, client, subnet, came: now });
    }

    /// Takes the messages for `subnets` that are not too old.
    pub fn take(&mut self, subnets: &[Network], now: Mono) -> Vec<HeldMessage> {
        if self.messages.is_empty() || subnets.is_empty() {
            return Vec::new();
        }
        let all = self.messages.drain(..).filter(|held| now.since(held.came) < KEPT);
        let (taken, left): (Vec<_>, Vec<_>) = all.partition(|held| subnets.contains(&held.subnet));
        self.messages = left.into();
        taken
    }

    /// Takes all messages that are not too old: every subnet is served now.
    pub fn take_all(&mut self, now: Mono) -> Vec<HeldMessage> {
        self.messages.drain(..).filter(|held| now.since(held.came) < KEPT).collect()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}
