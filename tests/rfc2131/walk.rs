//! Random walks: many clients, some of them rude, few addresses. No address is ever two clients' at one time.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::support::client::Message;
use crate::support::{Client, Reply, Setup, World, code, ip, kind};

/// Clients, of which some share the addresses of the range.
const CLIENTS: u16 = 12;

/// Messages of one walk.
const STEPS: u32 = 4_000;

/// Seconds that a declined address is set aside.
const ASIDE: u64 = 20_000;

/// A generator (SplitMix64), so that a walk can be walked again.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn address(&mut self) -> Ipv4Addr {
        Ipv4Addr::from_bits(ip("10.1.0.48").to_bits() + self.below(12) as u32)
    }
}

/// What clients believe: who may use which address until when, in seconds of the walk.
#[derive(Default)]
struct Model {
    now: u64,
    held: BTreeMap<Ipv4Addr, (u16, u64)>,
    aside: BTreeMap<Ipv4Addr, u64>,
    offers: BTreeMap<u16, Reply>,
    acks: BTreeMap<u16, Reply>,
}

impl Model {
    fn on_reply(&mut self, number: u16, reply: Reply) {
        let address = reply.yiaddr;
        match reply.kind() {
            Some(kind::OFFER) => {
                self.check_free(number, address);
                self.offers.insert(number, reply);
            }
            Some(kind::ACK) if !address.is_unspecified() => {
                self.check_free(number, address);
                self.held.retain(|_, (holder, _)| *holder != number);
                self.held.insert(address, (number, self.now + u64::from(reply.lease())));
                self.acks.insert(number, reply);
            }
            Some(kind::NAK) => {
                let named = self.acks.get(&number).map(|ack| ack.yiaddr);
                self.held.retain(|held, (holder, _)| *holder != number || Some(*held) != named);
            }
            _ => {}
        }
    }

    fn check_free(&self, number: u16, address: Ipv4Addr) {
        assert!((ip("10.1.0.50")..=ip("10.1.0.57")).contains(&address), "{address} is in no range");
        if let Some((holder, until)) = self.held.get(&address) {
            assert!(*holder == number || *until <= self.now, "{address} of {holder} given to {number}");
        }
        let aside = self.aside.get(&address).copied().unwrap_or_default();
        assert!(aside <= self.now, "{address} was declined, and given to {number}");
    }

    /// The next message of a client: mostly a sensible one.
    fn message(&mut self, random: &mut Random, number: u16) -> Message {
        let client = client(number);
        let any = random.address();
        let ack = self.acks.get(&number).cloned();
        match (random.below(12), self.offers.remove(&number), ack) {
            (0..=3, Some(offer), _) => client.selecting(&offer),
            (4, Some(offer), _) => client.selecting(&offer).without(code::REQUESTED).address(code::REQUESTED, any),
            (5, _, Some(ack)) => {
                self.held.retain(|address, (holder, _)| *holder != number || *address != ack.yiaddr);
                client.release(&ack)
            }
            (6, _, Some(ack)) if self.held.get(&ack.yiaddr).is_some_and(|(holder, _)| *holder == number) => {
                if self.held[&ack.yiaddr].1 > self.now {
                    self.aside.insert(ack.yiaddr, self.now + ASIDE);
                }
                self.held.remove(&ack.yiaddr);
                client.decline(&ack)
            }
            (0..=2 | 7, _, Some(ack)) => client.renewing(ack.yiaddr),
            (3 | 8, _, Some(ack)) => client.rebinding(ack.yiaddr),
            (4 | 9, _, Some(ack)) => client.init_reboot(ack.yiaddr),
            (10, _, _) => client.renewing(any),
            (11, _, _) => client.discover().address(code::REQUESTED, any).for_secs(random.below(9000) as u32),
            _ => client.discover(),
        }
    }
}

/// Every third client sends an identifier.
fn client(number: u16) -> Client {
    if number.is_multiple_of(3) { Client::new(1).identified(&[0, number as u8, 7]) } else { Client::new(number) }
}

fn walk(seed: u64) {
    let setup = Setup::new().pool("10.1.0.50 - 10.1.0.57").policy(&format!("MaxUnavailableTime = {ASIDE}"));
    let mut world: World = setup.world();
    let mut random = Random(seed);
    let mut model = Model::default();
    for _ in 0..STEPS {
        let number = 1 + random.below(u64::from(CLIENTS)) as u16;
        let message = model.message(&mut random, number);
        for reply in world.ask(&message).replies {
            model.on_reply(number, reply);
        }
        if random.below(3) == 0 {
            let secs = random.below(900);
            world.advance_secs(secs).silence();
            model.now += secs;
        }
    }
    assert!(model.acks.len() > 5, "a walk in which nothing happened");
}

/// Twelve walks; a failure names the addresses, and the number of its walk is the seed.
#[test]
fn no_address_is_ever_given_to_two_clients() {
    for seed in 0..12 {
        let result = std::panic::catch_unwind(|| walk(seed));
        assert!(result.is_ok(), "walk {seed}");
    }
}
