//! Configurations that reloads put in force, and what each server of the walk knows of its partner's.

use std::net::Ipv4Addr;

use understudy::lease::Side;
use understudy::lease::reservations::{Both, HostNumber, Reservations};

use crate::server::{FIRST, LAST};

/// One configuration: who has which address reserved, the range for all others, and where a share would begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    reserved: &'static [(u32, usize)],
    range: (u32, u32),
    split: u32,
}

/// What a reload may choose from; a server starts with the first.
pub(crate) const PLANS: [Plan; 5] = [
    Plan { reserved: &[], range: (0, 5), split: 3 },
    Plan { reserved: &[(0, 0), (3, 1)], range: (0, 5), split: 3 },
    Plan { reserved: &[(0, 2), (3, 1)], range: (0, 5), split: 1 },
    Plan { reserved: &[(3, 0)], range: (1, 4), split: 2 },
    Plan { reserved: &[(0, 0), (5, 3)], range: (2, 5), split: 5 },
];

impl Plan {
    pub(crate) fn of(number: usize) -> Plan {
        PLANS[number]
    }

    /// The client that an address is reserved for.
    pub(crate) fn reserved_for(&self, address: Ipv4Addr) -> Option<usize> {
        let index = address.to_bits() - FIRST.to_bits();
        self.reserved.iter().find(|entry| entry.0 == index).map(|entry| entry.1)
    }

    /// The address that is reserved for a client.
    pub(crate) fn address_of(&self, who: usize) -> Option<Ipv4Addr> {
        let entry = self.reserved.iter().find(|entry| entry.1 == who)?;
        Some(Ipv4Addr::from_bits(FIRST.to_bits() + entry.0))
    }

    /// Whether the address is for clients without a reservation.
    pub(crate) fn is_ranged(&self, address: Ipv4Addr) -> bool {
        let index = address.to_bits() - FIRST.to_bits();
        (self.range.0..=self.range.1).contains(&index) && self.reserved_for(address).is_none()
    }

    /// Whose an address would be if the configuration said so.
    pub(crate) fn owner(&self, address: Ipv4Addr) -> Side {
        assert!((FIRST..=LAST).contains(&address), "an address of the walk");
        if address.to_bits() - FIRST.to_bits() < self.split { Side::Primary } else { Side::Secondary }
    }

    fn all(&self) -> impl Iterator<Item = (Ipv4Addr, HostNumber)> + use<> {
        let at = |index: u32| Ipv4Addr::from_bits(FIRST.to_bits() + index);
        self.reserved.iter().map(move |entry| (at(entry.0), host(entry.1)))
    }
}

/// A client as the book of reservations numbers it.
pub(crate) fn host(who: usize) -> HostNumber {
    HostNumber::new([1, 1], &[who as u8])
}

/// What one server runs, and what it knows of the other's configuration. The rest of it survives a restart, like this.
#[derive(Clone, Debug)]
pub(crate) struct Agreed {
    pub(crate) plan: usize,
    /// How often another configuration came into force.
    pub(crate) reloads: u64,
    /// The partner's plan and count, as heard last, and the number of that message.
    heard: (usize, u64, u64),
    /// The reservations of both, of a datagram of rule 3.
    belief: Option<(usize, Vec<(Ipv4Addr, HostNumber)>)>,
    book: Reservations,
}

impl Agreed {
    pub(crate) fn new() -> Agreed {
        Agreed { plan: 0, reloads: 0, heard: (0, 0, 0), belief: None, book: Reservations::default() }
    }

    /// The disk is lost, the configuration is not.
    pub(crate) fn forget(&mut self) {
        (self.belief, self.book, self.reloads) = (None, Reservations::default(), self.reloads + 1);
        self.book.run(self.plan().all());
    }

    pub(crate) fn plan(&self) -> Plan {
        Plan::of(self.plan)
    }

    /// The partner's count of configurations as this server has seen it.
    pub(crate) fn saw(&self) -> u64 {
        self.heard.1
    }

    /// Another configuration is in force.
    pub(crate) fn reload(&mut self, plan: usize) {
        if plan == self.plan {
            return;
        }
        (self.plan, self.reloads) = (plan, self.reloads + 1);
        let now = Plan::of(plan);
        if let Some((_, both)) = &mut self.belief {
            both.retain(|entry| now.reserved_for(entry.0).map(host) == Some(entry.1));
        }
        self.book.run(now.all());
    }

    /// Every header: a configuration that the partner has left is not believed in any more.
    pub(crate) fn hear(&mut self, shown: &Shown) {
        if shown.number > self.heard.2 {
            self.heard = (shown.plan, shown.reloads, shown.number);
            self.belief = self.belief.take().filter(|belief| belief.0 == shown.plan);
        }
    }

    /// A datagram of rule 3 by a partner that has seen the configuration of now.
    pub(crate) fn believe(&mut self, shown: &Shown) {
        if shown.number != self.heard.2 || shown.saw != self.reloads {
            return;
        }
        let (ours, theirs) = (self.plan(), Plan::of(shown.plan));
        let both = theirs.all().filter(|entry| ours.reserved_for(entry.0).map(host) == Some(entry.1));
        self.belief = Some((shown.plan, both.collect()));
        let known = |address| {
            let of = |plan: Plan| plan.reserved_for(address).map(host);
            Some(Both { ours: of(ours), theirs: of(theirs) })
        };
        self.book.show(known);
    }

    /// Whether both servers have the address reserved for this client.
    pub(crate) fn is_of_both(&self, address: Ipv4Addr, who: usize) -> bool {
        self.belief.as_ref().is_some_and(|belief| belief.1.contains(&(address, host(who))))
    }

    /// Whether the partner may give the address by a reservation that is not the one of now.
    pub(crate) fn is_withheld(&self, address: Ipv4Addr) -> bool {
        self.book.is_withheld(address, self.plan().reserved_for(address).map(host))
    }
}

/// What a header shows of its sender's configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown {
    pub(crate) plan: usize,
    pub(crate) reloads: u64,
    /// How many of the receiver's configurations the sender had seen.
    pub(crate) saw: u64,
    /// Number of the message.
    pub(crate) number: u64,
}
