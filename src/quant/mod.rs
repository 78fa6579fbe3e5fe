//! Quantization, as orthogonal axes.
//!
//! * [`affine`]: the numeric contract: how a real number becomes an integer and back, to the bit.
//! * [`Scheme`]: what is quantized and how finely.
//! * [`QuantizedModel`]: a model whose products are integers.
//! * [`naive`]: the mistake of a published lab, kept so that it can be looked at.

pub mod affine;
mod model;
pub mod naive;
mod scheme;

pub use model::{QuantizedDense, QuantizedLayer, QuantizedModel};
pub use scheme::{ActivationMode, Granularity, NumberFormat, Scheme};
