//! The 3x3 convolution with a border of zeros (the image keeps its size), then ReLU if wanted.

use super::dense::check_finite;
use crate::{
    Error, Result,
    kernels::{self, PackedF32, Patches, Rounding},
};

/// A 3x3 convolution in fp32 on images of one size.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2d {
    shape: [usize; 3],
    weight: Vec<f32>,
    bias: Vec<f32>,
    relu: bool,
    patches: Patches,
    packed: PackedF32,
}

impl Conv2d {
    /// `shape`: height, width and channels of the images; `weight`: `[outputs, 3, 3, channels]`, row-major; `bias`:
    /// `[outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`].
    pub fn new(shape: [usize; 3], weight: Vec<f32>, bias: Vec<f32>) -> Result<Self> {
        check_finite(&weight, &bias)?;
        if shape.contains(&0) {
            return Err(Error::Shape { what: "side of the images of a convolution", expected: 1, found: 0 });
        }
        let patches = Patches::new(shape, 1);
        let packed = PackedF32::new(&weight, patches.inputs(), &bias)?;
        Ok(Self { shape, weight, bias, relu: false, patches, packed })
    }

    /// The same layer with a ReLU after it.
    pub fn with_relu(self) -> Self {
        Self { relu: true, ..self }
    }

    /// Height, width and channels of its images.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Channels that come out.
    pub fn channels_out(&self) -> usize {
        self.packed.outputs()
    }

    /// Weights, shape `[outputs, 3, 3, channels]`, row-major.
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// Bias, shape `[outputs]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Whether a ReLU follows.
    pub fn relu(&self) -> bool {
        self.relu
    }

    /// `x`: `[images, height, width, channels]`, `out`: `[images, height, width, outputs]`.
    pub fn forward(&self, x: &[f32], border: &mut Vec<f32>, rounding: Rounding, out: &mut [f32]) {
        kernels::convolve_f32(x, &self.patches, (border, 0.0), &self.packed, rounding, self.relu, out);
    }
}
