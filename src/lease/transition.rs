//! Which change of a binding is allowed: one exhaustive match, asked before each change the server makes itself.

use super::BindingState;

/// What makes the server change a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The client named holds it already and extends it.
    Renew,
    /// It is given to a client that does not hold it.
    Grant,
    /// Its client gives it back, or an operator ends it.
    Release,
    /// Its client found somebody else using it, or it answered a ping.
    Refuse,
    /// Its ended lease is forgotten (ActiveLeaseExpiration = Full_delete).
    Forget,
}

/// Whether a binding still binds: its end or bar lies in the future.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Term {
    /// End or bar lies in the future.
    Running,
    /// Both have passed.
    Ended,
}

/// The state after `change`, or `None` when the change is not allowed.
#[must_use]
pub fn apply(from: BindingState, term: Term, change: Change) -> Option<BindingState> {
    use BindingState::{Free, Leased, Released, Unavailable};
    match (from, term, change) {
        (Leased, Term::Running, Change::Renew) => Some(Leased),
        (Free | Released | Unavailable, Term::Running, Change::Renew) | (_, Term::Ended, Change::Renew) => None,
        (Free | Leased | Released | Unavailable, Term::Ended, Change::Grant) => Some(Leased),
        (Free | Leased | Released | Unavailable, Term::Running, Change::Grant) => None,
        (Leased, Term::Running, Change::Release) => Some(Released),
        (Free | Released | Unavailable, Term::Running, Change::Release) | (_, Term::Ended, Change::Release) => None,
        (Free | Leased | Released, Term::Running | Term::Ended, Change::Refuse)
        | (Unavailable, Term::Ended, Change::Refuse) => Some(Unavailable),
        (Unavailable, Term::Running, Change::Refuse) => None,
        (Leased | Released | Unavailable, Term::Ended, Change::Forget) => Some(Free),
        (Free, Term::Running | Term::Ended, Change::Forget)
        | (Leased | Released | Unavailable, Term::Running, Change::Forget) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_lease_is_never_granted_to_anybody_else() {
        for state in [BindingState::Leased, BindingState::Unavailable, BindingState::Released, BindingState::Free] {
            assert_eq!(apply(state, Term::Running, Change::Grant), None);
            assert_eq!(apply(state, Term::Ended, Change::Grant), Some(BindingState::Leased));
        }
    }

    #[test]
    fn only_a_running_lease_is_renewed_or_released() {
        assert_eq!(apply(BindingState::Leased, Term::Running, Change::Renew), Some(BindingState::Leased));
        assert_eq!(apply(BindingState::Leased, Term::Running, Change::Release), Some(BindingState::Released));
        assert_eq!(apply(BindingState::Leased, Term::Ended, Change::Renew), None);
        assert_eq!(apply(BindingState::Unavailable, Term::Running, Change::Release), None);
    }

    #[test]
    fn a_running_binding_is_not_forgotten() {
        assert_eq!(apply(BindingState::Leased, Term::Running, Change::Forget), None);
        assert_eq!(apply(BindingState::Leased, Term::Ended, Change::Forget), Some(BindingState::Free));
    }
}
