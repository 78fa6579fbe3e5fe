//! A layer of one-bit weights and one-bit inputs: products by XNOR, sums by popcount.
//!
//! With inputs `x = c + a·s` and weights `w = α·v`, s and v being −1 or +1, an output is
//! `α·(a·Σ s v + c·Σ v) + bias`. Both sums are exact integers; what follows is in f32, in the order
//! `f32(Σ s v) · (a·α) + ((c·Σ v)·α + bias)` (`quant::Levels` finds c and a, XNOR-Net's section 3.2 has the same without
//! c). A convolution's border of zeros becomes what 0 becomes, mostly the lower value. Held by `tests/suite/binary.rs`.

use super::{Levels, NumberFormat, StoredWeights};
use crate::{
    Error, Result,
    kernels::{self, BitPatches, BitRows, PackedBits},
};

/// A fully connected layer or a 3x3 convolution of bits.
#[derive(Debug, Clone, PartialEq)]
pub struct XnorProduct {
    packed: PackedBits,
    levels: Levels,
    images: Option<[usize; 3]>,
    bias: Vec<f32>,
    relu: bool,
}

/// Working memory: the bits of a layer's input.
#[derive(Debug, Clone, Default)]
pub struct XnorScratch {
    rows: BitRows,
    patches: BitPatches,
}

impl XnorProduct {
    /// From binary weights (of a convolution `[outputs, 3 · 3 · channels]`). `images`: height, width and channels of what a
    /// convolution sees.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn new(
        weights: &StoredWeights,
        images: Option<[usize; 3]>,
        bias: Vec<f32>,
        relu: bool,
        levels: Levels,
    ) -> Result<Self> {
        let (outputs, inputs) = (weights.outputs(), weights.inputs());
        if weights.format() != NumberFormat::Binary {
            return Err(Error::Scheme { reason: "only weights of one bit are multiplied by inputs of one bit" });
        }
        if bias.len() != outputs {
            return Err(Error::Shape { what: "bias", expected: outputs, found: bias.len() });
        }
        if let Some([_, _, channels]) = images.filter(|shape| 9 * shape[2] != inputs) {
            return Err(Error::Shape {
                what: "filters of a convolution",
                expected: 9 * channels * outputs,
                found: inputs * outputs,
            });
        }
        let rows = BitRows::from_packed(weights.packed(), outputs, inputs);
        let Levels { centre, half } = levels.check()?;
        let scales = weights.scales().iter().cycle().take(outputs);
        let factors: Vec<f32> = scales.clone().map(|scale| half * scale).collect();
        let addend = |(j, (scale, bias)): (usize, (&f32, &f32))| centre * rows.sum(j) as f32 * scale + bias;
        let addends: Vec<f32> = scales.zip(&bias).enumerate().map(addend).collect();
        if !factors.iter().chain(&addends).all(|v| v.is_finite()) {
            return Err(Error::NotFinite { what: "quantized layer" });
        }
        Ok(Self { packed: PackedBits::new(rows, factors, addends), levels, images, bias, relu })
    }

    /// `x`: `[rows, inputs]`, `out`: `[rows, outputs]`.
    pub fn forward(&self, x: &[f32], scratch: &mut XnorScratch, out: &mut [f32]) {
        let Self { packed, levels, relu, .. } = self;
        if let Some(shape) = self.images {
            kernels::convolve_bits(x, shape, levels.centre, &mut scratch.patches, packed, *relu, out);
        } else {
            scratch.rows.set(x, packed.rows().inputs(), levels.centre);
            kernels::multiply_bits(&scratch.rows, packed, *relu, out);
        }
    }

    /// Values that go into and come out of the layer, for each image.
    pub fn sizes(&self) -> (usize, usize) {
        let (inputs, outputs) = (self.packed.rows().inputs(), self.packed.outputs());
        self.images.map_or((inputs, outputs), |[height, width, channels]| {
            (height * width * channels, height * width * outputs)
        })
    }

    /// The two values of an input.
    pub fn levels(&self) -> Levels {
        self.levels
    }

    /// Height, width and channels of the images, of a convolution.
    pub fn images(&self) -> Option<[usize; 3]> {
        self.images
    }

    /// Bias, shape `[outputs]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Whether a ReLU follows.
    pub fn relu(&self) -> bool {
        self.relu
    }
}
