//! Quantization-aware training: a network learns with the rounding that it will have.
//!
//! Each layer's weights are kept in fp32 and rounded before every batch ([`StoredWeights::round`]); its input is rounded to
//! u8 ([`fake_quant`]). The gradient goes through the rounding as if it were not there (straight-through), except
//! where an activation was clamped. Weights take the gradient of what they were rounded to, also where that was clamped:
//! the largest ones then still move. What is trained, and what [`Trainer::model`] gives, are the fp32 weights: quantized
//! by the same scheme, with [`Trainer::ranges`] if its activations are static, they are the network that was trained. A
//! codebook is chosen before the first batch; then its values are trained.
//!
//! Sources: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//! Inference" (2018); M. Courbariaux et al., "BinaryConnect" (2015). Held by `tests/qat.rs` and `tests/golden`.

use core::borrow::Borrow;

use super::{Optimizer, Parameters, Settings, Trainer};
use crate::{
    Error, Result,
    data::{Augmentation, Dataset},
    kernels::{self, at_least},
    nn::{Layer, Model},
    quant::{
        ActivationMode, Axes, Method, MovingAverage, NumberFormat, Scheme, StoredWeights, affine, affine::QParams,
        fake_quant,
    },
};

/// Settings for [`quantization_aware`], found with the digits by `examples/quantize_accuracy.rs`. No row is kept for
/// validation: what a tenth of the rows teaches a low-bit network is worth more than the choice among its epochs.
/// Softmax regression has no use for varied images.
pub fn qat_settings(model: &Model, scheme: &Scheme, seed: u32) -> Settings {
    let convolves = model.layers().iter().any(|layer| matches!(layer, Layer::Conv2d(_)));
    let linear = model.layers().len() == 1;
    // The coarsest format of a layer is what takes time to learn.
    let count = model.layers().iter().filter(|layer| layer.has_weights()).count();
    let any = |format| (0..count).any(|number| scheme.layer(number, count).format == format);
    let (ternary, binary) = (any(NumberFormat::Ternary), any(NumberFormat::Binary));
    let int8 = (0..count).all(|number| scheme.layer(number, count).format == NumberFormat::Int8);
    let epochs = match (linear, convolves) {
        (true, _) if binary => 60,
        (true, _) if ternary => 100,
        (true, _) => 20,
        (false, true) if ternary || binary => 40,
        (false, true) => 20,
        (false, false) if ternary || binary => 100,
        (false, false) => 50,
    };
    Settings {
        epochs,
        batch: 32,
        optimizer: Optimizer::Adam,
        rate: match (linear, int8) {
            (true, true) => 3e-4,
            (true, false) => 1e-3,
            (false, _) => 3e-3,
        },
        weight_decay: if linear && ternary { 0.3 } else { 1e-4 },
        augmentation: if linear { Augmentation::NONE } else { Augmentation::DEFAULT.times(0.5) },
        validation: 0.0,
        patience: 0,
        seed,
    }
}

/// Trains on from `model`, on the rows `train` of `data`, as the quantized network that `scheme` makes of it: each layer
/// with weights by its own axes. With static activations the ranges are the moving averages of the batches', whatever
/// the observer.
///
/// # Errors
/// As [`Trainer::from_model`]; [`Error::Scheme`] when the scheme is one for rounding after training or names a layer that
/// the model has not.
pub fn quantization_aware<D: Borrow<Dataset>>(
    data: D,
    train: &[u32],
    model: &Model,
    scheme: &Scheme,
    settings: Settings,
) -> Result<Trainer<D>> {
    if scheme.axes().method == Method::Ptq {
        return Err(Error::Scheme { reason: "it rounds after training; to train with it, take the one with -qat" });
    }
    let mut trainer = Trainer::from_model(data, train, model, settings)?;
    trainer.network_mut().quantize(scheme)?;
    Ok(trainer)
}

/// What a layer poses with: its rounded weights, and its rounded input of the last batch.
pub(super) struct Fake {
    axes: Axes,
    weight: Vec<f32>,
    input: Vec<f32>,
    average: MovingAverage,
    /// Of each image, or of all.
    params: Vec<QParams>,
}

impl Fake {
    pub(super) fn new(axes: Axes) -> Self {
        let (weight, input, params) = Default::default();
        Self { axes, weight, input, average: MovingAverage::default(), params }
    }

    /// Rounds the weights. When one is no number, or beyond the format, none is: the loss will tell.
    pub(super) fn set_weight(&mut self, parameters: &Parameters) {
        let weight = at_least(&mut self.weight, parameters.weight.len());
        if StoredWeights::round(&parameters.weight, parameters.bias.len(), &self.axes, weight).is_err() {
            weight.fill(f32::NAN);
        }
    }

    pub(super) fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// Rounds the input `x`, images of `width` values. A range that is no number leaves it as it is: the loss will tell.
    pub(super) fn set_input(&mut self, x: &[f32], width: usize, learn: bool) {
        self.params.clear();
        let group = match self.axes.activations {
            ActivationMode::Float => return,
            ActivationMode::Dynamic => width,
            ActivationMode::Static(_) => x.len(),
        };
        let input = at_least(&mut self.input, x.len());
        for (x, y) in x.chunks_exact(group.max(1)).zip(input.chunks_exact_mut(group.max(1))) {
            let mut range = kernels::min_max(x);
            if self.axes.activations.is_static() {
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
        self.axes.activations.is_static().then(|| self.average.range())
    }
}
