//! What is quantized and how: one record of orthogonal axes. A combination that makes no sense cannot be built.

use super::{NumberFormat, Observer};
use crate::{Error, Result};

/// Which weights share a scale (or a codebook).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// All weights of a layer.
    PerTensor,
    /// The weights of one output (a row of the weight matrix).
    PerChannel,
}

/// Whether the integers lie around 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symmetry {
    /// The zero point is 0, and as many integers stand for negative as for positive weights.
    Symmetric,
    /// A zero point puts the integers where the weights are.
    Affine,
}

/// How the scale of integer weights is chosen. Formats that are no integers of 4 to 16 bits have a rule of their own, and
/// [`ScaleRule::MaxAbs`] here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScaleRule {
    /// From the largest weight, which is then representable (affine: from both ends of the range).
    MaxAbs,
    /// By searching the least mean squared error: a smaller scale, at which the largest weights saturate.
    Mse,
}

/// How activations become integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationMode {
    /// Not at all: fp32.
    Float,
    /// u8 with a range taken from each image as it comes.
    Dynamic,
    /// u8 with fixed ranges, which an observer takes from a calibration set.
    Static(Observer),
    /// One bit: one of two values ([`Levels`](super::Levels)), which are fixed from a calibration set. For binary weights only.
    Binary,
}

impl ActivationMode {
    /// Whether ranges or values are fixed before the first image is seen.
    pub const fn is_static(self) -> bool {
        matches!(self, Self::Static(_) | Self::Binary)
    }

    /// Whether activations become 8-bit integers.
    pub const fn is_integer(self) -> bool {
        matches!(self, Self::Dynamic | Self::Static(_))
    }

    /// Whether activations may be treated so where weights are of this format.
    const fn suits(self, format: NumberFormat) -> bool {
        match self {
            Self::Float => true,
            Self::Dynamic | Self::Static(_) => format.fits_integer_kernels(),
            Self::Binary => matches!(format, NumberFormat::Binary),
        }
    }
}

/// When weights learn of their quantization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Post-training quantization: not at all.
    Ptq,
    /// Quantization-aware training: while they are trained. A codebook is chosen once, and its values are trained.
    Qat,
}

/// The axes of a scheme; any combination, also one that makes no sense.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axes {
    /// Format of the weights.
    pub format: NumberFormat,
    /// Sharing of scales; [`Granularity::PerTensor`] for floating-point formats, which have none.
    pub granularity: Granularity,
    /// Place of the integers; [`Symmetry::Symmetric`] for formats that are no integers of 4 to 16 bits.
    pub symmetry: Symmetry,
    /// Choice of the scale.
    pub scale_rule: ScaleRule,
    /// Treatment of activations.
    pub activations: ActivationMode,
    /// Part of the training.
    pub method: Method,
}

impl Axes {
    /// Weights in this format, one scale a layer, symmetric, from the largest weight; activations in fp32; after training.
    pub const fn weights(format: NumberFormat) -> Self {
        Self {
            format,
            granularity: Granularity::PerTensor,
            symmetry: Symmetry::Symmetric,
            scale_rule: ScaleRule::MaxAbs,
            activations: ActivationMode::Float,
            method: Method::Ptq,
        }
    }

    /// # Errors
    /// [`Error::Scheme`] when this makes no sense, and why.
    pub fn check(&self) -> Result<()> {
        let Self { format, granularity, symmetry, scale_rule, activations, method } = *self;
        let nonsense = match format {
            NumberFormat::Codebook { k } if !NumberFormat::CODEBOOK_SIZES.contains(&k) => {
                "a codebook has 2 to 256 values"
            }
            _ if activations.is_integer() && !activations.suits(format) => {
                "integer activations need weights that are integers of 8 bits or fewer"
            }
            _ if !activations.suits(format) => "binary activations need binary weights: XNOR multiplies bits by bits",
            NumberFormat::Int8 if activations.is_integer() && symmetry == Symmetry::Affine => {
                "affine 8-bit weights less their zero point take 9 bits, which the integer kernels do not multiply"
            }
            _ if format.is_float() && granularity == Granularity::PerChannel => {
                "a floating-point format has no scales that outputs could share or not"
            }
            _ if !format.is_integer() && symmetry == Symmetry::Affine => {
                "only integers of 4 to 16 bits can have a zero point"
            }
            _ if !format.is_integer() && scale_rule == ScaleRule::Mse => {
                "only integers of 4 to 16 bits have a scale to search for"
            }
            _ if format.is_float() && method == Method::Qat => {
                "quantization-aware training is for integers and codebooks, not for floating-point formats"
            }
            _ => return Ok(()),
        };
        Err(Error::Scheme { reason: nonsense })
    }

    /// The same for a layer of another format: what that has no use for is left out, and so are integer or binary
    /// activations where the kernels cannot multiply it.
    pub(super) const fn with_format(self, format: NumberFormat) -> Self {
        let own = Self::weights(format);
        Self {
            format,
            granularity: if format.is_float() { own.granularity } else { self.granularity },
            symmetry: if format.is_integer() { self.symmetry } else { own.symmetry },
            scale_rule: if format.is_integer() { self.scale_rule } else { own.scale_rule },
            activations: if self.activations.suits(format) { self.activations } else { own.activations },
            method: if format.is_float() { own.method } else { self.method },
        }
    }
}

/// A way to quantize a model: its axes, and the formats of layers that differ.
///
/// ```
/// use quantpad::quant::{NumberFormat, Scheme};
/// let scheme = Scheme::INT8_DYNAMIC_PER_CHANNEL.with_last(NumberFormat::F32)?;
/// assert_eq!(scheme.name(), "int8-dynamic-per-channel-last-f32");
/// assert_eq!(Scheme::from_name("int8-dynamic-per-channel-last-f32"), Ok(scheme));
/// assert!(Scheme::from_name("f16-dynamic").unwrap_err().to_string().contains("integer activations need"));
/// # Ok::<(), quantpad::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    axes: Axes,
    layers: [Option<NumberFormat>; Scheme::MAX_LAYERS],
    last: Option<NumberFormat>,
}

impl Scheme {
    /// Layers (with weights) that can have a format of their own.
    pub const MAX_LAYERS: usize = 8;

    /// Dynamic int8 with one scale a layer.
    pub const INT8_DYNAMIC_PER_TENSOR: Self =
        Self::of(Axes { activations: ActivationMode::Dynamic, ..Axes::weights(NumberFormat::Int8) });
    /// Dynamic int8 with one scale an output.
    pub const INT8_DYNAMIC_PER_CHANNEL: Self =
        Self::of(Axes { granularity: Granularity::PerChannel, ..Self::INT8_DYNAMIC_PER_TENSOR.axes });
    /// Static int8 with one scale a layer.
    pub const INT8_STATIC_PER_TENSOR: Self =
        Self::of(Axes { activations: ActivationMode::Static(Observer::MinMax), ..Self::INT8_DYNAMIC_PER_TENSOR.axes });
    /// Static int8 with one scale an output.
    pub const INT8_STATIC_PER_CHANNEL: Self =
        Self::of(Axes { granularity: Granularity::PerChannel, ..Self::INT8_STATIC_PER_TENSOR.axes });
    /// Double precision: the reference.
    pub const F64: Self = Self::of(Axes::weights(NumberFormat::F64));
    /// Single precision: what training gave.
    pub const F32: Self = Self::of(Axes::weights(NumberFormat::F32));
    /// `TensorFloat-32` weights.
    pub const TF32: Self = Self::of(Axes::weights(NumberFormat::Tf32));
    /// Half-precision weights.
    pub const F16: Self = Self::of(Axes::weights(NumberFormat::F16));
    /// bfloat16 weights.
    pub const BF16: Self = Self::of(Axes::weights(NumberFormat::Bf16));
    /// 16-bit integer weights, one scale a layer.
    pub const INT16_PER_TENSOR: Self = Self::of(Axes::weights(NumberFormat::Int16));
    /// 8-bit integer weights, activations in fp32 ("W8A16" in the literature on language models).
    pub const INT8_WEIGHT_ONLY_PER_CHANNEL: Self =
        Self::of(Axes { granularity: Granularity::PerChannel, ..Axes::weights(NumberFormat::Int8) });
    /// 4-bit integer weights, one scale an output by least squared error, activations in fp32 ("W4A16").
    pub const INT4_PER_CHANNEL_MSE: Self = Self::of(Axes {
        granularity: Granularity::PerChannel,
        scale_rule: ScaleRule::Mse,
        ..Axes::weights(NumberFormat::Int4)
    });
    /// The same weights with dynamic 8-bit activations ("W4A8").
    pub const INT4_DYNAMIC_PER_CHANNEL_MSE: Self =
        Self::of(Axes { activations: ActivationMode::Dynamic, ..Self::INT4_PER_CHANNEL_MSE.axes });
    /// Ternary weights ("TWN").
    pub const TERNARY_PER_CHANNEL: Self =
        Self::of(Axes { granularity: Granularity::PerChannel, ..Axes::weights(NumberFormat::Ternary) });
    /// Binary weights ("BWN").
    pub const BINARY_PER_CHANNEL: Self =
        Self::of(Axes { granularity: Granularity::PerChannel, ..Axes::weights(NumberFormat::Binary) });
    /// Binary weights and activations ("XNOR-Net").
    pub const XNOR_PER_CHANNEL: Self =
        Self::of(Axes { activations: ActivationMode::Binary, ..Self::BINARY_PER_CHANNEL.axes });
    /// Sixteen shared values a layer.
    pub const CODEBOOK16: Self = Self::of(Axes::weights(NumberFormat::Codebook { k: 16 }));

    /// Every preset.
    pub const PRESETS: [Self; 17] = [
        Self::F64,
        Self::F32,
        Self::TF32,
        Self::F16,
        Self::BF16,
        Self::INT16_PER_TENSOR,
        Self::INT8_WEIGHT_ONLY_PER_CHANNEL,
        Self::INT8_DYNAMIC_PER_TENSOR,
        Self::INT8_DYNAMIC_PER_CHANNEL,
        Self::INT8_STATIC_PER_TENSOR,
        Self::INT8_STATIC_PER_CHANNEL,
        Self::INT4_PER_CHANNEL_MSE,
        Self::INT4_DYNAMIC_PER_CHANNEL_MSE,
        Self::TERNARY_PER_CHANNEL,
        Self::BINARY_PER_CHANNEL,
        Self::XNOR_PER_CHANNEL,
        Self::CODEBOOK16,
    ];

    const fn of(axes: Axes) -> Self {
        Self { axes, layers: [None; Self::MAX_LAYERS], last: None }
    }

    /// All layers alike.
    ///
    /// # Errors
    /// [`Error::Scheme`] when the combination makes no sense, and why.
    pub fn new(axes: Axes) -> Result<Self> {
        axes.check()?;
        Ok(Self::of(axes))
    }

    /// The same with another format for the weighted layer `number`, counted from 0. A format that the integer kernels do
    /// not multiply has its activations in fp32; axes that it has no use for it ignores.
    ///
    /// # Errors
    /// [`Error::Scheme`] when that makes no sense, or the number is not below [`Scheme::MAX_LAYERS`].
    pub fn with_layer(mut self, number: usize, format: NumberFormat) -> Result<Self> {
        self.axes.with_format(format).check()?;
        let reason = "only the first eight layers with weights can have a format of their own";
        *self.layers.get_mut(number).ok_or(Error::Scheme { reason })? = Some(format);
        Ok(self)
    }

    /// The same with another format for the last weighted layer, whatever else is said of it.
    ///
    /// # Errors
    /// As [`Scheme::with_layer`].
    pub fn with_last(self, format: NumberFormat) -> Result<Self> {
        self.axes.with_format(format).check()?;
        Ok(Self { last: Some(format), ..self })
    }

    /// The same with another format for weighted layer `number` of a model that has `count`, whatever else is said of it.
    ///
    /// # Errors
    /// As [`Scheme::with_layer`].
    pub fn with_layer_of(self, number: usize, count: usize, format: NumberFormat) -> Result<Self> {
        if number + 1 == count { self.with_last(format) } else { self.with_layer(number, format) }
    }

    /// The axes, which hold for each layer that has no format of its own.
    pub const fn axes(&self) -> Axes {
        self.axes
    }

    /// Treatment of activations.
    pub const fn activations(&self) -> ActivationMode {
        self.axes.activations
    }

    /// Formats of single layers.
    pub const fn layers(&self) -> &[Option<NumberFormat>] {
        &self.layers
    }

    /// Format of the last layer, if it has one of its own.
    pub const fn last(&self) -> Option<NumberFormat> {
        self.last
    }

    /// What holds for weighted layer `number` of `count`.
    pub fn layer(&self, number: usize, count: usize) -> Axes {
        let last = self.last.filter(|_| number + 1 == count);
        let format = last.or_else(|| self.layers.get(number).copied().flatten());
        format.map_or(self.axes, |format| self.axes.with_format(format))
    }

    /// What holds for each of `count` weighted layers.
    ///
    /// # Errors
    /// As [`Scheme::check_layers`].
    pub fn of_layers(&self, count: usize) -> Result<impl Iterator<Item = Axes>> {
        self.check_layers(count)?;
        Ok((0..count).map(move |number| self.layer(number, count)))
    }

    /// # Errors
    /// [`Error::Scheme`] when a layer is named that a model with `count` weighted layers has not.
    pub fn check_layers(&self, count: usize) -> Result<()> {
        let named = self.layers.iter().rposition(Option::is_some).map_or(0, |number| number + 1);
        let reason = "it names a layer that this model has not";
        if named <= count { Ok(()) } else { Err(Error::Scheme { reason }) }
    }
}
