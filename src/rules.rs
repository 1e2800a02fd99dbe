//! The rules on which the promises of a pair rest, by name, so that a test can leave one of them out
//! (understudy-failover(7), failover.md).
//!
//! A check that finds nothing when its rule is gone proves nothing. So the deciding code asks [`kept`] where it follows
//! a rule, and with the feature `teeth`, which only tests turn on, a rule may be left out for the running thread.
//! Without that feature `kept` is a constant: what ships has no switch. Nothing but tests leaves a rule out.

/// A rule; each is asked for at the place that follows it, and its absence is found by a test (`tests/teeth`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rule {
    /// Only the owner of an address gives it to a new client (section 7, rules 1 and 3).
    Owner,
    /// An address with a record is given only when the partner cannot regard an earlier holder as active (7.3).
    Settled,
    /// The facts that settle an address come from one datagram of the partner (7.3).
    OneDatagram,
    /// A datagram tells such facts only if nothing of its sender was missing here when it wrote (7.3, `newest`).
    Newest,
    /// Ends are compared across the two clocks with a margin (7.3).
    Margin,
    /// A database that has never held all that the partner held counts as not complete (sections 1 and 5).
    Complete,
    /// A full copy holds every record, whatever its origin (section 5).
    AnyOrigin,
    /// A database that went back in time becomes another one (section 5, identity).
    OlderCopy,
    /// Of another database of the partner nothing is held yet (section 5, identity).
    NewDatabase,
    /// What operators see as deleted keeps its record (7.8).
    RecordStays,
    /// A reload of ranges or shares changes no owner (7.1).
    OwnersByRecord,
    /// While the servers configure different ranges, a holder of what only one of them has is served on (7.1, 7.2).
    HolderServedOn,
    /// A reservation counts when a datagram showed that the partner has it too (7.7).
    ReservationOfBoth,
    /// A reservation that went away keeps its address until the partner was seen without it (7.7).
    ReservationStays,
    /// The recorded end of a lease never goes down while it stands (7.2).
    EndStands,
    /// Whether an address may be given is looked at again at the REQUEST (7.3).
    LookAgain,
    /// An offered address is not given away to the partner (7.3).
    OfferedStays,
    /// A refusal says only what no partner can contradict (7.6).
    RefusalProven,
    /// With StrictShares nothing is given out of contact that is not surely free (7.5).
    StrictShares,
    /// Out of contact, what is not surely free is given only after a ping (7.5).
    PingFirst,
    /// A replaced database pings before it gives, until it is complete (7.9).
    ReplacedPings,
    /// The word that a partner is down ends when it has been in contact (7.10).
    PartnerDownEnds,
    /// Of two concurrent changes an unexpired lease beats every other kind (section 5, merge).
    MergeByKinds,
    /// Of two concurrent leases of one client the later end counts (section 5, merge).
    LaterEnd,
    /// Of two concurrent leases the loser's end is kept as bar (section 5, merge).
    Bar,
    /// A change that its maker made knowing ours is not merged with it (section 5, merge).
    Concurrent,
    /// A merge is written only if it says something new (section 5, merge).
    WriteOnlyNew,
    /// Leases go by a clock that no step of the system's clock moves (section 9).
    LeaseClock,
    /// A server that starts beside one that runs takes its lease clock (section 9).
    PartnersClock,
    /// The lease clock starts no earlier than the newest time in the journal (section 9).
    ClockFloor,
    /// What leaves for clients and partner rests on records that are durable (section 10, invariant 3).
    AckAfterCommit,
    /// What is acknowledged to the partner is in the journal (sections 4 and 5, BindAck).
    BindAckAfterCommit,
    /// `have` goes no further than the records that have come (section 5).
    HaveBehindRecords,
    /// A takeover is in the journal before the first answer (section 6).
    TakeoverRecorded,
    /// A start after an unclean stop rests on nothing that was not synced (architecture, journal).
    RewriteUnclean,
    /// A subnet that was given back is taken again only through polling (section 6).
    TakenBackByPolling,
    /// A primary serves only with all changes of its failover (section 6, table).
    HoldsAll,
    /// A subnet that comes back is taken when all changes of it are here (section 6, SubnetReturn).
    ChangesFirst,
    /// What was kept while control moved is answered only if the partner has not done it (section 6).
    AnsweredOnce,
    /// That the failover sleeps counts for a primary only after it has seen that control is asked for (section 6).
    SleepsAfterAsked,
    /// A failover yields to any header that says Serving (section 6).
    Yield,
    /// After a yield the next takeover needs more unanswered polls (section 6).
    SlowAfterYield,
    /// A sequence seen before is dropped (section 3).
    ReplayWindow,
    /// Only the living session of a proven boot is listened to (section 3).
    Sessions,
    /// State fields are taken only from the highest sequence so far (section 3).
    HighestSequence,
    /// A server behind its own sequence takes a new boot id (section 3).
    OwnSequence,
    /// Replies to clients of a turn that took too long are dropped (section 9).
    TimelyRelease,
    /// A server that stood still asks before it answers (section 9).
    AskAfterStandstill,
    /// Changes composed out of contact are composed anew when contact is back (section 5).
    ComposedAnew,
}

/// Whether a rule is followed: always.
#[cfg(not(feature = "teeth"))]
#[must_use]
pub const fn kept(_rule: Rule) -> bool {
    true
}

#[cfg(feature = "teeth")]
pub use switches::{keep_all, kept, leave_out};

#[cfg(feature = "teeth")]
mod switches {
    use std::cell::Cell;

    use crate::rules::Rule;

    thread_local! {
        /// A bit for each rule that is left out.
        static LEFT_OUT: Cell<u64> = const { Cell::new(0) };
    }

    /// Whether a rule is followed by the running thread.
    #[must_use]
    pub fn kept(rule: Rule) -> bool {
        LEFT_OUT.get() & bit(rule) == 0
    }

    /// Leaves a rule out, for the running thread, until [`keep_all`].
    pub fn leave_out(rule: Rule) {
        LEFT_OUT.set(LEFT_OUT.get() | bit(rule));
    }

    /// Follows all rules again.
    pub fn keep_all() {
        LEFT_OUT.set(0);
    }

    fn bit(rule: Rule) -> u64 {
        1 << rule as u32
    }
}
