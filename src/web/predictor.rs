//! Both models, answering side by side on the main thread: microseconds a call, no message to any worker.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::dto::{Answer, Answers, to_js};
use crate::{
    Error,
    eval::confidence::{self, Familiarity},
    format::model_file,
    nn::{Model, Scratch, mean_logits},
    quant::QuantizedModel,
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/**
 * When an answer is given: a probability of `threshold` at least, a training image of that digit within `reach` times the
 * usual distance, and a way of the pen of at most `longestWay` times the drawing's longer side.
 */
export interface ConfidenceRule { threshold: number; reach: number; longestWay: number }
"#;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfidenceRule {
    threshold: f32,
    reach: f64,
    longest_way: f32,
}

/// The fp32 model and its quantized version.
#[wasm_bindgen]
pub struct Predictor {
    fp32: Model,
    quantized: QuantizedModel,
    scratch: Scratch,
    /// The least probability that the models are sure of.
    threshold: f32,
    /// What digits look like, once known.
    familiarity: Option<Familiarity>,
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
        let threshold = confidence::threshold(&fp32);
        Ok(Self { fp32, quantized, scratch: Scratch::default(), threshold, familiarity: None })
    }

    /// Lets answers be doubted that look like no digit of the data set: the bytes of [`Lab::familiarity`](super::Lab);
    /// throws when they are none.
    #[wasm_bindgen(js_name = setFamiliarity)]
    pub fn set_familiarity(&mut self, bytes: &[u8]) -> Result<(), JsValue> {
        self.familiarity = Some(Familiarity::from_bytes(bytes)?);
        Ok(())
    }

    /// By what rule these models' answers are doubted.
    #[wasm_bindgen(unchecked_return_type = "ConfidenceRule")]
    pub fn rule(&self) -> Result<JsValue, JsValue> {
        to_js(&ConfidenceRule {
            threshold: self.threshold,
            reach: confidence::REACH,
            longest_way: confidence::LONGEST_WAY,
        })
    }

    /// Answers to one drawing: its writings one after the other, the standard one first, of finite pixels (row-major),
    /// whose logits are averaged. Throws when that is no whole number of images, or none.
    #[wasm_bindgen(unchecked_return_type = "Answers")]
    pub fn predict(&mut self, images: &[f32]) -> Result<JsValue, JsValue> {
        let expected = self.fp32.input().pixels();
        let Some(standard) = images.get(..expected) else {
            return Err(Error::Shape { what: "image", expected, found: images.len() }.into());
        };
        if !images.iter().all(|p| p.is_finite()) {
            return Err(Error::NotFinite { what: "image" }.into());
        }
        let (familiarity, threshold) = (&self.familiarity, self.threshold);
        let answer = |logits: &[f32]| {
            let answer = Answer::new(&mean_logits(logits));
            let familiar = familiarity.as_ref().is_none_or(|known| known.knows(standard, answer.digit));
            Answer { sure: familiar && confidence::sure(&answer.probabilities, threshold), ..answer }
        };
        let fp32 = answer(self.fp32.forward(images, &mut self.scratch)?);
        let quantized = answer(self.quantized.forward(images, &mut self.scratch)?);
        to_js(&Answers { fp32, quantized })
    }
}
