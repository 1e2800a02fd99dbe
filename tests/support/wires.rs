//! The network between the servers of pairs: delays, losses, copies and cuts, each way by itself; nothing is random but
//! what follows from the seed.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use understudy::clock::Mono;
use understudy::wire::failover::Kind;

/// One way between two servers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    /// Time that each datagram takes.
    pub(crate) delay: Duration,
    /// Time on top of it, from none to this, drawn for each datagram: more than their distance makes them overtake.
    pub(crate) jitter: Duration,
    /// Lost ones, per cent.
    pub(crate) loss: u64,
    /// Doubled ones, per cent.
    pub(crate) copies: u64,
    /// Whether nothing passes.
    pub(crate) cut: bool,
    /// Messages of this kind are lost.
    pub(crate) loses: Option<Kind>,
}

impl Default for Way {
    fn default() -> Way {
        Way { delay: Duration::from_millis(1), jitter: Duration::ZERO, loss: 0, copies: 0, cut: false, loses: None }
    }
}

/// A datagram, or the news that a port is closed, on its way.
#[derive(Clone, Debug)]
pub(crate) struct Flight {
    /// Index of the server that sent it.
    pub(crate) from: usize,
    /// Index of the server that gets it.
    pub(crate) to: usize,
    /// The datagram; `None`: the port of `from` is closed.
    pub(crate) bytes: Option<Vec<u8>>,
}

/// All ways, and what is on them.
#[derive(Debug)]
pub(crate) struct Wires {
    ways: HashMap<(usize, usize), Way>,
    flights: BTreeMap<(Mono, u64), Flight>,
    number: u64,
    random: u64,
}

impl Wires {
    /// Good wires with nothing on them.
    pub(crate) fn new(seed: u64) -> Wires {
        Wires { ways: HashMap::new(), flights: BTreeMap::new(), number: 0, random: seed }
    }

    /// The way from one server to another, to be changed.
    pub(crate) fn way(&mut self, from: usize, to: usize) -> &mut Way {
        self.ways.entry((from, to)).or_default()
    }

    /// Cuts both ways.
    pub(crate) fn cut(&mut self, one: usize, other: usize) {
        self.way(one, other).cut = true;
        self.way(other, one).cut = true;
    }

    /// Mends both ways.
    pub(crate) fn mend(&mut self, one: usize, other: usize) {
        self.way(one, other).cut = false;
        self.way(other, one).cut = false;
    }

    /// Sends.
    pub(crate) fn send(&mut self, flight: Flight, now: Mono) {
        let way = *self.way(flight.from, flight.to);
        let kind = flight.bytes.as_ref().and_then(|bytes| Kind::of(bytes[1]));
        let is_lost = kind.is_some() && kind == way.loses || self.draw(100) < way.loss;
        if way.cut || is_lost {
            return;
        }
        let copies = if self.draw(100) < way.copies { 2 } else { 1 };
        for _ in 0..copies {
            let jitter = self.draw(way.jitter.as_micros() as u64 + 1);
            self.number += 1;
            let at = now + way.delay + Duration::from_micros(jitter);
            self.flights.insert((at, self.number), flight.clone());
        }
    }

    /// Puts a datagram before a server, as if the network had kept it.
    pub(crate) fn inject(&mut self, flight: Flight, now: Mono) {
        self.number += 1;
        self.flights.insert((now, self.number), flight);
    }

    /// When the next one arrives.
    pub(crate) fn next_at(&self) -> Option<Mono> {
        self.flights.first_key_value().map(|((at, _), _)| *at)
    }

    /// The next one that has arrived; what a cut caught on its way is lost.
    pub(crate) fn arrived(&mut self, now: Mono) -> Option<Flight> {
        loop {
            if self.next_at()? > now {
                return None;
            }
            let flight = self.flights.pop_first()?.1;
            if !self.way(flight.from, flight.to).cut {
                return Some(flight);
            }
        }
    }

    /// A number under `limit` (SplitMix64).
    fn draw(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
}
