//! The fingerprint of a world: equal for worlds that differ in nothing that any later step depends on.
//!
//! It is made of the Debug text of both servers, of the datagrams on their way and of what the clients believe. A Debug
//! text is derived, so that no field can be forgotten; what is left out or renamed is named here, with the reason:
//!
//! * **times** count from now: rules compare two times, or a time with now, and a margin. More than ten minutes back,
//!   the longest memory of the code, is just long ago. Begin of a run: compared with DefaultLease alone;
//! * **stamps** become their rank among all that there are, and their age up to a second: they are compared with each
//!   other, made from the time, and their time is compared with that of a kept message, which lives for a second;
//! * **random ids** (boots, sessions, challenges) become the order in which they are met: they are compared for being
//!   equal alone, and a session's id follows from others;
//! * **sequence, stream and piece numbers** count back from the sender's newest: they are compared with each other,
//!   0 means none; of the window of sequences seen, what counts is whether one still on its way is in it;
//! * **round trips** under 5 ms are one: four of them are under the least wait before something is repeated;
//! * **fields left out** are named in `text.rs`: no decision depends on them;
//! * **the disk** is left out: `checks.rs` finds in each new state that it holds just what the server goes by, so a
//!   restart depends on nothing else. Of a server that does not run, all records of its journal stand for it;
//! * where in doubt, the value itself is taken: that costs states, never truth.

use std::fmt::Write;

use understudy::clock::Wall;
use understudy::journal::frame;
use understudy::lease::Stamp;
use understudy::lease::record::Record;

use super::clients::Belief;
use super::journal::each_record;
use super::text::{Node, datagram};
use super::world::World;

/// Older times are just old, in milliseconds.
const OLD: i64 = 601_000;
/// Numbers from here on are random ids.
const ID_MIN: u64 = 1 << 40;
/// Unanswered polls of a server that serves are counted up to PollRetryMax + 2.
const UNANSWERED_MAX: u64 = 3;
/// Leases of this world, in milliseconds.
const LEASE: i64 = 20_000;

/// Whose a part of the text is.
#[derive(Clone, Copy)]
enum Whose {
    /// A server's.
    Host(usize),
    /// A datagram's, by its sender.
    Sent(usize),
    /// A journal's.
    Journal,
}

/// What numbers are seen against.
struct Sight<'w> {
    world: &'w World,
    stamps: Vec<u64>,
    ids: Vec<u64>,
    sequence: [u64; 2],
    stream: [u64; 2],
    piece: [u64; 2],
    out: String,
}

/// The fingerprint.
pub(crate) fn fingerprint(world: &World) -> u64 {
    hash(canonical(world).as_bytes())
}

/// The text behind it.
pub(crate) fn canonical(world: &World) -> String {
    let texts: Vec<(Whose, String)> = texts(world);
    let nodes: Vec<(Whose, Node<'_>)> = texts.iter().map(|(whose, text)| (*whose, Node::read(text))).collect();
    let mut sight = Sight {
        world,
        stamps: vec![Stamp::at(world.wall()).0],
        ids: Vec::new(),
        sequence: [0; 2],
        stream: [0; 2],
        piece: [0; 2],
        out: String::with_capacity(8192),
    };
    for (whose, node) in &nodes {
        if let Whose::Host(host) = *whose {
            let number =
                |part: &str, name: &str| node.find(part).and_then(|part| part.part(name)?.number()).unwrap_or(0);
            sight.sequence[host] = number("session", "sequence");
            sight.stream[host] = number("outgoing", "stream");
            sight.piece[host] = number("outgoing", "next_number");
        }
        sight.gather(node, "");
    }
    sight.stamps.sort_unstable();
    sight.stamps.dedup();
    for (whose, node) in &nodes {
        sight.emit(node, *whose, ("", ""));
        sight.out.push('\n');
    }
    sight.people();
    sight.out
}

fn texts(world: &World) -> Vec<(Whose, String)> {
    let mut texts = Vec::new();
    for (index, host) in world.hosts.iter().enumerate() {
        match &host.engine {
            Some(engine) => texts.push((Whose::Host(index), format!("{:?}", engine.server()))),
            None => {
                let mut text = format!("Dead {{ refuses: {}, journal_of_it: [", host.refuses);
                each_record(&host.disk, |record| {
                    let _ = write!(text, "{record:?}, ");
                });
                text.push_str("] }");
                texts.push((Whose::Journal, text));
            }
        }
    }
    for to in 0..2 {
        for flight in &world.flying[to] {
            let bytes = flight.bytes.as_deref();
            let text = bytes.map_or("Refused".into(), |bytes| format!("{:?}", datagram(bytes)));
            texts.push((Whose::Sent(flight.from), text));
        }
    }
    texts
}

impl Sight<'_> {
    /// Collects the stamps.
    fn gather(&mut self, node: &Node<'_>, key: &str) {
        match node {
            Node::Atom(_) if matches!(key, "have" | "newest" | "until") => self.stamps.extend(node.number()),
            Node::Atom(_) => {}
            Node::Group("Stamp", parts) => self.stamps.extend(parts[0].1.number()),
            Node::Group(_, parts) if matches!(key, "octets" | "uncut") && !parts.is_empty() => {
                self.records(node, |sight, record| sight.gather(record, ""));
            }
            Node::Group(_, parts) => {
                for (name, part) in parts {
                    self.gather(part, name.as_ref().map_or("", Node::word));
                }
            }
        }
    }

    /// Hands each record in these octets to `each`; false when they are not whole records.
    fn records(&mut self, octets: &Node<'_>, mut each: impl FnMut(&mut Self, &Node<'_>)) -> bool {
        let octets: Vec<u8> = octets.numbers().iter().map(|&octet| octet as u8).collect();
        let mut rest = &octets[..];
        while let Ok((payload, after)) = frame::split_first(rest) {
            let Ok(record) = Record::decode(payload) else { return false };
            each(self, &Node::read(&format!("{record:?}")));
            rest = after;
        }
        rest.is_empty()
    }

    fn emit(&mut self, node: &Node<'_>, whose: Whose, (key, parent): (&str, &str)) {
        match node {
            Node::Atom(text) => self.atom(text, whose, (key, parent)),
            Node::Group("Wall", parts) => self.wall(parts[0].1.number().unwrap_or(0)),
            Node::Group("Mono", parts) => {
                let left = parts[0].1.number().unwrap_or(0) as i64 - self.world.now.nanos() as i64;
                let old = if key == "began" { LEASE } else { OLD };
                let _ = if left < -old * 1_000_000 { write!(self.out, "old") } else { write!(self.out, "{left}") };
            }
            Node::Group("Stamp", parts) => self.stamp(parts[0].1.number().unwrap_or(0)),
            Node::Group(_, parts) if key == "octets" || key == "uncut" || parent == "held" && is_list(parts) => {
                self.pieces(node, whose);
            }
            Node::Group(..) if key == "seen" && parent == "established" => self.window(node, whose),
            Node::Group(_, parts) if key == "seen" && parent == "second_asks" => self.asks(parts, whose),
            Node::Group(..) if key == "by_address" && parent == "table" => {}
            Node::Group(..) if key == "details" && parent == "table" => {}
            Node::Group("ClientOnLink", parts) => self.out.push_str(parts[0].1.word()),
            Node::Group("Some", parts) if key == "asked" && parts[0].1.number().is_some() => {
                self.number(parts[0].1.number().unwrap_or(0), self.sequence[owner(whose)]);
            }
            Node::Group("", parts) if key == "hellos" && self.is_past_second(parts) => self.out.push('-'),
            Node::Group(name, parts) => self.group(name, parts, whose, (key, parent)),
        }
    }

    fn group(&mut self, name: &str, parts: &[(Option<Node<'_>>, Node<'_>)], whose: Whose, (key, parent): (&str, &str)) {
        // A wrapper such as Some(..) or Offers {..} in a field passes the field's name on.
        let (key, parent) = if matches!(name, "Some" | "Primary" | "Secondary") { (key, parent) } else { ("", key) };
        let _ = write!(self.out, "{name}(");
        // Maps of the standard library have no order.
        let mut sorted = Vec::new();
        let is_map = name.is_empty() && parts.iter().all(|part| part.0.is_some());
        for (part_name, part) in parts {
            let start = self.out.len();
            let word = part_name.as_ref().map_or(key, Node::word);
            match part_name {
                Some(Node::Group(..)) => self.emit(part_name.as_ref().unwrap_or(part), whose, ("", parent)),
                Some(Node::Atom(text)) if parent == "held" => {
                    self.number(text.parse().unwrap_or(0), self.piece[1 - owner(whose)]);
                }
                Some(Node::Atom(text)) => self.out.push_str(text),
                None => {}
            }
            self.out.push(':');
            self.emit(part, whose, (word, parent));
            self.out.push(',');
            if is_map {
                sorted.push(self.out.split_off(start));
            }
        }
        sorted.sort_unstable();
        self.out.extend(sorted);
        self.out.push(')');
    }

    fn atom(&mut self, text: &str, whose: Whose, (key, parent): (&str, &str)) {
        if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return self.out.push_str(text);
        }
        let Ok(number) = text.parse::<u64>() else {
            let is_short = key == "round_trip" && millis(text) < 5.0;
            return self.out.push_str(if is_short { "~" } else { text });
        };
        let (own, other) = (owner(whose), 1 - owner(whose));
        let is_sent = matches!(whose, Whose::Sent(_));
        if key.is_empty() {
            return if number >= ID_MIN { self.id(number) } else { self.out.push_str(text) };
        }
        match (key, parent) {
            ("have" | "newest" | "until", _) => self.stamp(number),
            ("clock", _) => self.wall(number),
            ("sequence", _) => self.number(number, self.sequence[own]),
            ("seen" | "highest", _) => self.number(number, self.sequence[other]),
            ("acknowledged", _) => self.number(number, self.sequence[own]),
            ("stream", "incoming") => self.number(number, self.stream[other]),
            ("next", "incoming") => self.number(number, self.piece[other]),
            // An acknowledgement speaks of the receiver's stream.
            ("stream", "body") if is_sent => {
                let near = [own, other].map(|side| self.stream[side]);
                self.number(number, near[0]);
                self.number(number, near[1]);
            }
            ("next", "body") if is_sent => self.number(number, self.piece[other]),
            ("stream", _) => self.number(number, self.stream[own]),
            ("number", "transfer") => self.out.push_str(text),
            ("number" | "mark_ends", _) => self.number(number, self.piece[own]),
            ("next_number", _) => self.out.push(if number > 0 { '+' } else { '0' }),
            ("unanswered", _) => {
                let _ = write!(self.out, "{}", number.min(UNANSWERED_MAX));
            }
            _ if number >= ID_MIN => self.id(number),
            _ => self.out.push_str(text),
        }
    }

    /// A number that counts up: how far it lies behind the newest.
    fn number(&mut self, number: u64, newest: u64) {
        if number == 0 {
            self.out.push('0');
        } else {
            let _ = write!(self.out, "n{}", newest as i64 - number as i64);
        }
    }

    fn id(&mut self, number: u64) {
        let at = self.ids.iter().position(|id| *id == number).unwrap_or_else(|| {
            self.ids.push(number);
            self.ids.len() - 1
        });
        let _ = write!(self.out, "#{at}");
    }

    fn wall(&mut self, millis: u64) {
        let left = millis as i64 - self.world.wall().millis() as i64;
        let _ = match millis {
            0 => write!(self.out, "never"),
            u64::MAX => write!(self.out, "ever"),
            _ if left < -OLD => write!(self.out, "old"),
            _ => write!(self.out, "{left}"),
        };
    }

    fn stamp(&mut self, stamp: u64) {
        if stamp == 0 {
            return self.out.push('0');
        }
        let rank = self.stamps.binary_search(&stamp).unwrap_or(usize::MAX);
        let age = self.world.wall().millis().saturating_sub(Stamp(stamp).wall().millis());
        let _ = write!(self.out, "s{rank}/{}", age.min(1_100));
    }

    /// Octets of a stream: its records, or the octets themselves where they are no whole ones.
    fn pieces(&mut self, node: &Node<'_>, whose: Whose) {
        let start = self.out.len();
        let whole = self.records(node, |sight, record| sight.emit(record, whose, ("", "")));
        if !whole {
            self.out.truncate(start);
            let _ = write!(self.out, "{:?}", node.numbers());
        }
    }

    /// The sequences seen: of those on their way to this server, which are among them.
    fn window(&mut self, node: &Node<'_>, whose: Whose) {
        let words = node.numbers();
        let Whose::Host(host) = whose else { return };
        for flight in &self.world.flying[host] {
            let Some(bytes) = &flight.bytes else { continue };
            let at = datagram(bytes).header.sequence % 1024;
            let seen = words.get((at / 64) as usize).is_some_and(|word| word >> (at % 64) & 1 == 1);
            self.out.push(if seen { '1' } else { '0' });
        }
    }

    /// Requests for another server's offer: only the transaction that a client is in can come again.
    fn asks(&mut self, parts: &[(Option<Node<'_>>, Node<'_>)], whose: Whose) {
        let mut found = Vec::new();
        for (_, part) in parts {
            let Node::Group(_, entry) = part else { continue };
            let xid = entry[0].1.number().unwrap_or(0);
            let Some(person) = self.world.people.iter().position(|person| u64::from(person.xid()) == xid) else {
                continue;
            };
            let start = self.out.len();
            let _ = write!(self.out, "{person}@");
            self.emit(&entry[1].1, whose, ("", ""));
            found.push(self.out.split_off(start));
        }
        found.sort_unstable();
        self.out.extend(found);
    }

    fn is_past_second(&self, parts: &[(Option<Node<'_>>, Node<'_>)]) -> bool {
        let Some(Node::Group("Some", began)) = parts.first().map(|part| &part.1) else { return true };
        let Node::Group(_, mono) = &began[0].1 else { return true };
        let nanos = mono[0].1.number().unwrap_or(0);
        self.world.now.nanos() - nanos >= 1_000_000_000
    }

    fn people(&mut self) {
        let wall = self.world.wall().millis();
        for person in &self.world.people {
            let _ = match &person.belief {
                Belief::Holding(address, server, until) => {
                    write!(self.out, "Holding {address} {server} {}", until.millis() as i64 - wall as i64)
                }
                belief => write!(self.out, "{belief:?}"),
            };
            let _ = write!(self.out, " {} {:?}", person.is_unsettled, person.counts());
        }
        let _ = write!(self.out, "{:?} {:?}", self.world.cut, self.world.given_back);
        for host in &self.world.hosts {
            let _ = write!(self.out, "{}", host.last_turn.map_or(0, |last| self.world.now.since(last).as_millis()));
        }
    }
}

fn owner(whose: Whose) -> usize {
    match whose {
        Whose::Host(host) | Whose::Sent(host) => host,
        Whose::Journal => 0,
    }
}

/// Whether these are the parts of a list of numbers.
fn is_list(parts: &[(Option<Node<'_>>, Node<'_>)]) -> bool {
    parts.iter().all(|part| part.0.is_none() && part.1.number().is_some())
}

fn millis(text: &str) -> f64 {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match &text[digits.len()..] {
        "ns" => 1e-6,
        "µs" => 1e-3,
        "ms" => 1.0,
        _ => 1e3,
    };
    digits.parse::<f64>().unwrap_or(f64::MAX) * unit
}

/// 64 bits of a text: multiplied and mixed eight octets at a time.
fn hash(octets: &[u8]) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for chunk in octets.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        state = (state ^ u64::from_le_bytes(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        state ^= state >> 29;
    }
    (state ^ octets.len() as u64).wrapping_mul(0xBF58_476D_1CE4_E5B9)
}

const _: () = assert!(Wall::NEVER.millis() == u64::MAX);
