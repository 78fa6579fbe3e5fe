//! Records that cross to TypeScript, and their types there.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use crate::{
    Result,
    data::Dataset,
    eval::{answers, metrics, size, timing},
    format::model_file,
    nn::{Scratch, argmax, softmax},
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** `sure`: likely enough, and the drawing looks like that digit. */
export interface Answer { digit: number; probabilities: number[]; sure: boolean }
export interface Answers { fp32: Answer; quantized: Answer }
export interface Sample { row: number; label: number; image: number[] }
export interface DataInfo {
  width: number; height: number; maxPixel: number; train: number; test: number; ownTestPart: boolean; many: boolean;
}
export interface Strengths {
  rotation: number; shear: number; scale: number; shift: number; thickness: number; elastic: number; noise: number;
}
/** How to train a network; `layers` are the hidden sizes of an MLP, the channels of a CNN. */
export interface NetworkSettings {
  layers: number[]; epochs: number; batch: number; optimizer: "adam" | "sgd"; rate: number; momentum: number;
  weightDecay: number; augmentation: Strengths; validation: number; patience: number;
}
export type ModelName = "softmax" | "mlp" | "cnn";
/** Softmax regression reads `c` and `augment` (learn from variations of the images too), the networks `network`. */
export interface TrainRequest { model: ModelName; seed: number; c: number; augment: boolean; network: NetworkSettings }
/** An iteration of the fit (with its gradient), or an epoch of a network (with its validation). */
export interface Step {
  number: number; loss: number; correct: number; total: number;
  validationLoss: number | null; validationCorrect: number; validationTotal: number; gradientNorm: number | null;
}
/** What has happened since the last report; `diverged`: the step in which the loss ran away. */
export interface Progress { steps: Step[]; share: number; done: boolean; diverged: number | null }
export interface Side {
  correct: number; total: number;
  fileBytes: number; weightBytes: number; biasBytes: number; scaleBytes: number; zeroPointBytes: number;
  codebookBytes: number; rangeBytes: number; containerBytes: number; parameterBytes: number; inputScalingBytes: number;
}
/** `arithmetic`: how the quantized model computes, in words. */
export interface Evaluation { fp32: Side; quantized: Side; bothAgree: number; arithmetic: string }
export interface Timing { medianNs: number; q1Ns: number; q3Ns: number; repetitions: number; samples: number }
export interface Pair { a: Timing; b: Timing; ratio: number }
export interface Ceiling { name: string; productsPerNs: number }
/** `sampleMs`: the least time that a sample takes. */
export interface TimingReport { clockStepMs: number; sampleMs: number; one: Pair; batch: Pair; batchSize: number }
export interface LabRow { correct: number; total: number; bytes: number; ns: number; q1Ns: number; q3Ns: number }
export interface LabReport {
  recipe: LabRow; recipeFloatCorrect: number; wrapped: number; repairedCorrect: number; quantized: Timing;
}
"#;

/// Hands a record to TypeScript.
pub fn to_js(value: &impl Serialize) -> std::result::Result<JsValue, JsValue> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}

#[derive(Serialize)]
pub struct Answer {
    pub digit: usize,
    pub probabilities: Vec<f32>,
    pub sure: bool,
}

impl Answer {
    pub fn new(logits: &[f32]) -> Self {
        let mut probabilities = vec![0.0; logits.len()];
        softmax(logits, &mut probabilities);
        Self { digit: argmax(logits), probabilities, sure: true }
    }
}

#[derive(Serialize)]
pub struct Answers {
    pub fp32: Answer,
    pub quantized: Answer,
}

#[derive(Serialize)]
pub struct Sample {
    /// Row of the data set.
    pub row: u32,
    pub label: u8,
    pub image: Vec<f32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DataInfo {
    pub width: usize,
    pub height: usize,
    pub max_pixel: u8,
    /// Images to learn from.
    pub train: usize,
    /// Images kept for the test.
    pub test: usize,
    /// Whether that is the makers' own division.
    pub own_test_part: bool,
    /// Whether the training part is a large one, for which defaults and methods differ.
    pub many: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Side {
    correct: usize,
    total: usize,
    file_bytes: usize,
    weight_bytes: usize,
    bias_bytes: usize,
    scale_bytes: usize,
    zero_point_bytes: usize,
    codebook_bytes: usize,
    range_bytes: usize,
    container_bytes: usize,
    parameter_bytes: usize,
    input_scaling_bytes: usize,
}

impl Side {
    fn new(accuracy: metrics::Accuracy, bytes: size::Bytes, file_bytes: usize) -> Self {
        Self {
            correct: accuracy.correct,
            total: accuracy.total,
            file_bytes,
            weight_bytes: bytes.weights,
            bias_bytes: bytes.biases,
            scale_bytes: bytes.scales,
            zero_point_bytes: bytes.zero_points,
            codebook_bytes: bytes.codebooks,
            range_bytes: bytes.ranges,
            container_bytes: bytes.container,
            parameter_bytes: bytes.parameters(),
            input_scaling_bytes: bytes.input_scaling,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evaluation {
    pub fp32: Side,
    pub quantized: Side,
    /// Test images that both models answer alike.
    pub both_agree: usize,
    pub arithmetic: &'static str,
}

impl Evaluation {
    /// Of the models in these files, on the rows `test` of `data`.
    pub fn new(fp32: &[u8], quantized: &[u8], data: &Dataset, test: &[u32], scratch: &mut Scratch) -> Result<Self> {
        let (model, twin) = (model_file::read_model(fp32)?, model_file::read_quantized(quantized)?);
        let answers = answers::Answers::of(&model, &twin, data, test, scratch)?;
        let [fp32_right, quantized_right] = answers.correct();
        Ok(Self {
            both_agree: answers.agreed(),
            arithmetic: twin.arithmetic().name(),
            fp32: Side::new(fp32_right, size::of_model(&model), fp32.len()),
            quantized: Side::new(quantized_right, size::of_quantized(&twin), quantized.len()),
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Timing {
    median_ns: f64,
    q1_ns: f64,
    q3_ns: f64,
    repetitions: u32,
    samples: usize,
}

impl From<timing::Timing> for Timing {
    fn from(t: timing::Timing) -> Self {
        let timing::Timing { median_ns, q1_ns, q3_ns, repetitions, samples } = t;
        Self { median_ns, q1_ns, q3_ns, repetitions, samples }
    }
}

#[derive(Serialize)]
pub struct Pair {
    a: Timing,
    b: Timing,
    ratio: f64,
}

impl From<timing::Pair> for Pair {
    fn from(p: timing::Pair) -> Self {
        Self { a: p.a.into(), b: p.b.into(), ratio: p.ratio }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ceiling {
    pub name: &'static str,
    pub products_per_ns: f64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TimingReport {
    pub clock_step_ms: f64,
    pub sample_ms: f64,
    /// One image, ns: fp32 against quantized.
    pub one: Pair,
    /// The test set, ns a pass.
    pub batch: Pair,
    pub batch_size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabRow {
    pub correct: usize,
    pub total: usize,
    pub bytes: usize,
    /// All test images.
    pub ns: f64,
    pub q1_ns: f64,
    pub q3_ns: f64,
}

impl LabRow {
    pub fn new(accuracy: metrics::Accuracy, bytes: usize, time: timing::Timing) -> Self {
        let metrics::Accuracy { correct, total } = accuracy;
        Self { correct, total, bytes, ns: time.median_ns, q1_ns: time.q1_ns, q3_ns: time.q3_ns }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabReport {
    pub recipe: LabRow,
    pub recipe_float_correct: usize,
    /// Weights that the cast changed.
    pub wrapped: usize,
    /// The lab's own fit, quantized by the contract.
    pub repaired_correct: usize,
    /// All timed images.
    pub quantized: Timing,
}
