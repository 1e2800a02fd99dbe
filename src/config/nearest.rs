//! The known name nearest to a misspelt one, for "did you mean".

/// Names longer than this are not compared: the table of distances stays small.
const NAME_MAX: usize = 64;

/// The candidate with the fewest edits from `name`, case aside; `None` when nothing is near.
///
/// An edit is a character put in, left out, changed, or two neighbours swapped. Near is at most a third of the
/// length of
/// `name`, and at least 2 edits.
pub(super) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > NAME_MAX {
        return None;
    }
    let bound = (name.len() / 3).max(2);
    let name = name.to_ascii_lowercase();
    candidates
        .filter(|candidate| candidate.len().abs_diff(name.len()) <= bound)
        .map(|candidate| (edits(name.as_bytes(), candidate.to_ascii_lowercase().as_bytes()), candidate))
        .filter(|(distance, _)| *distance <= bound)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Optimal string alignment distance; three rows of the table are kept.
fn edits(from: &[u8], to: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = Vec::with_capacity(to.len() + 1);
        row.push(i + 1);
        for (j, b) in to.iter().enumerate() {
            let mut best = (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_misspelt_name_finds_its_neighbour_and_a_strange_one_finds_none() {
        let names = ["PollDelay", "PollRetryMax", "DhcpPort"];
        assert_eq!(nearest("PolDelay", names.into_iter()), Some("PollDelay"));
        assert_eq!(nearest("dhcpprot", names.into_iter()), Some("DhcpPort"));
        assert_eq!(nearest("PoolDelay", names.into_iter()), Some("PollDelay"));
        assert_eq!(nearest("Colour", names.into_iter()), None);
        assert_eq!(nearest("", names.into_iter()), None);
    }
}
