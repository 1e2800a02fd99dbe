//! The names of states in log lines and reports, their numbers in the journal, and how a failover begins and ends.

use crate::wire::failover::PartnerState;

/// Whether a state is one of a failover that only watches its primary.
pub(super) fn is_polling(state: PartnerState) -> bool {
    matches!(state, PartnerState::Asleep | PartnerState::Probing)
}

/// Whether a state is one of a server that has just started, or asks anew.
pub(super) fn is_starting(state: PartnerState) -> bool {
    matches!(state, PartnerState::Claiming | PartnerState::Syncing)
}

/// Whether a state is one of a failover that has control.
pub(super) fn has_control(state: PartnerState) -> bool {
    matches!(state, PartnerState::Active | PartnerState::Returning)
}

/// The name of a state in log lines and reports.
#[must_use]
pub fn state_name(state: PartnerState) -> &'static str {
    match state {
        PartnerState::Claiming => "Claiming",
        PartnerState::Receiving => "Receiving",
        PartnerState::Serving => "Serving",
        PartnerState::Given => "Given",
        PartnerState::Syncing => "Syncing",
        PartnerState::Asleep => "Asleep",
        PartnerState::Probing => "Probing",
        PartnerState::Active => "Active",
        PartnerState::Returning => "Returning",
    }
}

/// The number of a state in the journal.
pub(super) fn state_number(state: PartnerState) -> u8 {
    match state {
        PartnerState::Claiming => 1,
        PartnerState::Receiving => 2,
        PartnerState::Serving => 3,
        PartnerState::Given => 4,
        PartnerState::Syncing => 5,
        PartnerState::Asleep => 6,
        PartnerState::Probing => 7,
        PartnerState::Active => 8,
        PartnerState::Returning => 9,
    }
}

/// How a start finds the channel in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The primary served.
    Silent,
    /// This server served.
    WithControl,
}

/// Whether the failed sync at start ends the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    GoesOn,
    /// SyncFailCritical.
    Ends,
}
