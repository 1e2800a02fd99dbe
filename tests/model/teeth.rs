//! With one rule of the pair left out the search finds a breach, so that its silence means something. Only with the
//! feature `teeth`. The same searches with all rules are in the tests without it.

use understudy::rules::{Rule, keep_all, leave_out};

use crate::search::near::Near;
use crate::search::{Options, Outcome, Start, World, search_from};

/// From when on a rule is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// The world was made with all rules.
    Search,
    /// The world is made without it.
    Making,
}

/// Rules that are missed, where, within how many steps, and from when on they are left out.
const MISSED: [(Rule, Start, u32, From); 33] = [
    (Rule::Owner, Start::Apart, 2, From::Search),
    (Rule::Settled, Start::Extended, 1, From::Search),
    (Rule::OneDatagram, Start::Near(Near::Released), 2, From::Search),
    (Rule::Newest, Start::Near(Near::Released), 2, From::Search),
    (Rule::Margin, Start::Near(Near::Ahead), 1, From::Search),
    (Rule::NewDatabase, Start::Near(Near::Replaced), 0, From::Search),
    (Rule::RecordStays, Start::Near(Near::Swept), 1, From::Search),
    (Rule::HolderServedOn, Start::Near(Near::Narrowed), 1, From::Search),
    (Rule::ReservationOfBoth, Start::Near(Near::Reserved), 2, From::Search),
    (Rule::ReservationStays, Start::Near(Near::Unreserved), 1, From::Making),
    (Rule::EndStands, Start::Near(Near::Shortened), 2, From::Making),
    (Rule::LookAgain, Start::Near(Near::Offered), 2, From::Search),
    (Rule::OfferedStays, Start::Near(Near::Promised), 1, From::Making),
    (Rule::RefusalProven, Start::Near(Near::Moved), 1, From::Search),
    (Rule::PartnerDownEnds, Start::Near(Near::Word), 1, From::Making),
    (Rule::MergeByKinds, Start::Near(Near::SetAside), 2, From::Search),
    (Rule::LaterEnd, Start::Near(Near::Prolonged), 2, From::Search),
    (Rule::Bar, Start::Near(Near::Contested), 2, From::Making),
    (Rule::Concurrent, Start::Near(Near::GivenBack), 0, From::Search),
    (Rule::WriteOnlyNew, Start::Near(Near::Crossing), 1, From::Search),
    (Rule::PartnersClock, Start::Near(Near::OffClock), 1, From::Making),
    (Rule::ClockFloor, Start::Near(Near::SlowClock), 1, From::Making),
    (Rule::AckAfterCommit, Start::Fresh, 1, From::Search),
    (Rule::BindAckAfterCommit, Start::Leased, 1, From::Search),
    (Rule::TakeoverRecorded, Start::Fresh, 1, From::Search),
    (Rule::TakenBackByPolling, Start::Returning, 2, From::Search),
    (Rule::HoldsAll, Start::Near(Near::Anew), 2, From::Search),
    (Rule::ChangesFirst, Start::Near(Near::Unheard), 2, From::Search),
    (Rule::AnsweredOnce, Start::Returning, 2, From::Search),
    (Rule::SleepsAfterAsked, Start::Near(Near::Woken), 2, From::Search),
    (Rule::Yield, Start::Parted, 1, From::Search),
    (Rule::HighestSequence, Start::Near(Near::Stopping), 2, From::Search),
    (Rule::OwnSequence, Start::Near(Near::SetBack), 0, From::Search),
];

/// The start's own options; of a search that takes no step the one state is followed to its end.
fn options(start: Start, depth: u32) -> Options {
    let otherwise = if depth == 0 || start == Start::Returning { 1 } else { 3 };
    let own = match start {
        Start::Near(near) => near.options(),
        Start::Fresh
        | Start::Leased
        | Start::Apart
        | Start::Parted
        | Start::Extended
        | Start::Active
        | Start::Returning => Options::default(),
    };
    Options { heal_every: if own.heal_every == 0 { 0 } else { otherwise }, ..own }
}

/// All rules again, also after a panic.
struct Again;

impl Drop for Again {
    fn drop(&mut self) {
        keep_all();
    }
}

fn made_without(rule: Rule, from: From, (start, depth): (Start, u32)) -> World {
    let _again = Again;
    if from == From::Making {
        leave_out(rule);
    }
    start.world(&options(start, depth))
}

fn searched_without(rule: Rule, world: &World, (start, depth): (Start, u32)) -> Outcome {
    let _again = Again;
    leave_out(rule);
    search_from((start, world), depth, &options(start, depth))
}

#[test]
fn each_of_these_rules_is_missed_within_a_few_steps() {
    let mut blind = Vec::new();
    for (rule, start, depth, from) in MISSED {
        let world = made_without(rule, from, (start, depth));
        let outcome = searched_without(rule, &world, (start, depth));
        println!("without {rule:?}: {outcome}");
        if outcome.found.is_none() {
            blind.push(rule);
        }
    }
    assert!(blind.is_empty(), "not missed: {blind:?}");
}
