//! One failover, two primaries, and a subnet that comes, goes or moves between them by a reload: what the failover
//! holds of it is lost nowhere.

use std::time::Duration;

use crate::support::client::Message;
use crate::support::pair::{F, P, Pair};
use crate::support::pair_setup::PairSetup;
use crate::support::{Client, Reply, ip, kind};

/// The second primary.
const Q: usize = 2;
const ONE: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.99\n";
const TWO: &str = "[Subnet 10.2.0.0/24]\nRange = 10.2.0.50 - 10.2.0.99\n";
/// The subnet that comes and goes: all its clients are behind a relay.
const THREE: &str = "[Subnet 10.3.0.0/24]\nRange = 10.3.0.50 - 10.3.0.69\n";

fn via(message: Message) -> Message {
    message.via(ip("10.3.0.1"))
}

/// Both primaries, each with these subnets, and the failover behind them.
struct Three {
    pair: Pair,
    pushes: bool,
}

impl Three {
    /// All new and in their places; the failover has its subnets from files, or from its primaries.
    fn settled(subnets: [&str; 2], pushes: bool) -> Three {
        let mut pair = Pair::new(&PairSetup::new());
        let config = PairSetup::new().subnets(subnets[1]).of_second_primary();
        pair.join(config);
        let mut three = Three { pair, pushes };
        three.write(subnets);
        if pushes {
            three.pair.hosts[F].config = setups(subnets).0.pushed().of_failover_of_two(&setups(subnets).1);
        }
        for host in [P, Q, F] {
            three.pair.start_new(host);
        }
        three.rest();
        three
    }

    /// Writes configurations; nobody is told.
    fn write(&mut self, subnets: [&str; 2]) {
        let (first, second) = setups(subnets);
        self.pair.hosts[P].config = first.of_primary();
        self.pair.hosts[Q].config = second.of_second_primary();
        if !self.pushes {
            self.pair.hosts[F].config = first.of_failover_of_two(&second);
        }
    }

    /// Tells these servers, in this order.
    fn tell(&mut self, hosts: &[usize], subnets: [&str; 2]) {
        self.write(subnets);
        for &host in hosts {
            let config = self.pair.hosts[host].config.clone();
            self.pair.reload(host, config);
            self.pair.run_for(Duration::from_millis(200));
        }
    }

    fn rest(&mut self) {
        self.pair.until(120, |pair| {
            let rests = |of: usize| pair.state_towards(F, of) == "Asleep";
            pair.state(P) == "Serving" && pair.state(Q) == "Serving" && rests(P) && rests(Q)
        });
        self.pair.run(3);
    }

    fn die(&mut self, host: usize) {
        self.pair.power_off(host);
        self.pair.until(120, |pair| pair.state_towards(F, host) == "Active");
    }

    /// A new client behind the relay.
    fn join(&mut self, number: u16) -> (usize, Reply) {
        let client = Client::new(number);
        let (_, offer) = self.pair.ask(&via(client.discover())).unwrap_or_else(|| panic!("no offer to {number}"));
        let ack = self.pair.ask(&via(client.selecting(&offer))).unwrap_or_else(|| panic!("no ACK to {number}"));
        assert_eq!(ack.1.kind(), Some(kind::ACK));
        ack
    }

    /// Clients of before renew: each gets its own address, by `host`.
    fn must_hold(&mut self, held: &[(u16, Reply)], host: usize) {
        for (number, reply) in held {
            let renewal = via(Client::new(*number).rebinding(reply.yiaddr));
            let (by, ack) = self.pair.ask(&renewal).unwrap_or_else(|| panic!("client {number} is left alone"));
            assert_eq!((by, ack.kind(), ack.yiaddr), (host, Some(kind::ACK), reply.yiaddr), "client {number}");
        }
    }

    /// What `host` and the failover hold of the subnet that moves is the same.
    fn must_be_equal(&self, host: usize) {
        let of_subnet = |host: usize| {
            let table = self.pair.table(host);
            table.into_iter().filter(|line| line.contains("address: 10.3.0.")).collect::<Vec<_>>()
        };
        let (one, other) = (of_subnet(host), of_subnet(F));
        assert!(one == other, "at {host}: {one:#?}\nat the failover: {other:#?}");
    }
}

fn setups(subnets: [&str; 2]) -> (PairSetup, PairSetup) {
    let [first, second] = subnets.map(|text| PairSetup::new().subnets(text));
    (first, second)
}

/// Leases of the subnet of which some were granted by the primary `host`, some by the failover, which has renewed all.
fn leases(three: &mut Three, host: usize) -> Vec<(u16, Reply)> {
    let mut held: Vec<_> = (1..9).map(|number| (number, three.join(number).1)).collect();
    three.pair.run(2);
    three.die(host);
    held.extend((20..24).map(|number| (number, three.join(number).1)));
    three.must_hold(&held, F);
    held
}

/// Section 11, a subnet removed, and Section 6: while the failover has changes of it which the dead primary does not
/// know, the subnet goes from the failover's file: the primary that returns still gets control; and when the subnet
/// comes back, the changes come with it.
#[test]
fn a_subnet_that_goes_and_comes_back_while_the_failover_has_unsent_changes_loses_no_lease() {
    let (with, without) = ([&*format!("{ONE}{THREE}"), TWO], [ONE, TWO]);
    for renews in [false, true] {
        let mut three = Three::settled(with, false);
        let held = leases(&mut three, P);
        three.tell(&[F], without);
        three.pair.start(P);
        three.rest();
        if renews {
            // Newer changes of the other subnet overtake those of the one that is gone.
            three.die(P);
            assert!(three.pair.lease(&Client::new(40)).is_some());
            three.pair.start(P);
            three.rest();
        }
        three.tell(&[F, P], with);
        three.pair.run(30);
        three.must_be_equal(P);
        three.must_hold(&held, P);
        let new = three.join(50);
        assert!(held.iter().all(|(_, reply)| reply.yiaddr != new.1.yiaddr), "given twice");
        assert_eq!(three.pair.in_two_hands(), [] as [String; 0]);
    }
}

/// Section 11: a subnet moves from one primary to another of the same failover, sent or by files: its leases go along,
/// and nobody gets an address that a client of before holds.
#[test]
fn a_subnet_that_moves_to_another_primary_takes_its_leases_along() {
    let (before, after) = ([&*format!("{ONE}{THREE}"), TWO], [ONE, &*format!("{TWO}{THREE}")]);
    for pushes in [false, true] {
        for dies in [false, true] {
            let mut three = Three::settled(before, pushes);
            let held = leases(&mut three, P);
            if !dies {
                three.pair.start(P);
                three.rest();
            }
            three.tell(if pushes { &[P, Q] } else { &[P, F, Q] }, after);
            if dies {
                three.pair.start(P);
            }
            three.rest();
            three.must_be_equal(Q);
            let new: Vec<_> = (50..54).map(|number| (number, three.join(number).1)).collect();
            three.must_hold(&held, Q);
            three.pair.run(5);
            three.die(Q);
            three.must_hold(&held, F);
            three.must_hold(&new, F);
            let later: Vec<_> = (60..62).map(|number| (number, three.join(number).1)).collect();
            three.pair.start(Q);
            three.rest();
            three.must_hold(&later, Q);
            three.pair.run(2);
            three.must_be_equal(Q);
            assert_eq!(three.pair.in_two_hands(), [] as [String; 0], "sent: {pushes}, dies: {dies}");
        }
    }
}

/// Section 5: changes that a primary still sends of a subnet that is another's by now are left out, and nothing waits
/// for them: the sync of a failover that starts ends, and the facts of section 7 go on.
#[test]
fn changes_of_a_subnet_that_has_moved_away_hold_nothing_up() {
    let (before, after) = ([&*format!("{ONE}{THREE}"), TWO], [ONE, &*format!("{TWO}{THREE}")]);
    let mut three = Three::settled(before, false);
    three.pair.power_off(F);
    three.pair.run(60);
    assert!(three.join(1).0 == P, "the last change of the first primary is of the subnet that moves");
    three.write(after);
    three.pair.start(F);
    let limit = three.pair.elapsed() + Duration::from_secs(5);
    three.rest();
    assert!(three.pair.elapsed() < limit, "the failover waited for changes that it refuses");
}
