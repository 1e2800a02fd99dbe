//! Who may give an address to a new client (failover.md section 7, rules 1, 3 and 8). Pure.
//!
//! The facts of the partner come from one of its datagrams, never from two: between two messages it may have
//! granted a renewal that neither tells of.

use std::time::Duration;

use super::{Binding, BindingState, Side, Stamp};
use crate::clock::Wall;
use crate::rules::{Rule, kept};

/// What one datagram of the partner showed: when it wrote it, it held our own changes up to `held`, and nothing of its
/// own was missing here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quiet {
    /// The partner's lease clock when it wrote.
    pub clock: Wall,
    /// It held all our own changes up to here.
    pub held: Stamp,
}

/// What a server knows of itself and of its partner, for one decision.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge {
    /// Which server this is.
    pub side: Side,
    /// Whether this database has once held all that there is.
    pub complete: bool,
    /// The newest facts about the partner; none before its first datagram that counts.
    pub quiet: Option<Quiet>,
    /// Margin for comparing ends across the two clocks.
    pub margin: Duration,
}

impl Knowledge {
    /// Whether the partner cannot still regard an earlier holder of the address as active.
    #[must_use]
    pub fn is_settled(&self, binding: Option<&Binding<'_>>) -> bool {
        let Some(binding) = binding else { return self.complete };
        if !kept(Rule::Settled) {
            return true;
        }
        let Some(quiet) = self.quiet else { return false };
        let held = binding.origin != self.side || binding.stamp <= quiet.held;
        let margin = if kept(Rule::Margin) { self.margin } else { Duration::ZERO };
        let margin = u64::try_from(margin.as_millis()).unwrap_or(u64::MAX);
        held && binding.available_from().millis().saturating_add(margin) <= quiet.clock.millis()
    }

    /// Whether this server may give the address to a new client, or to its partner: it owns it, nobody holds it, and it
    /// is settled. `unbound` tells whose the address is as long as it has no binding ([`super::shares::Shares`]).
    #[must_use]
    pub fn may_give(&self, binding: Option<&Binding<'_>>, unbound: Side, now: Wall) -> bool {
        // A client that was forgotten on purpose leaves a record that says so.
        let binding = binding.filter(|binding| kept(Rule::RecordStays) || binding.state != BindingState::Free);
        let owner = binding.map_or(unbound, |binding| binding.owner);
        let is_owner = owner == self.side || !kept(Rule::Owner);
        let free = binding.is_none_or(|binding| binding.available_from() <= now);
        is_owner && free && self.is_settled(binding)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::super::Client;
    use super::*;

    fn ended(origin: Side, stamp: u64, end: u64) -> Binding<'static> {
        Binding {
            address: Ipv4Addr::new(10, 0, 0, 1),
            state: BindingState::Leased,
            origin,
            owner: Side::Primary,
            start: Wall::default(),
            end: Wall::from_secs(end),
            last_seen: Wall::default(),
            bar: Wall::default(),
            stamp: Stamp(stamp),
            client: Client::default(),
        }
    }

    fn knowledge(side: Side, clock: u64, held: u64) -> Knowledge {
        let quiet = Some(Quiet { clock: Wall::from_secs(clock), held: Stamp(held) });
        Knowledge { side, complete: true, quiet, margin: Duration::from_secs(5) }
    }

    #[test]
    fn an_address_without_a_binding_is_given_by_its_owner_from_a_complete_database() {
        let primary = knowledge(Side::Primary, 0, 0);
        assert!(primary.may_give(None, Side::Primary, Wall::from_secs(1)));
        assert!(!Knowledge { complete: false, ..primary }.may_give(None, Side::Primary, Wall::from_secs(1)));
        assert!(!knowledge(Side::Secondary, 0, 0).may_give(None, Side::Primary, Wall::from_secs(1)));
        assert!(!primary.may_give(None, Side::Secondary, Wall::from_secs(1)));
        assert!(knowledge(Side::Secondary, 0, 0).may_give(None, Side::Secondary, Wall::from_secs(1)));
    }

    #[test]
    fn an_ended_lease_is_settled_when_one_datagram_shows_the_record_held_and_the_end_passed_by_the_margin() {
        let binding = ended(Side::Primary, 7, 100);
        let now = Wall::from_secs(200);
        assert!(knowledge(Side::Primary, 105, 7).may_give(Some(&binding), Side::Primary, now));
        assert!(!knowledge(Side::Primary, 104, 7).may_give(Some(&binding), Side::Primary, now));
        assert!(!knowledge(Side::Primary, 150, 6).may_give(Some(&binding), Side::Primary, now));
        assert!(!Knowledge { quiet: None, ..knowledge(Side::Primary, 0, 0) }.may_give(
            Some(&binding),
            Side::Primary,
            now
        ));
    }

    #[test]
    fn the_partners_own_record_needs_no_acknowledgement_but_the_end_must_have_passed_there() {
        let binding = ended(Side::Secondary, 99, 100);
        assert!(knowledge(Side::Primary, 105, 0).may_give(Some(&binding), Side::Primary, Wall::from_secs(200)));
        assert!(!knowledge(Side::Primary, 100, 0).may_give(Some(&binding), Side::Primary, Wall::from_secs(200)));
    }

    #[test]
    fn nobody_gets_an_address_before_its_bar_has_passed() {
        let binding = Binding { bar: Wall::from_secs(500), ..ended(Side::Primary, 1, 100) };
        assert!(!knowledge(Side::Primary, 400, 9).may_give(Some(&binding), Side::Primary, Wall::from_secs(300)));
        assert!(knowledge(Side::Primary, 505, 9).may_give(Some(&binding), Side::Primary, Wall::from_secs(510)));
    }
}
