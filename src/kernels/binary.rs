//! Products of values of one bit: XNOR and popcount.
//!
//! A bit stands for −1 (0) or +1 (1). The product of two of them is +1 where the bits are equal, so the dot product of n
//! is `n − 2 · popcount(x xor w)`: one instruction takes as many products as a word has bits (Rastegari et al., "XNOR-Net",
//! 2016, section 3.2). Rows are filled up with zeros to whole vectors, on both sides, so what they are filled with
//! never differs.

use super::{LANES, Patches, active, at_least, fits};

/// Bits of a word.
const WORD: usize = u64::BITS as usize;
/// Words of a vector of 128 bits.
pub(super) const VECTOR: usize = 2;

/// Rows of bits, from the lowest bit of a word up, each filled up with zeros to whole vectors.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BitRows {
    inputs: usize,
    count: usize,
    words: Vec<u64>,
}

impl BitRows {
    /// `count` rows of `inputs` bits that follow each other without gaps in `bytes`, as one-bit weights are stored.
    ///
    /// # Panics
    /// When `bytes` is too short.
    pub fn from_packed(bytes: &[u8], count: usize, inputs: usize) -> Self {
        let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        let packed: Vec<u64> = bytes.chunks(WORD / 8).map(word).collect();
        let mut rows = Self::default();
        rows.reset(count, inputs);
        for r in 0..count {
            copy_bits(&packed, r * inputs, rows.row_mut(r), 0, inputs);
        }
        rows
    }

    /// Makes room for `count` rows of `inputs` bits, all 0.
    pub fn reset(&mut self, count: usize, inputs: usize) {
        (self.count, self.inputs) = (count, inputs);
        let len = count * self.stride();
        at_least(&mut self.words, len).fill(0);
    }

    /// Becomes one row for each `inputs` values of `x`: 1 where a value is `threshold` or more.
    pub fn set(&mut self, x: &[f32], inputs: usize, threshold: f32) {
        self.reset(x.len() / inputs.max(1), inputs);
        for (r, x) in x.chunks_exact(inputs.max(1)).enumerate() {
            active::binarize(x, threshold, self.row_mut(r));
        }
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Bits of a row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// The words of row `r`, whole vectors of them.
    pub fn row(&self, r: usize) -> &[u64] {
        &self.words[r * self.stride()..][..self.stride()]
    }

    fn row_mut(&mut self, r: usize) -> &mut [u64] {
        let stride = self.stride();
        &mut self.words[r * stride..][..stride]
    }

    /// Words from one row to the next.
    fn stride(&self) -> usize {
        self.inputs.div_ceil(WORD).next_multiple_of(VECTOR)
    }

    /// `Σ_k w[r][k]`, of −1 and +1.
    pub fn sum(&self, r: usize) -> i32 {
        2 * self.row(r).iter().map(|word| word.count_ones() as i32).sum::<i32>() - self.inputs as i32
    }
}

/// Weights of one bit, with what follows their sums: a factor and an addend for each output.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedBits {
    /// Whole vectors of outputs: the last rows may be zeros.
    rows: BitRows,
    outputs: usize,
    factors: Vec<f32>,
    addends: Vec<f32>,
}

impl PackedBits {
    /// `rows`: one for each output; `factors` and `addends` as many.
    ///
    /// # Panics
    /// When the lengths differ.
    pub fn new(mut rows: BitRows, mut factors: Vec<f32>, mut addends: Vec<f32>) -> Self {
        let outputs = rows.count;
        fits(factors.len() == outputs && addends.len() == outputs);
        rows.count = outputs.next_multiple_of(LANES);
        rows.words.resize(rows.count * rows.stride(), 0);
        factors.resize(rows.count, 0.0);
        addends.resize(rows.count, 0.0);
        Self { rows, outputs, factors, addends }
    }

    /// The bits, a row for each output, and rows of zeros after them up to whole vectors.
    pub fn rows(&self) -> &BitRows {
        &self.rows
    }

    /// Rows that are an output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// What sums are multiplied with, filled up as the rows are.
    pub(super) fn factors(&self) -> &[f32] {
        &self.factors
    }

    /// What is added then.
    pub(super) fn addends(&self) -> &[f32] {
        &self.addends
    }
}

/// `out[r][j] = f32(Σ_k x[r][k] · w[j][k]) · factor[j] + addend[j]` of −1 and +1, negative ones replaced by 0 if `relu`;
/// `out` is `[rows, outputs]`.
///
/// # Panics
/// When a length does not fit the packed weights.
pub fn multiply_bits(x: &BitRows, w: &PackedBits, relu: bool, out: &mut [f32]) {
    fits(x.inputs() == w.rows.inputs() && out.len() == x.count() * w.outputs);
    active::multiply_bits(x, w, relu, out);
}

/// Working memory of a convolution of bits: an image with its border, and the neighbourhoods of its pixels.
#[derive(Debug, Clone, Default)]
pub struct BitPatches {
    line: BitRows,
    bordered: BitRows,
    neighbourhoods: BitRows,
}

/// A 3x3 convolution of `x` (`[images, height, width, channels]`), 1 where a value is `threshold` or more; so the border,
/// of zeros, is 1 where 0 is. `w` are the filters `[outputs][3][3][channels]`.
///
/// # Panics
/// When a length does not fit the geometry or the packed weights.
pub fn convolve_bits(
    x: &[f32],
    [height, width, channels]: [usize; 3],
    threshold: f32,
    memory: &mut BitPatches,
    w: &PackedBits,
    relu: bool,
    out: &mut [f32],
) {
    let (side, image, values) = (Patches::SIDE, height * width * channels, height * width * w.outputs);
    fits(x.len() * values == out.len() * image && w.rows.inputs() == side * side * channels);
    let BitPatches { line, bordered, neighbourhoods } = memory;
    bordered.reset(height + side - 1, (width + side - 1) * channels);
    if 0.0 >= threshold {
        bordered.words.fill(u64::MAX);
    }
    let run = side * channels;
    for (x, out) in x.chunks_exact(image).zip(out.chunks_exact_mut(values)) {
        line.set(x, width * channels, threshold);
        for y in 0..height {
            copy_bits(line.row(y), 0, bordered.row_mut(y + 1), channels, width * channels);
        }
        neighbourhoods.reset(height * width, side * run);
        for pixel in 0..height * width {
            for dy in 0..side {
                let from = bordered.row(pixel / width + dy);
                copy_bits(from, pixel % width * channels, neighbourhoods.row_mut(pixel), dy * run, run);
            }
        }
        multiply_bits(neighbourhoods, w, relu, out);
    }
}

/// Copies `len` bits of `from` from bit `at` on over those of `to` from bit `start` on.
fn copy_bits(from: &[u64], at: usize, to: &mut [u64], start: usize, len: usize) {
    let mut done = 0;
    while done < len {
        let (read, write) = ((at + done) % WORD, (start + done) % WORD);
        // As far as a word goes on either side.
        let count = (len - done).min(WORD - read).min(WORD - write);
        let mask = u64::MAX >> (WORD - count) << write;
        let to = &mut to[(start + done) / WORD];
        *to = *to & !mask | from[(at + done) / WORD] >> read << write & mask;
        done += count;
    }
}
