//! Rounding to f16, bf16 and TF32, by integer arithmetic on the bits. Infinities stay what they are, a number beyond the
//! largest becomes one, and NaN stays NaN. Held by `tests/suite/formats.rs`, against the `half` crate and PyTorch.

const EXPONENT: u32 = 0x7F80_0000;
/// Bits of an f32's mantissa beyond TF32's.
pub(super) const TF32_DROPPED: u32 = 13;

/// The bits of the f16 nearest to `x`, ties to even; subnormals included.
pub fn to_f16(x: f32) -> u16 {
    let bits = x.to_bits();
    let (sign, magnitude) = (bits >> 16 & 0x8000, bits & !(1 << 31));
    let rounded = if magnitude > EXPONENT {
        // The payload of a NaN as far as there is room, made quiet.
        0x7E00 | magnitude >> 13 & 0x3FF
    } else if magnitude >= 0x4780_0000 {
        0x7C00 // 65,536 and more
    } else if magnitude >= 0x3880_0000 {
        // Normal: the exponent's bias goes from 127 to 15. Rounding up may carry into it, to infinity too, as it should.
        shift_to_even(magnitude - (112 << 23), 13)
    } else if magnitude >= 0x3300_0000 {
        // Subnormal: the mantissa with its leading 1, in units of 2^-24.
        shift_to_even(magnitude & 0x007F_FFFF | 0x0080_0000, 126 - (magnitude >> 23))
    } else {
        0 // 2^-25 lies in the branch above; below it there is nothing but 0
    };
    (sign | rounded) as u16
}

/// The f16 of these bits, exactly.
pub fn from_f16(bits: u16) -> f32 {
    let (sign, magnitude) = (u32::from(bits & 0x8000) << 16, u32::from(bits & 0x7FFF));
    let widened = match magnitude {
        0..0x400 => (magnitude as f32 / (1 << 24) as f32).to_bits(),
        0x400..0x7C00 => (magnitude << 13) + (112 << 23),
        _ => magnitude << 13 | EXPONENT,
    };
    f32::from_bits(sign | widened)
}

/// The bits of the bf16 nearest to `x`, ties to even.
pub fn to_bf16(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() { (bits >> 16 | 0x40) as u16 } else { shift_to_even(bits, 16) as u16 }
}

/// The bf16 of these bits, exactly.
pub fn from_bf16(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// `x` rounded to TF32, ties away from zero: what the GPU instruction `cvt.rna.tf32.f32` does (NVIDIA PTX ISA).
pub fn to_tf32(x: f32) -> f32 {
    keep_tf32(x, |bits| (bits + (1 << (TF32_DROPPED - 1))) >> TF32_DROPPED)
}

/// The same with ties to even (`cvt.rn`), for comparison.
pub fn to_tf32_even(x: f32) -> f32 {
    keep_tf32(x, |bits| shift_to_even(bits, TF32_DROPPED))
}

/// The same rounded towards zero (`cvt.rz`, and what tensor cores do to an f32 that nobody rounded), for comparison.
pub fn to_tf32_truncated(x: f32) -> f32 {
    keep_tf32(x, |bits| bits >> TF32_DROPPED)
}

#[inline(always)]
fn keep_tf32(x: f32, shift: impl Fn(u32) -> u32) -> f32 {
    let finite = x.to_bits() & EXPONENT != EXPONENT;
    if finite { f32::from_bits(shift(x.to_bits()) << TF32_DROPPED) } else { x }
}

/// `bits / 2^shift`, rounded to the nearest integer, ties to even; `shift` from 1 to 24 and `bits` below 2^32 − 2^23.
fn shift_to_even(bits: u32, shift: u32) -> u32 {
    let odd = bits >> shift & 1;
    (bits + (1 << (shift - 1)) - 1 + odd) >> shift
}
