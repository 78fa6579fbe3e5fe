//! Quantization, as orthogonal axes.
//!
//! * [`affine`]: the numeric contract: how a real number becomes an integer and back, to the bit.
//! * [`NumberFormat`], [`Scheme`]: what is quantized, how finely, and what goes together.
//! * [`sweep()`], [`sweep_aware`]: the schemes worth comparing.
//! * [`float`], [`low_bit`], [`cluster`]: the formats that are no integers with a scale.
//! * [`StoredWeights`]: a weight matrix in a format, packed; or only rounded, for training.
//! * [`Observer`], [`calibrate`]: ranges of activations from a calibration set.
//! * [`Levels`], [`XnorProduct`]: activations of one bit, and their products with weights of one bit.
//! * [`fake_quant`]: rounded activations and their gradient, for training.
//! * [`correct_biases`]: the means of a layer's outputs after rounding as before.
//! * [`QuantizedModel::quantize_reconstructed`]: codes, scales and biases fitted to the outputs of each layer.
//! * [`Correction`]: which of the two is done.
//! * [`QuantizedModel`]: integer products where the scheme allows them.
//! * [`search`]: the smallest model that loses no more than one allows.
//! * [`LayerInput`]: what goes into each of its layers, for explanations.
//! * [`torch`], [`fixed_point`]: the rules of others, for comparison.
//! * [`naive`]: the mistake of a published lab, kept so that it can be looked at.

pub mod affine;
mod bias_correction;
pub mod bits;
pub mod calibrate;
pub mod cluster;
mod correction;
mod double;
pub mod fake_quant;
pub mod fixed_point;
pub mod float;
mod group;
pub mod histogram;
mod layer;
mod layer_input;
mod levels;
pub mod low_bit;
mod mix;
mod model;
pub mod naive;
mod number_format;
mod observer;
mod product;
mod reconstruct;
mod scale;
mod scheme;
mod scheme_name;
pub mod search;
mod stored;
mod sweep;
pub mod torch;
mod xnor;

pub use bias_correction::correct_biases;
pub use calibrate::InputRange;
pub use correction::Correction;
pub use layer::{Arithmetic, QuantizedConv2d, QuantizedLayer};
pub use layer_input::{LayerInput, Rounded};
pub use levels::Levels;
pub use model::QuantizedModel;
pub use number_format::NumberFormat;
pub use observer::{MovingAverage, Observer};
pub use product::Product;
pub use scheme::{ActivationMode, Axes, Granularity, Method, ScaleRule, Scheme, Symmetry};
pub use stored::{Rounding, StoredWeights};
pub use sweep::{sweep, sweep_aware};
pub use xnor::{XnorProduct, XnorScratch};
