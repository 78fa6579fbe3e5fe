//! Both models, answering side by side on the main thread: microseconds a call, no message to any worker.

use wasm_bindgen::prelude::*;

use super::dto::{Answer, Answers, to_js};
use crate::{
    Error,
    format::model_file,
    nn::{Model, Scratch},
    quant::QuantizedModel,
};

/// The fp32 model and its quantized version.
#[wasm_bindgen]
pub struct Predictor {
    fp32: Model,
    quantized: QuantizedModel,
    scratch: Scratch,
}

#[wasm_bindgen]
impl Predictor {
    /// From the bytes of two model files; throws when either cannot be read or they see different images.
    #[wasm_bindgen(constructor)]
    pub fn new(fp32: &[u8], quantized: &[u8]) -> Result<Self, JsValue> {
        let (fp32, quantized) = (model_file::read_model(fp32)?, model_file::read_quantized(quantized)?);
        let (expected, found) = (fp32.input().pixels(), quantized.input().pixels());
        if expected != found {
            return Err(Error::Shape { what: "quantized model's input", expected, found }.into());
        }
        Ok(Self { fp32, quantized, scratch: Scratch::default() })
    }

    /// Answers to one image of finite pixels (row-major); throws when it has another size.
    #[wasm_bindgen(unchecked_return_type = "Answers")]
    pub fn predict(&mut self, image: &[f32]) -> Result<JsValue, JsValue> {
        let expected = self.fp32.input().pixels();
        if image.len() != expected {
            return Err(Error::Shape { what: "image", expected, found: image.len() }.into());
        }
        if !image.iter().all(|p| p.is_finite()) {
            return Err(Error::NotFinite { what: "image" }.into());
        }
        let fp32 = Answer::new(self.fp32.forward(image, &mut self.scratch)?);
        let quantized = Answer::new(self.quantized.forward(image, &mut self.scratch)?);
        to_js(&Answers { fp32, quantized })
    }
}
