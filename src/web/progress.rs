//! What the page hears of a training.

use serde::Serialize;

use crate::train::{self, Epoch};

/// An iteration of the fit or an epoch of a network.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    number: usize,
    loss: f64,
    correct: usize,
    total: usize,
    /// Of networks: the slice of the training part that is not learned from.
    validation_loss: Option<f64>,
    validation_correct: usize,
    validation_total: usize,
    /// Of the fit.
    gradient_norm: Option<f64>,
}

impl From<train::Progress> for Step {
    fn from(p: train::Progress) -> Self {
        Self {
            number: p.iteration,
            loss: p.loss,
            correct: p.train_correct,
            total: p.train_total,
            validation_loss: None,
            validation_correct: 0,
            validation_total: 0,
            gradient_norm: Some(p.gradient_norm),
        }
    }
}

impl From<Epoch> for Step {
    fn from(e: Epoch) -> Self {
        Self {
            number: e.epoch,
            loss: e.loss,
            correct: e.correct,
            total: e.total,
            validation_loss: (e.validation_total > 0).then_some(e.validation_loss),
            validation_correct: e.validation_correct,
            validation_total: e.validation_total,
            gradient_norm: None,
        }
    }
}

/// What has happened since the last report.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    pub steps: Vec<Step>,
    /// Share of the work that is done, 0 to 1.
    pub share: f64,
    pub done: bool,
    /// The step in which the loss ran away.
    pub diverged: Option<usize>,
}
