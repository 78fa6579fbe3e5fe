//! The job worker's side: train, quantize, evaluate, time. A model goes in and out as the bytes of its file.

use std::rc::Rc;

use js_sys::Float32Array;
use wasm_bindgen::prelude::*;

use super::{
    dto::{self, to_js},
    strokes::points,
    training::{Request, Training},
};
use crate::{
    Error,
    data::{
        Dataset, Split, digits,
        files::{self, File},
        gzip,
    },
    eval::confidence::Familiarity,
    format::model_file,
    nn::Scratch,
    quant::{Correction, Scheme},
    random::Random,
    train::{Architecture, FineTuner, FineTuning, Own},
};

/// Most test images in a timed pass: all 360 of the digits.
const TIMED_ROWS: usize = 360;

/// A data set and what can be done with it: the digits, until files are read.
#[wasm_bindgen]
pub struct Lab {
    pub(super) digits: Rc<Dataset>,
    /// The one in use.
    pub(super) data: Rc<Dataset>,
    /// Files handed over, until they are read together.
    files: Vec<File>,
    training: Option<Training>,
    pub(super) scratch: Scratch,
}

#[wasm_bindgen]
impl Lab {
    /// `digits`: the file of the digits.
    #[wasm_bindgen(constructor)]
    pub fn new(digits: &[u8]) -> Result<Self, JsValue> {
        let digits = Rc::new(digits::unpack(digits)?);
        let data = Rc::clone(&digits);
        Ok(Self { digits, data, files: Vec::new(), training: None, scratch: Scratch::default() })
    }

    /// Throws when a file of so many bytes is too large to be handed over.
    #[wasm_bindgen(js_name = checkFile)]
    pub fn check_file(&self, name: String, bytes: f64) -> Result<(), JsValue> {
        if bytes <= gzip::MAX_BYTES as f64 {
            return Ok(());
        }
        Err(Error::File { name, cause: Box::new(Error::FileTooLarge) }.into())
    }

    /// Forgets the files handed over.
    #[wasm_bindgen(js_name = dropFiles)]
    pub fn drop_files(&mut self) {
        self.files.clear();
    }

    /// Hands over a file of a data set, to be read by [`Lab::read_files`].
    #[wasm_bindgen(js_name = addFile)]
    pub fn add_file(&mut self, name: String, bytes: Vec<u8>) {
        self.files.push(File { name, bytes });
    }

    /// Puts the files handed over together to the data set in use from now on; throws when they are none, and the one
    /// in use stays.
    #[wasm_bindgen(js_name = readFiles)]
    pub fn read_files(&mut self) -> Result<(), JsValue> {
        let data = files::read(core::mem::take(&mut self.files))?;
        self.training = None;
        self.data = Rc::new(data);
        Ok(())
    }

    /// The data set in use.
    #[wasm_bindgen(unchecked_return_type = "DataInfo")]
    pub fn data(&self) -> Result<JsValue, JsValue> {
        let Split { train, test } = self.data.split(Split::DEFAULT_SEED);
        to_js(&dto::DataInfo {
            width: self.data.width(),
            height: self.data.height(),
            max_pixel: self.data.max_pixel(),
            train: train.len(),
            test: test.len(),
            own_test_part: self.data.has_test_part(),
            many: train.len() > Architecture::MANY,
        })
    }

    /// Begins a training on the training rows of the split that the request's seed gives; throws when a setting makes no
    /// sense.
    pub fn start(&mut self, request: &Request) -> Result<(), JsValue> {
        self.training = None;
        self.training = Some(Training::start(&self.data, &self.split(request.seed()).train, request)?);
        Ok(())
    }

    /// Begins to train the model `fp32` on as the quantized model of that scheme, on the training rows of the split `seed`.
    #[wasm_bindgen(js_name = startAware)]
    pub fn start_aware(&mut self, fp32: &[u8], scheme: &str, seed: u32) -> Result<(), JsValue> {
        self.training = None;
        let (model, scheme) = (model_file::read_model(fp32)?, Scheme::from_name(scheme)?);
        self.training = Some(Training::start_aware(&self.data, &self.split(seed).train, &model, scheme, seed)?);
        Ok(())
    }

    /// Begins to train the model `fp32` on as long, and as, [`Lab::start_aware`] does for that scheme, but without rounding:
    /// what the training alone brings.
    #[wasm_bindgen(js_name = startControl)]
    pub fn start_control(&mut self, fp32: &[u8], scheme: &str, seed: u32) -> Result<(), JsValue> {
        self.training = None;
        let (model, scheme) = (model_file::read_model(fp32)?, Scheme::from_name(scheme)?);
        self.training = Some(Training::start_control(&self.data, &self.split(seed).train, &model, &scheme, seed)?);
        Ok(())
    }

    /// The file of the quantized model that [`Lab::start_aware`] has begun.
    #[wasm_bindgen(js_name = awareModel)]
    pub fn aware_model(&self) -> Result<Vec<u8>, JsValue> {
        let quantized = self.training.as_ref().map(Training::quantized).transpose()?.flatten();
        let quantized = quantized.ok_or_else(|| JsError::new("No quantization-aware training has been started."))?;
        Ok(model_file::write_quantized(&quantized))
    }

    /// Trains for `milliseconds`, but one step at least; with `one` no longer than to the end of an iteration or epoch.
    #[wasm_bindgen(unchecked_return_type = "Progress")]
    pub fn step(&mut self, milliseconds: f64, one: bool) -> Result<JsValue, JsValue> {
        let training = self.training.as_mut().ok_or_else(|| JsError::new("No training has been started."))?;
        to_js(&training.run(milliseconds, one)?)
    }

    /// Test image `number` (counted round) of the split `seed`.
    #[wasm_bindgen(unchecked_return_type = "Sample")]
    pub fn sample(&self, seed: u32, number: usize) -> Result<JsValue, JsValue> {
        let test = self.split(seed).test;
        let row = test[number % test.len()];
        let (image, labels) = self.data.gather(&[row]);
        to_js(&dto::Sample { row, label: labels[0], image })
    }

    /// What the training images of the split `seed` look like, for a [`Predictor`](super::Predictor) that shall know
    /// what is no digit.
    pub fn familiarity(&self, seed: u32) -> Vec<u8> {
        Familiarity::new(&self.data, &self.split(seed).train).to_bytes()
    }

    /// Goes on training the model `fp32` with drawings of the visitor's own: `strokes` as from
    /// [`Pad::stroke_points`](super::Pad), `counts` tells how many make up each drawing, `labels` which digit it is.
    /// Returns the file of the new model; throws when the drawings make no sense.
    #[wasm_bindgen(js_name = fineTune)]
    pub fn fine_tune(
        &self,
        fp32: &[u8],
        seed: u32,
        strokes: Vec<Float32Array>,
        counts: &[usize],
        labels: &[u8],
    ) -> Result<Vec<u8>, JsValue> {
        let model = model_file::read_model(fp32)?;
        let strokes = points(&strokes);
        let mut rest = strokes.as_slice();
        let mut drawings = Vec::new();
        for (&count, &label) in counts.iter().zip(labels) {
            let (strokes, after) = rest.split_at(count.min(rest.len()));
            drawings.push(Own { strokes, label });
            rest = after;
        }
        let train = self.split(seed).train;
        let mut tuner = FineTuner::new(&model, &self.data, &train, &drawings, FineTuning::of(&model, seed))?;
        while !tuner.step()? {}
        Ok(model_file::write_model(&tuner.model()?))
    }

    /// The file of the best fp32 model so far.
    pub fn model(&self) -> Result<Vec<u8>, JsValue> {
        let training = self.training.as_ref().ok_or_else(|| JsError::new("No training has been started."))?;
        Ok(model_file::write_model(&training.model()?))
    }

    /// The file of the model `fp32`, quantized by the scheme of that name. Static ranges are taken from `samples` training
    /// rows of the split `seed`, picked by `calibration_seed`; so are the images for `correction`
    /// (the name of a [`Correction`]).
    pub fn quantize(
        &self,
        fp32: &[u8],
        scheme: &str,
        seed: u32,
        samples: usize,
        calibration_seed: u32,
        correction: &str,
    ) -> Result<Vec<u8>, JsValue> {
        let (model, scheme) = (model_file::read_model(fp32)?, Scheme::from_name(scheme)?);
        let correction = Correction::from_name(correction)?;
        let needed = correction.needs_images(scheme);
        let calibration = if needed { self.calibration(seed, samples, calibration_seed) } else { Vec::new() };
        Ok(model_file::write_quantized(&correction.quantize(&model, scheme, &calibration)?))
    }

    /// Size and test accuracy of both models on the split `seed`.
    #[wasm_bindgen(unchecked_return_type = "Evaluation")]
    pub fn evaluate(&mut self, fp32: &[u8], quantized: &[u8], seed: u32) -> Result<JsValue, JsValue> {
        to_js(&dto::Evaluation::new(fp32, quantized, &self.data, &self.split(seed).test, &mut self.scratch)?)
    }

    /// The images that are timed: (at most [`TIMED_ROWS`] of) the test images of the split `seed`, row-major.
    #[wasm_bindgen(js_name = timedImages)]
    pub fn timed_images(&self, seed: u32) -> Vec<f32> {
        let mut rows = self.split(seed).test;
        rows.truncate(TIMED_ROWS);
        self.data.gather(&rows).0
    }

    /// Training images to calibrate with.
    pub(super) fn calibration(&self, seed: u32, samples: usize, calibration_seed: u32) -> Vec<f32> {
        let mut rows = self.split(seed).train;
        Random::new(calibration_seed.into()).shuffle(&mut rows);
        rows.truncate(samples.max(1));
        self.data.gather(&rows).0
    }

    pub(super) fn split(&self, seed: u32) -> Split {
        self.data.split(seed)
    }
}
