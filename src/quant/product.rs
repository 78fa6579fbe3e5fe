//! The integer core of a quantized layer: i8 weights, their scales, the bias, and what follows the sums.

use super::affine::{self, QParams};
use crate::{
    Error, Result,
    kernels::{Activations, Dequantize, PackedI8, Requantize, Sink},
};

/// How a layer's activations become integers, and what its sums become.
#[derive(Debug, Clone, PartialEq)]
enum Ends {
    /// Each image's range is its own; out come real numbers: `f32(f32(sum) · f32(x_scale · w_scale)) + bias`, as ONNX
    /// Runtime's DynamicQuantizeMatMul has it. The bias stays fp32, for the scale of the sums is known only once the
    /// image is.
    Dynamic(Dequantize),
    /// Fixed ranges of input and output, the bias in i32; out come the next layer's integers.
    Requantized(QParams, QParams, Requantize),
    /// Fixed range of the input; out come real numbers (the last layer).
    Dequantized(QParams, Dequantize),
}

/// Weights `[outputs, inputs]` in i8.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    packed: PackedI8,
    scales: Vec<f32>,
    /// The scale of each output, however many share it.
    output_scales: Vec<f32>,
    bias: Vec<f32>,
    relu: bool,
    ends: Ends,
}

impl Product {
    /// With dynamic activations. `weight`: `[outputs, inputs]` in −127..=127; `scales`: `[1]` or `[outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`], [`Error::TooWide`].
    pub fn new(weight: &[i8], scales: Vec<f32>, bias: Vec<f32>, relu: bool) -> Result<Self> {
        let outputs = bias.len();
        if scales.len() != 1 && scales.len() != outputs {
            return Err(Error::Shape { what: "list of scales", expected: outputs, found: scales.len() });
        }
        if !scales.iter().chain(&bias).all(|v| v.is_finite()) {
            return Err(Error::NotFinite { what: "quantized layer" });
        }
        let packed = PackedI8::new(weight, weight.len() / outputs.max(1), outputs)?;
        let output_scales: Vec<f32> = scales.iter().copied().cycle().take(outputs).collect();
        let ends = Ends::Dynamic(Dequantize::new(&output_scales, &bias, relu));
        Ok(Self { packed, scales, output_scales, bias, relu, ends })
    }

    /// Fixes the range of its input, and of its output unless real numbers are wanted.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when the scales are so far apart that their quotient is no number.
    pub fn fix_ranges(&mut self, input: QParams, output: Option<QParams>) -> Result<()> {
        let quantize_bias = |(&b, &w): (&f32, &f32)| affine::quantize_bias(b, input.scale, w);
        let bias: Vec<i32> = self.bias.iter().zip(&self.output_scales).map(quantize_bias).collect();
        self.ends = match output {
            None => {
                let scales = finite(self.output_scales.iter().map(|w| input.scale * w))?;
                let zero_point = input.zero_point as u8;
                let to = Dequantize::with_fixed_range(&self.packed, zero_point, &scales, &bias, self.relu);
                Ends::Dequantized(input, to)
            }
            Some(output) => {
                let multiplier = |&w: &f32| affine::requantize_multiplier(input.scale, w, output.scale);
                let multipliers = finite(self.output_scales.iter().map(multiplier))?;
                let zero_point = output.zero_point as u8;
                let low = if self.relu { zero_point } else { 0 };
                let x_zero_point = input.zero_point as u8;
                let to = Requantize::new(&self.packed, x_zero_point, &bias, &multipliers, zero_point, low);
                Ends::Requantized(input, output, to)
            }
        };
        Ok(())
    }

    /// The packed weights.
    pub fn packed(&self) -> &PackedI8 {
        &self.packed
    }

    /// One scale, or one for each output.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// Bias, shape `[outputs]`.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// Whether a ReLU follows.
    pub fn relu(&self) -> bool {
        self.relu
    }

    /// The fixed range of its input; `None` when it is each image's own.
    pub fn input_params(&self) -> Option<QParams> {
        match &self.ends {
            Ends::Dynamic(_) => None,
            Ends::Requantized(input, ..) | Ends::Dequantized(input, _) => Some(*input),
        }
    }

    /// The fixed range of its output, when that is the next layer's integers; `None` when real numbers come out.
    pub fn output_params(&self) -> Option<QParams> {
        if let Ends::Requantized(_, output, _) = &self.ends { Some(*output) } else { None }
    }

    /// Whether the next layer's integers come out; else real numbers do.
    pub fn requantizes(&self) -> bool {
        matches!(self.ends, Ends::Requantized(..))
    }

    /// Calls `multiply` with where the sums go: to `integers` (reset to as many rows before), or to `reals`. `x_scales`:
    /// the scale of each image's activations, which only dynamic ends read. Inlined, so that each end has a call of its
    /// own and the kernel knows it.
    #[inline(always)]
    pub fn finish(
        &self,
        x_scales: &[f32],
        reals: &mut [f32],
        integers: &mut Activations,
        mut multiply: impl FnMut(Sink),
    ) {
        match &self.ends {
            Ends::Dynamic(to) => multiply(Sink::Floats(to, x_scales, reals)),
            Ends::Dequantized(_, to) => multiply(Sink::Floats(to, &[1.0], reals)),
            Ends::Requantized(_, _, to) => {
                integers.set_zero_point(to.zero_point());
                multiply(Sink::Activations(to, integers));
            }
        }
    }
}

fn finite(scales: impl Iterator<Item = f32>) -> Result<Vec<f32>> {
    let scales: Vec<f32> = scales.collect();
    if scales.iter().all(|s| s.is_finite()) {
        Ok(scales)
    } else {
        Err(Error::NotFinite { what: "range of activations" })
    }
}
