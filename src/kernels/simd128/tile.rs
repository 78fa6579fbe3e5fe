//! The register tile: R rows by P vectors of four outputs, whose sums stay in registers over the whole loop.
//!
//! What decides its shape and code (measured, one core, 16 registers of which the engine keeps one):
//! * Each activation is loaded once for P vectors and each weight vector once for R rows; with fewer than about ten
//!   sums the multiplier waits for its own results. 6x8 fits when multiplying and adding is one instruction (12 sums, 2
//!   weights, 1 activation); 5x8 when the product needs a register of its own.
//! * The loop is not unrolled here: engines do that, and merge loads and spill when the source does it too. Sums are
//!   never indexed by a variable, which would keep them in memory.
//! * What is left of the rows is covered by one more tile that overlaps the one before it.

use core::{arch::wasm32::*, ops::Range};

use super::{super::pack::Panels, unit::Unit};
use crate::kernels::{LANES, Rows};

/// What a tile starts from and where its sums go.
pub trait Epilogue {
    /// What the sums of four outputs from `output` on in row `row` start from.
    fn start(&self, row: usize, output: usize) -> v128;

    /// Takes the sums of row `row`, of 4·P outputs from `output` on.
    fn finish<const P: usize>(&mut self, row: usize, output: usize, sums: [v128; P]);
}

/// Multiplies the values `inputs` of each row (all of them when a row has several segments) with packed weights.
pub fn multiply<U: Unit, T, W>(
    x: Rows<T>,
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
    let grouped = if single { panels.full() / U::GROUP * U::GROUP } else { 0 };
    if U::GROUP > 1 {
        for panel in (0..grouped).step_by(U::GROUP) {
            let w = core::array::from_fn(|g| weights_from(2 * (panel + g), 2));
            walk.single::<U, 3, 2, 2>(w, 2 * panel * LANES, epilogue);
        }
    }
    for (first, vectors) in panels.iter().skip(if U::GROUP > 1 { grouped } else { 0 }) {
        let (w, output) = (weights_from(first, vectors), first * LANES);
        match (single, vectors) {
            (false, 1) => walk.all_rows::<U, 8, 1>(w, output, epilogue),
            (false, 2) if U::ONE_INSTRUCTION => walk.all_rows::<U, 6, 2>(w, output, epilogue),
            (false, 2) => walk.all_rows::<U, 5, 2>(w, output, epilogue),
            (false, _) => walk.all_rows::<U, 3, 3>(w, output, epilogue),
            (true, 1) => walk.single::<U, 1, 1, 4>([w], output, epilogue),
            (true, 2) => walk.single::<U, 1, 2, 4>([w], output, epilogue),
            (true, _) => walk.single::<U, 1, 3, 4>([w], output, epilogue),
        }
    }
}

/// The rows, and the part of each that is read.
struct Walk<'a, T> {
    x: Rows<'a, T>,
    /// First value.
    first: usize,
    /// Activation words of a segment.
    steps: usize,
}

impl<T> Walk<'_, T> {
    /// All rows by one panel of P vectors.
    fn all_rows<U: Unit, const R: usize, const P: usize>(
        &self,
        w: *const u8,
        output: usize,
        epilogue: &mut impl Epilogue,
    ) {
        let count = self.x.count();
        let mut done = 0;
        while done < count {
            if count < R {
                let sums = self.tile::<U, 1, P>(done, w, output, epilogue);
                epilogue.finish(done, output, sums[0]);
                done += 1;
                continue;
            }
            let row = done.min(count - R);
            let sums = self.tile::<U, R, P>(row, w, output, epilogue);
            for (r, sums) in sums.into_iter().enumerate() {
                if row + r >= done {
                    epilogue.finish(row + r, output, sums);
                }
            }
            done = row + R;
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn tile<U: Unit, const R: usize, const P: usize>(
        &self,
        row: usize,
        mut w: *const u8,
        output: usize,
        epilogue: &impl Epilogue,
    ) -> [[v128; P]; R] {
        let mut x: [*const u8; R] = core::array::from_fn(|r| self.row(row + r));
        let mut sums: [[v128; P]; R] =
            core::array::from_fn(|r| core::array::from_fn(|p| epilogue.start(row + r, output + p * LANES)));
        for _ in 0..self.x.segments() {
            for k in 0..self.steps {
                // SAFETY: `Rows` has checked that each row's segments lie in its data, `multiply` that all steps of all
                // panels lie in the weights; a word is four bytes of a segment.
                unsafe {
                    let weights: [v128; P] = core::array::from_fn(|p| U::load(w.add((k * P + p) * U::WEIGHT_BYTES)));
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

    /// The only row by G panels of P vectors, summed in S interleaved parts (of which there may be more than the unit
    /// asks for only if sums of integers are parted).
    fn single<U: Unit, const G: usize, const P: usize, const S: usize>(
        &self,
        w: [*const u8; G],
        output: usize,
        epilogue: &mut impl Epilogue,
    ) {
        let sums = self.parts::<U, G, P, S>(w);
        for (g, sums) in sums.into_iter().enumerate() {
            let output = output + g * P * LANES;
            let mut sums = sums.into_iter().enumerate();
            let sums = core::array::from_fn(|_| {
                let (p, sum) = sums.next().expect("P sums");
                U::plus(epilogue.start(0, output + p * LANES), sum)
            });
            epilogue.finish::<P>(0, output, sums);
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    fn parts<U: Unit, const G: usize, const P: usize, const S: usize>(&self, w: [*const u8; G]) -> [[v128; P]; G] {
        let x = self.row(0);
        let mut parts = [[[i32x4_splat(0); P]; G]; S];
        let step = |sums: &mut [[v128; P]; G], k: usize| {
            // SAFETY: as in `tile`; k is less than the number of steps.
            unsafe {
                let word = v128_load32_splat(x.add(4 * k).cast());
                for g in 0..G {
                    for p in 0..P {
                        let weights = U::load(w[g].add((k * P + p) * U::WEIGHT_BYTES));
                        sums[g][p] = U::step(sums[g][p], weights, word);
                    }
                }
            }
        };
        let whole = self.steps / S * S;
        for k in (0..whole).step_by(S) {
            for s in 0..S {
                step(&mut parts[s], k + s);
            }
        }
        for s in 0..S - 1 {
            if whole + s < self.steps {
                step(&mut parts[s], whole + s);
            }
        }
        // (0 + 1) + (2 + 3), as the specification has it.
        for s in (0..S - 1).step_by(2) {
            for g in 0..G {
                for p in 0..P {
                    parts[s][g][p] = U::plus(parts[s][g][p], parts[s + 1][g][p]);
                }
            }
        }
        if S == 4 {
            for g in 0..G {
                for p in 0..P {
                    parts[0][g][p] = U::plus(parts[0][g][p], parts[2][g][p]);
                }
            }
        }
        parts[0]
    }

    fn row(&self, r: usize) -> *const u8 {
        self.x.data().as_ptr().wrapping_add(self.x.start(r) + self.first).cast()
    }
}
