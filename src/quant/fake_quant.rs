//! Fake quantization: values rounded to what integers can say, but kept as floats, so that a network can be trained with
//! the rounding it will have.
//!
//! As PyTorch's `fake_quantize`: `q = rne(f32(x · f32(1 / scale))) + zero_point`, `y = f32(clamp(q) − zero_point) · scale`.
//! It multiplies by the reciprocal where [`super::affine`] divides; the two differ only where x lies on a tie.
//! Rounding has no slope, so its gradient is taken to be that of the identity where q is in range and 0 where it was
//! clamped: the straight-through estimator (Y. Bengio et al., "Estimating or Propagating Gradients Through Stochastic
//! Neurons", 2013). Held by `tests/golden`, to the bit.

use super::affine::QParams;

/// `y`: `x` rounded to what `params` can say. Not a number stays none.
pub fn fake_quantize(params: QParams, x: &[f32], y: &mut [f32]) {
    let (low, high) = (params.qmin as f32, params.qmax as f32);
    let (reciprocal, zero_point) = (1.0 / params.scale, params.zero_point as f32);
    for (y, &x) in y.iter_mut().zip(x) {
        let level = level(x, reciprocal, zero_point);
        // Not clamp, whose panic prints floats.
        let level = if level < low { low } else { level };
        *y = (if level > high { high } else { level } - zero_point) * params.scale;
    }
}

/// The gradient at `x` from that at `y`: the same, but 0 where `x` was clamped.
pub fn straight_through(params: QParams, x: &[f32], gradient: &mut [f32]) {
    let range = params.qmin as f32..=params.qmax as f32;
    let (reciprocal, zero_point) = (1.0 / params.scale, params.zero_point as f32);
    for (gradient, &x) in gradient.iter_mut().zip(x) {
        if !range.contains(&level(x, reciprocal, zero_point)) {
            *gradient = 0.0;
        }
    }
}

/// The integer of `x`, as a float and not yet clamped.
pub(super) fn level(x: f32, reciprocal: f32, zero_point: f32) -> f32 {
    (x * reciprocal).round_ties_even() + zero_point
}
