//! Which layer is to blame, for the page.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{Lab, dto::to_js};
use crate::{
    eval::sensitivity::{self, LayerSensitivity},
    format::model_file,
};

/// Most test images that each layer is tried on: all 360 of the digits.
const IMAGES: usize = 1000;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The weights of one output; `scale` is 0 where there is none. */
export interface Channel { min: number; max: number; scale: number; clipped: number }
/** Sums of squares of exact values, and of the differences from them. */
export interface Noise { signal: number; noise: number }
/**
 * What rounding does to a layer. SQNR in dB, infinite where nothing is changed; right answers with only this layer
 * quantized, and with all but this. The bins of the histogram reach from −limit to limit.
 */
export interface LayerBlame {
  format: string; weightsDb: number; outputsDb: number; weightsNoise: Noise; outputsNoise: Noise; onlyCorrect: number; withoutCorrect: number;
  count: number; clipped: number; clippedInputs: number | null;
  limit: number; counts: number[]; clippedCounts: number[]; levels: number[]; channels: Channel[];
}
export interface Blame { fp32Correct: number; quantizedCorrect: number; total: number; layers: LayerBlame[] }
"#;

#[wasm_bindgen]
impl Lab {
    /// What rounding has done to each layer of the model `fp32` in its twin `quantized`, on (at most 1,000 of) the test
    /// images of the split `seed`.
    #[wasm_bindgen(unchecked_return_type = "Blame")]
    pub fn blame(&mut self, fp32: &[u8], quantized: &[u8], seed: u32) -> Result<JsValue, JsValue> {
        let (model, twin) = (model_file::read_model(fp32)?, model_file::read_quantized(quantized)?);
        let mut rows = self.split(seed).test;
        rows.truncate(IMAGES);
        let (pixels, labels) = self.data.gather(&rows);
        let found = sensitivity::of(&model, &twin, &pixels, &labels, &mut self.scratch)?;
        to_js(&Blame {
            fp32_correct: found.fp32.correct,
            quantized_correct: found.quantized.correct,
            total: labels.len(),
            layers: found.layers.into_iter().map(LayerBlame::from).collect(),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Blame {
    fp32_correct: usize,
    quantized_correct: usize,
    total: usize,
    layers: Vec<LayerBlame>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LayerBlame {
    format: String,
    weights_db: f64,
    outputs_db: f64,
    weights_noise: Noise,
    outputs_noise: Noise,
    only_correct: usize,
    without_correct: usize,
    count: usize,
    clipped: usize,
    clipped_inputs: Option<f64>,
    limit: f32,
    counts: Vec<u32>,
    clipped_counts: Vec<u32>,
    levels: Vec<f32>,
    channels: Vec<Channel>,
}

#[derive(Serialize)]
struct Noise {
    signal: f64,
    noise: f64,
}

impl From<sensitivity::Noise> for Noise {
    fn from(sensitivity::Noise { signal, noise }: sensitivity::Noise) -> Self {
        Self { signal, noise }
    }
}

#[derive(Serialize)]
struct Channel {
    min: f32,
    max: f32,
    scale: f32,
    clipped: usize,
}

impl From<LayerSensitivity> for LayerBlame {
    fn from(layer: LayerSensitivity) -> Self {
        let weights = layer.weights;
        let channel = |c: &sensitivity::Channel| Channel { min: c.min, max: c.max, scale: c.scale, clipped: c.clipped };
        Self {
            format: weights.format.name(),
            weights_db: layer.weights_noise.db(),
            outputs_db: layer.outputs_noise.db(),
            weights_noise: layer.weights_noise.into(),
            outputs_noise: layer.outputs_noise.into(),
            only_correct: layer.only.correct,
            without_correct: layer.without.correct,
            count: weights.count,
            clipped: weights.clipped,
            clipped_inputs: layer.clipped_inputs,
            limit: weights.limit,
            counts: weights.counts,
            clipped_counts: weights.clipped_counts,
            levels: weights.levels,
            channels: weights.channels.iter().map(channel).collect(),
        }
    }
}
