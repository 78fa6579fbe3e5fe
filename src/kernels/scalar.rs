//! The specification: what every other variant must return, bit for bit.

use super::{
    Activations, BitRows, DotPath, LANES, Operand, PackedBits, PackedF32, PackedI8, Rounding, Rows, Scaling,
    sink::{Part, To, of_row},
};

/// See [`super::multiply_f32`]. A matrix is summed in ascending order from the bias on; a single row in two
/// parts, the even and the odd inputs, `bias + (even + odd)`, for a chain of additions waits for each of them.
pub fn multiply_f32(x: &Rows<f32>, w: &PackedF32, _: Rounding, relu: bool, out: &mut [f32]) {
    let single = x.single().is_some();
    for (r, out) in out.chunks_exact_mut(w.outputs()).enumerate() {
        for (first, vectors) in w.panels().iter() {
            let panel = &w.weights()[first * LANES * w.inputs()..][..vectors * LANES * w.inputs()];
            let (first, bias) = (first * LANES, &w.bias()[first * LANES..]);
            match vectors {
                2 => panel_f32::<8>(x, r, panel, bias, single, relu, &mut out[first..]),
                _ => panel_f32::<12>(x, r, panel, bias, single, relu, &mut out[first..]),
            }
        }
    }
}

fn panel_f32<const N: usize>(
    x: &Rows<f32>,
    r: usize,
    panel: &[f32],
    bias: &[f32],
    single: bool,
    relu: bool,
    out: &mut [f32],
) {
    let mut sums = [[0.0; N]; 2];
    if !single {
        sums[0].copy_from_slice(&bias[..N]);
    }
    for (k, (x, weights)) in x.row(r).flatten().zip(panel.as_chunks::<N>().0).enumerate() {
        let part = if single { k % 2 } else { 0 };
        sums[part].iter_mut().zip(weights).for_each(|(sum, w)| *sum += x * w);
    }
    for (j, out) in out.iter_mut().take(N).enumerate() {
        let [even, odd] = sums.map(|part| part[j]);
        let sum = if single { bias[j] + (even + odd) } else { even };
        *out = if relu && sum < 0.0 { 0.0 } else { sum };
    }
}

/// See [`super::multiply`].
pub(super) fn multiply(x: &Operand, w: &PackedI8, part: &mut Part) {
    let (Operand::Narrow(x), DotPath::Scalar) = (x, w.path()) else { unreachable!("weights of another path") };
    for r in 0..x.count() {
        let zero_point = i32::from(of_row(part.zero_points, r));
        for j in 0..w.outputs() {
            let mut sum = 0;
            for (x, w) in x.row(r).zip(w.weights()[j * w.stride()..].chunks_exact(x.segment())) {
                sum += x.iter().zip(w).map(|(&x, &w)| i32::from(x) * i32::from(w)).sum::<i32>();
            }
            let centred = || sum - zero_point.wrapping_mul(w.row_sums()[j]);
            let at = r * part.stride + j;
            match &mut part.to {
                To::Sums(out) => out[at] = centred(),
                To::Floats(to, scales, out) => {
                    let real = match &to.bias {
                        Some(bias) => centred() as f32 * (of_row(scales, r) * to.scales[j]) + bias[j],
                        None => sum.wrapping_add(to.start[j]) as f32 * to.scales[j],
                    };
                    out[at] = if to.relu && real < 0.0 { 0.0 } else { real };
                }
                To::Narrow(to, _, out) => {
                    let real = (sum.wrapping_add(to.start[j]) as f32 * to.multipliers[j]).round_ties_even();
                    out[at] = (real + f32::from(to.zero_point)).clamp(f32::from(to.low), 255.0) as u8;
                }
                To::Wide(..) => unreachable!("plain loops write bytes"),
            }
        }
    }
}

/// See [`super::multiply`]: the same of a single row.
pub(super) fn multiply_row(x: &Activations, w: &PackedI8, part: &mut Part) {
    multiply(&Operand::Narrow(Rows::dense(x.narrow(), 1, w.stride(), x.stride())), w, part);
}

/// See [`super::multiply_bits`].
pub fn multiply_bits(x: &BitRows, w: &PackedBits, relu: bool, out: &mut [f32]) {
    let inputs = x.inputs() as i32;
    for (r, out) in out.chunks_exact_mut(w.outputs().max(1)).enumerate() {
        for (j, out) in out.iter_mut().enumerate() {
            let words = x.row(r).iter().zip(w.rows().row(j));
            let different: u32 = words.map(|(x, w)| (x ^ w).count_ones()).sum();
            let real = (inputs - 2 * different as i32) as f32 * w.factors()[j] + w.addends()[j];
            *out = if relu && real < 0.0 { 0.0 } else { real };
        }
    }
}

/// `out`: a bit for each value of `x`, 1 where it is `threshold` or more; the others of `out` stay as they are.
pub fn binarize(x: &[f32], threshold: f32, out: &mut [u64]) {
    for (x, out) in x.chunks(u64::BITS as usize).zip(out) {
        *out = x.iter().rev().fold(0, |word, &x| word << 1 | u64::from(x >= threshold));
    }
}

/// See [`super::min_max`].
pub fn min_max(x: &[f32]) -> (f32, f32) {
    let Some((&first, rest)) = x.split_first() else { return (0.0, 0.0) };
    rest.iter().fold((first, first), |(min, max), &x| (if x < min { x } else { min }, if x > max { x } else { max }))
}

/// `clamp(rne(x / scale) + zero_point, 0, 255) ^ flip`, of `x` scaled first; see [`super::Activations`].
pub fn quantize_u8(x: &[f32], scaling: Option<Scaling>, scale: f32, zero_point: u8, flip: u8, out: &mut [u8]) {
    for (i, (out, &x)) in out.iter_mut().zip(x).enumerate() {
        let x = scaling.map_or(x, |scaling| scaling.apply(x, i));
        *out = ((x / scale).round_ties_even() + f32::from(zero_point)).clamp(0.0, 255.0) as u8 ^ flip;
    }
}

/// `clamp(rne(x / scale), -zero_point, 255 - zero_point)`, of `x` scaled first; see [`super::Activations`].
pub fn quantize_i16(x: &[f32], scaling: Option<Scaling>, scale: f32, zero_point: u8, out: &mut [i16]) {
    let low = -f32::from(zero_point);
    for (i, (out, &x)) in out.iter_mut().zip(x).enumerate() {
        let x = scaling.map_or(x, |scaling| scaling.apply(x, i));
        *out = (x / scale).round_ties_even().max(low).min(low + 255.0) as i16;
    }
}

/// See [`super::standardize`].
pub fn standardize(x: &[f32], scaling: Scaling, out: &mut [f32]) {
    out.iter_mut().zip(x).enumerate().for_each(|(i, (out, &x))| *out = scaling.apply(x, i));
}

/// See [`super::standardize_range`].
pub fn standardize_range(x: &[f32], scaling: Scaling, out: &mut [f32]) -> (f32, f32) {
    standardize(x, scaling, out);
    min_max(out)
}

/// See [`super::max_pool_f32`].
pub fn max_pool_f32(x: &[f32], shape: [usize; 3], out: &mut [f32]) {
    max_pool(x, shape, out, |a, b| if a < b { b } else { a });
}

/// See [`super::max_pool`].
pub fn max_pool_u8(x: &[u8], shape: [usize; 3], out: &mut [u8]) {
    max_pool(x, shape, out, u8::max);
}

/// The same of bytes that stand for themselves less 128.
pub fn max_pool_i8(x: &[u8], shape: [usize; 3], out: &mut [u8]) {
    max_pool(x, shape, out, |a, b| (a as i8).max(b as i8) as u8);
}

/// The same of 16-bit differences.
pub fn max_pool_i16(x: &[i16], shape: [usize; 3], out: &mut [i16]) {
    max_pool(x, shape, out, i16::max);
}

fn max_pool<T: Copy>(x: &[T], [height, width, channels]: [usize; 3], out: &mut [T], larger: impl Fn(T, T) -> T) {
    let line = width * channels;
    for (y, out) in out.chunks_exact_mut(width / 2 * channels).enumerate().take(height / 2) {
        let (upper, lower) = x[2 * y * line..][..2 * line].split_at(line);
        for (x, out) in out.chunks_exact_mut(channels).enumerate() {
            let [upper, lower] = [upper, lower].map(|row| row[2 * x * channels..][..2 * channels].split_at(channels));
            for (c, out) in out.iter_mut().enumerate() {
                *out = larger(larger(upper.0[c], upper.1[c]), larger(lower.0[c], lower.1[c]));
            }
        }
    }
}
