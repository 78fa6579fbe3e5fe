//! One output of one layer, step by step: how the quantized model comes to it, and how the fp32 model does.
//!
//! Inputs are those of the model's own run ([`QuantizedModel::input_of`]); integers are summed in i32, so any order gives the
//! model's sum, and what follows the sum is written out by the rules of [`affine`]. Sums of reals are shown in f64, which
//! is finer than what the model sums in; the result beside them is the model's own. Held by `tests/suite/explain.rs`, to the bit
//! of the model's logits.

use crate::{
    Error, Result,
    nn::Scratch,
    quant::{
        Product, QuantizedLayer, QuantizedModel, Rounded, StoredWeights,
        affine::{self, QParams},
    },
};

/// A weighted sum of real numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Sum {
    /// What is multiplied, `[inputs]`.
    pub x: Vec<f64>,
    /// Weights, `[inputs]`.
    pub w: Vec<f64>,
    /// The sum up to each input, without the bias.
    pub sums: Vec<f64>,
    /// Added at the end.
    pub bias: f32,
    /// What comes out of the layer, after its ReLU.
    pub result: f64,
}

/// The integers of an integer product.
#[derive(Debug, Clone, PartialEq)]
pub struct Integers {
    /// Rounded inputs, `[inputs]`.
    pub q: Vec<u8>,
    /// What they mean.
    pub params: QParams,
    /// Smallest and largest real number that they were chosen for.
    pub range: (f32, f32),
    /// Whether that range was fixed beforehand; else it is this image's own.
    pub fixed: bool,
    /// Whether the layer before gave the integers.
    pub carried: bool,
    /// Integer weights, less their zero points, `[inputs]`.
    pub weights: Vec<i8>,
    /// What 1 in the weights means.
    pub weight_scale: f32,
    /// `(q - zero point) · weight`, `[inputs]`.
    pub products: Vec<i32>,
    /// The sum up to each input.
    pub sums: Vec<i32>,
    /// With a fixed range: the bias at the scale of the sums, added to them.
    pub bias: Option<i32>,
    /// What the sum is multiplied by.
    pub multiplier: f32,
    /// The next layer's integer, and what it means, when no real number comes out.
    pub next: Option<(u8, QParams)>,
}

/// One output of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Which value of the layer's input each input is; none in the border of a convolution, where it is 0.
    pub taps: Vec<Option<usize>>,
    /// In the fp32 model.
    pub fp32: Sum,
    /// In the quantized model: real inputs before they are rounded, and the weights that are stored.
    pub quantized: Sum,
    /// How it multiplies them, when in integers.
    pub integers: Option<Integers>,
    /// Codes of the stored weights as [`StoredWeights::integers`] has them.
    pub codes: Vec<i64>,
    /// Scale and zero point of these codes; 0 where the format has none.
    pub code_params: (f32, i16),
    /// The largest absolute fp32 weight among those that share the scale.
    pub largest_weight: f32,
    /// Whether negative results are replaced by 0.
    pub relu: bool,
}

/// Checks that `twin` has the layers of `model`, in another format.
///
/// # Errors
/// [`Error::Shape`] when they differ.
pub fn check_twins(model: &QuantizedModel, twin: &QuantizedModel) -> Result<()> {
    let (expected, found) = (model.layers().len(), twin.layers().len());
    if expected != found {
        return Err(Error::Shape { what: "quantized model's list of layers", expected, found });
    }
    for (layer, twin) in model.layers().iter().zip(twin.layers()) {
        let (expected, found) = (weights_len(layer), weights_len(twin));
        if layer.sizes() != twin.sizes() || expected != found {
            return Err(Error::Shape { what: "quantized model's layer", expected, found });
        }
    }
    Ok(())
}

fn weights_len(layer: &QuantizedLayer) -> usize {
    layer.weights().map_or(0, |weights| weights.outputs() * weights.inputs())
}

/// How a model and its quantized `twin` come to output `output` (of a convolution counted pixel by pixel, each with its
/// channels) of layer `number` for `image` (`[pixels]`). `fp32`: the model with its weights stored as they are
/// ([`Scheme::F32`](crate::quant::Scheme::F32)), which changes none of its bits.
///
/// # Errors
/// As [`check_twins`] and [`QuantizedModel::input_of`]; [`Error::OutOfRange`] when there is no such layer, it has no weights
/// or no such output.
pub fn explain(
    fp32: &QuantizedModel,
    twin: &QuantizedModel,
    image: &[f32],
    number: usize,
    output: usize,
    scratch: &mut Scratch,
) -> Result<Explanation> {
    check_twins(fp32, twin)?;
    let layer = twin.layers().get(number);
    let (Some(layer), Some(stored)) = (layer, layer.and_then(QuantizedLayer::weights)) else {
        return Err(Error::OutOfRange { what: "layer with weights", number, count: twin.layers().len() });
    };
    let count = layer.sizes().1;
    if output >= count {
        return Err(Error::OutOfRange { what: "output", number: output, count });
    }
    let (channel, taps) = match layer.images() {
        Some(shape) => (output % stored.outputs(), neighbourhood(shape, output / stored.outputs())),
        None => (output, (0..stored.inputs()).map(Some).collect()),
    };
    let mut sum = |model: &QuantizedModel| -> Result<_> {
        let input = model.input_of(number, image, scratch)?;
        let result = model.input_of(number + 1, image, scratch)?.reals[output];
        let layer = &model.layers()[number];
        let weights = layer.weights().map(StoredWeights::decode).unwrap_or_default();
        let real = |tap: &Option<usize>| tap.map_or(0.0, |at| input.reals[at]);
        let levels = layer.levels();
        // Inputs of one bit are one of two values, and so is the border of an image.
        let x = taps.iter().map(real).map(|x| levels.map_or(x, |levels| levels.nearest(x as f32).into())).collect();
        let w = weights[channel * taps.len()..][..taps.len()].iter().map(|&w| w.into()).collect();
        Ok((Sum::new(x, w, layer.bias_and_relu().0[channel], result), input.rounded, weights))
    };
    let (fp32, _, weights) = sum(fp32)?;
    let (mut quantized, rounded, _) = sum(twin)?;
    let relu = layer.bias_and_relu().1;
    let mut integers = None;
    if let (Some(product), Some(rounded)) = (layer.product(), rounded) {
        let (told, real) = Integers::new(product, stored, &rounded, &taps, channel, relu);
        integers = Some(told);
        quantized.result = real;
    }
    let group =
        if stored.scales().len() > 1 { channel * taps.len()..(channel + 1) * taps.len() } else { 0..weights.len() };
    Ok(Explanation {
        fp32,
        quantized,
        integers,
        codes: stored.integers(channel),
        code_params: stored.scale_and_zero_point(channel),
        largest_weight: weights[group].iter().fold(0.0, |largest, w| largest.max(w.abs())),
        relu,
        taps,
    })
}

impl Sum {
    fn new(x: Vec<f64>, w: Vec<f64>, bias: f32, result: f64) -> Self {
        let mut sum = 0.0;
        let add = |(x, w): (&f64, &f64)| {
            sum += x * w;
            sum
        };
        let sums = x.iter().zip(&w).map(add).collect();
        Self { x, w, sums, bias, result }
    }
}

impl Integers {
    /// And the real number that comes out.
    fn new(
        product: &Product,
        stored: &StoredWeights,
        input: &Rounded,
        taps: &[Option<usize>],
        channel: usize,
        relu: bool,
    ) -> (Self, f64) {
        let (all, scales) = stored.for_integer_kernels().unwrap_or_default();
        let weights = all[channel * taps.len()..][..taps.len()].to_vec();
        let weight_scale = scales[if scales.len() == 1 { 0 } else { channel }];
        let params = input.params;
        // The border of an image is real 0.
        let q: Vec<u8> = taps.iter().map(|tap| tap.map_or(params.zero_point as u8, |at| input.q[at])).collect();
        let centred = q.iter().map(|&q| i32::from(q) - params.zero_point);
        let products: Vec<i32> = centred.zip(&weights).map(|(x, &w)| x * i32::from(w)).collect();
        let mut sum = 0;
        let mut add = |product: &i32| {
            sum += product;
            sum
        };
        let sums: Vec<i32> = products.iter().map(&mut add).collect();

        let bias = product.bias()[channel];
        let fixed = product.input_params().is_some();
        let integer_bias = fixed.then(|| affine::quantize_bias(bias, params.scale, weight_scale));
        let start = sum.wrapping_add(integer_bias.unwrap_or_default());
        let (multiplier, result, next) = if let Some(to) = product.output_params() {
            let multiplier = affine::requantize_multiplier(params.scale, weight_scale, to.scale);
            let low = if relu { to.zero_point as u8 } else { 0 };
            let q = affine::requantize_u8(start, multiplier, to.zero_point as u8).max(low);
            (multiplier, to.dequantize(q.into()), Some((q, to)))
        } else {
            let multiplier = params.scale * weight_scale;
            let real = start as f32 * multiplier;
            let real = if fixed { real } else { real + bias };
            (multiplier, if relu && real < 0.0 { 0.0 } else { real }, None)
        };
        let told = Self {
            q,
            params,
            range: input.range,
            fixed,
            carried: input.carried,
            weights,
            weight_scale,
            products,
            sums,
            bias: integer_bias,
            multiplier,
            next,
        };
        (told, result.into())
    }
}

/// Where in an image `[height, width, channels]` a 3x3 filter on `pixel` finds its inputs, in the order of its weights.
fn neighbourhood([height, width, channels]: [usize; 3], pixel: usize) -> Vec<Option<usize>> {
    let mut taps = Vec::with_capacity(9 * channels);
    for tap in 0..9 {
        // One line and one column up and left of the middle.
        let (line, column) = (pixel / width + tap / 3, pixel % width + tap % 3);
        let inside = (1..=height).contains(&line) && (1..=width).contains(&column);
        let first = inside.then(|| ((line - 1) * width + column - 1) * channels);
        taps.extend((0..channels).map(|channel| Some(first? + channel)));
    }
    taps
}
