//! Rounding half to even, by an addition.

use core::{arch::wasm32::*, hint::black_box};

/// Adding this to a float between −2^22 and 2^22 rounds it half to even to a whole number, which is then found in the
/// lowest bits (1.5 · 2^23, where neighbouring floats are 1 apart).
const ROUND: f32 = 12_582_912.0;

/// The constant of the rounding, hidden from the compiler: an engine builds a constant anew (four instructions) at each
/// place that names it, but keeps or loads a value.
#[derive(Clone, Copy)]
pub struct Round {
    constant: v128,
}

impl Round {
    #[inline(always)]
    pub fn new() -> Self {
        Self { constant: f32x4_splat(black_box(ROUND)) }
    }

    /// The nearest integers, halves to even; of values between −2^22 and 2^22.
    #[inline(always)]
    pub fn nearest(&self, real: v128) -> v128 {
        i32x4_sub(f32x4_add(real, self.constant), self.constant)
    }
}
