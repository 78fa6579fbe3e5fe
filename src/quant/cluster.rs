//! Weights as the numbers of a few shared values: k-means in one dimension.
//!
//! k-means++ (Arthur and Vassilvitskii, 2007) draws the first centres. Lloyd's steps then take turns with moves that
//! Lloyd's steps cannot make: where splitting one cluster gains more than joining two neighbours loses, both are done
//! (as in Likas et al., 2003, and Celebi et al., 2013). It is not proven to reach the optimum, but it comes within a few
//! per cent (`tests/formats.rs` compares with the exact dynamic programme); that programme would take k · n · log n
//! steps and k · n numbers, 100 MB for a layer of 100,000 weights. Values are sorted once, and each pass over them goes
//! through the clusters in order.

use std::collections::BinaryHeap;

use crate::random::Random;

/// Passes over the values: each two steps of Lloyd's and perhaps a move.
const MAX_PASSES: usize = 1000;
/// Steps of Lloyd's after the last move, which end earlier when nothing changes.
const MAX_STEPS: usize = 300;

/// `k` centres (ascending) for `values` (finite, in any order). With fewer different values than that, the last centre is
/// repeated; without values all are 0.
pub fn k_means(values: &[f32], k: usize, random: &mut Random) -> Vec<f32> {
    let values = sorted(values);
    let mut clusters = Clusters::plus_plus(&values, k, random);
    for _ in 0..MAX_PASSES {
        clusters.lloyd();
        clusters.lloyd();
        if !clusters.split_and_join() {
            break;
        }
    }
    for _ in 0..MAX_STEPS {
        if !clusters.lloyd() {
            break;
        }
    }
    let mut centres: Vec<f32> = clusters.centres.iter().map(|&c| c as f32).collect();
    let last = centres.last().copied().unwrap_or_default();
    centres.resize(k, last);
    centres
}

/// Number of the centre (ascending) nearest to `value`, the lower one of two as near.
pub fn nearest(centres: &[f32], value: f32) -> usize {
    let (value, of) = (f64::from(value), |i: usize| f64::from(centres[i]));
    let above = centres.partition_point(|&c| f64::from(c) < value);
    match above {
        0 => 0,
        _ if above < centres.len() && of(above) - value < value - of(above - 1) => above,
        // The first of equal ones, so that a value has one number.
        _ => centres.partition_point(|&c| c < centres[above - 1]),
    }
}

/// Bits of a Huffman code (Huffman, 1952) for symbols that occur so often, without its table. A symbol that is alone takes
/// none.
pub fn huffman_bits(counts: &[u64]) -> u64 {
    let mut open: Vec<u64> = counts.iter().copied().filter(|&count| count > 0).collect();
    let mut bits = 0;
    while open.len() > 1 {
        // The two rarest become one symbol, and each of their occurrences costs a bit.
        let joined = take_least(&mut open) + take_least(&mut open);
        bits += joined;
        open.push(joined);
    }
    bits
}

fn take_least(counts: &mut Vec<u64>) -> u64 {
    let mut least = 0;
    (0..counts.len()).for_each(|i| least = if counts[i] < counts[least] { i } else { least });
    counts.swap_remove(least)
}

/// The values in ascending order. A heap, for the general sort is ten times the code.
fn sorted(values: &[f32]) -> Vec<f64> {
    // The order of these bits is that of the values: negative ones have theirs turned round.
    let key = |v: &f32| u64::from(v.to_bits() ^ ((v.to_bits() as i32 >> 31) as u32 | 1 << 31));
    let keys: Vec<u64> = values.iter().map(key).collect();
    let value = |key: u64| {
        let key = key as u32;
        f64::from(f32::from_bits(key ^ (!(key as i32 >> 31) as u32 | 1 << 31)))
    };
    BinaryHeap::from(keys).into_sorted_vec().into_iter().map(value).collect()
}

/// Sorted values cut into clusters.
struct Clusters<'a> {
    values: &'a [f64],
    k: usize,
    /// At most `k`, ascending; each is the mean of a cluster once [`Clusters::lloyd`] has run.
    centres: Vec<f64>,
}

impl<'a> Clusters<'a> {
    /// At most `k` different values, each drawn with the square of its distance from those before as its weight.
    fn plus_plus(values: &'a [f64], k: usize, random: &mut Random) -> Self {
        let mut centres = Vec::with_capacity(k + 1);
        let mut distances = vec![f64::INFINITY; values.len()];
        let mut next = values.get(random.below(values.len() as u32) as usize).copied();
        while let Some(centre) = next.filter(|_| centres.len() < k) {
            centres.insert(centres.partition_point(|&c| c < centre), centre);
            let mut sum = 0.0;
            for (distance, value) in distances.iter_mut().zip(values) {
                *distance = distance.min((value - centre) * (value - centre));
                sum += *distance;
            }
            let mut left = f64::from(random.uniform()) * sum;
            let reached = |&(_, &distance): &(&f64, &f64)| {
                left -= distance;
                left < 0.0 && distance > 0.0
            };
            let drawn = values.iter().zip(&distances).find(reached);
            // Rounding may leave a rest after the last one: then the farthest.
            let farthest = || values.iter().zip(&distances).reduce(|a, b| if b.1 > a.1 { b } else { a });
            next = drawn.or_else(farthest).filter(|(_, distance)| **distance > 0.0).map(|(value, _)| *value);
        }
        Self { values, k, centres }
    }

    /// The values of each cluster: those nearest to its centre.
    fn each(&self, mut with: impl FnMut(&'a [f64])) {
        let (values, mut start) = (self.values, 0);
        for i in 0..self.centres.len() {
            let mut end = start;
            match self.centres.get(i + 1) {
                None => end = values.len(),
                Some(next) => {
                    let border = self.centres[i] + (next - self.centres[i]) / 2.0;
                    while end < values.len() && values[end] <= border {
                        end += 1;
                    }
                }
            }
            with(&values[start..end]);
            start = end;
        }
    }

    /// Moves each centre to the mean of its values, and drops those without; whether anything changed.
    fn lloyd(&mut self) -> bool {
        let mut means = Vec::with_capacity(self.centres.len() + 1);
        self.each(|cluster| {
            if !cluster.is_empty() {
                means.push(mean(cluster));
            }
        });
        let changed = means != self.centres;
        self.centres = means;
        changed
    }

    /// Splits the cluster where that gains most and, unless a centre is free, joins the two neighbours where that loses
    /// least, if it is a gain; whether it was.
    fn split_and_join(&mut self) -> bool {
        let mut sizes = Vec::with_capacity(self.centres.len());
        // Gain, number of the cluster, and the centres of its halves.
        let mut split = (0.0, 0, [0.0; 2]);
        self.each(|cluster| {
            let (gain, halves) = best_split(cluster);
            if gain > split.0 {
                split = (gain, sizes.len(), halves);
            }
            sizes.push(cluster.len() as f64);
        });
        if self.centres.len() < self.k {
            let gains = split.0 > 0.0;
            if gains {
                self.centres.splice(split.1..=split.1, split.2);
            }
            return gains;
        }
        let mut join = (f64::INFINITY, 0);
        for i in (1..self.centres.len()).filter(|&i| i != split.1 && i != split.1 + 1) {
            let apart = self.centres[i] - self.centres[i - 1];
            let loss = sizes[i - 1] * sizes[i] / (sizes[i - 1] + sizes[i]) * apart * apart;
            if loss < join.0 {
                join = (loss, i);
            }
        }
        // A gain too small to be sure of might be taken back and forth for ever.
        let gains = split.0 > join.0 * (1.0 + 1e-9);
        if gains {
            let (i, [a, b]) = (join.1, [self.centres[join.1 - 1], self.centres[join.1]]);
            let joined = (sizes[i - 1] * a + sizes[i] * b) / (sizes[i - 1] + sizes[i]);
            self.centres.splice(split.1..=split.1, split.2);
            let i = if i > split.1 { i + 1 } else { i };
            self.centres.splice(i - 1..=i, [joined]);
        }
        gains
    }
}

fn mean(values: &[f64]) -> f64 {
    // From the first value, so that equal ones have themselves as their mean.
    let sum: f64 = values.iter().map(|v| v - values[0]).sum();
    values[0] + sum / values.len() as f64
}

/// By how much the squared error of a cluster falls when it is cut at the best place, and the means of both sides.
fn best_split(cluster: &[f64]) -> (f64, [f64; 2]) {
    let mut best = (0.0, [0.0; 2]);
    let (Some(first), n) = (cluster.first(), cluster.len() as f64) else { return best };
    let total: f64 = cluster.iter().map(|v| v - first).sum();
    let (mut sum, mut count) = (0.0, 0.0);
    for pair in cluster.windows(2) {
        sum += pair[0] - first;
        count += 1.0;
        let [a, b] = [sum / count, (total - sum) / (n - count)];
        let gain = count * (n - count) / n * (b - a) * (b - a);
        if gain > best.0 && pair[0] < pair[1] {
            best = (gain, [first + a, first + b]);
        }
    }
    best
}
