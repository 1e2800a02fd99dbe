//! A small seeded generator (SplitMix64), so that each run of a test sees the same values.

/// A stream of numbers that depends on the seed alone.
pub(crate) struct Seeded(u64);

impl Seeded {
    /// The stream of `seed`.
    pub(crate) fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number under `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.number() % u64::try_from(bound).unwrap()).unwrap()
    }

    /// Any octet.
    pub(crate) fn octet(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }

    /// `length` octets.
    pub(crate) fn octets(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.octet()).collect()
    }

    /// `length` octets, none of them NUL.
    pub(crate) fn text(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| b'a' + self.octet() % 26).collect()
    }

    /// True once in `times`.
    pub(crate) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// The stream is what the published algorithm gives for seed 0.
#[test]
fn the_generator_is_splitmix64() {
    let mut seeded = Seeded::new(0);
    assert_eq!(seeded.number(), 0xe220_a839_7b1d_cdaf);
    assert_eq!(seeded.number(), 0x6e78_9e6a_a1b9_65f4);
}
