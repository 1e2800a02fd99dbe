//! The verdict over a run, and the table of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::lab::{ADDRESSES, Mode, Outcome, Run};
use super::logs::Logs;
use super::observer::{Finding, Report};
use super::schedule::{CROWDS, Fault, Server};

/// Within this a primary that is up and heard answers a client: it asks the failover for control, which may have much
/// to give back, or gets no answer.
const PRIMARY_MAX: Duration = Duration::from_secs(8);
/// Within this a failover that is heard, and does not hear the primary, answers a client: it polls up to eight times as
/// often after it has yielded (PollDelay + 8 x 4 x WaitPollRplSecs), and may have begun by waiting for a sync.
const FAILOVER_MAX: Duration = Duration::from_secs(38);

/// A ping so many seconds before an ACK was made for it.
const PING_FRESH: f64 = 3.0;
/// A ping that is answered within so many seconds is answered before PingDelay (0.1 s) is over.
const PING_DELAY: f64 = 0.08;
/// A lab that is late by more may itself have held the answer to a ping back for longer than PingDelay.
const LATE_MS: u64 = 40;
/// A run this long has takeovers, and addresses that went from hand to hand, or it proves nothing.
const LONG: Duration = Duration::from_secs(120);

/// What a run came to.
pub(crate) struct Verdict {
    /// For people.
    pub(crate) table: String,
    /// Each with what was seen; none is good.
    pub(crate) problems: Vec<String>,
}

/// The longest wait of one kind of client for a server that owed an answer all the while.
#[derive(Clone, Copy, Default)]
struct Longest {
    debt: f64,
    count: usize,
}

/// Judges a run.
pub(crate) fn judge(run: Run, outcome: &Outcome, logs: &Logs) -> Verdict {
    let report = &outcome.report;
    let mut problems = outcome.problems.clone();
    let mut losers = 0;
    for (kind, what, name) in [("refused", "refused a lease", "address"), ("changed", "took a lease", "asked")] {
        for finding in report.of(kind) {
            // One of two holders is refused once the servers know of both.
            if run.mode == Mode::Default && is_unsettled(finding.text(name), finding.text("client"), report, logs) {
                losers += 1;
            } else {
                problems.push(format!("{what} that ran: {}", finding.line));
            }
        }
    }
    let lost = lost(run, outcome, logs);
    problems.extend(lost.iter().map(|line| format!("lost: {line}")));
    let duplicates = report.of("duplicate");
    let (known, unknown): (Vec<&Finding>, Vec<&Finding>) =
        duplicates.iter().partition(|finding| run.mode == Mode::Default && is_owned_up(finding, logs));
    let answered = known.iter().filter(|finding| was_answered(finding)).count();
    if outcome.stall_ms < LATE_MS {
        let answered = known.iter().filter(|finding| was_answered(finding));
        problems.extend(answered.map(|finding| format!("given though the ping was answered: {}", finding.line)));
    }
    problems.extend(unknown.iter().map(|finding| format!("two holders: {}", finding.line)));
    problems.extend(logs.alarms.iter().map(|line| format!("a log has: {line}")));
    if report.code != Some(i32::from(!duplicates.is_empty() || is_refusing(report))) {
        problems.push(format!("the observer ended with {:?}", report.code));
    }
    if report.figure("dropped") > 0 {
        problems.push(format!("the observer missed {} frames", report.figure("dropped")));
    }
    problems.extend(blunt(run, outcome, logs));
    if run.mode == Mode::Strict && !logs.unsettled.is_empty() {
        problems.push(format!("unsettled grants in spite of StrictShares: {:?}", logs.unsettled));
    }
    let mut table = format!("chaos: {:?}, seed {}, {} s\n", run.mode, run.seed, run.length.as_secs());
    rows_of_faults(&mut table, outcome);
    rows_of_logs(&mut table, logs);
    rows_of_clients(&mut table, outcome);
    problems.extend(rows_of_waits(&mut table, run, outcome));
    let row = |what: &str, count: usize| format!("  {what:<44} {count}\n");
    table += &row("leases lost", lost.len());
    table += &row("duplicates", unknown.len());
    if run.mode == Mode::Default {
        table += &row("duplicates by a counted grant after a ping", known.len());
        table += &row("of these, pings answered on the clients' wire", answered);
        table += &row("refused or lost by such a grant", losers + outcome.lost.len() - lost.len());
    }
    table += &row("refused or changed", report.of("refused").len() + report.of("changed").len() - losers);
    Verdict { table, problems }
}

/// Whether the client got the address by a grant that its server counted as unsettled, or beside another who did.
fn is_unsettled(address: &str, client: &str, report: &Report, logs: &Logs) -> bool {
    let said = |client: &str| logs.unsettled.contains(&(address.to_owned(), client.to_owned()));
    let pairs = report.of("duplicate");
    let mut with = pairs.iter().filter(|pair| pair.text("address") == address);
    said(client)
        || with.any(|pair| is_owned_up(pair, logs) && ["client", "holder"].iter().any(|name| pair.text(name) == client))
}

/// What clients hold and a server does not know of, or knows as another's, but for those that lost a duplicate.
fn lost(run: Run, outcome: &Outcome, logs: &Logs) -> Vec<String> {
    let is_explained = |[address, client]: &[String; 2]| {
        run.mode == Mode::Default && is_unsettled(address, client, &outcome.report, logs)
    };
    let lost = outcome.lost.iter().filter(|(lease, _)| !is_explained(lease));
    lost.map(|(_, line)| line.clone()).collect()
}

/// What must have happened for the rest to mean anything.
fn blunt(run: Run, outcome: &Outcome, logs: &Logs) -> Vec<String> {
    let mut missing = Vec::new();
    let has_steps = outcome.planned.iter().any(|planned| matches!(planned.fault, Fault::Hour(..)));
    if has_steps && logs.clock_steps == 0 {
        missing.push("no server noticed that its clock was set by an hour".to_owned());
    }
    if run.length >= LONG && logs.takeovers.is_empty() {
        missing.push("the failover never took over".to_owned());
    }
    if run.length >= LONG && outcome.report.figure("handed_on") == 0 {
        missing.push("no address went to a second client".to_owned());
    }
    missing
}

fn is_refusing(report: &Report) -> bool {
    ["refused", "changed"].iter().any(|kind| !report.of(kind).is_empty())
}

/// Whether a server has said of one of the two clients that it got the address though the partner may have given it
/// too.
fn is_owned_up(duplicate: &Finding, logs: &Logs) -> bool {
    let said = |client: &str| {
        logs.unsettled.contains(&(duplicate.text("address").to_owned(), duplicate.text(client).to_owned()))
    };
    said("client") || said("holder")
}

/// Whether a ping for the address of a duplicate was answered in time where clients are; the server may not have heard
/// it where wires lose, or where the lab's own switch was late.
fn was_answered(duplicate: &Finding) -> bool {
    let secs = |name: &str| duplicate.text(name).parse::<f64>().unwrap_or(f64::INFINITY);
    secs("ping_asked_ago") < PING_FRESH && secs("ping_answered_after") < PING_DELAY
}

fn rows_of_faults(table: &mut String, outcome: &Outcome) {
    let mut kinds: BTreeMap<&str, (u32, f64)> = BTreeMap::new();
    for planned in &outcome.planned {
        let (count, secs) = kinds.entry(planned.fault.kind()).or_default();
        *count += 1;
        *secs += planned.lasts.as_secs_f64();
    }
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(table, "  {:<44} {:>5}  seconds", format!("faults, {} in all", outcome.planned.len()), "times");
    for (kind, (count, secs)) in kinds {
        let _ = writeln!(table, "    {kind:<42} {count:>5}  {secs:.0}");
    }
}

fn rows_of_logs(table: &mut String, logs: &Logs) {
    let _ = writeln!(table, "  {:<44} {}", "takeovers", logs.takeovers.values().sum::<u32>());
    for (reason, count) in &logs.takeovers {
        let _ = writeln!(table, "    {reason:<42} {count}");
    }
    let counts = [
        ("returns subnet by subnet", u64::from(logs.returns)),
        ("longest blackout of a subnet, ms", logs.longest_blackout_ms),
        ("failover yielded to a primary that serves", u64::from(logs.yields)),
        ("asked before answering after a standstill", u64::from(logs.standstills)),
        ("clock steps noticed", u64::from(logs.clock_steps)),
        ("conflicts merged", u64::from(logs.conflicts)),
        ("unsettled grants, each after a ping", logs.unsettled.len() as u64),
    ];
    for (what, count) in counts {
        let _ = writeln!(table, "  {what:<44} {count}");
    }
}

fn rows_of_clients(table: &mut String, outcome: &Outcome) {
    let figures = [
        ("clients", "clients that came"),
        ("addresses", "addresses in use"),
        ("handed_on", "addresses that went to another client"),
        ("acks", "ACKs"),
        ("naks", "NAKs"),
        ("double_answers", "messages acknowledged by both servers"),
        ("contradictions", "messages acknowledged by one, refused by one"),
        ("pings", "pings"),
        ("pings_answered", "pings answered"),
        ("latest_ms", "observer behind the wire at most, ms"),
    ];
    for (name, what) in figures {
        let _ = writeln!(table, "  {what:<44} {}", outcome.report.figure(name));
    }
    let [duplicates, refused] = outcome.own;
    let _ = writeln!(table, "  {:<44} {duplicates} {refused}", "clients' own list: duplicates, refused");
    let _ = writeln!(table, "  {:<44} {}", "a thread of the lab was late by at most, ms", outcome.stall_ms);
}

/// The longest waits of clients that hold a lease, by who owed the answer; a new client may wait for an address.
/// Gives those that are too long.
fn rows_of_waits(table: &mut String, run: Run, outcome: &Outcome) -> Vec<String> {
    let mut problems = Vec::new();
    let mut longest = BTreeMap::from([("primary", Longest::default()), ("failover", Longest::default())]);
    let mut of_new = Longest::default();
    let mut of_other = Longest::default();
    let mut ended = 0;
    for wait in outcome.report.of("wait") {
        let (since, until) = (wait.number("since"), wait.number("at"));
        let crowd = wait.text("place").strip_prefix('p').and_then(|place| place.parse().ok());
        let crowd: usize = crowd.filter(|crowd| *crowd < CROWDS).expect("a port of a crowd");
        let Some((debt, server)) = outcome.history.longest_debt(crowd, since, until) else { continue };
        let held_until = wait.number("held_until");
        if held_until == 0.0 {
            of_new = Longest { debt: of_new.debt.max(debt), count: of_new.count + 1 };
            continue;
        }
        ended += usize::from(held_until < until);
        // Who got the lease elsewhere is left alone by a server that has not heard of it and cannot prove the contrary.
        if wait.text("held_by") != ADDRESSES[server.place()].to_string() {
            of_other = Longest { debt: of_other.debt.max(debt), count: of_other.count + 1 };
            continue;
        }
        let (name, most) = match server {
            Server::Failover => ("failover", FAILOVER_MAX),
            Server::First | Server::Other => ("primary", PRIMARY_MAX),
        };
        // With StrictShares out of contact a server is silent towards clients whose last word it did not hear.
        let most = most + Duration::from_millis(outcome.stall_ms);
        if run.mode == Mode::Default && debt > most.as_secs_f64() {
            problems.push(format!("unanswered for {debt:.1} s by a {name} that was heard: {}", wait.line));
        }
        let seen = longest.get_mut(name).expect("one of the two");
        *seen = Longest { debt: seen.debt.max(debt), count: seen.count + 1 };
    }
    let _ = writeln!(table, "  waits over 1 s while one server was heard    longest  clients");
    for (name, Longest { debt, count }) in longest {
        let _ = writeln!(table, "    holder of a lease, the {name:<20} {debt:>7.1}  {count}");
    }
    let Longest { debt, count } = of_other;
    let _ = writeln!(table, "    holder of a lease of its partner {debt:>18.1}  {count}");
    let Longest { debt, count } = of_new;
    let _ = writeln!(table, "    new client, any server {debt:>27.1}  {count}");
    let _ = writeln!(table, "  {:<44} {ended}", "leases that ended while their clients asked");
    problems
}
