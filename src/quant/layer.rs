//! Layers of a quantized network: what is stored, and what is multiplied.

use super::{ActivationMode, Axes, InputRange, Levels, StoredWeights, XnorProduct, product::Product};
use crate::{
    Error, Result,
    kernels::Patches,
    nn::{Layer, MaxPool2d},
};

/// A 3x3 convolution with i8 weights.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantizedConv2d {
    shape: [usize; 3],
    pub(super) patches: Patches,
    product: Product,
}

/// A run of three pixels is counted as a multiple of this, which every integer kernel can read.
pub(super) const ALIGN: usize = 4;

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
}

/// What a layer computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arithmetic {
    /// Products of integers, summed exactly.
    Integer,
    /// The weights are stored small, decoded when the model is loaded, and multiplied by the fp32 kernels.
    Float,
    /// Some layers the one, some the other.
    Mixed,
    /// Products of bits by XNOR, summed by popcount.
    Xnor,
    /// Some layers so, the others in fp32.
    MixedXnor,
    /// All weights are stored in f64, and everything is computed in it.
    Double,
}

impl Arithmetic {
    /// In words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Integer => "integer arithmetic",
            Self::Float => "stored small, computed in fp32",
            Self::Mixed => "integer arithmetic, some layers stored small and computed in fp32",
            Self::Xnor => "XNOR and popcount on bits",
            Self::MixedXnor => "XNOR and popcount on bits, some layers stored small and computed in fp32",
            Self::Double => "computed in f64",
        }
    }
}

/// One step of a quantized network: weights as they are stored, with what they are multiplied by.
#[derive(Debug, Clone, PartialEq)]
pub enum QuantizedLayer {
    /// Fully connected, integers.
    Dense(StoredWeights, Product),
    /// 3x3 convolution, integers.
    Conv2d(StoredWeights, QuantizedConv2d),
    /// Either, with weights and inputs of one bit.
    Xnor(StoredWeights, XnorProduct),
    /// Either, computed in fp32.
    Float(StoredWeights, Layer),
    /// 2x2 max-pooling.
    MaxPool2d(MaxPool2d),
}

impl QuantizedLayer {
    /// Quantizes `layer` as `axes` say.
    ///
    /// # Errors
    /// As [`StoredWeights::encode`]; [`Error::TooWide`].
    pub fn quantize(layer: &Layer, axes: &Axes) -> Result<Self> {
        let (weight, bias, relu, images) = match layer {
            Layer::Dense(dense) => (dense.weight(), dense.bias(), dense.relu(), None),
            Layer::Conv2d(conv) => (conv.weight(), conv.bias(), conv.relu(), Some(conv.shape())),
            Layer::MaxPool2d(pool) => return Ok(Self::MaxPool2d(*pool)),
        };
        let weights = StoredWeights::encode(weight, bias.len(), axes)?;
        Self::new(weights, images, bias.to_vec(), relu, axes.activations)
    }

    /// From stored weights (`[outputs, inputs]`, of a convolution `[outputs, 3 · 3 · channels]`). `images`: height, width
    /// and channels of what a convolution sees; `None` makes a fully connected layer.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::NotFinite`], [`Error::TooWide`].
    pub fn new(
        weights: StoredWeights,
        images: Option<[usize; 3]>,
        bias: Vec<f32>,
        relu: bool,
        activations: ActivationMode,
    ) -> Result<Self> {
        if bias.len() != weights.outputs() {
            return Err(Error::Shape { what: "bias", expected: weights.outputs(), found: bias.len() });
        }
        if activations == ActivationMode::Binary {
            let product = XnorProduct::new(&weights, images, bias, relu, Levels::NONE)?;
            return Ok(Self::Xnor(weights, product));
        }
        let integers = if activations == ActivationMode::Float { None } else { weights.for_integer_kernels() };
        Ok(match (integers, images) {
            (Some((integers, scales)), None) => {
                let product = Product::new(&integers, scales, bias, relu)?;
                Self::Dense(weights, product)
            }
            (Some((integers, scales)), Some(shape)) => {
                let conv = QuantizedConv2d::new(shape, &integers, scales, bias, relu)?;
                Self::Conv2d(weights, conv)
            }
            (None, images) => {
                let layer = Layer::with_weights(images, weights.decode(), bias, relu)?;
                Self::Float(weights, layer)
            }
        })
    }

    /// The layer in fp32, with the weights that are stored.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when one is so large that it is none in fp32.
    pub fn decode(&self) -> Result<Layer> {
        match self {
            Self::Float(_, layer) => Ok(layer.clone()),
            Self::MaxPool2d(pool) => Ok(Layer::MaxPool2d(*pool)),
            Self::Dense(weights, _) | Self::Conv2d(weights, _) | Self::Xnor(weights, _) => {
                let (bias, relu) = self.bias_and_relu();
                Layer::with_weights(self.images(), weights.decode(), bias.to_vec(), relu)
            }
        }
    }

    /// The same with other biases, and without fixed ranges.
    ///
    /// # Errors
    /// As [`QuantizedLayer::new`].
    pub(super) fn with_bias(&self, bias: &[f32], relu: bool) -> Result<Self> {
        match self.weights() {
            Some(weights) => self.with_stored(weights.clone(), bias.to_vec(), relu),
            None => Ok(self.clone()),
        }
    }

    /// The same with other weights of that shape and format too.
    ///
    /// # Errors
    /// As [`QuantizedLayer::new`].
    pub(super) fn with_stored(&self, weights: StoredWeights, bias: Vec<f32>, relu: bool) -> Result<Self> {
        let activations = match self {
            Self::MaxPool2d(_) => return Ok(self.clone()),
            Self::Dense(..) | Self::Conv2d(..) => ActivationMode::Dynamic,
            Self::Xnor(..) => ActivationMode::Binary,
            Self::Float(..) => ActivationMode::Float,
        };
        Self::new(weights, self.images(), bias, relu, activations)
    }

    /// Fixes the two values of its input, if that has two.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub(super) fn set_levels(&mut self, levels: Levels) -> Result<()> {
        if let Self::Xnor(weights, product) = self {
            *product = XnorProduct::new(weights, product.images(), product.bias().to_vec(), product.relu(), levels)?;
        }
        Ok(())
    }

    /// Whether its input is treated as `activations` say.
    pub(super) fn takes(&self, activations: ActivationMode) -> bool {
        match self {
            Self::Dense(..) | Self::Conv2d(..) => activations.is_integer(),
            Self::Xnor(..) => activations == ActivationMode::Binary,
            Self::Float(..) => activations == ActivationMode::Float,
            Self::MaxPool2d(_) => true,
        }
    }

    /// Values that go into and come out of the layer, for each image.
    pub fn sizes(&self) -> (usize, usize) {
        match self {
            Self::Dense(_, product) => (product.packed().inputs(), product.packed().outputs()),
            Self::Conv2d(_, conv) => {
                (conv.patches.image_len(), conv.patches.pixels() * conv.product.packed().outputs())
            }
            Self::Xnor(_, product) => product.sizes(),
            Self::Float(_, layer) => layer.sizes(),
            Self::MaxPool2d(pool) => (pool.shape.iter().product(), pool.pooled().iter().product()),
        }
    }

    /// The layer's weights as they are stored, if it has any.
    pub fn weights(&self) -> Option<&StoredWeights> {
        match self {
            Self::Dense(weights, _) | Self::Conv2d(weights, _) => Some(weights),
            Self::Xnor(weights, _) | Self::Float(weights, _) => Some(weights),
            Self::MaxPool2d(_) => None,
        }
    }

    /// The two values of its input, if that is of one bit.
    pub fn levels(&self) -> Option<Levels> {
        if let Self::Xnor(_, product) = self { Some(product.levels()) } else { None }
    }

    /// What is fixed of its input, if anything.
    pub fn range(&self) -> Option<InputRange> {
        match self.product() {
            Some(product) => product.input_params().map(InputRange::Integers),
            None => self.levels().map(InputRange::Levels),
        }
    }

    /// What it multiplies, if that is integers.
    pub fn product(&self) -> Option<&Product> {
        match self {
            Self::Dense(_, product) => Some(product),
            Self::Conv2d(_, conv) => Some(&conv.product),
            Self::Xnor(..) | Self::Float(..) | Self::MaxPool2d(_) => None,
        }
    }

    pub(super) fn product_mut(&mut self) -> Option<&mut Product> {
        match self {
            Self::Dense(_, product) => Some(product),
            Self::Conv2d(_, conv) => Some(&mut conv.product),
            Self::Xnor(..) | Self::Float(..) | Self::MaxPool2d(_) => None,
        }
    }

    /// Bias (`[outputs]`, none for pooling), and whether a ReLU follows.
    pub fn bias_and_relu(&self) -> (&[f32], bool) {
        match self {
            Self::Float(_, Layer::Dense(dense)) => (dense.bias(), dense.relu()),
            Self::Float(_, Layer::Conv2d(conv)) => (conv.bias(), conv.relu()),
            Self::Xnor(_, product) => (product.bias(), product.relu()),
            _ => self.product().map_or((&[], false), |product| (product.bias(), product.relu())),
        }
    }

    /// Height, width and channels of the images, of a convolution.
    pub fn images(&self) -> Option<[usize; 3]> {
        match self {
            Self::Conv2d(_, conv) => Some(conv.shape()),
            Self::Float(_, Layer::Conv2d(conv)) => Some(conv.shape()),
            Self::Xnor(_, product) => product.images(),
            _ => None,
        }
    }
}
