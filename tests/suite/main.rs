//! The promises of the crate, one file each, checked natively and, through wasm-bindgen-test, in browsers.
//!
//! One program for all of them: each would have to be linked, and a browser started for it, on its own. `cargo test --test
//! suite training` runs one file. On their own are what needs other files beside it (`golden`), an allocator of its own
//! (`allocation`) or a page (`web`), and the drawings (`strokes`).

#[path = "../common/mod.rs"]
mod common;

mod augment;
mod binary;
mod calibration;
mod coarse;
mod confidence;
mod csv;
mod data;
mod explain;
mod finetune;
mod flips;
mod formats;
mod idx;
mod kernels;
mod model_file;
mod naive;
mod network;
mod numeric_contract;
mod qat;
mod random;
mod safetensors;
mod schemes;
mod search;
mod sensitivity;
mod statistics;
mod sweep;
mod trainer;
mod training;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
