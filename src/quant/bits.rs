//! Codes of a few bits each, packed into bytes without gaps, from the lowest bit up: the first of two 4-bit codes is the
//! lower half of its byte, as in ONNX, and a code of 8, 16 or 32 bits is little-endian.

/// Bytes that `count` codes of `bits` bits take.
pub fn packed_len(count: usize, bits: u32) -> usize {
    (count as u64 * u64::from(bits)).div_ceil(8) as usize
}

/// Packs the lowest `bits` (1 to 32) of each code; what is left of the last byte is 0.
pub fn pack(codes: &[u32], bits: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(packed_len(codes.len(), bits));
    let (mut waiting, mut filled) = (0_u64, 0);
    for &code in codes {
        waiting |= (u64::from(code) & ((1 << bits) - 1)) << filled;
        filled += bits;
        while filled >= 8 {
            bytes.push(waiting as u8);
            waiting >>= 8;
            filled -= 8;
        }
    }
    if filled > 0 {
        bytes.push(waiting as u8);
    }
    bytes
}

/// The codes of `bits` bits (1 to 32) that fit into `bytes` as a whole, and whatever bits are left.
pub fn unpack(bytes: &[u8], bits: u32) -> (Vec<u32>, u32) {
    let mut codes = Vec::with_capacity((bytes.len() as u64 * 8 / u64::from(bits)) as usize);
    let (mut waiting, mut filled) = (0_u64, 0);
    for &byte in bytes {
        waiting |= u64::from(byte) << filled;
        filled += 8;
        while filled >= bits {
            codes.push((waiting & ((1 << bits) - 1)) as u32);
            waiting >>= bits;
            filled -= bits;
        }
    }
    (codes, waiting as u32)
}
