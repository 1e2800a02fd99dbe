//! Section 7, rules 1, 3 and 7, with two whole servers: random walks in which reservations, ranges and shares are
//! rewritten by reloads of either server, or while it is down, among cuts, crashes and clients. With StrictShares no
//! address is ever in two leases that have not ended.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::support::client::Message;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, Reply, kind};

const WALKS: u64 = 25;
const STEPS: u32 = 250;
const LEASE: u64 = 60;
const CLIENTS: u16 = 4;
/// A range, reserved addresses with the numbers of their clients, FailoverShare.
type Plan = (&'static str, &'static [(u8, u16)], u8);

/// What reloads choose from.
const PLANS: [Plan; 5] = [
    ("10.1.0.50 - 10.1.0.54", &[], 50),
    ("10.1.0.50 - 10.1.0.54", &[(50, 1), (53, 2)], 50),
    ("10.1.0.50 - 10.1.0.54", &[(50, 3), (53, 2)], 20),
    ("10.1.0.51 - 10.1.0.53", &[(53, 1)], 80),
    ("10.1.0.52 - 10.1.0.54", &[(50, 1), (54, 4)], 50),
];

fn setup(plan: usize) -> PairSetup {
    let (range, reserved, share) = PLANS[plan];
    let host = |(octet, number): &(u8, u16)| {
        format!("[Host h{octet}]\nHardwareAddress = 02:00:00:00:00:{number:02x}\nAddress = 10.1.0.{octet}\n")
    };
    let hosts: String = reserved.iter().map(host).collect();
    PairSetup::new()
        .subnets(&format!("[Subnet 10.1.0.0/24]\nRange = {range}\n{hosts}"))
        .policy(&format!("DefaultLease = {LEASE}"))
        .both("MaxClockSkewSecs = 2")
        .failover("PollDelay = 1")
        .failover("WaitPollRplSecs = 1")
        .primary("StrictShares = True")
        .primary(&format!("FailoverShare = {share}"))
        .primary("CtlReqRetryMax = 1")
        .primary("WaitCtlRetSecs = 2")
}

#[derive(Debug, Default)]
struct Figures {
    leases: u64,
    by_failover: u64,
    reloads: u64,
    both_serve: u64,
}

/// The lease of a client.
struct Held {
    ack: Reply,
    end: Duration,
}

struct Walk {
    pair: Pair,
    random: u64,
    plans: [usize; 2],
    cut: bool,
    holders: HashMap<u16, Held>,
    /// The address that each client had last.
    former: HashMap<u16, Ipv4Addr>,
    figures: Figures,
}

impl Walk {
    fn new(seed: u64) -> Walk {
        let mut pair = Pair::new(&setup(0));
        let random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let (holders, former, figures) = (HashMap::new(), HashMap::new(), Figures::default());
        pair.hosts[F].clock_offset = (seed % 5) as i64 * 800 - 1_600;
        pair.start_new(P);
        pair.start_new(F);
        pair.run(10);
        Walk { pair, random, plans: [0; 2], cut: false, holders, former, figures }
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % limit
    }

    fn is_up(&self, host: usize) -> bool {
        self.pair.state(host) != "-"
    }

    fn step(&mut self) -> Result<(), String> {
        let millis = 200 + self.below(2_000);
        self.pair.run_for(Duration::from_millis(millis));
        let serves = |host: usize| matches!(self.pair.state(host), "Serving" | "Active");
        self.figures.both_serve += u64::from(serves(P) && serves(F));
        if self.below(100) < 5 {
            self.cut = !self.cut;
            if self.cut { self.pair.wires.cut(P, F) } else { self.pair.wires.mend(P, F) }
        }
        for host in [P, F] {
            if self.is_up(host) && self.below(1_000) < 12 {
                self.pair.power_off(host);
            } else if !self.is_up(host) && self.below(100) < 15 {
                self.pair.start(host);
            }
            if self.below(1_000) < 60 {
                self.reload(host);
            }
        }
        for _ in 0..2 {
            self.client_acts()?;
        }
        Ok(())
    }

    /// Half of the reloads follow the other server.
    fn reload(&mut self, host: usize) {
        let any = self.below(PLANS.len() as u64) as usize;
        let plan = if self.below(2) == 0 { self.plans[1 - host] } else { any };
        if plan == self.plans[host] {
            return;
        }
        self.plans[host] = plan;
        self.figures.reloads += 1;
        let config = if host == P { setup(plan).of_primary() } else { setup(plan).of_failover() };
        if self.is_up(host) {
            self.pair.reload(host, config);
        } else {
            self.pair.hosts[host].config = config;
        }
    }

    fn client_acts(&mut self) -> Result<(), String> {
        let number = 1 + self.below(u64::from(CLIENTS)) as u16;
        let client = Client::new(number);
        let now = self.pair.elapsed();
        if self.holders.get(&number).is_some_and(|held| held.end <= now) {
            self.holders.remove(&number);
        }
        match self.holders.get(&number).map(|held| held.ack.yiaddr) {
            Some(address) => match self.below(6) {
                0 => {
                    if let Some(held) = self.holders.remove(&number) {
                        self.pair.broadcast(&client.release(&held.ack));
                    }
                    Ok(())
                }
                1 => {
                    self.holders.remove(&number);
                    Ok(())
                }
                _ => self.request(number, &client.rebinding(address)),
            },
            None => match self.former.get(&number).copied() {
                Some(address) if self.below(3) == 0 => self.request(number, &client.init_reboot(address)),
                Some(_) | None => self.discover(number, &client),
            },
        }
    }

    /// A client hears both servers, or one of them.
    fn reach(&mut self, message: &Message) -> Vec<Reply> {
        let before = self.pair.replies.len();
        match self.below(4) {
            0 => self.pair.give(P, message),
            1 => self.pair.give(F, message),
            _ => self.pair.broadcast(message),
        }
        self.pair.run_for(Duration::from_millis(20));
        let mine = self.pair.replies[before..].iter().filter(|reply| reply.2.xid == message.xid);
        mine.map(|reply| reply.2.clone()).collect()
    }

    fn discover(&mut self, number: u16, client: &Client) -> Result<(), String> {
        let Some(offer) = self.reach(&client.discover()).pop() else { return Ok(()) };
        let pause = self.below(4_000);
        self.pair.run_for(Duration::from_millis(pause));
        self.request(number, &client.selecting(&offer))
    }

    fn request(&mut self, number: u16, message: &Message) -> Result<(), String> {
        let before = self.pair.replies.len();
        for reply in self.reach(message) {
            if reply.kind() == Some(kind::NAK) {
                self.holders.remove(&number);
            }
            if reply.kind() != Some(kind::ACK) {
                continue;
            }
            let by_failover = self.pair.replies[before..].iter().any(|reply| reply.1 == F);
            self.figures.leases += 1;
            self.figures.by_failover += u64::from(by_failover);
            self.hold(number, reply)?;
        }
        Ok(())
    }

    fn hold(&mut self, number: u16, ack: Reply) -> Result<(), String> {
        let (now, address) = (self.pair.elapsed(), ack.yiaddr);
        let is_twice =
            |(other, held): &(&u16, &Held)| **other != number && held.ack.yiaddr == address && held.end > now;
        let other = self.holders.iter().find(is_twice);
        if let Some((other, held)) = other {
            let (states, plans) = (self.pair.states(), self.plans);
            let end = held.end;
            return Err(format!("at {now:?} {number} gets {address}, {other}'s to {end:?}: {states:?}, {plans:?}"));
        }
        self.holders.insert(number, Held { ack, end: now + Duration::from_secs(LEASE) });
        self.former.insert(number, address);
        Ok(())
    }
}

/// One walk: how it ended, and where.
fn walked(seed: u64) -> (Walk, Result<(), String>) {
    let mut walk = Walk::new(seed);
    let end = (0..STEPS).try_for_each(|_| walk.step());
    (walk, end)
}

/// A reservation that counts whatever the partner runs puts its address in two hands.
#[cfg(feature = "teeth")]
#[test]
fn without_the_partners_word_for_a_reservation_the_walk_finds_an_address_in_two_hands() {
    use understudy::rules::{Rule, keep_all, leave_out};
    leave_out(Rule::ReservationOfBoth);
    let found = (1..=WALKS).find_map(|seed| walked(seed).1.err());
    keep_all();
    assert!(found.is_some(), "{WALKS} walks find nothing");
}

#[test]
fn no_address_is_in_two_hands_while_reloads_rewrite_reservations_ranges_and_shares() {
    let mut sum = Figures::default();
    for seed in 1..=WALKS {
        let (walk, end) = walked(seed);
        end.unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        sum.leases += walk.figures.leases;
        sum.by_failover += walk.figures.by_failover;
        sum.reloads += walk.figures.reloads;
        sum.both_serve += walk.figures.both_serve;
    }
    println!("{WALKS} walks of {STEPS} steps: {sum:?}");
    assert!(sum.leases > 20 * WALKS && sum.by_failover > WALKS && sum.reloads > 10 * WALKS, "a walk that goes nowhere");
    assert!(sum.both_serve > WALKS, "cuts in which both serve");
}
