//! Scales of integer weights: from the largest weight, or the one of least squared error.

use super::{
    NumberFormat, ScaleRule, Symmetry,
    affine::{self, QParams},
};
use crate::{Error, Result};

/// The search tries each of these shares of the whole range.
const SHARES: u8 = 100;
/// Steps of the descent that follows.
const STEPS: u8 = 20;

/// Parameters of `weights` as integers of `format`. The zero point is that of the whole range; [`ScaleRule::Mse`] changes
/// the scale alone.
///
/// # Errors
/// [`Error::NotFinite`] when a weight is NaN or infinite, or the range overflows.
pub fn choose(weights: &[f32], format: NumberFormat, symmetry: Symmetry, rule: ScaleRule) -> Result<QParams> {
    let (qmin, qmax) = format.range(symmetry);
    // Also refuses what is not finite.
    let mut params = affine::choose_symmetric(weights, qmax)?;
    if symmetry == Symmetry::Affine {
        let range = weights.iter().fold((0.0_f32, 0.0_f32), |(low, high), &w| (low.min(w), high.max(w)));
        params = affine::choose_affine(range, qmin, qmax).ok_or(Error::NotFinite { what: "range of weights" })?;
        if params.scale < f32::MIN_POSITIVE {
            params = QParams { scale: 1.0, zero_point: 0, ..params };
        }
    }
    if rule == ScaleRule::Mse {
        params.scale = search(weights, params);
    }
    Ok(params)
}

/// The scale of least squared error that is found: the best of [`SHARES`] shares of the given one, then of steps to the
/// least-squares scale of the integers that it gives; both halves of such a step can only lower the error.
fn search(weights: &[f32], whole: QParams) -> f32 {
    let mut best = (f64::INFINITY, whole);
    for step in 0..SHARES + STEPS {
        let scale = match SHARES.checked_sub(step) {
            Some(share @ 1..) => whole.scale * (f32::from(share) / f32::from(SHARES)),
            // Without an integer but 0 this is no number, and not taken.
            _ => least_squares_scale(weights, best.1),
        };
        let params = QParams { scale, ..whole };
        let error = squared_error(weights, params);
        if scale >= f32::MIN_POSITIVE && error < best.0 {
            best = (error, params);
        } else if step >= SHARES {
            break;
        }
    }
    best.1.scale
}

/// For the integers that `params` give: `Σ w · q / Σ q · q`.
fn least_squares_scale(weights: &[f32], params: QParams) -> f32 {
    let (mut products, mut squares) = (0.0, 0.0);
    for &w in weights {
        let q = f64::from(params.quantize(w) - params.zero_point);
        products += f64::from(w) * q;
        squares += q * q;
    }
    (products / squares) as f32
}

/// Sum of the squares of what rounding changes, in the order of the weights.
fn squared_error(weights: &[f32], params: QParams) -> f64 {
    let error = |&w: &f32| f64::from(params.dequantize(params.quantize(w))) - f64::from(w);
    weights.iter().map(error).map(|e| e * e).sum()
}
