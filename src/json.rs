//! Writes JSON (RFC 8259), as far as reports and listings need it. Text of clients is escaped, so that it can neither
//! break a line nor steer a terminal.

use std::fmt::Display;
use std::io::Write;

/// One object that is being written.
#[derive(Debug)]
pub struct Object<'a> {
    out: &'a mut Vec<u8>,
    first: bool,
}

impl<'a> Object<'a> {
    /// Begins an object.
    pub fn begin(out: &'a mut Vec<u8>) -> Object<'a> {
        out.push(b'{');
        Object { out, first: true }
    }

    /// A member with a text.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        string(value, self.out);
    }

    /// A member with a text, or null.
    pub fn optional(&mut self, name: &str, value: Option<&str>) {
        match value {
            Some(value) => self.text(name, value),
            None => {
                self.name(name);
                self.out.extend_from_slice(b"null");
            }
        }
    }

    /// A member with a number.
    pub fn number(&mut self, name: &str, value: u64) {
        self.name(name);
        // Writing to a Vec cannot fail.
        let _ = write!(self.out, "{value}");
    }

    /// A member with a number of either sign, or a truth value: what is written in JSON as it is in Rust.
    pub fn plain(&mut self, name: &str, value: impl Display) {
        self.name(name);
        let _ = write!(self.out, "{value}");
    }

    /// A member with whatever `write` writes: an object, or an array.
    pub fn value(&mut self, name: &str, write: impl FnOnce(&mut Vec<u8>)) {
        self.name(name);
        write(self.out);
    }

    /// A member with an object of numbers.
    pub fn numbers<'b>(&mut self, name: &str, values: impl Iterator<Item = (&'b str, u64)>) {
        self.name(name);
        let mut inner = Object::begin(self.out);
        for (name, value) in values {
            inner.number(name, value);
        }
        inner.end();
    }

    /// Ends the object.
    pub fn end(self) {
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        if !self.first {
            self.out.push(b',');
        }
        self.first = false;
        string(name, self.out);
        self.out.push(b':');
    }
}

/// Writes an array on one line; `write` writes one element.
pub fn array<T>(items: impl Iterator<Item = T>, out: &mut Vec<u8>, mut write: impl FnMut(T, &mut Vec<u8>)) {
    out.push(b'[');
    for (place, item) in items.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

/// Separates the elements of an array, one a line.
pub fn comma(first: &mut bool, out: &mut Vec<u8>) {
    out.extend_from_slice(if *first { b"\n" } else { b",\n" });
    *first = false;
}

/// Writes a text with its quotes.
pub fn string(value: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in value.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            control if control.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// A text with its quotes.
#[must_use]
pub fn quoted(value: &str) -> String {
    let mut out = Vec::with_capacity(value.len() + 2);
    string(value, &mut out);
    // Only whole characters were written.
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped_and_members_separated() {
        let mut out = Vec::new();
        let mut object = Object::begin(&mut out);
        object.text("name", "a\"b\\c\n\u{7f}\u{e9}");
        object.number("count", 7);
        object.optional("none", None);
        object.plain("offset", -3);
        object.plain("here", true);
        object.value("list", |out| array([1, 2].iter(), out, |number, out| out.extend(number.to_string().bytes())));
        object.end();
        let expected = "{\"name\":\"a\\\"b\\\\c\\u000a\\u007f\u{e9}\",\"count\":7,\"none\":null,\"offset\":-3,\
                        \"here\":true,\"list\":[1,2]}";
        assert_eq!(String::from_utf8(out).as_deref(), Ok(expected));
    }
}
