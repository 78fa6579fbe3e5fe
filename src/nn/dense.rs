//! The fully connected layer: `y = W x + b`, then ReLU if wanted.

use crate::{
    Error, Result,
    kernels::{self, PackedF32, Rounding, Rows},
};

/// A fully connected layer in fp32.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    weight: Vec<f32>,
    bias: Vec<f32>,
    relu: bool,
    packed: PackedF32,
}

impl Dense {
    /// `weight`: shape `[outputs, inputs]`, row-major; `bias`: `[outputs]`. After a convolution the inputs are in the
    /// order height, width, channels.
    ///
    /// # Errors
    /// [`Error::Shape`] when the weights are no whole number of rows, [`Error::NotFinite`].
    pub fn new(weight: Vec<f32>, bias: Vec<f32>) -> Result<Self> {
        check_finite(&weight, &bias)?;
        let packed = PackedF32::new(&weight, weight.len() / bias.len().max(1), &bias)?;
        Ok(Self { weight, bias, relu: false, packed })
    }

    /// The same layer with a ReLU after it.
    pub fn with_relu(self) -> Self {
        Self { relu: true, ..self }
    }

    /// Values of an input row.
    pub fn inputs(&self) -> usize {
        self.packed.inputs()
    }

    /// Values of an output row.
    pub fn outputs(&self) -> usize {
        self.packed.outputs()
    }

    /// Weights, shape `[outputs, inputs]`, row-major.
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

    /// `x`: `[rows, inputs]`, `out`: `[rows, outputs]`.
    pub fn forward(&self, rows: usize, x: &[f32], rounding: Rounding, out: &mut [f32]) {
        let rows = Rows::dense(x, rows, self.inputs(), self.inputs());
        kernels::multiply_f32(&rows, &self.packed, rounding, self.relu, out);
    }
}

pub(super) fn check_finite(weight: &[f32], bias: &[f32]) -> Result<()> {
    let finite = weight.iter().chain(bias).all(|v| v.is_finite());
    if finite { Ok(()) } else { Err(Error::NotFinite { what: "layer" }) }
}
