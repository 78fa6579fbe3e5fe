//! A training as the page asks for it and hears of it, whichever model it is.

use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::{
    clock,
    progress::{Progress, Step},
};
use crate::{
    Error, Result,
    data::{Augmentation, Dataset},
    nn::Model,
    quant::{QuantizedModel, Scheme},
    train::{self, Architecture, Optimizer, Settings, SoftmaxSettings, SoftmaxTrainer, Trainer},
};

#[wasm_bindgen]
extern "C" {
    /// What to train. Softmax regression reads `c` and `augment`, the networks `network`. (Read field by field: a deserializer would
    /// bring 25 KB of code, most of it for messages about values of other types.)
    #[wasm_bindgen(typescript_type = "TrainRequest")]
    pub type Request;

    /// `softmax`, `mlp` or `cnn`.
    #[wasm_bindgen(method, getter)]
    fn model(this: &Request) -> String;

    #[wasm_bindgen(method, getter)]
    pub fn seed(this: &Request) -> u32;

    #[wasm_bindgen(method, getter)]
    fn c(this: &Request) -> f64;

    /// Whether softmax regression learns from variations of the rows too.
    #[wasm_bindgen(method, getter)]
    fn augment(this: &Request) -> bool;

    #[wasm_bindgen(method, getter)]
    fn network(this: &Request) -> Network;

    /// How a network is trained; the other direction of [`NetworkSettings`].
    type Network;

    #[wasm_bindgen(method, getter)]
    fn layers(this: &Network) -> Vec<f64>;

    #[wasm_bindgen(method, getter)]
    fn epochs(this: &Network) -> f64;

    #[wasm_bindgen(method, getter)]
    fn batch(this: &Network) -> f64;

    /// `adam` or `sgd`.
    #[wasm_bindgen(method, getter)]
    fn optimizer(this: &Network) -> String;

    #[wasm_bindgen(method, getter)]
    fn rate(this: &Network) -> f32;

    #[wasm_bindgen(method, getter)]
    fn momentum(this: &Network) -> f32;

    #[wasm_bindgen(method, getter, js_name = weightDecay)]
    fn weight_decay(this: &Network) -> f32;

    #[wasm_bindgen(method, getter)]
    fn augmentation(this: &Network) -> Variation;

    #[wasm_bindgen(method, getter)]
    fn validation(this: &Network) -> f32;

    #[wasm_bindgen(method, getter)]
    fn patience(this: &Network) -> f64;

    /// See [`Augmentation`].
    type Variation;

    #[wasm_bindgen(method, getter)]
    fn rotation(this: &Variation) -> f32;

    #[wasm_bindgen(method, getter)]
    fn shear(this: &Variation) -> f32;

    #[wasm_bindgen(method, getter)]
    fn scale(this: &Variation) -> f32;

    #[wasm_bindgen(method, getter)]
    fn shift(this: &Variation) -> f32;

    #[wasm_bindgen(method, getter)]
    fn thickness(this: &Variation) -> f32;

    #[wasm_bindgen(method, getter)]
    fn elastic(this: &Variation) -> f32;

    #[wasm_bindgen(method, getter)]
    fn noise(this: &Variation) -> f32;
}

impl Network {
    /// Numbers are cast: a negative one, or none, is 0, which the core refuses in words.
    fn settings(&self, seed: u32) -> Result<Settings> {
        let optimizer = match self.optimizer().as_str() {
            "adam" => Optimizer::Adam,
            "sgd" => Optimizer::Sgd { momentum: self.momentum() },
            other => return Err(Error::UnknownName { what: "optimizer", found: other.into() }),
        };
        let variation = self.augmentation();
        Ok(Settings {
            epochs: self.epochs() as usize,
            batch: self.batch() as usize,
            optimizer,
            rate: self.rate(),
            weight_decay: self.weight_decay(),
            augmentation: Augmentation {
                rotation: variation.rotation(),
                shear: variation.shear(),
                scale: variation.scale(),
                shift: variation.shift(),
                thickness: variation.thickness(),
                elastic: variation.elastic(),
                noise: variation.noise(),
            },
            validation: self.validation(),
            patience: self.patience() as usize,
            seed,
        })
    }

    fn sizes(&self) -> Vec<usize> {
        self.layers().into_iter().map(|size| size as usize).collect()
    }
}

/// A training under way.
pub enum Training {
    /// Softmax regression.
    Fit {
        /// The fit.
        trainer: Box<SoftmaxTrainer>,
        /// Norm of the gradient at the start, and about where it ends.
        norms: [f64; 2],
    },
    /// MLP or CNN.
    Network(Box<Trainer<Rc<Dataset>>>),
    /// Any of them, posing as the quantized model it is to be.
    Aware(Box<Trainer<Rc<Dataset>>>, Scheme),
}

impl Training {
    /// Begins what `request` says on the training rows `train`.
    pub fn start(data: &Rc<Dataset>, train: &[u32], request: &Request) -> Result<Self> {
        let network = request.network();
        let architecture = match request.model().as_str() {
            // A fit of so many images takes minutes; mini-batches are nearly there in a second.
            "softmax" if train.len() > Architecture::MANY => {
                let (architecture, seed) = (Architecture::Mlp(Vec::new()), request.seed());
                let settings = architecture.settings(train.len(), seed);
                return Ok(Self::Network(Box::new(Trainer::new(data.clone(), train, &architecture, settings)?)));
            }
            "softmax" => {
                let settings = SoftmaxSettings { c: request.c(), ..SoftmaxSettings::default() };
                let trainer = Box::new(if request.augment() {
                    SoftmaxTrainer::augmented(data, train, settings, request.seed())?
                } else {
                    SoftmaxTrainer::new(data, train, settings)?
                });
                let norms = [trainer.progress().gradient_norm, 1e-6];
                return Ok(Self::Fit { trainer, norms });
            }
            "mlp" => Architecture::Mlp(network.sizes()),
            "cnn" => Architecture::Cnn(network.sizes()),
            other => return Err(Error::UnknownName { what: "model", found: other.into() }),
        };
        let settings = network.settings(request.seed())?;
        Ok(Self::Network(Box::new(Trainer::new(data.clone(), train, &architecture, settings)?)))
    }

    /// Begins to train `model` on, as the quantized model that `scheme` makes of it.
    pub fn start_aware(data: &Rc<Dataset>, train: &[u32], model: &Model, scheme: Scheme, seed: u32) -> Result<Self> {
        let settings = train::qat_settings(model, &scheme, train.len(), seed);
        let trainer = train::quantization_aware(data.clone(), train, model, &scheme, settings)?;
        Ok(Self::Aware(Box::new(trainer), scheme))
    }

    /// Begins to train `model` on as [`Training::start_aware`] does, but without rounding.
    pub fn start_control(data: &Rc<Dataset>, train: &[u32], model: &Model, scheme: &Scheme, seed: u32) -> Result<Self> {
        let settings = train::qat_settings(model, scheme, train.len(), seed);
        Ok(Self::Network(Box::new(Trainer::from_model(data.clone(), train, model, settings)?)))
    }

    /// Trains for `milliseconds`, but one step (a batch, an iteration) at least, and with `one` until one step has been
    /// reported and no longer.
    pub fn run(&mut self, milliseconds: f64, one: bool) -> Result<Progress> {
        let end = clock::now() + milliseconds;
        let mut progress = Progress::default();
        loop {
            match self.step(&mut progress) {
                Err(Error::Diverged { iteration }) => progress.diverged = Some(iteration),
                result => result?,
            }
            let ended = progress.done || progress.diverged.is_some();
            if ended || clock::now() >= end || one && !progress.steps.is_empty() {
                return Ok(progress);
            }
        }
    }

    fn step(&mut self, progress: &mut Progress) -> Result<()> {
        match self {
            Self::Fit { trainer, norms: [first, last] } => {
                let state = trainer.step()?;
                progress.done = state.done;
                // The gradient's norm falls about as a straight line on a log scale.
                let (way, whole) = (libm::log(state.gradient_norm / *first), libm::log(*last / *first));
                progress.share = if state.done { 1.0 } else { way / whole };
                progress.steps.push(state.into());
            }
            Self::Network(trainer) | Self::Aware(trainer, _) => {
                let epoch = trainer.step()?;
                progress.share = trainer.share();
                progress.done = epoch.is_some_and(|epoch| epoch.done);
                progress.steps.extend(epoch.map(Step::from));
            }
        }
        Ok(())
    }

    /// The best model so far.
    pub fn model(&self) -> Result<Model> {
        match self {
            Self::Fit { trainer, .. } => trainer.model(),
            Self::Network(trainer) | Self::Aware(trainer, _) => trainer.model(),
        }
    }

    /// The quantized model as it was trained; nothing when it was not trained as one.
    pub fn quantized(&self) -> Result<Option<QuantizedModel>> {
        let Self::Aware(trainer, scheme) = self else { return Ok(None) };
        QuantizedModel::with_ranges(&trainer.model()?, *scheme, &trainer.ranges()?).map(Some)
    }
}
