//! A second failover: an engine with a journal of its own that claims a primary which has a failover. It polls, is a
//! stranger, takes the primary for down, hears all clients, and may answer none.

use understudy::engine::{Engine, Start};
use understudy::journal::OpenMode;

use super::client::Outgoing;
use super::clock::{MILLI, NodeClock, SECOND, Time};
use super::faults::Undo;
use super::node::{Cost, Inward, Node, Outward};
use super::support::disk::SimDisk;
use super::wires::Way;
use super::world::{Event, Kin, World};

/// The second failover.
#[derive(Debug)]
pub(crate) struct Rival {
    /// The server; its index is the one behind the failover.
    node: Node,
    /// Which primary it claims.
    primary: usize,
    place: Place,
}

/// Where it sends from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// An address of its own: no datagram gets past the primary's socket.
    Elsewhere,
    /// Behind the address of the failover, which gets the answers.
    BehindTheFailover,
}

impl World {
    /// A second failover comes, with what its journal holds if it was there before.
    pub(crate) fn claim_twice(&mut self, primary: usize) -> Option<String> {
        if self.rival.as_ref().is_some_and(|rival| rival.node.engine.is_some()) {
            return None;
        }
        let place = self.random.pick(&[Place::Elsewhere, Place::BehindTheFailover, Place::BehindTheFailover]);
        let index = self.failover() + 1;
        let former = self.rival.take().filter(|rival| rival.primary == primary);
        let mode = if former.is_some() { OpenMode::Normal } else { OpenMode::New };
        let mut node = former.map_or_else(
            || {
                let clock = NodeClock { drift: self.random.around(100), offset: self.random.around(200) };
                Node::new(index, SimDisk::new(self.random.next()), clock)
            },
            |rival| rival.node,
        );
        let (config, reading) = (self.site.of_rival(primary), node.clock.reading(self.now));
        let (storage, patience) = (node.disk.clone(), std::mem::take(&mut node.patience));
        let started = Engine::start(Start { config, storage, mode, reading, seed: self.random.seed(), patience });
        self.transcript.hear(self.now, "G");
        let (engine, _) = started.ok()?;
        node.engine = Some(engine);
        node.starts += 1;
        (node.busy_until, node.due) = (self.now, self.now);
        let _ = node.put(Inward::Interfaces(self.site.interfaces(index)));
        self.rival = Some(Rival { node, primary, place });
        let time = self.random.between(5, 90) * SECOND;
        self.at(self.now + time, Event::Undo(Undo::Rival));
        Some(format!("G claims P{primary}, {place:?}, for {} ms", time / MILLI))
    }

    /// The second failover goes; its journal stays.
    pub(crate) fn end_rival(&mut self) {
        if let Some(rival) = &mut self.rival {
            let _ = rival.node.end();
        }
    }

    /// When the second failover's next turn begins.
    pub(crate) fn rivals_turn(&self) -> Time {
        self.rival.as_ref().map_or(Time::MAX, |rival| rival.node.next_turn(self.now))
    }

    /// A turn of the second failover.
    pub(crate) fn rival_turns(&mut self) {
        let cost = Cost { idle: MILLI / 20, sync: MILLI };
        let now = self.now;
        let Some(rival) = &mut self.rival else { return };
        let turned = rival.node.turn(now, cost);
        self.transcript.hear(now, "G");
        match turned {
            Ok(turned) => {
                rival.node.leaving = turned.leaving;
                let start = rival.node.starts;
                self.at(turned.at, Event::RivalLeaves(start));
            }
            Err(fatal) => {
                let _ = rival.node.end();
                self.fail(3, format!("G ends: {fatal}"));
            }
        }
    }

    /// What a turn of the second failover sets free.
    pub(crate) fn rival_leaves(&mut self, start: u32) {
        let failover = self.failover();
        let Some(rival) = self.rival.as_mut().filter(|rival| rival.node.starts == start) else { return };
        let (primary, place) = (rival.primary, rival.place);
        for outward in std::mem::take(&mut rival.node.leaving) {
            match outward {
                Outward::Partner(_, bytes) if place == Place::BehindTheFailover => {
                    let way = *self.wires.heartbeat(failover, primary);
                    for at in way.arrivals(self.now, &mut self.random) {
                        self.at(at, Event::Datagram(failover, primary, bytes.clone(), Kin::Bad));
                    }
                }
                Outward::Partner(..) | Outward::Ping(_) | Outward::Said(_) => {}
                Outward::Stop | Outward::SyncFailed(_) => self.end_rival(),
                Outward::Reply { reply, .. } => {
                    let kind = reply.kind();
                    self.fail(
                        2,
                        format!("G, which P{primary} does not know, answers a client: {kind:?} {}", reply.yiaddr),
                    );
                }
                Outward::Store(name, _) => self.fail(8, format!("G has got subnets of {name}")),
            }
        }
    }

    /// What a client says to all comes to the second failover too.
    pub(crate) fn rival_hears(&mut self, subnet: usize, outgoing: &Outgoing) {
        if self.rival.as_ref().is_none_or(|rival| rival.node.engine.is_none()) {
            return;
        }
        let (arrival, bytes) = self.arrival(self.failover() + 1, subnet, outgoing);
        for at in Way::GOOD.arrivals(self.now, &mut self.random) {
            self.at(at, Event::RivalHears(arrival, bytes.clone()));
        }
    }

    /// A message of a client arrives there.
    pub(crate) fn rival_takes(&mut self, inward: Inward) {
        if let Some(rival) = &mut self.rival {
            let _ = rival.node.put(inward);
        }
    }
}
