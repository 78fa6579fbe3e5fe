//! Softmax regression fitted by a trust region Newton method.
//!
//! The objective is scikit-learn's `LogisticRegression(C)`: `C · Σ cross-entropy + ½ Σ coef²`, the intercept not
//! penalised. It is strictly convex in the coefficients, so every correct fit ends at the same ones; the intercepts are
//! fixed up to a common constant, and starting from zero their sum stays zero.
//!
//! Value and gradient are f64, once an iteration ([`CrossEntropy`]); the many products with the Hessian between them are
//! f32.
//!
//! An exact fit needs all its images at once, so augmentation is a fixed number of variations of each row, fitted on
//! together with the rows themselves ([`SoftmaxTrainer::augmented`]).

use super::{Architecture, Newton, Step, cross_entropy::CrossEntropy};
use crate::{
    Error, Result,
    data::{Augmentation, Augmenter, CLASSES, Dataset, Standardizer},
    nn::{Dense, Input, Layer, Model},
    random::Random,
};

/// What to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SoftmaxSettings {
    /// Inverse regularisation strength C.
    pub c: f64,
    /// When to stop.
    pub stop: Stop,
}

/// When a fit is good enough.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stop {
    /// The Euclidean norm of the objective's gradient is below this: no coefficient is then farther than it from the optimum
    /// (the penalty makes the curvature at least 1).
    Norm(f64),
    /// No component of the gradient of the mean objective (that is, divided by C and the number of rows) is larger than
    /// this: what scikit-learn's `tol` is for `solver="lbfgs"`.
    Largest(f64),
}

impl Stop {
    /// At the optimum, for all that fp32 or a comparison of six digits can tell.
    pub const AT_OPTIMUM: Self = Self::Norm(1e-6);
    /// Where scikit-learn stops unless told otherwise.
    pub const SCIKIT_LEARN: Self = Self::Largest(1e-4);
}

impl Default for SoftmaxSettings {
    fn default() -> Self {
        Self { c: 1.0, stop: Stop::AT_OPTIMUM }
    }
}

impl SoftmaxSettings {
    /// Smallest accepted C.
    pub const MIN_C: f64 = 1e-4;
    /// Largest accepted C.
    pub const MAX_C: f64 = 1e4;

    fn check(&self) -> Result<()> {
        if (Self::MIN_C..=Self::MAX_C).contains(&self.c) { Ok(()) } else { Err(Error::Regularization) }
    }
}

/// How the variations differ from their row.
const VARIATION: Augmentation = Augmentation::DEFAULT;

/// The rows `train` of `data`, then `copies` variations of each, whose pixels are rounded as all data sets' are.
fn with_variations(data: &Dataset, train: &[u32], copies: usize, seed: u32) -> Result<Dataset> {
    let (width, height, max_pixel) = (data.width(), data.height(), data.max_pixel());
    let size = Dataset::count_pixels(train.len() * (copies + 1), width, height)?;
    let mut augmenter = Augmenter::new(width, height, max_pixel, VARIATION)?;
    let mut random = Random::new(seed.into());
    let (mut pixels, mut labels) = (Vec::with_capacity(size), Vec::with_capacity(train.len() * (copies + 1)));
    let (mut image, mut varied) = (vec![0.0; width * height], vec![0.0; width * height]);
    for copy in 0..=copies {
        for &row in train {
            labels.push(data.label(row as usize));
            let original = data.image(row as usize);
            if copy == 0 {
                pixels.extend_from_slice(original);
                continue;
            }
            image.iter_mut().zip(original).for_each(|(to, &pixel)| *to = pixel.into());
            augmenter.apply(&image, &mut random, &mut varied)?;
            pixels.extend(varied.iter().map(|pixel| pixel.round_ties_even() as u8));
        }
    }
    Dataset::new(width, height, max_pixel, pixels, labels)
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
    newton: Newton,
    settings: SoftmaxSettings,
    width: usize,
    iteration: usize,
    stuck: bool,
}

impl SoftmaxTrainer {
    /// Iterations after which a fit ends in any case.
    pub const MAX_ITERATIONS: usize = 300;
    /// Variations of each row when there are few rows; fewer, but one at least, where there would be more images than
    /// [`Architecture::MANY`], whose fit takes minutes.
    pub const COPIES: usize = 4;

    /// Prepares a fit on the rows `train` of `data`, from zero coefficients.
    ///
    /// # Errors
    /// [`Error::Regularization`] when C is out of range or not a number.
    pub fn new(data: &Dataset, train: &[u32], settings: SoftmaxSettings) -> Result<Self> {
        settings.check()?;
        Ok(Self::fit(data, train, settings))
    }

    /// Prepares a fit on the rows `train` of `data` and some variations of each, up to [`Self::COPIES`]. All share the weight C of
    /// their row, so that the penalty counts as much as without them. The same `seed` gives the same variations.
    ///
    /// # Errors
    /// [`Error::Regularization`] when C is out of range or not a number; [`Error::TooManyImages`].
    pub fn augmented(data: &Dataset, train: &[u32], settings: SoftmaxSettings, seed: u32) -> Result<Self> {
        settings.check()?;
        let copies = (Architecture::MANY / train.len().max(1)).clamp(2, Self::COPIES + 1) - 1;
        let varied = with_variations(data, train, copies, seed)?;
        let rows: Vec<u32> = (0..varied.len() as u32).collect();
        let c = settings.c / (copies + 1) as f64;
        Ok(Self::fit(&varied, &rows, SoftmaxSettings { c, ..settings }))
    }

    fn fit(data: &Dataset, train: &[u32], settings: SoftmaxSettings) -> Self {
        let standardizer = Standardizer::fit(data, train);
        let mut objective = CrossEntropy::new(data, train, standardizer, settings.c);
        let newton = Newton::new(vec![0.0; objective.parameters()], &mut objective);
        Self { objective, newton, settings, width: data.width(), iteration: 0, stuck: false }
    }

    /// One iteration (nothing when the fit has ended).
    ///
    /// # Errors
    /// [`Error::Diverged`] when the loss is no finite number.
    pub fn step(&mut self) -> Result<Progress> {
        if !self.done() {
            self.iteration += 1;
            let target = self.target();
            self.stuck = self.newton.step(&mut self.objective, target) == Step::Stuck;
        }
        if !self.newton.value().is_finite() {
            return Err(Error::Diverged { iteration: self.iteration });
        }
        Ok(self.progress())
    }

    /// Where the fit stands.
    pub fn progress(&self) -> Progress {
        let rows = self.objective.rows();
        Progress {
            iteration: self.iteration,
            loss: self.newton.value() / (self.settings.c * rows as f64),
            gradient_norm: self.newton.gradient_norm(),
            train_correct: self.objective.correct(),
            train_total: rows,
            done: self.done(),
        }
    }

    fn done(&self) -> bool {
        let small = match self.settings.stop {
            Stop::Norm(_) => self.newton.gradient_norm() < self.target(),
            Stop::Largest(_) => self.newton.gradient().iter().all(|g| g.abs() <= self.target()),
        };
        self.stuck || self.iteration >= Self::MAX_ITERATIONS || small
    }

    /// What the gradient of the objective (or its largest component) has to come down to.
    fn target(&self) -> f64 {
        match self.settings.stop {
            Stop::Norm(norm) => norm,
            Stop::Largest(component) => component * self.settings.c * self.objective.rows() as f64,
        }
    }

    /// The objective `C · Σ cross-entropy + ½ Σ coef²` at the current point.
    pub fn objective(&self) -> f64 {
        self.newton.value()
    }

    /// Coefficients, shape `[classes, pixels]`, and intercepts, shape `[classes]`, in f64.
    pub fn coefficients(&self) -> (Vec<f64>, Vec<f64>) {
        let x = self.newton.x();
        let rows = || x.chunks_exact(x.len() / CLASSES).filter_map(<[f64]>::split_last);
        (rows().flat_map(|(_, weights)| weights).copied().collect(), rows().map(|(intercept, _)| *intercept).collect())
    }

    /// The scaling of the pixels that was fitted on.
    pub fn standardizer(&self) -> &Standardizer {
        self.objective.standardizer()
    }

    /// The model at the current point, rounded to fp32.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when a coefficient left the range of f32.
    pub fn model(&self) -> Result<Model> {
        let (weight, bias) = self.coefficients();
        let round = |values: Vec<f64>| values.into_iter().map(|v| v as f32).collect();
        let dense = Dense::new(round(weight), round(bias))?;
        Model::new(Input::new(self.width, self.standardizer()), vec![Layer::Dense(dense)])
    }
}
