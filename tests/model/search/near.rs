//! Worlds a step or two from where one rule counts, which a search from the other starts would come to only deeper than
//! it can go. A script leads there; the search does the rest, in every way.

use super::actions::{Action, Span};
use super::scripts::{ahead, offered, promised};
use super::starts::settled;
use super::world::{Echo, F, P, World};
use super::{Options, Shares};
use crate::support::pair_setup::PairSetup;

const ONE: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50\n";
const TWO: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.50 - 10.1.0.51\n";
/// Without the first address.
const OTHER: &str = "[Subnet 10.1.0.0/24]\nRange = 10.1.0.51\n";
/// A host that has the first address.
const HOST: &str = "[Host one]\nHardwareAddress = 02:00:00:00:00:01\nAddress = 10.1.0.50\n";
/// Where a search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Near {
    /// The primary let a client go, out of contact, which has the address again by the failover; after the heal the
    /// failover says that it holds the former, and the news of the latter was lost.
    Released,
    /// Both servers' clocks are seconds ahead of the one by which the failover granted what is about to end.
    Ahead,
    /// The client has a long lease, then missed the ACK of a shorter one.
    Shortened,
    /// Out of contact, the primary promised a client more than the failover did later; now the wires are good.
    Prolonged,
    /// The same, to two clients, by an unanswered ping; the lease of the one with less has ended, and it went for good.
    Contested,
    /// Out of contact, the failover set aside what the primary has leased, since somebody answers there.
    SetAside,
    /// A client has an offer of the primary from before the failover got the address; both serve.
    Offered,
    /// Out of contact, the primary has forgotten the client of a lease that the failover renewed.
    Swept,
    /// The failover was said to be down, came back, and is cut off; it has renewed what ended for the primary.
    Word,
    /// The primary has lost its disk, and starts.
    Replaced,
    /// The primary stood still while its failover took over; what that said as it slept comes now.
    Woken,
    /// A client gave back to the failover what it had from the primary, which is down.
    GivenBack,
    /// The failover has given what the primary has no record of; the primary is back, the change was lost on its way.
    Unheard,
    /// As that, and both have started anew.
    Anew,
    /// Both serve; only the failover has the reservation of an address that is free.
    Reserved,
    /// Both serve; the failover has given by a reservation that the primary has no more.
    Unreserved,
    /// The primary stops as planned; an answer to a poll is on its way before that.
    Stopping,
    /// The primary goes on from an image of itself of minutes ago, and its failover has heard of it since.
    SetBack,
    /// A primary that was started alone by a clock that is two hours slow, and again by the right one.
    SlowClock,
    /// A primary that was started by a clock that is two hours slow, beside a failover that served, has granted a
    /// lease, and is down; the failover serves.
    OffClock,
    /// The primary is down; the failover serves, and has no more range for what a client has.
    Narrowed,
    /// Both have renewed the leases of both clients, out of contact; now the way between them is long, and what both
    /// say crosses.
    Crossing,
    /// A client has moved to an address of the failover's, out of contact; the primary knows it at another one.
    Moved,
    /// A client has an offer of the primary, which has met its failover since; the heartbeat is cut.
    Promised,
}

impl Near {
    /// All of them, and how many steps are searched from each.
    pub(crate) const ALL: [(Near, u32); 24] = [
        (Near::Released, 2),
        (Near::Ahead, 1),
        (Near::Shortened, 2),
        (Near::Prolonged, 2),
        (Near::Contested, 2),
        (Near::SetAside, 2),
        (Near::Offered, 2),
        (Near::Swept, 1),
        (Near::Word, 1),
        (Near::Replaced, 0),
        (Near::Woken, 2),
        (Near::GivenBack, 0),
        (Near::Unheard, 2),
        (Near::Anew, 2),
        (Near::Reserved, 2),
        (Near::Unreserved, 1),
        (Near::Stopping, 2),
        (Near::SetBack, 0),
        (Near::SlowClock, 1),
        (Near::OffClock, 1),
        (Near::Narrowed, 1),
        (Near::Crossing, 1),
        (Near::Moved, 1),
        (Near::Promised, 1),
    ];

    /// StrictShares and pings, as the place needs them.
    pub(crate) fn options(self) -> Options {
        let (shares, echo) = match self {
            Near::Contested => (Shares::PingFirst, Echo::Silent),
            Near::SetAside | Near::Unheard | Near::Anew | Near::Ahead => (Shares::PingFirst, Echo::Answered),
            Near::Released
            | Near::Shortened
            | Near::Prolonged
            | Near::Offered
            | Near::Swept
            | Near::Word
            | Near::GivenBack
            | Near::Reserved
            | Near::Unreserved
            | Near::Stopping
            | Near::SetBack
            | Near::SlowClock
            | Near::OffClock
            | Near::Narrowed
            | Near::Moved
            | Near::Crossing
            | Near::Replaced
            | Near::Woken
            | Near::Promised => (Shares::Strict, Echo::Answered),
        };
        // The sweep of ended leases changes records long after a heal.
        let heal_every = if self == Near::Swept { 0 } else { 5 };
        Options { shares, echo, heal_every }
    }

    /// Makes the world.
    pub(crate) fn world(self, setup: PairSetup, options: &Options) -> World {
        let none = |subnets: &str| setup.clone().subnets(subnets).primary("FailoverShare = 0");
        let mut world = match self {
            Near::Offered => return offered(&setup, options),
            Near::Promised => return promised(&setup.policy("MaxPendingSeconds = 600"), options),
            Near::Ahead => return ahead(&none(ONE).both("MaxClockSkewSecs = 5"), options),
            Near::Contested | Near::Unheard | Near::Anew => settled(&none(ONE), options),
            Near::SetAside => settled(&none(ONE).policy("MaxUnavailableTime = 20"), options),
            Near::Swept => settled(&setup.clone().policy("ActiveLeaseExpiration = Full_delete"), options),
            Near::Reserved => settled(&none(TWO), options),
            Near::Unreserved => settled(&none(&format!("{ONE}{HOST}")), options),
            Near::Released
            | Near::Shortened
            | Near::Prolonged
            | Near::Word
            | Near::GivenBack
            | Near::Stopping
            | Near::SetBack
            | Near::SlowClock
            | Near::OffClock
            | Near::Narrowed
            | Near::Moved
            | Near::Crossing
            | Near::Replaced
            | Near::Woken => settled(&setup, options),
        };
        match self {
            Near::Released => world.release_and_renew(),
            Near::Shortened => world.shorten(),
            Near::Prolonged => world.prolong(),
            Near::Contested => world.contest(),
            Near::SetAside => world.set_aside(),
            Near::Swept => world.sweep(),
            Near::Word => world.take_the_word(),
            Near::GivenBack => world.give_back(),
            Near::Unheard => world.lose_changes(&[P]),
            Near::Anew => world.lose_changes(&[P, F]),
            Near::Reserved => {
                world.acts(&[Action::Part, Action::Pass(Span::Half)]);
                world.reload(F, none(&format!("{TWO}{HOST}")).of_failover());
            }
            Near::Unreserved => world.unreserve(none(ONE).of_primary()),
            Near::Stopping => world.stop_after_a_poll(),
            Near::SetBack => world.set_back(),
            Near::SlowClock => world.slow_clock(),
            Near::OffClock => world.off_clock(),
            Near::Moved => world.move_out(),
            Near::Crossing => world.renew_crosswise(),
            Near::Replaced => world.lose_disk(),
            Near::Woken => world.wake_to_the_past(),
            Near::Narrowed => world.narrow(setup.subnets(OTHER).of_failover()),
            Near::Offered | Near::Ahead | Near::Promised => {}
        }
        world
    }
}
