//! Applying a record of the partner's stream to the lease table (failover.md section 5).

use std::time::Duration;

use log::{error, info, warn};

use super::Around;
use super::partner::{Have, Partner};
use crate::lease::merge::{Merged, Seen, merge};
use crate::lease::record::{Record, decode_client, encode_client};
use crate::lease::{Binding, Stamp};
use crate::wire::failover::Header;

/// A stamp further ahead of the lease clock than this is refused: it would lift every later stamp.
const STAMP_AHEAD_MAX: Duration = Duration::from_secs(86_400);

/// Applies one record.
pub(super) fn record(partner: &mut Partner, header: &Header, payload: &[u8], around: &mut Around<'_>) {
    match Record::decode(payload) {
        Ok(Record::Binding(theirs)) => binding(partner, header, &theirs, around),
        Ok(Record::CopyEnd { newest }) => copy_ends(partner, header, newest, around),
        Ok(Record::Identity { .. } | Record::Boot { .. } | Record::Channel(_)) => {
            warn!("partner {}: a record that does not belong in a stream is left out", partner.name);
        }
        Err(reason) => error!("partner {}: {reason}; both servers need the same version", partner.name),
    }
}

fn binding(partner: &mut Partner, header: &Header, theirs: &Binding<'_>, around: &mut Around<'_>) {
    let limit = around.now.wall.millis().saturating_add(STAMP_AHEAD_MAX.as_millis() as u64);
    if theirs.stamp.wall().millis() > limit {
        error!(
            "partner {}: change of {} is stamped over a day ahead: refused; set the clocks",
            partner.name, theirs.address
        );
        return;
    }
    if around.directory.partner_of(theirs.address).is_some_and(|owner| owner != partner.id) {
        warn!("partner {}: change of {} which is another primary's: refused", partner.name, theirs.address);
        return;
    }
    if theirs.origin == partner.side {
        copied(theirs, around);
    } else {
        change(partner, header, theirs, around);
        let boot = header.boot;
        if theirs.stamp > partner.have.stamp {
            partner.have = Have { boot, stamp: theirs.stamp };
        }
    }
}

/// A record of our own that comes back in a full copy: taken as it stands if it is newer.
fn copied(theirs: &Binding<'_>, around: &mut Around<'_>) {
    let known = around.bindings.table().find(theirs.address);
    if known.is_none_or(|ours| theirs.stamp > ours.stamp) {
        around.bindings.accept(theirs, around.out);
    }
}

/// A change that the partner made.
fn change(partner: &mut Partner, header: &Header, theirs: &Binding<'_>, around: &mut Around<'_>) {
    let known_here = header.partner_database == around.database.id();
    let seen = Seen { own_side: partner.side, stamp: if known_here { Stamp(header.have) } else { Stamp::default() } };
    let Some(ours) = around.bindings.table().find(theirs.address) else {
        around.bindings.accept(theirs, around.out);
        return;
    };
    match merge(&ours, theirs, seen, around.now.wall) {
        Merged::Theirs => around.bindings.accept(theirs, around.out),
        Merged::Ours => around.bindings.stamps_mut().lift(theirs.stamp),
        Merged::Both { result, conflict } => {
            if conflict {
                *around.conflicts += 1;
                warn!(
                    "partner {}: {} was given to two clients while the servers did not hear each other",
                    partner.name, theirs.address
                );
            }
            let mut details = Vec::new();
            encode_client(&result.client, &mut details);
            let result = Binding { client: decode_client(&details), ..detached(&result) };
            around.bindings.stamps_mut().lift(theirs.stamp);
            around.bindings.rewrite(&result, around.now.wall, around.out);
        }
    }
}

/// A binding without what it borrows.
fn detached<'a>(binding: &Binding<'_>) -> Binding<'a> {
    Binding {
        address: binding.address,
        state: binding.state,
        origin: binding.origin,
        owner: binding.owner,
        start: binding.start,
        end: binding.end,
        last_seen: binding.last_seen,
        bar: binding.bar,
        stamp: binding.stamp,
        client: Default::default(),
    }
}

fn copy_ends(partner: &mut Partner, header: &Header, newest: Stamp, around: &mut Around<'_>) {
    if newest > partner.have.stamp {
        partner.have = Have { boot: header.boot, stamp: newest };
    }
    around.bindings.stamps_mut().lift(newest);
    around.database.set_complete();
    for record in around.database.newest_records() {
        around.out.record(|payload| record.encode(payload));
    }
    info!("partner {}: all its bindings are held here, {} in all", partner.name, around.bindings.table().len());
}
