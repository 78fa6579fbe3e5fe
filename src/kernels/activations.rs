//! Rows of `u8` activations, stored as the path that will multiply them reads them.

use super::{DotPath, Scaling, active, fits};

/// Rows of quantized activations, kept between calls so that an inference allocates nothing.
///
/// Paths differ in what they store for an activation q with zero point z: q itself, q less 128 (the same bits as
/// `q ^ 0x80`), or the 16-bit difference q - z.
#[derive(Debug, Clone)]
pub struct Activations {
    path: DotPath,
    count: usize,
    stride: usize,
    narrow: Vec<u8>,
    wide: Vec<i16>,
    zero_points: Vec<u8>,
}

impl Default for Activations {
    fn default() -> Self {
        let (narrow, wide, zero_points) = Default::default();
        Self { path: DotPath::Scalar, count: 0, stride: 0, narrow, wide, zero_points }
    }
}

impl Activations {
    /// Makes room for `count` rows of `stride` values for `path`; what they hold is unspecified.
    pub fn reset(&mut self, path: DotPath, count: usize, stride: usize) {
        (self.path, self.count, self.stride) = (path, count, stride);
        if path.is_wide() {
            at_least(&mut self.wide, count * stride);
        } else {
            at_least(&mut self.narrow, count * stride);
        }
        at_least(&mut self.zero_points, count);
    }

    /// The path that can read them.
    pub fn path(&self) -> DotPath {
        self.path
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Values from one row to the next.
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Zero point of each row.
    pub fn zero_points(&self) -> &[u8] {
        &self.zero_points[..self.count]
    }

    /// Says that every row has this zero point.
    pub fn set_zero_point(&mut self, zero_point: u8) {
        self.zero_points[..self.count].fill(zero_point);
    }

    /// Quantizes `x` (finite; scaled first if asked for) into row `r`: `clamp(rne(x / scale) + zero_point, 0, 255)`, by
    /// division.
    ///
    /// # Panics
    /// When `x` is longer than a row, or the scaling of another length.
    pub fn quantize_row(&mut self, r: usize, x: &[f32], scaling: Option<Scaling>, scale: f32, zero_point: u8) {
        fits(x.len() <= self.stride && scaling.is_none_or(|s| (s.mean.len(), s.factor.len()) == (x.len(), x.len())));
        self.zero_points[r] = zero_point;
        let row = r * self.stride..r * self.stride + x.len();
        if self.path.is_wide() {
            active::quantize_i16(x, scaling, scale, zero_point, &mut self.wide[row]);
        } else {
            active::quantize_u8(x, scaling, scale, zero_point, self.path.flip(), &mut self.narrow[row]);
        }
    }

    /// Stores `q` as row `r`.
    pub fn set_row(&mut self, r: usize, q: &[u8], zero_point: u8) {
        self.zero_points[r] = zero_point;
        let row = r * self.stride..r * self.stride + q.len();
        if self.path.is_wide() {
            let difference = |q: &u8| i16::from(*q) - i16::from(zero_point);
            self.wide[row].iter_mut().zip(q).for_each(|(to, q)| *to = difference(q));
        } else {
            self.narrow[row].iter_mut().zip(q).for_each(|(to, q)| *to = q ^ self.path.flip());
        }
    }

    /// Row `r` as the integers it stands for.
    pub fn row(&self, r: usize) -> Vec<u8> {
        let row = r * self.stride..(r + 1) * self.stride;
        if self.path.is_wide() {
            let zero_point = i16::from(self.zero_points[r]);
            self.wide[row].iter().map(|d| (d + zero_point) as u8).collect()
        } else {
            self.narrow[row].iter().map(|q| q ^ self.path.flip()).collect()
        }
    }

    pub(super) fn copy_zero_points(&mut self, from: &Self) {
        self.zero_points[..self.count].copy_from_slice(from.zero_points());
    }

    pub(super) fn narrow(&self) -> &[u8] {
        &self.narrow[..self.count * self.stride]
    }

    pub(super) fn wide(&self) -> &[i16] {
        &self.wide[..self.count * self.stride]
    }

    pub(super) fn narrow_mut(&mut self) -> &mut [u8] {
        &mut self.narrow[..self.count * self.stride]
    }

    pub(super) fn wide_mut(&mut self) -> &mut [i16] {
        &mut self.wide[..self.count * self.stride]
    }
}

/// The first `len` values of `buffer`, grown if it is shorter; old values stay.
pub(crate) fn at_least<T: Copy + Default>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::default());
    }
    &mut buffer[..len]
}
