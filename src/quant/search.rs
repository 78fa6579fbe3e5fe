//! The smallest model that loses no more than one allows: for each layer a format of its own.
//!
//! 1. Every format for all layers alike, which gives the best uniform scheme (with a zero point, too).
//! 2. Every format for each layer alone, the others in fp32: how sensitive the layer is.
//! 3. From fp32, and from the best uniform scheme, downwards: again and again the layer that saves the most bytes for each
//!    answer it is expected to lose takes the smaller format, if the images agree; else that step is refused for good.
//!    (Greedy, as in Z. Dong et al., "HAWQ-V2", 2020, with measured losses for their estimate.)
//!
//! All of it for each choice of shared scales and of their rule. What is found has been measured, and is never larger than
//! the best uniform scheme.
//!
//! It is measured on training images, for the test images must not choose anything. A model that knows these by heart
//! loses less there than on others; so the loss must be within what is allowed on a varied copy of each, too. (Over
//! splits of the digits, allowed one point: a multilayer perceptron loses 1.9 in the test without the copies, 0.3 with
//! them; but softmax regression, which has learned no variation, gains on the copies while it loses in the test.)
//! Held by `tests/suite/search.rs`.

use super::{
    ActivationMode, Axes, Granularity, InputRange, NumberFormat, QuantizedLayer, QuantizedModel, ScaleRule, Scheme,
    Symmetry, affine::QParams, calibrate, mix::Mix,
};
use crate::{
    Error, Result,
    data::{Augmentation, Augmenter, Dataset},
    eval::{
        metrics::{self, Accuracy},
        size,
    },
    nn::{Model, Scratch},
    random::Random,
};

/// What a layer of a mix may be stored in: one format for each number of bits that is worth it.
const FORMATS: [NumberFormat; 12] = [
    NumberFormat::F32,
    NumberFormat::F16,
    NumberFormat::Int8,
    NumberFormat::Codebook { k: 64 },
    NumberFormat::Codebook { k: 32 },
    NumberFormat::Codebook { k: 16 },
    NumberFormat::Int4,
    NumberFormat::Codebook { k: 8 },
    NumberFormat::Codebook { k: 4 },
    NumberFormat::Ternary,
    NumberFormat::Codebook { k: 2 },
    NumberFormat::Binary,
];
/// What is tried besides for all layers alike.
const OTHERS: [NumberFormat; 5] =
    [NumberFormat::Tf32, NumberFormat::Bf16, NumberFormat::Int16, NumberFormat::Int8, NumberFormat::Int4];

/// Share of the work that is the first two steps.
const MEASURING: f64 = 0.6;

/// Of the varied copies; no training draws these.
const VARIATION_SEED: u64 = 0x5ea2_c4ed;

/// A scheme that has been measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Its scheme.
    pub scheme: Scheme,
    /// Bytes of its parameters: weights, biases, scales and codebooks.
    pub bytes: usize,
    /// What it has right of the images.
    pub accuracy: Accuracy,
    /// What it has right of their varied copies.
    pub varied: Accuracy,
}

/// A way down: where it stands, and the steps (layer and format) that lost too much.
struct Descent {
    mix: Mix,
    refused: Vec<(usize, NumberFormat)>,
}

/// A search, one measured scheme a step.
pub struct Search {
    model: Model,
    pixels: Vec<f32>,
    /// A varied copy of each image.
    copies: Vec<f32>,
    labels: Vec<u8>,
    /// With static activations, those of all layers.
    ranges: Vec<QParams>,
    /// Answers that may be lost, of the images and of the copies.
    allowed: usize,
    /// Schemes of the first two steps, and how many of them have been looked at.
    plan: Vec<Mix>,
    looked: usize,
    /// Ways down that have not begun, and the one under way.
    descents: Vec<Descent>,
    descending: Option<Descent>,
    ended: usize,
    /// Layers that have been quantized once, each with the number of the layer and its axes.
    layers: Vec<(usize, Axes, QuantizedLayer)>,
    measured: Vec<Candidate>,
    scratch: Scratch,
}

impl Search {
    /// For a model that has right at most `points` hundredths of the images `rows` of `data` fewer than `model`, and of
    /// their varied copies. `calibration` (`[rows, pixels]`) gives static ranges and is not read otherwise.
    ///
    /// # Errors
    /// [`Error::Shape`] when there are no rows, or the images are of another size than the model's; as [`calibrate::ranges`].
    pub fn new(
        model: Model,
        activations: ActivationMode,
        calibration: &[f32],
        data: &Dataset,
        rows: &[u32],
        points: f64,
    ) -> Result<Self> {
        let (pixels, labels) = data.gather(rows);
        let found = data.width() * data.height();
        if found != model.input().pixels() || rows.is_empty() {
            return Err(Error::Shape { what: "list of images", expected: model.input().pixels(), found: pixels.len() });
        }
        let copies = vary(data, &pixels)?;
        // Inputs of one bit go with weights of one bit only, and these are rarely in the mix.
        let activations = if activations == ActivationMode::Binary { ActivationMode::Float } else { activations };
        let ranges = match activations {
            ActivationMode::Static(observer) => calibrate::ranges(&model, calibration, observer)?,
            _ => Vec::new(),
        };
        let count = model.layers().iter().filter(|layer| layer.has_weights()).count();
        let (granularities, rules) =
            ([Granularity::PerChannel, Granularity::PerTensor], [ScaleRule::Mse, ScaleRule::MaxAbs]);
        let (mut plan, mut others) = (Vec::new(), Vec::new());
        for (granularity, scale_rule) in granularities.into_iter().flat_map(|g| rules.map(|rule| (g, rule))) {
            let axes = Axes { granularity, scale_rule, activations, ..Axes::weights(NumberFormat::Int8) };
            let exact = Mix::uniform(axes, NumberFormat::F32, count);
            plan.extend(FORMATS.map(|format| Mix::uniform(axes, format, count)));
            plan.extend((0..count).flat_map(|layer| FORMATS.map(|format| exact.with(layer, format))));
            for symmetry in [Symmetry::Symmetric, Symmetry::Affine] {
                others.extend(OTHERS.map(|format| Mix::uniform(Axes { symmetry, ..axes }, format, count)));
            }
        }
        plan.extend(others.into_iter().filter(|mix| mix.scheme().is_ok()));
        let mut search = Self {
            model,
            pixels,
            copies,
            labels,
            ranges,
            allowed: (points.clamp(0.0, 100.0) / 100.0 * rows.len() as f64) as usize,
            plan,
            looked: 0,
            descents: Vec::new(),
            descending: None,
            ended: 0,
            layers: Vec::new(),
            measured: Vec::new(),
            scratch: Scratch::default(),
        };
        // The first candidate of all, which loses nothing.
        search.measure(&Mix::uniform(Axes::weights(NumberFormat::F32), NumberFormat::F32, count))?;
        Ok(search)
    }

    /// Measures one more scheme; whether the search has ended.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when an activation is not.
    pub fn step(&mut self) -> Result<bool> {
        // What has been measured already takes no time, so it is no step.
        while let Some(mix) = self.plan.get(self.looked).cloned() {
            self.looked += 1;
            if self.looked == self.plan.len() {
                self.measure(&mix)?;
                self.plan_descents()?;
                return Ok(false);
            }
            if self.measure(&mix)? {
                return Ok(false);
            }
        }
        while let Some(mut descent) = self.descending.take().or_else(|| self.descents.pop()) {
            let Some((layer, format)) = self.best_move(&descent)? else {
                self.ended += 1;
                continue;
            };
            let next = descent.mix.with(layer, format);
            let fresh = self.measure(&next)?;
            if self.candidate(&next)?.is_some_and(|next| self.suffices(&next)) {
                descent.mix = next;
            } else {
                descent.refused.push((layer, format));
            }
            self.descending = Some(descent);
            if fresh {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Share of the work that is done, 0 to 1, by an estimate.
    pub fn share(&self) -> f64 {
        let planned = self.looked as f64 / self.plan.len().max(1) as f64;
        let all = self.ended + self.descents.len() + usize::from(self.descending.is_some());
        let descended = if all == 0 { 0.0 } else { self.ended as f64 / all as f64 };
        MEASURING * planned + (1.0 - MEASURING) * descended
    }

    /// Everything measured so far; the first is fp32.
    pub fn measured(&self) -> &[Candidate] {
        &self.measured
    }

    /// The smallest so far that loses no more than is allowed.
    pub fn best(&self) -> Option<Candidate> {
        self.smallest(|_| true)
    }

    /// The smallest of those with all layers alike.
    pub fn best_uniform(&self) -> Option<Candidate> {
        self.smallest(is_uniform)
    }

    /// Of equal size, the one that is right more often, and then the earlier one.
    fn smallest(&self, counts: impl Fn(&Scheme) -> bool) -> Option<Candidate> {
        let fits = |one: &&Candidate| self.suffices(one) && counts(&one.scheme);
        self.measured.iter().filter(fits).copied().reduce(|best, one| {
            let better =
                one.bytes < best.bytes || one.bytes == best.bytes && one.accuracy.correct > best.accuracy.correct;
            if better { one } else { best }
        })
    }

    /// Answers that it has lost of the images, or of the copies: the more of both.
    pub fn lost(&self, candidate: &Candidate) -> usize {
        let lost = |before: Accuracy, after: Accuracy| before.correct.saturating_sub(after.correct);
        self.measured
            .first()
            .map_or(0, |exact| lost(exact.accuracy, candidate.accuracy).max(lost(exact.varied, candidate.varied)))
    }

    fn suffices(&self, candidate: &Candidate) -> bool {
        self.lost(candidate) <= self.allowed
    }

    /// From fp32, and from the best uniform scheme of the same axes.
    fn plan_descents(&mut self) -> Result<()> {
        let mut starts: Vec<Mix> = Vec::new();
        for exact in self.plan.iter().filter(|mix| mix.is_exact()) {
            if starts.iter().any(|start| start.axes == exact.axes) {
                continue;
            }
            let mut smallest: Option<(usize, Mix)> = None;
            for format in FORMATS {
                let uniform = Mix::uniform(exact.axes, format, exact.formats.len());
                if let Some(one) = self.candidate(&uniform)?.filter(|one| self.suffices(one))
                    && smallest.as_ref().is_none_or(|(bytes, _)| one.bytes < *bytes)
                {
                    smallest = Some((one.bytes, uniform));
                }
            }
            starts.push(exact.clone());
            starts.extend(smallest.map(|(_, uniform)| uniform));
        }
        self.descents = starts.into_iter().map(|mix| Descent { mix, refused: Vec::new() }).collect();
        Ok(())
    }

    /// The layer and format that save the most bytes for each answer that they should lose.
    fn best_move(&mut self, descent: &Descent) -> Result<Option<(usize, NumberFormat)>> {
        let mut best: Option<(f64, (usize, NumberFormat))> = None;
        let mix = &descent.mix;
        for layer in 0..mix.formats.len() {
            let bytes = self.bytes(layer, mix.layer(layer)).unwrap_or_default();
            let lost = self.lost_alone(mix, layer)?;
            for format in FORMATS.into_iter().filter(|&format| !descent.refused.contains(&(layer, format))) {
                let next = mix.with(layer, format);
                let Some(smaller) = self.bytes(layer, next.layer(layer)).filter(|&smaller| smaller < bytes) else {
                    continue;
                };
                let more = self.lost_alone(&next, layer)?.saturating_sub(lost);
                // One answer more, so that what costs nothing can be compared.
                let worth = (bytes - smaller) as f64 / (more + 1) as f64;
                if best.is_none_or(|(most, _)| worth > most) {
                    best = Some((worth, (layer, format)));
                }
            }
        }
        Ok(best.map(|(_, step)| step))
    }

    /// Answers lost when only this layer is as in `mix`.
    fn lost_alone(&self, mix: &Mix, layer: usize) -> Result<usize> {
        let exact = Mix::uniform(mix.axes, NumberFormat::F32, mix.formats.len());
        let alone = self.candidate(&exact.with(layer, mix.formats[layer]))?;
        Ok(alone.map_or(self.labels.len(), |alone| self.lost(&alone)))
    }

    /// What has been measured of that mix.
    fn candidate(&self, mix: &Mix) -> Result<Option<Candidate>> {
        let scheme = mix.scheme()?;
        Ok(self.measured.iter().find(|one| one.scheme == scheme).copied())
    }

    /// Measures `mix` unless that has been done, or a layer cannot be stored so; whether it took time.
    fn measure(&mut self, mix: &Mix) -> Result<bool> {
        if self.candidate(mix)?.is_some() {
            return Ok(false);
        }
        let (mut layers, mut ranges, mut bytes, mut number) = (Vec::new(), Vec::new(), 0, 0);
        for at in 0..self.model.layers().len() {
            if !self.model.layers()[at].has_weights() {
                layers.push(QuantizedLayer::quantize(&self.model.layers()[at], &mix.axes)?);
                continue;
            }
            let Some(layer) = self.layer(number, mix.layer(number)) else { return Ok(false) };
            bytes += size::of_layer(layer).parameters();
            layers.push(layer.clone());
            if layers.last().is_some_and(|layer| layer.product().is_some()) {
                ranges.extend(self.ranges.get(number).copied().map(InputRange::Integers));
            }
            number += 1;
        }
        let scheme = mix.scheme()?;
        let model = QuantizedModel::from_parts(scheme, self.model.input().clone(), layers, &ranges)?;
        let accuracy = metrics::of_quantized(&model, &self.pixels, &self.labels, &mut self.scratch)?;
        let varied = metrics::of_quantized(&model, &self.copies, &self.labels, &mut self.scratch)?;
        self.measured.push(Candidate { scheme, bytes, accuracy, varied });
        Ok(true)
    }

    fn bytes(&mut self, number: usize, axes: Axes) -> Option<usize> {
        self.layer(number, axes).map(|layer| size::of_layer(layer).parameters())
    }

    /// Layer `number` (of those with weights) quantized as `axes` say; `None` when its weights are beyond that format.
    fn layer(&mut self, number: usize, axes: Axes) -> Option<&QuantizedLayer> {
        let found = self.layers.iter().position(|(of, known, _)| (*of, *known) == (number, axes));
        let at = if let Some(at) = found {
            at
        } else {
            let layer = self.model.layers().iter().filter(|layer| layer.has_weights()).nth(number)?;
            self.layers.push((number, axes, QuantizedLayer::quantize(layer, &axes).ok()?));
            self.layers.len() - 1
        };
        self.layers.get(at).map(|(_, _, layer)| layer)
    }
}

fn is_uniform(scheme: &Scheme) -> bool {
    scheme.last().is_none() && scheme.layers().iter().all(Option::is_none)
}

/// A copy of each image (`[rows, pixels]`), varied as training varies them; the same ones every time.
fn vary(data: &Dataset, images: &[f32]) -> Result<Vec<f32>> {
    let mut augmenter = Augmenter::new(data.width(), data.height(), data.max_pixel(), Augmentation::DEFAULT)?;
    let mut random = Random::new(VARIATION_SEED);
    let mut copies = vec![0.0; images.len()];
    let pixels = data.width() * data.height();
    for (image, copy) in images.chunks(pixels).zip(copies.chunks_mut(pixels)) {
        augmenter.apply(image, &mut random, copy)?;
    }
    Ok(copies)
}
