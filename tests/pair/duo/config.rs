//! Configurations of pairs as text. Everything but [Server]'s paths is written here; those are the node's.

use std::fmt::Write;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use super::FAILOVER;

/// Timers that tell how soon a silence is noticed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timers {
    pub(crate) poll_delay: f64,
    pub(crate) wait_poll_rpl: f64,
    pub(crate) poll_retry_max: u32,
}

impl Timers {
    /// As brisk as the benches have them.
    pub(crate) const FAST: Timers = Timers { poll_delay: 0.2, wait_poll_rpl: 0.2, poll_retry_max: 2 };
    /// Those of the sample files.
    pub(crate) const BRISK: Timers = Timers { poll_delay: 1.0, wait_poll_rpl: 1.0, poll_retry_max: 3 };

    /// The longest time from a silence to the takeover: `PollDelay + (PollRetryMax + 1) x WaitPollRplSecs`.
    pub(crate) fn detection(self) -> Duration {
        Duration::from_secs_f64(self.poll_delay + f64::from(self.poll_retry_max + 1) * self.wait_poll_rpl)
    }
}

/// All that two configurations of a pair are made of.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) timers: Timers,
    /// From an ACK to the client's next renewal.
    pub(crate) renew_after: Duration,
    /// Seconds of a lease.
    pub(crate) lease: u32,
    /// The text of the key file that both sides read.
    pub(crate) keys: String,
    /// Lines added to [Failover] of the primary.
    pub(crate) of_primary: String,
    /// Lines added to each [Primary] of the failover.
    pub(crate) of_failover: String,
    /// Subnets, hosts and options of the primary.
    pub(crate) subnets: String,
}

/// The subnet of the crowds behind relays, and that of clients on the wire itself.
const SUBNETS: &str = "
[Subnet 10.2.0.0/16]
Range = 10.2.1.0 - 10.2.8.255
Option.routers = 10.2.0.1
[Subnet 10.1.0.0/24]
Range = 10.1.0.50 - 10.1.0.200
Option.routers = 10.1.0.1
";

impl Default for Setup {
    fn default() -> Setup {
        Setup {
            timers: Timers::FAST,
            renew_after: Duration::from_millis(500),
            lease: 30,
            keys: key(1),
            of_primary: String::new(),
            of_failover: String::new(),
            subnets: SUBNETS.to_owned(),
        }
    }
}

impl Setup {
    /// The default with leases of so many seconds.
    pub(crate) fn with_lease(secs: u32) -> Setup {
        Setup { lease: secs, ..Setup::default() }
    }

    /// The primary's configuration.
    pub(crate) fn primary_config(&self, key: &Path) -> String {
        let mut text = format!(
            "FailoverServerType = Standalone/Primary\n\
             [Failover]\nUseFailoverServer = True\nSecondaryIpAddr = {FAILOVER}\n\
             CtlReqRetryMax = 2\nWaitCtlRetSecs = 0.3\n"
        );
        self.channel(&mut text, key);
        // Writing to a String cannot fail.
        let _ = write!(text, "{}\n{}{}", self.of_primary, self.policy(), self.subnets);
        text
    }

    /// The failover's configuration: one channel for each primary, named as it is.
    pub(crate) fn failover_config(&self, primaries: &[(&str, Ipv4Addr)], key: &Path) -> String {
        let mut text = "FailoverServerType = Failover/Secondary\n".to_owned();
        for (name, address) in primaries {
            let Timers { wait_poll_rpl, poll_retry_max, .. } = self.timers;
            // Writing to a String cannot fail.
            let _ = write!(
                text,
                "[Primary {name}]\nPrimaryIpAddr = {address}\nWaitPollRplSecs = {wait_poll_rpl}\n\
                 PollRetryMax = {poll_retry_max}\nSyncReqRetryMax = 2\nWaitSyncStartSecs = 0.5\n"
            );
            self.channel(&mut text, key);
            let _ = writeln!(text, "{}", self.of_failover);
        }
        text
    }

    /// A server of its own, without a partner.
    pub(crate) fn standalone_config(&self) -> String {
        format!("{}{}", self.policy(), self.subnets)
    }

    fn policy(&self) -> String {
        format!("[Policy]\nDefaultLease = {}\nPingDelay = 100\n", self.lease)
    }

    fn channel(&self, text: &mut String, key: &Path) {
        let lines = [
            format!("FailoverKeyFile = {}", key.display()),
            format!("PollDelay = {}", self.timers.poll_delay),
            "WaitSyncBindAckSecs = 0.5".to_owned(),
            "WaitSyncBindUpdateSecs = 1".to_owned(),
            "MaxClockSkewSecs = 1".to_owned(),
        ];
        for line in lines.iter().filter(|line| !self.is_overridden(line)) {
            text.push_str(line);
            text.push('\n');
        }
    }

    /// Whether a scenario writes that key itself: a key may stand once.
    fn is_overridden(&self, line: &str) -> bool {
        let key = line.split('=').next().unwrap_or(line);
        self.of_primary.contains(key) || self.of_failover.contains(key)
    }
}

/// The text of a key file with one key, the same for the same number.
pub(crate) fn key(number: u8) -> String {
    let octets: String = (0..32).map(|place: u8| format!("{:02x}", place.wrapping_mul(37) ^ number)).collect();
    format!("# made by the tests\n{octets}\n")
}
