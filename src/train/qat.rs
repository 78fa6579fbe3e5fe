//! Quantization-aware training: a network learns with the rounding that it will have.
//!
//! Each layer's weights are kept in fp32 and rounded before every batch ([`Rounding`]); its input is rounded to
//! u8 ([`fake_quant`]) or to one of two values ([`Levels`]). The gradient goes through the rounding as if it were not there (straight-through), except
//! where an activation was clamped. Weights take the gradient of what they were rounded to, also where that was clamped:
//! the largest ones then still move. What is trained, and what [`Trainer::model`] gives, are the fp32 weights: quantized
//! by the same scheme, with [`Trainer::ranges`] if its activations are static, they are the network that was trained. A
//! codebook is chosen before the first batch; then its values are trained. In softmax regression with
//! coarse weights the pixels' factors are trained too, and the fp32 model is a teacher (`input_scales.rs`, `teacher.rs`).
//!
//! Sources: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
//! Inference" (2018); M. Courbariaux et al., "BinaryConnect" (2015). Held by `tests/suite/qat.rs` and `tests/golden`.

use core::borrow::Borrow;

use super::{Architecture, Optimizer, Parameters, Settings, Trainer, defaults::epochs};
use crate::{
    Error, Result,
    data::{Augmentation, Dataset},
    kernels::{self, at_least},
    nn::{Layer, Model},
    quant::{
        ActivationMode, Axes, InputRange, Levels, Method, MovingAverage, NumberFormat, Rounding, ScaleRule, Scheme,
        affine, affine::QParams, fake_quant,
    },
};

/// Batches learned from with one search of a scale, which takes as long as a hundred roundings. What the network answers
/// when it does not learn is by a search of its own, as what is stored is.
const SEARCH_EVERY: usize = 32;

/// Settings for [`quantization_aware`], found with the digits by `examples/quantize_accuracy.rs`. No row is kept for
/// validation: what a tenth of the rows teaches a low-bit network is worth more than the choice among its epochs.
/// Softmax regression has no use for varied images.
///
/// Of softmax regression over the splits 0 to 19, in points beside fp32 (96.74 %): ternary −1.11 ± 0.14, binary
/// −3.86 ± 0.17. Over the splits 20 to 39, which its settings were chosen on: −0.83 ± 0.13 and −3.68 ± 0.24, where it was
/// −1.58 ± 0.17 and −4.39 ± 0.32 without a trained scaling of the pixels and a teacher, at the settings of then.
///
/// A network of 8 bits is nearly there, and a small rate keeps what it has. Binary weights that decay stay near 0, where
/// they can change their sign still.
///
/// Of the CNN over the splits 0 to 19, in points beside fp32 (99.49 %), with one standard error, per channel: int8 (static)
/// +0.13 ± 0.08, int4 +0.03 ± 0.08, ternary −0.11 ± 0.10, binary −0.39 ± 0.11 (−0.51 ± 0.14 by 40 epochs at 3e-3 without
/// decay). No setting tried was surely better for int8 (a rate of 3e-4) or ternary (more epochs, decay, all augmentation).
///
/// A larger training part is shown in fewer epochs, as [`Architecture::settings`] has it.
pub fn qat_settings(model: &Model, scheme: &Scheme, rows: usize, seed: u32) -> Settings {
    let convolves = model.layers().iter().any(|layer| matches!(layer, Layer::Conv2d(_)));
    let linear = model.layers().len() == 1;
    // The coarsest format of a layer is what takes time to learn.
    let count = model.layers().iter().filter(|layer| layer.has_weights()).count();
    let any = |format| (0..count).any(|number| scheme.layer(number, count).format == format);
    let (ternary, binary) = (any(NumberFormat::Ternary), any(NumberFormat::Binary));
    let int8 = (0..count).all(|number| scheme.layer(number, count).format == NumberFormat::Int8);
    // Epochs, rate, weight decay, strength of the augmentation.
    let (usual, rate, weight_decay, strength) = match (linear, convolves) {
        (true, _) if binary || ternary => (100, 3e-3, 0.3, 0.0),
        (true, _) => (20, if int8 { 3e-4 } else { 1e-3 }, 1e-4, 0.0),
        (false, true) if binary => (120, 1e-3, 0.1, 0.5),
        (false, true) if ternary => (40, 3e-3, 1e-4, 0.5),
        (false, true) => (20, 3e-3, 1e-4, 0.5),
        (false, false) if binary => (800, 1e-3, 0.1, 0.5),
        (false, false) if ternary => (100, 3e-3, 1e-4, 0.5),
        (false, false) if int8 => (50, 3e-4, 1e-4, 0.5),
        (false, false) => (50, 3e-3, 1e-4, 0.5),
    };
    Settings {
        epochs: epochs(usual, rows),
        batch: 32,
        optimizer: Optimizer::Adam,
        rate,
        weight_decay,
        augmentation: if rows > Architecture::MANY {
            Augmentation::NONE
        } else {
            Augmentation::DEFAULT.times(strength)
        },
        validation: 0.0,
        patience: 0,
        seed,
    }
}

/// Trains on from `model`, on the rows `train` of `data`, as the quantized network that `scheme` makes of it: each layer
/// with weights by its own axes. With static activations the ranges are the moving averages of the batches', whatever
/// the observer.
///
/// Of softmax regression with ternary or binary weights the factors of the pixels are trained too ([`Trainer::model`] has
/// them), and what is learned is what `model` answers, not the labels. A ternary MLP gained nothing by both:
/// −0.71 ± 0.12; others were not tried.
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
    if trainer.network_mut().is_linear_and_coarse() {
        trainer.train_input_scales();
        trainer.learn_from(model);
    }
    Ok(trainer)
}

/// What a layer poses with: its rounded weights, and its rounded input of the last batch.
pub(super) struct Fake {
    axes: Axes,
    weight: Vec<f32>,
    /// How the weights are rounded, and batches that have been learned from with it.
    rounding: Option<Rounding>,
    age: usize,
    input: Vec<f32>,
    average: MovingAverage,
    /// Of each image, or of all.
    params: Vec<QParams>,
    /// The two values of a binary input, once there was one.
    levels: Option<Levels>,
}

impl Fake {
    pub(super) fn new(axes: Axes) -> Self {
        let (weight, rounding, age, input, params) = Default::default();
        Self { axes, weight, rounding, age, input, average: MovingAverage::default(), params, levels: None }
    }

    /// Rounds the weights. When one is no number, or beyond the format, none is: the loss will tell. A scale that is
    /// searched for holds for the next batches too, when those are for learning.
    pub(super) fn set_weight(&mut self, parameters: &Parameters, learn: bool) {
        let Parameters { weight, bias } = parameters;
        let keep = learn && self.axes.scale_rule == ScaleRule::Mse && self.age < SEARCH_EVERY;
        let rounding = match self.rounding.take() {
            Some(rounding) if keep => Ok(rounding),
            _ => {
                self.age = 0;
                Rounding::choose(weight, bias.len(), &self.axes)
            }
        };
        self.age += usize::from(learn);
        let rounded = at_least(&mut self.weight, weight.len());
        match rounding.and_then(|rounding| rounding.round(weight, rounded).map(|()| rounding)) {
            Ok(rounding) => self.rounding = Some(rounding),
            Err(_) => rounded.fill(f32::NAN),
        }
    }

    /// Whether a weight is little more than its sign, and what it is multiplied with more than that.
    pub(super) fn is_coarse(&self) -> bool {
        let format = self.axes.format;
        let coarse = format == NumberFormat::Ternary || format == NumberFormat::Binary;
        coarse && self.axes.activations != ActivationMode::Binary
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
            ActivationMode::Binary => return self.set_binary_input(x, learn),
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

    /// The same with two values, which follow the batches.
    fn set_binary_input(&mut self, x: &[f32], learn: bool) {
        let levels = match self.levels {
            Some(levels) if learn => levels.following(x),
            Some(levels) => levels,
            None => Levels::of(x).unwrap_or(Levels::NONE),
        };
        levels.round(x, at_least(&mut self.input, x.len()));
        self.levels = Some(levels);
    }

    /// What a border of zeros becomes.
    pub(super) fn padding(&self) -> f32 {
        self.levels.map_or(0.0, |levels| levels.nearest(0.0))
    }

    /// The rounded input, where `x` is the input.
    pub(super) fn input<'a>(&'a self, x: &'a [f32]) -> &'a [f32] {
        if self.params.is_empty() && self.levels.is_none() { x } else { &self.input[..x.len()] }
    }

    /// The gradient at the input from that at the rounded input.
    pub(super) fn straight_through(&self, x: &[f32], gradient: &mut [f32]) {
        let group = (x.len() / self.params.len().max(1)).max(1);
        for ((params, x), gradient) in self.params.iter().zip(x.chunks(group)).zip(gradient.chunks_mut(group)) {
            fake_quant::straight_through(*params, x, gradient);
        }
        if let Some(levels) = self.levels {
            levels.straight_through(x, gradient);
        }
    }

    /// What static and binary activations fix.
    ///
    /// # Errors
    /// [`Error::NotFinite`].
    pub(super) fn range(&self) -> Option<Result<InputRange>> {
        match self.axes.activations {
            ActivationMode::Float | ActivationMode::Dynamic => None,
            ActivationMode::Static(_) => Some(affine::choose_u8(self.average.range()).map(InputRange::Integers)),
            ActivationMode::Binary => Some(self.levels.unwrap_or(Levels::NONE).check().map(InputRange::Levels)),
        }
    }
}
