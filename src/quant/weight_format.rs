//! What quantization makes of a layer's weights, as floats: all that training and bias correction must know of a format.

use super::Granularity;
use crate::{Result, nn::Model};

/// How a group of weights shares its levels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Levels {
    /// Integers −qmax..=qmax times `max|w| / qmax`: 127 for int8, 7 for int4.
    Integers(i32),
    /// The same with the scale of the least squared error, between that and a quarter of it.
    LeastSquares(i32),
    /// −α, 0, α: 0 up to `0.7 · mean|w|`, α the mean magnitude of the rest (F. Li et al., "Ternary Weight Networks",
    /// 2016).
    Ternary,
    /// −α, α: the sign, α = `mean|w|` (M. Rastegari et al., "XNOR-Net", 2016: Binary-Weight-Network).
    Binary,
}

/// A format of weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WeightFormat {
    /// The levels of a group.
    pub levels: Levels,
    /// The groups.
    pub granularity: Granularity,
}

impl WeightFormat {
    /// `out`: `weights` (`[outputs, inputs]`) as they are after quantizing and reading back. What is not a number stays
    /// none.
    pub fn fake(&self, weights: &[f32], outputs: usize, out: &mut [f32]) {
        let group = match self.granularity {
            Granularity::PerTensor => weights.len(),
            Granularity::PerChannel => weights.len() / outputs.max(1),
        };
        for (w, out) in weights.chunks(group.max(1)).zip(out.chunks_mut(group.max(1))) {
            match self.levels {
                Levels::Integers(qmax) => round(w, scale(w, qmax), qmax, out),
                Levels::LeastSquares(qmax) => round(w, least_squares(w, qmax), qmax, out),
                Levels::Ternary => ternary(w, out),
                Levels::Binary => {
                    let alpha = mean_magnitude(w, 0.0) as f32;
                    w.iter().zip(out).for_each(|(w, out)| *out = if *w < 0.0 { -alpha } else { alpha });
                }
            }
        }
    }
}

impl WeightFormat {
    /// `model` with weights as they are after quantizing and reading back.
    ///
    /// # Errors
    /// None for a model whose weights are finite.
    pub fn apply(&self, model: &Model) -> Result<Model> {
        let layers = model.layers().iter().map(|layer| {
            let (weight, bias) = layer.parameters().unwrap_or_default();
            let mut rounded = vec![0.0; weight.len()];
            self.fake(weight, bias.len(), &mut rounded);
            layer.with_parameters(rounded, bias.to_vec())
        });
        Model::new(model.input().clone(), layers.collect::<Result<_>>()?)
    }
}

/// `max|w| / qmax` (in f64, then rounded once), 1 when that is no normal number.
fn scale(w: &[f32], qmax: i32) -> f32 {
    let largest = w.iter().fold(0.0_f32, |largest, w| largest.max(w.abs()));
    let scale = f64::from(largest) / f64::from(qmax);
    if scale < f64::from(f32::MIN_POSITIVE) { 1.0 } else { scale as f32 }
}

fn round(w: &[f32], scale: f32, qmax: i32, out: &mut [f32]) {
    let limit = qmax as f32;
    w.iter().zip(out).for_each(|(w, out)| *out = (w / scale).round_ties_even().clamp(-limit, limit) * scale);
}

/// The best of 76 scales.
fn least_squares(w: &[f32], qmax: i32) -> f32 {
    let (whole, limit) = (scale(w, qmax), qmax as f32);
    let error = |scale: f32| -> f64 {
        let squares = w.iter().map(|w| {
            let error = f64::from((w / scale).round_ties_even().clamp(-limit, limit) * scale - w);
            error * error
        });
        squares.sum()
    };
    let mut best = (error(whole), whole);
    for percent in (25..100).rev() {
        let scale = whole * (percent as f32 / 100.0);
        let error = error(scale);
        if error < best.0 {
            best = (error, scale);
        }
    }
    best.1
}

fn ternary(w: &[f32], out: &mut [f32]) {
    let threshold = 0.7 * mean_magnitude(w, 0.0);
    let alpha = mean_magnitude(w, threshold) as f32;
    for (&w, out) in w.iter().zip(out) {
        *out = if f64::from(w.abs()) > threshold { alpha.copysign(w) } else { 0.0 * w };
    }
}

/// Mean of the magnitudes above `threshold`, or of all when it is 0; 0 of none.
fn mean_magnitude(w: &[f32], threshold: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0);
    for magnitude in w.iter().map(|w| f64::from(w.abs())) {
        if magnitude > threshold || threshold == 0.0 {
            sum += magnitude;
            count += 1;
        }
    }
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
