//! Bytes of a model's file, itemised: the sum of all items is the length of the file.
//!
//! Parameters are what training found: weights and biases, and what gives integers or codes their meaning. The input
//! scaling (a mean and a factor for each pixel) is the same for all models of a data set, and counted apart; so are the
//! fixed ranges of activations, and the container around it all.

use crate::{
    format::model_file,
    nn::{Layer, Model},
    quant::{InputRange, QuantizedLayer, QuantizedModel},
};

/// Bytes by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bytes {
    /// Weights of all layers, packed as they are in the file.
    pub weights: usize,
    /// Biases of all layers.
    pub biases: usize,
    /// Scales of quantized weights.
    pub scales: usize,
    /// Zero points of affine weights.
    pub zero_points: usize,
    /// Values that weights are the numbers of.
    pub codebooks: usize,
    /// Scale and zero point of each static activation, the two values of each binary one.
    pub ranges: usize,
    /// Mean and factor of each pixel.
    pub input_scaling: usize,
    /// Header of the file: names, types and shapes.
    pub container: usize,
}

impl Bytes {
    /// Weights, biases, scales, zero points and codebooks.
    pub fn parameters(&self) -> usize {
        self.weights + self.biases + self.scales + self.zero_points + self.codebooks
    }

    /// The whole file.
    pub fn file(&self) -> usize {
        self.parameters() + self.ranges + self.input_scaling + self.container
    }

    /// Adds what a quantized layer takes.
    fn add(&mut self, layer: &QuantizedLayer) {
        let Some(weights) = layer.weights() else { return };
        self.weights += weights.packed().len();
        self.biases += size_of_val(layer.bias_and_relu().0);
        self.scales += size_of_val(weights.scales());
        self.zero_points += weights.zero_points().len() * weights.zero_point_bytes();
        self.codebooks += size_of_val(weights.codebook());
        self.ranges += layer.range().map_or(0, InputRange::bytes);
    }

    /// With the container being what is left of `file` bytes.
    fn in_file(mut self, file: usize) -> Self {
        self.container = file - self.file();
        self
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
    bytes.in_file(model_file::write_model(model).len())
}

/// Of a quantized model.
pub fn of_quantized(model: &QuantizedModel) -> Bytes {
    let mut bytes = Bytes { input_scaling: size_of_val(model.input().mean()) * 2, ..Bytes::default() };
    model.layers().iter().for_each(|layer| bytes.add(layer));
    bytes.in_file(model_file::write_quantized(model).len())
}

/// Of one layer of a quantized model, without input scaling and container.
pub fn of_layer(layer: &QuantizedLayer) -> Bytes {
    let mut bytes = Bytes::default();
    bytes.add(layer);
    bytes
}
