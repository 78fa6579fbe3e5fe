//! Ranges, rounding, scaling and pooling: a pass over values that lie side by side.

use core::arch::wasm32::*;

use super::round::Round;
pub use crate::kernels::scalar::{max_pool_f32, max_pool_i8, max_pool_i16, max_pool_u8};
use crate::kernels::{LANES, Scaling, scalar};

/// See [`crate::kernels::min_max`].
#[inline(never)]
pub fn min_max(x: &[f32]) -> (f32, f32) {
    let (blocks, rest) = x.as_chunks::<8>();
    let (mut range, mut other) = (Range::EMPTY, Range::EMPTY);
    for block in blocks {
        let (a, b) = block.split_at(LANES);
        range.widen(load_at(a, 0));
        other.widen(load_at(b, 0));
    }
    for &x in rest {
        range.widen(f32x4_splat(x));
    }
    range.reduce(other)
}

/// Smallest and largest values so far, lane by lane. Two of them take turns, for each waits for its last result.
#[derive(Clone, Copy)]
struct Range {
    min: v128,
    max: v128,
}

impl Range {
    const EMPTY: Self = {
        const INFINITE: f32 = f32::INFINITY;
        Self {
            min: f32x4(INFINITE, INFINITE, INFINITE, INFINITE),
            max: f32x4(-INFINITE, -INFINITE, -INFINITE, -INFINITE),
        }
    };

    #[inline(always)]
    fn widen(&mut self, x: v128) {
        self.min = f32x4_pmin(self.min, x);
        self.max = f32x4_pmax(self.max, x);
    }

    /// The range of both; `(0, 0)` when neither has seen a value.
    fn reduce(self, other: Self) -> (f32, f32) {
        let swapped = |v: v128| [i32x4_shuffle::<2, 3, 0, 1>(v, v), i32x4_shuffle::<1, 0, 3, 2>(v, v)];
        let (mut min, mut max) = (f32x4_pmin(self.min, other.min), f32x4_pmax(self.max, other.max));
        min = f32x4_pmin(min, swapped(min)[0]);
        max = f32x4_pmax(max, swapped(max)[0]);
        let (min, max) = (f32x4_pmin(min, swapped(min)[1]), f32x4_pmax(max, swapped(max)[1]));
        let (min, max) = (f32x4_extract_lane::<0>(min), f32x4_extract_lane::<0>(max));
        if min > max { (0.0, 0.0) } else { (min, max) }
    }
}

/// `clamp(rne(x / scale), low, low + 255)` of the values of a row, four at a time. Clamping to whole numbers may come
/// before the rounding.
struct Quantizer<'a> {
    x: &'a [f32],
    scaling: Option<Scaling<'a>>,
    divisor: v128,
    low: v128,
    high: v128,
    round: Round,
}

impl<'a> Quantizer<'a> {
    #[inline(always)]
    fn new(x: &'a [f32], scaling: Option<Scaling<'a>>, scale: f32, zero_point: u8) -> Self {
        let low = -f32::from(zero_point);
        let [divisor, low, high] = [scale, low, low + 255.0].map(|x| f32x4_splat(x));
        Self { x, scaling, divisor, low, high, round: Round::new() }
    }

    /// Eight differences from the zero point, of the values from `at` on.
    #[inline(always)]
    fn quantize_8(&self, at: usize) -> v128 {
        i16x8_narrow_i32x4(self.quantize(at), self.quantize(at + LANES))
    }

    #[inline(always)]
    fn quantize(&self, at: usize) -> v128 {
        let mut x = load_at(self.x, at);
        if let Some(scaling) = self.scaling {
            x = f32x4_mul(f32x4_sub(x, load_at(scaling.mean, at)), load_at(scaling.factor, at));
        }
        self.round.nearest(f32x4_pmin(f32x4_pmax(f32x4_div(x, self.divisor), self.low), self.high))
    }
}

/// See [`scalar::quantize_u8`].
pub fn quantize_u8(x: &[f32], scaling: Option<Scaling>, scale: f32, zero_point: u8, flip: u8, out: &mut [u8]) {
    // Bytes less 128, narrowed as signed ones: the unsigned narrowing is compiled with a clamp of its own.
    let (offset, flips) = (i16x8_splat(i16::from(zero_point) - 128), u8x16_splat(flip ^ 0x80));
    let (blocks, rest) = out.as_chunks_mut::<16>();
    let whole = 16 * blocks.len();
    // One loop for each case: a case decided within the loop would be decided for each vector.
    let fill = |quantizer: Quantizer, blocks: &mut [[u8; 16]]| {
        for (i, out) in blocks.iter_mut().enumerate() {
            let (low, high) = (quantizer.quantize_8(16 * i), quantizer.quantize_8(16 * i + 8));
            let bytes = i8x16_narrow_i16x8(i16x8_add(low, offset), i16x8_add(high, offset));
            store(v128_xor(bytes, flips), out);
        }
    };
    match scaling {
        Some(_) => fill(Quantizer::new(x, scaling, scale, zero_point), blocks),
        None => fill(Quantizer::new(x, None, scale, zero_point), blocks),
    }
    if !rest.is_empty() {
        scalar::quantize_u8(&x[whole..], scaling.map(|s| s.from(whole)), scale, zero_point, flip, rest);
    }
}

/// See [`scalar::quantize_i16`].
pub fn quantize_i16(x: &[f32], scaling: Option<Scaling>, scale: f32, zero_point: u8, out: &mut [i16]) {
    let (blocks, rest) = out.as_chunks_mut::<8>();
    let whole = 8 * blocks.len();
    let fill = |quantizer: Quantizer, blocks: &mut [[i16; 8]]| {
        for (i, out) in blocks.iter_mut().enumerate() {
            store(quantizer.quantize_8(8 * i), out);
        }
    };
    match scaling {
        Some(_) => fill(Quantizer::new(x, scaling, scale, zero_point), blocks),
        None => fill(Quantizer::new(x, None, scale, zero_point), blocks),
    }
    if !rest.is_empty() {
        scalar::quantize_i16(&x[whole..], scaling.map(|s| s.from(whole)), scale, zero_point, rest);
    }
}

/// See [`crate::kernels::standardize`].
#[inline(never)]
pub fn standardize(x: &[f32], scaling: Scaling, out: &mut [f32]) -> (f32, f32) {
    let (blocks, rest) = out.as_chunks_mut::<LANES>();
    let whole = LANES * blocks.len();
    let (mut range, mut other) = (Range::EMPTY, Range::EMPTY);
    for (i, out) in blocks.iter_mut().enumerate() {
        let at = i * LANES;
        let y = f32x4_mul(f32x4_sub(load_at(x, at), load_at(scaling.mean, at)), load_at(scaling.factor, at));
        store(y, out);
        range.widen(y);
        core::mem::swap(&mut range, &mut other);
    }
    if !rest.is_empty() {
        let (min, max) = scalar::standardize(&x[whole..], scaling.from(whole), rest);
        range.widen(f32x4_splat(min));
        range.widen(f32x4_splat(max));
    }
    range.reduce(other)
}

/// Four values from `at` on.
#[inline(always)]
fn load_at(x: &[f32], at: usize) -> v128 {
    load(x[at..at + LANES].first_chunk().expect("four values"))
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
