//! Begins exchanges, follows each through its answers, and reports.
//!
//! The transaction id of a request is twice the number of its exchange, plus 1 for a REQUEST; so an answer finds its
//! exchange without a search, and a late OFFER is not taken for an ACK.

use std::collections::VecDeque;
use std::io;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::arguments::{Exchange, Extent, Pace, Plan};
use crate::link::{BATCH, Link};
use crate::packet::{self, ACK, DISCOVER, NAK, OFFER, REQUEST, Reply, Request};
use crate::tally::Tally;

/// With a window, an answer that takes longer is lost.
const PATIENCE: Duration = Duration::from_secs(1);
/// The longest sleep, so that lost answers and the end are noticed.
const NAP: Duration = Duration::from_millis(5);
/// A `--count` run gives up after this long without any answer.
const GIVE_UP: Duration = Duration::from_secs(20);
/// Time between two DISCOVERs of a probe.
const PROBE_EVERY: Duration = Duration::from_millis(2);

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Discovering,
    Requesting,
    Done,
    Refused,
    Lost,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    stage: Stage,
    sent: Duration,
    address: Ipv4Addr,
    server: Ipv4Addr,
}

struct Driver<'a> {
    plan: &'a Plan,
    link: Link,
    origin: Instant,
    exchanges: Vec<Progress>,
    /// Requests whose answers are awaited, oldest first; only with a window.
    awaited: VecDeque<(usize, Stage, Duration)>,
    under_way: usize,
    /// Addresses to renew.
    leases: Vec<Ipv4Addr>,
    offers: Tally,
    acks: Tally,
    naks: usize,
    other: usize,
    resent: usize,
    last_answer: Duration,
}

/// Runs the plan; the report as a JSON line.
pub(crate) fn run(plan: &Plan) -> io::Result<String> {
    let link = Link::open(plan.relay, plan.server)?;
    let leases = match &plan.leases {
        Some(path) => std::fs::read(path)?.chunks_exact(4).map(|o| Ipv4Addr::new(o[0], o[1], o[2], o[3])).collect(),
        None => Vec::new(),
    };
    if plan.exchange == Exchange::Renew && leases.is_empty() {
        return Err(io::Error::other("renew needs --leases with at least one lease"));
    }
    let mut driver = Driver {
        plan,
        link,
        origin: Instant::now(),
        exchanges: Vec::new(),
        awaited: VecDeque::new(),
        under_way: 0,
        leases,
        offers: Tally::default(),
        acks: Tally::default(),
        naks: 0,
        other: 0,
        resent: 0,
        last_answer: Duration::ZERO,
    };
    if plan.exchange == Exchange::Probe {
        return driver.probe();
    }
    let took = driver.drive()?;
    if let Some(path) = &plan.keep {
        let octets: Vec<u8> = driver.exchanges.iter().flat_map(|e| e.address.octets()).collect();
        std::fs::write(path, octets)?;
    }
    Ok(driver.report(took))
}

impl Driver<'_> {
    /// Sends DISCOVERs until an OFFER comes, and reports when that was on CLOCK_MONOTONIC.
    fn probe(&mut self) -> io::Result<String> {
        let Extent::Time(longest) = self.plan.extent else {
            return Err(io::Error::other("a probe takes --seconds"));
        };
        while self.origin.elapsed() < longest {
            let now = self.origin.elapsed();
            self.begin(now)?;
            self.link.flush()?;
            let next = now + PROBE_EVERY;
            while self.origin.elapsed() < next {
                self.link.wait(next.saturating_sub(self.origin.elapsed()))?;
                for index in 0..self.link.receive()? {
                    if packet::parse(self.link.reply(index)).is_some_and(|r| r.kind == OFFER) {
                        let at = clock_gettime(ClockId::CLOCK_MONOTONIC)?;
                        return Ok(format!("{{\"offer_at\": {}.{:09}}}", at.tv_sec(), at.tv_nsec()));
                    }
                }
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "no OFFER"))
    }

    /// The whole run; the time in which exchanges began, or until the last was completed.
    fn drive(&mut self) -> io::Result<Duration> {
        loop {
            let now = self.origin.elapsed();
            if let Some(took) = self.ended(now)? {
                return Ok(took);
            }
            let behind = self.begin_due(now)?;
            self.expire(now)?;
            self.link.flush()?;
            let arrived = self.link.receive()?;
            let now = self.origin.elapsed();
            for index in 0..arrived {
                match packet::parse(self.link.reply(index)) {
                    Some(reply) => self.on_reply(reply, now)?,
                    None => self.other += 1,
                }
            }
            self.link.flush()?;
            if arrived == 0 && !behind {
                self.link.wait(self.next_due(now))?;
            }
        }
    }

    fn ended(&self, now: Duration) -> io::Result<Option<Duration>> {
        match self.plan.extent {
            Extent::Time(time) => {
                let all = now > time && self.under_way == 0;
                Ok((all || now > time + self.plan.linger).then_some(time))
            }
            Extent::Count(count) => {
                if now > self.last_answer + GIVE_UP {
                    let done = self.acks.answers().max(self.offers.answers());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer any more after {done}")));
                }
                Ok((self.exchanges.len() >= count && self.under_way == 0).then_some(now))
            }
        }
    }

    /// Begins what is due; whether more is due than one batch.
    fn begin_due(&mut self, now: Duration) -> io::Result<bool> {
        let due = match self.plan.extent {
            Extent::Time(time) if now > time => return Ok(false),
            Extent::Time(_) => usize::MAX,
            Extent::Count(count) => count,
        };
        let due = match self.plan.pace {
            Pace::Rate(rate) => due.min((now.as_secs_f64() * rate) as usize),
            Pace::Window(window) => due.min(self.exchanges.len() + window.saturating_sub(self.under_way)),
        };
        for _ in 0..BATCH {
            if self.exchanges.len() >= due {
                return Ok(false);
            }
            self.begin(now)?;
        }
        Ok(self.exchanges.len() < due)
    }

    fn begin(&mut self, now: Duration) -> io::Result<()> {
        let number = self.exchanges.len();
        let renews = self.plan.exchange == Exchange::Renew;
        let stage = if renews { Stage::Requesting } else { Stage::Discovering };
        let address = if renews { self.leases[number % self.leases.len()] } else { Ipv4Addr::UNSPECIFIED };
        self.exchanges.push(Progress { stage, sent: now, address, server: Ipv4Addr::UNSPECIFIED });
        self.under_way += 1;
        if renews {
            self.acks.sent()
        } else {
            self.offers.sent()
        }
        self.send(number)
    }

    /// Sends the request of the stage that the exchange is in.
    fn send(&mut self, number: usize) -> io::Result<()> {
        let progress = self.exchanges[number];
        let renews = self.plan.exchange == Exchange::Renew;
        let requesting = progress.stage == Stage::Requesting;
        let client = if renews { number % self.leases.len() } else { number };
        let request = Request {
            kind: if requesting { REQUEST } else { DISCOVER },
            client: self.plan.first.wrapping_add(client as u32),
            xid: (number as u32).wrapping_mul(2) + u32::from(requesting),
            relay: self.plan.relay,
            habit: self.plan.habit,
            holds: renews.then_some(progress.address),
            selects: (requesting && !renews).then_some((progress.address, progress.server)),
        };
        request.write(self.link.queue()?);
        if matches!(self.plan.pace, Pace::Window(_)) {
            self.awaited.push_back((number, progress.stage, progress.sent));
        }
        Ok(())
    }

    fn on_reply(&mut self, reply: Reply, now: Duration) -> io::Result<()> {
        let number = (reply.xid / 2) as usize;
        let requested = reply.xid % 2 == 1;
        let Some(progress) = self.exchanges.get_mut(number) else {
            self.other += 1;
            return Ok(());
        };
        let delay = now.saturating_sub(progress.sent);
        self.last_answer = now;
        if progress.stage == Stage::Discovering && reply.kind == OFFER && !requested {
            self.offers.answered(delay);
            progress.address = reply.address;
            if self.plan.exchange == Exchange::Discover {
                self.finish(number, Stage::Done);
                return Ok(());
            }
            progress.server = reply.server.unwrap_or(self.plan.server);
            progress.sent = now;
            progress.stage = Stage::Requesting;
            self.acks.sent();
            return self.send(number);
        }
        if progress.stage == Stage::Requesting && reply.kind == ACK && requested {
            self.acks.answered(delay);
            progress.address = reply.address;
            self.finish(number, Stage::Done);
        } else if progress.stage == Stage::Requesting && reply.kind == NAK && requested {
            self.naks += 1;
            self.finish(number, Stage::Refused);
        } else {
            // copies, and answers that came too late
            self.other += 1;
        }
        Ok(())
    }

    fn finish(&mut self, number: usize, stage: Stage) {
        self.exchanges[number].stage = stage;
        self.under_way -= 1;
    }

    /// With a window: what has waited too long is given up, or sent again when a count is to be reached.
    fn expire(&mut self, now: Duration) -> io::Result<()> {
        while let Some(&(number, stage, sent)) = self.awaited.front() {
            let progress = self.exchanges[number];
            let current = progress.stage == stage && progress.sent == sent;
            if current && now < sent + PATIENCE {
                break;
            }
            self.awaited.pop_front();
            if !current {
                continue;
            }
            if matches!(self.plan.extent, Extent::Count(_)) {
                self.exchanges[number].sent = now;
                self.resent += 1;
                self.send(number)?;
            } else {
                self.finish(number, Stage::Lost);
            }
        }
        Ok(())
    }

    /// How long to sleep when nothing arrives.
    fn next_due(&self, now: Duration) -> Duration {
        match self.plan.pace {
            Pace::Window(_) => NAP,
            Pace::Rate(rate) => {
                let next = Duration::from_secs_f64((self.exchanges.len() + 1) as f64 / rate);
                next.saturating_sub(now).min(NAP)
            }
        }
    }

    fn report(&mut self, took: Duration) -> String {
        self.offers.sort();
        self.acks.sort();
        let mut addresses: Vec<Ipv4Addr> =
            self.exchanges.iter().filter(|e| e.stage == Stage::Done).map(|e| e.address).collect();
        let done = addresses.len();
        addresses.sort_unstable();
        addresses.dedup();
        // A server that gives one address to two clients is not fast, it is wrong.
        let shared = match self.plan.exchange {
            Exchange::FourWay => done - addresses.len(),
            Exchange::Discover | Exchange::Renew | Exchange::Probe => 0,
        };
        let seconds = took.as_secs_f64();
        let lost = match self.plan.exchange {
            Exchange::FourWay => self.offers.lost().max(self.acks.lost()),
            Exchange::Discover | Exchange::Probe => self.offers.lost(),
            Exchange::Renew => self.acks.lost(),
        };
        format!(
            "{{\"begun\": {}, \"done\": {done}, \"seconds\": {seconds:.3}, \"rate\": {:.1}, \"lost_pct\": {lost:.3}, \
             \"naks\": {}, \"other\": {}, \"resent\": {}, \"shared_addresses\": {shared}, \
             \"offers\": {}, \"acks\": {}}}",
            self.exchanges.len(),
            done as f64 / seconds,
            self.naks,
            self.other,
            self.resent,
            self.offers,
            self.acks,
        )
    }
}
