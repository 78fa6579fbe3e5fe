//! Bytes of a model's parameters, itemised.
//!
//! Parameters are what training found: weights and biases, and the scales that give integer weights their meaning. The
//! input scaling (a mean and a factor for each pixel) is the same for both models and counted apart.

use crate::{
    nn::{Layer, Model},
    quant::{QuantizedLayer, QuantizedModel},
};

/// Bytes by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Weights of all layers.
    pub weights: usize,
    /// Biases of all layers.
    pub biases: usize,
    /// Scales of quantized weights.
    pub scales: usize,
    /// Mean and factor of each pixel.
    pub input_scaling: usize,
}

impl Bytes {
    /// Weights, biases and scales.
    pub fn parameters(&self) -> usize {
        self.weights + self.biases + self.scales
    }
}

/// Of an fp32 model.
pub fn of_model(model: &Model) -> Bytes {
    let mut bytes = Bytes { input_scaling: size_of_val(model.input().mean()) * 2, ..Bytes::default() };
    for layer in model.layers() {
        let (weight, bias) = match layer {
            Layer::Dense(dense) => (dense.weight(), dense.bias()),
            Layer::Conv2d(conv) => (conv.weight(), conv.bias()),
            Layer::MaxPool2d(_) => continue,
        };
        bytes.weights += size_of_val(weight);
        bytes.biases += size_of_val(bias);
    }
    bytes
}

/// Of a quantized model.
pub fn of_quantized(model: &QuantizedModel) -> Bytes {
    let mut bytes = Bytes { input_scaling: size_of_val(model.input().mean()) * 2, ..Bytes::default() };
    for layer in model.layers() {
        let Some(product) = layer.product() else { continue };
        bytes.weights += match layer {
            QuantizedLayer::Conv2d(conv) => 9 * conv.shape()[2] * product.packed().outputs(),
            _ => product.packed().inputs() * product.packed().outputs(),
        };
        bytes.biases += size_of_val(product.bias());
        bytes.scales += size_of_val(product.scales());
    }
    bytes
}
