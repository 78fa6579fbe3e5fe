//! Ranges of activations, fixed once from a calibration set.

use super::{
    Observer,
    affine::{self, QParams},
};
use crate::{
    Error, Result, kernels,
    nn::{Model, Scratch},
};

/// For each layer with weights the parameters of its input, as `observer` finds them in the images of `calibration`
/// (`[rows, pixels]`).
///
/// # Errors
/// As [`min_max`]; [`Error::Scheme`] for an observer that is not built yet.
pub fn ranges(model: &Model, calibration: &[f32], observer: Observer) -> Result<Vec<QParams>> {
    match observer {
        Observer::MinMax => min_max(model, calibration),
        _ => Err(Error::Scheme { reason: "of the observers only minmax is built yet" }),
    }
}

/// For each layer with weights the parameters of its input: from the smallest to the largest value that the images of
/// `calibration` (`[rows, pixels]`) put there.
///
/// # Errors
/// [`Error::Shape`] when `calibration` is empty or holds no whole number of images, [`Error::NotFinite`].
pub fn min_max(model: &Model, calibration: &[f32]) -> Result<Vec<QParams>> {
    if calibration.is_empty() {
        return Err(Error::Shape { what: "calibration set", expected: model.input().pixels(), found: 0 });
    }
    let mut params = Vec::new();
    model.forward_watched(calibration, &mut Scratch::default(), |layer, x| {
        if layer.has_weights() {
            params.push(affine::choose_u8(kernels::min_max(x)));
        }
    })?;
    params.into_iter().collect()
}
