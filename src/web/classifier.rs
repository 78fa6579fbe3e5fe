//! One model as a function from pixels to scores, without anything around it.
//!
//! Pixels are written to and scores read from the module's own memory ([`Classifier::pixels`], [`Classifier::scores`]),
//! so that a call costs no allocation and one copy each way.

use wasm_bindgen::prelude::*;

use crate::{
    Error, Result,
    data::{CLASSES, Standardizer},
    format::model_file,
    nn::{Input, Model, Scratch, zoo},
    quant::{QuantizedModel, Scheme},
    random::Random,
};

enum Kind {
    Fp32(Model),
    Quantized(QuantizedModel),
}

/// A model and the memory of its calls.
#[wasm_bindgen]
pub struct Classifier {
    kind: Kind,
    image_size: usize,
    pixels: Vec<f32>,
    scores: Vec<f32>,
    scratch: Scratch,
}

#[wasm_bindgen]
impl Classifier {
    /// From a model file, for at most `rows` images a call; throws when it cannot be read.
    #[wasm_bindgen(constructor)]
    pub fn new(file: &[u8], rows: usize) -> std::result::Result<Self, JsValue> {
        let kind = match model_file::read_model(file) {
            Ok(model) => Kind::Fp32(model),
            Err(error) => Kind::Quantized(model_file::read_quantized(file).map_err(|_| error)?),
        };
        Ok(Self::with(kind, rows))
    }

    /// Where to write the pixels, row-major, image after image: the address of `rows` images of f32.
    pub fn pixels(&self) -> *const f32 {
        self.pixels.as_ptr()
    }

    /// Where the scores are after a call: the address of ten f32 for each image.
    pub fn scores(&self) -> *const f32 {
        self.scores.as_ptr()
    }

    /// Pixels of an image.
    #[wasm_bindgen(getter, js_name = imageSize)]
    pub fn image_size(&self) -> usize {
        self.image_size
    }

    /// Classifies the first `rows` images; false when there is no room for so many or a pixel is not finite.
    pub fn run(&mut self, rows: usize) -> bool {
        let Some(pixels) = self.pixels.get(..rows * self.image_size) else { return false };
        let scores = match &self.kind {
            Kind::Fp32(model) => model.forward(pixels, &mut self.scratch),
            Kind::Quantized(model) => model.forward(pixels, &mut self.scratch),
        };
        scores.map(|scores| self.scores[..scores.len()].copy_from_slice(scores)).is_ok()
    }

    /// Only what comes before the layers (scaling, and rounding where the model is quantized), so that it can be timed.
    pub fn prepare(&mut self, rows: usize) -> bool {
        let Some(pixels) = self.pixels.get(..rows * self.image_size) else { return false };
        match &self.kind {
            Kind::Fp32(model) => model.prepare(pixels, &mut self.scratch),
            Kind::Quantized(model) => model.prepare(pixels, &mut self.scratch),
        }
        .is_ok()
    }
}

impl Classifier {
    fn with(kind: Kind, rows: usize) -> Self {
        let image_size = match &kind {
            Kind::Fp32(model) => model.input().pixels(),
            Kind::Quantized(model) => model.input().pixels(),
        };
        let (pixels, scores) = (vec![0.0; rows * image_size], vec![0.0; rows * CLASSES]);
        Self { kind, image_size, pixels, scores, scratch: Scratch::default() }
    }
}

/// The file of an untrained model for the benchmark: `softmax`, `mlp` (64-32-10), `mlp784` (784-128-64-10) or `cnn`
/// (8x8: conv 8, conv 16, pooling, 10), in fp32 or quantized by the scheme of that name.
#[wasm_bindgen(js_name = benchmarkModel)]
pub fn benchmark_model(name: &str, scheme: &str) -> std::result::Result<Vec<u8>, JsValue> {
    let side = if name == "mlp784" { 28 } else { 8 };
    let scaling = Standardizer { mean: vec![4.9; side * side], std: vec![6.0; side * side] };
    let input = Input::new(side, &scaling);
    let mut random = Random::new(1);
    // Uniform with variance 1 will do for weights that are only multiplied.
    let mut normal = || random.symmetric() * 1.732;
    let model = match name {
        "softmax" => zoo::mlp(input, &[], &mut normal),
        "mlp" => zoo::mlp(input, &[32], &mut normal),
        "mlp784" => zoo::mlp(input, &[128, 64], &mut normal),
        "cnn" => zoo::cnn(input, &[8, 16], &mut normal),
        _ => Err(Error::UnknownName { what: "model of the benchmark", found: name.into() }),
    }?;
    if scheme == "fp32" {
        return Ok(model_file::write_model(&model));
    }
    let calibration: Vec<f32> = (0..32 * side * side).map(|i| (i * 7 % 17) as f32).collect();
    let quantized: Result<_> = QuantizedModel::quantize(&model, Scheme::from_name(scheme)?, &calibration);
    Ok(model_file::write_quantized(&quantized?))
}
