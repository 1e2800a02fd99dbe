//! Who could have answered whom: the rules of the switch that the present faults make, and a history of which server
//! each crowd could expect an answer from.

use std::time::Duration;

use super::schedule::{CROWDS, Fault, SERVERS, Server};
use crate::duo::{Fate, Port, Rule, Traffic};

/// Where everyone is plugged in.
pub(crate) struct Ports {
    pub(crate) servers: [Port; SERVERS.len()],
    pub(crate) crowds: [Port; CROWDS],
}

impl Ports {
    fn of(&self, server: Server) -> Port {
        self.servers[server.place()]
    }

    /// The rules that all faults of `active` make together.
    pub(crate) fn rules(&self, active: &[Fault]) -> Vec<Rule> {
        active.iter().flat_map(|fault| self.rules_of(*fault)).collect()
    }

    fn rules_of(&self, fault: Fault) -> Vec<Rule> {
        let failover = self.of(Server::Failover);
        let bad = |traffic, lost| {
            let late = Fate::Shuffle(25, Duration::from_millis(40));
            [Fate::Lose(lost), Fate::Copy(10), late].map(|fate| Rule::everywhere(traffic, fate)).to_vec()
        };
        match fault {
            Fault::Isolate(server) => Rule::isolate(self.of(server)),
            Fault::CutChannel(server) => Rule::cut(Traffic::Channel, &[self.of(server)], &[failover]),
            Fault::CutToFailover(server) => Rule::cut_one_way(Traffic::Channel, self.of(server), failover),
            Fault::CutToPrimary(server) => Rule::cut_one_way(Traffic::Channel, failover, self.of(server)),
            Fault::CutClients(crowd, server) => Rule::cut(Traffic::Clients, &[self.of(server)], &[self.crowds[crowd]]),
            Fault::Partition => {
                let [near, far, third] = self.crowds;
                let [first, failover, other] = self.servers;
                Rule::cut(Traffic::Any, &[first, near], &[failover, other, far, third])
            }
            Fault::BadChannels => bad(Traffic::Channel, 20),
            Fault::BadWires => bad(Traffic::Any, 8),
            Fault::Kill(_)
            | Fault::Freeze(_)
            | Fault::Stop(_)
            | Fault::Reload(..)
            | Fault::Nudge(..)
            | Fault::Hour(..) => Vec::new(),
        }
    }
}

/// The primary of a crowd.
fn primary_of(crowd: usize) -> Server {
    if crowd == 2 { Server::Other } else { Server::First }
}

/// Whether the fault keeps a server's process from doing anything.
fn stops(fault: Fault, server: Server) -> bool {
    matches!(fault, Fault::Kill(who) | Fault::Freeze(who) | Fault::Stop(who) if who == server)
}

/// Which side of the partition: the first primary and the near crowd are on the one, all others on the other.
fn is_near(server: Server) -> bool {
    server == Server::First
}

fn hears(active: &[Fault], crowd: usize, server: Server) -> bool {
    active.iter().all(|fault| match *fault {
        Fault::Isolate(who) => who != server,
        Fault::CutClients(of, who) => of != crowd || who != server,
        Fault::Partition => (crowd == 0) == is_near(server),
        fault => !stops(fault, server),
    })
}

/// Whether the failover may know that this primary lives; then it sleeps, and so it should.
fn is_known(active: &[Fault], primary: Server) -> bool {
    active.iter().all(|fault| match *fault {
        Fault::Isolate(who) => who != primary && who != Server::Failover,
        Fault::CutChannel(who) | Fault::CutToFailover(who) | Fault::CutToPrimary(who) => who != primary,
        Fault::Partition => is_near(primary) == is_near(Server::Failover),
        fault => !stops(fault, primary) && !stops(fault, Server::Failover),
    })
}

/// The server that owes the crowd an answer; `None` where none of them can, or where the wires lose what they say.
fn owing(active: &[Fault], crowd: usize) -> Option<Server> {
    let primary = primary_of(crowd);
    if active.contains(&Fault::BadWires) {
        None
    } else if hears(active, crowd, primary) {
        Some(primary)
    } else {
        // A failover that hears the primary leaves its clients to it, though they do not reach it.
        (hears(active, crowd, Server::Failover) && !is_known(active, primary)).then_some(Server::Failover)
    }
}

/// Which server owed each crowd an answer, from each change of it on; times are seconds since 1970.
#[derive(Default)]
pub(crate) struct History {
    changes: Vec<(f64, [Option<Server>; CROWDS])>,
}

impl History {
    /// From `at` on these faults are in force.
    pub(crate) fn note(&mut self, at: f64, active: &[Fault]) {
        self.changes.push((at, std::array::from_fn(|crowd| owing(active, crowd))));
    }

    /// The longest time between `since` and `until` in which one and the same server owed `crowd` an answer, the faults
    /// being what they were, and which it was.
    pub(crate) fn longest_debt(&self, crowd: usize, since: f64, until: f64) -> Option<(f64, Server)> {
        let ends = self.changes.iter().skip(1).map(|(at, _)| *at).chain([f64::INFINITY]);
        let spans = self.changes.iter().zip(ends).filter_map(|((begin, owed), end)| {
            let span = until.min(end) - since.max(*begin);
            owed[crowd].filter(|_| span > 0.0).map(|server| (span, server))
        });
        spans.max_by(|one, other| one.0.total_cmp(&other.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_is_owed_answers_by_its_primary_and_by_the_failover_only_while_the_primary_is_not_heard() {
        assert_eq!(owing(&[], 0), Some(Server::First));
        assert_eq!(owing(&[Fault::Freeze(Server::First)], 0), Some(Server::Failover));
        assert_eq!(owing(&[Fault::Freeze(Server::First)], 2), Some(Server::Other));
        assert_eq!(owing(&[Fault::CutClients(1, Server::First)], 1), None);
        assert_eq!(owing(&[Fault::Partition], 0), Some(Server::First));
        assert_eq!(owing(&[Fault::Partition], 1), Some(Server::Failover));
        assert_eq!(owing(&[Fault::Partition, Fault::Kill(Server::Failover)], 1), None);
    }

    #[test]
    fn a_wait_is_held_against_the_server_that_owed_the_answer_longest() {
        let mut history = History::default();
        history.note(0.0, &[]);
        history.note(10.0, &[Fault::Kill(Server::First)]);
        history.note(14.0, &[]);
        assert_eq!(history.longest_debt(0, 9.0, 15.0), Some((4.0, Server::Failover)));
        assert_eq!(history.longest_debt(0, 15.0, 18.0), Some((3.0, Server::First)));
    }
}
