//! Two versions of a binding become one (failover.md section 5). Pure.
//!
//! A partner's change is concurrent with ours when the partner did not hold ours yet as it wrote its own. Then an
//! unexpired lease beats every other kind; of two leases of one client the later end counts; of two clients the
//! newer change stands and the other's end becomes the bar, so that nobody new gets the address before.

use super::{Binding, BindingState, Stamp};
use crate::clock::Wall;
use crate::rules::{Rule, kept};

/// What became of two versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged<'a> {
    /// The partner's change stands as it is.
    Theirs,
    /// Our record stands as it is: it is newer, and the partner will get it.
    Ours,
    /// Neither: this is to be written as a new own change (its stamp is still to be given).
    Both {
        /// The result, with the stamp of the version that it is based on.
        result: Binding<'a>,
        /// Whether two clients were promised the address.
        conflict: bool,
    },
}

/// Merges the partner's change `theirs` with our record `ours`. `seen` tells how far the partner held our own changes
/// when it wrote; `is_own` whether our record is a change that we made.
#[must_use]
pub fn merge<'a>(ours: &Binding<'a>, theirs: &Binding<'a>, seen: Seen, now: Wall) -> Merged<'a> {
    // Both may have made a stamp in the same millisecond; then both sides must prefer the same one.
    let is_theirs = (theirs.stamp, theirs.origin) > (ours.stamp, ours.origin);
    let newer = if is_theirs { Merged::Theirs } else { Merged::Ours };
    if ours.origin != seen.own_side || ours.stamp <= seen.stamp && kept(Rule::Concurrent) {
        return newer;
    }
    let (standing, other) = match newer {
        Merged::Theirs | Merged::Both { .. } => (theirs, ours),
        Merged::Ours => (ours, theirs),
    };
    let standing_runs = runs(standing, now);
    let other_runs = runs(other, now);
    let mut result = if other_runs && !standing_runs && kept(Rule::MergeByKinds) {
        Binding { stamp: standing.stamp, owner: standing.owner, ..*other }
    } else {
        *standing
    };
    result.bar = standing.bar.max(other.bar);
    let mut conflict = false;
    if standing_runs && other_runs {
        if standing.client.key() == other.client.key() {
            result.end = if kept(Rule::LaterEnd) { standing.end.max(other.end) } else { standing.end };
            result.start = standing.start.min(other.start);
        } else {
            result.bar = if kept(Rule::Bar) { result.bar.max(other.end) } else { result.bar };
            conflict = true;
        }
    }
    // Writing what says nothing new would make both servers rewrite it for ever.
    if kept(Rule::WriteOnlyNew) && same_but_stamp(&result, standing) {
        newer
    } else {
        Merged::Both { result, conflict }
    }
}

/// What the partner knew of our changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which side we are.
    pub own_side: super::Side,
    /// All our own changes up to this stamp were held by the partner.
    pub stamp: Stamp,
}

/// Whether somebody holds the address: an unexpired lease. A set-aside address counts as none (section 5).
fn runs(binding: &Binding<'_>, now: Wall) -> bool {
    binding.state == BindingState::Leased && binding.end > now
}

fn same_but_stamp(one: &Binding<'_>, other: &Binding<'_>) -> bool {
    Binding { stamp: Stamp::default(), origin: other.origin, last_seen: other.last_seen, ..*one }
        == Binding { stamp: Stamp::default(), ..*other }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::{Client, Hardware, Side};
    use super::*;

    const NOW: Wall = Wall::from_secs(1_000);

    fn lease(side: Side, client: u8, stamp: u64, end: u64) -> Binding<'static> {
        static CLIENTS: [[u8; 1]; 3] = [[0], [1], [2]];
        Binding {
            address: Ipv4Addr::new(10, 0, 0, 1),
            state: BindingState::Leased,
            origin: side,
            owner: Side::Primary,
            start: Wall::from_secs(900),
            end: Wall::from_secs(end),
            last_seen: Wall::from_secs(900),
            bar: Wall::default(),
            stamp: Stamp(stamp),
            client: Client {
                hardware: Some(Hardware { htype: 1, address: &CLIENTS[usize::from(client)] }),
                ..Client::default()
            },
        }
    }

    fn seen(stamp: u64) -> Seen {
        Seen { own_side: Side::Primary, stamp: Stamp(stamp) }
    }

    #[test]
    fn without_concurrency_the_newer_stamp_stands() {
        let ours = lease(Side::Primary, 1, 5, 2_000);
        let theirs = lease(Side::Secondary, 2, 9, 1_500);
        assert_eq!(merge(&ours, &theirs, seen(5), NOW), Merged::Theirs);
        let older = lease(Side::Secondary, 2, 4, 1_500);
        assert_eq!(merge(&ours, &older, seen(5), NOW), Merged::Ours);
    }

    #[test]
    fn of_equal_stamps_both_sides_prefer_the_same_one() {
        let one = lease(Side::Primary, 1, 5, 2_000);
        let other = lease(Side::Secondary, 1, 5, 2_000);
        assert_eq!(merge(&one, &other, seen(5), NOW), Merged::Theirs);
        let at_partner = Seen { own_side: Side::Secondary, stamp: Stamp(5) };
        assert_eq!(merge(&other, &one, at_partner, NOW), Merged::Ours);
    }

    #[test]
    fn two_promises_to_one_client_become_the_later_end() {
        let ours = lease(Side::Primary, 1, 5, 3_000);
        let theirs = lease(Side::Secondary, 1, 9, 2_000);
        let Merged::Both { result, conflict } = merge(&ours, &theirs, seen(4), NOW) else {
            panic!("the shorter promise must not stand alone")
        };
        assert_eq!((result.end, conflict), (Wall::from_secs(3_000), false));
        let longer = lease(Side::Secondary, 1, 9, 4_000);
        assert_eq!(merge(&ours, &longer, seen(4), NOW), Merged::Theirs);
    }

    #[test]
    fn of_two_clients_the_newer_stands_and_the_others_end_is_the_bar() {
        let ours = lease(Side::Primary, 1, 5, 3_000);
        let theirs = lease(Side::Secondary, 2, 9, 2_000);
        let Merged::Both { result, conflict } = merge(&ours, &theirs, seen(4), NOW) else {
            panic!("a conflict is written down")
        };
        assert!(conflict);
        assert_eq!((result.client, result.bar), (theirs.client, Wall::from_secs(3_000)));
    }

    #[test]
    fn an_unexpired_lease_beats_every_other_kind() {
        let ours = lease(Side::Primary, 1, 5, 3_000);
        for state in [BindingState::Free, BindingState::Released, BindingState::Unavailable] {
            let theirs = Binding { state, ..lease(Side::Secondary, 2, 9, 2_000) };
            let Merged::Both { result, conflict } = merge(&ours, &theirs, seen(4), NOW) else {
                panic!("the lease stands")
            };
            assert_eq!((result.client, result.state, conflict), (ours.client, BindingState::Leased, false));
        }
    }

    #[test]
    fn the_merge_of_a_merge_writes_nothing_more() {
        let ours = lease(Side::Primary, 1, 5, 3_000);
        let theirs = lease(Side::Secondary, 2, 9, 2_000);
        let Merged::Both { result, .. } = merge(&ours, &theirs, seen(4), NOW) else { panic!("a conflict") };
        let written = Binding { stamp: Stamp(12), ..result };
        let again = Seen { own_side: Side::Secondary, stamp: Stamp(8) };
        let at_partner = Binding { origin: Side::Secondary, ..theirs };
        assert_eq!(merge(&at_partner, &written, again, NOW), Merged::Theirs);
    }
}
