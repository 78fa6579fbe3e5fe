//! Ranges, rounding, scaling and pooling: a pass over values that lie side by side.

use core::arch::wasm32::*;

use super::round::Round;
pub use crate::kernels::scalar::{max_pool_f32, max_pool_i8, max_pool_i16, max_pool_u8};
use crate::kernels::{LANES, scalar};

/// See [`crate::kernels::min_max`]. Two pairs of running ends, for each waits for the one before it.
#[inline(never)]
pub fn min_max(x: &[f32]) -> (f32, f32) {
    let (blocks, rest) = x.as_chunks::<8>();
    let Some(first) = x.first() else { return (0.0, 0.0) };
    let mut mins = [f32x4_splat(*first); 2];
    let mut maxs = mins;
    for block in blocks {
        for ((min, max), x) in mins.iter_mut().zip(&mut maxs).zip(block.as_chunks().0) {
            let x = load(x);
            *min = f32x4_pmin(*min, x);
            *max = f32x4_pmax(*max, x);
        }
    }
    for x in rest {
        mins[0] = f32x4_pmin(mins[0], f32x4_splat(*x));
        maxs[0] = f32x4_pmax(maxs[0], f32x4_splat(*x));
    }
    (reduce(f32x4_pmin, mins), reduce(f32x4_pmax, maxs))
}

/// One value of eight lanes.
fn reduce(better: fn(v128, v128) -> v128, [a, b]: [v128; 2]) -> f32 {
    let four = better(a, b);
    let two = better(four, i32x4_shuffle::<2, 3, 0, 1>(four, four));
    f32x4_extract_lane::<0>(better(two, i32x4_shuffle::<1, 0, 3, 2>(two, two)))
}

/// `clamp(rne(x / scale), low, low + 255)` of four values. Clamping to whole numbers may come before the rounding.
struct Quantizer {
    divisor: v128,
    low: v128,
    high: v128,
    round: Round,
}

impl Quantizer {
    #[inline(always)]
    fn new(scale: f32, zero_point: u8) -> Self {
        let low = -f32::from(zero_point);
        let [divisor, low, high] = [scale, low, low + 255.0].map(|x| f32x4_splat(x));
        Self { divisor, low, high, round: Round::new() }
    }

    #[inline(always)]
    fn quantize(&self, x: &[f32; LANES]) -> v128 {
        self.round.nearest(f32x4_pmin(f32x4_pmax(f32x4_div(load(x), self.divisor), self.low), self.high))
    }

    /// Eight differences from the zero point.
    #[inline(always)]
    fn quantize_8(&self, x: &[f32; 8]) -> v128 {
        let (a, b) = x.split_at(LANES);
        let vector = |x: &[f32]| self.quantize(x.first_chunk().expect("four values"));
        i16x8_narrow_i32x4(vector(a), vector(b))
    }
}

/// See [`scalar::quantize_u8`].
#[inline(never)]
pub fn quantize_u8(x: &[f32], scale: f32, zero_point: u8, flip: u8, out: &mut [u8]) {
    let quantizer = Quantizer::new(scale, zero_point);
    // Bytes less 128, narrowed as signed ones: the unsigned narrowing is compiled with a clamp of its own.
    let (offset, flips) = (i16x8_splat(i16::from(zero_point) - 128), u8x16_splat(flip ^ 0x80));
    let ((blocks, rest), (out_blocks, out_rest)) = (x.as_chunks::<16>(), out.as_chunks_mut::<16>());
    for (block, out) in blocks.iter().zip(out_blocks) {
        let [a, b] = block.as_chunks::<8>().0 else { unreachable!("16 values are 2 times 8") };
        let (low, high) = (i16x8_add(quantizer.quantize_8(a), offset), i16x8_add(quantizer.quantize_8(b), offset));
        store(v128_xor(i8x16_narrow_i16x8(low, high), flips), out);
    }
    scalar::quantize_u8(rest, scale, zero_point, flip, out_rest);
}

/// See [`scalar::quantize_i16`].
#[inline(never)]
pub fn quantize_i16(x: &[f32], scale: f32, zero_point: u8, out: &mut [i16]) {
    let quantizer = Quantizer::new(scale, zero_point);
    let ((blocks, rest), (out_blocks, out_rest)) = (x.as_chunks::<8>(), out.as_chunks_mut::<8>());
    for (block, out) in blocks.iter().zip(out_blocks) {
        store(quantizer.quantize_8(block), out);
    }
    scalar::quantize_i16(rest, scale, zero_point, out_rest);
}

/// See [`crate::kernels::standardize`].
#[inline(never)]
pub fn standardize(x: &[f32], mean: &[f32], factor: &[f32], out: &mut [f32]) {
    let ((means, mean_rest), (factors, factor_rest)) = (mean.as_chunks(), factor.as_chunks());
    for (x, out) in x.chunks_exact(mean.len()).zip(out.chunks_exact_mut(mean.len())) {
        let ((blocks, rest), (out_blocks, out_rest)) = (x.as_chunks(), out.as_chunks_mut::<LANES>());
        for (((x, out), mean), factor) in blocks.iter().zip(out_blocks).zip(means).zip(factors) {
            store(f32x4_mul(f32x4_sub(load(x), load(mean)), load(factor)), out);
        }
        if !rest.is_empty() {
            scalar::standardize(rest, mean_rest, factor_rest, out_rest);
        }
    }
}

#[inline(always)]
#[allow(unsafe_code)]
fn load(x: &[f32; LANES]) -> v128 {
    // SAFETY: `x` points to 16 readable bytes; the load needs no alignment.
    unsafe { v128_load(x.as_ptr().cast()) }
}

#[inline(always)]
#[allow(unsafe_code)]
fn store<T, const N: usize>(value: v128, out: &mut [T; N]) {
    const { assert!(size_of::<[T; N]>() == 16) };
    // SAFETY: `out` points to 16 writable bytes; the store needs no alignment.
    unsafe { v128_store(out.as_mut_ptr().cast(), value) }
}
