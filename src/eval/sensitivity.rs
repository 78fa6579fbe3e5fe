//! Which layer is to blame: what rounding does to the weights and outputs of each layer, and to the answers when only
//! this layer, or every other one, is quantized.
//!
//! The layers are those of the two models at hand: a corrected bias, a calibrated range or a trained rounding counts as it
//! is. Noise is told as SQNR, the signal-to-quantization-noise ratio `10 log10(Σ x² / Σ (x − x̂)²)` in dB; each bit of a
//! uniform rounding is worth 6.02 dB of it (W. R. Bennett, "Spectra of Quantized Signals", 1948).

use super::{
    answers::BLOCK,
    metrics::{self, Accuracy},
};
use crate::{
    Error, Result,
    nn::{Model, Scratch},
    quant::{Axes, NumberFormat, QuantizedLayer, QuantizedModel, StoredWeights, histogram::Histogram},
};

/// Bins of a histogram of weights.
pub const BINS: usize = 64;

/// Most values that are listed.
pub const LEVELS: usize = 32;

/// What rounding does to a model, layer by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Sensitivity {
    /// Of the fp32 model.
    pub fp32: Accuracy,
    /// Of the quantized one.
    pub quantized: Accuracy,
    /// Of each layer with weights, first to last.
    pub layers: Vec<LayerSensitivity>,
}

/// What rounding does to a layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerSensitivity {
    /// Of the weights.
    pub weights_noise: Noise,
    /// Of what the layer gives in the quantized model, against the fp32 one; so it holds the noise of the layers before, too.
    pub outputs_noise: Noise,
    /// With only this layer quantized.
    pub only: Accuracy,
    /// With all layers quantized but this.
    pub without: Accuracy,
    /// Weights.
    pub weights: WeightReport,
    /// Share of the layer's inputs (of the fp32 model) that lie beyond its fixed range; `None` when it has none.
    pub clipped_inputs: Option<f64>,
}

/// Where the weights of a layer lie, and where the values that they can have.
#[derive(Debug, Clone, PartialEq)]
pub struct WeightReport {
    /// How they are stored.
    pub format: NumberFormat,
    /// How many there are.
    pub count: usize,
    /// Weights that are clipped: more than half a step beyond the outermost value that they can have. None in formats
    /// without a scale: floats reach them all, and a codebook is made from them.
    pub clipped: usize,
    /// The histogram's bins are equal and reach from −limit to limit.
    pub limit: f32,
    /// Weights in each bin; none when all are 0.
    pub counts: Vec<u32>,
    /// Those of them that are clipped.
    pub clipped_counts: Vec<u32>,
    /// What the weights of the first output can be (all others too, when they share it), ascending; none when that is more
    /// than [`LEVELS`] values.
    pub levels: Vec<f32>,
    /// The weights of each output.
    pub channels: Vec<Channel>,
}

/// The weights of one output.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// The least weight.
    pub min: f32,
    /// The largest weight.
    pub max: f32,
    /// Its scale; 0 for formats that have none.
    pub scale: f32,
    /// Weights that are clipped.
    pub clipped: usize,
}

/// Sums of squares of a signal and of what rounding adds to it.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Noise {
    /// Of the exact values.
    pub signal: f64,
    /// Of the differences from them.
    pub noise: f64,
}

impl Noise {
    fn add(&mut self, exact: &[f32], rounded: &[f32]) {
        for (&exact, &rounded) in exact.iter().zip(rounded) {
            let (exact, rounded) = (f64::from(exact), f64::from(rounded));
            self.signal += exact * exact;
            self.noise += (exact - rounded) * (exact - rounded);
        }
    }

    /// Signal-to-quantization-noise ratio in dB; infinite when rounding changed nothing.
    pub fn db(self) -> f64 {
        if self.noise > 0.0 { 10.0 * libm::log10(self.signal / self.noise) } else { f64::INFINITY }
    }
}

/// Compares `model` with `twin`, its quantized self, on `pixels` (`[labels.len(), pixels]`).
///
/// # Errors
/// [`Error::Shape`] when the layers of the models differ, or `pixels` another length; as
/// [`Scheme::with_layer`](crate::quant::Scheme::with_layer) for more layers than can have a format of their own.
pub fn of(
    model: &Model,
    twin: &QuantizedModel,
    pixels: &[f32],
    labels: &[u8],
    scratch: &mut Scratch,
) -> Result<Sensitivity> {
    let (expected, found) = (labels.len(), model.input().images(pixels)?);
    if expected != found {
        return Err(Error::Shape { what: "list of labels", expected: found, found: expected });
    }
    let plain = model.layers().iter().map(|layer| (layer.sizes(), layer.parameters().map_or(0, |(w, _)| w.len())));
    let weights = |layer: &QuantizedLayer| layer.weights().map_or(0, |w| w.outputs() * w.inputs());
    if !plain.eq(twin.layers().iter().map(|layer| (layer.sizes(), weights(layer)))) {
        return Err(Error::Shape {
            what: "quantized model",
            expected: model.layers().len(),
            found: twin.layers().len(),
        });
    }
    let weighted: Vec<usize> =
        model.layers().iter().enumerate().filter(|(_, layer)| layer.has_weights()).map(|(at, _)| at).collect();
    // Training may have changed the scaling of the pixels: weights and inputs are compared at that of the twin.
    let model = &model.scaled_as(twin.input())?;
    let none = mixed(model, twin, &vec![false; weighted.len()])?;
    let mut layers = Vec::new();
    for (number, &at) in weighted.iter().enumerate() {
        let is_this = |wanted: bool| (0..weighted.len()).map(|other| (other == number) == wanted).collect::<Vec<_>>();
        let mut right = |kept: &[bool]| metrics::of_quantized(&mixed(model, twin, kept)?, pixels, labels, scratch);
        let (only, without) = (right(&is_this(true))?, right(&is_this(false))?);
        let (layer, quantized) = (&model.layers()[at], &twin.layers()[at]);
        let (Some((exact, _)), Some(stored)) = (layer.parameters(), quantized.weights()) else { continue };
        let mut weights = Noise::default();
        weights.add(exact, &stored.decode());
        layers.push(LayerSensitivity {
            weights_noise: weights,
            outputs_noise: Noise::default(),
            only,
            without,
            weights: report(exact, stored),
            clipped_inputs: None,
        });
    }
    watch(model, twin, pixels, &weighted, &mut layers, scratch)?;
    Ok(Sensitivity {
        fp32: metrics::of_quantized(&none, pixels, labels, scratch)?,
        quantized: metrics::of_quantized(twin, pixels, labels, scratch)?,
        layers,
    })
}

/// Fills in what needs the activations of both models.
fn watch(
    model: &Model,
    twin: &QuantizedModel,
    pixels: &[f32],
    weighted: &[usize],
    layers: &mut [LayerSensitivity],
    scratch: &mut Scratch,
) -> Result<()> {
    let mut noise = vec![Noise::default(); layers.len()];
    let mut clipped = vec![0_usize; layers.len()];
    let mut seen = vec![0_usize; layers.len()];
    for pixels in pixels.chunks(BLOCK * model.input().pixels().max(1)) {
        // The input of each layer, then the logits: the output of a layer is the input of the next.
        let mut values: Vec<Vec<f32>> = Vec::new();
        let logits = model.forward_watched(pixels, scratch, |_, x| values.push(x.to_vec()))?.to_vec();
        values.push(logits);
        for (number, &at) in weighted.iter().enumerate() {
            noise[number].add(&values[at + 1], twin.outputs(at, pixels, scratch)?);
            if let Some(range) = twin.layers()[at].product().and_then(|product| product.input_params()) {
                let (low, high) = ((range.qmin - range.zero_point) as f32, (range.qmax - range.zero_point) as f32);
                let beyond = |x: &&f32| {
                    let q = (**x / range.scale).round_ties_even();
                    q < low || q > high
                };
                clipped[number] += values[at].iter().filter(beyond).count();
                seen[number] += values[at].len();
            }
        }
    }
    for (number, layer) in layers.iter_mut().enumerate() {
        layer.outputs_noise = noise[number];
        layer.clipped_inputs = (seen[number] > 0).then(|| clipped[number] as f64 / seen[number] as f64);
    }
    Ok(())
}

/// The layers of `twin` where `kept` says so (by number among those with weights), and those of `model` in fp32 elsewhere.
fn mixed(model: &Model, twin: &QuantizedModel, kept: &[bool]) -> Result<QuantizedModel> {
    let (mut scheme, mut layers, mut number) = (twin.scheme(), Vec::new(), 0);
    for (layer, quantized) in model.layers().iter().zip(twin.layers()) {
        if layer.has_weights() && !kept[number] {
            scheme = scheme.with_layer_of(number, kept.len(), NumberFormat::F32)?;
            layers.push(QuantizedLayer::quantize(layer, &Axes::weights(NumberFormat::F32))?);
        } else {
            layers.push(quantized.clone());
        }
        number += usize::from(layer.has_weights());
    }
    let ranges: Vec<_> = layers.iter().filter_map(QuantizedLayer::range).collect();
    QuantizedModel::from_parts(scheme, model.input().clone(), layers, &ranges)
}

/// Where `exact` (`[outputs, inputs]`) lies, and what it is stored as.
fn report(exact: &[f32], stored: &StoredWeights) -> WeightReport {
    let (mut channels, mut outside) = (Vec::new(), Vec::new());
    for (j, row) in exact.chunks(stored.inputs()).enumerate() {
        let [low, high] = if stored.format().has_scales() { reach(&stored.levels(j)) } else { [f32::MIN, f32::MAX] };
        let before = outside.len();
        outside.extend(row.iter().copied().filter(|&w| w < low || w > high));
        channels.push(Channel {
            min: row.iter().copied().fold(f32::MAX, f32::min),
            max: row.iter().copied().fold(f32::MIN, f32::max),
            scale: stored.scales().get(if stored.scales().len() == 1 { 0 } else { j }).copied().unwrap_or_default(),
            clipped: outside.len() - before,
        });
    }
    let ends = channels.iter().fold((0.0_f32, 0.0_f32), |(low, high), c| (low.min(c.min), high.max(c.max)));
    let counts = |values: &[f32]| Histogram::new(values, ends, BINS).map_or_else(Vec::new, |h| h.counts().to_vec());
    WeightReport {
        format: stored.format(),
        count: exact.len(),
        clipped: outside.len(),
        limit: ends.1.max(-ends.0),
        counts: counts(exact),
        clipped_counts: counts(&outside),
        levels: Some(stored.levels(0)).filter(|levels| levels.len() <= LEVELS).unwrap_or_default(),
        channels,
    }
}

/// How far weights may lie before they are clipped: half a step beyond the first and last of `levels` (ascending).
fn reach(levels: &[f32]) -> [f32; 2] {
    let ([low, above, ..], [.., below, high]) = (levels, levels) else { return [f32::MIN, f32::MAX] };
    [low - (above - low) / 2.0, high + (high - below) / 2.0]
}
