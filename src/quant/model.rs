//! A model whose dot products are integers.
//!
//! Dynamic int8: each image's activations are quantized with a range of their own, multiplied exactly, and the sum
//! becomes a real number again: `f32(f32(sum) · f32(x_scale · w_scale)) + bias`, as ONNX Runtime's
//! DynamicQuantizeMatMul has it. The bias stays fp32, for the scale of the sums is known only once the image is.
//! Held by `tests/golden.rs`, to the bit of ONNX Runtime's logits.

use super::{Granularity, Scheme, affine};
use crate::{
    Error, Result,
    kernels::{self, PackedI8},
    nn::{Dense, Input, Layer, Model, Scratch, at_least, check_chain},
};

/// A fully connected layer with i8 weights.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedDense {
    packed: PackedI8,
    scales: Vec<f32>,
    /// The scale of each output, however many share it.
    output_scales: Vec<f32>,
    bias: Vec<f32>,
}

impl QuantizedDense {
    /// Quantizes the weights of `dense`.
    ///
    /// # Errors
    /// [`Error::TooWide`].
    pub fn quantize(dense: &Dense, granularity: Granularity) -> Result<Self> {
        let group = match granularity {
            Granularity::PerTensor => dense.weight().len(),
            Granularity::PerChannel => dense.inputs(),
        };
        let mut weight = Vec::with_capacity(dense.weight().len());
        let mut scales = Vec::new();
        for values in dense.weight().chunks(group.max(1)) {
            let params = affine::choose_i8_symmetric(values)?;
            weight.extend(values.iter().map(|&w| params.quantize(w) as i8));
            scales.push(params.scale);
        }
        Self::from_parts(&weight, scales, dense.bias().to_vec())
    }

    /// From the values of a model file: `weight` `[outputs, inputs]` in −127..=127, `scales` `[1]` or `[outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`], [`Error::TooWide`].
    pub fn from_parts(weight: &[i8], scales: Vec<f32>, bias: Vec<f32>) -> Result<Self> {
        let outputs = bias.len();
        if scales.len() != 1 && scales.len() != outputs {
            return Err(Error::Shape { what: "list of scales", expected: outputs, found: scales.len() });
        }
        if !scales.iter().chain(&bias).all(|v| v.is_finite()) {
            return Err(Error::NotFinite { what: "quantized layer" });
        }
        let packed = PackedI8::new(weight, weight.len() / outputs.max(1), outputs)?;
        let output_scales = scales.iter().copied().cycle().take(outputs).collect();
        Ok(Self { packed, scales, output_scales, bias })
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
    pub fn weight(&self) -> Vec<i8> {
        let row = |j| (0..self.inputs()).map(move |k| self.packed.weight(j, k));
        (0..self.outputs()).flat_map(row).collect()
    }

    /// One scale, or one for each output.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// Bias, shape `[outputs]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// From `scratch.activations` (`[rows, inputs]`) to `scratch.next` (`[rows, outputs]`).
    fn forward(&self, rows: usize, scratch: &mut Scratch) -> Result<()> {
        let (inputs, outputs, stride) = (self.inputs(), self.outputs(), self.packed.stride());
        let quantized = at_least(&mut scratch.quantized, rows * stride);
        let x_scales = at_least(&mut scratch.scales, rows);
        let zero_points = at_least(&mut scratch.zero_points, rows);
        for r in 0..rows {
            let x = &scratch.activations[r * inputs..(r + 1) * inputs];
            (x_scales[r], zero_points[r]) = affine::quantize_dynamic(x, &mut quantized[r * stride..(r + 1) * stride])?;
        }
        let sums = at_least(&mut scratch.sums, rows * outputs);
        kernels::gemm_u8i8(quantized, zero_points, &self.packed, sums);
        let out = at_least(&mut scratch.next, rows * outputs);
        for ((out, sums), &x_scale) in out.chunks_exact_mut(outputs).zip(sums.chunks_exact(outputs)).zip(&*x_scales) {
            for (((out, &sum), bias), w_scale) in out.iter_mut().zip(sums).zip(&self.bias).zip(&self.output_scales) {
                *out = sum as f32 * (x_scale * w_scale) + bias;
            }
        }
        Ok(())
    }
}

/// One step of a quantized network.
#[derive(Debug, Clone, PartialEq)]
pub enum QuantizedLayer {
    /// Fully connected.
    Dense(QuantizedDense),
}

/// A classifier with integer products.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedModel {
    scheme: Scheme,
    input: Input,
    layers: Vec<QuantizedLayer>,
}

impl QuantizedModel {
    /// Post-training quantization of `model`.
    ///
    /// # Errors
    /// [`Error::TooWide`].
    pub fn quantize(model: &Model, scheme: Scheme) -> Result<Self> {
        let quantize = |layer: &Layer| match layer {
            Layer::Dense(dense) => QuantizedDense::quantize(dense, scheme.granularity).map(QuantizedLayer::Dense),
        };
        let layers = model.layers().iter().map(quantize).collect::<Result<_>>()?;
        Self::from_parts(scheme, model.input().clone(), layers)
    }

    /// From the parts of a model file.
    ///
    /// # Errors
    /// As [`Model::new`].
    pub fn from_parts(scheme: Scheme, input: Input, layers: Vec<QuantizedLayer>) -> Result<Self> {
        check_chain(&input, layers.iter().map(|QuantizedLayer::Dense(dense)| (dense.inputs(), dense.outputs())))?;
        Ok(Self { scheme, input, layers })
    }

    /// How it was quantized.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Image size and scaling.
    pub fn input(&self) -> &Input {
        &self.input
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[QuantizedLayer] {
        &self.layers
    }

    /// Logits of `pixels` (`[rows, pixels]`), shape `[rows, classes]`.
    ///
    /// # Errors
    /// [`Error::Shape`] when `pixels` holds no whole number of images, [`Error::NotFinite`] when an activation is not.
    pub fn forward<'s>(&self, pixels: &[f32], scratch: &'s mut Scratch) -> Result<&'s [f32]> {
        let rows = self.input.standardize(pixels, at_least(&mut scratch.activations, pixels.len()))?;
        let mut width = self.input.pixels();
        for QuantizedLayer::Dense(dense) in &self.layers {
            dense.forward(rows, scratch)?;
            core::mem::swap(&mut scratch.activations, &mut scratch.next);
            width = dense.outputs();
        }
        Ok(&scratch.activations[..rows * width])
    }
}
