//! Duty: may this server answer now, and if not, why. The one place that says no on the server's own account.

use super::counters::Silence;

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

/// Whether this server answers clients now. A standalone server does as long as its journal has room.
#[must_use]
pub fn duty(room: Room) -> Duty {
    match room {
        Room::Enough => Duty::Serve,
        Room::Full => Duty::Silent(Silence::JournalFull),
    }
}
