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
use crate::kernels::{LANES, Rows};

/// What a tile starts from and where its sums go. Not inlined into the tile's loop: whatever else is alive there costs a
/// register, and the loop needs all of them.
pub trait Epilogue {
    /// What the sums of R rows from `row` on and 4·P outputs from `output` on start from.
    fn start<const R: usize, const P: usize>(&self, row: usize, output: usize) -> [[v128; P]; R];

    /// Takes the sums of the rows from `row + skip` on.
    fn finish<const R: usize, const P: usize>(&mut self, row: usize, skip: usize, output: usize, sums: &[[v128; P]; R]);
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
    assert!(steps * U::INPUTS == x.inputs() && panels.vectors() * steps * U::WEIGHT_BYTES <= size_of_val(weights));
    assert!(inputs.end <= x.segment() && (x.segments() == 1 || inputs.len() == x.segment()));
    let weights_from = |vector: usize, vectors: usize| {
        let skipped = inputs.start / U::INPUTS * vectors;
        weights.as_ptr().cast::<u8>().wrapping_add((vector * steps + skipped) * U::WEIGHT_BYTES)
    };
    let walk = Walk { x, first: inputs.start, steps: inputs.len() / U::INPUTS };

    let single = x.count() == 1 && x.segments() == 1;
    // A single row takes several panels at once: its one word is shared by all of them.
    let grouped = if single { panels.full() / U::GROUP * U::GROUP } else { 0 };
    for panel in (0..grouped).step_by(U::GROUP) {
        let (vector, output) = (2 * panel, 2 * panel * LANES);
        match U::GROUP {
            6 => walk.single::<U, 6, 2, 12, 1>(from_fn(|g| weights_from(vector + 2 * g, 2)), output, epilogue),
            _ => walk.single::<U, 2, 2, 4, 2>(from_fn(|g| weights_from(vector + 2 * g, 2)), output, epilogue),
        }
    }
    for start in (0..x.count()).step_by(BLOCK_ROWS) {
        let rows = start..x.count().min(start + BLOCK_ROWS);
        for (first, vectors) in panels.iter().skip(grouped) {
            let (w, output, rows) = (weights_from(first, vectors), first * LANES, rows.clone());
            match (single, vectors) {
                (false, 1) => walk.rows::<U, 8, 1>(rows, w, output, epilogue),
                (false, 2) if U::ONE_INSTRUCTION => walk.rows::<U, 6, 2>(rows, w, output, epilogue),
                (false, 2) => walk.rows::<U, 5, 2>(rows, w, output, epilogue),
                (false, _) => walk.rows::<U, 3, 3>(rows, w, output, epilogue),
                (true, 1) => walk.single_panel::<U, 1>(w, output, epilogue),
                (true, 2) => walk.single_panel::<U, 2>(w, output, epilogue),
                (true, _) => walk.single_panel::<U, 3>(w, output, epilogue),
            }
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
            if rows.len() < R {
                let sums = self.tile::<U, 1, P>(done, w, epilogue.start(done, output));
                epilogue.finish(done, 0, output, &sums);
                done += 1;
            } else {
                let row = done.min(rows.end - R);
                let sums = self.tile::<U, R, P>(row, w, epilogue.start(row, output));
                epilogue.finish(row, done - row, output, &sums);
                done = row + R;
            }
        }
    }

    /// `sums` and the products of R rows and P vectors.
    #[inline(always)]
    #[allow(unsafe_code)]
    fn tile<U: Unit, const R: usize, const P: usize>(
        &self,
        row: usize,
        mut w: *const u8,
        mut sums: [[v128; P]; R],
    ) -> [[v128; P]; R] {
        let mut x: [*const u8; R] = from_fn(|r| self.row(row + r));
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

    /// The only row by one panel of P vectors: more parts, where their order does not matter, make up for the few sums.
    fn single_panel<U: Unit, const P: usize>(&self, w: *const u8, output: usize, epilogue: &mut impl Epilogue) {
        if U::ANY_ORDER {
            self.single::<U, 1, P, P, 4>([w], output, epilogue);
        } else {
            self.single::<U, 1, P, P, 2>([w], output, epilogue);
        }
    }

    /// The only row by G panels of P vectors (V in all), summed in S interleaved parts.
    #[inline(never)]
    fn single<U: Unit, const G: usize, const P: usize, const V: usize, const S: usize>(
        &self,
        w: [*const u8; G],
        output: usize,
        epilogue: &mut impl Epilogue,
    ) {
        let sums = self.parts::<U, G, P, S>(w);
        let [start] = epilogue.start::<1, V>(0, output);
        let sums = from_fn(|v| U::plus(start[v], sums[v / P][v % P]));
        epilogue.finish::<1, V>(0, 0, output, &[sums]);
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn parts<U: Unit, const G: usize, const P: usize, const S: usize>(&self, w: [*const u8; G]) -> [[v128; P]; G] {
        let (mut x, mut w) = (self.row(0), w);
        let mut parts = [[[i32x4_splat(0); P]; G]; S];
        // Pointers that move on, so that each load is one of a constant distance.
        let step = |sums: &mut [[v128; P]; G], x: *const u8, w: &[*const u8; G], s: usize| {
            // SAFETY: as in `tile`: as many steps are made as there are.
            unsafe {
                let word = v128_load32_splat(x.add(4 * s).cast());
                for g in 0..G {
                    for p in 0..P {
                        let weights = U::load(w[g].add((s * P + p) * U::WEIGHT_BYTES));
                        sums[g][p] = U::step(sums[g][p], weights, word);
                    }
                }
            }
        };
        for _ in 0..self.steps / S {
            for s in 0..S {
                step(&mut parts[s], x, &w, s);
            }
            x = x.wrapping_add(4 * S);
            w = w.map(|w| w.wrapping_add(S * P * U::WEIGHT_BYTES));
        }
        for s in 0..S - 1 {
            if s < self.steps % S {
                step(&mut parts[s], x, &w, s);
            }
        }
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or([[i32x4_splat(0); P]; G]);
        parts.fold(first, |all, part| from_fn(|g| from_fn(|p| U::plus(all[g][p], part[g][p]))))
    }

    fn row(&self, r: usize) -> *const u8 {
        self.x.data().as_ptr().wrapping_add(self.x.start(r) + self.first).cast()
    }
}
