//! The scaling of the pixels, trained with the coarse weights of a softmax regression that multiply them.
//!
//! A weight of two bits or one says whether a pixel counts for an output, and the scale of its row how much all of them
//! do. The factor of a pixel, which a model's input has anyway, says the same of a column: the product becomes
//! `s_j q_jk f_k`, at no cost in size or time. What is trained is the logarithm of f, so that a factor keeps its sign, and
//! a step is a share of it. With w the rounded weights, x the rounded inputs and g the gradient of w,
//!
//! `∂L/∂ln f_k = Σ_rows x_k ∂L/∂x_k = Σ_j w_jk g_jk`,
//!
//! which asks for no gradient at the pixels. Factors between layers, not trained: M. Nagel et al., "Data-Free Quantization
//! Through Weight Equalization and Bias Correction" (2019). Held by `tests/suite/coarse.rs`.

use super::{Descent, Optimizer, Parameters};
use crate::{Result, nn::Input};

/// How many times the weights' learning rate: their steps are shares of a scale of about a third, and a column has few
/// weights to tell of it.
const RATE: f32 = 5.0;

/// The factors of an input in training.
pub(super) struct InputScales {
    /// As they were at first.
    first: Input,
    /// Logarithm of what each has been multiplied by since.
    logs: Parameters,
    descent: Descent,
}

impl InputScales {
    pub(super) fn new(first: &Input) -> Self {
        let logs = Parameters { weight: vec![0.0; first.pixels()], bias: Vec::new() };
        Self { first: first.clone(), logs, descent: Descent::new(Optimizer::Adam, 0.0) }
    }

    /// The input after a step against `slopes`, the derivatives of the loss by the logarithms, where the weights' learning
    /// rate is `rate`.
    ///
    /// # Errors
    /// [`Error::NotFinite`](crate::Error::NotFinite).
    pub(super) fn step(&mut self, slopes: Vec<f32>, rate: f32) -> Result<Input> {
        let gradient = Parameters { weight: slopes, bias: Vec::new() };
        self.descent.step(core::iter::once((&mut self.logs, &gradient)), RATE * rate);
        let factors = self.first.factor().iter().zip(&self.logs.weight).map(|(f, &log)| f * libm::expf(log)).collect();
        Input::from_parts(self.first.width(), self.first.mean().to_vec(), factors)
    }
}
