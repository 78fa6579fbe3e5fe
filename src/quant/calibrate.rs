//! What is fixed of activations, once, from a calibration set.

use super::{
    Levels, Observer,
    affine::{self, QParams},
};
use crate::{
    Error, Result,
    nn::{Model, Scratch},
};

/// What is fixed of a layer's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum InputRange {
    /// The range of 8-bit integers.
    Integers(QParams),
    /// The two values of a bit.
    Levels(Levels),
}

impl InputRange {
    /// Bytes in a model file: a scale (f32) and a zero point (u8), or two values (f32).
    pub const fn bytes(self) -> usize {
        match self {
            Self::Integers(_) => size_of::<f32>() + size_of::<u8>(),
            Self::Levels(_) => 2 * size_of::<f32>(),
        }
    }
}

impl From<QParams> for InputRange {
    fn from(params: QParams) -> Self {
        Self::Integers(params)
    }
}

/// For each layer with weights the parameters of its input, whose range `observer` finds in the activations that the
/// images of `calibration` (`[rows, pixels]`) put there. Where rounding changes the weights much (ternary, binary), `model`
/// should be that with the rounded weights: its activations are others.
///
/// # Errors
/// [`Error::Shape`] when `calibration` is empty or holds no whole number of images, [`Error::NotFinite`].
pub fn ranges(model: &Model, calibration: &[f32], observer: Observer) -> Result<Vec<QParams>> {
    check(model, calibration)?;
    let mut params = Vec::new();
    model.forward_watched(calibration, &mut Scratch::default(), |layer, x| {
        if layer.has_weights() {
            let (inputs, _) = layer.sizes();
            params.push(observer.range(x, inputs).and_then(affine::choose_u8));
        }
    })?;
    params.into_iter().collect()
}

/// # Errors
/// [`Error::Shape`] when `calibration` is empty.
pub(super) fn check(model: &Model, calibration: &[f32]) -> Result<()> {
    let expected = model.input().pixels();
    if calibration.is_empty() { Err(Error::Shape { what: "calibration set", expected, found: 0 }) } else { Ok(()) }
}
