//! The architectures of the page, with He-initialised weights: normal with variance 2 / inputs (K. He et al., Delving
//! Deep into Rectifiers, 2015), biases 0.

use super::{Conv2d, Dense, Input, Layer, MaxPool2d, Model};
use crate::{Result, data::CLASSES};

/// A multilayer perceptron: `hidden` layers with ReLU, then one value for each class. Without hidden layers this is
/// softmax regression. `normal` draws from the standard normal distribution.
///
/// # Errors
/// As [`Dense::new`]: [`crate::Error::Shape`] for an empty layer.
pub fn mlp(input: Input, hidden: &[usize], normal: &mut impl FnMut() -> f32) -> Result<Model> {
    let mut layers = Vec::new();
    let mut inputs = input.pixels();
    for &outputs in hidden {
        layers.push(Layer::Dense(Dense::new(he(inputs, outputs, normal), vec![0.0; outputs])?.with_relu()));
        inputs = outputs;
    }
    layers.push(Layer::Dense(Dense::new(he(inputs, CLASSES, normal), vec![0.0; CLASSES])?));
    Model::new(input, layers)
}

/// A small convolutional network: 3x3 convolutions with ReLU to `channels` one after the other, 2x2 max-pooling, and one
/// fully connected layer.
///
/// # Errors
/// As [`Conv2d::new`]: [`crate::Error::Shape`] for an empty layer.
pub fn cnn(input: Input, channels: &[usize], normal: &mut impl FnMut() -> f32) -> Result<Model> {
    let (height, width) = (input.pixels() / input.width(), input.width());
    let mut layers = Vec::new();
    let mut shape = [height, width, 1];
    for &outputs in channels {
        let weight = he(9 * shape[2], outputs, normal);
        layers.push(Layer::Conv2d(Conv2d::new(shape, weight, vec![0.0; outputs])?.with_relu()));
        shape[2] = outputs;
    }
    let pool = MaxPool2d { shape };
    layers.push(Layer::MaxPool2d(pool));
    let inputs = pool.pooled().iter().product();
    layers.push(Layer::Dense(Dense::new(he(inputs, CLASSES, normal), vec![0.0; CLASSES])?));
    Model::new(input, layers)
}

fn he(inputs: usize, outputs: usize, normal: &mut impl FnMut() -> f32) -> Vec<f32> {
    let deviation = (2.0 / inputs.max(1) as f32).sqrt();
    (0..inputs * outputs).map(|_| normal() * deviation).collect()
}
