//! What a model sees: the size of its image, and each pixel's scaling to mean 0 and variance 1.

use crate::{
    Error, Result,
    data::Standardizer,
    kernels::{self, Scaling},
};

/// Input of a model: `(pixel - mean) · factor`, in f32.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    width: usize,
    mean: Vec<f32>,
    factor: Vec<f32>,
}

impl Input {
    /// Rounds a standardizer's mean and reciprocal standard deviation to f32; images are `width` pixels wide.
    pub fn new(width: usize, standardizer: &Standardizer) -> Self {
        let mean = standardizer.mean.iter().map(|&m| m as f32).collect();
        let factor = standardizer.std.iter().map(|&s| (1.0 / s) as f32).collect();
        Self { width, mean, factor }
    }

    /// From the values of a model file.
    ///
    /// # Errors
    /// [`Error::Shape`] when the lengths differ or are no whole number of rows, [`Error::NotFinite`].
    pub fn from_parts(width: usize, mean: Vec<f32>, factor: Vec<f32>) -> Result<Self> {
        if mean.is_empty() || width == 0 || !mean.len().is_multiple_of(width) {
            return Err(Error::Shape { what: "input mean", expected: width.max(1), found: mean.len() });
        }
        if factor.len() != mean.len() {
            return Err(Error::Shape { what: "input factor", expected: mean.len(), found: factor.len() });
        }
        if !mean.iter().chain(&factor).all(|v| v.is_finite()) {
            return Err(Error::NotFinite { what: "input scaling" });
        }
        Ok(Self { width, mean, factor })
    }

    /// Pixels of an image.
    pub fn pixels(&self) -> usize {
        self.mean.len()
    }

    /// Pixels in a row of an image.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Mean of each pixel, in pixel units.
    pub fn mean(&self) -> &[f32] {
        &self.mean
    }

    /// One over the standard deviation of each pixel.
    pub fn factor(&self) -> &[f32] {
        &self.factor
    }

    /// Number of images in `pixels` (`[rows, pixels]`).
    ///
    /// # Errors
    /// [`Error::Shape`] when that is no whole number.
    pub fn images(&self, pixels: &[f32]) -> Result<usize> {
        // One image, the usual case, is told without a division.
        let images = if pixels.len() == self.pixels() { 1 } else { pixels.len() / self.pixels() };
        if images * self.pixels() == pixels.len() {
            Ok(images)
        } else {
            Err(Error::Shape { what: "image", expected: self.pixels(), found: pixels.len() })
        }
    }

    /// Scales images of shape `[rows, pixels]`; returns their number.
    ///
    /// # Errors
    /// As [`Input::images`].
    pub fn standardize(&self, pixels: &[f32], out: &mut [f32]) -> Result<usize> {
        let images = self.images(pixels)?;
        for image in 0..images {
            let values = image * self.pixels()..(image + 1) * self.pixels();
            kernels::standardize(&pixels[values.clone()], self.scaling(), &mut out[values]);
        }
        Ok(images)
    }

    /// The scaling of one image.
    pub(crate) fn scaling(&self) -> Scaling<'_> {
        Scaling { mean: &self.mean, factor: &self.factor }
    }
}
