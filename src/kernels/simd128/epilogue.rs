//! What the sums of a tile start from, and what is done with them: one type for each kind of output.

use core::{arch::wasm32::*, array::from_fn, marker::PhantomData, ops::Range};

use super::{round::Round, tile::Epilogue};
use crate::kernels::{
    LANES, PackedF32, PackedI8, fits,
    sink::{Dequantize, Requantize, correction, of_row},
};

/// f32 sums: bias (or the sums so far), ReLU.
pub struct Floats<'a> {
    w: &'a PackedF32,
    low: f32,
    resumed: bool,
    rows: usize,
    out: &'a mut [f32],
}

impl<'a> Floats<'a> {
    /// `resumed`: `out` holds the sums so far, which already have the bias.
    pub fn new(w: &'a PackedF32, relu: bool, resumed: bool, out: &'a mut [f32]) -> Self {
        Self { w, low: lowest(relu), resumed, rows: out.len() / w.outputs(), out }
    }
}

impl Epilogue for Floats<'_> {
    #[inline(always)]
    fn start<const R: usize, const P: usize>(&self, row: usize, output: usize) -> [[v128; P]; R] {
        if !self.resumed {
            return [load(self.w.bias(), output); R];
        }
        from_fn(|r| {
            let row = (row + r).min(self.rows - 1);
            let sums = &self.out[row * self.w.outputs()..][..self.w.outputs()][output..];
            if sums.len() >= P * LANES {
                return load(sums, 0);
            }
            from_fn(|p| {
                let lane = |lane| sums.get(p * LANES + lane).copied().unwrap_or_default();
                f32x4(lane(0), lane(1), lane(2), lane(3))
            })
        })
    }

    #[inline(never)]
    fn finish<const R: usize, const P: usize>(
        &mut self,
        row: usize,
        rows: Range<usize>,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let (outputs, low) = (self.w.outputs(), f32x4_splat(self.low));
        let mut to = Target::new(self.out, row, rows.end, outputs, outputs, output);
        for r in rows {
            to.store(r, sums[r].map(|sum| f32x4_pmax(sum, low)));
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
        rows: Range<usize>,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let (outputs, centre) = (self.w.outputs(), Centre::new(self.w, output));
        let mut to = Target::new(self.out, row, rows.end, outputs, outputs, output);
        for r in rows {
            to.store(r, centre.apply(of_row(self.zero_points, row + r), sums[r]));
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
        rows: Range<usize>,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let outputs = self.w.outputs();
        let mut to = Target::new(self.out, row, rows.end, outputs, outputs, output);
        let scales: [v128; P] = load(&self.to.scales, output);
        let low = f32x4_splat(lowest(self.to.relu));
        let Some(bias) = &self.to.bias else {
            for r in rows {
                to.store(
                    r,
                    from_fn::<_, P, _>(|p| f32x4_pmax(f32x4_mul(f32x4_convert_i32x4(sums[r][p]), scales[p]), low)),
                );
            }
            return;
        };
        let (bias, centre): ([v128; P], _) = (load(bias, output), Centre::new(self.w, output));
        for r in rows {
            let sums = centre.apply(of_row(self.zero_points, row + r), sums[r]);
            let x_scale = f32x4_splat(of_row(self.x_scales, row + r));
            to.store(
                r,
                from_fn::<_, P, _>(|p| {
                    let scaled = f32x4_mul(f32x4_convert_i32x4(sums[p]), f32x4_mul(x_scale, scales[p]));
                    f32x4_pmax(f32x4_add(scaled, bias[p]), low)
                }),
            );
        }
    }
}

/// The next layer's activations as bytes. What is the same for all tiles is kept as vectors in memory.
pub struct Narrow<'a> {
    rounded: Rounded<'a>,
    offset: v128,
    low: v128,
    flip: v128,
    out: &'a mut [u8],
}

impl<'a> Narrow<'a> {
    pub fn new(w: &'a PackedI8, to: &'a Requantize, flip: u8, stride: usize, out: &'a mut [u8]) -> Self {
        // Bytes less 128, narrowed as signed ones: the unsigned narrowing is compiled with a clamp of its own.
        Self {
            rounded: Rounded::new(w, to, stride),
            offset: i16x8_splat(i16::from(to.zero_point) - 128),
            low: u8x16_splat(to.low ^ 0x80),
            flip: u8x16_splat(flip ^ 0x80),
            out,
        }
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
        rows: Range<usize>,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let (offset, low, flip) = (self.offset, self.low, self.flip);
        let rescale = self.rounded.rescale::<P>(output);
        let mut to = self.rounded.target(self.out, row, rows.end, output);
        let pair = |q: [v128; 2]| i16x8_add_sat(i16x8_narrow_i32x4(q[0], q[1]), offset);
        let finish = |a: v128, b: v128| v128_xor(i8x16_max(i8x16_narrow_i16x8(a, b), low), flip);
        if P == 2 && R.is_multiple_of(2) && rows == (0..R) && to.holds(P) {
            // The usual case, two rows at a time; the loop has a known length.
            for r in (0..R).step_by(2) {
                let (a, b) = (rescale.apply(sums[r]), rescale.apply(sums[r + 1]));
                to.store_two_rows(r, finish(pair([a[0], a[1]]), pair([b[0], b[1]])));
            }
            return;
        }
        for r in rows {
            let q = rescale.apply(sums[r]);
            for v in (0..P).step_by(2) {
                let pair = pair([q[v], q[(v + 1).min(P - 1)]]);
                if v + 1 < P {
                    to.store_pair(r, v, finish(pair, pair));
                } else {
                    to.store_one(r, v, finish(pair, pair));
                }
            }
        }
    }
}

/// The next layer's activations as 16-bit differences from their zero point.
pub struct Wide<'a> {
    rounded: Rounded<'a>,
    low: v128,
    high: v128,
    out: &'a mut [i16],
}

impl<'a> Wide<'a> {
    pub fn new(w: &'a PackedI8, to: &'a Requantize, stride: usize, out: &'a mut [i16]) -> Self {
        let (zero_point, low) = (i16::from(to.zero_point), i16::from(to.low));
        let (low, high) = (i16x8_splat(low - zero_point), i16x8_splat(255 - zero_point));
        Self { rounded: Rounded::new(w, to, stride), low, high, out }
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
        rows: Range<usize>,
        output: usize,
        sums: &[[v128; P]; R],
    ) {
        let (low, high) = (self.low, self.high);
        let rescale = self.rounded.rescale::<P>(output);
        let mut to = self.rounded.target(self.out, row, rows.end, output);
        for r in rows {
            let q = rescale.apply(sums[r]);
            for v in (0..P).step_by(2) {
                let pair = i16x8_narrow_i32x4(q[v], q[(v + 1).min(P - 1)]);
                let pair = i16x8_max(i16x8_min(pair, high), low);
                if v + 1 < P {
                    to.store_pair(r, v, pair);
                } else {
                    to.store_one(r, v, pair);
                }
            }
        }
    }
}

/// Sums on the way to the next layer's integers.
struct Rounded<'a> {
    to: &'a Requantize,
    stride: usize,
    width: usize,
    limit: Option<[v128; 2]>,
    round: Round,
}

impl<'a> Rounded<'a> {
    fn new(w: &PackedI8, to: &'a Requantize, stride: usize) -> Self {
        // Up to a full vector when a row has room for padding.
        let padded = w.outputs().next_multiple_of(LANES);
        let width = if padded <= stride { padded } else { w.outputs() };
        let limit = (!to.is_bounded()).then(|| [f32x4_splat(-LIMIT), f32x4_splat(LIMIT)]);
        Self { to, stride, width, limit, round: Round::new() }
    }

    #[inline(always)]
    fn rescale<const P: usize>(&self, output: usize) -> Rescale<P> {
        Rescale { multipliers: load(&self.to.multipliers, output), limit: self.limit, round: self.round }
    }

    #[inline(always)]
    fn target<'o, T>(&self, out: &'o mut [T], row: usize, rows: usize, output: usize) -> Target<'o, T> {
        Target::new(out, row, rows, self.stride, self.width, output)
    }
}

/// Rounding is exact within ±2^22; no result that is not clamped to 0..=255 anyway lies beyond this.
const LIMIT: f32 = 1_048_576.0;

struct Rescale<const P: usize> {
    multipliers: [v128; P],
    limit: Option<[v128; 2]>,
    round: Round,
}

impl<const P: usize> Rescale<P> {
    /// `rne(f32(sum) · multiplier)`, right where it is between −2^15 and 2^15 and beyond that on the same side.
    #[inline(always)]
    fn apply(&self, sums: [v128; P]) -> [v128; P] {
        from_fn(|p| {
            let real = f32x4_mul(f32x4_convert_i32x4(sums[p]), self.multipliers[p]);
            self.round.nearest(match self.limit {
                Some([low, high]) => f32x4_pmin(f32x4_pmax(real, low), high),
                None => real,
            })
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
        from_fn(|p| i32x4_sub(sums[p], i32x4_mul(zero_point, self.row_sums[p])))
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
    from_fn(|p| unsafe { v128_load(values.as_ptr().add(p * LANES).cast()) })
}

/// Rows of an output matrix, from one output on.
struct Target<'a, T> {
    to: *mut T,
    rows: usize,
    stride: usize,
    /// Values from here to the end of a row.
    width: usize,
    _out: PhantomData<&'a mut [T]>,
}

#[allow(unsafe_code)]
impl<'a, T> Target<'a, T> {
    /// Rows `row..row + rows` of `width` values, `stride` values apart, from value `output` on.
    #[inline(always)]
    fn new(out: &'a mut [T], row: usize, rows: usize, stride: usize, width: usize, output: usize) -> Self {
        fits(output < width && width <= stride);
        let out = &mut out[row * stride..(row + rows - 1) * stride + width];
        Self { to: out[output..].as_mut_ptr(), rows, stride, width: width - output, _out: PhantomData }
    }

    /// Whether a row has room for P vectors.
    fn holds(&self, vectors: usize) -> bool {
        vectors * LANES <= self.width
    }

    /// Place `v` (four values) of row `r`. The caller must see that it lies in the row.
    #[inline(always)]
    fn place(&mut self, r: usize, v: usize) -> *mut T {
        debug_assert!(r < self.rows && v * LANES < self.width);
        self.to.wrapping_add(r * self.stride + v * LANES)
    }

    /// Writes four values of each vector to row `r`, as far as it reaches.
    #[inline(always)]
    fn store<const P: usize>(&mut self, r: usize, vectors: [v128; P]) {
        for (p, values) in vectors.into_iter().enumerate() {
            self.store_one(r, p, values);
        }
    }

    /// Writes the first four values of a vector to place `v` of row `r`: by stores of known length, for a copy of any
    /// length is a call that takes longer than a whole small layer.
    #[inline(always)]
    fn store_one(&mut self, r: usize, v: usize, values: v128) {
        if !self.holds(v + 1) {
            return self.store_some(r, v, values);
        }
        let to = self.place(r, v);
        // SAFETY: `new` has checked all rows up to their width; the stores need no alignment.
        unsafe {
            match size_of::<T>() {
                1 => v128_store32_lane::<0>(values, to.cast()),
                2 => v128_store64_lane::<0>(values, to.cast()),
                _ => v128_store(to.cast(), values),
            }
        }
    }

    /// Writes the first eight values of a vector of bytes or 16-bit values to places `v` and `v + 1`.
    #[inline(always)]
    fn store_pair(&mut self, r: usize, v: usize, values: v128) {
        if !self.holds(v + 2) {
            self.store_one(r, v, values);
            let upper = if size_of::<T>() == 1 {
                u32x4_shuffle::<1, 1, 1, 1>(values, values)
            } else {
                u64x2_shuffle::<1, 1>(values, values)
            };
            return self.store_some(r, v + 1, upper);
        }
        let to = self.place(r, v);
        // SAFETY: as in `store_one`.
        unsafe {
            match size_of::<T>() {
                1 => v128_store64_lane::<0>(values, to.cast()),
                _ => v128_store(to.cast(), values),
            }
        }
    }

    /// Writes eight bytes each to rows `r` and `r + 1`, which hold two vectors.
    #[inline(always)]
    fn store_two_rows(&mut self, r: usize, values: v128) {
        let (upper, lower) = (self.place(r, 0), self.place(r + 1, 0));
        // SAFETY: as in `store_one`.
        unsafe {
            v128_store64_lane::<0>(values, upper.cast());
            v128_store64_lane::<1>(values, lower.cast());
        }
    }

    /// What is left of a row: up to four values.
    #[inline(always)]
    fn store_some(&mut self, r: usize, v: usize, values: v128) {
        let count = self.width.saturating_sub(v * LANES).min(LANES);
        if size_of::<T>() == 4 && count == 2 {
            // Ten outputs, as most last layers have.
            // SAFETY: as in `store_one`.
            return unsafe { v128_store64_lane::<0>(values, self.place(r, v).cast()) };
        }
        // SAFETY: as in `store_one`: so many values from here on lie in the row.
        unsafe { store_first(self.to.wrapping_add(r * self.stride + v * LANES).cast(), size_of::<T>(), count, values) };
    }
}

/// Stores the first `count` values, of 1, 2 or 4 bytes each. Seldom needed, so once for all.
///
/// # Safety
/// They must lie in memory that may be written.
#[inline(never)]
#[allow(unsafe_code)]
unsafe fn store_first(to: *mut u8, size: usize, count: usize, mut values: v128) {
    for at in 0..count {
        // SAFETY: promised by the caller.
        unsafe {
            match size {
                1 => v128_store8_lane::<0>(values, to.add(at)),
                2 => v128_store16_lane::<0>(values, to.add(2 * at).cast()),
                _ => v128_store32_lane::<0>(values, to.add(4 * at).cast()),
            }
        }
        values = match size {
            1 => u32x4_shr(values, 8),
            2 => u64x2_shr(values, 16),
            _ => u32x4_shuffle::<1, 2, 3, 0>(values, values),
        };
    }
}
