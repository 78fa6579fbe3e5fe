//! A quantized model: integer products where scheme and format allow them, else fp32 products of weights stored small.
//!
//! Dynamic: each integer layer quantizes each image's activations with a range of their own and gives real numbers.
//! Static: the ranges are fixed from a calibration set, and integers go from layer to layer; the last of a run of integer
//! layers gives real numbers. So layers of both kinds may follow each other in any order. Binary: each layer takes real
//! numbers, makes bits of them, and gives real numbers.
//! Held by the golden tests, to the bit of ONNX Runtime's logits, and by `tests/suite/schemes.rs`.

use super::{
    ActivationMode, Arithmetic, InputRange, Levels, NumberFormat, QuantizedLayer, Scheme, StoredWeights, affine,
    affine::QParams, bias_correction, calibrate, correct_biases, double, layer::ALIGN, reconstruct::reconstruct,
};
use crate::{
    Error, Result,
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
    /// Quantizes `model`. `calibration`: images (`[rows, pixels]`) of the training part, from which static ranges and the
    /// values of binary activations are taken; not read otherwise.
    ///
    /// # Errors
    /// [`Error::TooWide`]; [`Error::TooLarge`]; [`Error::Scheme`] when the scheme names a layer that the model has not;
    /// [`Error::Shape`] when `calibration` holds no whole number of images or, where it is read, none;
    /// [`Error::NotFinite`] when an activation is not.
    pub fn quantize(model: &Model, scheme: Scheme, calibration: &[f32]) -> Result<Self> {
        let mut layers = quantize_layers(model, &scheme)?;
        let mut ranges = Vec::new();
        match scheme.activations() {
            ActivationMode::Float | ActivationMode::Dynamic => {}
            ActivationMode::Static(observer) => {
                let all = calibrate::ranges(model, calibration, observer)?.into_iter().map(InputRange::from);
                let weighted = layers.iter().filter(|layer| layer.weights().is_some());
                ranges =
                    weighted.zip(all).filter(|(layer, _)| layer.product().is_some()).map(|(_, range)| range).collect();
            }
            ActivationMode::Binary => {
                calibrate::check(model, calibration)?;
                ranges = find_levels(model.input(), &mut layers, calibration, None)?;
            }
        }
        Self::from_parts(scheme, model.input().clone(), layers, &ranges)
    }

    /// The same with ranges (or binary activations' values) that are known, as those are of quantization-aware training
    /// ([`Trainer::ranges`](crate::train::Trainer::ranges)): one for the input of each layer with products of integers or
    /// bits.
    ///
    /// # Errors
    /// [`Error::TooWide`]; [`Error::TooLarge`]; [`Error::Scheme`] when the scheme names a layer that the model has not;
    /// [`Error::Shape`] when there are more or fewer ranges, where there are any.
    pub fn with_ranges(model: &Model, scheme: Scheme, ranges: &[InputRange]) -> Result<Self> {
        Self::from_parts(scheme, model.input().clone(), quantize_layers(model, &scheme)?, ranges)
    }

    /// As [`QuantizedModel::quantize`], with biases for which every layer's mean output over `calibration`, of which there
    /// must be some, is that of `model` ([`correct_biases`]; with binary activations before a ReLU, and as the layers run,
    /// for there rounding moves more than weights).
    ///
    /// # Errors
    /// As [`QuantizedModel::quantize`] and [`correct_biases`].
    pub fn quantize_corrected(model: &Model, scheme: Scheme, calibration: &[f32]) -> Result<Self> {
        if scheme.activations() == ActivationMode::Binary {
            calibrate::check(model, calibration)?;
            let (wanted, mut layers) =
                (bias_correction::mean_outputs(model, calibration)?, quantize_layers(model, &scheme)?);
            let ranges = find_levels(model.input(), &mut layers, calibration, Some(&wanted))?;
            return Self::from_parts(scheme, model.input().clone(), layers, &ranges);
        }
        let quantized = Self::quantize(model, scheme, calibration)?;
        let corrected = correct_biases(model, &quantized.decode()?, calibration)?;
        let bias = corrected.layers().iter().map(|layer| layer.parameters().unwrap_or_default().1);
        let layers =
            quantized.layers.iter().zip(bias).map(|(layer, bias)| layer.with_bias(bias, layer.bias_and_relu().1));
        Self::from_parts(scheme, model.input().clone(), layers.collect::<Result<_>>()?, &quantized.ranges())
    }

    /// As [`QuantizedModel::quantize`], then with the codes, scales and biases for which each layer's outputs over
    /// `calibration`, of which there must be some, are nearest to those of `model`. Formats without scales have their biases
    /// corrected.
    ///
    /// On the digits, in points below fp32 with ternary and binary weights, one scale an output: the multilayer perceptron
    /// 4 and 11 instead of 25 and 59, the convolutional network 0.4 and 1.8 instead of 5 and 24.
    ///
    /// # Errors
    /// As [`QuantizedModel::quantize_corrected`].
    pub fn quantize_reconstructed(model: &Model, scheme: Scheme, calibration: &[f32]) -> Result<Self> {
        let quantized = Self::quantize(model, scheme, calibration)?;
        let stored = quantized.layers.iter().map(QuantizedLayer::weights);
        let parts = reconstruct(model, stored, calibration)?;
        let layers = quantized.layers.iter().zip(parts).map(|(layer, (weights, bias))| match weights {
            Some(weights) => layer.with_stored(weights, bias, layer.bias_and_relu().1),
            None => Ok(layer.clone()),
        });
        let (mut layers, mut ranges) = (layers.collect::<Result<Vec<_>>>()?, quantized.ranges());
        if scheme.activations() == ActivationMode::Binary {
            ranges = find_levels(model.input(), &mut layers, calibration, None)?;
        }
        Self::from_parts(scheme, model.input().clone(), layers, &ranges)
    }

    /// The fp32 model with the weights that are stored.
    ///
    /// # Errors
    /// As [`QuantizedLayer::decode`].
    pub fn decode(&self) -> Result<Model> {
        Model::new(self.input.clone(), self.layers.iter().map(QuantizedLayer::decode).collect::<Result<_>>()?)
    }

    /// What is fixed of the input of each layer with products of integers or bits; nothing with dynamic activations.
    pub fn ranges(&self) -> Vec<InputRange> {
        self.layers.iter().filter_map(QuantizedLayer::range).collect()
    }

    /// From the parts of a model file. `ranges`: with static or binary activations, what is fixed of the input of each layer
    /// with products of integers or bits; the range of its output is that of the next one's input.
    ///
    /// # Errors
    /// As [`Model::new`]; [`Error::Shape`] when ranges are missing; [`Error::Scheme`] when a layer has another format than
    /// the scheme says.
    pub fn from_parts(
        scheme: Scheme,
        input: Input,
        mut layers: Vec<QuantizedLayer>,
        ranges: &[InputRange],
    ) -> Result<Self> {
        check_chain(&input, layers.iter().map(QuantizedLayer::sizes))?;
        let count = layers.iter().filter_map(QuantizedLayer::weights).count();
        let weighted = layers.iter().filter(|layer| layer.weights().is_some());
        for (layer, axes) in weighted.zip(scheme.of_layers(count)?) {
            let same_format = layer.weights().is_some_and(|weights| weights.format() == axes.format);
            if !same_format || !layer.takes(axes.activations) {
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
        self.run(&self.layers, pixels, scratch)
    }

    /// What layer `number` of [`QuantizedModel::layers`] gives for `pixels` (`[rows, pixels]`) as real numbers, before the
    /// next one rounds them; shape `[rows, outputs]`.
    ///
    /// # Errors
    /// As [`QuantizedModel::forward`]; [`Error::Shape`] when there is no such layer.
    pub fn outputs<'s>(&self, number: usize, pixels: &[f32], scratch: &'s mut Scratch) -> Result<&'s [f32]> {
        let (expected, found) = (number + 1, self.layers.len());
        let layers = self.layers.get(..=number).ok_or(Error::Shape { what: "list of layers", expected, found })?;
        let mut layers = layers.to_vec();
        if let Some(product) = layers.last_mut().and_then(QuantizedLayer::product_mut)
            && let Some(range) = product.input_params()
        {
            product.fix_ranges(range, None)?;
        }
        self.run(&layers, pixels, scratch)
    }

    /// Runs `layers`, the first ones of the model.
    fn run<'s>(&self, layers: &[QuantizedLayer], pixels: &[f32], scratch: &'s mut Scratch) -> Result<&'s [f32]> {
        if self.arithmetic == Arithmetic::Double {
            let rows = self.input.images(pixels)?;
            double::forward(&self.input, layers, pixels, &mut scratch.doubles, &mut scratch.activations);
            let width = layers.last().map_or(0, |layer| layer.sizes().1);
            return Ok(&scratch.activations[..rows * width]);
        }
        let rows = self.prepare(pixels, scratch)?;
        self.run_layers(layers, rows, scratch)
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

    /// The first `count` layers (as many as there are, at most): a part of a model, which need not end in scores.
    pub(super) fn part(&self, count: usize) -> Self {
        let layers = self.layers.iter().take(count).cloned().collect();
        Self { scheme: self.scheme, input: self.input.clone(), layers, arithmetic: self.arithmetic }
    }

    fn run_layers<'s>(&self, layers: &[QuantizedLayer], rows: usize, scratch: &'s mut Scratch) -> Result<&'s [f32]> {
        let mut width = self.input.pixels();
        // Whether the layer's input is in `quantized`; else it is in `activations`.
        let mut integers = layers.first().is_some_and(|layer| layer.product().is_some());
        for layer in layers {
            integers = run_layer(layer, rows, integers, scratch)?;
            (_, width) = layer.sizes();
        }
        // There are none when a part of a model ends in integers.
        Ok(scratch.activations.get(..rows * width).unwrap_or_default())
    }
}

/// Runs a layer on what `scratch` has of `rows` images: `integers` tells whether that is in `quantized`, else it is in
/// `activations`. Returns where the output is. Not inlined, for it holds all kernels, and calibration runs it too.
#[inline(never)]
fn run_layer(layer: &QuantizedLayer, rows: usize, mut integers: bool, scratch: &mut Scratch) -> Result<bool> {
    let Scratch { activations, next, quantized, next_quantized, border, bits, scales, .. } = scratch;
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
    } else {
        let (x, out) = (&activations[..rows * inputs], at_least(next, rows * outputs));
        match layer {
            QuantizedLayer::Xnor(_, product) => product.forward(x, bits, out),
            QuantizedLayer::Float(_, layer) => {
                layer.forward(rows, x, &mut border.floats, Rounding::of_inference(), out);
            }
            _ => {}
        }
    }
    core::mem::swap(activations, next);
    core::mem::swap(quantized, next_quantized);
    Ok(integers)
}

/// Fixes the two values of each input of one bit: those of what the layers before it, as they will run, make of the
/// images of `calibration`. `wanted`: the mean of each output of each layer, before a ReLU, to which biases are moved.
fn find_levels(
    input: &Input,
    layers: &mut [QuantizedLayer],
    calibration: &[f32],
    wanted: Option<&[Vec<f64>]>,
) -> Result<Vec<InputRange>> {
    let (rows, mut scratch, mut ranges) = (input.images(calibration)?, Scratch::default(), Vec::new());
    input.standardize(calibration, at_least(&mut scratch.activations, calibration.len()))?;
    for (i, layer) in layers.iter_mut().enumerate() {
        let (inputs, outputs) = layer.sizes();
        let mut levels = Levels::NONE;
        if layer.levels().is_some() {
            levels = Levels::of(&scratch.activations[..rows * inputs])?;
            layer.set_levels(levels)?;
            ranges.push(InputRange::Levels(levels));
        }
        if let (Some(wanted), Some(_)) = (wanted, layer.weights()) {
            let (bias, relu) = layer.bias_and_relu();
            let mut linear = layer.with_bias(bias, false)?;
            linear.set_levels(levels)?;
            run_layer(&linear, rows, false, &mut scratch)?;
            let mut means = vec![0.0; bias.len()];
            for values in scratch.activations[..rows * outputs].chunks_exact(bias.len()) {
                means.iter_mut().zip(values).for_each(|(mean, &v)| *mean += f64::from(v));
            }
            let count = (rows * outputs / bias.len()).max(1) as f64;
            let moved = |((&b, mean), wanted): ((&f32, &f64), &f64)| (f64::from(b) + wanted - mean / count) as f32;
            let bias: Vec<f32> = bias.iter().zip(&means).zip(&wanted[i]).map(moved).collect();
            *layer = layer.with_bias(&bias, relu)?;
            layer.set_levels(levels)?;
            // The layer's input is still there, in the other buffer.
            core::mem::swap(&mut scratch.activations, &mut scratch.next);
        }
        run_layer(layer, rows, false, &mut scratch)?;
    }
    Ok(ranges)
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
        _ if layers.iter().any(|layer| layer.levels().is_some()) => {
            if float {
                Arithmetic::MixedXnor
            } else {
                Arithmetic::Xnor
            }
        }
        (true, true) => Arithmetic::Mixed,
        (true, false) => Arithmetic::Integer,
        (false, _) if layers.iter().filter_map(QuantizedLayer::weights).all(double) => Arithmetic::Double,
        (false, _) => Arithmetic::Float,
    }
}

/// Fixes what `ranges` say of the inputs of layers that take integers or bits; of an integer layer's output too, where the
/// next layer with weights takes integers.
fn fix_ranges(layers: &mut [QuantizedLayer], ranges: &[InputRange]) -> Result<()> {
    let expected = layers.iter().filter(|layer| layer.product().is_some() || layer.levels().is_some()).count();
    if expected != ranges.len() {
        return Err(Error::Shape { what: "list of ranges", expected, found: ranges.len() });
    }
    // From the last layer back: the range that the next layer with weights wants, if it takes integers.
    let mut wanted = None;
    let mut ranges = ranges.iter().rev();
    for layer in layers.iter_mut().rev().filter(|layer| layer.weights().is_some()) {
        let takes_bits = layer.levels().is_some();
        let range = if takes_bits || layer.product().is_some() { ranges.next() } else { None };
        wanted = match (range, layer.product_mut()) {
            (None, _) => None,
            (Some(&InputRange::Integers(range)), Some(product)) => {
                product.fix_ranges(range, wanted)?;
                Some(range)
            }
            (Some(&InputRange::Levels(levels)), None) => {
                layer.set_levels(levels)?;
                None
            }
            _ => return Err(Error::Scheme { reason: "a layer's input has a range of another kind" }),
        };
    }
    Ok(())
}

/// Rounds the input `x` of `layer` (`[rows, inputs]`, scaled first if asked for): with its fixed range, or each row with
/// its own. `image` is working memory.
pub(super) fn round_rows(
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
