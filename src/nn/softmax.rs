//! From logits to an answer.

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

/// Index of the largest value, the first of equal ones.
pub fn argmax(values: &[f32]) -> usize {
    values.iter().enumerate().fold(0, |best, (i, v)| if *v > values[best] { i } else { best })
}
