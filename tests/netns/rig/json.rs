//! As much of JSON as the lists of understudyctl need: an array of flat objects. Anything else is an error.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// One object: keys to values as text; `null` is the empty text.
pub(crate) type Row = BTreeMap<String, String>;

/// Reads an array of flat objects, and nothing behind it.
pub(crate) fn parse_rows(text: &str) -> Result<Vec<Row>, String> {
    let mut rest = text.chars().peekable();
    let mut rows = Vec::new();
    expect(&mut rest, '[')?;
    if !eat(&mut rest, ']') {
        loop {
            rows.push(row(&mut rest)?);
            if !eat(&mut rest, ',') {
                break;
            }
        }
        expect(&mut rest, ']')?;
    }
    skip_space(&mut rest);
    rest.next().map_or(Ok(rows), |found| Err(format!("{found:?} behind the array")))
}

fn row(rest: &mut Peekable<Chars<'_>>) -> Result<Row, String> {
    let mut row = Row::new();
    expect(rest, '{')?;
    if eat(rest, '}') {
        return Ok(row);
    }
    loop {
        expect(rest, '"')?;
        let key = string(rest)?;
        expect(rest, ':')?;
        let value = if eat(rest, '"') { string(rest)? } else { word(rest)? };
        if row.insert(key.clone(), value).is_some() {
            return Err(format!("{key:?} stands twice in an object"));
        }
        if !eat(rest, ',') {
            expect(rest, '}')?;
            return Ok(row);
        }
    }
}

/// The rest of a string whose opening quote is gone.
fn string(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    let mut text = String::new();
    loop {
        match rest.next().ok_or("a string without an end")? {
            '"' => return Ok(text),
            '\\' => text.push(escape(rest)?),
            control if control < ' ' => return Err("a control character in a string".into()),
            plain => text.push(plain),
        }
    }
}

fn escape(rest: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    match rest.next() {
        Some('n') => Ok('\n'),
        Some('t') => Ok('\t'),
        Some('r') => Ok('\r'),
        Some('b') => Ok('\u{8}'),
        Some('f') => Ok('\u{c}'),
        Some('u') => {
            let digits: String = rest.by_ref().take(4).collect();
            let number = u32::from_str_radix(&digits, 16).map_err(|error| format!("\\u{digits}: {error}"))?;
            Ok(char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
        }
        Some(other @ ('"' | '\\' | '/')) => Ok(other),
        other => Err(format!("escape {other:?}")),
    }
}

/// A number, or a word of the language.
fn word(rest: &mut Peekable<Chars<'_>>) -> Result<String, String> {
    skip_space(rest);
    let mut text = String::new();
    while let Some(next) = rest.next_if(|next| next.is_ascii_alphanumeric() || "+-.".contains(*next)) {
        text.push(next);
    }
    match text.as_str() {
        "null" => Ok(String::new()),
        "true" | "false" => Ok(text),
        number if number.parse::<f64>().is_ok() => Ok(text),
        other => Err(format!("{other:?} is no value")),
    }
}

fn expect(rest: &mut Peekable<Chars<'_>>, wanted: char) -> Result<(), String> {
    if eat(rest, wanted) { Ok(()) } else { Err(format!("{wanted:?} is missing before {:?}", rest.peek())) }
}

fn eat(rest: &mut Peekable<Chars<'_>>, wanted: char) -> bool {
    skip_space(rest);
    rest.next_if_eq(&wanted).is_some()
}

fn skip_space(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|next| next.is_ascii_whitespace()).is_some() {}
}
