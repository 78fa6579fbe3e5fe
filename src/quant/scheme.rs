//! What is quantized and how: one record of orthogonal axes. The axes grow; a combination that makes no sense will
//! have no constructor.

use crate::{Error, Result};

/// How a weight is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NumberFormat {
    /// IEEE 754 single precision, 4 bytes.
    F32,
    /// Symmetric 8-bit integers, 1 byte and a shared scale.
    Int8,
}

/// Which weights share a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// All weights of a layer.
    PerTensor,
    /// The weights of one output (a row of the weight matrix).
    PerChannel,
}

/// How activations become integers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationMode {
    /// u8 with a range taken from each image as it comes.
    Dynamic,
    /// u8 with fixed ranges: the smallest and largest values of a calibration set.
    StaticMinMax,
}

impl ActivationMode {
    /// Whether ranges are fixed before the first image is seen.
    pub const fn is_static(self) -> bool {
        matches!(self, Self::StaticMinMax)
    }
}

/// A way to quantize a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scheme {
    /// Format of the weights.
    pub format: NumberFormat,
    /// Sharing of scales.
    pub granularity: Granularity,
    /// Treatment of activations.
    pub activations: ActivationMode,
}

impl Scheme {
    /// Dynamic int8 with one scale a layer.
    pub const INT8_DYNAMIC_PER_TENSOR: Self =
        Self { format: NumberFormat::Int8, granularity: Granularity::PerTensor, activations: ActivationMode::Dynamic };
    /// Dynamic int8 with one scale an output.
    pub const INT8_DYNAMIC_PER_CHANNEL: Self =
        Self { granularity: Granularity::PerChannel, ..Self::INT8_DYNAMIC_PER_TENSOR };

    /// Static int8 with one scale a layer.
    pub const INT8_STATIC_PER_TENSOR: Self =
        Self { activations: ActivationMode::StaticMinMax, ..Self::INT8_DYNAMIC_PER_TENSOR };
    /// Static int8 with one scale an output.
    pub const INT8_STATIC_PER_CHANNEL: Self =
        Self { activations: ActivationMode::StaticMinMax, ..Self::INT8_DYNAMIC_PER_CHANNEL };

    const ALL: [Self; 4] = [
        Self::INT8_DYNAMIC_PER_TENSOR,
        Self::INT8_DYNAMIC_PER_CHANNEL,
        Self::INT8_STATIC_PER_TENSOR,
        Self::INT8_STATIC_PER_CHANNEL,
    ];

    /// The name of the scheme in files, on the page and in reports.
    pub const fn name(self) -> &'static str {
        match (self.activations, self.granularity) {
            (ActivationMode::Dynamic, Granularity::PerTensor) => "int8-dynamic-per-tensor",
            (ActivationMode::Dynamic, Granularity::PerChannel) => "int8-dynamic-per-channel",
            (ActivationMode::StaticMinMax, Granularity::PerTensor) => "int8-static-minmax-per-tensor",
            (ActivationMode::StaticMinMax, Granularity::PerChannel) => "int8-static-minmax-per-channel",
        }
    }

    /// The scheme of that [`Scheme::name`].
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.name() == name)
            .ok_or_else(|| Error::UnknownName { what: "quantization scheme", found: name.into() })
    }
}
