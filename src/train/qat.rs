//! Quantization-aware training: a network learns with the rounding that it will have.
//!
//! Each layer's weights are kept in fp32 and rounded before every batch ([`WeightFormat::fake`]); its input is rounded to
//! u8 ([`fake_quant`]). The gradient goes through the rounding as if it were not there (straight-through), except
//! where an activation was clamped. Weights take the gradient of what they were rounded to, also where that was clamped:
//! the largest ones then still move. What is trained, and what [`Trainer::model`] gives, are the fp32 weights: quantized
//! in the same format they are the network that was trained.
//!
//! Sources: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//! Inference" (2018); M. Courbariaux et al., "BinaryConnect" (2015). Held by `tests/qat.rs` and
//! `tests/golden_fake_quant.rs`.

use core::borrow::Borrow;

use super::{Optimizer, Parameters, Settings, Trainer};
use crate::{
    Result,
    data::{Augmentation, Dataset},
    kernels::{self, at_least},
    nn::{Layer, Model},
    quant::{Levels, MovingAverage, WeightFormat, affine, affine::QParams, fake_quant},
};

/// What a network in training does to the input of its layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FakeActivations {
    /// Nothing.
    Float,
    /// u8, with a range of each image's own.
    Dynamic,
    /// u8, with the moving average of the batches' ranges, which only batches that are learned from move.
    Static,
}

/// As what a network in training poses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FakeScheme {
    /// Format of the weights.
    pub weights: WeightFormat,
    /// Treatment of activations.
    pub activations: FakeActivations,
}

/// Settings for [`quantization_aware`], found with the digits by `examples/quantize_accuracy.rs`. No row is kept for
/// validation: what a tenth of the rows teaches a low-bit network is worth more than the choice among its epochs.
/// Softmax regression has no use for varied images.
pub fn qat_settings(model: &Model, weights: WeightFormat, seed: u32) -> Settings {
    let convolves = model.layers().iter().any(|layer| matches!(layer, Layer::Conv2d(_)));
    let linear = model.layers().len() == 1;
    Settings {
        epochs: match (linear, convolves, weights.levels) {
            (true, _, Levels::Ternary) | (false, false, Levels::Ternary | Levels::Binary) => 100,
            (true, _, Levels::Binary) => 60,
            (false, false, _) => 50,
            (false, true, Levels::Ternary | Levels::Binary) => 40,
            _ => 20,
        },
        batch: 32,
        optimizer: Optimizer::Adam,
        rate: match (linear, weights.levels) {
            (true, Levels::Integers(8..)) => 3e-4,
            (true, _) => 1e-3,
            (false, _) => 3e-3,
        },
        weight_decay: if linear && weights.levels == Levels::Ternary { 0.3 } else { 1e-4 },
        augmentation: if linear { Augmentation::NONE } else { Augmentation::DEFAULT.times(0.5) },
        validation: 0.0,
        patience: 0,
        seed,
    }
}

/// Trains on from `model`, on the rows `train` of `data`, as the quantized network that `scheme` would make of it.
///
/// # Errors
/// As [`Trainer::from_model`].
pub fn quantization_aware<D: Borrow<Dataset>>(
    data: D,
    train: &[u32],
    model: &Model,
    scheme: FakeScheme,
    settings: Settings,
) -> Result<Trainer<D>> {
    let mut trainer = Trainer::from_model(data, train, model, settings)?;
    trainer.network_mut().quantize(scheme);
    Ok(trainer)
}

/// What a layer poses with: its rounded weights, and its rounded input of the last batch.
pub(super) struct Fake {
    scheme: FakeScheme,
    weight: Vec<f32>,
    input: Vec<f32>,
    average: MovingAverage,
    /// Of each image, or of all.
    params: Vec<QParams>,
}

impl Fake {
    pub(super) fn new(scheme: FakeScheme) -> Self {
        let (weight, input, params) = Default::default();
        Self { scheme, weight, input, average: MovingAverage::default(), params }
    }

    /// Rounds the weights.
    pub(super) fn set_weight(&mut self, parameters: &Parameters) {
        let weight = at_least(&mut self.weight, parameters.weight.len());
        self.scheme.weights.fake(&parameters.weight, parameters.bias.len(), weight);
    }

    pub(super) fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// Rounds the input `x`, images of `width` values. A range that is no number leaves it as it is: the loss will tell.
    pub(super) fn set_input(&mut self, x: &[f32], width: usize, learn: bool) {
        self.params.clear();
        let group = match self.scheme.activations {
            FakeActivations::Float => return,
            FakeActivations::Dynamic => width,
            FakeActivations::Static => x.len(),
        };
        let input = at_least(&mut self.input, x.len());
        for (x, y) in x.chunks_exact(group.max(1)).zip(input.chunks_exact_mut(group.max(1))) {
            let mut range = kernels::min_max(x);
            if self.scheme.activations == FakeActivations::Static {
                if learn || self.average == MovingAverage::default() {
                    self.average.observe(range);
                }
                range = self.average.range();
            }
            match affine::choose_u8(range) {
                Ok(params) => {
                    fake_quant::fake_quantize(params, x, y);
                    self.params.push(params);
                }
                Err(_) => y.fill(f32::NAN),
            }
        }
    }

    /// The rounded input, where `x` is the input.
    pub(super) fn input<'a>(&'a self, x: &'a [f32]) -> &'a [f32] {
        if self.params.is_empty() { x } else { &self.input[..x.len()] }
    }

    /// The gradient at the input from that at the rounded input.
    pub(super) fn straight_through(&self, x: &[f32], gradient: &mut [f32]) {
        let group = (x.len() / self.params.len().max(1)).max(1);
        for ((params, x), gradient) in self.params.iter().zip(x.chunks(group)).zip(gradient.chunks_mut(group)) {
            fake_quant::straight_through(*params, x, gradient);
        }
    }

    /// The range of static activations.
    pub(super) fn range(&self) -> Option<(f32, f32)> {
        (self.scheme.activations == FakeActivations::Static).then(|| self.average.range())
    }
}
