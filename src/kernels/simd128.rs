//! The kernels in 128-bit WebAssembly SIMD, bit for bit equal to [`super::scalar`].
//!
//! A tile is R rows by P panels of four outputs; its sums stay in registers over the whole k loop. Each 32-bit lane
//! belongs to one output, so float sums keep the scalar order. Integers: activations and weights are widened to 16
//! bits and `i32x4_dot_i16x8` multiplies a pair of inputs of four outputs; at the end `zero_point · Σw` is taken off (mod
//! 2^32, in which the final sum is exact).

use core::arch::wasm32::*;

use super::{PANEL, PackedF32, PackedI8, scalar};

/// See [`super::gemm_f32`]. Tiles of 4x12 (12 sums, 3 weights, 1 activation: 16 registers), then what is left.
pub fn gemm_f32(x: &[f32], w: &PackedF32, bias: &[f32], out: &mut [f32]) {
    let rows = out.len() / w.outputs();
    for_each_tile(w.outputs().div_ceil(PANEL), |first, panels| {
        let mut r = 0;
        while r < rows {
            let left = rows - r;
            r += match (panels, left >= 4) {
                (3, true) => tile_f32::<4, 3>(x, r, w, first, bias, out),
                (2, true) => tile_f32::<4, 2>(x, r, w, first, bias, out),
                (_, true) => tile_f32::<4, 1>(x, r, w, first, bias, out),
                (3, false) => tile_f32::<1, 3>(x, r, w, first, bias, out),
                (2, false) => tile_f32::<1, 2>(x, r, w, first, bias, out),
                (_, false) => tile_f32::<1, 1>(x, r, w, first, bias, out),
            };
        }
    });
}

/// See [`super::gemm_u8i8`]. Tiles of 2x12: two rows share the widening of the weights.
pub fn gemm_u8i8(x: &[u8], zero_points: &[u8], w: &PackedI8, out: &mut [i32]) {
    let rows = zero_points.len();
    for_each_tile(w.outputs().div_ceil(PANEL), |first, panels| {
        let mut r = 0;
        while r < rows {
            let left = rows - r;
            r += match (panels, left >= 2) {
                (3, true) => tile_u8i8::<2, 3>(x, r, zero_points, w, first, out),
                (2, true) => tile_u8i8::<2, 2>(x, r, zero_points, w, first, out),
                (_, true) => tile_u8i8::<2, 1>(x, r, zero_points, w, first, out),
                (3, false) => tile_u8i8::<1, 3>(x, r, zero_points, w, first, out),
                (2, false) => tile_u8i8::<1, 2>(x, r, zero_points, w, first, out),
                (_, false) => tile_u8i8::<1, 1>(x, r, zero_points, w, first, out),
            };
        }
    });
}

/// Calls `tile(first panel, panels)` over all panels, three at a time.
fn for_each_tile(panels: usize, mut tile: impl FnMut(usize, usize)) {
    for first in (0..panels).step_by(3) {
        tile(first, (panels - first).min(3));
    }
}

#[inline(always)]
fn tile_f32<const R: usize, const P: usize>(
    x: &[f32],
    row: usize,
    w: &PackedF32,
    first: usize,
    bias: &[f32],
    out: &mut [f32],
) -> usize {
    let inputs = w.inputs();
    let x: [&[f32]; R] = core::array::from_fn(|r| &x[(row + r) * inputs..][..inputs]);
    let panels: [&[[f32; 4]]; P] = core::array::from_fn(|p| &w.panel(first + p).as_chunks().0[..inputs]);
    let start: [v128; P] = core::array::from_fn(|p| load_f32(&lanes(bias, (first + p) * PANEL)));
    let mut sums = [start; R];
    for k in 0..inputs {
        let weights: [v128; P] = core::array::from_fn(|p| load_f32(&panels[p][k]));
        for r in 0..R {
            let activation = f32x4_splat(x[r][k]);
            for p in 0..P {
                sums[r][p] = f32x4_add(sums[r][p], f32x4_mul(activation, weights[p]));
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        for (p, sum) in sums.into_iter().enumerate() {
            store(f32_lanes(sum), out, (row + r) * w.outputs(), (first + p) * PANEL, w.outputs());
        }
    }
    R
}

#[inline(always)]
fn tile_u8i8<const R: usize, const P: usize>(
    x: &[u8],
    row: usize,
    zero_points: &[u8],
    w: &PackedI8,
    first: usize,
    out: &mut [i32],
) -> usize {
    let blocks = w.stride() / 8;
    let x: [&[[u8; 8]]; R] = core::array::from_fn(|r| &x[(row + r) * w.stride()..].as_chunks().0[..blocks]);
    let panels: [&[[i8; 32]]; P] = core::array::from_fn(|p| &w.panel(first + p).as_chunks().0[..blocks]);
    let mut sums = [[i32x4_splat(0); P]; R];
    for k in 0..blocks {
        let pairs: [[v128; 4]; R] = core::array::from_fn(|r| splat_pairs(&x[r][k]));
        for p in 0..P {
            let weights = load_i8(&panels[p][k]);
            for r in 0..R {
                for (pair, weights) in pairs[r].into_iter().zip(weights) {
                    sums[r][p] = i32x4_add(sums[r][p], i32x4_dot_i16x8(pair, weights));
                }
            }
        }
    }
    for (r, sums) in sums.into_iter().enumerate() {
        let zero_point = i32x4_splat(i32::from(zero_points[row + r]));
        for (p, sum) in sums.into_iter().enumerate() {
            let at = (first + p) * PANEL;
            let [a, b, c, d] = lanes(w.row_sums(), at);
            let sum = i32x4_sub(sum, i32x4_mul(zero_point, i32x4(a, b, c, d)));
            store(i32_lanes(sum), out, (row + r) * w.outputs(), at, w.outputs());
        }
    }
    R
}

fn f32_lanes(v: v128) -> [f32; 4] {
    [f32x4_extract_lane::<0>(v), f32x4_extract_lane::<1>(v), f32x4_extract_lane::<2>(v), f32x4_extract_lane::<3>(v)]
}

fn i32_lanes(v: v128) -> [i32; 4] {
    [i32x4_extract_lane::<0>(v), i32x4_extract_lane::<1>(v), i32x4_extract_lane::<2>(v), i32x4_extract_lane::<3>(v)]
}

/// Four values from `at` on, with zeros past the end.
fn lanes<T: Copy + Default>(values: &[T], at: usize) -> [T; 4] {
    match values[at..].first_chunk() {
        Some(lanes) => *lanes,
        None => core::array::from_fn(|lane| values.get(at + lane).copied().unwrap_or_default()),
    }
}

/// Writes the lanes that are real outputs (`at..columns`) of the row that starts at `row`. Written out, for a copy of
/// unknown length becomes a call that takes longer than a whole small layer.
fn store<T: Copy>([a, b, c, d]: [T; 4], out: &mut [T], row: usize, at: usize, columns: usize) {
    match &mut out[row + at..row + columns.min(at + 4)] {
        [w, x, y, z] => (*w, *x, *y, *z) = (a, b, c, d),
        [w, x, y] => (*w, *x, *y) = (a, b, c),
        [w, x] => (*w, *x) = (a, b),
        [w] => *w = a,
        _ => {}
    }
}

/// Eight activations widened to 16 bits, each pair repeated in all four lanes.
#[allow(unsafe_code)]
fn splat_pairs(x: &[u8; 8]) -> [v128; 4] {
    // SAFETY: the load reads the 8 bytes that `x` points to.
    let x = unsafe { i16x8_load_extend_u8x8(x.as_ptr()) };
    [
        i32x4_shuffle::<0, 0, 0, 0>(x, x),
        i32x4_shuffle::<1, 1, 1, 1>(x, x),
        i32x4_shuffle::<2, 2, 2, 2>(x, x),
        i32x4_shuffle::<3, 3, 3, 3>(x, x),
    ]
}

/// The weights of 8 inputs and 4 outputs, widened to 16 bits, a vector for each pair of inputs.
#[allow(unsafe_code)]
fn load_i8(w: &[i8; 32]) -> [v128; 4] {
    let at = w.as_ptr();
    // SAFETY: each of the four loads reads 8 of the 32 bytes that `w` points to.
    unsafe { [0, 8, 16, 24].map(|offset| i16x8_load_extend_i8x8(at.add(offset))) }
}

#[allow(unsafe_code)]
fn load_f32(x: &[f32; 4]) -> v128 {
    // SAFETY: `x` points to 16 readable bytes; the load needs no alignment.
    unsafe { v128_load(x.as_ptr().cast()) }
}

/// See [`super::min_max`]. Two pairs of running ends, for each waits for the one before it.
pub fn min_max(x: &[f32]) -> (f32, f32) {
    let (blocks, rest) = x.as_chunks::<8>();
    let Some(first) = x.first() else { return (0.0, 0.0) };
    let mut mins = [f32x4_splat(*first); 2];
    let mut maxs = mins;
    for block in blocks {
        for ((min, max), x) in mins.iter_mut().zip(&mut maxs).zip(block.as_chunks().0) {
            let x = load_f32(x);
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

/// Adding this to a float between −2^22 and 2^22 rounds it half to even to a whole number, which is then found in the
/// lowest bits (1.5 · 2^23, where neighbouring floats are 1 apart).
const ROUND: f32 = 12_582_912.0;

/// See [`super::quantize_u8`]. Clamping to whole numbers may come before the rounding.
pub fn quantize_u8(x: &[f32], scale: f32, zero_point: u8, out: &mut [u8]) {
    let (blocks, rest) = x.as_chunks::<16>();
    let (out_blocks, out_rest) = out.as_chunks_mut::<16>();
    let low = -f32::from(zero_point);
    let (divisor, low, high) = (f32x4_splat(scale), f32x4_splat(low), f32x4_splat(low + 255.0));
    let (round, offset) = (f32x4_splat(ROUND), i32x4_splat(i32::from(zero_point) - ROUND.to_bits() as i32));
    let quantize = |x: &[f32; 4]| {
        let clamped = f32x4_pmin(f32x4_pmax(f32x4_div(load_f32(x), divisor), low), high);
        i32x4_add(f32x4_add(clamped, round), offset)
    };
    for (block, out) in blocks.iter().zip(out_blocks) {
        let [a, b, c, d] = block.as_chunks().0 else { unreachable!("16 values are 4 times 4") };
        let low = i16x8_narrow_i32x4(quantize(a), quantize(b));
        let high = i16x8_narrow_i32x4(quantize(c), quantize(d));
        store_u8(u8x16_narrow_i16x8(low, high), out);
    }
    scalar::quantize_u8(rest, scale, zero_point, out_rest);
}

#[allow(unsafe_code)]
fn store_u8(value: v128, out: &mut [u8; 16]) {
    // SAFETY: `out` points to 16 writable bytes; the store needs no alignment.
    unsafe { v128_store(out.as_mut_ptr().cast(), value) }
}

/// See [`super::standardize`].
pub fn standardize(x: &[f32], mean: &[f32], factor: &[f32], out: &mut [f32]) {
    let ((means, mean_rest), (factors, factor_rest)) = (mean.as_chunks(), factor.as_chunks());
    for (x, out) in x.chunks_exact(mean.len()).zip(out.chunks_exact_mut(mean.len())) {
        let ((blocks, rest), (out_blocks, out_rest)) = (x.as_chunks(), out.as_chunks_mut());
        for (((x, out), mean), factor) in blocks.iter().zip(out_blocks).zip(means).zip(factors) {
            store_f32(f32x4_mul(f32x4_sub(load_f32(x), load_f32(mean)), load_f32(factor)), out);
        }
        if !rest.is_empty() {
            scalar::standardize(rest, mean_rest, factor_rest, out_rest);
        }
    }
}

#[allow(unsafe_code)]
fn store_f32(value: v128, out: &mut [f32; 4]) {
    // SAFETY: `out` points to 16 writable bytes; the store needs no alignment.
    unsafe { v128_store(out.as_mut_ptr().cast(), value) }
}
