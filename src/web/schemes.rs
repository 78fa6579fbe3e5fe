//! Schemes by name: what there is, and what does not go together.

use wasm_bindgen::prelude::*;

use crate::quant::{self, Scheme};

/// The names of all presets.
#[wasm_bindgen]
pub fn presets() -> Vec<String> {
    Scheme::PRESETS.iter().map(Scheme::name).collect()
}

/// Why a scheme of that name makes no sense; nothing when it does.
#[wasm_bindgen(js_name = schemeError)]
pub fn scheme_error(name: &str) -> Option<String> {
    Scheme::from_name(name).err().map(|error| error.to_string())
}

/// The names of the schemes that are compared; with `aware` those of quantization-aware training.
#[wasm_bindgen(js_name = sweepSchemes)]
pub fn sweep_schemes(aware: bool) -> Vec<String> {
    let schemes = if aware { quant::sweep_aware() } else { quant::sweep() };
    schemes.iter().map(Scheme::name).collect()
}
