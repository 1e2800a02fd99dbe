//! The part of the status that tells of the partners.

use std::io::Write;

use super::moment;
use super::tally::{Free, Tally};
use crate::clock::Now;
use crate::json::{self, Object};
use crate::lease::record::Complete;
use crate::server::counters::Counter;
use crate::server::event::PartnerId;
use crate::server::failover::{Agreement, View, agreement_name, dropped_name};
use crate::server::service::Service;

/// Lines of text: nothing where the server stands alone.
pub(super) fn text(now: Now, (service, tally): (&Service, Option<&Tally>), text: &mut Vec<u8>) {
    if !service.failover.is_pair() {
        return;
    }
    // Writing to a Vec cannot fail.
    let _ = writeln!(
        text,
        "database {}, conflicts {}, unsettled grants {}",
        database(service),
        service.failover.conflicts(),
        service.counters.of(Counter::UnsettledGrants)
    );
    for (index, view) in service.failover.views(&service.directory, now).enumerate() {
        partner(&view, tally.map(|tally| tally.free_of(PartnerId(index), service)), text);
    }
}

fn partner(view: &View<'_>, free: Option<Free>, text: &mut Vec<u8>) {
    let contact = match (view.in_contact, view.contact_since) {
        (true, Some(since)) => format!("in contact since {}", moment(since)),
        (true, None) => "in contact".to_owned(),
        (false, Some(last)) => format!("out of contact since {}", moment(last)),
        (false, None) => "never in contact".to_owned(),
    };
    let View { name, state, unacknowledged, offset_millis, .. } = view;
    let since = moment(view.since);
    let mut lines = vec![format!(
        "{state} since {since}, {contact}, {unacknowledged} changes not acknowledged, clock offset {offset_millis} ms"
    )];
    let strict = if view.strict { "True" } else { "False" };
    lines.push(match free {
        None => format!("StrictShares {strict}"),
        Some(Free { own, settled, .. }) => {
            format!("own free addresses {own}, settled {settled}, StrictShares {strict}")
        }
    });
    if let Some(takeover) = view.takeover {
        lines.push(format!("last takeover {}, reason: {}", moment(takeover.at), takeover.reason));
    }
    if let Some(blackout) = view.blackout() {
        lines.push(format!("last blackout {} ms, subnets {}", blackout.as_millis(), view.blackouts.len()));
    }
    if !view.dropped.is_empty() {
        let counts: Vec<_> =
            view.dropped.iter().map(|(reason, count)| format!("{} {count}", dropped_name(*reason))).collect();
        lines.push(format!("dropped {}", counts.join(", ")));
    }
    if view.sizes_differ {
        lines.push("SyncBindingBufSize differs: no changes go until it is equal on both servers".to_owned());
    }
    match view.subnets {
        Agreement::Differs => {
            lines.push("subnets differ from those of the partner; see the log".to_owned());
            if view.one_sided > 0 {
                lines.push(format!("addresses of ranges that only this server has: {}, given last", view.one_sided));
            }
        }
        Agreement::Nothing => lines.push("no subnets of it are known here".to_owned()),
        Agreement::Unknown | Agreement::Same => {}
    }
    if let Some(word) = view.word {
        lines.push(format!("{}: an operator's word, until it has been in contact", word.name()));
    }
    for line in lines {
        let _ = writeln!(text, "partner {name}: {line}");
    }
}

/// Members of the status object.
pub(super) fn json(now: Now, (service, tally): (&Service, &Tally), object: &mut Object<'_>) {
    object.text("database", database(service));
    object.number("conflicts", service.failover.conflicts());
    object.number("unsettled_grants", service.counters.of(Counter::UnsettledGrants));
    object.value("partners", |out| {
        let views = service.failover.views(&service.directory, now).enumerate();
        json::array(views, out, |(index, view), out| {
            json_partner(&view, tally.free_of(PartnerId(index), service), out);
        });
    });
}

fn json_partner(view: &View<'_>, free: Free, out: &mut Vec<u8>) {
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut object = Object::begin(out);
    object.text("name", view.name);
    object.text("state", view.state);
    object.text("since", &moment(view.since));
    object.plain("contact", view.in_contact);
    object.optional("contact_since", view.contact_since.map(moment).as_deref());
    object.number("unacked", view.unacknowledged as u64);
    object.plain("clock_offset_ms", view.offset_millis);
    object.number("free_own", free.own);
    object.number("free_settled", free.settled);
    object.plain("strict_shares", view.strict);
    match view.takeover {
        None => object.optional("last_takeover", None),
        Some(takeover) => object.value("last_takeover", |out| {
            let mut object = Object::begin(out);
            object.text("at", &moment(takeover.at));
            object.text("reason", &takeover.reason);
            object.end();
        }),
    }
    match view.blackout() {
        None => object.optional("blackout_ms", None),
        Some(blackout) => object.number("blackout_ms", millis(blackout)),
    }
    object.value("blackouts", |out| {
        json::array(view.blackouts.iter(), out, |(subnet, blackout), out| {
            let mut object = Object::begin(out);
            object.text("subnet", &subnet.to_string());
            object.number("ms", millis(*blackout));
            object.end();
        });
    });
    object.numbers("dropped", view.dropped.iter().map(|(reason, count)| (dropped_name(*reason), *count)));
    object.plain("sizes_differ", view.sizes_differ);
    object.text("subnets", agreement_name(view.subnets));
    object.plain("partner_down", view.word.is_some());
    object.end();
}

fn database(service: &Service) -> &'static str {
    match service.failover.database().complete() {
        Complete::Yes => "complete",
        Complete::No => "replaced",
    }
}
