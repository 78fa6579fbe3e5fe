//! A single row: what one image needs.
//!
//! Nothing can be shared between rows, so every weight is loaded for one multiplication, and the loads are the limit: of
//! the first cache for a small layer, of the second or of memory for a large one. The row's words are shared by as many
//! panels as there are registers for. Where few outputs leave few sums, the inputs are parted, for a sum waits for
//! its last step.

use core::{arch::wasm32::*, array::from_fn};

use super::{super::pack::Panels, tile::Epilogue, unit::Unit};
use crate::kernels::{LANES, fits};

/// Multiplies the row `x` with packed weights.
#[inline(never)]
pub fn multiply<U: Unit, T, W>(x: &[T], panels: Panels, weights: &[W], epilogue: &mut impl Epilogue) {
    let steps = x.len() / U::INPUTS;
    fits(size_of::<T>() * U::INPUTS == 4 && panels.vectors() * steps * U::WEIGHT_BYTES <= size_of_val(weights));
    let vector = |v: usize| weights.as_ptr().cast::<u8>().wrapping_add(v * steps * U::WEIGHT_BYTES);
    let x = Row { x: x.as_ptr().cast(), steps };
    let grouped = panels.full() / U::GROUP * U::GROUP;
    for panel in (0..grouped).step_by(U::GROUP) {
        let (first, output) = (2 * panel, 2 * panel * LANES);
        match U::GROUP {
            6 => x.multiply::<U, 6, 2, 12, 1>(from_fn(|g| vector(first + 2 * g)), output, epilogue),
            _ => x.multiply::<U, 2, 2, 4, 2>(from_fn(|g| vector(first + 2 * g)), output, epilogue),
        }
    }
    for panel in grouped..panels.full() {
        let (w, output) = ([vector(2 * panel)], 2 * panel * LANES);
        if U::ANY_ORDER {
            x.multiply::<U, 1, 2, 2, 4>(w, output, epilogue);
        } else {
            x.multiply::<U, 1, 2, 2, 2>(w, output, epilogue);
        }
    }
    if panels.has_wide() {
        let (w, output) = ([vector(2 * panels.full())], 2 * panels.full() * LANES);
        if U::ANY_ORDER {
            x.multiply::<U, 1, 3, 3, 4>(w, output, epilogue);
        } else {
            x.multiply::<U, 1, 3, 3, 2>(w, output, epilogue);
        }
    }
}

/// Activation words.
struct Row {
    x: *const u8,
    steps: usize,
}

impl Row {
    /// G panels of P vectors (V in all), summed in S interleaved parts.
    #[inline(never)]
    fn multiply<U: Unit, const G: usize, const P: usize, const V: usize, const S: usize>(
        &self,
        w: [*const u8; G],
        output: usize,
        epilogue: &mut impl Epilogue,
    ) {
        let sums = self.parts::<U, G, P, S>(&w);
        let [start] = epilogue.start::<1, V>(0, output);
        let sums = from_fn(|v| U::plus(start[v], sums[v / P][v % P]));
        epilogue.finish::<1, V>(0, 0..1, output, &[sums]);
    }

    /// One function for every kind of output.
    #[inline(never)]
    #[allow(unsafe_code)]
    fn parts<U: Unit, const G: usize, const P: usize, const S: usize>(&self, w: &[*const u8; G]) -> [[v128; P]; G] {
        let (mut x, mut w) = (self.x, *w);
        let mut parts = [[[i32x4_splat(0); P]; G]; S];
        // Pointers that move on, so that each load is one of a constant distance.
        let step = |sums: &mut [[v128; P]; G], x: *const u8, w: &[*const u8; G], s: usize| {
            // SAFETY: as many steps are made as there are words in the row and, as `multiply` has checked, weights in
            // each panel.
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
}
