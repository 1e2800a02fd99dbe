//! What the sockets count: each packet that came and was not handed on, each reply that did not leave, by reason.

use std::fmt;

/// Counters since start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Datagrams handed to the engine.
    pub(crate) received: u64,
    /// Datagrams longer than the buffer, dropped.
    pub(crate) cut: u64,
    /// Datagrams of interfaces that are not served, dropped.
    pub(crate) not_served: u64,
    /// Datagrams read in a turn that was too late by then, dropped.
    pub(crate) late: u64,
    /// Errors of the system while receiving.
    pub(crate) receive_errors: u64,
    /// Replies sent by UDP.
    pub(crate) sent: u64,
    /// Replies sent as frames.
    pub(crate) framed: u64,
    /// Replies to clients without an address that were broadcast, since no frame could be sent.
    pub(crate) broadcast: u64,
    /// Replies that the system refused.
    pub(crate) unsent: u64,
    /// Echo requests sent.
    pub(crate) pings: u64,
    /// Echo requests that could not be sent.
    pub(crate) pings_unsent: u64,
    /// Datagrams of partners handed to the engine.
    pub(crate) partners_received: u64,
    /// Datagrams on the failover port of who is no partner, dropped.
    pub(crate) strangers: u64,
    /// Datagrams of partners longer than the buffer, dropped.
    pub(crate) partners_cut: u64,
    /// Datagrams of partners beyond their quota of a turn, dropped.
    pub(crate) over_quota: u64,
    /// Turns in which a partner's host refused the port.
    pub(crate) partners_refused: u64,
    /// Datagrams sent to partners.
    pub(crate) partners_sent: u64,
    /// Datagrams to partners that could not be sent.
    pub(crate) partners_unsent: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} packets taken, dropped {} cut, {} of interfaces not served and {} too late, {} receive errors, \
             {} replies by UDP, {} by frame, {} broadcast instead, {} unsent, {} pings, {} unsent; of \
             partners {} taken, dropped {} of strangers, {} cut and {} over quota, {} refused, {} sent, {} unsent",
            self.received,
            self.cut,
            self.not_served,
            self.late,
            self.receive_errors,
            self.sent,
            self.framed,
            self.broadcast,
            self.unsent,
            self.pings,
            self.pings_unsent,
            self.partners_received,
            self.strangers,
            self.partners_cut,
            self.over_quota,
            self.partners_refused,
            self.partners_sent,
            self.partners_unsent,
        )
    }
}
