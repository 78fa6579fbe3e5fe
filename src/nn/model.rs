//! A network in fp32: scaled input, then a list of layers; its output are logits.

use super::{Dense, Input, Scratch, at_least};
use crate::{Error, Result, data::CLASSES};

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

/// Checks that layers of these (inputs, outputs) lead from the pixels to a value for each class.
pub(crate) fn check_chain(input: &Input, layers: impl Iterator<Item = (usize, usize)>) -> Result<()> {
    let mut width = input.pixels();
    for (inputs, outputs) in layers {
        if inputs != width {
            return Err(Error::Shape { what: "layer's input", expected: width, found: inputs });
        }
        width = outputs;
    }
    if width == CLASSES {
        Ok(())
    } else {
        Err(Error::Shape { what: "model's output", expected: CLASSES, found: width })
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
    /// [`Error::Shape`] when a layer does not take what the one before it gives, or the last does not give ten values.
    pub fn new(input: Input, layers: Vec<Layer>) -> Result<Self> {
        check_chain(&input, layers.iter().map(|layer| (layer.inputs(), layer.outputs())))?;
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
