//! The register tile: R rows by P vectors of four outputs, whose sums stay in registers over the whole loop.
//!
//! What decides its shape and code (measured, one core, 16 registers of which the engine keeps one):
//! * Each activation is loaded once for P vectors and each weight vector once for R rows; with fewer than about ten
//!   sums the multiplier waits for its own results. 6x8 fits when multiplying and adding is one instruction (12 sums, 2
//!   weights, 1 activation); 5x8 when the product needs a register of its own.
//! * The loop is not unrolled here: engines do that, and merge loads and spill when the source does it too. Sums are
//!   never indexed by a variable, which would keep them in memory.
//! * What is left of the rows is covered by one more tile that overlaps the one before it.

use core::{arch::wasm32::*, array::from_fn, ops::Range};

use super::{super::pack::Panels, unit::Unit};
use crate::kernels::{LANES, Rows, fits};

/// What a tile starts from and where its sums go. Not inlined into the tile's loop: whatever else is alive there costs a
/// register, and the loop needs all of them.
pub trait Epilogue {
    /// What the sums of R rows from `row` on and 4·P outputs from `output` on start from.
    fn start<const R: usize, const P: usize>(&self, row: usize, output: usize) -> [[v128; P]; R];

    /// Takes the sums of some of the rows from `row` on: `rows` of the tile.
    fn finish<const R: usize, const P: usize>(
        &mut self,
        row: usize,
        rows: Range<usize>,
        output: usize,
        sums: &[[v128; P]; R],
    );
}

/// Multiplies the values `inputs` of each row (all of them when a row has several segments) with packed weights.
#[inline(never)]
pub fn multiply<U: Unit, T, W>(
    x: &Rows<T>,
    panels: Panels,
    weights: &[W],
    inputs: Range<usize>,
    epilogue: &mut impl Epilogue,
) {
    let steps = x.inputs() / U::INPUTS;
    fits(steps * U::INPUTS == x.inputs() && panels.vectors() * steps * U::WEIGHT_BYTES <= size_of_val(weights));
    fits(inputs.end <= x.segment() && (x.segments() == 1 || inputs.len() == x.segment()));
    let walk = Walk { x, first: inputs.start, steps: inputs.len() / U::INPUTS };
    for start in (0..x.count()).step_by(BLOCK_ROWS) {
        let rows = start..x.count().min(start + BLOCK_ROWS);
        let weights = |first: usize, vectors: usize| {
            let skipped = inputs.start / U::INPUTS * vectors;
            weights.as_ptr().cast::<u8>().wrapping_add((first * steps + skipped) * U::WEIGHT_BYTES)
        };
        for panel in 0..panels.full() {
            let (w, output) = (weights(2 * panel, 2), 2 * panel * LANES);
            if U::ONE_INSTRUCTION {
                walk.rows::<U, 6, 2>(rows.clone(), w, output, epilogue);
            } else {
                walk.rows::<U, 5, 2>(rows.clone(), w, output, epilogue);
            }
        }
        if panels.has_wide() {
            let first = 2 * panels.full();
            walk.rows::<U, 3, 3>(rows, weights(first, 3), first * LANES, epilogue);
        }
    }
}

/// Rows that are multiplied with all panels before the next ones are read: with 512 floats a row they take 480 KiB of the
/// second cache. A multiple of every tile's rows.
const BLOCK_ROWS: usize = 240;

/// The rows, and the part of each that is read.
struct Walk<'a, T> {
    x: &'a Rows<'a, T>,
    /// First value.
    first: usize,
    /// Activation words of a segment.
    steps: usize,
}

impl<T> Walk<'_, T> {
    /// Some rows by one panel of P vectors.
    #[inline(never)]
    fn rows<U: Unit, const R: usize, const P: usize>(
        &self,
        rows: Range<usize>,
        w: *const u8,
        output: usize,
        epilogue: &mut impl Epilogue,
    ) {
        let mut done = rows.start;
        while done < rows.end {
            // The last tile overlaps the one before it; fewer rows than a tile has are filled up with the last one.
            let few = rows.len() < R;
            let row = if few { rows.start } else { done.min(rows.end - R) };
            let x =
                if few { from_fn(|r| self.row((row + r).min(rows.end - 1))) } else { from_fn(|r| self.row(row + r)) };
            let sums = self.tile::<U, R, P>(x, w, epilogue.start(row, output));
            epilogue.finish(row, done - row..R.min(rows.end - row), output, &sums);
            done = row + R;
        }
    }

    /// `sums` and the products of R rows and P vectors.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn tile<U: Unit, const R: usize, const P: usize>(
        &self,
        mut x: [*const u8; R],
        mut w: *const u8,
        mut sums: [[v128; P]; R],
    ) -> [[v128; P]; R] {
        for _ in 0..self.x.segments() {
            for k in 0..self.steps {
                // SAFETY: `Rows` has checked that each row's segments lie in its data, `multiply` that all steps of all
                // panels lie in the weights; a word is four bytes of a segment.
                unsafe {
                    let weights: [v128; P] = from_fn(|p| U::load(w.add((k * P + p) * U::WEIGHT_BYTES)));
                    for r in 0..R {
                        let word = v128_load32_splat(x[r].add(4 * k).cast());
                        for p in 0..P {
                            sums[r][p] = U::step(sums[r][p], weights[p], word);
                        }
                    }
                }
            }
            x = x.map(|x| x.wrapping_add(self.x.segment_stride() * size_of::<T>()));
            w = w.wrapping_add(self.steps * P * U::WEIGHT_BYTES);
        }
        sums
    }

    fn row(&self, r: usize) -> *const u8 {
        self.x.data().as_ptr().wrapping_add(self.x.start(r) + self.first).cast()
    }
}
