//! What waits for each partner, for whoever checks that it has bounds.

use super::Failover;
use super::balance::{SHORT_MAX, WANTED_MAX};
use super::channel::{Channel, Table};
use super::outgoing::{AHEAD, WINDOW};
use super::session::{CANDIDATES_MAX, DEAD_MAX};
use crate::journal::frame::RECORD_OCTETS_MAX;
use crate::server::directory::Directory;
use crate::server::queues::Queue;
use crate::wire::failover::PIECE_OCTETS_MAX;

/// Times that a subnet may stand in a transfer: while it moves and is asked for anew it is named twice.
const NAMED: usize = 2;
/// Subnets that a reload may have taken away while they moved, without being counted.
const FEW: usize = 8;
/// Transfers of which the last word on a subnet may still be on its way.
const ANNOUNCED: usize = 4;

impl Failover {
    /// Adds the queues of all partners to `all`.
    pub(in crate::server) fn queues(&self, directory: &Directory, all: &mut Vec<Queue>) {
        let subnets = directory.config().subnets.len();
        all.push(Queue::new("subnets freed in a turn that has ended", self.shared.freed.len(), 0));
        all.push(Queue::new("subnets that came in a turn that has ended", self.shared.arrived.len(), subnets));
        for channel in &self.channels {
            of_channel(channel, directory, all);
        }
    }
}

fn of_channel(channel: &Channel, directory: &Directory, all: &mut Vec<Queue>) {
    let partner = &channel.partner;
    let subnets = directory.subnets_of(partner.id).len();
    let ranges: usize = directory.config().subnets.iter().map(|subnet| subnet.ranges.len()).sum();
    let (pieces, uncut) = partner.outgoing.under_way();
    let (held, octets) = partner.incoming.under_way();
    let (candidates, dead) = partner.session.boots();
    let (gifts, short) = partner.balance.under_way();
    all.extend([
        Queue::new("pieces that are not acknowledged", pieces, WINDOW),
        Queue::new("octets of changes that are in no piece", uncut, AHEAD + RECORD_OCTETS_MAX),
        Queue::new("pieces behind a gap", held, WINDOW),
        Queue::new("octets of a record that is not whole", octets, PIECE_OCTETS_MAX + RECORD_OCTETS_MAX),
        Queue::new("boots that greet", candidates, CANDIDATES_MAX),
        Queue::new("boots that are over", dead, DEAD_MAX),
        Queue::new("ranges that are to get addresses", gifts, ranges + WANTED_MAX),
        Queue::new("ranges that are short", short, SHORT_MAX),
        Queue::new("ranges that the partner is asked for", partner.balance.asking.len(), WANTED_MAX),
        Queue::new("blackouts", partner.watch.blackouts.len(), NAMED * subnets.max(FEW)),
    ]);
    match &channel.table {
        Table::Primary(primary) => {
            all.push(Queue::new("subnets announced", primary.announced.len(), ANNOUNCED * subnets.max(FEW)));
        }
        Table::Secondary(secondary) => {
            let moving = secondary.transfer.as_ref();
            all.push(Queue::new(
                "subnets in transfer",
                moving.map_or(0, |moving| moving.len()),
                NAMED * subnets.max(FEW),
            ));
            let blackouts = moving.map_or(0, |moving| moving.blackouts().len());
            all.push(Queue::new("blackouts of a transfer", blackouts, NAMED * subnets.max(FEW)));
        }
    }
}
