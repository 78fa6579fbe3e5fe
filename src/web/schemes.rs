//! Schemes by name: what there is, and what does not go together.

use wasm_bindgen::prelude::*;

use crate::quant::Scheme;

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
