//! The clients' own list: what they were told, by whom, when, and whether it can all be true.
//!
//! All crowds of a scenario write into one ledger, so that an address that two servers gave to two clients on two
//! sides of a partition is found. An address is held from its ACK to the end of the lease, to a NAK, or to a RELEASE.

use std::collections::HashMap;
use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::node::Node;
use crate::rig::host::comes_true;

/// A client, by its hardware address.
pub(crate) type Mac = [u8; 6];

/// What a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// A first address: DISCOVER and REQUEST.
    New,
    /// Its own again: RENEWING or REBINDING.
    Renewal,
    /// Its own again after a reboot: INIT-REBOOT.
    Reboot,
}

/// One ACK that arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack {
    pub(crate) at: Instant,
    /// From the first message of the client to this ACK.
    pub(crate) waited: Duration,
    pub(crate) client: Mac,
    pub(crate) relay: Ipv4Addr,
    pub(crate) address: Ipv4Addr,
    pub(crate) server: Ipv4Addr,
    pub(crate) lease: Duration,
    pub(crate) how: How,
}

/// An address in a client's hand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Holding {
    pub(crate) client: Mac,
    pub(crate) until: Instant,
    pub(crate) server: Ipv4Addr,
}

/// All that the clients saw.
#[derive(Default)]
pub(crate) struct Ledger {
    pub(crate) acks: Vec<Ack>,
    pub(crate) holdings: HashMap<Ipv4Addr, Holding>,
    /// An address was given to a second client before the first one's lease had ended.
    pub(crate) duplicates: Vec<String>,
    /// A client was refused a lease that had not ended.
    pub(crate) refused: Vec<String>,
    /// A lease ended though its client asked for more, or came back another.
    pub(crate) lost: Vec<String>,
    /// One message was answered by two servers.
    pub(crate) two_voices: Vec<String>,
    begun: Option<Instant>,
}

impl Ledger {
    /// Writes an ACK down.
    pub(crate) fn on_ack(&mut self, ack: Ack) {
        let at = self.moment(ack.at);
        let new = Holding { client: ack.client, until: ack.at + ack.lease, server: ack.server };
        if let Some(before) = self.holdings.insert(ack.address, new)
            && before.client != ack.client
            && before.until > ack.at
        {
            let rest = before.until - ack.at;
            self.duplicates.push(format!(
                "{at}: {} to {} by {}; {} holds it from {} for {rest:.1?} more",
                ack.address,
                name(ack.client),
                ack.server,
                name(before.client),
                before.server
            ));
        }
        self.acks.push(ack);
    }

    /// A client has its address no longer.
    pub(crate) fn on_end(&mut self, client: Mac, address: Ipv4Addr) {
        if self.holdings.get(&address).is_some_and(|holding| holding.client == client) {
            self.holdings.remove(&address);
        }
    }

    /// Writes down what should not have been, with its time.
    pub(crate) fn note(&mut self, which: Wrong, now: Instant, what: String) {
        let line = format!("{}: {what}", self.moment(now));
        match which {
            Wrong::Refused => self.refused.push(line),
            Wrong::Lost => self.lost.push(line),
            Wrong::TwoVoices => self.two_voices.push(line),
        }
    }

    fn moment(&mut self, at: Instant) -> String {
        let begun = *self.begun.get_or_insert(at);
        format!("{:.3} s", at.saturating_duration_since(begun).as_secs_f64())
    }
}

/// What a client can see go wrong besides a duplicate.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wrong {
    Refused,
    Lost,
    TwoVoices,
}

/// A ledger that crowds write and tests read.
#[derive(Clone, Default)]
pub(crate) struct Observer(Arc<Mutex<Ledger>>);

impl Observer {
    /// The ledger itself.
    pub(crate) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().expect("the ledger")
    }

    /// The first ACK after `since` of clients that asked so, if it comes within `patience`.
    pub(crate) fn first_ack(&self, since: Instant, how: How, patience: Duration) -> Option<Ack> {
        self.first_that(since, patience, |ack| ack.how == how)
    }

    /// The first ACK after `since` that a server gave.
    pub(crate) fn first_of(&self, server: Ipv4Addr, since: Instant, patience: Duration) -> Option<Ack> {
        self.first_that(since, patience, |ack| ack.server == server)
    }

    /// The first ACK after `since` that a server gave to a client that asked so.
    pub(crate) fn first_answer(&self, server: Ipv4Addr, how: How, since: Instant, patience: Duration) -> Option<Ack> {
        self.first_that(since, patience, |ack| ack.server == server && ack.how == how)
    }

    fn first_that(&self, since: Instant, patience: Duration, wanted: impl Fn(&Ack) -> bool) -> Option<Ack> {
        let mut found = None;
        comes_true(patience, || {
            found = self.ledger().acks.iter().find(|ack| ack.at > since && wanted(ack)).copied();
            found.is_some()
        });
        found
    }

    /// Waits until so many clients hold an address.
    pub(crate) fn wait_for_holders(&self, count: usize) {
        let patience = Duration::from_secs(20);
        let come = comes_true(patience, || self.holders() >= count);
        assert!(come, "{} of {count} clients have an address after {patience:?}", self.holders());
    }

    /// Waits until so many ACKs came after `since`.
    pub(crate) fn wait_for_acks(&self, since: Instant, count: usize) {
        let patience = Duration::from_secs(10);
        let so_far = || self.ledger().acks.iter().filter(|ack| ack.at > since).count();
        assert!(comes_true(patience, || so_far() >= count), "{} of {count} ACKs in {patience:?}", so_far());
    }

    /// How many clients hold an address now.
    pub(crate) fn holders(&self) -> usize {
        let now = Instant::now();
        self.ledger().holdings.values().filter(|holding| holding.until > now).count()
    }

    /// The longest time without any ACK behind `relay` from `from` until now; the crowd must ask all the time.
    pub(crate) fn blackout(&self, relay: Ipv4Addr, from: Instant) -> Duration {
        let ledger = self.ledger();
        let mut last = from;
        let mut longest = Duration::ZERO;
        for ack in ledger.acks.iter().filter(|ack| ack.relay == relay && ack.at > from) {
            longest = longest.max(ack.at - last);
            last = ack.at;
        }
        longest.max(Instant::now().saturating_duration_since(last))
    }

    /// The longest wait of a client for its ACK, of those that came after `from`.
    pub(crate) fn longest_wait(&self, from: Instant) -> Duration {
        let ledger = self.ledger();
        ledger.acks.iter().filter(|ack| ack.at > from).map(|ack| ack.waited).max().unwrap_or_default()
    }

    /// Leases that clients hold and that `node` does not know as theirs; those that end within the second are left out.
    pub(crate) fn missing_at(&self, node: &Node) -> Vec<String> {
        let soon = Instant::now() + Duration::from_secs(1);
        let held: Vec<(Ipv4Addr, Holding)> =
            self.ledger().holdings.iter().map(|(address, holding)| (*address, *holding)).collect();
        let known = node.active_leases();
        let is_missing = |(address, holding): &(Ipv4Addr, Holding)| {
            holding.until > soon && known.get(address) != Some(&name(holding.client))
        };
        let missing = held.into_iter().filter(is_missing);
        missing.map(|(address, holding)| format!("{address} of {}", name(holding.client))).collect()
    }

    /// Fails unless every lease in a client's hand is in the table of `node` within `patience`.
    pub(crate) fn must_be_known_at(&self, node: &Node, patience: Duration) {
        let mut missing = Vec::new();
        let known = comes_true(patience, || {
            missing = self.missing_at(node);
            missing.is_empty()
        });
        assert!(known, "leases that {} does not know after {patience:?}: {missing:?}", node.name());
    }

    /// Prints the figures of a scenario past the capture of the harness, and fails when a client saw anything wrong.
    pub(crate) fn settle(&self, scenario: &str, figures: &[(&str, f64)]) {
        self.print(scenario, figures);
        let ledger = self.ledger();
        for (what, list) in [("duplicates", &ledger.duplicates), ("refused", &ledger.refused), ("lost", &ledger.lost)] {
            assert!(list.is_empty(), "{scenario}: {what}:\n{}", list.join("\n"));
        }
    }

    /// As [`Observer::settle`], of two servers that were in contact all the time: none of them answers for the other.
    pub(crate) fn settle_with_one_voice(&self, scenario: &str, figures: &[(&str, f64)]) {
        self.settle(scenario, figures);
        let voices = self.ledger().two_voices.clone();
        assert!(voices.is_empty(), "{scenario}: answered by two servers:\n{}", voices.join("\n"));
    }

    /// Prints the figures of a scenario past the capture of the harness.
    pub(crate) fn print(&self, scenario: &str, figures: &[(&str, f64)]) {
        let ledger = self.ledger();
        let mut line = format!("FIGURES: {scenario}:");
        for (what, value) in figures {
            line += &format!(" {what} {value:.3},");
        }
        line += &format!(
            " acks {}, duplicates {}, refused {}, lost {}, two voices {}\n",
            ledger.acks.len(),
            ledger.duplicates.len(),
            ledger.refused.len(),
            ledger.lost.len(),
            ledger.two_voices.len()
        );
        // A closed terminal must not fail the test.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// A hardware address as understudyctl writes it.
pub(crate) fn name(client: Mac) -> String {
    let octets: Vec<String> = client.iter().map(|octet| format!("{octet:02x}")).collect();
    octets.join(":")
}
