//! The kernels in 128-bit WebAssembly SIMD, bit for bit equal to [`super::scalar`].
//!
//! * [`tile`]: the register tile, generic over the instruction that multiplies ([`unit`]).
//! * `row`: a single row.
//! * `epilogue`: what is done with the sums.
//! * `binary`: values of one bit.
//! * `round`: rounding half to even.
//! * `rowwise`: ranges, rounding, scaling, pooling.
//! * [`ceiling`]: what the multipliers can do at most.

// Sums are named by row and vector throughout: an iterator for one of the two would hide the tile.
#![allow(clippy::needless_range_loop)]

mod binary;
pub mod ceiling;
mod epilogue;
mod round;
mod row;
mod rowwise;
pub mod tile;
pub mod unit;

use super::{
    Activations, DotPath, Operand, PackedF32, PackedI8, Rounding, Rows,
    sink::{Part, To},
};
pub use binary::{binarize, multiply_bits};
use epilogue::{Floats, Integers, Narrow, Real, Wide};
pub use rowwise::{
    max_pool_f32, max_pool_i8, max_pool_i16, max_pool_u8, min_max, quantize_i16, quantize_u8, standardize,
    standardize_range,
};
use tile::Epilogue;
use unit::{MulAdd, Pairs, Unit};

/// Inputs after which float sums are put down and the next inputs of all rows are read: the weights of a panel (512 · 8 ·
/// 4 bytes = 16 KiB) then stay in the first cache. The order of a sum does not change.
const BLOCK: usize = 512;

/// See [`super::multiply_f32`].
pub fn multiply_f32(x: &Rows<f32>, w: &PackedF32, rounding: Rounding, relu: bool, out: &mut [f32]) {
    match rounding {
        #[cfg(target_feature = "relaxed-simd")]
        Rounding::Fused => multiply_floats::<super::relaxed::FusedMulAdd>(x, w, relu, out),
        _ => multiply_floats::<MulAdd>(x, w, relu, out),
    }
}

fn multiply_floats<U: Unit>(x: &Rows<f32>, w: &PackedF32, relu: bool, out: &mut [f32]) {
    if let Some(x) = x.single() {
        return row::multiply::<U, _, _>(x, w.panels(), w.weights(), &mut Floats::new(w, relu, false, out));
    }
    let inputs = x.segment();
    let block = if x.segments() > 1 { inputs } else { BLOCK };
    // Once at least: without any input the bias remains.
    for first in (0..inputs.max(1)).step_by(block) {
        let last = inputs.min(first + block);
        let mut floats = Floats::new(w, relu && last == inputs, first > 0, out);
        tile::multiply::<U, _, _>(x, w.panels(), w.weights(), first..last, &mut floats);
    }
}

/// See [`super::multiply`].
pub(super) fn multiply(x: &Operand, w: &PackedI8, part: &mut Part) {
    match (w.path(), x) {
        (DotPath::Pairs, Operand::Wide(x)) => multiply_integers::<Pairs>(*x, w, part),
        #[cfg(target_feature = "relaxed-simd")]
        (DotPath::Unsigned | DotPath::Signed, Operand::Narrow(x)) => {
            multiply_integers::<super::relaxed::RelaxedDot>(*x, w, part);
        }
        _ => unreachable!("this build has no such path"),
    }
}

/// See [`super::multiply`]: the same of a single row.
#[inline(always)]
pub(super) fn multiply_row(x: &Activations, w: &PackedI8, part: &mut Part) {
    match w.path() {
        DotPath::Pairs => multiply_integers::<Pairs>(&x.wide()[..w.stride()], w, part),
        #[cfg(target_feature = "relaxed-simd")]
        DotPath::Unsigned | DotPath::Signed => {
            multiply_integers::<super::relaxed::RelaxedDot>(&x.narrow()[..w.stride()], w, part);
        }
        _ => unreachable!("this build has no such path"),
    }
}

/// [`multiply`] of bytes by the instructions of `U`.
pub(super) fn multiply_bytes<U: Unit>(x: &Operand, w: &PackedI8, part: &mut Part) {
    let Operand::Narrow(x) = x else { unreachable!("16-bit activations have one path only") };
    multiply_integers::<U>(*x, w, part);
}

/// [`multiply_row`] of bytes by the instructions of `U`.
pub(super) fn multiply_row_bytes<U: Unit>(x: &Activations, w: &PackedI8, part: &mut Part) {
    multiply_integers::<U>(&x.narrow()[..w.stride()], w, part);
}

/// The product by the instructions of `U`, which must be those of the path that `w` and `x` are stored for.
#[inline(always)]
fn multiply_integers<U: Unit>(x: impl Left, w: &PackedI8, part: &mut Part) {
    let (stride, zero_points) = (part.stride, part.zero_points);
    match &mut part.to {
        To::Sums(out) => x.multiply::<U>(w, &mut Integers::new(w, zero_points, out)),
        To::Floats(to, scales, out) => x.multiply::<U>(w, &mut Real::new(w, zero_points, to, scales, out)),
        // The next layer takes the same path: bytes from bytes, 16 bits from 16 bits.
        To::Narrow(to, flip, out) if U::INPUTS == 4 => {
            x.multiply::<U>(w, &mut Narrow::new(w, to, *flip, stride, out));
        }
        To::Wide(to, out) if U::INPUTS == 2 => x.multiply::<U>(w, &mut Wide::new(w, to, stride, out)),
        To::Narrow(..) | To::Wide(..) => unreachable!("activations of another path"),
    }
}

/// A left operand: several rows, or one.
trait Left {
    fn multiply<U: Unit>(self, w: &PackedI8, epilogue: &mut impl Epilogue);
}

impl<T> Left for Rows<'_, T> {
    #[inline(always)]
    fn multiply<U: Unit>(self, w: &PackedI8, epilogue: &mut impl Epilogue) {
        tile::multiply::<U, _, _>(&self, w.panels(), w.weights(), 0..self.segment(), epilogue);
    }
}

impl<T> Left for &[T] {
    #[inline(always)]
    fn multiply<U: Unit>(self, w: &PackedI8, epilogue: &mut impl Epilogue) {
        row::multiply::<U, _, _>(self, w.panels(), w.weights(), epilogue);
    }
}
