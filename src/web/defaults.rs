//! How networks are trained unless told otherwise.

use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::dto::to_js;
use crate::{
    Error,
    data::Augmentation,
    train::{Architecture, Optimizer, Settings},
};

/// How a network is trained, for the page.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct NetworkSettings {
    /// Hidden sizes of the MLP, channels of the CNN.
    layers: Vec<usize>,
    epochs: usize,
    batch: usize,
    optimizer: &'static str,
    rate: f32,
    momentum: f32,
    weight_decay: f32,
    augmentation: Augmentation,
    validation: f32,
    patience: usize,
}

impl NetworkSettings {
    fn new(layers: &[usize], settings: &Settings) -> Self {
        let (optimizer, momentum) = match settings.optimizer {
            Optimizer::Adam => ("adam", 0.9),
            Optimizer::Sgd { momentum } => ("sgd", momentum),
        };
        Self {
            layers: layers.to_vec(),
            epochs: settings.epochs,
            batch: settings.batch,
            optimizer,
            rate: settings.rate,
            momentum,
            weight_decay: settings.weight_decay,
            augmentation: settings.augmentation,
            validation: settings.validation,
            patience: settings.patience,
        }
    }
}

/// How the page trains the network `mlp` or `cnn` on `images` images unless told otherwise.
#[wasm_bindgen(js_name = networkDefaults, unchecked_return_type = "NetworkSettings")]
pub fn network_defaults(model: &str, images: usize) -> Result<JsValue, JsValue> {
    let architecture = match model {
        "mlp" => Architecture::usual_mlp(images),
        "cnn" => Architecture::usual_cnn(),
        _ => return Err(Error::UnknownName { what: "network", found: model.into() }.into()),
    };
    let (Architecture::Mlp(layers) | Architecture::Cnn(layers)) = &architecture;
    to_js(&NetworkSettings::new(layers, &architecture.settings(images, 0)))
}
