//! Requantizing without floating point, for comparison: a 31-bit multiplier and a shift, as gemmlowp and TensorFlow Lite do
//! (Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018,
//! section 2.2; gemmlowp's `fixedpoint.h`). Ties are rounded away from zero, twice, so it is not ONNX Runtime's result
//! to the bit; Quantpad's own models use [`affine::requantize_u8`](super::affine::requantize_u8). Held by
//! `tests/golden`.

/// A factor as `multiplier · 2^(shift - 31)`, `multiplier` in 2^30..2^31.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedPoint {
    /// 31 bits.
    pub multiplier: i32,
    /// Shift to the left; negative ones are to the right.
    pub shift: i32,
}

impl FixedPoint {
    /// Nearest to `factor`; 0 for 0 and for what is too small, negative or not finite.
    pub fn new(factor: f64) -> Self {
        let zero = Self { multiplier: 0, shift: 0 };
        if !factor.is_finite() || factor < f64::from(f32::MIN_POSITIVE) {
            return zero;
        }
        let (share, mut shift) = libm::frexp(factor);
        // Half away from zero, as C's round() in the published code.
        let mut multiplier = (share * f64::from(1_u32 << 31) + 0.5) as i64;
        if multiplier == 1 << 31 {
            multiplier /= 2;
            shift += 1;
        }
        if shift < -31 { zero } else { Self { multiplier: multiplier as i32, shift } }
    }

    /// `value · factor`, rounded; saturates.
    pub fn multiply(self, value: i32) -> i32 {
        let shifted = i64::from(value) << self.shift.clamp(0, 31);
        let shifted = shifted.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
        let product = saturating_rounding_doubling_high_mul(shifted, self.multiplier);
        rounding_divide_by_pot(product, (-self.shift).clamp(0, 31) as u32)
    }

    /// A sum of products as the next layer's u8.
    pub fn requantize_u8(self, sum: i32, zero_point: u8) -> u8 {
        self.multiply(sum).saturating_add(zero_point.into()).clamp(0, 255) as u8
    }
}

/// The upper 32 bits of `2ab`, rounded to the nearest; −2^31 squared saturates.
pub fn saturating_rounding_doubling_high_mul(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    // Division rounds towards zero, which a shift would not.
    ((product + nudge) / (1 << 31)) as i32
}

/// `x / 2^exponent`, rounded to the nearest, ties away from zero; `exponent` from 0 to 31.
pub fn rounding_divide_by_pot(x: i32, exponent: u32) -> i32 {
    let mask = ((1_i64 << exponent) - 1) as i32;
    let threshold = (mask >> 1) + i32::from(x < 0);
    (x >> exponent) + i32::from(x & mask > threshold)
}
