//! The inner loops, each in two variants that return the same bits.
//!
//! * [`scalar`] is the specification: plain loops that can be read in a minute.
//! * `simd128` is the same in 128-bit WebAssembly SIMD, compiled only into builds that may use it.
//!
//! A build uses one of them ([`BACKEND`]); the functions here check shapes once and call it.
//!
//! Integers: `u8` activations times `i8` weights, summed exactly in `i32`. With at most [`MAX_INPUTS`] products no
//! sum can leave 32 bits. Floats: each output is summed over its inputs in ascending order, one rounding a step, so
//! SIMD (which works on several *outputs* at once) returns the very bits of the scalar loop.
//! Weights are packed once per model ([`PackedF32`], [`PackedI8`]), never per call. Held by `tests/kernels.rs`.

mod pack;
pub mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub mod simd128;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
use scalar as active;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use simd128 as active;

pub use pack::{PANEL, PackedF32, PackedI8};

/// The most inputs of an integer layer: 65,536 · 255 · 128 < 2^31.
pub const MAX_INPUTS: usize = 65_536;

/// Which kernels a build uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// Plain loops.
    Scalar,
    /// 128-bit WebAssembly SIMD.
    Simd128,
}

impl Backend {
    /// The name shown on the page.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Simd128 => "simd128",
        }
    }
}

/// The kernels of this build.
pub const BACKEND: Backend =
    if cfg!(all(target_arch = "wasm32", target_feature = "simd128")) { Backend::Simd128 } else { Backend::Scalar };

/// `out[r][j] = bias[j] + Σ_k x[r][k] · w[j][k]`, k ascending; `x` is `[rows, inputs]`, `out` `[rows, outputs]`.
///
/// # Panics
/// When a length does not fit the packed weights.
pub fn gemm_f32(x: &[f32], w: &PackedF32, bias: &[f32], out: &mut [f32]) {
    let rows = out.len() / w.outputs();
    assert_eq!((x.len(), out.len(), bias.len()), (rows * w.inputs(), rows * w.outputs(), w.outputs()));
    active::gemm_f32(x, w, bias, out);
}

/// `out[r][j] = Σ_k (x[r][k] - zero_points[r]) · w[j][k]`, exact; `x` is `[rows, w.stride()]`: each row of activations
/// is followed by anything up to the packed stride (the weights there are 0), `out` is `[rows, outputs]`.
///
/// # Panics
/// When a length does not fit the packed weights.
pub fn gemm_u8i8(x: &[u8], zero_points: &[u8], w: &PackedI8, out: &mut [i32]) {
    let rows = zero_points.len();
    assert_eq!((x.len(), out.len()), (rows * w.stride(), rows * w.outputs()));
    active::gemm_u8i8(x, zero_points, w, out);
}

/// Smallest and largest value of `x`; `(0, 0)` when it is empty. `x` must be finite; of
/// two zeros either sign may come back.
pub fn min_max(x: &[f32]) -> (f32, f32) {
    active::min_max(x)
}

/// `clamp(rne(x / scale) + zero_point, 0, 255)` of each value, by division as ONNX QuantizeLinear has it. `x` must be
/// finite and `scale` positive.
///
/// # Panics
/// When `out` is shorter than `x`.
pub fn quantize_u8(x: &[f32], scale: f32, zero_point: u8, out: &mut [u8]) {
    active::quantize_u8(x, scale, zero_point, &mut out[..x.len()]);
}

/// `y = (x - mean) · factor` for each of the `mean.len()` values of a row; any number of rows.
///
/// # Panics
/// When a length is not a multiple of the row's.
pub fn standardize(x: &[f32], mean: &[f32], factor: &[f32], out: &mut [f32]) {
    assert_eq!((x.len(), mean.len()), (out.len(), factor.len()));
    assert_eq!(x.len() % mean.len(), 0);
    active::standardize(x, mean, factor, out);
}
