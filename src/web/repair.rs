//! The lab's mistake and its repair, step by step: on the lab's own fit, and on softmax regression trained here.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{Lab, dto::to_js};
use crate::{
    Result,
    data::{CLASSES, Dataset, Split},
    eval::confusion::confusion,
    format::model_file,
    nn::{Model, Scratch, argmax},
    quant::naive::{self, Cast, Integers},
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Weights as integers: the nearest one to each weight (which may not fit int8) and the stored one, `[10, pixels]`;
 * the distance of two integers; answers by label, `[10, 10]`. */
export interface CastStep { scale: number; nearest: number[]; stored: number[]; confusion: number[] }
/** Softmax regression in fp32, weights `[10, pixels]`, and cast to int8 in three ways. */
export interface Repair {
  weights: number[]; confusion: number[]; casts: [wrap: CastStep, saturate: CastStep, scale: CastStep];
}
"#;

#[derive(Serialize)]
struct CastStep {
    scale: f32,
    nearest: Vec<i32>,
    stored: Vec<i32>,
    confusion: Vec<usize>,
}

#[derive(Serialize)]
struct Repair {
    weights: Vec<f32>,
    confusion: Vec<usize>,
    casts: Vec<CastStep>,
}

#[wasm_bindgen]
impl Lab {
    /// The published lab's fit in fp32 and cast to int8 in three ways, on the lab's test images.
    #[wasm_bindgen(js_name = repairLab, unchecked_return_type = "Repair")]
    pub fn repair_lab(&mut self) -> core::result::Result<JsValue, JsValue> {
        let digits = &*self.digits;
        let test = digits.split(Split::DEFAULT_SEED).test;
        to_js(&Repair::new(&naive::lab_model(digits)?, digits, &test, &mut self.scratch)?)
    }

    /// The same of the softmax regression `fp32`, on the test images of the split `seed`; throws when it has more than
    /// one layer.
    #[wasm_bindgen(js_name = repairModel, unchecked_return_type = "Repair")]
    pub fn repair_model(&mut self, fp32: &[u8], seed: u32) -> core::result::Result<JsValue, JsValue> {
        let model = model_file::read_model(fp32)?;
        let test = self.data.split(seed).test;
        to_js(&Repair::new(&model, &self.data, &test, &mut self.scratch)?)
    }
}

impl Repair {
    fn new(model: &Model, data: &Dataset, test: &[u32], scratch: &mut Scratch) -> Result<Self> {
        let weights = naive::only_layer(model)?.weight();
        let images = data.gather(test);
        let mut casts = Vec::new();
        for cast in Cast::ALL {
            let integers = Integers::new(weights, cast)?;
            let confusion = judge(&naive::with_integers(model, &integers)?, &images, scratch)?;
            let Integers { scale, nearest, stored } = integers;
            casts.push(CastStep { scale, nearest, stored, confusion });
        }
        Ok(Self { weights: weights.to_vec(), confusion: judge(model, &images, scratch)?, casts })
    }
}

/// What `model` takes for what, of images and their labels.
fn judge(model: &Model, (pixels, labels): &(Vec<f32>, Vec<u8>), scratch: &mut Scratch) -> Result<Vec<usize>> {
    let logits = model.forward(pixels, scratch)?;
    let answers: Vec<u8> = logits.chunks_exact(CLASSES).map(|row| argmax(row) as u8).collect();
    Ok(confusion(labels, &answers))
}
