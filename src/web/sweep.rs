//! One scheme after the other for one model, each compared with it on the same test images.

use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{Lab, dto::to_js};
use crate::{
    data::Dataset,
    eval::{answers::Answers, metrics::Accuracy, size, statistics},
    format::model_file,
    nn::{Model, Scratch},
    quant::{Correction, Scheme},
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** What a scheme makes of a model. `fp32Alone`, `quantizedAlone`: test images that only one of them has right; `low` and
 * `high`: Wilson's 95 % interval of the accuracy; `p`: of McNemar's exact test. */
export interface Judged {
  correct: number; total: number; low: number; high: number;
  agreed: number; fp32Alone: number; quantizedAlone: number; p: number;
  parameterBytes: number; fileBytes: number;
}
"#;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Judged {
    correct: usize,
    total: usize,
    low: f64,
    high: f64,
    agreed: usize,
    fp32_alone: usize,
    quantized_alone: usize,
    p: f64,
    parameter_bytes: usize,
    file_bytes: usize,
}

/// A model with its answers to the test images: what all its schemes are compared with.
#[wasm_bindgen]
pub struct Sweep {
    model: Model,
    data: Rc<Dataset>,
    test: Vec<u32>,
    calibration: Vec<f32>,
    correction: Correction,
    answers: Answers,
    scratch: Scratch,
}

#[wasm_bindgen]
impl Lab {
    /// Asks the model `fp32` about the test images of the split `seed`. Calibrated is as by [`Lab::quantize`].
    pub fn sweep(
        &self,
        fp32: &[u8],
        seed: u32,
        samples: usize,
        calibration_seed: u32,
        correction: &str,
    ) -> Result<Sweep, JsValue> {
        let correction = Correction::from_name(correction)?;
        let (model, test) = (model_file::read_model(fp32)?, self.split(seed).test);
        let mut scratch = Scratch::default();
        let answers = Answers::of_model(&model, &self.data, &test, &mut scratch)?;
        let calibration = self.calibration(seed, samples, calibration_seed);
        Ok(Sweep { model, data: self.data.clone(), test, calibration, correction, answers, scratch })
    }
}

#[wasm_bindgen]
impl Sweep {
    /// The file of the model, quantized by the scheme of that name.
    pub fn quantize(&self, scheme: &str) -> Result<Vec<u8>, JsValue> {
        let scheme = Scheme::from_name(scheme)?;
        Ok(model_file::write_quantized(&self.correction.quantize(&self.model, scheme, &self.calibration)?))
    }

    /// Compares the quantized model of that file.
    #[wasm_bindgen(unchecked_return_type = "Judged")]
    pub fn judge(&mut self, quantized: &[u8]) -> Result<JsValue, JsValue> {
        let twin = model_file::read_quantized(quantized)?;
        self.answers.ask(&twin, &self.data, &self.test, &mut self.scratch)?;
        let [_, right] = self.answers.correct();
        let [low, high] = statistics::wilson(right);
        let [fp32_alone, quantized_alone] = self.answers.right_alone();
        let Accuracy { correct, total } = right;
        to_js(&Judged {
            correct,
            total,
            low,
            high,
            agreed: self.answers.agreed(),
            fp32_alone,
            quantized_alone,
            p: statistics::mcnemar(fp32_alone, quantized_alone),
            parameter_bytes: size::of_quantized(&twin).parameters(),
            file_bytes: quantized.len(),
        })
    }
}
