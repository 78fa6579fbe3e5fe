//! Quantization, as orthogonal axes.
//!
//! * [`affine`]: the numeric contract: how a real number becomes an integer and back, to the bit.
//! * [`Scheme`]: what is quantized and how finely.
//! * [`calibrate`]: ranges of activations from a calibration set.
//! * [`QuantizedModel`]: a model whose products are integers.
//! * [`naive`]: the mistake of a published lab, kept so that it can be looked at.

pub mod affine;
pub mod calibrate;
mod model;
pub mod naive;
mod product;
mod scheme;

pub use model::{QuantizedConv2d, QuantizedLayer, QuantizedModel};
pub use product::Product;
pub use scheme::{ActivationMode, Granularity, NumberFormat, Scheme};
