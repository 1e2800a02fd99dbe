//! Domain names as octets: plain (RFC 1035 section 3.1) and compressed (RFC 1035 section 4.1.4, RFC 3397 section 2).

use super::text;

/// Longest name on the wire, with its length octets and the root (RFC 1035 section 2.3.4).
const NAME_OCTETS_MAX: usize = 255;
/// A compression pointer has 14 bits for its offset.
const POINTER_MAX: usize = 0x3fff;

/// One name, not compressed.
///
/// # Errors
/// A label is empty, over 63 octets or holds other than letters, digits, hyphens and underscores; or the name is over
/// 255 octets.
pub(super) fn encode(name: &str) -> Result<Vec<u8>, String> {
    let mut octets = Vec::with_capacity(name.len() + 2);
    for label in labels(name)? {
        push_label(&mut octets, label);
    }
    octets.push(0);
    Ok(octets)
}

/// Names one after another, not compressed.
pub(super) fn encode_all(names: &[String]) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    for name in names {
        octets.extend(encode(name)?);
    }
    Ok(octets)
}

/// Names one after another; a suffix that stood before becomes a pointer, counted from the start of the value.
/// Pointers so
/// only ever point back (RFC 3397 section 2).
pub(super) fn encode_search(names: &[String]) -> Result<Vec<u8>, String> {
    let mut octets = Vec::new();
    let mut seen: Vec<(String, u16)> = Vec::new();
    for name in names {
        let labels = labels(name)?;
        let mut pointer = None;
        for (index, label) in labels.iter().enumerate() {
            let suffix = labels.get(index..).unwrap_or_default().join(".").to_ascii_lowercase();
            if let Some((_, offset)) = seen.iter().find(|(known, _)| *known == suffix) {
                pointer = Some(*offset);
                break;
            }
            if octets.len() <= POINTER_MAX {
                seen.push((suffix, u16::try_from(octets.len()).unwrap_or(u16::MAX)));
            }
            push_label(&mut octets, label);
        }
        match pointer {
            Some(offset) => octets.extend((0xc000 | offset).to_be_bytes()),
            None => octets.push(0),
        }
    }
    Ok(octets)
}

fn labels(name: &str) -> Result<Vec<&str>, String> {
    if !text::is_domain_name(name) || name.len() > NAME_OCTETS_MAX - 2 {
        return Err(format!("{name} is not a domain name"));
    }
    Ok(name.strip_suffix('.').unwrap_or(name).split('.').collect())
}

/// `label` is at most 63 octets long: [`labels`] has seen to that.
fn push_label(octets: &mut Vec<u8>, label: &str) {
    octets.push(u8::try_from(label.len()).unwrap_or(63));
    octets.extend(label.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::encode_search;

    #[test]
    fn a_shared_suffix_becomes_a_pointer_back_into_the_value() {
        let names = ["eng.apple.com".to_owned(), "marketing.apple.com".to_owned()];
        // The example of RFC 3397 section 2.
        let expected = b"\x03eng\x05apple\x03com\x00\x09marketing\xc0\x04";
        assert_eq!(encode_search(&names).as_deref(), Ok(expected.as_slice()));
    }
}
