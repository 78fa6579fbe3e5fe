//! Weights in the order in which the kernels read them, made once per model.
//!
//! Both formats cut the outputs into panels of [`PANEL`], so that one 128-bit vector holds one partial sum of each
//! output of a panel; missing outputs and inputs are zero weights.

use crate::{Error, Result};

/// Outputs in a panel: 32-bit lanes of a vector.
pub const PANEL: usize = 4;

/// f32 weights: panels of shape `[inputs][4]`.
#[derive(Debug, Clone, PartialEq)]
pub struct PackedF32 {
    inputs: usize,
    outputs: usize,
    panels: Vec<f32>,
}

impl PackedF32 {
    /// `weights`: shape `[outputs, inputs]`, row-major.
    pub fn new(weights: &[f32], inputs: usize, outputs: usize) -> Result<Self> {
        check_shape(weights.len(), inputs, outputs)?;
        let mut panels = vec![0.0; outputs.div_ceil(PANEL) * PANEL * inputs];
        for (j, row) in weights.chunks(inputs.max(1)).enumerate() {
            let panel = &mut panels[j / PANEL * PANEL * inputs..];
            row.iter().enumerate().for_each(|(k, &w)| panel[k * PANEL + j % PANEL] = w);
        }
        Ok(Self { inputs, outputs, panels })
    }

    /// Values of an input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Values of an output row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// The weights of outputs `4p..4p+4`, shape `[inputs][4]`.
    pub fn panel(&self, p: usize) -> &[f32] {
        let size = PANEL * self.inputs;
        &self.panels[p * size..(p + 1) * size]
    }
}

/// i8 weights: panels of shape `[stride / 8][4 pairs][4 outputs][2]`, that is pairs of inputs of four outputs, which
/// is what one `i32x4_dot_i16x8` multiplies once they are widened to 16 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedI8 {
    inputs: usize,
    outputs: usize,
    panels: Vec<i8>,
    row_sums: Vec<i32>,
}

/// Inputs are padded with zero weights to a multiple of this, so that the SIMD loop has no remainder.
const STRIDE: usize = 8;

impl PackedI8 {
    /// `weights`: shape `[outputs, inputs]`, row-major.
    pub fn new(weights: &[i8], inputs: usize, outputs: usize) -> Result<Self> {
        check_shape(weights.len(), inputs, outputs)?;
        if inputs > super::MAX_INPUTS {
            return Err(Error::TooWide { inputs, limit: super::MAX_INPUTS });
        }
        let stride = stride(inputs);
        let mut panels = vec![0; outputs.div_ceil(PANEL) * PANEL * stride];
        let mut row_sums = vec![0; outputs];
        for (j, row) in weights.chunks(inputs.max(1)).enumerate() {
            let panel = &mut panels[j / PANEL * PANEL * stride..];
            row.iter().enumerate().for_each(|(k, &w)| panel[index_in_panel(k, j % PANEL)] = w);
            row_sums[j] = row.iter().map(|&w| i32::from(w)).sum();
        }
        Ok(Self { inputs, outputs, panels, row_sums })
    }

    /// Values of an input row.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Bytes from one row of activations to the next: `inputs` rounded up to a multiple of 8, at least 8.
    pub fn stride(&self) -> usize {
        stride(self.inputs)
    }

    /// Values of an output row.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Weight of input `k` in output `j`.
    pub fn weight(&self, j: usize, k: usize) -> i8 {
        self.panel(j / PANEL)[index_in_panel(k, j % PANEL)]
    }

    /// The weights of outputs `4p..4p+4`.
    pub fn panel(&self, p: usize) -> &[i8] {
        let size = PANEL * self.stride();
        &self.panels[p * size..(p + 1) * size]
    }

    /// Sum of each output's weights: what a zero point of 1 takes off.
    pub fn row_sums(&self) -> &[i32] {
        &self.row_sums
    }
}

fn stride(inputs: usize) -> usize {
    inputs.max(1).next_multiple_of(STRIDE)
}

fn index_in_panel(k: usize, lane: usize) -> usize {
    (k / 2 * PANEL + lane) * 2 + k % 2
}

fn check_shape(found: usize, inputs: usize, outputs: usize) -> Result<()> {
    if outputs == 0 {
        return Err(Error::Shape { what: "list of outputs", expected: 1, found: 0 });
    }
    let expected = inputs * outputs;
    if found == expected { Ok(()) } else { Err(Error::Shape { what: "weight matrix", expected, found }) }
}
