//! What becomes of the exact integer sums: the fused end of an integer layer.
//!
//! The zero point z of the activations is taken off here: Σ (q - z) w = Σ q w - z Σ w, and Σ w is known for each output.

use super::{Activations, DotPath, PackedI8};

/// Per image and output: `f32(sum) · f32(x_scale · scale) + bias` or, with fixed ranges, `f32(sum + bias) · scale`; then
/// ReLU if wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Dequantize {
    /// With fixed ranges the bias, less what the zero point of the activations takes off; else 0.
    pub(super) start: Vec<i32>,
    pub(super) scales: Vec<f32>,
    /// With ranges of each image's own.
    pub(super) bias: Option<Vec<f32>>,
    pub(super) relu: bool,
}

impl Dequantize {
    /// With a bias in fp32 and one scale for each output; the activations' scale comes with each image.
    pub fn new(scales: &[f32], bias: &[f32], relu: bool) -> Self {
        Self { start: pad(&vec![0; bias.len()]), scales: pad(scales), bias: Some(pad(bias)), relu }
    }

    /// With a bias in i32 and a scale for each output of `w`, both at the scale of the sums; `x_zero_point`: that of all
    /// activations.
    pub fn with_fixed_range(w: &PackedI8, x_zero_point: u8, scales: &[f32], bias: &[i32], relu: bool) -> Self {
        Self { start: pad(&start(w, x_zero_point, bias)), scales: pad(scales), bias: None, relu }
    }
}

/// Per output: `clamp(rne(f32(sum + bias) · multiplier) + zero_point, low, high)`, the next layer's `u8`.
#[derive(Debug, Clone, PartialEq)]
pub struct Requantize {
    /// Bias, less what the zero point of the activations takes off.
    pub(super) start: Vec<i32>,
    pub(super) multipliers: Vec<f32>,
    pub(super) low: u8,
    pub(super) zero_point: u8,
    bounded: bool,
}

impl Requantize {
    /// `bias` and `multipliers`: one for each output of `w`; `x_zero_point`: that of all activations; results lie in
    /// `low..=255` (`low` is `zero_point` for a ReLU, else 0).
    pub fn new(w: &PackedI8, x_zero_point: u8, bias: &[i32], multipliers: &[f32], zero_point: u8, low: u8) -> Self {
        let start = start(w, x_zero_point, bias);
        let weight = |j: usize| -> f64 { (0..w.inputs()).map(|k| f64::from(w.weight(j, k)).abs()).sum() };
        let largest = |j: usize| (weight(j) * 255.0 + f64::from(start[j]).abs()) * f64::from(multipliers[j]);
        let bounded = (0..bias.len()).all(|j| largest(j) < Self::BOUND);
        Self { start: pad(&start), multipliers: pad(multipliers), low, zero_point, bounded }
    }

    /// Far beyond any u8, and far within the range in which the SIMD kernels round.
    const BOUND: f64 = (1 << 20) as f64;

    /// Whether no sum, multiplied, can leave ±2^20: then it needs no clamp before it is rounded.
    pub(super) fn is_bounded(&self) -> bool {
        self.bounded
    }

    /// The zero point of the results.
    pub fn zero_point(&self) -> u8 {
        self.zero_point
    }
}

/// What sums start from when the activations' zero point is known beforehand.
fn start(w: &PackedI8, x_zero_point: u8, bias: &[i32]) -> Vec<i32> {
    let taken_off = correction(w.path(), x_zero_point);
    bias.iter().zip(w.row_sums()).map(|(b, sum)| b.wrapping_sub(taken_off.wrapping_mul(*sum))).collect()
}

/// Where the sums go.
#[derive(Debug)]
pub enum Sink<'a> {
    /// The sums themselves, `[rows, outputs]`.
    Sums(&'a mut [i32]),
    /// Real numbers `[rows, outputs]`; the scale of each image's activations, or one for all.
    Floats(&'a Dequantize, &'a [f32], &'a mut [f32]),
    /// The next layer's activations, one row for each row or image.
    Activations(&'a Requantize, &'a mut Activations),
}

/// The rows of a [`Sink`] that one call of a kernel fills.
pub(super) struct Part<'a> {
    pub(super) to: To<'a>,
    /// Zero points of the activations, one for each row or one for all.
    pub(super) zero_points: &'a [u8],
    /// Values from one row of the output to the next.
    pub(super) stride: usize,
}

pub(super) enum To<'a> {
    Sums(&'a mut [i32]),
    Floats(&'a Dequantize, &'a [f32], &'a mut [f32]),
    Narrow(&'a Requantize, u8, &'a mut [u8]),
    Wide(&'a Requantize, &'a mut [i16]),
}

impl<'a> Part<'a> {
    /// `outputs` values a row.
    #[inline(always)]
    pub(super) fn whole(sink: Sink<'a>, zero_points: &'a [u8], outputs: usize) -> Self {
        let (to, stride) = match sink {
            Sink::Sums(out) => (To::Sums(out), outputs),
            Sink::Floats(dequantize, scales, out) => (To::Floats(dequantize, scales, out), outputs),
            Sink::Activations(requantize, out) => {
                let stride = out.stride();
                (To::activations(requantize, out, 0..out.count()), stride)
            }
        };
        Self { to, zero_points, stride }
    }

    /// Image `n` of a convolution with `pixels` pixels of `outputs` channels.
    pub(super) fn image(
        sink: &'a mut Sink<'_>,
        zero_points: &'a [u8],
        n: usize,
        pixels: usize,
        outputs: usize,
    ) -> Self {
        let values = n * pixels * outputs..(n + 1) * pixels * outputs;
        let to = match sink {
            Sink::Sums(out) => To::Sums(&mut out[values]),
            Sink::Floats(dequantize, scales, out) => To::Floats(dequantize, one_of(scales, n), &mut out[values]),
            Sink::Activations(requantize, out) => To::activations(requantize, out, n..n + 1),
        };
        Self { to, zero_points: &zero_points[n..=n], stride: outputs }
    }
}

impl<'a> To<'a> {
    fn activations(requantize: &'a Requantize, out: &'a mut Activations, rows: core::ops::Range<usize>) -> Self {
        let values = rows.start * out.stride()..rows.end * out.stride();
        if out.path().is_wide() {
            Self::Wide(requantize, &mut out.wide_mut()[values])
        } else {
            Self::Narrow(requantize, out.path().flip(), &mut out.narrow_mut()[values])
        }
    }
}

/// The one of row `n`, of one for each or one for all.
fn one_of<T>(values: &[T], n: usize) -> &[T] {
    if values.len() == 1 { values } else { &values[n..=n] }
}

/// One for each row, or one for all.
pub(super) fn of_row<T: Copy>(values: &[T], r: usize) -> T {
    values[if values.len() == 1 { 0 } else { r }]
}

/// The zero point as the stored activations have it.
pub(super) fn correction(path: DotPath, zero_point: u8) -> i32 {
    match path {
        DotPath::Scalar | DotPath::Unsigned => i32::from(zero_point),
        DotPath::Signed => i32::from(zero_point) - 128,
        DotPath::Pairs => 0,
    }
}

fn pad<T: Copy + Default>(values: &[T]) -> Vec<T> {
    let mut padded = values.to_vec();
    padded.resize(super::pack::padded(values.len()), T::default());
    padded
}
