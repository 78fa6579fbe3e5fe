//! The job worker's side: train, quantize, evaluate, time. A model goes in and out as the bytes of its file.

use core::hint::black_box;

use wasm_bindgen::prelude::*;

use super::{
    clock,
    dto::{self, LabRow, Side, to_js},
};
use crate::{
    Error,
    data::{CLASSES, Dataset, Split, digits},
    eval::{metrics, size, timing},
    format::model_file,
    nn::{Model, Scratch, argmax},
    quant::{QuantizedModel, Scheme, naive},
    train::{SoftmaxSettings, SoftmaxTrainer},
};

/// Training rows that static ranges are taken from.
const CALIBRATION_ROWS: usize = 256;

/// The digits and what can be done with them.
#[wasm_bindgen]
pub struct Lab {
    data: Dataset,
    trainer: Option<SoftmaxTrainer>,
    scratch: Scratch,
}

#[wasm_bindgen]
impl Lab {
    /// Unpacks the data set.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self { data: digits::load(), trainer: None, scratch: Scratch::default() }
    }

    /// Begins a fit on the training rows of the split `seed`; throws when `c` makes no sense.
    #[wasm_bindgen(unchecked_return_type = "Progress")]
    pub fn start(&mut self, seed: u32, c: f64) -> Result<JsValue, JsValue> {
        let settings = SoftmaxSettings { c, ..SoftmaxSettings::default() };
        let trainer = SoftmaxTrainer::new(&self.data, &self.split(seed).train, settings)?;
        to_js(&dto::Progress::from(self.trainer.insert(trainer).progress()))
    }

    /// Iterates until the fit has ended or `milliseconds` are over, but once at least; tells of every iteration.
    #[wasm_bindgen(unchecked_return_type = "Progress[]")]
    pub fn step(&mut self, milliseconds: f64) -> Result<JsValue, JsValue> {
        let trainer = self.trainer.as_mut().ok_or_else(|| JsError::new("No training has been started."))?;
        let end = clock::now() + milliseconds;
        let mut steps = vec![dto::Progress::from(trainer.step()?)];
        while !trainer.progress().done && clock::now() < end {
            steps.push(trainer.step()?.into());
        }
        to_js(&steps)
    }

    /// Test image `number` (counted round) of the split `seed`.
    #[wasm_bindgen(unchecked_return_type = "Sample")]
    pub fn sample(&self, seed: u32, number: usize) -> Result<JsValue, JsValue> {
        let test = self.split(seed).test;
        let row = test[number % test.len()];
        let (image, labels) = self.data.gather(&[row]);
        to_js(&dto::Sample { row, label: labels[0], image })
    }

    /// The file of the fp32 model as far as it is fitted.
    pub fn model(&self) -> Result<Vec<u8>, JsValue> {
        let trainer = self.trainer.as_ref().ok_or_else(|| JsError::new("No training has been started."))?;
        Ok(model_file::write_model(&trainer.model()?))
    }

    /// The file of the model `fp32`, quantized by the scheme of that name; static ranges are taken from the first
    /// [`CALIBRATION_ROWS`] training rows of the split `seed`.
    pub fn quantize(&self, fp32: &[u8], scheme: &str, seed: u32) -> Result<Vec<u8>, JsValue> {
        let train = self.split(seed).train;
        let (calibration, _) = self.data.gather(&train[..train.len().min(CALIBRATION_ROWS)]);
        let quantized =
            QuantizedModel::quantize(&model_file::read_model(fp32)?, Scheme::from_name(scheme)?, &calibration)?;
        Ok(model_file::write_quantized(&quantized))
    }

    /// Size and test accuracy of both models on the split `seed`.
    #[wasm_bindgen(unchecked_return_type = "Evaluation")]
    pub fn evaluate(&mut self, fp32: &[u8], quantized: &[u8], seed: u32) -> Result<JsValue, JsValue> {
        let (model, twin) = (model_file::read_model(fp32)?, model_file::read_quantized(quantized)?);
        let (pixels, labels) = self.data.gather(&self.split(seed).test);
        let logits = model.forward(&pixels, &mut self.scratch)?.to_vec();
        let twin_logits = twin.forward(&pixels, &mut self.scratch)?;
        let pairs = logits.chunks_exact(CLASSES).zip(twin_logits.chunks_exact(CLASSES));
        to_js(&dto::Evaluation {
            both_agree: pairs.filter(|(a, b)| argmax(a) == argmax(b)).count(),
            fp32: Side::new(metrics::accuracy(&logits, &labels), size::of_model(&model), fp32.len()),
            quantized: Side::new(metrics::accuracy(twin_logits, &labels), size::of_quantized(&twin), quantized.len()),
        })
    }

    /// Times both models in turn, on one test image and on the whole test set, in `pairs` pairs of samples.
    #[wasm_bindgen(unchecked_return_type = "TimingReport")]
    pub fn time(&mut self, fp32: &[u8], quantized: &[u8], seed: u32, pairs: usize) -> Result<JsValue, JsValue> {
        let (model, twin) = (model_file::read_model(fp32)?, model_file::read_quantized(quantized)?);
        let (pixels, labels) = self.data.gather(&self.split(seed).test);
        let one = &pixels[..model.input().pixels()];
        let step = timing::clock_step(clock::now);
        to_js(&dto::TimingReport {
            clock_step_ms: step,
            one: timing::pair(
                pairs,
                timing::MIN_SAMPLE_MS,
                step,
                clock::now,
                run(&model, one),
                run_quantized(&twin, one),
            )
            .into(),
            batch: timing::pair(
                pairs,
                timing::MIN_SAMPLE_MS,
                step,
                clock::now,
                run(&model, &pixels),
                run_quantized(&twin, &pixels),
            )
            .into(),
            batch_size: labels.len(),
        })
    }

    /// What the published lab's table is compared with: its mistake re-run, and `quantized` (trained on the split `seed`).
    #[wasm_bindgen(js_name = labReport, unchecked_return_type = "LabReport")]
    pub fn lab_report(&mut self, quantized: &[u8], seed: u32, pairs: usize) -> Result<JsValue, JsValue> {
        let twin = model_file::read_quantized(quantized)?;
        let recipe = naive::lab_model(&self.data)?;
        let lab_test = self.data.gather(&self.split(Split::DEFAULT_SEED).test);
        let own_test = self.data.gather(&self.split(seed).test);
        let step = timing::clock_step(clock::now);
        let times = timing::pair(
            pairs,
            timing::MIN_SAMPLE_MS,
            step,
            clock::now,
            run(&recipe, &lab_test.0),
            run_quantized(&twin, &own_test.0),
        );

        let mut correct = |model: &Model| -> Result<_, Error> {
            Ok(metrics::accuracy(model.forward(&lab_test.0, &mut self.scratch)?, &lab_test.1))
        };
        let recipe_correct = correct(&recipe)?;
        let recipe_float_correct = correct(&naive::lab_model_float(&self.data)?)?.correct;
        let repaired_correct = correct(&naive::lab_model_repaired(&self.data)?)?.correct;
        let own_correct = metrics::accuracy(twin.forward(&own_test.0, &mut self.scratch)?, &own_test.1);
        let recipe_bytes = CLASSES * recipe.input().pixels() + size::of_model(&recipe).biases;
        to_js(&dto::LabReport {
            recipe: LabRow::new(recipe_correct, recipe_bytes, times.a),
            recipe_float_correct,
            wrapped: naive::lab_fit().0.iter().filter(|&&w| naive::leaves_int8(w)).count(),
            repaired_correct,
            int8: LabRow::new(own_correct, size::of_quantized(&twin).parameters(), times.b),
        })
    }

    fn split(&self, seed: u32) -> Split {
        self.data.split(seed)
    }
}

/// One inference of all `pixels`, for the timer. The models have been evaluated before, so no error can come.
fn run<'a>(model: &'a Model, pixels: &'a [f32]) -> impl FnMut() + 'a {
    let mut scratch = Scratch::default();
    move || {
        let _ = black_box(model.forward(black_box(pixels), &mut scratch));
    }
}

fn run_quantized<'a>(model: &'a QuantizedModel, pixels: &'a [f32]) -> impl FnMut() + 'a {
    let mut scratch = Scratch::default();
    move || {
        let _ = black_box(model.forward(black_box(pixels), &mut scratch));
    }
}
