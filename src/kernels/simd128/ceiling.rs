//! What the multipliers can do at most: the instructions of a tile with nothing to load but two weight vectors.
//!
//! A kernel is judged by its share of this figure, measured in the same run: clock and engine drop out.

use core::arch::wasm32::*;

use super::unit::Unit;

/// Runs `steps` steps of a tile from `operands` (at least 32 values) alone; returns a number that depends on all of
/// them, so that none can be left out, and the multiplications done.
pub fn run<U: Unit>(operands: &[f32], steps: usize) -> (i32, usize) {
    if U::ONE_INSTRUCTION { tile::<U, 6, 2>(operands, steps) } else { tile::<U, 4, 2>(operands, steps) }
}

#[allow(unsafe_code)]
#[inline(never)]
fn tile<U: Unit, const R: usize, const P: usize>(operands: &[f32], steps: usize) -> (i32, usize) {
    let operands: &[f32; 32] = operands.first_chunk().expect("32 operands");
    // SAFETY: vectors 0..8 lie in the 32 operands.
    let vector = |v: usize| unsafe { v128_load(operands.as_ptr().cast::<v128>().add(v)) };
    // Each sum from a place of its own, and weights that alternate: nothing is the same twice, or known before the loop.
    let words: [v128; R] = core::array::from_fn(|r| if U::ONE_INSTRUCTION { vector(4) } else { vector(4 + r) });
    let mut sums: [[v128; P]; R] = core::array::from_fn(|r| core::array::from_fn(|p| vector((r * P + p) % 8)));
    for k in 0..steps {
        let weights: [v128; P] = core::array::from_fn(|p| {
            let at = operands[k % 2 * 8 + p * 4..].as_ptr().cast();
            // SAFETY: 16 bytes from one of the first 16 operands on.
            unsafe { U::load(at) }
        });
        for (sums, word) in sums.iter_mut().zip(words) {
            for (sum, weights) in sums.iter_mut().zip(weights) {
                *sum = U::step(*sum, weights, word);
            }
        }
    }
    let all = sums.into_iter().flatten().fold(i32x4_splat(0), |all, sum| v128_xor(all, sum));
    (i32x4_extract_lane::<0>(all), steps * R * P * 4 * U::INPUTS)
}
