//! Quantpad: a quantization lab for the browser.
//!
//! A visitor trains a digit classifier, quantizes it, draws a digit and sees both models answer side by side, with
//! their true size, time and accuracy. The folders are in the order of the pipeline:
//!
//! | module | holds |
//! |---|---|
//! | [`data`] | the digits, the visitor's own files, the seeded split, the standardizer, augmentation, and pen strokes made into model inputs |
//! | [`nn`] | layers, the model, softmax |
//! | [`train`] | a trust region Newton method for softmax regression; backpropagation, SGD and Adam for networks, also as the quantized networks they will be |
//! | [`quant`] | the numeric contract, number formats, schemes, calibration, bias correction, the quantized model, and the mistake this project answers to |
//! | [`kernels`] | the inner loops: `scalar` is the specification, `simd128` must return the same bits |
//! | [`eval`] | accuracy, size and timing, and one output explained step by step |
//! | [`mod@format`] | the model file (safetensors) |
//! | [`random`] | the seeded generator, passed to whoever draws |
//! | `web` | the only place that names the browser (wasm32 only) |

pub mod data;
mod error;
pub mod eval;
pub mod format;
pub mod kernels;
pub mod nn;
pub mod quant;
pub mod random;
pub mod train;
#[cfg(target_arch = "wasm32")]
pub mod web;

pub use error::{Error, Result};
