//! The subnets of a channel: which text each side has, what a text of the partner leads to, and what is said when the
//! two servers do not run the same (failover.md section 4, ConfigOffer and what follows).
//!
//! A failover takes what its primary sends only when it is good as a whole; the last good text stays until then.
//! [`super::push`] moves the text.

use log::{error, info, warn};

use super::Around;
use super::agreement::Shape;
use super::partner::Partner;
use super::push::{Asked, Came, Facts, Offered, Part, Stance, short};
use crate::config::{Config, PrimarySettings, differences, load_subnets};
use crate::lease::Side;
use crate::server::directory::Directory;
use crate::server::event::PartnerId;
use crate::wire::failover::Body;

/// Subnets that a primary sent and that are good by themselves.
#[derive(Clone, Debug)]
pub(in crate::server) struct Arrived {
    /// Whose.
    pub(in crate::server) partner: PartnerId,
    /// Its name.
    pub(in crate::server) name: String,
    /// What they mean.
    pub(in crate::server) part: Box<Config>,
}

/// Whether both servers run the same subnets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agreement {
    /// Nothing was heard of the partner in this run.
    #[default]
    Unknown,
    /// They do.
    Same,
    /// They do not.
    Differs,
    /// This failover has none for the channel yet: nobody is served by it.
    Nothing,
}

/// What was said of the channel's subnets, so that it is said once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    nothing: bool,
    differs: bool,
    unused: Option<([u8; 32], [u8; 8])>,
}

/// The subnets that `side` runs on the channel `name`, and what it does with their text.
fn config_of<'a>(directory: &'a Directory, id: PartnerId, (side, name): (Side, &str)) -> (Option<&'a Config>, Stance) {
    let config = directory.config();
    match side {
        Side::Primary => {
            let gives = config.failover.as_ref().is_some_and(|failover| failover.sync_config);
            (Some(config), if gives { Stance::Gives } else { Stance::Compares })
        }
        Side::Secondary => {
            let is_it = |primary: &&PrimarySettings| primary.name == name;
            let at = config.primaries.get(id.0).filter(is_it);
            let Some(settings) = at.or_else(|| config.primaries.iter().find(is_it)) else {
                return (None, Stance::Compares);
            };
            let stance = if settings.subnets_file.is_some() { Stance::Compares } else { Stance::Takes };
            (settings.part.as_deref(), stance)
        }
    }
}

impl Partner {
    /// The digest of the subnets that this server runs on the channel, as its header shows it; zeros for none.
    pub(super) fn digest(&self, directory: &Directory) -> [u8; 8] {
        self.own_config(directory).map_or([0; 8], |config| short(&config.subnets_text.digest))
    }

    /// The configuration whose subnets this server runs on the channel.
    pub(super) fn own_config<'a>(&self, directory: &'a Directory) -> Option<&'a Config> {
        config_of(directory, self.id, (self.side, &self.name)).0
    }

    /// Whether both run the same subnets.
    pub(super) fn agreement(&self, directory: &Directory) -> Agreement {
        let ours = self.digest(directory);
        match self.theirs.config {
            _ if ours == [0; 8] => Agreement::Nothing,
            None => Agreement::Unknown,
            Some(theirs) if theirs == ours => Agreement::Same,
            Some(_) => Agreement::Differs,
        }
    }

    fn facts<'a>(&self, around: &Around<'a>) -> Facts<'a> {
        let (ours, stance) = config_of(around.directory, self.id, (self.side, &self.name));
        let ours = ours.map(|config| &config.subnets_text);
        Facts {
            now: around.now.mono,
            in_contact: self.session.is_established() && self.is_in_contact(around.now.mono),
            stance,
            ours,
            theirs: self.theirs.config.unwrap_or_default(),
            context: context(around.directory),
            part_octets: usize::from(self.common.buffer_size),
        }
    }

    /// Acts on a message that concerns subnets; others are left alone.
    pub(super) fn on_subnets(&mut self, body: &Body<'_>, around: &mut Around<'_>) {
        let facts = self.facts(around);
        match *body {
            Body::ConfigOffer { generation, digest, octets } => {
                self.push.on_offer(Offered { generation, digest, octets }, &facts);
            }
            Body::ConfigReq { digest, offset } => match self.push.on_request(digest, offset, &facts) {
                Asked::Answer(body) => self.send(body, around),
                Asked::Has => self.note_unused(&facts),
                Asked::Nothing => {}
            },
            Body::ConfigData { digest, offset, total, octets } => {
                let came = self.push.on_part(&Part { digest, offset, total, octets });
                if let Came::Whole(offered, text) = came {
                    self.on_text(offered, &text, (&facts, around));
                }
            }
            Body::Hello { .. }
            | Body::HelloAck { .. }
            | Body::HelloEnd { .. }
            | Body::Poll { .. }
            | Body::PollRpl { .. }
            | Body::CtlReq
            | Body::CtlRet { .. }
            | Body::SyncReq
            | Body::SyncStart { .. }
            | Body::BindUpdate(_)
            | Body::BindAck { .. }
            | Body::SubnetReturn { .. }
            | Body::SubnetTaken { .. }
            | Body::CtlGive { .. }
            | Body::CtlTaken
            | Body::ShareReq { .. } => {}
        }
    }

    /// The partner has our text; its header tells whether it runs it.
    fn note_unused(&mut self, facts: &Facts<'_>) {
        let Some(ours) = facts.ours.filter(|_| facts.stance == Stance::Gives) else { return };
        let told = Some((ours.digest, facts.theirs));
        if short(&ours.digest) != facts.theirs && self.told.unused != told {
            self.told.unused = told;
            warn!("partner {}: it does not use the subnets that this server sent; its log says why", self.name);
        }
    }

    fn on_text(&mut self, offered: Offered, text: &[u8], (facts, around): (&Facts<'_>, &mut Around<'_>)) {
        let Ok(text) = std::str::from_utf8(text) else {
            error!("partner {}: what it sent is no text; both servers need the same version", self.name);
            self.push.judge(offered.digest, facts.context);
            return;
        };
        if facts.stance == Stance::Takes && offered.generation > 0 {
            self.take_text(offered, text, (facts, around));
            return;
        }
        self.push.judge(offered.digest, facts.context);
        let name = &self.name;
        if let Ok(part) = load_subnets(name, text) {
            self.agreed.shape = Some(Shape::new(short(&offered.digest), &part));
        }
        match facts.ours {
            None => {
                error!("partner {name}: it does not send its subnets for use (SyncConfig), and no SubnetsFile is set")
            }
            Some(ours) => {
                let lines = differences(&ours.text, text);
                warn!("partner {name}: it runs other subnets than this server; differences: {}", lines.len());
                for line in &lines {
                    warn!("partner {name}: {line}");
                }
                if lines.is_empty() {
                    warn!("partner {name}: the order of sections or of values differs");
                }
            }
        }
    }

    fn take_text(&mut self, offered: Offered, text: &str, (facts, around): (&Facts<'_>, &mut Around<'_>)) {
        match load_subnets(&format!("subnets of {}", self.name), text) {
            Ok(part) => {
                self.push.applies(offered.digest, around.now.mono);
                self.agreed.shape = Some(Shape::new(short(&offered.digest), &part));
                let (name, part) = (self.name.clone(), Box::new(part));
                around.arrived.push(Arrived { partner: self.id, name, part });
            }
            Err(complaints) => {
                let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
                self.refuse(offered.digest, &complaints, facts.context);
            }
        }
    }

    fn refuse(&mut self, digest: [u8; 32], complaints: &[String], context: [u8; 32]) {
        for complaint in complaints {
            error!("partner {}: {complaint}", self.name);
        }
        let count = complaints.len();
        error!(
            "partner {}: the subnets that it sent are not used, the last good ones stay; errors: {count}",
            self.name
        );
        self.push.judge(digest, context);
    }

    /// The subnets that came cannot be used beside the others.
    pub(super) fn refuse_part(&mut self, part: &Config, complaints: &[String], directory: &Directory) {
        self.refuse(part.subnets_text.digest, complaints, context(directory));
    }

    /// The end of a turn: offers, requests and answers that are due, and what is to be said.
    pub(super) fn subnets_due(&mut self, around: &mut Around<'_>) {
        let agreement = self.agreement(around.directory);
        let facts = self.facts(around);
        self.push.count(facts.ours);
        for body in self.push.turn(&facts).into_iter().flatten() {
            self.send(body, around);
        }
        if let Some((came, total)) = self.push.take_stopped() {
            let name = &self.name;
            warn!("partner {name}: its subnets stopped coming after {came} of {total} octets; they are offered again");
        }
        self.tell(agreement, around);
    }

    fn tell(&mut self, agreement: Agreement, around: &Around<'_>) {
        match agreement {
            Agreement::Nothing if !self.told.nothing => {
                self.told.nothing = true;
                warn!("partner {}: no subnets of it are known yet: nobody is served for it", self.name);
            }
            Agreement::Same => {
                if self.told.nothing || self.told.differs {
                    self.told = Told::default();
                    let subnets = around.directory.subnets_of(self.id).len();
                    info!("partner {}: both servers run the same subnets: {subnets}", self.name);
                }
            }
            Agreement::Differs => self.told.differs = true,
            Agreement::Nothing | Agreement::Unknown => {}
        }
    }
}

/// Changes with each text that this server runs, and with their order: what a judgement on another text depends on.
fn context(directory: &Directory) -> [u8; 32] {
    let config = directory.config();
    let parts = config.primaries.iter().filter_map(|primary| primary.part.as_ref());
    let mut folded = config.subnets_text.digest;
    for part in parts {
        folded.rotate_left(1);
        folded.iter_mut().zip(part.subnets_text.digest).for_each(|(octet, other)| *octet ^= other);
    }
    folded
}
