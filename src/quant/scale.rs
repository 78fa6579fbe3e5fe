//! Scales of integer weights: from the largest weight, or the one of least squared error.

use super::{
    NumberFormat, ScaleRule, Symmetry,
    affine::{self, QParams},
};
use crate::{Error, Result, kernels};

/// The search tries each of these shares of the whole range.
const SHARES: u8 = 100;
/// Steps of the descent that follows.
const STEPS: u8 = 20;
/// Values that are rounded at once, between two looks at the limit.
const BLOCK: usize = 16;

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
        params = affine::choose_affine(kernels::min_max(weights), qmin, qmax)
            .ok_or(Error::NotFinite { what: "range of weights" })?;
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
        let error = squared_error(weights, 1, params, best.0);
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

/// Sum of the squares of what rounding changes in every `stride`-th value, in their order. A sum that reaches `limit` is
/// not summed to its end, for it is refused anyway.
pub fn squared_error(values: &[f32], stride: usize, params: QParams, limit: f64) -> f64 {
    let (mut block, mut squares, mut sum) = ([0.0; BLOCK], [0.0; BLOCK], 0.0);
    for values in values.chunks(BLOCK * stride) {
        block.iter_mut().zip(values.iter().step_by(stride)).for_each(|(to, &x)| *to = x);
        // All of the block, for a loop of known length is done several values at once; the sum has an order.
        for (square, &x) in squares.iter_mut().zip(&block) {
            let error = f64::from(params.round(x)) - f64::from(x);
            *square = error * error;
        }
        sum = squares.iter().take(values.len().div_ceil(stride)).fold(sum, |sum, square| sum + square);
        if sum >= limit {
            break;
        }
    }
    sum
}
