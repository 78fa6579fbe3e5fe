//! Right answers out of how many.

use crate::{data::CLASSES, nn::argmax};

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
