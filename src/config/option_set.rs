//! SKELETON (owner: config helper). Encoded option values by code.

/// Options by code, values as on the wire, sorted by code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OptionSet { entries: Vec<(u8, Box<[u8]>)> }
impl OptionSet {
    #[must_use] pub fn get(&self, code: u8) -> Option<&[u8]> {
        self.entries.binary_search_by_key(&code, |e| e.0).ok().map(|i| &*self.entries[i].1)
    }
    pub fn iter(&self) -> impl Iterator<Item = (u8, &[u8])> { self.entries.iter().map(|(c, v)| (*c, &**v)) }
    pub fn insert(&mut self, code: u8, value: Box<[u8]>) { let _ = (code, value); unimplemented!() }
}
