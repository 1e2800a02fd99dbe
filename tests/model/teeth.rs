//! With one rule of the pair left out the search finds a breach, so that its silence means something. Only with the
//! feature `teeth`.

use understudy::rules::{Rule, keep_all, leave_out};

use crate::number;
use crate::search::{Options, Start, search_from};

/// Rules that are missed, where, and within how many steps.
const MISSED: [(Rule, Start, u32); 10] = [
    (Rule::Owner, Start::Apart, 2),
    (Rule::Settled, Start::Extended, 1),
    (Rule::RefusalProven, Start::Apart, 3),
    (Rule::AckAfterCommit, Start::Fresh, 1),
    (Rule::BindAckAfterCommit, Start::Leased, 1),
    (Rule::TakeoverRecorded, Start::Fresh, 1),
    (Rule::WriteOnlyNew, Start::Parted, 2),
    (Rule::Yield, Start::Parted, 1),
    (Rule::TakenBackByPolling, Start::Returning, 2),
    (Rule::AskAfterStandstill, Start::Returning, 1),
];

#[test]
fn each_of_these_rules_is_missed_within_a_few_steps() {
    let options = Options { heal_every: number("FOLLOW", 5), ..Options::default() };
    let mut blind = Vec::new();
    for (rule, start, depth) in MISSED {
        let world = start.world(&options);
        leave_out(rule);
        let outcome = search_from((start, &world), depth, &options);
        keep_all();
        println!("without {rule:?}: {outcome}");
        if outcome.found.is_none() {
            blind.push(rule);
        }
    }
    assert!(blind.is_empty(), "not missed: {blind:?}");
}
