//! [Failover] and [Primary] sections (failover.md section 2): filled and checked; the behaviour behind them is not
//! here.

use std::collections::HashMap;
use std::time::Duration;

use super::keys::{self, Fallback, SectionKind};
use super::model::{FailoverSettings, PrimarySettings};
use super::report::{Place, Report};
use super::section::{Defaults, Section};
use super::text;
use super::value::Value;

/// WaitCtlRetSecs = 0 stands for this.
const WAIT_CTL_RET_DEFAULT: Duration = Duration::from_secs(5);

/// Over this, IP cuts the datagram of an update.
const BUFFER_OF_ONE_DATAGRAM: u64 = 1400;

/// The failover of this primary; `None` without `UseFailoverServer = True`.
pub(super) fn failover(sections: &[&Section], report: &mut Report) -> Option<FailoverSettings> {
    let section = sections.iter().find(|section| section.kind == SectionKind::Failover)?;
    check_buffer(section, report);
    if !section.is_true("UseFailoverServer") {
        return None;
    }
    check_required(section, report)?;
    let mut settings: FailoverSettings = section.fill(Defaults::Table, report)?;
    if settings.wait_ctl_ret.is_zero() {
        settings.wait_ctl_ret = WAIT_CTL_RET_DEFAULT;
    }
    Some(settings)
}

/// The primaries behind which this failover stands, in file order.
pub(super) fn primaries(sections: &[&Section], report: &mut Report) -> Vec<PrimarySettings> {
    let mut addresses: HashMap<String, Place> = HashMap::new();
    let mut primaries = Vec::new();
    for section in sections.iter().filter(|section| section.kind == SectionKind::Primary) {
        check_buffer(section, report);
        if !text::is_host_name(&section.name) {
            section.complain(report, "", "its name is none (legal: letters, digits, hyphens and dots)");
        }
        let complete = check_required(section, report);
        let filled: Option<PrimarySettings> = complete.and_then(|()| section.fill(Defaults::Table, report));
        let Some(mut settings) = filled else {
            continue;
        };
        settings.name = section.name.clone();
        let place = section.place_of("PrimaryIpAddr");
        if let Some(first) = addresses.insert(settings.primary.to_ascii_lowercase(), place) {
            let wrong =
                format!("{} is that of {} (legal: one [Primary] a server)", settings.primary, report.spot(first));
            section.complain(report, "PrimaryIpAddr", &wrong);
        }
        primaries.push(settings);
    }
    primaries
}

/// Reports required keys that are not written; `None` when one is missing or was not legal.
fn check_required(section: &Section, report: &mut Report) -> Option<()> {
    let mut complete = Some(());
    for key in keys::of_section(section.kind) {
        if let (Fallback::Required(when), None) = (key.fallback, section.entry(key.name)) {
            complete = None;
            if !section.failed.contains(&key.name) {
                section.complain(
                    report,
                    key.name,
                    &format!("is missing; it is required {when} (legal: {})", key.kind.legal()),
                );
            }
        }
    }
    complete
}

fn check_buffer(section: &Section, report: &mut Report) {
    match section.entry("SyncBindingBufSize").map(|entry| &entry.value) {
        Some(Value::Number(octets)) if *octets > BUFFER_OF_ONE_DATAGRAM => {
            let odd = format!(
                "{octets} is over {BUFFER_OF_ONE_DATAGRAM}: IP cuts such datagrams, and large updates may stay unacked"
            );
            section.remark(report, "SyncBindingBufSize", &odd);
        }
        Some(_) | None => {}
    }
}
