//! Finds functions in code that `split` has freed of comments and literals.

use crate::split::{closing, is_word, line_of};

/// One function, method or trait method.
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// The 1-based line of its `fn`.
    pub(crate) line: usize,
    /// Lines from its `fn` to its closing brace; 1 for a declaration without a body.
    pub(crate) lines: usize,
    /// Its parameters without `self`, as written, with blanks run together.
    pub(crate) parameters: Vec<String>,
}

/// All functions of `code`, in order; functions inside functions are listed too.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(offset) = code[from..].find("fn ") {
        let at = from + offset;
        from = at + 3;
        if at > 0 && is_word(bytes[at - 1]) {
            continue;
        }
        if let Some(function) = function(code, at) {
            found.push(function);
        }
    }
    found
}

fn function(code: &str, at: usize) -> Option<Function> {
    let bytes = code.as_bytes();
    let mut end = at + 3;
    while is_word(*bytes.get(end)?) {
        end += 1;
    }
    let name = code[at + 3..end].to_owned();
    if name.is_empty() {
        return None;
    }
    if bytes[end] == b'<' {
        end = generics(bytes, end)?;
    }
    if bytes[end] != b'(' {
        return None;
    }
    let close = closing(bytes, end)?;
    let parameters = arguments(&code[end + 1..close - 1]);
    let last = body_end(bytes, close)?;
    let line = line_of(code, at);
    Some(Function { name, line, lines: line_of(code, last) - line + 1, parameters })
}

/// The offset behind `<...>`; the `>` of an arrow does not count.
fn generics(bytes: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for at in open..bytes.len() {
        match bytes[at] {
            b'<' => depth += 1,
            b'>' if bytes[at - 1] != b'-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

/// The offset of the brace or semicolon that ends the function whose parameters end at `from`.
fn body_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match *bytes.get(at)? {
            b';' => return Some(at),
            b'{' => return closing(bytes, at).map(|end| end - 1),
            b'(' | b'[' => at = closing(bytes, at)?,
            _ => at += 1,
        }
    }
}

fn arguments(list: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0_i32;
    let mut before = ' ';
    for letter in list.chars() {
        match letter {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if before == '-' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            _ => {}
        }
        before = letter;
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    let words = parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|part| !part.is_empty() && !is_self(part)).collect()
}

fn is_self(parameter: &str) -> bool {
    let name = parameter.split(':').next().unwrap_or(parameter).trim();
    name.rsplit([' ', '&']).next() == Some("self")
}
