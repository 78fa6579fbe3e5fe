//! `C · Σ cross-entropy + ½ Σ coef²` of softmax regression over the training rows, as an [`Objective`].
//!
//! Value and gradient are f64, for they decide where the optimum is: to scikit-learn's 1e-6 f32 is not enough. The rows stay
//! bytes, an eighth of what their standardized values would take, for the scaling can be moved to the weights:
//! `Σ_k (x[k] − mean[k]) / std[k] · w[k] = Σ_k x[k] · (w[k] / std[k]) − Σ_k mean[k] · (w[k] / std[k])`, and the gradient back.

use super::{Objective, curvature::{BLOCK, Curvature}};
use crate::data::{CLASSES, Dataset, Standardizer};

type Classes = [f64; CLASSES];

/// The objective. Parameters are `[classes][pixels + 1]`, the intercept last in each row.
pub struct CrossEntropy {
    c: f64,
    rows: Pixels,
    labels: Vec<u8>,
    curvature: Curvature,
    /// Of the point evaluated last, for each block `[classes][rows of the block]`.
    probabilities: Vec<f32>,
    correct: usize,
}

/// Images and their scaling.
struct Pixels {
    pixels: usize,
    /// `[rows, pixels]`
    images: Vec<u8>,
    standardizer: Standardizer,
}

impl Pixels {
    fn block(&self, b: usize) -> &[u8] {
        let size = BLOCK * self.pixels;
        &self.images[b * size..self.images.len().min((b + 1) * size)]
    }

    /// Block `b` scaled, with a 1 at each row's end.
    fn standardized(&self, b: usize, out: &mut [f32]) {
        let Standardizer { mean, std } = &self.standardizer;
        for (image, out) in self.block(b).chunks_exact(self.pixels).zip(out.chunks_exact_mut(self.pixels + 1)) {
            for (((out, &x), mean), std) in out.iter_mut().zip(image).zip(mean).zip(std) {
                *out = ((f64::from(x) - mean) / std) as f32;
            }
            out[self.pixels] = 1.0;
        }
    }
}

impl CrossEntropy {
    /// Over the rows `train` of `data`.
    pub fn new(data: &Dataset, train: &[u32], standardizer: Standardizer, c: f64) -> Self {
        let pixels = data.width() * data.height();
        let mut images = Vec::with_capacity(train.len() * pixels);
        train.iter().for_each(|&row| images.extend_from_slice(data.image(row as usize)));
        let labels: Vec<u8> = train.iter().map(|&row| data.label(row as usize)).collect();
        let rows = Pixels { pixels, images, standardizer };
        let curvature = Curvature::new(labels.len(), pixels + 1, |b, out| rows.standardized(b, out));
        Self { c, probabilities: vec![0.0; labels.len() * CLASSES], rows, labels, curvature, correct: 0 }
    }

    /// Parameters.
    pub fn parameters(&self) -> usize {
        (self.rows.pixels + 1) * CLASSES
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// Rows answered rightly at the point evaluated last.
    pub fn correct(&self) -> usize {
        self.correct
    }

    /// The scaling of the pixels.
    pub fn standardizer(&self) -> &Standardizer {
        &self.rows.standardizer
    }
}

impl Objective for CrossEntropy {
    fn evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let pixels = self.rows.pixels;
        let Standardizer { mean, std } = &self.rows.standardizer;
        // For unscaled pixels.
        let mut weights = vec![[0.0; CLASSES]; pixels];
        let mut intercept = [0.0; CLASSES];
        for (c, row) in parameters.chunks_exact(pixels + 1).enumerate() {
            intercept[c] = row[pixels];
            for (((weight, w), mean), std) in weights.iter_mut().zip(row).zip(mean).zip(std) {
                weight[c] = w / std;
                intercept[c] -= mean * weight[c];
            }
        }

        let (mut loss, mut total) = (0.0, [0.0; CLASSES]);
        let mut sums = vec![[0.0; CLASSES]; pixels];
        let mut z = [[0.0; CLASSES]; BLOCK];
        self.correct = 0;
        let blocks = self.labels.chunks(BLOCK).zip(self.probabilities.chunks_mut(BLOCK * CLASSES));
        for (b, (labels, probabilities)) in blocks.enumerate() {
            let (z, images) = (&mut z[..labels.len()], self.rows.block(b));
            logits(images, &weights, &intercept, z);
            for (r, (z, &label)) in z.iter_mut().zip(labels).enumerate() {
                let label = usize::from(label);
                let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                // The first of equal ones is the answer, as in `nn::argmax`.
                self.correct += usize::from(z.iter().position(|&z| z == largest) == Some(label));
                loss += largest - z[label];
                loss += libm::log(softmax(z, largest));
                for c in 0..CLASSES {
                    probabilities[c * labels.len() + r] = z[c] as f32;
                }
                z[label] -= 1.0;
                for c in 0..CLASSES {
                    total[c] += z[c];
                }
            }
            add_products(images, z, &mut sums);
        }

        let mut penalty = 0.0;
        let rows = parameters.chunks_exact(pixels + 1).zip(gradient.chunks_exact_mut(pixels + 1));
        for (c, (parameters, gradient)) in rows.enumerate() {
            gradient[pixels] = self.c * total[c];
            for ((((g, w), sum), mean), std) in gradient.iter_mut().zip(&parameters[..pixels]).zip(&sums).zip(mean).zip(std) {
                *g = self.c * ((sum[c] - mean * total[c]) / std) + w;
                penalty += w * w;
            }
        }
        self.c * loss + 0.5 * penalty
    }

    fn curvature(&mut self, v: &[f64], product: &mut [f64]) {
        let rows = &self.rows;
        self.curvature.multiply(&self.probabilities, v, product, |b, out| rows.standardized(b, out));
        let inputs = rows.pixels + 1;
        for (product, v) in product.chunks_exact_mut(inputs).zip(v.chunks_exact(inputs)) {
            for (k, (product, v)) in product.iter_mut().zip(v).enumerate() {
                *product = self.c * *product + if k < rows.pixels { *v } else { 0.0 };
            }
        }
    }
}

/// `exp(z − largest)` divided by their sum, which is returned.
fn softmax(z: &mut Classes, largest: f64) -> f64 {
    let mut sum = 0.0;
    for z in z.iter_mut() {
        *z = libm::exp(*z - largest);
        sum += *z;
    }
    z.iter_mut().for_each(|z| *z /= sum);
    sum
}

/// `z[r] = intercept + Σ_k images[r][k] · weights[k]`, k ascending; two rows at once, that share the loads of the weights.
#[inline(never)]
fn logits(images: &[u8], weights: &[Classes], intercept: &Classes, z: &mut [Classes]) {
    let pixels = weights.len();
    for (images, z) in images.chunks(2 * pixels).zip(z.chunks_mut(2)) {
        let (a, b) = images.split_at(pixels);
        // An odd last row is its own partner.
        let b = if b.is_empty() { a } else { b };
        let mut sums = [*intercept; 2];
        for ((&a, &b), w) in a.iter().zip(b).zip(weights) {
            let (a, b) = (f64::from(a), f64::from(b));
            for c in 0..CLASSES {
                sums[0][c] += a * w[c];
                sums[1][c] += b * w[c];
            }
        }
        z.copy_from_slice(&sums[..z.len()]);
    }
}

/// `sums[k] += Σ_r images[r][k] · residuals[r]`, r ascending; two pixels at once, that share the loads of the residuals.
#[inline(never)]
fn add_products(images: &[u8], residuals: &[Classes], sums: &mut [Classes]) {
    let pixels = sums.len();
    for (i, sums) in sums.chunks_mut(2).enumerate() {
        let (a, b) = (2 * i, (2 * i + 1).min(pixels - 1));
        let mut products = [[0.0; CLASSES]; 2];
        for (image, residual) in images.chunks_exact(pixels).zip(residuals) {
            let (a, b) = (f64::from(image[a]), f64::from(image[b]));
            for c in 0..CLASSES {
                products[0][c] += a * residual[c];
                products[1][c] += b * residual[c];
            }
        }
        for (sums, products) in sums.iter_mut().zip(&products) {
            for c in 0..CLASSES {
                sums[c] += products[c];
            }
        }
    }
}
