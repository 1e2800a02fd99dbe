//! One client of a crowd: RFC 2131's states as far as servers of a pair can tell them apart, with brisk timers.
//!
//! It decides and touches no socket: [`Client::due`] says what to send now, [`Client::on_reply`] takes what came.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use super::ledger::{Ack, How, Ledger, Mac, Wrong, name};
use crate::rig::packet::{ACK, Ask, DISCOVER, Heard, NAK, OFFER, RELEASE, REQUEST};

/// A client that hears nothing sends again after so long, where its crowd has no other habit.
pub(crate) const RESEND: Duration = Duration::from_millis(100);
/// A unicast renewal that stays unanswered so long goes on by relay, as at T2.
const UNICAST_PATIENCE: Duration = Duration::from_millis(300);
/// A REQUEST for an offer that stays unanswered so long is given up for a new DISCOVER.
const REQUEST_PATIENCE: Duration = Duration::from_millis(2500);

/// How renewals travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Renewals {
    /// To the server that gave the lease, then by relay.
    Unicast,
    /// By relay to every server, as at T2.
    Relayed,
}

/// What all clients of a crowd have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    pub(crate) relay: Ipv4Addr,
    /// From an ACK to the next renewal.
    pub(crate) renew_after: Duration,
    pub(crate) renewals: Renewals,
    /// From a message that nobody answers to the next.
    pub(crate) resend: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Selecting,
    Requesting { address: Ipv4Addr, server: Ipv4Addr },
    Bound,
    Renewing,
    Rebinding,
    Rebooting,
}

/// What the client holds.
#[derive(Clone, Copy, Debug)]
struct Lease {
    address: Ipv4Addr,
    server: Ipv4Addr,
    renew_at: Instant,
    until: Instant,
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// To all servers, as a relay forwards a broadcast.
    Relay,
    /// To this one.
    Server(Ipv4Addr),
}

/// One client.
pub(crate) struct Client {
    mac: Mac,
    phase: Phase,
    lease: Option<Lease>,
    xid: u32,
    /// The first message of what it wants now.
    wants_since: Instant,
    /// The first message of this exchange.
    began: Instant,
    sent: Option<Instant>,
    /// Who answered the last exchange that ended.
    answered: Option<(u32, Ipv4Addr)>,
}

impl Client {
    /// A client that wants its first address.
    pub(crate) fn new(mac: Mac, now: Instant) -> Client {
        let xid = u32::from_be_bytes([mac[2] ^ mac[5], mac[3], mac[4], mac[5]]).wrapping_mul(0x9e37_79b1);
        Client {
            mac,
            phase: Phase::Selecting,
            lease: None,
            xid,
            wants_since: now,
            began: now,
            sent: None,
            answered: None,
        }
    }

    /// The message that is due now, if one is.
    pub(crate) fn due(&mut self, habits: &Habits, now: Instant, ledger: &mut Ledger) -> Option<(Way, Ask)> {
        if let Some(lease) = self.lease.filter(|lease| lease.until <= now) {
            if !matches!(self.phase, Phase::Bound) {
                let waited = now - self.wants_since;
                let what = format!("{} of {} ended after {waited:.1?} of asking", lease.address, name(self.mac));
                ledger.note(Wrong::Lost, now, what);
            }
            self.forget(ledger, now);
        }
        match self.phase {
            Phase::Bound if self.lease.is_some_and(|lease| now >= lease.renew_at) => {
                let phase = match habits.renewals {
                    Renewals::Unicast => Phase::Renewing,
                    Renewals::Relayed => Phase::Rebinding,
                };
                self.want(phase, now);
            }
            Phase::Bound => return None,
            Phase::Renewing if now >= self.began + UNICAST_PATIENCE => self.begin(Phase::Rebinding, now),
            Phase::Requesting { .. } if now >= self.began + REQUEST_PATIENCE => self.begin(Phase::Selecting, now),
            Phase::Selecting | Phase::Requesting { .. } | Phase::Renewing | Phase::Rebinding | Phase::Rebooting => {}
        }
        if self.sent.is_some_and(|sent| now < sent + habits.resend) {
            return None;
        }
        self.sent = Some(now);
        Some(self.message(habits))
    }

    fn message(&self, habits: &Habits) -> (Way, Ask) {
        let held = self.lease.map_or(Ipv4Addr::UNSPECIFIED, |lease| lease.address);
        let mut way = Way::Relay;
        let mut ask = match self.phase {
            Phase::Selecting => Ask::new(DISCOVER, self.mac),
            Phase::Requesting { address, server } => {
                Ask::new(REQUEST, self.mac).with_address(50, address).with_address(54, server)
            }
            Phase::Rebooting => Ask::new(REQUEST, self.mac).with_address(50, held),
            Phase::Renewing | Phase::Rebinding | Phase::Bound => Ask::new(REQUEST, self.mac),
        };
        match (self.phase, self.lease) {
            (Phase::Renewing, Some(lease)) => {
                ask.client_address = held;
                way = Way::Server(lease.server);
            }
            (Phase::Rebinding, Some(_)) => ask.client_address = held,
            (Phase::Selecting | Phase::Requesting { .. } | Phase::Rebooting | Phase::Bound, _) | (_, None) => {}
        }
        if way == Way::Relay {
            ask.relay_address = habits.relay;
        }
        ask.xid = self.xid;
        (way, ask)
    }

    /// Takes a reply to this client.
    pub(crate) fn on_reply(&mut self, heard: &Heard, habits: &Habits, ledger: &mut Ledger) {
        let now = Instant::now();
        let Some(server) = heard.server() else { return };
        if heard.xid() != self.xid {
            return;
        }
        self.listen_for_a_second_voice(heard, server, ledger);
        match (heard.kind(), self.phase) {
            (OFFER, Phase::Selecting) => {
                self.phase = Phase::Requesting { address: heard.yours(), server };
                self.began = now;
                self.sent = None;
            }
            (ACK, Phase::Requesting { .. }) => self.on_ack(heard, How::New, habits, ledger),
            (ACK, Phase::Renewing | Phase::Rebinding) => self.on_ack(heard, How::Renewal, habits, ledger),
            (ACK, Phase::Rebooting) => self.on_ack(heard, How::Reboot, habits, ledger),
            (NAK, Phase::Renewing | Phase::Rebinding | Phase::Rebooting) => {
                let lease = self.lease.filter(|lease| lease.until > now);
                if let Some(lease) = lease {
                    let rest = lease.until - now;
                    let what = format!("{} of {} by {server}, {rest:.1?} left", lease.address, name(self.mac));
                    ledger.note(Wrong::Refused, now, what);
                }
                self.forget(ledger, now);
            }
            (NAK, Phase::Requesting { .. }) => self.begin(Phase::Selecting, now),
            _ => {}
        }
    }

    fn on_ack(&mut self, heard: &Heard, how: How, habits: &Habits, ledger: &mut Ledger) {
        let now = Instant::now();
        let (address, Some(server)) = (heard.yours(), heard.server()) else { return };
        let secs = heard.option(51).and_then(|value| value.try_into().ok()).map_or(0, u32::from_be_bytes);
        let lease = Duration::from_secs(u64::from(secs));
        if let Some(before) = self.lease.filter(|before| before.address != address) {
            ledger.note(Wrong::Lost, now, format!("{} became {address} for {}", before.address, name(self.mac)));
            ledger.on_end(self.mac, before.address);
        }
        let waited = now - self.wants_since;
        ledger.on_ack(Ack { at: now, waited, client: self.mac, relay: habits.relay, address, server, lease, how });
        // Clients that came together spread over the time of a renewal, so that some of them ask at any moment.
        let rest = if how == How::New { habits.renew_after.mul_f64(self.share()) } else { habits.renew_after };
        self.lease = Some(Lease { address, server, renew_at: now + rest, until: now + lease });
        self.phase = Phase::Bound;
        self.answered = Some((self.xid, server));
    }

    /// A number from 0 to 1 that is another for each client.
    fn share(&self) -> f64 {
        let [.., high, low] = self.mac;
        let mixed = u16::from_be_bytes([high, low]).wrapping_mul(0x9e37);
        f64::from(mixed) / f64::from(u16::MAX)
    }

    /// A message that the other server answered too.
    fn listen_for_a_second_voice(&self, heard: &Heard, server: Ipv4Addr, ledger: &mut Ledger) {
        let first = match (heard.kind(), self.phase) {
            (OFFER, Phase::Requesting { server: first, .. }) => Some(first),
            (ACK | NAK, Phase::Bound) => self.answered.filter(|(xid, _)| *xid == self.xid).map(|(_, first)| first),
            _ => None,
        };
        if let Some(first) = first.filter(|first| *first != server) {
            let what = format!("{} by {first}, then by {server} with type {}", name(self.mac), heard.kind());
            ledger.note(Wrong::TwoVoices, Instant::now(), what);
        }
    }

    /// Whether `address` is its own now.
    pub(crate) fn holds(&self, address: Ipv4Addr) -> bool {
        self.lease.is_some_and(|lease| lease.address == address && lease.until > Instant::now())
    }

    /// Asks for its address as after a reboot; a client without one asks for any.
    pub(crate) fn reboot(&mut self, now: Instant) {
        // Who was away until its lease had ended comes back without it, and nobody has taken anything from it.
        self.lease = self.lease.filter(|lease| lease.until > now);
        let phase = if self.lease.is_some() { Phase::Rebooting } else { Phase::Selecting };
        self.want(phase, now);
    }

    /// Gives its address back: the message to send, and the client is to be forgotten.
    pub(crate) fn release(&self, now: Instant, ledger: &mut Ledger) -> Option<(Way, Ask)> {
        let lease = self.lease.filter(|lease| lease.until > now)?;
        ledger.on_end(self.mac, lease.address);
        let mut ask = Ask::new(RELEASE, self.mac).with_address(54, lease.server);
        ask.client_address = lease.address;
        ask.xid = self.xid.wrapping_add(1);
        Some((Way::Server(lease.server), ask))
    }

    fn forget(&mut self, ledger: &mut Ledger, now: Instant) {
        if let Some(lease) = self.lease.take() {
            ledger.on_end(self.mac, lease.address);
        }
        self.want(Phase::Selecting, now);
    }

    fn want(&mut self, phase: Phase, now: Instant) {
        self.wants_since = now;
        self.begin(phase, now);
    }

    fn begin(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.xid = self.xid.wrapping_add(1);
        self.began = now;
        self.sent = None;
    }
}
