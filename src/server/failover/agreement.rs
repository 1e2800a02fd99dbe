//! What both servers have: which addresses the partner configures too, and which reservations it goes by (failover.md
//! section 7, rules 1 and 7).
//!
//! Headers show digests; what a digest stands for is known of the own configurations of this run and of a text that
//! the partner sent. Where it is not known nothing is held back for the sake of ranges, since owners alone keep an
//! address out of two hands; a reservation then counts for nothing, and one that went away is kept from others.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::partner::Partner;
use super::settings::Strictness;
use super::subnets::Agreement;
use super::{Failover, Rest};
use crate::config::Config;
use crate::lease::pool::Run;
use crate::lease::record::{Channel, Record};
use crate::lease::reservations::{Both, CHANGES_MAX, Change, HostNumber, Reservations};
use crate::rules::{Rule, kept};
use crate::server::bindings::Bindings;
use crate::server::directory::{Directory, host_number};
use crate::server::event::PartnerId;
use crate::server::outbox::Outbox;
use crate::wire::failover::Header;

/// What matters here of a configuration: subnets, ranges, reservations.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    digest: [u8; 8],
    networks: Vec<Run>,
    ranges: Vec<Run>,
    reserved: BTreeMap<Ipv4Addr, HostNumber>,
}

impl Shape {
    pub(super) fn new(digest: [u8; 8], config: &Config) -> Shape {
        let mut networks: Vec<Run> = config
            .subnets
            .iter()
            .map(|subnet| (subnet.network.address.to_bits(), subnet.network.last().to_bits()))
            .collect();
        networks.sort_unstable();
        Shape { digest, networks, ranges: usable(config), reserved: reserved(config) }
    }
}

/// The partner runs a configuration, and ran it when it wrote a datagram of rule 3 after it had seen ours.
#[derive(Clone, Debug)]
struct Belief {
    digest: [u8; 8],
    /// The reservations of both; none: those of the own configuration, which is the same.
    reserved: Option<BTreeMap<Ipv4Addr, HostNumber>>,
}

/// What is known of one partner's configuration.
#[derive(Clone, Debug, Default)]
pub(super) struct Agreed {
    /// A configuration that the partner ran or runs.
    pub(super) shape: Option<Shape>,
    belief: Option<Belief>,
    /// Boot and number of the last datagram that showed the partner another configuration than the one of now.
    told: (u64, u64),
    /// The digests, theirs and ours, for which reservations were compared; and whether a datagram has come since that
    /// shows others.
    shown: Option<Compared>,
    is_fresh: bool,
    /// For what ranges were compared, and those of them that only this server has.
    compared: Option<Compared>,
    one_sided: Vec<Run>,
    /// Whether no header shows the configuration: not all of its reservations are in the journal yet.
    pub(super) is_hidden: bool,
}

/// A comparison: their digest, ours, whether theirs was known beyond that, whether it counts.
type Compared = ([u8; 8], [u8; 8], bool, bool);

impl Partner {
    /// What the journal holds: the digest that the partner showed last, and whether that was agreed.
    pub(super) fn replay_agreement(&mut self, channel: &Channel<'_>) {
        let digest = channel.config;
        self.theirs.config = (digest != [0; 8]).then_some(digest);
        self.agreed.belief = channel.is_agreed.then_some(Belief { digest, reserved: None });
    }

    /// A start: an agreement on another configuration than this one is void for good.
    pub(super) fn check_agreement(&mut self, directory: &Directory) {
        let ours = self.digest(directory);
        self.agreed.belief = self.agreed.belief.take().filter(|belief| belief.digest == ours);
    }

    /// Whether both were seen to run the same configuration, for the journal.
    pub(super) fn is_agreed(&self) -> bool {
        self.agreed.belief.as_ref().is_some_and(|belief| belief.reserved.is_none())
    }

    /// The partner shows a digest: what was believed of another is void.
    pub(super) fn note_config(&mut self, digest: [u8; 8]) {
        self.theirs.config = Some(digest);
        self.agreed.belief = self.agreed.belief.take().filter(|belief| belief.digest == digest);
    }

    /// A datagram of rule 3: believes the configuration in it, if the partner had seen the one of this server.
    ///
    /// Example of what that prevents: the partner runs with a reservation, writes a datagram that is late, reloads
    /// without, sees this server without it too, and gives the address to another client. This server reloads with
    /// the reservation, and then the late datagram comes.
    pub(super) fn believe(&mut self, header: &Header, directory: &Directory) {
        let (boot, last) = self.agreed.told;
        let is_late = header.sequence != self.session.seen() || boot == self.session.boot() && header.seen <= last;
        let (theirs, ours) = (header.config_digest, self.digest(directory));
        if is_late || theirs == [0; 8] {
            return;
        }
        let shape = self.agreed.shape.as_ref().filter(|shape| shape.digest == theirs);
        let compared = (theirs, ours, shape.is_some(), true);
        if theirs == ours || shape.is_some() {
            self.agreed.is_fresh |= self.agreed.shown != Some(compared);
        }
        if self.agreed.belief.as_ref().is_some_and(|belief| belief.digest == theirs) && !self.agreed.is_fresh {
            return;
        }
        self.agreed.belief = match shape {
            _ if theirs == ours => Some(Belief { digest: theirs, reserved: None }),
            Some(shape) => {
                let is_ours =
                    |(address, host): &(&Ipv4Addr, &HostNumber)| directory.reservation(**address) == Some(**host);
                let both = shape.reserved.iter().filter(is_ours).map(|(address, host)| (*address, *host));
                Some(Belief { digest: theirs, reserved: Some(both.collect()) })
            }
            None => None,
        };
    }

    /// Another configuration of this server is in force: what the partner runs may be the one of before, and what was
    /// believed of it counts for what has not changed.
    pub(super) fn follow_config(&mut self, former: &Directory, directory: &Directory) {
        let (before, ours) = (self.digest(former), self.digest(directory));
        if before == ours {
            return;
        }
        self.agreed.told = (self.session.boot(), self.session.sequence());
        (self.agreed.shown, self.agreed.is_fresh) = (None, false);
        let config = self.own_config(former);
        if let Some(config) = config.filter(|_| self.theirs.config == Some(before)) {
            self.agreed.shape = Some(Shape::new(before, config));
        }
        if let Some(belief) = &mut self.agreed.belief {
            let all = belief.reserved.take().or_else(|| config.map(reserved)).unwrap_or_default();
            let stays = all.into_iter().filter(|(address, host)| directory.reservation(*address) == Some(*host));
            belief.reserved = Some(stays.collect());
        }
    }

    /// StrictShares as it is in force here.
    pub(super) fn strictness(&self) -> Strictness {
        if self.common.strict.unwrap_or(self.theirs.strict) { Strictness::Silent } else { Strictness::PingFirst }
    }

    /// Whether the partner goes by this reservation too.
    fn has_reservation(&self, address: Ipv4Addr, host: HostNumber) -> bool {
        let has = |belief: &Belief| belief.reserved.as_ref().is_none_or(|all| all.get(&address) == Some(&host));
        self.agreed.belief.as_ref().is_some_and(has) || !kept(Rule::ReservationOfBoth)
    }

    /// Compares reservations if a datagram came that shows others.
    fn show_reservations(&mut self, of: &mut Compare<'_>) {
        if !std::mem::take(&mut self.agreed.is_fresh) {
            return;
        }
        let ours = self.digest(of.directory);
        let theirs = self.theirs.config.unwrap_or_default();
        let shape = self.agreed.shape.as_ref().filter(|shape| shape.digest == theirs);
        self.agreed.shown = Some((theirs, ours, shape.is_some(), true));
        let directory = of.directory;
        let known = |address: Ipv4Addr| {
            if directory.partner_of(address) != Some(self.id) {
                return None;
            }
            let own = directory.reservation(address);
            let other = shape.and_then(|shape| shape.reserved.get(&address).copied());
            Some(Both { ours: own, theirs: if theirs == ours { own } else { other } })
        };
        let changes = of.reservations.show(known);
        of.is_changed |= !changes.is_empty();
        self.agreed.is_fresh = changes.len() == CHANGES_MAX;
        record(&changes, of.out);
    }

    /// Finds the addresses of ranges that this server has and its partner, which has their subnet too, does not.
    fn compare_ranges(&mut self, of: &mut Compare<'_>) {
        let (theirs, ours) = (self.theirs.config.unwrap_or_default(), self.digest(of.directory));
        let shape = self.agreed.shape.as_ref().filter(|shape| shape.digest == theirs);
        let counts = !self.partner_down && self.agreement(of.directory) == Agreement::Differs;
        let compared = Some((theirs, ours, shape.is_some(), counts));
        if self.agreed.compared == compared {
            return;
        }
        let own = self.own_config(of.directory);
        let one_sided = match (shape, own) {
            (Some(shape), Some(own)) if counts => without(&within(&usable(own), &shape.networks), &shape.ranges),
            _ => Vec::new(),
        };
        self.agreed.compared = compared;
        of.is_changed |= one_sided != self.agreed.one_sided;
        self.agreed.one_sided = one_sided;
    }

    /// Addresses of ranges that only this server has.
    #[must_use]
    pub(super) fn one_sided(&self) -> u64 {
        self.agreed.one_sided.iter().map(|run| u64::from(run.1 - run.0) + 1).sum()
    }
}

/// What a comparison works with.
struct Compare<'a> {
    directory: &'a Directory,
    reservations: &'a mut Reservations,
    out: &'a mut Outbox,
    is_changed: bool,
}

impl Failover {
    /// A configuration is in force: its reservations are promised to the partners from now on.
    pub(super) fn run_reservations(&mut self, directory: &Directory, out: &mut Outbox) {
        if self.is_pair() {
            let changes = self.reservations.run(directory.reservations());
            record(&changes, out);
            (self.is_compared, self.is_hidden) = (false, changes.len() == CHANGES_MAX);
            for channel in &mut self.channels {
                channel.partner.agreed.is_hidden = self.is_hidden;
            }
        }
    }

    /// The end of a turn: what only this server has, or may give by a reservation that its partner does not have, is
    /// not given like any other address.
    pub(super) fn compare(&mut self, rest: Rest<'_>) {
        let Rest { bindings, directory, out, .. } = rest;
        let is_changed = !std::mem::replace(&mut self.is_compared, true);
        let mut compare = Compare { directory, reservations: &mut self.reservations, out, is_changed };
        for channel in &mut self.channels {
            channel.partner.show_reservations(&mut compare);
            channel.partner.compare_ranges(&mut compare);
        }
        if compare.is_changed {
            self.contest(bindings, directory);
        }
    }

    fn contest(&self, bindings: &mut Bindings, directory: &Directory) {
        let ranges = self.channels.iter().flat_map(|channel| &channel.partner.agreed.one_sided).copied();
        let is_withheld = |address: &Ipv4Addr| self.reservations.is_withheld(*address, directory.reservation(*address));
        let addresses = self.reservations.from(Ipv4Addr::UNSPECIFIED).map(|entry| entry.0).filter(is_withheld);
        let all = ranges.chain(addresses.map(|address| (address.to_bits(), address.to_bits()))).collect();
        bindings.set_contested(joined(all));
    }

    /// What is done out of contact when no settled address is left: a primary goes by its StrictShares, a failover by
    /// what its primary told last, in this run or before.
    #[must_use]
    pub fn strictness(&self, partner: Option<PartnerId>) -> Strictness {
        let channel = partner.and_then(|partner| self.channels.get(partner.0));
        channel.map_or(Strictness::PingFirst, |channel| channel.partner.strictness())
    }

    /// Whether a partner is known to go by the reservation of `address` for `host` too (rule 7).
    #[must_use]
    pub fn is_reservation_of_both(&self, partner: Option<PartnerId>, address: Ipv4Addr, host: HostNumber) -> bool {
        let channel = partner.and_then(|partner| self.channels.get(partner.0));
        channel.is_some_and(|channel| channel.partner.has_reservation(address, host))
    }

    /// Whether a partner was seen to run other subnets than this server.
    #[must_use]
    pub fn is_at_odds(&self, partner: Option<PartnerId>, directory: &Directory) -> bool {
        let channel = partner.and_then(|partner| self.channels.get(partner.0));
        channel.is_some_and(|channel| channel.partner.agreement(directory) == Agreement::Differs)
    }
}

fn record(changes: &[Change], out: &mut Outbox) {
    for &(address, promised) in changes {
        out.record(|payload| Record::Reservation { address, promised }.encode(payload));
    }
}

fn reserved(config: &Config) -> BTreeMap<Ipv4Addr, HostNumber> {
    config.hosts.iter().filter_map(|host| Some((host.address?, host_number(&host.identity)))).collect()
}

/// The addresses that a configuration gives to clients without a reservation: sorted runs.
fn usable(config: &Config) -> Vec<Run> {
    let mut runs = Vec::new();
    for range in config.subnets.iter().flat_map(|subnet| &subnet.ranges) {
        let excluded: Vec<Run> = range.excluded.iter().map(|run| (run.0.to_bits(), run.1.to_bits())).collect();
        runs.extend(without(&[(range.first.to_bits(), range.last.to_bits())], &excluded));
    }
    runs.sort_unstable();
    runs
}

/// The parts of sorted, disjoint runs that lie in any of `others`, which are the same.
fn within(runs: &[Run], others: &[Run]) -> Vec<Run> {
    let mut parts = Vec::new();
    for run in runs {
        let from = others.partition_point(|other| other.1 < run.0);
        let near = others[from..].iter().take_while(|other| other.0 <= run.1);
        parts.extend(near.map(|other| (other.0.max(run.0), other.1.min(run.1))));
    }
    parts
}

/// The parts of sorted, disjoint runs that lie in none of `others`, which are the same.
fn without(runs: &[Run], others: &[Run]) -> Vec<Run> {
    let mut parts = Vec::new();
    for run in runs {
        let from = others.partition_point(|other| other.1 < run.0);
        let mut next = Some(run.0);
        for other in others[from..].iter().take_while(|other| other.0 <= run.1) {
            if let Some(begin) = next.filter(|&begin| begin < other.0) {
                parts.push((begin, other.0 - 1));
            }
            next = other.1.checked_add(1);
        }
        parts.extend(next.filter(|&begin| begin <= run.1).map(|begin| (begin, run.1)));
    }
    parts
}

/// Sorted and disjoint.
fn joined(mut runs: Vec<Run>) -> Vec<Run> {
    runs.sort_unstable();
    let mut all: Vec<Run> = Vec::new();
    for run in runs {
        match all.last_mut().filter(|last| last.1 >= run.0) {
            Some(last) => last.1 = last.1.max(run.1),
            None => all.push(run),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_cut_where_others_begin_and_end() {
        let others = [(5, 9), (12, 12), (20, u32::MAX)];
        assert_eq!(without(&[(1, 30)], &others), [(1, 4), (10, 11), (13, 19)]);
        assert_eq!(without(&[(5, 9), (12, 13)], &others), [(13, 13)]);
        assert_eq!(without(&[(6, 7), (10, 11)], &[]), [(6, 7), (10, 11)]);
        assert_eq!(within(&[(1, 6), (8, 25)], &others), [(5, 6), (8, 9), (12, 12), (20, 25)]);
        assert_eq!(within(&[(1, 4), (10, 11)], &others), []);
    }

    #[test]
    fn runs_that_overlap_become_one() {
        assert_eq!(joined(vec![(7, 7), (1, 4), (3, 5), (7, 7), (20, 30), (22, 23)]), [(1, 5), (7, 7), (20, 30)]);
    }
}
