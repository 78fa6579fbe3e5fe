//! Golden vectors: equal to PyTorch, ONNX Runtime and scikit-learn, and to the lab's recipe. The files are not in the
//! repository (`../shared/reference`, or the folder that QUANTPAD_REFERENCE names); one that is missing is named as
//! skipped.
#![cfg(not(target_arch = "wasm32"))]

mod calibration;
#[path = "../common/mod.rs"]
mod common;
mod fake_quant;
mod formats;
mod products;
mod rules;
mod training;
