//! The search for the smallest model, for the page.

use std::rc::Rc;

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::{Lab, clock, dto::to_js};
use crate::{
    Error,
    data::Dataset,
    eval::metrics,
    format::model_file,
    nn::{Model, Scratch},
    quant::{
        QuantizedModel, Scheme,
        search::{Candidate, Search},
    },
    random::Random,
};

/// Most training images that schemes are measured on: all 1,437 of the digits.
const IMAGES: usize = 1500;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A scheme; what it has right of the images it was chosen on, of their varied copies, and of the test images. */
export interface Found { scheme: string; bytes: number; correct: number; varied: number; testCorrect: number }
/** `total`, `testTotal`: images of either kind; `measured`: how many schemes were. */
export interface SearchResult {
  fp32: Found; best: Found; uniform: Found; total: number; testTotal: number; measured: number;
}
"#;

/// A search under way. It has the data set and the model to itself, so anything else may go on beside it.
#[wasm_bindgen]
pub struct Searcher {
    search: Search,
    data: Rc<Dataset>,
    test: Vec<u32>,
    model: Model,
    calibration: Vec<f32>,
}

#[wasm_bindgen]
impl Lab {
    /// Begins a search for the smallest quantized model of `fp32` that loses at most `points` of (at most 1,500 of) the
    /// training images of the split `seed`, and of their varied copies. Activations are treated as `scheme` says; static ranges are taken as by
    /// [`Lab::quantize`].
    pub fn search(
        &self,
        fp32: &[u8],
        scheme: &str,
        seed: u32,
        samples: usize,
        calibration_seed: u32,
        points: f64,
    ) -> Result<Searcher, JsValue> {
        let (model, activations) = (model_file::read_model(fp32)?, Scheme::from_name(scheme)?.activations());
        let calibration =
            if activations.is_static() { self.calibration(seed, samples, calibration_seed) } else { Vec::new() };
        let split = self.split(seed);
        let mut train = split.train;
        Random::new(seed.into()).shuffle(&mut train);
        train.truncate(IMAGES);
        let search = Search::new(model.clone(), activations, &calibration, &self.data, &train, points)?;
        Ok(Searcher { search, data: Rc::clone(&self.data), test: split.test, model, calibration })
    }
}

#[wasm_bindgen]
impl Searcher {
    /// Goes on for `milliseconds`, one scheme at least; whether the search has ended.
    pub fn step(&mut self, milliseconds: f64) -> Result<bool, JsValue> {
        let end = clock::now() + milliseconds;
        loop {
            if self.search.step()? {
                return Ok(true);
            }
            if clock::now() >= end {
                return Ok(false);
            }
        }
    }

    /// Share of the work that is done, 0 to 1.
    pub fn share(&self) -> f64 {
        self.search.share()
    }

    /// The smallest so far, and what it is compared with, on the test images too.
    #[wasm_bindgen(unchecked_return_type = "SearchResult")]
    pub fn result(&self) -> Result<JsValue, JsValue> {
        let none = || Error::Shape { what: "list of schemes", expected: 1, found: 0 };
        let exact = *self.search.measured().first().ok_or_else(none)?;
        let found = |one: Option<Candidate>| self.tested(one.unwrap_or(exact));
        to_js(&SearchResult {
            fp32: found(None)?,
            best: found(self.search.best())?,
            uniform: found(self.search.best_uniform())?,
            total: exact.accuracy.total,
            test_total: self.test.len(),
            measured: self.search.measured().len(),
        })
    }

    fn tested(&self, one: Candidate) -> Result<Found, JsValue> {
        let model = QuantizedModel::quantize(&self.model, one.scheme, &self.calibration)?;
        let (pixels, labels) = self.data.gather(&self.test);
        let test = metrics::of_quantized(&model, &pixels, &labels, &mut Scratch::default())?;
        Ok(Found {
            scheme: one.scheme.name(),
            bytes: one.bytes,
            correct: one.accuracy.correct,
            varied: one.varied.correct,
            test_correct: test.correct,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SearchResult {
    fp32: Found,
    best: Found,
    uniform: Found,
    total: usize,
    test_total: usize,
    measured: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Found {
    scheme: String,
    bytes: usize,
    correct: usize,
    varied: usize,
    test_correct: usize,
}
