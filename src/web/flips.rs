//! Test images that the two models answer differently, and what each takes for what.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{
    Lab,
    dto::{self, to_js},
};
use crate::{
    eval::answers::{Answers, Flip},
    format::model_file,
};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A test image that both models answer differently: broken (right, then wrong), fixed (wrong, then right) or changed
 * (wrong, and otherwise wrong). */
export interface FlippedImage extends Sample {
  kind: "broken" | "fixed" | "changed"; fp32: Omit<Answer, "sure">; quantized: Omit<Answer, "sure">;
}
/** Counts over all test images, answers by label `[10, 10]`, and the first of the images themselves. */
export interface Flips {
  tested: number; broken: number; fixed: number; changed: number;
  fp32: number[]; quantized: number[]; images: FlippedImage[];
}
"#;

/// Most images that are handed over: more than anyone looks at.
const MOST_IMAGES: usize = 200;

#[derive(Serialize)]
struct FlippedImage {
    row: u32,
    label: u8,
    image: Vec<f32>,
    kind: &'static str,
    fp32: dto::Answer,
    quantized: dto::Answer,
}

#[derive(Serialize)]
struct Flips {
    tested: usize,
    broken: usize,
    fixed: usize,
    changed: usize,
    fp32: Vec<usize>,
    quantized: Vec<usize>,
    images: Vec<FlippedImage>,
}

#[wasm_bindgen]
impl Lab {
    /// Where both models differ on the test images of the split `seed`.
    #[wasm_bindgen(unchecked_return_type = "Flips")]
    pub fn flips(&mut self, fp32: &[u8], quantized: &[u8], seed: u32) -> Result<JsValue, JsValue> {
        let (model, twin) = (model_file::read_model(fp32)?, model_file::read_quantized(quantized)?);
        let test = self.data.split(seed).test;
        let answers = Answers::of(&model, &twin, &self.data, &test, &mut self.scratch)?;
        let flips: Vec<(usize, Flip)> = answers.flips().collect();

        let shown = &flips[..flips.len().min(MOST_IMAGES)];
        let mut images = Vec::new();
        for &(at, flip) in shown {
            let row = test[at];
            let (image, labels) = self.data.gather(&[row]);
            images.push(FlippedImage {
                kind: name(flip),
                fp32: dto::Answer::new(model.forward(&image, &mut self.scratch)?),
                quantized: dto::Answer::new(twin.forward(&image, &mut self.scratch)?),
                row,
                label: labels[0],
                image,
            });
        }
        let count = |wanted| flips.iter().filter(|(_, flip)| *flip == wanted).count();
        let [fp32, quantized] = answers.confusions();
        to_js(&Flips {
            tested: test.len(),
            broken: count(Flip::Broken),
            fixed: count(Flip::Fixed),
            changed: count(Flip::Changed),
            fp32,
            quantized,
            images,
        })
    }
}

const fn name(flip: Flip) -> &'static str {
    match flip {
        Flip::Broken => "broken",
        Flip::Fixed => "fixed",
        Flip::Changed => "changed",
    }
}
