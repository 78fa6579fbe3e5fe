//! A model whose dot products are integers.
//!
//! Dynamic: each layer quantizes each image's activations with a range of their own and gives real numbers. Static: the
//! ranges are fixed from a calibration set, and integers go from layer to layer; only the last gives real numbers.
//! Held by `tests/golden_products.rs`, to the bit of ONNX Runtime's logits.

use super::{ActivationMode, Scheme, affine, affine::QParams, calibrate, product::Product};
use crate::{
    Error, Result,
    kernels::{self, Activations, Patches, Scaling, at_least},
    nn::{Input, Layer, MaxPool2d, Model, Scratch, check_chain},
};

/// A 3x3 convolution with i8 weights.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedConv2d {
    shape: [usize; 3],
    patches: Patches,
    product: Product,
}

/// A run of three pixels is counted as a multiple of this, which every integer kernel can read.
const ALIGN: usize = 4;

impl QuantizedConv2d {
    /// `shape`: height, width and channels of its images; `weight`: `[outputs, 3, 3, channels]` in −127..=127; `scales`:
    /// `[1]` or `[outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`], [`Error::TooWide`].
    pub fn new(shape: [usize; 3], weight: &[i8], scales: Vec<f32>, bias: Vec<f32>, relu: bool) -> Result<Self> {
        let (expected, found) = (9 * shape[2] * bias.len(), weight.len());
        if expected != found || expected == 0 {
            return Err(Error::Shape { what: "filters of a convolution", expected, found });
        }
        let patches = Patches::new(shape, ALIGN);
        let product = Product::new(&patches.spread(weight), scales, bias, relu)?;
        Ok(Self { shape, patches, product })
    }

    /// Height, width and channels of its images.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Weights, scales and bias; a filter's weights have zeros after each run of three pixels.
    pub fn product(&self) -> &Product {
        &self.product
    }

    /// Weights, shape `[outputs, 3, 3, channels]`, row-major.
    pub fn weight(&self) -> Vec<i8> {
        let run = Patches::SIDE * self.shape[2];
        let segment = self.patches.inputs() / Patches::SIDE;
        self.product.weight().chunks_exact(segment).flat_map(|with_zeros| &with_zeros[..run]).copied().collect()
    }
}

/// One step of a quantized network.
#[derive(Debug, Clone, PartialEq)]
pub enum QuantizedLayer {
    /// Fully connected.
    Dense(Product),
    /// 3x3 convolution.
    Conv2d(QuantizedConv2d),
    /// 2x2 max-pooling.
    MaxPool2d(MaxPool2d),
}

impl QuantizedLayer {
    fn quantize(layer: &Layer, scheme: Scheme) -> Result<Self> {
        let weights = |weight: &[f32], bias: &[f32]| Product::quantize_weights(weight, bias.len(), scheme.granularity);
        Ok(match layer {
            Layer::Dense(dense) => {
                let (weight, scales) = weights(dense.weight(), dense.bias())?;
                Self::Dense(Product::new(&weight, scales, dense.bias().to_vec(), dense.relu())?)
            }
            Layer::Conv2d(conv) => {
                let (weight, scales) = weights(conv.weight(), conv.bias())?;
                let bias = conv.bias().to_vec();
                Self::Conv2d(QuantizedConv2d::new(conv.shape(), &weight, scales, bias, conv.relu())?)
            }
            Layer::MaxPool2d(pool) => Self::MaxPool2d(*pool),
        })
    }

    /// Values that go into and come out of the layer, for each image.
    pub fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Dense(product) => (product.packed().inputs(), product.packed().outputs()),
            Self::Conv2d(conv) => (conv.patches.image_len(), conv.patches.pixels() * conv.product.packed().outputs()),
            Self::MaxPool2d(pool) => (pool.shape.iter().product(), pool.pooled().iter().product()),
        }
    }

    /// The layer's weights, if it has any.
    pub fn product(&self) -> Option<&Product> {
        match self {
            Self::Dense(product) => Some(product),
            Self::Conv2d(conv) => Some(&conv.product),
            Self::MaxPool2d(_) => None,
        }
    }

    fn product_mut(&mut self) -> Option<&mut Product> {
        match self {
            Self::Dense(product) => Some(product),
            Self::Conv2d(conv) => Some(&mut conv.product),
            Self::MaxPool2d(_) => None,
        }
    }
}

/// A classifier with integer products.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedModel {
    scheme: Scheme,
    input: Input,
    layers: Vec<QuantizedLayer>,
}

impl QuantizedModel {
    /// Post-training quantization of `model`. `calibration`: images (`[rows, pixels]`) of the training part, from which
    /// static ranges are taken; not read otherwise.
    ///
    /// # Errors
    /// [`Error::TooWide`]; [`Error::Shape`] when `calibration` holds no whole number of images or, for static
    /// activations, none; [`Error::NotFinite`] when an activation is not.
    pub fn quantize(model: &Model, scheme: Scheme, calibration: &[f32]) -> Result<Self> {
        let layers = model.layers().iter().map(|layer| QuantizedLayer::quantize(layer, scheme));
        let ranges = match scheme.activations {
            ActivationMode::Dynamic => Vec::new(),
            ActivationMode::StaticMinMax => calibrate::min_max(model, calibration)?,
        };
        Self::from_parts(scheme, model.input().clone(), layers.collect::<Result<_>>()?, &ranges)
    }

    /// From the parts of a model file. `ranges`: with static activations, that of each weighted layer's input; the range
    /// of its output is that of the next one's input.
    ///
    /// # Errors
    /// As [`Model::new`]; [`Error::Shape`] when ranges are missing.
    pub fn from_parts(
        scheme: Scheme,
        input: Input,
        mut layers: Vec<QuantizedLayer>,
        ranges: &[QParams],
    ) -> Result<Self> {
        check_chain(&input, layers.iter().map(QuantizedLayer::sizes))?;
        if scheme.activations.is_static() {
            let products: Vec<&mut Product> = layers.iter_mut().filter_map(QuantizedLayer::product_mut).collect();
            if products.len() != ranges.len() {
                return Err(Error::Shape { what: "list of ranges", expected: products.len(), found: ranges.len() });
            }
            for (i, product) in products.into_iter().enumerate() {
                product.fix_ranges(ranges[i], ranges.get(i + 1).copied())?;
            }
        }
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
        let Scratch { activations, next, quantized, next_quantized, border, scales } = scratch;
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
                    QuantizedLayer::Conv2d(conv) => product.finish(scales, reals, next_quantized, |sink| {
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
            }
            core::mem::swap(activations, next);
            core::mem::swap(quantized, next_quantized);
            width = outputs;
        }
        Ok(&activations[..rows * width])
    }
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
    let stride = if let QuantizedLayer::Dense(_) = layer { product.packed().stride() } else { inputs };
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
