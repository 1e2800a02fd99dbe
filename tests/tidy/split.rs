//! Splits Rust source into code and comments without parsing it: enough of a lexer to tell what is text.
//!
//! Both halves have the length and the lines of the whole; what belongs to the other half is blanked, and so
//! are the insides of string and character literals. So a word found at an offset stands on that line.

/// The two halves of a source file.
pub(crate) struct Split {
    /// Everything but comments; literals are empty, their quotes stay.
    pub(crate) code: String,
    /// The comments alone, with their slashes.
    pub(crate) comments: String,
}

enum Region {
    Code,
    Comment,
    /// A literal whose text begins after `opening` octets and ends `closing` octets before its end.
    Literal {
        opening: usize,
        closing: usize,
    },
}

/// Splits `text`; what is not well-formed Rust is taken as code.
pub(crate) fn split(text: &str) -> Split {
    let bytes = text.as_bytes();
    let mut code = blank(bytes);
    let mut comments = blank(bytes);
    let mut at = 0;
    while at < bytes.len() {
        let (end, region) = region(bytes, at);
        match region {
            Region::Code => code[at..end].copy_from_slice(&bytes[at..end]),
            Region::Comment => comments[at..end].copy_from_slice(&bytes[at..end]),
            Region::Literal { opening, closing } => {
                code[at..at + opening].copy_from_slice(&bytes[at..at + opening]);
                code[end - closing..end].copy_from_slice(&bytes[end - closing..end]);
            }
        }
        at = end;
    }
    Split { code: into_text(code), comments: into_text(comments) }
}

/// The code without its `#[cfg(test)] mod` blocks, which are blanked.
pub(crate) fn without_tests(code: &str) -> String {
    let mut bytes = code.as_bytes().to_vec();
    let mark = "#[cfg(test)]";
    let mut from = 0;
    while let Some(found) = code[from..].find(mark) {
        let start = from + found;
        from = start + mark.len();
        if !code[from..].trim_start().starts_with("mod ") {
            continue;
        }
        let Some(open) = code[from..].find(['{', ';']) else { continue };
        let end = closing(code.as_bytes(), from + open).unwrap_or(code.len());
        for byte in &mut bytes[start..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        from = end;
    }
    into_text(bytes)
}

/// The offset behind the bracket that closes the one at `open`; `None` when it is never closed or no bracket.
pub(crate) fn closing(code: &[u8], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (offset, byte) in code[open..].iter().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return Some(open + offset + 1);
        }
    }
    None
}

/// Whether `byte` may stand in an identifier.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The 1-based line of an offset.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn blank(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| if *byte == b'\n' { b'\n' } else { b' ' }).collect()
}

fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

fn region(bytes: &[u8], at: usize) -> (usize, Region) {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        return (at + end, Region::Comment);
    }
    if rest.starts_with(b"/*") {
        return (at + block_comment(rest), Region::Comment);
    }
    if rest[0] == b'\'' {
        if let Some(length) = character(rest) {
            return (at + length, Region::Literal { opening: 1, closing: 1 });
        }
    } else if (at == 0 || !is_word(bytes[at - 1]))
        && let Some((length, opening, closing)) = string(rest)
    {
        return (at + length, Region::Literal { opening, closing });
    }
    (at + 1, Region::Code)
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at + 1 < rest.len() {
        match &rest[at..at + 2] {
            b"/*" => depth += 1,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// Length of the character literal at the start of `rest`; `None` for a lifetime.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(close + 4);
    }
    let close = rest.iter().skip(2).take(4).position(|byte| *byte == b'\'')? + 2;
    let inner = std::str::from_utf8(&rest[1..close]).ok()?;
    (inner.chars().count() == 1).then_some(close + 1)
}

/// Length, opening and closing of the string literal at the start of `rest`.
fn string(rest: &[u8]) -> Option<(usize, usize, usize)> {
    let prefix = rest.iter().take(2).take_while(|byte| matches!(byte, b'b' | b'c' | b'r')).count();
    let raw = rest[..prefix].contains(&b'r');
    let hashes = if raw { rest[prefix..].iter().take_while(|byte| **byte == b'#').count() } else { 0 };
    let opening = prefix + hashes + 1;
    if rest.get(opening - 1) != Some(&b'"') {
        return None;
    }
    let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
    let mut at = opening;
    while at < rest.len() {
        if !raw && rest[at] == b'\\' {
            at += 2;
        } else if rest[at..].starts_with(&end) {
            return Some((at + end.len(), opening, end.len()));
        } else {
            at += 1;
        }
    }
    Some((rest.len(), opening, 0))
}
