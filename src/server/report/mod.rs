//! Reports: the answers on the control socket (understudyctl), composed a slice a turn so that a list of a million
//! leases never stalls the service. The first line of every answer is `ok` or `error`.

mod drills;
mod leases;
mod partners;
mod status;
mod subnets;
mod tally;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use log::info;

use super::event::ControlId;
use super::failover::Word;
use super::outbox::Outbox;
use super::service::Service;
use crate::clock::calendar::rfc3339;
use crate::clock::{Mono, Now, Wall};
use crate::config::{self, ParameterOrigin};
use crate::json::{self, Object};
use drills::{Said, Waiting};
use leases::LeaseList;
use status::StatusCount;
use subnets::SubnetCount;

/// Octets of an answer composed in one turn, about.
const CHUNK: usize = 64 * 1024;
/// Bindings looked at in one turn for an answer.
const SLICE: usize = 20_000;

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
    Csv,
}

/// Answers under way at once: each connection of the control socket waits for one.
pub(super) const ANSWERS_MAX: usize = 16;

/// Answers that are not finished.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    started: Now,
    jobs: BTreeMap<ControlId, Job>,
    drills: Vec<Waiting>,
}

#[derive(Clone, Debug)]
enum Job {
    Leases(LeaseList),
    Subnets(SubnetCount),
    Status(StatusCount),
}

/// What one answer, or one slice of it, came to.
enum Answer {
    /// All is said.
    Whole,
    /// The rest follows by this job.
    Rest(Job),
    /// All follows when control has moved.
    Later(Waiting),
}

impl Reports {
    pub(super) fn new(started: Now) -> Reports {
        Reports { started, jobs: BTreeMap::new(), drills: Vec::new() }
    }

    /// Number of answers that are not finished.
    pub(super) fn len(&self) -> usize {
        self.jobs.len() + self.drills.len()
    }

    /// Answers a request, or begins to.
    pub(super) fn begin(&mut self, id: ControlId, line: &str, (now, service): (Now, &mut Service), out: &mut Outbox) {
        let mut text = Vec::new();
        let result = self.answer((id, line), (now, service), out, &mut text);
        match result {
            Ok(Answer::Whole) => self.reply(id, None, &text, out),
            Ok(Answer::Later(waiting)) => self.drills.push(waiting),
            Ok(Answer::Rest(job)) => self.reply(id, Some(job), &text, out),
            Err(complaint) => self.reply(id, None, format!("error\n{complaint}\n").as_bytes(), out),
        }
    }

    /// Goes on with an answer.
    pub(super) fn more(&mut self, id: ControlId, (now, service): (Now, &mut Service), out: &mut Outbox) {
        let mut text = Vec::new();
        let rest = match self.jobs.remove(&id) {
            Some(Job::Leases(list)) => list.slice(now, service, &mut text).map(Job::Leases),
            Some(Job::Subnets(count)) => count.slice(now, service, &mut text).map(Job::Subnets),
            Some(Job::Status(count)) => count.slice(now, service, &mut text).map(Job::Status),
            None => None,
        };
        self.reply(id, rest, &text, out);
    }

    /// Forgets an answer: nobody reads it any more.
    pub(super) fn close(&mut self, id: ControlId) {
        self.jobs.remove(&id);
        self.drills.retain(|waiting| waiting.id() != id);
    }

    /// Answers drills that are done, or given up. Each connection waits for one at most.
    pub(super) fn finish_drills(&mut self, now: Now, service: &Service, out: &mut Outbox) {
        for waiting in std::mem::take(&mut self.drills) {
            match waiting.answer(now, service) {
                Some(text) => self.reply(waiting.id(), None, &text, out),
                None => self.drills.push(waiting),
            }
        }
    }

    /// When the next drill is given up.
    pub(super) fn next_due(&self) -> Option<Mono> {
        self.drills.iter().map(Waiting::due).min()
    }

    /// Writes counters and state to the log (SIGUSR1).
    pub(super) fn log(&self, now: Now, service: &Service) {
        let mut text = Vec::new();
        status::text(self.started, now, (service, None), &mut text);
        for line in String::from_utf8_lossy(&text).lines() {
            info!("{line}");
        }
    }

    fn reply(&mut self, id: ControlId, rest: Option<Job>, text: &[u8], out: &mut Outbox) {
        let more = rest.is_some();
        if let Some(job) = rest {
            self.jobs.insert(id, job);
        }
        out.control(id, |bytes| {
            bytes.extend_from_slice(text);
            more
        });
    }

    fn answer(
        &mut self,
        (id, line): (ControlId, &str),
        (now, service): (Now, &mut Service),
        out: &mut Outbox,
        text: &mut Vec<u8>,
    ) -> Result<Answer, String> {
        let (words, format) = split(line)?;
        text.extend_from_slice(b"ok\n");
        if let [command, name] = words.as_slice()
            && let Some(word) = word(command)
        {
            return Ok(match drills::say((word, name), (now, service), out)? {
                Said::Later(drill) => Answer::Later(Waiting::new(id, format, drill)),
                Said::Done => {
                    drills::confirm((word, name), format, text);
                    Answer::Whole
                }
            });
        }
        match words.as_slice() {
            ["status"] => {
                let count = StatusCount::new((self.started, format), service);
                return Ok(count
                    .slice(now, service, text)
                    .map_or(Answer::Whole, |rest| Answer::Rest(Job::Status(rest))));
            }
            ["subnets"] => return Ok(Answer::Rest(Job::Subnets(SubnetCount::new(format, service)))),
            ["leases"] => return Ok(Answer::Rest(Job::Leases(LeaseList::active(format)))),
            ["leases", "--all"] => return Ok(Answer::Rest(Job::Leases(LeaseList::all(format)))),
            ["leases", subnet] => {
                return Ok(Answer::Rest(Job::Leases(LeaseList::of_subnet(format, find_subnet(service, subnet)?))));
            }
            ["lease", client] => leases::one(now, service, (client, format), text)?,
            ["params"] => params(service, format, text),
            ["release", address] => release(now, service, address, out)?,
            ["metrics" | "explain", ..] => {
                return Err(format!("{} is not in this version", words[0]));
            }
            [] => return Err("no command; try status".to_owned()),
            [command, ..] => {
                return Err(format!(
                    "{command} is not a command, or has other arguments \
                     (commands: status, subnets, leases [SUBNET|--all], lease X, params, release ADDRESS, \
                     takeover|giveback|partner-down|partner-up NAME)"
                ));
            }
        }
        Ok(Answer::Whole)
    }
}

/// The word on a partner that a command is.
fn word(command: &str) -> Option<Word> {
    [Word::Takeover, Word::Giveback, Word::PartnerDown, Word::PartnerUp].into_iter().find(|word| word.name() == command)
}

/// Splits a request line in words, its format words taken out.
fn split(line: &str) -> Result<(Vec<&str>, Format), String> {
    let is_format = |word: &&str| matches!(*word, "--json" | "--csv");
    let words: Vec<&str> = line.split_whitespace().collect();
    let format = match words.iter().filter(|word| is_format(word)).copied().collect::<Vec<_>>().as_slice() {
        [] => Format::Text,
        ["--json"] => Format::Json,
        ["--csv"] if words.first() == Some(&"leases") => Format::Csv,
        ["--csv"] => return Err("--csv goes with leases only".to_owned()),
        _ => return Err("one of --json and --csv, once".to_owned()),
    };
    Ok((words.into_iter().filter(|word| !is_format(word)).collect(), format))
}

fn find_subnet(service: &Service, text: &str) -> Result<usize, String> {
    let subnets = &service.directory.config().subnets;
    let named = |name: &str| subnets.iter().position(|subnet| subnet.network.to_string() == name);
    let by_address = || text.parse::<Ipv4Addr>().ok().and_then(|address| service.directory.subnet_of(address));
    named(text).or_else(by_address).ok_or_else(|| format!("{text} is not a subnet of this server; see subnets"))
}

fn release(now: Now, service: &mut Service, text: &str, out: &mut Outbox) -> Result<(), String> {
    let address: Ipv4Addr = text.parse().map_err(|_| format!("{text} is not an IPv4 address"))?;
    if !service.bindings.release(address, now.wall, out) {
        return Err(format!("{address} has no active lease"));
    }
    info!("lease on {address} ended by an operator");
    Ok(())
}

fn params(service: &Service, format: Format, text: &mut Vec<u8>) {
    let config = service.directory.config();
    if format != Format::Json {
        text.extend_from_slice(config::explain(config).as_bytes());
        return;
    }
    let mut first = true;
    text.push(b'[');
    for parameter in &config.parameters {
        json::comma(&mut first, text);
        let origin = match &parameter.origin {
            ParameterOrigin::Default => "default".to_owned(),
            ParameterOrigin::Set { file, line } => format!("{}:{line}", file.display()),
            ParameterOrigin::NotApplicable => "not applicable".to_owned(),
        };
        let mut object = Object::begin(text);
        object.text("section", &parameter.section);
        object.text("name", &parameter.name);
        object.text("value", &parameter.value);
        object.text("origin", &origin);
        object.end();
    }
    text.extend_from_slice(b"\n]\n");
}

/// A time for people and machines: RFC 3339, or `never`.
fn moment(wall: Wall) -> String {
    if wall == Wall::NEVER { "never".to_owned() } else { rfc3339(wall) }
}
