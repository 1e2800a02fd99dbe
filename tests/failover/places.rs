//! Each state of both machines, for tests that let something happen there.

use std::time::Duration;

use crate::support::pair::{F, P, Pair};
use crate::support::pair_clients::Holders;

/// States of both, and how the pair came there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Serving,
    Probing,
    Active,
    Parted,
    Claiming,
    ClaimingOfAsleep,
    Receiving,
    Given,
    Syncing,
}

fn delay(pair: &mut Pair, millis: u64) {
    for (from, to) in [(P, F), (F, P)] {
        pair.wires.way(from, to).delay = Duration::from_millis(millis);
    }
}

/// The failover serves, the primary is switched off; both know leases, the failover has some that are new.
fn active(pair: &mut Pair, holders: &mut Holders) {
    pair.power_off(P);
    pair.until(60, |pair| pair.state(F) == "Active");
    holders.join(pair, 30..36);
    holders.renew_for(pair, Duration::from_secs(1), Duration::from_millis(20));
}

impl Place {
    /// The states of both there.
    pub(super) fn states(self) -> [&'static str; 2] {
        match self {
            Place::Serving => ["Serving", "Asleep"],
            Place::Probing => ["Serving", "Probing"],
            Place::Active => ["-", "Active"],
            Place::Parted => ["Serving", "Active"],
            Place::Claiming => ["Claiming", "Active"],
            Place::ClaimingOfAsleep => ["Claiming", "Asleep"],
            Place::Receiving => ["Receiving", "Returning"],
            Place::Given => ["Given", "Active"],
            Place::Syncing => ["Serving", "Syncing"],
        }
    }

    /// Brings a pair that is settled there; the failover may serve by then, and has clients of its own.
    pub(super) fn reach(self, pair: &mut Pair, holders: &mut Holders) {
        match self {
            Place::Serving => {}
            Place::Probing => {
                pair.wires.cut(P, F);
                pair.until(30, |pair| pair.state(F) == "Probing");
            }
            Place::Active => active(pair, holders),
            Place::Parted => {
                pair.wires.cut(P, F);
                pair.until(60, |pair| pair.state(F) == "Active");
            }
            Place::Claiming => {
                active(pair, holders);
                pair.wires.cut(P, F);
                pair.start(P);
            }
            Place::ClaimingOfAsleep => {
                pair.kill(P);
                delay(pair, 300);
                pair.start(P);
            }
            Place::Receiving => {
                active(pair, holders);
                delay(pair, 30);
                pair.start(P);
                pair.until(10, |pair| pair.state(P) == "Receiving");
            }
            Place::Given => {
                pair.control(F, "takeover dhcp1");
                pair.until(10, |pair| pair.states() == ["Given", "Active"]);
                pair.run(1);
            }
            Place::Syncing => {
                pair.kill(F);
                pair.run(1);
                holders.join(pair, 30..36);
                delay(pair, 300);
                pair.start(F);
            }
        }
        assert_eq!(pair.states(), self.states());
    }

    /// What ends it.
    pub(super) fn leave(self, pair: &mut Pair) {
        match self {
            Place::Serving => {}
            Place::Probing | Place::Parted | Place::Claiming => pair.wires.mend(P, F),
            Place::Active => pair.start(P),
            Place::ClaimingOfAsleep | Place::Receiving | Place::Syncing => {}
            Place::Given => {
                pair.control(F, "giveback dhcp1");
            }
        }
    }
}

/// Lets the pair find together after a place was left.
pub(super) fn settle(pair: &mut Pair, holders: &mut Holders) {
    let limit = pair.within(60);
    while !matches!(pair.states().as_slice(), ["Serving", "Asleep"]) {
        let next = pair.elapsed() + Duration::from_millis(5);
        holders.renew_one(pair);
        while pair.elapsed() < next && pair.step(limit) {}
        assert!(pair.within(0) < limit, "{:?}", pair.states());
    }
    delay(pair, 1);
    holders.renew_for(pair, Duration::from_secs(15), Duration::from_secs(1));
}
