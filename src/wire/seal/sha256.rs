//! SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104).

/// Octets of a block.
const BLOCK: usize = 64;

/// Fractional parts of the cube roots of the first 64 primes (FIPS 180-4 section 4.2.2).
const ROUNDS: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
];

/// Fractional parts of the square roots of the first 8 primes (FIPS 180-4 section 5.3.3).
const START: [u32; 8] =
    [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

/// A hash under way.
#[derive(Clone, Copy)]
pub(super) struct Sha256 {
    state: [u32; 8],
    block: [u8; BLOCK],
    held: usize,
    octets: u64,
}

impl Sha256 {
    /// Of nothing yet.
    pub(super) const fn new() -> Sha256 {
        Sha256 { state: START, block: [0; BLOCK], held: 0, octets: 0 }
    }

    /// Goes on with `bytes`.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.octets = self.octets.wrapping_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let mut rest = bytes;
        if self.held > 0 {
            rest = self.fill(rest);
            if self.held < BLOCK {
                return;
            }
            compress(&mut self.state, &self.block);
            self.held = 0;
        }
        let (blocks, rest) = rest.as_chunks::<BLOCK>();
        for block in blocks {
            compress(&mut self.state, block);
        }
        self.fill(rest);
    }

    /// The hash of all that went in.
    pub(super) fn finish(mut self) -> [u8; 32] {
        let bits = self.octets.wrapping_mul(8);
        self.fill(&[0x80]);
        if self.held > BLOCK - 8 {
            self.fill(&[0; BLOCK]);
        }
        if self.held == BLOCK {
            compress(&mut self.state, &self.block);
            self.held = 0;
        }
        self.fill(&[0; BLOCK]);
        if let Some(length) = self.block.last_chunk_mut() {
            *length = bits.to_be_bytes();
        }
        compress(&mut self.state, &self.block);
        let mut hash = [0; 32];
        for (octets, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *octets = word.to_be_bytes();
        }
        hash
    }

    /// Fills the block up from `bytes`; returns those for which there is no room.
    fn fill<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let room = BLOCK.saturating_sub(self.held).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        for (place, octet) in self.block.iter_mut().skip(self.held).zip(taken) {
            *place = *octet;
        }
        self.held = self.held.saturating_add(taken.len());
        rest
    }
}

/// One block into the state (FIPS 180-4 section 6.2.2). The schedule is kept as its 16 newest words.
fn compress(state: &mut [u32; 8], block: &[u8; BLOCK]) {
    let mut schedule = [0; 16];
    for (word, octets) in schedule.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*octets);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for constant in ROUNDS {
        let [w0, w1, .., w9, _, _, _, _, w14, _] = schedule;
        let large_e = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let first = h.wrapping_add(large_e).wrapping_add(choice).wrapping_add(constant).wrapping_add(w0);
        let large_a = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let majority = (a & b) ^ (a & c) ^ (b & c);
        let second = large_a.wrapping_add(majority);
        (h, g, f, e) = (g, f, e, d.wrapping_add(first));
        (d, c, b, a) = (c, b, a, first.wrapping_add(second));

        let small_1 = w1.rotate_right(7) ^ w1.rotate_right(18) ^ (w1 >> 3);
        let small_14 = w14.rotate_right(17) ^ w14.rotate_right(19) ^ (w14 >> 10);
        let next = w0.wrapping_add(small_1).wrapping_add(w9).wrapping_add(small_14);
        schedule.rotate_left(1);
        if let Some(last) = schedule.last_mut() {
            *last = next;
        }
    }
    for (word, value) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(value);
    }
}

/// HMAC-SHA-256 with a key whose two blocks are hashed already.
#[derive(Clone, Copy)]
pub(super) struct Mac {
    inner: Sha256,
    outer: Sha256,
}

impl Mac {
    /// With this key; one over a block is hashed first (RFC 2104 section 2).
    pub(super) fn new(key: &[u8]) -> Mac {
        let mut block = [0; BLOCK];
        let hashed = super::digest(key);
        let key = if key.len() > BLOCK { &hashed } else { key };
        for (place, octet) in block.iter_mut().zip(key) {
            *place = *octet;
        }
        let begun = |pad: u8| {
            let mut hash = Sha256::new();
            hash.update(&block.map(|octet| octet ^ pad));
            hash
        };
        Mac { inner: begun(0x36), outer: begun(0x5c) }
    }

    /// The code of `bytes`.
    pub(super) fn tag(&self, bytes: &[u8]) -> [u8; 32] {
        let mut inner = self.inner;
        inner.update(bytes);
        let mut outer = self.outer;
        outer.update(&inner.finish());
        outer.finish()
    }
}
