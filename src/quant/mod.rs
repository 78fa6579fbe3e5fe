//! Quantization, as orthogonal axes.
//!
//! * [`affine`]: the numeric contract: how a real number becomes an integer and back, to the bit.
//! * [`NumberFormat`], [`Scheme`]: what is quantized, how finely, and what goes together.
//! * [`float`], [`low_bit`], [`cluster`]: the formats that are no integers with a scale.
//! * [`StoredWeights`]: a weight matrix in a format, packed; or only rounded, for training.
//! * [`Observer`], [`calibrate`]: ranges of activations from a calibration set.
//! * [`fake_quant`]: rounded activations and their gradient, for training.
//! * [`correct_biases`]: the means of a layer's outputs after rounding as before.
//! * [`QuantizedModel`]: integer products where the scheme allows them.
//! * [`torch`], [`fixed_point`]: the rules of others, for comparison.
//! * [`naive`]: the mistake of a published lab, kept so that it can be looked at.

pub mod affine;
mod bias_correction;
pub mod bits;
pub mod calibrate;
pub mod cluster;
mod double;
pub mod fake_quant;
pub mod fixed_point;
pub mod float;
mod group;
pub mod histogram;
mod layer;
pub mod low_bit;
mod model;
pub mod naive;
mod number_format;
mod observer;
mod product;
mod scale;
mod scheme;
mod scheme_name;
mod stored;
pub mod torch;

pub use bias_correction::correct_biases;
pub use layer::{Arithmetic, QuantizedConv2d, QuantizedLayer};
pub use model::QuantizedModel;
pub use number_format::NumberFormat;
pub use observer::{MovingAverage, Observer};
pub use product::Product;
pub use scheme::{ActivationMode, Axes, Granularity, Method, ScaleRule, Scheme, Symmetry};
pub use stored::StoredWeights;
