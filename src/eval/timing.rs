//! Timing two sides fairly with a coarse clock.
//!
//! One inference lasts less than any browser's clock step, so it is repeated until a sample takes a given time and
//! [`MIN_STEPS`] clock steps. The two sides take turns within one run, so that a machine that
//! slows down slows both; quoted are medians, and the quartiles as the spread.

use std::collections::BinaryHeap;

/// Shortest sample on the page, in milliseconds.
pub const MIN_SAMPLE_MS: f64 = 2.0;
/// Fewest clock steps in a sample: its length is then known to 1 %.
pub const MIN_STEPS: f64 = 100.0;

/// Samples of a warm-up agree when they differ by less than this share.
const AGREE: f64 = 0.05;

/// Nanoseconds per repetition: median and quartiles over the samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// First quartile.
    pub q1_ns: f64,
    /// Median.
    pub median_ns: f64,
    /// Third quartile.
    pub q3_ns: f64,
    /// Repetitions in a sample.
    pub repetitions: u32,
    /// Samples.
    pub samples: usize,
}

/// Two sides timed in turn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// The first side.
    pub a: Timing,
    /// The second side.
    pub b: Timing,
    /// Median of a / median of b.
    pub ratio: f64,
}

/// The clock's step in milliseconds: the smallest advance seen in a few of its ticks.
pub fn clock_step(mut now: impl FnMut() -> f64) -> f64 {
    let mut step = f64::INFINITY;
    for _ in 0..10 {
        let start = now();
        let mut next = now();
        while next <= start {
            next = now();
        }
        step = step.min(next - start);
    }
    step
}

/// The least time that a sample takes, in milliseconds, when `shortest` is wanted and the clock has step `step`.
pub fn sample_ms(shortest: f64, step: f64) -> f64 {
    shortest.max(MIN_STEPS * step)
}

/// Times `work` alone, in samples of at least `shortest` milliseconds.
pub fn one(samples: usize, shortest: f64, step: f64, mut now: impl FnMut() -> f64, mut work: impl FnMut()) -> Timing {
    let repetitions = repetitions(samples, sample_ms(shortest, step), &mut now, &mut work);
    let time = |_| sample(repetitions, &mut now, &mut work) / f64::from(repetitions) * 1e6;
    summarize((0..samples).map(time).collect(), repetitions)
}

/// Times `a` against `b` in `samples` alternating pairs of samples of at least `shortest` milliseconds; `now` is a clock
/// in milliseconds with step `step`.
pub fn pair(
    samples: usize,
    shortest: f64,
    step: f64,
    mut now: impl FnMut() -> f64,
    mut a: impl FnMut(),
    mut b: impl FnMut(),
) -> Pair {
    let shortest = sample_ms(shortest, step);
    let repetitions_a = repetitions(samples, shortest, &mut now, &mut a);
    let repetitions_b = repetitions(samples, shortest, &mut now, &mut b);
    let (mut times_a, mut times_b) = (Vec::with_capacity(samples), Vec::with_capacity(samples));
    for _ in 0..samples {
        times_a.push(sample(repetitions_a, &mut now, &mut a) / f64::from(repetitions_a) * 1e6);
        times_b.push(sample(repetitions_b, &mut now, &mut b) / f64::from(repetitions_b) * 1e6);
    }
    let (a, b) = (summarize(times_a, repetitions_a), summarize(times_b, repetitions_b));
    // Not the median of the pairs' ratios: beside the medians it would look wrong wherever the machine was busy.
    Pair { a, b, ratio: a.median_ns / b.median_ns }
}

/// Doubles the repetitions until a sample is long enough, then goes on until two samples agree: the engine is compiling
/// the code better meanwhile. `samples` bounds that, for a busy machine never agrees with itself.
fn repetitions(samples: usize, shortest: f64, now: &mut impl FnMut() -> f64, work: &mut impl FnMut()) -> u32 {
    let mut repetitions = 1;
    let mut last = f64::INFINITY;
    for _ in 0..samples {
        let mut time = sample(repetitions, now, work);
        // Again, for a single sample may have been stretched by an interruption.
        while time < shortest || sample(repetitions, now, work) < shortest {
            repetitions = repetitions.saturating_mul(2);
            last = f64::INFINITY;
            time = sample(repetitions, now, work);
        }
        if (time - last).abs() < AGREE * time {
            break;
        }
        last = time;
    }
    repetitions
}

fn sample(repetitions: u32, now: &mut impl FnMut() -> f64, work: &mut impl FnMut()) -> f64 {
    let start = now();
    for _ in 0..repetitions {
        work();
    }
    now() - start
}

fn summarize(times: Vec<f64>, repetitions: u32) -> Timing {
    let times = sorted(&times);
    Timing {
        q1_ns: quantile(&times, 0.25),
        median_ns: quantile(&times, 0.5),
        q3_ns: quantile(&times, 0.75),
        repetitions,
        samples: times.len(),
    }
}

/// The values in ascending order. Times are not negative, and then the order of their bits is theirs; a
/// heap sorts in a tenth of the code of the general sort (3 KB of the module, gzip).
fn sorted(values: &[f64]) -> Vec<f64> {
    let bits: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
    BinaryHeap::from(bits).into_sorted_vec().into_iter().map(f64::from_bits).collect()
}

/// The value at `share` of a sorted list, between two neighbours by their distance; 0 for an empty list.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return 0.0 };
    let at = share * last as f64;
    let (low, rest) = (at as usize, at - (at as usize) as f64);
    sorted[low] + rest * (sorted[(low + 1).min(last)] - sorted[low])
}
