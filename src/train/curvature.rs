//! The Hessian of the cross-entropy times a vector, in f32 on the kernels.
//!
//! With X the standardized rows, P their probabilities and V the vector as a matrix of classes: `Xᵀ R` with
//! `R = P ∘ (S − (P · S))`, `S = X V`; the intercepts are the weights of an input that is always 1. Rows are walked in blocks that stay in the first cache; both
//! products have the ten classes as rows, which the register tile of five divides without a rest.

use crate::{
    data::CLASSES,
    kernels::{self, PackedF32, Rounding, Rows, at_least},
};

/// Rows of a block.
pub const BLOCK: usize = 64;

/// Values (pixels of all rows) up to which packed blocks are kept, in 16 MB; of larger data one is packed at a time.
const KEPT: usize = 1 << 21;

/// Standardized rows in the order of both products.
#[derive(Default)]
struct Block {
    /// `[inputs]` to `[rows]`.
    forward: PackedF32,
    /// `[rows]` to `[inputs]`.
    backward: PackedF32,
}

impl Block {
    fn set(&mut self, x: &[f32], inputs: usize) {
        let rows = x.len() / inputs;
        self.forward.set(x, &[0.0; BLOCK][..rows]);
        self.backward.set_columns(x, rows, inputs);
    }
}

/// Working memory of the product.
pub struct Curvature {
    inputs: usize,
    /// Whether every block is kept.
    keep: bool,
    blocks: Vec<Block>,
    x: Vec<f32>,
    v: Vec<f32>,
    s: Vec<f32>,
    product: Vec<f32>,
}

impl Curvature {
    /// For `rows` rows of `inputs` values. `standardized` writes the rows of a block.
    pub fn new(rows: usize, inputs: usize, standardized: impl Fn(usize, &mut [f32])) -> Self {
        let keep = rows * inputs <= KEPT;
        let mut this = Self {
            inputs,
            keep,
            blocks: Vec::new(),
            x: vec![0.0; BLOCK * inputs],
            v: Vec::new(),
            s: vec![0.0; BLOCK * CLASSES],
            product: vec![0.0; CLASSES * inputs],
        };
        this.blocks.resize_with(if keep { rows.div_ceil(BLOCK) } else { 1 }, Block::default);
        if keep {
            for (b, block) in this.blocks.iter_mut().enumerate() {
                let x = &mut this.x[..BLOCK.min(rows - b * BLOCK) * inputs];
                standardized(b, x);
                block.set(x, inputs);
            }
        }
        this
    }

    /// `out = Xᵀ R` for `v`, both `[classes][inputs + 1]`, the intercept last. `probabilities`: for each block `[classes][rows of the block]`.
    pub fn multiply(
        &mut self,
        labels: &[u8],
        probabilities: &[f32],
        v: &[f64],
        out: &mut [f64],
        standardized: impl Fn(usize, &mut [f32]),
    ) {
        let inputs = self.inputs;
        self.v.clear();
        self.v.extend(v.iter().map(|&v| v as f32));
        out.fill(0.0);
        for (b, (p, labels)) in probabilities.chunks(BLOCK * CLASSES).zip(labels.chunks(BLOCK)).enumerate() {
            let rows = labels.len();
            let block = if self.keep {
                &self.blocks[b]
            } else {
                let x = &mut self.x[..rows * inputs];
                standardized(b, x);
                self.blocks[0].set(x, inputs);
                &self.blocks[0]
            };
            let s = at_least(&mut self.s, CLASSES * rows);
            product(&self.v, inputs + 1, &block.forward, s);
            for (s, v) in s.chunks_exact_mut(rows).zip(self.v.chunks_exact(inputs + 1)) {
                s.iter_mut().for_each(|s| *s += v[inputs]);
            }
            centre(p, s, labels);
            product(s, rows, &block.backward, &mut self.product);
            let classes = out.chunks_exact_mut(inputs + 1).zip(self.product.chunks_exact(inputs));
            for ((out, product), s) in classes.zip(s.chunks_exact(rows)) {
                out.iter_mut().zip(product).for_each(|(sum, &x)| *sum += f64::from(x));
                out[inputs] += f64::from(s.iter().sum::<f32>());
            }
        }
    }
}

/// The classes are the rows, `stride` values apart.
fn product(x: &[f32], stride: usize, packed: &PackedF32, out: &mut [f32]) {
    let x = Rows::dense(x, CLASSES, packed.inputs(), stride);
    kernels::multiply_f32(&x, packed, Rounding::Separate, false, out);
}

/// `s = p ∘ (s − (p · s))`, the product over classes; both `[classes][rows]`. What is the same for all classes of a row
/// does not matter, so the label's value is taken off first: for a row that is fitted well, whose p is 1 up to rounding
/// there, the difference would otherwise be one of two almost equal numbers.
fn centre(p: &[f32], s: &mut [f32], labels: &[u8]) {
    let rows = labels.len();
    let (mut label, mut mean) = ([0.0; BLOCK], [0.0; BLOCK]);
    let (label, mean) = (&mut label[..rows], &mut mean[..rows]);
    for (r, (value, &class)) in label.iter_mut().zip(labels).enumerate() {
        *value = s[usize::from(class) * rows + r];
    }
    for (p, s) in p.chunks_exact(rows).zip(s.chunks_exact_mut(rows)) {
        for (((mean, label), p), s) in mean.iter_mut().zip(&*label).zip(p).zip(s) {
            *s -= label;
            *mean += p * *s;
        }
    }
    for (p, s) in p.chunks_exact(rows).zip(s.chunks_exact_mut(rows)) {
        for ((mean, p), s) in mean.iter().zip(p).zip(s) {
            *s = p * (*s - mean);
        }
    }
}
