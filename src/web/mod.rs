//! What the page sees: the only place that names the browser.
//!
//! * [`Pad`]: the drawing canvas, on the main thread.
//! * [`Predictor`]: both models, on the main thread.
//! * [`Lab`]: training, quantizing and evaluating, in the job worker.
//! * [`time_models`], [`lab_report`]: timing, in a worker of its own.
//! * [`presets`], [`scheme_error`]: which schemes there are.
//! * [`Classifier`]: one model, pixels in and scores out, for programs.
//! * [`Bench`]: the kernels themselves, measured.
//! * `dto`: the records that cross to TypeScript; `clock`: `performance.now()`.

mod bench;
mod classifier;
mod clock;
mod dto;
mod lab;
mod pad;
mod predictor;
mod schemes;
mod timer;
mod training;

pub use bench::{Bench, use_rounding};
pub use classifier::Classifier;
pub use lab::Lab;
pub use pad::Pad;
pub use predictor::Predictor;
pub use schemes::{presets, scheme_error};
pub use timer::{lab_report, time_models};
pub use training::network_defaults;

use wasm_bindgen::prelude::*;

/// Once per instance: a panic is written to the console with its place.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// Which kernels this build uses: `scalar`, `simd128` or `relaxed`.
#[wasm_bindgen]
pub fn backend() -> String {
    crate::kernels::BACKEND.name().into()
}

impl From<crate::Error> for JsValue {
    fn from(error: crate::Error) -> Self {
        JsError::new(&error.to_string()).into()
    }
}
