//! From logits to an answer.

use crate::data::CLASSES;

/// Probabilities of one row of logits: `exp(z - max z)`, divided by their sum. The exponential is `libm`'s, so that
/// every browser shows the same bits.
pub fn softmax(logits: &[f32], probabilities: &mut [f32]) {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for (p, z) in probabilities.iter_mut().zip(logits) {
        *p = libm::expf(z - largest);
        sum += *p;
    }
    probabilities.iter_mut().for_each(|p| *p /= sum);
}

/// One row of logits from several of the same drawing (`[rows, classes]`): their mean.
pub fn mean_logits(logits: &[f32]) -> [f32; CLASSES] {
    let mut mean = [0.0; CLASSES];
    for row in logits.chunks_exact(CLASSES) {
        mean.iter_mut().zip(row).for_each(|(sum, z)| *sum += z);
    }
    let rows = (logits.len() / CLASSES).max(1) as f32;
    mean.map(|sum| sum / rows)
}

/// Index of the largest value, the first of equal ones.
pub fn argmax(values: &[f32]) -> usize {
    values.iter().enumerate().fold(0, |best, (i, v)| if *v > values[best] { i } else { best })
}
