//! The published lab's mistake, re-run so that it can be looked at and repaired.
//!
//! The recipe (it reproduces all four published figures; what the lab really ran is not known): scale with the mean and
//! standard deviation of *all* rows, fit scikit-learn's LogisticRegression with its default stopping rule, multiply the
//! weights by a fixed 128 and cast to int8 *without saturation*. 20 of the 640 weights leave −128..=127, wrap around and
//! change sign; 97.22 % become 67.22 %. [`Cast`] lists that cast and the two steps of its repair.
//!
//! `lab_coefficients.bin` (made by `examples/pack_lab.rs`) holds that fit: 640 coefficients `[classes, pixels]` and 10
//! intercepts, little-endian f64. Held by `tests/golden` and `tests/suite/naive.rs`: exactly 242 of 360.

use super::affine;
use crate::{
    Error, Result,
    data::{CLASSES, Dataset, Standardizer},
    nn::{Dense, Input, Layer, Model},
};

/// What the lab multiplied its weights by.
pub const MULTIPLIER: f32 = 128.0;

const FIT: &[u8] = include_bytes!("lab_coefficients.bin");

/// How weights become int8: the lab's way, and its repair in two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// The lab's: times a fixed [`MULTIPLIER`], then the lowest 8 bits, as `astype(int8)` of numpy.
    Wrap,
    /// Times the same, but what lies beyond −128..=127 stops at its end.
    Saturate,
    /// The contract of [`affine`]: the scale from the largest weight, so that nothing lies beyond.
    Scale,
}

impl Cast {
    /// From the mistake to its repair.
    pub const ALL: [Self; 3] = [Self::Wrap, Self::Saturate, Self::Scale];
}

/// A weight matrix as integers.
#[derive(Debug, Clone, PartialEq)]
pub struct Integers {
    /// Real distance of two neighbouring integers.
    pub scale: f32,
    /// The integer nearest to each weight, whether or not it fits int8.
    pub nearest: Vec<i32>,
    /// What is stored for it, −128..=127.
    pub stored: Vec<i32>,
}

impl Integers {
    /// # Errors
    /// [`Error::NotFinite`].
    pub fn new(weights: &[f32], cast: Cast) -> Result<Self> {
        let chosen = affine::choose_i8_symmetric(weights)?;
        let scale = if cast == Cast::Scale { chosen.scale } else { 1.0 / MULTIPLIER };
        let nearest: Vec<i32> = weights.iter().map(|w| (w / scale).round_ties_even() as i32).collect();
        let stored = nearest.iter().map(|&q| if cast == Cast::Wrap { i32::from(q as i8) } else { q.clamp(-128, 127) });
        Ok(Self { scale, stored: stored.collect(), nearest })
    }

    /// Weights that the cast changed by more than rounding.
    pub fn changed(&self) -> usize {
        self.nearest.iter().zip(&self.stored).filter(|(nearest, stored)| nearest != stored).count()
    }

    /// The real numbers that the integers stand for.
    pub fn weights(&self) -> Vec<f32> {
        self.stored.iter().map(|&q| q as f32 * self.scale).collect()
    }
}

/// The lab's fit: coefficients `[classes, pixels]` and intercepts.
pub fn lab_fit() -> (Vec<f64>, Vec<f64>) {
    let mut coefficients: Vec<f64> = FIT.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let intercepts = coefficients.split_off(coefficients.len() - CLASSES);
    (coefficients, intercepts)
}

/// The lab's model before quantization, in fp32.
///
/// # Errors
/// None with the embedded fit and 64-pixel images.
pub fn lab_model(data: &Dataset) -> Result<Model> {
    let (coefficients, intercepts) = lab_fit();
    let all_rows: Vec<u32> = (0..data.len() as u32).collect();
    let input = Input::new(data.width(), &Standardizer::fit(data, &all_rows));
    let round = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
    Model::new(input, vec![Layer::Dense(Dense::new(round(coefficients), round(intercepts))?)])
}

/// The only layer of softmax regression: weights `[classes, pixels]`.
///
/// # Errors
/// [`Error::Shape`] when the model has more layers.
pub fn only_layer(model: &Model) -> Result<&Dense> {
    match model.layers() {
        [Layer::Dense(layer)] => Ok(layer),
        layers => Err(Error::Shape { what: "list of layers", expected: 1, found: layers.len() }),
    }
}

/// Softmax regression with its weights read back from integers, as the lab did it: fp32 intercepts, fp32 arithmetic.
///
/// # Errors
/// As [`only_layer`]; [`Error::Shape`] when the integers are another number of weights.
pub fn with_integers(model: &Model, integers: &Integers) -> Result<Model> {
    let layer = Dense::new(integers.weights(), only_layer(model)?.bias().to_vec())?;
    Model::new(model.input().clone(), vec![Layer::Dense(layer)])
}
