//! Ranges, rounding, scaling and pooling: a pass over values that lie side by side.

use core::arch::wasm32::*;

use super::round::Round;
pub use crate::kernels::scalar::{max_pool_f32, max_pool_i8, max_pool_i16, max_pool_u8};
use crate::kernels::{LANES, Scaling, fits, scalar};

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

/// Where the vectors of a row come from: pointers that move on, so that each load is one of a constant distance.
trait Values {
    /// Four values, `at` values from here.
    ///
    /// # Safety
    /// There must be as many.
    #[allow(unsafe_code)]
    unsafe fn four(&self, at: usize) -> v128;

    /// Moves on by `count` values.
    fn skip(&mut self, count: usize);
}

/// Values as they are.
struct Plain(*const f32);

#[allow(unsafe_code)]
impl Values for Plain {
    #[inline(always)]
    unsafe fn four(&self, at: usize) -> v128 {
        // SAFETY: promised by the caller.
        unsafe { v128_load(self.0.add(at).cast()) }
    }

    #[inline(always)]
    fn skip(&mut self, count: usize) {
        self.0 = self.0.wrapping_add(count);
    }
}

/// Pixels, scaled.
struct Scaled {
    x: Plain,
    mean: Plain,
    factor: Plain,
}

impl Scaled {
    #[inline(always)]
    fn new(x: &[f32], scaling: Scaling) -> Self {
        let scaling = scaling.of(x.len());
        Self { x: Plain(x.as_ptr()), mean: Plain(scaling.mean.as_ptr()), factor: Plain(scaling.factor.as_ptr()) }
    }
}

#[allow(unsafe_code)]
impl Values for Scaled {
    #[inline(always)]
    unsafe fn four(&self, at: usize) -> v128 {
        // SAFETY: promised by the caller; the scaling has a value for each pixel.
        unsafe { f32x4_mul(f32x4_sub(self.x.four(at), self.mean.four(at)), self.factor.four(at)) }
    }

    #[inline(always)]
    fn skip(&mut self, count: usize) {
        self.x.skip(count);
        self.mean.skip(count);
        self.factor.skip(count);
    }
}

/// `clamp(rne(x / scale), low, low + 255)`, four values at a time. Clamping to whole numbers may come before the
/// rounding.
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

    /// Eight differences from the zero point.
    #[inline(always)]
    fn apply(&self, x: [v128; 2]) -> v128 {
        let [a, b] = x.map(|x| {
            let clamped = f32x4_pmin(f32x4_pmax(f32x4_div(x, self.divisor), self.low), self.high);
            self.round.nearest(clamped)
        });
        i16x8_narrow_i32x4(a, b)
    }
}

/// See [`scalar::quantize_u8`].
pub fn quantize_u8(x: &[f32], scaling: Option<Scaling>, scale: f32, zero_point: u8, flip: u8, out: &mut [u8]) {
    let (blocks, rest) = out.as_chunks_mut::<16>();
    let whole = 16 * blocks.len();
    match scaling {
        Some(scaling) => bytes(Scaled::new(x, scaling), x.len(), scale, zero_point, flip, blocks),
        None => bytes(Plain(x.as_ptr()), x.len(), scale, zero_point, flip, blocks),
    }
    if !rest.is_empty() {
        scalar::quantize_u8(&x[whole..], scaling.map(|s| s.from(whole)), scale, zero_point, flip, rest);
    }
}

#[inline(never)]
#[allow(unsafe_code)]
fn bytes(mut x: impl Values, len: usize, scale: f32, zero_point: u8, flip: u8, out: &mut [[u8; 16]]) {
    fits(16 * out.len() <= len);
    let quantizer = Quantizer::new(scale, zero_point);
    // Bytes less 128, narrowed as signed ones: the unsigned narrowing is compiled with a clamp of its own.
    let (offset, flips) = (i16x8_splat(i16::from(zero_point) - 128), u8x16_splat(flip ^ 0x80));
    for out in out {
        // SAFETY: 16 values for each block, as checked above.
        let [a, b, c, d] = [0, 4, 8, 12].map(|at| unsafe { x.four(at) });
        x.skip(16);
        let (low, high) = (quantizer.apply([a, b]), quantizer.apply([c, d]));
        store(v128_xor(i8x16_narrow_i16x8(i16x8_add(low, offset), i16x8_add(high, offset)), flips), out);
    }
}

/// See [`scalar::quantize_i16`].
pub fn quantize_i16(x: &[f32], scaling: Option<Scaling>, scale: f32, zero_point: u8, out: &mut [i16]) {
    let (blocks, rest) = out.as_chunks_mut::<8>();
    let whole = 8 * blocks.len();
    match scaling {
        Some(scaling) => differences(Scaled::new(x, scaling), x.len(), scale, zero_point, blocks),
        None => differences(Plain(x.as_ptr()), x.len(), scale, zero_point, blocks),
    }
    if !rest.is_empty() {
        scalar::quantize_i16(&x[whole..], scaling.map(|s| s.from(whole)), scale, zero_point, rest);
    }
}

#[inline(never)]
#[allow(unsafe_code)]
fn differences(mut x: impl Values, len: usize, scale: f32, zero_point: u8, out: &mut [[i16; 8]]) {
    fits(8 * out.len() <= len);
    let quantizer = Quantizer::new(scale, zero_point);
    for out in out {
        // SAFETY: 8 values for each block, as checked above.
        store(quantizer.apply([0, 4].map(|at| unsafe { x.four(at) })), out);
        x.skip(8);
    }
}

/// See [`crate::kernels::standardize`].
#[inline(never)]
#[allow(unsafe_code)]
pub fn standardize(x: &[f32], scaling: Scaling, out: &mut [f32]) {
    fits(out.len() <= x.len());
    let mut scaled = Scaled::new(x, scaling);
    let (blocks, rest) = out.as_chunks_mut::<8>();
    let whole = 8 * blocks.len();
    for out in blocks {
        // SAFETY: out is no longer than x.
        let halves = unsafe { [scaled.four(0), scaled.four(LANES)] };
        scaled.skip(8);
        store_two(halves, out);
    }
    if !rest.is_empty() {
        scalar::standardize(&x[whole..], scaling.from(whole), rest);
    }
}

/// See [`crate::kernels::standardize_range`].
#[inline(never)]
#[allow(unsafe_code)]
pub fn standardize_range(x: &[f32], scaling: Scaling, out: &mut [f32]) -> (f32, f32) {
    fits(out.len() <= x.len());
    let mut scaled = Scaled::new(x, scaling);
    let (blocks, rest) = out.as_chunks_mut::<8>();
    let whole = 8 * blocks.len();
    let (mut range, mut other) = (Range::EMPTY, Range::EMPTY);
    for out in blocks {
        // SAFETY: out is no longer than x.
        let halves = unsafe { [scaled.four(0), scaled.four(LANES)] };
        scaled.skip(8);
        range.widen(halves[0]);
        other.widen(halves[1]);
        store_two(halves, out);
    }
    if !rest.is_empty() {
        let (min, max) = scalar::standardize_range(&x[whole..], scaling.from(whole), rest);
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

#[inline(always)]
fn store_two([low, high]: [v128; 2], out: &mut [f32; 8]) {
    let (to_low, to_high) = out.split_at_mut(LANES);
    store(low, to_low.first_chunk_mut::<LANES>().expect("four values"));
    store(high, to_high.first_chunk_mut::<LANES>().expect("four values"));
}
