//! The left operand of a product: where each output row finds its inputs.
//!
//! A fully connected layer reads one run of inputs for each image. A 3x3 convolution reads, for each pixel, three runs of
//! three pixels each from an image with a border: with the channels of a pixel side by side (height, width, channels) that
//! is three stretches of memory, so nothing has to be copied into a matrix first.

use super::fits;

/// Rows of inputs, each in one or more segments.
#[derive(Debug)]
pub struct Rows<'a, T> {
    data: &'a [T],
    count: usize,
    stride: usize,
    offsets: &'a [u32],
    segments: usize,
    segment_stride: usize,
    segment: usize,
}

impl<'a, T> Rows<'a, T> {
    /// `count` rows of `inputs` values each, `stride` values apart.
    ///
    /// # Panics
    /// When `data` is too short.
    pub fn dense(data: &'a [T], count: usize, inputs: usize, stride: usize) -> Self {
        fits(inputs <= stride && (count == 0 || (count - 1) * stride + inputs <= data.len()));
        Self { data, count, stride, offsets: &[], segments: 1, segment_stride: 0, segment: inputs }
    }

    /// The neighbourhood of each pixel of `data`, one image with its border.
    ///
    /// # Panics
    /// When `data` is shorter than [`Patches::bordered_len`].
    pub fn patches(data: &'a [T], patches: &'a Patches) -> Self {
        fits(data.len() >= patches.bordered_len());
        Self {
            data,
            count: patches.offsets.len(),
            stride: 0,
            offsets: &patches.offsets,
            segments: Patches::SIDE,
            segment_stride: patches.row(),
            segment: patches.segment,
        }
    }

    /// The row, when there is only one and it is in one segment.
    pub(super) fn single(&self) -> Option<&'a [T]> {
        (self.count == 1 && self.segments == 1).then(|| &self.data[..self.segment])
    }

    /// Number of rows.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Values in a row, over all segments.
    pub fn inputs(&self) -> usize {
        self.segments * self.segment
    }

    /// Number of segments of a row.
    pub(super) fn segments(&self) -> usize {
        self.segments
    }

    /// Values in a segment.
    pub(super) fn segment(&self) -> usize {
        self.segment
    }

    /// Values from one segment's start to the next one's.
    pub(super) fn segment_stride(&self) -> usize {
        self.segment_stride
    }

    /// Where row `r` starts: at most what the constructor has checked when `r < count`.
    pub(super) fn start(&self, r: usize) -> usize {
        debug_assert!(r < self.count);
        if self.offsets.is_empty() { r * self.stride } else { self.offsets[r] as usize }
    }

    /// The values that the starts count from.
    pub(super) fn data(&self) -> &'a [T] {
        self.data
    }

    /// The segments of row `r`.
    pub(super) fn row(&self, r: usize) -> impl Iterator<Item = &'a [T]> {
        let (data, start, segment, stride) = (self.data, self.start(r), self.segment, self.segment_stride);
        (0..self.segments).map(move |s| &data[start + s * stride..][..segment])
    }
}

impl<T> Clone for Rows<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Rows<'_, T> {}

/// The geometry of a 3x3 convolution with a border of one pixel, so that it keeps the size of the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patches {
    height: usize,
    width: usize,
    channels: usize,
    segment: usize,
    offsets: Vec<u32>,
}

impl Patches {
    /// Side of the neighbourhood.
    pub const SIDE: usize = 3;

    /// For images of shape `[height, width, channels]`; a run of three pixels is counted as a multiple of `align` values.
    pub fn new([height, width, channels]: [usize; 3], align: usize) -> Self {
        let row = (width + 2) * channels;
        let offsets = (0..height).flat_map(|y| (0..width).map(move |x| (y * row + x * channels) as u32)).collect();
        Self { height, width, channels, segment: (Self::SIDE * channels).next_multiple_of(align), offsets }
    }

    /// Values of an image.
    pub fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Pixels of an image.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }

    /// Values of an image with its border, and what the last run may read beyond it.
    pub fn bordered_len(&self) -> usize {
        (self.height + 2) * self.row() + self.segment - Self::SIDE * self.channels
    }

    /// Values of a neighbourhood as the kernels count it.
    pub fn inputs(&self) -> usize {
        Self::SIDE * self.segment
    }

    /// Copies `image` into the middle of `bordered`, whose border is `fill` already.
    pub fn place<T: Copy>(&self, image: &[T], bordered: &mut [T]) {
        let line = self.width * self.channels;
        for (from, to) in image.chunks_exact(line).zip(bordered.chunks_exact_mut(self.row()).skip(1)) {
            to[self.channels..self.channels + line].copy_from_slice(from);
        }
    }

    /// Writes the neighbourhood of each pixel of `bordered` to `out`, `[pixels, inputs]`.
    pub fn gather<T: Copy>(&self, bordered: &[T], out: &mut [T]) {
        for (pixel, out) in out.chunks_exact_mut(self.inputs()).enumerate() {
            let start = self.offsets[pixel] as usize;
            for (s, out) in out.chunks_exact_mut(self.segment).enumerate() {
                let from = &bordered[start + s * self.row()..][..self.segment];
                // Eight at once: engines call a function for a copy whose length is not known.
                let ((from, from_rest), (to, to_rest)) = (from.as_chunks::<8>(), out.as_chunks_mut::<8>());
                from.iter().zip(to).for_each(|(from, to)| *to = *from);
                from_rest.iter().zip(to_rest).for_each(|(from, to)| *to = *from);
            }
        }
    }

    /// Spreads filters `[outputs][3][3][channels]` to `[outputs][inputs]`, zeros where a run is longer than three pixels.
    pub fn spread<T: Copy + Default>(&self, filters: &[T]) -> Vec<T> {
        let run = Self::SIDE * self.channels;
        let mut spread = vec![T::default(); filters.len() / run * self.segment];
        spread
            .chunks_exact_mut(self.segment)
            .zip(filters.chunks_exact(run))
            .for_each(|(to, from)| to[..run].copy_from_slice(from));
        spread
    }

    fn row(&self) -> usize {
        (self.width + 2) * self.channels
    }
}
