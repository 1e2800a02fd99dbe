//! A scene: a pair in one process, and a ledger of what its clients were promised.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::lease::Binding;

use crate::support::client::Message;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, Reply, kind};
use crate::table::Finding;

/// How long a client waits for one server.
const PATIENCE: Duration = Duration::from_secs(2);

/// A pair with one address, the primary's, and leases of a minute; out of contact it gives nothing unsettled.
pub(crate) fn scarce() -> PairSetup {
    let one = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";
    PairSetup::new().subnets(one).policy("DefaultLease = 60").primary("StrictShares = True")
}

/// A pair with four addresses, two of each server; out of contact the primary gives nothing unsettled.
pub(crate) fn shared() -> PairSetup {
    let few = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.53\n[Subnet 10.2.0.0/24]\nRange = 10.2.0.50\n";
    PairSetup::new().subnets(few).primary("StrictShares = True")
}

/// The pair, and addresses that were given back.
pub(crate) struct Scene {
    pub(crate) pair: Pair,
    given_back: Vec<(Duration, Ipv4Addr)>,
}

impl Scene {
    /// A pair that is about to be started.
    pub(crate) fn of(pair: Pair) -> Scene {
        Scene { pair, given_back: Vec::new() }
    }

    /// A pair that has found together.
    pub(crate) fn settled(setup: &PairSetup) -> Scene {
        Scene::of(Pair::settled(setup))
    }

    /// Cuts the wires; both serve from now on, out of contact.
    pub(crate) fn part(&mut self) {
        self.pair.wires.cut(P, F);
        self.pair.until(60, |pair| pair.state(F) == "Active");
        self.pair.run(5);
    }

    /// Mends them, and waits until the pair is whole.
    pub(crate) fn heal(&mut self) {
        self.pair.wires.mend(P, F);
        self.pair.until(120, |pair| pair.states() == ["Serving", "Asleep"]);
        self.pair.run(5);
    }

    /// The primary is switched off, and the failover serves.
    pub(crate) fn take_over(&mut self) {
        self.pair.power_off(P);
        self.pair.until(60, |pair| pair.state(F) == "Active");
    }

    /// What one server alone answers.
    pub(crate) fn answer(&mut self, host: usize, message: &Message) -> Option<Reply> {
        let before = self.pair.replies.len();
        self.pair.give(host, message);
        let until = self.pair.elapsed() + PATIENCE;
        loop {
            let mut new = self.pair.replies[before..].iter();
            let mine = new.find(|(_, by, reply)| *by == host && reply.chaddr == message.chaddr);
            if let Some((_, _, reply)) = mine {
                return Some(reply.clone());
            }
            if self.pair.elapsed() >= until {
                return None;
            }
            self.pair.run_for(Duration::from_millis(10));
        }
    }

    /// The ACK that one server alone gives a client, after its offer.
    pub(crate) fn lease(&mut self, host: usize, client: &Client) -> Option<Reply> {
        let offer = self.answer(host, &client.discover())?;
        self.answer(host, &client.selecting(&offer)).filter(|reply| reply.kind() == Some(kind::ACK))
    }

    /// The address that one server gives a client for sure.
    ///
    /// # Panics
    /// When there is none.
    pub(crate) fn must_lease(&mut self, host: usize, client: &Client) -> Ipv4Addr {
        self.lease(host, client).unwrap_or_else(|| panic!("no address by {host}")).yiaddr
    }

    /// A client gives its address back to one server.
    pub(crate) fn release(&mut self, host: usize, client: &Client, ack: &Reply) {
        self.pair.give(host, &client.release(ack));
        self.given_back.push((self.pair.elapsed(), ack.yiaddr));
    }

    /// The last reply never reached its client.
    pub(crate) fn lose_last_reply(&mut self) {
        self.pair.replies.pop();
    }

    /// The record of an address at one server.
    pub(crate) fn record(&self, host: usize, address: Ipv4Addr) -> Option<Binding<'_>> {
        self.pair.engine(host).server().bindings().table().find(address)
    }

    /// Invariant 2: no address is in two unexpired leases that were acknowledged.
    pub(crate) fn one_holder_each(&self) -> Finding {
        let mut holders: HashMap<Ipv4Addr, ([u8; 16], Duration, Duration)> = HashMap::new();
        for (at, by, reply) in self.pair.replies.iter().filter(|entry| entry.2.kind() == Some(kind::ACK)) {
            let (address, end) = (reply.yiaddr, *at + Duration::from_secs(u64::from(reply.lease())));
            if let Some((client, until, since)) = holders.get(&address) {
                let back = self.given_back.iter().any(|(when, what)| what == &address && when > since && when <= at);
                if client != &reply.chaddr && until > at && !back {
                    return Err(format!(
                        "{address} is given to {:02x?} by {by} at {at:?}; {:02x?} has it until {until:?}",
                        &reply.chaddr[4..6],
                        &client[4..6]
                    ));
                }
                let stays = client == &reply.chaddr && until > &end && !back;
                if stays {
                    continue;
                }
            }
            holders.insert(address, (reply.chaddr, end, *at));
        }
        Ok(())
    }

    /// Invariant 4: both servers know the same.
    pub(crate) fn equal(&self) -> Finding {
        let [one, other] = [P, F].map(|host| self.pair.table(host));
        if one == other { Ok(()) } else { Err(format!("the tables differ:\nP {one:#?}\nF {other:#?}")) }
    }

    /// Invariant 1: in contact the two never both served.
    pub(crate) fn one_voice(&self) -> Finding {
        match self.pair.double {
            0 => Ok(()),
            turns => Err(format!("both served, in contact, after {turns} turns")),
        }
    }
}

/// A promise, as a finding.
pub(crate) fn promise(holds: bool, broken: &str) -> Finding {
    if holds { Ok(()) } else { Err(broken.to_owned()) }
}
