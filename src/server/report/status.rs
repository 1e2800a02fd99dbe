//! `understudyctl status`, and the same for the log.

use std::io::Write;

use super::tally::Tally;
use super::{Format, moment, partners};
use crate::clock::Now;
use crate::json::Object;
use crate::server::counters::silence_name;
use crate::server::duty::{Duty, duty};
use crate::server::failover;
use crate::server::service::Service;

/// A status that waits for its count of addresses.
#[derive(Clone, Debug)]
pub(super) struct StatusCount {
    started: Now,
    format: Format,
    tally: Tally,
}

impl StatusCount {
    pub(super) fn new((started, format): (Now, Format), service: &Service) -> StatusCount {
        StatusCount { started, format, tally: Tally::new(service) }
    }

    /// Counts the next slice, for a pair; writes all after the last and returns itself before.
    pub(super) fn slice(mut self, now: Now, service: &Service, text: &mut Vec<u8>) -> Option<StatusCount> {
        if service.failover.is_pair() && !self.tally.slice(now, service) {
            return Some(self);
        }
        match self.format {
            Format::Json => json(self.started, now, (service, &self.tally), text),
            Format::Text | Format::Csv => self::text(self.started, now, (service, Some(&self.tally)), text),
        }
        None
    }
}

/// The status as lines of text; without a count of addresses where there was no time for one.
pub(super) fn text(started: Now, now: Now, (service, tally): (&Service, Option<&Tally>), text: &mut Vec<u8>) {
    let config = service.directory.config();
    let up = now.mono.since(started.mono).as_secs();
    let lines = [
        format!("understudyd {}, {}, {}", env!("CARGO_PKG_VERSION"), config.server.role, duty_text(service)),
        format!("started {}, up {up} s", moment(started.wall)),
        format!("subnets {}, hosts {}", config.subnets.len(), config.hosts.len()),
        format!("bindings {}, offers {}", service.bindings.table().len(), service.bindings.offers().len()),
    ];
    for line in lines {
        let _ = writeln!(text, "{line}");
    }
    partners::text(now, (service, tally), text);
    for interface in &service.interfaces {
        let addresses: Vec<String> = interface.addresses.iter().map(|(a, prefix)| format!("{a}/{prefix}")).collect();
        let _ = writeln!(text, "interface {} {}", interface.name, addresses.join(" "));
    }
    for (name, count) in service.counters.iter().filter(|entry| entry.1 > 0) {
        let _ = writeln!(text, "{name} {count}");
    }
}

/// The status as one JSON object.
fn json(started: Now, now: Now, (service, tally): (&Service, &Tally), text: &mut Vec<u8>) {
    let config = service.directory.config();
    let mut object = Object::begin(text);
    object.text("version", env!("CARGO_PKG_VERSION"));
    object.text("role", &config.server.role.to_string());
    object.text("duty", &duty_text(service));
    object.text("started", &moment(started.wall));
    object.number("up_secs", now.mono.since(started.mono).as_secs());
    object.number("subnets", config.subnets.len() as u64);
    object.number("hosts", config.hosts.len() as u64);
    object.number("bindings", service.bindings.table().len() as u64);
    object.number("offers", service.bindings.offers().len() as u64);
    partners::json(now, (service, tally), &mut object);
    object.numbers("counters", service.counters.iter());
    object.end();
    text.push(b'\n');
}

/// What the server as a whole does: `serving`, or `silent: why`.
pub(super) fn duty_text(service: &Service) -> String {
    let subnets = 0..service.directory.config().subnets.len();
    let serves = |subnet: usize| service.served(subnet) == failover::Service::Serves;
    let sleeps = service.failover.is_pair() && !subnets.into_iter().any(serves);
    words(duty(service.room, if sleeps { failover::Service::Asleep } else { failover::Service::Serves }))
}

/// What the server does for one subnet.
pub(super) fn subnet_duty(service: &Service, subnet: usize) -> String {
    words(duty(service.room, service.served(subnet)))
}

fn words(duty: Duty) -> String {
    match duty {
        Duty::Serve => "serving".to_owned(),
        Duty::Silent(silence) => format!("silent: {}", silence_name(silence)),
    }
}
