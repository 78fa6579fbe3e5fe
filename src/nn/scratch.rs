//! Working memory of an inference, kept between calls so that an inference allocates nothing.

use crate::{
    kernels::{Activations, Border},
    quant::XnorScratch,
};

/// Buffers that grow to the largest batch seen and stay.
#[derive(Debug, Default, Clone)]
pub struct Scratch {
    /// Activations of the current layer, `[rows, width]`.
    pub activations: Vec<f32>,
    /// What the current layer writes.
    pub next: Vec<f32>,
    /// The current layer's integer activations.
    pub quantized: Activations,
    /// What the current layer writes in integers.
    pub next_quantized: Activations,
    /// The current layer's activations of one bit.
    pub bits: XnorScratch,
    /// An image with its border.
    pub border: Border,
    /// Scale of each row's activations.
    pub scales: Vec<f32>,
    /// Activations of a model in double precision, before and after the current layer.
    pub doubles: [Vec<f64>; 2],
}
