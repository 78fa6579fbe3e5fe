//! A network in fp32: scaled input, then a list of layers; its output are logits.

use super::{Conv2d, Dense, Input, MaxPool2d, Scratch};
use crate::{
    Error, Result,
    data::CLASSES,
    kernels::{self, Rounding, at_least},
};

/// One step of a network. A ReLU belongs to the layer before it; flattening is no step, for images are kept in the order
/// height, width, channels throughout.
#[derive(Debug, Clone, PartialEq)]
pub enum Layer {
    /// Fully connected.
    Dense(Dense),
    /// 3x3 convolution.
    Conv2d(Conv2d),
    /// 2x2 max-pooling.
    MaxPool2d(MaxPool2d),
}

impl Layer {
    /// A layer with weights: a convolution when `images` (height, width, channels) is given, else fully connected.
    ///
    /// # Errors
    /// As [`Conv2d::new`] and [`Dense::new`].
    pub fn with_weights(images: Option<[usize; 3]>, weight: Vec<f32>, bias: Vec<f32>, relu: bool) -> Result<Self> {
        Ok(if let Some(shape) = images {
            let conv = Conv2d::new(shape, weight, bias)?;
            Self::Conv2d(if relu { conv.with_relu() } else { conv })
        } else {
            let dense = Dense::new(weight, bias)?;
            Self::Dense(if relu { dense.with_relu() } else { dense })
        })
    }

    /// Values that go into and come out of the layer, for each image.
    pub fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Dense(dense) => (dense.inputs(), dense.outputs()),
            Self::Conv2d(conv) => {
                let [height, width, channels] = conv.shape();
                (height * width * channels, height * width * conv.channels_out())
            }
            Self::MaxPool2d(pool) => (pool.shape.iter().product(), pool.pooled().iter().product()),
        }
    }

    /// Whether training finds something in it.
    pub fn has_weights(&self) -> bool {
        self.parameters().is_some()
    }

    /// Weights and bias, if it has any.
    pub fn parameters(&self) -> Option<(&[f32], &[f32])> {
        match self {
            Self::Dense(dense) => Some((dense.weight(), dense.bias())),
            Self::Conv2d(conv) => Some((conv.weight(), conv.bias())),
            Self::MaxPool2d(_) => None,
        }
    }

    /// The same layer with other weights and bias; one without stays as it is.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn with_parameters(&self, weight: Vec<f32>, bias: Vec<f32>) -> Result<Self> {
        match self {
            Self::Dense(dense) => Self::with_weights(None, weight, bias, dense.relu()),
            Self::Conv2d(conv) => Self::with_weights(Some(conv.shape()), weight, bias, conv.relu()),
            Self::MaxPool2d(pool) => Ok(Self::MaxPool2d(*pool)),
        }
    }

    pub(crate) fn forward(&self, rows: usize, x: &[f32], border: &mut Vec<f32>, rounding: Rounding, out: &mut [f32]) {
        match self {
            Self::Dense(dense) => dense.forward(rows, x, rounding, out),
            Self::Conv2d(conv) => conv.forward(x, border, rounding, out),
            Self::MaxPool2d(pool) => kernels::max_pool_f32(x, pool.shape, out),
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
        if outputs == 0 {
            return Err(Error::Shape { what: "output of a layer", expected: 1, found: 0 });
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
        check_chain(&input, layers.iter().map(Layer::sizes))?;
        Ok(Self { input, layers })
    }

    /// The same function of the pixels for the scaling `input`, up to rounding: a first layer that is fully connected takes
    /// into its weights what the pixels' factors differ by. Unchanged, to the bit, when the factors are the same already,
    /// and when the means differ or the first layer is another.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when a factor of `input` is too near to 0.
    pub fn scaled_as(&self, input: &Input) -> Result<Self> {
        let (from, to) = (self.input.factor(), input.factor());
        let Some(first @ Layer::Dense(dense)) = self.layers.first() else { return Ok(self.clone()) };
        if from == to || self.input.mean() != input.mean() {
            return Ok(self.clone());
        }
        let factors = from.iter().zip(to).cycle();
        let weight = dense.weight().iter().zip(factors).map(|(w, (from, to))| w * (from / to)).collect();
        let mut layers = self.layers.clone();
        layers[0] = first.with_parameters(weight, dense.bias().to_vec())?;
        Self::new(input.clone(), layers)
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
        self.forward_watched(pixels, scratch, |_, _| ())
    }

    /// What comes before the layers: the pixels scaled, kept in `scratch`. Returns the number of images.
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn prepare(&self, pixels: &[f32], scratch: &mut Scratch) -> Result<usize> {
        self.input.standardize(pixels, at_least(&mut scratch.activations, pixels.len()))
    }

    /// The same; `watch` sees each layer with its input (`[rows, inputs]`).
    ///
    /// # Errors
    /// As [`Model::forward`].
    pub fn forward_watched<'s>(
        &self,
        pixels: &[f32],
        scratch: &'s mut Scratch,
        mut watch: impl FnMut(&Layer, &[f32]),
    ) -> Result<&'s [f32]> {
        let rows = self.prepare(pixels, scratch)?;
        let rounding = Rounding::of_inference();
        let mut width = self.input.pixels();
        for layer in &self.layers {
            let (_, outputs) = layer.sizes();
            watch(layer, &scratch.activations[..rows * width]);
            let out = at_least(&mut scratch.next, rows * outputs);
            layer.forward(rows, &scratch.activations[..rows * width], &mut scratch.border.floats, rounding, out);
            core::mem::swap(&mut scratch.activations, &mut scratch.next);
            width = outputs;
        }
        Ok(&scratch.activations[..rows * width])
    }
}
