//! How parameters follow their gradient.

use core::f64::consts::PI;

use super::Parameters;

/// The rule of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent with momentum: `v = momentum · v + g; w -= rate · v`.
    Sgd {
        /// Share of the last step that is kept, 0 to below 1.
        momentum: f32,
    },
    /// Adam (D. Kingma and J. Ba, 2015) with β₁ = 0.9, β₂ = 0.999, ε = 1e-8.
    Adam,
}

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

/// What an optimizer remembers of one list of parameters.
#[derive(Debug, Clone, Default)]
struct Memory {
    first: Vec<f32>,
    second: Vec<f32>,
}

/// An optimizer at work: its rule, and its memory of each layer.
#[derive(Debug, Clone)]
pub struct Descent {
    rule: Optimizer,
    weight_decay: f32,
    steps: i32,
    memories: Vec<[Memory; 2]>,
}

impl Descent {
    /// `weight_decay`: each step takes this share, times the learning rate, off every weight (not off a bias):
    /// I. Loshchilov and F. Hutter, "Decoupled Weight Decay Regularization" (2019).
    pub fn new(rule: Optimizer, weight_decay: f32) -> Self {
        Self { rule, weight_decay, steps: 0, memories: Vec::new() }
    }

    /// One step of all layers at the learning rate `rate`.
    pub fn step<'a>(&mut self, layers: impl Iterator<Item = (&'a mut Parameters, &'a Parameters)>, rate: f32) {
        self.steps += 1;
        // The means of Adam start from 0; this takes that bias off.
        let corrections = [BETA_1, BETA_2].map(|beta| 1.0 - power(beta, self.steps));
        for (i, (parameters, gradient)) in layers.enumerate() {
            if self.memories.len() <= i {
                self.memories.push(Default::default());
            }
            let [weight, bias] = &mut self.memories[i];
            let lists = [
                (&mut parameters.weight, &gradient.weight, weight, self.weight_decay),
                (&mut parameters.bias, &gradient.bias, bias, 0.0),
            ];
            for (values, gradient, memory, decay) in lists {
                memory.first.resize(values.len(), 0.0);
                let keep = 1.0 - rate * decay;
                match self.rule {
                    Optimizer::Sgd { momentum } => {
                        for ((w, &g), v) in values.iter_mut().zip(gradient).zip(&mut memory.first) {
                            *v = momentum * *v + g;
                            *w = *w * keep - rate * *v;
                        }
                    }
                    Optimizer::Adam => {
                        memory.second.resize(values.len(), 0.0);
                        let (rate, root) = (rate / corrections[0], corrections[1].sqrt());
                        let memory = memory.first.iter_mut().zip(&mut memory.second);
                        for ((w, &g), (m, v)) in values.iter_mut().zip(gradient).zip(memory) {
                            *m = BETA_1 * *m + (1.0 - BETA_1) * g;
                            *v = BETA_2 * *v + (1.0 - BETA_2) * (g * g);
                            *w = *w * keep - rate * *m / (v.sqrt() / root + EPSILON);
                        }
                    }
                }
            }
        }
    }
}

/// The learning rate after `share` of all steps (0 to 1): it falls from `first` to 0 along half a cosine (I. Loshchilov and
/// F. Hutter, "SGDR", 2017, without restarts).
pub(super) fn along_cosine(first: f32, share: f64) -> f32 {
    (f64::from(first) * 0.5 * (1.0 + libm::cos(PI * share))) as f32
}

/// `base` to a positive power, by one order of multiplications everywhere.
fn power(base: f32, exponent: i32) -> f32 {
    let (mut result, mut square, mut left) = (1.0, f64::from(base), exponent);
    while left > 0 {
        if left & 1 == 1 {
            result *= square;
        }
        square *= square;
        left >>= 1;
    }
    result as f32
}
