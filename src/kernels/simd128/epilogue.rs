//! What the sums of a tile start from, and what is done with them: one type for each kind of output.

use core::arch::wasm32::*;

use super::tile::Epilogue;
use crate::kernels::{
    LANES, PackedF32, PackedI8,
    sink::{Dequantize, Requantize, correction, of_row},
};

/// f32 sums: bias (or the sums so far), ReLU.
pub struct Floats<'a> {
    w: &'a PackedF32,
    low: v128,
    resumed: bool,
    out: &'a mut [f32],
}

impl<'a> Floats<'a> {
    /// `resumed`: `out` holds the sums so far, which already have the bias.
    pub fn new(w: &'a PackedF32, relu: bool, resumed: bool, out: &'a mut [f32]) -> Self {
        Self { w, low: lowest(relu), resumed, out }
    }
}

impl Epilogue for Floats<'_> {
    #[inline(always)]
    fn start(&self, row: usize, output: usize) -> v128 {
        if !self.resumed {
            return load(self.w.bias(), output);
        }
        let row = &self.out[row * self.w.outputs()..][..self.w.outputs()];
        match row[output..].first_chunk::<LANES>() {
            Some(lanes) => load(lanes, 0),
            None => {
                let lane = |lane| row.get(output + lane).copied().unwrap_or_default();
                f32x4(lane(0), lane(1), lane(2), lane(3))
            }
        }
    }

    #[inline(always)]
    fn finish<const P: usize>(&mut self, row: usize, output: usize, sums: [v128; P]) {
        let (outputs, low) = (self.w.outputs(), self.low);
        let to = &mut self.out[row * outputs..][..outputs][output..];
        store_all(sums.map(|sum| f32x4_pmax(sum, low)), to);
    }
}

/// The integer sums themselves.
pub struct Integers<'a> {
    w: &'a PackedI8,
    zero_points: &'a [u8],
    out: &'a mut [i32],
}

impl<'a> Integers<'a> {
    pub fn new(w: &'a PackedI8, zero_points: &'a [u8], out: &'a mut [i32]) -> Self {
        Self { w, zero_points, out }
    }
}

impl Epilogue for Integers<'_> {
    #[inline(always)]
    fn start(&self, _: usize, _: usize) -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    fn finish<const P: usize>(&mut self, row: usize, output: usize, sums: [v128; P]) {
        let sums = centred(self.w, of_row(self.zero_points, row), output, sums);
        store_all(sums, &mut self.out[row * self.w.outputs()..][..self.w.outputs()][output..]);
    }
}

/// Real numbers.
pub struct Real<'a> {
    w: &'a PackedI8,
    zero_points: &'a [u8],
    to: &'a Dequantize,
    x_scales: &'a [f32],
    low: v128,
    out: &'a mut [f32],
}

impl<'a> Real<'a> {
    pub fn new(
        w: &'a PackedI8,
        zero_points: &'a [u8],
        to: &'a Dequantize,
        x_scales: &'a [f32],
        out: &'a mut [f32],
    ) -> Self {
        Self { w, zero_points, to, x_scales, low: lowest(to.relu), out }
    }
}

impl Epilogue for Real<'_> {
    #[inline(always)]
    fn start(&self, _: usize, output: usize) -> v128 {
        load(&self.to.start, output)
    }

    #[inline(always)]
    fn finish<const P: usize>(&mut self, row: usize, output: usize, sums: [v128; P]) {
        let sums = centred(self.w, of_row(self.zero_points, row), output, sums);
        let x_scale = f32x4_splat(of_row(self.x_scales, row));
        let mut output_of_vector = output;
        let real = sums.map(|sum| {
            let scale = f32x4_mul(x_scale, load(&self.to.scales, output_of_vector));
            let bias = load(&self.to.bias, output_of_vector);
            output_of_vector += LANES;
            f32x4_pmax(f32x4_add(f32x4_mul(f32x4_convert_i32x4(sum), scale), bias), self.low)
        });
        store_all(real, &mut self.out[row * self.w.outputs()..][..self.w.outputs()][output..]);
    }
}

/// The next layer's activations as bytes.
pub struct Narrow<'a> {
    rounded: Rounded<'a>,
    offset: v128,
    flip: v128,
    out: &'a mut [u8],
}

impl<'a> Narrow<'a> {
    pub fn new(w: &'a PackedI8, to: &'a Requantize, flip: u8, stride: usize, out: &'a mut [u8]) -> Self {
        let offset = i32x4_splat(i32::from(to.zero_point));
        Self { rounded: Rounded::new(w, to, stride), offset, flip: u8x16_splat(flip), out }
    }
}

impl Epilogue for Narrow<'_> {
    #[inline(always)]
    fn start(&self, _: usize, output: usize) -> v128 {
        load(&self.rounded.to.start, output)
    }

    #[inline(always)]
    fn finish<const P: usize>(&mut self, row: usize, output: usize, sums: [v128; P]) {
        let q = self.rounded.round(output, sums).map(|q| i32x4_add(q, self.offset));
        let to = self.rounded.place(&mut self.out[..], row, output);
        // Two vectors of four bytes at a time.
        for v in (0..P).step_by(2) {
            let pair = i16x8_narrow_i32x4(q[v], q[if v + 1 < P { v + 1 } else { v }]);
            let bytes = v128_xor(u8x16_narrow_i16x8(pair, pair), self.flip);
            let bytes = i64x2_extract_lane::<0>(bytes).to_le_bytes();
            copy(&bytes[..if v + 1 < P { 2 * LANES } else { LANES }], to, v * LANES);
        }
    }
}

/// The next layer's activations as 16-bit differences from their zero point.
pub struct Wide<'a> {
    rounded: Rounded<'a>,
    out: &'a mut [i16],
}

impl<'a> Wide<'a> {
    pub fn new(w: &'a PackedI8, to: &'a Requantize, stride: usize, out: &'a mut [i16]) -> Self {
        Self { rounded: Rounded::new(w, to, stride), out }
    }
}

impl Epilogue for Wide<'_> {
    #[inline(always)]
    fn start(&self, _: usize, output: usize) -> v128 {
        load(&self.rounded.to.start, output)
    }

    #[inline(always)]
    fn finish<const P: usize>(&mut self, row: usize, output: usize, sums: [v128; P]) {
        let q = self.rounded.round(output, sums);
        let to = self.rounded.place(&mut self.out[..], row, output);
        for (v, q) in q.into_iter().enumerate() {
            let differences = i16x8_narrow_i32x4(q, q);
            let [a, b] = [i32x4_extract_lane::<0>(differences), i32x4_extract_lane::<1>(differences)];
            copy(&[a as i16, (a >> 16) as i16, b as i16, (b >> 16) as i16], to, v * LANES);
        }
    }
}

/// Sums on the way to the next layer's integers.
struct Rounded<'a> {
    to: &'a Requantize,
    outputs: usize,
    stride: usize,
    low: v128,
    high: v128,
}

impl<'a> Rounded<'a> {
    fn new(w: &PackedI8, to: &'a Requantize, stride: usize) -> Self {
        let zero_point = f32::from(to.zero_point);
        let (low, high) = (f32x4_splat(f32::from(to.low) - zero_point), f32x4_splat(255.0 - zero_point));
        Self { to, outputs: w.outputs(), stride, low, high }
    }

    /// `clamp(rne(f32(sum) · multiplier))`, without the zero point. Clamping to whole numbers may come first.
    #[inline(always)]
    fn round<const P: usize>(&self, output: usize, sums: [v128; P]) -> [v128; P] {
        let mut output = output;
        sums.map(|sum| {
            let real = f32x4_mul(f32x4_convert_i32x4(sum), load(&self.to.multipliers, output));
            output += LANES;
            round(f32x4_pmin(f32x4_pmax(real, self.low), self.high))
        })
    }

    /// The real outputs of a row from `output` on; up to the end of the row when it has room for padding.
    #[inline(always)]
    fn place<'o, T>(&self, out: &'o mut [T], row: usize, output: usize) -> &'o mut [T] {
        let width = self.outputs.next_multiple_of(LANES);
        let width = if width <= self.stride { width } else { self.outputs };
        &mut out[row * self.stride..][..width][output..]
    }
}

/// Adding this to a float between −2^22 and 2^22 rounds it half to even to a whole number, which is then found in the
/// lowest bits (1.5 · 2^23, where neighbouring floats are 1 apart).
const ROUND: f32 = 12_582_912.0;

/// The nearest integer, halves to even; for values between −2^22 and 2^22.
#[inline(always)]
pub fn round(real: v128) -> v128 {
    i32x4_sub(f32x4_add(real, f32x4_splat(ROUND)), i32x4_splat(ROUND.to_bits() as i32))
}

/// Takes the zero point off (mod 2^32, in which the final sum is exact).
#[inline(always)]
fn centred<const P: usize>(w: &PackedI8, zero_point: u8, output: usize, sums: [v128; P]) -> [v128; P] {
    if w.path().is_wide() {
        return sums;
    }
    let zero_point = i32x4_splat(correction(w.path(), zero_point));
    let mut output = output;
    sums.map(|sum| {
        let row_sums = load(w.row_sums(), output);
        output += LANES;
        i32x4_sub(sum, i32x4_mul(zero_point, row_sums))
    })
}

fn lowest(relu: bool) -> v128 {
    f32x4_splat(if relu { 0.0 } else { f32::NEG_INFINITY })
}

/// Four 32-bit values from `at` on.
#[inline(always)]
#[allow(unsafe_code)]
fn load<T>(values: &[T], at: usize) -> v128 {
    let lanes: &[T; LANES] = values[at..].first_chunk().expect("padded to a multiple of four");
    assert!(size_of::<T>() == 4);
    // SAFETY: `lanes` are 16 readable bytes; the load needs no alignment.
    unsafe { v128_load(lanes.as_ptr().cast()) }
}

/// Writes vectors of 32-bit lanes to the beginning of `to`, as far as it reaches.
#[inline(always)]
#[allow(unsafe_code)]
fn store_all<T, const P: usize>(sums: [v128; P], to: &mut [T]) {
    assert!(size_of::<T>() == 4);
    for (p, sum) in sums.into_iter().enumerate() {
        match to.get_mut(p * LANES..) {
            // SAFETY: 16 writable bytes; the store needs no alignment.
            Some([lanes @ ..]) if lanes.len() >= LANES => unsafe { v128_store(lanes.as_mut_ptr().cast(), sum) },
            // SAFETY: as many 32-bit lanes as are stored.
            Some(lanes) => unsafe {
                let at = lanes.as_mut_ptr().cast::<u32>();
                if !lanes.is_empty() {
                    v128_store32_lane::<0>(sum, at);
                }
                if lanes.len() > 1 {
                    v128_store32_lane::<1>(sum, at.add(1));
                }
                if lanes.len() > 2 {
                    v128_store32_lane::<2>(sum, at.add(2));
                }
            },
            None => {}
        }
    }
}

/// Copies to `to[at..]`, as far as it reaches. A copy of known length is one store, of unknown length a call.
#[inline(always)]
fn copy<T: Copy>(from: &[T], to: &mut [T], at: usize) {
    match to.get_mut(at..at + from.len()) {
        Some(to) => to.copy_from_slice(from),
        None => to.iter_mut().skip(at).zip(from).for_each(|(to, from)| *to = *from),
    }
}
