//! Values of one bit: XNOR and popcount on vectors of 128 bits, four outputs at once.

use core::arch::wasm32::*;

use crate::kernels::{BitRows, LANES, PackedBits, binary::VECTOR, scalar};

/// Vectors whose counts (at most 8 a byte and vector) fit a byte.
const BYTES: usize = 31;
/// Rows that take turns with the same weights.
const ROWS: usize = 2;

/// See [`crate::kernels::multiply_bits`].
pub fn multiply_bits(x: &BitRows, w: &PackedBits, relu: bool, out: &mut [f32]) {
    let (outputs, stride) = (w.outputs(), w.outputs() * ROWS);
    let pairs = out.chunks_exact_mut(stride.max(1));
    let whole = x.count() / ROWS;
    for (r, out) in pairs.enumerate() {
        rows([x.row(ROWS * r), x.row(ROWS * r + 1)], w, x.inputs(), relu, out);
    }
    for r in ROWS * whole..x.count() {
        rows([x.row(r)], w, x.inputs(), relu, &mut out[r * outputs..(r + 1) * outputs]);
    }
}

#[inline(never)]
fn rows<const R: usize>(x: [&[u64]; R], w: &PackedBits, inputs: usize, relu: bool, out: &mut [f32]) {
    let outputs = w.outputs();
    let all = i32x4_splat(inputs as i32);
    for first in (0..outputs).step_by(LANES) {
        let rows = core::array::from_fn(|lane| w.rows().row(first + lane));
        let (factors, addends) = (four(&w.factors()[first..]), four(&w.addends()[first..]));
        for (r, different) in count(x, rows).into_iter().enumerate() {
            let sum = f32x4_convert_i32x4(i32x4_sub(all, i32x4_shl(different, 1)));
            let real = f32x4_add(f32x4_mul(sum, factors), addends);
            store(
                if relu { f32x4_pmax(real, f32x4_splat(0.0)) } else { real },
                &mut out[r * outputs..][first..outputs],
            );
        }
    }
}

/// For each row the bits that differ from those of four rows of weights.
#[inline(always)]
fn count<const R: usize>(x: [&[u64]; R], w: [&[u64]; LANES]) -> [v128; R] {
    let mut sums = [i32x4_splat(0); R];
    let len = x[0].len();
    let mut first = 0;
    while first < len {
        let last = len.min(first + BYTES * VECTOR);
        let mut bytes = [[u8x16_splat(0); LANES]; R];
        let mut at = first;
        while at < last {
            let x = x.map(|x| vector(x, at));
            for lane in 0..LANES {
                let w = vector(w[lane], at);
                for r in 0..R {
                    bytes[r][lane] = u8x16_add(bytes[r][lane], u8x16_popcnt(v128_xor(x[r], w)));
                }
            }
            at += VECTOR;
        }
        for r in 0..R {
            sums[r] = i32x4_add(sums[r], across(bytes[r]));
        }
        first = last;
    }
    sums
}

/// The sum of the bytes of each of four vectors.
#[inline(always)]
fn across(bytes: [v128; LANES]) -> v128 {
    let [a, b, c, d] = bytes.map(|bytes| i32x4_extadd_pairwise_u16x8(u16x8_extadd_pairwise_u8x16(bytes)));
    // Lanes 0, 1 and 2, 3 of two vectors side by side; then of all four.
    let pairs = |a, b| i32x4_add(i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<2, 6, 3, 7>(a, b));
    let (ab, cd) = (pairs(a, b), pairs(c, d));
    i32x4_add(i64x2_shuffle::<0, 2>(ab, cd), i64x2_shuffle::<1, 3>(ab, cd))
}

#[allow(unsafe_code)]
#[inline(always)]
fn vector(words: &[u64], at: usize) -> v128 {
    let words = &words[at..at + VECTOR];
    // SAFETY: two words are 16 bytes.
    unsafe { v128_load(words.as_ptr().cast()) }
}

#[allow(unsafe_code)]
#[inline(always)]
fn four(values: &[f32]) -> v128 {
    let values = &values[..LANES];
    // SAFETY: four values are 16 bytes.
    unsafe { v128_load(values.as_ptr().cast()) }
}

#[allow(unsafe_code)]
#[inline(always)]
fn store(values: v128, out: &mut [f32]) {
    if let Some(out) = out.first_chunk_mut::<LANES>() {
        // SAFETY: four values are 16 bytes.
        unsafe { v128_store(out.as_mut_ptr().cast(), values) };
    } else {
        let lanes = [f32x4_extract_lane::<0>(values), f32x4_extract_lane::<1>(values), f32x4_extract_lane::<2>(values)];
        out.iter_mut().zip(lanes).for_each(|(out, lane)| *out = lane);
    }
}

/// See [`scalar::binarize`].
pub fn binarize(x: &[f32], threshold: f32, out: &mut [u64]) {
    let (words, rest) = x.as_chunks::<64>();
    let threshold4 = f32x4_splat(threshold);
    for (x, out) in words.iter().zip(&mut *out) {
        *out = 0;
        for (i, x) in x.as_chunks::<LANES>().0.iter().enumerate() {
            *out |= u64::from(i32x4_bitmask(f32x4_ge(four(x), threshold4))) << (LANES * i);
        }
    }
    scalar::binarize(rest, threshold, &mut out[words.len()..]);
}
