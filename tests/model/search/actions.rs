//! What may happen next in a world, all of it, and its happening.

use std::fmt;
use std::time::Duration;

use understudy::journal::OpenMode;
use understudy::server::event::Input;

use super::clients::{Reach, Word};
use super::world::{Answers, F, P, World, name};
use crate::support::disk::Fate;

/// Datagrams of one direction that may come next: more of them overtake only deeper in the search.
const OVERTAKING: usize = 3;

/// How long time passes at a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// Past detection, and more than half a lease.
    Half,
    /// Past the end of each lease by the margin, and the next poll.
    Lease,
}

impl Span {
    fn time(self) -> Duration {
        match self {
            Span::Half => Duration::from_millis(10_500),
            Span::Lease => Duration::from_millis(26_500),
        }
    }
}

/// One step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// The datagram at a place of the queue reaches a server; at another place than the first it overtakes.
    Deliver(usize, usize),
    /// The next datagram reaches a server, and a copy of it is still on its way.
    Double(usize),
    /// The next datagram to a server is lost.
    Lose(usize),
    /// All that is on its way arrives, in order, with all that follows.
    Settle,
    /// Time passes to the next timer at which something is done; nothing arrives.
    Tick,
    /// Time passes, and all arrives that is not cut.
    Pass(Span),
    /// A client says something.
    Say(usize, (Word, Reach, Answers)),
    /// A client that has nothing says DISCOVER, the same as this word, to one server, and takes what that offers.
    Obtain(usize, Word, usize),
    /// A server ends at once.
    Crash(usize, Fate),
    /// It starts again.
    Start(usize),
    /// Nothing reaches a server any more from the other; what was on its way is lost.
    Cut(usize),
    /// Neither hears the other.
    Part,
    /// All wires are good again.
    Heal,
    /// The primary is asked to stop as planned.
    Stop,
    /// A server stands still while time passes; what comes meanwhile waits for it.
    Freeze(usize),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Deliver(to, at) => write!(f, "deliver({}, {at})", name(*to)),
            Action::Double(to) => write!(f, "double({})", name(*to)),
            Action::Lose(to) => write!(f, "lose({})", name(*to)),
            Action::Crash(host, fate) => write!(f, "crash({}, {fate:?})", name(*host)),
            Action::Start(host) => write!(f, "start({})", name(*host)),
            Action::Cut(to) => write!(f, "cut({})", name(*to)),
            Action::Freeze(host) => write!(f, "freeze({})", name(*host)),
            Action::Say(client, (word, reach, answers)) => {
                let to = match reach {
                    Reach::Both => "all",
                    Reach::Only(host) => name(*host),
                };
                write!(f, "say({}, {word:?}, {to}, {answers:?})", client + 1)
            }
            Action::Obtain(client, word, host) => write!(f, "obtain({}, {word:?}, {})", client + 1, name(*host)),
            Action::Settle | Action::Tick | Action::Pass(_) | Action::Part | Action::Heal | Action::Stop => {
                write!(f, "{self:?}")
            }
        }
    }
}

impl World {
    /// All that may happen now.
    pub(crate) fn actions(&self) -> Vec<Action> {
        let mut all = Vec::new();
        for to in 0..2 {
            let waiting = self.flying[to].len();
            all.extend((0..waiting.min(OVERTAKING)).map(|at| Action::Deliver(to, at)));
            if waiting > 0 {
                all.extend([Action::Lose(to), Action::Double(to)]);
            }
        }
        for client in 0..2 {
            self.sayings(client, &mut all);
        }
        if self.flying.iter().any(|queue| !queue.is_empty()) {
            all.push(Action::Settle);
        }
        all.extend([Action::Tick, Action::Pass(Span::Half), Action::Pass(Span::Lease)]);
        for host in [P, F] {
            if self.runs(host) {
                all.extend([Action::Crash(host, Fate::Kept), Action::Crash(host, Fate::Lost), Action::Freeze(host)]);
            } else {
                all.push(Action::Start(host));
            }
            if !self.cut[host] {
                all.push(Action::Cut(host));
            }
        }
        if self.cut == [false; 2] {
            all.push(Action::Part);
        } else {
            all.push(Action::Heal);
        }
        if self.state(P) == "Serving" {
            all.push(Action::Stop);
        }
        all
    }

    fn sayings(&self, client: usize, all: &mut Vec<Action>) {
        let reaches = match (self.runs(P), self.runs(F)) {
            (true, true) => vec![Reach::Both, Reach::Only(P), Reach::Only(F)],
            (true, false) => vec![Reach::Only(P)],
            (false, true) => vec![Reach::Only(F)],
            (false, false) => return,
        };
        for word in self.people[client].words() {
            if matches!(word, Word::Discover | Word::DiscoverFirst) {
                let running = [P, F].into_iter().filter(|&host| self.runs(host));
                all.extend(running.map(|host| Action::Obtain(client, word, host)));
            }
            let is_unicast = matches!(word, Word::Renew | Word::Release);
            let reaches = if is_unicast { &reaches[..1] } else { &reaches[..] };
            let says = |&reach: &Reach| Action::Say(client, (word, reach, Answers::Arrive));
            all.extend(reaches.iter().map(says));
            if matches!(word, Word::Select(_) | Word::Renew | Word::Rebind | Word::Reboot) {
                all.push(Action::Say(client, (word, reaches[0], Answers::Lost)));
            }
        }
    }

    /// Lets it happen; whether anything did.
    pub(crate) fn act(&mut self, action: Action) -> bool {
        self.tell(|_| format!("= {action}"));
        match action {
            Action::Deliver(to, at) => self.deliver(to, at),
            Action::Double(to) => {
                let copy = self.flying[to][0].clone();
                self.deliver(to, 0);
                self.flying[to].push(copy);
            }
            Action::Lose(to) => {
                self.flying[to].remove(0);
            }
            Action::Settle => self.settle(),
            Action::Tick => return self.tick(),
            Action::Pass(span) => self.pass(span.time()),
            Action::Say(client, what) => self.say(client, what),
            Action::Obtain(client, word, host) => return self.obtain(client, word, host),
            Action::Crash(host, fate) => self.crash(host, fate),
            Action::Start(host) => self.start(host, OpenMode::Normal),
            Action::Cut(to) => self.sever(&[to]),
            Action::Part => self.sever(&[P, F]),
            Action::Heal => self.cut = [false; 2],
            Action::Stop => self.turn(P, &mut |engine| engine.handle(Input::Stop)),
            Action::Freeze(host) => self.freeze(host),
        }
        true
    }

    /// A client says DISCOVER to one server, and takes what that offers; whether it offers something.
    pub(crate) fn obtain(&mut self, client: usize, word: Word, host: usize) -> bool {
        self.say(client, (word, Reach::Only(host), Answers::Arrive));
        let is_offered = self.people[client].words().contains(&Word::Select(0));
        if is_offered {
            self.say(client, (Word::Select(0), Reach::Only(host), Answers::Arrive));
        }
        is_offered
    }

    fn sever(&mut self, deaf: &[usize]) {
        for &to in deaf {
            self.cut[to] = true;
            self.flying[to].clear();
        }
    }

    /// A server stands still past detection, then takes in one turn what came meanwhile.
    fn freeze(&mut self, host: usize) {
        let frozen = self.hosts[host].engine.take();
        let refuses = std::mem::replace(&mut self.hosts[host].refuses, false);
        let mut waiting = std::mem::take(&mut self.flying[host]);
        let until = self.now + Span::Half.time();
        while self.breach.is_none() && self.next_timer(until) {
            waiting.append(&mut self.flying[host]);
            self.flying[host].clear();
            while !self.flying[1 - host].is_empty() {
                self.deliver(1 - host, 0);
                waiting.append(&mut self.flying[host]);
            }
        }
        self.now = self.now.max(until);
        self.people_wake();
        (self.hosts[host].engine, self.hosts[host].refuses) = (frozen, refuses);
        let partner = understudy::server::event::PartnerId(0);
        self.tell(|_| format!("{} wakes up, {} datagrams wait", name(host), waiting.len()));
        self.turn(host, &mut |engine| {
            for flight in &waiting {
                match &flight.bytes {
                    Some(bytes) => engine.handle(Input::Partner { partner, bytes }),
                    None => engine.handle(Input::Refused { partner }),
                }
            }
        });
    }
}
