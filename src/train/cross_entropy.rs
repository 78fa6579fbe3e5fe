//! `C · Σ cross-entropy + ½ Σ coef²` of softmax regression over the training rows, as an [`Objective`].
//!
//! Value and gradient are f64, for they decide where the optimum is: to scikit-learn's 1e-6 f32 is not enough. The rows stay
//! bytes, an eighth of what their standardized values would take, for the scaling can be moved to the weights:
//! `Σ_k (x[k] − mean[k]) / std[k] · w[k] = Σ_k x[k] · (w[k] / std[k]) − Σ_k mean[k] · (w[k] / std[k])`, and the gradient back.

use core::array::from_fn;

use super::{
    Objective,
    curvature::{BLOCK, Curvature},
    f64x2::F64x2,
    preconditioner::Factor,
};
use crate::data::{CLASSES, Dataset, Standardizer};

type Classes = [f64; CLASSES];

/// The same, two at once.
type Pairs = [F64x2; CLASSES / 2];

fn pairs(classes: &Classes) -> Pairs {
    from_fn(|i| F64x2::new([classes[2 * i], classes[2 * i + 1]]))
}

fn unpaired(pairs: &Pairs) -> Classes {
    from_fn(|c| pairs[c / 2].lanes()[c % 2])
}

/// Most pixels of an image for which there is a preconditioner: its cost grows with their third power.
const MAX_BLOCK: usize = 256;

/// The objective. Parameters are `[classes][pixels + 1]`, the intercept last in each row; they begin at zero.
pub struct CrossEntropy {
    c: f64,
    rows: Pixels,
    labels: Vec<u8>,
    curvature: Curvature,
    /// Of the point evaluated last, for each block `[classes][rows of the block]`.
    probabilities: Vec<f32>,
    correct: usize,
    /// Of each class's block of the Hessian, once they are made.
    factors: Vec<Factor>,
}

/// Images and their scaling.
struct Pixels {
    pixels: usize,
    /// `[rows, pixels]`
    images: Vec<u8>,
    standardizer: Standardizer,
    /// Of each pixel, whether it is the same in all images: it says nothing then, and its weights stay exactly zero.
    constant: Vec<bool>,
}

impl Pixels {
    fn block(&self, b: usize) -> &[u8] {
        let size = BLOCK * self.pixels;
        &self.images[b * size..self.images.len().min((b + 1) * size)]
    }

    /// Row `r` scaled, with the 1 of the intercept at its end.
    #[inline(never)]
    fn row(&self, r: usize, out: &mut [f32]) {
        let Standardizer { mean, std } = &self.standardizer;
        let image = &self.images[r * self.pixels..][..self.pixels];
        for (((out, &x), &mean), &std) in out.iter_mut().zip(image).zip(mean).zip(std) {
            *out = (f32::from(x) - mean as f32) / std as f32;
        }
        out[self.pixels] = 1.0;
    }

    /// Block `b` scaled.
    fn standardized(&self, b: usize, out: &mut [f32]) {
        let Standardizer { mean, std } = &self.standardizer;
        for (image, out) in self.block(b).chunks_exact(self.pixels).zip(out.chunks_exact_mut(self.pixels)) {
            for (((out, &x), mean), std) in out.iter_mut().zip(image).zip(mean).zip(std) {
                *out = ((f64::from(x) - mean) / std) as f32;
            }
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
        let mut constant = vec![true; pixels];
        for image in images.chunks_exact(pixels) {
            constant.iter_mut().zip(image).zip(&images).for_each(|((c, x), first)| *c &= x == first);
        }
        let rows = Pixels { pixels, images, standardizer, constant };
        let curvature = Curvature::new(labels.len(), pixels, |b, out| rows.standardized(b, out));
        Self {
            c,
            probabilities: vec![0.0; labels.len() * CLASSES],
            rows,
            labels,
            curvature,
            correct: 0,
            factors: Vec::new(),
        }
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

        let weights: Vec<Pairs> = weights.iter().map(pairs).collect();
        let intercept = pairs(&intercept);

        let zero = pairs(&[0.0; CLASSES]);
        let (mut loss, mut total) = (0.0, [0.0; CLASSES]);
        let mut sums = vec![zero; pixels];
        let mut residuals = [zero; BLOCK];
        self.correct = 0;
        let blocks = self.labels.chunks(BLOCK).zip(self.probabilities.chunks_mut(BLOCK * CLASSES));
        for (b, (labels, probabilities)) in blocks.enumerate() {
            let (residuals, images) = (&mut residuals[..labels.len()], self.rows.block(b));
            logits(images, &weights, &intercept, residuals);
            for (r, (residual, &label)) in residuals.iter_mut().zip(labels).enumerate() {
                let mut z = unpaired(residual);
                let label = usize::from(label);
                let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                // The first of equal ones is the answer, as in `nn::argmax`.
                self.correct += usize::from(z.iter().position(|&z| z == largest) == Some(label));
                loss += largest - z[label];
                loss += libm::log(softmax(&mut z, largest));
                for c in 0..CLASSES {
                    probabilities[c * labels.len() + r] = z[c] as f32;
                }
                z[label] -= 1.0;
                for c in 0..CLASSES {
                    total[c] += z[c];
                }
                *residual = pairs(&z);
            }
            add_products(images, residuals, &mut sums);
        }

        let sums: Vec<Classes> = sums.iter().map(unpaired).collect();
        let mut penalty = 0.0;
        let rows = parameters.chunks_exact(pixels + 1).zip(gradient.chunks_exact_mut(pixels + 1));
        for (c, (parameters, gradient)) in rows.enumerate() {
            gradient[pixels] = self.c * total[c];
            for (((((g, w), sum), mean), std), &constant) in
                gradient.iter_mut().zip(&parameters[..pixels]).zip(&sums).zip(mean).zip(std).zip(&self.rows.constant)
            {
                // Without rounding it would be zero; with it, the fit would blow that up.
                let data = if constant { 0.0 } else { (sum[c] - mean * total[c]) / std };
                *g = self.c * data + w;
                penalty += w * w;
            }
        }
        self.c * loss + 0.5 * penalty
    }

    fn curvature(&mut self, v: &[f64], product: &mut [f64]) {
        let rows = &self.rows;
        self.curvature.multiply(&self.labels, &self.probabilities, v, product, |b, out| rows.standardized(b, out));
        let inputs = rows.pixels + 1;
        for (product, v) in product.chunks_exact_mut(inputs).zip(v.chunks_exact(inputs)) {
            for (k, (product, v)) in product.iter_mut().zip(v).enumerate() {
                *product = self.c * *product + if k < rows.pixels { *v } else { 0.0 };
            }
        }
    }
    fn prepare(&mut self) {
        let rows = &self.rows;
        if rows.pixels > MAX_BLOCK {
            return;
        }
        self.factors.clear();
        let mut weights = Vec::with_capacity(self.labels.len());
        for class in 0..CLASSES {
            weights.clear();
            for block in self.probabilities.chunks(BLOCK * CLASSES) {
                let size = block.len() / CLASSES;
                weights.extend(block[class * size..][..size].iter().map(|p| p * (1.0 - p)));
            }
            self.factors.push(Factor::of_class(rows.pixels + 1, self.c, &weights, |r, out| rows.row(r, out)));
        }
    }

    fn precondition(&self, residual: &mut [f64]) {
        let inputs = self.rows.pixels + 1;
        for (residual, factor) in residual.chunks_exact_mut(inputs).zip(&self.factors) {
            factor.solve(residual);
        }
        centre(residual, inputs);
    }
}

/// Takes off what the classes have in common in each input: the probabilities do not depend on it and the penalty keeps it at
/// zero, so from zero on it stays there, but the classes' own blocks know nothing of that.
fn centre(parameters: &mut [f64], inputs: usize) {
    for k in 0..inputs {
        let class = |c: usize| c * inputs + k;
        let mean = (0..CLASSES).map(|c| parameters[class(c)]).sum::<f64>() / CLASSES as f64;
        (0..CLASSES).for_each(|c| parameters[class(c)] -= mean);
    }
}

/// `exp(z − largest)` divided by their sum, which is returned.
#[inline(never)]
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
fn logits(images: &[u8], weights: &[Pairs], intercept: &Pairs, z: &mut [Pairs]) {
    let pixels = weights.len();
    for (images, z) in images.chunks(2 * pixels).zip(z.chunks_mut(2)) {
        let (a, b) = images.split_at(pixels);
        // An odd last row is its own partner.
        let b = if b.is_empty() { a } else { b };
        let mut sums = [*intercept; 2];
        for ((&a, &b), w) in a.iter().zip(b).zip(weights) {
            add_scaled(&mut sums, [a, b], w);
        }
        z.copy_from_slice(&sums[..z.len()]);
    }
}

/// `sums[k] += Σ_r images[r][k] · residuals[r]`, r ascending; two pixels at once, that share the loads of the residuals.
#[inline(never)]
fn add_products(images: &[u8], residuals: &[Pairs], sums: &mut [Pairs]) {
    let pixels = sums.len();
    for (i, sums) in sums.chunks_mut(2).enumerate() {
        // An odd last pixel is its own partner.
        let (a, b) = (2 * i, (2 * i + 1).min(pixels - 1));
        let mut both = [sums[0], sums[sums.len() - 1]];
        for (image, residual) in images.chunks_exact(pixels).zip(residuals) {
            add_scaled(&mut both, [image[a], image[b]], residual);
        }
        sums.copy_from_slice(&both[..sums.len()]);
    }
}

/// `sums[i] += x[i] · w`.
#[inline(always)]
fn add_scaled(sums: &mut [Pairs; 2], x: [u8; 2], w: &Pairs) {
    let [a, b] = x.map(|x| F64x2::splat(x.into()));
    // Pair by pair: with all pairs of one sum first, the engine runs out of registers.
    for (i, &w) in w.iter().enumerate() {
        sums[0][i] = sums[0][i].plus(a, w);
        sums[1][i] = sums[1][i].plus(b, w);
    }
}
