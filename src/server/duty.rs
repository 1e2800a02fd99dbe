//! Duty: may this server answer now, and if not, why. The one place that says no on the server's own account.

use super::counters::Silence;
use super::failover::Service;

/// Whether to answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// Answer.
    Serve,
    /// Say nothing, for this reason.
    Silent(Silence),
}

/// Whether the journal has room for what a turn may write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It has.
    Enough,
    /// The disk is full: nothing that must be kept could be kept.
    Full,
}

/// Whether this server answers clients of a subnet now: a standalone server does as long as its journal has room, one
/// of a pair while it has control.
#[must_use]
pub fn duty(room: Room, service: Service) -> Duty {
    match (room, service) {
        (Room::Full, _) => Duty::Silent(Silence::JournalFull),
        (Room::Enough, Service::Serves) => Duty::Serve,
        (Room::Enough, Service::Asleep | Service::Watching) => Duty::Silent(Silence::Asleep),
        (Room::Enough, Service::Arriving) => Duty::Silent(Silence::Arriving),
    }
}
