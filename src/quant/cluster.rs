//! Weights as the numbers of a few shared values: k-means in one dimension, where clusters are runs of the sorted values.
//!
//! For up to [`MAX_CUTS`] weights it is the optimum, by dynamic programming (Wang and Song, "Ckmeans.1d.dp", 2011) in
//! k · n · log n steps: the best last cut moves up with the end. It needs no start, so nothing is drawn. With more
//! weights cuts are tried in [`MAX_CUTS`] places, as dense as the centres will be, and Lloyd's steps move them from there:
//! within 1 % of the optimum, and 100,000 weights take a fraction of a second. Held by `tests/suite/formats.rs` and
//! `tests/golden`.

use std::collections::BinaryHeap;

/// Places in which the sorted values may be cut.
pub const MAX_CUTS: usize = 2048;
/// Lloyd's steps at most, with more values than that; they end earlier when nothing changes.
const MAX_STEPS: usize = 100;

/// `k` centres (ascending) for `values` (finite, in any order). No more different values than that are the centres
/// themselves, to the bit, and the last one is repeated; without values all are 0.
pub fn k_means(values: &[f32], k: usize) -> Vec<f32> {
    let values = sorted(values);
    let mut centres = different(&values, k);
    if centres.len() > k {
        centres = Cuts::new(&values).best_centres(k);
        for _ in 0..if values.len() > MAX_CUTS { MAX_STEPS } else { 0 } {
            let better = lloyd(&values, &centres);
            if better == centres {
                break;
            }
            centres = better;
        }
    }
    let mut centres: Vec<f32> = centres.into_iter().map(|c| c as f32).collect();
    let last = centres.last().copied().unwrap_or_default();
    centres.resize(k, last);
    centres
}

/// The different ones of sorted values, as far as `k` and one more; 0 without a sign.
fn different(values: &[f64], k: usize) -> Vec<f64> {
    let mut found: Vec<f64> = Vec::with_capacity(k + 1);
    for &value in values {
        if found.last() != Some(&value) {
            found.push(value + 0.0);
        }
        if found.len() > k {
            break;
        }
    }
    found
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

/// Places between sorted values where clusters may begin and end, with what the cost of a cluster is made of.
struct Cuts<'a> {
    values: &'a [f64],
    /// Values before the cut; from 0 to all.
    places: Vec<usize>,
    /// Sums of the values and of their squares from the middle value to the cut, both less the middle value: a far-off value
    /// at either end is in none but the outermost, so it costs the others no precision.
    sums: Vec<[f64; 2]>,
}

impl<'a> Cuts<'a> {
    fn new(values: &'a [f64]) -> Self {
        let places = places(values);
        let middle = values.get(values.len() / 2).copied().unwrap_or_default();
        let sum_of = |cut: &[usize]| {
            values[cut[0]..cut[1]]
                .iter()
                .fold([0.0; 2], |[s, q], v| [s + (v - middle), q + (v - middle) * (v - middle)])
        };
        let mut sums = vec![[0.0; 2]; places.len()];
        let half = places.len() / 2;
        for i in half + 1..places.len() {
            let [s, q] = sum_of(&places[i - 1..=i]);
            sums[i] = [sums[i - 1][0] + s, sums[i - 1][1] + q];
        }
        for i in (0..half).rev() {
            let [s, q] = sum_of(&places[i..=i + 1]);
            sums[i] = [sums[i + 1][0] - s, sums[i + 1][1] - q];
        }
        Self { values, places, sums }
    }

    /// Squared distances from their mean of the values between two cuts.
    fn cost(&self, from: usize, to: usize) -> f64 {
        let count = self.places[to] - self.places[from];
        let [sum, squares] = [0, 1].map(|i| self.sums[to][i] - self.sums[from][i]);
        if count < 2 { 0.0 } else { (squares - sum * sum / count as f64).max(0.0) }
    }

    /// The means of the at most `k` clusters of least cost.
    fn best_centres(&self, k: usize) -> Vec<f64> {
        let n = self.places.len();
        let mut costs: Vec<f64> = (0..n).map(|to| self.cost(0, to)).collect();
        // For each further cluster and each end: where it begins.
        let mut begins = Vec::with_capacity(k);
        for _ in 1..k {
            let (mut next, mut begin) = (vec![0.0; n], vec![0_u16; n]);
            self.add_cluster(&costs, &mut next, &mut begin, [0, n], [0, n]);
            costs = next;
            begins.push(begin);
        }
        let mut centres = Vec::with_capacity(k);
        let mut end = n - 1;
        for begin in begins.iter().rev().map(Some).chain([None]) {
            let start = begin.map_or(0, |begin| usize::from(begin[end]));
            let cluster = &self.values[self.places[start]..self.places[end]];
            if !cluster.is_empty() {
                centres.push(mean(cluster));
            }
            end = start;
        }
        centres.reverse();
        centres
    }

    /// For each end in `ends` the least cost with one cluster more than `costs` has, and the begin of that cluster, which
    /// lies in `begins`: first in the middle, which halves the choice for both sides.
    fn add_cluster(&self, costs: &[f64], next: &mut [f64], begin: &mut [u16], ends: [usize; 2], begins: [usize; 2]) {
        if ends[0] >= ends[1] {
            return;
        }
        let end = usize::midpoint(ends[0], ends[1]);
        let mut best = (f64::INFINITY, begins[0]);
        for (from, before) in costs.iter().enumerate().take(begins[1].min(end + 1)).skip(begins[0]) {
            let cost = before + self.cost(from, end);
            if cost < best.0 {
                best = (cost, from);
            }
        }
        next[end] = best.0;
        begin[end] = best.1 as u16;
        self.add_cluster(costs, next, begin, [ends[0], end], [begins[0], best.1 + 1]);
        self.add_cluster(costs, next, begin, [end + 1, ends[1]], [best.1, begins[1]]);
    }
}

/// Every place, or [`MAX_CUTS`] or so. Where values are f times as dense, centres will be about f^(1/3) times as dense
/// (Panter and Dite, 1951); a gap between neighbours counts as its power of 3/4, which makes it f^(1/4) for the cuts.
fn places(values: &[f64]) -> Vec<usize> {
    if values.len() <= MAX_CUTS {
        return (0..=values.len()).collect();
    }
    let weight = |i: usize| {
        let gap = values[i] - values[i - 1];
        (gap * gap.sqrt()).sqrt()
    };
    let step = (1..values.len()).map(weight).sum::<f64>() / MAX_CUTS as f64;
    let (mut places, mut sum) = (vec![0], 0.0);
    for i in 1..values.len() {
        sum += weight(i);
        if sum >= step {
            places.push(i);
            // A gap of several steps has one cut.
            sum = if sum < 2.0 * step { sum - step } else { 0.0 };
        }
    }
    places.push(values.len());
    places
}

/// The means of the values nearest to each of `centres` (the lower one of two as near), without those that have none.
fn lloyd(values: &[f64], centres: &[f64]) -> Vec<f64> {
    let (mut means, mut start) = (Vec::with_capacity(centres.len()), 0);
    for (i, centre) in centres.iter().enumerate() {
        let border = centres.get(i + 1).map_or(f64::INFINITY, |next| centre + (next - centre) / 2.0);
        let cluster = &values[start..];
        let cluster = &cluster[..cluster.iter().take_while(|&&v| v <= border).count()];
        if !cluster.is_empty() {
            means.push(mean(cluster));
        }
        start += cluster.len();
    }
    means
}

fn mean(values: &[f64]) -> f64 {
    // From the first value, so that equal ones have themselves as their mean.
    let sum: f64 = values.iter().map(|v| v - values[0]).sum();
    values[0] + sum / values.len() as f64
}
