//! A pair on a switch, the crowds that live on it, and what a scenario may do to it.

pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod crowd;
pub(crate) mod echo;
pub(crate) mod frames;
pub(crate) mod ledger;
pub(crate) mod metronome;
pub(crate) mod node;
pub(crate) mod switch;

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) use client::Renewals;
pub(crate) use config::Setup;
pub(crate) use crowd::{Crowd, Plan};
pub(crate) use frames::Traffic;
pub(crate) use ledger::{How, Observer};
pub(crate) use node::Node;
pub(crate) use switch::{Fate, Port, Rule, Switch};

use crate::rig::host::until;
use crate::rig::{Host, Stage};

/// The first primary.
pub(crate) const PRIMARY: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 4);
/// The failover.
pub(crate) const FAILOVER: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 5);
/// The relay of the crowd that stands nearer to the primary where a test cuts the wire in two.
pub(crate) const RELAY: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 1);
/// The relay of the other crowd, in the same subnet.
pub(crate) const FAR_RELAY: Ipv4Addr = Ipv4Addr::new(10, 2, 0, 2);
/// What is allowed beyond the time that timers say, on a machine that runs other tests beside.
pub(crate) const SLACK: Duration = Duration::from_secs(2);
/// Clients of most scenarios; each renews twice a second.
pub(crate) const CLIENTS: u32 = 30;
const SEED: u64 = 0x5eed;

/// A primary and a failover on one switch, with two hosts for crowds.
pub(crate) struct Duo<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) setup: Setup,
    pub(crate) primary: Node,
    pub(crate) failover: Node,
    near: (Host, Port),
    far: (Host, Port),
    pub(crate) observer: Observer,
    pub(crate) switch: Switch,
}

impl<'a> Duo<'a> {
    /// Plugs everything in and writes both configurations; nothing runs yet.
    pub(crate) fn new(stage: &'a Stage, setup: Setup) -> Duo<'a> {
        let switch = Switch::new(stage, SEED);
        let near = crowd_host(stage, &switch, [Ipv4Addr::new(10, 1, 0, 1), RELAY]);
        let far = crowd_host(stage, &switch, [Ipv4Addr::new(10, 1, 0, 2), FAR_RELAY]);
        // Clients of the near crowd have every address of the subnet, so that unicast reaches them.
        near.0.run("ip route add local 10.2.0.0/16 dev lo");
        let primary = Node::new(stage, &switch, "dhcp1", PRIMARY);
        let failover = Node::new(stage, &switch, "dhcp2", FAILOVER);
        for node in [&primary, &failover] {
            node.host().run("ip route add 10.2.0.0/16 via 10.1.0.1");
            node.host().run(&format!("ip route add {FAR_RELAY}/32 via 10.1.0.2"));
        }
        let duo = Duo { stage, setup, primary, failover, near, far, observer: Observer::default(), switch };
        duo.configure();
        duo
    }

    /// As [`Duo::new`], and both are new, started, and in their places: the primary serves, the failover sleeps.
    pub(crate) fn started(stage: &'a Stage, setup: Setup) -> Duo<'a> {
        let duo = Duo::new(stage, setup);
        duo.primary.create();
        duo.failover.create();
        duo.primary.launch();
        duo.failover.launch();
        duo.wait_for_rest();
        duo
    }

    /// Writes both configurations from the setup, for the next start or reload.
    pub(crate) fn configure(&self) {
        let [of_primary, of_failover] = self.key_files([&self.setup.keys, &self.setup.keys]);
        self.primary.configure(&self.setup.primary_config(&of_primary));
        self.failover.configure(&self.setup.failover_config(&[("dhcp1", PRIMARY)], &of_failover));
    }

    /// Writes the key files of primary and failover, for the next start or reload.
    pub(crate) fn key_files(&self, keys: [&str; 2]) -> [PathBuf; 2] {
        [self.stage.file("dhcp1.key", keys[0]), self.stage.file("dhcp2.key", keys[1])]
    }

    /// Waits until the primary serves and the failover sleeps.
    pub(crate) fn wait_for_rest(&self) {
        self.primary.wait_for_state("Serving");
        self.failover.wait_for_state("Asleep");
    }

    /// A crowd that both servers hear, whose clients renew by unicast first.
    pub(crate) fn crowd(&self) -> Crowd {
        let servers = vec![PRIMARY, FAILOVER];
        let plan =
            Plan { relay: RELAY, servers, first: 1, renew_after: self.setup.renew_after, renewals: Renewals::Unicast };
        Crowd::new(&self.near.0, plan, &self.observer)
    }

    /// Another crowd of the same subnet, on the host that stands beside the failover where the wire is cut in two.
    pub(crate) fn far_crowd(&self) -> Crowd {
        let servers = vec![PRIMARY, FAILOVER];
        let plan = Plan {
            relay: FAR_RELAY,
            servers,
            first: 100_000,
            renew_after: self.setup.renew_after,
            renewals: Renewals::Relayed,
        };
        Crowd::new(&self.far.0, plan, &self.observer)
    }

    /// A started pair and a crowd of which every client has an address that both servers know.
    pub(crate) fn with_crowd(stage: &'a Stage, setup: Setup) -> (Duo<'a>, Crowd) {
        let duo = Duo::started(stage, setup);
        let crowd = duo.crowd();
        crowd.join(CLIENTS);
        duo.observer.wait_for_holders(CLIENTS as usize);
        duo.observer.must_be_known_at(&duo.failover, SLACK);
        (duo, crowd)
    }

    /// The primary with its crowd on one side, the failover with the other on the other side.
    pub(crate) fn partition(&self) {
        let near = [self.primary.port(), self.near.1];
        let far = [self.failover.port(), self.far.1];
        self.switch.rule(Rule::cut(Traffic::Any, &near, &far));
    }

    /// Cuts only the channel between the two.
    pub(crate) fn cut_channel(&self) {
        let (primary, failover) = ([self.primary.port()], [self.failover.port()]);
        self.switch.rule(Rule::cut(Traffic::Channel, &primary, &failover));
    }

    /// Cuts only what clients and the primary say to each other.
    pub(crate) fn cut_clients_of_the_primary(&self) {
        let hosts = [self.near.1, self.far.1];
        self.switch.rule(Rule::cut(Traffic::Clients, &[self.primary.port()], &hosts));
    }

    /// How long after `since` the failover first answered a client that asked so; fails after detection and slack.
    pub(crate) fn takes_over(&self, since: Instant, how: How) -> Duration {
        let patience = self.setup.timers.detection() + SLACK;
        let first = self.observer.first_answer(FAILOVER, how, since, patience);
        let first = first.unwrap_or_else(|| panic!("the failover answers no {how:?} within {patience:?}"));
        first.at - since
    }

    /// Waits until both are ready for a drill: in contact, with the same subnets.
    pub(crate) fn wait_for_readiness(&self) {
        for node in [&self.primary, &self.failover] {
            until("ready for a drill", SLACK * 5, || {
                let of = |member: &str| node.of_partner("", member);
                of("subnets").as_deref() == Some("same") && of("contact").as_deref() == Some("true")
            });
        }
    }

    /// Waits until the failover serves.
    pub(crate) fn wait_for_takeover(&self) {
        self.failover.wait_for_state("Active");
    }

    /// Kills the primary, and lets the failover serve for a while: it has changes that the primary lacks.
    pub(crate) fn lose_primary(&self, crowd: &Crowd) -> Instant {
        let killed = self.primary.kill_9();
        crowd.join(CLIENTS);
        self.wait_for_takeover();
        self.observer.wait_for_holders(2 * CLIENTS as usize);
        killed
    }

    /// Both servers know every lease that a client holds.
    pub(crate) fn must_agree_with_clients(&self) {
        self.observer.must_be_known_at(&self.primary, SLACK * 2);
        self.observer.must_be_known_at(&self.failover, SLACK * 2);
    }
}

/// A host for crowds: its own address on the wire, and that of its relay.
pub(crate) fn crowd_host(stage: &Stage, switch: &Switch, [address, relay]: [Ipv4Addr; 2]) -> (Host, Port) {
    let host = Host::new(stage, "crowd");
    let port = switch.plug(&host, Some(&format!("{address}/24")));
    host.run(&format!("ip addr add {relay}/32 dev lo"));
    (host, port)
}

/// Clients and servers go on for so long; what they do meanwhile is what a scenario is about.
pub(crate) fn live(duration: Duration) {
    std::thread::sleep(duration);
}

/// Seconds, for figures.
pub(crate) fn secs(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
