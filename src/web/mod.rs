//! What the page sees: the only place that names the browser.
//!
//! On the main thread, with the feature `page`:
//! * [`First`]: the first pair of models.
//! * [`Pad`]: the drawing canvas.
//!
//! In workers, with the feature `lab`:
//! * [`Lab`]: training, quantizing and evaluating; `flips` and `repair` are parts of it.
//! * [`Sweep`]: one scheme after the other, in as many job workers as there are cores.
//! * [`time_models`], [`time_one`]: timing, in a worker of its own.
//! * [`Searcher`]: a search for the smallest model, begun by the [`Lab`].
//! * [`Explainer`]: one output of one layer, step by step.
//! * [`Classifier`]: one model, pixels in and scores out, for programs.
//! * [`Bench`]: the kernels themselves, measured.
//!
//! In both:
//! * [`Predictor`]: both models; [`renderings`]: what they see of strokes.
//! * [`presets`], [`scheme_error`], [`sweep_schemes`], [`network_defaults`]: which schemes and settings there are.
//! * `dto`, `progress`: the records that cross to TypeScript; `clock`: `performance.now()`.

mod defaults;
// Either module alone hands over but some of the records.
#[cfg_attr(not(all(feature = "page", feature = "lab")), allow(dead_code))]
mod dto;
mod predictor;
mod progress;
mod schemes;
mod strokes;

pub use defaults::network_defaults;
pub use predictor::Predictor;
pub use schemes::{presets, scheme_error, sweep_schemes};
pub use strokes::renderings;

#[cfg(feature = "page")]
mod first;
#[cfg(feature = "page")]
mod pad;

#[cfg(feature = "page")]
pub use {first::First, pad::Pad};

#[cfg(feature = "lab")]
mod bench;
#[cfg(feature = "lab")]
mod blame;
#[cfg(feature = "lab")]
mod classifier;
#[cfg(feature = "lab")]
mod clock;
#[cfg(feature = "lab")]
mod explain;
#[cfg(feature = "lab")]
mod flips;
#[cfg(feature = "lab")]
mod lab;
#[cfg(feature = "lab")]
mod repair;
#[cfg(feature = "lab")]
mod search;
#[cfg(feature = "lab")]
mod sweep;
#[cfg(feature = "lab")]
mod timer;
#[cfg(feature = "lab")]
mod training;

#[cfg(feature = "lab")]
pub use {
    bench::Bench,
    classifier::Classifier,
    explain::Explainer,
    lab::Lab,
    search::Searcher,
    sweep::Sweep,
    timer::{time_models, time_one},
};

use wasm_bindgen::prelude::*;

/// Once per instance: a panic is written to the console with its place.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

impl From<crate::Error> for JsValue {
    fn from(error: crate::Error) -> Self {
        JsError::new(&error.to_string()).into()
    }
}
