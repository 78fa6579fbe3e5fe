//! Bias correction: rounding the weights moves the mean of a layer's outputs, and the bias can take that back (M. Nagel
//! et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", 2019; the empirical form).
//!
//! Layer by layer from the first: the mean output over a calibration set is `W · mean(x) + b`, so the correction is
//! `W · mean(x) − W' · mean(x')`, where W' are the rounded weights and x' the input that the layers before, rounded and
//! already corrected, give. For a convolution x are the neighbourhoods of all pixels.
//!
//! On the digits it takes ternary weights of a multilayer perceptron from 25 to 11 points below fp32, binary ones from 59 to
//! 36; a convolutional network with binary weights falls from 18 to 59 below. There the scales are to blame: `mean|w|` is
//! the best for the weights, but for the outputs, of inputs that rise and fall together, by far too large, and right
//! means with a wrong spread are worse than two errors that partly cancel. With scales fitted as well it is 9, with
//! codes 2: [`QuantizedModel::quantize_reconstructed`](super::QuantizedModel::quantize_reconstructed).

use super::calibrate;
use crate::{
    Error, Result,
    nn::{Conv2d, Layer, Model, Scratch},
};

/// `quantized` (the same layers as `model`, with the weights that its integers stand for) with biases for which every
/// layer's mean output over `calibration` (`[rows, pixels]`) is that of `model`.
///
/// # Errors
/// [`Error::Shape`] when `calibration` is empty or holds no whole number of images, or the layers of `quantized` are
/// others; [`Error::NotFinite`] when a bias would not be.
pub fn correct_biases(model: &Model, quantized: &Model, calibration: &[f32]) -> Result<Model> {
    calibrate::check(model, calibration)?;
    let (expected, found) = (model.layers(), quantized.layers());
    if !expected.iter().map(shape).eq(found.iter().map(shape)) {
        return Err(Error::Shape { what: "quantized model", expected: expected.len(), found: found.len() });
    }
    let wanted = mean_inputs(model, calibration)?;
    let mut corrected = quantized.clone();
    for (i, (layer, wanted)) in model.layers().iter().zip(&wanted).enumerate() {
        let found = mean_inputs(&corrected, calibration)?;
        let mut layers = corrected.layers().to_vec();
        let (Some((weight, _)), Some((rounded, bias))) = (layer.parameters(), layers[i].parameters()) else { continue };
        let mut bias = bias.to_vec();
        let rows = weight.chunks(wanted.len().max(1)).zip(rounded.chunks(wanted.len().max(1)));
        for (bias, (weight, rounded)) in bias.iter_mut().zip(rows) {
            *bias = (f64::from(*bias) + dot(weight, wanted) - dot(rounded, &found[i])) as f32;
        }
        layers[i] = layers[i].with_parameters(rounded.to_vec(), bias)?;
        corrected = Model::new(quantized.input().clone(), layers)?;
    }
    Ok(corrected)
}

/// For each layer the mean of each of its outputs, before a ReLU; nothing for one without weights.
pub(super) fn mean_outputs(model: &Model, calibration: &[f32]) -> Result<Vec<Vec<f64>>> {
    let inputs = mean_inputs(model, calibration)?;
    let layers = model.layers().iter().zip(&inputs).map(|(layer, inputs)| {
        let (weight, bias) = layer.parameters().unwrap_or_default();
        weight.chunks(inputs.len().max(1)).zip(bias).map(|(w, &b)| dot(w, inputs) + f64::from(b)).collect()
    });
    Ok(layers.collect())
}

/// What two layers must have in common for the biases of one to suit the other.
fn shape(layer: &Layer) -> ((usize, usize), Option<(usize, usize)>) {
    (layer.sizes(), layer.parameters().map(|(weight, bias)| (weight.len(), bias.len())))
}

pub(super) fn dot(weight: &[f32], x: &[f64]) -> f64 {
    weight.iter().zip(x).map(|(&w, x)| f64::from(w) * x).sum()
}

/// For each layer the mean of what its weights are multiplied with; nothing for one without.
fn mean_inputs(model: &Model, calibration: &[f32]) -> Result<Vec<Vec<f64>>> {
    let mut means = Vec::new();
    model.forward_watched(calibration, &mut Scratch::default(), |layer, x| {
        means.push(match layer {
            Layer::Dense(dense) => mean(x, dense.inputs()),
            Layer::Conv2d(conv) => mean_neighbourhood(x, conv),
            Layer::MaxPool2d(_) => Vec::new(),
        });
    })?;
    Ok(means)
}

/// The mean row of `x` (`[rows, width]`).
fn mean(x: &[f32], width: usize) -> Vec<f64> {
    let mut sums = vec![0.0; width];
    for row in x.chunks_exact(width) {
        sums.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let rows = (x.len() / width).max(1) as f64;
    sums.iter_mut().for_each(|sum| *sum /= rows);
    sums
}

/// The mean of the nine neighbours of all pixels, `[3, 3, channels]`.
fn mean_neighbourhood(x: &[f32], conv: &Conv2d) -> Vec<f64> {
    let [height, width, channels] = conv.shape();
    let image = mean(x, height * width * channels);
    let mut sums = vec![0.0; 9 * channels];
    for (i, sum) in sums.iter_mut().enumerate() {
        let (down, right, channel) = (i / channels / 3, i / channels % 3, i % channels);
        // What lies outside is 0. A neighbour at 0 is one line above or left of the pixel, at 2 below or right.
        for y in down.saturating_sub(1)..height.min(height + down - 1) {
            for x in right.saturating_sub(1)..width.min(width + right - 1) {
                *sum += image[(y * width + x) * channels + channel];
            }
        }
        *sum /= (height * width) as f64;
    }
    sums
}
