//! The parameters of one channel, whichever side wrote them (failover.md section 2).

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::config::{ChannelSettings, FailoverSettings, PrimarySettings};
use crate::wire::seal::Keys;

/// PollDelay where neither side writes one.
pub(super) const POLL_DELAY: Duration = Duration::from_secs(60);
/// What a primary takes for the failover's WaitPollRplSecs and PollRetryMax until a poll has told.
const WAIT_POLL_RPL: Duration = Duration::from_secs(5);
const POLL_RETRY_MAX: u32 = 3;
/// Resends of SyncReq while WaitSyncStartSecs is 0.
pub(super) const SYNC_REQ_AGAIN: Duration = Duration::from_secs(5);
/// That they stay unanswered is told so often.
pub(super) const SYNC_REQ_TOLD: Duration = Duration::from_secs(60);

/// Parameters that both sides have.
#[derive(Clone, Debug)]
pub(super) struct Common {
    /// The partner's address; clients know it as server identifier, unless that one is set apart.
    pub address: Ipv4Addr,
    /// The seal.
    pub keys: Keys,
    /// PollDelay as written here.
    pub poll_delay: Option<Duration>,
    /// SyncBindRetryMax.
    pub resends_max: u32,
    /// WaitSyncBindAckSecs.
    pub wait_ack: Duration,
    /// WaitSyncBindUpdateSecs.
    pub wait_update: Duration,
    /// SyncBindingBufSize.
    pub buffer_size: u16,
    /// MaxClockSkewSecs.
    pub skew: Duration,
    /// StrictShares; none on a failover, which goes by what its primary tells.
    pub strict: Option<bool>,
}

/// Parameters of a primary.
#[derive(Clone, Debug)]
pub(super) struct ForPrimary {
    /// CtlReqRetryMax.
    pub claims_max: u32,
    /// WaitCtlRetSecs.
    pub wait_control: Duration,
    /// FailoverShare, in per cent; 0: the failover gets nothing.
    pub share: u64,
    /// HandOverOnStop.
    pub hand_over: bool,
}

/// Parameters of a failover.
#[derive(Clone, Debug)]
pub(super) struct ForSecondary {
    /// WaitPollRplSecs.
    pub wait_reply: Duration,
    /// PollRetryMax.
    pub polls_max: u32,
    /// SyncBindings.
    pub sync: bool,
    /// SyncReqRetryMax.
    pub requests_max: u32,
    /// WaitSyncStartSecs; zero: for ever.
    pub wait_start: Duration,
    /// SyncFailCritical.
    pub critical: bool,
}

/// What a server does out of contact when no address is left that is surely nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// StrictShares = False: ping first, then give.
    PingFirst,
    /// StrictShares = True: stay silent.
    Silent,
}

/// What a primary knows of how its failover polls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rhythm {
    /// Pause between polls.
    pub delay: Duration,
    /// Wait for a reply.
    pub wait: Duration,
    /// Resends.
    pub retries: u32,
}

impl Default for Rhythm {
    fn default() -> Rhythm {
        Rhythm { delay: POLL_DELAY, wait: WAIT_POLL_RPL, retries: POLL_RETRY_MAX }
    }
}

impl Rhythm {
    /// The longest that a datagram of the partner stays away while all is well.
    #[must_use]
    pub(super) fn contact(&self) -> Duration {
        self.delay + self.wait * 2
    }

    /// Polls that stay unanswered for so long let the failover serve.
    #[must_use]
    pub(super) fn silence(&self) -> Duration {
        self.wait * (self.retries + 1)
    }

    /// The longest that a turn may take, or the gap between two, before what was true at its begin is in doubt: half
    /// the time that polls may stay unanswered until the failover serves.
    #[must_use]
    pub(super) fn stall(&self) -> Duration {
        self.silence() / 2
    }
}

impl Common {
    fn new(channel: &ChannelSettings) -> Common {
        Common {
            address: *channel.partner.ip(),
            keys: channel.keys.clone(),
            poll_delay: channel.poll_delay,
            resends_max: channel.sync_bind_retry_max,
            wait_ack: channel.wait_sync_bind_ack,
            wait_update: channel.wait_sync_bind_update,
            buffer_size: u16::try_from(channel.sync_binding_buf_size).unwrap_or(u16::MAX),
            skew: channel.max_clock_skew,
            strict: None,
        }
    }
}

/// The parameters of a primary's channel.
#[must_use]
pub(super) fn of_primary(settings: &FailoverSettings) -> (Common, ForPrimary) {
    let own = ForPrimary {
        claims_max: settings.ctl_req_retry_max,
        wait_control: settings.wait_ctl_ret,
        share: u64::from(settings.share_percent),
        hand_over: settings.hand_over_on_stop,
    };
    (Common { strict: Some(settings.strict_shares), ..Common::new(&settings.common) }, own)
}

/// The parameters of one of a failover's channels.
#[must_use]
pub(super) fn of_secondary(settings: &PrimarySettings) -> (Common, ForSecondary) {
    let own = ForSecondary {
        wait_reply: settings.wait_poll_rpl,
        polls_max: settings.poll_retry_max,
        sync: settings.sync_bindings,
        requests_max: settings.sync_req_retry_max,
        wait_start: settings.wait_sync_start,
        critical: settings.sync_fail_critical,
    };
    (Common::new(&settings.common), own)
}
