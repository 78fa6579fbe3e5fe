//! Distillation: a network learns what a trained model answers, instead of the labels.
//!
//! The probabilities of the fp32 model say of each image, varied as it is, how sure one can be; a network of few bits
//! that follows them does not spend what it has on being surer (G. Hinton, O. Vinyals and J. Dean, "Distilling the Knowledge
//! in a Neural Network", 2015, at temperature 1, without labels). Held by `tests/suite/coarse.rs`.

use super::Network;
use crate::{
    Result,
    data::CLASSES,
    nn::{Input, Model, softmax},
};

/// A model that is learned from.
pub(super) struct Teacher {
    /// Its own scaling, for that of the learner may be trained.
    input: Input,
    network: Network,
    batch: Vec<f32>,
    answers: Vec<f32>,
}

impl Teacher {
    pub(super) fn new(model: &Model) -> Self {
        let (batch, answers) = Default::default();
        Self { input: model.input().clone(), network: Network::new(model), batch, answers }
    }

    /// Forgets the images seen.
    pub(super) fn clear(&mut self) {
        self.batch.clear();
    }

    /// Sees one more image, `[pixels]`.
    ///
    /// # Errors
    /// As [`Input::standardize`].
    pub(super) fn see(&mut self, image: &[f32]) -> Result<()> {
        let start = self.batch.len();
        self.batch.resize(start + image.len(), 0.0);
        self.input.standardize(image, &mut self.batch[start..]).map(|_| ())
    }

    /// The probabilities of the images seen, `[images, classes]`.
    pub(super) fn answers(&mut self) -> &[f32] {
        let rows = self.batch.len() / self.input.pixels();
        let logits = self.network.forward(&self.batch, rows);
        self.answers.resize(logits.len(), 0.0);
        let rows = logits.chunks_exact(CLASSES).zip(self.answers.chunks_exact_mut(CLASSES));
        rows.for_each(|(logits, answers)| softmax(logits, answers));
        &self.answers
    }
}
