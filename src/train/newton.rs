//! Trust region Newton: each iteration solves for the Newton step by preconditioned conjugate gradients, only as far as it
//! pays, and only within the distance in which the quadratic model has proved right.
//!
//! Sources: C.-J. Lin, R. Weng and S. Keerthi, Trust region Newton method for large-scale logistic regression (JMLR 9,
//! 2008), with its rules for the radius; T. Steihaug (SIAM J. Numer. Anal. 20, 1983); R. Dembo, S. Eisenstat and T. Steihaug
//! (SIAM J. Numer. Anal. 19, 1982) for the forcing sequence. W. Hager and H. Zhang (SIAM J. Optim. 16, 2005): near the
//! optimum the loss can no longer tell two points apart, so a rise within its rounding error is accepted.
//!
//! Only the gradient decides where the minimum is. The curvature may come with a few digits: an error there costs
//! iterations, not accuracy. Held by `tests/suite/training.rs` (quadratics, Rosenbrock) and `tests/golden` (scikit-learn's
//! optimum).

/// A smooth function to minimise.
pub trait Objective {
    /// The value at `x`; writes the gradient.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;

    /// Writes the Hessian, at the point evaluated last, times `v`.
    fn curvature(&mut self, v: &[f64], product: &mut [f64]);

    /// Called near the minimum, or when a direction has cost too much: prepares what [`Objective::precondition`] uses.
    fn prepare(&mut self) {}

    /// Multiplies `residual` by a symmetric positive definite matrix that is near the inverse of the Hessian.
    fn precondition(&self, _residual: &mut [f64]) {}
}

/// What one iteration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The point moved to a lower value.
    Moved,
    /// No better point can be found at this precision (or the function gave no finite value).
    Stuck,
}

/// A step is taken when the loss falls by this share of what the model predicts.
const ACCEPTED: f64 = 1e-4;
/// Below the first share the radius shrinks, above the second one it may grow.
const POOR: f64 = 0.25;
const GOOD: f64 = 0.75;
/// By what the radius is multiplied at least and at most.
const SHRINK: f64 = 0.25;
const GROW: f64 = 4.0;
const MAX_TRIALS: usize = 30;
/// Products with the Hessian in one iteration, at most.
const MAX_PRODUCTS: usize = 60;
/// The linear system is solved until its residual is below `min(LOOSEST, (|g| / |g at the start|)^POWER) · |g|`. Products
/// with the Hessian for the digits: 50 in 11 iterations; with a power of 0.5, 64 in 10; of 0.2, 50 in 13.
const LOOSEST: f64 = 0.5;
const POWER: f64 = 0.3;
/// The preconditioner is made when the gradient has come down to this share of its first norm...
const NEAR: f64 = 0.01;
/// ...and has to come down to less than this share of what it then is; and again when an iteration took more products than
/// this, which is about what making it costs.
const FAR: f64 = 1e-3;
const MANY_PRODUCTS: usize = 12;
/// Below this share of the tolerance a residual is good enough, however small the forcing term.
const ENOUGH: f64 = 0.3;

/// The state between two iterations.
#[derive(Debug, Clone)]
pub struct Newton {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    first_norm: f64,
    prepared: bool,
    /// Whether the last direction took more than [`MANY_PRODUCTS`].
    slow: bool,
    /// How long a step may be; without limit until one was too long.
    radius: f64,
}

impl Newton {
    /// Starts at `x`.
    pub fn new(x: Vec<f64>, objective: &mut impl Objective) -> Self {
        let mut gradient = vec![0.0; x.len()];
        let value = objective.evaluate(&x, &mut gradient);
        let first_norm = norm(&gradient);
        Self { x, value, gradient, first_norm, prepared: false, slow: false, radius: f64::INFINITY }
    }

    /// The current point.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// The value there.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The gradient there.
    pub fn gradient(&self) -> &[f64] {
        &self.gradient
    }

    /// Its Euclidean norm.
    pub fn gradient_norm(&self) -> f64 {
        norm(&self.gradient)
    }

    /// One iteration: a direction, and a step along it. `tolerance`: the norm of the gradient that is aimed at.
    pub fn step(&mut self, objective: &mut impl Objective, tolerance: f64) -> Step {
        let now = self.gradient_norm();
        let near = now < NEAR * self.first_norm && tolerance < FAR * now;
        if !self.prepared && near || self.slow {
            objective.prepare();
            (self.prepared, self.slow) = (true, false);
        }
        let rounding = 1e-13 * self.value.abs();
        let mut x = vec![0.0; self.x.len()];
        let mut gradient = x.clone();
        for _ in 0..MAX_TRIALS {
            let (step, predicted) = self.direction(objective, tolerance);
            for ((x, from), step) in x.iter_mut().zip(&self.x).zip(&step) {
                *x = from + step;
            }
            let value = objective.evaluate(&x, &mut gradient);
            let (fall, length) = (self.value - value, norm(&step));
            // Where the parabola through both values with the slope at the first one has its minimum.
            let slope = dot(&self.gradient, &step);
            let bend = value - self.value - slope;
            let best = if bend > 0.0 { (-0.5 * slope / bend).max(SHRINK) } else { GROW };
            // Of a loss that is no number, no comparison holds.
            if fall >= ACCEPTED * predicted - rounding && value.is_finite() {
                // The first step shows what is long.
                self.radius = if self.radius.is_finite() { self.radius } else { length };
                let (smaller, larger) = (SHRINK * self.radius, best * length);
                self.radius = if fall < POOR * predicted {
                    smaller.max(larger.min(0.5 * self.radius))
                } else if fall < GOOD * predicted {
                    smaller.max(larger.min(GROW * self.radius))
                } else if length > 0.99 * self.radius {
                    GROW * self.radius
                } else {
                    self.radius.max(larger)
                };
                (self.x, self.gradient, self.value) = (x, gradient, value);
                return Step::Moved;
            }
            let best = if value.is_finite() { best } else { SHRINK };
            self.radius = (best * length).min(0.5 * self.radius.min(length));
            // The curvature that follows is that of the point that stays.
            objective.evaluate(&self.x, &mut gradient);
        }
        Step::Stuck
    }

    /// Minus the inverse Hessian times the gradient, about, or as far that way as the radius reaches; and by how much the
    /// value falls by the quadratic model. Goes downhill whatever the Hessian is like.
    fn direction(&mut self, objective: &mut impl Objective, tolerance: f64) -> (Vec<f64>, f64) {
        let mut residual: Vec<f64> = self.gradient.iter().map(|g| -g).collect();
        let length = norm(&residual);
        let forcing = LOOSEST.min(libm::pow(length / self.first_norm, POWER));
        let enough = (forcing * length).max(ENOUGH * tolerance);

        let mut solution = vec![0.0; residual.len()];
        let mut along = residual.clone();
        objective.precondition(&mut along);
        let mut conditioned = along.clone();
        let mut square = dot(&residual, &conditioned);
        let mut product = solution.clone();
        let mut predicted = 0.0;
        for products in 0..MAX_PRODUCTS {
            self.slow |= products >= MANY_PRODUCTS;
            objective.curvature(&along, &mut product);
            let curvature = dot(&along, &product);
            let step = square / curvature;
            // Without a minimum along here, or with one that is too far off, the way ends at the border.
            let border = self.distance(&solution, &along);
            if !(curvature > 0.0 && step < border) {
                let border = if border.is_finite() { border } else { length / norm(&along) };
                add_scaled(&mut solution, border, &along);
                return (solution, predicted + border * (square - 0.5 * border * curvature));
            }
            add_scaled(&mut solution, step, &along);
            add_scaled(&mut residual, -step, &product);
            predicted += 0.5 * step * square;
            if norm(&residual) <= enough {
                return (solution, predicted);
            }
            conditioned.copy_from_slice(&residual);
            objective.precondition(&mut conditioned);
            let next = dot(&residual, &conditioned);
            let turn = next / square;
            for (along, r) in along.iter_mut().zip(&conditioned) {
                *along = r + turn * *along;
            }
            square = next;
        }
        (solution, predicted)
    }

    /// How many times `along` leads from `solution` to the border of the region.
    fn distance(&self, solution: &[f64], along: &[f64]) -> f64 {
        if self.radius.is_infinite() {
            return self.radius;
        }
        let (square, mixed) = (dot(along, along), dot(solution, along));
        let left = (self.radius * self.radius - dot(solution, solution)).max(0.0);
        let root = (mixed * mixed + square * left).sqrt();
        // Without the difference of two almost equal numbers.
        if mixed > 0.0 { left / (mixed + root) } else { (root - mixed) / square }
    }
}

fn norm(x: &[f64]) -> f64 {
    dot(x, x).sqrt()
}

/// Four interleaved sums, added in a fixed order.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a_blocks, a_rest) = a.as_chunks::<4>();
    let (b_blocks, b_rest) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..4 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    (sums[0] + sums[1]) + (sums[2] + sums[3]) + rest
}

/// `target += factor · x`.
pub(super) fn add_scaled(target: &mut [f64], factor: f64, x: &[f64]) {
    target.iter_mut().zip(x).for_each(|(t, x)| *t += factor * x);
}
