//! The second half of a run: everything is well again, and progress is demanded (invariants 4 and 5).

use understudy::clock::Wall;
use understudy::lease::Binding;

use super::client::State;
use super::clock::{MILLI, SECOND, Time};
use super::node::Inward;
use super::world::{Event, World};

/// Virtual time within which both servers of each channel are in their places, with equal tables.
const EQUAL_MAX: Time = 90 * SECOND;
/// How often that is looked at.
const LOOK: Time = 200 * MILLI;
/// MaxUnavailableTime of all sites.
const UNAVAILABLE: Time = 60 * SECOND;
/// Within this the sweep of ended leases comes twice (LeaseExpirationSleepTime).
const SWEEPS: Time = 125 * SECOND;
/// How long nothing may be written at last.
const QUIET: Time = 120 * SECOND;

impl World {
    /// Everything is mended, the servers and clients do what they are there for.
    pub(crate) fn heal(&mut self) {
        self.troubled = false;
        self.say(|| "HEAL".to_owned());
        self.wires.mend();
        self.thaw();
        self.mend_configurations();
        self.end_rival();
        for index in 0..self.nodes.len() {
            let offset = self.random.around(self.site.skew * 400);
            self.nodes[index].clock.offset = offset;
            if let Some(fate) = self.nodes[index].fate {
                self.cut_power(index, fate);
            }
            if self.nodes[index].engine.is_none() {
                self.at(self.now + SECOND, Event::Start(index));
            }
        }
        self.calm_clients();
    }

    /// 4: both tables become equal within a stated time.
    pub(crate) fn check_4_tables_become_equal(&mut self) {
        let began = self.now;
        loop {
            self.run_until(self.now + LOOK);
            if self.violation.is_some() {
                return;
            }
            let Some(why) = self.unequal() else { break };
            if self.now - began > EQUAL_MAX {
                self.fail(4, format!("not equal {} s after the heal: {why}", EQUAL_MAX / SECOND));
                return;
            }
            self.give_back();
        }
        let took = (self.now - began) / MILLI;
        self.report.slowest_heal_ms = self.report.slowest_heal_ms.max(took);
        self.say(|| format!("equal after {took} ms"));
    }

    /// An operator ends drills.
    fn give_back(&mut self) {
        for primary in 0..self.failover() {
            if self.states_of(primary) == "Given" {
                let _ = self.nodes[primary].put(Inward::Control("giveback failover".to_owned()));
            }
        }
    }

    /// Why the servers are not in their places with equal tables; nothing if they are.
    fn unequal(&self) -> Option<String> {
        let failover = self.failover();
        let states: Vec<String> = self.states_of(failover).split(' ').map(str::to_owned).collect();
        for primary in 0..failover {
            let own = self.states_of(primary);
            let other = states.get(primary).map_or("-", String::as_str);
            if own != "Serving" || !matches!(other, "Asleep" | "Probing") {
                return Some(format!("P{primary} is {own}, F {other}"));
            }
            let (one, two) = (self.table(primary, primary), self.table(failover, primary));
            if one != two {
                let only = |these: &[String], those: &[String]| {
                    these.iter().filter(|line| !those.contains(line)).cloned().collect::<Vec<_>>()
                };
                return Some(format!("only P{primary}: {:?}; only F: {:?}", only(&one, &two), only(&two, &one)));
            }
        }
        None
    }

    /// All that a node knows of the addresses in a primary's subnets, but when clients were last seen.
    fn table(&self, node: usize, primary: usize) -> Vec<String> {
        let Some(engine) = &self.nodes[node].engine else { return Vec::new() };
        let table = engine.server().bindings().table();
        let subnets = || self.site.subnets.iter().filter(|subnet| subnet.primary == primary && subnet.present);
        let own = |binding: &Binding<'_>| subnets().any(|subnet| subnet.contains(binding.address));
        let line = |binding: Binding<'_>| format!("{:?}", Binding { last_seen: Wall::default(), ..binding });
        let mut lines: Vec<String> = table.slots(0, table.len()).filter(own).map(line).collect();
        lines.sort();
        lines
    }

    /// 5: once the promises of before are over, every client that fits into its subnet holds an address.
    pub(crate) fn check_5_every_client_is_served(&mut self) {
        let wait = self.site.lease * SECOND * 2 + UNAVAILABLE + 40 * SECOND;
        self.run_until(self.now + wait);
        if self.violation.is_some() {
            return;
        }
        let now = self.now;
        let without = self.clients.iter().find(|client| client.state != State::Off && client.uses(now).is_none());
        if let Some(client) = without {
            let primary = self.site.subnets[client.subnet].primary;
            let what = format!(
                "client {} on subnet {} has no address {} s after the heal: {:?}; {}",
                client.number,
                client.subnet,
                wait / SECOND,
                client.state,
                self.shown(primary)
            );
            self.fail(5, what);
        }
    }

    /// 4: when no client asks for anything any more, nothing is written any more.
    pub(crate) fn check_4_nothing_is_written_any_more(&mut self) {
        for client in &mut self.clients {
            client.switch_off();
        }
        let sweeps = if self.site.deletes { SWEEPS } else { 0 };
        self.run_until(self.now + self.site.lease * SECOND + UNAVAILABLE + 20 * SECOND + sweeps);
        if self.violation.is_some() {
            return;
        }
        if let Some(why) = self.unequal() {
            self.fail(4, format!("not equal at last: {why}"));
            return;
        }
        let before = self.written();
        self.run_until(self.now + QUIET);
        let after = self.written();
        let facts = 2 * (QUIET / SECOND / 60 + 1) * self.failover() as u64 + 4;
        for (index, (one, two)) in before.iter().zip(&after).enumerate() {
            if one.0 != two.0 || two.1 - one.1 > facts {
                let what = format!("{} goes on writing: {one:?}, then {two:?}", self.name(index));
                self.fail(4, what);
            }
        }
    }

    /// The bindings of a primary, for a reader: whose, whether they run, for how long.
    fn shown(&self, primary: usize) -> String {
        let Some(engine) = &self.nodes[primary].engine else { return "not running".to_owned() };
        let now = self.nodes[primary].clock.reading(self.now).system.millis() as i64;
        let table = engine.server().bindings().table();
        let line = |binding: Binding<'_>| {
            let left = |wall: Wall| (wall.millis() as i64 - now) / 1000;
            let (end, bar) = (left(binding.end), left(binding.bar).max(-9_999));
            format!(
                "{} {:?} of {} owned by {} end {end} bar {bar}",
                binding.address, binding.state, binding.origin, binding.owner
            )
        };
        let knowledge = engine.server().failover().knowledge(Some(understudy::server::event::PartnerId(0)));
        let lines: Vec<String> = table.slots(0, table.len()).map(line).collect();
        format!("{lines:?} {knowledge:?}")
    }

    /// The newest stamp and the syncs of each server.
    fn written(&self) -> Vec<(Option<u64>, u64)> {
        let one = |node: &super::node::Node| {
            let engine = node.engine.as_ref();
            (engine.map(|engine| engine.server().bindings().stamps().last().0), node.disk.syncs())
        };
        self.nodes.iter().map(one).collect()
    }
}
