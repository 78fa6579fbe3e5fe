//! A network in fp32: scaled input, then a list of layers; its output are logits.

use super::{Dense, Input, Scratch, at_least};
use crate::{Error, Result};

/// One step of a network.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// Fully connected.
    Dense(Dense),
}

impl Layer {
    fn inputs(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.inputs(),
        }
    }

    fn outputs(&self) -> usize {
        match self {
            Self::Dense(dense) => dense.outputs(),
        }
    }

    fn forward(&self, x: &[f32], out: &mut [f32]) {
        match self {
            Self::Dense(dense) => dense.forward(x, out),
        }
    }
}

/// A classifier in fp32.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    input: Input,
    layers: Vec<Layer>,
}

impl Model {
    /// # Errors
    /// [`Error::Shape`] when a layer does not take what the one before it gives.
    pub fn new(input: Input, layers: Vec<Layer>) -> Result<Self> {
        let mut width = input.pixels();
        for layer in &layers {
            if layer.inputs() != width {
                return Err(Error::Shape { what: "layer's input", expected: width, found: layer.inputs() });
            }
            width = layer.outputs();
        }
        Ok(Self { input, layers })
    }

    /// Image size and scaling.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Logits of `pixels` (`[rows, pixels]`), shape `[rows, classes]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when `pixels` holds no whole number of images.
    pub fn forward<'s>(&self, pixels: &[f32], scratch: &'s mut Scratch) -> Result<&'s [f32]> {
        let rows = self.input.standardize(pixels, at_least(&mut scratch.activations, pixels.len()))?;
        let mut width = self.input.pixels();
        for layer in &self.layers {
            let out = at_least(&mut scratch.next, rows * layer.outputs());
            layer.forward(&scratch.activations[..rows * width], out);
            core::mem::swap(&mut scratch.activations, &mut scratch.next);
            width = layer.outputs();
        }
        Ok(&scratch.activations[..rows * width])
    }
}
