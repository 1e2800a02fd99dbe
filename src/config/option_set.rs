//! Encoded option values by code, as a section of the configuration gives them.

/// Options by code, values as on the wire (not split: the emitter splits what is over 255 octets), sorted by code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionSet {
    entries: Vec<(u8, Box<[u8]>)>,
}

impl OptionSet {
    /// The value of the option `code`.
    #[must_use]
    pub fn get(&self, code: u8) -> Option<&[u8]> {
        let index = self.place(code).ok()?;
        self.entries.get(index).map(|(_, value)| &**value)
    }

    /// All options by ascending code.
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> {
        self.entries.iter().map(|(code, value)| (*code, &**value))
    }

    /// Sets the option `code`; a value that was there is replaced.
    pub fn insert(&mut self, code: u8, value: Box<[u8]>) {
        match self.place(code) {
            Ok(index) => self.entries[index].1 = value,
            Err(index) => self.entries.insert(index, (code, value)),
        }
    }

    /// How many options it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// These options with those of a narrower section put over them.
    #[must_use]
    pub fn overlaid(&self, narrower: &OptionSet) -> OptionSet {
        let mut merged = self.clone();
        for (code, value) in narrower.iter() {
            merged.insert(code, value.into());
        }
        merged
    }

    /// Where `code` stands, or would.
    fn place(&self, code: u8) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&code, |entry| entry.0)
    }
}

impl FromIterator<(u8, Box<[u8]>)> for OptionSet {
    /// The last value of a code counts.
    fn from_iter<I: IntoIterator<Item = (u8, Box<[u8]>)>>(options: I) -> OptionSet {
        let mut set = OptionSet::default();
        for (code, value) in options {
            set.insert(code, value);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::OptionSet;

    #[test]
    fn a_narrower_section_replaces_and_adds_options() {
        let wide: OptionSet = [(6, vec![1].into()), (3, vec![2].into())].into_iter().collect();
        let narrow: OptionSet = [(6, vec![9].into()), (15, vec![8].into())].into_iter().collect();
        let merged = wide.overlaid(&narrow);
        let codes: Vec<(u8, &[u8])> = merged.iter().collect();
        assert_eq!(codes, [(3, [2].as_slice()), (6, &[9]), (15, &[8])]);
        assert_eq!(wide.get(6), Some([1].as_slice()));
        assert_eq!(merged.get(7), None);
        assert_eq!((merged.len(), merged.is_empty()), (3, false));
    }
}
