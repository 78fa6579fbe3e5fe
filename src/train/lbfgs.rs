//! Limited-memory BFGS with a strong-Wolfe line search.
//!
//! Sources: J. Nocedal and S. Wright, Numerical Optimization (2nd ed., 2006): two-loop recursion, algorithm 7.4; line
//! search, algorithms 3.5 and 3.6 with cubic interpolation. W. Hager and H. Zhang (SIAM J. Optim. 16, 2005): near the
//! optimum the loss can no longer tell two points apart, so a rise within its rounding error is accepted.
//! Held by `tests/training.rs` (quadratics, Rosenbrock) and `tests/golden` (scikit-learn's optimum).

/// A smooth function to minimise.
pub trait Objective {
    /// The value at `x`; writes the gradient.
    fn evaluate(&mut self, x: &[f64], gradient: &mut [f64]) -> f64;
}

/// What one iteration did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The point moved to a lower value.
    Moved,
    /// No better point can be found at this precision (or the function gave no finite value).
    Stuck,
}

/// Pairs of steps and gradient changes that stand for the curvature. More pairs, fewer iterations: softmax regression
/// of the digits to a gradient of 1e-6 takes 152 with 30 pairs, 164 with 20, 187 with 10; a pair costs little.
const MEMORY: usize = 30;
/// Sufficient decrease.
const C1: f64 = 1e-4;
/// Curvature.
const C2: f64 = 0.9;
const MAX_EVALUATIONS: usize = 40;

/// The state between two iterations.
#[derive(Debug, Clone)]
pub struct Lbfgs {
    x: Vec<f64>,
    value: f64,
    gradient: Vec<f64>,
    history: Vec<Pair>,
}

#[derive(Debug, Clone)]
struct Pair {
    s: Vec<f64>,
    y: Vec<f64>,
    /// 1 / (s · y)
    rho: f64,
}

/// A point on the search line.
#[derive(Debug, Clone, Copy)]
struct Trial {
    step: f64,
    value: f64,
    slope: f64,
}

impl Lbfgs {
    /// Starts at `x`.
    pub fn new(x: Vec<f64>, objective: &mut impl Objective) -> Self {
        let mut gradient = vec![0.0; x.len()];
        let value = objective.evaluate(&x, &mut gradient);
        Self { x, value, gradient, history: Vec::new() }
    }

    /// The current point.
    pub fn x(&self) -> &[f64] {
        &self.x
    }

    /// The value there.
    pub fn value(&self) -> f64 {
        self.value
    }

    /// Euclidean norm of the gradient there.
    pub fn gradient_norm(&self) -> f64 {
        dot(&self.gradient, &self.gradient).sqrt()
    }

    /// One iteration: a direction, and a step along it.
    pub fn step(&mut self, objective: &mut impl Objective) -> Step {
        let mut direction = self.direction();
        let mut slope = dot(&direction, &self.gradient);
        if slope >= 0.0 {
            // Rounding has spoilt the curvature: forget it and go downhill.
            self.history.clear();
            direction = self.direction();
            slope = dot(&direction, &self.gradient);
        }
        // Without history the direction is the bare gradient, whose length means nothing: begin with a step of length 1.
        let first = if self.history.is_empty() { 1.0_f64.min(1.0 / (-slope).sqrt()) } else { 1.0 };
        let mut line =
            Line { objective, from: &self.x, direction: &direction, x: self.x.clone(), gradient: Vec::new() };
        let start = Trial { step: 0.0, value: self.value, slope };
        let Some(found) = line.search(start, first) else { return Step::Stuck };

        let (x, gradient) = (line.x, line.gradient);
        let s: Vec<f64> = x.iter().zip(&self.x).map(|(new, old)| new - old).collect();
        let y: Vec<f64> = gradient.iter().zip(&self.gradient).map(|(new, old)| new - old).collect();
        let curvature = dot(&s, &y);
        if curvature > 0.0 {
            if self.history.len() == MEMORY {
                self.history.remove(0);
            }
            self.history.push(Pair { s, y, rho: 1.0 / curvature });
        }
        (self.x, self.gradient, self.value) = (x, gradient, found.value);
        Step::Moved
    }

    /// Minus the inverse curvature times the gradient.
    fn direction(&self) -> Vec<f64> {
        let mut d: Vec<f64> = self.gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.history.len());
        for pair in self.history.iter().rev() {
            let alpha = pair.rho * dot(&pair.s, &d);
            add_scaled(&mut d, -alpha, &pair.y);
            alphas.push(alpha);
        }
        if let Some(last) = self.history.last() {
            let scale = 1.0 / (last.rho * dot(&last.y, &last.y));
            d.iter_mut().for_each(|d| *d *= scale);
        }
        for (pair, alpha) in self.history.iter().zip(alphas.iter().rev()) {
            let beta = pair.rho * dot(&pair.y, &d);
            add_scaled(&mut d, alpha - beta, &pair.s);
        }
        d
    }
}

/// The function along a line; holds the point and gradient of the last trial.
struct Line<'a, O: Objective> {
    objective: &'a mut O,
    from: &'a [f64],
    direction: &'a [f64],
    x: Vec<f64>,
    gradient: Vec<f64>,
}

impl<O: Objective> Line<'_, O> {
    fn at(&mut self, step: f64) -> Trial {
        for ((x, from), d) in self.x.iter_mut().zip(self.from).zip(self.direction) {
            *x = from + step * d;
        }
        self.gradient.resize(self.x.len(), 0.0);
        let value = self.objective.evaluate(&self.x, &mut self.gradient);
        Trial { step, value, slope: dot(&self.gradient, self.direction) }
    }

    /// A step that satisfies the strong Wolfe conditions; the last trial is then the point found.
    fn search(&mut self, start: Trial, first: f64) -> Option<Trial> {
        let rounding = 1e-14 * start.value.abs();
        let low_enough = |t: Trial| t.value <= start.value + C1 * t.step * start.slope + rounding;
        let flat_enough = |t: Trial| t.slope.abs() <= -C2 * start.slope;
        let (mut low, mut high) = (start, None::<Trial>);
        let mut step = first;
        for _ in 0..MAX_EVALUATIONS {
            let trial = self.at(step);
            // A loss that overflowed is beyond any minimum: halve.
            let usable = trial.value.is_finite() && trial.slope.is_finite();
            if usable && low_enough(trial) && flat_enough(trial) {
                return Some(trial);
            }
            if !usable || !low_enough(trial) || trial.value > low.value + rounding {
                high = Some(trial);
            } else {
                if trial.slope * (trial.step - low.step) >= 0.0 {
                    high = Some(low);
                }
                low = trial;
            }
            step = match high {
                None => 2.0 * trial.step,
                Some(high) if high.value.is_finite() && high.slope.is_finite() => between(low, high),
                Some(high) => 0.5 * (low.step + high.step),
            };
        }
        None
    }
}

/// The minimiser of the cubic through two trials, kept away from both ends.
fn between(a: Trial, b: Trial) -> f64 {
    let width = b.step - a.step;
    let d1 = a.slope + b.slope - 3.0 * (b.value - a.value) / width;
    let root = d1 * d1 - a.slope * b.slope;
    let cubic = if root >= 0.0 {
        let d2 = root.sqrt().copysign(width);
        b.step - width * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)
    } else {
        f64::NAN
    };
    let (near, far) = (a.step + 0.1 * width, a.step + 0.9 * width);
    let (low, high) = (near.min(far), near.max(far));
    if cubic.is_finite() { cubic.max(low).min(high) } else { 0.5 * (a.step + b.step) }
}

/// Four interleaved sums, added in a fixed order.
fn dot(a: &[f64], b: &[f64]) -> f64 {
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

fn add_scaled(target: &mut [f64], factor: f64, x: &[f64]) {
    target.iter_mut().zip(x).for_each(|(t, x)| *t += factor * x);
}
