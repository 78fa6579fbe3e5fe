//! Ranges of activations, fixed once from a calibration set.

use super::affine::{self, QParams};
use crate::{
    Error, Result, kernels,
    nn::{Layer, Model, Scratch},
};

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
        if !matches!(layer, Layer::MaxPool2d(_)) {
            params.push(affine::choose_u8(kernels::min_max(x)));
        }
    })?;
    params.into_iter().collect()
}
