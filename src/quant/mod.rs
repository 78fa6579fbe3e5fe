//! Quantization, as orthogonal axes.
//!
//! * [`affine`]: the numeric contract: how a real number becomes an integer and back, to the bit.
//! * [`Scheme`]: what is quantized and how finely.
//! * [`Observer`], [`calibrate`]: ranges of activations from a calibration set.
//! * [`fake_quant`], [`WeightFormat`]: what rounding does to values, for training.
//! * [`correct_biases`]: the means of a layer's outputs after rounding as before.
//! * [`QuantizedModel`]: a model whose products are integers.
//! * [`naive`]: the mistake of a published lab, kept so that it can be looked at.

pub mod affine;
mod bias_correction;
pub mod calibrate;
pub mod fake_quant;
pub mod histogram;
mod model;
pub mod naive;
mod observer;
mod product;
mod scheme;
mod weight_format;

pub use bias_correction::correct_biases;
pub use model::{QuantizedConv2d, QuantizedLayer, QuantizedModel};
pub use observer::{MovingAverage, Observer};
pub use product::Product;
pub use scheme::{ActivationMode, Granularity, NumberFormat, Scheme};
pub use weight_format::{Levels, WeightFormat};
