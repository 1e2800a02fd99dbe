//! The networks: between servers, and between a server and the clients of a subnet. Each way has its own troubles.

use super::clock::{MILLI, Time};
use super::random::Random;

/// One way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// Whether nothing passes.
    pub(crate) cut: bool,
    /// Lost ones, per cent.
    pub(crate) loss: u64,
    /// Doubled ones, per cent.
    pub(crate) copies: u64,
    /// Time on top of the least, from none to this.
    pub(crate) jitter: Time,
    /// Damaged, forged or replayed ones beside it, per cent.
    pub(crate) bad: u64,
}

impl Way {
    /// A good one.
    pub(crate) const GOOD: Way = Way { cut: false, loss: 0, copies: 0, jitter: 0, bad: 0 };
    /// The least time that anything takes.
    const LEAST: Time = MILLI / 2;

    /// When what is sent now arrives: not at all, once, or twice.
    pub(crate) fn arrivals(&self, now: Time, random: &mut Random) -> Vec<Time> {
        if self.cut || self.loss > 0 && random.happens(self.loss) {
            return Vec::new();
        }
        let count = if self.copies > 0 && random.happens(self.copies) { 2 } else { 1 };
        (0..count).map(|_| now + Way::LEAST + random.below(self.jitter + 1)).collect()
    }

    /// Noise as the generator has it.
    pub(crate) fn noisy(random: &mut Random) -> Way {
        Way {
            cut: false,
            loss: random.between(0, 30),
            copies: random.between(0, 30),
            jitter: random.between(0, 60) * MILLI,
            bad: 0,
        }
    }
}

/// All ways of a site.
#[derive(Debug)]
pub(crate) struct Wires {
    nodes: usize,
    subnets: usize,
    heartbeat: Vec<Way>,
    inward: Vec<Way>,
    outward: Vec<Way>,
}

impl Wires {
    /// Good wires.
    pub(crate) fn new(nodes: usize, subnets: usize) -> Wires {
        Wires {
            nodes,
            subnets,
            heartbeat: vec![Way::GOOD; nodes * nodes],
            inward: vec![Way::GOOD; nodes * subnets],
            outward: vec![Way::GOOD; nodes * subnets],
        }
    }

    /// All of them good again.
    pub(crate) fn mend(&mut self) {
        *self = Wires::new(self.nodes, self.subnets);
    }

    /// The way from one server to another.
    pub(crate) fn heartbeat(&mut self, from: usize, to: usize) -> &mut Way {
        &mut self.heartbeat[from * self.nodes + to]
    }

    /// The way from the clients of a subnet to a server.
    pub(crate) fn inward(&mut self, node: usize, subnet: usize) -> &mut Way {
        &mut self.inward[node * self.subnets + subnet]
    }

    /// The way from a server to the clients of a subnet.
    pub(crate) fn outward(&mut self, node: usize, subnet: usize) -> &mut Way {
        &mut self.outward[node * self.subnets + subnet]
    }

    /// Whether a server and the clients of a subnet reach each other.
    pub(crate) fn reaches(&self, node: usize, subnet: usize) -> bool {
        let at = node * self.subnets + subnet;
        !self.inward[at].cut && !self.outward[at].cut
    }
}
