//! Weights in the order in which the kernels read them, made once per model.
//!
//! Outputs are cut into panels of eight (two vectors of four 32-bit sums); an odd vector makes the last panel one of
//! twelve. A panel holds, input by input, the weights of all its outputs one after the other, so that a kernel reads
//! it from beginning to end. Missing outputs and inputs are zero weights.

use super::DotPath;
use crate::{Error, Result};

/// 32-bit lanes of a vector.
pub const LANES: usize = 4;
/// Vectors of a full panel.
const FULL: usize = 2;

/// Outputs cut into panels of [`FULL`] vectors; the last one has 2 or 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Panels {
    vectors: usize,
}

impl Panels {
    fn new(outputs: usize) -> Self {
        Self { vectors: padded(outputs) / LANES }
    }

    /// Vectors of four outputs, over all panels.
    pub fn vectors(self) -> usize {
        self.vectors
    }

    /// Panels of two vectors; they come first.
    pub fn full(self) -> usize {
        if self.vectors.is_multiple_of(FULL) { self.vectors / FULL } else { (self.vectors - 3) / FULL }
    }

    /// Whether there is a panel of three vectors after them.
    pub fn has_wide(self) -> bool {
        !self.vectors.is_multiple_of(FULL)
    }

    /// First vector and number of vectors of each panel.
    pub fn iter(self) -> impl Iterator<Item = (usize, usize)> {
        (0..self.full()).map(|p| (FULL * p, FULL)).chain(self.has_wide().then_some((FULL * self.full(), 3)))
    }

    /// Where the weights of output `j` lie, at `vector_elements` a vector: elements before its panel, vectors of the panel,
    /// vector within the panel, lane.
    fn locate(self, j: usize, vector_elements: usize) -> (usize, usize, usize, usize) {
        let vector = j / LANES;
        let (first, vectors) =
            if vector < FULL * self.full() { (vector / FULL * FULL, FULL) } else { (FULL * self.full(), 3) };
        (first * vector_elements, vectors, vector - first, j % LANES)
    }
}

/// f32 weights and bias; panels of shape `[inputs][outputs of the panel]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PackedF32 {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl PackedF32 {
    /// `weights`: shape `[outputs, inputs]`, row-major; `bias`: `[outputs]`.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn new(weights: &[f32], inputs: usize, bias: &[f32]) -> Result<Self> {
        let outputs = bias.len();
        check_shape(weights.len(), inputs, outputs)?;
        let mut packed = Self::default();
        packed.set(weights, bias);
        Ok(packed)
    }

    /// Packs again in place, for training. `weights`: `[bias.len(), inputs]`, row-major.
    ///
    /// # Panics
    /// When that is no whole matrix.
    pub fn set(&mut self, weights: &[f32], bias: &[f32]) {
        let inputs = weights.len() / bias.len();
        super::fits(weights.len() == inputs * bias.len());
        self.reset(inputs, bias.len());
        self.bias[..bias.len()].copy_from_slice(bias);
        for (j, row) in weights.chunks(inputs.max(1)).enumerate() {
            let (start, vectors, vector, lane) = self.panels().locate(j, LANES * inputs);
            let column = self.weights[start..].iter_mut().skip(vector * LANES + lane).step_by(vectors * LANES);
            column.zip(row).for_each(|(to, &w)| *to = w);
        }
    }

    /// The same of a matrix given as `columns`, shape `[inputs, outputs]`, without a bias.
    ///
    /// # Panics
    /// When `columns` has another length.
    pub fn set_columns(&mut self, columns: &[f32], inputs: usize, outputs: usize) {
        super::fits(columns.len() == inputs * outputs);
        self.reset(inputs, outputs);
        for (first, vectors) in self.panels().iter() {
            let (from, width) = (first * LANES, vectors * LANES);
            let used = width.min(outputs.saturating_sub(from));
            let panel = &mut self.weights[from * inputs..][..width * inputs];
            let rows = panel.chunks_exact_mut(width).zip(columns.chunks_exact(outputs));
            if used == 2 * LANES {
                // Of known length: engines call a function for every other copy.
                for (to, row) in rows {
                    to[..2 * LANES].copy_from_slice(&row[from..from + 2 * LANES]);
                }
            } else {
                for (to, row) in rows {
                    to.iter_mut().zip(&row[from..from + used]).for_each(|(to, from)| *to = *from);
                }
            }
        }
    }

    /// Another size: zeros where a panel has more outputs than there are, anything elsewhere.
    fn reset(&mut self, inputs: usize, outputs: usize) {
        (self.inputs, self.outputs) = (inputs, outputs);
        self.weights.resize(padded(outputs) * inputs, 0.0);
        // Only the last panel can be too wide.
        let last = self.panels().iter().last().map_or(0, |(first, _)| first * LANES * inputs);
        self.weights[last..].fill(0.0);
        self.bias.clear();
        self.bias.resize(padded(outputs), 0.0);
    }

    /// Values of an input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values of an output row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    pub(super) fn panels(&self) -> Panels {
        Panels::new(self.outputs)
    }

    /// All panels, one after the other.
    pub(super) fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// Bias, with zeros for the padding.
    pub(super) fn bias(&self) -> &[f32] {
        &self.bias
    }
}

/// i8 weights, laid out for one [`DotPath`]:
///
/// * scalar: `[outputs][inputs]`;
/// * pairs: panels of shape `[inputs / 2][outputs of the panel][2]`, what one `i32x4_dot_i16x8` multiplies;
/// * relaxed dot: panels of shape `[inputs / 4][outputs of the panel][4]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedI8 {
    path: DotPath,
    inputs: usize,
    outputs: usize,
    weights: Vec<i8>,
    row_sums: Vec<i32>,
}

/// Inputs are padded with zero weights to a multiple of this, so that no loop has a remainder.
const STEP: usize = 4;

impl PackedI8 {
    /// Packs for the path of this engine. `weights`: shape `[outputs, inputs]`, row-major.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Error::TooWide`] beyond [`super::MAX_INPUTS`].
    pub fn new(weights: &[i8], inputs: usize, outputs: usize) -> Result<Self> {
        Self::for_path(DotPath::of_this_engine(), weights, inputs, outputs)
    }

    /// Packs for a given path; one that this build or engine has not gives wrong sums or a panic.
    ///
    /// # Errors
    /// As [`PackedI8::new`].
    pub fn for_path(path: DotPath, weights: &[i8], inputs: usize, outputs: usize) -> Result<Self> {
        check_shape(weights.len(), inputs, outputs)?;
        if inputs > super::MAX_INPUTS {
            return Err(Error::TooWide { inputs, limit: super::MAX_INPUTS });
        }
        let mut packed = Self {
            path,
            inputs,
            outputs,
            weights: vec![0; padded(outputs) * stride(inputs)],
            row_sums: vec![0; padded(outputs)],
        };
        for (j, row) in weights.chunks(inputs.max(1)).enumerate() {
            row.iter().enumerate().for_each(|(k, &w)| {
                let at = packed.index(j, k);
                packed.weights[at] = w;
            });
            packed.row_sums[j] = row.iter().map(|&w| i32::from(w)).sum();
        }
        Ok(packed)
    }

    /// The path that these weights are laid out for.
    pub fn path(&self) -> DotPath {
        self.path
    }

    /// Values of an input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Elements from one row of activations to the next: `inputs` rounded up to a multiple of 4, at least 4.
    pub fn stride(&self) -> usize {
        stride(self.inputs)
    }

    /// Values of an output row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Weight of input `k` in output `j`.
    pub fn weight(&self, j: usize, k: usize) -> i8 {
        self.weights[self.index(j, k)]
    }

    pub(super) fn panels(&self) -> Panels {
        Panels::new(self.outputs)
    }

    /// All panels (or rows), one after the other.
    pub(super) fn weights(&self) -> &[i8] {
        &self.weights
    }

    /// Sum of each output's weights, which is what a zero point of 1 takes off; zeros for the padding.
    pub(super) fn row_sums(&self) -> &[i32] {
        &self.row_sums
    }

    fn index(&self, j: usize, k: usize) -> usize {
        let group = match self.path {
            DotPath::Scalar => return j * self.stride() + k,
            DotPath::Pairs => 2,
            DotPath::Unsigned | DotPath::Signed => 4,
        };
        let (start, vectors, vector, lane) = self.panels().locate(j, LANES * self.stride());
        start + ((k / group * vectors + vector) * LANES + lane) * group + k % group
    }
}

/// Outputs with padding: whole vectors, and two at least, for fewer are not worth a kernel.
pub(super) fn padded(outputs: usize) -> usize {
    outputs.next_multiple_of(LANES).max(FULL * LANES)
}

fn stride(inputs: usize) -> usize {
    inputs.max(1).next_multiple_of(STEP)
}

fn check_shape(found: usize, inputs: usize, outputs: usize) -> Result<()> {
    if outputs == 0 {
        return Err(Error::Shape { what: "list of outputs", expected: 1, found: 0 });
    }
    let expected = inputs * outputs;
    if found == expected { Ok(()) } else { Err(Error::Shape { what: "weight matrix", expected, found }) }
}
