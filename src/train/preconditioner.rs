//! What makes conjugate gradients converge in a quarter of the products: each class's own block of the Hessian, inverted.
//!
//! The block of class c is `C · Xᵀ diag(p (1 − p)) X + I`. Once the fit is near its end, p (1 − p) is close to 0 for most
//! rows of most classes, and all ten blocks together cost as much as ten products with the Hessian. Only the speed of the
//! fit depends on them, so f32 and a sample of the rows will do.
//! Source: G. Golub and C. Van Loan, Matrix Computations (4th ed., 2013), 11.5.3 (block Jacobi), 4.2 (Cholesky).

use super::newton::{add_scaled, dot};
use crate::kernels::{self, PackedF32, Rounding, Rows};

/// Weights C p (1 − p) below this are left out; the penalty's is 1.
const NEGLIGIBLE: f64 = 1e-3;
/// Most rows that a block is summed over; of more, every n-th is taken n times.
const SAMPLE: usize = 4096;
/// What is added to the diagonal, as a share of it: more than the rounding of f32 can take off.
const RIDGE: f64 = 1e-4;

/// The Cholesky factor of a symmetric positive definite matrix.
pub struct Factor {
    size: usize,
    /// The lower triangle, `[size, size]`.
    lower: Vec<f64>,
}

impl Factor {
    /// Of one class's block: `weights` are p (1 − p) of each row, `row` writes a row of `size` values, the last one for the
    /// intercept.
    pub fn of_class(size: usize, c: f64, weights: &[f32], row: impl Fn(usize, &mut [f32])) -> Self {
        let relevant = |&r: &usize| c * f64::from(weights[r]) > NEGLIGIBLE;
        let stride = (0..weights.len()).filter(relevant).count().div_ceil(SAMPLE).max(1);
        let sample: Vec<usize> = (0..weights.len()).filter(relevant).step_by(stride).collect();

        let mut x = vec![0.0; sample.len() * size];
        let mut transposed = x.clone();
        for (i, (&r, x)) in sample.iter().zip(x.chunks_exact_mut(size)).enumerate() {
            row(r, x);
            let scale = (c * stride as f64 * f64::from(weights[r])).sqrt() as f32;
            place(x, scale, &mut transposed, sample.len(), i);
        }
        let mut packed = PackedF32::default();
        packed.set_columns(&x, sample.len(), size);
        let mut gram = vec![0.0; size * size];
        let rows = Rows::dense(&transposed, size, sample.len(), sample.len());
        kernels::multiply_f32(&rows, &packed, Rounding::Separate, false, &mut gram);
        Self::new(size, gram.iter().map(|&g| g.into()).collect())
    }

    /// Of `matrix + I` and a little more.
    fn new(size: usize, matrix: Vec<f64>) -> Self {
        let mut lower = matrix;
        for i in 0..size {
            let (above, rest) = lower.split_at_mut(i * size);
            eliminate(above, &mut rest[..=i], size);
        }
        Self { size, lower }
    }

    /// Solves for `x`, in place.
    pub fn solve(&self, x: &mut [f64]) {
        for (i, row) in self.lower.chunks_exact(self.size).enumerate() {
            x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
        }
        for (i, row) in self.lower.chunks_exact(self.size).enumerate().rev() {
            let (before, last) = x.split_at_mut(i);
            last[0] /= row[i];
            add_scaled(before, -last[0], &row[..i]);
        }
    }
}

/// Row `row.len() - 1` of the factor, in place, from the rows above it. A function of its own, called often: engines only
/// replace their first, slow code when a function is called anew.
#[inline(never)]
fn eliminate(above: &[f64], row: &mut [f64], size: usize) {
    let last = row.len() - 1;
    for (j, other) in above.chunks_exact(size).enumerate() {
        row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
    }
    let pivot = row[last] + row[last] * RIDGE + 1.0;
    let rest = pivot - dot(&row[..last], &row[..last]);
    // What rounding has made indefinite stays as if the other rows were not there.
    row[last] = if rest > 0.0 { rest } else { pivot }.sqrt();
}

/// Scales a row, and puts it into column `i` of `transposed` (`[row.len(), columns]`).
#[inline(never)]
fn place(row: &mut [f32], scale: f32, transposed: &mut [f32], columns: usize, i: usize) {
    for (x, line) in row.iter_mut().zip(transposed.chunks_exact_mut(columns)) {
        *x *= scale;
        line[i] = *x;
    }
}
