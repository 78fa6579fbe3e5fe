//! The fully connected layer: `y = W x + b`.

use crate::{
    Error, Result,
    kernels::{self, PackedF32},
};

/// A fully connected layer in fp32.
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    weight: Vec<f32>,
    bias: Vec<f32>,
    packed: PackedF32,
}

impl Dense {
    /// `weight`: shape `[outputs, inputs]`, row-major; `bias`: `[outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when the weights are no whole number of rows, [`Error::NotFinite`].
    pub fn new(weight: Vec<f32>, bias: Vec<f32>) -> Result<Self> {
        if !weight.iter().chain(&bias).all(|v| v.is_finite()) {
            return Err(Error::NotFinite { what: "layer" });
        }
        let packed = PackedF32::new(&weight, weight.len() / bias.len().max(1), bias.len())?;
        Ok(Self { weight, bias, packed })
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

    /// `x`: `[rows, inputs]`, `out`: `[rows, outputs]`.
    pub fn forward(&self, x: &[f32], out: &mut [f32]) {
        kernels::gemm_f32(x, &self.packed, &self.bias, out);
    }
}
