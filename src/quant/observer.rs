//! From the activations of a calibration set to one range.
//!
//! | observer | range |
//! |---|---|
//! | min-max | the smallest and the largest value |
//! | moving average | as PyTorch's `MovingAverageMinMaxObserver`: `m += 0.01 · (m' − m)`, m' the ends of each 32 images |
//! | percentile | all but 0.01 % of the values, as ONNX Runtime's (2048 bins) |
//! | entropy | the least Kullback-Leibler divergence, as ONNX Runtime's with 2048 bins in place of its 128 |
//! | MSE | the least mean squared error of the values after rounding to u8 |
//!
//! Held by `tests/golden`.

use super::{affine, histogram::Histogram, scale};
use crate::{Error, Result, kernels};

/// A way to find the range of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observer {
    /// From the smallest to the largest value.
    MinMax,
    /// Exponential moving average of each batch's smallest and largest value.
    MovingAverage,
    /// All but the outermost values.
    Percentile,
    /// The least loss of information.
    Entropy,
    /// The least squared error.
    Mse,
}

/// Bins of a histogram.
const BINS: usize = 2048;

impl Observer {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::MinMax, Self::MovingAverage, Self::Percentile, Self::Entropy, Self::Mse];

    /// Percent of the values that [`Observer::Percentile`] keeps. Softmax regression on the digits loses 0.03 points with
    /// it and 0.09 with 99.9 (20 splits); the networks tell no difference.
    pub const PERCENTILE: f64 = 99.99;

    /// Images that [`Observer::MovingAverage`] takes the ends of together: PyTorch's usual batch. Softmax regression on the
    /// digits loses 0.07 points with it and 0.13 when each image is a batch, for half of the largest values are clipped
    /// then.
    pub const BATCH: usize = 32;

    /// The name in files, on the page and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MinMax => "minmax",
            Self::MovingAverage => "moving-average",
            Self::Percentile => "percentile",
            Self::Entropy => "entropy",
            Self::Mse => "mse",
        }
    }

    /// The observer of that [`Observer::name`].
    ///
    /// # Errors
    /// [`Error::UnknownName`].
    pub fn from_name(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|observer| observer.name() == name);
        found.ok_or_else(|| Error::UnknownName { what: "observer", found: name.into() })
    }

    /// The range of `x`, activations of a whole calibration set with `width` values an image; `(0, 0)` when it is empty.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when a value is not.
    pub fn range(self, x: &[f32], width: usize) -> Result<(f32, f32)> {
        if !x.iter().all(|x| x.is_finite()) {
            return Err(Error::NotFinite { what: "calibration set's activations" });
        }
        let ends = kernels::min_max(x);
        Ok(match self {
            Self::MinMax => ends,
            Self::MovingAverage => {
                let mut average = MovingAverage::default();
                x.chunks((width * Self::BATCH).max(1)).for_each(|batch| average.observe(kernels::min_max(batch)));
                average.range()
            }
            Self::Percentile => Histogram::new(x, ends, BINS).map_or(ends, |h| h.percentile(Self::PERCENTILE)),
            Self::Entropy => Histogram::new(x, ends, BINS).map_or(ends, |h| h.entropy()),
            Self::Mse => least_squares(x, ends, width)?,
        })
    }
}

/// The moving average of a range, as PyTorch's `MovingAverageMinMaxObserver`: the first range as it is, then a hundredth
/// of the way to each next one.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct MovingAverage(Option<(f32, f32)>);

impl MovingAverage {
    const CONSTANT: f32 = 0.01;

    /// Takes in the range of one more batch.
    pub fn observe(&mut self, (low, high): (f32, f32)) {
        let (min, max) = self.0.unwrap_or((low, high));
        self.0 = Some((min + Self::CONSTANT * (low - min), max + Self::CONSTANT * (high - max)));
    }

    /// The range; `(0, 0)` when there was no batch.
    pub fn range(self) -> (f32, f32) {
        self.0.unwrap_or_default()
    }
}

/// The range inside `ends` with the least squared error of rounding `x` to u8: first both ends drawn in together, in 200
/// steps, then each by itself in ever smaller ones. Of a large tensor every n-th value is tried.
fn least_squares(x: &[f32], (min, max): (f32, f32), width: usize) -> Result<(f32, f32)> {
    const STEPS: usize = 200;
    const HALVINGS: usize = 6;
    const VALUES: usize = 1 << 15;
    let (min, max) = (min.min(0.0), max.max(0.0));
    // Without a common divisor with the width, so that every place of an image has its turn.
    let stride = (x.len().div_ceil(VALUES).max(1)..).find(|&n| divisor(n, width) == 1).unwrap_or(1);
    // The better of the best range so far and one more.
    let better = |best: Tried, range| -> Result<Tried> {
        let error = scale::squared_error(x, stride, affine::choose_u8(range)?, best.0);
        Ok(if error < best.0 { (error, range) } else { best })
    };
    let mut best = better((f64::INFINITY, (min, max)), (min, max))?;
    for step in 1..STEPS {
        let share = step as f32 / STEPS as f32;
        best = better(best, (min * share, max * share))?;
    }
    let mut step = (max - min) / STEPS as f32;
    for _ in 0..HALVINGS {
        loop {
            let (before, (low, high)) = best;
            for (low, high) in [(low - step, high), (low + step, high), (low, high - step), (low, high + step)] {
                if low >= min && low <= 0.0 && high >= 0.0 && high <= max {
                    best = better(best, (low, high))?;
                }
            }
            if best.0 >= before {
                break;
            }
        }
        step /= 2.0;
    }
    Ok(best.1)
}

/// A squared error, and the range that has it.
type Tried = (f64, (f32, f32));

/// The greatest common divisor.
fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}
