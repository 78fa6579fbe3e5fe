//! Layer-wise reconstruction: codes, scales and biases for which every layer gives, on a calibration set, what it gave
//! before rounding, as nearly as its format can.
//!
//! Layer by layer from the first. With X the layer's inputs in fp32 and X' those that the rounded layers before give, each
//! less its mean, an output with weights w becomes the one with rounded weights v of least `|X w − X' v|²`. With
//! `H = X'ᵀX'` and `c = X'ᵀX w` that is the least `vᵀHv − 2 cᵀv`: one weight after the other is given the code nearest to its
//! best value while the others stay (coordinate descent), and scales their least-squares value `cᵀq / qᵀHq`, which can
//! only lower it. The bias then makes the means equal. For a convolution rows of X are the neighbourhoods of all pixels.
//!
//! Sources: I. Hubara et al., "Accurate Post Training Quantization With Small Calibration Sets" (2021), for the aim; K.
//! Behdin et al., "QuantEase" (2023), for the descent. Held by `tests/suite/calibration.rs`.

use super::{NumberFormat, StoredWeights, bias_correction::dot, calibrate};
use crate::{
    Result,
    kernels::{Patches, at_least},
    nn::{Layer, Model, Scratch},
};

/// Rounds of codes, then scales.
const ROUNDS: usize = 8;
/// Passes over the weights of an output in a round, at most.
const PASSES: usize = 8;
/// Share of the mean of H's diagonal that each weight's own change costs: what the calibration set does not tell stays as
/// it was.
const RIDGE: f64 = 0.01;

/// What a calibration set says of a layer's inputs.
struct Inputs {
    /// Means before and after rounding the layers before.
    wanted: Vec<f64>,
    found: Vec<f64>,
    /// X'ᵀX' and X'ᵀX over the number of rows, `[inputs, inputs]`.
    squares: Vec<f64>,
    products: Vec<f64>,
}

/// The weights and biases of each layer, from `stored`: the weights of `model` rounded, `None` for a layer without.
pub(super) fn reconstruct<'s>(
    model: &Model,
    stored: impl Iterator<Item = Option<&'s StoredWeights>>,
    calibration: &[f32],
) -> Result<Vec<(Option<StoredWeights>, Vec<f32>)>> {
    calibrate::check(model, calibration)?;
    let wanted = inputs(model, calibration, usize::MAX)?;
    let mut current = model.layers().to_vec();
    let mut results = Vec::new();
    for (i, (layer, stored)) in model.layers().iter().zip(stored).enumerate() {
        let (Some(stored), Some((weight, bias))) = (stored, layer.parameters()) else {
            results.push((None, Vec::new()));
            continue;
        };
        let so_far = Model::new(model.input().clone(), current.clone())?;
        let found = inputs(&so_far, calibration, i + 1)?;
        let told = Inputs::new(layer, &wanted[i], &found[i]);
        let stored = told.fit(weight, stored.clone());
        let rounded = stored.decode();
        let width = told.wanted.len().max(1);
        let rows = weight.chunks(width).zip(rounded.chunks(width));
        let means = rows.map(|(weight, rounded)| dot(weight, &told.wanted) - dot(rounded, &told.found));
        let bias: Vec<f32> = bias.iter().zip(means).map(|(&bias, shift)| (f64::from(bias) + shift) as f32).collect();
        current[i] = layer.with_parameters(rounded, bias.clone())?;
        results.push((Some(stored), bias));
    }
    Ok(results)
}

/// The inputs of the first `count` layers.
fn inputs(model: &Model, calibration: &[f32], count: usize) -> Result<Vec<Vec<f32>>> {
    let mut inputs = Vec::new();
    model.forward_watched(calibration, &mut Scratch::default(), |_, x| {
        if inputs.len() < count {
            inputs.push(x.to_vec());
        }
    })?;
    Ok(inputs)
}

/// What the weights of `layer` are multiplied with: `x`, or the neighbourhoods of all its pixels.
fn rows(layer: &Layer, x: &[f32]) -> (usize, Vec<f32>) {
    let Layer::Conv2d(conv) = layer else { return (layer.sizes().0, x.to_vec()) };
    let patches = Patches::new(conv.shape(), 1);
    let len = patches.pixels() * patches.inputs();
    let mut border = Vec::new();
    let border = at_least(&mut border, patches.bordered_len());
    border.fill(0.0);
    let mut rows = vec![0.0; x.len() / patches.image_len() * len];
    for (image, rows) in x.chunks_exact(patches.image_len()).zip(rows.chunks_exact_mut(len)) {
        patches.place(image, border);
        patches.gather(border, rows);
    }
    (patches.inputs(), rows)
}

/// Takes the means of the columns off.
fn centre(width: usize, rows: &mut [f32]) -> Vec<f64> {
    let mut means = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        means.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let count = (rows.len() / width).max(1) as f64;
    means.iter_mut().for_each(|mean| *mean /= count);
    for row in rows.chunks_exact_mut(width) {
        row.iter_mut().zip(&means).for_each(|(x, mean)| *x = (f64::from(*x) - mean) as f32);
    }
    means
}

/// `aᵀ b` over the number of rows, `[width, width]`.
fn covariance(width: usize, a: &[f32], b: &[f32]) -> Vec<f64> {
    let mut sums = vec![0.0; width * width];
    for (a, b) in a.chunks_exact(width).zip(b.chunks_exact(width)) {
        for (&a, sums) in a.iter().zip(sums.chunks_exact_mut(width)) {
            if a != 0.0 {
                let a = f64::from(a);
                sums.iter_mut().zip(b).for_each(|(sum, &b)| *sum += a * f64::from(b));
            }
        }
    }
    let count = (a.len() / width).max(1) as f64;
    sums.iter_mut().for_each(|sum| *sum /= count);
    sums
}

impl Inputs {
    fn new(layer: &Layer, wanted: &[f32], found: &[f32]) -> Self {
        let ((width, mut x), (_, mut y)) = (rows(layer, wanted), rows(layer, found));
        let (wanted, found) = (centre(width, &mut x), centre(width, &mut y));
        let (mut squares, mut products) = (covariance(width, &y, &y), covariance(width, &y, &x));
        let trace: f64 = squares.iter().step_by(width + 1).sum();
        let ridge = (RIDGE * trace / width as f64).max(f64::MIN_POSITIVE);
        for matrix in [&mut squares, &mut products] {
            matrix.iter_mut().step_by(width + 1).for_each(|value| *value += ridge);
        }
        Self { wanted, found, squares, products }
    }

    /// Codes and scales for `weight`, beginning with those of `stored`. Formats without a scale stay.
    fn fit(&self, weight: &[f32], stored: StoredWeights) -> StoredWeights {
        let format = stored.format();
        if !format.has_scales() {
            return stored;
        }
        let width = self.wanted.len();
        let (mut integers, mut scales) = (stored.centred_integers(), stored.scales().to_vec());
        let shared = scales.len() == 1;
        let targets: Vec<f64> = weight.chunks(width).flat_map(|w| self.times_products(w)).collect();
        for _ in 0..ROUNDS {
            let mut changed = false;
            let mut sums = [0.0; 2];
            for (j, (q, target)) in integers.chunks_mut(width).zip(targets.chunks(width)).enumerate() {
                let scale = &mut scales[if shared { 0 } else { j }];
                changed |= self.descend(q, target, f64::from(*scale), stored.integer_range(j), format);
                let (top, bottom) = self.least_squares(q, target);
                if shared {
                    sums = [sums[0] + top, sums[1] + bottom];
                } else {
                    set_scale(scale, top / bottom);
                }
            }
            if shared {
                set_scale(&mut scales[0], sums[0] / sums[1]);
            }
            if !changed {
                break;
            }
        }
        stored.with_centred_integers(&integers, scales)
    }

    /// `X'ᵀX w`.
    fn times_products(&self, weight: &[f32]) -> impl Iterator<Item = f64> {
        self.products.chunks_exact(self.wanted.len()).map(|row| dot(weight, row))
    }

    /// One weight after the other gets its best code; whether any changed.
    fn descend(
        &self,
        q: &mut [i32],
        target: &[f64],
        scale: f64,
        (low, high): (i32, i32),
        format: NumberFormat,
    ) -> bool {
        let width = q.len();
        if scale < f64::from(f32::MIN_POSITIVE) {
            return false;
        }
        let mut slope = target.to_vec();
        for (i, &q) in q.iter().enumerate() {
            let v = scale * f64::from(q);
            slope.iter_mut().zip(&self.squares[i * width..]).for_each(|(slope, h)| *slope -= v * h);
        }
        let mut ever = false;
        for _ in 0..PASSES {
            let mut changed = false;
            for i in 0..width {
                let row = &self.squares[i * width..(i + 1) * width];
                let best = f64::from(q[i]) + slope[i] / (row[i] * scale);
                let code = if format == NumberFormat::Binary {
                    if best >= 0.0 { 1 } else { -1 }
                } else {
                    (best.round_ties_even() as i32).max(low).min(high)
                };
                if code != q[i] {
                    let step = scale * f64::from(code - q[i]);
                    slope.iter_mut().zip(row).for_each(|(slope, h)| *slope -= step * h);
                    q[i] = code;
                    changed = true;
                }
            }
            ever |= changed;
            if !changed {
                break;
            }
        }
        ever
    }

    /// `cᵀq` and `qᵀHq`.
    fn least_squares(&self, q: &[i32], target: &[f64]) -> (f64, f64) {
        let (mut top, mut bottom) = (0.0, 0.0);
        for ((&q1, target), row) in q.iter().zip(target).zip(self.squares.chunks_exact(q.len())) {
            if q1 != 0 {
                top += f64::from(q1) * target;
                bottom += f64::from(q1) * row.iter().zip(q).map(|(h, &q)| h * f64::from(q)).sum::<f64>();
            }
        }
        (top, bottom)
    }
}

/// Takes a scale that is a positive number; else the old one stays.
fn set_scale(scale: &mut f32, best: f64) {
    if best >= f64::from(f32::MIN_POSITIVE) && best <= f64::from(f32::MAX) {
        *scale = best as f32;
    }
}
