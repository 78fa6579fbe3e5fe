//! Right answers out of how many.

use super::answers::BLOCK;
use crate::{
    Result,
    data::CLASSES,
    nn::{Scratch, argmax},
    quant::QuantizedModel,
};

/// An accuracy as a count, which is exact, and what it is a count of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accuracy {
    /// Rows whose largest logit is the label's.
    pub correct: usize,
    /// All rows.
    pub total: usize,
}

/// Counts the rows of `logits` (`[labels.len(), 10]`) whose largest value is the label's.
pub fn accuracy(logits: &[f32], labels: &[u8]) -> Accuracy {
    let rows = logits.chunks_exact(CLASSES).zip(labels);
    let correct = rows.filter(|(logits, label)| argmax(logits) == usize::from(**label)).count();
    Accuracy { correct, total: labels.len() }
}

/// What `model` has right of `pixels` (`[labels.len(), pixels]`).
///
/// # Errors
/// As [`QuantizedModel::forward`].
pub fn of_quantized(model: &QuantizedModel, pixels: &[f32], labels: &[u8], scratch: &mut Scratch) -> Result<Accuracy> {
    let mut correct = 0;
    for (pixels, labels) in pixels.chunks(BLOCK * model.input().pixels().max(1)).zip(labels.chunks(BLOCK)) {
        correct += accuracy(model.forward(pixels, scratch)?, labels).correct;
    }
    Ok(Accuracy { correct, total: labels.len() })
}
