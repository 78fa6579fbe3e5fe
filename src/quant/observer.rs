//! How the range of an activation is taken from what a calibration set puts there.

/// A rule for static ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Observer {
    /// The smallest and the largest value.
    MinMax,
    /// Running means of each batch's smallest and largest value.
    MovingAverage,
    /// A range that leaves out the most extreme values.
    Percentile,
    /// The range whose rounding changes the distribution least (Kullback-Leibler divergence).
    Entropy,
    /// The range of least mean squared error.
    Mse,
}

impl Observer {
    /// Every observer.
    pub const ALL: [Self; 5] = [Self::MinMax, Self::MovingAverage, Self::Percentile, Self::Entropy, Self::Mse];

    /// Its name in files, on the page and in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MinMax => "minmax",
            Self::MovingAverage => "moving-average",
            Self::Percentile => "percentile",
            Self::Entropy => "entropy",
            Self::Mse => "mse",
        }
    }
}
