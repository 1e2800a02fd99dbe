//! One failover behind several primaries (white paper figure 6): what happens on one channel the others do not feel.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::duo::config::Setup;
use crate::duo::{Crowd, FAILOVER, Node, Observer, Plan, Renewals, SLACK, Switch, live, secs};
use crate::rig::{Host, Stage};

const PRIMARIES: u8 = 3;
const CLIENTS: u32 = 15;
const NAMES: [&str; PRIMARIES as usize] = ["dhcp1", "dhcp2", "dhcp3"];
/// A client of a primary that lives may wait so long on a busy machine, and no longer.
const UNDISTURBED: Duration = Duration::from_secs(1);

/// A primary, its crowd, and the list of its clients alone.
struct Branch {
    node: Node,
    crowd: Crowd,
    observer: Observer,
}

struct Fleet {
    branches: Vec<Branch>,
    failover: Node,
    _crowds: Host,
    _switch: Switch,
}

fn network(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 20 + number, 0, 0)
}

fn relay(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 20 + number, 0, 1)
}

fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, 0, 10 + number)
}

impl Fleet {
    /// Each primary with a subnet of its own, all behind one failover, everything started and at rest.
    fn started(stage: &Stage) -> Fleet {
        let switch = Switch::new(stage, 11);
        let crowds = Host::new(stage, "crowd");
        switch.plug(&crowds, Some("10.1.0.1/24"));
        let setup = Setup::default();
        let key = stage.file("channel.key", &setup.keys);
        let failover = Node::new(stage, &switch, "failover", FAILOVER);
        let named: Vec<(&str, Ipv4Addr)> = NAMES.into_iter().zip((0..PRIMARIES).map(address)).collect();
        failover.configure(&setup.failover_config(&named, &key));
        failover.create();
        let mut branches = Vec::new();
        for (number, name) in (0..PRIMARIES).zip(NAMES) {
            crowds.run(&format!("ip addr add {}/32 dev lo", relay(number)));
            let node = Node::new(stage, &switch, name, address(number));
            for host in [node.host(), failover.host()] {
                host.run(&format!("ip route add {}/16 via 10.1.0.1", network(number)));
            }
            let [a, b, ..] = network(number).octets();
            let subnets = format!("[Subnet {}/16]\nRange = {a}.{b}.1.0 - {a}.{b}.1.255\n", network(number));
            node.configure(&Setup { subnets, ..setup.clone() }.primary_config(&key));
            node.create();
            node.launch();
            let observer = Observer::default();
            let plan = Plan {
                relay: relay(number),
                servers: vec![address(number), FAILOVER],
                first: u32::from(number) * 10_000 + 1,
                renew_after: Duration::from_millis(500),
                renewals: Renewals::Relayed,
            };
            let crowd = Crowd::new(&crowds, plan, &observer);
            branches.push(Branch { node, crowd, observer });
        }
        failover.launch();
        let fleet = Fleet { branches, failover, _crowds: crowds, _switch: switch };
        for branch in &fleet.branches {
            fleet.wait_for_rest(branch);
            branch.crowd.join(CLIENTS);
            branch.observer.wait_for_holders(CLIENTS as usize);
            branch.observer.must_be_known_at(&fleet.failover, SLACK);
        }
        fleet
    }

    fn wait_for_rest(&self, branch: &Branch) {
        branch.node.wait_for_state("Serving");
        self.failover.wait_for_state_to(branch.node.name(), "Asleep");
    }

    /// The failover serves the clients of `branch`, new and old, `since` its primary died; how long until the first.
    fn serves(&self, branch: &Branch, since: Instant) -> f64 {
        let patience = Setup::default().timers.detection() + SLACK;
        let first = branch.observer.first_of(FAILOVER, since, patience);
        let first = first.unwrap_or_else(|| panic!("nobody serves {} within {patience:?}", branch.node.name()));
        self.failover.wait_for_state_to(branch.node.name(), "Active");
        branch.observer.must_be_known_at(&self.failover, SLACK);
        secs(first.at - since)
    }
}

#[test]
fn one_failover_serves_two_primaries_that_die_and_then_all() {
    let Some(stage) = Stage::set("many", &[]) else { return };
    let fleet = Fleet::started(&stage);
    let [first, second, last] = fleet.branches.as_slice() else { panic!("three primaries") };
    let killed = first.node.kill_9();
    second.node.kill_9();
    first.crowd.join(5);
    let mut figures = vec![("first_s", fleet.serves(first, killed)), ("second_s", fleet.serves(second, killed))];
    live(Duration::from_secs(1));
    let wait = last.observer.longest_wait(killed);
    assert!(wait < UNDISTURBED, "a client of the primary that lives waited {wait:?}");
    assert!(last.observer.ledger().acks.iter().all(|ack| ack.server != FAILOVER), "its channel is another");
    figures.push(("undisturbed_wait_s", secs(wait)));
    let all = last.node.kill_9();
    last.crowd.join(5);
    figures.push(("third_s", fleet.serves(last, all)));
    let back = Instant::now();
    for branch in &fleet.branches {
        branch.node.launch();
    }
    for branch in &fleet.branches {
        fleet.wait_for_rest(branch);
        let own = branch.observer.first_of(branch.node.address(), back, SLACK);
        assert!(own.is_some(), "{} serves again", branch.node.name());
        branch.observer.must_be_known_at(&branch.node, SLACK);
        branch.observer.settle_with_one_voice(&format!("many primaries: {}", branch.node.name()), &figures);
    }
}
