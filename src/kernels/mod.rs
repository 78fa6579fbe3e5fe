//! The inner loops, each in variants that return the same bits.
//!
//! * [`scalar`] is the specification: plain loops that can be read in a minute.
//! * `simd128` is the same in 128-bit WebAssembly SIMD, compiled only into builds that may use it.
//! * `relaxed` adds the relaxed instructions: a dot product of four bytes a lane, and a fused multiply-add.
//!
//! A build uses one of them ([`BACKEND`]); the functions here check shapes once and call it.
//!
//! A fully connected layer and a 3x3 convolution are the same product of [`Rows`] and packed weights ([`PackedF32`],
//! [`PackedI8`], made once per model, never per call); they differ only in where a row finds its inputs. A register
//! tile of R rows by P vectors of four outputs keeps its sums in registers over the whole loop, and what follows a
//! layer (bias, ReLU, [`Dequantize`], [`Requantize`]) is done on the sums before they are stored.
//!
//! Integers: `u8` activations times `i8` weights, summed exactly in `i32`. With at most [`MAX_INPUTS`] products no
//! sum can leave 32 bits. Where both are −1 or +1 ([`multiply_bits`]), a word of bits is multiplied at once. Floats: with [`Rounding::Separate`] each output is summed in one fixed order, so SIMD (which
//! works on several *outputs* at once) returns the very bits of the scalar loop. Held by `tests/suite/kernels.rs`.

// What only SIMD builds use, or only the others.
#![cfg_attr(not(all(target_arch = "wasm32", target_feature = "simd128")), allow(dead_code))]

mod activations;
mod binary;
mod pack;
mod path;
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub mod relaxed;
mod rows;
#[cfg_attr(all(target_arch = "wasm32", target_feature = "simd128"), allow(dead_code))]
pub mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub mod simd128;
mod sink;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use scalar as active;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use simd128 as active;

use sink::Part;

pub use activations::Activations;
pub(crate) use activations::at_least;
pub use binary::{BitPatches, BitRows, PackedBits, convolve_bits, multiply_bits};
pub use pack::{LANES, PackedF32, PackedI8};
pub use path::{DotPath, Rounding};
pub use rows::{Patches, Rows};
pub use sink::{Dequantize, Requantize, Sink};

/// One message for all checks of lengths; the panic names the caller.
#[track_caller]
fn fits(lengths_fit: bool) {
    assert!(lengths_fit, "a length does not fit");
}

/// The most inputs of an integer layer: 65,536 · 255 · 128 < 2^31.
pub const MAX_INPUTS: usize = 65_536;

/// Which kernels a build uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Plain loops.
    Scalar,
    /// 128-bit WebAssembly SIMD.
    Simd128,
    /// 128-bit WebAssembly SIMD with the relaxed instructions.
    Relaxed,
}

impl Backend {
    /// The name shown on the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Simd128 => "simd128",
            Self::Relaxed => "relaxed",
        }
    }
}

/// The kernels of this build.
pub const BACKEND: Backend = if cfg!(all(target_arch = "wasm32", target_feature = "relaxed-simd")) {
    Backend::Relaxed
} else if cfg!(all(target_arch = "wasm32", target_feature = "simd128")) {
    Backend::Simd128
} else {
    Backend::Scalar
};

/// `out[r][j] = bias[j] + Σ_k x[r][k] · w[j][k]`, negative ones replaced by 0 if `relu`; `out` is `[rows, outputs]`.
/// The order of the sum is that of [`scalar::multiply_f32`].
///
/// # Panics
/// When a length does not fit the packed weights.
pub fn multiply_f32(x: &Rows<f32>, w: &PackedF32, rounding: Rounding, relu: bool, out: &mut [f32]) {
    fits(x.inputs() == w.inputs() && out.len() == x.count() * w.outputs());
    active::multiply_f32(x, w, rounding, relu, out);
}

/// A 3x3 convolution of `x` (`[images, height, width, channels]`) with a border of `padding`, as [`multiply_f32`] for each
/// pixel; `border` is working memory, `w` are the filters `[outputs][3][3][channels]`.
///
/// # Panics
/// When a length does not fit the geometry or the packed weights.
pub fn convolve_f32(
    x: &[f32],
    patches: &Patches,
    (border, padding): (&mut Vec<f32>, f32),
    w: &PackedF32,
    rounding: Rounding,
    relu: bool,
    out: &mut [f32],
) {
    fits(x.len() * patches.pixels() * w.outputs() == out.len() * patches.image_len());
    let border = at_least(border, patches.bordered_len());
    border.fill(padding);
    for (image, out) in x.chunks_exact(patches.image_len()).zip(out.chunks_exact_mut(patches.pixels() * w.outputs())) {
        patches.place(image, border);
        multiply_f32(&Rows::patches(border, patches), w, rounding, relu, out);
    }
}

/// The left operand of an integer product.
#[derive(Clone, Copy)]
enum Operand<'a> {
    /// Bytes.
    Narrow(Rows<'a, u8>),
    /// 16-bit differences from the zero point.
    Wide(Rows<'a, i16>),
}

/// `sum[r][j] = Σ_k (x[r][k] - zero_point[r]) · w[j][k]`, exact, handed to `sink`. What a row of activations holds
/// between its inputs and `w.stride()` does not matter (the weights there are 0).
///
/// # Panics
/// When a length does not fit the packed weights, or activations and weights are stored for different paths.
#[inline(always)]
pub fn multiply(x: &Activations, w: &PackedI8, sink: Sink) {
    multiply_by(active::multiply, active::multiply_row, x, w, sink);
}

#[inline(always)]
fn multiply_by(
    kernel: impl Fn(&Operand, &PackedI8, &mut Part),
    row_kernel: impl Fn(&Activations, &PackedI8, &mut Part),
    x: &Activations,
    w: &PackedI8,
    sink: Sink,
) {
    fits(x.path() == w.path() && x.stride() >= w.stride());
    check_sink(&sink, x.count(), 1, w);
    let part = &mut Part::whole(sink, x.zero_points(), w.outputs());
    if x.count() == 1 {
        return row_kernel(x, w, part);
    }
    let (rows, inputs, stride) = (x.count(), w.stride(), x.stride());
    let operand = if x.path().is_wide() {
        Operand::Wide(Rows::dense(x.wide(), rows, inputs, stride))
    } else {
        Operand::Narrow(Rows::dense(x.narrow(), rows, inputs, stride))
    };
    kernel(&operand, w, part);
}

/// Working memory of convolutions: one image with its border.
#[derive(Debug, Clone, Default)]
pub struct Border {
    /// In fp32.
    pub floats: Vec<f32>,
    narrow: Vec<u8>,
    wide: Vec<i16>,
}

/// A 3x3 convolution of images (one a row of `x`, `[height, width, channels]`) with a border of real zeros, as
/// [`multiply`] for each pixel; `w` are filters [`Patches::spread`].
///
/// # Panics
/// As [`multiply`].
pub fn convolve(x: &Activations, patches: &Patches, border: &mut Border, w: &PackedI8, sink: Sink) {
    convolve_by(active::multiply, x, patches, border, w, sink);
}

fn convolve_by(
    kernel: impl Fn(&Operand, &PackedI8, &mut Part),
    x: &Activations,
    patches: &Patches,
    border: &mut Border,
    w: &PackedI8,
    mut sink: Sink,
) {
    fits(x.path() == w.path() && x.stride() >= patches.image_len() && w.inputs() == patches.inputs());
    check_sink(&sink, x.count(), patches.pixels(), w);
    let (pixels, len) = (patches.pixels(), patches.bordered_len());
    let mut filled = None;
    for n in 0..x.count() {
        let image = n * x.stride()..n * x.stride() + patches.image_len();
        let zero_point = x.zero_points()[n];
        let operand = if x.path().is_wide() {
            let bordered = at_least(&mut border.wide, len);
            if filled.is_none() {
                bordered.fill(0);
            }
            patches.place(&x.wide()[image], bordered);
            Operand::Wide(Rows::patches(bordered, patches))
        } else {
            let bordered = at_least(&mut border.narrow, len);
            if filled != Some(zero_point) {
                bordered.fill(zero_point ^ x.path().flip());
            }
            patches.place(&x.narrow()[image], bordered);
            Operand::Narrow(Rows::patches(bordered, patches))
        };
        filled = Some(zero_point);
        kernel(&operand, w, &mut Part::image(&mut sink, x.zero_points(), n, pixels, w.outputs()));
    }
}

/// [`multiply`] with an instruction of one's own, so that the paths of other engines can be tested on this one.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[doc(hidden)]
pub fn multiply_with<U: simd128::unit::Unit>(x: &Activations, w: &PackedI8, sink: Sink) {
    multiply_by(simd128::multiply_bytes::<U>, simd128::multiply_row_bytes::<U>, x, w, sink);
}

/// [`convolve`] with an instruction of one's own.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[doc(hidden)]
pub fn convolve_with<U: simd128::unit::Unit>(
    x: &Activations,
    patches: &Patches,
    border: &mut Border,
    w: &PackedI8,
    sink: Sink,
) {
    convolve_by(simd128::multiply_bytes::<U>, x, patches, border, w, sink);
}

#[inline(always)]
fn check_sink(sink: &Sink, rows: usize, pixels: usize, w: &PackedI8) {
    let values = rows * pixels * w.outputs();
    match sink {
        Sink::Sums(out) => fits(out.len() == values),
        Sink::Floats(d, scales, out) => {
            fits(out.len() == values && d.scales.len() == w.row_sums().len());
            fits(scales.len() == 1 || scales.len() == rows);
        }
        Sink::Activations(r, out) => {
            fits(out.path() == w.path() && out.count() == rows && r.multipliers.len() == w.row_sums().len());
            fits(out.stride() >= pixels * w.outputs());
        }
    }
}

/// Largest of each 2x2 block of images `[height, width, channels]` (an odd last line or column is left out).
///
/// # Panics
/// When a length does not fit.
pub fn max_pool_f32(x: &[f32], shape: [usize; 3], out: &mut [f32]) {
    let [height, width, channels] = shape;
    let pooled = (height / 2) * (width / 2) * channels;
    fits(x.len() * pooled == out.len() * height * width * channels);
    if pooled == 0 {
        return;
    }
    for (x, out) in x.chunks_exact(height * width * channels).zip(out.chunks_exact_mut(pooled)) {
        active::max_pool_f32(x, shape, out);
    }
}

/// The same on quantized images, one a row; `out` has been [`Activations::reset`] to as many rows.
///
/// # Panics
/// When a length does not fit.
pub fn max_pool(x: &Activations, shape: [usize; 3], out: &mut Activations) {
    let [height, width, channels] = shape;
    let (image, pooled) = (height * width * channels, (height / 2) * (width / 2) * channels);
    fits((x.count(), x.path()) == (out.count(), out.path()) && image <= x.stride() && pooled <= out.stride());
    for n in 0..x.count() {
        let (from, to) = (n * x.stride()..n * x.stride() + image, n * out.stride()..n * out.stride() + pooled);
        match x.path() {
            DotPath::Pairs => active::max_pool_i16(&x.wide()[from], shape, &mut out.wide_mut()[to]),
            DotPath::Scalar | DotPath::Unsigned => {
                active::max_pool_u8(&x.narrow()[from], shape, &mut out.narrow_mut()[to]);
            }
            DotPath::Signed => active::max_pool_i8(&x.narrow()[from], shape, &mut out.narrow_mut()[to]),
        }
    }
    out.copy_zero_points(x);
}

/// Sequences of instructions whose ceiling can be measured, by name.
pub const CEILINGS: &[&str] = match BACKEND {
    Backend::Scalar => &[],
    Backend::Simd128 => &["f32 multiply and add", "16-bit pairs"],
    Backend::Relaxed => &["f32 multiply and add", "16-bit pairs", "f32 fused multiply-add", "relaxed dot"],
};

/// Runs `steps` steps of ceiling `number` from registers alone, with `operands` (at least 32 values): a number that
/// depends on all of them, and the multiplications done. Nothing in a build without SIMD.
pub fn run_ceiling(number: usize, operands: &[f32], steps: usize) -> (i32, usize) {
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    match number {
        0 => return simd128::ceiling::run::<simd128::unit::MulAdd>(operands, steps),
        1 => return simd128::ceiling::run::<simd128::unit::Pairs>(operands, steps),
        #[cfg(target_feature = "relaxed-simd")]
        2 => return simd128::ceiling::run::<relaxed::FusedMulAdd>(operands, steps),
        #[cfg(target_feature = "relaxed-simd")]
        3 => return simd128::ceiling::run::<relaxed::RelaxedDot>(operands, steps),
        _ => {}
    }
    let _ = (number, operands, steps);
    (0, 0)
}

/// Smallest and largest value of `x`; `(0, 0)` when it is empty. `x` must be finite; of
/// two zeros either sign may come back.
pub fn min_max(x: &[f32]) -> (f32, f32) {
    active::min_max(x)
}

/// The scaling of an image: one mean and one factor for each pixel.
#[derive(Debug, Clone, Copy)]
pub struct Scaling<'a> {
    /// Taken off first.
    pub mean: &'a [f32],
    /// Multiplied with then.
    pub factor: &'a [f32],
}

impl Scaling<'_> {
    fn apply(&self, x: f32, i: usize) -> f32 {
        (x - self.mean[i]) * self.factor[i]
    }

    /// Itself, when it is that of so many pixels.
    fn of(self, pixels: usize) -> Self {
        fits(self.mean.len() == pixels && self.factor.len() == pixels);
        self
    }

    /// That of the pixels from `i` on.
    fn from(self, i: usize) -> Self {
        Self { mean: &self.mean[i..], factor: &self.factor[i..] }
    }
}

/// `y = (x - mean) · factor` for each pixel of one image.
///
/// # Panics
/// When the lengths differ.
pub fn standardize(x: &[f32], scaling: Scaling, out: &mut [f32]) {
    fits(x.len() == out.len());
    active::standardize(x, scaling.of(x.len()), out);
}

/// The same; the smallest and largest y as [`min_max`] has it.
///
/// # Panics
/// When the lengths differ.
pub fn standardize_range(x: &[f32], scaling: Scaling, out: &mut [f32]) -> (f32, f32) {
    fits(x.len() == out.len());
    active::standardize_range(x, scaling.of(x.len()), out)
}
