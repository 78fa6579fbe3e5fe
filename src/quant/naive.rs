//! The published lab's mistake, re-run so that it can be looked at.
//!
//! The recipe (it reproduces all four published figures; what the lab really ran is not known): scale with the mean and
//! standard deviation of *all* rows, fit scikit-learn's LogisticRegression with its default stopping rule, multiply the
//! weights by a fixed 128 and cast to int8 *without saturation*. 20 of the 640 weights leave −128..=127, wrap around and
//! change sign; 97.22 % become 67.22 %.
//!
//! `lab_coefficients.bin` (made by `examples/pack_lab.rs`) holds that fit: 640 coefficients `[classes, pixels]` and 10
//! intercepts, little-endian f64. Held by `tests/golden`: exactly 242 of 360.

use super::affine;
use crate::{
    Result,
    data::{CLASSES, Dataset, Standardizer},
    nn::{Dense, Input, Layer, Model},
};

/// What the lab multiplied its weights by.
pub const MULTIPLIER: f64 = 128.0;

const FIT: &[u8] = include_bytes!("lab_coefficients.bin");

/// The lab's fit: coefficients `[classes, pixels]` and intercepts.
pub fn lab_fit() -> (Vec<f64>, Vec<f64>) {
    let mut coefficients: Vec<f64> = FIT.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
    let intercepts = coefficients.split_off(coefficients.len() - CLASSES);
    (coefficients, intercepts)
}

/// `astype(int8)` of numpy: the lowest 8 bits.
pub fn wrap_to_int8(weight: f64) -> i8 {
    (weight * MULTIPLIER).round_ties_even() as i64 as i8
}

/// Whether the cast changes the value.
pub fn leaves_int8(weight: f64) -> bool {
    !(-128.0..=127.0).contains(&(weight * MULTIPLIER).round_ties_even())
}

/// The lab's model before quantization, in fp32.
///
/// # Errors
/// None with the embedded fit and 64-pixel images.
pub fn lab_model_float(data: &Dataset) -> Result<Model> {
    let (coefficients, intercepts) = lab_fit();
    lab_like(data, coefficients.iter().map(|&w| w as f32), intercepts)
}

/// The model the lab was left with: integer weights read back as `q / 128`, fp32 intercepts, fp32 arithmetic.
///
/// # Errors
/// None with the embedded fit and 64-pixel images.
pub fn lab_model(data: &Dataset) -> Result<Model> {
    let (coefficients, intercepts) = lab_fit();
    lab_like(data, coefficients.iter().map(|&w| f32::from(wrap_to_int8(w)) / MULTIPLIER as f32), intercepts)
}

/// The lab's fit quantized by the contract of [`affine`]: the scale from the largest weight, and saturation.
///
/// # Errors
/// None with the embedded fit and 64-pixel images.
pub fn lab_model_repaired(data: &Dataset) -> Result<Model> {
    let (coefficients, intercepts) = lab_fit();
    let weights: Vec<f32> = coefficients.iter().map(|&w| w as f32).collect();
    let params = affine::choose_i8_symmetric(&weights)?;
    lab_like(data, weights.iter().map(|&w| params.dequantize(params.quantize(w))), intercepts)
}

fn lab_like(data: &Dataset, weights: impl Iterator<Item = f32>, intercepts: Vec<f64>) -> Result<Model> {
    let all_rows: Vec<u32> = (0..data.len() as u32).collect();
    let input = Input::new(data.width(), &Standardizer::fit(data, &all_rows));
    let bias = intercepts.iter().map(|&b| b as f32).collect();
    Model::new(input, vec![Layer::Dense(Dense::new(weights.collect(), bias)?)])
}
