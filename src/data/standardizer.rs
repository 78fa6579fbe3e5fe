//! Mean 0 and variance 1 for each pixel: `(x - mean) / std`, learned from the training rows only.
//!
//! The rule is scikit-learn's `StandardScaler`: population standard deviation, and a pixel that is constant up to
//! rounding keeps its scale (std 1). Held by `tests/golden` against scikit-learn's mean and scale.

use super::Dataset;

/// Mean and standard deviation of each pixel, in pixel units.
#[derive(Debug, Clone, PartialEq)]
pub struct Standardizer {
    /// Mean of each pixel over the rows fitted on.
    pub mean: Vec<f64>,
    /// Population standard deviation of each pixel; 1 where the pixel does not vary.
    pub std: Vec<f64>,
}

impl Standardizer {
    /// Learns from `rows` of `data`.
    pub fn fit(data: &Dataset, rows: &[u32]) -> Self {
        let pixels = data.width() * data.height();
        let n = rows.len().max(1) as f64;
        let mut mean = vec![0.0; pixels];
        for &row in rows {
            for (sum, &x) in mean.iter_mut().zip(data.image(row as usize)) {
                *sum += f64::from(x);
            }
        }
        mean.iter_mut().for_each(|sum| *sum /= n);

        let mut variance = vec![0.0; pixels];
        for &row in rows {
            for ((sum, &x), &mean) in variance.iter_mut().zip(data.image(row as usize)).zip(&mean) {
                let d = f64::from(x) - mean;
                *sum += d * d;
            }
        }
        let std = variance.iter().zip(&mean).map(|(&sum, &mean)| {
            let variance = sum / n;
            let rounding = n * mean * f64::EPSILON;
            let constant = variance <= n * f64::EPSILON * variance + rounding * rounding;
            if constant { 1.0 } else { variance.sqrt() }
        });
        Self { std: std.collect(), mean }
    }

    /// The same mean and standard deviation for all pixels: that of the rows' ink as a whole. For networks with augmented
    /// images, where a pixel that is almost always paper would turn a little noise into a value of fifty.
    pub fn fit_whole(data: &Dataset, rows: &[u32]) -> Self {
        let each = Self::fit(data, rows);
        let pixels = each.mean.len() as f64;
        let mean = each.mean.iter().sum::<f64>() / pixels;
        let spread = |&row: &u32| {
            data.image(row as usize).iter().map(|&x| (f64::from(x) - mean) * (f64::from(x) - mean)).sum::<f64>()
        };
        let variance = rows.iter().map(spread).sum::<f64>() / (pixels * rows.len().max(1) as f64);
        let std = if variance > 0.0 { variance.sqrt() } else { 1.0 };
        Self { mean: vec![mean; each.mean.len()], std: vec![std; each.mean.len()] }
    }

    /// The rows of `data` standardized, shape `[rows.len(), pixels]`, row-major.
    pub fn transform(&self, data: &Dataset, rows: &[u32]) -> Vec<f64> {
        let scaled = |&row: &u32| {
            let image = data.image(row as usize).iter();
            image.zip(&self.mean).zip(&self.std).map(|((&x, mean), std)| (f64::from(x) - mean) / std)
        };
        rows.iter().flat_map(scaled).collect()
    }
}
