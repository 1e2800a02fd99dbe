//! Applying a record of the partner's stream to the lease table (failover.md section 5).

use std::cmp::Ordering;
use std::net::Ipv4Addr;
use std::time::Duration;

use log::{error, info, warn};

use super::Around;
use super::partner::{Have, Partner};
use crate::lease::merge::Seen;
use crate::lease::record::Record;
use crate::lease::shares::Share;
use crate::lease::{Binding, BindingState, Stamp};
use crate::server::bindings::Taken;
use crate::wire::failover::Header;

/// A stamp further ahead of the lease clock than this is refused: it would lift every later stamp.
const STAMP_AHEAD_MAX: Duration = Duration::from_secs(86_400);

/// What is known of the sender of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    /// The header that the end of the record came with.
    pub(super) header: &'a Header,
    /// How far the sender held our changes when it composed the record, as its stream says. The header, which may have
    /// been written for a piece that is sent again, tells of a later time.
    pub(super) seen: Option<Stamp>,
}

/// Applies one record.
pub(super) fn record(partner: &mut Partner, told: &mut Told<'_>, payload: &[u8], around: &mut Around<'_>) {
    let header = told.header;
    match Record::decode(payload) {
        Ok(Record::Seen { stamp }) => told.seen = Some(stamp),
        Ok(Record::Binding(theirs)) => binding(partner, told, &theirs, around),
        Ok(Record::Share(theirs)) => share(partner, header, &theirs, around),
        Ok(Record::CopyEnd { newest }) => copy_ends(partner, header, newest, around),
        Ok(Record::Identity { .. } | Record::Boot { .. } | Record::Channel(_) | Record::Reservation { .. }) => {
            warn!("partner {}: a record that does not belong in a stream is left out", partner.name);
        }
        Err(reason) => error!("partner {}: {reason}; both servers need the same version", partner.name),
    }
}

fn binding(partner: &mut Partner, told: &Told<'_>, theirs: &Binding<'_>, around: &mut Around<'_>) {
    if !is_sane(partner, (theirs.address, theirs.stamp), around) {
        return;
    }
    if theirs.origin == partner.side {
        if is_its(partner, theirs.address, around) {
            copied(theirs, around);
        }
        return;
    }
    if is_its(partner, theirs.address, around) {
        change(partner, told, theirs, around);
    }
    note_have(partner, told.header, theirs.stamp);
}

/// A run of addresses that has, or had, another owner: the newer stamp stands.
fn share(partner: &mut Partner, header: &Header, theirs: &Share, around: &mut Around<'_>) {
    if !is_sane(partner, (theirs.first, theirs.stamp), around) {
        return;
    }
    if is_its(partner, theirs.first, around) {
        around.bindings.accept_share(theirs, around.out);
    }
    if theirs.origin != partner.side {
        note_have(partner, header, theirs.stamp);
    }
}

/// The partner's own changes are dealt with up to here. One that is left out for its address counts: it would never be
/// taken, and all that waits for the partner's newest change would wait for ever.
fn note_have(partner: &mut Partner, header: &Header, stamp: Stamp) {
    if stamp > partner.have.stamp {
        partner.have = Have { boot: header.boot, stamp };
    }
}

/// Whether the stamp of a change that begins at an address is no wild one.
fn is_sane(partner: &Partner, (address, stamp): (Ipv4Addr, Stamp), around: &Around<'_>) -> bool {
    let limit = around.now.wall.millis().saturating_add(STAMP_AHEAD_MAX.as_millis() as u64);
    if stamp.wall().millis() > limit {
        error!("partner {}: change of {address} is stamped over a day ahead: refused; set the clocks", partner.name);
        return false;
    }
    true
}

/// Whether an address may be the partner's: it is no other primary's.
fn is_its(partner: &Partner, address: Ipv4Addr, around: &Around<'_>) -> bool {
    let is_foreign = around.directory.partner_of(address).is_some_and(|owner| owner != partner.id);
    if is_foreign {
        warn!("partner {}: change of {address} which is another primary's: refused", partner.name);
    }
    !is_foreign
}

/// A record of our own that comes back in a full copy: taken as it stands if it is newer. An older one was not known
/// here when ours was made: a lease in it that still runs is not lost to an address that was set aside meanwhile.
fn copied(theirs: &Binding<'_>, around: &mut Around<'_>) {
    let known = around.bindings.table().find(theirs.address);
    match known.map(|ours| (theirs.stamp, theirs.origin).cmp(&(ours.stamp, ours.origin))) {
        None | Some(Ordering::Greater) => around.bindings.accept(theirs, around.out),
        Some(Ordering::Equal) => {}
        Some(Ordering::Less) => {
            let seen = Seen { own_side: theirs.origin, stamp: Stamp::default() };
            if around.bindings.take_in(theirs, seen, around.now.wall, around.out) == Taken::Conflict {
                *around.conflicts += 1;
                warn!("{} was given to two clients: the first lease had been lost with the disk", theirs.address);
            }
        }
    }
}

/// Whether a change was made in a database that lost our record, of the partner's own: before the copy brings that back
/// a running lease in it is as good as one of ours. What was released is left to the partner, and so is an address that
/// its client declined: both knew the lease.
fn is_of_a_loss(theirs: &Binding<'_>, header: &Header, around: &Around<'_>) -> bool {
    if header.complete {
        return false;
    }
    let lacks = match theirs.state {
        BindingState::Leased => true,
        BindingState::Unavailable => theirs.client.key().is_none(),
        BindingState::Free | BindingState::Released => false,
    };
    let known = around.bindings.table().find(theirs.address);
    let runs = |ours: Binding<'_>| {
        let is_theirs = ours.origin == theirs.origin && ours.stamp < theirs.stamp;
        is_theirs && ours.state == BindingState::Leased && ours.end > around.now.wall
    };
    lacks && known.is_some_and(runs)
}

/// A change that the partner made.
fn change(partner: &mut Partner, told: &Told<'_>, theirs: &Binding<'_>, around: &mut Around<'_>) {
    let header = told.header;
    let known_here = header.partner_database == around.database.id();
    let seen = if is_of_a_loss(theirs, header, around) {
        Seen { own_side: theirs.origin, stamp: Stamp::default() }
    } else {
        let known = if known_here { told.seen.unwrap_or(Stamp(header.have)) } else { Stamp::default() };
        Seen { own_side: partner.side, stamp: known }
    };
    if around.bindings.take_in(theirs, seen, around.now.wall, around.out) == Taken::Conflict {
        *around.conflicts += 1;
        warn!(
            "partner {}: {} was given to two clients while the servers did not hear each other",
            partner.name, theirs.address
        );
    }
}

/// All own changes of the partner up to `newest` have come: behind a copy, or behind changes whose newest is not among
/// them any more.
fn copy_ends(partner: &mut Partner, header: &Header, newest: Stamp, around: &mut Around<'_>) {
    if newest > partner.have.stamp {
        partner.have = Have { boot: header.boot, stamp: newest };
    }
    around.bindings.stamps_mut().lift(newest);
    if partner.is_complete(around.database) {
        return;
    }
    partner.set_complete(around);
    info!("partner {}: all its bindings are held here, {} in all", partner.name, around.bindings.table().len());
}
