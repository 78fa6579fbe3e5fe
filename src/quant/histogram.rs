//! A histogram of activations, and the two ranges that are read off it: ONNX Runtime's percentile and entropy.
//!
//! As its `HistogramCollector` does it (not symmetric, one batch): equal bins over −t..=t, t the largest magnitude, whose
//! edges and counts are numpy's `histogram` on f32, to the bit. A range is two edges, drawn in to the smallest and
//! largest value seen. Held by `tests/golden`.

/// Counts of values in equal bins around 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    counts: Vec<u32>,
    /// One more than bins.
    edges: Vec<f32>,
    min: f32,
    max: f32,
}

/// Levels that the entropy's candidates are reduced to; ONNX Runtime's default.
const LEVELS: usize = 128;
/// What replaces a probability of 0, before scaling.
const EPSILON: f64 = 1e-4;

impl Histogram {
    /// Of finite values, whose smallest and largest are given. `None` when they are so near to each other, or so far
    /// apart, that their bins have no f32 width.
    pub fn new(x: &[f32], (min, max): (f32, f32), bins: usize) -> Option<Self> {
        let threshold = min.abs().max(max.abs());
        let (first, whole) = (-threshold, threshold + threshold);
        let step = whole / bins as f32;
        if !step.is_normal() || !whole.is_finite() {
            return None;
        }
        let mut edges: Vec<f32> = (0..=bins).map(|i| i as f32 * step + first).collect();
        edges[bins] = threshold;
        let mut counts = vec![0; bins];
        for &x in x {
            let mut bin = (((x - first) / whole * bins as f32) as usize).min(bins - 1);
            // The quotient's rounding may have crossed an edge.
            if x < edges[bin] {
                bin = bin.saturating_sub(1);
            }
            if x >= edges[bin + 1] && bin + 1 < bins {
                bin += 1;
            }
            counts[bin] += 1;
        }
        Some(Self { counts, edges, min, max })
    }

    /// Values in each bin, from the lowest.
    pub fn counts(&self) -> &[u32] {
        &self.counts
    }

    /// The edges at which half of `100 - percentile` percent of the values are cut off at either end.
    pub fn percentile(&self, percentile: f64) -> (f32, f32) {
        let cut = (100.0 - percentile) / 200.0;
        let total: u32 = self.counts.iter().sum();
        // As numpy's cumulative sum and binary search: the first bin at which the share is reached.
        let reach = |share: f64| {
            let mut sum = 0.0;
            let below = self.counts.iter().take_while(|&&count| {
                sum += f64::from(count) / f64::from(total);
                sum < share
            });
            self.edges[below.count()]
        };
        self.within(reach(cut), reach(1.0 - cut))
    }

    /// The edges whose clipped distribution loses the least information when it is reduced to 128 levels: the smallest
    /// Kullback-Leibler divergence over all ranges with 0 in their middle (S. Migacz, "8-bit Inference with TensorRT",
    /// 2017).
    pub fn entropy(&self) -> (f32, f32) {
        let bins = self.counts.len();
        let (middle, smallest) = (bins / 2, LEVELS / 2);
        let (mut clipped, mut reduced, mut probabilities) = Default::default();
        let mut best = (f32::INFINITY, self.edges[0], self.edges[bins]);
        for half in smallest..=middle {
            let (start, end) = (middle - half, (middle + half + 1).min(bins));
            self.clip(start, end, &mut clipped);
            self.reduce(start, end, &clipped, &mut reduced);
            let divergence = divergence(&clipped, &reduced, &mut probabilities);
            if divergence < best.0 || half == smallest {
                best = (divergence, self.edges[start], self.edges[end]);
            }
        }
        self.within(best.1, best.2)
    }

    fn within(&self, low: f32, high: f32) -> (f32, f32) {
        (low.max(self.min), high.min(self.max))
    }

    /// The counts of bins `start..end`; those outside are added to the first and last.
    fn clip(&self, start: usize, end: usize, clipped: &mut Vec<u32>) {
        clipped.clear();
        clipped.extend_from_slice(&self.counts[start..end]);
        let last = clipped.len() - 1;
        clipped[0] += self.counts[..start].iter().sum::<u32>();
        clipped[last] += self.counts[end..].iter().sum::<u32>();
    }

    /// The counts of bins `start..end`, without those outside, reduced to 128 levels and spread again: each level's count
    /// over its bins by the number of those that are not empty, rounded down. What is left over counts for the last
    /// level, but is not spread.
    fn reduce(&self, start: usize, end: usize, clipped: &[u32], reduced: &mut Vec<u32>) {
        let inside = &self.counts[start..end];
        let width = inside.len() / LEVELS;
        reduced.clear();
        reduced.resize(inside.len(), 0);
        for level in 0..LEVELS {
            let bins = level * width..(level + 1) * width;
            let counted = if level + 1 == LEVELS { bins.start..inside.len() } else { bins.clone() };
            let count: u32 = inside[counted].iter().sum();
            let filled = clipped[bins.clone()].iter().filter(|&&count| count != 0).count() as u32;
            reduced[bins].fill(count.checked_div(filled).unwrap_or(0));
        }
    }
}

/// `Σ p ln(p / q)` of two lists of counts, each smoothed and made to sum to 1; infinite when `q` is empty. In f32 and in
/// numpy's order of summation: neighbouring candidates are often closer than f32 can tell, and their order decides.
fn divergence(p: &[u32], q: &[u32], [p_at, q_at]: &mut [Vec<f32>; 2]) -> f32 {
    if !(smooth(p, p_at) && smooth(q, q_at)) {
        return f32::INFINITY;
    }
    p_at.iter_mut().zip(q_at).for_each(|(p, q)| *p *= libm::logf(*p / *q));
    pairwise_sum(p_at)
}

/// Counts as probabilities: empty bins have a little each, taken off the others. Whether there was a count at all.
fn smooth(counts: &[u32], probabilities: &mut Vec<f32>) -> bool {
    let empty = counts.iter().filter(|&&count| count == 0).count();
    let filled = counts.len() - empty;
    let less = (EPSILON * empty as f64 / filled.max(1) as f64) as f32;
    probabilities.clear();
    probabilities.extend(counts.iter().map(|&n| if n == 0 { EPSILON as f32 } else { n as f32 - less }));
    let sum = pairwise_sum(probabilities);
    probabilities.iter_mut().for_each(|p| *p /= sum);
    filled > 0
}

/// The sum in numpy's order: halves of multiples of eight, until at most 128 values are left, which eight sums share.
fn pairwise_sum(values: &[f32]) -> f32 {
    const BLOCK: usize = 128;
    if values.len() > BLOCK {
        let half = values.len() / 2;
        let (a, b) = values.split_at(half - half % 8);
        return pairwise_sum(a) + pairwise_sum(b);
    }
    let (rows, rest) = values.as_chunks::<8>();
    let Some((first, rows)) = rows.split_first() else { return rest.iter().sum() };
    let mut sums = *first;
    rows.iter().for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += value));
    let [a, b, c, d, e, f, g, h] = sums;
    rest.iter().fold(((a + b) + (c + d)) + ((e + f) + (g + h)), |sum, value| sum + value)
}
