//! The relaxed instructions, and how this engine reads them.

use core::{arch::wasm32::*, hint::black_box};

use super::{DotPath, simd128::unit::Unit};

/// Four bytes times four bytes a lane, added to 32-bit sums, in one instruction.
pub struct RelaxedDot;

impl Unit for RelaxedDot {
    const INPUTS: usize = 4;
    const WEIGHT_BYTES: usize = 16;
    const ONE_INSTRUCTION: bool = true;
    const ANY_ORDER: bool = true;
    const GROUP: usize = 6;

    #[inline(always)]
    fn step(sum: v128, weights: v128, word: v128) -> v128 {
        i32x4_relaxed_dot_i8x16_i7x16_add(weights, word, sum)
    }
}

/// f32 multiply-add that may round once or twice.
pub struct FusedMulAdd;

impl Unit for FusedMulAdd {
    const INPUTS: usize = 1;
    const WEIGHT_BYTES: usize = 16;
    const ONE_INSTRUCTION: bool = true;
    const ANY_ORDER: bool = false;
    const GROUP: usize = 2;

    #[inline(always)]
    fn step(sum: v128, weights: v128, word: v128) -> v128 {
        f32x4_relaxed_madd(word, weights, sum)
    }
}

/// Which path is exact for activations over 127: asks the engine, with products that tell all readings apart
/// (127 · 255 four times: 129,540 unsigned, −508 signed, 65,534 when pairs saturate at 32,767). Every other reading,
/// too, is answered by the path that needs no relaxed instruction.
pub fn probe<U: Unit>() -> DotPath {
    let ask = |weight: i8, activation: u8| -> i32 {
        let (weights, words) = (black_box(i8x16_splat(weight)), black_box(u8x16_splat(activation)));
        i32x4_extract_lane::<0>(U::step(i32x4_splat(0), weights, words))
    };
    let answers = |reading: fn(u8) -> i32| {
        [(127, 255), (-127, 255), (-128, 255), (127, 128), (-128, 128), (1, 200)]
            .into_iter()
            .all(|(w, x)| ask(w, x) == 4 * i32::from(w) * reading(x))
    };
    if answers(i32::from) {
        DotPath::Unsigned
    } else if answers(|x| i32::from(x as i8)) {
        DotPath::Signed
    } else {
        DotPath::Pairs
    }
}
