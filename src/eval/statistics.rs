//! How much a count of right answers says: an interval for an accuracy, and a test of whether two models differ.
//!
//! A test set is a sample of the images there could be. Two models have answered the same images, so what tells them apart
//! are only those that one has right and the other wrong. Held by `tests/suite/statistics.rs`.

use super::metrics::Accuracy;

/// The normal distribution's 97.5 % quantile: 95 % lie within so many standard deviations.
const Z: f64 = 1.959_963_984_540_054;

/// The 95 % interval of an accuracy, both ends in 0..=1: the accuracies at which such a count is no surprise. Holds near 0
/// and 1 too, where the usual ± has no width left. Without images everything is possible.
///
/// E. B. Wilson, "Probable inference, the law of succession, and statistical inference" (1927).
pub fn wilson(Accuracy { correct, total }: Accuracy) -> [f64; 2] {
    if total == 0 {
        return [0.0, 1.0];
    }
    let (right, n) = (correct as f64, total as f64);
    let middle = (right + Z * Z / 2.0) / (n + Z * Z);
    let half = Z / (n + Z * Z) * (right * (n - right) / n + Z * Z / 4.0).sqrt();
    // By arithmetic the ends of all and of nothing are 1 and 0, which rounding misses.
    let low = if correct == 0 { 0.0 } else { middle - half };
    let high = if correct >= total { 1.0 } else { middle + half };
    [low, high]
}

/// The exact two-sided p-value of Q. McNemar, "Note on the sampling error of the difference between correlated proportions"
/// (1947): if both models were equally good, so likely would the images that only one of them has right be divided at least
/// as unevenly as `only_a` to `only_b`. By the binomial distribution with probability ½; in 0..=1, and 1 when there are none.
pub fn mcnemar(only_a: usize, only_b: usize) -> f64 {
    let (fewer, n) = (only_a.min(only_b), only_a + only_b);
    // Binomial coefficients of n up to `fewer`, and their sum, both times 2^-exponent so that neither overflows.
    let (mut coefficient, mut sum, mut exponent) = (1.0, 1.0, 0);
    for i in 0..fewer {
        coefficient = coefficient * (n - i) as f64 / (i + 1) as f64;
        sum += coefficient;
        if sum > LARGE {
            coefficient /= LARGE;
            sum /= LARGE;
            exponent += LARGE_BITS;
        }
    }
    // Twice the tail; the middle belongs to both.
    libm::ldexp(sum, exponent + 1 - n as i32).min(1.0)
}

const LARGE_BITS: i32 = 512;
/// 2 to the power of [`LARGE_BITS`].
const LARGE: f64 = f64::from_bits(((1023 + LARGE_BITS) as u64) << 52);
