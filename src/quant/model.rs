//! A quantized model: integer products where scheme and format allow them, else fp32 products of weights stored small.
//!
//! Dynamic: each integer layer quantizes each image's activations with a range of their own and gives real numbers.
//! Static: the ranges are fixed from a calibration set, and integers go from layer to layer; the last of a run of integer
//! layers gives real numbers. So layers of both kinds may follow each other in any order.
//! Held by the golden tests, to the bit of ONNX Runtime's logits, and by `tests/schemes.rs`.

use super::{
    ActivationMode, Arithmetic, NumberFormat, Product, QuantizedLayer, Scheme, StoredWeights, affine, affine::QParams,
    calibrate, correct_biases, double, layer::ALIGN,
};
use crate::{
    Error, Result,
    data::CLASSES,
    kernels::{self, Activations, Rounding, Scaling, at_least},
    nn::{Input, Layer, Model, Scratch, check_chain},
};

/// A quantized classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedModel {
    scheme: Scheme,
    input: Input,
    layers: Vec<QuantizedLayer>,
    arithmetic: Arithmetic,
}

impl QuantizedModel {
    /// Quantizes `model`. `calibration`: images (`[rows, pixels]`) of the training part, from which static ranges are taken;
    /// not read otherwise.
    ///
    /// # Errors
    /// [`Error::TooWide`]; [`Error::TooLarge`]; [`Error::Scheme`] when the scheme names a layer that the model has not;
    /// [`Error::Shape`] when `calibration` holds no whole number of images or, for static activations, none;
    /// [`Error::NotFinite`] when an activation is not.
    pub fn quantize(model: &Model, scheme: Scheme, calibration: &[f32]) -> Result<Self> {
        let layers = quantize_layers(model, &scheme)?;
        let mut ranges = Vec::new();
        if let ActivationMode::Static(observer) = scheme.activations() {
            let all = calibrate::ranges(model, calibration, observer)?;
            let weighted = layers.iter().filter(|layer| layer.weights().is_some());
            ranges = weighted.zip(all).filter(|(layer, _)| layer.product().is_some()).map(|(_, range)| range).collect();
        }
        Self::from_parts(scheme, model.input().clone(), layers, &ranges)
    }

    /// The same with static ranges that are known, as those are of quantization-aware training
    /// ([`Trainer::ranges`](crate::train::Trainer::ranges)): one for the input of each layer with integer products.
    ///
    /// # Errors
    /// [`Error::TooWide`]; [`Error::TooLarge`]; [`Error::Scheme`] when the scheme names a layer that the model has not;
    /// [`Error::Shape`] when there are more or fewer ranges, with static activations.
    pub fn with_ranges(model: &Model, scheme: Scheme, ranges: &[QParams]) -> Result<Self> {
        Self::from_parts(scheme, model.input().clone(), quantize_layers(model, &scheme)?, ranges)
    }

    /// As [`QuantizedModel::quantize`], with biases for which every layer's mean output over `calibration`, of which there
    /// must be some, is that of `model` ([`correct_biases`]).
    ///
    /// # Errors
    /// As [`QuantizedModel::quantize`] and [`correct_biases`].
    pub fn quantize_corrected(model: &Model, scheme: Scheme, calibration: &[f32]) -> Result<Self> {
        let quantized = Self::quantize(model, scheme, calibration)?;
        let corrected = correct_biases(model, &quantized.decode()?, calibration)?;
        let bias = corrected.layers().iter().map(|layer| layer.parameters().unwrap_or_default().1);
        let layers = quantized.layers.iter().zip(bias).map(|(layer, bias)| layer.with_bias(bias));
        Self::from_parts(scheme, model.input().clone(), layers.collect::<Result<_>>()?, &quantized.ranges())
    }

    /// The fp32 model with the weights that are stored.
    ///
    /// # Errors
    /// As [`QuantizedLayer::decode`].
    pub fn decode(&self) -> Result<Model> {
        Model::new(self.input.clone(), self.layers.iter().map(QuantizedLayer::decode).collect::<Result<_>>()?)
    }

    /// The fixed range of the input of each layer with integer products; none with dynamic activations.
    pub fn ranges(&self) -> Vec<QParams> {
        self.layers.iter().filter_map(QuantizedLayer::product).filter_map(Product::input_params).collect()
    }

    /// From the parts of a model file. `ranges`: with static activations, that of the input of each layer with integer
    /// products; the range of its output is that of the next one's input.
    ///
    /// # Errors
    /// As [`Model::new`]; [`Error::Shape`] when ranges are missing; [`Error::Scheme`] when a layer has another format than
    /// the scheme says.
    pub fn from_parts(
        scheme: Scheme,
        input: Input,
        mut layers: Vec<QuantizedLayer>,
        ranges: &[QParams],
    ) -> Result<Self> {
        check_chain(&input, layers.iter().map(QuantizedLayer::sizes))?;
        let count = layers.iter().filter_map(QuantizedLayer::weights).count();
        let weighted = layers.iter().filter(|layer| layer.weights().is_some());
        for (layer, axes) in weighted.zip(scheme.of_layers(count)?) {
            let same_format = layer.weights().is_some_and(|weights| weights.format() == axes.format);
            if !same_format || layer.product().is_some() == (axes.activations == ActivationMode::Float) {
                return Err(Error::Scheme { reason: "a layer has another format than it says" });
            }
        }
        if scheme.activations().is_static() {
            fix_ranges(&mut layers, ranges)?;
        }
        let arithmetic = arithmetic(&layers);
        Ok(Self { scheme, input, layers, arithmetic })
    }

    /// Which arithmetic its layers run in.
    pub fn arithmetic(&self) -> Arithmetic {
        self.arithmetic
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
        if self.arithmetic == Arithmetic::Double {
            let rows = self.input.images(pixels)?;
            double::forward(&self.input, &self.layers, pixels, &mut scratch.doubles, &mut scratch.activations);
            return Ok(&scratch.activations[..rows * CLASSES]);
        }
        let rows = self.prepare(pixels, scratch)?;
        self.run_layers(rows, scratch)
    }

    /// What comes before the layers: the pixels scaled and rounded, kept in `scratch`. Returns the number of images.
    ///
    /// # Errors
    /// As [`QuantizedModel::forward`].
    pub fn prepare(&self, pixels: &[f32], scratch: &mut Scratch) -> Result<usize> {
        let rows = self.input.images(pixels)?;
        match self.layers.first() {
            Some(layer) if layer.product().is_some() => {
                let Scratch { next, quantized, scales, .. } = scratch;
                round_rows(layer, rows, pixels, Some(self.input.scaling()), quantized, scales, next)?;
            }
            _ => {
                self.input.standardize(pixels, at_least(&mut scratch.activations, pixels.len()))?;
            }
        }
        Ok(rows)
    }

    fn run_layers<'s>(&self, rows: usize, scratch: &'s mut Scratch) -> Result<&'s [f32]> {
        let Scratch { activations, next, quantized, next_quantized, border, scales, .. } = scratch;
        let mut width = self.input.pixels();
        // Whether the layer's input is in `quantized`; else it is in `activations`.
        let mut integers = self.layers.first().is_some_and(|layer| layer.product().is_some());
        for layer in &self.layers {
            let (inputs, outputs) = layer.sizes();
            if let Some(product) = layer.product() {
                if !integers {
                    round_rows(layer, rows, &activations[..rows * inputs], None, quantized, scales, next)?;
                }
                integers = product.requantizes();
                if integers {
                    next_quantized.reset(product.packed().path(), rows, outputs.next_multiple_of(ALIGN));
                }
                let reals = if integers { &mut [][..] } else { at_least(next, rows * outputs) };
                let (w, scales) = (product.packed(), &scales[..rows]);
                match layer {
                    QuantizedLayer::Conv2d(_, conv) => product.finish(scales, reals, next_quantized, |sink| {
                        kernels::convolve(quantized, &conv.patches, border, w, sink);
                    }),
                    _ => product.finish(scales, reals, next_quantized, |sink| kernels::multiply(quantized, w, sink)),
                }
            } else if let QuantizedLayer::MaxPool2d(pool) = layer {
                if integers {
                    next_quantized.reset(quantized.path(), rows, outputs.next_multiple_of(ALIGN));
                    kernels::max_pool(quantized, pool.shape, next_quantized);
                } else {
                    kernels::max_pool_f32(&activations[..rows * inputs], pool.shape, at_least(next, rows * outputs));
                }
            } else if let QuantizedLayer::Float(_, layer) = layer {
                let (x, out) = (&activations[..rows * inputs], at_least(next, rows * outputs));
                layer.forward(rows, x, &mut border.floats, Rounding::of_inference(), out);
            }
            core::mem::swap(activations, next);
            core::mem::swap(quantized, next_quantized);
            width = outputs;
        }
        Ok(&activations[..rows * width])
    }
}

fn quantize_layers(model: &Model, scheme: &Scheme) -> Result<Vec<QuantizedLayer>> {
    let count = model.layers().iter().filter(|layer| layer.has_weights()).count();
    let mut axes = scheme.of_layers(count)?;
    let quantize = |layer: &Layer| {
        let own = if layer.has_weights() { axes.next() } else { None };
        QuantizedLayer::quantize(layer, &own.unwrap_or(scheme.axes()))
    };
    model.layers().iter().map(quantize).collect()
}

fn arithmetic(layers: &[QuantizedLayer]) -> Arithmetic {
    let double = |weights: &StoredWeights| weights.format() == NumberFormat::F64;
    let integer = layers.iter().any(|layer| layer.product().is_some());
    let float = layers.iter().any(|layer| matches!(layer, QuantizedLayer::Float(..)));
    match (integer, float) {
        (true, true) => Arithmetic::Mixed,
        (true, false) => Arithmetic::Integer,
        (false, _) if layers.iter().filter_map(QuantizedLayer::weights).all(double) => Arithmetic::Double,
        (false, _) => Arithmetic::Float,
    }
}

/// Fixes the range of each integer layer's input, and of its output where the next layer with weights takes integers.
fn fix_ranges(layers: &mut [QuantizedLayer], ranges: &[QParams]) -> Result<()> {
    let expected = layers.iter().filter(|layer| layer.product().is_some()).count();
    if expected != ranges.len() {
        return Err(Error::Shape { what: "list of ranges", expected, found: ranges.len() });
    }
    // From the last layer back: the range that the next layer with weights wants, if it takes integers.
    let mut wanted = None;
    let mut ranges = ranges.iter().rev();
    for layer in layers.iter_mut().rev().filter(|layer| layer.weights().is_some()) {
        wanted = match layer.product_mut() {
            None => None,
            Some(product) => {
                let range = ranges.next().copied();
                if let Some(range) = range {
                    product.fix_ranges(range, wanted)?;
                }
                range
            }
        };
    }
    Ok(())
}

/// Rounds the input `x` of `layer` (`[rows, inputs]`, scaled first if asked for): with its fixed range, or each row with
/// its own. `image` is working memory.
fn round_rows(
    layer: &QuantizedLayer,
    rows: usize,
    x: &[f32],
    scaling: Option<Scaling>,
    out: &mut Activations,
    scales: &mut Vec<f32>,
    image: &mut Vec<f32>,
) -> Result<()> {
    let Some(product) = layer.product() else { return Ok(()) };
    let (inputs, _) = layer.sizes();
    let stride = if let QuantizedLayer::Dense(..) = layer { product.packed().stride() } else { inputs };
    out.reset(product.packed().path(), rows, stride);
    for (r, scale) in at_least(scales, rows).iter_mut().enumerate() {
        let x = &x[r * inputs..(r + 1) * inputs];
        *scale = match (product.input_params(), scaling) {
            (Some(fixed), _) => round_row(fixed, x, scaling, out, r),
            (None, Some(scaling)) => {
                let image = at_least(image, inputs);
                let range = kernels::standardize_range(x, scaling, image);
                round_row(affine::choose_u8(range)?, image, None, out, r)
            }
            (None, None) => round_row(affine::choose_u8(kernels::min_max(x))?, x, None, out, r),
        };
    }
    Ok(())
}

/// Rounds one image's activations into row `r`; returns the scale.
fn round_row(params: QParams, x: &[f32], scaling: Option<Scaling>, out: &mut Activations, r: usize) -> f32 {
    out.quantize_row(r, x, scaling, params.scale, params.zero_point as u8);
    params.scale
}
