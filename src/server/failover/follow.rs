//! A reload: the partners of a configuration that takes the place of another (failover.md section 2). Partners are
//! matched by name, since the index of one, its [`PartnerId`], changes when another before it goes or comes.
//!
//! Nothing is sent here: the socket follows the configuration at the beginning of the next turn, and until then it
//! would take the new index of a partner for that of another.

use log::{info, warn};

use super::channel::{Channel, Table};
use super::partner::Partner;
use super::primary::Primary;
use super::secondary::Secondary;
use super::settings::{self, Common, ForPrimary, ForSecondary};
use super::{Failover, Patience, Rest, note_changes};
use crate::clock::Mono;
use crate::config::Config;
use crate::lease::Side;
use crate::lease::record::Record;
use crate::server::directory::Directory;
use crate::server::event::PartnerId;

/// Records of channels kept for partners that a later reload may bring back.
const REMEMBERED_MAX: usize = 256;

/// The name by which a primary knows its failover.
const FAILOVER: &str = "failover";

/// What the running sync belongs to: SyncFailCritical is about that of the server's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Occasion {
    /// The start of the server.
    Start,
    /// A reload brought this primary.
    Reload,
    /// The first sync is over, whatever its end.
    Later,
}

/// What a configuration says of one partner.
struct Wanted<'a> {
    name: &'a str,
    common: Common,
    own: Own,
}

enum Own {
    Primary(ForPrimary),
    Secondary(ForSecondary),
}

impl Wanted<'_> {
    fn side(&self) -> Side {
        match self.own {
            Own::Primary(_) => Side::Primary,
            Own::Secondary(_) => Side::Secondary,
        }
    }
}

fn wanted(config: &Config) -> Vec<Wanted<'_>> {
    let failover = config.failover.iter().map(|failover| {
        let (common, own) = settings::of_primary(failover);
        Wanted { name: FAILOVER, common, own: Own::Primary(own) }
    });
    let primaries = config.primaries.iter().map(|primary| {
        let (common, own) = settings::of_secondary(primary);
        Wanted { name: &primary.name, common, own: Own::Secondary(own) }
    });
    failover.chain(primaries).collect()
}

impl Failover {
    /// The partners of a start.
    pub(super) fn make_channels(&mut self, config: &Config, patience: Patience) {
        let wanted = wanted(config);
        let count = wanted.len();
        for (index, wanted) in wanted.into_iter().enumerate() {
            let channel = self.channel(PartnerId(index), wanted, (count, patience, Occasion::Start));
            self.channels.push(channel);
        }
    }

    fn channel(
        &self,
        id: PartnerId,
        wanted: Wanted<'_>,
        (count, patience, occasion): (usize, Patience, Occasion),
    ) -> Channel {
        let side = wanted.side();
        let partner = Partner::new((id, wanted.name), side, wanted.common, self.shared.database.boot());
        let table = match wanted.own {
            Own::Primary(own) => Table::Primary(Box::new(Primary::new(own, patience))),
            Own::Secondary(own) => Table::Secondary(Box::new(Secondary::new(own, count, occasion))),
        };
        Channel::new(partner, table)
    }

    /// The last word under the old configuration: what changed goes to the channel that it belonged to.
    pub(in crate::server) fn settle(&mut self, rest: Rest<'_>) {
        note_changes(&mut self.channels, (rest.bindings, rest.directory), &self.shared.homes);
    }

    /// Takes over the partners of a configuration that is in force from now on. What is new begins with the next turn.
    pub(in crate::server) fn follow(&mut self, before: &Directory, rest: Rest<'_>) {
        let Rest { now, bindings, directory, out } = rest;
        let config = directory.config();
        let had_failover = self.is_pair() && self.side() == Side::Primary;
        let wanted = wanted(config);
        let count = wanted.len();
        let mut former = std::mem::take(&mut self.channels);
        for (index, wanted) in wanted.into_iter().enumerate() {
            let id = PartnerId(index);
            let known = former.iter().position(|channel| channel.partner.name == wanted.name);
            let channel = match known.map(|at| former.swap_remove(at)) {
                Some(mut channel) => {
                    channel.partner.id = id;
                    adopt(&mut channel, wanted, count, now.mono);
                    channel.partner.follow_config(before, directory);
                    channel
                }
                None => {
                    info!("partner {}: new by the reload", wanted.name);
                    self.channel(id, wanted, (count, Patience::Normal, Occasion::Reload))
                }
            };
            self.channels.push(channel);
        }
        for gone in former {
            self.forget(&gone);
        }
        if self.is_pair() {
            bindings.begin_pair(self.side());
        }
        self.note_homes(directory);
        if !directory.divides_like(before) {
            self.count_newest(bindings, directory);
        }
        self.run_reservations(directory, out);
        self.compare(Rest { now, bindings, directory, out: &mut *out });
        if had_failover && !self.is_pair() {
            warn!("UseFailoverServer is False by the reload: this server serves alone from now on");
            self.shared.database.set_complete();
            self.record_identity(out);
        }
    }

    /// The channel of a partner that the configuration does not name any more ends. What is known of it stays, for
    /// the case that it comes back.
    fn forget(&mut self, gone: &Channel) {
        let partner = &gone.partner;
        info!("partner {}: not in the configuration any more, its bindings stay in the journal", partner.name);
        if gone.is_begun {
            let mut payload = Vec::new();
            Record::Channel(partner.channel()).encode(&mut payload);
            self.remember(&partner.name, payload);
        }
    }

    /// Keeps the record of a channel for the time when the configuration names it.
    pub(super) fn remember(&mut self, name: &str, payload: Vec<u8>) {
        self.remembered.retain(|entry| entry.0 != name);
        if self.remembered.len() == REMEMBERED_MAX {
            self.remembered.remove(0);
        }
        self.remembered.push((name.to_owned(), payload));
    }
}

/// A partner that stays, perhaps with other parameters.
fn adopt(channel: &mut Channel, wanted: Wanted<'_>, count: usize, now: Mono) {
    channel.partner.set_common(wanted.common);
    channel.partner.push.wake(now);
    // What was counted is of the ranges of before.
    channel.partner.balance.begin_anew();
    match (&mut channel.table, wanted.own) {
        (Table::Primary(primary), Own::Primary(own)) => primary.set_settings(own),
        (Table::Secondary(secondary), Own::Secondary(own)) => {
            secondary.set_settings((own, count), &mut channel.partner, now);
        }
        // The role of a server does not change by a reload, and names of primaries are not those of failovers.
        (Table::Primary(_), Own::Secondary(_)) | (Table::Secondary(_), Own::Primary(_)) => {}
    }
}
