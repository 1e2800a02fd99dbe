//! What the servers' logs say of a run: takeovers, returns, grants that nobody could vouch for, and what should not be
//! there.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

/// Words of a grant that the partner may have made too.
const UNSETTLED: &str = " out of contact; the partner may have given it too";

/// All logs of all servers of a run.
#[derive(Default)]
pub(crate) struct Logs {
    /// Takeovers by reason, with numbers left out.
    pub(crate) takeovers: BTreeMap<String, u32>,
    /// Returns of control that came to their end.
    pub(crate) returns: u32,
    pub(crate) longest_blackout_ms: u64,
    /// A failover that served found that its primary served too.
    pub(crate) yields: u32,
    /// A server found that it had stood still, and asked before it answered.
    pub(crate) standstills: u32,
    /// Warnings that the system's clock was set.
    pub(crate) clock_steps: u32,
    /// Bindings that both servers had changed in favour of different clients.
    pub(crate) conflicts: u32,
    /// Address and client of each grant out of contact that was made after a ping.
    pub(crate) unsettled: HashSet<(String, String)>,
    /// Lines that no server should write.
    pub(crate) alarms: Vec<String>,
}

impl Logs {
    /// Reads each log of a server in `folder`.
    pub(crate) fn read(folder: &Path) -> Logs {
        let mut logs = Logs::default();
        let mut paths: Vec<_> = fs::read_dir(folder).expect("the folder of the run").flatten().collect();
        paths.sort_by_key(fs::DirEntry::path);
        for entry in paths {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.ends_with("understudyd.log") {
                let octets = fs::read(entry.path()).expect("a log");
                String::from_utf8_lossy(&octets).lines().for_each(|line| logs.take(&name, line));
            }
        }
        logs
    }

    fn take(&mut self, name: &str, line: &str) {
        if let Some((_, reason)) = line.split_once(" -> Active, reason: ") {
            let reason = without_numbers(reason.split(',').next().unwrap_or(reason));
            *self.takeovers.entry(reason).or_default() += 1;
        }
        if let Some((_, rest)) = line.split_once(" subnets returned, longest blackout ") {
            self.returns += 1;
            let millis = rest.split(' ').next().and_then(|word| word.parse().ok()).unwrap_or(0);
            self.longest_blackout_ms = self.longest_blackout_ms.max(millis);
        }
        if let Some((before, client)) = line.strip_suffix(UNSETTLED).and_then(|rest| rest.split_once(" is given to ")) {
            let address = before.rsplit(' ').next().unwrap_or(before);
            let client = client.split(' ').next().unwrap_or(client);
            self.unsettled.insert((address.to_owned(), client.to_owned()));
        }
        self.yields += u32::from(line.contains(": yielding"));
        self.standstills += u32::from(line.contains("this server stood still"));
        self.clock_steps += u32::from(line.contains("the system's clock stands"));
        self.conflicts += u32::from(line.contains("was given to two clients"));
        if line.contains("panicked") || line.split(' ').nth(1) == Some("error") {
            self.alarms.push(format!("{name}: {line}"));
        }
    }
}

/// The text with each number as N.
fn without_numbers(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.bytes().all(|byte| byte.is_ascii_digit()) { "N" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_of_a_takeover_a_return_and_a_grant_is_read() {
        let mut logs = Logs::default();
        for line in [
            "2026-11-23T17:00:00Z info  partner dhcp1: Probing -> Active, reason: 4 polls unanswered, ...",
            "2026-11-23T17:00:01Z info  partner failover: 1 subnets returned, longest blackout 12 ms",
            "2026-11-23T17:00:02Z warn  10.2.1.9 is given to 02:55:44:00:00:01 out of contact; the partner may have \
             given it too",
            "2026-11-23T17:00:03Z error partner dhcp1: something",
        ] {
            logs.take("dhcp2", line);
        }
        assert_eq!(logs.takeovers, [("N polls unanswered".to_owned(), 1)].into());
        assert_eq!((logs.returns, logs.longest_blackout_ms, logs.alarms.len()), (1, 12, 1));
        assert!(logs.unsettled.contains(&("10.2.1.9".to_owned(), "02:55:44:00:00:01".to_owned())));
    }
}
