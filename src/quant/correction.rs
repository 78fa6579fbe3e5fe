//! What is done after rounding, with calibration images, to come closer to the fp32 model again.

use super::{ActivationMode, QuantizedModel, Scheme};
use crate::{Error, Result, nn::Model};

/// What is fitted to the outputs that layers had before rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Correction {
    /// Nothing.
    None,
    /// Biases: [`QuantizedModel::quantize_corrected`].
    Biases,
    /// Codes, scales and biases: [`QuantizedModel::quantize_reconstructed`].
    Reconstruction,
}

impl Correction {
    /// All, in the order of what they change.
    pub const ALL: [Self; 3] = [Self::None, Self::Biases, Self::Reconstruction];

    /// The name in records: `none`, `biases`, `reconstruction`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Biases => "biases",
            Self::Reconstruction => "reconstruction",
        }
    }

    /// # Errors
    /// [`Error::UnknownName`].
    pub fn from_name(name: &str) -> Result<Self> {
        let unknown = || Error::UnknownName { what: "correction", found: name.into() };
        Self::ALL.into_iter().find(|one| one.name() == name).ok_or_else(unknown)
    }

    /// Whether quantizing by `scheme` with it reads calibration images.
    pub fn needs_images(self, scheme: Scheme) -> bool {
        self != Self::None || !matches!(scheme.activations(), ActivationMode::Float | ActivationMode::Dynamic)
    }

    /// `model` quantized by `scheme`, and corrected. `calibration`: `[rows, pixels]`, read only where it is needed.
    ///
    /// # Errors
    /// As [`QuantizedModel::quantize_corrected`].
    pub fn quantize(self, model: &Model, scheme: Scheme, calibration: &[f32]) -> Result<QuantizedModel> {
        match self {
            Self::None => QuantizedModel::quantize(model, scheme, calibration),
            Self::Biases => QuantizedModel::quantize_corrected(model, scheme, calibration),
            Self::Reconstruction => QuantizedModel::quantize_reconstructed(model, scheme, calibration),
        }
    }
}
