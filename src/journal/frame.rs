//! SKELETON (owner: journal helper). Frames: `length, crc32(length + payload), payload`.

/// Appends one frame to `out`; `encode` appends the payload.
pub fn append(out: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 8]);
    encode(out);
    let _ = start;
    unimplemented!()
}
