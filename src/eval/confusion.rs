//! Which digit is taken for which.

use crate::data::CLASSES;

/// Counts of answers, shape `[label, answer]`, row-major: 10 x 10. The sum is the number of images, the diagonal's sum
/// that of right answers.
pub fn confusion(labels: &[u8], answers: &[u8]) -> Vec<usize> {
    let mut counts = vec![0; CLASSES * CLASSES];
    for (&label, &answer) in labels.iter().zip(answers) {
        counts[usize::from(label) * CLASSES + usize::from(answer)] += 1;
    }
    counts
}
