//! The numeric contract: every rule by which a real number becomes an integer and an integer a real number.
//!
//! 1. `real = scale · (q - zero_point)`; real 0 is exactly representable.
//! 2. Rounding is half to even, out of range saturates, NaN and infinity are errors.
//! 3. Quantizing divides: `clamp(rne(f32(x / scale)) + zero_point)`, as ONNX QuantizeLinear does (PyTorch multiplies by
//!    the rounded reciprocal and differs on ties).
//! 4. Activations: u8 in [0, 255], by the rule of ONNX DynamicQuantizeLinear. Weights: symmetric i8 in [-127, 127],
//!    `scale = max|w| / 127`, as ONNX Runtime's quantizer does. Other widths the same: 32,767 and 7 for 127, and affine
//!    weights by the rule of activations in [-2^(bits - 1), 2^(bits - 1) - 1].
//! 5. Requantizing: `clamp(rne(f32(f32(sum) · m)) + zero_point)`, `m = f32(f32(x_scale · w_scale) / y_scale)`, as ONNX
//!    Runtime's QLinearMatMul does.
//!
//! Each line is held by a test of its name in `tests/suite/numeric_contract.rs`, and to the bit of PyTorch's and ONNX
//! Runtime's own output by `tests/golden`.

use crate::{Error, Result};

/// How integers stand for reals: `real = scale · (q - zero_point)`, `q` in `qmin..=qmax`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QParams {
    /// Real distance of two neighbouring integers; positive and finite.
    pub scale: f32,
    /// The integer that stands for real 0.
    pub zero_point: i32,
    /// Smallest integer of the format.
    pub qmin: i32,
    /// Largest integer of the format.
    pub qmax: i32,
}

impl QParams {
    /// Parameters of u8 activations.
    pub const fn u8(scale: f32, zero_point: u8) -> Self {
        Self { scale, zero_point: zero_point as i32, qmin: 0, qmax: 255 }
    }

    /// The integer nearest to `x / scale + zero_point`.
    pub fn quantize(&self, x: f32) -> i32 {
        let q = (x / self.scale).round_ties_even() + self.zero_point as f32;
        // Not clamp, whose panic prints floats: 10 KB of the module.
        q.max(self.qmin as f32).min(self.qmax as f32) as i32
    }

    /// The real number that a finite `x` becomes: that of its integer, which is a float throughout, so that compilers take
    /// several at once.
    #[inline]
    pub(super) fn round(&self, x: f32) -> f32 {
        let (low, high, zero_point) = (self.qmin as f32, self.qmax as f32, self.zero_point as f32);
        let q = (x / self.scale).round_ties_even() + zero_point;
        let q = if q < low { low } else { q };
        (if q > high { high } else { q } - zero_point) * self.scale
    }

    /// The real number that `q` stands for.
    pub fn dequantize(&self, q: i32) -> f32 {
        (q - self.zero_point) as f32 * self.scale
    }
}

/// Activation parameters from a range (u8), by the rule of ONNX DynamicQuantizeLinear: the range is widened to hold 0.
/// A range too small for a scale of its own gives scale 1, as an empty one does.
///
/// # Errors
/// [`Error::NotFinite`] when an end is not finite or the range overflows.
pub fn choose_u8(range: (f32, f32)) -> Result<QParams> {
    choose_affine(range, 0, 255).ok_or(Error::NotFinite { what: "range of activations" })
}

/// The same for integers `qmin..=qmax`; `None` when an end is not finite or the range overflows.
pub(super) fn choose_affine((min, max): (f32, f32), qmin: i32, qmax: i32) -> Option<QParams> {
    let (min, max) = (min.min(0.0), max.max(0.0));
    let scale = (max - min) / (qmax - qmin) as f32;
    if !scale.is_finite() {
        return None;
    }
    let scale = if scale == 0.0 { 1.0 } else { scale };
    let zero_point = (qmin as f32 + (-min / scale).round_ties_even()).max(qmin as f32).min(qmax as f32) as i32;
    Some(QParams { scale, zero_point, qmin, qmax })
}

/// Parameters of symmetric i8 weights: `scale = max|w| / 127` (in f64, then rounded once), 1 when that is no normal
/// number.
///
/// # Errors
/// [`Error::NotFinite`] when a weight is NaN or infinite.
pub fn choose_i8_symmetric(weights: &[f32]) -> Result<QParams> {
    choose_symmetric(weights, 127)
}

/// The same for integers `-qmax..=qmax`.
pub(super) fn choose_symmetric(weights: &[f32], qmax: i32) -> Result<QParams> {
    let largest = weights.iter().try_fold(0.0_f32, |largest, w| w.is_finite().then_some(largest.max(w.abs())));
    let largest = largest.ok_or(Error::NotFinite { what: "weight tensor" })?;
    let scale = f64::from(largest) * 2.0 / f64::from(2 * qmax);
    let scale = if scale < f64::from(f32::MIN_POSITIVE) { 1.0 } else { scale as f32 };
    Ok(QParams { scale, zero_point: 0, qmin: -qmax, qmax })
}

/// Bias as i32 at the scale of the sums: `rne(f32(bias / f32(x_scale · w_scale)))`, saturating.
pub fn quantize_bias(bias: f32, x_scale: f32, w_scale: f32) -> i32 {
    (bias / (x_scale * w_scale)).round_ties_even() as i32
}

/// The factor from a sum of products to the next layer's integers.
pub fn requantize_multiplier(x_scale: f32, w_scale: f32, y_scale: f32) -> f32 {
    x_scale * w_scale / y_scale
}

/// A sum of products as the next layer's u8: `clamp(rne(f32(f32(sum) · multiplier)) + zero_point, 0, 255)`.
pub fn requantize_u8(sum: i32, multiplier: f32, zero_point: u8) -> u8 {
    ((sum as f32 * multiplier).round_ties_even() + f32::from(zero_point)).clamp(0.0, 255.0) as u8
}
