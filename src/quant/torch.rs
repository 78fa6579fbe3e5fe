//! The rules of PyTorch, for comparison: what its observers and `quantize_per_tensor` do, to the bit. Quantpad's own
//! models follow ONNX Runtime ([`affine`](super::affine)).
//!
//! PyTorch multiplies by the rounded reciprocal of the scale where ONNX Runtime divides (they differ on ties), takes
//! 127.5 where ONNX Runtime takes 127 for symmetric ranges, uses the integer −128, and never has a scale below 2^-23.
//! Source: `torch/ao/quantization/observer.py` (`_calculate_qparams`) and ATen's `quantize_val`. Held by
//! `tests/golden`.

use super::{affine::QParams, fake_quant};
use crate::{Error, Result};

/// The integer that `x` becomes: `clamp(rne(f32(x · f32(1 / scale))) + zero_point)`. It becomes a real number as by
/// [`QParams::dequantize`].
pub fn quantize(params: QParams, x: f32) -> i32 {
    let q = fake_quant::level(x, 1.0 / params.scale, params.zero_point as f32);
    q.max(params.qmin as f32).min(params.qmax as f32) as i32
}

/// `torch.per_tensor_affine` from a range, which is widened to hold 0, for integers `qmin..=qmax` (`quint8`: 0..=255,
/// `qint8`: −128..=127).
///
/// # Errors
/// [`Error::NotFinite`] when an end is not finite or the range overflows.
pub fn choose_affine((min, max): (f32, f32), qmin: i32, qmax: i32) -> Result<QParams> {
    let (min, max) = (min.min(0.0), max.max(0.0));
    let scale = scale((max - min) / (qmax - qmin) as f32)?;
    let zero_point = (qmin as f32 - (min / scale).round_ties_even()).max(qmin as f32).min(qmax as f32) as i32;
    Ok(QParams { scale, zero_point, qmin, qmax })
}

/// The same with `reduce_range`: scale and zero point are those of one bit less, so that sums of pairs cannot saturate in
/// 16 bits on older x86; values beyond the range still become integers up to the full end.
///
/// # Errors
/// As [`choose_affine`].
pub fn choose_affine_reduced(range: (f32, f32), qmin: i32, qmax: i32) -> Result<QParams> {
    Ok(QParams { qmin, qmax, ..choose_affine(range, qmin / 2, qmax / 2)? })
}

/// `torch.per_tensor_symmetric` (and, row by row, `per_channel_symmetric`) from a range, for 8-bit integers
/// `qmin..=qmin + 255`: the zero point is in their middle.
///
/// # Errors
/// As [`choose_affine`].
pub fn choose_symmetric((min, max): (f32, f32), qmin: i32) -> Result<QParams> {
    let scale = scale(max.max(-min).max(0.0) / 127.5)?;
    Ok(QParams { scale, zero_point: qmin + 128, qmin, qmax: qmin + 255 })
}

fn scale(scale: f32) -> Result<f32> {
    if scale.is_finite() { Ok(scale.max(f32::EPSILON)) } else { Err(Error::NotFinite { what: "range" }) }
}
