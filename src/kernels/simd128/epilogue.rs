//! What the sums of a tile start from, and what is done with them: one type for each kind of output.

use core::arch::wasm32::*;

use super::{round::Round, tile::Epilogue};
use crate::kernels::{
    LANES, PackedF32, PackedI8,
    sink::{Dequantize, Requantize, correction, of_row},
};

/// f32 sums: bias (or the sums so far), ReLU.
pub struct Floats<'a> {
    w: &'a PackedF32,
    low: f32,
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
    fn start<const R: usize, const P: usize>(&self, row: usize, output: usize) -> [[v128; P]; R] {
        if !self.resumed {
            return [load(self.w.bias(), output); R];
        }
        core::array::from_fn(|r| {
            let sums = &self.out[(row + r) * self.w.outputs()..][..self.w.outputs()][output..];
            if sums.len() >= P * LANES {
                return load(sums, 0);
            }
            core::array::from_fn(|p| {
                let lane = |lane| sums.get(p * LANES + lane).copied().unwrap_or_default();
                f32x4(lane(0), lane(1), lane(2), lane(3))
            })
        })
    }

    #[inline(never)]
    fn finish<const R: usize, const P: usize>(
        &mut self,
        row: usize,
        skip: usize,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let (outputs, low) = (self.w.outputs(), f32x4_splat(self.low));
        for r in skip..R {
            let to = &mut self.out[(row + r) * outputs..][..outputs][output..];
            store(sums[r].map(|sum| f32x4_pmax(sum, low)), to);
        }
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
    fn start<const R: usize, const P: usize>(&self, _: usize, _: usize) -> [[v128; P]; R] {
        [[i32x4_splat(0); P]; R]
    }

    #[inline(never)]
    fn finish<const R: usize, const P: usize>(
        &mut self,
        row: usize,
        skip: usize,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let (outputs, centre) = (self.w.outputs(), Centre::new(self.w, output));
        for r in skip..R {
            let sums = centre.apply(of_row(self.zero_points, row + r), sums[r]);
            store(sums, &mut self.out[(row + r) * outputs..][..outputs][output..]);
        }
    }
}

/// Real numbers.
pub struct Real<'a> {
    w: &'a PackedI8,
    zero_points: &'a [u8],
    to: &'a Dequantize,
    x_scales: &'a [f32],
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
        Self { w, zero_points, to, x_scales, out }
    }
}

impl Epilogue for Real<'_> {
    #[inline(always)]
    fn start<const R: usize, const P: usize>(&self, _: usize, output: usize) -> [[v128; P]; R] {
        [load(&self.to.start, output); R]
    }

    #[inline(never)]
    fn finish<const R: usize, const P: usize>(
        &mut self,
        row: usize,
        skip: usize,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let (outputs, centre) = (self.w.outputs(), Centre::new(self.w, output));
        let (scales, bias): ([v128; P], [v128; P]) = (load(&self.to.scales, output), load(&self.to.bias, output));
        let low = f32x4_splat(lowest(self.to.relu));
        for r in skip..R {
            let sums = centre.apply(of_row(self.zero_points, row + r), sums[r]);
            let x_scale = f32x4_splat(of_row(self.x_scales, row + r));
            let real = core::array::from_fn::<_, P, _>(|p| {
                let scaled = f32x4_mul(f32x4_convert_i32x4(sums[p]), f32x4_mul(x_scale, scales[p]));
                f32x4_pmax(f32x4_add(scaled, bias[p]), low)
            });
            store(real, &mut self.out[(row + r) * outputs..][..outputs][output..]);
        }
    }
}

/// The next layer's activations as bytes.
pub struct Narrow<'a> {
    rounded: Rounded<'a>,
    flip: u8,
    out: &'a mut [u8],
}

impl<'a> Narrow<'a> {
    pub fn new(w: &'a PackedI8, to: &'a Requantize, flip: u8, stride: usize, out: &'a mut [u8]) -> Self {
        Self { rounded: Rounded::new(w, to, stride), flip, out }
    }
}

impl Epilogue for Narrow<'_> {
    #[inline(always)]
    fn start<const R: usize, const P: usize>(&self, _: usize, output: usize) -> [[v128; P]; R] {
        [load(&self.rounded.to.start, output); R]
    }

    #[inline(never)]
    fn finish<const R: usize, const P: usize>(
        &mut self,
        row: usize,
        skip: usize,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let rounding = self.rounded.rounding::<P>(output);
        // Bytes less 128, narrowed as signed ones: the unsigned narrowing is compiled with a clamp of its own.
        let offset = i16x8_splat(i16::from(self.rounded.to.zero_point) - 128);
        let flip = u8x16_splat(self.flip ^ 0x80);
        for r in skip..R {
            let q = rounding.apply(sums[r]);
            let bytes = core::array::from_fn::<_, P, _>(|p| {
                let pairs = i16x8_add(i16x8_narrow_i32x4(q[p], q[p]), offset);
                v128_xor(i8x16_narrow_i16x8(pairs, pairs), flip)
            });
            store(bytes, self.rounded.place(&mut self.out[..], row + r, output));
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
    fn start<const R: usize, const P: usize>(&self, _: usize, output: usize) -> [[v128; P]; R] {
        [load(&self.rounded.to.start, output); R]
    }

    #[inline(never)]
    fn finish<const R: usize, const P: usize>(
        &mut self,
        row: usize,
        skip: usize,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let rounding = self.rounded.rounding::<P>(output);
        for r in skip..R {
            let differences = rounding.apply(sums[r]).map(|q| i16x8_narrow_i32x4(q, q));
            store(differences, self.rounded.place(&mut self.out[..], row + r, output));
        }
    }
}

/// Sums on the way to the next layer's integers.
struct Rounded<'a> {
    to: &'a Requantize,
    outputs: usize,
    stride: usize,
}

impl<'a> Rounded<'a> {
    fn new(w: &PackedI8, to: &'a Requantize, stride: usize) -> Self {
        Self { to, outputs: w.outputs(), stride }
    }

    #[inline(always)]
    fn rounding<const P: usize>(&self, output: usize) -> Rounding<P> {
        let zero_point = f32::from(self.to.zero_point);
        Rounding {
            multipliers: load(&self.to.multipliers, output),
            low: f32x4_splat(f32::from(self.to.low) - zero_point),
            high: f32x4_splat(255.0 - zero_point),
            round: Round::new(),
        }
    }

    /// The real outputs of a row from `output` on; up to the end of the row when it has room for padding.
    #[inline(always)]
    fn place<'o, T>(&self, out: &'o mut [T], row: usize, output: usize) -> &'o mut [T] {
        let width = self.outputs.next_multiple_of(LANES);
        let width = if width <= self.stride { width } else { self.outputs };
        &mut out[row * self.stride..][..width][output..]
    }
}

struct Rounding<const P: usize> {
    multipliers: [v128; P],
    low: v128,
    high: v128,
    round: Round,
}

impl<const P: usize> Rounding<P> {
    /// `clamp(rne(f32(sum) · multiplier))`, without the zero point. Clamping to whole numbers may come first.
    #[inline(always)]
    fn apply(&self, sums: [v128; P]) -> [v128; P] {
        core::array::from_fn(|p| {
            let real = f32x4_mul(f32x4_convert_i32x4(sums[p]), self.multipliers[p]);
            self.round.nearest(f32x4_pmin(f32x4_pmax(real, self.low), self.high))
        })
    }
}

/// Takes the zero point off (mod 2^32, in which the final sum is exact).
struct Centre<'a, const P: usize> {
    w: &'a PackedI8,
    row_sums: [v128; P],
}

impl<'a, const P: usize> Centre<'a, P> {
    #[inline(always)]
    fn new(w: &'a PackedI8, output: usize) -> Self {
        Self { w, row_sums: load(w.row_sums(), output) }
    }

    #[inline(always)]
    fn apply(&self, zero_point: u8, sums: [v128; P]) -> [v128; P] {
        if self.w.path().is_wide() {
            return sums;
        }
        let zero_point = i32x4_splat(correction(self.w.path(), zero_point));
        core::array::from_fn(|p| i32x4_sub(sums[p], i32x4_mul(zero_point, self.row_sums[p])))
    }
}

fn lowest(relu: bool) -> f32 {
    if relu { 0.0 } else { f32::NEG_INFINITY }
}

/// P vectors of 32-bit values from `at` on.
#[inline(always)]
#[allow(unsafe_code)]
fn load<T, const P: usize>(values: &[T], at: usize) -> [v128; P] {
    const { assert!(size_of::<T>() == 4) };
    let values = &values[at..at + P * LANES];
    // SAFETY: vector p lies in the P · 16 bytes of `values`; the load needs no alignment.
    core::array::from_fn(|p| unsafe { v128_load(values.as_ptr().add(p * LANES).cast()) })
}

/// Writes the first four values of each vector to `to`, as far as it reaches: by stores of known length, for a copy of
/// any length is a call that takes longer than a whole small layer.
#[inline(always)]
#[allow(unsafe_code)]
fn store<T, const P: usize>(vectors: [v128; P], to: &mut [T]) {
    for (p, values) in vectors.into_iter().enumerate() {
        if to.len() < (p + 1) * LANES {
            return store_some(values, to.get_mut(p * LANES..).unwrap_or_default());
        }
        // SAFETY: four values from p · 4 on are in the slice; the stores need no alignment.
        unsafe {
            let to = to.as_mut_ptr().add(p * LANES);
            match size_of::<T>() {
                1 => v128_store32_lane::<0>(values, to.cast()),
                2 => v128_store64_lane::<0>(values, to.cast()),
                _ => v128_store(to.cast(), values),
            }
        }
    }
}

/// The same of one vector and fewer than four values.
#[inline(always)]
#[allow(unsafe_code)]
fn store_some<T>(mut values: v128, to: &mut [T]) {
    for to in to {
        let to = core::ptr::from_mut(to);
        // SAFETY: one value of that size.
        unsafe {
            match size_of::<T>() {
                1 => v128_store8_lane::<0>(values, to.cast()),
                2 => v128_store16_lane::<0>(values, to.cast()),
                _ => v128_store32_lane::<0>(values, to.cast()),
            }
        }
        values = match size_of::<T>() {
            1 => u32x4_shr(values, 8),
            2 => u64x2_shr(values, 16),
            _ => u32x4_shuffle::<1, 2, 3, 0>(values, values),
        };
    }
}
