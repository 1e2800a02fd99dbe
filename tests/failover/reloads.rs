//! A reload in each state of both machines (section 11): a subnet added, removed, a range changed, a host added; sent
//! by the primary, or from a file of each server in either order.

use std::time::Duration;

use super::places::{Place, settle};
use crate::support::pair::{F, P, Pair};
use crate::support::pair_clients::Holders;
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, ip};

const ONE: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.99\n";
const TWO: &str = "[Subnet 10.2.0.0/24]\nRange = 10.2.0.50 - 10.2.0.99\n";

/// What the operator changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    SubnetAdded,
    SubnetRemoved,
    RangeChanged,
    HostAdded,
}

const CHANGES: [Change; 4] = [Change::SubnetAdded, Change::SubnetRemoved, Change::RangeChanged, Change::HostAdded];

impl Change {
    fn subnets(self) -> String {
        match self {
            Change::SubnetAdded => format!("{ONE}{TWO}[Subnet 10.3.0.0/24]\nRange = 10.3.0.50 - 10.3.0.99\n"),
            Change::SubnetRemoved => ONE.to_owned(),
            Change::RangeChanged => format!("[Subnet 10.1.0.0/24]\nRange = 10.1.0.40 - 10.1.0.120\n{TWO}"),
            Change::HostAdded => {
                format!("{ONE}{TWO}[Host printer]\nHardwareAddress = 02:00:00:00:03:e8\nAddress = 10.1.0.7\n")
            }
        }
    }

    /// Interfaces whose clients are served after it.
    fn interfaces(self) -> &'static [u32] {
        match self {
            Change::SubnetRemoved => &[1],
            Change::SubnetAdded | Change::RangeChanged | Change::HostAdded => &[1, 2],
        }
    }

    /// A new client of what is new gets it from `host`.
    fn must_be_in_force(self, pair: &mut Pair, host: usize) {
        let client = Client::new(1000 + host as u16 * u16::from(self != Change::HostAdded));
        let (message, expected) = match self {
            Change::SubnetAdded => (client.discover().via(ip("10.3.0.1")), ip("10.3.0.0")),
            Change::HostAdded => (client.discover(), ip("10.1.0.7")),
            Change::SubnetRemoved | Change::RangeChanged => return,
        };
        let (by, offer) = pair.ask(&message).unwrap_or_else(|| panic!("{self:?}: no offer by {host}"));
        let near = offer.yiaddr.octets()[..3] == expected.octets()[..3];
        let exact = self == Change::SubnetAdded || offer.yiaddr == expected;
        assert!(by == host && near && exact, "{} by {by}, {host} expected", offer.yiaddr);
    }
}

/// How the change reaches the servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The primary sends it.
    Pushed,
    /// Each server has a file; these are told in this order, a second apart.
    Files([usize; 2]),
}

const WAYS: [Way; 3] = [Way::Pushed, Way::Files([P, F]), Way::Files([F, P])];

/// Puts `setup` in force.
fn reload(pair: &mut Pair, setup: &PairSetup, way: Way) {
    match way {
        Way::Pushed => pair.reload(P, setup.of_primary()),
        Way::Files(order) => {
            for host in order {
                let config = if host == P { setup.of_primary() } else { setup.of_failover() };
                pair.reload(host, config);
                pair.run_for(Duration::from_millis(20));
            }
        }
    }
}

/// Both run the subnets of `setup`, and the primary serves.
fn must_agree(pair: &Pair, setup: &PairSetup) {
    let wanted = setup.of_primary().subnets_text.digest;
    let config = |host: usize| pair.engine(host).server().config();
    assert!(config(P).subnets_text.digest == wanted, "the primary runs another configuration");
    let part = config(F).primaries[0].part.as_ref().expect("subnets");
    assert!(part.subnets_text.digest == wanted, "the failover runs another configuration");
}

fn run(place: Place, change: Change, way: Way) {
    let setup = PairSetup::new();
    let setup = if way == Way::Pushed { setup.pushed() } else { setup };
    let mut pair = Pair::settled(&setup);
    let mut holders = Holders::default();
    holders.join(&mut pair, 1..21);
    pair.run(12);
    place.reach(&mut pair, &mut holders);
    let changed = setup.clone().subnets(&change.subnets());
    let reloaded = pair.elapsed();
    reload(&mut pair, &changed, way);
    holders.renew_for(&mut pair, Duration::from_millis(100), Duration::from_millis(5));
    place.leave(&mut pair);
    let from = if place == Place::Parted { pair.elapsed() + Duration::from_secs(12) } else { reloaded };
    settle(&mut pair, &mut holders);
    must_agree(&pair, &changed);
    pair.assert_equal();
    holders.all_renew(&mut pair, (P, change.interfaces()));
    change.must_be_in_force(&mut pair, P);
    pair.run(1);
    pair.power_off(P);
    pair.until(120, |pair| pair.state(F) == "Active");
    holders.all_renew(&mut pair, (F, change.interfaces()));
    change.must_be_in_force(&mut pair, F);
    pair.start(P);
    settle(&mut pair, &mut holders);
    // Back to what was: the leases of a subnet that was gone meanwhile are there again.
    reload(&mut pair, &setup, way);
    pair.run(15);
    must_agree(&pair, &setup);
    holders.all_renew(&mut pair, (P, &[1, 2]));
    pair.run(1);
    pair.assert_equal();
    holders.check(&pair, from);
}

fn run_all(places: &[Place]) {
    for &place in places {
        for change in CHANGES {
            for way in WAYS {
                let named = std::panic::catch_unwind(|| run(place, change, way));
                assert!(named.is_ok(), "in {place:?}: {change:?} {way:?}");
            }
        }
    }
}

/// Section 11: P Serving, F Asleep or Probing.
#[test]
fn a_reload_while_the_failover_sleeps_or_probes_changes_both() {
    run_all(&[Place::Serving, Place::Probing]);
}

/// Section 11: F Active, with P dead, cut off, or silent by a drill.
#[test]
fn a_reload_while_the_failover_serves_changes_both() {
    run_all(&[Place::Active, Place::Parted, Place::Given]);
}

/// Section 11: P Claiming, of a failover that serves or sleeps; F Syncing.
#[test]
fn a_reload_while_one_of_them_starts_changes_both() {
    run_all(&[Place::Claiming, Place::ClaimingOfAsleep, Place::Syncing]);
}

/// Section 11: P Receiving, F Returning.
#[test]
fn a_reload_in_a_return_changes_both() {
    run_all(&[Place::Receiving]);
}
