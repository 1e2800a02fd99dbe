//! An operator's words on partners: drills, which are answered when control has moved, and partner-down.

use std::io::Write;

use super::{Format, moment};
use crate::clock::{Mono, Now};
use crate::json::Object;
use crate::server::event::ControlId;
use crate::server::failover::{DRILL_MAX, Drill, Progress, Rest, Word};
use crate::server::outbox::Outbox;
use crate::server::service::Service;

/// A drill that somebody waits for.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    id: ControlId,
    format: Format,
    drill: Drill,
}

/// What a word came to.
pub(super) enum Said {
    /// It is done.
    Done,
    /// Control is to move; the answer follows.
    Later(Drill),
}

/// Carries out a word, or begins to.
///
/// # Errors
/// Why it cannot be done now.
pub(super) fn say(
    (word, name): (Word, &str),
    (now, service): (Now, &mut Service),
    out: &mut Outbox,
) -> Result<Said, String> {
    let Service { failover, bindings, directory, .. } = service;
    let drill = failover.command(word, name, Rest { now, bindings, directory, out })?;
    Ok(drill.map_or(Said::Done, Said::Later))
}

/// The answer to a word that is done at once.
pub(super) fn confirm((word, name): (Word, &str), format: Format, text: &mut Vec<u8>) {
    if format == Format::Json {
        let mut object = Object::begin(text);
        object.text("command", word.name());
        object.text("partner", name);
        object.end();
        text.push(b'\n');
        return;
    }
    let stands =
        if word == Word::PartnerDown { "taken as down until it has been in contact" } else { "not taken as down" };
    // Writing to a Vec cannot fail.
    let _ = writeln!(text, "{name}: {stands}");
}

impl Waiting {
    pub(super) fn new(id: ControlId, format: Format, drill: Drill) -> Waiting {
        Waiting { id, format, drill }
    }

    /// Whose answer this is.
    pub(super) fn id(&self) -> ControlId {
        self.id
    }

    /// When it is given up.
    pub(super) fn due(&self) -> Mono {
        self.drill.asked.mono + DRILL_MAX
    }

    /// The answer, once there is one.
    pub(super) fn answer(&self, now: Now, service: &Service) -> Option<Vec<u8>> {
        let Drill { partner, word, asked, subnets, .. } = &self.drill;
        let mut text = Vec::new();
        let changes = match service.failover.progress(&self.drill, now) {
            Progress::UnderWay => return None,
            Progress::Failed(reason) => {
                let _ = writeln!(text, "error\n{} {partner}: {reason}", word.name());
                return Some(text);
            }
            Progress::Done { changes } => changes,
        };
        let millis = u64::try_from(now.mono.since(asked.mono).as_millis()).unwrap_or(u64::MAX);
        let asked = moment(asked.wall);
        text.extend_from_slice(b"ok\n");
        if self.format == Format::Json {
            let mut object = Object::begin(&mut text);
            object.text("command", word.name());
            object.text("partner", partner);
            object.text("asked", &asked);
            object.number("done_ms", millis);
            object.number("subnets", *subnets as u64);
            object.number("changes", changes);
            object.end();
            text.push(b'\n');
        } else {
            let _ = writeln!(
                text,
                "{} {partner}: asked {asked}, done after {millis} ms, subnets {subnets}, changes {changes}",
                word.name()
            );
        }
        Some(text)
    }
}
