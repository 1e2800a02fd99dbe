//! Which check finds that a rule is gone, and within how many seeds. What the exhaustive search finds, and within how
//! many steps, stands beside it (`tests/model/teeth.rs`).

use understudy::rules::{Rule, keep_all, leave_out};

/// What a check found: nothing, or how a promise was broken.
pub(crate) type Finding = Result<(), String>;

/// How the absence of a rule is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// Servers, wires and clients that do just what breaks without the rule.
    Scenario,
    /// The random walk over owners and merges.
    Walk,
    /// Runs of the simulator.
    Simulator,
}

/// One row: the rule, the check, the most seeds that it may take, the test that runs it.
pub(crate) struct Row {
    pub(crate) rule: Rule,
    pub(crate) by: By,
    pub(crate) seeds: u64,
    pub(crate) test: &'static str,
}

const fn scene(rule: Rule, test: &'static str) -> Row {
    Row { rule, by: By::Scenario, seeds: 1, test }
}

const fn walk(rule: Rule, seeds: u64, test: &'static str) -> Row {
    Row { rule, by: By::Walk, seeds, test }
}

const fn sim(rule: Rule, seeds: u64, test: &'static str) -> Row {
    Row { rule, by: By::Simulator, seeds, test }
}

/// All of them; each rule has one row at least.
pub(crate) const TEETH: &[Row] = &[
    scene(Rule::Owner, "without_the_owner_both_give_one_address_in_a_partition"),
    scene(Rule::Settled, "without_settled_a_lease_that_the_partner_renewed_is_given_to_another"),
    scene(Rule::OneDatagram, "with_facts_from_two_datagrams_a_lease_that_the_partner_renewed_is_given_to_another"),
    scene(Rule::Newest, "without_newest_a_lease_that_the_partner_renewed_is_given_to_another"),
    scene(Rule::Margin, "without_the_margin_a_lease_is_given_to_another_seconds_before_its_end"),
    scene(Rule::Complete, "without_complete_a_primary_that_lost_its_disk_gives_its_leases_to_others"),
    scene(
        Rule::AnyOrigin,
        "with_a_copy_of_the_failovers_own_changes_a_primary_that_lost_its_disk_gives_its_leases_to_others",
    ),
    scene(Rule::OlderCopy, "without_a_look_at_the_partners_have_an_older_copy_of_the_disk_gives_its_leases_to_others"),
    scene(Rule::NewDatabase, "with_have_kept_for_another_database_a_primary_that_lost_its_disk_never_serves_again"),
    scene(Rule::RecordStays, "with_deleted_records_a_lease_that_the_partner_renewed_is_given_to_another"),
    scene(Rule::OwnersByRecord, "with_owners_by_configuration_a_reload_gives_the_partners_addresses_away"),
    scene(Rule::ReservationOfBoth, "with_a_reservation_of_one_server_alone_both_give_the_address"),
    scene(Rule::ReservationStays, "without_the_book_of_reservations_that_went_away_both_give_the_address"),
    scene(Rule::HolderServedOn, "without_service_of_what_the_partner_gave_a_lease_out_of_range_is_not_renewed"),
    scene(Rule::EndStands, "with_ends_that_go_down_a_lease_is_given_to_another_before_it_is_over"),
    scene(Rule::LookAgain, "without_another_look_at_the_request_an_old_offer_gives_the_partners_address"),
    scene(Rule::OfferedStays, "with_offered_addresses_given_away_an_offer_is_not_kept"),
    scene(Rule::RefusalProven, "without_proof_a_client_is_refused_what_the_partner_gave_it"),
    scene(Rule::StrictShares, "without_strict_shares_an_unanswered_ping_is_enough"),
    scene(Rule::PingFirst, "without_the_ping_the_address_of_a_living_client_is_given_to_another"),
    scene(Rule::ReplacedPings, "without_the_ping_of_a_replaced_database_what_the_disk_lost_is_given_to_another"),
    scene(Rule::PartnerDownEnds, "with_partner_down_for_ever_a_lease_that_the_partner_renewed_is_given_to_another"),
    scene(Rule::MergeByKinds, "without_the_merge_by_kinds_a_lease_is_lost_to_an_address_set_aside"),
    scene(Rule::LaterEnd, "without_the_later_end_a_lease_is_given_to_another_before_it_is_over"),
    scene(Rule::Bar, "without_the_bar_the_loser_of_a_merge_shares_its_address_with_a_third"),
    scene(Rule::Concurrent, "with_every_change_taken_for_concurrent_an_address_that_was_given_back_stays_taken"),
    scene(Rule::WriteOnlyNew, "without_the_check_for_something_new_both_servers_rewrite_for_ever"),
    scene(Rule::LeaseClock, "with_the_systems_clock_a_step_gives_a_running_lease_to_another"),
    scene(Rule::PartnersClock, "with_a_clock_of_its_own_a_server_grants_what_has_ended_for_its_partner"),
    scene(Rule::ClockFloor, "with_a_clock_under_the_journal_a_running_lease_is_given_to_another"),
    scene(Rule::AckAfterCommit, "with_an_ack_before_the_commit_a_power_cut_gives_the_lease_to_another"),
    scene(Rule::BindAckAfterCommit, "with_a_bind_ack_before_the_journal_a_failover_that_starts_anew_lacks_leases"),
    scene(Rule::HaveBehindRecords, "with_have_ahead_of_the_records_a_change_is_lost_for_good"),
    scene(Rule::TakeoverRecorded, "without_the_record_of_a_takeover_a_failover_that_starts_anew_does_not_serve"),
    scene(Rule::RewriteUnclean, "without_the_rewrite_at_an_unclean_start_a_lease_is_read_once_and_lost"),
    scene(Rule::TakenBackByPolling, "with_a_subnet_taken_back_for_want_of_an_answer_both_serve_it"),
    scene(Rule::HoldsAll, "without_all_changes_a_primary_gives_what_its_failover_gave"),
    scene(Rule::ChangesFirst, "with_a_subnet_taken_before_its_changes_a_primary_gives_what_its_failover_gave"),
    scene(Rule::AnsweredOnce, "without_a_look_at_the_partners_answers_a_message_is_answered_twice"),
    scene(Rule::SleepsAfterAsked, "with_a_sleep_of_before_the_request_both_serve_after_a_standstill"),
    scene(Rule::Yield, "without_yielding_both_serve_after_a_heal"),
    scene(Rule::SlowAfterYield, "without_patience_after_a_yield_a_cut_that_comes_and_goes_makes_the_failover_flap"),
    scene(Rule::ReplayWindow, "without_the_replay_window_a_recorded_request_for_control_silences_the_failover"),
    scene(Rule::Sessions, "without_sessions_a_datagram_of_an_earlier_boot_silences_the_failover"),
    scene(Rule::HighestSequence, "with_state_from_an_overtaken_datagram_the_failover_yields_to_a_primary_that_stopped"),
    scene(Rule::OwnSequence, "without_a_new_boot_a_server_that_was_set_back_is_not_heard_any_more"),
    scene(Rule::TimelyRelease, "without_a_limit_an_ack_leaves_long_after_the_failover_took_over"),
    scene(Rule::AskAfterStandstill, "without_asking_a_primary_that_stood_still_answers_beside_the_failover"),
    walk(Rule::Owner, 4, "without_the_owner_the_walk_finds_an_address_in_two_hands"),
    walk(Rule::Settled, 6, "without_settled_the_walk_finds_an_address_in_two_hands"),
    sim(Rule::Owner, 100, "the_simulator_misses_owner"),
    sim(Rule::Settled, 100, "the_simulator_misses_settled"),
    sim(Rule::OlderCopy, 4, "the_simulator_misses_older_copy"),
    sim(Rule::AckAfterCommit, 4, "the_simulator_misses_ack_after_commit"),
    sim(Rule::BindAckAfterCommit, 4, "the_simulator_misses_bind_ack_after_commit"),
    sim(Rule::RewriteUnclean, 4, "the_simulator_misses_rewrite_unclean"),
    sim(Rule::TakenBackByPolling, 12, "the_simulator_misses_taken_back_by_polling"),
    sim(Rule::ComposedAnew, 60, "the_simulator_misses_composed_anew"),
    sim(Rule::Yield, 4, "the_simulator_misses_yield"),
    sim(Rule::Sessions, 4, "the_simulator_misses_sessions"),
    sim(Rule::OwnersByRecord, 24, "the_simulator_misses_owners_by_record"),
    sim(Rule::ReplayWindow, 4, "the_simulator_misses_replay_window"),
    sim(Rule::NewDatabase, 4, "the_simulator_misses_new_database"),
    sim(Rule::HaveBehindRecords, 6, "the_simulator_misses_have_behind_records"),
    sim(Rule::Complete, 8, "the_simulator_misses_complete"),
    sim(Rule::AnyOrigin, 6, "the_simulator_misses_any_origin"),
    sim(Rule::ReplacedPings, 6, "the_simulator_misses_replaced_pings"),
    sim(Rule::LeaseClock, 4, "the_simulator_misses_lease_clock"),
    sim(Rule::StrictShares, 10, "the_simulator_misses_strict_shares"),
    sim(Rule::PingFirst, 10, "the_simulator_misses_ping_first"),
    sim(Rule::MergeByKinds, 4, "the_simulator_misses_merge_by_kinds"),
    sim(Rule::SlowAfterYield, 4, "the_simulator_misses_slow_after_yield"),
    sim(Rule::TimelyRelease, 12, "the_simulator_misses_timely_release"),
    sim(Rule::AskAfterStandstill, 4, "the_simulator_misses_ask_after_standstill"),
];

/// All rules again, when a check has ended in whatever way.
struct Again;

impl Drop for Again {
    fn drop(&mut self) {
        keep_all();
    }
}

/// Runs `check` on one seed with `rule` left out.
fn without(rule: Rule, check: &dyn Fn(u64) -> Finding, seed: u64) -> Finding {
    let _again = Again;
    leave_out(rule);
    check(seed)
}

/// Asserts that `check` finds the absence of `rule` within the seeds of its row, and nothing on the same seeds when all
/// rules are kept.
///
/// # Panics
/// When it does not, or when it finds something although the rule is kept.
pub(crate) fn bites(rule: Rule, by: By, check: impl Fn(u64) -> Finding) {
    let row = TEETH.iter().find(|row| row.rule == rule && row.by == by);
    let row = row.unwrap_or_else(|| panic!("no row of {by:?} for {rule:?}"));
    let running = std::thread::current();
    let name = running.name().unwrap_or_default();
    assert!(name == "main" || name.ends_with(row.test), "{name} misses {rule:?}, and the table says {}", row.test);
    let found = (1..=row.seeds).find_map(|seed| Some((seed, without(rule, &check, seed).err()?)));
    let (needed, why) = found.unwrap_or_else(|| panic!("{rule:?} is not missed in {} seeds", row.seeds));
    println!("{rule:?} missed by {by:?} at seed {needed} of {}: {why}", row.seeds);
    for seed in 1..=needed {
        check(seed).unwrap_or_else(|why| panic!("with all rules, seed {seed}: {why}"));
    }
}

/// Asserts the same of a scenario, which knows no chance.
pub(crate) fn missed(rule: Rule, scenario: impl Fn() -> Finding) {
    bites(rule, By::Scenario, |_| scenario());
}
