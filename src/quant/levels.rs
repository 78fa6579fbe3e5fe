//! Activations of one bit: an input is one of two values.
//!
//! They are those of least squared error, sought as Lloyd and Max have it (S. Lloyd, "Least Squares Quantization in PCM",
//! 1957): each is the mean of what becomes it, and the threshold lies in their middle. In training they follow the batches,
//! and the gradient goes through where the input is near them (M. Courbariaux et al., "Binarized Neural Networks",
//! 2016, has the same with −1 and +1). Held by `tests/suite/binary.rs`.

use crate::{Error, Result};

/// Two values, and what lies in their middle: an input from there on becomes the upper one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Levels {
    /// The middle, which is the threshold.
    pub centre: f32,
    /// Half the distance of the two values; not negative.
    pub half: f32,
}

impl Levels {
    /// One value, 0.
    pub const NONE: Self = Self { centre: 0.0, half: 0.0 };
    /// Steps at most until the values stay; they are few when `x` has two kinds of values.
    const STEPS: usize = 100;
    /// Share of the way to a batch's values in training.
    const MOMENTUM: f64 = 0.02;
    /// The gradient passes as far from the middle, in halves of the distance.
    const WIDTH: f32 = 2.0;

    /// For activations `x` of a calibration set.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when a value is not.
    pub fn of(x: &[f32]) -> Result<Self> {
        // The first threshold is the mean.
        let mean = x.iter().map(|&x| f64::from(x)).sum::<f64>() / x.len().max(1) as f64;
        let mut levels = Self { centre: mean as f32, half: 0.0 };
        for _ in 0..Self::STEPS {
            let next = Self::between(levels.means(x));
            if next == levels {
                break;
            }
            levels = next;
        }
        levels.check()
    }

    /// Itself.
    ///
    /// # Errors
    /// [`Error::NotFinite`] when a value is not, or half the distance is negative.
    pub fn check(self) -> Result<Self> {
        let finite = (self.centre - self.half).is_finite() && (self.centre + self.half).is_finite();
        if finite && self.half >= 0.0 { Ok(self) } else { Err(Error::NotFinite { what: "range of activations" }) }
    }

    /// The values after one more batch `x` of a training: a step of the same towards what it would have.
    #[must_use]
    pub fn following(self, x: &[f32]) -> Self {
        let (low, high) = self.means(x);
        let towards = |from: f32, to: f64| f64::from(from) + Self::MOMENTUM * (to - f64::from(from));
        Self::between((towards(self.centre - self.half, low), towards(self.centre + self.half, high)))
    }

    fn between((low, high): (f64, f64)) -> Self {
        Self { centre: ((low + high) / 2.0) as f32, half: ((high - low) / 2.0) as f32 }
    }

    /// The means of what lies below the threshold and of the others; where there is nothing, the value as it is.
    fn means(self, x: &[f32]) -> (f64, f64) {
        let (mut sums, mut counts) = ([0.0; 2], [0_usize; 2]);
        for &x in x {
            let upper = usize::from(x >= self.centre);
            sums[upper] += f64::from(x);
            counts[upper] += 1;
        }
        let mean = |i: usize, now: f32| if counts[i] == 0 { now.into() } else { sums[i] / counts[i] as f64 };
        (mean(0, self.centre - self.half), mean(1, self.centre + self.half))
    }

    /// What `x` becomes.
    pub fn nearest(self, x: f32) -> f32 {
        if x >= self.centre { self.centre + self.half } else { self.centre - self.half }
    }

    /// `y`: what `x` becomes. Not a number stays none.
    pub fn round(self, x: &[f32], y: &mut [f32]) {
        for (y, &x) in y.iter_mut().zip(x) {
            *y = if x.is_nan() { x } else { self.nearest(x) };
        }
    }

    /// The gradient at `x` from that at what it became: the same, but 0 far from the middle.
    pub fn straight_through(self, x: &[f32], gradient: &mut [f32]) {
        let width = Self::WIDTH * self.half;
        for (gradient, &x) in gradient.iter_mut().zip(x) {
            if (x - self.centre).abs() > width {
                *gradient = 0.0;
            }
        }
    }
}
