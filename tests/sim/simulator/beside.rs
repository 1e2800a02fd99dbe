//! Invariant 1 as clients see it: whose answers leave while the partner serves, and how often a cut moves control.
//!
//! Both are looked at only in runs in which nothing happens that would be an excuse.

use understudy::config::Network;
use understudy::server::event::PartnerId;
use understudy::wire::failover::Kind;

use super::clock::{MILLI, SECOND, Time};
use super::mix::Fault;
use super::support::{Reply, kind};
use super::world::World;

/// Faults that leave the heartbeat, and the processes, as they are.
const STANDSTILLS: [Fault; 5] =
    [Fault::Freeze, Fault::SyncStalls, Fault::CutClients, Fault::RudeClients, Fault::Roaming];
/// Faults by which nothing but silence of its primary makes a failover serve.
const SILENCES: [Fault; 5] = [Fault::Cut, Fault::CutOneWay, Fault::CutClients, Fault::RudeClients, Fault::Roaming];
/// A failover that yielded so lately is slower to take over again (section 6).
const FLAP: Time = 600 * SECOND;

/// What is remembered of a primary and its channel, to judge answers and takeovers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Hearing {
    /// When the failover had an answer of the primary to its polls last.
    answered: Time,
    /// When it stopped serving last, since the primary served.
    yielded: Option<Time>,
    /// When it began to serve last.
    took_over: Time,
    /// The primary's last two turns: when they began, and whether it was in contact then.
    turns: [(Time, bool); 2],
}

impl World {
    fn has_only(&self, faults: &[Fault]) -> bool {
        self.mix.faults.iter().all(|fault| faults.contains(fault))
    }

    /// 1: where servers do nothing worse than stand still, a primary that was in contact does not answer beside a
    /// failover that has taken over since its last turn but this one.
    pub(crate) fn check_1_no_answer_beside_the_failover(&mut self, index: usize, reply: &Reply) {
        let failover = self.failover();
        if index == failover || !self.has_only(&STANDSTILLS) || reply.kind() != Some(kind::ACK) {
            return;
        }
        let Some(subnet) = self.site.subnet_of(reply.yiaddr) else { return };
        let network = Network { address: self.site.subnets[subnet].address(0), prefix: 24 };
        let Hearing { took_over, turns: [(before, was_in_contact), (began, _)], .. } = self.hearing[index];
        if was_in_contact && took_over > before && self.serves(failover, PartnerId(index), network) {
            let late = (self.now - began) / MILLI;
            let what = format!("P{index} answers {late} ms after its turn began, and F serves {}", network.address);
            self.fail(1, what);
        }
    }

    /// A turn of a server.
    pub(crate) fn note_turn(&mut self, index: usize) {
        let failover = self.failover();
        if index != failover {
            let turn = (self.now, self.is_in_contact(index, failover));
            let turns = &mut self.hearing[index].turns;
            *turns = [turns[1], turn];
        }
    }

    /// A datagram of a server arrives at another.
    pub(crate) fn note_heard(&mut self, from: usize, to: usize, octets: &[u8]) {
        if to == self.failover() && matches!(Kind::of(octets[1]), Some(Kind::PollRpl | Kind::BindUpdate)) {
            self.hearing[from].answered = self.now;
        }
    }

    /// 1: a failover that yielded lately serves again only when twice as many polls stay unanswered: a cut that comes
    /// and goes does not make it flap.
    pub(crate) fn check_1_no_flapping(&mut self, before: &str, after: &str) {
        let (now, failover) = (self.now, self.failover());
        for (primary, (was, is)) in before.split(' ').zip(after.split(' ')).enumerate() {
            if (was, is) == ("Active", "Asleep") {
                self.hearing[primary].yielded = Some(now);
            }
            if is == "Active" && was != is {
                self.hearing[primary].took_over = now;
            }
            let lately = self.hearing[primary].yielded.is_some_and(|yielded| now - yielded < FLAP);
            if (was, is) != ("Probing", "Active") || !lately || !self.has_only(&SILENCES) {
                continue;
            }
            let config = self.config(failover);
            let channel = &config.primaries[primary];
            let wait = channel.wait_poll_rpl.as_nanos() as Time;
            let least = 2 * wait * Time::from(channel.poll_retry_max + 1) - SECOND / 10;
            let silent = now - self.hearing[primary].answered;
            if silent < least {
                self.fail(1, format!("F takes over P{primary} again after {silent} ns of silence, least {least}"));
            }
        }
    }
}
