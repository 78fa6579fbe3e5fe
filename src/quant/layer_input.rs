//! What goes into each layer of a quantized model while it judges an image: the model's own run, stopped before the layer.

use super::{Arithmetic, Product, QuantizedLayer, QuantizedModel, affine::QParams, double, model::round_rows};
use crate::{Error, Result, kernels, nn::Scratch};

/// The input of a layer for one image, `[inputs]`.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerInput {
    /// Real numbers. Where integers come out of the layer before, what these stand for.
    pub reals: Vec<f64>,
    /// What the layer multiplies instead, when that is integers.
    pub rounded: Option<Rounded>,
}

/// The integers that a layer multiplies.
#[derive(Debug, Clone, PartialEq)]
pub struct Rounded {
    /// The integers, `[inputs]`.
    pub q: Vec<u8>,
    /// What they mean.
    pub params: QParams,
    /// Smallest and largest real number that they were chosen for, 0 among them.
    pub range: (f32, f32),
    /// Whether the layer before gave them; else they were rounded from real numbers.
    pub carried: bool,
}

impl QuantizedModel {
    /// What goes into layer `number` for `image` (`[pixels]`), to the bit of [`QuantizedModel::forward`]; with the number
    /// of layers, the logits.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] when there are fewer layers, [`Error::Shape`] when that is no single image,
    /// [`Error::NotFinite`] when an activation is not.
    pub fn input_of(&self, number: usize, image: &[f32], scratch: &mut Scratch) -> Result<LayerInput> {
        let (expected, found, count) = (self.input().pixels(), image.len(), self.layers().len());
        if expected != found {
            return Err(Error::Shape { what: "image", expected, found });
        }
        let Some((before, after)) = self.layers().split_at_checked(number) else {
            return Err(Error::OutOfRange { what: "layer", number, count });
        };
        let width = before.last().map_or(expected, |layer| layer.sizes().1);
        if self.arithmetic() == Arithmetic::Double {
            double::forward(self.input(), before, image, &mut scratch.doubles, &mut scratch.activations);
            return Ok(LayerInput { reals: scratch.doubles[0][..width].to_vec(), rounded: None });
        }
        let reals = self.part(number).forward(image, scratch)?.to_vec();
        // Pooling hands on what it gets.
        let weighted = before.iter().rfind(|layer| layer.weights().is_some());
        let carried = weighted.and_then(QuantizedLayer::product).and_then(Product::output_params);
        if let Some(params) = carried {
            let q = scratch.quantized.row(0)[..width].to_vec();
            let range = (params.dequantize(params.qmin), params.dequantize(params.qmax));
            let reals = q.iter().map(|&q| params.dequantize(q.into()).into()).collect();
            return Ok(LayerInput { reals, rounded: Some(Rounded { q, params, range, carried: true }) });
        }
        let rounded = after.first().filter(|layer| layer.product().is_some());
        let rounded = rounded.map(|layer| rounded_from(layer, &reals, scratch)).transpose()?;
        Ok(LayerInput { reals: reals.iter().map(|&x| x.into()).collect(), rounded })
    }
}

fn rounded_from(layer: &QuantizedLayer, reals: &[f32], scratch: &mut Scratch) -> Result<Rounded> {
    let Scratch { next, quantized, scales, .. } = scratch;
    round_rows(layer, 1, reals, None, quantized, scales, next)?;
    let params = QParams::u8(scales[0], quantized.zero_points()[0]);
    let fixed = layer.product().is_some_and(|product| product.input_params().is_some());
    let range = if fixed {
        (params.dequantize(params.qmin), params.dequantize(params.qmax))
    } else {
        let (min, max) = kernels::min_max(reals);
        (min.min(0.0), max.max(0.0))
    };
    Ok(Rounded { q: quantized.row(0)[..reals.len()].to_vec(), params, range, carried: false })
}
