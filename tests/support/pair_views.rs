//! What is read of a pair: datagrams that left, and what each server knows.

use std::time::Duration;

use understudy::clock::{Now, Wall};
use understudy::config::Network;
use understudy::lease::Binding;
use understudy::server::event::PartnerId;
use understudy::server::failover::{Service, View};
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

    /// Whether a server answers clients of a subnet.
    pub(crate) fn serves(&self, host: usize, subnet: Network) -> bool {
        let engine = self.hosts[host].engine.as_ref();
        engine.is_some_and(|engine| engine.server().failover().service(Some(PartnerId(0)), subnet) == Service::Serves)
    }

    /// The state of each server's first channel; `-` for a server that does not run.
    pub(crate) fn states(&self) -> Vec<&'static str> {
        (0..self.hosts.len()).map(|host| self.state(host)).collect()
    }

    /// The state of a server's first channel.
    pub(crate) fn state(&self, host: usize) -> &'static str {
        self.state_at(host, 0)
    }

    /// The state of a server's channel to `other`.
    pub(crate) fn state_towards(&self, host: usize, other: usize) -> &'static str {
        self.state_at(host, self.partner_at(host, other).expect("a partner").0)
    }

    fn state_at(&self, host: usize, index: usize) -> &'static str {
        self.view(host, index).map_or("-", |view| view.state)
    }

    /// How far the partner's lease clock is ahead of a server's, in milliseconds.
    pub(crate) fn clock_offset(&self, host: usize) -> i64 {
        self.view(host, 0).expect("a server that runs").offset_millis
    }

    fn view(&self, host: usize, index: usize) -> Option<View<'_>> {
        let now = self.reading(host);
        let now = Now { mono: now.mono, wall: now.system };
        self.hosts[host].engine.as_ref()?.server().partners(now).nth(index)
    }
}
