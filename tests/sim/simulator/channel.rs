//! The parameters of one channel at its two servers, which should agree and sometimes do not: buffers, keys, waits.

use super::mix::{Fault, Mix, Strict};
use super::random::Random;

/// What SyncBindingBufSize may be.
const SIZES: [u64; 5] = [64, 96, 128, 512, 1024];

/// One of the two servers of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The primary.
    Primary,
    /// The failover.
    Failover,
}

impl End {
    /// Both.
    pub(crate) const BOTH: [End; 2] = [End::Primary, End::Failover];

    /// The other one.
    pub(crate) fn other(self) -> End {
        match self {
            End::Primary => End::Failover,
            End::Failover => End::Primary,
        }
    }
}

/// What only one of the two servers is told, and what both should be told alike.
#[derive(Clone, Debug)]
struct Own {
    /// The waits of this server.
    waits: String,
    /// SyncBindingBufSize.
    size: u64,
    /// The numbers of the keys in its key file; the first one seals.
    keys: Vec<u8>,
}

/// The parameters of one channel.
#[derive(Clone, Debug)]
pub(crate) struct Channel {
    primary: Own,
    failover: Own,
    /// StrictShares.
    pub(crate) strict: Strict,
    /// FailoverShare.
    pub(crate) share: u64,
    /// Detection: PollDelay and all waits for polls, in seconds.
    pub(crate) detection: f64,
    wait_start: f64,
    critical: bool,
}

impl Channel {
    /// A channel as the generator has it; `skew` is MaxClockSkewSecs, `key` the number of its key.
    pub(crate) fn draw(strict: Strict, skew: u64, key: u8, random: &mut Random) -> Channel {
        let size = random.pick(&SIZES);
        let delay = random.between(5, 30) as f64 / 10.0;
        let wait = random.between(3, 10) as f64 / 10.0;
        let retries = random.between(1, 3);
        let ack = random.between(3, 10) as f64 / 10.0;
        let update = random.between(10, 30) as f64 / 10.0;
        let both = format!(
            "WaitSyncBindAckSecs = {ack}\nWaitSyncBindUpdateSecs = {update}\nMaxClockSkewSecs = {skew}\n\
             SyncBindRetryMax = {}\n",
            random.between(1, 3)
        );
        let failover = format!(
            "{both}PollDelay = {delay}\nWaitPollRplSecs = {wait}\nPollRetryMax = {retries}\nSyncReqRetryMax = {}\n",
            random.between(1, 3),
        );
        let wait_start = random.between(3, 10) as f64 / 10.0;
        let primary = format!(
            "{both}CtlReqRetryMax = {}\nWaitCtlRetSecs = {}\n",
            random.between(1, 3),
            random.between(3, 10) as f64 / 10.0
        );
        let own = |waits| Own { waits, size, keys: vec![key] };
        Channel {
            primary: own(primary),
            failover: own(failover),
            strict,
            share: random.pick(&[0, 30, 50, 50, 70, 100]),
            detection: delay + (retries + 1) as f64 * wait,
            wait_start,
            critical: false,
        }
    }

    /// What only some mixes have.
    pub(crate) fn draw_special(&mut self, mix: &Mix, random: &mut Random) {
        let often = mix.often();
        self.critical = mix.has(Fault::SyncCritical) && random.happens(often);
        if mix.has(Fault::SyncForEver) && random.happens(often) {
            self.wait_start = 0.0;
        }
        if mix.has(Fault::BufferSizes) && random.happens(30) {
            self.failover.size = random.pick(&SIZES);
        }
    }

    /// Whether the failover ends when the first sync fails.
    pub(crate) fn is_critical(&self) -> bool {
        self.critical
    }

    /// Whether the failover waits for the first sync for ever.
    pub(crate) fn waits_for_ever(&self) -> bool {
        self.wait_start == 0.0
    }

    /// The lines of a configuration that are about the channel at one end.
    pub(crate) fn text(&self, end: End) -> String {
        let own = self.own(end);
        let size = own.size;
        let text = format!("{}SyncBindingBufSize = {size}\n", own.waits);
        match end {
            End::Primary => text,
            End::Failover => {
                let critical = if self.critical { "SyncFailCritical = True\n" } else { "" };
                format!("{text}WaitSyncStartSecs = {}\n{critical}", self.wait_start)
            }
        }
    }

    /// The key file of one end.
    pub(crate) fn key_file(&self, end: End) -> String {
        self.own(end).keys.iter().map(|number| format!("{}\n", key(*number))).collect()
    }

    /// Another SyncBindingBufSize at one end; which.
    pub(crate) fn resize(&mut self, end: End, random: &mut Random) -> u64 {
        let other = self.own(end.other()).size;
        let sizes: Vec<u64> = SIZES.into_iter().filter(|size| *size != other).collect();
        let size = random.pick(&sizes);
        self.own_mut(end).size = size;
        size
    }

    /// One end takes the SyncBindingBufSize of the other; whether it had another one.
    pub(crate) fn level(&mut self, end: End) -> bool {
        let size = self.own(end.other()).size;
        std::mem::replace(&mut self.own_mut(end).size, size) != size
    }

    /// The keys of one end.
    pub(crate) fn keys(&self, end: End) -> &[u8] {
        &self.own(end).keys
    }

    /// Other keys at one end.
    pub(crate) fn set_keys(&mut self, end: End, keys: &[u8]) {
        self.own_mut(end).keys = keys.to_vec();
    }

    fn own(&self, end: End) -> &Own {
        match end {
            End::Primary => &self.primary,
            End::Failover => &self.failover,
        }
    }

    fn own_mut(&mut self, end: End) -> &mut Own {
        match end {
            End::Primary => &mut self.primary,
            End::Failover => &mut self.failover,
        }
    }
}

/// A key, in hexadecimal: its number, and 31 octets that all keys have.
fn key(number: u8) -> String {
    (0..32).map(|octet| if octet == 0 { number } else { octet }).map(|octet| format!("{octet:02x}")).collect()
}
