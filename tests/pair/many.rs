//! One failover behind several primaries (white paper figure 6): what happens on one channel the others do not feel.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::duo::config::Setup;
use crate::duo::metronome::Metronome;
use crate::duo::{Crowd, FAILOVER, Node, Observer, Plan, Renewals, SLACK, Switch, live, secs};
use crate::rig::{Host, Stage};

const PRIMARIES: u8 = 3;
const CLIENTS: u32 = 15;
const NAMES: [&str; PRIMARIES as usize] = ["dhcp1", "dhcp2", "dhcp3"];
/// A client of a primary that lives may wait so long, and what the machine itself is late.
const UNDISTURBED: Duration = Duration::from_secs(1);
/// From its question to its answer: crowd, switch, server, switch, crowd, and the disk.
const STEPS: u32 = 6;

/// A primary, its crowd, and the list of its clients alone.
struct Branch {
    node: Node,
    crowd: Crowd,
    observer: Observer,
}

struct Fleet {
    branches: Vec<Branch>,
    failover: Node,
    setup: Setup,
    key: PathBuf,
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
    fn started(stage: &Stage, setup: Setup) -> Fleet {
        let switch = Switch::new(stage, 11);
        let crowds = Host::new(stage, "crowd");
        switch.plug(&crowds, Some("10.1.0.1/24"));
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
        let fleet = Fleet { branches, failover, setup, key, _crowds: crowds, _switch: switch };
        for branch in &fleet.branches {
            fleet.wait_for_rest(branch);
            branch.crowd.join(CLIENTS);
            branch.observer.wait_for_holders(CLIENTS as usize);
            branch.observer.must_be_known_at(&fleet.failover, SLACK);
        }
        fleet
    }

    /// Has the failover stand behind these primaries, in this order, from now on.
    fn follow(&self, numbers: &[u8]) {
        let named: Vec<(&str, Ipv4Addr)> =
            numbers.iter().map(|number| (NAMES[usize::from(*number)], address(*number))).collect();
        self.failover.configure(&self.setup.failover_config(&named, &self.key));
        self.failover.reload();
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
    let fleet = Fleet::started(&stage, Setup::default());
    let [first, second, last] = fleet.branches.as_slice() else { panic!("three primaries") };
    let metronome = Metronome::start();
    let killed = first.node.kill_9();
    second.node.kill_9();
    first.crowd.join(5);
    let mut figures = vec![("first_s", fleet.serves(first, killed)), ("second_s", fleet.serves(second, killed))];
    live(Duration::from_secs(1));
    let wait = last.observer.longest_wait(killed);
    let late = metronome.worst();
    assert!(wait < metronome.fair(UNDISTURBED, STEPS), "an undisturbed client waited {wait:?}, the machine {late:?}");
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

/// Who stays keeps its channel though its place among the primaries is another; who goes is left alone; who comes back
/// is backed up again.
#[test]
fn primaries_come_and_go_by_a_reload_of_the_failover() {
    let Some(stage) = Stage::set("come-and-go", &[]) else { return };
    let fleet = Fleet::started(&stage, Setup::default());
    let [first, second, last] = fleet.branches.as_slice() else { panic!("three primaries") };
    let (begun, metronome) = (Instant::now(), Metronome::start());
    fleet.follow(&[2, 0]);
    live(fleet.setup.timers.detection() * 2);
    assert!(!fleet.failover.said().contains("-> Active"), "a reload is no death:\n{}", fleet.failover.said());
    for branch in [first, last] {
        fleet.wait_for_rest(branch);
    }
    assert_eq!(fleet.failover.of_partner("dhcp2", "state"), None, "its channel has ended");
    assert!(second.node.is_in("Serving"));
    let killed = last.node.kill_9();
    last.crowd.join(5);
    let mut figures = vec![("third_s", fleet.serves(last, killed))];
    last.node.launch();
    fleet.wait_for_rest(last);
    fleet.follow(&[1, 2, 0]);
    for branch in &fleet.branches {
        fleet.wait_for_rest(branch);
        branch.observer.must_be_known_at(&fleet.failover, SLACK);
    }
    let killed = second.node.kill_9();
    second.crowd.join(5);
    figures.push(("second_s", fleet.serves(second, killed)));
    second.node.launch();
    fleet.wait_for_rest(second);
    assert!(first.observer.ledger().acks.iter().all(|ack| ack.server == address(0)), "the first is not concerned");
    let (wait, late) = (first.observer.longest_wait(begun), metronome.worst());
    assert!(wait < metronome.fair(UNDISTURBED, STEPS), "an undisturbed client waited {wait:?}, the machine {late:?}");
    figures.extend([("undisturbed_wait_s", secs(wait)), ("machine_late_s", secs(late))]);
    for branch in &fleet.branches {
        branch.observer.settle(&format!("come and go: {}", branch.node.name()), &figures);
    }
}

/// SyncFailCritical ends a failover that cannot sync, but not while another primary's clients live on it.
#[test]
fn a_failed_sync_ends_the_failover_only_once_it_serves_nobody() {
    let Some(stage) = Stage::set("critical", &[]) else { return };
    let setup = Setup { of_failover: "SyncFailCritical = True".into(), ..Setup::default() };
    let fleet = Fleet::started(&stage, setup);
    let [first, second, _] = fleet.branches.as_slice() else { panic!("three primaries") };
    let killed = first.node.kill_9();
    fleet.serves(first, killed);
    fleet.failover.kill_9();
    second.node.kill_9();
    fleet.failover.launch();
    fleet.failover.wait_for_state_to("dhcp1", "Active");
    fleet.failover.wait_for_word("SyncFailCritical");
    assert_eq!(fleet.failover.exit_code(Duration::from_secs(2)), None, "the first primary's clients live on it");
    first.node.launch();
    first.node.wait_for_state("Serving");
    assert_eq!(fleet.failover.exit_code(Duration::from_secs(5)), Some(69));
    let said = fleet.failover.said();
    assert!(said.contains("dhcp2"), "it names the primary:\n{said}");
    first.observer.settle("sync failed, put off", &[]);
}
