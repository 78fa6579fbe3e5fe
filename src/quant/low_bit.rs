//! Weights of two bits and of one: signs, and one scale. Sums are f64, in the order of the weights.

/// Threshold and scale of ternary weights: weights beyond `0.7 · mean|w|` become their sign times the mean of their |w|,
/// the others 0 (Li, Zhang and Liu, "Ternary Weight Networks", 2016, section 3.2). Both 0 when all weights are.
pub fn ternary(weights: &[f32]) -> (f64, f64) {
    let threshold = 0.7 * mean_size_beyond(-1.0, weights);
    (threshold, mean_size_beyond(threshold, weights))
}

/// −1, 0 or 1.
pub fn ternary_code(weight: f32, threshold: f64) -> i32 {
    i32::from(f64::from(weight) > threshold) - i32::from(f64::from(weight) < -threshold)
}

/// Scale of binary weights: `mean|w|`, which is the best for their signs (Rastegari et al., "XNOR-Net", 2016, section
/// 3.1). 0 when there is none.
pub fn binary_scale(weights: &[f32]) -> f64 {
    mean_size_beyond(-1.0, weights)
}

/// 1 where the weight is 0 or more, else −1.
pub fn binary_code(weight: f32) -> i32 {
    if weight >= 0.0 { 1 } else { -1 }
}

/// Mean of the |w| greater than `threshold`; 0 when there is none.
fn mean_size_beyond(threshold: f64, weights: &[f32]) -> f64 {
    let (mut sum, mut count) = (0.0, 0_usize);
    for size in weights.iter().map(|&w| f64::from(w.abs())).filter(|&size| size > threshold) {
        sum += size;
        count += 1;
    }
    sum / count.max(1) as f64
}
