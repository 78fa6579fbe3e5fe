//! The reference: a whole network in double precision, in plain loops. What fp32 differs from it is the rounding of fp32.

use super::QuantizedLayer;
use crate::{
    kernels::at_least,
    nn::{Conv2d, Dense, Input, Layer, MaxPool2d},
};

/// Logits (rounded to f32 at the end) of `pixels` (`[rows, pixels]`, whole images). `layers` are computed in fp32 otherwise;
/// `buffers` are working memory.
pub fn forward(
    input: &Input,
    layers: &[QuantizedLayer],
    pixels: &[f32],
    buffers: &mut [Vec<f64>; 2],
    out: &mut Vec<f32>,
) {
    let [x, y] = buffers;
    let scaling = input.mean().iter().zip(input.factor()).cycle();
    let mut width = input.pixels();
    let rows = pixels.len() / width;
    for ((x, &pixel), (&mean, &factor)) in at_least(x, pixels.len()).iter_mut().zip(pixels).zip(scaling) {
        *x = (f64::from(pixel) - f64::from(mean)) * f64::from(factor);
    }
    for layer in layers {
        let (inputs, outputs) = layer.sizes();
        at_least(y, rows * outputs);
        for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)).take(rows) {
            match layer {
                QuantizedLayer::Float(_, Layer::Dense(dense)) => multiply(dense, x, y),
                QuantizedLayer::Float(_, Layer::Conv2d(conv)) => convolve(conv, x, y),
                QuantizedLayer::MaxPool2d(pool) => max_pool(pool, x, y),
                _ => {}
            }
        }
        core::mem::swap(x, y);
        width = outputs;
    }
    at_least(out, rows * width).iter_mut().zip(&*x).for_each(|(out, &x)| *out = x as f32);
}

fn multiply(dense: &Dense, x: &[f64], y: &mut [f64]) {
    for ((y, row), &bias) in y.iter_mut().zip(dense.weight().chunks_exact(x.len())).zip(dense.bias()) {
        *y = activate(row.iter().zip(x).fold(f64::from(bias), |sum, (&w, x)| sum + f64::from(w) * x), dense.relu());
    }
}

fn convolve(conv: &Conv2d, x: &[f64], y: &mut [f64]) {
    let [height, width, channels] = conv.shape();
    let filters = || conv.weight().chunks_exact(9 * channels).zip(conv.bias());
    for (pixel, y) in y.chunks_exact_mut(conv.channels_out()).enumerate() {
        for (y, (filter, &bias)) in y.iter_mut().zip(filters()) {
            let mut sum = f64::from(bias);
            for (tap, w) in filter.chunks_exact(channels).enumerate() {
                // One line and one column up and left of the middle; beyond the image there are zeros.
                let (line, column) = (pixel / width + tap / 3, pixel % width + tap % 3);
                if (1..=height).contains(&line) && (1..=width).contains(&column) {
                    let x = &x[((line - 1) * width + column - 1) * channels..][..channels];
                    sum = w.iter().zip(x).fold(sum, |sum, (&w, x)| sum + f64::from(w) * x);
                }
            }
            *y = activate(sum, conv.relu());
        }
    }
}

fn max_pool(pool: &MaxPool2d, x: &[f64], y: &mut [f64]) {
    let ([_, width, channels], [_, pooled, _]) = (pool.shape, pool.pooled());
    for (i, y) in y.iter_mut().enumerate() {
        let (line, column, channel) = (i / channels / pooled, i / channels % pooled, i % channels);
        let first = (2 * line * width + 2 * column) * channels + channel;
        let block = [first, first + channels, first + width * channels, first + (width + 1) * channels];
        *y = block.into_iter().fold(f64::NEG_INFINITY, |largest, at| largest.max(x[at]));
    }
}

fn activate(sum: f64, relu: bool) -> f64 {
    if relu && sum < 0.0 { 0.0 } else { sum }
}
