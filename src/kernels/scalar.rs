//! The specification: what every other variant must return, bit for bit.
//!
//! These functions trust their arguments' lengths (`kernels/mod.rs` checks them) only as far as a wrong one panics.

use super::{PANEL, PackedF32, PackedI8};

/// See [`super::gemm_f32`].
pub fn gemm_f32(x: &[f32], w: &PackedF32, bias: &[f32], out: &mut [f32]) {
    for (r, out) in out.chunks_exact_mut(w.outputs()).enumerate() {
        let x = &x[r * w.inputs()..(r + 1) * w.inputs()];
        for (j, (out, &bias)) in out.iter_mut().zip(bias).enumerate() {
            let column = w.panel(j / PANEL).iter().skip(j % PANEL).step_by(PANEL);
            *out = x.iter().zip(column).fold(bias, |sum, (x, w)| sum + x * w);
        }
    }
}

/// See [`super::gemm_u8i8`].
pub fn gemm_u8i8(x: &[u8], zero_points: &[u8], w: &PackedI8, out: &mut [i32]) {
    let rows = x.chunks_exact(w.stride()).zip(out.chunks_exact_mut(w.outputs()));
    for ((x, out), &zero_point) in rows.zip(zero_points) {
        for (j, out) in out.iter_mut().enumerate() {
            let product = |(k, &x): (usize, &u8)| (i32::from(x) - i32::from(zero_point)) * i32::from(w.weight(j, k));
            *out = x[..w.inputs()].iter().enumerate().map(product).sum();
        }
    }
}

/// See [`super::min_max`].
pub fn min_max(x: &[f32]) -> (f32, f32) {
    let Some((&first, rest)) = x.split_first() else { return (0.0, 0.0) };
    rest.iter().fold((first, first), |(min, max), &x| (if x < min { x } else { min }, if x > max { x } else { max }))
}

/// See [`super::quantize_u8`].
pub fn quantize_u8(x: &[f32], scale: f32, zero_point: u8, out: &mut [u8]) {
    for (out, x) in out.iter_mut().zip(x) {
        *out = ((x / scale).round_ties_even() + f32::from(zero_point)).clamp(0.0, 255.0) as u8;
    }
}

/// See [`super::standardize`].
pub fn standardize(x: &[f32], mean: &[f32], factor: &[f32], out: &mut [f32]) {
    for (x, out) in x.chunks_exact(mean.len()).zip(out.chunks_exact_mut(mean.len())) {
        for (((out, x), mean), factor) in out.iter_mut().zip(x).zip(mean).zip(factor) {
            *out = (x - mean) * factor;
        }
    }
}
