//! Worlds to search from: each is a place to which a search from the beginning would not come.

use understudy::journal::OpenMode;

use super::actions::{Action, Span};
use super::clients::{Belief, Reach, Word};
use super::near::Near;
use super::world::{Answers, Echo, F, P, World};
use super::{Options, Shares};
use crate::support::disk::Fate;
use crate::support::pair_setup::PairSetup;

/// Where a search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// A new pair, in contact, nothing leased.
    Fresh,
    /// In contact; each client holds an address.
    Leased,
    /// The heartbeat is cut and both serve; nothing is leased.
    Apart,
    /// As that, and one client holds an address.
    Parted,
    /// As that, and the lease has ended for the primary, while the failover has extended it.
    Extended,
    /// The primary is down, the failover serves; one client holds an address.
    Active,
    /// The primary is back and has asked for control; nothing of the return has arrived yet.
    Returning,
    /// A place a step or two from where one rule counts.
    Near(Near),
}

impl Start {
    /// Makes the world.
    pub(crate) fn world(self, options: &Options) -> World {
        let strict = match options.shares {
            Shares::Strict => "StrictShares = True",
            Shares::PingFirst => "StrictShares = False",
        };
        if let Start::Near(near) = self {
            return near.world(setup(strict), options);
        }
        let mut world = settled(&setup(strict), options);
        match self {
            Start::Near(_) => {}
            Start::Fresh => {}
            Start::Leased => {
                world.lease(1, P);
                world.lease(0, P);
                world.settle();
            }
            Start::Apart => world.acts(&[Action::Part, Action::Pass(Span::Half)]),
            Start::Parted => world.part_with_lease(),
            Start::Extended => {
                world.part_with_lease();
                let rebind = Action::Say(0, (Word::Rebind, Reach::Only(F), Answers::Arrive));
                world.acts(&[rebind, Action::Pass(Span::Half)]);
            }
            Start::Active => world.lose_primary(),
            Start::Returning => {
                world.lose_primary();
                let rebind = Action::Say(0, (Word::Rebind, Reach::Only(F), Answers::Arrive));
                world.acts(&[rebind, Action::Start(P)]);
                while world.state(F) != "Returning" {
                    let to = (0..2).find(|&to| !world.flying[to].is_empty()).expect("they talk");
                    world.act(Action::Deliver(to, 0));
                }
            }
        }
        assert_eq!(world.breach, None, "{self:?}");
        world
    }
}

/// The common configuration: two addresses, leases of 20 s.
fn setup(strict: &str) -> PairSetup {
    PairSetup::new()
        .subnets("[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.51\n")
        .policy("DefaultLease = 20")
        .both("SyncBindRetryMax = 1")
        .both("WaitSyncBindAckSecs = 1")
        .both("WaitSyncBindUpdateSecs = 2")
        .both("MaxClockSkewSecs = 1")
        .failover("PollDelay = 4")
        .failover("WaitPollRplSecs = 1")
        .failover("PollRetryMax = 1")
        .failover("SyncReqRetryMax = 1")
        .failover("WaitSyncStartSecs = 1")
        .primary("CtlReqRetryMax = 1")
        .primary("WaitCtlRetSecs = 1")
        .primary(strict)
}

/// A pair that has found together.
pub(crate) fn settled(setup: &PairSetup, options: &Options) -> World {
    let mut world = World::new([setup.of_primary(), setup.of_failover()], options.echo);
    world.start(P, OpenMode::New);
    world.start(F, OpenMode::New);
    // The primary gives its failover a share two seconds after they met.
    world.act(Action::Pass(Span::Half));
    assert_eq!([world.state(P), world.state(F)], ["Serving", "Asleep"]);
    world
}

impl World {
    /// A whole exchange of a client with one server.
    pub(crate) fn lease(&mut self, client: usize, host: usize) {
        let discover = Action::Say(client, (Word::Discover, Reach::Only(host), Answers::Arrive));
        while self.people[client].words() != [Word::Select(0)] {
            // A server that has no address left of its own asks its partner for one.
            self.acts(&[discover, Action::Settle]);
        }
        self.act(Action::Say(client, (Word::Select(0), Reach::Only(host), Answers::Arrive)));
        let belief = &self.people[client].belief;
        assert!(matches!(belief, Belief::Holding(..)), "client {client} has {belief:?}");
    }

    pub(crate) fn part_with_lease(&mut self) {
        self.lease(0, P);
        self.acts(&[Action::Settle, Action::Part, Action::Pass(Span::Half)]);
        assert_eq!([self.state(P), self.state(F)], ["Serving", "Active"]);
    }

    pub(crate) fn lose_primary(&mut self) {
        self.lease(0, P);
        self.acts(&[Action::Settle, Action::Crash(P, Fate::Kept), Action::Pass(Span::Half)]);
        assert_eq!([self.state(P), self.state(F)], ["-", "Active"]);
    }

    /// One after the other.
    pub(crate) fn acts(&mut self, actions: &[Action]) {
        for action in actions {
            self.act(*action);
        }
    }
}

/// The default options.
impl Default for Options {
    fn default() -> Options {
        Options { shares: Shares::Strict, echo: Echo::Answered, heal_every: 50 }
    }
}
