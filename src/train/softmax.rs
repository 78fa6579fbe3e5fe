//! Softmax regression fitted by L-BFGS, in f64.
//!
//! The objective is scikit-learn's `LogisticRegression(C)`: `C · Σ cross-entropy + ½ Σ coef²`, the intercept not
//! penalised. It is strictly convex in the coefficients, so every correct fit ends at the same ones; the intercepts are
//! fixed up to a common constant, and starting from zero their sum stays zero.
//!
//! Parameters lie as `[pixels + 1][classes]` (the last row is the intercept): then the ten classes are neighbours, the
//! compiler works on two at once, and every sum still runs over pixels or rows in ascending order.

use super::{Lbfgs, Objective, Step};
use crate::{
    Error, Result,
    data::{CLASSES, Dataset, Standardizer},
    nn::{Dense, Input, Layer, Model},
};

type Classes = [f64; CLASSES];

/// What to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftmaxSettings {
    /// Inverse regularisation strength C.
    pub c: f64,
    /// Stop when the gradient's Euclidean norm is below this: no coefficient is then farther than it from the optimum
    /// (the penalty makes the curvature at least 1).
    pub tolerance: f64,
}

impl Default for SoftmaxSettings {
    fn default() -> Self {
        Self { c: 1.0, tolerance: 1e-6 }
    }
}

impl SoftmaxSettings {
    /// Smallest accepted C.
    pub const MIN_C: f64 = 1e-4;
    /// Largest accepted C.
    pub const MAX_C: f64 = 1e4;
}

/// The state of the fit after an iteration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Iterations done.
    pub iteration: usize,
    /// Objective divided by C and the number of rows: the mean cross-entropy with its penalty.
    pub loss: f64,
    /// Euclidean norm of the gradient of the objective.
    pub gradient_norm: f64,
    /// Training rows answered rightly at the last point tried.
    pub train_correct: usize,
    /// Training rows.
    pub train_total: usize,
    /// Whether the fit has ended.
    pub done: bool,
}

/// A fit under way.
pub struct SoftmaxTrainer {
    objective: CrossEntropy,
    lbfgs: Lbfgs,
    standardizer: Standardizer,
    settings: SoftmaxSettings,
    width: usize,
    iteration: usize,
    stuck: bool,
}

impl SoftmaxTrainer {
    /// Iterations after which a fit ends in any case.
    pub const MAX_ITERATIONS: usize = 3000;

    /// Prepares a fit on the rows `train` of `data`, from zero coefficients.
    ///
    /// # Errors
    /// [`Error::Regularization`] when C is out of range or not a number.
    pub fn new(data: &Dataset, train: &[u32], settings: SoftmaxSettings) -> Result<Self> {
        if !(SoftmaxSettings::MIN_C..=SoftmaxSettings::MAX_C).contains(&settings.c) {
            return Err(Error::Regularization);
        }
        let standardizer = Standardizer::fit(data, train);
        let mut objective = CrossEntropy::new(data, train, &standardizer, settings.c);
        let start = vec![0.0; (objective.pixels + 1) * CLASSES];
        let lbfgs = Lbfgs::new(start, &mut objective);
        Ok(Self { objective, lbfgs, standardizer, settings, width: data.width(), iteration: 0, stuck: false })
    }

    /// One iteration (nothing when the fit has ended).
    ///
    /// # Errors
    /// [`Error::Diverged`] when the loss is no finite number.
    pub fn step(&mut self) -> Result<Progress> {
        if !self.done() {
            self.iteration += 1;
            self.stuck = self.lbfgs.step(&mut self.objective) == Step::Stuck;
        }
        if !self.lbfgs.value().is_finite() {
            return Err(Error::Diverged { iteration: self.iteration });
        }
        Ok(self.progress())
    }

    /// Where the fit stands.
    pub fn progress(&self) -> Progress {
        let rows = self.objective.labels.len();
        Progress {
            iteration: self.iteration,
            loss: self.lbfgs.value() / (self.settings.c * rows as f64),
            gradient_norm: self.lbfgs.gradient_norm(),
            train_correct: self.objective.correct,
            train_total: rows,
            done: self.done(),
        }
    }

    fn done(&self) -> bool {
        self.stuck || self.iteration >= Self::MAX_ITERATIONS || self.lbfgs.gradient_norm() < self.settings.tolerance
    }

    /// The objective `C · Σ cross-entropy + ½ Σ coef²` at the current point.
    pub fn objective(&self) -> f64 {
        self.lbfgs.value()
    }

    /// Coefficients, shape `[classes, pixels]`, and intercepts, shape `[classes]`, in f64.
    pub fn coefficients(&self) -> (Vec<f64>, Vec<f64>) {
        let (weights, intercepts) = self.lbfgs.x().split_at(self.objective.pixels * CLASSES);
        let class = |c: usize| weights.iter().skip(c).step_by(CLASSES).copied();
        ((0..CLASSES).flat_map(class).collect(), intercepts.to_vec())
    }

    /// The scaling of the pixels that was fitted on.
    pub fn standardizer(&self) -> &Standardizer {
        &self.standardizer
    }

    /// The model at the current point, rounded to fp32.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when a coefficient left the range of f32.
    pub fn model(&self) -> Result<Model> {
        let (weight, bias) = self.coefficients();
        let round = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        let dense = Dense::new(round(weight), round(bias))?;
        Model::new(Input::new(self.width, &self.standardizer), vec![Layer::Dense(dense)])
    }
}

/// `C · Σ cross-entropy + ½ Σ coef²` over the training rows.
struct CrossEntropy {
    pixels: usize,
    c: f64,
    /// `[rows, pixels]`
    x: Vec<f64>,
    /// `[pixels, rows]`, for the gradient, which sums over rows.
    x_transposed: Vec<f64>,
    labels: Vec<u8>,
    /// Derivative of the cross-entropy by the logits, `[rows]`.
    residuals: Vec<Classes>,
    correct: usize,
}

impl CrossEntropy {
    fn new(data: &Dataset, rows: &[u32], standardizer: &Standardizer, c: f64) -> Self {
        let pixels = data.width() * data.height();
        let x = standardizer.transform(data, rows);
        let column = |k: usize| x.iter().skip(k).step_by(pixels).copied();
        let x_transposed = (0..pixels).flat_map(column).collect();
        let labels: Vec<u8> = rows.iter().map(|&r| data.label(r as usize)).collect();
        Self { pixels, c, x_transposed, residuals: vec![[0.0; CLASSES]; labels.len()], x, labels, correct: 0 }
    }

    /// Cross-entropy of all rows; leaves the residuals and the count of right answers.
    fn forward(&mut self, weights: &[Classes], intercept: &Classes) -> f64 {
        let mut loss = 0.0;
        self.correct = 0;
        let rows = self.x.chunks_exact(self.pixels).zip(&self.labels).zip(&mut self.residuals);
        for ((x, &label), residual) in rows {
            let mut z = *intercept;
            for (&x, w) in x.iter().zip(weights) {
                for c in 0..CLASSES {
                    z[c] += x * w[c];
                }
            }
            let largest = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let z_label = z[usize::from(label)];
            // The first of equal ones is the answer, as in `nn::argmax`.
            self.correct += usize::from(z.iter().position(|&z| z == largest) == Some(label.into()));
            let mut sum = 0.0;
            for z in &mut z {
                *z = libm::exp(*z - largest);
                sum += *z;
            }
            loss += libm::log(sum) + (largest - z_label);
            *residual = z.map(|e| e / sum);
            residual[usize::from(label)] -= 1.0;
        }
        loss
    }
}

impl Objective for CrossEntropy {
    fn evaluate(&mut self, parameters: &[f64], gradient: &mut [f64]) -> f64 {
        let (parameters, _) = parameters.as_chunks::<CLASSES>();
        let (gradient, _) = gradient.as_chunks_mut::<CLASSES>();
        let (weights, intercept) = parameters.split_at(self.pixels);
        let loss = self.forward(weights, &intercept[0]);

        let mut penalty = 0.0;
        let rows = self.labels.len();
        for ((gradient, w), x) in gradient.iter_mut().zip(weights).zip(self.x_transposed.chunks_exact(rows)) {
            let sums = weighted_sum(&self.residuals, x);
            for c in 0..CLASSES {
                gradient[c] = self.c * sums[c] + w[c];
                penalty += w[c] * w[c];
            }
        }
        let mut sums = [0.0; CLASSES];
        for residual in &self.residuals {
            for c in 0..CLASSES {
                sums[c] += residual[c];
            }
        }
        gradient[self.pixels] = sums.map(|sum| self.c * sum);
        self.c * loss + 0.5 * penalty
    }
}

/// `Σ_r x[r] · residuals[r]`, r ascending.
fn weighted_sum(residuals: &[Classes], x: &[f64]) -> Classes {
    let mut sums = [0.0; CLASSES];
    for (residual, &x) in residuals.iter().zip(x) {
        for c in 0..CLASSES {
            sums[c] += x * residual[c];
        }
    }
    sums
}
