//! An operator's word on a partner: drills, which move control while both servers are well, and partner-down
//! (failover.md sections 6 and 7, rule 10).
//!
//! A drill uses the messages of a planned stop and of a return; the server that is asked only begins it. CtlReq from
//! the failover is its request for control (`takeover` there), CtlRet from a failover that serves all, to a primary
//! that gave control away, its offer to give it back (`giveback` there). Both are repeated until control moves.

use std::time::Duration;

use log::{info, warn};

use super::channel::{Channel, Table};
use super::partner::Partner;
use super::secondary::Secondary;
use super::states::{is_polling, state_name};
use super::{Around, Failover, Rest};
use crate::clock::{Mono, Now};
use crate::rules::{Rule, kept};
use crate::wire::failover::{Body, PartnerState, Serves};

/// A drill that is not done within this time is given up, and says why.
pub const DRILL_MAX: Duration = Duration::from_secs(10);

/// What a drill wants of the primary is said again so often.
const WISH_AGAIN: Duration = Duration::from_millis(100);
/// And at most for so long: shorter than an operator waits, so that nothing happens after the answer.
const WISH_MAX: Duration = Duration::from_secs(5);
/// And for so long where the primary is out of contact: it may be only slow.
const WISH_OUT_OF_CONTACT: Duration = Duration::from_secs(1);

/// What an operator says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Control is to go to the failover.
    Takeover,
    /// Control is to go back to the primary.
    Giveback,
    /// The partner does not serve, until it has been in contact.
    PartnerDown,
    /// It may serve again.
    PartnerUp,
}

/// A move of control that an operator has asked for.
#[derive(Clone, Debug)]
pub struct Drill {
    /// The partner.
    pub partner: String,
    /// Where control is to go.
    pub word: Word,
    /// When it was asked for.
    pub asked: Now,
    /// Subnets of the channel.
    pub subnets: usize,
    /// Changes that this server had to send when it was asked.
    changes: u64,
}

/// How far a drill is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// On its way.
    UnderWay,
    /// Done; so many changes were on their way when control moved.
    Done {
        /// Their number.
        changes: u64,
    },
    /// Given up, for this reason.
    Failed(String),
}

/// What a drill wants of the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// That it gives control (CtlReq).
    Control,
    /// That it takes control back (CtlRet).
    Rest,
}

/// A wish that the primary has not answered yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishing {
    wish: Wish,
    asked: Mono,
    /// When it is said again.
    pub(super) again: Mono,
    until: Mono,
}

impl Word {
    /// The command.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Word::Takeover => "takeover",
            Word::Giveback => "giveback",
            Word::PartnerDown => "partner-down",
            Word::PartnerUp => "partner-up",
        }
    }
}

impl Failover {
    /// Acts on an operator's word about the partner `name`.
    ///
    /// # Errors
    /// Why it cannot be done now; nothing has changed.
    pub(in crate::server) fn command(
        &mut self,
        word: Word,
        name: &str,
        rest: Rest<'_>,
    ) -> Result<Option<Drill>, String> {
        let now = rest.now;
        let Some(channel) = self.channels.iter().find(|channel| channel.partner.name == name) else {
            let names: Vec<&str> = self.channels.iter().map(|channel| channel.partner.name.as_str()).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!("{name} is no partner of this server (partners: {known})"));
        };
        let id = channel.partner.id;
        let subnets = rest.directory.subnets_of(id).len();
        let changes = channel.partner.outgoing.unacknowledged() as u64;
        let drill = Drill { partner: name.to_owned(), word, asked: now, subnets, changes };
        let mut result = Ok(());
        self.with(id, rest, |channel, around| result = channel.command(word, around));
        result?;
        info!("partner {name}: {} asked by an operator", word.name());
        Ok(match word {
            Word::Takeover | Word::Giveback => Some(drill),
            Word::PartnerDown | Word::PartnerUp => None,
        })
    }

    /// How far a drill is.
    #[must_use]
    pub fn progress(&self, drill: &Drill, now: Now) -> Progress {
        let Some(channel) = self.channels.iter().find(|channel| channel.partner.name == drill.partner) else {
            return Progress::Failed(format!("{} is no partner any more", drill.partner));
        };
        let gives = match &channel.table {
            Table::Primary(_) => drill.word == Word::Takeover,
            Table::Secondary(_) => drill.word == Word::Giveback,
        };
        let changes = if gives { drill.changes } else { channel.partner.watch.told_changes };
        match channel.drill(drill.word) {
            Stage::Done => Progress::Done { changes },
            Stage::Failed(reason) => Progress::Failed(reason.to_owned()),
            Stage::UnderWay if now.mono.since(drill.asked.mono) >= DRILL_MAX => {
                let contact = if channel.partner.is_in_contact(now.mono) { "in contact" } else { "out of contact" };
                let state = state_name(channel.partner.state);
                let secs = DRILL_MAX.as_secs();
                Progress::Failed(format!("not done in {secs} s: {state}, {contact}; see status and the log"))
            }
            Stage::UnderWay => Progress::UnderWay,
        }
    }
}

/// How far the channel is with a drill.
enum Stage {
    UnderWay,
    Done,
    Failed(&'static str),
}

impl Channel {
    fn command(&mut self, word: Word, around: &mut Around<'_>) -> Result<(), String> {
        match word {
            Word::Takeover => self.begin_takeover(around),
            Word::Giveback => self.begin_giveback(around),
            Word::PartnerDown => self.take_as_down(around),
            Word::PartnerUp => self.take_as_up(),
        }
    }

    fn begin_takeover(&mut self, around: &mut Around<'_>) -> Result<(), String> {
        let Channel { partner, table, .. } = self;
        let in_contact = partner.is_in_contact(around.now.mono);
        let state = partner.state;
        if matches!(state, PartnerState::Active | PartnerState::Given) {
            return Err("the failover has control already".to_owned());
        }
        if in_contact && partner.sizes_differ {
            return Err("SyncBindingBufSize differs: the failover would serve without the newest changes".to_owned());
        }
        match table {
            Table::Secondary(_) if around.directory.subnets_of(partner.id).is_empty() => {
                Err("no subnets of it are known here: nobody would be served".to_owned())
            }
            Table::Primary(_) if !in_contact => Err("the failover is out of contact: nobody would serve".to_owned()),
            Table::Primary(primary) if state == PartnerState::Serving => {
                if !partner.theirs.state.is_some_and(is_polling) {
                    return Err("the failover does not hold all bindings yet; try again when it is Asleep".to_owned());
                }
                if partner.theirs.config == Some([0; 8]) {
                    return Err("the failover has no subnets of this server yet: nobody would be served".to_owned());
                }
                primary.begin_drill(partner, "an operator's takeover", around.now);
                Ok(())
            }
            Table::Secondary(_) if state == PartnerState::Syncing && in_contact => {
                Err("not all bindings of the primary are here yet; try again when this server is Asleep".to_owned())
            }
            Table::Secondary(secondary) if is_polling(state) || state == PartnerState::Syncing => {
                let wait = if in_contact { WISH_MAX } else { WISH_OUT_OF_CONTACT };
                secondary.request(Wish::Control, (around.now, wait));
                Ok(())
            }
            Table::Primary(_) | Table::Secondary(_) => Err(under_way(state)),
        }
    }

    fn begin_giveback(&mut self, around: &mut Around<'_>) -> Result<(), String> {
        let Channel { partner, table, .. } = self;
        let in_contact = partner.is_in_contact(around.now.mono);
        let state = partner.state;
        if is_polling(state) || state == PartnerState::Serving {
            return Err("the primary has control already".to_owned());
        }
        match table {
            Table::Primary(primary) if state == PartnerState::Given => {
                primary.claim(partner, "an operator's giveback", around);
                Ok(())
            }
            Table::Secondary(secondary) if state == PartnerState::Active && in_contact => {
                secondary.request(Wish::Rest, (around.now, WISH_MAX));
                Ok(())
            }
            Table::Secondary(_) if state == PartnerState::Active => {
                Err("the primary is out of contact; when it comes back it asks for control itself".to_owned())
            }
            Table::Primary(_) | Table::Secondary(_) => Err(under_way(state)),
        }
    }

    fn take_as_down(&mut self, around: &mut Around<'_>) -> Result<(), String> {
        let Channel { partner, table, .. } = self;
        if partner.is_in_contact(around.now.mono) {
            return Err(format!("{} is in contact; stop it first, or use takeover or giveback", partner.name));
        }
        partner.partner_down = true;
        warn!("partner {}: taken as down on an operator's word until it has been in contact", partner.name);
        let state = partner.state;
        match table {
            Table::Primary(primary) if state != PartnerState::Serving => {
                primary.serve(partner, "an operator says that the failover is down", around);
            }
            Table::Secondary(secondary) if state != PartnerState::Active => {
                secondary.take_over(partner, "an operator says that the primary is down", around);
            }
            Table::Primary(_) | Table::Secondary(_) => {}
        }
        Ok(())
    }

    fn take_as_up(&mut self) -> Result<(), String> {
        let partner = &mut self.partner;
        if !std::mem::take(&mut partner.partner_down) {
            return Err(format!("{} is not taken as down", partner.name));
        }
        info!("partner {}: not taken as down any more, on an operator's word", partner.name);
        Ok(())
    }

    /// The word that the partner is down ends when each side holds all that the other changed.
    pub(super) fn end_down(&mut self, around: &Around<'_>) {
        let partner = &mut self.partner;
        let both = partner.have.stamp >= partner.theirs.newest && partner.theirs.have >= partner.newest;
        let ends = partner.partner_down && kept(Rule::PartnerDownEnds);
        if ends && both && partner.is_in_contact(around.now.mono) && partner.theirs.state.is_some() {
            partner.partner_down = false;
            info!("partner {}: in contact and equal: not taken as down any more", partner.name);
        }
    }

    fn drill(&self, word: Word) -> Stage {
        let state = self.partner.state;
        let (done, under_way, why) = match (&self.table, word) {
            (Table::Primary(primary), Word::Takeover) => (
                state == PartnerState::Given && !primary.is_giving(),
                state == PartnerState::Given,
                "the failover did not take control; this server takes it back",
            ),
            (Table::Secondary(secondary), Word::Takeover) => {
                (state == PartnerState::Active, secondary.wishes(), "the primary did not give control")
            }
            (Table::Primary(_), Word::Giveback) => (state == PartnerState::Serving, true, ""),
            (Table::Secondary(secondary), Word::Giveback) => (
                is_polling(state),
                state == PartnerState::Returning || secondary.wishes(),
                "the primary did not take control",
            ),
            (Table::Primary(_) | Table::Secondary(_), Word::PartnerDown | Word::PartnerUp) => (true, false, ""),
        };
        match (done, under_way) {
            (true, _) => Stage::Done,
            (false, true) => Stage::UnderWay,
            (false, false) => Stage::Failed(why),
        }
    }
}

impl Secondary {
    /// A drill: the primary is to give control, or to take it back. Its answer is CtlGive, or CtlReq.
    /// An operator's takeover that stays unanswered, while nothing at all is heard, goes on without the primary.
    pub(super) fn request(&mut self, wish: Wish, (now, wait): (Now, Duration)) {
        let (asked, again) = (now.mono, now.mono);
        self.wish = Some(Wishing { wish, asked, again, until: now.mono + wait });
    }

    /// Whether the primary has not answered yet.
    pub(super) fn wishes(&self) -> bool {
        self.wish.is_some()
    }

    /// What is due by time.
    pub(super) fn tick_wish(&mut self, partner: &mut Partner, around: &mut Around<'_>) {
        let Some(Wishing { wish, asked, again, until }) = self.wish else { return };
        let now = around.now.mono;
        let stands = match wish {
            Wish::Control => is_polling(partner.state) || partner.state == PartnerState::Syncing,
            Wish::Rest => partner.state == PartnerState::Active,
        };
        if !stands || now >= until {
            self.wish = None;
            let silent = partner.heard.is_none_or(|heard| heard < asked);
            if stands && wish == Wish::Control && silent {
                self.take_over(partner, "an operator's takeover, the primary does not answer", around);
            }
            return;
        }
        if now < again {
            return;
        }
        self.wish = Some(Wishing { wish, asked, again: now + WISH_AGAIN, until });
        match wish {
            Wish::Control => partner.send(Body::CtlReq, around),
            Wish::Rest => {
                let changes = partner.outgoing.unacknowledged() as u64;
                partner.send(Body::CtlRet { serves: Serves::All, changes }, around);
            }
        }
    }
}

fn under_way(state: PartnerState) -> String {
    format!("control is on its way ({}); see status", state_name(state))
}
