//! The Debug text of a server, taken apart: the one view of all that it knows which no field can hide from.

use understudy::wire::failover::{Datagram, parse as parse_datagram};
use understudy::wire::seal::SEAL_OCTETS;

/// Fields that no decision depends on, or that say again what other fields say:
/// counts, log limits, reports and their times; the configuration, which never changes here; what the journal was told
/// last (checked apart); the random generator and the key of hashes; indexes of the lease table.
const LEFT_OUT: [&str; 25] = [
    "watch",
    "counters",
    "limiter",
    "kept",
    "dropped",
    "reports",
    "random",
    "scratch",
    "directory",
    "since",
    "hash_key",
    "last_seen",
    "conflicts",
    "common",
    "settings",
    "by_client",
    "interfaces",
    "own",
    "recent",
    "next_pools",
    "reload",
    "remembered",
    "client_hash",
    "sweep",
    "told",
];

/// A part of a Debug text.
#[derive(Debug)]
pub(crate) enum Node<'a> {
    /// A number, a name, a text.
    Atom(&'a str),
    /// Something with parts, each perhaps with the name of its field or its key.
    Group(&'a str, Vec<(Option<Node<'a>>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Takes a text apart.
    pub(crate) fn read(text: &'a str) -> Node<'a> {
        Reading { text, at: 0 }.value()
    }

    /// The number that this is.
    pub(crate) fn number(&self) -> Option<u64> {
        match self {
            Node::Atom(text) => text.parse().ok(),
            Node::Group(..) => None,
        }
    }

    /// The name that this is.
    pub(crate) fn word(&self) -> &'a str {
        match self {
            Node::Atom(text) => text,
            Node::Group(..) => "",
        }
    }

    /// The part with that name.
    pub(crate) fn part(&self, name: &str) -> Option<&Node<'a>> {
        let Node::Group(_, parts) = self else { return None };
        let named = |part: &&(Option<Node<'_>>, Node<'_>)| part.0.as_ref().is_some_and(|key| key.word() == name);
        parts.iter().find(named).map(|part| &part.1)
    }

    /// The first part with that name, at whatever depth.
    pub(crate) fn find(&self, name: &str) -> Option<&Node<'a>> {
        let Node::Group(_, parts) = self else { return None };
        self.part(name).or_else(|| parts.iter().find_map(|part| part.1.find(name)))
    }

    /// The numbers of a list.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        let Node::Group(_, parts) = self else { return Vec::new() };
        parts.iter().filter_map(|part| part.1.number()).collect()
    }
}

struct Reading<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reading<'a> {
    fn octet(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(b')')
    }

    /// Goes to the end of a name or number.
    fn skip_word(&mut self) {
        let octets = self.text.as_bytes();
        while let Some(octet) = octets.get(self.at) {
            match octet {
                b',' | b'(' | b')' | b'[' | b']' | b'{' | b'}' => return,
                b':' if octets.get(self.at + 1) == Some(&b' ') => return,
                b'"' => {
                    self.at += 1;
                    while octets[self.at] != b'"' {
                        self.at += if octets[self.at] == b'\\' { 2 } else { 1 };
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    fn value(&mut self) -> Node<'a> {
        let start = self.at;
        self.skip_word();
        let word = self.text[start..self.at].trim();
        if !matches!(self.octet(), b'(' | b'[' | b'{') {
            return Node::Atom(word);
        }
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            while matches!(self.octet(), b' ' | b',') {
                self.at += 1;
            }
            if matches!(self.octet(), b')' | b']' | b'}') {
                self.at += 1;
                return Node::Group(word, parts);
            }
            let first = self.value();
            if self.octet() != b':' {
                parts.push((None, first));
                continue;
            }
            self.at += 2;
            if is_left_out(first.word()) {
                self.skip_value();
            } else {
                let value = self.value();
                parts.push((Some(first), value));
            }
        }
    }

    fn skip_value(&mut self) {
        let mut depth = 0;
        loop {
            self.skip_word();
            match self.octet() {
                b'(' | b'[' | b'{' => depth += 1,
                b')' | b']' | b'}' if depth == 0 => return,
                b')' | b']' | b'}' => depth -= 1,
                b',' if depth == 0 => return,
                _ => {}
            }
            self.at += 1;
        }
    }
}

fn is_left_out(name: &str) -> bool {
    let begin = name.as_bytes().first();
    LEFT_OUT.iter().any(|other| other.as_bytes().first() == begin && *other == name)
}

/// What a datagram of our own says.
pub(crate) fn datagram(bytes: &[u8]) -> Datagram<'_> {
    parse_datagram(&bytes[..bytes.len() - SEAL_OCTETS]).expect("a datagram of our own")
}

/// A Debug text comes apart into its parts, whatever it is nested in, and what is left out is left out.
#[test]
fn a_debug_text_is_taken_apart() {
    let text =
        "S { a: Some(Stamp(7)), watch: W { x: [1, (2)], y: \"},\\\"\" }, b: [1, 2], c: {10.0.0.1: 5}, d: 1.5ms }";
    let node = Node::read(text);
    assert!(node.part("watch").is_none());
    assert_eq!(node.part("b").map(Node::numbers), Some(vec![1, 2]));
    assert_eq!(node.part("d").map(Node::word), Some("1.5ms"));
    assert_eq!(
        format!("{:?}", node.part("a")),
        r#"Some(Group("Some", [(None, Group("Stamp", [(None, Atom("7"))]))]))"#
    );
    assert!(node.find("10.0.0.1").is_some());
}
