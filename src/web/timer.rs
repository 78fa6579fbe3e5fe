//! Timing of models, in a worker that does nothing else: whoever asks for a new model is not kept waiting.

use core::hint::black_box;

use wasm_bindgen::prelude::*;

use super::{
    Lab, clock,
    dto::{self, LabRow, to_js},
};
use crate::{
    Error,
    data::{CLASSES, Split},
    eval::{metrics, size, timing},
    format::model_file,
    nn::{Input, Model, Scratch},
    quant::{
        QuantizedModel,
        naive::{self, Cast, Integers},
    },
};

/// Times both models in turn, on the first of `images` and on all of them, in `pairs` pairs of samples.
#[wasm_bindgen(js_name = timeModels, unchecked_return_type = "TimingReport")]
pub fn time_models(fp32: &[u8], quantized: &[u8], images: &[f32], pairs: usize) -> Result<JsValue, JsValue> {
    let (model, twin) = (model_file::read_model(fp32)?, model_file::read_quantized(quantized)?);
    let one = first(model.input(), images)?;
    let step = timing::clock_step(clock::now);
    let pair = |images| {
        let (a, b) = (run(&model, images), run_quantized(&twin, images));
        dto::Pair::from(timing::pair(pairs, timing::MIN_SAMPLE_MS, step, clock::now, a, b))
    };
    to_js(&dto::TimingReport {
        clock_step_ms: step,
        sample_ms: timing::sample_ms(timing::MIN_SAMPLE_MS, step),
        one: pair(one),
        batch: pair(images),
        batch_size: model.input().images(images)?,
    })
}

/// Times a quantized model alone on the first of `images`, in `samples` samples of at least `shortest` milliseconds.
#[wasm_bindgen(js_name = timeOne, unchecked_return_type = "Timing")]
pub fn time_one(quantized: &[u8], images: &[f32], samples: usize, shortest: f64) -> Result<JsValue, JsValue> {
    let twin = model_file::read_quantized(quantized)?;
    let image = first(twin.input(), images)?;
    let step = timing::clock_step(clock::now);
    to_js(&dto::Timing::from(timing::one(samples, shortest, step, clock::now, run_quantized(&twin, image))))
}

#[wasm_bindgen]
impl Lab {
    /// What the published lab's table is compared with: its mistake re-run on the digits, and the time that `quantized` takes
    /// for `images`.
    #[wasm_bindgen(js_name = labReport, unchecked_return_type = "LabReport")]
    pub fn lab_report(&self, quantized: &[u8], images: &[f32], pairs: usize) -> Result<JsValue, JsValue> {
        let twin = model_file::read_quantized(quantized)?;
        let digits = &*self.digits;
        let fit = naive::lab_model(digits)?;
        let weights = naive::only_layer(&fit)?.weight();
        let (wrapped, scaled) = (Integers::new(weights, Cast::Wrap)?, Integers::new(weights, Cast::Scale)?);
        let recipe = naive::with_integers(&fit, &wrapped)?;
        let (pixels, labels) = digits.gather(&digits.split(Split::DEFAULT_SEED).test);
        let step = timing::clock_step(clock::now);
        let (a, b) = (run(&recipe, &pixels), run_quantized(&twin, images));
        let times = timing::pair(pairs, timing::MIN_SAMPLE_MS, step, clock::now, a, b);

        let mut scratch = Scratch::default();
        let mut correct = |model: &Model| -> Result<_, Error> {
            Ok(metrics::accuracy(model.forward(&pixels, &mut scratch)?, &labels))
        };
        let recipe_correct = correct(&recipe)?;
        let recipe_bytes = CLASSES * recipe.input().pixels() + size::of_model(&recipe).biases;
        to_js(&dto::LabReport {
            recipe: LabRow::new(recipe_correct, recipe_bytes, times.a),
            recipe_float_correct: correct(&fit)?.correct,
            wrapped: wrapped.changed(),
            repaired_correct: correct(&naive::with_integers(&fit, &scaled)?)?.correct,
            quantized: times.b.into(),
        })
    }
}

/// The first of `images`.
fn first<'a>(input: &Input, images: &'a [f32]) -> Result<&'a [f32], Error> {
    let pixels = input.pixels();
    images.get(..pixels).ok_or(Error::Shape { what: "image", expected: pixels, found: images.len() })
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
