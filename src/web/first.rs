//! The first pair of models, made on the main thread: no worker has to start before the first drawing is answered.

use wasm_bindgen::prelude::*;

use super::{
    dto::{self, to_js},
    progress::{Progress, Step},
};
use crate::{
    data::{Dataset, Split, digits},
    eval::confidence::Familiarity,
    format::model_file,
    nn::Scratch,
    quant::{QuantizedModel, Scheme},
    train::{SoftmaxSettings, SoftmaxTrainer},
};

/// Softmax regression on the digits, and its quantized version: what [`Lab`](super::Lab) makes of the same settings.
#[wasm_bindgen]
pub struct First {
    data: Dataset,
    split: Split,
    trainer: SoftmaxTrainer,
}

#[wasm_bindgen]
impl First {
    /// Begins to fit the training rows of the split `seed`, with the default regularisation; `digits`: the file of the
    /// digits.
    #[wasm_bindgen(constructor)]
    pub fn new(digits: &[u8], seed: u32) -> Result<Self, JsValue> {
        let data = digits::unpack(digits)?;
        let split = data.split(seed);
        let trainer = SoftmaxTrainer::new(&data, &split.train, SoftmaxSettings::default())?;
        Ok(Self { data, split, trainer })
    }

    /// One iteration of the fit.
    #[wasm_bindgen(unchecked_return_type = "Progress")]
    pub fn step(&mut self) -> Result<JsValue, JsValue> {
        let state = self.trainer.step()?;
        to_js(&Progress { done: state.done, steps: vec![Step::from(state)], ..Progress::default() })
    }

    /// The file of the fp32 model.
    pub fn model(&self) -> Result<Vec<u8>, JsValue> {
        Ok(model_file::write_model(&self.trainer.model()?))
    }

    /// The file of the model `fp32`, quantized by the scheme of that name, of dynamic or no activation ranges.
    pub fn quantize(&self, fp32: &[u8], scheme: &str) -> Result<Vec<u8>, JsValue> {
        let (model, scheme) = (model_file::read_model(fp32)?, Scheme::from_name(scheme)?);
        Ok(model_file::write_quantized(&QuantizedModel::quantize(&model, scheme, &[])?))
    }

    /// What the training images look like: see [`Predictor::set_familiarity`](super::Predictor::set_familiarity).
    pub fn familiarity(&self) -> Vec<u8> {
        Familiarity::new(&self.data, &self.split.train).to_bytes()
    }

    /// Size and test accuracy of both models.
    #[wasm_bindgen(unchecked_return_type = "Evaluation")]
    pub fn evaluate(&self, fp32: &[u8], quantized: &[u8]) -> Result<JsValue, JsValue> {
        to_js(&dto::Evaluation::new(fp32, quantized, &self.data, &self.split.test, &mut Scratch::default())?)
    }
}
