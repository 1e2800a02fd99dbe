//! What is read of a pair: datagrams that left, and what each server knows.

use std::time::Duration;

use understudy::clock::Wall;
use understudy::lease::Binding;
use understudy::wire::failover::Kind;

use super::pair::{F, P, Pair, Sent};

impl Pair {
    /// When datagrams of one kind left a server.
    pub(crate) fn times(&self, from: usize, kind: Kind) -> Vec<Duration> {
        let wanted = |sent: &&Sent| sent.from == from && sent.bytes.get(1) == Some(&kind.code());
        self.sent.iter().filter(wanted).map(|sent| sent.at).collect()
    }

    /// The same, from a point in time on, as the time passed since then.
    pub(crate) fn times_since(&self, from: usize, kind: Kind, since: Duration) -> Vec<Duration> {
        self.times(from, kind).into_iter().filter(|at| *at >= since).map(|at| at - since).collect()
    }

    /// All that a server knows of addresses, without when a client was last seen.
    pub(crate) fn table(&self, host: usize) -> Vec<String> {
        let table = self.engine(host).server().bindings().table();
        let line = |binding: Binding<'_>| format!("{:?}", Binding { last_seen: Wall::default(), ..binding });
        let mut lines: Vec<_> = table.slots(0, table.len()).map(line).collect();
        lines.sort();
        lines
    }

    /// Asserts that both servers know the same.
    pub(crate) fn assert_equal(&self) {
        let (one, other) = (self.table(P), self.table(F));
        let only = |these: &[String], those: &[String]| -> Vec<String> {
            these.iter().filter(|line| !those.contains(line)).cloned().collect()
        };
        assert!(one == other, "only P: {:#?}\nonly F: {:#?}", only(&one, &other), only(&other, &one));
    }
}
