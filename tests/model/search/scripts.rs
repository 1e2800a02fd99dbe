//! The scripts that lead to the near places.

use std::net::Ipv4Addr;
use std::time::Duration;

use understudy::config::Config;
use understudy::journal::OpenMode;
use understudy::server::event::{ControlId, Input};
use understudy::wire::failover::Kind;

use super::Options;
use super::actions::{Action, Span};
use super::clients::{Belief, Person, Reach, Word};
use super::world::{Answers, F, Flight, P, World};
use crate::support::disk::{Fate, SimDisk};
use crate::support::pair_setup::PairSetup;

/// A lease that outlasts all that a search does.
const LONG: Option<u32> = Some(600);
/// Two hours, in milliseconds.
const HOURS: i64 = 7_200_000;

/// A client has an offer of a primary that runs alone, of the address that a failover would get.
fn alone_with_an_offer(setup: &PairSetup, options: &Options) -> World {
    let mut world = World::new([setup.of_primary(), setup.of_failover()], options.echo);
    world.start(P, OpenMode::New);
    world.act(Action::Pass(Span::Half));
    world.people[0].wish = Some(Ipv4Addr::new(10, 1, 0, 51));
    world.say(0, (Word::Discover, Reach::Only(P), Answers::Arrive));
    world.people[0].wish = None;
    assert!(world.people[0].words().contains(&Word::Select(0)), "an offer");
    world
}

pub(super) fn promised(setup: &PairSetup, options: &Options) -> World {
    let mut world = alone_with_an_offer(setup, options);
    world.start(F, OpenMode::New);
    // In contact it would be asked back.
    world.acts(&[Action::Pass(Span::Half), Action::Pass(Span::Half), Action::Part]);
    world.owed = Some((0, P));
    world
}

/// The primary has forgotten the offer, and gives the address to its failover.
pub(super) fn offered(setup: &PairSetup, options: &Options) -> World {
    let mut world = alone_with_an_offer(setup, options);
    // Offers are kept in memory alone.
    world.crash(P, Fate::Kept);
    world.start(P, OpenMode::Normal);
    world.start(F, OpenMode::New);
    world.acts(&[Action::Pass(Span::Half), Action::Pass(Span::Half), Action::Part, Action::Pass(Span::Half)]);
    assert_eq!([world.state(P), world.state(F)], ["Serving", "Active"]);
    world
}

/// The failover grants by a clock, starts again by another that is four seconds ahead, and the primary's is too.
pub(super) fn ahead(setup: &PairSetup, options: &Options) -> World {
    let mut world = World::new([setup.of_primary(), setup.of_failover()], options.echo);
    world.ahead[P] = 4_000;
    world.start(P, OpenMode::New);
    world.start(F, OpenMode::New);
    world.acts(&[Action::Pass(Span::Half), Action::Crash(P, Fate::Kept), Action::Pass(Span::Half)]);
    world.obtain_by_ping(0);
    world.crash(F, Fate::Kept);
    world.ahead[F] = 4_000;
    world.start(F, OpenMode::Normal);
    world.start(P, OpenMode::Normal);
    world.pass(Duration::from_secs(17));
    assert_eq!([world.state(P), world.state(F)], ["Serving", "Asleep"]);
    world
}

impl World {
    pub(super) fn release_and_renew(&mut self) {
        self.lease(0, P);
        let release = Action::Say(0, (Word::Release, Reach::Both, Answers::Arrive));
        self.acts(&[Action::Settle, Action::Cut(F), release, Action::Pass(Span::Half), Action::Cut(P)]);
        assert_eq!(self.state(F), "Active");
        assert!(self.obtain(0, Word::Discover, F), "it knows the client");
        self.act(Action::Heal);
        self.carry_until(Kind::BindAck);
    }

    /// Delivers all that goes to the failover, and all that goes to the primary but changes, until a datagram of a kind
    /// is on its way there.
    fn carry_until(&mut self, kind: Kind) {
        let kind_of = |bytes: Option<&[u8]>| bytes.map(|bytes| bytes[1]);
        for _ in 0..400 {
            let kinds: Vec<_> = self.flying[P].iter().map(|flight| kind_of(flight.bytes.as_deref())).collect();
            if kinds.contains(&Some(kind.code())) {
                self.flying[P].retain(|flight| kind_of(flight.bytes.as_deref()) != Some(Kind::BindUpdate.code()));
                return;
            }
            if !self.flying[F].is_empty() {
                self.deliver(F, 0);
            } else if kinds.first() == Some(&Some(Kind::BindUpdate.code())) {
                self.flying[P].remove(0);
            } else if !kinds.is_empty() {
                self.deliver(P, 0);
            } else {
                assert!(self.tick(), "they talk");
            }
        }
        panic!("no {kind} comes");
    }

    pub(super) fn shorten(&mut self) {
        self.people[0].secs = LONG;
        self.lease(0, P);
        self.act(Action::Settle);
        self.people[0].secs = Some(5);
        self.say(0, (Word::Rebind, Reach::Only(P), Answers::Lost));
        self.settle();
        self.people[0].secs = None;
    }

    pub(super) fn prolong(&mut self) {
        self.part_with_lease();
        self.people[0].secs = LONG;
        self.say(0, (Word::Rebind, Reach::Only(P), Answers::Arrive));
        self.tick();
        self.people[0].secs = Some(5);
        self.say(0, (Word::Rebind, Reach::Only(F), Answers::Lost));
        self.people[0].secs = None;
        self.act(Action::Heal);
    }

    pub(super) fn contest(&mut self) {
        self.acts(&[Action::Part, Action::Pass(Span::Half)]);
        self.people[0].secs = LONG;
        assert!(self.obtain(0, Word::Discover, P), "the primary's own");
        self.people[0].secs = None;
        self.tick();
        self.obtain_by_ping(1);
        self.act(Action::Heal);
        // Until the lease of the one with less has ended; then it goes for good.
        self.acts(&[Action::Pass(Span::Half), Action::Pass(Span::Half)]);
        self.people[1] = Person::new(3);
        self.people[0].is_unsettled = true;
    }

    /// A client gets an address of the failover's after a ping that nobody answers.
    fn obtain_by_ping(&mut self, client: usize) {
        self.say(client, (Word::Discover, Reach::Only(F), Answers::Arrive));
        while self.people[client].words() != [Word::Select(0)] {
            assert!(self.tick(), "the ping ends");
        }
        self.people[client].is_unsettled = true;
        self.say(client, (Word::Select(0), Reach::Only(F), Answers::Arrive));
    }

    pub(super) fn set_aside(&mut self) {
        self.acts(&[Action::Part, Action::Pass(Span::Half)]);
        self.people[0].secs = LONG;
        assert!(self.obtain(0, Word::Discover, P), "the primary's own");
        self.people[0].secs = None;
        assert!(!self.obtain(1, Word::Discover, F), "somebody answers the ping");
        self.act(Action::Heal);
    }

    pub(super) fn sweep(&mut self) {
        self.part_with_lease();
        let rebind = Action::Say(0, (Word::Rebind, Reach::Only(F), Answers::Arrive));
        // The sweep of ended leases comes once a minute.
        for _ in 0..8 {
            self.acts(&[rebind, Action::Pass(Span::Half)]);
        }
    }

    pub(super) fn take_the_word(&mut self) {
        self.acts(&[Action::Crash(F, Fate::Lost), Action::Pass(Span::Half)]);
        let line = "partner-down failover";
        self.turn(P, &mut |engine| engine.handle(Input::Control { id: ControlId(1), line }));
        self.acts(&[Action::Start(F), Action::Pass(Span::Half), Action::Pass(Span::Half)]);
        self.part_with_lease();
        let rebind = Action::Say(0, (Word::Rebind, Reach::Only(F), Answers::Arrive));
        self.acts(&[rebind, Action::Pass(Span::Half)]);
    }

    pub(super) fn give_back(&mut self) {
        self.people[0].secs = LONG;
        self.lose_primary();
        self.say(0, (Word::Rebind, Reach::Only(F), Answers::Arrive));
        let Belief::Holding(address, ..) = self.people[0].belief else { panic!("it holds one") };
        self.say(0, (Word::Release, Reach::Both, Answers::Arrive));
        self.people[0].secs = None;
        self.given_back = Some(address);
    }

    /// The failover gives the address while the primary is down; then these start, anew, and changes are lost.
    pub(super) fn lose_changes(&mut self, starting: &[usize]) {
        self.acts(&[Action::Crash(P, Fate::Kept), Action::Pass(Span::Half)]);
        self.obtain_by_ping(0);
        if starting.contains(&F) {
            self.crash(F, Fate::Kept);
        }
        for &host in starting {
            self.start(host, OpenMode::Normal);
        }
        let is_return = starting == [P];
        self.carry_until(if is_return { Kind::SubnetReturn } else { Kind::CtlRet });
    }

    /// Puts another configuration in force.
    pub(super) fn reload(&mut self, host: usize, config: Config) {
        self.hosts[host].config = std::rc::Rc::new(config.clone());
        self.turn(host, &mut |engine| engine.handle(Input::Reload(Box::new(config.clone()))));
    }

    pub(super) fn unreserve(&mut self, without: Config) {
        self.acts(&[Action::Pass(Span::Half), Action::Part, Action::Pass(Span::Half)]);
        assert!(self.obtain(0, Word::Discover, F), "it is the host");
        self.crash(P, Fate::Kept);
        self.hosts[P].config = std::rc::Rc::new(without);
        self.acts(&[Action::Start(P), Action::Pass(Span::Half)]);
        assert_eq!([self.state(P), self.state(F)], ["Serving", "Active"]);
    }

    pub(super) fn stop_after_a_poll(&mut self) {
        while self.flying[F].is_empty() {
            if self.flying[P].is_empty() {
                assert!(self.tick(), "it polls");
            } else {
                self.deliver(P, 0);
            }
        }
        self.act(Action::Stop);
    }

    pub(super) fn set_back(&mut self) {
        let mut image = self.hosts[P].clone();
        image.disk = image.disk.fork();
        for _ in 0..30 {
            self.act(Action::Pass(Span::Lease));
        }
        self.hosts[P] = image;
    }

    pub(super) fn slow_clock(&mut self) {
        self.lease(0, P);
        self.acts(&[Action::Settle, Action::Crash(F, Fate::Kept), Action::Crash(P, Fate::Kept)]);
        self.ahead[P] = -HOURS;
        self.act(Action::Start(P));
        let rebind = Action::Say(0, (Word::Rebind, Reach::Only(P), Answers::Arrive));
        for _ in 0..3 {
            self.acts(&[Action::Pass(Span::Half), rebind]);
        }
        self.crash(P, Fate::Kept);
        self.ahead[P] = 0;
        self.acts(&[Action::Start(P), Action::Start(F), Action::Pass(Span::Half)]);
        assert_eq!([self.state(P), self.state(F)], ["Serving", "Asleep"]);
    }

    pub(super) fn off_clock(&mut self) {
        self.lose_primary();
        let rebind = Action::Say(0, (Word::Rebind, Reach::Only(F), Answers::Arrive));
        // Its clock starts no earlier than the newest time in its journal, which is older than a lease by then.
        for _ in 0..4 {
            self.acts(&[rebind, Action::Pass(Span::Half)]);
        }
        self.ahead[P] = -HOURS;
        self.acts(&[rebind, Action::Start(P), Action::Pass(Span::Half)]);
        assert_eq!([self.state(P), self.state(F)], ["Serving", "Asleep"]);
        self.say(0, (Word::Rebind, Reach::Only(P), Answers::Arrive));
        self.acts(&[Action::Settle, Action::Crash(P, Fate::Kept), Action::Pass(Span::Half)]);
        self.owed = Some((0, F));
    }

    pub(super) fn renew_crosswise(&mut self) {
        self.lease(1, P);
        self.part_with_lease();
        for client in [0, 1] {
            for host in [P, F] {
                self.say(client, (Word::Rebind, Reach::Only(host), Answers::Arrive));
                self.tick();
            }
        }
        self.act(Action::Heal);
        let is_update =
            |flight: &Flight| flight.bytes.as_ref().is_some_and(|bytes| bytes[1] == Kind::BindUpdate.code());
        while !self.flying.iter().all(|queue| queue.iter().any(is_update)) {
            if self.state(F) == "Active" {
                self.flying[F].retain(|flight| !is_update(flight));
            }
            let other = |queue: &Vec<Flight>| queue.iter().position(|flight| !is_update(flight));
            match (0..2).find_map(|to| Some((to, other(&self.flying[to])?))) {
                Some((to, at)) => self.deliver(to, at),
                None => assert!(self.tick(), "they talk"),
            }
        }
        self.crosses = true;
    }

    pub(super) fn move_out(&mut self) {
        self.acts(&[Action::Part, Action::Pass(Span::Half)]);
        assert!(self.obtain(0, Word::Discover, P), "the primary's own");
        self.people[0] = Person::new(1);
        assert!(self.obtain(0, Word::Discover, F), "the failover's own");
    }

    pub(super) fn wake_to_the_past(&mut self) {
        while self.flying[P].is_empty() {
            assert!(self.tick(), "it polls");
        }
        let said = self.flying[P].remove(0);
        self.acts(&[Action::Cut(P), Action::Freeze(P), Action::Heal]);
        assert_eq!([self.state(P), self.state(F)], ["Claiming", "Active"]);
        self.flying[P].push(said);
    }

    pub(super) fn lose_disk(&mut self) {
        self.lease(0, P);
        self.acts(&[Action::Settle, Action::Crash(P, Fate::Lost)]);
        self.hosts[P].disk = SimDisk::new(33);
        self.hosts[P].told_have = 0;
        self.act(Action::Start(P));
    }

    pub(super) fn narrow(&mut self, config: Config) {
        self.people[0].secs = LONG;
        self.lease(0, P);
        self.people[0].secs = None;
        self.settle();
        self.reload(F, config);
        self.acts(&[Action::Pass(Span::Half), Action::Crash(P, Fate::Lost), Action::Pass(Span::Half)]);
        self.owed = Some((0, F));
    }
}
