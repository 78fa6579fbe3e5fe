//! The instructions that multiply: one activation word (four bytes) times the weights of four outputs.

use core::arch::wasm32::*;

/// One step of a sum: `sum[lane] += word · weights[lane]` in each of four 32-bit lanes.
pub trait Unit {
    /// Inputs in an activation word.
    const INPUTS: usize;
    /// Bytes of the stored weights of one step and four outputs.
    const WEIGHT_BYTES: usize;
    /// Multiplying and adding is one instruction: its latency must be hidden by more sums, and no register is needed
    /// for the product.
    const ONE_INSTRUCTION: bool;
    /// Sums may be taken in any order (they are integers); else a single row's are taken in two parts.
    const ANY_ORDER: bool;
    /// Full panels of a single row that are summed side by side: 6, or 2 in two parts.
    const GROUP: usize;

    /// The step; `word` is the activation word in all four lanes.
    fn step(sum: v128, weights: v128, word: v128) -> v128;

    /// Loads [`Unit::WEIGHT_BYTES`]: a whole vector, or half a one that is widened to 16 bits.
    ///
    /// # Safety
    /// `at` must have as many readable bytes.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn load(at: *const u8) -> v128 {
        // SAFETY: promised by the caller.
        unsafe { if Self::WEIGHT_BYTES == 16 { v128_load(at.cast()) } else { i16x8_load_extend_i8x8(at.cast()) } }
    }

    /// The sum of two parts.
    #[inline(always)]
    fn plus(a: v128, b: v128) -> v128 {
        if Self::ANY_ORDER { i32x4_add(a, b) } else { f32x4_add(a, b) }
    }
}

/// f32: multiply, round, add, round.
pub struct MulAdd;

impl Unit for MulAdd {
    const INPUTS: usize = 1;
    const WEIGHT_BYTES: usize = 16;
    const ONE_INSTRUCTION: bool = false;
    const ANY_ORDER: bool = false;
    const GROUP: usize = 2;

    #[inline(always)]
    fn step(sum: v128, weights: v128, word: v128) -> v128 {
        f32x4_add(sum, f32x4_mul(word, weights))
    }
}

/// i16 activations times i8 weights that are widened as they are loaded: half the memory, and no slower than weights
/// kept in 16 bits (92 % against 97 % of the ceiling for large matrices, more where memory is the limit).
pub struct Pairs;

impl Unit for Pairs {
    const INPUTS: usize = 2;
    const WEIGHT_BYTES: usize = 8;
    const ONE_INSTRUCTION: bool = false;
    const ANY_ORDER: bool = true;
    const GROUP: usize = 2;

    #[inline(always)]
    fn step(sum: v128, weights: v128, word: v128) -> v128 {
        i32x4_add(sum, i32x4_dot_i16x8(word, weights))
    }
}
